//! What the tail holds, for those who read: they ask the writer to settle it first.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::Scope;
use crate::domain::{Pair, message::SYSTEM_SENDER, support::is_support};

/// The rooms whose newest messages or read marks are in the tail. It may name rooms that are settled already, and never lacks
/// one whose change is acknowledged.
#[derive(Debug, Default)]
pub struct Unsettled(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Each room's members.
    rooms: HashMap<String, Pair<String>>,
    /// How many of these rooms each user has.
    users: HashMap<String, usize>,
    progress: TailProgress,
}

/// How far the tail is settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TailProgress {
    /// Messages that wait, or rooms where that are more.
    pub messages: usize,
    /// Whether rows are left in the tail's table.
    pub has_rows: bool,
    /// The position of the last message that was appended; 0 before the first one.
    pub newest: i64,
    /// Messages before this position are settled, and their rows are removed.
    pub settled_before: i64,
}

impl Unsettled {
    /// Whether something that an operation concerns has to be settled first.
    #[must_use]
    pub fn concerns(&self, scope: &Scope) -> bool {
        let state = self.state();
        if state.rooms.is_empty() {
            return matches!(scope, Scope::Everything) && state.progress.has_rows;
        }
        match scope {
            Scope::Nothing => false,
            Scope::Room(room) => state.rooms.contains_key(room.as_str()),
            Scope::Rooms(rooms) => rooms.iter().any(|room| state.rooms.contains_key(room.as_str())),
            Scope::User(user) => state.users.contains_key(user.as_str()),
            // The desk is in every support room, and in no other.
            Scope::Product(product) if is_support(product.as_str()) => state.users.contains_key(SYSTEM_SENDER),
            Scope::Message(_) | Scope::Product(_) | Scope::Everything => true,
        }
    }

    /// How far the tail is settled.
    #[must_use]
    pub fn progress(&self) -> TailProgress {
        self.state().progress
    }

    /// Before the commit that appends to these rooms.
    pub(super) fn add<'a>(&self, rooms: impl Iterator<Item = (&'a str, Pair<&'a str>)>) {
        let state = &mut *self.state();
        for (room, users) in rooms {
            state.add(room, users);
        }
    }

    /// After a commit: these rooms are settled.
    pub(super) fn remove<'a>(&self, rooms: impl Iterator<Item = &'a str>, progress: TailProgress) {
        let state = &mut *self.state();
        for room in rooms {
            state.remove(room);
        }
        state.progress = progress;
    }

    /// After a commit: these rooms and no others are in the tail.
    pub(super) fn replace<'a>(&self, rooms: impl Iterator<Item = (&'a str, Pair<&'a str>)>, progress: TailProgress) {
        let state = &mut *self.state();
        *state = State { progress, ..State::default() };
        for (room, users) in rooms {
            state.add(room, users);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, room: &str, users: Pair<&str>) {
        if self.rooms.contains_key(room) {
            return;
        }
        for (_, user) in users.iter() {
            *self.users.entry((*user).to_owned()).or_default() += 1;
        }
        let users = Pair { buyer: users.buyer.to_owned(), seller: users.seller.to_owned() };
        self.rooms.insert(room.to_owned(), users);
    }

    fn remove(&mut self, room: &str) {
        let Some(users) = self.rooms.remove(room) else { return };
        for (_, user) in users.iter() {
            if let Some(count) = self.users.get_mut(user) {
                *count -= 1;
                if *count == 0 {
                    self.users.remove(user);
                }
            }
        }
    }
}
