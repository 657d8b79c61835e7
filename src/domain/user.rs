//! Users: owned by the marketplace, which upserts them.

use serde::{Deserialize, Serialize};

use super::{
    NameCode, UserId,
    field::{InvalidField, check_text, check_url},
    support,
};
use crate::api_docs::ToSchema;

/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 200;

/// A person who buys, sells or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The marketplace's own user id.
    pub id: UserId,
    /// What the other side sees.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Present where the name is haggle's own: `deleted_user` for a user who was deleted, `support` for the other side of a support
    /// room. A client shows it in its user's language; `name` is in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_code: Option<NameCode>,
    /// Picture of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
}

impl User {
    /// A user as the marketplace names them.
    #[must_use]
    pub const fn new(id: UserId, name: String, avatar_url: Option<String>) -> Self {
        Self { id, name, name_code: None, avatar_url }
    }

    /// What is left of a user who was deleted.
    #[must_use]
    pub fn deleted(id: UserId) -> Self {
        let code = NameCode::DeletedUser;
        Self { id, name: code.name().to_owned(), name_code: Some(code), avatar_url: None }
    }

    /// The other side of a support room: the marketplace itself.
    #[must_use]
    pub fn desk() -> Self {
        let code = NameCode::Support;
        Self { id: support::desk(), name: code.name().to_owned(), name_code: Some(code), avatar_url: None }
    }

    /// Bytes that it takes as JSON, about.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        128 + self.id.as_str().len() + self.name.len() + self.avatar_url.as_ref().map_or(0, String::len)
    }

    /// Checks what the types alone don't.
    ///
    /// # Errors
    /// [`InvalidField`] for a name or a picture out of range.
    pub fn check(&self) -> Result<(), InvalidField> {
        check_text(&self.name, "name", NAME_CHARS_MAX)?;
        check_url(self.avatar_url.as_deref(), "avatarUrl")
    }
}
