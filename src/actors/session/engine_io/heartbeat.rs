//! The heartbeat: the server pings, the client answers; a silent session ends at interval + timeout.

use std::time::{Duration, Instant};

use actix::{AsyncContext, Context, SpawnHandle};

use super::{Application, EngineSession, ping};
use crate::actors::outbox::OutFrame;

/// Where a session's heartbeat stands.
#[derive(Debug, Default)]
pub(super) struct Heartbeat {
    timer: Option<SpawnHandle>,
    due: Option<Instant>,
    awaits_pong: bool,
    /// What was left of the time when an upgrade began.
    paused: Option<Duration>,
}

impl<A: Application> EngineSession<A> {
    /// Pings after a while; never before the first interval has ended.
    pub(super) fn schedule_ping(&mut self, after: Duration, ctx: &mut Context<Self>) {
        self.line.heartbeat.awaits_pong = false;
        let due = Instant::now() + after;
        self.line.link.expect_life_until(due + self.line.settings.ping_timeout);
        self.arm(due, ctx);
    }

    fn arm(&mut self, due: Instant, ctx: &mut Context<Self>) {
        self.disarm(ctx);
        let delay = due.saturating_duration_since(Instant::now());
        let heartbeat = &mut self.line.heartbeat;
        heartbeat.due = Some(due);
        heartbeat.timer = Some(ctx.run_later(delay, move |session, ctx| {
            session.line.heartbeat.timer = None;
            if session.line.heartbeat.awaits_pong { session.give_up(ctx) } else { session.ping(due, ctx) }
        }));
    }

    fn disarm(&mut self, ctx: &mut Context<Self>) {
        if let Some(timer) = self.line.heartbeat.timer.take() {
            ctx.cancel_future(timer);
        }
    }

    fn ping(&mut self, due: Instant, ctx: &mut Context<Self>) {
        if self.line.ending.is_some() {
            return;
        }
        // A full outbox closes its socket.
        let _ = self.line.link.outbox.push(OutFrame::Text(ping()));
        self.line.heartbeat.awaits_pong = true;
        // Counted from when it was due, so that timers which fire late don't add up.
        self.arm(due + self.line.settings.ping_timeout, ctx);
    }

    fn give_up(&mut self, ctx: &mut Context<Self>) {
        if self.line.ending.is_some() {
            return;
        }
        if self.line.link.is_held_back() {
            // It is not being read, so it can't show a sign of life.
            let due = Instant::now() + self.line.settings.ping_timeout;
            self.line.link.expect_life_until(due);
            self.arm(due, ctx);
            return;
        }
        self.vanish("no pong", ctx);
    }

    /// The client has answered.
    pub(super) fn pong(&mut self, ctx: &mut Context<Self>) {
        if self.line.heartbeat.awaits_pong && self.line.ending.is_none() {
            let interval = self.line.settings.ping_interval;
            match &mut self.line.heartbeat.paused {
                Some(left) => {
                    self.line.heartbeat.awaits_pong = false;
                    *left = interval;
                }
                None => self.schedule_ping(interval, ctx),
            }
        }
    }

    /// Stands still while an upgrade runs.
    pub(super) fn pause_heartbeat(&mut self, ctx: &mut Context<Self>) {
        self.disarm(ctx);
        self.line.link.expect_life_always();
        let left = self.line.heartbeat.due.map(|due| due.saturating_duration_since(Instant::now()));
        self.line.heartbeat.paused = Some(left.unwrap_or_default());
    }

    /// Goes on where it stood.
    pub(super) fn resume_heartbeat(&mut self, ctx: &mut Context<Self>) {
        let Some(left) = self.line.heartbeat.paused.take() else { return };
        if self.line.heartbeat.awaits_pong {
            let due = Instant::now() + left;
            self.line.link.expect_life_until(due);
            self.arm(due, ctx);
        } else {
            self.schedule_ping(left, ctx);
        }
    }
}
