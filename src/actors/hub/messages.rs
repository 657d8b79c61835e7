//! What a [`Hub`](super::Hub) is told, and what it tells its sessions.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Message, WeakRecipient};
use bytes::Bytes;

use crate::{
    actors::{in_flight::Slot, outbox::Outbox},
    domain::{RoomId, Seq, SessionId, Timestamp, UserId},
    error::{ChatError, CloseCode},
    protocol::{
        json::RequestId,
        push::{Encoding, Position, Push},
    },
};

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

/// `ChatServer` → [`Hub`](super::Hub), once a turn: what this worker's sessions receive, in order. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Apply(pub Vec<Op>);

/// A session → its [`Hub`](super::Hub) (same thread), before anything can be sent to it. No answer.
#[derive(Message)]
#[rtype(result = "()")]
pub struct OpenSession {
    /// Which one.
    pub session: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// Where its frames wait.
    pub outbox: Arc<Outbox>,
    /// How its frames are written.
    pub encoding: Encoding,
    /// Where the hub tells it what became of its entries and that it ends.
    pub notices: WeakRecipient<SessionNotice>,
    /// When its token expires.
    pub ends_at: Timestamp,
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

/// A session → its [`Hub`](super::Hub), when its client has shown a fresh token. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RenewSession {
    /// Which one.
    pub session: SessionId,
    /// When that token expires.
    pub ends_at: Timestamp,
}

/// A session → its [`Hub`](super::Hub), when it is over. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CloseSession(pub SessionId);

/// The server → each [`Hub`](super::Hub), once: tells every session that the server goes away, a slice at a time. No
/// answer: the server watches the sessions go.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct DrainSessions {
    /// Over how long the telling is spread, so that the clients don't all come back at once.
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
    /// What.
    pub notice: HubNotice,
}

/// What happened to a session.
#[derive(Debug, Clone)]
pub enum HubNotice {
    /// What became of an entry; `false` also when it was taken out later.
    Joined {
        /// The room.
        room: RoomId,
        /// Whether it is in.
        entered: bool,
    },
    /// It has taken an earlier session up, and is in these rooms again, the last one entered last.
    Resumed(Vec<RoomId>),
    /// Its client has come back with another connection, and a DISCONNECT is in its outbox.
    TakenOver,
    /// It is to ping its client. The plain wire alone; Engine.IO has a heartbeat of its own.
    PingDue,
    /// Its client's time for a sign of life after a ping is over. The plain wire alone.
    PongDue {
        /// When it was pinged.
        pinged: Instant,
    },
    /// Its token has expired, unless a fresh one came meanwhile.
    TokenExpired {
        /// When the one ended that the hub knows of.
        ended_at: Timestamp,
    },
    /// The server goes away: finish what was taken up, for so long at most, then close.
    Draining(Duration),
    /// It ends now: its last frame is already in its outbox, or its socket is gone.
    Ending,
}
