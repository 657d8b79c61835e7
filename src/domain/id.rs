//! Identifiers: one type each, so that a room id can't be passed where a user id goes.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::field::WholeNumber;
use crate::api_docs::ToSchema;

/// Longest id, in characters.
pub const ID_CHARS_MAX: usize = 128;

/// Longest idempotency key of a sender, in characters.
pub const CLIENT_ID_CHARS_MAX: usize = 64;

/// The same for the documentation, as a regular expression.
#[cfg(test)]
const NO_CONTROL_CHARACTERS: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";

/// An id that is empty, too long, or holds a control character.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{what} must be 1 to {chars_max} characters without control characters")]
pub struct InvalidId {
    /// Which id, as the JSON field calls it.
    pub what: &'static str,
    /// The longest that it may be.
    pub chars_max: usize,
}

fn checked(value: &str, what: &'static str, chars_max: usize) -> Result<(), InvalidId> {
    // Bytes bound characters from above, so a huge string costs no scan.
    let long = value.len() > chars_max * 4 || value.chars().count() > chars_max;
    if value.is_empty() || long || value.chars().any(char::is_control) {
        return Err(InvalidId { what, chars_max });
    }
    Ok(())
}

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $chars_max:expr) => {
        $(#[$doc])*
        ///
        /// Cheap to clone. JSON: a string.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a string of the allowed length.
            ///
            /// # Errors
            /// [`InvalidId`] when it is empty, too long, or holds a control character.
            pub fn new(value: impl AsRef<str>) -> Result<Self, InvalidId> {
                let value = value.as_ref();
                checked(value, $what, $chars_max)?;
                Ok(Self(value.into()))
            }

            /// Takes a string that the database already holds, which was checked when it came in.
            #[must_use]
            pub fn from_stored(value: impl Into<Arc<str>>) -> Self {
                Self(value.into())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        #[cfg(test)]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .min_length(Some(1))
                    .max_length(Some($chars_max))
                    .pattern(Some(NO_CONTROL_CHARACTERS))
                    .into()
            }
        }

        #[cfg(test)]
        impl utoipa::ToSchema for $name {}

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(value: String) -> Result<Self, InvalidId> {
                Self::new(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &self.0)
            }
        }
    };
}

string_id!(
    /// A user, as the marketplace calls them: the `sub` of their token.
    UserId, "a user id", ID_CHARS_MAX
);
string_id!(
    /// A product, as the marketplace calls it.
    ProductId, "a product id", ID_CHARS_MAX
);
string_id!(
    /// A room. Made by haggle it holds 122 random bits and can't be guessed; an import may bring its own.
    RoomId, "a room id", ID_CHARS_MAX
);
string_id!(
    /// A stored message.
    MessageId, "a message id", ID_CHARS_MAX
);
string_id!(
    /// The sender's own key for a message: sending twice with the same one stores once.
    ClientId, "`clientId`", CLIENT_ID_CHARS_MAX
);

impl RoomId {
    /// Makes an id that can't be guessed (RFC 9562 section 5.4, 122 random bits).
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string().into())
    }
}

impl MessageId {
    /// Makes an id that grows with time (RFC 9562 section 5.7), so that its index is filled at the end.
    #[must_use]
    pub fn next() -> Self {
        let id = uuid::Uuid::now_v7().simple();
        Self((&*id.encode_lower(&mut uuid::Uuid::encode_buffer())).into())
    }
}

/// One client's connection to one namespace, on this node. Never leaves the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

impl SessionId {
    /// The next one; unique in this process.
    #[must_use]
    pub fn next() -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// Largest `seq`: the largest whole number that JSON readers keep exactly (2^53 − 1).
pub const SEQ_MAX: i64 = (1 << 53) - 1;

/// A message's place in its room: 1, 2, 3 … without a hole. 0 stands before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "WholeNumber", into = "i64")]
#[schema(value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
pub struct Seq(pub i64);

impl TryFrom<WholeNumber> for Seq {
    type Error = String;

    fn try_from(place: WholeNumber) -> Result<Self, Self::Error> {
        let place = i64::from(place);
        if (0..=SEQ_MAX).contains(&place) { Ok(Self(place)) } else { Err(format!("must be 0 to {SEQ_MAX}")) }
    }
}

impl From<Seq> for i64 {
    fn from(seq: Seq) -> Self {
        seq.0
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_1_to_128_characters() {
        assert!(UserId::new("").is_err());
        assert!(UserId::new("가".repeat(128)).is_ok());
        assert!(UserId::new("가".repeat(129)).is_err());
        assert!(UserId::new("a\nb").is_err());
        assert!(ClientId::new("x".repeat(65)).is_err());
    }
}
