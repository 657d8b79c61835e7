//! Work of the `ChatServer` that grows with how many come or go at once, or with somebody's rooms: in slices, between which
//! everything else gets its turn.

use std::time::{Duration, Instant};

use actix::{AsyncContext, Context, Handler, Message as ActixMessage};

use super::{
    ChatServer,
    messages::{SessionEvent, SessionEvents},
    rooms::PresenceChanged,
};
use crate::{
    actors::hub::{HubId, Op},
    domain::{RoomId, SessionId, UserId},
    metrics::{Metrics, SharedThread, Step},
    protocol::{event::ServerEvent, push::Push},
};

/// How long what sessions want may take before everything else gets its turn.
const SLICE: Duration = Duration::from_millis(2);

/// Small events between two looks at the clock.
const EVENTS_UNSEEN: u32 = 16;

/// What an account's postponed events may take per round, in nanoseconds: a handful of messages.
pub(super) const SHARE_NANOS: u64 = 100_000;

/// Rooms of a user that a session of the inbox is sent in one slice.
const ROOMS_AT_ONCE: usize = 128;

/// Goes on with what was postponed. The `ChatServer` → itself, one at a time.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(super) struct GoOn;

/// Goes on to send a session of the inbox who is there. The `ChatServer` → itself, one for each session at a time.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(super) struct TellWhoIsOnline {
    session: SessionId,
    user: UserId,
    hub: HubId,
    /// The rooms that are left.
    rooms: Vec<RoomId>,
}

/// How long a slice has taken. Events of a kind make one step: a list is mostly of one kind, and a look at the clock costs.
struct Slice {
    began: Instant,
    unseen: u32,
    step: Option<Step>,
}

impl Slice {
    fn begin() -> Self {
        Self { began: Instant::now(), unseen: 0, step: None }
    }

    /// Another event begins.
    fn step(&mut self, metrics: &Metrics, kind: &'static str) {
        if self.step.as_ref().is_none_or(|step| step.kind() != kind) {
            // The one before ends first.
            self.step = None;
            self.step = Some(Step::begin(metrics, SharedThread::ChatServer, kind));
        }
    }

    /// Whether it has taken long enough. One who comes or goes may be in a hundred rooms; the others are small.
    fn is_over(&mut self, comes_or_goes: bool) -> bool {
        self.unseen += 1;
        if !comes_or_goes && self.unseen < EVENTS_UNSEEN {
            return false;
        }
        self.unseen = 0;
        self.began.elapsed() >= SLICE
    }
}

impl ChatServer {
    /// Takes up what sessions want, in order. Where that takes longer than a slice, the rest is postponed.
    fn take_up(&mut self, events: Vec<SessionEvent>, ctx: &mut Context<Self>) {
        let mut slice = Slice::begin();
        let mut events = events.into_iter();
        for event in events.by_ref() {
            slice.step(&self.metrics, event.kind());
            let comes_or_goes = matches!(event, SessionEvent::Connect(_) | SessionEvent::Disconnect(_));
            event.handle(self, ctx);
            if slice.is_over(comes_or_goes) {
                break;
            }
        }
        self.postpone(events);
        if !self.postponed.is_empty() {
            ctx.notify(GoOn);
        }
    }

    fn postpone(&mut self, events: impl IntoIterator<Item = SessionEvent>) {
        for event in events {
            self.postponed.push(event.account(), 0, event);
        }
    }

    /// Takes up what was postponed, accounts in turn by the time that their events take, for one slice.
    fn take_up_postponed(&mut self, ctx: &mut Context<Self>) {
        let mut slice = Slice::begin();
        let mut began = slice.began;
        while let Some((account, event)) = self.postponed.pop() {
            slice.step(&self.metrics, event.kind());
            event.handle(self, ctx);
            let now = Instant::now();
            let nanos = u64::try_from((now - began).as_nanos()).unwrap_or(u64::MAX);
            self.postponed.charge(&account, nanos);
            if now - slice.began >= SLICE {
                break;
            }
            began = now;
        }
        if !self.postponed.is_empty() {
            ctx.notify(GoOn);
        }
    }

    /// Tells a session of the inbox who is there already.
    pub(super) fn tell_who_is_online(&mut self, session: SessionId, user: UserId, hub: HubId, ctx: &mut Context<Self>) {
        let rooms = self.rooms.rooms_of(&user);
        self.tell_some_online(TellWhoIsOnline { session, user, hub, rooms }, ctx);
    }

    fn tell_some_online(&mut self, mut telling: TellWhoIsOnline, ctx: &mut Context<Self>) {
        let TellWhoIsOnline { session, user, hub, rooms } = &mut telling;
        if self.rooms.session(*session).is_none() {
            return;
        }
        for room in rooms.drain(..rooms.len().min(ROOMS_AT_ONCE)) {
            let Some(PresenceChanged { room, user, online, .. }) = self.rooms.other_online(user, &room) else {
                continue;
            };
            let push = Push::new(&ServerEvent::Presence { room_id: room, user_id: user, online });
            self.fan_out.tell_hub(*hub, Op::DeliverTo { sessions: vec![*session], state_of: None, push });
        }
        if !telling.rooms.is_empty() {
            ctx.notify(telling);
        }
    }
}

impl Handler<SessionEvents> for ChatServer {
    type Result = ();

    fn handle(&mut self, SessionEvents(events): SessionEvents, ctx: &mut Self::Context) {
        if self.postponed.is_empty() {
            self.take_up(events, ctx);
        } else {
            self.postpone(events);
        }
    }
}

impl Handler<GoOn> for ChatServer {
    type Result = ();

    fn handle(&mut self, _: GoOn, ctx: &mut Self::Context) {
        // What the slice before has brought about does not wait for this one.
        self.flush(ctx);
        self.take_up_postponed(ctx);
    }
}

impl Handler<TellWhoIsOnline> for ChatServer {
    type Result = ();

    fn handle(&mut self, telling: TellWhoIsOnline, ctx: &mut Self::Context) {
        self.flush(ctx);
        let _step = Step::begin(&self.metrics, SharedThread::ChatServer, "tell_who_is_online");
        self.guarded("inbox", |server| server.tell_some_online(telling, ctx));
    }
}
