//! `ChatServer`: the actor that drives the [`Chat`], which owns rooms, members, presence and the batch that waits for its commit.
//!
//! It lives on an arbiter of its own and never waits. Its mailbox becomes [`Input`]s, and what these cause is carried out: reads,
//! commits and timers at once, deliveries and messages to other nodes at the end of the turn, when the mailbox is empty. Then the
//! gathered batch goes to the writer if none is in flight, and each hub gets one list of what its sessions receive.

mod handlers;
mod held_events;
pub mod messages;
mod reads;
mod slices;

use std::{
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Instant,
};

use actix::{Actor, ActorFuture, Addr, ArbiterHandle, AsyncContext, Context};

use crate::{
    actors::{
        bus::{Bus, messages::PublishOps},
        db_executor::Database,
        hub::{Apply, Hub},
        message_screen::MessageScreen,
    },
    chat::{
        Chat, ChatSettings,
        effects::{Effects, When},
        input::{Input, Now},
        request::SessionEvent,
        timer::Timer,
    },
    clock::Clock,
    domain::{Account, FairQueue},
    metrics::{Metrics, SharedThread, Step},
};
use held_events::HeldEvents;
use messages::Then;

/// Owns rooms, members and presence, by its [`Chat`].
#[derive(Debug)]
pub struct ChatServer {
    chat: Chat,
    effects: Effects,
    database: Database,
    clock: Clock,
    metrics: Arc<Metrics>,
    /// What sessions want and waits for the next slice.
    postponed: FairQueue<Account, SessionEvent>,
    /// What waits for the marketplace's say, where it has one.
    held: Option<HeldEvents>,
    hubs: Vec<Option<Addr<Hub>>>,
    /// The way to the other nodes, where there are others.
    bus: Option<Addr<Bus>>,
}

impl ChatServer {
    /// A server without rooms.
    #[must_use]
    pub fn new(settings: ChatSettings, clock: Clock, database: Database, metrics: Arc<Metrics>) -> Self {
        Self {
            chat: Chat::new(settings, now(&clock), Arc::clone(&metrics)),
            effects: Effects::default(),
            database,
            clock,
            metrics,
            postponed: FairQueue::new(slices::SHARE_NANOS),
            held: None,
            hubs: Vec::new(),
            bus: None,
        }
    }

    /// Asks the marketplace about messages before they are stored, on another thread.
    #[must_use]
    pub fn with_screen(mut self, screen: MessageScreen, thread: ArbiterHandle) -> Self {
        self.held = Some(HeldEvents::new(screen, thread));
        self
    }

    /// Something happens: what it causes is begun.
    fn happen(&mut self, input: Input, ctx: &mut Context<Self>) {
        let _step = Step::begin(&self.metrics, SharedThread::ChatServer, input.kind());
        self.happen_in_step(input, ctx);
    }

    /// The same, where a step of the log has begun already.
    fn happen_in_step(&mut self, input: Input, ctx: &mut Context<Self>) {
        self.chat.on(input, now(&self.clock), &mut self.effects);
        self.begin_effects(ctx);
    }

    /// Begins what does not wait for the end of the turn.
    fn begin_effects(&mut self, ctx: &mut Context<Self>) {
        if let Some(writes) = self.effects.commit.take() {
            let (database, at, began) = (self.database.clone(), self.clock.now(), Instant::now());
            answer_with(ctx, async move {
                let outcome = database.commit(writes, at).await;
                Input::Committed { outcome, took: began.elapsed() }
            });
        }
        for read in self.effects.reads.drain(..) {
            let database = self.database.clone();
            answer_with(ctx, async move { Input::Answered(reads::answer(&database, read).await) });
        }
        for (when, timer) in self.effects.timers.drain(..) {
            set_timer(&self.clock, when, timer, ctx);
        }
    }

    /// The end of a turn: what has gathered goes out.
    fn end_turn(&mut self, ctx: &mut Context<Self>) {
        self.happen(Input::TurnEnded, ctx);
        for (hub, ops) in self.effects.take_ops() {
            if let Some(Some(addr)) = self.hubs.get(hub.0) {
                #[expect(clippy::disallowed_methods, reason = "one list per turn, of what in-flight caps have let in")]
                addr.do_send(Apply(ops));
            }
        }
        self.send_to_nodes();
    }

    fn send_to_nodes(&mut self) {
        let ops = self.effects.take_bus_ops();
        let Some(bus) = self.bus.as_ref().filter(|_| !ops.is_empty()) else { return };
        if let Err(actix::dev::SendError::Full(PublishOps(ops))) = bus.try_send(PublishOps(ops)) {
            // What is published may be lost; a subscription may not.
            let unsent = self.effects.keep_subscriptions(ops);
            self.metrics.node_events_unsent.inc_by(unsent);
        }
    }
}

fn now(clock: &Clock) -> Now {
    Now { wall: clock.now(), at: Instant::now() }
}

/// Runs a task of its own whose outcome comes back as a message.
fn answer_with(ctx: &Context<ChatServer>, task: impl Future<Output = Input> + 'static) {
    let addr = ctx.address();
    actix::spawn(async move {
        let input = task.await;
        #[expect(clippy::disallowed_methods, reason = "one answer to one question, and questions hold permits")]
        addr.do_send(Then(input));
    });
}

fn set_timer(clock: &Clock, when: When, timer: Timer, ctx: &mut Context<ChatServer>) {
    match when {
        When::After(wait) if wait.is_zero() => ctx.notify(Then(Input::Due(timer))),
        When::After(wait) => {
            ctx.run_later(wait, |server, ctx| {
                server.happen(Input::Due(timer), ctx);
                // actix looks for due timers when the turn has ended.
                server.end_turn(ctx);
            });
        }
        When::At(at) => {
            let clock = clock.clone();
            answer_with(ctx, async move {
                clock.sleep_until(at).await;
                Input::Due(timer)
            });
        }
    }
}

impl Actor for ChatServer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1024);
        ctx.spawn(EndOfTurn);
        self.happen(Input::Started, ctx);
    }
}

/// Never ready: actix polls an actor's futures after its mailbox is empty, which is the end of a turn.
struct EndOfTurn;

impl ActorFuture<ChatServer> for EndOfTurn {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        server: &mut ChatServer,
        ctx: &mut Context<ChatServer>,
        _: &mut task::Context<'_>,
    ) -> Poll<()> {
        server.end_turn(ctx);
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
