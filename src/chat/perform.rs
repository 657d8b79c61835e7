//! What somebody asks for in a room: it is authorized by the policy that was chosen, waits for the room to be in memory, and is
//! performed or refused. It may be any request, so this takes the whole chat.

use super::{
    Chat,
    authorization::check_grant,
    batch::PendingWrite,
    hub_op::Op,
    request::{Join, MakeOffer, Message, React, ReplyTo, RoomRequest},
    rooms::Seat,
};
use crate::{
    db::{Write, WriteError},
    domain::{AuthorizePolicy, ClientId, Role, RoomId, SessionId},
    error::{ChatError, ErrorCode},
};

impl Chat {
    /// Does something in a room once its user is known to be a member, by the policy that was chosen.
    pub(super) fn authorize(&mut self, work: RoomRequest) {
        if self.is_by_staff(&work) {
            return self.ask_database(work);
        }
        match self.settings.policy {
            AuthorizePolicy::OnEnter => self.with_room(work),
            AuthorizePolicy::EveryMessage => self.ask_database(work),
            AuthorizePolicy::RoomToken => self.with_grant(work),
        }
    }

    /// The same under `room-token`. What a device says by itself needs none, as `roomUpdated` that it answers needs none.
    fn with_grant(&mut self, work: RoomRequest) {
        let granted = match work {
            RoomRequest::Received(_) => Ok(()),
            _ => check_grant(&work, &self.rooms, self.now.wall),
        };
        match granted {
            Ok(()) => self.with_room(work),
            Err(error) => self.refuse(work, error),
        }
    }

    /// Does something for a member of the room of whom the database was asked: a member of the staff in a room of their own is one
    /// like any other.
    pub(super) fn with_member(&mut self, mut work: RoomRequest) {
        if let RoomRequest::Message(message) = &mut work {
            message.draft.by_staff = false;
        }
        match self.settings.policy {
            AuthorizePolicy::RoomToken => self.with_grant(work),
            AuthorizePolicy::OnEnter | AuthorizePolicy::EveryMessage => self.with_room(work),
        }
    }

    fn ask_database(&mut self, work: RoomRequest) {
        if let Some((room, user)) = self.checks.ask(work) {
            self.reads.member(room, user);
        }
    }

    /// Whether it may be done by somebody who is no member of the room, but of the staff. Who has joined which room is asked each
    /// time, whatever the policy: another node may have changed it a moment ago.
    pub(super) fn is_by_staff(&self, work: &RoomRequest) -> bool {
        let of_staff = |session: SessionId| self.rooms.session(session).is_some_and(|live| live.is_staff);
        match work {
            RoomRequest::Message(message) => message.draft.by_staff,
            RoomRequest::Join(join) => of_staff(join.asker.session),
            RoomRequest::Resume { session, .. } => of_staff(*session),
            _ => false,
        }
    }

    /// Does what somebody of the staff may do in a room that they have joined.
    fn perform_by_staff(&mut self, room: RoomId, work: RoomRequest) {
        let entering = work.user().filter(|_| work.enters()).cloned();
        match work {
            RoomRequest::Join(join) => {
                let seat = Seat::Staff(join.user.clone());
                if let Some(entry) = self.deliveries().join(join, seat) {
                    self.reads.history(entry);
                }
            }
            RoomRequest::Message(Message { draft, reply, .. }) => {
                self.append(PendingWrite { write: Write::Append(draft), room: Some(room.clone()), reply });
            }
            RoomRequest::Resume { session, user, .. } => self.resume_in(&room, session, Seat::Staff(user)),
            other => self.refuse(other, ChatError::forbidden()),
        }
        if let Some(user) = entering
            && self.rooms.room(&room).is_some_and(|live| !live.has_staff(&user))
        {
            // They have left since they were asked for, or another node has put them there since the room was read.
            self.reads.member(room, user);
        }
    }

    fn resume_in(&mut self, room: &RoomId, session: SessionId, seat: impl Into<Seat>) {
        if let Some(hub) = self.rooms.session(session).map(|live| live.hub) {
            self.rooms.attach(session, room, seat, None);
            self.out.send_to_hub(hub, Op::Attach { session, room: room.clone() });
        }
        self.rooms.release(room);
        self.deliveries().resume_room(session, true);
    }

    /// The same of several, in their order.
    pub(super) fn authorize_each(&mut self, requests: Vec<RoomRequest>) {
        for request in requests {
            self.authorize(request);
        }
    }

    /// Does something in a room, once the room is in memory.
    pub(super) fn with_room(&mut self, work: RoomRequest) {
        if self.rooms.room(work.room()).is_some() {
            self.perform(work);
            return;
        }
        let room = work.room().clone();
        let loading = self.loading.entry(room.clone());
        if let Some(account) = loading.add(work) {
            self.reads.room(account, room);
        }
    }

    pub(super) fn refuse(&mut self, work: RoomRequest, error: ChatError) {
        match work {
            RoomRequest::Join(Join { asker, room, .. }) => {
                self.deliveries().detach(asker.session, &room);
                self.out.send_to_hub(asker.hub, Op::RefuseEntry { asker, room, error });
            }
            RoomRequest::Message(message) => self.out.answer(message.reply, Err(error)),
            RoomRequest::MakeOffer(offer) => self.out.answer(offer.reply, Err(error)),
            RoomRequest::React(react) => self.out.answer(react.reply, Err(error)),
            RoomRequest::Read(read) => self.out.answer(read.reply, Err(error)),
            RoomRequest::Received(received) => self.out.answer(received.reply, Err(error)),
            RoomRequest::Typing(typing) => self.out.answer(ReplyTo::Session(typing.asker), Err(error)),
            RoomRequest::Resume { session, .. } => self.deliveries().resume_room(session, false),
            RoomRequest::Announce(_) | RoomRequest::AnnounceTo(..) | RoomRequest::AnnounceChange(..) => {
                if error.code == ErrorCode::Unavailable {
                    self.announce_later(work.room().clone());
                }
            }
        }
    }

    pub(super) fn perform(&mut self, work: RoomRequest) {
        let room = work.room().clone();
        let work = match work {
            RoomRequest::Announce(_) => return self.room_updated(room),
            RoomRequest::AnnounceTo(_, audience) => return self.debounce_room_updated(room, audience),
            RoomRequest::AnnounceChange(change, reach) => return self.change_shown(&change, reach),
            work => work,
        };
        let Some(role) = work.user().and_then(|user| self.rooms.room(&room)?.role_of(user)) else {
            if self.is_by_staff(&work) {
                return self.perform_by_staff(room, work);
            }
            self.refuse(work, ChatError::forbidden());
            self.rooms.release(&room);
            return;
        };
        match work {
            RoomRequest::Join(join) => {
                if let Some(entry) = self.deliveries().join(join, role) {
                    self.reads.history(entry);
                }
            }
            RoomRequest::Message(Message { mut draft, ends, reply, .. }) => {
                self.deliveries().typing_stopped(&room, &draft.sender, None);
                let silenced = self.silenced(&room, role, draft.client_id.as_ref());
                self.screening.screen(&mut draft, ends);
                self.append_spoken(silenced, PendingWrite { write: Write::Append(draft), room: Some(room), reply });
            }
            RoomRequest::MakeOffer(offer) => {
                let MakeOffer { user: maker, room: in_room, price, client_id, reply } = offer;
                let silenced = self.silenced(&room, role, client_id.as_ref());
                let write = Write::MakeOffer { room: in_room, maker, price, client_id, at: self.now.wall };
                self.append_spoken(silenced, PendingWrite { write, room: Some(room), reply });
            }
            RoomRequest::React(React { user: member, room: in_room, message, emoji, reply }) => {
                // Taking back is not saying something.
                let silenced = emoji.as_ref().and_then(|_| self.silenced(&room, role, None));
                let write = Write::React { room: in_room, message, member, emoji, at: self.now.wall };
                self.append_spoken(silenced, PendingWrite { write, room: Some(room), reply });
            }
            RoomRequest::Read(read) => {
                let write = Write::MarkRead { room: read.room, reader: read.user, seq: read.seq };
                self.append(PendingWrite { write, room: Some(room), reply: read.reply });
            }
            RoomRequest::Received(received) => self.received(received, role),
            RoomRequest::Typing(typing) => self.deliveries().set_typing(typing),
            RoomRequest::Resume { session, .. } => self.resume_in(&room, session, role),
            RoomRequest::Announce(_) | RoomRequest::AnnounceTo(..) | RoomRequest::AnnounceChange(..) => {}
        }
    }

    /// Why a member can't say anything now, as far as memory knows; the transaction looks again. With a key of the sender's
    /// it looks alone: it may have been said before.
    pub(super) fn silenced(&self, room: &RoomId, role: Role, key: Option<&ClientId>) -> Option<ChatError> {
        if key.is_some() {
            return None;
        }
        let state = self.rooms.room(room)?.state();
        if state.is_closed() {
            return Some(WriteError::Blocked.into());
        }
        if state.frozen {
            return Some(WriteError::Frozen.into());
        }
        let until = state.member(role).muted_until.filter(|until| *until > self.now.wall);
        until.map(|until| WriteError::Muted(until).into())
    }

    pub(super) fn append_spoken(&mut self, silenced: Option<ChatError>, write: PendingWrite) {
        match (silenced, write.room.clone()) {
            (Some(error), Some(room)) => {
                self.out.answer(write.reply, Err(error));
                self.rooms.release(&room);
            }
            _ => self.append(write),
        }
    }
}
