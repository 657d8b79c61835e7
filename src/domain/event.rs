//! What happened, in the order of commits: the stream that a marketplace's backend follows.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{Product, Room, RoomId, Seq, StoredMessage, User, UserId};

/// Which life of which database a cursor belongs to: a part of a hash. 0 in cursors of an older haggle, and where one starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GenerationTag(pub u64);

impl GenerationTag {
    /// How much of the hash it holds.
    pub const BYTES: usize = 6;

    /// Reads its digits; `None` for anything else.
    fn parse(digits: &str) -> Option<Self> {
        let plain = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (plain && digits.len() == 2 * Self::BYTES).then(|| u64::from_str_radix(digits, 16).ok().map(Self))?
    }
}

/// A place in the stream of events: everything up to it is known. As text it is opaque, and needs no escape in a URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventCursor {
    /// The stream that it is a place in: a restored backup begins another one.
    pub generation: GenerationTag,
    /// The last message known, in the order of commits.
    pub position: i64,
    /// The last of the other changes known.
    pub change: i64,
}

/// A text that is no cursor of haggle's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`after` must be the `cursor` of an event, or the `nextCursor` of a page")]
pub struct InvalidEventCursor;

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GenerationTag(tag) = self.generation;
        write!(f, "{tag:0width$x}-{}-{}", self.position, self.change, width = 2 * GenerationTag::BYTES)
    }
}

impl FromStr for EventCursor {
    type Err = InvalidEventCursor;

    fn from_str(text: &str) -> Result<Self, InvalidEventCursor> {
        let number = |digits: &str| {
            // Signs would pass the parser.
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| plain).ok_or(InvalidEventCursor)
        };
        let (position, change) = text.split_once('-').ok_or(InvalidEventCursor)?;
        // An older haggle wrote no tag.
        let Some((second, change)) = change.split_once('-') else {
            return Ok(Self {
                generation: GenerationTag::default(),
                position: number(position)?,
                change: number(change)?,
            });
        };
        let generation = GenerationTag::parse(position).ok_or(InvalidEventCursor)?;
        Ok(Self { generation, position: number(second)?, change: number(change)? })
    }
}

impl Serialize for EventCursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One event of the stream.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Event {
    /// Its place: the next request's `after`.
    #[schema(value_type = String, example = "5e0c3b7a9d4f-1042-17")]
    pub cursor: EventCursor,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What happened, with its subject as it stands when it is read, not as it stood then: words that were edited or deleted
/// meanwhile are nowhere in the stream.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "camelCase")]
pub enum Fact {
    /// A message was stored.
    Message(StoredMessage),
    /// A message was edited or deleted.
    MessageUpdated(StoredMessage),
    /// A member has read.
    #[serde(rename_all = "camelCase")]
    Read {
        /// Which room.
        room_id: RoomId,
        /// Who.
        user_id: UserId,
        /// How far.
        seq: Seq,
    },
    /// A room was opened.
    RoomOpened(Box<Room>),
    /// A product was put, or changed its status.
    ProductUpdated(Product),
    /// A user was put.
    UserUpdated(User),
    /// A user was deleted; the name is what the others see from now on.
    UserDeleted(User),
}

impl Fact {
    /// Bytes that it takes as JSON, about.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        match self {
            Self::Message(message) | Self::MessageUpdated(message) => message.weight_bytes(),
            Self::Read { .. } => SMALL_BYTES,
            Self::RoomOpened(room) => room.weight_bytes(),
            Self::ProductUpdated(product) => product.weight_bytes(),
            Self::UserUpdated(user) | Self::UserDeleted(user) => user.weight_bytes(),
        }
    }
}

/// What an event without words takes, about.
const SMALL_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_anything_else_is_refused() {
        let generation = GenerationTag(0xfff0_0000_00ff);
        for cursor in [EventCursor::default(), EventCursor { generation, position: i64::MAX, change: 7 }] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        assert_eq!("12-3".parse(), Ok(EventCursor { position: 12, change: 3, ..EventCursor::default() }));
        for text in [
            "",
            "00000000000g-1-1",
            "00000000000A-1-1",
            "000000000000-1-1-1",
            "-",
            "1",
            "1-",
            "-1",
            "1--1",
            "+1-1",
            "1-1-1",
            "a-1",
            "99999999999999999999-0",
        ] {
            assert_eq!(text.parse::<EventCursor>(), Err(InvalidEventCursor), "{text}");
        }
    }
}
