//! The messages that a [`Hub`](super::Hub) receives, and those that it sends to its sessions.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Message, WeakRecipient};

use crate::{
    actors::outbox::Outbox,
    chat::hub_op::Op,
    domain::{RoomId, SessionId, Timestamp, UserId},
    protocol::push::Encoding,
};

/// `ChatServer` → [`Hub`](super::Hub), once per turn: what this worker's sessions receive, in order. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Apply(pub Vec<Op>);

/// A session → its [`Hub`](super::Hub) (same thread), before anything can be sent to it. No answer.
#[derive(Message)]
#[rtype(result = "()")]
pub struct OpenSession {
    pub session: SessionId,
    pub user: UserId,
    /// Where its frames wait.
    pub outbox: Arc<Outbox>,
    /// How its frames are written.
    pub encoding: Encoding,
    /// Where the hub reports the outcome of its entries and that it ends.
    pub notices: WeakRecipient<SessionNotice>,
    /// When its token expires.
    pub ends_at: Timestamp,
}

/// A session → its [`Hub`](super::Hub), when its client has shown a fresh token. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RenewSession {
    pub session: SessionId,
    /// When that token expires.
    pub ends_at: Timestamp,
}

/// A session → its [`Hub`](super::Hub), when it has ended. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CloseSession(pub SessionId);

/// The server → each [`Hub`](super::Hub), once: notifies every session that the server shuts down, a slice at a time. No
/// answer: the server watches the sessions go.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct DrainSessions {
    /// How long the notices are spread over, so that the clients don't all reconnect at once.
    pub spread: Duration,
    /// How long a session may wait for its unanswered events before it is closed without them.
    pub patience: Duration,
}

/// [`Hub`](super::Hub) → a session: something happened to it. No answer.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct SessionNotice {
    /// Which one: a connection of Socket.IO has several.
    pub session: SessionId,
    /// What happened to it.
    pub notice: HubNotice,
}

/// What happened to a session.
#[derive(Debug, Clone)]
pub enum HubNotice {
    /// What became of an entry; `false` also when it was taken out later.
    Joined {
        room: RoomId,
        /// Whether it is in.
        entered: bool,
    },
    /// It has taken an earlier session up, and is in these rooms again, the last one entered last.
    Resumed(Vec<RoomId>),
    /// Its client has reconnected with another connection, and a DISCONNECT is in its outbox.
    TakenOver,
    /// It is to ping its client. The plain wire alone; Engine.IO has a heartbeat of its own.
    PingDue,
    /// The heartbeat timeout after a ping has ended. The plain wire alone.
    PongDue {
        /// When it was pinged.
        pinged: Instant,
    },
    /// Its token has expired, unless a fresh one came in the meantime.
    TokenExpired {
        /// When the one ended that the hub knows of.
        ended_at: Timestamp,
    },
    /// The server shuts down: finish the events that were accepted, within this time, then close.
    Draining(Duration),
    /// It ends now: its last frame is already in its outbox, or its socket is closed.
    Ending,
}
