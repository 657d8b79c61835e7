//! How a stored message looks outside: on both wires, over REST, in events and in webhooks.
//!
//! What is stored is not what clients see. An image is stored by its keys, and clients get addresses that are signed and
//! expire. An offer is stored as pending until the sweep has written that it expired, and clients see it as expired from that
//! moment on. [`StoredMessage`] itself has no JSON, so no message leaves the server without a [`Presenter`].

mod event;
mod found_message;
mod image_data;
mod notification;
mod report;
mod room;
mod web_push;

use serde::Serialize;

pub use self::{
    event::{EventBatch, EventView},
    found_message::FoundMessageView,
    image_data::{SignImageUrls, exported},
    notification::UnreadNotificationView,
    report::ReportView,
    room::RoomSummaryView,
    web_push::WebPushView,
};
#[cfg(test)]
pub(crate) use image_data::PlainPaths;

use crate::{
    api_docs::ToSchema,
    domain::{
        ClientId, ContactKind, Data, MessageId, MessageKind, Reaction, RoomId, Seq, StoredMessage, Timestamp, User,
        UserId,
        offer::{StandingOffer, expired_data},
    },
};
use image_data::ImageView;

/// What a view needs in addition to what is stored.
#[derive(Debug, Clone, Copy)]
pub struct Presenter<'a> {
    now: Timestamp,
    images: &'a dyn SignImageUrls,
}

impl<'a> Presenter<'a> {
    /// Shows messages as they stand at a moment.
    #[must_use]
    pub fn new(now: Timestamp, images: &'a dyn SignImageUrls) -> Self {
        Self { now, images }
    }

    /// Views of several messages, in their order.
    #[must_use]
    pub fn messages<'m>(&self, messages: &'m [StoredMessage]) -> Vec<MessageView<'m>> {
        messages.iter().map(|message| MessageView::of(message, self)).collect()
    }

    /// The offer that stands in a room, unless its time has passed.
    #[must_use]
    pub fn standing<'m>(&self, offer: Option<&'m StandingOffer>) -> Option<&'m StandingOffer> {
        offer.filter(|offer| !offer.is_over(self.now))
    }

    /// The moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The same for another moment.
    fn at(self, now: Timestamp) -> Self {
        Self { now, ..self }
    }
}

/// A message that the database has committed.
#[derive(Serialize, ToSchema)]
#[schema(as = StoredMessage)]
#[serde(rename_all = "camelCase")]
pub struct MessageView<'a> {
    /// Unique everywhere.
    id: &'a MessageId,
    /// Its room.
    room_id: &'a RoomId,
    /// Its place in the room: 1, 2, 3 … without a hole.
    seq: Seq,
    /// The user who sent it; `system` for the marketplace.
    sender_id: &'a UserId,
    /// Who they are, where they are none of the room's members but of the marketplace's staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<StaffSender>,
    /// The sender's idempotency key, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a ClientId>,
    /// The kind of message.
    kind: MessageKind,
    /// Its words; absent once deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    /// What a client needs in addition to the words. Of an image: `url`, `thumbnailUrl`, `width`, `height`, `bytes` and
    /// `contentType`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    data: Option<DataView<'a>>,
    /// The `seq` of the earlier message of its room that it replies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Seq>,
    /// When haggle accepted it.
    sent_at: Timestamp,
    /// When its words last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Timestamp>,
    /// When its sender took it back, or the marketplace removed it. It keeps its place and its `seq`.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    /// Contacts that its words hold or held, to reach someone outside the conversation: both members see a notice of the
    /// risk.
    #[serde(default, skip_serializing_if = "<[ContactKind]>::is_empty")]
    warnings: &'a [ContactKind],
    /// What its room's members have reacted with, at most one of each; absent where nobody has.
    #[serde(default, skip_serializing_if = "<[Reaction]>::is_empty")]
    reactions: &'a [Reaction],
    /// `marketplace` where not its sender has deleted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_by: Option<RemovedBy>,
}

/// A member of the marketplace's staff who has said something in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StaffSender {
    /// Their name, as it was then.
    #[serde(flatten)]
    user: User,
    role: SenderRole,
}

/// As what somebody says something who is no member of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SenderRole {
    /// As a member of the marketplace's staff.
    Staff,
}

impl StaffSender {
    /// By the name that is stored, which is empty for one who was deleted since.
    fn new(id: &UserId, name: &str) -> Self {
        let user =
            if name.is_empty() { User::deleted(id.clone()) } else { User::new(id.clone(), name.to_owned(), None) };
        Self { user, role: SenderRole::Staff }
    }

    /// What they are called.
    fn name(&self) -> &str {
        &self.user.name
    }
}

/// Who has removed a message that its sender did not delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemovedBy {
    /// The marketplace's staff or its backend.
    Marketplace,
}

impl<'a> MessageView<'a> {
    #[must_use]
    pub fn of(message: &'a StoredMessage, presenter: &Presenter<'_>) -> Self {
        Self {
            id: &message.id,
            room_id: &message.room_id,
            seq: message.seq,
            sender_id: &message.sender_id,
            sender: message.staff_name.as_deref().map(|name| StaffSender::new(&message.sender_id, name)),
            client_id: message.client_id.as_ref(),
            kind: message.kind,
            text: message.text.as_deref(),
            data: message.data.as_ref().map(|data| DataView::of(data, message, presenter)),
            reply_to: message.reply_to,
            sent_at: message.sent_at,
            edited_at: message.edited_at,
            deleted_at: message.deleted_at,
            warnings: &message.warnings,
            reactions: &message.reactions,
            removed_by: message.is_removed.then_some(RemovedBy::Marketplace),
        }
    }
}

/// A message's `data`.
#[derive(Serialize)]
#[serde(untagged)]
enum DataView<'a> {
    Stored(&'a Data),
    Expired(Data),
    Image(ImageView),
}

impl<'a> DataView<'a> {
    fn of(data: &'a Data, message: &StoredMessage, presenter: &Presenter<'_>) -> Self {
        if let Some(image) = ImageView::of(data, presenter.images) {
            return Self::Image(image);
        }
        expired_data(message, presenter.now).map_or(Self::Stored(data), Self::Expired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Emoji, Role,
        offer::{OFFER_LIFETIME_MS, Offer, Price},
        sample,
    };

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn message(data: Option<&str>) -> StoredMessage {
        let data = data.map(|json| Data::from_json(json.to_owned()).unwrap());
        StoredMessage { data, ..sample::message(&RoomId::from_stored("r"), 7, "alice") }
    }

    fn shown(message: &StoredMessage, now: Timestamp) -> String {
        serde_json::to_string(&MessageView::of(message, &Presenter::new(now, &PlainPaths))).unwrap()
    }

    #[test]
    fn fields_keep_their_order_and_what_is_not_there_is_left_out() {
        let small = StoredMessage {
            id: MessageId::from_stored("m"),
            text: None,
            client_id: None,
            sent_at: Timestamp(0),
            ..message(None)
        };
        let at = "1970-01-01T00:00:00.000Z";
        let head = r#"{"id":"m","roomId":"r","seq":7,"senderId":"alice""#;
        assert_eq!(shown(&small, NOW), format!(r#"{head},"kind":"text","sentAt":"{at}"}}"#));
        let whole = StoredMessage {
            client_id: ClientId::new("c").ok(),
            text: Some("hello".to_owned()),
            edited_at: Some(Timestamp(0)),
            deleted_at: Some(Timestamp(0)),
            warnings: vec![ContactKind::Email],
            reply_to: Some(Seq(3)),
            reactions: vec![Reaction { user_id: UserId::from_stored("bob"), emoji: Emoji::parse("👍").unwrap() }],
            data: Data::from_json("[1,  2]".to_owned()).ok(),
            ..small
        };
        let tail = format!(
            r#""text":"hello","data":[1,  2],"replyTo":3,"sentAt":"{at}","editedAt":"{at}","deletedAt":"{at}","warnings":["email"],"reactions":[{{"userId":"bob","emoji":"👍"}}]}}"#
        );
        assert_eq!(shown(&whole, NOW), format!(r#"{head},"clientId":"c","kind":"text",{tail}"#));
    }

    #[test]
    fn an_image_goes_out_by_its_addresses_and_never_by_its_keys() {
        let stored =
            r#"{"key":"k.jpg","thumbnailKey":"t.jpg","width":1,"height":2,"bytes":3,"contentType":"image/jpeg"}"#;
        let seen = r#""data":{"url":"/k.jpg","thumbnailUrl":"/t.jpg","width":1,"height":2,"bytes":3,"contentType":"image/jpeg"}"#;
        for kind in [MessageKind::Image, MessageKind::Text] {
            let json = shown(&StoredMessage { kind, ..message(Some(stored)) }, NOW);
            assert!(json.contains(seen), "{json}");
        }
        let other = r#"{"x":{"thumbnailKey":1}}"#;
        assert!(shown(&message(Some(other)), NOW).contains(other));
    }

    #[test]
    fn an_offer_is_shown_as_expired_from_the_moment_at_which_it_expires() {
        let offer = Offer::new(Role::Buyer, Price { amount: 100, currency: "USD".to_owned() }, NOW);
        let data = Some(offer.to_data());
        let message = StoredMessage { kind: MessageKind::Offer, data, ..message(None) };
        let over = NOW.plus_ms(OFFER_LIFETIME_MS);
        assert!(shown(&message, over.plus_ms(-1)).contains(r#""status":"pending""#));
        assert!(shown(&message, over).contains(r#""status":"expired""#));
        let text = StoredMessage { kind: MessageKind::Text, ..message };
        assert!(shown(&text, over).contains(r#""status":"pending""#));
    }
}
