//! What a receiver has received of each sender, and what was wrong with it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::stamp::Stamp;

/// Deliveries that should not have been, or were not. All zero in a good run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Faults {
    /// Never came.
    pub lost: u64,
    /// Came again.
    pub repeated: u64,
    /// Came after a later one of the same sender.
    pub out_of_order: u64,
    /// Came to a client that is not in its room.
    pub wrong_room: u64,
    /// Connections that ended by themselves.
    pub closed: u64,
    /// Requests that the server refused, and connections that it didn't take.
    pub refused: u64,
}

impl Faults {
    /// Whether nothing was wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        self.lost += other.lost;
        self.repeated += other.repeated;
        self.out_of_order += other.out_of_order;
        self.wrong_room += other.wrong_room;
        self.closed += other.closed;
        self.refused += other.refused;
    }
}

/// One receiver's ledger.
#[derive(Debug, Clone)]
pub struct Ledger {
    room: u32,
    senders: Vec<Known>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    next: u32,
    missing: BTreeSet<u32>,
}

impl Ledger {
    /// For a receiver in a room with this many senders.
    #[must_use]
    pub fn new(room: u32, senders: u16) -> Self {
        Self { room, senders: vec![Known::default(); usize::from(senders)] }
    }

    /// Enters one delivery. `true` when it is one that was still to come.
    pub fn enter(&mut self, stamp: &Stamp, faults: &mut Faults) -> bool {
        let sender = self.senders.get_mut(usize::from(stamp.sender)).filter(|_| stamp.room == self.room);
        let Some(sender) = sender else {
            faults.wrong_room += 1;
            return false;
        };
        if stamp.number == sender.next {
            sender.next += 1;
            return true;
        }
        if stamp.number > sender.next {
            sender.missing.extend(sender.next..stamp.number);
            sender.next = stamp.number + 1;
            return true;
        }
        if sender.missing.remove(&stamp.number) {
            faults.out_of_order += 1;
            return true;
        }
        faults.repeated += 1;
        false
    }

    /// How many are still to come, when a sender has sent this many.
    #[must_use]
    pub fn due(&self, sender: u16, sent: u32) -> u64 {
        self.senders
            .get(usize::from(sender))
            .map_or(0, |known| u64::from(sent.saturating_sub(known.next)) + known.missing.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_apart() {
        let stamp = |room, sender, number| Stamp { room, sender, number, due: 0 };
        let (mut ledger, mut faults) = (Ledger::new(7, 2), Faults::default());
        for number in [0, 1, 4, 2, 2, 0] {
            ledger.enter(&stamp(7, 0, number), &mut faults);
        }
        ledger.enter(&stamp(7, 1, 0), &mut faults);
        ledger.enter(&stamp(8, 0, 5), &mut faults);
        ledger.enter(&stamp(7, 2, 0), &mut faults);
        let expected = Faults { out_of_order: 1, repeated: 2, wrong_room: 2, ..Faults::default() };
        assert_eq!(faults, expected);
        // 3 was left out, 5 did not come yet.
        assert_eq!((ledger.due(0, 6), ledger.due(1, 1)), (2, 0));
    }
}
