//! What an account may have refused: each refusal is an entry of the audit log, and costs its sender nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::domain::{Timestamp, UserId};

/// Refused and held messages of an account at once, and after how long one more has its place.
const BURST: i64 = 20;
const INTERVAL_MS: i64 = 30_000;

/// Accounts that are remembered. Beyond that those are forgotten that have recovered, or else all.
const ACCOUNTS_MAX: usize = 10_000;

/// The refusals of the last minutes, by account: until when they count. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Refusals(Arc<Mutex<HashMap<UserId, Timestamp>>>);

/// What still counts, in milliseconds. Nothing where the clock was set back.
fn used_ms(until: Timestamp, now: Timestamp) -> i64 {
    let used = until.0.saturating_sub(now.0);
    if (0..=BURST * INTERVAL_MS).contains(&used) { used } else { 0 }
}

impl Refusals {
    /// Whether the marketplace may be asked about somebody's message now.
    ///
    /// # Errors
    /// After how many milliseconds it may be, when too many were refused.
    pub fn check(&self, user: &UserId, now: Timestamp) -> Result<(), u64> {
        let accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = accounts.get(user).map_or(0, |until| used_ms(*until, now)) - (BURST - 1) * INTERVAL_MS;
        if over > 0 { Err(over.unsigned_abs()) } else { Ok(()) }
    }

    /// Notes a refusal.
    pub fn add(&self, user: &UserId, now: Timestamp) {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= ACCOUNTS_MAX && !accounts.contains_key(user) {
            accounts.retain(|_, until| used_ms(*until, now) > 0);
            if accounts.len() >= ACCOUNTS_MAX {
                accounts.clear();
            }
        }
        let until = accounts.entry(user.clone()).or_insert(now);
        *until = now.plus_ms(used_ms(*until, now) + INTERVAL_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_so_many_messages_refused_at_once_and_then_one_per_interval_and_nobody_else_waits() {
        let (refusals, start) = (Refusals::default(), Timestamp(1_000_000));
        let [alice, bob] = ["alice", "bob"].map(|id| UserId::new(id).unwrap());
        for _ in 0..BURST {
            assert_eq!(refusals.check(&alice, start), Ok(()));
            refusals.add(&alice, start);
        }
        let later = start.plus_ms(INTERVAL_MS - 1);
        assert_eq!((refusals.check(&alice, later), refusals.check(&bob, later)), (Err(1), Ok(())));
        let next = start.plus_ms(INTERVAL_MS);
        assert_eq!(refusals.check(&alice, next), Ok(()));
        refusals.add(&alice, next);
        assert_eq!(refusals.check(&alice, next), Err(INTERVAL_MS.unsigned_abs()));
        assert_eq!(refusals.check(&alice, start.plus_ms(-1)), Ok(()), "the clock was set back");
    }
}
