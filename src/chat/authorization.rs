//! Whether somebody may do what they ask for in a room: by a room token, or by the database, for whose answer it waits.

use std::collections::{HashMap, hash_map::Entry};

use super::{request::RoomRequest, rooms::Rooms};
use crate::{
    domain::{RoomId, SessionId, Timestamp, UserId},
    error::{ChatError, ErrorCode},
};

/// Under `room-token`: a session needs a token for the room that has not expired. REST has asked the database.
pub(super) fn check_grant(work: &RoomRequest, rooms: &Rooms, now: Timestamp) -> Result<(), ChatError> {
    let Some(session) = work.session() else { return Ok(()) };
    let entered = rooms.room(work.room()).and_then(|room| room.grant_of(session));
    match work.grant().max(entered) {
        Some(until) if until > now => Ok(()),
        Some(_) => Err(grant_over()),
        None => Err(ChatError::forbidden()),
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
