//! How much each key, a user or an address, may hold at once.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What each key holds now. A key that holds nothing takes no memory.
#[derive(Debug)]
pub struct KeyedQuota<K: Eq + Hash>(Mutex<HashMap<K, usize>>);

/// What one taker holds of a quota; given back when this is dropped.
#[derive(Debug)]
pub struct QuotaGuard<K: Eq + Hash> {
    quota: Arc<KeyedQuota<K>>,
    key: K,
    amount: usize,
}

impl<K: Eq + Hash> Default for KeyedQuota<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone> KeyedQuota<K> {
    /// Takes so much for a key that may hold `max` at once; `None` where that is less than it would then hold.
    #[must_use]
    pub fn take(self: &Arc<Self>, key: K, amount: usize, max: usize) -> Option<QuotaGuard<K>> {
        let mut held = self.held();
        let before = held.get(&key).copied().unwrap_or_default();
        let after = before.checked_add(amount).filter(|after| *after <= max)?;
        if after > 0 {
            held.insert(key.clone(), after);
        }
        Some(QuotaGuard { quota: Arc::clone(self), key, amount })
    }
}

impl<K: Eq + Hash> KeyedQuota<K> {
    fn held(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        // Each change is one statement, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for QuotaGuard<K> {
    fn drop(&mut self) {
        let mut held = self.quota.held();
        if let Some(amount) = held.get_mut(&self.key) {
            *amount -= self.amount;
            if *amount == 0 {
                held.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_holds_what_it_may_and_gives_it_back() {
        let quota = Arc::<KeyedQuota<&str>>::default();
        let two = quota.take("alice", 2, 3);
        assert!(two.is_some() && quota.take("alice", 2, 3).is_none());
        let rest = quota.take("alice", 1, 3);
        assert!(rest.is_some() && quota.take("bob", 3, 3).is_some());
        assert!(quota.take("alice", 0, 3).is_some() && quota.take("alice", usize::MAX, usize::MAX).is_none());
        drop((two, rest));
        assert!(quota.held().is_empty());
    }
}
