//! What a [`DbExecutor`](super::DbExecutor) is asked.

use std::fmt;

use tokio::sync::OwnedSemaphorePermit;

use crate::{
    db::{Connection, DbError, MessagePage, Messages, RoomState, RoomWrite, WriteError, Written},
    domain::{RoomId, UserId},
    metrics::GaugeGuard,
};

/// A place in the database's queue, given back by its drop: a `SyncArbiter` queues without a bound of its own.
#[derive(Debug)]
pub struct Permit {
    pub(super) _place: OwnedSemaphorePermit,
    pub(super) _gauge: GaugeGuard,
}

/// Asks of each pair whether the user is one of the two members of the room, now.
///
/// `ChatServer` → a reader, before each event under `--authorize every-message`. Answers `false` for a stranger, for a
/// room that does not exist and for a member who was removed. Fails when the database can't answer.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<Vec<bool>, DbError>")]
pub struct Authorize {
    /// Which rooms, and who.
    pub asked: Vec<(RoomId, UserId)>,
    /// The place in the queue.
    pub permit: Permit,
}

/// What a room in memory needs; `None` when there is no such room.
pub type Loaded = Result<Option<RoomState>, DbError>;

/// Asks for all that rooms in memory need: their two members, their product, how far they have come.
///
/// `ChatServer` → a reader, when someone first enters a room. Answers for each of them, in order. Fails when the database can't
/// answer.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<Vec<Loaded>, DbError>")]
pub struct LoadRooms {
    /// Which rooms, each once.
    pub rooms: Vec<RoomId>,
    /// The place in the queue.
    pub permit: Permit,
}

/// Asks for a page of the history of each room.
///
/// `ChatServer` → a reader, for each entry into a room. Answers for each of them, in order. Fails when the database can't answer.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<Vec<Result<Messages, DbError>>, DbError>")]
pub struct ReadHistories {
    /// Which rooms, and which page of each.
    pub asked: Vec<(RoomId, MessagePage)>,
    /// The place in the queue.
    pub permit: Permit,
}

/// Stores a batch of changes in one transaction.
///
/// `ChatServer` → the writer, one at a time: while one commits the next gathers. Answers with one outcome for each change,
/// in order, after the commit. Fails as a whole when nothing of it was stored.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<Vec<Result<Written, WriteError>>, DbError>")]
pub struct CommitBatch {
    /// The changes, in the order in which they came.
    pub writes: Vec<RoomWrite>,
}

/// Something to do on a connection.
pub type Operation<T> = Box<dyn FnOnce(&mut Connection) -> Result<T, DbError> + Send>;

/// An operation of `db/` that REST needs: a list, a search, a lookup.
///
/// HTTP handlers → a reader, or the writer for the few that change something outside a room. Answers with what it returns.
#[derive(actix::Message)]
#[rtype(result = "Result<T, DbError>")]
pub struct Run<T: Send + 'static> {
    /// What to do.
    pub operation: Operation<T>,
    /// The place in the queue.
    pub permit: Permit,
}

impl<T: Send + 'static> fmt::Debug for Run<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Run")
    }
}
