//! Sends who came and who went, and what a session that has just come is sent of those who are there. Who is online is decided in
//! `rooms` and `rooms/live_room`.

use std::time::Duration;

use super::{
    Deliveries,
    effects::Effects,
    hub_op::{Delivery, HubId, Op},
    last_seen::minute_of,
    rooms::{PresenceChanged, Rooms},
    timer::Timer,
};
use crate::{
    domain::{RoomId, SessionId, UserId},
    protocol::{event::ServerEvent, push::Push},
};

/// Rooms of a user that a session of the inbox is sent in one slice.
const ROOMS_AT_ONCE: usize = 128;

/// Sends a session of the inbox that has just connected who is online already: a slice of its user's rooms at a time.
pub(super) fn send_online(session: SessionId, user: UserId, hub: HubId, rooms: &Rooms, out: &mut Effects) {
    let left = rooms.rooms_of(&user);
    send_some_online(session, user, hub, left, rooms, out);
}

/// Goes on with the rooms that are left.
pub(super) fn send_some_online(
    session: SessionId,
    user: UserId,
    hub: HubId,
    mut left: Vec<RoomId>,
    rooms: &Rooms,
    out: &mut Effects,
) {
    if rooms.session(session).is_none() {
        return;
    }
    for room in left.drain(..left.len().min(ROOMS_AT_ONCE)) {
        let Some(PresenceChanged { room, user, online, .. }) = rooms.other_online(&user, &room) else {
            continue;
        };
        let push = Push::new(&ServerEvent::Presence { room_id: room, user_id: user, online, last_seen_at: None });
        out.send_to_hub(hub, Op::DeliverTo { sessions: vec![session], state_of: None, push });
    }
    if !left.is_empty() {
        out.after(Duration::ZERO, Timer::SendOnline { session, user, hub, rooms: left });
    }
}

impl Deliveries<'_> {
    /// A member came or went: the other one is notified, on every node.
    pub(super) fn presence_changed(&mut self, changed: PresenceChanged) {
        if changed.shared {
            self.cluster.publish_inbox_presence(self.out, &changed);
        }
        self.send_presence(changed);
    }

    /// A member came or went on another node. Who went was there until now: what this node knows of them may be old.
    pub(super) fn presence_heard(&mut self, mut changed: PresenceChanged) {
        if !changed.online {
            self.rooms.seen(&changed.user, minute_of(self.now.wall));
            let live = self.rooms.room(&changed.room);
            changed.last_seen_at = live.and_then(|live| live.last_seen_shown(live.role_of(&changed.user)?));
        }
        self.send_presence(changed);
    }

    /// Notifies this node's sessions who came or went.
    fn send_presence(&mut self, changed: PresenceChanged) {
        let PresenceChanged { room, user, other, online, shared, last_seen_at } = changed;
        let event = ServerEvent::Presence { room_id: room.clone(), user_id: user.clone(), online, last_seen_at };
        let push = Push::new(&event);
        if shared {
            self.send_to_room(&room, Delivery::State, &push, Some(&user));
            self.out.send_to_inbox(self.rooms, &other, &push);
        }
    }

    /// A member was there before their client came back, and is there now. The others have heard nothing of it, but for those who
    /// came meanwhile and were answered that nobody is there.
    pub(super) fn still_there(&mut self, came: PresenceChanged, since: u64) {
        if self.rooms.room(&came.room).is_some_and(|live| live.has_answered_since(since)) {
            return self.presence_changed(came);
        }
        if came.shared {
            self.cluster.publish_inbox_presence(self.out, &came);
            let PresenceChanged { room, user, other, online, last_seen_at, .. } = came;
            let push = Push::new(&ServerEvent::Presence { room_id: room, user_id: user, online, last_seen_at });
            self.out.send_to_inbox(self.rooms, &other, &push);
        }
    }

    /// Sends a session that was taken up who is in its rooms now: meanwhile somebody may have come or gone, and no answer to an
    /// entry says so.
    pub(super) fn send_presence_of(&mut self, session: SessionId, rooms: Vec<RoomId>) {
        let Some(session_here) = self.rooms.session(session) else { return };
        let (hub, user) = (session_here.hub, session_here.user.clone());
        for room in rooms {
            let Some(live) = self.rooms.room(&room) else { continue };
            let Some(role) = live.role_of(&user) else { continue };
            let online = live.sees_other_online(role);
            let last_seen_at = live.last_seen_shown(role.other()).filter(|_| !online);
            let user_id = live.state().member_user(role.other()).id.clone();
            let push = Push::new(&ServerEvent::Presence { room_id: room, user_id, online, last_seen_at });
            self.out.send_to_hub(hub, Op::DeliverTo { sessions: vec![session], state_of: None, push });
        }
    }
}
