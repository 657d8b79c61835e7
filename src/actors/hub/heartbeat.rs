//! When each session of the plain wire sends its next ping, and when its heartbeat timeout ends. There is one timer per
//! worker. Engine.IO has a heartbeat of its own, also for clients that have not signed in.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use actix::{AsyncContext, Context};

use super::{Hub, HubNotice};
use crate::{
    domain::SessionId,
    metrics::{SharedThread, Step},
};

/// Default time between two pings.
const PING_INTERVAL: Duration = Duration::from_secs(25);

/// Default heartbeat timeout.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// The sessions, by when something is due. As the spans are the same for all, one that comes or has just pinged is the last
/// one in its line. A session that has ended keeps its entry of 24 bytes until then. These are at most as many as can
/// connect within one interval.
#[derive(Debug)]
pub(super) struct Heartbeats {
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pings: VecDeque<(Instant, SessionId)>,
    pongs: VecDeque<(Instant, SessionId)>,
    /// Whether the timer runs. One that comes is never the first.
    rings: bool,
}

impl Default for Heartbeats {
    fn default() -> Self {
        Self {
            interval: PING_INTERVAL,
            timeout: PING_TIMEOUT,
            pings: VecDeque::new(),
            pongs: VecDeque::new(),
            rings: false,
        }
    }
}

impl Heartbeats {
    /// A session comes.
    pub(super) fn insert(&mut self, session: SessionId, now: Instant) {
        self.pings.push_back((now + self.interval, session));
    }

    /// When the first one is due.
    fn first(&self) -> Option<Instant> {
        [self.pings.front(), self.pongs.front()].into_iter().flatten().map(|(at, _)| *at).min()
    }

    /// Takes what is due, for the sessions that live, and notes what is due next. An ended session keeps its entry until
    /// then.
    fn take_due(&mut self, now: Instant, is_there: impl Fn(SessionId) -> bool) -> Vec<(SessionId, HubNotice)> {
        let mut due = Vec::new();
        while let Some((at, session)) = self.pongs.pop_front_if(|(at, _)| *at <= now) {
            due.push((session, HubNotice::PongDue { pinged: at - self.timeout }));
        }
        while let Some((_, session)) = self.pings.pop_front_if(|(at, _)| *at <= now) {
            if is_there(session) {
                // Counted from now, so that a worker that was blocked does not ping several times at once.
                self.pings.push_back((now + self.interval, session));
                self.pongs.push_back((now + self.timeout, session));
                due.push((session, HubNotice::PingDue));
            }
        }
        due
    }
}

impl Hub {
    /// Sets the timer for the first one.
    pub(super) fn await_heartbeat(&mut self, ctx: &mut Context<Self>) {
        let Some(first) = self.heartbeats.first() else { return };
        if !self.heartbeats.rings {
            self.heartbeats.rings = true;
            ctx.run_later(first.saturating_duration_since(Instant::now()), Self::beat);
        }
    }

    fn beat(&mut self, ctx: &mut Context<Self>) {
        let _step = Step::begin(&self.metrics, SharedThread::Worker, "beat");
        let Self { heartbeats, sessions, .. } = self;
        heartbeats.rings = false;
        for (session, notice) in heartbeats.take_due(Instant::now(), |session| sessions.contains_key(&session)) {
            self.notify(session, notice);
        }
        self.await_heartbeat(ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_there_pings_at_each_interval_and_is_looked_at_after_each_ping() {
        let (second, began) = (Duration::from_secs(1), Instant::now());
        let mut heartbeats = Heartbeats { interval: 10 * second, timeout: 4 * second, ..Heartbeats::default() };
        for (after, session) in [(0, 1), (1, 2), (2, 3)] {
            heartbeats.insert(SessionId(session), began + after * second);
        }
        let mut due = |after: u32, gone: u64| {
            let due = heartbeats.take_due(began + after * second, |session| session.0 != gone);
            let due = due.into_iter().map(|(session, notice)| match notice {
                HubNotice::PongDue { pinged } => format!("{} since {}", session.0, (pinged - began).as_secs()),
                notice => format!("{} {notice:?}", session.0),
            });
            due.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(due(9, 0), "");
        assert_eq!(due(11, 2), "1 PingDue");
        assert_eq!(due(12, 0), "3 PingDue");
        assert_eq!(due(15, 0), "1 since 11");
        assert_eq!(due(20, 0), "3 since 12");
        assert_eq!(due(21, 0), "1 PingDue");
        assert_eq!(due(100, 0), "1 since 21, 3 PingDue, 1 PingDue", "once, however late");
        assert_eq!(due(100, 0), "");
    }
}
