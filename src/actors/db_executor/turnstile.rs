//! The turnstile in front of the database's threads: decides which operation is served next.
//!
//! Each lane serves accounts in turn, by the time that their work took. An account with a long queue waits for its own work
//! and does not make others wait; above a bound its next operation is refused. A thread that becomes free starts the next
//! operation itself, so nothing is woken in between.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    db::DbError,
    domain::{Account, FairQueue},
};

/// What an operation costs in advance, in microseconds, and what an account may spend per round: an ordinary operation. What
/// one takes beyond that is charged when it ends.
const ORDINARY_US: u64 = 100;

/// Operations that wait at one turnstile, of all accounts together.
const WAITING_MAX: usize = 4096;

/// The marketplace's backend works for all of its users. It may have this many times as many waiting as one user.
const SERVICE_FACTOR: usize = 16;

/// A lane that was passed over this often is served next.
const PASSED_OVER_MAX: u32 = 16;

/// The rules of one lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane {
    /// Most threads that this lane and those after it have together.
    pub(super) threads_max: usize,
    /// Most operations of one account that wait.
    pub(super) waiting_max: usize,
    /// When an account that has too many waiting may ask again.
    pub(super) retry_after_ms: u64,
}

/// The turnstile of some threads. `W` is an operation.
pub(super) struct Turnstile<W> {
    state: Mutex<State<W>>,
    /// Hands an operation to a free thread.
    start: Box<dyn Fn(W, Permit<W>) + Send + Sync>,
}

impl<W> std::fmt::Debug for Turnstile<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Turnstile")
    }
}

struct State<W> {
    free: usize,
    /// In the order in which they are served.
    lanes: Vec<LaneState<W>>,
}

/// Which lanes are looked at.
#[derive(Debug, Clone, Copy)]
enum Round {
    /// Lanes that were passed over too often.
    Late,
    /// Lanes that have no thread.
    Unserved,
    All,
}

struct LaneState<W> {
    rules: Lane,
    waiting: FairQueue<Account, Waiting<W>>,
    running: usize,
    passed_over: u32,
}

struct Waiting<W> {
    work: W,
    taken: Arc<AtomicBool>,
}

/// An operation's time on a thread. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Permit<W> {
    turnstile: Arc<Turnstile<W>>,
    account: Account,
    lane: usize,
    /// What the account is charged.
    pub(super) took: Duration,
}

impl<W> Permit<W> {
    /// The threads have ended: no waiting operation starts.
    pub(super) fn close(self) {
        self.turnstile.close();
    }
}

impl<W> Drop for Permit<W> {
    fn drop(&mut self) {
        self.turnstile.release(self.lane, &self.account, self.took);
    }
}

/// An operation that waits. When this is dropped, its answer is no longer wanted and it does not start.
#[derive(Debug)]
pub(super) struct QueuedOperation(Arc<AtomicBool>);

impl QueuedOperation {
    /// Gives up waiting. `false` when the operation has begun.
    pub(super) fn withdraw(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

impl Drop for QueuedOperation {
    fn drop(&mut self) {
        self.withdraw();
    }
}

impl<W> Turnstile<W> {
    /// A turnstile for this many threads. `start` hands an operation to a free one.
    pub(super) fn new(
        threads: usize,
        lanes: impl IntoIterator<Item = Lane>,
        start: impl Fn(W, Permit<W>) + Send + Sync + 'static,
    ) -> Self {
        let lane = |rules| LaneState { rules, waiting: FairQueue::new(ORDINARY_US), running: 0, passed_over: 0 };
        let state = State { free: threads, lanes: lanes.into_iter().map(lane).collect() };
        Self { state: Mutex::new(state), start: Box::new(start) }
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        // Nothing in here panics halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts an operation, or lets it wait for its turn. Keep the ticket for as long as it is wanted.
    ///
    /// # Errors
    /// `rate_limited` when the account has too many waiting, `unavailable` when everyone together has.
    pub(super) fn enter(
        self: &Arc<Self>,
        account: &Account,
        lane: usize,
        work: W,
    ) -> Result<Option<QueuedOperation>, DbError> {
        let mut state = self.state();
        if state.lanes[lane].waiting.is_empty() && state.may_start(lane) {
            state.started(lane);
            drop(state);
            self.start(lane, account.clone(), work);
            return Ok(None);
        }
        let waiting: usize = state.lanes.iter().map(|lane| lane.waiting.len()).sum();
        let LaneState { rules, waiting: queue, .. } = &mut state.lanes[lane];
        if queue.len_of(account) >= waiting_max(account, rules.waiting_max) {
            return Err(DbError::RateLimited { retry_after_ms: rules.retry_after_ms });
        }
        if waiting >= WAITING_MAX && *account != Account::Server {
            return Err(DbError::Unavailable("the queue is full".into()));
        }
        let taken = Arc::new(AtomicBool::new(false));
        queue.push(account.clone(), ORDINARY_US, Waiting { work, taken: Arc::clone(&taken) });
        Ok(Some(QueuedOperation(taken)))
    }

    fn start(self: &Arc<Self>, lane: usize, account: Account, work: W) {
        let turn = Permit { turnstile: Arc::clone(self), account, lane, took: Duration::ZERO };
        (self.start)(work, turn);
    }

    /// An operation has ended: the next ones start.
    fn release(self: &Arc<Self>, lane: usize, account: &Account, took: Duration) {
        let mut next = Vec::new();
        let mut state = self.state();
        state.free += 1;
        state.lanes[lane].running -= 1;
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        state.lanes[lane].waiting.charge(account, took_us.saturating_sub(ORDINARY_US));
        while let Some(started) = state.next() {
            next.push(started);
        }
        drop(state);
        for (lane, account, work) in next {
            self.start(lane, account, work);
        }
    }

    /// Forgets everything that waits.
    fn close(&self) {
        let mut state = self.state();
        let waiting: Vec<_> = state
            .lanes
            .iter_mut()
            .map(|lane| std::mem::replace(&mut lane.waiting, FairQueue::new(ORDINARY_US)))
            .collect();
        drop(state);
        drop(waiting);
    }

    #[cfg(test)]
    pub(super) fn waiting(&self, lane: usize) -> usize {
        self.state().lanes[lane].waiting.len()
    }
}

impl<W> State<W> {
    /// Whether a thread may be used by a lane now.
    fn may_start(&self, lane: usize) -> bool {
        let running_from = |first: usize| self.lanes[first..].iter().map(|lane| lane.running).sum::<usize>();
        self.free > 0 && (0..=lane).all(|first| running_from(first) < self.lanes[first].rules.threads_max)
    }

    fn started(&mut self, lane: usize) {
        self.free -= 1;
        self.lanes[lane].running += 1;
        self.lanes[lane].passed_over = 0;
        for other in self.lanes.iter_mut().filter(|other| !other.waiting.is_empty()) {
            other.passed_over += 1;
        }
    }

    /// Takes the next operation for a free thread. First comes a lane that was passed over too often, then one that has no
    /// thread at all, then the others in their order.
    fn next(&mut self) -> Option<(usize, Account, W)> {
        for round in [Round::Late, Round::Unserved, Round::All] {
            for lane in 0..self.lanes.len() {
                if !self.lanes[lane].is_in(round) || !self.may_start(lane) {
                    continue;
                }
                if let Some((account, work)) = self.lanes[lane].take() {
                    self.started(lane);
                    return Some((lane, account, work));
                }
            }
        }
        None
    }
}

impl<W> LaneState<W> {
    fn is_in(&self, round: Round) -> bool {
        match round {
            Round::Late => self.passed_over >= PASSED_OVER_MAX,
            Round::Unserved => self.running == 0,
            Round::All => true,
        }
    }

    /// The next operation that somebody still waits for.
    fn take(&mut self) -> Option<(Account, W)> {
        while let Some((account, Waiting { work, taken })) = self.waiting.pop() {
            if !taken.swap(true, Ordering::AcqRel) {
                return Some((account, work));
            }
        }
        None
    }
}

fn waiting_max(account: &Account, of_a_user: usize) -> usize {
    match account {
        Account::User(_) | Account::Address(_) => of_a_user,
        Account::Service => of_a_user.saturating_mul(SERVICE_FACTOR),
        // Its own work is bounded where it begins.
        Account::Server => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UserId;

    const ENTRY: usize = 0;
    const LIST: usize = 1;
    const HEAVY: usize = 2;

    type Running = Vec<(&'static str, Permit<&'static str>)>;

    /// Threads whose operations end when the test says so.
    struct Fixture {
        turnstile: Arc<Turnstile<&'static str>>,
        running: Arc<Mutex<Running>>,
        tickets: Vec<QueuedOperation>,
    }

    fn user(id: &str) -> Account {
        Account::User(UserId::new(id).unwrap())
    }

    impl Fixture {
        fn new(threads: usize, threads_max: [usize; 3]) -> Self {
            let running = Arc::<Mutex<Running>>::default();
            let started = Arc::clone(&running);
            let lanes = threads_max.map(|threads_max| Lane { threads_max, waiting_max: 4, retry_after_ms: 250 });
            let turnstile = Turnstile::new(threads, lanes, move |work, turn| {
                started.lock().unwrap().push((work, turn));
            });
            Self { turnstile: Arc::new(turnstile), running, tickets: Vec::new() }
        }

        fn readers() -> Self {
            Self::new(4, [4, 3, 1])
        }

        fn enter(&mut self, account: &str, lane: usize, work: &'static str) -> Result<(), DbError> {
            self.tickets.extend(self.turnstile.enter(&user(account), lane, work)?);
            Ok(())
        }

        fn running(&self) -> Vec<&'static str> {
            self.running.lock().unwrap().iter().map(|(work, _)| *work).collect()
        }

        /// Ends an operation that took this long. Returns what has started in its place.
        fn end(&self, work: &str, took_us: u64) -> Vec<&'static str> {
            let mut running = self.running.lock().unwrap();
            let place = running.iter().position(|(running, _)| *running == work).unwrap();
            let (_, mut turn) = running.remove(place);
            let before = running.len();
            drop(running);
            turn.took = Duration::from_micros(took_us);
            drop(turn);
            self.running()[before..].to_vec()
        }
    }

    #[test]
    fn an_entry_finds_a_thread_whatever_lists_and_searches_wait() {
        let mut readers = Fixture::readers();
        for _ in 0..4 {
            readers.enter("mallory", HEAVY, "search").unwrap();
            readers.enter("mallory", LIST, "list").unwrap();
        }
        assert_eq!(readers.running(), ["search", "list", "list"]);
        readers.enter("alice", ENTRY, "entry").unwrap();
        assert_eq!(readers.running().last(), Some(&"entry"));
        // A search that ends makes room for the next search, and never for two.
        assert_eq!(readers.end("search", 50_000), ["search"]);
    }

    #[test]
    fn who_has_much_waiting_does_not_make_another_wait() {
        let mut readers = Fixture::readers();
        for _ in 0..5 {
            readers.enter("mallory", HEAVY, "mallory's").unwrap();
        }
        readers.enter("alice", HEAVY, "alice's").unwrap();
        let mut order = Vec::new();
        for _ in 0..3 {
            order.extend(readers.end(readers.running()[0], 50_000));
        }
        assert!(order[..2].contains(&"alice's"), "{order:?}");
    }

    #[test]
    fn measured_time_is_charged() {
        let mut readers = Fixture::new(1, [1, 1, 1]);
        readers.enter("carol", LIST, "carol's").unwrap();
        for _ in 0..4 {
            readers.enter("slow", LIST, "slow").unwrap();
            readers.enter("fast", LIST, "fast").unwrap();
        }
        readers.end("carol's", 100);
        let mut order = Vec::new();
        for _ in 0..7 {
            let running = readers.running()[0];
            order.push(running);
            readers.end(running, if running == "slow" { 10_000 } else { 100 });
        }
        assert!(order[..5].iter().filter(|work| **work == "fast").count() == 4, "{order:?}");
    }

    #[test]
    fn an_account_with_too_much_waiting_is_refused_at_once_and_no_other() {
        let mut readers = Fixture::readers();
        for _ in 0..5 {
            readers.enter("mallory", HEAVY, "search").unwrap();
        }
        let refused = readers.enter("mallory", HEAVY, "search");
        assert_eq!(refused, Err(DbError::RateLimited { retry_after_ms: 250 }));
        assert_eq!(readers.enter("alice", HEAVY, "search"), Ok(()));
        assert_eq!(readers.enter("mallory", LIST, "list"), Ok(()), "each lane has a bound of its own");
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_not_begun() {
        let mut readers = Fixture::readers();
        for work in ["first", "given up", "wanted"] {
            readers.enter("alice", HEAVY, work).unwrap();
        }
        let given_up = readers.tickets.remove(0);
        assert!(given_up.withdraw());
        assert_eq!(readers.end("first", 10), ["wanted"]);
        assert!(!readers.tickets[0].withdraw(), "it has begun");
    }

    #[test]
    fn a_batch_waits_for_one_change_at_most_and_background_work_is_not_forgotten() {
        let (commit, change, background) = (ENTRY, LIST, HEAVY);
        let mut writer = Fixture::new(1, [1, 1, 1]);
        writer.enter("alice", change, "change").unwrap();
        writer.enter("bob", background, "background").unwrap();
        writer.enter("alice", change, "change").unwrap();
        writer.enter("server", commit, "commit").unwrap();
        assert_eq!(writer.end("change", 1_000), ["commit"]);
        assert_eq!(writer.end("commit", 1_000), ["change"]);
        let mut changes = 1;
        loop {
            writer.enter("alice", change, "change").unwrap();
            match writer.end("change", 1_000)[..] {
                ["change"] => changes += 1,
                ["background"] => break,
                ref other => panic!("{other:?}"),
            }
        }
        assert!(changes <= 17, "background work was passed over {changes} times");
    }

    #[test]
    fn lists_are_served_while_entries_never_end() {
        let mut readers = Fixture::readers();
        for account in ["a", "b", "c", "d", "e", "f"] {
            readers.enter(account, ENTRY, "entry").unwrap();
        }
        readers.enter("alice", LIST, "list").unwrap();
        assert_eq!(readers.end("entry", 100), ["list"]);
    }
}
