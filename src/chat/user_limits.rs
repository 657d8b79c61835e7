//! What each user takes of the server, over all of their sessions, namespaces and wires, and over REST: messages per second, sessions,
//! rooms, what waits.
//!
//! One [`UserShare`] for each user, shared by all workers. It is forgotten when nobody holds it and its rates have recovered, so
//! that coming back never brings a fresh limit.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    in_flight::WorkInFlight,
    token_bucket::{Patience, Quota, Rate, RateVerdict, Strikes, wait_ms},
};
use crate::{
    config::Limits,
    domain::UserId,
    error::ChatError,
    metrics::{self, GaugeGuard, Metrics},
};

/// Locks that the map is spread over.
const SHARDS: usize = 16;

/// How often a shard forgets users, when somebody is looked up in it.
const SWEEP_INTERVAL: Duration = Duration::from_secs(4);

/// Bytes of messages without a room that may wait for an `enterRoom`, over all sessions of a user.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// REST requests of a user that may be unanswered at once.
pub const REQUESTS_IN_FLIGHT_MAX: u32 = 32;

/// A user may open as many sessions per second as they may have at once, and never fewer than this.
const OPENS_PER_SECOND_MIN: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// What every user may take. `None` where the operator lifted it.
#[derive(Debug)]
struct Terms {
    sends: Option<Quota>,
    requests: Option<Quota>,
    opens: Option<Quota>,
    sessions_max: Option<u32>,
}

/// Every user with a session or a request, and those whose rates have not recovered yet.
#[derive(Debug)]
pub struct Accounts {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    terms: Arc<Terms>,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Shard {
    shares: HashMap<UserId, Arc<UserShare>>,
    swept_at: Instant,
}

/// What one user has taken.
#[derive(Debug)]
pub struct UserShare {
    terms: Arc<Terms>,
    /// Their unanswered events.
    pub work: Arc<WorkInFlight>,
    sends: Rate,
    requests: Rate,
    opens: Rate,
    strikes: Mutex<Strikes>,
    sessions: AtomicU32,
    requests_in_flight: AtomicU32,
    waiting_bytes: AtomicUsize,
}

/// One session's place among its user's. It is free again when this is dropped: by the `ChatServer`, when it has taken the
/// session's end, so that what waits for it there is bounded, too.
#[derive(Debug)]
pub struct SessionPlace {
    share: Arc<UserShare>,
    _gauge: GaugeGuard,
}

/// One REST request's place among its user's; free again when this is dropped.
#[derive(Debug)]
pub struct RequestPlace(Arc<UserShare>);

impl Accounts {
    /// Nobody yet.
    #[must_use]
    pub fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        let terms = Terms {
            sends: limits.sends_per_second_max.map(Quota::per_second),
            requests: limits.requests_per_second_max.map(Quota::per_second),
            opens: limits.sessions_per_user_max.map(|max| Quota::per_second(max.max(OPENS_PER_SECOND_MIN))),
            sessions_max: limits.sessions_per_user_max.map(Into::into),
        };
        Self {
            shards: std::array::from_fn(|_| Mutex::new(Shard { shares: HashMap::new(), swept_at: Instant::now() })),
            hasher: RandomState::new(),
            terms: Arc::new(terms),
            metrics,
        }
    }

    #[must_use]
    pub fn of(&self, user: &UserId) -> Arc<UserShare> {
        self.of_at(user, Instant::now())
    }

    fn of_at(&self, user: &UserId, now: Instant) -> Arc<UserShare> {
        let mut shard = self.shard(user);
        if now.saturating_duration_since(shard.swept_at) >= SWEEP_INTERVAL {
            shard.sweep(now);
        }
        if let Some(share) = shard.shares.get(user) {
            return Arc::clone(share);
        }
        let share = Arc::new(UserShare::new(Arc::clone(&self.terms)));
        shard.shares.insert(user.clone(), Arc::clone(&share));
        share
    }

    fn shard(&self, user: &UserId) -> MutexGuard<'_, Shard> {
        let shard = self.hasher.hash_one(user) % SHARDS as u64;
        // A place in an array of sixteen.
        lock(&self.shards[shard as usize])
    }

    /// Takes a place for a session of a user, and counts that one is opened.
    ///
    /// # Errors
    /// `rate_limited` when the user has as many sessions as they may, or opens them too fast.
    pub fn open_session(&self, user: &UserId) -> Result<SessionPlace, ChatError> {
        let share = self.of(user);
        if let Some(quota) = self.terms.opens
            && let Err(wait) = share.opens.admit(quota, 1, Instant::now())
        {
            metrics::count(&self.metrics.rate_limited, "sessions_per_second");
            return Err(ChatError::rate_limited(wait_ms(wait)));
        }
        if !take_place(&share.sessions, self.terms.sessions_max) {
            metrics::count(&self.metrics.rate_limited, "sessions_per_user");
            let mut error = ChatError::rate_limited(5000);
            error.message = "this user has as many connections as they may: close one first".into();
            return Err(error);
        }
        Ok(SessionPlace { share, _gauge: GaugeGuard::raise(&self.metrics.sessions) })
    }

    /// Counts a REST request of a user, and takes a place for it until it is answered.
    ///
    /// # Errors
    /// `rate_limited` when they ask too fast, or have too many requests unanswered.
    pub fn open_request(&self, user: &UserId) -> Result<RequestPlace, ChatError> {
        let share = self.of(user);
        let Some(quota) = self.terms.requests else { return Ok(RequestPlace::take(share)) };
        if let Err(wait) = share.requests.admit(quota, 1, Instant::now()) {
            metrics::count(&self.metrics.rate_limited, "requests_per_second");
            return Err(ChatError::rate_limited(wait_ms(wait)));
        }
        if !take_place(&share.requests_in_flight, Some(REQUESTS_IN_FLIGHT_MAX)) {
            metrics::count(&self.metrics.rate_limited, "requests_in_flight");
            let mut error = ChatError::rate_limited(1000);
            error.message = "this user has too many requests unanswered: wait for some".into();
            return Err(error);
        }
        Ok(RequestPlace(share))
    }

    /// Counts something that is sent over REST, at the same rate as what is sent over a wire.
    ///
    /// # Errors
    /// `rate_limited` with the wait.
    pub fn admit_send(&self, user: &UserId) -> Result<(), ChatError> {
        let Some(quota) = self.terms.sends else { return Ok(()) };
        self.of(user).sends.admit(quota, 1, Instant::now()).map_err(|wait| {
            metrics::count(&self.metrics.rate_limited, "sends_per_second");
            ChatError::rate_limited(wait_ms(wait))
        })
    }
}

impl Shard {
    /// Forgets whom nothing is held for and whose rates have recovered.
    fn sweep(&mut self, now: Instant) {
        self.swept_at = now;
        // Nobody else can take one up meanwhile: that goes through this shard's lock.
        // A connection keeps the count of its user's events alone.
        let is_held = |share: &Arc<UserShare>| Arc::strong_count(share) > 1 || Arc::strong_count(&share.work) > 1;
        self.shares.retain(|_, share| is_held(share) || !share.is_recovered(now));
        if self.shares.len() < self.shares.capacity() / 4 {
            self.shares.shrink_to_fit();
        }
    }
}

impl UserShare {
    fn new(terms: Arc<Terms>) -> Self {
        Self {
            terms,
            work: Arc::default(),
            sends: Rate::default(),
            requests: Rate::default(),
            opens: Rate::default(),
            strikes: Mutex::default(),
            sessions: AtomicU32::new(0),
            requests_in_flight: AtomicU32::new(0),
            waiting_bytes: AtomicUsize::new(0),
        }
    }

    fn is_recovered(&self, now: Instant) -> bool {
        [&self.sends, &self.requests, &self.opens].into_iter().all(|rate| rate.is_recovered(now))
            && lock(&self.strikes).is_over(now)
    }

    /// Counts something that one of the user's sessions was sent, as so many events.
    pub fn admit_send(&self, cost: u32, patience: &mut Patience, now: Instant) -> RateVerdict {
        let Some(quota) = self.terms.sends else { return RateVerdict::Passed };
        let Err(wait) = self.sends.admit(quota, cost, now) else { return RateVerdict::Passed };
        let retry_after_ms = wait_ms(wait);
        if patience.asked(retry_after_ms, now) {
            return RateVerdict::TooFast { retry_after_ms };
        }
        match lock(&self.strikes).add(quota, now) {
            None => RateVerdict::TooFast { retry_after_ms },
            Some(ban) => RateVerdict::Flooding { retry_after_ms: wait_ms(ban) },
        }
    }

    /// Takes so many bytes for a message that waits for a room. Returns whether there were as many left.
    pub fn wait(&self, bytes: usize) -> bool {
        let taken = self.waiting_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            Some(taken + bytes).filter(|taken| *taken <= WAITING_BYTES_MAX)
        });
        taken.is_ok()
    }

    /// Gives such bytes back.
    pub fn waited(&self, bytes: usize) {
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl SessionPlace {
    #[must_use]
    pub fn share(&self) -> &Arc<UserShare> {
        &self.share
    }
}

impl RequestPlace {
    fn take(share: Arc<UserShare>) -> Self {
        share.requests_in_flight.fetch_add(1, Ordering::Relaxed);
        Self(share)
    }
}

impl Drop for SessionPlace {
    fn drop(&mut self) {
        self.share.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for RequestPlace {
    fn drop(&mut self) {
        self.0.requests_in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

fn take_place(taken: &AtomicU32, max: Option<u32>) -> bool {
    let more = |taken: u32| Some(taken + 1).filter(|_| max.is_none_or(|max| taken < max));
    taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one statement, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts(limits: &Limits) -> Accounts {
        Accounts::new(limits, Arc::default())
    }

    fn alice() -> UserId {
        UserId::new("alice").unwrap()
    }

    #[test]
    fn one_who_does_not_listen_is_flooding_and_a_new_session_does_not_help() {
        let accounts = accounts(&Limits { sends_per_second_max: 1.try_into().ok(), ..Limits::none() });
        let (share, mut patience, now) = (accounts.of(&alice()), Patience::default(), Instant::now());
        assert_eq!([(); 2].map(|()| share.admit_send(1, &mut patience, now)), [RateVerdict::Passed; 2]);
        for _ in 0..20 {
            assert!(matches!(
                share.admit_send(1, &mut patience, now),
                RateVerdict::TooFast { retry_after_ms: 1..=1001 }
            ));
        }
        assert!(matches!(share.admit_send(1, &mut patience, now), RateVerdict::Flooding { .. }));
        drop(share);
        let (share, mut patience) = (accounts.of(&alice()), Patience::default());
        assert!(matches!(share.admit_send(1, &mut patience, now), RateVerdict::TooFast { .. }), "once it was refused");
        assert!(matches!(share.admit_send(1, &mut patience, now), RateVerdict::Flooding { .. }));
    }

    #[test]
    fn one_who_waits_as_long_as_asked_is_never_flooding() {
        let accounts = accounts(&Limits { sends_per_second_max: 1000.try_into().ok(), ..Limits::none() });
        let (share, mut patience, mut now) = (accounts.of(&alice()), Patience::default(), Instant::now());
        let mut passed = 0;
        while passed < 5000 {
            match share.admit_send(1, &mut patience, now) {
                RateVerdict::Passed => passed += 1,
                RateVerdict::TooFast { retry_after_ms } => now += Duration::from_millis(retry_after_ms),
                RateVerdict::Flooding { .. } => panic!("thrown out after {passed}"),
            }
        }
    }

    #[test]
    fn a_lifted_limit_lets_everything_pass() {
        let accounts = accounts(&Limits::none());
        let (share, mut patience, now) = (accounts.of(&alice()), Patience::default(), Instant::now());
        assert!((0..10_000).all(|_| share.admit_send(1, &mut patience, now) == RateVerdict::Passed));
        let places: Vec<_> = (0..1000).map(|_| accounts.open_session(&alice())).collect();
        assert!(places.iter().all(Result::is_ok));
    }

    #[test]
    fn a_share_is_kept_until_its_rates_have_recovered_and_nobody_holds_it() {
        let accounts = accounts(&Limits { sends_per_second_max: 1.try_into().ok(), ..Limits::none() });
        let now = Instant::now() + Duration::from_secs(10);
        let sweep = |after: u64| {
            let now = now + Duration::from_secs(after);
            accounts.shards.iter().for_each(|shard| lock(shard).sweep(now));
            accounts.shards.iter().map(|shard| lock(shard).shares.len()).sum::<usize>()
        };
        let share = accounts.of_at(&alice(), now);
        assert_eq!(share.admit_send(2, &mut Patience::default(), now), RateVerdict::Passed);
        assert_eq!(sweep(1), 1);
        assert_eq!(sweep(100), 1, "a session holds it");
        assert_eq!(share.admit_send(2, &mut Patience::default(), now + Duration::from_secs(100)), RateVerdict::Passed);
        drop(share);
        assert_eq!(sweep(101), 1, "its rate is used up");
        assert_eq!(sweep(102), 0);
    }

    #[test]
    fn a_user_has_so_many_sessions_and_requests_at_once_and_opens_so_many_per_second() {
        let limits = Limits {
            sessions_per_user_max: 2.try_into().ok(),
            requests_per_second_max: 1000.try_into().ok(),
            ..Limits::none()
        };
        let accounts = accounts(&limits);
        let both = [(); 2].map(|()| accounts.open_session(&alice()).unwrap());
        assert!(accounts.open_session(&alice()).is_err());
        drop(both);
        let opened = (0..100).take_while(|_| accounts.open_session(&alice()).is_ok()).count();
        assert!((17..=20).contains(&opened), "{opened}: twice ten, and three were before");
        let open: Vec<_> = (0..REQUESTS_IN_FLIGHT_MAX).map(|_| accounts.open_request(&alice()).unwrap()).collect();
        assert_eq!(accounts.open_request(&alice()).unwrap_err().code, crate::error::ErrorCode::RateLimited);
        drop(open);
        accounts.open_request(&alice()).unwrap();
    }

    #[test]
    fn what_waits_is_bounded_over_all_sessions() {
        let share = accounts(&Limits::none()).of(&alice());
        assert!(share.wait(WAITING_BYTES_MAX) && !share.wait(1));
        share.waited(1);
        assert!(share.wait(1));
    }
}
