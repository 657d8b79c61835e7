//! What a client can do wrong.

use thiserror::Error;

use super::CONTROL_BYTES_MAX;
use crate::error::CloseCode;

/// How a client broke the protocol or a limit. The connection ends with [`FrameError::close_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A bit for extensions, and none was agreed on.
    #[error("a reserved bit is set and no extension was agreed on")]
    ReservedBits,
    /// An opcode without a meaning.
    #[error("opcode {0} is reserved")]
    ReservedOpcode(u8),
    /// A client must mask every frame (section 5.1).
    #[error("a client's frame must be masked")]
    Unmasked,
    /// A ping, pong or close in several fragments.
    #[error("a control frame must not be fragmented")]
    FragmentedControl,
    /// A ping, pong or close with a long payload.
    #[error("a control frame must not be longer than {CONTROL_BYTES_MAX} bytes")]
    LongControl,
    /// A continuation, and nothing to continue.
    #[error("a continuation came without a message to continue")]
    NothingToContinue,
    /// A new message inside a fragmented one.
    #[error("a new message began before the last one was complete")]
    Interleaved,
    /// A length in more bytes than it needs, or a 64-bit one with its top bit set (section 5.2).
    #[error("the length is not encoded in the fewest bytes")]
    LengthEncoding,
    /// A message over [`FrameLimits::message_bytes_max`](super::FrameLimits::message_bytes_max).
    #[error("a message must not be longer than {bytes_max} bytes")]
    TooBig { bytes_max: usize },
    /// A message in more frames than [`FrameLimits::fragments_max`](super::FrameLimits::fragments_max).
    #[error("a message must not have more than {fragments_max} fragments")]
    TooManyFragments { fragments_max: usize },
    /// A text, or the reason of a close, that is not UTF-8.
    #[error("the text is not UTF-8")]
    InvalidUtf8,
    /// A close frame of one byte: half a code.
    #[error("the payload of a close must be empty or begin with a code of two bytes")]
    HalfCloseCode,
    /// A close code that must not be sent (section 7.4).
    #[error("close code {0} must not be sent")]
    InvalidCloseCode(u16),
}

impl FrameError {
    /// What the client receives.
    #[must_use]
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::TooBig { .. } | Self::TooManyFragments { .. } => CloseCode::TooBig,
            Self::InvalidUtf8 => CloseCode::InvalidPayload,
            Self::ReservedBits
            | Self::ReservedOpcode(_)
            | Self::Unmasked
            | Self::FragmentedControl
            | Self::LongControl
            | Self::NothingToContinue
            | Self::Interleaved
            | Self::LengthEncoding
            | Self::HalfCloseCode
            | Self::InvalidCloseCode(_) => CloseCode::Protocol,
        }
    }
}
