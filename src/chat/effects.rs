//! What the chat's core causes: what hubs deliver, what the database is asked and stores, what other nodes are sent, and what
//! is to happen later. The driver of the core carries it out: the `ChatServer`, or a test.

mod fan_out;

use std::{mem, time::Duration};

use super::{
    db_read::DbRead,
    hub_op::{HubId, Op},
    request::{Answer, FollowUp, ReplyTo},
    timer::Timer,
};
use crate::{
    broker::{NodeEvent, Topic},
    db::Write,
    domain::Timestamp,
    error::ChatError,
};

/// What has gathered and is to be carried out.
#[derive(Debug, Default)]
pub struct Effects {
    /// By hub, in the order in which things happened. They may gather until the end of a turn, so that a hub wakes up once.
    ops: Vec<Vec<Op>>,
    /// What the other nodes are sent, in order. The same.
    bus: Vec<BusOp>,
    /// To be stored in one transaction, at once: its outcome comes back as [`Input::Committed`](super::Input::Committed).
    pub commit: Option<Vec<Write>>,
    /// To be read at once, each by itself: the answer comes back as [`Input::Answered`](super::Input::Answered).
    pub reads: Vec<DbRead>,
    /// What comes back as [`Input::Due`](super::Input::Due) when its time has come.
    pub timers: Vec<(When, Timer)>,
    /// What the chat itself does next, and whether its change was stored. Empty between two inputs.
    follow_ups: Vec<(FollowUp, bool)>,
}

/// When a timer is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// After so much time; after nothing, when everything that waits already had its turn.
    After(Duration),
    /// When the clock shows this.
    At(Timestamp),
}

/// One thing for the [`Bus`](crate::actors::bus::Bus) to do.
#[derive(Debug)]
pub enum BusOp {
    /// Subscribe to a topic.
    Watch(Topic),
    /// Unsubscribe from it.
    Unwatch(Topic),
    /// Publish to the nodes that have subscribed to a topic.
    Publish(Topic, Box<NodeEvent>),
}

impl Effects {
    /// Something is to happen later.
    pub(super) fn after(&mut self, wait: Duration, timer: Timer) {
        self.timers.push((When::After(wait), timer));
    }

    /// Something is to happen at a time.
    pub(super) fn at(&mut self, time: Timestamp, timer: Timer) {
        self.timers.push((When::At(time), timer));
    }

    /// The database is to be asked.
    pub(super) fn read(&mut self, read: DbRead) {
        self.reads.push(read);
    }

    /// The other nodes are to be sent something.
    pub(super) fn publish(&mut self, topic: Topic, event: NodeEvent) {
        self.bus.push(BusOp::Publish(topic, Box::new(event)));
    }

    /// This node is to hear of a topic, or not any more.
    pub(super) fn watch(&mut self, topic: Topic, is_watched: bool) {
        self.bus.push(if is_watched { BusOp::Watch(topic) } else { BusOp::Unwatch(topic) });
    }

    /// Answers a request to where its answer goes.
    pub(super) fn answer(&mut self, reply: ReplyTo, answer: Result<Answer, ChatError>) {
        match reply {
            ReplyTo::Session(asker) => {
                let answer = answer.map(|answer| answer.data);
                self.reply(asker, answer);
            }
            // The request may have been given up meanwhile; then nobody waits for the answer.
            ReplyTo::Request(waiting) => drop(waiting.send(answer)),
            ReplyTo::Observed(reply, seen) => {
                let _ = seen.send(answer.as_ref().ok().map(|answer| answer.created));
                self.answer(*reply, answer);
            }
            ReplyTo::Chat(follow_up) => self.follow_ups.push((follow_up, answer.is_ok())),
            ReplyTo::Nobody => {}
        }
    }

    /// Takes what the chat does next.
    pub(super) fn next_follow_up(&mut self) -> Option<(FollowUp, bool)> {
        self.follow_ups.pop()
    }

    /// Takes what each hub delivers.
    pub fn take_ops(&mut self) -> impl Iterator<Item = (HubId, Vec<Op>)> {
        let hubs = self.ops.iter_mut().enumerate().filter(|(_, ops)| !ops.is_empty());
        hubs.map(|(hub, ops)| (HubId(hub), mem::take(ops)))
    }

    /// Takes what the other nodes are sent.
    pub fn take_bus_ops(&mut self) -> Vec<BusOp> {
        mem::take(&mut self.bus)
    }

    /// The subscriptions that could not be passed on, which must not be lost: they come before everything else next time.
    /// Returns how many others are lost.
    pub fn keep_subscriptions(&mut self, mut refused: Vec<BusOp>) -> u64 {
        let before = refused.len();
        refused.retain(|op| !matches!(op, BusOp::Publish(..)));
        let lost = before - refused.len();
        self.bus.splice(..0, refused);
        lost as u64
    }
}
