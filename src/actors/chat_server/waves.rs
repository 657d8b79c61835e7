//! Waves: the change of a product is taken to its rooms some at a time, with what everybody else writes. Sellers take turns.
//!
//! What is unfinished is in the database: this only knows what comes next. After a restart, and where another node has died,
//! the look that is taken every few seconds finds it.

use std::{collections::HashSet, time::Duration};

use actix::{AsyncContext, Context, Handler, Message as ActixMessage};
use tokio::sync::oneshot;

use super::{ChatServer, batch::PendingWrite, messages::ReplyTo};
use crate::{
    actors::db_executor::purpose::Reading,
    db::{self, DbError, ProductChange, RoomWrite},
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

/// The database has answered which waves are unfinished. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(super) struct WavesFound(Result<Vec<(ProductId, UserId)>, DbError>);

/// The time of a wave's next step has come. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(super) struct WaveDue(ProductId, UserId);

/// A step is stored, or was refused. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(super) struct WaveStepped {
    is_stored: bool,
}

impl ChatServer {
    /// Goes on with what was unfinished when the server last ended, and looks for it from then on.
    pub(super) fn start_waves(&mut self, ctx: &mut Context<Self>) {
        self.look_for_waves(ctx);
        ctx.run_interval(LOOK_INTERVAL, |server, ctx| server.look_for_waves(ctx));
    }

    fn look_for_waves(&mut self, ctx: &mut Context<Self>) {
        let database = self.database.clone();
        self.ask(ctx, async move {
            WavesFound(database.read(Reading::check(Account::Server, "list_waves"), db::list_waves).await)
        });
    }

    /// Remembers that a product's wave goes on, and when.
    pub(super) fn await_wave(&mut self, product: ProductId, seller: UserId, due: Timestamp, ctx: &mut Context<Self>) {
        if self.waves.known.len() >= WAITING_MAX || !self.waves.known.insert(product.clone()) {
            return;
        }
        let clock = self.settings.clock.clone();
        if due > clock.now() {
            return self.ask(ctx, async move {
                clock.sleep_until(due).await;
                WaveDue(product, seller)
            });
        }
        self.waves.waiting.push(seller.into(), 1, product);
        self.step_waves(ctx);
    }

    /// Takes the next wave one step further, if none is on its way.
    fn step_waves(&mut self, ctx: &mut Context<Self>) {
        if self.waves.is_running {
            return;
        }
        let Some((_, product)) = self.waves.waiting.pop() else { return };
        self.waves.is_running = true;
        self.waves.known.remove(&product);
        let (reply, answer) = oneshot::channel();
        let write = RoomWrite::AdvanceWave { product, at: self.settings.clock.now() };
        self.append(PendingWrite { write, room: None, reply: ReplyTo::Request(reply) });
        self.ask(ctx, async move { WaveStepped { is_stored: matches!(answer.await, Ok(Ok(_))) } });
    }

    /// A wave has reached some rooms: their members are notified, and it goes on to the next ones.
    pub(super) fn wave_advanced(&mut self, change: ProductChange, ctx: &mut Context<Self>) {
        let (product, seller) = (change.product.id.clone(), change.product.seller_id.clone());
        let next = change.next;
        self.product_reached(change, ctx);
        if let Some(next) = next {
            self.await_wave(product, seller, next, ctx);
        }
    }
}

impl Handler<WavesFound> for ChatServer {
    type Result = ();

    fn handle(&mut self, WavesFound(found): WavesFound, ctx: &mut Self::Context) {
        match found {
            Ok(found) => {
                let now = self.settings.clock.now();
                for (product, seller) in found {
                    self.await_wave(product, seller, now, ctx);
                }
            }
            Err(error) => log::warn!("unfinished changes of products could not be read: {error}"),
        }
    }
}

impl Handler<WaveDue> for ChatServer {
    type Result = ();

    fn handle(&mut self, WaveDue(product, seller): WaveDue, ctx: &mut Self::Context) {
        self.waves.waiting.push(seller.into(), 1, product);
        self.step_waves(ctx);
    }
}

impl Handler<WaveStepped> for ChatServer {
    type Result = ();

    fn handle(&mut self, WaveStepped { is_stored }: WaveStepped, ctx: &mut Self::Context) {
        let pause = if is_stored { PAUSE } else { PAUSE_AFTER_FAILURE };
        ctx.run_later(pause, |server, ctx| {
            server.waves.is_running = false;
            server.step_waves(ctx);
            server.flush(ctx);
        });
    }
}
