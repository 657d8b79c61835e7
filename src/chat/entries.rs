//! What the database has answered, and what was waiting for it.

use super::{Chat, db_read::HistoryRead, hub_op::Op, loading::Taken, request::ReplyTo, sessions::left_before};
use crate::{
    db::{DbError, RoomState},
    domain::{RoomId, UserId},
    error::{ChatError, ErrorCode},
    protocol::{event::Entered, json::to_json},
};

/// The database has said whether a user is a member.
#[derive(Debug)]
pub(super) struct Authorized {
    pub(super) room: RoomId,
    pub(super) user: UserId,
    pub(super) allowed: Result<bool, DbError>,
}

/// The database has read a room.
#[derive(Debug)]
pub(super) struct RoomLoaded {
    pub(super) room: RoomId,
    pub(super) state: Result<Option<Box<RoomState>>, DbError>,
}

impl Chat {
    pub(super) fn authorized(&mut self, Authorized { room, user, allowed }: Authorized) {
        let (asked, again) = self.checks.answered(&room, &user);
        let refusal = match allowed {
            Ok(true) => None,
            Ok(false) => Some(ChatError::forbidden()),
            Err(error) => Some(error.into()),
        };
        if matches!(refusal, Some(ChatError { code: ErrorCode::Forbidden, .. })) {
            // Anyone who lost the right stops receiving, too.
            for session in self.rooms.room(&room).map(|live| live.sessions_of(&user)).unwrap_or_default() {
                self.take_out(session, &room, ChatError::forbidden());
            }
        }
        for work in asked {
            match &refusal {
                None => self.with_room(work),
                Some(error) => self.refuse(work, error.clone()),
            }
        }
        if again {
            self.reads.member(room, user);
        }
    }

    /// Rooms that were read are taken in at once, or after the commit that they may know of already, whose outcome is yet to be
    /// counted.
    pub(super) fn room_read(&mut self, loaded: RoomLoaded) {
        if self.batch.may_count_twice() {
            self.landing.push(loaded);
        } else {
            self.room_loaded(loaded);
        }
    }

    /// Takes in the rooms that were read while a commit was out: those that it changed are read again.
    pub(super) fn rooms_landed(&mut self) {
        for loaded in std::mem::take(&mut self.landing) {
            self.room_loaded(loaded);
        }
    }

    fn room_loaded(&mut self, RoomLoaded { room, state }: RoomLoaded) {
        let read = state.as_ref().ok().and_then(|state| state.as_deref());
        let waiting = match self.loading.take(&room, read) {
            Taken::Waiting(waiting) => waiting,
            Taken::Again(account) => return self.reads.room(account, room),
            Taken::Nothing => return,
        };
        let refusal = match state {
            Ok(Some(state)) => {
                self.rooms.insert(*state);
                self.note_read_early(&room);
                None
            }
            Ok(None) => Some(ChatError::forbidden()),
            Err(error) => Some(error.into()),
        };
        for work in waiting {
            match &refusal {
                // By the policy's second look: the room may have been released by the one before.
                None => self.with_room(work),
                Some(error) => self.refuse(work, error.clone()),
            }
        }
        // Anyone who waited may have left.
        self.rooms.release(&room);
    }

    pub(super) fn history_read(&mut self, read: HistoryRead) {
        if !self.rooms.room(&read.room).is_some_and(|live| live.has(read.asker.session, read.place)) {
            return self.entered(read);
        }
        if let Some(read) = self.remember_entry(read) {
            self.entered(read);
        }
    }

    /// Answers an entry whose history is read.
    pub(super) fn entered(&mut self, read: HistoryRead) {
        let HistoryRead { asker, room, role, place, catches_up, messages } = read;
        // The first thing that is sent to the room ends them, which would be between this entry and its answer.
        self.end_grants(&room);
        if !self.rooms.room(&room).is_some_and(|live| live.has(asker.session, place)) {
            // It left, died or lost its right meanwhile.
            self.answer(ReplyTo::Session(asker), Err(left_before()));
            return;
        }
        let messages = match messages {
            Ok(messages) => messages,
            Err(error) => {
                self.detach(asker.session, &room);
                self.out.send_to_hub(asker.hub, Op::RefuseEntry { asker, room, error: error.into() });
                return;
            }
        };
        if let Some(came) = self.rooms.enter(asker.session, &room) {
            self.presence_changed(came);
        }
        self.rooms.entry_answered(&room);
        let Some(live) = self.rooms.room(&room) else { return };
        let presenter = self.settings.presenter(self.now.wall);
        let entered = Entered {
            room: &live.state().room,
            members: live.members(role),
            closed: live.state().is_closed(),
            frozen: live.state().frozen,
            last_seq: messages.last_seq,
            read_seq: live.state().member(role).read_seq,
            offer: presenter.standing(live.state().offer.as_ref()),
            messages: presenter.messages(&messages.items),
            has_more: messages.has_more,
            server_time: presenter.now(),
        };
        let enter = Op::Enter {
            answer: to_json(&entered),
            after: messages.last_seq,
            behind: catches_up && messages.has_more,
            room,
            asker,
        };
        if let Op::Enter { asker, .. } = &enter {
            self.out.send_to_hub(asker.hub, enter);
        }
    }
}
