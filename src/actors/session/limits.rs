//! How much one session may send.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};

/// Over which time events are counted that came before the time that was told.
const FLOOD_WINDOW: Duration = Duration::from_secs(10);

/// Fewest events in a window, sent before the time that was told, that count as flooding, however low the limit is.
const STRIKES_MIN: u32 = 20;

/// Whether an event may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Passed,
    /// Too fast: the next one may pass in so many milliseconds.
    TooFast {
        /// How long to wait.
        retry_after_ms: u64,
    },
    /// Told so again and again: the session ends.
    Flooding {
        /// How long to stay away.
        retry_after_ms: u64,
    },
}

/// One session's limit: so many events a second, twice as many in a burst, and an end to those who don't listen.
#[derive(Debug)]
pub struct SendLimit {
    limiter: Option<DefaultDirectRateLimiter>,
    /// Until when the client was told to wait.
    told_until: Instant,
    /// Events that came before that.
    strikes: u32,
    strikes_max: u32,
    window_began: Instant,
}

impl SendLimit {
    /// A limit of so many events a second; none when the operator lifted it.
    #[must_use]
    pub fn new(per_second: Option<NonZeroU32>, now: Instant) -> Self {
        let limiter =
            per_second.map(|rate| RateLimiter::direct(Quota::per_second(rate).allow_burst(rate.saturating_mul(TWO))));
        let strikes_max = per_second.map_or(u32::MAX, |rate| rate.get().saturating_mul(4).max(STRIKES_MIN));
        Self { limiter, told_until: now, strikes: 0, strikes_max, window_began: now }
    }

    /// Counts one event.
    pub fn admit(&mut self, now: Instant) -> Admission {
        let Some(limiter) = &self.limiter else { return Admission::Passed };
        let Err(refused) = limiter.check() else { return Admission::Passed };
        let wait = refused.wait_time_from(DefaultClock::default().now());
        // Rounded up: whoever waits that long must pass.
        let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        let listens = now >= self.told_until;
        self.told_until = now + Duration::from_millis(retry_after_ms);
        if listens {
            return Admission::TooFast { retry_after_ms };
        }
        if now.duration_since(self.window_began) > FLOOD_WINDOW {
            self.window_began = now;
            self.strikes = 0;
        }
        self.strikes += 1;
        if self.strikes < self.strikes_max {
            return Admission::TooFast { retry_after_ms };
        }
        let window_left = FLOOD_WINDOW.saturating_sub(now.duration_since(self.window_began));
        Admission::Flooding { retry_after_ms: u64::try_from(window_left.as_millis()).unwrap_or(1).max(1000) }
    }
}

const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_listen_is_flooding() {
        let now = Instant::now();
        let mut limit = SendLimit::new(NonZeroU32::new(1), now);
        assert_eq!((limit.admit(now), limit.admit(now)), (Admission::Passed, Admission::Passed));
        for _ in 0..STRIKES_MIN {
            assert!(matches!(limit.admit(now), Admission::TooFast { retry_after_ms: 1..=1000 }));
        }
        assert!(matches!(limit.admit(now), Admission::Flooding { .. }));
    }

    #[test]
    fn who_waits_as_long_as_told_is_never_flooding() {
        let mut limit = SendLimit::new(NonZeroU32::new(1000), Instant::now());
        let mut passed = 0;
        // Waiting is a matter of the limiter's own clock, so this test takes the half second that it speaks of.
        while passed < 2500 {
            match limit.admit(Instant::now()) {
                Admission::Passed => passed += 1,
                Admission::TooFast { retry_after_ms } => std::thread::sleep(Duration::from_millis(retry_after_ms)),
                Admission::Flooding { .. } => panic!("thrown out after {passed}"),
            }
        }
    }

    #[test]
    fn a_lifted_limit_lets_everything_pass() {
        let now = Instant::now();
        let mut limit = SendLimit::new(None, now);
        assert!((0..10_000).all(|_| limit.admit(now) == Admission::Passed));
    }
}
