//! What can happen to the chat: a session wants something, the database has answered or committed, another node has said
//! something, or a time has come.

use std::time::{Duration, Instant};

use super::{
    db_read::DbAnswer,
    request::{Answer, ReplyTo, SessionEvent},
    timer::Timer,
};
use crate::{
    broker::{Envelope, NodeId},
    db::{DbError, WriteError, Written},
    domain::{RoomId, Timestamp, UserId},
    error::ChatError,
};

/// One thing that happens.
#[derive(Debug)]
pub enum Input {
    /// The chat begins: what is unfinished in the database is looked for.
    Started,
    /// This server is a node among others, under this name. At most once, after the start.
    Clustered(NodeId),
    /// A session, or a request of REST, wants something.
    Session(SessionEvent),
    /// A room was stored: both members' sessions are notified.
    RoomOpened(RoomId),
    /// All sessions of a user end now, whatever the database does.
    EndSessions(UserId),
    /// Something that never reached the chat, or that it has answered elsewhere, gets its answer.
    Reply(ReplyTo, Result<Answer, ChatError>),
    /// What was to be stored is stored, or is not: an outcome for each change, in order.
    Committed {
        /// The outcomes, or why nothing was stored.
        outcome: Result<Vec<Result<Written, WriteError>>, DbError>,
        /// How long it took.
        took: Duration,
    },
    /// The database has answered a [`Read`](super::db_read::DbRead).
    Answered(DbAnswer),
    /// What other nodes have sent, in the order in which each of them sent it in each topic.
    NodeEvents(Vec<Envelope>),
    /// The connection to other nodes came or went, or has lost something.
    LinkChanged {
        /// Whether there is one now.
        up: bool,
    },
    /// A timer's time has come.
    Due(Timer),
    /// Nothing else waits: what has gathered is to go out.
    TurnEnded,
}

impl Input {
    /// Its name in the log.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Clustered(_) => "clustered",
            Self::Session(event) => event.kind(),
            Self::RoomOpened(_) => "announce",
            Self::EndSessions(_) => "end_sessions",
            Self::Reply(..) => "reply",
            Self::Committed { .. } => "batch_committed",
            Self::Answered(answered) => answered.kind(),
            Self::NodeEvents(_) => "arrived",
            Self::LinkChanged { .. } => "link_changed",
            Self::Due(timer) => timer.kind(),
            Self::TurnEnded => "flush",
        }
    }
}

/// When something happens.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// By the clock.
    pub wall: Timestamp,
    /// By a clock that never jumps.
    pub at: Instant,
}

/// How much of what was accepted is not finished.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unfinished {
    /// Sessions: what one sent last comes with its end at the latest.
    pub sessions: usize,
    /// Changes that wait for the writer, or that it has.
    pub changes: usize,
    /// Events of sessions that wait for their turn.
    pub events: usize,
    /// Rooms that are being read.
    pub rooms: usize,
    /// Members who are being authorized.
    pub members: usize,
}

impl Unfinished {
    /// Whether nothing is left.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
