//! How fast something may go on: a quota, how much of it is used, and how often a client did not wait as asked.

use std::{
    collections::HashMap,
    hash::Hash,
    num::NonZeroU32,
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Over which time events are counted that came before the time that was given.
const FLOOD_WINDOW: Duration = Duration::from_secs(10);

/// Fewest events in a window, sent before the time that was given, that count as flooding, however low the limit is.
const STRIKES_MIN: u32 = 20;

/// Keys that are remembered before those that have recovered are forgotten, and how often these are looked for.
const KEYS_REMEMBERED: usize = 10_000;
const FORGET_INTERVAL: Duration = Duration::from_secs(1);

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// So many per second, twice as many in a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    per_second: NonZeroU32,
}

impl Quota {
    #[must_use]
    pub const fn per_second(per_second: NonZeroU32) -> Self {
        Self { per_second }
    }

    /// Nanoseconds that one of them stands for.
    fn interval(self) -> u64 {
        1_000_000_000 / u64::from(self.per_second.get())
    }

    /// Nanoseconds that may be used in advance.
    fn burst(self) -> u64 {
        2 * self.interval() * u64::from(self.per_second.get())
    }

    /// Events before the time that was given that count as flooding.
    fn strikes_max(self) -> u32 {
        self.per_second.get().saturating_mul(4).max(STRIKES_MIN)
    }
}

/// How much of a quota is used: the generic cell rate algorithm, in one number. It is the time, in nanoseconds since
/// the server began, from which on nothing is used any more.
#[derive(Debug, Default)]
pub struct Rate(AtomicU64);

impl Rate {
    /// Uses up `cost` of the quota.
    ///
    /// # Errors
    /// How long to wait until there is enough left. Then nothing was used.
    pub fn admit(&self, quota: Quota, cost: u32, now: Instant) -> Result<(), Duration> {
        let (now, burst) = (nanos(now), quota.burst());
        // What costs more than all of it waits for all of it.
        let cost = (quota.interval() * u64::from(cost)).min(burst);
        let admitted = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used_until| {
            let then = used_until.max(now) + cost;
            (then - now <= burst).then_some(then)
        });
        admitted.map(drop).map_err(|used_until| Duration::from_nanos((used_until.max(now) + cost) - now - burst))
    }

    /// Whether nothing is used any more.
    #[must_use]
    pub fn is_recovered(&self, now: Instant) -> bool {
        self.0.load(Ordering::Relaxed) <= nanos(now)
    }
}

/// One quota for each of many keys.
#[derive(Debug)]
pub struct KeyedRate<K> {
    quota: Quota,
    rates: Mutex<Rates<K>>,
}

#[derive(Debug)]
struct Rates<K> {
    by_key: HashMap<K, Rate>,
    forgot_at: Option<Instant>,
}

impl<K: Eq + Hash> KeyedRate<K> {
    /// Nothing of any key's quota is used.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        Self { quota, rates: Mutex::new(Rates { by_key: HashMap::new(), forgot_at: None }) }
    }

    /// Uses up one of a key's quota.
    ///
    /// # Errors
    /// How long to wait until there is enough left. Then nothing was used.
    pub fn admit(&self, key: K, now: Instant) -> Result<(), Duration> {
        // A panic elsewhere leaves nothing half done.
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let Rates { by_key, forgot_at } = &mut *rates;
        let is_due = forgot_at.is_none_or(|at| now.saturating_duration_since(at) >= FORGET_INTERVAL);
        if by_key.len() > KEYS_REMEMBERED && is_due {
            *forgot_at = Some(now);
            by_key.retain(|_, rate| !rate.is_recovered(now));
        }
        by_key.entry(key).or_default().admit(self.quota, 1, now)
    }
}

fn nanos(at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(*EPOCH).as_nanos()).unwrap_or(u64::MAX / 2)
}

/// A wait as a client is sent it, rounded up: one who waits that long must pass.
#[must_use]
pub fn wait_ms(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// Whether an event may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateVerdict {
    /// It may.
    Passed,
    /// Too fast: the next one may pass in so many milliseconds.
    TooFast {
        /// How long to wait.
        retry_after_ms: u64,
    },
    /// It went on although it was refused again and again: the session ends.
    Flooding {
        /// How long to wait before a new session.
        retry_after_ms: u64,
    },
}

/// How often somebody went on before the time that was given.
#[derive(Debug, Default)]
pub struct Strikes {
    count: u32,
    window_began: Option<Instant>,
}

impl Strikes {
    /// Counts one. Returns how long to wait before a new session when they are too many.
    pub fn add(&mut self, quota: Quota, now: Instant) -> Option<Duration> {
        let began = match self.window_began {
            Some(began) if now.saturating_duration_since(began) <= FLOOD_WINDOW => began,
            _ => {
                *self = Self { count: 0, window_began: Some(now) };
                now
            }
        };
        self.count += 1;
        (self.count >= quota.strikes_max())
            .then(|| FLOOD_WINDOW.saturating_sub(now.saturating_duration_since(began)).max(Duration::from_secs(1)))
    }

    /// Whether none counts any more.
    #[must_use]
    pub fn is_over(&self, now: Instant) -> bool {
        self.window_began.is_none_or(|began| now.saturating_duration_since(began) > FLOOD_WINDOW)
    }
}

/// Whether one session waits as it is asked.
#[derive(Debug, Default)]
pub struct Patience {
    asked_until: Option<Instant>,
}

impl Patience {
    /// Notes that the client was asked to wait. Returns whether it had waited as it was asked before.
    pub fn asked(&mut self, retry_after_ms: u64, now: Instant) -> bool {
        let listens = self.asked_until.is_none_or(|until| now >= until);
        self.asked_until = Some(now + Duration::from_millis(retry_after_ms));
        listens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(per_second: u32) -> Quota {
        Quota::per_second(NonZeroU32::new(per_second).unwrap())
    }

    #[test]
    fn a_quota_has_twice_as_many_in_a_burst_and_comes_back_by_and_by() {
        let (rate, began) = (Rate::default(), Instant::now() + Duration::from_secs(1));
        let passed = |after_ms: u64, cost: u32| {
            let now = began + Duration::from_millis(after_ms);
            (0..100).take_while(|_| rate.admit(quota(5), cost, now).is_ok()).count()
        };
        assert_eq!(passed(0, 1), 10);
        assert_eq!(rate.admit(quota(5), 1, began), Err(Duration::from_millis(200)));
        assert_eq!(passed(200, 1), 1);
        assert_eq!(passed(1200, 5), 1, "one that counts as five");
        assert!(!rate.is_recovered(began + Duration::from_millis(3199)));
        assert!(rate.is_recovered(began + Duration::from_millis(3200)));
        assert_eq!(passed(60_000, 1), 10);
        assert_eq!(passed(120_000, 11), 1, "one that counts as more than all");
    }

    #[test]
    fn each_key_has_a_rate_and_recovered_ones_are_forgotten() {
        let (rate, began) = (KeyedRate::new(quota(1)), Instant::now() + Duration::from_secs(1));
        let passed = |key: usize, now| (0..9).take_while(|_| rate.admit(key, now).is_ok()).count();
        assert_eq!((passed(0, began), passed(1, began)), (2, 2));
        assert!((2..=KEYS_REMEMBERED).all(|key| rate.admit(key, began).is_ok()));
        assert_eq!(rate.rates.lock().unwrap().by_key.len(), KEYS_REMEMBERED + 1);
        let later = began + Duration::from_millis(1500);
        assert_eq!((passed(0, later), rate.rates.lock().unwrap().by_key.len()), (1, 2));
    }

    #[test]
    fn strikes_are_counted_within_a_window() {
        let (mut strikes, began) = (Strikes::default(), Instant::now());
        for _ in 1..STRIKES_MIN {
            assert_eq!(strikes.add(quota(1), began), None);
        }
        assert_eq!(strikes.add(quota(1), began), Some(FLOOD_WINDOW));
        let later = began + FLOOD_WINDOW + Duration::from_millis(1);
        assert!(!strikes.is_over(began) && strikes.is_over(later));
        assert_eq!(strikes.add(quota(1), later), None);
    }
}
