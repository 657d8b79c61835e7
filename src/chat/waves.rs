//! Waves: the change of a product is taken to its rooms some at a time, with what everybody else writes. Sellers take turns.
//!
//! What is unfinished is in the database: this only knows what comes next. After a restart, and where another node has died,
//! the look that is taken every few seconds finds it.

use std::{collections::HashSet, time::Duration};

use super::{
    Chat,
    batch::PendingWrite,
    db_read::DbRead,
    request::{FollowUp, ReplyTo},
    timer::Timer,
};
use crate::{
    db::{DbError, ProductChange, Write},
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

impl Chat {
    /// Looks for what was unfinished when the server last ended, and again from then on.
    pub(super) fn look_for_waves(&mut self) {
        self.out.after(LOOK_INTERVAL, Timer::LookForWaves);
        self.out.read(DbRead::Waves);
    }

    /// Remembers that a product's wave goes on, and when.
    pub(super) fn await_wave(&mut self, product: ProductId, seller: UserId, due: Timestamp) {
        if self.waves.known.len() >= WAITING_MAX || !self.waves.known.insert(product.clone()) {
            return;
        }
        if due > self.now.wall {
            return self.out.at(due, Timer::WaveDue(product, seller));
        }
        self.waves.waiting.push(seller.into(), 1, product);
        self.step_waves();
    }

    /// Takes the next wave one step further, if none is on its way.
    fn step_waves(&mut self) {
        if self.waves.is_running {
            return;
        }
        let Some((_, product)) = self.waves.waiting.pop() else { return };
        self.waves.is_running = true;
        self.waves.known.remove(&product);
        let write = Write::AdvanceWave { product, at: self.now.wall };
        self.append(PendingWrite { write, room: None, reply: ReplyTo::Chat(FollowUp::WaveStepped) });
    }

    /// A wave has reached some rooms: their members are notified, and it goes on to the next ones.
    pub(super) fn wave_advanced(&mut self, change: ProductChange) {
        let (product, seller) = (change.product.id.clone(), change.product.seller_id.clone());
        let next = change.next;
        self.product_reached(change);
        if let Some(next) = next {
            self.await_wave(product, seller, next);
        }
    }

    /// The database has answered which waves are unfinished.
    pub(super) fn waves_found(&mut self, found: Result<Vec<(ProductId, UserId)>, DbError>) {
        match found {
            Ok(found) => {
                for (product, seller) in found {
                    self.await_wave(product, seller, self.now.wall);
                }
            }
            Err(error) => log::warn!("unfinished changes of products could not be read: {error}"),
        }
    }

    /// The time of a wave's next step has come.
    pub(super) fn wave_due(&mut self, product: ProductId, seller: UserId) {
        self.waves.waiting.push(seller.into(), 1, product);
        self.step_waves();
    }

    /// A step is stored, or was refused.
    pub(super) fn wave_stepped(&mut self, is_stored: bool) {
        self.out.after(if is_stored { PAUSE } else { PAUSE_AFTER_FAILURE }, Timer::WavesGoOn);
    }

    /// The pause after a step has ended.
    pub(super) fn waves_go_on(&mut self) {
        self.waves.is_running = false;
        self.step_waves();
    }
}
