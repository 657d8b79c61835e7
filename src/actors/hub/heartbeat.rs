//! When each session of the plain wire is to be pinged: one timer a worker. Engine.IO pings by itself, also who has not signed in.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use actix::{AsyncContext, Context};

use super::{Hub, Notice};
use crate::domain::SessionId;

/// Time between two pings, unless the hub is told another one.
const PING_INTERVAL: Duration = Duration::from_secs(25);

/// The sessions, by when they are to be pinged. As all have the same interval, whoever comes or was just pinged is the last one.
#[derive(Debug)]
pub(super) struct Heartbeats {
    pub(super) interval: Duration,
    due: VecDeque<(Instant, SessionId)>,
    /// A timer runs for the first one.
    is_awaited: bool,
}

impl Default for Heartbeats {
    fn default() -> Self {
        Self { interval: PING_INTERVAL, due: VecDeque::new(), is_awaited: false }
    }
}

impl Heartbeats {
    /// A session comes.
    pub(super) fn insert(&mut self, session: SessionId, now: Instant) {
        self.due.push_back((now + self.interval, session));
    }

    /// Takes those that are due, and notes their next time. One that is gone, as `is_there` has it, is forgotten instead: until
    /// then it costs its place here and nothing else.
    fn take_due(&mut self, now: Instant, is_there: impl Fn(SessionId) -> bool) -> Vec<SessionId> {
        let count = self.due.iter().take_while(|(at, _)| *at <= now).count();
        let due: Vec<_> =
            self.due.drain(..count).map(|(_, session)| session).filter(|session| is_there(*session)).collect();
        // Counted from now, so that a worker that stood still does not ping several times at once.
        self.due.extend(due.iter().map(|session| (now + self.interval, *session)));
        due
    }
}

impl Hub {
    /// Sees to it that the timer rings for the first one.
    pub(super) fn await_heartbeat(&mut self, ctx: &mut Context<Self>) {
        if self.heartbeats.is_awaited {
            return;
        }
        let Some((first, _)) = self.heartbeats.due.front() else { return };
        self.heartbeats.is_awaited = true;
        ctx.run_later(first.saturating_duration_since(Instant::now()), Self::beat);
    }

    fn beat(&mut self, ctx: &mut Context<Self>) {
        self.heartbeats.is_awaited = false;
        let Self { heartbeats, sessions, .. } = self;
        for session in heartbeats.take_due(Instant::now(), |session| sessions.contains_key(&session)) {
            self.notify(session, Notice::PingDue);
        }
        self.await_heartbeat(ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_there_is_pinged_at_each_interval() {
        let second = Duration::from_secs(1);
        let (mut heartbeats, began) = (Heartbeats::default(), Instant::now());
        heartbeats.interval = 10 * second;
        for (after, session) in [(0, 1), (1, 2), (2, 3)] {
            heartbeats.insert(SessionId(session), began + after * second);
        }
        let mut due = |after: u32, gone: u64| {
            let due = heartbeats.take_due(began + after * second, |session| session.0 != gone);
            due.into_iter().map(|session| session.0).collect::<Vec<_>>()
        };
        assert_eq!(due(9, 0), [0; 0]);
        assert_eq!(due(11, 2), [1]);
        assert_eq!(due(12, 0), [3]);
        assert_eq!(due(19, 0), [0; 0]);
        assert_eq!(due(21, 0), [1]);
        assert_eq!(due(100, 0), [3, 1], "once, however late");
        assert_eq!(due(100, 0), [0; 0]);
    }
}
