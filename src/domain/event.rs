//! What happened, in the order of commits: the stream that a marketplace's backend follows.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use super::{
    MessageId, Product, ProductId, Role, Room, RoomId, RoomSettings, Seq, StoredMessage, Timestamp, User, UserId,
    message::json_text_bytes,
    offer::{Offer, OfferStatus},
    safety::{Decision, ReportCategory, ReportState},
};
use crate::api_docs::ToSchema;

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
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its place: the next request's `after`.
    pub cursor: EventCursor,
    /// When it was committed, by the clock of the server that did it; of an imported message, when it was imported. The order
    /// of events is that of their cursors.
    pub at: Timestamp,
    /// What happened.
    pub fact: Fact,
}

/// What happened, with its subject as it stands when it is read, not as it stood then: words that were edited or deleted in
/// the meantime are nowhere in the stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A message was stored.
    Message(StoredMessage),
    /// A message was edited or deleted.
    MessageUpdated(StoredMessage),
    /// A member has read.
    Read {
        room_id: RoomId,
        user_id: UserId,
        /// `seq` of the last message that the user has seen.
        seq: Seq,
    },
    /// A member has changed their own settings of a room.
    RoomSettingsUpdated {
        room_id: RoomId,
        user_id: UserId,
        /// As they now stand.
        settings: RoomSettings,
    },
    /// A room was opened.
    RoomOpened(Box<Room>),
    /// An offer was made, or has another status. Its message has an event of its own.
    OfferUpdated(OfferEvent),
    /// A product was put, or changed its status.
    ProductUpdated(Product),
    /// A user was put.
    UserUpdated(User),
    /// A user was deleted; the name is what the others see from now on.
    UserDeleted(User),
    /// A user has turned their switches, which say what others get to see of them.
    SettingsUpdated {
        user_id: UserId,
        /// Whether the user shares how far they have read.
        read_receipts: bool,
        /// Whether the user shares that they type.
        typing: bool,
        /// Whether the user shares that they are online.
        presence: bool,
        /// Whether the user shares how far messages have reached their devices.
        delivery_receipts: bool,
        /// Whether the user shares when they were last active.
        last_seen: bool,
    },
    /// A user has blocked another user, or removed the block.
    BlockUpdated {
        /// The user who has blocked the other.
        blocker_id: UserId,
        blocked_id: UserId,
        /// Whether the block stands.
        blocked: bool,
        /// Since when it stands.
        created_at: Option<Timestamp>,
    },
    /// A member has reported the other one.
    ReportCreated(Box<ReportEvent>),
    /// The marketplace has decided a report.
    ReportDecided(Box<ReportEvent>),
    /// The marketplace has muted a user, or ended their mute early. The expiry of a mute is no event.
    MuteUpdated {
        user_id: UserId,
        /// Until when they can't send anything; absent for a user who is not muted.
        muted_until: Option<Timestamp>,
    },
    /// The marketplace has banned a user, or ended their ban early. The expiry of a ban is no event.
    BanUpdated {
        user_id: UserId,
        /// Whether they can't sign in.
        banned: bool,
        /// Until when, unless it stays until it is ended.
        banned_until: Option<Timestamp>,
    },
    /// The marketplace has frozen a room, or unfrozen it.
    FreezeUpdated {
        room_id: RoomId,
        /// Whether nobody can send anything there.
        frozen: bool,
    },
    /// The marketplace has ended all sessions of a user.
    SessionsEnded {
        /// The user whose sessions have ended.
        user_id: UserId,
    },
}

/// An offer, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfferEvent {
    /// The message that it is.
    pub message_id: MessageId,
    /// Where it was made.
    pub room_id: RoomId,
    /// For what.
    pub product_id: ProductId,
    /// Which of the room's members made it.
    pub offered_by: Role,
    /// In the currency's minor unit.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Where it stands.
    pub status: OfferStatus,
    /// When it stops to wait.
    pub expires_at: Timestamp,
}

impl OfferEvent {
    /// An offer with its place.
    #[must_use]
    pub fn new(message_id: MessageId, room_id: RoomId, product_id: ProductId, offer: Offer) -> Self {
        let Offer { offered_by, price, status, expires_at } = offer;
        let (amount, currency) = (price.amount, price.currency);
        Self { message_id, room_id, product_id, offered_by, amount, currency, status, expires_at }
    }
}

/// A report, as it stands, without the messages that are kept with it: `GET /reports` has those.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportEvent {
    /// Unique everywhere; grows with time.
    pub id: String,
    /// The user who has reported.
    pub reporter_id: UserId,
    /// The reported user.
    pub reported_id: UserId,
    /// Id of the room.
    pub room_id: RoomId,
    /// Which message, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// What it is about.
    pub category: ReportCategory,
    /// What the reporter says about it, for as long as they are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it waits for its decision.
    pub state: ReportState,
    /// What was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// Until when the reported user can't say anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mute_until: Option<Timestamp>,
}

impl Fact {
    /// Bytes that it takes as JSON, about.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        match self {
            Self::Message(message) | Self::MessageUpdated(message) => message.weight_bytes(),
            Self::Read { .. }
            | Self::RoomSettingsUpdated { .. }
            | Self::OfferUpdated(_)
            | Self::SettingsUpdated { .. }
            | Self::BlockUpdated { .. }
            | Self::MuteUpdated { .. }
            | Self::BanUpdated { .. }
            | Self::FreezeUpdated { .. }
            | Self::SessionsEnded { .. } => SMALL_BYTES,
            Self::RoomOpened(room) => room.weight_bytes(),
            Self::ProductUpdated(product) => product.weight_bytes(),
            Self::UserUpdated(user) | Self::UserDeleted(user) => user.weight_bytes(),
            Self::ReportCreated(report) | Self::ReportDecided(report) => {
                2 * SMALL_BYTES + report.text.as_deref().map_or(0, json_text_bytes)
            }
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
