//! What the chat's core causes: what hubs deliver, what the database is asked and stores, what other nodes are sent, and what
//! is to happen later. Whoever drives the core carries it out.

mod fan_out;

use std::{mem, time::Duration};

use bytes::Bytes;

use super::{in_flight::Slot, reads::DbRead, timers::Timer};
use crate::{
    broker::{NodeEvent, Topic},
    db::RoomWrite,
    domain::{RoomId, Seq, SessionId, Timestamp, UserId},
    error::{ChatError, CloseCode},
    protocol::{
        json::RequestId,
        push::{Position, Push},
    },
};

/// What has gathered and is to be carried out.
#[derive(Debug, Default)]
pub struct Effects {
    /// By hub, in the order in which things happened. They may gather until the end of a turn, so that a hub wakes up once.
    ops: Vec<Vec<Op>>,
    /// What the other nodes are sent, in order. The same.
    bus: Vec<BusOp>,
    /// To be stored in one transaction, at once: its outcome comes back as [`Input::Committed`](super::Input::Committed).
    pub commit: Option<Vec<RoomWrite>>,
    /// To be read at once, each by itself: the answer comes back as [`Input::Answered`](super::Input::Answered).
    pub reads: Vec<DbRead>,
    /// What comes back as [`Input::Due`](super::Input::Due) when its time has come.
    pub timers: Vec<(When, Timer)>,
}

/// When a timer is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// After so much time; after nothing, when everything that waits already had its turn.
    After(Duration),
    /// When the clock shows this.
    At(Timestamp),
}

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
    /// A message was edited or taken back: anyone who is about to enter gets it behind the history.
    Change,
    /// How things stand right now: anyone who is about to enter learns it from the answer.
    State,
    /// The same, for what is over soon by itself: it is left out for a client that has much unread.
    Typing,
}

/// One thing for a hub to do.
#[derive(Debug)]
pub enum Op {
    /// Answers the CONNECT of a namespace: the session is registered.
    Welcome {
        /// The session.
        session: SessionId,
        /// Its id for the client.
        sid: String,
        /// Its secret, and the place in the order of commits that its client has everything up to.
        recovery: Option<(String, Position)>,
    },
    /// Answers the CONNECT of a session that takes an earlier one up: what was missed, then what was held back.
    Resume {
        /// The session.
        session: SessionId,
        /// Its id for the client, as it was.
        sid: String,
        /// Its secret, as it was.
        pid: String,
        /// What was missed in all of its rooms, in the order of the commits.
        messages: Vec<Push>,
        /// Its rooms, and the last `seq` of each that the snapshot knew.
        rooms: Vec<(RoomId, Seq)>,
    },
    /// Ends a session whose client has come back with another connection.
    TakeOver {
        /// The session.
        session: SessionId,
    },
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
    /// Delivers events to a room's sessions: to each session all of them, in their order.
    Deliver {
        /// The room.
        room: RoomId,
        /// The event.
        event: RoomEvent,
        /// What follows it in the same room.
        more: Vec<RoomEvent>,
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

/// An event for the sessions of a room.
#[derive(Debug)]
pub struct RoomEvent {
    /// How it stands to the room's history.
    pub kind: Delivery,
    /// The event.
    pub push: Push,
    /// The user who caused it and needs no copy.
    pub except: Option<UserId>,
    /// The slot of the one whose request brought it about and is not answered otherwise: free again when it is delivered.
    pub slot: Option<Slot>,
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
