//! `Hub`: the outboxes of one HTTP worker's sessions, by room.
//!
//! The `ChatServer` sends each hub one list of operations per turn, so a batch costs one wake-up per worker and not one per
//! delivery. Entries and deliveries come through the same mailbox. This keeps a room's history and its live messages in
//! order. The outboxes are flushed at the end of the turn, one write per socket. The hub is the only place that evicts a
//! client which reads too slowly.

mod entry;
mod expiry;
mod gate;
mod heartbeat;
mod messages;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    fmt, iter, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{self, Poll},
    time::{Duration, Instant},
};

use actix::{Actor, ActorFuture, AsyncContext, Context, Handler, WeakRecipient};
use bytes::Bytes;

use expiry::Expiries;
use gate::{Gate, HeldFrame, HeldFrames};
use heartbeat::Heartbeats;
pub use messages::{Apply, CloseSession, DrainSessions, HubNotice, OpenSession, RenewSession, SessionNotice};

use super::outbox::{Full, OutFrame, Outbox};
use crate::{
    chat::hub_op::{Asker, Delivery, Op, RoomEvent},
    clock::Clock,
    domain::{RoomId, SessionId, Timestamp, UserId},
    error::{ChatError, CloseCode},
    metrics::{self, Metrics, SharedThread, Step},
    protocol::{
        event::{ErrorNotice, ServerEvent},
        push::{Encoding, Push},
    },
};

/// How often the hub looks for clients that read too slowly, and for outboxes that keep places which nothing needs.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How often the hub looks whether clients have read, for whom states of rooms wait.
const WAITING_STATES_INTERVAL: Duration = Duration::from_millis(50);

/// The outboxes of one HTTP worker.
pub struct Hub {
    sessions: HashMap<SessionId, Rc<LocalSession>>,
    rooms: HashMap<RoomId, Vec<GatedSession>>,
    /// The newest state of each room that waits until a session's client has read. Bounded by the users' rooms.
    waiting_states: HashMap<SessionId, BTreeMap<RoomId, Push>>,
    /// The outboxes that were written to since the last flush.
    unflushed: Vec<Arc<Outbox>>,
    expiries: Expiries,
    heartbeats: Heartbeats,
    clock: Clock,
    outbox_age_max: Duration,
    held_bytes_max: usize,
    metrics: Arc<Metrics>,
}

/// A session of this worker, shared by the rooms that it is in.
struct LocalSession {
    id: SessionId,
    user: UserId,
    outbox: Arc<Outbox>,
    encoding: Encoding,
    /// Weak, since a strong one keeps 96 bytes more for as long as it stands. The session lives by its connection.
    notices: WeakRecipient<SessionNotice>,
    /// When its token expires.
    ends_at: Cell<Timestamp>,
    rooms: RefCell<Vec<RoomId>>,
    /// What waits for a room's history.
    line: RefCell<HeldFrames>,
}

/// A session in a room.
struct GatedSession {
    session: Rc<LocalSession>,
    gate: Gate,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("sessions", &self.sessions.len()).field("rooms", &self.rooms.len()).finish()
    }
}

impl Hub {
    /// A hub without sessions. `held_bytes_max` bounds what waits for one session's history.
    #[must_use]
    pub fn new(outbox_age_max: Duration, held_bytes_max: usize, metrics: Arc<Metrics>) -> Self {
        Self {
            sessions: HashMap::new(),
            rooms: HashMap::new(),
            waiting_states: HashMap::new(),
            unflushed: Vec::new(),
            expiries: Expiries::default(),
            heartbeats: Heartbeats::default(),
            clock: Clock::default(),
            outbox_age_max,
            held_bytes_max,
            metrics,
        }
    }

    /// Reads the time from `clock`; the machine's own by default.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How often the clients of the plain wire are pinged, and how long each may take to show any sign of life after that.
    #[must_use]
    pub fn with_heartbeat(mut self, ping_interval: Duration, ping_timeout: Duration) -> Self {
        self.heartbeats.interval = ping_interval;
        self.heartbeats.timeout = ping_timeout;
        self
    }

    /// Takes a session in.
    pub fn open(&mut self, open: OpenSession) {
        let OpenSession { session, user, outbox, encoding, notices, ends_at } = open;
        self.expiries.insert(ends_at, session);
        if encoding == Encoding::Json {
            self.heartbeats.insert(session, Instant::now());
        }
        self.sessions.insert(
            session,
            Rc::new(LocalSession {
                id: session,
                user,
                outbox,
                encoding,
                notices,
                ends_at: Cell::new(ends_at),
                rooms: RefCell::default(),
                line: RefCell::default(),
            }),
        );
    }

    /// Carries out one operation. What a session receives is in its outbox afterwards, and leaves with the next
    /// [`Hub::flush`].
    pub fn apply(&mut self, op: Op) {
        match op {
            Op::Welcome { session, sid, recovery } => self.welcome(session, &sid, recovery.as_ref()),
            Op::Resume { session, sid, pid, messages, rooms } => self.resume(session, &sid, &pid, &messages, rooms),
            Op::TakeOver { session } => self.take_over(session),
            Op::Attach { session, room } => self.attach(session, room),
            Op::Enter { asker, room, answer, after, behind } => self.enter(&asker, &room, &answer, after, behind),
            Op::RefuseEntry { asker, room, error } => {
                self.detach(asker.session, &room);
                self.notify(asker.session, HubNotice::Joined { room, entered: false });
                self.reply(&asker, Err(&error));
            }
            Op::Detach { session, room, error } => {
                self.detach(session, &room);
                if let Some(error) = error {
                    self.send_error(session, &ErrorNotice::new(&error, None));
                    self.notify(session, HubNotice::Joined { room, entered: false });
                }
            }
            Op::Deliver { room, event, more } => self.deliver(&room, &event, &more),
            Op::DeliverTo { sessions, state_of, push } => {
                for session in sessions {
                    match &state_of {
                        Some(room) => self.send_state(session, room, &push),
                        None => self.send_push(session, &push),
                    }
                }
            }
            Op::Reply { asker, answer } => self.reply(&asker, answer.as_deref()),
            Op::End { session, code, error } => self.end(session, code, &error),
        }
    }

    /// By session and not by event: the state of a thousand sessions does not fit into the processor's caches.
    fn deliver(&mut self, room: &RoomId, event: &RoomEvent, more: &[RoomEvent]) {
        let Self { rooms, unflushed, held_bytes_max, .. } = self;
        let Some(members) = rooms.get_mut(room) else { return };
        let events = || iter::once(event).chain(more);
        #[cfg(test)]
        events().for_each(|event| {
            let json = event.push.encode(Encoding::Json);
            crate::chat::panics::if_asked(std::str::from_utf8(&json).ok(), "hub");
        });
        let mut delivered = 0;
        let mut slow = Vec::new();
        for GatedSession { session, gate } in members {
            for RoomEvent { kind, push, except, .. } in events() {
                if except.as_ref() == Some(&session.user) {
                    continue;
                }
                let passes = match kind {
                    Delivery::Message(_) | Delivery::Change => {
                        let seq = if let Delivery::Message(seq) = kind { Some(*seq) } else { None };
                        if gate.is_held() || !session.line.borrow().is_empty() {
                            let waiting = HeldFrame { room: room.clone(), seq, frame: push.encode(session.encoding) };
                            if session.line.borrow_mut().push(waiting, *held_bytes_max).is_err() {
                                slow.push(session.id);
                                break;
                            }
                            continue;
                        }
                        gate.pass(seq)
                    }
                    Delivery::State => !gate.is_held(),
                    Delivery::Typing => !gate.is_held() && !session.outbox.is_heavy(),
                };
                if passes {
                    delivered += 1;
                    if queue(unflushed, &session.outbox, push.encode(session.encoding)).is_err() {
                        slow.push(session.id);
                        break;
                    }
                }
            }
        }
        self.metrics.deliveries.inc_by(delivered);
        for session in slow {
            self.evict(session);
        }
    }

    /// Answers a request. The asker's slot is free again when the caller drops it.
    fn reply(&mut self, asker: &Asker, answer: Result<&[u8], &ChatError>) {
        let Some(local) = self.sessions.get(&asker.session) else { return };
        let frame = match (&asker.request, answer) {
            (Some(id), answer) => local.encoding.reply(id, answer),
            (None, Ok(_)) => return,
            (None, Err(error)) => {
                let notice = ErrorNotice::new(error, Some(asker.event));
                Push::new(&ServerEvent::Error(notice)).encode(local.encoding)
            }
        };
        if queue(&mut self.unflushed, &local.outbox, frame).is_err() {
            self.evict(asker.session);
        }
    }

    fn send_push(&mut self, session: SessionId, push: &Push) {
        let Some(local) = self.sessions.get(&session) else { return };
        self.metrics.deliveries.inc();
        if queue(&mut self.unflushed, &local.outbox, push.encode(local.encoding)).is_err() {
            self.evict(session);
        }
    }

    fn send_frame(&mut self, session: SessionId, frame: Bytes) {
        let Some(local) = self.sessions.get(&session) else { return };
        if queue(&mut self.unflushed, &local.outbox, frame).is_err() {
            self.evict(session);
        }
    }

    /// Sends what a room looks like in its member's list, or keeps it while the client has much unread: one change of a
    /// product with a thousand rooms must not look like a client that reads too slowly.
    fn send_state(&mut self, session: SessionId, room: &RoomId, push: &Push) {
        let Some(local) = self.sessions.get(&session) else { return };
        if local.outbox.is_half_full() || self.waiting_states.contains_key(&session) {
            self.waiting_states.entry(session).or_default().insert(room.clone(), push.clone());
        } else {
            self.send_push(session, push);
        }
    }

    /// Sends what waits for clients that have read in the meantime.
    fn send_waiting_states(&mut self) {
        for session in self.waiting_states.keys().copied().collect::<Vec<_>>() {
            while self.sessions.get(&session).is_some_and(|local| !local.outbox.is_half_full()) {
                let Some(push) = self.take_waiting_state(session) else { break };
                self.send_push(session, &push);
            }
        }
    }

    fn take_waiting_state(&mut self, session: SessionId) -> Option<Push> {
        let states = self.waiting_states.get_mut(&session)?;
        let push = states.pop_first().map(|(_, push)| push);
        if states.is_empty() {
            self.waiting_states.remove(&session);
        }
        push
    }

    fn send_error(&mut self, session: SessionId, notice: &ErrorNotice) {
        self.send_push(session, &Push::new(&ServerEvent::Error(notice.clone())));
    }

    fn end(&mut self, session: SessionId, code: CloseCode, error: &ChatError) {
        self.send_error(session, &ErrorNotice::new(error, None));
        if let Some(local) = self.sessions.get(&session) {
            match local.encoding.disconnect() {
                // A namespace ends by a packet; its connection lives on for the others.
                Some(packet) => drop(local.outbox.push(OutFrame::Text(packet))),
                None => local.outbox.close(code.number(), &error.message),
            }
        }
        self.notify(session, HubNotice::Ending);
    }

    /// Drops a client that reads too slowly. It receives no notice: that frame would only wait after the others.
    fn evict(&mut self, session: SessionId) {
        let Some(local) = self.sessions.get(&session) else { return };
        log::info!("session={session} user={} evicted: reads too slowly ({})", local.user, CloseCode::TooSlow.number());
        metrics::count(&self.metrics.evictions, "too_slow");
        local.outbox.abort();
        self.notify(session, HubNotice::Ending);
        self.forget(session);
    }

    fn notify(&self, session: SessionId, notice: HubNotice) {
        if let Some(notices) = self.sessions.get(&session).and_then(|local| local.notices.upgrade()) {
            #[expect(
                clippy::disallowed_methods,
                reason = "one for each of a session's entries, which have a cap, and one for each timer that rings"
            )]
            notices.do_send(SessionNotice { session, notice });
        }
    }

    /// A session has ended.
    pub fn forget(&mut self, session: SessionId) {
        let Some(local) = self.sessions.get(&session).map(Rc::clone) else { return };
        // Nobody waits for it any more.
        local.line.take();
        self.waiting_states.remove(&session);
        for room in local.rooms.take() {
            self.detach(session, &room);
        }
        self.sessions.remove(&session);
        self.expiries.remove(local.ends_at.get(), session);
    }

    /// Flushes the outboxes: one write per socket.
    pub fn flush(&mut self) {
        for outbox in mem::take(&mut self.unflushed) {
            outbox.flush();
        }
    }

    /// Evicts clients that read too slowly, and frees the unused memory of the others.
    fn sweep(&mut self) {
        let mut slow = Vec::new();
        for (session, local) in &self.sessions {
            if local.outbox.age() > self.outbox_age_max {
                slow.push(*session);
            } else {
                local.outbox.shrink();
            }
        }
        for session in slow {
            self.evict(session);
        }
    }
}

/// Puts a frame into an outbox that is flushed at the end of the turn.
fn queue(unflushed: &mut Vec<Arc<Outbox>>, outbox: &Arc<Outbox>, frame: Bytes) -> Result<(), Full> {
    if outbox.queue(OutFrame::Text(frame))? {
        unflushed.push(Arc::clone(outbox));
    }
    Ok(())
}

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(EndOfTurn);
        // Lists of operations: one per turn of the ChatServer, so a handful at most.
        ctx.set_mailbox_capacity(64);
        ctx.run_interval(SWEEP_INTERVAL, |hub, _| hub.sweep());
        // A timer's turn comes after the flush.
        ctx.run_interval(WAITING_STATES_INTERVAL, |hub, _| {
            hub.send_waiting_states();
            hub.flush();
        });
    }
}

/// Never ready: actix polls an actor's futures after its mailbox is empty, which is the end of a turn.
struct EndOfTurn;

impl ActorFuture<Hub> for EndOfTurn {
    type Output = ();

    fn poll(self: Pin<&mut Self>, hub: &mut Hub, _: &mut Context<Hub>, _: &mut task::Context<'_>) -> Poll<()> {
        if !hub.unflushed.is_empty() {
            let _step = Step::begin(&hub.metrics, SharedThread::Worker, "flush_hub");
            hub.flush();
        }
        Poll::Pending
    }
}

impl Handler<Apply> for Hub {
    type Result = ();

    fn handle(&mut self, Apply(ops): Apply, _: &mut Self::Context) {
        let _step = Step::begin(&self.metrics, SharedThread::Worker, "apply");
        for op in ops {
            // A panic costs the sessions of this operation, not all of the worker's.
            if catch_unwind(AssertUnwindSafe(|| self.apply(op))).is_err() {
                log::error!("a hub panicked");
            }
        }
    }
}

impl Handler<OpenSession> for Hub {
    type Result = ();

    fn handle(&mut self, open: OpenSession, ctx: &mut Self::Context) {
        self.open(open);
        self.await_expiry(ctx);
        self.await_heartbeat(ctx);
    }
}

impl Handler<CloseSession> for Hub {
    type Result = ();

    fn handle(&mut self, CloseSession(session): CloseSession, _: &mut Self::Context) {
        self.forget(session);
    }
}

impl Handler<DrainSessions> for Hub {
    type Result = ();

    fn handle(&mut self, drain: DrainSessions, ctx: &mut Self::Context) {
        let sessions: Vec<SessionId> = self.sessions.keys().copied().collect();
        let count = u32::try_from(sessions.len()).unwrap_or(u32::MAX).max(1);
        for (place, session) in (0_u32..).zip(sessions) {
            ctx.run_later(drain.spread * place / count, move |hub, _| {
                // Clients that are notified later also reconnect later, so that the next server isn't stormed.
                let reconnect_in_ms = 100 + jitter_ms(session);
                hub.send_push(session, &Push::new(&ServerEvent::Draining { reconnect_in_ms }));
                hub.flush();
                hub.notify(session, HubNotice::Draining(drain.patience));
            });
        }
    }
}

/// 0 to 1023 ms, spread evenly over the sessions.
fn jitter_ms(session: SessionId) -> u64 {
    session.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54
}

#[cfg(test)]
mod tests;
