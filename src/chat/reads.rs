//! Reads to the database that come in numbers: they gather while others are out, and go together.
//!
//! One alone goes at once. After a restart, when everybody comes back within seconds, a hundred share one way to the database.
//! Accounts take turns in each list, and each has reads in one list of a kind at a time: one who enters a thousand rooms at
//! once does not fill the lists of others.

use std::collections::{HashMap, HashSet};

use super::{
    answers::{Authorized, RoomLoaded},
    db_read::{DbRead, Entry, HistoryRead, List},
    effects::Effects,
    loading::LoadingRooms,
};
use crate::{
    db::{BytesMax, DbError, MessagePage, Messages, RoomState, Standing},
    domain::{Account, FairQueue, RoomId, UserId},
};

/// Lists of one kind that are out at once: as many as there are threads that read.
const LISTS_OUT_MAX: usize = 4;

/// Reads in one list whose answers are small, and pages of history in one.
const ASKED_MAX: usize = 256;
const HISTORIES_MAX: usize = 32;

/// The share of one account in a list.
const ASKED_PER_ACCOUNT_MAX: usize = 32;
const HISTORIES_PER_ACCOUNT_MAX: usize = 8;

/// Most bytes of messages in the answer of an entry, half of the default outbox, so that live messages fit after it; and in
/// one list of such answers, about. What is beyond that is asked next.
pub(crate) const HISTORY_BYTES_MAX: BytesMax = BytesMax { each: 128 * 1024, all: 512 * 1024 };

/// Reads of one kind.
#[derive(Debug)]
struct ReadQueue<T> {
    gathered: FairQueue<Account, T>,
    /// Those of a list whose answers had no space: they had their turn, and are the first of the next list.
    deferred: Vec<(Account, T)>,
    out: usize,
    /// Whose reads are in the lists that are out.
    asking: HashSet<Account>,
}

impl<T> Default for ReadQueue<T> {
    fn default() -> Self {
        Self { gathered: FairQueue::new(1), deferred: Vec::new(), out: 0, asking: HashSet::new() }
    }
}

impl<T> ReadQueue<T> {
    fn push(&mut self, account: Account, question: T) {
        self.gathered.push(account, 1, question);
    }

    /// The next list to ask, if one may go out.
    fn take(&mut self, max: usize, per_account_max: usize) -> Option<List<T>> {
        if self.out >= LISTS_OUT_MAX {
            return None;
        }
        let mut list = List { asked: Vec::new(), accounts: HashMap::new() };
        for (account, question) in self.deferred.drain(..) {
            *list.accounts.entry(account).or_default() += 1;
            list.asked.push(question);
        }
        while list.asked.len() < max {
            let (asking, accounts) = (&self.asking, &list.accounts);
            let may_ask = |account: &Account| {
                !asking.contains(account) && accounts.get(account).is_none_or(|asked| *asked < per_account_max)
            };
            let Some((account, question)) = self.gathered.pop_if(may_ask) else { break };
            *list.accounts.entry(account).or_default() += 1;
            list.asked.push(question);
        }
        if list.asked.is_empty() {
            return None;
        }
        self.out += 1;
        self.asking.extend(list.accounts.keys().cloned());
        Some(list)
    }

    /// A list is answered: its accounts may ask again.
    fn answered(&mut self, accounts: &HashMap<Account, usize>) {
        self.out -= 1;
        for account in accounts.keys() {
            self.asking.remove(account);
        }
    }
}

/// What gathers.
#[derive(Debug, Default)]
pub(super) struct Reads {
    members: ReadQueue<(RoomId, UserId)>,
    rooms: ReadQueue<RoomId>,
    histories: ReadQueue<Entry>,
}

impl Reads {
    /// Asks who a user is in a room.
    pub(super) fn member(&mut self, room: RoomId, user: UserId) {
        self.members.push(Account::User(user.clone()), (room, user));
    }

    /// Asks for a room that is not in memory.
    pub(super) fn room(&mut self, account: Account, room: RoomId) {
        self.rooms.push(account, room);
    }

    pub(super) fn history(&mut self, entry: Entry) {
        self.histories.push(Account::User(entry.user.clone()), entry);
    }

    /// The end of a turn: asks what has gathered.
    pub(super) fn flush(&mut self, loading: &mut LoadingRooms, out: &mut Effects) {
        while let Some(list) = self.members.take(ASKED_MAX, ASKED_PER_ACCOUNT_MAX) {
            out.read(DbRead::Members(list));
        }
        while let Some(mut list) = self.rooms.take(ASKED_MAX, ASKED_PER_ACCOUNT_MAX) {
            // Some are read already, or are being read, for the other member.
            list.asked.retain(|room| loading.begin(room));
            if list.asked.is_empty() {
                self.rooms.answered(&list.accounts);
                continue;
            }
            out.read(DbRead::Rooms(list));
        }
        while let Some(list) = self.histories.take(HISTORIES_MAX, HISTORIES_PER_ACCOUNT_MAX) {
            out.read(DbRead::Histories(list));
        }
    }

    /// Members were asked about: each with the answer.
    pub(super) fn members_found(
        &mut self,
        list: List<(RoomId, UserId)>,
        found: Result<Vec<Standing>, DbError>,
    ) -> impl Iterator<Item = Authorized> + use<> {
        let List { asked, accounts } = list;
        self.members.answered(&accounts);
        let standings = each(asked.len(), found.map(|found| found.into_iter().map(Ok).collect()));
        asked.into_iter().zip(standings).map(|((room, user), standing)| Authorized { room, user, standing })
    }

    /// Rooms were read that are to come into memory: each with what was read.
    pub(super) fn rooms_loaded(
        &mut self,
        list: List<RoomId>,
        loaded: Result<Vec<Result<Option<RoomState>, DbError>>, DbError>,
    ) -> impl Iterator<Item = RoomLoaded> + use<> {
        let List { asked, accounts } = list;
        self.rooms.answered(&accounts);
        if let Err(error) = &loaded {
            log::warn!("{} rooms could not be read: {error}", asked.len());
        }
        let loaded = each(asked.len(), loaded);
        let boxed = |state: Result<Option<RoomState>, DbError>| state.map(|state| state.map(Box::new));
        asked.into_iter().zip(loaded).map(move |(room, state)| RoomLoaded { room, state: boxed(state) })
    }

    /// Histories were read for entries: each with its own. Those that had no space are asked for again.
    pub(super) fn histories_read(
        &mut self,
        list: List<Entry>,
        histories: Result<Vec<Result<Messages, DbError>>, DbError>,
    ) -> impl Iterator<Item = HistoryRead> + use<> {
        let List { mut asked, accounts } = list;
        self.histories.answered(&accounts);
        if let Err(error) = &histories {
            log::warn!("{} histories could not be read: {error}", asked.len());
        }
        let histories = each(asked.len(), histories);
        let deferred = asked.split_off(histories.len());
        let deferred = deferred.into_iter().map(|entry| (Account::User(entry.user.clone()), entry));
        self.histories.deferred.extend(deferred);
        asked.into_iter().zip(histories).map(|(Entry { asker, room, role, place, page, .. }, messages)| {
            let catches_up = matches!(page, MessagePage::After { .. });
            HistoryRead { asker, room, role, place, catches_up, messages }
        })
    }
}

/// Each one's own answer; where there is none for all, each gets the reason.
fn each<T>(count: usize, answers: Result<Vec<Result<T, DbError>>, DbError>) -> Vec<Result<T, DbError>> {
    match answers {
        Ok(answers) => answers,
        Err(error) => (0..count).map(|_| Err(error.clone())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> Account {
        Account::User(UserId::new(id).unwrap())
    }

    #[test]
    fn one_who_asks_a_thousand_reads_does_not_fill_the_lists_of_others() {
        let mut kind = ReadQueue::default();
        for question in 0..1000 {
            kind.push(user("mallory"), question);
        }
        let first = kind.take(256, 32).unwrap();
        assert_eq!(first.asked, (0..32).collect::<Vec<_>>());
        assert!(kind.take(256, 32).is_none(), "the rest waits for the answer");
        kind.push(user("alice"), 1000);
        kind.push(user("bob"), 1001);
        let second = kind.take(256, 32).unwrap();
        assert_eq!(second.asked, [1000, 1001]);
        kind.answered(&first.accounts);
        for question in 2000..2004 {
            kind.push(user("carol"), question);
        }
        let third = kind.take(6, 32).unwrap();
        assert!(third.asked.iter().filter(|question| **question >= 2000).count() >= 2, "{:?}", third.asked);
    }

    #[test]
    fn each_kind_has_four_lists_out_at_most() {
        let mut kind = ReadQueue::default();
        for question in 0..5 {
            kind.push(user(&format!("user{question}")), question);
        }
        let lists: Vec<_> = std::iter::from_fn(|| kind.take(1, 1)).collect();
        assert_eq!(lists.len(), LISTS_OUT_MAX);
        kind.answered(&lists[0].accounts);
        assert_eq!(kind.take(1, 1).unwrap().asked, [4]);
    }
}
