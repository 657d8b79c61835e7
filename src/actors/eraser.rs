//! `Eraser`: carries out erasures, one after the other, a few messages at a time.
//!
//! Each step goes to the `ChatServer` as any other change does: it shares a commit with what everybody else writes, and
//! whoever has the messages before them is told. What is under way is in the database, so a restart goes on with it, and of
//! several nodes any: each looks for what is left, and one at a time has its turn.

pub mod messages;

use std::{
    collections::HashMap,
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::{Actor, ActorFutureExt as _, Addr, AsyncContext, Context, Handler, ResponseFuture, WrapFuture};
use tokio::sync::oneshot;

use crate::{
    actors::{
        chat_server::{
            ChatServer,
            messages::{Change, ReplyTo},
        },
        db_executor::{
            Database,
            purpose::{Reading, Writing},
        },
        image_sweeper,
    },
    clock::Clock,
    db::{self, DbError, Job, RoomWrite},
    domain::{Account, UserId},
    error::ChatError,
    images::ImageStore,
};
use messages::{Erase, StopEraser};

/// How long to wait after the database did not answer.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// How often it looks for erasures that nobody carries out: those of a node that is gone, and those that could not be read.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// How long to wait while another node has its turn.
const TURN_WAIT: Duration = Duration::from_secs(1);

/// Carries out erasures.
#[derive(Debug)]
pub struct Eraser {
    chat: Addr<ChatServer>,
    database: Database,
    images: ImageStore,
    clock: Clock,
    /// Who is next, and who waits for it.
    wanted: HashMap<UserId, Vec<oneshot::Sender<()>>>,
    working: bool,
    /// Whether the step that is under way is the last.
    ends: Arc<AtomicBool>,
    /// Who waits for its end; it begins nothing new then.
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
            ends: Arc::default(),
            stopping: Vec::new(),
        }
    }

    /// Begins with everybody who is wanted by now: the last step is one for all of them.
    fn work(&mut self, ctx: &mut Context<Self>) {
        if self.working || self.wanted.is_empty() || !self.stopping.is_empty() {
            return;
        }
        self.working = true;
        let (users, waiting): (Vec<_>, Vec<_>) = mem::take(&mut self.wanted).into_iter().unzip();
        let (chat, database, clock) = (self.chat.clone(), self.database.clone(), self.clock.clone());
        let images = self.images.clone();
        let ends = Arc::clone(&self.ends);
        let erase = async move {
            let outcome = erase(&chat, &database, &images, &clock, &ends, users.clone()).await;
            if outcome.is_err() && !ends.load(Ordering::Acquire) {
                tokio::time::sleep(RETRY_WAIT).await;
            }
            (users, outcome)
        };
        ctx.spawn(erase.into_actor(self).map(move |(users, outcome), eraser, ctx| {
            eraser.working = false;
            match outcome {
                Ok(()) => {
                    for waiting in waiting.into_iter().flatten() {
                        // The request may have been given up meanwhile.
                        let _ = waiting.send(());
                    }
                }
                Err(error) => {
                    log::warn!("an erasure was interrupted and goes on: {error}");
                    for (user, waiting) in users.into_iter().zip(waiting) {
                        eraser.wanted.entry(user).or_default().extend(waiting);
                    }
                }
            }
            eraser.tell_end();
            eraser.work(ctx);
        }));
    }

    /// Looks for unfinished erasures. Those that another node carries out have ended when this one has its turn.
    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.working || !self.stopping.is_empty() {
            return;
        }
        let database = self.database.clone();
        let unfinished = async move { database.read(list_erasures(), db::list_erasures).await };
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
                // Whoever waited may have lost patience.
                let _ = waiting.send(());
            }
        }
    }
}

async fn erase(
    chat: &Addr<ChatServer>,
    database: &Database,
    images: &ImageStore,
    clock: &Clock,
    ends: &AtomicBool,
    mut users: Vec<UserId>,
) -> Result<(), ChatError> {
    let _turn = loop {
        let unfinished = database.read(list_erasures(), db::list_erasures).await?;
        // Who was erased before is asked for again, and another node may be about it.
        users.retain(|user| unfinished.contains(user));
        if users.is_empty() {
            return Ok(());
        }
        let take_turn = Reading::check(Account::Server, "take_erasures");
        if let Some(turn) = database.read(take_turn, |conn| db::take_turn(conn, Job::Erasures)).await? {
            break turn;
        }
        if ends.load(Ordering::Acquire) {
            return Err(ChatError::unavailable());
        }
        tokio::time::sleep(TURN_WAIT).await;
    };
    for user in &users {
        loop {
            let (reply, answer) = oneshot::channel();
            let write = RoomWrite::EraseWords { user: user.clone(), at: clock.now() };
            let change = Change { write, reply: ReplyTo::Request(reply) };
            chat.send(change).await.map_err(|_| ChatError::unavailable())?;
            let is_done = answer.await.unwrap_or_else(|_| Err(ChatError::unavailable()))?;
            if &is_done.data[..] == b"true" {
                break;
            }
            if ends.load(Ordering::Acquire) {
                return Err(ChatError::unavailable());
            }
        }
    }
    image_sweeper::sweep(database, images).await?;
    overwrite_free_space(database, ends).await?;
    database.write(Writing::background("finish_erasures"), move |conn| db::finish_erasures(conn, &users)).await?;
    Ok(())
}

fn list_erasures() -> Reading {
    Reading::check(Account::Server, "list_erasures")
}

/// Page by page, so that other writes go on between them. The words are nowhere else by now, so a page that changes after
/// it was looked at holds none of them.
async fn overwrite_free_space(database: &Database, ends: &AtomicBool) -> Result<(), DbError> {
    match database.read(Reading::check(Account::Server, "count_pages"), db::count_pages).await? {
        Some(pages) => {
            let mut first = 1;
            while first <= pages {
                if ends.load(Ordering::Acquire) {
                    return Err(DbError::Unavailable("the server ends".to_owned()));
                }
                let scan = Reading::heavy(Account::Server, "find_residue");
                let residue = database.read(scan, move |conn| db::find_residue(conn, first)).await?;
                for pages in residue.chunks(db::PAGES_A_TRANSACTION) {
                    let pages = pages.to_vec();
                    let overwrite = Writing::background("overwrite_residue");
                    database.write(overwrite, move |conn| db::overwrite_residue(conn, &pages)).await?;
                }
                first += db::PAGES_A_READING;
            }
        }
        None => database.write(Writing::background("rewrite_database"), db::rewrite_database).await?,
    }
    database.write(Writing::background("empty_log"), db::empty_log).await
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
            // Fails when the actor is gone, which is an end as well.
            let _ = is_done.await;
        })
    }
}
