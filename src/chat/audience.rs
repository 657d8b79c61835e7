//! Who is sent how a room looks in a list.

use crate::domain::Role;

/// Whose lists are sent how a room looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Those of this node's sessions.
    Here,
    /// Everybody's.
    Everywhere,
}

/// Whose lists are sent how a room looks, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audience {
    pub(super) reach: Reach,
    /// One of the two members; `None` for both.
    pub(super) only: Option<Role>,
}

impl Audience {
    pub(super) const fn both(reach: Reach) -> Self {
        Self { reach, only: None }
    }

    /// One member's sessions on this node.
    pub(super) const fn here(only: Role) -> Self {
        Self { reach: Reach::Here, only: Some(only) }
    }

    /// One member's sessions on every node.
    pub(super) const fn everywhere(only: Role) -> Self {
        Self { reach: Reach::Everywhere, only: Some(only) }
    }

    pub(super) fn has(self, role: Role) -> bool {
        self.only.is_none_or(|only| only == role)
    }

    /// Everyone who is in one of the two.
    pub(super) fn with(self, other: Self) -> Self {
        let only = if self.only == other.only { self.only } else { None };
        Self { reach: self.reach.max(other.reach), only }
    }
}
