//! Who is sent what: a room's sessions, a member's lists, and those whose sessions end.

use std::mem;

use bytes::Bytes;

use super::{
    Deliveries,
    authorization::grant_over,
    cluster::reconcile::Confirmed,
    hub_op::{Delivery, Op},
    order::Turn,
    rooms::{LiveRoom, PresenceChanged},
};
use crate::{
    broker::{NodeEvent, Topic},
    domain::{AuthorizePolicy, Role, RoomId, Seq, SessionId, StoredMessage, UserId, staff::NEVER},
    error::{ChatError, CloseCode, ErrorCode},
    protocol::{
        event::ServerEvent,
        push::{Position, Push},
    },
};

/// How far deliveries have come.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    /// The position of the newest message that was delivered.
    pub(super) position: Position,
    /// Who has read by answering in this turn, and how far.
    answered: Vec<(RoomId, UserId, Seq)>,
}

impl Deliveries<'_> {
    /// Sends a room's sessions an event that is not a message.
    pub(super) fn send_to_room(&mut self, room: &RoomId, kind: Delivery, push: &Push, except: Option<&UserId>) {
        self.end_grants(room);
        if let Some(live) = self.rooms.room(room) {
            self.out.send_to_room(live, room, kind, push, except);
        }
    }

    /// Sends a room's sessions a message, in its place.
    pub(super) fn message_stored(&mut self, message: &StoredMessage, data: Bytes) {
        if self.cluster.has_others() {
            self.cluster.publish_message(self.out, message);
            self.place(message.clone(), data);
        } else {
            self.deliver(message, data);
        }
    }

    /// Where several nodes commit messages: delivers one when its turn has come, and what waited for it.
    pub(super) fn place(&mut self, message: StoredMessage, data: Bytes) {
        let room = message.room_id.clone();
        let Some(live) = self.rooms.room_mut(&room) else { return };
        match live.take_in(message, data) {
            Turn::Now((message, data)) => self.deliver(&message, data),
            Turn::Known => return,
            Turn::Early => return self.cluster.fill(room),
        }
        while let Some((message, data)) = self.rooms.room_mut(&room).and_then(LiveRoom::next_early) {
            self.deliver(&message, data);
        }
    }

    fn deliver(&mut self, message: &StoredMessage, data: Bytes) {
        self.end_grants(&message.room_id);
        self.delivered.position = self.delivered.position.max(message.position);
        let offset = self.offset_of(message.position);
        let Some(live) = self.rooms.room_mut(&message.room_id) else { return };
        let has_read = live.stored(message);
        let push = Push::message(data, offset);
        self.out.send_to_room(live, &message.room_id, Delivery::Message(message.seq), &push, None);
        if has_read {
            self.delivered.answered.push((message.room_id.clone(), message.sender_id.clone(), message.seq));
        }
    }

    /// The end of a commit, or of what another node has sent: who has read by answering, each as far as they have come. In a
    /// lively room that is one event for several answers. What is acknowledged later in the turn comes after it.
    pub(super) fn send_answered_reads(&mut self) {
        for (room, user, seq) in mem::take(&mut self.delivered.answered) {
            self.cluster.confirm(|| Confirmed::Read(room.clone(), user.clone()));
            let mark = self.rooms.room(&room).and_then(|live| Some(live.state().member(live.role_of(&user)?).read_seq));
            // A later mark is sent by what has moved it.
            if mark == Some(seq) {
                self.send_read(&room, &user, seq);
            }
        }
    }

    /// Under `room-token`: takes sessions whose token has expired out of a room, before anything is delivered to it.
    pub(super) fn end_grants(&mut self, room: &RoomId) {
        if self.settings.policy != AuthorizePolicy::RoomToken {
            return;
        }
        let now = self.now.wall;
        // One at a time: what one of them leaves to say may have taken out the next ones.
        while let Some(session) = self.rooms.room(room).and_then(|live| live.grant_over(now)) {
            self.take_out(session, room, grant_over());
        }
    }

    /// Takes a session out of a room against its will. Should its client not read that, it must not come back as if it still were
    /// there: it starts over.
    pub(super) fn take_out(&mut self, session: SessionId, room: &RoomId, error: ChatError) {
        let Some(hub) = self.rooms.session(session).map(|session| session.hub) else { return };
        self.end_recoverable(session, true);
        self.out.send_to_hub(hub, Op::Detach { session, room: room.clone(), error: Some(error) });
        self.detach(session, room);
    }

    /// Takes a session out of a room, and notifies the other member when its user is gone with it.
    pub(super) fn detach(&mut self, session: SessionId, room: &RoomId) {
        let user = self.rooms.session(session).map(|session| session.user.clone());
        self.forget_room(session, room);
        // Before anything is sent to the room, which would take it out again where its room token has expired.
        let gone = self.rooms.detach(session, room);
        if let Some(user) = user {
            self.typing_stopped(room, &user, Some(session));
        }
        if let Some(gone) = gone {
            self.presence_changed(gone);
        }
    }

    /// A session has ended: its user does not type in it any more.
    pub(super) fn typing_in_no_room(&mut self, session: SessionId) {
        let Some(live) = self.rooms.session(session) else { return };
        let (user, rooms) = (live.user.clone(), live.rooms.clone());
        for room in rooms {
            self.typing_stopped(&room, &user, Some(session));
        }
    }

    /// Changes what a room's members share, and sends each what they see of the other from now on.
    pub(super) fn sharing_changes(&mut self, room: &RoomId, change: impl FnOnce(&mut LiveRoom)) {
        for changed in self.sharing_changes_here(room, change) {
            self.cluster.publish_inbox_presence(self.out, &changed);
        }
    }

    /// The same for this node's sessions. Returns who sees whom come or go by it.
    pub(super) fn sharing_changes_here(
        &mut self,
        room: &RoomId,
        change: impl FnOnce(&mut LiveRoom),
    ) -> Vec<PresenceChanged> {
        let mut seen_changes = Vec::new();
        let seen = |live: &LiveRoom| {
            Role::BOTH.map(|viewer| {
                let online = live.sees_other_online(viewer);
                (online, live.last_seen_shown(viewer.other()).filter(|_| !online))
            })
        };
        let Some(live) = self.rooms.room_mut(room) else { return seen_changes };
        let before = seen(live);
        change(live);
        let after = seen(live);
        let (buyer, seller) = (live.state().room.buyer.id.clone(), live.state().room.seller.id.clone());
        let types = live.state().shared().typing;
        let views = [(buyer.clone(), seller.clone()), (seller, buyer)];
        for (((viewer, user), before), after) in views.into_iter().zip(before).zip(after) {
            if !types {
                self.typing_stopped(room, &user, None);
            }
            if before != after {
                let (online, last_seen_at) = after;
                let event =
                    ServerEvent::Presence { room_id: room.clone(), user_id: user.clone(), online, last_seen_at };
                let push = Push::new(&event);
                self.send_to_room(room, Delivery::State, &push, Some(&user));
                self.out.send_to_inbox(self.rooms, &viewer, &push);
                let (room, shared) = (room.clone(), true);
                seen_changes.push(PresenceChanged { room, user, other: viewer, online, shared, last_seen_at });
            }
        }
        seen_changes
    }

    /// Somebody has read: their own sessions are notified, and the other member's where the two share it.
    pub(super) fn send_read(&mut self, room: &RoomId, user: &UserId, seq: Seq) {
        let push = Push::new(&ServerEvent::Read { room_id: room.clone(), user_id: user.clone(), seq });
        let Some(live) = self.rooms.room(room) else { return };
        if live.state().shared().read_receipts {
            self.send_to_room(room, Delivery::State, &push, None);
        } else {
            let own = live.sessions_of(user);
            self.out.send_to_sessions(self.rooms, own, None, &push);
        }
        self.delivered_by_reading(room, user, seq);
    }

    /// Ends all sessions of a user, on every node. Returns how many there were on this one.
    pub(super) fn end_sessions(&mut self, user: &UserId, error: &ChatError) -> usize {
        self.cluster.publish(
            self.out,
            || Topic::User(user.clone()),
            || NodeEvent::EndSessions {
                user: user.clone(),
                sentence: error.message.clone().into_owned(),
                banned_until: (error.code == ErrorCode::Banned).then(|| error.until.unwrap_or(NEVER)),
            },
        );
        self.end_sessions_here(user, error)
    }

    /// The database has noted that a user's sessions were ended. Only now does the word that ended them stand for that note: one
    /// whose note was not stored must not stand for the next.
    pub(super) fn sessions_end_noted(&mut self, user: &UserId) {
        self.cluster.confirm(|| Confirmed::SessionsEnded(user.clone()));
        self.cluster.publish(
            self.out,
            || Topic::User(user.clone()),
            || NodeEvent::SessionsEndNoted { user: user.clone() },
        );
    }

    /// Ends all sessions of a user on this node.
    pub(super) fn end_sessions_here(&mut self, user: &UserId, error: &ChatError) -> usize {
        let sessions = self.rooms.sessions_of(user).to_vec();
        for session in &sessions {
            let Some(live) = self.rooms.session(*session) else { continue };
            let (hub, rooms) = (live.hub, live.rooms.clone());
            // Should this node die before the client has read its end, it must not come back as if it still were in its rooms.
            self.end_recoverable(*session, true);
            for room in rooms {
                // From its rooms at once; the session itself goes when it has been notified.
                self.out.send_to_hub(hub, Op::Detach { session: *session, room: room.clone(), error: None });
                self.detach(*session, &room);
            }
            let end = Op::End { session: *session, code: CloseCode::Forbidden, error: error.clone() };
            self.out.send_to_hub(hub, end);
        }
        sessions.len()
    }
}
