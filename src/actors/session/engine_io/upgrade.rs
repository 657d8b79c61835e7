//! The upgrade: a WebSocket that takes over from polls.
//!
//! The client probes it (`2probe`, answered `3probe`), lets its last poll return, and completes (`5`). Until then the
//! candidate has an outbox of its own, and nothing that goes wrong on it hurts the polling session.

use std::{sync::Arc, time::Duration};

use actix::{AsyncContext, Context, Handler, Message as ActixMessage, SpawnHandle};
use bytes::Bytes;

use super::{Application, EngineSession};
use crate::{
    actors::{
        outbox::{ConnectionSocket, OutFrame, Outbox},
        session::transport::ReadError,
    },
    error::CloseCode,
    protocol::{
        engine_io::{Packet, packet},
        websocket::Incoming,
    },
};

/// How often the open poll is released while the client waits for it to return: the client pauses only then.
const RELEASE_INTERVAL: Duration = Duration::from_millis(100);

/// Frames of a candidate before it takes over. Two are what it takes.
const FRAMES_MAX: u32 = 16;

/// Candidates of one session that may fail: while one is tried the heartbeat stands still.
const FAILURES_MAX: u32 = 5;

/// A WebSocket that tries to take over. The request's handler → the session, once for each. No answer.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct Candidate {
    /// Which one of the session's.
    pub number: u32,
    /// Holds what is received on it before it takes over.
    pub outbox: Arc<Outbox>,
    /// Its socket, to be shut down when it hangs.
    pub socket: Option<ConnectionSocket>,
}

/// A frame of a WebSocket on another worker. The task that reads it → the session, one at a time. Answers when it has been
/// taken up, so that the task reads no further before.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct UpgradeFrame {
    /// Which one of the session's.
    pub candidate: u32,
    /// The frame; `None` at the end.
    pub frame: Option<Result<Incoming, ReadError>>,
}

/// How a session's upgrade stands.
#[derive(Default)]
pub(super) struct Upgrade {
    candidate: Option<Candidate>,
    answered: bool,
    timers: Vec<SpawnHandle>,
    failures: u32,
    /// What the candidate has received.
    frames: u32,
}

impl<A: Application> Handler<Candidate> for EngineSession<A> {
    type Result = ();

    fn handle(&mut self, candidate: Candidate, ctx: &mut Self::Context) {
        if self.line.ending.is_some() || self.line.websocket.is_some() || self.line.upgrade.failures >= FAILURES_MAX {
            candidate.outbox.close(CloseCode::Normal.number(), "");
            candidate.outbox.finish();
            self.line.link.end_upgrade(false);
            return;
        }
        self.pause_heartbeat(ctx);
        let timeout = ctx.run_later(self.line.settings.upgrade_timeout, |session, ctx| {
            session.fail_upgrade(CloseCode::Normal, ctx);
        });
        self.line.upgrade.candidate = Some(candidate);
        self.line.upgrade.answered = false;
        self.line.upgrade.frames = 0;
        self.line.upgrade.timers = vec![timeout];
    }
}

impl<A: Application> Handler<UpgradeFrame> for EngineSession<A> {
    type Result = ();

    fn handle(&mut self, UpgradeFrame { candidate, frame }: UpgradeFrame, ctx: &mut Self::Context) {
        if self.line.websocket == Some(candidate) {
            match frame {
                Some(frame) => self.frame(frame, ctx),
                None => self.vanish("lost", ctx),
            }
            return;
        }
        if self.line.upgrade.candidate.as_ref().is_none_or(|current| current.number != candidate) {
            return;
        }
        self.line.upgrade.frames += 1;
        if self.line.upgrade.frames > FRAMES_MAX {
            self.fail_upgrade(CloseCode::Flooding, ctx);
            return;
        }
        let packet = match frame {
            Some(Ok(Incoming::Text(text))) => Packet::decode(&text).ok(),
            Some(Ok(Incoming::Ping(payload))) => {
                if let Some(candidate) = &self.line.upgrade.candidate {
                    let _ = candidate.outbox.push(OutFrame::Pong(payload));
                }
                return;
            }
            Some(Ok(Incoming::Pong(_))) => return,
            Some(Err(ReadError::Frame(error))) => {
                self.fail_upgrade(error.close_code(), ctx);
                return;
            }
            None => {
                self.fail_upgrade(CloseCode::Normal, ctx);
                return;
            }
            _ => None,
        };
        match packet {
            Some(Packet::Ping(text)) if text == packet::PROBE && !self.line.upgrade.answered => self.answer_probe(ctx),
            Some(Packet::Upgrade) if self.line.upgrade.answered => self.complete_upgrade(ctx),
            _ => self.fail_upgrade(CloseCode::Protocol, ctx),
        }
    }
}

impl<A: Application> EngineSession<A> {
    fn answer_probe(&mut self, ctx: &mut Context<Self>) {
        let Some(candidate) = &self.line.upgrade.candidate else { return };
        let _ = candidate.outbox.push(OutFrame::Text(Bytes::from_static(packet::PROBE_ANSWER.as_bytes())));
        self.line.upgrade.answered = true;
        let timer = ctx.run_interval(RELEASE_INTERVAL, |session, _| {
            if session.line.link.has_poll() {
                session.line.link.outbox.release_poll();
            }
        });
        self.line.upgrade.timers.push(timer);
    }

    fn complete_upgrade(&mut self, ctx: &mut Context<Self>) {
        let Some(candidate) = self.line.upgrade.candidate.take() else { return };
        self.stop_upgrade_timers(ctx);
        self.line.websocket = Some(candidate.number);
        self.line.link.end_upgrade(true);
        // A poll that is still open sees that polling has ended. It must not take what the WebSocket shall carry.
        self.line.link.outbox.attach(candidate.socket);
        candidate.outbox.finish();
        self.resume_heartbeat(ctx);
    }

    /// Lets the candidate go; the session goes on with polls.
    fn fail_upgrade(&mut self, code: CloseCode, ctx: &mut Context<Self>) {
        let Some(candidate) = self.line.upgrade.candidate.take() else { return };
        candidate.outbox.close(code.number(), "");
        candidate.outbox.finish();
        self.line.upgrade.failures += 1;
        self.stop_upgrade_timers(ctx);
        self.line.link.end_upgrade(false);
        self.resume_heartbeat(ctx);
    }

    /// The session has ended, and its candidate with it.
    pub(super) fn drop_candidate(&mut self) {
        if let Some(candidate) = self.line.upgrade.candidate.take() {
            candidate.outbox.close(CloseCode::Normal.number(), "");
            candidate.outbox.finish();
        }
    }

    fn stop_upgrade_timers(&mut self, ctx: &mut Context<Self>) {
        for timer in std::mem::take(&mut self.line.upgrade.timers) {
            ctx.cancel_future(timer);
        }
    }
}
