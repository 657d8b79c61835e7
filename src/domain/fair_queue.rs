//! A queue that serves accounts in turn: deficit round robin (Shreedhar and Varghese, "Efficient Fair Queuing Using Deficit
//! Round Robin", 1995).
//!
//! An account with a long queue waits for its own work and does not make others wait. The cost of a piece of work is given
//! when it is pushed (bytes), or afterwards by [`FairQueue::charge`] (measured time), or both.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// Work of several accounts. `K` names an account, `T` is a piece of work.
#[derive(Debug)]
pub struct FairQueue<K, T> {
    accounts: HashMap<K, Share<T>>,
    /// Accounts in the order of their turns; each that has an entry in `accounts` is here once.
    turns: VecDeque<K>,
    /// What an account may spend per round.
    quantum: u64,
    len: usize,
    cost: u64,
}

#[derive(Debug)]
struct Share<T> {
    waiting: VecDeque<(u64, T)>,
    cost: u64,
    /// What it may still spend in this round; below zero it has spent more than its share.
    credit: i64,
}

impl<K: Clone + Eq + Hash, T> FairQueue<K, T> {
    /// An empty queue. `quantum` is what an account may spend per round, in the unit of the costs: about the cost of one
    /// ordinary piece of work.
    #[must_use]
    pub fn new(quantum: u64) -> Self {
        Self { accounts: HashMap::new(), turns: VecDeque::new(), quantum: quantum.max(1), len: 0, cost: 0 }
    }

    /// Adds a piece of work after the account's others.
    pub fn push(&mut self, account: K, cost: u64, work: T) {
        self.len += 1;
        self.cost += cost;
        if let Some(share) = self.accounts.get_mut(&account) {
            share.waiting.push_back((cost, work));
            share.cost += cost;
            return;
        }
        self.turns.push_back(account.clone());
        self.accounts.insert(account, Share { waiting: [(cost, work)].into(), cost, credit: 0 });
    }

    /// Takes the next piece of work.
    pub fn pop(&mut self) -> Option<(K, T)> {
        self.pop_if(|_| true)
    }

    /// Takes the next piece of work of an account that may be served now.
    pub fn pop_if(&mut self, may_serve: impl Fn(&K) -> bool) -> Option<(K, T)> {
        if self.len == 0 {
            return None;
        }
        // One round with what each account has, then, if all of them have spent their share, one with as many rounds'
        // credit as the first of them needs.
        for _ in 0..2 {
            let mut rounds_missing: Option<i64> = None;
            for _ in 0..self.turns.len() {
                let Some(account) = self.turns.front() else { break };
                let Some(share) = self.accounts.get_mut(account) else {
                    self.turns.pop_front();
                    continue;
                };
                let Some((cost, _)) = share.waiting.front() else {
                    self.turns.rotate_left(1);
                    continue;
                };
                let cost = to_signed(*cost);
                if may_serve(account) {
                    if share.credit >= cost {
                        return self.take_front(cost);
                    }
                    let missing = (cost - share.credit).div_euclid(to_signed(self.quantum))
                        + i64::from((cost - share.credit).rem_euclid(to_signed(self.quantum)) > 0);
                    rounds_missing = Some(rounds_missing.map_or(missing, |least| least.min(missing)));
                }
                self.turns.rotate_left(1);
            }
            self.grant(rounds_missing?);
        }
        None
    }

    /// Takes the first piece of work of the account whose turn it is.
    fn take_front(&mut self, cost: i64) -> Option<(K, T)> {
        let account = self.turns.front()?.clone();
        let share = self.accounts.get_mut(&account)?;
        let (weight, work) = share.waiting.pop_front()?;
        share.credit -= cost;
        share.cost -= weight;
        self.len -= 1;
        self.cost -= weight;
        if self.len == 0 {
            // No account waits: what was spent is forgotten.
            self.accounts.clear();
            self.turns.clear();
        } else if share.waiting.is_empty() && share.credit >= 0 {
            // Credit that is not needed is not saved.
            self.accounts.remove(&account);
            self.turns.pop_front();
        }
        Some((account, work))
    }

    /// Gives each account the credit of this many rounds. One that waits for nothing leaves once its debt is paid.
    fn grant(&mut self, rounds: i64) {
        let credit = to_signed(self.quantum).saturating_mul(rounds);
        let accounts = &mut self.accounts;
        self.turns.retain(|account| {
            let Some(share) = accounts.get_mut(account) else { return false };
            share.credit = share.credit.saturating_add(credit);
            if share.waiting.is_empty() && share.credit >= 0 {
                accounts.remove(account);
                return false;
            }
            true
        });
    }

    /// Charges an account for work that was taken: what it cost beyond what was given when it was pushed. Counts while
    /// others wait.
    pub fn charge(&mut self, account: &K, cost: u64) {
        if self.len == 0 {
            return;
        }
        if let Some(share) = self.accounts.get_mut(account) {
            share.credit = share.credit.saturating_sub(to_signed(cost));
            return;
        }
        self.turns.push_back(account.clone());
        self.accounts.insert(
            account.clone(),
            Share { waiting: VecDeque::new(), cost: 0, credit: to_signed(cost).saturating_neg() },
        );
    }

    /// How many pieces of work an account waits for.
    #[must_use]
    pub fn len_of(&self, account: &K) -> usize {
        self.accounts.get(account).map_or(0, |share| share.waiting.len())
    }

    /// What an account's waiting work costs.
    #[must_use]
    pub fn cost_of(&self, account: &K) -> u64 {
        self.accounts.get(account).map_or(0, |share| share.cost)
    }

    /// How many pieces of work wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// What the waiting work costs.
    #[must_use]
    pub fn cost(&self) -> u64 {
        self.cost
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

fn to_signed(cost: u64) -> i64 {
    i64::try_from(cost).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn order(queue: &mut FairQueue<&'static str, u32>) -> Vec<(&'static str, u32)> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn one_account_is_served_in_its_own_order() {
        let mut queue = FairQueue::new(10);
        for work in 0..5 {
            queue.push("alice", 3, work);
        }
        assert_eq!(order(&mut queue), (0..5).map(|work| ("alice", work)).collect::<Vec<_>>());
    }

    #[test]
    fn a_long_queue_of_one_does_not_make_another_wait() {
        let mut queue = FairQueue::new(10);
        for work in 0..1000 {
            queue.push("mallory", 10, work);
        }
        queue.push("alice", 10, 0);
        let place = order(&mut queue).iter().position(|(account, _)| *account == "alice").unwrap();
        assert!(place <= 1, "alice was served after {place} of mallory's");
    }

    #[test]
    fn who_brings_heavy_work_is_served_less_often() {
        let mut queue = FairQueue::new(100);
        for work in 0..100 {
            queue.push("heavy", 1000, work);
            queue.push("light", 10, work);
        }
        let first: Vec<_> = (0..101).filter_map(|_| queue.pop()).map(|(account, _)| account).collect();
        assert!(first.iter().filter(|account| **account == "heavy").count() <= 12, "{first:?}");
    }

    #[test]
    fn measured_time_counts_like_a_cost() {
        let mut queue = FairQueue::new(1);
        for work in 0..50 {
            queue.push("slow", 0, work);
            queue.push("fast", 0, work);
        }
        let mut served = HashMap::<_, u32>::new();
        for _ in 0..40 {
            let (account, _) = queue.pop().unwrap();
            *served.entry(account).or_default() += 1;
            queue.charge(&account, if account == "slow" { 100 } else { 1 });
        }
        assert!(served["fast"] >= 38, "{served:?}");
    }

    #[test]
    fn nobody_waits_for_a_debt_when_nobody_else_does() {
        let mut queue = FairQueue::new(1);
        queue.push("alice", 0, 1);
        queue.push("bob", 0, 1);
        let (first, _) = queue.pop().unwrap();
        queue.charge(&first, 1_000_000);
        queue.pop().unwrap();
        queue.push(first, 0, 2);
        assert_eq!(queue.pop(), Some((first, 2)));
        assert!(queue.is_empty() && queue.accounts.is_empty() && queue.turns.is_empty());
    }

    #[test]
    fn an_account_that_may_not_be_served_now_keeps_its_place() {
        let mut queue = FairQueue::new(1);
        queue.push("busy", 1, 1);
        queue.push("free", 1, 1);
        assert_eq!(queue.pop_if(|account| *account != "busy"), Some(("free", 1)));
        assert_eq!(queue.pop_if(|account| *account != "busy"), None);
        assert_eq!(queue.pop(), Some(("busy", 1)));
    }

    proptest! {
        /// Nothing is lost or doubled, each account's work stays in order, and no two accounts that both wait are apart by
        /// more than a round and the largest piece of work.
        #[test]
        fn shares_are_equal(work in prop::collection::vec((0_u8..4, 1_u64..50), 1..200)) {
            let mut queue = FairQueue::new(10);
            for (number, (account, cost)) in work.iter().enumerate() {
                queue.push(*account, *cost, (number, *cost));
            }
            let total: u64 = work.iter().map(|(_, cost)| cost).sum();
            prop_assert_eq!(queue.cost(), total);
            let mut spent = [0_u64; 4];
            let mut last = [None; 4];
            let mut count = 0;
            while let Some((account, (number, cost))) = queue.pop() {
                let own = usize::from(account);
                prop_assert!(last[own] < Some(number));
                last[own] = Some(number);
                spent[own] += cost;
                count += 1;
                for other in 0..4_u8 {
                    if queue.len_of(&other) > 0 {
                        prop_assert!(spent[own] <= spent[usize::from(other)] + 2 * (50 + 10));
                    }
                }
            }
            prop_assert_eq!(count, work.len());
            prop_assert_eq!(queue.cost(), 0);
        }
    }
}
