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

/// Asks whether a user is one of the two members of a room, now.
///
/// `ChatServer` → a reader, before each event under `--authorize every-message`. Answers `false` for a stranger, for a
/// room that does not exist and for a member who was removed. Fails when the database can't answer.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<bool, DbError>")]
pub struct Authorize {
    /// Which room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// The place in the queue.
    pub permit: Permit,
}

/// Asks for all that a room in memory needs: its two members, its product, how far it has come.
///
/// `ChatServer` → a reader, when someone first enters the room. Answers `None` when there is no such room. Fails when the
/// database can't answer.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<Option<RoomState>, DbError>")]
pub struct LoadRoom {
    /// Which room.
    pub room: RoomId,
    /// The place in the queue.
    pub permit: Permit,
}

/// Asks for a page of a room's history.
///
/// `ChatServer` → a reader, once for each entry into a room. Fails when the database can't answer.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<Messages, DbError>")]
pub struct ReadHistory {
    /// Which room.
    pub room: RoomId,
    /// Which page.
    pub page: MessagePage,
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
