//! `Hub`: the outboxes of one HTTP worker's sessions, by room.
//!
//! The `ChatServer` sends each hub one list of operations a turn, so a batch costs one wake-up a worker and not one a
//! delivery. Entries and deliveries come through the same mailbox, which keeps a room's history and its live messages in
//! order. What a turn has put into outboxes leaves at its end, one write a socket. The hub is the one place that evicts a
//! client which reads too slowly.

mod entry;
mod gate;
mod messages;

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};

use actix::{Actor, ActorFuture, AsyncContext, Context, Handler, Recipient};
use bytes::Bytes;

use gate::{Gate, Line, Waiting};
pub use messages::{
    Apply, Asker, CloseSession, Delivery, DrainSessions, HubId, Notice, Op, OpenSession, SessionNotice,
};

use super::session::outbox::{Frame, Full, Outbox};
use crate::{
    domain::{RoomId, SessionId, UserId},
    error::{ChatError, CloseCode},
    metrics::{self, Metrics},
    protocol::{
        event::{ErrorNotice, ServerEvent},
        push::{Encoding, Push},
    },
};

/// How often the hub looks for clients that read too slowly.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How often the hub looks whether clients have read, for whom states of rooms wait.
const WAITING_STATES_INTERVAL: Duration = Duration::from_millis(50);

/// The outboxes of one HTTP worker.
pub struct Hub {
    sessions: HashMap<SessionId, LocalSession>,
    rooms: HashMap<RoomId, Vec<Attached>>,
    /// Sessions for which states wait.
    waiting: HashSet<SessionId>,
    /// What was put into since the last flush.
    unflushed: Vec<Arc<Outbox>>,
    outbox_age_max: Duration,
    held_bytes_max: usize,
    metrics: Arc<Metrics>,
}

struct LocalSession {
    user: UserId,
    outbox: Arc<Outbox>,
    encoding: Encoding,
    notices: Recipient<SessionNotice>,
    rooms: Vec<RoomId>,
    /// What waits for a room's history.
    line: Rc<RefCell<Line>>,
    /// The newest state of each room that waits until the client has read. Bounded by the user's rooms.
    waiting_states: HashMap<RoomId, Push>,
}

/// A session in a room, with all that a delivery needs at hand.
struct Attached {
    session: SessionId,
    user: UserId,
    outbox: Arc<Outbox>,
    encoding: Encoding,
    gate: Gate,
    line: Rc<RefCell<Line>>,
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
            waiting: HashSet::new(),
            unflushed: Vec::new(),
            outbox_age_max,
            held_bytes_max,
            metrics,
        }
    }

    /// Takes a session in.
    pub fn open(&mut self, open: OpenSession) {
        let OpenSession { session, user, outbox, encoding, notices } = open;
        self.sessions.insert(
            session,
            LocalSession {
                user,
                outbox,
                encoding,
                notices,
                rooms: Vec::new(),
                line: Rc::default(),
                waiting_states: HashMap::new(),
            },
        );
    }

    /// Does one thing. What a session receives is in its outbox afterwards, and leaves with the next [`Hub::flush`].
    pub fn apply(&mut self, op: Op) {
        match op {
            Op::Welcome { session, sid, recovery } => self.welcome(session, &sid, recovery.as_ref()),
            Op::Resume { session, sid, pid, messages, rooms } => self.resume(session, &sid, &pid, &messages, rooms),
            Op::TakeOver { session } => self.take_over(session),
            Op::Attach { session, room } => self.attach(session, room),
            Op::Enter { asker, room, answer, after, behind } => self.enter(&asker, &room, &answer, after, behind),
            Op::RefuseEntry { asker, room, error } => {
                self.detach(asker.session, &room);
                self.notify(asker.session, Notice::Joined { room, entered: false });
                self.reply(&asker, Err(&error));
            }
            Op::Detach { session, room, error } => {
                self.detach(session, &room);
                if let Some(error) = error {
                    self.send_error(session, &ErrorNotice::new(&error, None));
                    self.notify(session, Notice::Joined { room, entered: false });
                }
            }
            Op::Deliver { room, kind, push, except } => self.deliver(&room, kind, &push, except.as_ref()),
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

    fn deliver(&mut self, room: &RoomId, kind: Delivery, push: &Push, except: Option<&UserId>) {
        let Self { rooms, unflushed, held_bytes_max, .. } = self;
        let Some(members) = rooms.get_mut(room) else { return };
        #[cfg(test)]
        crate::actors::panics::if_asked(std::str::from_utf8(&push.encode(Encoding::Json)).ok(), "hub");
        let mut delivered = 0;
        let mut slow = Vec::new();
        for member in members.iter_mut().filter(|member| except != Some(&member.user)) {
            let encoding = member.encoding;
            let frame = match kind {
                Delivery::Message(_) | Delivery::Change => {
                    let seq = if let Delivery::Message(seq) = kind { Some(seq) } else { None };
                    if member.gate.is_held() || !member.line.borrow().is_empty() {
                        let waiting = Waiting { room: room.clone(), seq, frame: push.encode(encoding) };
                        if member.line.borrow_mut().push(waiting, *held_bytes_max).is_err() {
                            slow.push(member.session);
                        }
                        continue;
                    }
                    member.gate.pass(seq)
                }
                Delivery::State => !member.gate.is_held(),
                Delivery::Typing => !member.gate.is_held() && !member.outbox.is_heavy(),
            }
            .then(|| push.encode(encoding));
            let Some(frame) = frame else { continue };
            delivered += 1;
            if queue(unflushed, &member.outbox, frame).is_err() {
                slow.push(member.session);
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
        let Some(local) = self.sessions.get_mut(&session) else { return };
        if local.outbox.is_half_full() || !local.waiting_states.is_empty() {
            local.waiting_states.insert(room.clone(), push.clone());
            self.waiting.insert(session);
        } else {
            self.send_push(session, push);
        }
    }

    /// Sends what waits for clients that have read meanwhile.
    fn send_waiting_states(&mut self) {
        for session in self.waiting.iter().copied().collect::<Vec<_>>() {
            while let Some(local) = self.sessions.get_mut(&session).filter(|local| !local.outbox.is_half_full()) {
                let Some(room) = local.waiting_states.keys().next().cloned() else { break };
                let Some(push) = local.waiting_states.remove(&room) else { break };
                self.send_push(session, &push);
            }
            if self.sessions.get(&session).is_none_or(|local| local.waiting_states.is_empty()) {
                self.waiting.remove(&session);
            }
        }
    }

    fn send_error(&mut self, session: SessionId, notice: &ErrorNotice) {
        self.send_push(session, &Push::new(&ServerEvent::Error(notice.clone())));
    }

    fn end(&mut self, session: SessionId, code: CloseCode, error: &ChatError) {
        self.send_error(session, &ErrorNotice::new(error, None));
        if let Some(local) = self.sessions.get(&session) {
            match local.encoding.disconnect() {
                // A namespace ends by a packet; its connection lives on for the others.
                Some(packet) => drop(local.outbox.push(Frame::Text(packet))),
                None => local.outbox.close(code.number(), &error.message),
            }
        }
        self.notify(session, Notice::Ending);
    }

    /// Drops a client that reads too slowly. It is told nothing: a frame for it would only wait behind the others.
    fn evict(&mut self, session: SessionId) {
        let Some(local) = self.sessions.get(&session) else { return };
        log::info!("session={session} user={} evicted: reads too slowly ({})", local.user, CloseCode::TooSlow.number());
        metrics::count(&self.metrics.evictions, "too_slow");
        local.outbox.abort();
        self.notify(session, Notice::Ending);
        self.forget(session);
    }

    fn notify(&self, session: SessionId, notice: Notice) {
        if let Some(local) = self.sessions.get(&session) {
            #[expect(
                clippy::disallowed_methods,
                reason = "at most one for each of a session's entries, which have a cap"
            )]
            local.notices.do_send(SessionNotice { session, notice });
        }
    }

    fn forget(&mut self, session: SessionId) {
        let Some(local) = self.sessions.get_mut(&session) else { return };
        // Nobody is there any more for whom it waits.
        local.line.take();
        for room in std::mem::take(&mut local.rooms) {
            self.detach(session, &room);
        }
        self.sessions.remove(&session);
    }

    /// Sends what was put into outboxes: one write a socket.
    pub fn flush(&mut self) {
        for outbox in mem::take(&mut self.unflushed) {
            outbox.flush();
        }
    }

    fn sweep(&mut self) {
        let slow = self.sessions.iter().filter(|(_, local)| local.outbox.age() > self.outbox_age_max);
        for session in slow.map(|(session, _)| *session).collect::<Vec<_>>() {
            self.evict(session);
        }
    }
}

/// Puts a frame into an outbox that is flushed at the end of the turn.
fn queue(unflushed: &mut Vec<Arc<Outbox>>, outbox: &Arc<Outbox>, frame: Bytes) -> Result<(), Full> {
    if outbox.queue(Frame::Text(frame))? {
        unflushed.push(Arc::clone(outbox));
    }
    Ok(())
}

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(EndOfTurn);
        // Lists of operations: one a turn of the ChatServer, so a handful at most.
        ctx.set_mailbox_capacity(64);
        ctx.run_interval(SWEEP_INTERVAL, |hub, _| hub.sweep());
        // A timer's turn comes behind the one of the flush.
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
        hub.flush();
        Poll::Pending
    }
}

impl Handler<Apply> for Hub {
    type Result = ();

    fn handle(&mut self, Apply(ops): Apply, _: &mut Self::Context) {
        for op in ops {
            // A panic costs those whom this one concerns, not everyone of this worker.
            if catch_unwind(AssertUnwindSafe(|| self.apply(op))).is_err() {
                log::error!("a hub panicked");
            }
        }
    }
}

impl Handler<OpenSession> for Hub {
    type Result = ();

    fn handle(&mut self, open: OpenSession, _: &mut Self::Context) {
        self.open(open);
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
                // Whoever is told later also comes back later, so that the next server isn't stormed.
                let reconnect_in_ms = 100 + jitter_ms(session);
                hub.send_push(session, &Push::new(&ServerEvent::Draining { reconnect_in_ms }));
                hub.flush();
                hub.notify(session, Notice::Draining(drain.patience));
            });
        }
    }
}

/// 0 to 1023 ms, spread evenly over the sessions.
fn jitter_ms(session: SessionId) -> u64 {
    session.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54
}

#[cfg(test)]
mod tests {
    use std::task::Context as TaskContext;

    use futures_util::task::noop_waker;

    use super::*;
    use crate::{
        actors::session::in_flight::InFlight,
        domain::Seq,
        protocol::push::{Offset, Position},
    };

    struct Listener;

    impl Actor for Listener {
        type Context = Context<Self>;
    }

    impl Handler<SessionNotice> for Listener {
        type Result = ();

        fn handle(&mut self, _: SessionNotice, _: &mut Self::Context) {}
    }

    /// What the transport of an outbox writes now.
    fn drained(outbox: &Outbox) -> String {
        let mut out = Vec::new();
        let _ = outbox.poll_write(&mut TaskContext::from_waker(&noop_waker()), Pin::new(&mut out));
        String::from_utf8_lossy(&out).into_owned()
    }

    /// A hub with one session, which is in two rooms.
    struct InTwoRooms {
        hub: Hub,
        outbox: Arc<Outbox>,
        metrics: Arc<Metrics>,
    }

    const ROOMS: [&str; 2] = ["bike", "lamp"];

    impl InTwoRooms {
        fn new() -> Self {
            let metrics = Arc::new(Metrics::default());
            let mut hub = Hub::new(Duration::from_secs(60), 1 << 20, Arc::clone(&metrics));
            let outbox = Arc::new(Outbox::new(1 << 20, None));
            hub.open(OpenSession {
                session: SessionId(1),
                user: UserId::new("alice").unwrap(),
                outbox: Arc::clone(&outbox),
                encoding: Encoding::SocketIo { namespace: "/chat", offsets: true },
                notices: Listener.start().recipient(),
            });
            let mut this = Self { hub, outbox, metrics };
            for room in ROOMS {
                this.attach(room);
                this.enter(room, 0);
            }
            this
        }

        fn attach(&mut self, room: &str) {
            self.hub.apply(Op::Attach { session: SessionId(1), room: RoomId::new(room).unwrap() });
        }

        fn enter(&mut self, room: &str, after: i64) {
            let slot = InFlight::default().take(&self.metrics);
            let asker = Asker { session: SessionId(1), hub: HubId(0), request: None, event: "enterRoom", slot };
            let (room, after) = (RoomId::new(room).unwrap(), Seq(after));
            self.hub.apply(Op::Enter { asker, room, answer: Bytes::new(), after, behind: false });
        }

        fn say(&mut self, room: &str, seq: i64, position: Position) {
            let (room, kind) = (RoomId::new(room).unwrap(), Delivery::Message(Seq(seq)));
            self.hub.apply(Op::Deliver {
                room,
                kind,
                push: Push::message("{}".into(), Offset::exact(position)),
                except: None,
            });
        }

        /// The offsets that the client has received, in order.
        fn offsets(&self) -> Vec<Position> {
            drained(&self.outbox)
                .split("\"message\",{},\"")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
                .collect()
        }
    }

    #[actix_web::test]
    async fn a_message_that_waits_for_a_history_is_not_overtaken_by_a_later_one_of_another_room() {
        let mut client = InTwoRooms::new();
        client.say("bike", 1, 10);
        assert_eq!(client.offsets(), [10]);
        // It enters the room again, and meanwhile something is said in both.
        client.attach("bike");
        client.say("bike", 2, 11);
        client.say("lamp", 1, 12);
        // Were the transport cut now, with 12 as the offset, nobody would send 11 again.
        assert_eq!(client.offsets(), [0; 0]);
        client.enter("bike", 1);
        assert_eq!(client.offsets(), [11, 12]);
        client.say("lamp", 2, 13);
        assert_eq!(client.offsets(), [13]);
        // A history that knew the first of what waits.
        client.attach("lamp");
        client.attach("bike");
        client.say("lamp", 3, 14);
        client.say("bike", 3, 15);
        client.say("lamp", 4, 16);
        client.enter("bike", 2);
        assert_eq!(client.offsets(), [0; 0], "the lamp's history is still being read");
        client.enter("lamp", 3);
        assert_eq!(client.offsets(), [15, 16]);
        // Whoever leaves a room does not wait for its history.
        client.attach("bike");
        client.say("bike", 4, 17);
        client.say("lamp", 5, 18);
        let leave = Op::Detach { session: SessionId(1), room: RoomId::new("bike").unwrap(), error: None };
        client.hub.apply(leave);
        assert_eq!(client.offsets(), [18]);
    }

    #[actix_web::test]
    async fn what_waited_for_a_recovery_comes_in_the_order_of_commits_over_all_rooms() {
        let mut client = InTwoRooms::new();
        for room in ROOMS {
            client.attach(room);
        }
        for (room, seq, position) in [("bike", 1, 20), ("lamp", 1, 21), ("lamp", 2, 22), ("bike", 2, 23)] {
            client.say(room, seq, position);
        }
        client.hub.apply(Op::Resume {
            session: SessionId(1),
            sid: "sid".to_owned(),
            pid: "pid".to_owned(),
            messages: vec![Push::message("{}".into(), Offset::exact(20))],
            rooms: vec![(RoomId::new("bike").unwrap(), Seq(1)), (RoomId::new("lamp").unwrap(), Seq(0))],
        });
        assert_eq!(client.offsets(), [20, 21, 22, 23]);
    }

    #[actix_web::test]
    async fn typing_is_left_out_first_for_a_client_that_is_behind() {
        let metrics = Arc::new(Metrics::default());
        let mut hub = Hub::new(Duration::from_secs(60), 1 << 20, Arc::clone(&metrics));
        let (room, session) = (RoomId::new("room").unwrap(), SessionId(1));
        let outbox = Arc::new(Outbox::new(4096, None));
        hub.open(OpenSession {
            session,
            user: UserId::new("alice").unwrap(),
            outbox: Arc::clone(&outbox),
            encoding: Encoding::Json,
            notices: Listener.start().recipient(),
        });
        hub.apply(Op::Attach { session, room: room.clone() });
        let slot = InFlight::default().take(&metrics);
        let asker = Asker { session, hub: HubId(0), request: None, event: "enterRoom", slot };
        hub.apply(Op::Enter { asker, room: room.clone(), answer: Bytes::new(), after: Seq(0), behind: false });
        let mut deliver = |name: &'static str, kind: Delivery| {
            let data = if name == "message" { format!("\"{}\"", "x".repeat(1500)) } else { "{}".to_owned() };
            let push = Push::from_json(name, data.into());
            hub.apply(Op::Deliver { room: room.clone(), kind, push, except: None });
        };
        let drained = || drained(&outbox);

        deliver("typing", Delivery::Typing);
        assert!(drained().contains("typing"));
        deliver("message", Delivery::Message(Seq(1)));
        deliver("typing", Delivery::Typing);
        deliver("read", Delivery::State);
        let got = drained();
        assert!(got.contains("read") && !got.contains("typing"), "{got}");
        deliver("typing", Delivery::Typing);
        assert!(drained().contains("typing"), "it has caught up");
    }
}
