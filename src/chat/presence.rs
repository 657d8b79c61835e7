//! Who is online, for a session of the inbox that has just connected: a slice of its user's rooms at a time.

use std::time::Duration;

use super::{
    Chat,
    hub_op::{HubId, Op},
    rooms::PresenceChanged,
    timer::Timer,
};
use crate::{
    domain::{RoomId, SessionId, UserId},
    protocol::{event::ServerEvent, push::Push},
};

/// Rooms of a user that a session of the inbox is sent in one slice.
const ROOMS_AT_ONCE: usize = 128;

impl Chat {
    /// Sends a session of the inbox who is online already.
    pub(super) fn send_online(&mut self, session: SessionId, user: UserId, hub: HubId) {
        let rooms = self.rooms.rooms_of(&user);
        self.send_some_online(session, user, hub, rooms);
    }

    /// Goes on with the rooms that are left.
    pub(super) fn send_some_online(&mut self, session: SessionId, user: UserId, hub: HubId, mut rooms: Vec<RoomId>) {
        if self.rooms.session(session).is_none() {
            return;
        }
        for room in rooms.drain(..rooms.len().min(ROOMS_AT_ONCE)) {
            let Some(PresenceChanged { room, user, online, .. }) = self.rooms.other_online(&user, &room) else {
                continue;
            };
            let push = Push::new(&ServerEvent::Presence { room_id: room, user_id: user, online });
            self.out.send_to_hub(hub, Op::DeliverTo { sessions: vec![session], state_of: None, push });
        }
        if !rooms.is_empty() {
            self.out.after(Duration::ZERO, Timer::SendOnline { session, user, hub, rooms });
        }
    }
}
