//! How far messages have reached the members' devices: what they say of it, who is sent it, and what becomes of a mark that moves.

use bytes::Bytes;

use super::{
    Audience, Chat, Deliveries,
    batch::PendingWrite,
    cluster::reconcile::Confirmed,
    hub_op::Delivery,
    request::{Answer, Received, RoomRequest},
};
use crate::{
    broker::NodeEvent,
    db::Write,
    domain::{Role, RoomId, Seq, UserId},
    protocol::{
        event::{DeliveredUpTo, ServerEvent},
        json::to_json,
        push::Push,
    },
};

impl Chat {
    /// A member's device says how far messages have reached it. What memory knows already is not written again: every device of
    /// theirs may say it.
    pub(super) fn received(&mut self, received: Received, role: Role) {
        let Received { user, room, seq, reply } = received;
        let known = self.rooms.room(&room).map(|live| live.state().member(role).marks().delivered_seq);
        match known.filter(|known| seq <= *known) {
            Some(delivered_seq) => {
                self.out.answer(reply, Ok(Answer { data: ack(delivered_seq), created: false }));
                self.rooms.release(&room);
            }
            None => {
                let write = Write::MarkDelivered { room: room.clone(), member: user, seq };
                self.append(PendingWrite { write, room: Some(room), reply });
            }
        }
    }

    /// The answer to a mark that is stored. Where it has moved, the room is notified, and the other member's lists where they
    /// show it.
    pub(super) fn delivered(&mut self, room: RoomId, member: &UserId, seq: Seq, advanced: bool) -> Answer {
        if advanced {
            self.loading.mark_stale(&room, &mut self.cluster);
            self.deliveries().member_received(&room, member, seq);
            self.cluster.confirm(|| Confirmed::Delivered(room.clone(), member.clone()));
            self.cluster.publish_to_room(&mut self.out, &room, |room| NodeEvent::Delivered {
                room,
                user: member.clone(),
                seq,
            });
            self.show_delivered(room, member);
        }
        Answer { data: ack(seq), created: advanced }
    }

    /// The list of the one who has said the last thing shows whether it was delivered.
    fn show_delivered(&mut self, room: RoomId, member: &UserId) {
        let Some(live) = self.rooms.room(&room) else { return };
        let Some(other) = live.role_of(member).map(Role::other) else { return };
        let state = live.state();
        let is_shown = state.shared().delivery_receipts
            && state.last_message.as_ref().is_some_and(|last| last.sender_id == state.member_user(other).id);
        if is_shown {
            self.with_room(RoomRequest::AnnounceTo(room, Audience::everywhere(other)));
        }
    }

    /// Another node says so.
    pub(super) fn hear_delivered(&mut self, room: &RoomId, member: &UserId, seq: Seq) {
        self.cluster.confirm(|| Confirmed::Delivered(room.clone(), member.clone()));
        self.loading.mark_stale(room, &mut self.cluster);
        self.deliveries().member_received(room, member, seq);
    }
}

impl Deliveries<'_> {
    /// Messages have reached a member's device up to here. Where that is news, their own sessions are notified, and the other
    /// member's where the two share it.
    pub(super) fn member_received(&mut self, room: &RoomId, user: &UserId, seq: Seq) {
        let Some(live) = self.rooms.room_mut(room) else { return };
        if !live.delivered(user, seq) {
            return;
        }
        let push = Push::new(&ServerEvent::Delivered { room_id: room.clone(), user_id: user.clone(), seq });
        if live.state().shared().delivery_receipts {
            self.send_to_room(room, Delivery::State, &push, None);
        } else {
            let own = live.sessions_of(user);
            self.out.send_to_sessions(self.rooms, own, None, &push);
        }
    }

    /// A member has read, and the other one is not sent that: what was read has been delivered, which they may share.
    pub(super) fn delivered_by_reading(&mut self, room: &RoomId, user: &UserId, seq: Seq) {
        let Some(live) = self.rooms.room_mut(room) else { return };
        let is_news = live.delivered(user, seq);
        let shared = live.state().shared();
        if is_news && shared.delivery_receipts && !shared.read_receipts {
            let push = Push::new(&ServerEvent::Delivered { room_id: room.clone(), user_id: user.clone(), seq });
            self.send_to_room(room, Delivery::State, &push, Some(user));
        }
    }
}

fn ack(delivered_seq: Seq) -> Bytes {
    to_json(&DeliveredUpTo { delivered_seq })
}
