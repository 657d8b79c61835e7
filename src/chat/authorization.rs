//! Whether somebody may do what they ask for in a room, by the policy that was chosen; and what waits for the database's answer.

use std::collections::{HashMap, hash_map::Entry};

use super::{
    Chat,
    hub_op::Op,
    request::{Join, ReplyTo, RoomRequest},
};
use crate::{
    domain::{AuthorizePolicy, RoomId, SessionId, UserId},
    error::{ChatError, ErrorCode},
};

impl Chat {
    /// Does something in a room once its user is known to be a member, by the policy that was chosen.
    pub(super) fn authorize(&mut self, work: RoomRequest) {
        match self.settings.policy {
            AuthorizePolicy::OnEnter => self.with_room(work),
            AuthorizePolicy::EveryMessage => {
                if let Some((room, user)) = self.checks.ask(work) {
                    self.reads.member(room, user);
                }
            }
            AuthorizePolicy::RoomToken => match self.check_grant(&work) {
                Ok(()) => self.with_room(work),
                Err(error) => self.refuse(work, error),
            },
        }
    }

    /// Under `room-token`: a session needs a token for the room whose time is not over. REST has asked the database.
    pub(super) fn check_grant(&self, work: &RoomRequest) -> Result<(), ChatError> {
        let Some(session) = work.session() else { return Ok(()) };
        let entered = self.rooms.room(work.room()).and_then(|room| room.grant_of(session));
        match work.grant().max(entered) {
            Some(until) if until > self.now.wall => Ok(()),
            Some(_) => Err(grant_over()),
            None => Err(ChatError::forbidden()),
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
                self.detach(asker.session, &room);
                self.out.send_to_hub(asker.hub, Op::RefuseEntry { asker, room, error });
            }
            RoomRequest::Message(message) => self.out.answer(message.reply, Err(error)),
            RoomRequest::MakeOffer(offer) => self.out.answer(offer.reply, Err(error)),
            RoomRequest::Read(read) => self.out.answer(read.reply, Err(error)),
            RoomRequest::Typing(typing) => self.out.answer(ReplyTo::Session(typing.asker), Err(error)),
            RoomRequest::Resume { session, .. } => self.resume_room(session, false),
            RoomRequest::Announce(_) | RoomRequest::AnnounceTo(..) | RoomRequest::AnnounceChange(..) => {
                if error.code == ErrorCode::Unavailable {
                    self.announce_later(work.room().clone());
                }
            }
        }
    }
}

/// Why a session whose room token has expired is in its room no more.
pub(super) fn grant_over() -> ChatError {
    ChatError::new(ErrorCode::TokenExpired, "the room token has expired: get a new one and enter the room again")
}

/// Takes out the entries of a session, in their order.
pub(super) fn take_entries(waiting: &mut Vec<RoomRequest>, session: SessionId) -> Vec<RoomRequest> {
    waiting.extract_if(.., |work| work.enters() && work.session() == Some(session)).collect()
}

/// Reads to the database, where every event asks one. Events of one user in one room keep their order: those that
/// come while a question is out wait for the next one, which is asked after they came.
#[derive(Debug, Default)]
pub(super) struct Checks(HashMap<(RoomId, UserId), Check>);

#[derive(Debug)]
struct Check {
    asked: Vec<RoomRequest>,
    next: Vec<RoomRequest>,
}

impl Checks {
    /// Adds an event. Returns the question to ask now, if none is out.
    pub(super) fn ask(&mut self, work: RoomRequest) -> Option<(RoomId, UserId)> {
        let key = (work.room().clone(), work.user()?.clone());
        match self.0.entry(key.clone()) {
            Entry::Vacant(place) => {
                place.insert(Check { asked: vec![work], next: Vec::new() });
                Some(key)
            }
            Entry::Occupied(mut check) => {
                check.get_mut().next.push(work);
                None
            }
        }
    }

    /// Takes the events that an answer is for, and says whether to ask again for those that came later.
    pub(super) fn answered(&mut self, room: &RoomId, user: &UserId) -> (Vec<RoomRequest>, bool) {
        let key = (room.clone(), user.clone());
        let Some(mut check) = self.0.remove(&key) else { return (Vec::new(), false) };
        let again = !check.next.is_empty();
        if again {
            let next = std::mem::take(&mut check.next);
            self.0.insert(key, Check { asked: next, next: Vec::new() });
        }
        (check.asked, again)
    }

    /// Takes out the entries of a session that wait for the answer whether its user is a member.
    pub(super) fn take_entries(&mut self, session: SessionId, room: &RoomId, user: &UserId) -> Vec<RoomRequest> {
        let Some(check) = self.0.get_mut(&(room.clone(), user.clone())) else { return Vec::new() };
        let mut entries = take_entries(&mut check.asked, session);
        entries.extend(take_entries(&mut check.next, session));
        entries
    }

    /// How many members the database is asked about.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
