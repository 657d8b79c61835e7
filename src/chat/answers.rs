//! What the database has answered, and what was waiting for it: a request in a room, which may be any, so this takes the whole chat.

use super::{
    Audience, Chat,
    db_read::{Entry, List, Memory, ProfileWalk},
    loading::Taken,
    profiles,
    request::RoomRequest,
};
use crate::{
    db::{DbError, Messages, OtherMember, RoomState, Standing},
    domain::{RoomId, User, UserId},
    error::ChatError,
};

/// The database has said whether a user is a member.
#[derive(Debug)]
pub(super) struct Authorized {
    pub(super) room: RoomId,
    pub(super) user: UserId,
    pub(super) standing: Result<Standing, DbError>,
}

/// The database has read a room.
#[derive(Debug)]
pub(super) struct RoomLoaded {
    pub(super) room: RoomId,
    pub(super) state: Result<Option<Box<RoomState>>, DbError>,
}

impl Chat {
    /// Who is a member.
    pub(super) fn members_found(&mut self, list: List<(RoomId, UserId)>, found: Result<Vec<Standing>, DbError>) {
        for answer in self.reads.members_found(list, found) {
            self.guarded("authorized", |chat| chat.authorized(answer));
        }
    }

    /// Rooms that are to come into memory.
    pub(super) fn rooms_loaded(
        &mut self,
        list: List<RoomId>,
        loaded: Result<Vec<Result<Option<RoomState>, DbError>>, DbError>,
    ) {
        for loaded in self.reads.rooms_loaded(list, loaded) {
            self.guarded("loaded", |chat| chat.room_read(loaded));
        }
    }

    /// The histories for entries.
    pub(super) fn histories_read(
        &mut self,
        list: List<Entry>,
        histories: Result<Vec<Result<Messages, DbError>>, DbError>,
    ) {
        for read in self.reads.histories_read(list, histories) {
            self.guarded("history", |chat| chat.deliveries().history_read(read));
        }
    }

    pub(super) fn authorized(&mut self, Authorized { room, user, standing }: Authorized) {
        let (asked, again) = self.checks.answered(&room, &user);
        if standing == Ok(Standing::Stranger) {
            // Anyone who lost the right stops receiving, too.
            for session in self.rooms.room(&room).map(|live| live.sessions_of(&user)).unwrap_or_default() {
                self.deliveries().take_out(session, &room, ChatError::forbidden());
            }
        }
        for work in asked {
            match &standing {
                Ok(Standing::Member) => self.with_member(work),
                Ok(Standing::Staff) if self.is_by_staff(&work) => self.with_room(work),
                Ok(_) => self.refuse(work, ChatError::forbidden()),
                Err(error) => self.refuse(work, error.clone().into()),
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
                self.last_seen.room_loaded(&room, &mut self.rooms);
                self.cluster.note_read_early(&room, &self.batch);
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

    /// The database has answered who was renamed.
    pub(super) fn renamed_found(&mut self, found: Result<(Vec<User>, i64), DbError>) {
        for user in self.profiles.renamed_found(found) {
            self.rooms.user_changed(&user, false);
            self.loading.mark_user_stale(&user.id, &self.rooms, &mut self.cluster);
            self.profiles.show(user.id, Memory::Current, &self.rooms, &mut self.out);
        }
    }

    /// The database has read a page of a user's rooms.
    pub(super) fn other_members_read(&mut self, walk: ProfileWalk, found: Result<Vec<OtherMember>, DbError>) {
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                log::warn!("a user's rooms could not be read, to show their new name: {error}");
                return profiles::try_again(walk, &mut self.out);
            }
        };
        let last = profiles::last_of_page(&found);
        let memory = walk.memory;
        let mut has_notified = false;
        self.guarded("profile", |chat| has_notified = chat.show_profile_to(found, memory));
        self.profiles.page_shown(walk, last, has_notified, &mut self.out);
    }

    /// Notifies those of a page who are connected. Returns whether there are any.
    fn show_profile_to(&mut self, found: Vec<OtherMember>, memory: Memory) -> bool {
        let mut has_notified = false;
        for OtherMember { room, user, role } in found {
            if self.rooms.sessions_of(&user).is_empty() {
                continue;
            }
            has_notified = true;
            if memory == Memory::Old && self.rooms.room(&room).is_some() {
                self.cluster.refresh(room, true, &self.rooms);
            } else {
                self.with_room(RoomRequest::AnnounceTo(room, Audience::here(role)));
            }
        }
        has_notified
    }
}
