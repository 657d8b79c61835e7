//! A user's new name or picture on its way to the lists that show it: those of the other members of their rooms.
//!
//! A user may have thousands of rooms, and most of their other members are not connected. So their rooms are gone through by id,
//! a page at a time with a pause after each that has notified somebody, and only rooms whose other member has a session on this
//! node are read. Each node does that for its own sessions. A user who changes again meanwhile is gone through once more.
//!
//! What another process has changed, such as an import next to the server, is found in the database by a look once per second; among
//! several nodes by the look that each of them takes at what the others have done.

use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map::Entry},
    mem,
    time::Duration,
};

use super::{
    db_read::{DbRead, Memory, ProfileWalk},
    effects::Effects,
    rooms::Rooms,
    timer::Timer,
};
use crate::{
    db::{DbError, OtherMember},
    domain::{Role, RoomId, User, UserId},
};

/// Rooms of a page. At most so many are read one after the other.
pub(crate) const ROOMS: i64 = 100;

/// The pause after a page that has notified somebody.
const PAUSE: Duration = Duration::from_millis(20);

/// The pause after the database did not answer.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Users who wait for their turn. Of more than that lists show the new name with the next change of each room.
const WAITING_MAX: usize = 50_000;

/// How often a server that is alone looks for changes of other processes, and how many users one look returns.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
pub(crate) const LOOK_MAX: i64 = 500;

/// Users whose name or picture is to be shown, one after the other.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    order: VecDeque<UserId>,
    waiting: HashMap<UserId, Memory>,
    is_running: bool,
    /// Up to where the changes in the database were looked through; `None` before the first look.
    place: Option<i64>,
    is_looking: bool,
    /// Whom this server itself has put since the looks before the last one, the newer half first.
    own: [HashSet<UserId>; 2],
}

impl Profiles {
    fn push(&mut self, user: UserId, memory: Memory) {
        let is_full = self.waiting.len() >= WAITING_MAX;
        match self.waiting.entry(user.clone()) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                *known = memory.max(*known);
            }
            Entry::Vacant(_) if is_full => log::warn!("user={user} is shown by their old name in some lists for now"),
            Entry::Vacant(place) => {
                place.insert(memory);
                self.order.push_back(user);
            }
        }
    }

    fn pop(&mut self) -> Option<ProfileWalk> {
        let user = self.order.pop_front()?;
        let memory = self.waiting.remove(&user)?;
        Some(ProfileWalk { user, memory, role: Role::Buyer, after: None })
    }

    /// Looks for users whom another process has renamed, and again from then on; a server among others finds them in its news.
    pub(super) fn look(&mut self, is_alone: bool, out: &mut Effects) {
        out.after(LOOK_INTERVAL, Timer::LookForRenamed);
        if is_alone && !mem::replace(&mut self.is_looking, true) {
            out.read(DbRead::Renamed(self.place));
        }
    }

    /// The database has answered who was renamed. Returns those whom this server has not put itself.
    pub(super) fn renamed_found(&mut self, found: Result<(Vec<User>, i64), DbError>) -> Vec<User> {
        self.is_looking = false;
        let (mut users, place) = match found {
            Ok(found) => found,
            Err(error) => {
                log::warn!("users with another name could not be looked for: {error}");
                return Vec::new();
            }
        };
        self.place = Some(place);
        users.retain(|user| !self.own.iter().any(|own| own.contains(&user.id)));
        self.own.swap(0, 1);
        self.own[0].clear();
        users
    }

    /// A user was put here, with another name or picture: rooms in memory show it, and lists will.
    pub(super) fn own_changed(&mut self, user: &UserId, is_alone: bool, rooms: &Rooms, out: &mut Effects) {
        if is_alone {
            self.own[0].insert(user.clone());
        }
        self.show(user.clone(), Memory::Current, rooms, out);
    }

    /// Takes a user's name and picture to the lists of the other members of their rooms.
    pub(super) fn show(&mut self, user: UserId, memory: Memory, rooms: &Rooms, out: &mut Effects) {
        if !rooms.has_sessions() {
            return;
        }
        self.push(user, memory);
        if !self.is_running {
            self.show_next(out);
        }
    }

    /// Goes on with the next user.
    pub(super) fn show_next(&mut self, out: &mut Effects) {
        let next = self.pop();
        self.is_running = next.is_some();
        if let Some(walk) = next {
            go_on(walk, out);
        }
    }

    /// A page of a user's rooms was gone through: the next one is read, after a pause where somebody was notified.
    pub(super) fn page_shown(
        &mut self,
        walk: ProfileWalk,
        last: Option<RoomId>,
        has_notified: bool,
        out: &mut Effects,
    ) {
        let next = after(walk, last);
        if has_notified {
            return out.after(PAUSE, Timer::ShowProfile(next));
        }
        match next {
            Some(walk) => go_on(walk, out),
            None => self.show_next(out),
        }
    }
}

/// Reads the next page of a user's rooms.
pub(super) fn go_on(walk: ProfileWalk, out: &mut Effects) {
    out.read(DbRead::OtherMembers(walk));
}

/// Reads a page again that could not be read.
pub(super) fn try_again(walk: ProfileWalk, out: &mut Effects) {
    out.after(PAUSE_AFTER_FAILURE, Timer::ShowProfile(Some(walk)));
}

/// The last room of a page that has others after it, perhaps.
pub(super) fn last_of_page(found: &[OtherMember]) -> Option<RoomId> {
    found.last().filter(|_| found.len() as i64 >= ROOMS).map(|last| last.room.clone())
}

/// What comes after a page whose last room this is, if it was full; `None` after the user's last one.
fn after(mut walk: ProfileWalk, last: Option<RoomId>) -> Option<ProfileWalk> {
    match (last, walk.role) {
        (None, Role::Seller) => None,
        (None, Role::Buyer) => {
            (walk.role, walk.after) = (Role::Seller, None);
            Some(walk)
        }
        (last, _) => {
            walk.after = last;
            Some(walk)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_waits_once_however_often_they_change() {
        let mut profiles = Profiles::default();
        let [alice, bob] = ["alice", "bob"].map(|id| UserId::new(id).unwrap());
        profiles.push(alice.clone(), Memory::Current);
        profiles.push(bob.clone(), Memory::Current);
        profiles.push(alice.clone(), Memory::Old);
        profiles.push(alice.clone(), Memory::Current);
        let walks: Vec<_> =
            std::iter::from_fn(|| profiles.pop()).map(|walk| (walk.user, walk.memory, walk.after)).collect();
        assert_eq!(walks, [(alice.clone(), Memory::Old, None), (bob, Memory::Current, None)]);
        profiles.push(alice, Memory::Current);
        assert!(profiles.pop().is_some() && profiles.pop().is_none(), "who changes again is gone through once more");
    }

    #[test]
    fn those_who_wait_are_bounded() {
        let mut profiles = Profiles::default();
        for number in 0..WAITING_MAX + 10 {
            profiles.push(UserId::new(format!("u{number}")).unwrap(), Memory::Current);
        }
        assert_eq!((profiles.waiting.len(), profiles.order.len()), (WAITING_MAX, WAITING_MAX));
    }
}
