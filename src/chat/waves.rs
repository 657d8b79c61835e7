//! Waves: the change of a product is taken to its rooms some at a time, with what everybody else writes. Sellers take turns.
//!
//! What is unfinished is in the database: this only knows what comes next. After a restart, and where another node has died,
//! the look that is taken every few seconds finds it.

use std::{collections::HashSet, time::Duration};

use super::{
    batch::PendingWrite,
    db_read::DbRead,
    effects::Effects,
    request::{FollowUp, ReplyTo},
    timer::Timer,
};
use crate::{
    db::Write,
    domain::{Account, FairQueue, ProductId, Timestamp, UserId},
};

/// The pause between two steps, so that others have the writer most of the time.
const PAUSE: Duration = Duration::from_millis(50);

/// The pause after a step that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How often unfinished waves are looked for.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// Products whose waves wait for their next step; the look finds more when these are done.
const WAITING_MAX: usize = 1024;

/// The waves that wait for their next step.
#[derive(Debug)]
pub(super) struct Waves {
    waiting: FairQueue<Account, ProductId>,
    /// Those that wait, or whose time has not come.
    known: HashSet<ProductId>,
    is_running: bool,
}

impl Default for Waves {
    fn default() -> Self {
        Self { waiting: FairQueue::new(1), known: HashSet::new(), is_running: false }
    }
}

impl Waves {
    /// Looks for what was unfinished when the server last ended, and again from then on.
    pub(super) fn look(out: &mut Effects) {
        out.after(LOOK_INTERVAL, Timer::LookForWaves);
        out.read(DbRead::Waves);
    }

    /// Remembers that a product's wave goes on, and when. Returns the next step, if it is to be written now.
    #[must_use]
    pub(super) fn go_on_at(
        &mut self,
        product: ProductId,
        seller: UserId,
        due: Timestamp,
        now: Timestamp,
        out: &mut Effects,
    ) -> Option<PendingWrite> {
        if self.known.len() >= WAITING_MAX || !self.known.insert(product.clone()) {
            return None;
        }
        if due > now {
            out.at(due, Timer::WaveDue(product, seller));
            return None;
        }
        self.due(product, seller, now)
    }

    /// The time of a wave's next step has come. Returns the next step, as below.
    #[must_use]
    pub(super) fn due(&mut self, product: ProductId, seller: UserId, now: Timestamp) -> Option<PendingWrite> {
        self.waiting.push(seller.into(), 1, product);
        self.step(now)
    }

    /// The next step of the wave whose turn it is, if none is on its way.
    fn step(&mut self, now: Timestamp) -> Option<PendingWrite> {
        if self.is_running {
            return None;
        }
        let (_, product) = self.waiting.pop()?;
        self.is_running = true;
        self.known.remove(&product);
        let write = Write::AdvanceWave { product, at: now };
        Some(PendingWrite { write, room: None, reply: ReplyTo::Chat(FollowUp::WaveStepped) })
    }

    /// A step is stored, or was refused.
    pub(super) fn stepped(is_stored: bool, out: &mut Effects) {
        out.after(if is_stored { PAUSE } else { PAUSE_AFTER_FAILURE }, Timer::WavesGoOn);
    }

    /// The pause after a step has ended. Returns the next step, as above.
    #[must_use]
    pub(super) fn go_on(&mut self, now: Timestamp) -> Option<PendingWrite> {
        self.is_running = false;
        self.step(now)
    }
}
