//! What a hub does for its sessions.

use bytes::Bytes;

use super::in_flight::Slot;
use crate::{
    domain::{RoomId, Seq, SessionId, UserId},
    error::{ChatError, CloseCode},
    protocol::{
        json::RequestId,
        push::{Position, Push},
    },
};

/// Which hub: its place in the `ChatServer`'s list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HubId(pub usize);

/// Who sent an event and where its answer goes.
#[derive(Debug)]
pub struct Asker {
    pub session: SessionId,
    pub hub: HubId,
    /// The client's mark of the request; without one only a failure is sent, as an `error` event.
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
    /// A message was edited or taken back: anyone who is about to enter gets it after the history.
    Change,
    /// How things stand right now: anyone who is about to enter learns it from the answer.
    State,
    /// The same, for what ends soon by itself: it is left out for a client that has much unread.
    Typing,
}

/// One thing for a hub to do.
#[derive(Debug)]
pub enum Op {
    /// Answers the CONNECT of a namespace: the session is registered.
    Welcome {
        session: SessionId,
        /// Its id for the client.
        sid: String,
        /// Its secret, and the place in the order of commits that its client has everything up to.
        recovery: Option<(String, Position)>,
    },
    /// Answers the CONNECT of a session that takes an earlier one up: what was missed, then what was held back.
    Resume {
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
    TakeOver { session: SessionId },
    /// Starts to hold a room's messages back for a session, until its history has been read.
    Attach { session: SessionId, room: RoomId },
    /// Answers an entry, then releases what was held back after `after`.
    Enter {
        /// The session and its request.
        asker: Asker,
        room: RoomId,
        /// The acknowledgement's data as JSON.
        answer: Bytes,
        /// The last `seq` that the answer's snapshot knew.
        after: Seq,
        /// The answer does not reach up to `after`: live messages would leave a hole, so none come until the client
        /// has asked for the rest.
        behind: bool,
    },
    RefuseEntry {
        /// The session and its request.
        asker: Asker,
        room: RoomId,
        error: ChatError,
    },
    /// Takes a session out of a room, and says why unless it asked for it.
    Detach {
        session: SessionId,
        room: RoomId,
        /// Why, when the session did not ask for it.
        error: Option<ChatError>,
    },
    /// Delivers events to a room's sessions: to each session all of them, in their order.
    Deliver {
        room: RoomId,
        event: RoomEvent,
        /// What follows it in the same room.
        more: Vec<RoomEvent>,
    },
    /// Delivers an event to some sessions, wherever they are.
    DeliverTo {
        sessions: Vec<SessionId>,
        /// The room whose state it shows. Such an event waits while the client has much unread, and only the newest of a
        /// room waits.
        state_of: Option<RoomId>,
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
        session: SessionId,
        /// What the client does about it.
        code: CloseCode,
        error: ChatError,
    },
}

/// An event for the sessions of a room.
#[derive(Debug)]
pub struct RoomEvent {
    /// How it stands to the room's history.
    pub kind: Delivery,
    pub push: Push,
    /// The user who caused it and needs no copy.
    pub except: Option<UserId>,
    /// The slot of the one whose request brought it about and is not answered otherwise: free again when it is delivered.
    pub slot: Option<Slot>,
}
