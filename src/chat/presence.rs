//! Who is online, for a session of the inbox that has just connected: a slice of its user's rooms at a time.

use std::time::Duration;

use super::{
    effects::Effects,
    hub_op::{HubId, Op},
    rooms::{PresenceChanged, Rooms},
    timer::Timer,
};
use crate::{
    domain::{RoomId, SessionId, UserId},
    protocol::{event::ServerEvent, push::Push},
};

/// Rooms of a user that a session of the inbox is sent in one slice.
const ROOMS_AT_ONCE: usize = 128;

/// Sends a session of the inbox who is online already.
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
        let push = Push::new(&ServerEvent::Presence { room_id: room, user_id: user, online });
        out.send_to_hub(hub, Op::DeliverTo { sessions: vec![session], state_of: None, push });
    }
    if !left.is_empty() {
        out.after(Duration::ZERO, Timer::SendOnline { session, user, hub, rooms: left });
    }
}
