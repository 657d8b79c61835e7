//! Work of the `ChatServer` that grows with how many come or go at once, or with somebody's rooms: in slices, between which
//! everything else gets its turn.

use std::{
    mem,
    time::{Duration, Instant},
};

use actix::{AsyncContext, Context, Handler, Message as ActixMessage};

use super::{
    ChatServer,
    messages::{SessionEvent, SessionEvents},
    rooms::PresenceChanged,
};
use crate::{
    actors::hub::{HubId, Op},
    domain::{RoomId, SessionId, UserId},
    metrics::{SharedThread, Step},
    protocol::{event::ServerEvent, push::Push},
};

/// How long sessions may come and go before everything else gets its turn.
const SLICE: Duration = Duration::from_millis(2);

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

impl ChatServer {
    /// Takes up what sessions want, in order. Where that takes long, the rest is postponed.
    fn take_up(&mut self, mut events: impl Iterator<Item = SessionEvent>, ctx: &mut Context<Self>) {
        let mut began = None;
        // One for those of a kind that come one after the other: a list is mostly of one kind, and a look at the clock costs.
        let mut step: Option<Step> = None;
        while let Some(event) = events.next() {
            if step.as_ref().is_none_or(|step| step.kind() != event.kind()) {
                drop(step.take());
                step = Some(Step::begin(&self.metrics, SharedThread::ChatServer, event.kind()));
            }
            // One who comes or goes may be in a hundred rooms. The others are small, and the clock is not asked for them.
            let comes_or_goes = matches!(event, SessionEvent::Connect(_) | SessionEvent::Disconnect(_));
            let began = comes_or_goes.then(|| *began.get_or_insert_with(Instant::now));
            event.handle(self, ctx);
            if began.is_some_and(|began| began.elapsed() >= SLICE) {
                self.postponed.extend(events);
                if !self.postponed.is_empty() {
                    ctx.notify(GoOn);
                }
                return;
            }
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
            self.take_up(events.into_iter(), ctx);
        } else {
            // In their order.
            self.postponed.extend(events);
        }
    }
}

impl Handler<GoOn> for ChatServer {
    type Result = ();

    fn handle(&mut self, _: GoOn, ctx: &mut Self::Context) {
        // What the slice before has brought about does not wait for this one.
        self.flush(ctx);
        let postponed = mem::take(&mut self.postponed);
        self.take_up(postponed.into_iter(), ctx);
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
