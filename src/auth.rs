//! Identity: user tokens, room tokens and the service key.
//!
//! A [`Verifier`] is made once from the configuration and shared by every worker; a token goes through these steps,
//! each of which ends it with an [`AuthError`]:
//!
//! 1. [`find_token`] takes it from the handshake, and refuses a handshake with two different ones;
//! 2. its size, before any other work;
//! 3. its header: the algorithm must be the configured key's own, whatever the token would like;
//! 4. its signature;
//! 5. its claims, by the [`Clock`](crate::clock::Clock) that the rest of haggle lives by.
//!
//! `jsonwebtoken` is used in this folder only, and only for keys and signatures: times are checked here, against `Clock`.

pub mod image_urls;
mod jwks;
pub mod jwt;
pub mod key;
pub mod room_token;
pub mod service_key;
mod token_parts;
pub mod token_source;
pub mod vapid;
pub mod webhook_signature;

#[cfg(test)]
mod fixtures;

use thiserror::Error;

pub use image_urls::ImageUrls;
pub use jwks::{Jwks, JwksError, JwksState};
pub use jwt::{Identity, LEEWAY_MS, Signer, Verifier};
pub use key::KeyError;
pub use room_token::RoomTokens;
pub use service_key::{ServiceKey, ServiceKeyTooShort};
pub use token_parts::TOKEN_BYTES_MAX;
pub use token_source::{bearer, find_token, only_one};
pub use vapid::VapidKey;

use crate::error::{ChatError, ErrorCode};

/// Why a caller's identity is refused, or can't be verified now.
///
/// The sentences go to the client as they stand. None holds any part of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum AuthError {
    /// The request carries no token.
    #[error("a token is missing: send `Authorization: Bearer <token>`")]
    Missing,
    /// Two different tokens in one handshake: which one counts can't be known.
    #[error("two different tokens came in one handshake: send one")]
    TwoTokens,
    /// A `Sec-WebSocket-Protocol` that can't be read, or one with a token and without `haggle.v1` to answer with.
    #[error("`Sec-WebSocket-Protocol` must be `haggle.v1, bearer.<token>`")]
    BadSubprotocol,
    /// Not three parts of base64url and JSON, over the size limit, or a claim is missing or of the wrong type.
    #[error(
        "the token can't be read: it must be a signed JWT of at most 8192 bytes with `sub` (1 to 128 characters) and `exp` (a number)"
    )]
    Malformed,
    /// The id that stands for the marketplace itself.
    #[error("the token's `sub` is `system`, which is reserved for the marketplace itself: sign it for a user")]
    ReservedUser,
    /// The header names another algorithm than the configured key's.
    #[error("the token is signed with another algorithm than this server accepts: sign it with the configured key's")]
    WrongAlgorithm,
    /// A token of another kind, such as a room token, where a user's is needed.
    #[error("this is not a user's token: sign in with the one that your marketplace gave you")]
    WrongKind,
    /// The signature is not the configured key's.
    #[error("the token's signature does not match: get a new token from your marketplace")]
    BadSignature,
    /// No key of the JWKS fits the token.
    #[error("the token is signed with a key that this server does not know: get a new token from your marketplace")]
    UnknownKey,
    /// The JWKS could not be fetched, so the token can't be judged.
    #[error("tokens can't be checked right now, try again in a moment")]
    KeysUnavailable,
    /// `exp` is past.
    #[error("the token has expired: get a new one and send it")]
    Expired,
    /// `nbf` is in the future.
    #[error("the token is not valid yet: check the clock of the machine that made it")]
    NotYetValid,
    /// `iss` is not the configured one.
    #[error("the token's `iss` is not the issuer that this server accepts")]
    WrongIssuer,
    /// `aud` does not hold the configured one.
    #[error("the token's `aud` does not name this server")]
    WrongAudience,
    /// Under `room-token`: none, or not one for this room and this user.
    #[error("a room token for this room is needed: get one from `POST /api/v1/rooms/{{id}}/token`")]
    RoomToken,
    /// Under `room-token`: its five minutes have passed.
    #[error("the room token has expired: get a new one from `POST /api/v1/rooms/{{id}}/token`")]
    RoomTokenExpired,
}

impl AuthError {
    /// Every error, for the tables of tests and metrics.
    pub const ALL: [Self; 16] = [
        Self::Missing,
        Self::TwoTokens,
        Self::BadSubprotocol,
        Self::Malformed,
        Self::ReservedUser,
        Self::WrongAlgorithm,
        Self::WrongKind,
        Self::BadSignature,
        Self::UnknownKey,
        Self::KeysUnavailable,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongIssuer,
        Self::WrongAudience,
        Self::RoomToken,
        Self::RoomTokenExpired,
    ];

    /// The code that the client receives.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Missing
            | Self::TwoTokens
            | Self::BadSubprotocol
            | Self::Malformed
            | Self::ReservedUser
            | Self::WrongAlgorithm
            | Self::WrongKind
            | Self::BadSignature
            | Self::UnknownKey
            | Self::NotYetValid
            | Self::WrongIssuer
            | Self::WrongAudience => ErrorCode::Unauthenticated,
            Self::Expired | Self::RoomTokenExpired => ErrorCode::TokenExpired,
            Self::RoomToken => ErrorCode::Forbidden,
            Self::KeysUnavailable => ErrorCode::Unavailable,
        }
    }

    /// Whether only a change of how tokens are signed, or of the configuration, helps against it.
    #[must_use]
    pub const fn is_of_the_signer(self) -> bool {
        let is_of_the_handshake = matches!(self, Self::Missing | Self::TwoTokens | Self::BadSubprotocol);
        matches!(self.code(), ErrorCode::Unauthenticated) && !is_of_the_handshake
    }

    /// A short name for a metric's label and for a log line.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::TwoTokens => "two_tokens",
            Self::BadSubprotocol => "bad_subprotocol",
            Self::Malformed => "malformed",
            Self::ReservedUser => "reserved_user",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::WrongKind => "wrong_kind",
            Self::BadSignature => "bad_signature",
            Self::UnknownKey => "unknown_key",
            Self::KeysUnavailable => "keys_unavailable",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::RoomToken => "room_token",
            Self::RoomTokenExpired => "room_token_expired",
        }
    }
}

impl From<AuthError> for ChatError {
    fn from(error: AuthError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::metrics::reasons::AUTH_FAILURES;

    #[test]
    fn every_error_has_a_code_a_reason_of_its_own_and_a_sentence() {
        let reasons: HashSet<_> = AuthError::ALL.iter().map(|error| error.reason()).collect();
        assert_eq!(reasons.len(), AuthError::ALL.len());
        assert_eq!(reasons, HashSet::from(AUTH_FAILURES), "what `haggle_auth_failures_total` has");
        for error in AuthError::ALL {
            let shown = ChatError::from(error);
            assert_eq!(shown.code, error.code());
            assert!(!shown.message.is_empty() && !shown.message.contains("{{"), "{shown}");
        }
    }
}
