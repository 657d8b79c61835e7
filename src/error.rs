//! The contract's table of error codes, written once.

mod close_code;

use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer, ser::SerializeStruct};
use thiserror::Error;

pub use close_code::CloseCode;

use crate::{
    api_docs::ToSchema,
    domain::{Timestamp, field::InvalidField, id::InvalidId, message::UnfitText},
};

/// What went wrong, with the same name on every wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// No token, or one that can't be trusted.
    Unauthenticated,
    /// The token has expired.
    TokenExpired,
    /// Not allowed; also the answer for a room that does not exist.
    Forbidden,
    /// No such thing.
    NotFound,
    /// The event needs a room and none was entered.
    NotInRoom,
    /// A seller can't be the buyer of their own product.
    OwnProduct,
    /// The thing has changed in the meantime.
    Conflict,
    /// A field is missing or out of range.
    Invalid,
    /// Over a size limit.
    TooLarge,
    /// Over a rate limit.
    RateLimited,
    /// The conversation is closed.
    Blocked,
    /// The marketplace has muted the user.
    Muted,
    /// The marketplace has banned the user.
    Banned,
    /// The marketplace has frozen the conversation.
    Frozen,
    /// The marketplace does not let the message through.
    Refused,
    /// The marketplace reviews the message first.
    Held,
    /// A cursor from before the database was restored.
    CursorExpired,
    /// haggle or something that it depends on can't answer now.
    Unavailable,
    /// A fault of haggle's own.
    Internal,
}

impl ErrorCode {
    /// Every code, for the tables of tests and documentation.
    pub const ALL: [Self; 19] = [
        Self::Unauthenticated,
        Self::TokenExpired,
        Self::Forbidden,
        Self::NotFound,
        Self::NotInRoom,
        Self::OwnProduct,
        Self::Conflict,
        Self::Invalid,
        Self::TooLarge,
        Self::RateLimited,
        Self::Blocked,
        Self::Muted,
        Self::Banned,
        Self::Frozen,
        Self::Refused,
        Self::Held,
        Self::CursorExpired,
        Self::Unavailable,
        Self::Internal,
    ];

    /// Name on every wire, status over HTTP, and the title of the problem document.
    #[must_use]
    pub const fn spec(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::Unauthenticated => ("unauthenticated", 401, "Not signed in"),
            Self::TokenExpired => ("token_expired", 401, "Token expired"),
            Self::Forbidden => ("forbidden", 403, "Not allowed"),
            Self::NotFound => ("not_found", 404, "Not found"),
            Self::NotInRoom => ("not_in_room", 409, "No room entered"),
            Self::OwnProduct => ("own_product", 409, "One's own product"),
            Self::Conflict => ("conflict", 409, "Changed meanwhile"),
            Self::Invalid => ("invalid", 422, "Invalid field"),
            Self::TooLarge => ("too_large", 413, "Too large"),
            Self::RateLimited => ("rate_limited", 429, "Too many requests"),
            Self::Blocked => ("blocked", 403, "Conversation closed"),
            Self::Muted => ("muted", 403, "Muted"),
            Self::Banned => ("banned", 403, "Banned"),
            Self::Frozen => ("frozen", 403, "Conversation frozen"),
            Self::Refused => ("refused", 403, "Refused by the marketplace"),
            Self::Held => ("held", 403, "Held for review"),
            Self::CursorExpired => ("cursor_expired", 410, "Cursor expired"),
            Self::Unavailable => ("unavailable", 503, "Unavailable"),
            Self::Internal => ("internal", 500, "Internal error"),
        }
    }

    /// Name on every wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.spec().0
    }

    /// Status over HTTP.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.spec().1
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What a user receives when something fails: the same code and sentence on every wire.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
pub struct ChatError {
    /// The stable code.
    pub code: ErrorCode,
    /// One sentence that says what to do next. Holds no SQL, path, key, nor whether a room exists.
    pub message: Cow<'static, str>,
    /// For `rate_limited`: when the next try can succeed, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// For `muted` and `banned`: when that expires; `None` for one without an end.
    pub until: Option<Timestamp>,
    /// For `refused`: what else a client needs to put it into its user's language, where the marketplace gave a reason.
    pub params: Option<Box<ErrorParams>>,
}

/// What an error says in addition to its code, for a client to put it into its user's language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErrorParams {
    /// The marketplace's reason, in its own words, which are shown as they are.
    pub reason: String,
}

impl ChatError {
    /// An error with its sentence.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None, until: None, params: None }
    }

    /// The one answer to a stranger, whether the room exists or not.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(ErrorCode::Forbidden, "only the buyer and the seller of a room may do this")
    }

    /// A field that is missing or out of range; the sentence names it.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Invalid, message)
    }

    /// Something that does not exist.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// The database can't answer now.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(ErrorCode::Unavailable, "haggle can't store or read right now, try again in a moment")
    }

    /// A cursor of a stream that a restore has ended.
    #[must_use]
    pub fn cursor_expired() -> Self {
        Self::new(
            ErrorCode::CursorExpired,
            "`after` is from before the database was restored: start again without it, and take what you have for outdated",
        )
    }

    /// Over a rate limit, with the wait.
    #[must_use]
    pub fn rate_limited(retry_after_ms: u64) -> Self {
        Self {
            retry_after_ms: Some(retry_after_ms.max(1)),
            ..Self::new(ErrorCode::RateLimited, "too many in too short a time, wait for `retryAfterMs`")
        }
    }

    /// The marketplace has muted the user, who may read on.
    #[must_use]
    pub fn muted(until: Option<Timestamp>) -> Self {
        let message: Cow<'static, str> = match until {
            Some(until) => format!("the marketplace has muted you until {until}").into(),
            None => "the marketplace has muted you".into(),
        };
        Self { until, ..Self::new(ErrorCode::Muted, message) }
    }

    /// The marketplace has banned the user, whose tokens are refused.
    #[must_use]
    pub fn banned(until: Option<Timestamp>) -> Self {
        let message: Cow<'static, str> = match until {
            Some(until) => format!("the marketplace has banned you until {until}").into(),
            None => "the marketplace has banned you".into(),
        };
        Self { until, ..Self::new(ErrorCode::Banned, message) }
    }

    /// A fault of haggle's own: writes `cause` to the log under a fresh reference, and the user receives that reference
    /// alone.
    #[must_use]
    pub fn internal(cause: &dyn fmt::Display) -> Self {
        let reference = uuid::Uuid::new_v4().simple().to_string();
        log::error!("internal error reference={reference}: {cause}");
        Self::new(
            ErrorCode::Internal,
            format!("something went wrong here; tell the operator this reference: {reference}"),
        )
    }
}

impl From<InvalidId> for ChatError {
    fn from(error: InvalidId) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<InvalidField> for ChatError {
    fn from(InvalidField(sentence): InvalidField) -> Self {
        Self::invalid(sentence)
    }
}

impl From<UnfitText> for ChatError {
    fn from(error: UnfitText) -> Self {
        let code = match error {
            UnfitText::Empty | UnfitText::Nul | UnfitText::Data(_) => ErrorCode::Invalid,
            UnfitText::TooLong { .. } => ErrorCode::TooLarge,
        };
        Self::new(code, error.to_string())
    }
}

impl Serialize for ChatError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = 2
            + usize::from(self.retry_after_ms.is_some())
            + usize::from(self.until.is_some())
            + usize::from(self.params.is_some());
        let mut object = serializer.serialize_struct("Error", fields)?;
        object.serialize_field("code", &self.code)?;
        object.serialize_field("message", &self.message)?;
        if let Some(ms) = self.retry_after_ms {
            object.serialize_field("retryAfterMs", &ms)?;
        }
        if let Some(until) = self.until {
            object.serialize_field("until", &until)?;
        }
        if let Some(params) = &self.params {
            object.serialize_field("params", params)?;
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_contracts() {
        let table: Vec<_> = ErrorCode::ALL.iter().map(|code| (code.name(), code.status())).collect();
        assert_eq!(
            table,
            [
                ("unauthenticated", 401),
                ("token_expired", 401),
                ("forbidden", 403),
                ("not_found", 404),
                ("not_in_room", 409),
                ("own_product", 409),
                ("conflict", 409),
                ("invalid", 422),
                ("too_large", 413),
                ("rate_limited", 429),
                ("blocked", 403),
                ("muted", 403),
                ("banned", 403),
                ("frozen", 403),
                ("refused", 403),
                ("held", 403),
                ("cursor_expired", 410),
                ("unavailable", 503),
                ("internal", 500),
            ]
        );
    }
}
