//! The time: the system's, or one that a test turns.

#![warn(missing_docs)]

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::sync::watch;

use crate::domain::Timestamp;

/// Reads the time and waits for it. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's own.
    #[default]
    System,
    /// Stands still until it is turned.
    Manual(Arc<watch::Sender<i64>>),
}

impl Clock {
    /// A clock for tests, which stands at `start` until [`Clock::advance`] turns it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(watch::Sender::new(start.0)))
    }

    /// The moment it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            // A machine whose clock stands before 1970 is treated as standing at 1970: tokens then count as not yet valid.
            Self::System => Timestamp(
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            ),
            Self::Manual(now) => Timestamp(*now.borrow()),
        }
    }

    /// Turns a manual clock forward; the system's stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(now) = self {
            now.send_modify(|ms| *ms += i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
        }
    }

    /// Waits until it is `at`, or later.
    pub async fn sleep_until(&self, at: Timestamp) {
        match self {
            Self::System => loop {
                let left = at.0.saturating_sub(self.now().0);
                let Ok(left) = u64::try_from(left) else { return };
                if left == 0 {
                    return;
                }
                // In slices of one hour, so that a clock that was set in the meantime is noticed.
                tokio::time::sleep(Duration::from_millis(left.min(3_600_000))).await;
            },
            Self::Manual(now) => {
                let mut now = now.subscribe();
                // Fails only when the clock was dropped, and then time no longer advances.
                let _ = now.wait_for(|ms| *ms >= at.0).await;
            }
        }
    }
}
