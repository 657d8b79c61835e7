//! Sessions come and go: their beginning, their end, and the ends that are not their own. They end what waits for them in any part, so
//! this takes the whole chat.

use super::{
    Chat,
    authorization::take_entries,
    done,
    hub_op::Op,
    presence::send_online,
    request::{Connect, Disconnect, Leave, ReplyTo, RoomRequest, Welcome},
    rooms::Feed,
};
use crate::{
    broker::{NodeEvent, Topic},
    domain::{UserId, staff::ends_at},
    error::{ChatError, ErrorCode},
};

impl Chat {
    /// A session exists.
    pub(super) fn connect(&mut self, Connect { session, user, hub, feed, welcome }: Connect) {
        self.rooms.connect(session, user.clone(), hub, feed);
        self.is_active(&user);
        if let Some(until) = self.bans.of(&user, self.now.at) {
            self.deliveries().end_sessions_here(&user, &ChatError::banned(ends_at(until)));
            return;
        }
        match welcome {
            None => {}
            Some(Welcome::Plain) => {
                let sid = uuid::Uuid::new_v4().simple().to_string();
                self.out.send_to_hub(hub, Op::Welcome { session, sid, recovery: None });
            }
            Some(Welcome::Recoverable(resume)) => {
                let requests = self.deliveries().recover(session, resume);
                self.authorize_each(requests);
            }
        }
        if feed == Feed::Inbox {
            send_online(session, user.clone(), hub, &self.rooms, &mut self.out);
            self.cluster.publish(&mut self.out, || Topic::Nodes, || NodeEvent::WhoIsThere { user });
        }
    }

    /// A user does something, or has just stopped.
    pub(super) fn is_active(&mut self, user: &UserId) {
        self.last_seen.active(user, self.now.wall, &mut self.rooms, &mut self.out);
    }

    /// A session is gone. Its place among its user's is free when this returns.
    pub(super) fn disconnect(&mut self, Disconnect { session, user, for_good, place: _place }: Disconnect) {
        self.is_active(&user);
        let mut deliveries = self.deliveries();
        deliveries.end_recoverable(session, for_good);
        deliveries.typing_in_no_room(session);
        for gone in deliveries.rooms.disconnect(session) {
            deliveries.presence_changed(gone);
        }
        self.unread_totals.forget(&user, &self.rooms);
    }

    /// Takes a session out of a room, and with it what it has said before about entering that room: an entry that still waits
    /// for the room or for the answer whether its user may enter must not put the session back after it left.
    pub(super) fn leave(&mut self, Leave { asker, user, room }: Leave) {
        self.is_active(&user);
        let (session, hub) = (asker.session, asker.hub);
        self.deliveries().not_to_resume(session, &room);
        let mut entries = Vec::new();
        if let Some(user) = self.rooms.session(session).map(|live| live.user.clone()) {
            entries = self.checks.take_entries(session, &room, &user);
        }
        if let Some(loading) = self.loading.rooms.get_mut(&room) {
            entries.extend(take_entries(&mut loading.waiting, session));
        }
        for entry in entries {
            match entry {
                RoomRequest::Join(join) => self.out.answer(ReplyTo::Session(join.asker), Err(left_before())),
                RoomRequest::Resume { .. } => self.deliveries().resume_room(session, true),
                _ => {}
            }
        }
        self.out.send_to_hub(hub, Op::Detach { session, room: room.clone(), error: None });
        self.deliveries().detach(session, &room);
        self.out.answer(ReplyTo::Session(asker), Ok(done()));
    }
}

/// The answer to an entry whose session has left the room since.
pub(super) fn left_before() -> ChatError {
    ChatError::new(ErrorCode::NotInRoom, "the room was left before it was entered")
}
