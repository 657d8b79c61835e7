//! `Eraser`: carries out erasures, one after the other, a few messages at a time.
//!
//! Each step goes to the `ChatServer` like any other change. It shares a commit with other writes, and clients that show the
//! messages are notified. Unfinished erasures are in the database, so a restart continues them. Of several nodes any one
//! can: each looks for what is left, and one at a time holds the lock.

pub mod messages;

use std::{
    collections::{HashMap, HashSet},
    future::ready,
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actix::{Actor, ActorFutureExt as _, Addr, AsyncContext, Context, Handler, ResponseFuture, WrapFuture};
use tokio::sync::oneshot;

use crate::{
    actors::{
        chat_server::{ChatServer, messages::SessionEvents},
        db_executor::{
            Database,
            purpose::{Reading, Writing},
        },
        image_sweeper, message_indexer,
    },
    chat::request::{Change, ReplyTo},
    clock::Clock,
    db::{self, DbError, ErasureProgress, JobLock, NodeJob, Write},
    domain::{Account, UserId},
    error::ChatError,
    images::ImageStore,
};
use messages::{Erase, StopEraser};

/// How long to wait after the database did not answer.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// How often it looks for erasures that nobody carries out: those of a node that has ended, and those that could not be
/// read.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// How long to wait while another node holds the lock.
const TURN_WAIT: Duration = Duration::from_secs(1);

/// Attempts in a row to empty the log: haggle's own readers leave it within milliseconds.
const LOG_TRIES: u32 = 10;

/// The pause between these.
const LOG_TRY_PAUSE: Duration = Duration::from_millis(50);

/// Backoff after all of these attempts have failed, at first and at most: then another process keeps a snapshot open.
const LOG_WAIT_MIN: Duration = Duration::from_secs(1);
const LOG_WAIT_MAX: Duration = Duration::from_secs(60);

/// How often the server's log reports it.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Why an erasure is not finished.
enum Interrupted {
    /// Something did not answer.
    Failed(ChatError),
    /// Nothing is left but in SQLite's log, which a reader of another process holds on to.
    LogInUse,
}

impl From<ChatError> for Interrupted {
    fn from(error: ChatError) -> Self {
        Self::Failed(error)
    }
}

impl From<DbError> for Interrupted {
    fn from(error: DbError) -> Self {
        Self::Failed(error.into())
    }
}

/// How the log of the database stands, which is emptied at the end of each erasure.
#[derive(Debug, Default)]
struct LogState {
    /// Users of whom nothing is left but in there.
    holds: HashSet<UserId>,
    /// When it is tried again, and how long that was put off.
    due: Option<Instant>,
    wait: Duration,
    logged_at: Option<Instant>,
}

impl LogState {
    /// It could not be emptied. Returns how long to wait.
    fn put_off(&mut self) -> Duration {
        let now = Instant::now();
        self.wait = (2 * self.wait).clamp(LOG_WAIT_MIN, LOG_WAIT_MAX);
        self.due = Some(now + self.wait);
        if self.logged_at.is_none_or(|at| now.duration_since(at) >= LOG_INTERVAL) {
            self.logged_at = Some(now);
            log::warn!(
                "{} erasures are not finished: another process keeps a snapshot of the database open",
                self.holds.len()
            );
        }
        self.wait
    }

    fn emptied(&mut self) {
        *self = Self::default();
    }
}

/// Carries out erasures.
#[derive(Debug)]
pub struct Eraser {
    chat: Addr<ChatServer>,
    database: Database,
    images: ImageStore,
    clock: Clock,
    /// The next users, and the requests that wait for them.
    wanted: HashMap<UserId, Vec<oneshot::Sender<()>>>,
    working: bool,
    log: LogState,
    /// Whether the step that is under way is the last.
    ends: Arc<AtomicBool>,
    /// The requests that wait for its end. It starts nothing new then.
    stopping: Vec<oneshot::Sender<()>>,
}

impl Eraser {
    /// An eraser that has not begun.
    #[must_use]
    pub fn new(chat: Addr<ChatServer>, database: Database, images: ImageStore, clock: Clock) -> Self {
        Self {
            chat,
            database,
            images,
            clock,
            wanted: HashMap::new(),
            working: false,
            log: LogState::default(),
            ends: Arc::default(),
            stopping: Vec::new(),
        }
    }

    /// Starts with every user requested so far: they share the last step.
    fn work(&mut self, ctx: &mut Context<Self>) {
        if self.working || self.wanted.is_empty() || self.ends.load(Ordering::Acquire) {
            return;
        }
        let waits_for_log = self.log.due.is_some_and(|due| Instant::now() < due);
        if waits_for_log && self.wanted.keys().all(|user| self.log.holds.contains(user)) {
            return;
        }
        self.working = true;
        let (users, waiting): (Vec<_>, Vec<_>) = mem::take(&mut self.wanted).into_iter().unzip();
        let erasure = Erasure {
            chat: self.chat.clone(),
            database: self.database.clone(),
            images: self.images.clone(),
            clock: self.clock.clone(),
            ends: Arc::clone(&self.ends),
        };
        let mut in_log = mem::take(&mut self.log.holds);
        let erase = async move {
            let outcome = erasure.run(users.clone(), &mut in_log).await;
            if matches!(outcome, Err(Interrupted::Failed(_))) && !erasure.ends.load(Ordering::Acquire) {
                tokio::time::sleep(RETRY_WAIT).await;
            }
            (users, in_log, outcome)
        };
        ctx.spawn(erase.into_actor(self).map(move |(users, in_log, outcome), eraser, ctx| {
            eraser.working = false;
            eraser.log.holds = in_log;
            if let Err(interrupted) = outcome {
                for (user, waiting) in users.into_iter().zip(waiting) {
                    eraser.wanted.entry(user).or_default().extend(waiting);
                }
                eraser.interrupted(interrupted, ctx);
            } else {
                eraser.log.emptied();
                for waiting in waiting.into_iter().flatten() {
                    // The request may have been cancelled in the meantime.
                    let _ = waiting.send(());
                }
            }
            eraser.tell_end();
            eraser.work(ctx);
        }));
    }

    fn interrupted(&mut self, interrupted: Interrupted, ctx: &mut Context<Self>) {
        match interrupted {
            Interrupted::Failed(error) => log::warn!("an erasure was interrupted and goes on: {error}"),
            Interrupted::LogInUse => drop(ctx.run_later(self.log.put_off(), Self::work)),
        }
    }

    /// Looks for unfinished erasures. Those that another node carries out have ended when this one gets the lock.
    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.working || self.ends.load(Ordering::Acquire) {
            return;
        }
        let database = self.database.clone();
        let unfinished = async move { database.read(list_erasures(), db::Scope::Nothing, db::list_erasures).await };
        ctx.spawn(unfinished.into_actor(self).map(|unfinished, eraser, ctx| match unfinished {
            Ok(users) => {
                for user in users {
                    eraser.wanted.entry(user).or_default();
                }
                eraser.work(ctx);
            }
            Err(error) => log::warn!("unfinished erasures could not be read: {error}"),
        }));
    }

    fn tell_end(&mut self) {
        if !self.working {
            for waiting in self.stopping.drain(..) {
                // Anyone who waited may have lost patience.
                let _ = waiting.send(());
            }
        }
    }
}

/// What it takes to carry out erasures.
struct Erasure {
    chat: Addr<ChatServer>,
    database: Database,
    images: ImageStore,
    clock: Clock,
    ends: Arc<AtomicBool>,
}

impl Erasure {
    /// Carries out the erasures of these users. `in_log` are those of whom nothing is left but in SQLite's log, before and
    /// after.
    async fn run(&self, mut users: Vec<UserId>, in_log: &mut HashSet<UserId>) -> Result<(), Interrupted> {
        let mut lock = loop {
            let unfinished = self.database.read(list_erasures(), db::Scope::Nothing, db::list_erasures).await?;
            // A user who was erased before is checked again, and another node may be erasing them.
            users.retain(|user| unfinished.contains(user));
            if users.is_empty() {
                return Ok(());
            }
            let take_lock = Reading::check(Account::Server, "take_erasures");
            if let Some(lock) = self
                .database
                .read(take_lock, db::Scope::Nothing, |conn| db::take_job_lock(conn, NodeJob::Erasures))
                .await?
            {
                break lock;
            }
            self.check_end()?;
            tokio::time::sleep(TURN_WAIT).await;
        };
        if !users.iter().all(|user| in_log.contains(user)) {
            for user in users.iter().filter(|user| !in_log.contains(*user)) {
                self.erase_words(user).await?;
            }
            image_sweeper::sweep(&self.database, &self.images).await?;
            while message_indexer::erase_some(&self.database).await? {
                self.check_end()?;
            }
            // Words that were moved out of the tail are in its table until its rows are removed.
            self.database.settle_all_so_far(&Account::Server).await?;
            lock = self.overwrite_free_space(lock).await?;
            in_log.extend(users.iter().cloned());
        }
        self.empty_log().await?;
        let finish = Writing::background("finish_erasures");
        self.database.write(finish, db::Scope::Nothing, move |conn| db::finish_erasures(conn, &users)).await?;
        drop(lock);
        Ok(())
    }

    fn check_end(&self) -> Result<(), ChatError> {
        if self.ends.load(Ordering::Acquire) { Err(ChatError::unavailable()) } else { Ok(()) }
    }

    /// A few at a time, until no words of the user are left.
    async fn erase_words(&self, user: &UserId) -> Result<(), ChatError> {
        loop {
            let (reply, answer) = oneshot::channel();
            let write = Write::EraseWords { user: user.clone(), at: self.clock.now() };
            let change = Change { write, is_asked: false, reply: ReplyTo::Request(reply) };
            self.chat.send(SessionEvents(vec![change.into()])).await.map_err(|_| ChatError::unavailable())?;
            let answer = answer.await.unwrap_or_else(|_| Err(ChatError::unavailable()))?;
            match serde_json::from_slice(&answer.data).map_err(|error| ChatError::internal(&error))? {
                ErasureProgress::Done => return Ok(()),
                ErasureProgress::GoesOn => self.check_end()?,
            }
        }
    }

    /// Page by page, so that other writes go on between them. The words are nowhere else by now. So a page that changes
    /// after it was checked holds none of them.
    async fn overwrite_free_space(&self, lock: JobLock) -> Result<JobLock, ChatError> {
        let count = Reading::check(Account::Server, "count_pages");
        let Some(pages) = self.database.read(count, db::Scope::Nothing, db::count_pages).await? else {
            return self.rewrite(lock).await;
        };
        let mut first = 1;
        while first <= pages {
            self.check_end()?;
            let scan = Reading::heavy(Account::Server, "find_residue");
            let residue =
                self.database.read(scan, db::Scope::Nothing, move |conn| db::find_residue(conn, first)).await?;
            for pages in residue.chunks(db::PAGES_A_TRANSACTION) {
                let pages = pages.to_vec();
                let overwrite = Writing::background("overwrite_residue");
                self.database
                    .write(overwrite, db::Scope::Nothing, move |conn| db::overwrite_residue(conn, &pages))
                    .await?;
            }
            first += db::PAGES_A_READING;
        }
        Ok(lock)
    }

    /// The whole database at once, on a connection of its own where there are others: it takes as long as there is data.
    async fn rewrite(&self, mut lock: JobLock) -> Result<JobLock, ChatError> {
        let rewritten = tokio::task::spawn_blocking(move || {
            let rewritten = lock.on_own_connection(db::rewrite_database);
            (lock, rewritten)
        });
        let (lock, rewritten) = rewritten.await.map_err(|_| ChatError::unavailable())?;
        match rewritten {
            Some(rewritten) => rewritten?,
            None => {
                self.database
                    .write(Writing::background("rewrite_database"), db::Scope::Nothing, db::rewrite_database)
                    .await?
            }
        }
        Ok(lock)
    }

    /// Most of it is copied by a reader, so that the writer has nothing to do but to cut it.
    async fn empty_log(&self) -> Result<(), Interrupted> {
        for _ in 0..LOG_TRIES {
            self.database.read(Reading::heavy(Account::Server, "copy_log"), db::Scope::Nothing, db::copy_log).await?;
            if self.database.write(Writing::background("empty_log"), db::Scope::Nothing, db::empty_log).await? {
                return Ok(());
            }
            self.check_end()?;
            tokio::time::sleep(LOG_TRY_PAUSE).await;
        }
        Err(Interrupted::LogInUse)
    }
}

fn list_erasures() -> Reading {
    Reading::check(Account::Server, "list_erasures")
}

impl Actor for Eraser {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.look(ctx);
        ctx.run_interval(LOOK_INTERVAL, Self::look);
    }
}

impl Handler<Erase> for Eraser {
    type Result = ResponseFuture<bool>;

    fn handle(&mut self, Erase(user): Erase, ctx: &mut Self::Context) -> Self::Result {
        if self.ends.load(Ordering::Acquire) {
            return Box::pin(ready(false));
        }
        let (done, is_done) = oneshot::channel();
        self.wanted.entry(user).or_default().push(done);
        self.work(ctx);
        Box::pin(async move { is_done.await.is_ok() })
    }
}

impl Handler<StopEraser> for Eraser {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: StopEraser, _: &mut Self::Context) -> Self::Result {
        self.ends.store(true, Ordering::Release);
        let (done, is_done) = oneshot::channel();
        self.stopping.push(done);
        self.tell_end();
        Box::pin(async move {
            // Fails when the actor has ended, which is an end as well.
            let _ = is_done.await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::ChatSettings,
        db::test_db::open_alices_room,
        domain::{AuthorizePolicy, Timestamp},
        metrics::Metrics,
        protocol::view::PlainPaths,
    };

    #[actix_web::test]
    async fn one_that_is_stopped_begins_nothing_more() {
        let folder = tempfile::tempdir().unwrap();
        let pool = db::open(folder.path().join("haggle.db").to_str().unwrap(), 2).unwrap();
        db::migrate(&pool).unwrap();
        open_alices_room(&mut pool.get().unwrap());
        let alice = UserId::new("alice").unwrap();
        let delete = Write::DeleteUser { user: alice.clone(), at: Timestamp(0) };
        db::write_batch(&mut pool.get().unwrap(), &[delete], Timestamp(0)).unwrap();

        let start = |metrics: &Arc<Metrics>| Database::start(&pool, 1, Arc::clone(metrics));
        let (metrics, others) = (Arc::new(Metrics::default()), Arc::new(Metrics::default()));
        let clock = Clock::manual(Timestamp(0));
        let settings = ChatSettings {
            policy: AuthorizePolicy::OnEnter,
            rooms_per_session_max: None,
            image_urls: Arc::new(PlainPaths),
        };
        let chat = ChatServer::new(settings, clock.clone(), start(&others), others).start();
        let images = ImageStore::open(folder.path().join("images").to_str().unwrap()).unwrap();
        let mut eraser = Eraser::new(chat, start(&metrics), images, clock);
        let mut ctx = Context::new();
        drop(Handler::handle(&mut eraser, StopEraser, &mut ctx));
        assert!(!Handler::handle(&mut eraser, Erase(alice), &mut ctx).await, "the next start goes on");
        eraser.look(&mut ctx);
        eraser.work(&mut ctx);
        assert!(!eraser.working && eraser.wanted.is_empty());
        // The checks are requested when the actor runs.
        let address = ctx.run(eraser);
        address.send(StopEraser).await.unwrap();
        assert_eq!(metrics.database_reads.get(), 0);
    }
}
