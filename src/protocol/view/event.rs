//! Events of the stream that a marketplace's backend follows.

use serde::Serialize;

use super::{MessageView, Presenter};
use crate::{
    api_docs::ToSchema,
    domain::{
        Event, EventCursor, Fact, Product, Room, RoomId, RoomSettings, Seq, Timestamp, User, UserId,
        event::{OfferEvent, ReportEvent},
    },
};

/// One event of the stream.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView<'a> {
    /// Its place: the next request's `after`.
    #[schema(value_type = String, example = "5e0c3b7a9d4f-1042-17")]
    cursor: EventCursor,
    /// When it was committed, by the clock of the server that did it; of an imported message, when it was imported. The order
    /// of events is that of their cursors.
    at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    fact: FactView<'a>,
}

impl<'a> EventView<'a> {
    #[must_use]
    pub fn of(event: &'a Event, presenter: &Presenter<'_>) -> Self {
        Self { cursor: event.cursor, at: event.at, fact: FactView::of(&event.fact, presenter) }
    }
}

/// What happened, with its subject as it stands when it is read, not as it stood then: words that were edited or deleted in
/// the meantime are nowhere in the stream.
#[derive(Serialize, ToSchema)]
#[schema(as = Fact)]
#[serde(tag = "event", content = "data", rename_all = "camelCase")]
pub enum FactView<'a> {
    /// A message was stored.
    Message(MessageView<'a>),
    /// A message was edited, deleted or reacted to.
    MessageUpdated(MessageView<'a>),
    /// A member has read.
    #[serde(rename_all = "camelCase")]
    Read {
        /// Id of the room.
        room_id: &'a RoomId,
        /// Id of the user.
        user_id: &'a UserId,
        /// `seq` of the last message that the user has seen.
        seq: Seq,
    },
    /// A member has changed their own settings of a room. What a message or reading changes of them has no event of its own.
    #[serde(rename_all = "camelCase")]
    RoomSettingsUpdated {
        /// Id of the room.
        room_id: &'a RoomId,
        /// Id of the user.
        user_id: &'a UserId,
        /// As they now stand.
        #[serde(flatten)]
        settings: RoomSettings,
    },
    /// A room was opened.
    RoomOpened(&'a Room),
    /// An offer was made, or has another status. Its message has an event of its own.
    OfferUpdated(&'a OfferEvent),
    /// A product was put, or changed its status.
    ProductUpdated(&'a Product),
    /// A user was put.
    UserUpdated(&'a User),
    /// A user was deleted; the name is what the others see from now on.
    UserDeleted(&'a User),
    /// A user has turned their switches, which say what others get to see of them.
    #[serde(rename_all = "camelCase")]
    SettingsUpdated {
        /// Id of the user.
        user_id: &'a UserId,
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
    #[serde(rename_all = "camelCase")]
    BlockUpdated {
        /// The user who has blocked the other.
        blocker_id: &'a UserId,
        /// The blocked user.
        blocked_id: &'a UserId,
        /// Whether the block stands.
        blocked: bool,
        /// Since when it stands.
        #[serde(skip_serializing_if = "Option::is_none")]
        created_at: Option<Timestamp>,
    },
    /// A member has reported the other one.
    ReportCreated(&'a ReportEvent),
    /// The marketplace has decided a report.
    ReportDecided(&'a ReportEvent),
    /// The marketplace has muted a user, or ended their mute early. The expiry of a mute is no event.
    #[serde(rename_all = "camelCase")]
    MuteUpdated {
        /// Id of the user.
        user_id: &'a UserId,
        /// Until when they can't send anything; absent for a user who is not muted.
        #[serde(skip_serializing_if = "Option::is_none")]
        muted_until: Option<Timestamp>,
    },
    /// The marketplace has banned a user, or ended their ban early. The expiry of a ban is no event.
    #[serde(rename_all = "camelCase")]
    BanUpdated {
        /// Id of the user.
        user_id: &'a UserId,
        /// Whether they can't sign in.
        banned: bool,
        /// Until when; absent for a ban that stays until it is ended, and for a user who is not banned.
        #[serde(skip_serializing_if = "Option::is_none")]
        banned_until: Option<Timestamp>,
    },
    /// The marketplace has frozen a room, or unfrozen it.
    #[serde(rename_all = "camelCase")]
    FreezeUpdated {
        /// Id of the room.
        room_id: &'a RoomId,
        /// Whether nobody can send anything there.
        frozen: bool,
    },
    /// The marketplace has ended all sessions of a user.
    #[serde(rename_all = "camelCase")]
    SessionsEnded {
        /// The user whose sessions have ended.
        user_id: &'a UserId,
    },
}

impl<'a> FactView<'a> {
    fn of(fact: &'a Fact, presenter: &Presenter<'_>) -> Self {
        match fact {
            Fact::Message(message) => Self::Message(MessageView::of(message, presenter)),
            Fact::MessageUpdated(message) => Self::MessageUpdated(MessageView::of(message, presenter)),
            Fact::Read { room_id, user_id, seq } => Self::Read { room_id, user_id, seq: *seq },
            &Fact::RoomSettingsUpdated { ref room_id, ref user_id, settings } => {
                Self::RoomSettingsUpdated { room_id, user_id, settings }
            }
            Fact::RoomOpened(room) => Self::RoomOpened(room),
            Fact::OfferUpdated(offer) => Self::OfferUpdated(offer),
            Fact::ProductUpdated(product) => Self::ProductUpdated(product),
            Fact::UserUpdated(user) => Self::UserUpdated(user),
            Fact::UserDeleted(user) => Self::UserDeleted(user),
            &Fact::SettingsUpdated { ref user_id, read_receipts, typing, presence, delivery_receipts, last_seen } => {
                Self::SettingsUpdated { user_id, read_receipts, typing, presence, delivery_receipts, last_seen }
            }
            &Fact::BlockUpdated { ref blocker_id, ref blocked_id, blocked, created_at } => {
                Self::BlockUpdated { blocker_id, blocked_id, blocked, created_at }
            }
            Fact::ReportCreated(report) => Self::ReportCreated(report),
            Fact::ReportDecided(report) => Self::ReportDecided(report),
            Fact::MuteUpdated { user_id, muted_until } => Self::MuteUpdated { user_id, muted_until: *muted_until },
            Fact::BanUpdated { user_id, banned, banned_until } => {
                Self::BanUpdated { user_id, banned: *banned, banned_until: *banned_until }
            }
            Fact::FreezeUpdated { room_id, frozen } => Self::FreezeUpdated { room_id, frozen: *frozen },
            Fact::SessionsEnded { user_id } => Self::SessionsEnded { user_id },
        }
    }
}

/// The body of a webhook with events.
pub struct EventBatch {
    /// `{"event":"events","items":[…],"nextCursor":"…"}`, with items as `GET /events` has them.
    pub body: Vec<u8>,
    /// Place of its last event, which is `nextCursor`.
    pub next: EventCursor,
    /// How many events it has.
    pub count: usize,
}

impl EventBatch {
    /// Encodes events from the first one on, as many as fit into `bytes_max`, one at least.
    ///
    /// # Errors
    /// None that a view's fields lead to.
    pub fn encode(events: &[Event], presenter: &Presenter<'_>, bytes_max: usize) -> serde_json::Result<Self> {
        let mut body = br#"{"event":"events","items":["#.to_vec();
        let (mut next, mut count) = (EventCursor::default(), 0);
        for event in events {
            let item = serde_json::to_vec(&EventView::of(event, presenter))?;
            if count > 0 && body.len() + item.len() > bytes_max {
                break;
            }
            if count > 0 {
                body.push(b',');
            }
            body.extend(item);
            (next, count) = (event.cursor, count + 1);
        }
        body.extend(format!(r#"],"nextCursor":"{next}"}}"#).into_bytes());
        Ok(Self { body, next, count })
    }
}
