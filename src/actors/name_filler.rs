//! Fills in the names by which users are found: those from before there were any, and those that a node of an earlier version has
//! changed. In small pieces on the writer, between its batches.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::db_executor::{Database, purpose::Writing};
use crate::db::{self, Connection, DbError};

/// Names that are filled in at once: a millisecond or two of the writer's time.
const SLICE: i64 = 64;

/// How long it waits at a start, which has more important things to read.
const FIRST_PAUSE: Duration = Duration::from_secs(3);

/// How often it looks while there is nothing to do.
const INTERVAL: Duration = Duration::from_secs(30);

/// The pause after a piece is this many times as long as the piece took.
const PAUSE_FACTOR: u32 = 9;

/// Looks after the names until `stopped` is answered or dropped.
pub async fn run(database: Database, mut stopped: oneshot::Receiver<()>) {
    let mut pause = FIRST_PAUSE;
    while tokio::time::timeout(pause, &mut stopped).await.is_err() {
        pause = match fill_some(&database).await {
            Ok(Some(took)) => took * PAUSE_FACTOR,
            Ok(None) => INTERVAL,
            Err(error) => {
                log::warn!("names could not be filled in for the search: {error}");
                INTERVAL
            }
        };
    }
}

/// Returns how long it had the writer, if there may be more to do.
async fn fill_some(database: &Database) -> Result<Option<Duration>, DbError> {
    let fill = |conn: &mut Connection| {
        // Nearly always there is nothing to do: then it begins no transaction.
        if !db::has_unfilled_names(conn)? {
            return Ok(None);
        }
        let began = Instant::now();
        db::fill_names(conn, SLICE)?;
        Ok::<_, DbError>(Some(began.elapsed()))
    };
    database.write(Writing::background("fill_names"), db::Scope::Nothing, fill).await
}
