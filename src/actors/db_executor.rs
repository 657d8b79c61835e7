//! `DbExecutor`: the database behind a few threads of its own, so that nobody else ever waits for a disk.
//!
//! Readers serve authorization, history and lists; one writer serves the batches. SQLite has one writer at a time anyway,
//! and with readers beside it a long commit never delays an entry.

pub mod messages;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use actix::{Actor, Addr, Handler, SyncArbiter, SyncContext};
use tokio::sync::Semaphore;

use crate::{
    db::{self, Connection, DbError, MessagePage, Messages, Pool, RoomWrite, WriteError, Written},
    domain::{RoomId, UserId},
    metrics::{GaugeGuard, Metrics},
};
use messages::{Authorize, CommitBatch, LoadRooms, Loaded, Permit, ReadHistories, Run};

/// Operations that may wait for the readers. At 50 µs each this is a tenth of a second's work.
const READS_QUEUED_MAX: usize = 4096;

/// REST's own changes that may wait for the writer, beside the one batch that is in flight.
const WRITES_QUEUED_MAX: usize = 256;

/// How long an operation waits for a place in the queue before it fails as unavailable.
const QUEUE_WAIT_MAX: Duration = Duration::from_secs(5);

/// One thread of the database.
#[derive(Debug)]
pub struct DbExecutor {
    pool: Pool,
}

impl Actor for DbExecutor {
    type Context = SyncContext<Self>;
}

impl DbExecutor {
    /// Runs one operation. A panic would cost the thread for good, so it becomes an error.
    fn run<T>(&self, operation: impl FnOnce(&mut Connection) -> Result<T, DbError>) -> Result<T, DbError> {
        catch_unwind(AssertUnwindSafe(|| operation(&mut *self.pool.get()?)))
            .unwrap_or_else(|_| Err(DbError::Internal("an operation panicked".into())))
    }
}

impl Handler<Authorize> for DbExecutor {
    type Result = Result<Vec<bool>, DbError>;

    fn handle(&mut self, ask: Authorize, _: &mut Self::Context) -> Self::Result {
        self.run(|conn| match ask.asked.as_slice() {
            // Alone it costs one statement, and not two.
            [(room, user)] => Ok(vec![db::is_member(conn, room, user)?]),
            asked => db::find_members(conn, asked),
        })
    }
}

impl Handler<LoadRooms> for DbExecutor {
    type Result = Result<Vec<Loaded>, DbError>;

    fn handle(&mut self, ask: LoadRooms, _: &mut Self::Context) -> Self::Result {
        self.run(|conn| {
            let rooms = db::load_rooms(conn, &ask.rooms)?;
            Ok(rooms.into_iter().map(|(_, state)| state).collect())
        })
    }
}

impl Handler<ReadHistories> for DbExecutor {
    type Result = Result<Vec<Result<Messages, DbError>>, DbError>;

    fn handle(&mut self, ask: ReadHistories, _: &mut Self::Context) -> Self::Result {
        self.run(|conn| db::list_histories(conn, &ask.asked))
    }
}

impl Handler<CommitBatch> for DbExecutor {
    type Result = Result<Vec<Result<Written, WriteError>>, DbError>;

    fn handle(&mut self, batch: CommitBatch, _: &mut Self::Context) -> Self::Result {
        self.run(|conn| db::write_batch(conn, &batch.writes))
    }
}

impl<T: Send + 'static> Handler<Run<T>> for DbExecutor {
    type Result = Result<T, DbError>;

    fn handle(&mut self, run: Run<T>, _: &mut Self::Context) -> Self::Result {
        self.run(run.operation)
    }
}

/// The way to the database for everyone else. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    readers: Addr<DbExecutor>,
    writer: Addr<DbExecutor>,
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Database {
    /// Starts the threads: `readers` of them, and one that writes.
    #[must_use]
    pub fn start(pool: &Pool, readers: usize, metrics: Arc<Metrics>) -> Self {
        let start = |threads: usize| {
            let pool = pool.clone();
            SyncArbiter::start(threads, move || DbExecutor { pool: pool.clone() })
        };
        Self {
            readers: start(readers),
            writer: start(1),
            reads: Arc::new(Semaphore::new(READS_QUEUED_MAX)),
            writes: Arc::new(Semaphore::new(WRITES_QUEUED_MAX)),
            metrics,
        }
    }

    async fn permit(&self, places: &Arc<Semaphore>) -> Result<Permit, DbError> {
        let place = tokio::time::timeout(QUEUE_WAIT_MAX, Arc::clone(places).acquire_owned()).await;
        match place {
            Ok(Ok(place)) => Ok(Permit { _place: place, _gauge: GaugeGuard::raise(&self.metrics.database_queue) }),
            _ => Err(DbError::Unavailable("the queue is full".into())),
        }
    }

    async fn read_permit(&self) -> Result<Permit, DbError> {
        let permit = self.permit(&self.reads).await?;
        self.metrics.database_reads.inc();
        Ok(permit)
    }

    /// Whether a user is a member of a room, now. See [`Authorize`].
    ///
    /// # Errors
    /// [`DbError`] when the database can't answer.
    pub async fn authorize(&self, room: RoomId, user: UserId) -> Result<bool, DbError> {
        Ok(self.authorize_all(vec![(room, user)]).await?.contains(&true))
    }

    /// The same for several, in order.
    ///
    /// # Errors
    /// [`DbError`] when the database can't answer.
    pub async fn authorize_all(&self, asked: Vec<(RoomId, UserId)>) -> Result<Vec<bool>, DbError> {
        let permit = self.read_permit().await?;
        answered(self.readers.send(Authorize { asked, permit }).await)
    }

    /// The state of rooms, in order. See [`LoadRooms`].
    ///
    /// # Errors
    /// [`DbError`] when the database can't answer.
    pub async fn load_rooms(&self, rooms: Vec<RoomId>) -> Result<Vec<Loaded>, DbError> {
        let permit = self.read_permit().await?;
        answered(self.readers.send(LoadRooms { rooms, permit }).await)
    }

    /// Pages of histories, in order. See [`ReadHistories`].
    ///
    /// # Errors
    /// [`DbError`] when the database can't answer.
    pub async fn read_histories(
        &self,
        asked: Vec<(RoomId, MessagePage)>,
    ) -> Result<Vec<Result<Messages, DbError>>, DbError> {
        let permit = self.read_permit().await?;
        answered(self.readers.send(ReadHistories { asked, permit }).await)
    }

    /// Stores a batch. See [`CommitBatch`]. The caller has at most one in flight, which is what bounds this queue.
    ///
    /// # Errors
    /// [`DbError`] when nothing of it was stored.
    pub async fn commit(&self, writes: Vec<RoomWrite>) -> Result<Vec<Result<Written, WriteError>>, DbError> {
        answered(self.writer.send(CommitBatch { writes }).await)
    }

    /// Runs an operation on a reader. See [`Run`].
    ///
    /// # Errors
    /// The operation's own, or [`DbError`] when the database can't answer.
    pub async fn read<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let permit = self.read_permit().await?;
        answered(self.readers.send(Run { operation: Box::new(operation), permit }).await)
    }

    /// Runs an operation on the writer. See [`Run`].
    ///
    /// # Errors
    /// The operation's own, or [`DbError`] when the database can't answer.
    pub async fn write<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let permit = self.permit(&self.writes).await?;
        answered(self.writer.send(Run { operation: Box::new(operation), permit }).await)
    }
}

/// A mailbox error means that the thread is gone, which happens only while the process ends.
fn answered<T>(answer: Result<Result<T, DbError>, actix::MailboxError>) -> Result<T, DbError> {
    answer.unwrap_or_else(|_| Err(DbError::Unavailable("the thread is gone".into())))
}
