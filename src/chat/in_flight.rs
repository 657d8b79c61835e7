//! Backpressure towards one client, and towards all clients of one user: how many events may be on their way at once.
//!
//! At the cap the session stops reading, so the client's own socket fills up and the client waits: nothing is refused,
//! and what is queued in the actors' mailboxes stays bounded.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;

use crate::metrics::{GaugeGuard, Metrics};

/// Events of one session that may be unanswered. More adds no throughput: a batch commits in milliseconds.
pub const IN_FLIGHT_MAX: u32 = 32;

/// Weight of all unanswered events of one user, over all sessions: 128 small ones.
pub const WORK_WEIGHT_MAX: usize = 1024 * 1024;

/// An event counts as this much at least: what waits with it, and what it makes others do.
const EVENT_WEIGHT_MIN: usize = WORK_WEIGHT_MAX / 128;

/// An entry's answer holds a page of history of about this size.
const ENTRY_WEIGHT: usize = 128 * 1024;

/// The count of one connection's unanswered events. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<EventCount>);

#[derive(Debug, Default)]
struct EventCount {
    taken: AtomicU32,
    reader: AtomicWaker,
    /// The request that brings packets where polls carry the session.
    post: AtomicWaker,
    drain: AtomicWaker,
    /// Whose events they are: the first user who signs in on the connection.
    account: OnceLock<Arc<WorkInFlight>>,
    /// Whether it waits in its user's queue.
    is_queued: AtomicBool,
}

/// All unanswered events of a user.
#[derive(Debug, Default)]
pub struct WorkInFlight {
    weight: AtomicUsize,
    /// Connections that read on when there is room again.
    waiting: Mutex<Vec<Arc<EventCount>>>,
}

/// One event on its way; the place is free again when this is dropped.
#[derive(Debug)]
pub struct Slot {
    count: Arc<EventCount>,
    places: u32,
    /// What it weighs among its user's.
    weight: usize,
    _gauge: GaugeGuard,
}

impl InFlight {
    /// From now on its events count among this user's, too. A connection belongs to the first who signs in on it.
    pub fn belong_to(&self, account: &Arc<WorkInFlight>) {
        let _ = self.0.account.set(Arc::clone(account));
    }

    /// Takes a place. The reader checks [`InFlight::poll_free`] before it reads the next event.
    #[must_use]
    pub fn take(&self, metrics: &Metrics) -> Slot {
        self.take_places(1, 0, metrics)
    }

    /// Takes a place for an event that holds so many bytes until it is answered.
    #[must_use]
    pub fn take_for(&self, bytes: usize, metrics: &Metrics) -> Slot {
        self.take_places(1, bytes, metrics)
    }

    /// Takes every place, for an event whose answer is large: nothing after it is read before it is answered.
    #[must_use]
    pub fn take_all(&self, metrics: &Metrics) -> Slot {
        self.take_places(IN_FLIGHT_MAX, ENTRY_WEIGHT, metrics)
    }

    fn take_places(&self, places: u32, bytes: usize, metrics: &Metrics) -> Slot {
        self.0.taken.fetch_add(places, Ordering::AcqRel);
        let weight = self.0.account.get().map_or(0, |account| account.add(bytes.max(EVENT_WEIGHT_MIN)));
        Slot { count: Arc::clone(&self.0), places, weight, _gauge: GaugeGuard::raise(&metrics.events_in_flight) }
    }

    /// Ready when another event may be read.
    pub fn poll_free(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_free_for(&self.0.reader, cx)
    }

    /// The same for the request that brings packets where polls carry the session.
    pub fn poll_free_for_post(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_free_for(&self.0.post, cx)
    }

    fn poll_free_for(&self, waker: &AtomicWaker, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_full() {
            return Poll::Ready(());
        }
        waker.register(cx.waker());
        if let Some(account) = self.0.account.get() {
            account.queue(&self.0);
        }
        // A slot may have been given back between the look and the registration.
        if self.is_full() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Whether a cap is reached, so that the client is not read.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.taken.load(Ordering::Acquire) >= IN_FLIGHT_MAX
            || self.0.account.get().is_some_and(|account| account.is_full())
    }

    /// Waits until no event is on its way.
    pub async fn idle(&self) {
        std::future::poll_fn(|cx| {
            self.0.drain.register(cx.waker());
            if self.0.taken.load(Ordering::Acquire) == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl EventCount {
    fn wake(&self) {
        self.reader.wake();
        self.post.wake();
    }
}

impl WorkInFlight {
    fn add(&self, weight: usize) -> usize {
        self.weight.fetch_add(weight, Ordering::AcqRel);
        weight
    }

    fn remove(&self, weight: usize) {
        let before = self.weight.fetch_sub(weight, Ordering::AcqRel);
        if before >= WORK_WEIGHT_MAX && before - weight < WORK_WEIGHT_MAX {
            let waiting = mem::take(&mut *self.waiting());
            for count in waiting {
                count.is_queued.store(false, Ordering::Release);
                count.wake();
            }
        }
    }

    fn is_full(&self) -> bool {
        self.weight.load(Ordering::Acquire) >= WORK_WEIGHT_MAX
    }

    fn queue(&self, count: &Arc<EventCount>) {
        let mut waiting = self.waiting();
        if self.is_full() && !count.is_queued.swap(true, Ordering::AcqRel) {
            waiting.push(Arc::clone(count));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Arc<EventCount>>> {
        // Each change is one statement, so a panic elsewhere leaves nothing half done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let (1.., Some(account)) = (self.weight, self.count.account.get()) {
            account.remove(self.weight);
        }
        let before = self.count.taken.fetch_sub(self.places, Ordering::AcqRel);
        let after = before - self.places;
        if before >= IN_FLIGHT_MAX && after < IN_FLIGHT_MAX {
            self.count.wake();
        }
        if after == 0 {
            self.count.drain.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, task::Wake};

    use super::*;
    use crate::{chat::user_limits::Accounts, config::Limits, domain::UserId};

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_events_of_all_connections_of_a_user_have_one_bound_and_all_read_on_when_there_is_room() {
        let metrics = Arc::<Metrics>::default();
        let accounts = Accounts::new(&Limits::none(), Arc::clone(&metrics));
        let share = |user| accounts.of(&UserId::new(user).unwrap());
        let connection = |user| {
            let connection = InFlight::default();
            connection.belong_to(&share(user).work);
            connection
        };
        let (crowd, idle, other) = ([(); 8].map(|()| connection("alice")), connection("alice"), connection("sam"));
        let mut slots = Vec::new();
        for taking in crowd.iter().cycle().take(128) {
            assert!(!taking.is_full());
            slots.push(taking.take(&metrics));
        }
        assert!(crowd.iter().all(InFlight::is_full) && idle.is_full() && !other.is_full());
        let wakes = Arc::<Wakes>::default();
        let waker = Arc::clone(&wakes).into();
        let mut cx = Context::from_waker(&waker);
        for waiting in [&crowd[0], &idle, &idle] {
            assert!(waiting.poll_free(&mut cx).is_pending());
        }
        drop(slots.pop());
        assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
        assert!(idle.poll_free(&mut cx).is_ready());
        let large = idle.take_for(500_000, &metrics);
        assert!(idle.is_full());
        drop(slots);
        let entries = [(); 5].map(|()| connection("alice").take_all(&metrics));
        assert!(idle.is_full(), "five entries and one of 500,000 bytes");
        drop((large, entries));
        assert_eq!(share("alice").work.weight.load(Ordering::Relaxed), 0);
    }
}
