//! When haggle asks whether a user may be in a room: three answers, of which an operator picks one.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The option `--authorize`. Under each of them a stranger who knows a room's id gets `forbidden`, receives nothing and stores nothing;
/// they differ in what is asked how often, and so in what notices a change that did not go through haggle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum AuthorizePolicy {
    /// `on-enter`: the database is asked once, when a session enters a room; from then on the entry itself is the permission.
    ///
    /// Costs one indexed query an entry (none when the room is in memory already) and nothing a message. A room's two members never change and a
    /// deletion through REST ends live sessions at once, so nothing is missed, unless somebody edits the database behind haggle's back.
    #[default]
    OnEnter,
    /// `every-message`: the database is asked on entry and again before each message is stored.
    ///
    /// Costs one indexed query a message, on a reader's connection, and its time before the commit. For those who change members in the
    /// database itself and want that to count from the next message on.
    EveryMessage,
    /// `room-token`: as `on-enter`, and entering also needs a room token of five minutes, which `POST /api/v1/rooms/{id}/token`
    /// gives to the room's members and the client must renew to stay.
    ///
    /// Costs one HMAC an entry and nothing a message, and a REST call of the client every five minutes. For those who put their own gateway in front
    /// of REST and want it to decide, for each room, again and again.
    RoomToken,
}

impl AuthorizePolicy {
    /// Every policy, for the tables of tests.
    pub const ALL: [Self; 3] = [Self::OnEnter, Self::EveryMessage, Self::RoomToken];

    /// The option's value.
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

/// A value that `--authorize` does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("`authorize` must be on-enter, every-message or room-token")]
pub struct UnknownPolicy;

impl FromStr for AuthorizePolicy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == text).ok_or(UnknownPolicy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_as_it_is_written() {
        for policy in AuthorizePolicy::ALL {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        assert_eq!(AuthorizePolicy::default().to_string(), "on-enter");
        assert_eq!("On-Enter".parse::<AuthorizePolicy>(), Err(UnknownPolicy));
    }
}
