//! What becomes of a message that was stored, or that stands differently: its room and its members' lists are notified. That concerns
//! what is being read, what was delivered, and the lists, so this takes the whole chat.

use bytes::Bytes;

use super::{Audience, Chat, Reach, hub_op::Delivery, request::MessageChange};
use crate::{
    domain::{Role, StoredMessage},
    protocol::push::Push,
};

impl Chat {
    /// A message is new: its room and its members' lists are notified.
    pub(super) fn message_appended(&mut self, message: StoredMessage, data: Bytes) {
        self.metrics.messages.inc();
        self.loading.mark_stale(&message.room_id, &mut self.cluster);
        self.deliveries().message_stored(&message, data);
        self.room_updated(message.room_id);
    }

    /// A message stands differently: its room and, where they show it, its members' lists are notified.
    pub(super) fn message_changed(&mut self, message: StoredMessage, data: Bytes) {
        self.loading.mark_stale(&message.room_id, &mut self.cluster);
        self.cluster.publish_change(&mut self.out, &message);
        if self.is_early(&message) {
            return self.early_changed(message, data);
        }
        let is_shown = self.rooms.room_mut(&message.room_id).is_some_and(|live| live.changed(&message, true));
        if is_shown {
            // Before anything is sent to the room: that may take its last session out, and the room out of memory.
            self.room_updated(message.room_id.clone());
        }
        let push = Push::from_json("messageUpdated", data);
        self.deliveries().send_to_room(&message.room_id, Delivery::Change, &push, None);
        if message.deleted_at.is_some() {
            // Where several nodes change a room, the database counts.
            self.cluster.refresh(message.room_id, true, &self.rooms);
        }
    }

    /// Whether an earlier message of its room was not delivered yet: several nodes commit them.
    pub(super) fn is_early(&self, message: &StoredMessage) -> bool {
        self.rooms.room(&message.room_id).is_some_and(|live| live.state().last_seq < message.seq)
    }

    /// A message has changed before its turn: it is delivered as it is now, when its turn comes. Those who have it already, from
    /// their history, and those who get what was read of it before, are sent the change once the room has come that far.
    pub(super) fn early_changed(&mut self, message: StoredMessage, data: Bytes) {
        let room = message.room_id.clone();
        self.cluster.read_change_again(message.id.clone());
        if let Some(live) = self.rooms.room_mut(&room) {
            live.early_changed(message, data);
        }
        self.cluster.fill(room.clone());
        self.room_updated(room);
    }

    /// A message of a room that was not in memory stands differently: its members' lists are notified where they show it.
    pub(super) fn change_shown(&mut self, change: &MessageChange, reach: Reach) {
        let Some(live) = self.rooms.room(&change.room) else { return };
        let state = live.state();
        let is_last = state.last_message.as_ref().is_some_and(|last| last.id == change.message);
        let counted = |role| state.member_user(role).id != change.sender && state.member(role).read_seq < change.seq;
        if is_last || change.is_offer || change.is_deleted && [Role::Buyer, Role::Seller].into_iter().any(counted) {
            self.debounce_room_updated(change.room.clone(), Audience::both(reach));
        }
    }
}
