//! `Hub`: the outboxes of one HTTP worker's sessions, by room.
//!
//! The `ChatServer` sends each hub one list of operations a turn, so a batch costs one wake-up a worker and not one a
//! delivery. Entries and deliveries come through the same mailbox, which keeps a room's history and its live messages in
//! order. The hub is the one place that evicts a client which reads too slowly.

mod gate;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use actix::{Actor, AsyncContext, Context, Handler, Message, Recipient};
use bytes::Bytes;

use gate::{Gate, Passage};

use super::session::{
    in_flight::Slot,
    outbox::{Frame, Full, Outbox},
};

use crate::{
    domain::{RoomId, Seq, SessionId, UserId},
    error::{ChatError, CloseCode},
    metrics::{self, Metrics},
    protocol::{
        event::{ErrorNotice, ServerEvent},
        json::RequestId,
        push::{Encoding, Push},
    },
};

/// How often the hub looks for clients that read too slowly.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How often the hub looks whether clients have read, for whom states of rooms wait.
const WAITING_STATES_INTERVAL: Duration = Duration::from_millis(50);

/// Which hub: its place in the `ChatServer`'s list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HubId(pub usize);

/// Who sent an event and where its answer goes.
#[derive(Debug)]
pub struct Asker {
    /// The session.
    pub session: SessionId,
    /// Its hub.
    pub hub: HubId,
    /// The client's mark of the request; without one only a failure is told, as an `error` event.
    pub request: Option<RequestId>,
    /// The event's name.
    pub event: &'static str,
    /// The event's place among the session's unanswered ones.
    pub slot: Slot,
}

/// How an event stands to the history of its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// A message, with its place: nobody gets it twice, and nobody before an older one.
    Message(Seq),
    /// A message was edited or taken back: whoever is about to enter gets it behind the history.
    Change,
    /// How things stand right now: whoever is about to enter learns it from the answer.
    State,
}

/// One thing for a hub to do.
#[derive(Debug)]
pub enum Op {
    /// Starts to hold a room's messages back for a session, until its history has been read.
    Attach {
        /// The session.
        session: SessionId,
        /// The room that it enters.
        room: RoomId,
    },
    /// Answers an entry, then releases what was held back behind `after`.
    Enter {
        /// The session and its request.
        asker: Asker,
        /// The room.
        room: RoomId,
        /// The acknowledgement's data as JSON.
        answer: Bytes,
        /// The last `seq` that the answer's snapshot knew.
        after: Seq,
        /// The answer does not reach up to `after`: live messages would leave a hole, so none come until the client
        /// has asked for the rest.
        behind: bool,
    },
    /// Refuses an entry.
    RefuseEntry {
        /// The session and its request.
        asker: Asker,
        /// The room.
        room: RoomId,
        /// Why.
        error: ChatError,
    },
    /// Takes a session out of a room, and tells it why unless it asked for it.
    Detach {
        /// The session.
        session: SessionId,
        /// The room.
        room: RoomId,
        /// Why, when the session did not ask for it.
        error: Option<ChatError>,
    },
    /// Delivers an event to a room's sessions.
    Deliver {
        /// The room.
        room: RoomId,
        /// How it stands to the room's history.
        kind: Delivery,
        /// The event.
        push: Push,
        /// The user who caused it and needs no copy.
        except: Option<UserId>,
    },
    /// Delivers an event to some sessions, wherever they are.
    DeliverTo {
        /// Which ones.
        sessions: Vec<SessionId>,
        /// The room whose state it tells. Such an event waits while the client has much unread, and only the newest of a
        /// room waits.
        state_of: Option<RoomId>,
        /// The event.
        push: Push,
    },
    /// Answers a request.
    Reply {
        /// The session and its request.
        asker: Asker,
        /// The acknowledgement's data as JSON, or why there is none.
        answer: Result<Bytes, ChatError>,
    },
    /// Ends a session: an `error` event, then the close code.
    End {
        /// Which one.
        session: SessionId,
        /// What the client does about it.
        code: CloseCode,
        /// Why.
        error: ChatError,
    },
}

/// `ChatServer` → [`Hub`], once a turn: what this worker's sessions receive, in order. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Apply(pub Vec<Op>);

/// A session → its [`Hub`] (same thread), before anything can be sent to it. No answer.
#[derive(Message)]
#[rtype(result = "()")]
pub struct OpenSession {
    /// Which one.
    pub session: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// Where its frames wait.
    pub outbox: Arc<Outbox>,
    /// How its frames are written.
    pub encoding: Encoding,
    /// Where the hub tells it what became of its entries and that it ends.
    pub notices: Recipient<SessionNotice>,
}

/// A session → its [`Hub`], when it is over. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CloseSession(pub SessionId);

/// The server → each [`Hub`], once: tells every session that the server goes away, a slice at a time. No answer: the
/// server watches the sessions go.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct DrainSessions {
    /// Over how long the telling is spread, so that the clients don't all come back at once.
    pub spread: Duration,
    /// How long a session may wait for its unanswered events before it is closed without them.
    pub patience: Duration,
}

/// [`Hub`] → a session: something happened to it. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub enum SessionNotice {
    /// What became of an entry; `false` also when it was taken out later.
    Joined {
        /// The room.
        room: RoomId,
        /// Whether it is in.
        entered: bool,
    },
    /// The server goes away: finish what was taken up, for so long at most, then close.
    Draining(Duration),
    /// It ends now: the close frame is already in its outbox, or its socket is gone.
    Ending,
}

/// The outboxes of one HTTP worker.
pub struct Hub {
    sessions: HashMap<SessionId, LocalSession>,
    rooms: HashMap<RoomId, Vec<Attached>>,
    /// Sessions for which states wait.
    waiting: HashSet<SessionId>,
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
            LocalSession { user, outbox, encoding, notices, rooms: Vec::new(), waiting_states: HashMap::new() },
        );
    }

    /// Does one thing. What a session receives is in its outbox afterwards.
    pub fn apply(&mut self, op: Op) {
        match op {
            Op::Attach { session, room } => self.attach(session, room),
            Op::Enter { asker, room, answer, after, behind } => self.enter(&asker, &room, &answer, after, behind),
            Op::RefuseEntry { asker, room, error } => {
                self.detach(asker.session, &room);
                self.notify(asker.session, SessionNotice::Joined { room, entered: false });
                self.reply(&asker, Err(&error));
            }
            Op::Detach { session, room, error } => {
                self.detach(session, &room);
                if let Some(error) = error {
                    self.send_error(session, &ErrorNotice::new(&error, None));
                    self.notify(session, SessionNotice::Joined { room, entered: false });
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

    fn attach(&mut self, session: SessionId, room: RoomId) {
        let Some(local) = self.sessions.get_mut(&session) else { return };
        let members = self.rooms.entry(room.clone()).or_default();
        match members.iter_mut().find(|member| member.session == session) {
            Some(member) => member.gate.hold(),
            None => {
                members.push(Attached {
                    session,
                    user: local.user.clone(),
                    outbox: Arc::clone(&local.outbox),
                    encoding: local.encoding,
                    gate: Gate::held(),
                });
                local.rooms.push(room);
            }
        }
    }

    fn enter(&mut self, asker: &Asker, room: &RoomId, answer: &Bytes, after: Seq, behind: bool) {
        let session = asker.session;
        self.reply(asker, Ok(answer));
        let members = self.rooms.get_mut(room);
        let Some(member) = members.and_then(|members| members.iter_mut().find(|member| member.session == session))
        else {
            return;
        };
        let mut slow = false;
        for frame in member.gate.open(after, behind) {
            self.metrics.deliveries.inc();
            slow |= member.outbox.push(Frame::Text(frame)).is_err();
        }
        if slow {
            self.evict(session);
        } else {
            self.notify(session, SessionNotice::Joined { room: room.clone(), entered: true });
        }
    }

    fn detach(&mut self, session: SessionId, room: &RoomId) {
        if let Some(members) = self.rooms.get_mut(room) {
            members.retain(|member| member.session != session);
            if members.is_empty() {
                self.rooms.remove(room);
            }
        }
        if let Some(local) = self.sessions.get_mut(&session) {
            local.rooms.retain(|entered| entered != room);
        }
    }

    fn deliver(&mut self, room: &RoomId, kind: Delivery, push: &Push, except: Option<&UserId>) {
        let Some(members) = self.rooms.get_mut(room) else { return };
        #[cfg(test)]
        crate::actors::panics::if_asked(std::str::from_utf8(&push.encode(Encoding::Json)).ok(), "hub");
        let mut delivered = 0;
        let mut slow = Vec::new();
        for member in members.iter_mut().filter(|member| except != Some(&member.user)) {
            let encoding = member.encoding;
            let passage = match kind {
                Delivery::Message(seq) => member.gate.pass(seq, || push.encode(encoding), self.held_bytes_max),
                Delivery::Change => member.gate.pass_change(push.encode(encoding), self.held_bytes_max),
                Delivery::State if member.gate.is_held() => Passage::Kept,
                Delivery::State => Passage::Deliver(push.encode(encoding)),
            };
            let sent = match passage {
                Passage::Deliver(frame) => {
                    delivered += 1;
                    member.outbox.push(Frame::Text(frame))
                }
                Passage::Kept => Ok(()),
                Passage::TooMuch => Err(Full),
            };
            if sent.is_err() {
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
        if local.outbox.push(Frame::Text(frame)).is_err() {
            self.evict(asker.session);
        }
    }

    fn send_push(&mut self, session: SessionId, push: &Push) {
        let Some(local) = self.sessions.get(&session) else { return };
        self.metrics.deliveries.inc();
        if local.outbox.push(Frame::Text(push.encode(local.encoding))).is_err() {
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
            local.outbox.close(code.number(), &error.message);
        }
        self.notify(session, SessionNotice::Ending);
    }

    /// Drops a client that reads too slowly. It is told nothing: a frame for it would only wait behind the others.
    fn evict(&mut self, session: SessionId) {
        let Some(local) = self.sessions.get(&session) else { return };
        log::info!("session={session} user={} evicted: reads too slowly ({})", local.user, CloseCode::TooSlow.number());
        metrics::count(&self.metrics.evictions, "too_slow");
        local.outbox.abort();
        self.notify(session, SessionNotice::Ending);
        self.forget(session);
    }

    fn notify(&self, session: SessionId, notice: SessionNotice) {
        if let Some(local) = self.sessions.get(&session) {
            #[expect(
                clippy::disallowed_methods,
                reason = "at most one for each of a session's entries, which have a cap"
            )]
            local.notices.do_send(notice);
        }
    }

    fn forget(&mut self, session: SessionId) {
        let Some(local) = self.sessions.get_mut(&session) else { return };
        for room in std::mem::take(&mut local.rooms) {
            self.detach(session, &room);
        }
        self.sessions.remove(&session);
    }

    fn sweep(&mut self) {
        let slow = self.sessions.iter().filter(|(_, local)| local.outbox.age() > self.outbox_age_max);
        for session in slow.map(|(session, _)| *session).collect::<Vec<_>>() {
            self.evict(session);
        }
    }
}

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Lists of operations: one a turn of the ChatServer, so a handful at most.
        ctx.set_mailbox_capacity(64);
        ctx.run_interval(SWEEP_INTERVAL, |hub, _| hub.sweep());
        ctx.run_interval(WAITING_STATES_INTERVAL, |hub, _| hub.send_waiting_states());
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
                hub.notify(session, SessionNotice::Draining(drain.patience));
            });
        }
    }
}

/// 0 to 1023 ms, spread evenly over the sessions.
fn jitter_ms(session: SessionId) -> u64 {
    session.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54
}
