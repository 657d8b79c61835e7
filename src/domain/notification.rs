//! What the marketplace's backend is sent by webhook, and a browser by its push service.

use super::{Device, Product, RoomId, Seq, StoredMessage, Timestamp, UnreadTotal, User, UserId};

/// A member has had messages unread for a while. The body of a webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct UnreadNotification {
    /// The idempotency key: the same at each try, so a backend that has seen it need not act again.
    pub id: String,
    /// Always `unread`.
    pub event: &'static str,
    /// When haggle decided to notify.
    pub created_at: Timestamp,
    pub room_id: RoomId,
    /// The member who has not read.
    pub user_id: UserId,
    /// How many messages of others.
    pub unread: i64,
    /// How far they have read.
    pub read_seq: Seq,
    /// What the room is about; `None` for a support room.
    pub product: Option<Product>,
    pub other: User,
    /// The newest message of the room.
    pub last_message: Option<StoredMessage>,
    /// Native apps of the member, which the backend can reach.
    pub devices: Vec<Device>,
}

/// What a browser is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct WebPush {
    /// What is unread, as the webhook is sent it.
    pub notification: UnreadNotification,
    /// And over all rooms.
    pub total: UnreadTotal,
    /// In which language the device shows it.
    pub language: Option<String>,
}
