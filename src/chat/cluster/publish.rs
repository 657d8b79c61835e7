//! What this node publishes to the others of what it has committed. A server that is alone publishes nothing.

use super::{Cluster, reconcile::Confirmed};
use crate::{
    broker::{NodeEvent, Topic},
    chat::{effects::Effects, rooms::PresenceChanged},
    domain::{RoomId, RoomSummary, StoredMessage, UserId},
};

/// Says that a room adds nothing to its member's total of unread messages.
const NO_SHARE: i64 = -1;

impl Cluster {
    /// Publishes something, if there are other nodes.
    pub(in crate::chat) fn publish(
        &self,
        out: &mut Effects,
        topic: impl FnOnce() -> Topic,
        event: impl FnOnce() -> NodeEvent,
    ) {
        if self.nodes.is_some() {
            out.publish(topic(), event());
        }
    }

    pub(in crate::chat) fn publish_to_room(
        &self,
        out: &mut Effects,
        room: &RoomId,
        event: impl FnOnce(RoomId) -> NodeEvent,
    ) {
        self.publish(out, || Topic::Room(room.clone()), || event(room.clone()));
    }

    /// Publishes that what they keep of a room is old.
    pub(in crate::chat) fn publish_room_changed(&mut self, out: &mut Effects, room: &RoomId) {
        self.confirm(|| Confirmed::Room(room.clone()));
        self.publish_to_room(out, room, |room| NodeEvent::RoomChanged { room, settings_of: None });
    }

    /// The same of a member's own settings of the room, which the other member's list does not show.
    pub(in crate::chat) fn publish_room_settings(&mut self, out: &mut Effects, room: &RoomId, member: &UserId) {
        self.confirm(|| Confirmed::RoomSettings(room.clone(), member.clone()));
        let settings_of = Some(member.clone());
        self.publish_to_room(out, room, |room| NodeEvent::RoomChanged { room, settings_of });
    }

    /// Publishes that what they keep of a user is old.
    pub(in crate::chat) fn publish_user_changed(&mut self, out: &mut Effects, user: &UserId) {
        self.confirm(|| Confirmed::User(user.clone()));
        self.publish(out, || Topic::Nodes, || NodeEvent::UserChanged { user: user.clone(), is_renamed: false });
    }

    /// The same of a user who may have another name or picture, which other members' lists show.
    pub(in crate::chat) fn publish_user_put(&mut self, out: &mut Effects, user: &UserId, is_renamed: bool) {
        self.confirm(|| Confirmed::User(user.clone()));
        self.confirm(|| Confirmed::Profile(user.clone()));
        self.publish(out, || Topic::Nodes, || NodeEvent::UserChanged { user: user.clone(), is_renamed });
    }

    pub(in crate::chat) fn publish_message(&self, out: &mut Effects, message: &StoredMessage) {
        self.publish_to_room(out, &message.room_id, |room| NodeEvent::Message {
            room,
            seq: message.seq,
            message: Some(message.clone()),
        });
    }

    pub(in crate::chat) fn publish_change(&mut self, out: &mut Effects, message: &StoredMessage) {
        self.change_said(message, None);
        self.publish_to_room(out, &message.room_id, |_| NodeEvent::MessageChanged { message: Some(message.clone()) });
    }

    /// Publishes to the nodes on which a user has sessions how a room looks in their list.
    pub(in crate::chat) fn publish_list(&self, out: &mut Effects, user: &UserId, summary: &RoomSummary, data: &[u8]) {
        let (room, last_seq) = (summary.room.id.clone(), summary.last_seq);
        let Ok(data) = serde_json::from_slice(data) else { return };
        let unread = Some(summary.unread_share().unwrap_or(NO_SHARE));
        let event = NodeEvent::RoomUpdated { user: user.clone(), room, last_seq, data, unread };
        out.publish(Topic::User(user.clone()), event);
    }

    pub(in crate::chat) fn publish_inbox_presence(
        &self,
        out: &mut Effects,
        PresenceChanged { room, user, other, online, last_seen_at, .. }: &PresenceChanged,
    ) {
        self.publish(
            out,
            || Topic::User(other.clone()),
            || NodeEvent::InboxPresence {
                user: other.clone(),
                room: room.clone(),
                of: user.clone(),
                online: *online,
                last_seen_at: *last_seen_at,
            },
        );
    }
}
