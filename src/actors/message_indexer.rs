//! Updates the search index soon after the commits: in small pieces on the writer, between its batches.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::db_executor::{
    Database,
    purpose::{Reading, Writing},
};
use crate::{
    db::{self, Connection, DbError, IndexChanges, IndexSlice, Indexed},
    domain::Account,
};

/// What is indexed at once: a millisecond or two of the writer's time. Anyone who sends a message just then waits for it.
/// Fewer messages cost more each: 16 at a time take a sixth more of a server with 1,000 messages per second.
const SLICE: IndexSlice = IndexSlice { messages: 48, text_bytes: 2048 };

/// How long changes are followed at once, or one piece of one.
const CHANGES_TIME: Duration = Duration::from_millis(2);

/// The same for an erasure, which somebody waits for: each step is synced to the disk.
const ERASED_TIME: Duration = Duration::from_millis(5);

/// Pages of the index that are merged at once: a millisecond, too.
const PAGES_MERGED: i64 = 8;

/// How often the index is looked after while there is nothing to do.
const INTERVAL: Duration = Duration::from_secs(2);

/// The pause after a piece is this many times as long as the piece took.
const PAUSE_FACTOR: u32 = 9;

/// Looks after the index until `stopped` is answered or dropped.
pub async fn run(database: Database, mut stopped: oneshot::Receiver<()>) {
    let mut indexer = Indexer { database, merge_pages: 0, changes_next: true };
    let mut pause = INTERVAL;
    while tokio::time::timeout(pause, &mut stopped).await.is_err() {
        pause = match indexer.do_a_piece().await {
            Ok(Some(took)) => took * PAUSE_FACTOR,
            Ok(None) => INTERVAL,
            Err(error) => {
                log::warn!("the search index could not be looked after: {error}");
                INTERVAL
            }
        };
    }
}

/// Takes words of erased users out of the index, a few milliseconds' worth. Returns whether there are more.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub async fn erase_some(database: &Database) -> Result<bool, DbError> {
    let erase = |conn: &mut Connection| db::follow_changes(conn, IndexChanges::Erased, ERASED_TIME);
    Ok(database.write(Writing::background("index_erasure"), db::Scope::Nothing, erase).await?.has_more)
}

struct Indexer {
    database: Database,
    /// What is still to be merged for what was added.
    merge_pages: i64,
    /// New messages and changes of older ones take turns: neither waits until there are none of the other.
    changes_next: bool,
}

impl Indexer {
    /// Returns how long it had the writer, if there may be more to do.
    async fn do_a_piece(&mut self) -> Result<Option<Duration>, DbError> {
        if self.merge_pages > 0 {
            let pages = self.merge_pages.min(PAGES_MERGED);
            self.merge_pages -= pages;
            let merge = timed(move |conn| db::merge_index(conn, pages));
            let (took, ()) = self.database.write(Writing::background("index_merge"), db::Scope::Nothing, merge).await?;
            return Ok(Some(took));
        }
        let behind = Reading::check(Account::Server, "is_index_behind");
        if !self.database.read(behind, db::Scope::Nothing, db::is_index_behind).await? {
            return Ok(None);
        }
        self.changes_next = !self.changes_next;
        let (took, Indexed { merge_pages, .. }) = if self.changes_next {
            let follow = timed(|conn| db::follow_changes(conn, IndexChanges::All, CHANGES_TIME));
            self.database.write(Writing::background("index_changes"), db::Scope::Nothing, follow).await?
        } else {
            let index = timed(|conn| db::index_messages(conn, SLICE));
            self.database.write(Writing::background("index"), db::Scope::Nothing, index).await?
        };
        self.merge_pages += merge_pages;
        Ok(Some(took))
    }
}

fn timed<T>(
    operation: impl FnOnce(&mut Connection) -> Result<T, DbError>,
) -> impl FnOnce(&mut Connection) -> Result<(Duration, T), DbError> {
    move |conn| {
        let began = Instant::now();
        let done = operation(conn)?;
        Ok((began.elapsed(), done))
    }
}
