//! What sessions want, in slices of time, between which everything else gets its turn.

use std::time::{Duration, Instant};

use actix::{AsyncContext, Context};

use super::{ChatServer, messages::GoOn};
use crate::{
    chat::{input::Input, request::SessionEvent},
    metrics::{Metrics, SharedThread, Step},
};

/// How long what sessions want may take before everything else gets its turn.
const SLICE: Duration = Duration::from_millis(2);

/// Small events between two looks at the clock.
const EVENTS_UNSEEN: u32 = 16;

/// What an account's postponed events may take per round, in nanoseconds: a handful of messages.
pub(super) const SHARE_NANOS: u64 = 100_000;

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
    /// Takes up what sessions want, in order. Where that takes longer than a slice, or something is postponed already, the rest is
    /// postponed.
    pub(super) fn take_up(&mut self, events: Vec<SessionEvent>, ctx: &mut Context<Self>) {
        let events = if self.held.is_some() { self.hold(events, ctx) } else { events };
        self.take_up_held(events, ctx);
    }

    /// The same of what the marketplace is not to be asked about any more.
    pub(super) fn take_up_held(&mut self, events: Vec<SessionEvent>, ctx: &mut Context<Self>) {
        if !self.postponed.is_empty() {
            return self.postpone(events);
        }
        let mut slice = Slice::begin();
        let mut events = events.into_iter();
        for event in events.by_ref() {
            slice.step(&self.metrics, event.kind());
            let comes_or_goes = event.comes_or_goes();
            self.happen_in_step(Input::Session(event), ctx);
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
    pub(super) fn take_up_postponed(&mut self, ctx: &mut Context<Self>) {
        let mut slice = Slice::begin();
        let mut began = slice.began;
        while let Some((account, event)) = self.postponed.pop() {
            slice.step(&self.metrics, event.kind());
            self.happen_in_step(Input::Session(event), ctx);
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
}
