//! The contract's table of close codes, written once.

/// Why haggle ends a WebSocket (RFC 6455 section 7.4, and docs/protocol.md for what the client does).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// The client asked for it.
    Normal,
    /// haggle shuts down.
    GoingAway,
    /// The client broke RFC 6455.
    Protocol,
    /// Data of a kind that this wire does not take, such as binary frames on the plain wire.
    Unsupported,
    /// Text that is not UTF-8.
    InvalidPayload,
    /// A message over the transport's limit.
    TooBig,
    /// A fault of haggle's own.
    InternalError,
    /// haggle restarts: reconnect.
    Restart,
    /// The token has expired.
    TokenExpired,
    /// Removed: don't reconnect.
    Forbidden,
    /// The client does not read what it asked for.
    TooSlow,
    /// The client sends more than it may, again and again.
    Flooding,
}

impl CloseCode {
    /// Every code, for the tables of tests and documentation.
    pub const ALL: [Self; 12] = [
        Self::Normal,
        Self::GoingAway,
        Self::Protocol,
        Self::Unsupported,
        Self::InvalidPayload,
        Self::TooBig,
        Self::InternalError,
        Self::Restart,
        Self::TokenExpired,
        Self::Forbidden,
        Self::TooSlow,
        Self::Flooding,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::Protocol => 1002,
            Self::Unsupported => 1003,
            Self::InvalidPayload => 1007,
            Self::TooBig => 1009,
            Self::InternalError => 1011,
            Self::Restart => 1012,
            Self::TokenExpired => 4001,
            Self::Forbidden => 4003,
            Self::TooSlow => 4008,
            Self::Flooding => 4029,
        }
    }
}
