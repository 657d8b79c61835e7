//! When the marketplace made something of its own, and when it last changed it.

use serde::Serialize;

use super::Timestamp;

/// When a user or a product was made and last changed, as far as that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Times {
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

impl Times {
    /// Made just now.
    #[must_use]
    pub const fn new(at: Timestamp) -> Self {
        Self { created_at: Some(at), updated_at: Some(at) }
    }

    /// Changed just now.
    #[must_use]
    pub const fn changed(self, at: Timestamp) -> Self {
        Self { updated_at: Some(at), ..self }
    }

    /// What is known when some of them are given.
    #[must_use]
    pub fn with(self, given: Self) -> Self {
        Self { created_at: given.created_at.or(self.created_at), updated_at: given.updated_at.or(self.updated_at) }
    }

    /// This many milliseconds later.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        let later = |at: Option<Timestamp>| at.map(|at| at.plus_ms(ms));
        Self { created_at: later(self.created_at), updated_at: later(self.updated_at) }
    }

    /// From milliseconds since 1970.
    #[must_use]
    pub fn from_ms((created_at, updated_at): (Option<i64>, Option<i64>)) -> Self {
        Self { created_at: created_at.map(Timestamp), updated_at: updated_at.map(Timestamp) }
    }

    /// As milliseconds since 1970.
    #[must_use]
    pub fn to_ms(self) -> (Option<i64>, Option<i64>) {
        (self.created_at.map(|at| at.0), self.updated_at.map(|at| at.0))
    }
}
