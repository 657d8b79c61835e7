//! Looks after SQLite's log: folds it back into the database file while nobody writes, so that the file alone is complete,
//! and gives each log a mark of its own.

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use actix_web::rt::task::spawn_blocking;
use tokio::sync::oneshot;

use crate::db::{self, Claim, DbError, MarkedLog, Pool};

/// How often the log is checked.
const INTERVAL: Duration = Duration::from_secs(1);

/// The log is folded in when this many checks in a row found it unchanged.
const IDLE_LOOKS: u32 = 3;

/// Looks after the log of a SQLite file until `stopped` is answered or dropped.
pub async fn run(pool: Pool, claim: Arc<Claim>, log: PathBuf, mut stopped: oneshot::Receiver<()>) {
    let mut seen = None;
    let mut unchanged = 0;
    let mut is_failing = false;
    // If it could not be folded in at the start, the file may have an older mark still.
    let mut marked = MarkedLog::find(&claim).unwrap_or_default();
    while tokio::time::timeout(INTERVAL, &mut stopped).await.is_err() {
        let found = look(&log);
        unchanged = if found == seen { unchanged + 1 } else { 0 };
        seen = found;
        if found.is_none() {
            continue;
        }
        let is_idle = unchanged >= IDLE_LOOKS;
        if is_idle {
            // The next check sees whether it is done.
            unchanged = 0;
        }
        match work(pool.clone(), Arc::clone(&claim), marked, is_idle).await {
            Ok(now) => {
                is_failing = false;
                marked = now;
            }
            // A disk that is full stays full for a while.
            Err(error) if !is_failing => {
                log::warn!("the log of the database could not be looked after, and it is tried again: {error}");
                is_failing = true;
            }
            Err(_) => {}
        }
    }
}

/// The log's size, and when it was last written; `None` where there is nothing in it.
fn look(log: &PathBuf) -> Option<(u64, Option<SystemTime>)> {
    let file = fs::metadata(log).ok()?;
    (file.len() > 0).then(|| (file.len(), file.modified().ok()))
}

async fn work(pool: Pool, claim: Arc<Claim>, mut marked: MarkedLog, is_idle: bool) -> Result<MarkedLog, DbError> {
    let working = spawn_blocking(move || {
        let conn = &mut *pool.get()?;
        if is_idle {
            db::fold_idle_log(conn, &claim)?;
            return Ok(marked);
        }
        match db::mark_log(conn, &claim, &mut marked) {
            // Another connection is writing just now.
            Err(DbError::Unavailable(reason)) if reason.contains("is locked") => Ok(marked),
            outcome => outcome.map(|()| marked),
        }
    });
    working.await.unwrap_or_else(|_| Err(DbError::Internal("looking after the log panicked".to_owned())))
}
