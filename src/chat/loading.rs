//! Rooms that are being read, and what changes meanwhile: a room that a commit has changed since is read again.
//!
//! Some changes name the room. The others name a user or a product, and only the room that was read shows whether it is theirs.
//! So somebody who changes something over and over lets rooms of their own be read again, and nobody else's.

use std::{collections::HashMap, mem};

use super::{cluster::Cluster, request::RoomRequest, rooms::Rooms};
use crate::{
    db::RoomState,
    domain::{Account, ProductId, RoomId, UserId},
};

/// Subjects of changes that are kept before those are forgotten that changed before every reading that is under way.
const CHANGES_KEPT: usize = 1024;

/// What waits for a room that is being read.
#[derive(Debug, Default)]
pub(super) struct Loading {
    pub(super) waiting: Vec<RoomRequest>,
    is_asked: bool,
    /// The room itself has changed since.
    is_stale: bool,
    /// How many changes there had been when its reading began.
    since: u64,
}

impl Loading {
    /// Adds what waits for the room. Returns whose question it is, where that account has not asked for the room yet: who comes
    /// to a room of theirs does not wait for the long queue of the other member.
    pub(super) fn add(&mut self, work: RoomRequest) -> Option<Account> {
        let is_asked = self.waiting.iter().any(|waiting| waiting.user() == work.user());
        let account = (!is_asked).then(|| account_of(&work));
        self.waiting.push(work);
        account.filter(|_| !self.is_asked)
    }

    /// Who asks for the room when it is read again.
    pub(super) fn account(&self) -> Account {
        self.waiting.first().map_or(Account::Server, account_of)
    }
}

fn account_of(work: &RoomRequest) -> Account {
    work.user().map_or(Account::Server, |user| Account::User(user.clone()))
}

/// Of what a change is that shows in rooms, and does not name them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    User(UserId),
    Product(ProductId),
}

/// The rooms that are being read.
#[derive(Debug, Default)]
pub(super) struct LoadingRooms {
    pub(super) rooms: HashMap<RoomId, Loading>,
    /// The number of each subject's last change, while anything is being read.
    changes: HashMap<Subject, u64>,
    count: u64,
}

impl LoadingRooms {
    /// What waits for a room, from now on.
    pub(super) fn entry(&mut self, room: RoomId) -> &mut Loading {
        let since = self.count;
        self.rooms.entry(room).or_insert_with(|| Loading { since, ..Loading::default() })
    }

    /// The reading of a room begins. Returns whether somebody waits for it, and it is not being read yet.
    pub(super) fn begin(&mut self, room: &RoomId) -> bool {
        let since = self.count;
        self.rooms.get_mut(room).is_some_and(|loading| {
            let begins = !mem::replace(&mut loading.is_asked, true);
            if begins {
                // What is read knows of everything before.
                (loading.is_stale, loading.since) = (false, since);
            }
            begins
        })
    }

    /// A room was read: what waits for it, if what was read is not too old. Otherwise it is to be read again.
    pub(super) fn take(&mut self, room: &RoomId, state: Option<&RoomState>) -> Taken {
        let Some(loading) = self.rooms.get_mut(room) else { return Taken::Nothing };
        let has_changed = |subject: Subject| self.changes.get(&subject).is_some_and(|change| *change > loading.since);
        let is_stale = loading.is_stale
            || state.is_some_and(|state| {
                let room = &state.room;
                has_changed(Subject::User(room.buyer.id.clone()))
                    || has_changed(Subject::User(room.seller.id.clone()))
                    || room.product.as_ref().is_some_and(|product| has_changed(Subject::Product(product.id.clone())))
            });
        if is_stale {
            (loading.is_asked, loading.is_stale, loading.since) = (false, false, self.count);
            return Taken::Again(loading.account());
        }
        let waiting = self.rooms.remove(room).map(|loading| loading.waiting).unwrap_or_default();
        if self.rooms.is_empty() {
            self.changes.clear();
        }
        Taken::Waiting(waiting)
    }

    /// What is being read of a room is older than what was just committed: it will be read again.
    pub(super) fn mark_stale(&mut self, room: &RoomId, cluster: &mut Cluster) {
        if let Some(loading) = self.rooms.get_mut(room) {
            loading.is_stale = true;
        }
        cluster.room_changed(room);
    }

    /// The same of all rooms of a user.
    pub(super) fn mark_user_stale(&mut self, user: &UserId, rooms: &Rooms, cluster: &mut Cluster) {
        self.changed(Subject::User(user.clone()));
        if cluster.has_others() {
            for room in rooms.rooms_of(user) {
                cluster.room_changed(&room);
            }
        }
    }

    /// The same of all rooms over a product.
    pub(super) fn mark_product_stale(&mut self, product: &ProductId) {
        self.changed(Subject::Product(product.clone()));
    }

    fn changed(&mut self, subject: Subject) {
        if self.rooms.is_empty() {
            return;
        }
        self.count += 1;
        self.changes.insert(subject, self.count);
        if self.changes.len() > CHANGES_KEPT {
            let oldest = self.rooms.values().map(|loading| loading.since).min().unwrap_or(self.count);
            self.changes.retain(|_, change| *change > oldest);
        }
    }
}

/// What waited for a room that was read.
#[derive(Debug)]
pub(super) enum Taken {
    Nothing,
    Waiting(Vec<RoomRequest>),
    /// What was read is too old; whose question it is to read it again.
    Again(Account),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::rooms::tests::state;

    /// A room that is being read while this changes: whether it is read again.
    fn is_read_again(state: &RoomState, change: Subject) -> bool {
        let room = &state.room.id;
        let mut loading = LoadingRooms::default();
        loading.entry(room.clone()).add(RoomRequest::Announce(room.clone()));
        loading.changed(change.clone());
        assert!(loading.begin(room), "it is read from here on");
        assert!(matches!(loading.changes.len(), 1), "what changed before does not count");
        loading.changed(change);
        let is_again = matches!(loading.take(room, Some(state)), Taken::Again(_));
        if is_again {
            assert!(loading.begin(room));
            assert!(matches!(loading.take(room, Some(state)), Taken::Waiting(waiting) if waiting.len() == 1));
        }
        assert!(loading.rooms.is_empty() && loading.changes.is_empty(), "nothing is kept while nothing is read");
        is_again
    }

    #[test]
    fn a_room_is_read_again_for_a_change_of_its_own_and_for_nobody_elses() {
        let state = state("r");
        let user = |id: &str| Subject::User(UserId::new(id).unwrap());
        let product = |id: &str| Subject::Product(ProductId::new(id).unwrap());
        for own in [user("alice"), user("sam"), product("bike")] {
            assert!(is_read_again(&state, own.clone()), "{own:?}");
        }
        for other in [user("mallory"), product("desk")] {
            assert!(!is_read_again(&state, other.clone()), "{other:?}");
        }
    }

    #[test]
    fn changes_before_every_reading_are_forgotten() {
        let mut loading = LoadingRooms::default();
        let room = RoomId::new("r").unwrap();
        loading.entry(room.clone()).add(RoomRequest::Announce(room.clone()));
        for number in 0..10 * CHANGES_KEPT {
            loading.changed(Subject::User(UserId::new(format!("u{number}")).unwrap()));
            loading.rooms.get_mut(&room).unwrap().is_asked = false;
            assert!(loading.begin(&room));
        }
        assert!(loading.changes.len() <= CHANGES_KEPT);
    }
}
