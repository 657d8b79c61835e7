//! Group commit: while one batch commits, the next gathers.

use std::collections::VecDeque;

use super::messages::ReplyTo;
use crate::{db::RoomWrite, domain::RoomId};

/// Most changes in one transaction. More adds latency to the first of them and no throughput (ARCHITECTURE.md).
pub const BATCH_WRITES_MAX: usize = 512;

/// Most changes that wait for the writer; beyond that the answer is `unavailable`.
const WRITES_MAX: usize = 10_000;

/// Most bytes that wait for the writer; beyond that the answer is `unavailable`.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// A change on its way to the writer.
#[derive(Debug)]
pub struct PendingWrite {
    /// The change.
    pub write: RoomWrite,
    /// The live room that waits for it, if it is one room's.
    pub room: Option<RoomId>,
    /// Where the answer goes.
    pub reply: ReplyTo,
}

/// What is left of a change while the writer has it.
#[derive(Debug)]
pub struct Waiting {
    /// The live room that waits for it, if it is one room's.
    pub room: Option<RoomId>,
    /// Where the answer goes.
    pub reply: ReplyTo,
}

/// The changes that gather.
#[derive(Debug, Default)]
pub struct Batch {
    gathered: VecDeque<PendingWrite>,
    bytes: usize,
    in_flight: bool,
    /// The batch in flight adds or takes messages that count as unread, in rooms that nothing holds in memory.
    counts_anywhere: bool,
}

impl Batch {
    /// Adds a change.
    ///
    /// # Errors
    /// Gives it back when too much waits already.
    pub fn push(&mut self, write: PendingWrite) -> Result<(), Box<PendingWrite>> {
        let weight = weight_bytes(&write.write);
        if self.gathered.len() >= WRITES_MAX || self.bytes + weight > BYTES_MAX {
            return Err(Box::new(write));
        }
        self.bytes += weight;
        self.gathered.push_back(write);
        Ok(())
    }

    /// Takes the next batch, unless one is in flight or nothing waits.
    pub fn take(&mut self) -> Option<(Vec<RoomWrite>, Vec<Waiting>)> {
        if self.in_flight || self.gathered.is_empty() {
            return None;
        }
        self.in_flight = true;
        let now = self.gathered.drain(..self.gathered.len().min(BATCH_WRITES_MAX));
        let split = |pending: PendingWrite| (pending.write, Waiting { room: pending.room, reply: pending.reply });
        let (writes, waiting): (Vec<_>, Vec<_>) = now.map(split).unzip();
        self.bytes -= writes.iter().map(weight_bytes).sum::<usize>();
        self.counts_anywhere =
            writes.iter().zip(&waiting).any(|(write, waiting)| waiting.room.is_none() && counts(write));
        Some((writes, waiting))
    }

    /// The batch in flight has come back.
    pub fn landed(&mut self) {
        self.in_flight = false;
        self.counts_anywhere = false;
    }

    /// Whether a room that is read now may know of messages that the batch in flight will be counted for.
    #[must_use]
    pub fn may_count_twice(&self) -> bool {
        self.counts_anywhere
    }

    /// How many changes wait, without those in flight.
    #[must_use]
    pub fn gathered(&self) -> usize {
        self.gathered.len()
    }

    /// Whether nothing waits and nothing is in flight.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.gathered.is_empty() && !self.in_flight
    }
}

/// Whether a change adds messages to a room, or takes some: what memory counts, where others are set.
fn counts(write: &RoomWrite) -> bool {
    match write {
        RoomWrite::Append(_)
        | RoomWrite::Delete { .. }
        | RoomWrite::PutProduct { .. }
        | RoomWrite::SetProductStatus { .. }
        | RoomWrite::MakeOffer { .. }
        | RoomWrite::AnswerOffer { .. }
        | RoomWrite::EraseWords { .. } => true,
        RoomWrite::Edit { .. }
        | RoomWrite::MarkRead { .. }
        | RoomWrite::ExpireOffers { .. }
        | RoomWrite::Block { .. }
        | RoomWrite::Unblock { .. }
        | RoomWrite::SetSettings { .. }
        | RoomWrite::DecideReport { .. }
        | RoomWrite::PutUser { .. }
        | RoomWrite::Remember(_)
        | RoomWrite::Forget { .. }
        | RoomWrite::ForgetEnded { .. }
        | RoomWrite::NoteSessionsEnded { .. }
        | RoomWrite::DeleteUser { .. } => false,
    }
}

fn weight_bytes(write: &RoomWrite) -> usize {
    match write {
        RoomWrite::Append(draft) => draft.weight_bytes(),
        RoomWrite::Edit { text, inspected, .. } => 256 + text.len() + inspected.screened.weight_bytes(),
        _ => 512,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Seq, UserId};

    fn read(seq: i64) -> PendingWrite {
        let write =
            RoomWrite::MarkRead { room: RoomId::new("r").unwrap(), reader: UserId::new("u").unwrap(), seq: Seq(seq) };
        PendingWrite { write, room: None, reply: ReplyTo::Request(tokio::sync::oneshot::channel().0) }
    }

    #[test]
    fn one_batch_is_in_flight_and_the_next_gathers() {
        let mut batch = Batch::default();
        for seq in 0..1000 {
            batch.push(read(seq)).unwrap();
        }
        assert_eq!(batch.take().unwrap().0.len(), BATCH_WRITES_MAX);
        assert!(batch.take().is_none());
        batch.landed();
        assert_eq!(batch.take().unwrap().0.len(), 1000 - BATCH_WRITES_MAX);
        assert!(!batch.is_settled());
        batch.landed();
        assert!(batch.is_settled() && batch.bytes == 0);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut batch = Batch::default();
        let pushed = (0..20_000).take_while(|seq| batch.push(read(*seq)).is_ok()).count();
        assert_eq!(pushed, WRITES_MAX);
    }
}
