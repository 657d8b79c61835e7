//! `DbExecutor`: runs database operations on a few threads of its own, so that no other thread waits for a disk.
//!
//! Readers serve authorization, history and lists; one writer serves the batches. SQLite has one writer at a time anyway,
//! and with readers next to it a long commit never delays an entry. A turnstile in front of each decides which operation is
//! served next.

pub mod messages;
pub mod purpose;
mod turnstile;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::{Actor, Addr, Handler, SyncArbiter, SyncContext};
use tokio::sync::oneshot;

use crate::{
    db::{
        self, Connection, DbError, DbFailure, Pool, PooledConnection, Scope, Settled, SignIn, Tail, TailProgress,
        Unsettled, Write, WriteError, Written,
    },
    domain::{Account, RoomId, Timestamp, UserId, staff::ends_at},
    error::{ChatError, ErrorCode},
    metrics::{self, GaugeGuard, Metrics, SharedThread, Step},
};
use messages::Perform;
use purpose::{Purpose, Reading, Writing};
use turnstile::{Lane, Permit, Turnstile};

/// How long an operation waits for its turn before it fails as unavailable.
const QUEUE_WAIT_MAX: Duration = Duration::from_secs(5);

/// Operations of one user that wait: checks, lists, heavy ones, changes. The marketplace's backend may have 16 times as many.
const CHECKS_WAITING_MAX: usize = 64;
const LISTS_WAITING_MAX: usize = 16;
const HEAVY_WAITING_MAX: usize = 4;
const CHANGES_WAITING_MAX: usize = 16;

/// Messages that are settled at a time.
const SLICE_MESSAGES: usize = 128;

/// When a user with too many waiting may ask again.
const RETRY_AFTER_MS: u64 = 250;
const HEAVY_RETRY_AFTER_MS: u64 = 1000;

/// One thread of the database.
#[derive(Debug)]
pub struct DbExecutor {
    pool: Pool,
    thread: SharedThread,
    /// The writer's own connection to a SQLite file, and what it keeps of the tail.
    held: Option<PooledConnection>,
    tail: Tail,
    /// Of the writer: see [`Database::is_commit_failing`].
    is_commit_failing: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

type Run = dyn FnOnce(&mut DbExecutor, Permit<DatabaseJob>) + Send;

/// An operation that ends its turn and then answers.
pub struct DatabaseJob(Box<Run>);

impl Actor for DbExecutor {
    type Context = SyncContext<Self>;
}

impl DbExecutor {
    /// Runs one operation. A panic would cost the thread for good, so it becomes an error.
    fn run<T, E: DbFailure>(
        &mut self,
        operation: impl FnOnce(&mut Connection, &mut Tail) -> Result<T, E>,
    ) -> Result<T, E> {
        let held = self.held.take();
        let run = AssertUnwindSafe(|| {
            let is_same = held.is_some();
            let mut conn = held.map_or_else(|| self.pool.get(), Ok)?;
            if !is_same {
                self.tail.distrust();
            }
            let outcome = operation(&mut conn, &mut self.tail);
            if self.thread == SharedThread::Writer && matches!(*conn, Connection::Sqlite(_)) && !conn.is_broken() {
                self.held = Some(conn);
            }
            outcome
        });
        catch_unwind(run).unwrap_or_else(|_| Err(DbError::Internal("an operation panicked".into()).into()))
    }

    /// Runs one operation in its turn, and charges its account with the time.
    fn run_in_turn<T, E: DbFailure>(
        &mut self,
        kind: &'static str,
        mut turn: Permit<DatabaseJob>,
        operation: impl FnOnce(&mut Connection, &mut Tail) -> Result<T, E>,
    ) -> Result<T, E> {
        let step = Step::begin(&self.metrics, self.thread, kind);
        let outcome = self.run(operation);
        turn.took = step.end();
        if self.thread == SharedThread::Writer {
            self.note_commit(&outcome);
        }
        outcome
    }

    fn note_commit<T>(&self, outcome: &Result<T, impl DbFailure>) {
        let error = outcome.as_ref().err().and_then(DbFailure::db_error);
        // What fails on its own account says nothing of the database.
        let failed = matches!(error, Some(DbError::Unavailable(_) | DbError::Corrupt(_)));
        if failed || error.is_none() {
            self.is_commit_failing.store(failed, Ordering::Release);
        }
    }
}

impl Handler<Perform> for DbExecutor {
    type Result = ();

    fn handle(&mut self, Perform { job: DatabaseJob(job), turn }: Perform, _: &mut Self::Context) {
        job(self, turn);
    }
}

/// The way to the database for everyone else. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    readers: Arc<Turnstile<DatabaseJob>>,
    writer: Arc<Turnstile<DatabaseJob>>,
    /// What the writer has to settle before others can read it.
    unsettled: Arc<Unsettled>,
    /// The last commit failed, though the database may answer: its disk is full or broken, or another process holds its
    /// lock.
    is_commit_failing: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

impl Database {
    /// Starts the threads: `readers` of them, and one that writes.
    #[must_use]
    pub fn start(pool: &Pool, readers: usize, metrics: Arc<Metrics>) -> Self {
        let is_commit_failing = Arc::new(AtomicBool::new(false));
        let unsettled = Arc::new(Unsettled::default());
        let start = |threads: usize, thread: SharedThread| {
            let (pool, metrics) = (pool.clone(), Arc::clone(&metrics));
            let is_commit_failing = Arc::clone(&is_commit_failing);
            let unsettled = Arc::clone(&unsettled);
            SyncArbiter::start(threads, move || DbExecutor {
                pool: pool.clone(),
                thread,
                held: None,
                tail: Tail::new(Arc::clone(&unsettled)),
                is_commit_failing: Arc::clone(&is_commit_failing),
                metrics: Arc::clone(&metrics),
            })
        };
        Self {
            readers: turnstile(start(readers, SharedThread::Reader), readers, read_lanes(readers)),
            writer: turnstile(start(1, SharedThread::Writer), 1, write_lanes()),
            unsettled,
            is_commit_failing,
            metrics,
        }
    }

    /// Whether a user is a member of a room, now.
    ///
    /// # Errors
    /// [`DbError`] when the database can't answer.
    pub async fn authorize(&self, room: RoomId, user: UserId) -> Result<bool, DbError> {
        let purpose = Reading::check(user.clone(), "authorize");
        self.read(purpose, Scope::Nothing, move |conn| db::is_member(conn, &room, &user)).await
    }

    /// Whether a user may send something to a room, now: a member, or somebody of the staff who has joined it, where their token
    /// says so.
    ///
    /// # Errors
    /// [`DbError`] when the database can't answer.
    pub async fn may_send(&self, room: RoomId, user: UserId, is_staff: bool) -> Result<bool, DbError> {
        let purpose = Reading::check(user.clone(), "authorize");
        let find = move |conn: &mut Connection| {
            Ok(db::is_member(conn, &room, &user)? || is_staff && db::is_room_staff(conn, &room, &user)?)
        };
        self.read(purpose, Scope::Nothing, find).await
    }

    /// Refuses a user who was removed or is banned: their token may be valid for hours. Asked for each request, handshake and
    /// CONNECT.
    ///
    /// # Errors
    /// `forbidden` for one who was removed, `banned` for one who is, and what stands in the way of the database's answer.
    pub async fn check_sign_in(&self, user: &UserId, now: Timestamp) -> Result<(), ChatError> {
        let purpose = Reading::check(user.clone(), "find_sign_in");
        let user = user.clone();
        match self.read(purpose, Scope::Nothing, move |conn| db::find_sign_in(conn, &user, now)).await? {
            SignIn::Allowed => Ok(()),
            SignIn::Removed => Err(ChatError::new(ErrorCode::Forbidden, "this user was removed")),
            SignIn::BannedUntil(until) => Err(ChatError::banned(ends_at(until))),
        }
    }

    /// What the `ChatServer` itself needs to know, for everyone.
    ///
    /// # Errors
    /// The operation's own, or [`DbError`] when the database can't answer.
    pub async fn read_for_all<T: Send + 'static>(
        &self,
        kind: &'static str,
        scope: Scope,
        operation: impl FnOnce(&mut Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        self.read(Reading::entry(kind), scope, operation).await
    }

    /// Stores a batch of changes in one transaction: one outcome for each, in order, after the commit. The caller has at
    /// most one in flight. This bounds the queue. There is no deadline.
    ///
    /// # Errors
    /// [`DbError`] when nothing of it was stored.
    pub async fn commit(
        &self,
        writes: Vec<Write>,
        now: Timestamp,
    ) -> Result<Vec<Result<Written, WriteError>>, DbError> {
        let purpose = Writing::commit();
        let write = move |conn: &mut Connection, tail: &mut Tail| db::write_deferred(conn, tail, &writes, now);
        self.perform(&self.writer, &purpose.account, purpose.lane as usize, purpose.kind, None, write).await
    }

    /// Runs an operation of `db/` on a reader, once the messages that it concerns are settled.
    ///
    /// # Errors
    /// The operation's own, or [`DbError`] when the database can't answer, or the account has too much waiting.
    pub async fn read<T: Send + 'static, E: DbFailure>(
        &self,
        purpose: Reading,
        scope: Scope,
        operation: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.metrics.database_reads.inc();
        let Purpose { account, lane, kind } = purpose;
        let is_settled = match self.settle(&account, scope).await {
            Ok(()) => true,
            // Reading goes on. Any other refusal is the reader's own: it has too much waiting, or had no turn in time.
            Err(_) if self.is_commit_failing() => false,
            Err(error) => return Err(error.into()),
        };
        let operation = move |conn: &mut Connection, _: &mut Tail| match is_settled {
            true => operation(conn),
            false => db::read_unsettled(conn, operation),
        };
        self.perform(&self.readers, &account, lane as usize, kind, Some(QUEUE_WAIT_MAX), operation).await
    }

    /// Settles messages that an operation concerns, if any wait.
    async fn settle(&self, account: &Account, scope: Scope) -> Result<(), DbError> {
        if !self.unsettled.concerns(&scope) {
            return Ok(());
        }
        if self.is_commit_failing() {
            return Err(DbError::Unavailable("no commit succeeds".into()));
        }
        if scope == Scope::Everything {
            return self.settle_all_so_far(account).await;
        }
        let Purpose { lane, kind, .. } = Writing::settle();
        let settle = move |conn: &mut Connection, tail: &mut Tail| tail.settle(conn, &scope);
        self.perform(&self.writer, account, lane as usize, kind, Some(QUEUE_WAIT_MAX), settle).await
    }

    /// Settles all messages that were committed before this call, in slices, for somebody who waits for it.
    ///
    /// # Errors
    /// [`DbError`] when the database does not answer.
    pub async fn settle_all_so_far(&self, account: &Account) -> Result<(), DbError> {
        let newest = self.unsettled.progress().newest;
        while !self.settle_some(account).await?.is_empty && self.unsettled.progress().settled_before <= newest {}
        Ok(())
    }

    /// Settles some of the messages that wait: a slice of about a millisecond.
    ///
    /// # Errors
    /// [`DbError`] when the database does not answer.
    pub async fn settle_some(&self, account: &Account) -> Result<Settled, DbError> {
        let Purpose { lane, kind, .. } = Writing::settle();
        let settle = |conn: &mut Connection, tail: &mut Tail| tail.settle_some(conn, SLICE_MESSAGES);
        self.perform(&self.writer, account, lane as usize, kind, Some(QUEUE_WAIT_MAX), settle).await
    }

    /// How far messages are settled.
    #[must_use]
    pub fn tail_progress(&self) -> TailProgress {
        self.unsettled.progress()
    }

    /// Runs an operation of `db/` on the writer, once the messages that it concerns are settled: one of the few that change
    /// something outside a room.
    ///
    /// # Errors
    /// As [`Database::read`].
    pub async fn write<T: Send + 'static, E: DbFailure>(
        &self,
        purpose: Writing,
        scope: Scope,
        operation: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let Purpose { account, lane, kind } = purpose;
        let operation = move |conn: &mut Connection, tail: &mut Tail| {
            tail.settle(conn, &scope)?;
            operation(conn)
        };
        self.perform(&self.writer, &account, lane as usize, kind, Some(QUEUE_WAIT_MAX), operation).await
    }

    /// Whether the last change failed because of the database, and none has succeeded since.
    #[must_use]
    pub fn is_commit_failing(&self) -> bool {
        self.is_commit_failing.load(Ordering::Acquire)
    }

    async fn perform<T: Send + 'static, E: DbFailure>(
        &self,
        turnstile: &Arc<Turnstile<DatabaseJob>>,
        account: &Account,
        lane: usize,
        kind: &'static str,
        wait_max: Option<Duration>,
        operation: impl FnOnce(&mut Connection, &mut Tail) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let (reply, mut answer) = oneshot::channel();
        let gauge = GaugeGuard::raise(&self.metrics.database_queue);
        let job = DatabaseJob(Box::new(move |executor, turn| {
            let outcome = executor.run_in_turn(kind, turn, operation);
            drop(gauge);
            // The caller may have given up.
            let _ = reply.send(outcome);
        }));
        let ticket = turnstile.enter(account, lane, job).inspect_err(|error| {
            if matches!(error, DbError::RateLimited { .. }) {
                metrics::count(&self.metrics.rate_limited, "database_waiting");
            }
        })?;
        if let (Some(ticket), Some(wait_max)) = (&ticket, wait_max) {
            if let Ok(answer) = tokio::time::timeout(wait_max, &mut answer).await {
                return answered(answer);
            }
            if ticket.withdraw() {
                return Err(DbError::Unavailable("it had no turn in time".into()).into());
            }
        }
        answered(answer.await)
    }
}

/// Access to a group of threads, in turn.
fn turnstile<const N: usize>(threads: Addr<DbExecutor>, count: usize, lanes: [Lane; N]) -> Arc<Turnstile<DatabaseJob>> {
    Arc::new(Turnstile::new(count, lanes, move |job, turn: Permit<DatabaseJob>| {
        if !threads.connected() {
            // The process ends: everything that waits gets this answer.
            turn.close();
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "the turnstile hands out as many turns as there are threads")]
        threads.do_send(Perform { job, turn });
    }))
}

/// By [`ReadLane`](purpose::ReadLane): lists and heavy work leave a reader for entries, and one reader does all heavy work.
fn read_lanes(readers: usize) -> [Lane; 4] {
    let all_but_one = readers.saturating_sub(1).max(1);
    let lane = |threads_max, waiting_max, retry_after_ms| Lane { threads_max, waiting_max, retry_after_ms };
    [
        lane(readers, usize::MAX, RETRY_AFTER_MS),
        lane(readers, CHECKS_WAITING_MAX, RETRY_AFTER_MS),
        lane(all_but_one, LISTS_WAITING_MAX, RETRY_AFTER_MS),
        lane(1, HEAVY_WAITING_MAX, HEAVY_RETRY_AFTER_MS),
    ]
}

/// By [`WriteLane`](purpose::WriteLane).
fn write_lanes() -> [Lane; 4] {
    [usize::MAX, CHECKS_WAITING_MAX, CHANGES_WAITING_MAX, usize::MAX].map(|waiting_max| Lane {
        threads_max: 1,
        waiting_max,
        retry_after_ms: RETRY_AFTER_MS,
    })
}

/// No answer means that the thread has ended, which happens only while the process ends.
fn answered<T, E: DbFailure>(answer: Result<Result<T, E>, oneshot::error::RecvError>) -> Result<T, E> {
    answer.unwrap_or_else(|_| Err(DbError::Unavailable("the thread is gone".into()).into()))
}

#[cfg(test)]
mod tests;
