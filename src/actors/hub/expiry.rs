//! When each session's token expires. There is one timer per worker, for the first of them. One per session would keep a
//! quarter of a KiB for hours.

use std::collections::BTreeSet;

use actix::{ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle, WrapFuture};

use super::{Hub, HubNotice, RenewSession};
use crate::{
    domain::{SessionId, Timestamp},
    metrics::{SharedThread, Step},
};

/// The sessions, by when their tokens expire.
#[derive(Debug, Default)]
pub(super) struct Expiries {
    sessions: BTreeSet<(Timestamp, SessionId)>,
    /// The timer for the first of them, and when it fires. It may fire too early, since the first session may have ended.
    timer: Option<(Timestamp, SpawnHandle)>,
}

impl Expiries {
    pub(super) fn insert(&mut self, at: Timestamp, session: SessionId) {
        self.sessions.insert((at, session));
    }

    pub(super) fn remove(&mut self, at: Timestamp, session: SessionId) {
        self.sessions.remove(&(at, session));
    }

    /// When the first one is due.
    fn first(&self) -> Option<Timestamp> {
        self.sessions.first().map(|(at, _)| *at)
    }

    /// Removes those that are due.
    fn take_due(&mut self, now: Timestamp) -> Vec<(Timestamp, SessionId)> {
        let mut due = Vec::new();
        while self.first().is_some_and(|at| at <= now) {
            due.extend(self.sessions.pop_first());
        }
        due
    }
}

impl Hub {
    /// Sets the timer to fire when the first token expires.
    pub(super) fn await_expiry(&mut self, ctx: &mut Context<Self>) {
        let Some(first) = self.expiries.first() else { return };
        if let Some((_, earlier)) = self.expiries.timer.take_if(|(at, _)| *at > first) {
            ctx.cancel_future(earlier);
        }
        if self.expiries.timer.is_none() {
            let clock = self.clock.clone();
            let ring = async move { clock.sleep_until(first).await }.into_actor(self);
            let timer = ctx.spawn(ring.map(|(), hub, ctx| hub.expire(ctx)));
            self.expiries.timer = Some((first, timer));
        }
    }

    fn expire(&mut self, ctx: &mut Context<Self>) {
        let _step = Step::begin(&self.metrics, SharedThread::Worker, "expire_sessions");
        self.expiries.timer = None;
        for (ended_at, session) in self.expiries.take_due(self.clock.now()) {
            self.notify(session, HubNotice::TokenExpired { ended_at });
        }
        self.await_expiry(ctx);
    }

    /// A session's token was renewed.
    fn renew(&mut self, session: SessionId, ends_at: Timestamp) {
        let Some(local) = self.sessions.get(&session) else { return };
        self.expiries.remove(local.ends_at.replace(ends_at), session);
        self.expiries.insert(ends_at, session);
    }
}

impl Handler<RenewSession> for Hub {
    type Result = ();

    fn handle(&mut self, RenewSession { session, ends_at }: RenewSession, ctx: &mut Self::Context) {
        self.renew(session, ends_at);
        self.await_expiry(ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_are_due_are_taken_once_and_the_others_stay() {
        let mut expiries = Expiries::default();
        for (at, session) in [(30, 1), (10, 2), (20, 3), (20, 4), (40, 5)] {
            expiries.insert(Timestamp(at), SessionId(session));
        }
        expiries.remove(Timestamp(20), SessionId(4));
        assert_eq!(expiries.first(), Some(Timestamp(10)));
        assert_eq!(expiries.take_due(Timestamp(20)), [(Timestamp(10), SessionId(2)), (Timestamp(20), SessionId(3))]);
        assert_eq!(expiries.take_due(Timestamp(20)), []);
        assert_eq!(expiries.first(), Some(Timestamp(30)));
    }
}
