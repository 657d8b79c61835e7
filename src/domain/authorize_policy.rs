//! When the database is asked who may enter a room: the three answers to the question of the notes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de};

/// Knowing a room's id must not be enough to enter it. Three ways to make sure:
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum AuthorizePolicy {
    /// Ask once, when a user first enters. The answer holds while the room stays in memory, and is revoked at once when
    /// haggle itself removes the user.
    #[default]
    OnEnter,
    /// Ask before every event: a change made without haggle counts from the next event on. Costs one read per event.
    EveryMessage,
    /// Ask when a room token is issued (`POST /rooms/{id}/token`); anyone who holds it may enter until it expires, five
    /// minutes later, without any query to the database.
    RoomToken,
}

impl AuthorizePolicy {
    const ALL: [Self; 3] = [Self::OnEnter, Self::EveryMessage, Self::RoomToken];

    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnEnter => "on-enter",
            Self::EveryMessage => "every-message",
            Self::RoomToken => "room-token",
        }
    }
}

impl fmt::Display for AuthorizePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AuthorizePolicy {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|policy| policy.as_str() == name);
        found.ok_or_else(|| "must be on-enter, every-message or room-token".to_owned())
    }
}

impl<'de> Deserialize<'de> for AuthorizePolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
