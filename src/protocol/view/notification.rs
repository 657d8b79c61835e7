//! The body of a webhook.

use serde::Serialize;

use super::{MessageView, Presenter};
use crate::domain::{Device, Product, RoomId, RoomKind, Seq, Timestamp, UnreadNotification, User, UserId};

/// A member has had messages unread for a while.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnreadNotificationView<'a> {
    id: &'a str,
    event: &'static str,
    created_at: Timestamp,
    room_id: &'a RoomId,
    user_id: &'a UserId,
    unread: i64,
    read_seq: Seq,
    #[serde(skip_serializing_if = "RoomKind::is_product")]
    room_kind: RoomKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'a Product>,
    other: &'a User,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<MessageView<'a>>,
    #[serde(skip_serializing_if = "<[Device]>::is_empty")]
    devices: &'a [Device],
}

impl<'a> UnreadNotificationView<'a> {
    #[must_use]
    pub fn of(notification: &'a UnreadNotification, presenter: &Presenter<'_>) -> Self {
        Self {
            id: &notification.id,
            event: notification.event,
            created_at: notification.created_at,
            room_id: &notification.room_id,
            user_id: &notification.user_id,
            unread: notification.unread,
            read_seq: notification.read_seq,
            room_kind: RoomKind::of(notification.product.as_ref()),
            product: notification.product.as_ref(),
            other: &notification.other,
            last_message: notification.last_message.as_ref().map(|message| MessageView::of(message, presenter)),
            devices: &notification.devices,
        }
    }
}
