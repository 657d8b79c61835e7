//! Group commit: while one batch commits, the next gathers. What does not fit into one batch is shared among accounts: each
//! is served in turn, so that a long queue of one makes nobody else wait.

use super::{effects::Effects, request::ReplyTo, rooms::Rooms};
use crate::{
    db::{Moderation, Write},
    domain::{Account, FairQueue, RoomId, UserId},
    error::ChatError,
    metrics::{self, Metrics},
};

/// Most changes in one transaction. More adds latency to the first of them and no throughput (docs/benchmarks.md).
pub(super) const BATCH_WRITES_MAX: usize = 512;

/// Most that one transaction costs, by [`Write::cost_bytes`]: some milliseconds.
const BATCH_COST_MAX: usize = 1024 * 1024;

/// What an account may have written per round, by the same measure: a handful of ordinary messages.
const QUANTUM: u64 = 4 * 1024;

/// Most changes of one user that wait for the writer; above that the answer is `rate_limited`.
const USER_WRITES_MAX: usize = 1024;

/// Most that the changes of one user that wait may cost; above that the answer is `rate_limited`.
const USER_COST_MAX: u64 = 1024 * 1024;

/// Most changes that wait for the writer; above that the answer is `unavailable`.
const WRITES_MAX: usize = 10_000;

/// Most that all changes that wait may cost; above that the answer is `unavailable`.
const COST_MAX: usize = 16 * 1024 * 1024;

/// A change on its way to the writer.
#[derive(Debug)]
pub(super) struct PendingWrite {
    pub(super) write: Write,
    /// The live room that waits for it, if it is one room's.
    pub(super) room: Option<RoomId>,
    /// Where the answer goes.
    pub(super) reply: ReplyTo,
}

/// What is left of a change while the writer has it.
#[derive(Debug)]
pub(super) struct WaitingReply {
    /// The live room that waits for it, if it is one room's.
    pub(super) room: Option<RoomId>,
    /// Where the answer goes.
    pub(super) reply: ReplyTo,
}

/// Why a change can't wait for the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Its user has too much waiting.
    OwnShare,
    /// All together have.
    Everything,
}

/// The changes that gather.
#[derive(Debug)]
pub(super) struct Batch {
    /// All of them, as long as they fit into one transaction: then their order is that in which they came, and nobody's
    /// share has to be counted.
    fitting: Vec<PendingWrite>,
    fitting_cost: usize,
    /// All of them, once they don't.
    shared: FairQueue<Account, PendingWrite>,
    /// Who waits for the batch in flight, if there is one.
    in_flight: Option<Vec<WaitingReply>>,
    /// The batch in flight adds or takes messages that count as unread, in rooms that nothing holds in memory.
    counts_anywhere: bool,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            fitting: Vec::new(),
            fitting_cost: 0,
            shared: FairQueue::new(QUANTUM),
            in_flight: None,
            counts_anywhere: false,
        }
    }
}

impl Batch {
    /// Adds a change, whose room stays in memory until it is stored; or answers why it can't wait here.
    pub(super) fn append(&mut self, write: PendingWrite, rooms: &mut Rooms, metrics: &Metrics, out: &mut Effects) {
        let room = write.room.clone();
        match self.push(write) {
            Ok(()) => {
                if let Some(live) = room.and_then(|room| rooms.room_mut(&room)) {
                    live.writes_pending += 1;
                }
            }
            Err(refused) => {
                let (PendingWrite { room, reply, .. }, full) = *refused;
                let (limit, error) = match full {
                    Full::OwnShare => ("writes_per_user", ChatError::rate_limited(1000)),
                    Full::Everything => ("writes_pending", ChatError::unavailable()),
                };
                metrics::count(&metrics.rate_limited, limit);
                out.answer(reply, Err(error));
                if let Some(room) = room {
                    rooms.release(&room);
                }
            }
        }
    }

    /// Adds a change.
    ///
    /// # Errors
    /// Gives it back when too much waits already.
    pub(super) fn push(&mut self, write: PendingWrite) -> Result<(), Box<(PendingWrite, Full)>> {
        let cost = write.write.cost_bytes();
        let fits = self.fitting.len() < BATCH_WRITES_MAX && self.fitting_cost + cost <= BATCH_COST_MAX;
        if self.shared.is_empty() && (fits || self.fitting.is_empty()) {
            self.fitting_cost += cost;
            self.fitting.push(write);
            return Ok(());
        }
        for earlier in self.fitting.drain(..) {
            self.shared.push(earlier.write.account(), earlier.write.cost_bytes() as u64, earlier);
        }
        self.fitting_cost = 0;
        let account = write.write.account();
        match self.full(&account, cost as u64) {
            Some(Full::OwnShare) if write.write.is_bookkeeping() => {}
            Some(full) => return Err(Box::new((write, full))),
            None => {}
        }
        self.shared.push(account, cost as u64, write);
        Ok(())
    }

    /// Why an account can't have a change more wait, if it can't.
    fn full(&self, account: &Account, cost: u64) -> Option<Full> {
        if self.shared.len() >= WRITES_MAX || self.shared.cost() + cost > COST_MAX as u64 {
            return Some(Full::Everything);
        }
        let (writes, waiting) = (self.shared.len_of(account), self.shared.cost_of(account));
        let is_over = match account {
            Account::User(_) | Account::Address(_) => writes >= USER_WRITES_MAX || waiting + cost > USER_COST_MAX,
            // The operator's own: they leave room for everybody else.
            Account::Service | Account::Server => writes >= WRITES_MAX / 2 || waiting + cost > COST_MAX as u64 / 2,
        };
        // One that is alone passes whatever its size.
        (is_over && writes > 0).then_some(Full::OwnShare)
    }

    /// Takes the next batch, unless one is in flight or nothing waits.
    pub(super) fn take(&mut self) -> Option<Vec<Write>> {
        if self.in_flight.is_some() || self.gathered() == 0 {
            return None;
        }
        let split = |pending: PendingWrite| (pending.write, WaitingReply { room: pending.room, reply: pending.reply });
        let (writes, waiting): (Vec<_>, Vec<_>) = if self.shared.is_empty() {
            self.fitting_cost = 0;
            self.fitting.drain(..).map(split).unzip()
        } else {
            self.take_shares().map(split).unzip()
        };
        self.counts_anywhere =
            writes.iter().zip(&waiting).any(|(write, waiting)| waiting.room.is_none() && counts(write));
        self.in_flight = Some(waiting);
        Some(writes)
    }

    /// Everybody's share of the next batch.
    fn take_shares(&mut self) -> impl Iterator<Item = PendingWrite> {
        let before = self.shared.cost();
        std::iter::from_fn(move || {
            let is_full = before - self.shared.cost() >= BATCH_COST_MAX as u64;
            if is_full { None } else { self.shared.pop().map(|(_, pending)| pending) }
        })
        .take(BATCH_WRITES_MAX)
    }

    /// The batch in flight has come back. Returns who has waited for it.
    pub(super) fn landed(&mut self) -> Vec<WaitingReply> {
        self.counts_anywhere = false;
        self.in_flight.take().unwrap_or_default()
    }

    /// Whether a room that is read now may know of messages that the batch in flight will be counted for.
    pub(super) fn may_count_twice(&self) -> bool {
        self.counts_anywhere
    }

    /// Whether the writer has a batch.
    pub(super) fn is_out(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Whether there is enough for a transaction.
    pub(super) fn is_full(&self) -> bool {
        self.gathered() >= BATCH_WRITES_MAX || self.fitting_cost >= BATCH_COST_MAX || !self.shared.is_empty()
    }

    /// Whether a user has changes waiting that the next transaction may have no room for, or everybody has.
    pub(super) fn lags(&self, user: &UserId) -> bool {
        let shared = &self.shared;
        !shared.is_empty() && (shared.len() >= WRITES_MAX / 2 || shared.len_of(&Account::User(user.clone())) > 0)
    }

    /// How many changes wait, without those in flight.
    pub(super) fn gathered(&self) -> usize {
        self.fitting.len() + self.shared.len()
    }

    /// How many changes wait; the batch in flight counts as one.
    pub(super) fn unfinished(&self) -> usize {
        self.gathered() + usize::from(self.in_flight.is_some())
    }
}

/// Whether a change adds messages to a room, or takes some: what memory counts, where others are set.
fn counts(write: &Write) -> bool {
    match write {
        Write::Append(_)
        | Write::Delete { .. }
        | Write::PutProduct { .. }
        | Write::SetProductStatus { .. }
        | Write::AdvanceWave { .. }
        | Write::MakeOffer { .. }
        | Write::AnswerOffer { .. }
        | Write::EraseWords { .. } => true,
        Write::Moderate(moderate) => matches!(
            moderate.what,
            Moderation::RemoveMessage { .. } | Moderation::SetUnlisted { .. } | Moderation::Warn { .. }
        ),
        Write::Edit { .. }
        | Write::React { .. }
        | Write::MarkRead { .. }
        | Write::MarkDelivered { .. }
        | Write::MarkSeen { .. }
        | Write::SetRoomSettings { .. }
        | Write::ExpireOffers { .. }
        | Write::Block { .. }
        | Write::Unblock { .. }
        | Write::SetSettings { .. }
        | Write::DecideReport { .. }
        | Write::PutUser { .. }
        | Write::Remember(_)
        | Write::Forget { .. }
        | Write::ForgetEnded { .. }
        | Write::NoteSessionsEnded { .. }
        | Write::DeleteUser { .. } => false,
    }
}

#[cfg(test)]
mod tests;
