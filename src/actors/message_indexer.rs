//! Keeps the search index close behind the commits: in small pieces on the writer, between its batches.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::db_executor::{
    Database,
    purpose::{Reading, Writing},
};
use crate::{
    db::{self, Connection, DbError},
    domain::Account,
    error::ChatError,
};

/// Messages that are indexed at once while nobody waits for it: a millisecond of the writer's time, for which those wait
/// who send a message just then. Smaller pieces cost more each: 16 at a time take a sixth more of a server with 1,000
/// messages a second.
const MESSAGES_A_PIECE: i64 = 48;

/// Messages that are indexed at once for a search that waits.
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
    while index_a_piece(database, MESSAGES_A_LARGE_PIECE).await?.is_some() {
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
        pause = match index_a_piece(&database, MESSAGES_A_PIECE).await {
            Ok(Some(took)) => took * PAUSE_FACTOR,
            Ok(None) => INTERVAL,
            Err(error) => {
                log::warn!("the search index could not be looked after: {error}");
                INTERVAL
            }
        };
    }
}

/// Returns how long it had the writer, if there may be more.
async fn index_a_piece(database: &Database, messages: i64) -> Result<Option<Duration>, DbError> {
    if !database.read(Reading::check(Account::Server, "is_index_behind"), db::is_index_behind).await? {
        return Ok(None);
    }
    let index = move |conn: &mut Connection| {
        let started = Instant::now();
        Ok(db::index_messages(conn, messages)?.then(|| started.elapsed()))
    };
    database.write(Writing::background("index"), index).await
}
