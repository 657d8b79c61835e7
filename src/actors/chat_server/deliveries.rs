//! Who is told what: a room's sessions, a member's lists, and those whose sessions end.

use std::{collections::HashMap, time::Duration};

use actix::{AsyncContext, Context};
use bytes::Bytes;

use super::{ChatServer, grant_over, rooms::PresenceChanged, work::Work};
use crate::{
    actors::hub::{Delivery, Op},
    domain::{AuthorizePolicy, Role, RoomId, RoomSummary, SessionId, StoredMessage, UserId},
    error::{ChatError, CloseCode},
    protocol::{
        event::{RoomUpdated, ServerEvent},
        push::Push,
    },
};

/// How long changes of a room gather before its members' lists are told, so that a burst costs one `roomUpdated`.
const ROOM_UPDATED_DELAY: Duration = Duration::from_millis(100);

/// Rooms that are read at once for a change that shows in many.
const ANNOUNCEMENTS_AT_ONCE: usize = 100;

/// The pause between them.
const ANNOUNCEMENTS_PAUSE: Duration = Duration::from_millis(20);

impl ChatServer {
    /// Tells a room's sessions about an event that is not a message.
    pub(super) fn tell_room(&mut self, room: &RoomId, kind: Delivery, push: &Push, except: Option<&UserId>) {
        self.end_grants(room);
        if let Some(live) = self.rooms.room(room) {
            self.fan_out.tell_room(live, room, kind, push, except);
        }
    }

    /// Tells a room's sessions about a message, in its place.
    pub(super) fn message_stored(&mut self, message: &StoredMessage, data: Bytes) {
        self.end_grants(&message.room_id);
        if let Some(live) = self.rooms.room_mut(&message.room_id) {
            live.stored(message);
            let push = Push::from_json("message", data);
            self.fan_out.tell_room(live, &message.room_id, Delivery::Message(message.seq), &push, None);
        }
    }

    /// Under `room-token`: takes sessions whose token's time is over out of a room, before anything is delivered to it.
    pub(super) fn end_grants(&mut self, room: &RoomId) {
        if self.settings.policy != AuthorizePolicy::RoomToken {
            return;
        }
        let now = self.settings.clock.now();
        for session in self.rooms.room(room).map(|live| live.grants_over(now)).unwrap_or_default() {
            self.take_out(session, room, grant_over());
        }
    }

    /// Takes a session out of a room against its will.
    pub(super) fn take_out(&mut self, session: SessionId, room: &RoomId, error: ChatError) {
        let Some(hub) = self.rooms.session(session).map(|session| session.hub) else { return };
        self.fan_out.tell_hub(hub, Op::Detach { session, room: room.clone(), error: Some(error) });
        if let Some(gone) = self.rooms.detach(session, room) {
            self.presence_changed(gone);
        }
    }

    pub(super) fn presence_changed(&mut self, changed: PresenceChanged) {
        let PresenceChanged { room, user, online } = changed;
        let push = Push::new(&ServerEvent::Presence { room_id: room.clone(), user_id: user.clone(), online });
        self.tell_room(&room, Delivery::State, &push, Some(&user));
    }

    /// Remembers that both members' lists show something old.
    pub(super) fn room_updated(&mut self, room: RoomId, ctx: &mut Context<Self>) {
        let Some(live) = self.rooms.room_mut(&room) else { return };
        if self.updated.insert(room) {
            // Keeps the room in memory until its members are told.
            live.writes_pending += 1;
            if self.updated.len() == 1 {
                ctx.run_later(ROOM_UPDATED_DELAY, |server, _| server.send_room_updates());
            }
        }
    }

    /// Tells both members of many rooms what these look like now, some at a time: the rooms are read for it, and others
    /// want to read, too.
    pub(super) fn announce(&mut self, rooms: Vec<RoomId>, ctx: &mut Context<Self>) {
        let idle = self.announcements.is_empty();
        self.announcements.extend(rooms);
        if idle {
            self.announce_some(ctx);
        }
    }

    fn announce_some(&mut self, ctx: &mut Context<Self>) {
        for _ in 0..ANNOUNCEMENTS_AT_ONCE {
            let Some(room) = self.announcements.pop_front() else { return };
            self.with_room(Work::Announce(room), ctx);
        }
        ctx.run_later(ANNOUNCEMENTS_PAUSE, |server, ctx| server.announce_some(ctx));
    }

    pub(super) fn send_room_updates(&mut self) {
        for room in std::mem::take(&mut self.updated) {
            let Some(live) = self.rooms.room_mut(&room) else { continue };
            live.writes_pending -= 1;
            let summaries =
                [Role::Buyer, Role::Seller].map(|role| (live.summary(role), live.state().member(role).deleted));
            let users = [&live.state().room.buyer.id, &live.state().room.seller.id].map(Clone::clone);
            for ((summary, deleted), user) in summaries.into_iter().zip(users) {
                if !deleted {
                    self.send_room_update(&room, &user, summary);
                }
            }
            self.rooms.release(&room);
        }
        self.fan_out.send();
    }

    pub(super) fn send_room_update(&mut self, room: &RoomId, user: &UserId, summary: RoomSummary) {
        let mut by_hub: HashMap<_, Vec<SessionId>> = HashMap::new();
        for session in self.rooms.sessions_of(user) {
            if let Some(live) = self.rooms.session(*session) {
                by_hub.entry(live.hub).or_default().push(*session);
            }
        }
        if by_hub.is_empty() {
            return;
        }
        let push = Push::new(&ServerEvent::RoomUpdated(Box::new(RoomUpdated { room_id: room.clone(), summary })));
        for (hub, sessions) in by_hub {
            self.fan_out.tell_hub(hub, Op::DeliverTo { sessions, state_of: Some(room.clone()), push: push.clone() });
        }
    }

    /// Ends all sessions of a user.
    pub(super) fn end_sessions(&mut self, user: &UserId, error: &ChatError) -> usize {
        let sessions = self.rooms.sessions_of(user).to_vec();
        for session in &sessions {
            let Some(live) = self.rooms.session(*session) else { continue };
            let hub = live.hub;
            for room in live.rooms.clone() {
                // From its rooms at once; the session itself goes when it has been told.
                self.fan_out.tell_hub(hub, Op::Detach { session: *session, room: room.clone(), error: None });
                if let Some(gone) = self.rooms.detach(*session, &room) {
                    self.presence_changed(gone);
                }
            }
            let end = Op::End { session: *session, code: CloseCode::Forbidden, error: error.clone() };
            self.fan_out.tell_hub(hub, end);
        }
        sessions.len()
    }
}
