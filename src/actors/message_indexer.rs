//! Keeps the search index close behind the commits: in small pieces on the writer, between its batches.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::db_executor::Database;
use crate::{
    db::{self, DbError},
    error::ChatError,
};

/// Messages that are indexed at once while nobody waits for it: half a millisecond of the writer's time, which those who send a
/// message just then wait for.
const MESSAGES_A_PIECE: i64 = 16;

/// Messages that are indexed at once for a search that waits: a third cheaper each.
const MESSAGES_A_LARGE_PIECE: i64 = 128;

/// How often the index is looked after while nobody searches.
const INTERVAL: Duration = Duration::from_secs(2);

/// While nobody waits for it, the writer is left alone for so many times what a piece took.
const PAUSE_FACTOR: u32 = 9;

/// How long a search waits for the index.
const CATCH_UP_MAX: Duration = Duration::from_secs(5);

/// Indexes what was committed so far, for a search that waits for it.
///
/// # Errors
/// `unavailable` when there is more than fits into 5 s, as there is behind a large import.
pub async fn catch_up(database: &Database) -> Result<(), ChatError> {
    let deadline = Instant::now() + CATCH_UP_MAX;
    while index_a_piece(database, MESSAGES_A_LARGE_PIECE).await? {
        if Instant::now() > deadline {
            let mut error = ChatError::unavailable();
            error.message = "the search is still taking in older messages, try again in a minute".into();
            return Err(error);
        }
    }
    Ok(())
}

/// Looks after the index until `stopped` is answered or dropped.
pub async fn run(database: Database, mut stopped: oneshot::Receiver<()>) {
    let mut pause = INTERVAL;
    while tokio::time::timeout(pause, &mut stopped).await.is_err() {
        let started = Instant::now();
        pause = match index_a_piece(&database, MESSAGES_A_PIECE).await {
            Ok(true) => started.elapsed() * PAUSE_FACTOR,
            Ok(false) => INTERVAL,
            Err(error) => {
                log::warn!("the search index could not be looked after: {error}");
                INTERVAL
            }
        };
    }
}

/// Returns whether there may be more.
async fn index_a_piece(database: &Database, messages: i64) -> Result<bool, DbError> {
    if !database.read(db::is_index_behind).await? {
        return Ok(false);
    }
    database.write(move |conn| db::index_messages(conn, messages)).await
}
