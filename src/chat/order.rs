//! The order of one room's messages where several nodes commit them: plain state, without actix, sockets or time.
//!
//! A message that this node has committed itself may come before one that another node committed earlier; what NATS carries
//! may come twice, late, or not at all. `seq` has no hole, so it says what is next, what is known, and what is missing.

use std::collections::BTreeMap;

use crate::domain::Seq;

/// Messages of one room that wait for an earlier one. The database has them all, so the latest are let go beyond that.
const EARLY_MAX: usize = 64;

/// What came before its turn.
#[derive(Debug)]
pub struct Order<T> {
    early: BTreeMap<Seq, T>,
}

/// What becomes of a message that comes.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn<T> {
    /// It is the next one. [`Order::next`] has what follows it.
    Now(T),
    /// It was delivered before.
    Known,
    /// An earlier one is missing: it waits, and what is missing is to be read.
    Early,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self { early: BTreeMap::new() }
    }
}

impl<T> Order<T> {
    /// A message comes, while `last` is the last one that was delivered.
    pub fn take_in(&mut self, last: Seq, seq: Seq, message: T) -> Turn<T> {
        if seq <= last {
            Turn::Known
        } else if seq.0 == last.0 + 1 {
            Turn::Now(message)
        } else {
            self.early.insert(seq, message);
            if self.early.len() > EARLY_MAX {
                self.early.pop_last();
            }
            Turn::Early
        }
    }

    /// A message that waits for its turn has changed in the meantime.
    pub fn replace(&mut self, seq: Seq, message: T) {
        if let Some(waiting) = self.early.get_mut(&seq) {
            *waiting = message;
        }
    }

    /// What follows the last one that was delivered, if it is there already.
    pub fn next(&mut self, last: Seq) -> Option<T> {
        while let Some(first) = self.early.first_entry() {
            let seq = *first.key();
            if seq.0 > last.0 + 1 {
                return None;
            }
            let message = first.remove();
            if seq > last {
                return Some(message);
            }
        }
        None
    }

    /// Whether something waits for an earlier one.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.early.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    /// A room on one of several nodes, as the `ChatServer` runs it.
    #[derive(Default)]
    struct Node {
        order: Order<i64>,
        last: i64,
        delivered: Vec<i64>,
        is_missing: bool,
        /// What a reading that is under way has found, and the newest `seq` that it knew.
        reading: Option<(Vec<i64>, i64)>,
    }

    const PAGE: i64 = 3;

    impl Node {
        fn arrive(&mut self, seq: i64) {
            match self.order.take_in(Seq(self.last), Seq(seq), seq) {
                Turn::Now(seq) => {
                    let mut next = Some(seq);
                    while let Some(seq) = next {
                        self.delivered.push(seq);
                        self.last = seq;
                        next = self.order.next(Seq(self.last));
                    }
                }
                Turn::Known => {}
                Turn::Early => self.is_missing = true,
            }
        }

        fn ask(&mut self, committed: i64) {
            if self.is_missing && self.reading.is_none() {
                self.is_missing = false;
                let page = (self.last + 1..=committed).take(usize::try_from(PAGE).unwrap()).collect();
                self.reading = Some((page, committed));
            }
        }

        fn answer(&mut self) {
            let Some((page, newest)) = self.reading.take() else { return };
            page.into_iter().for_each(|seq| self.arrive(seq));
            self.is_missing |= newest > self.last || self.order.is_waiting();
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// A message is committed, and sent so many times: 0 loses it.
        Commit(usize),
        /// Of what is under way, the nth arrives.
        Arrive(usize),
        Ask,
        Answer,
        /// The safety net compares with the database.
        Look,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0..3_usize).prop_map(Step::Commit),
            6 => (0..8_usize).prop_map(Step::Arrive),
            2 => Just(Step::Ask),
            2 => Just(Step::Answer),
            1 => Just(Step::Look),
        ];
        prop::collection::vec(step, 0..300)
    }

    proptest! {
        #[test]
        fn whatever_is_lost_doubled_or_late_is_delivered_in_order_and_once(steps in steps()) {
            let mut node = Node::default();
            let (mut committed, mut under_way) = (0, VecDeque::new());
            for step in steps {
                match step {
                    Step::Commit(copies) => {
                        committed += 1;
                        under_way.extend(std::iter::repeat_n(committed, copies));
                    }
                    Step::Arrive(nth) => {
                        if let Some(seq) = under_way.remove(nth) {
                            node.arrive(seq);
                        }
                    }
                    Step::Ask => node.ask(committed),
                    Step::Answer => node.answer(),
                    Step::Look => node.is_missing |= committed > node.last,
                }
                let whole: Vec<i64> = (1..=node.last).collect();
                prop_assert_eq!(&node.delivered, &whole);
            }
            // The safety net looks once more, and reads until nothing is missing.
            node.is_missing |= committed > node.last;
            let mut readings = 0;
            while node.is_missing || node.reading.is_some() {
                node.ask(committed);
                node.answer();
                readings += 1;
                prop_assert!(readings <= committed + 2, "it reads for ever");
            }
            prop_assert_eq!(node.last, committed);
            prop_assert!(!node.order.is_waiting());
        }
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut order = Order::default();
        for seq in 2..1000 {
            assert_eq!(order.take_in(Seq(0), Seq(seq), ()), Turn::Early);
        }
        assert_eq!(order.early.len(), EARLY_MAX);
    }
}
