//! Erases the words of messages that staff removed, when they need not be kept any longer. Removes the files of images whose
//! messages were deleted or erased, after the commits that note them.

use std::time::Duration;

use tokio::sync::oneshot;

use super::db_executor::{
    Database,
    purpose::{Reading, Writing},
};
use crate::{
    clock::Clock,
    db::{self, DbError},
    domain::{Account, Timestamp},
    error::ChatError,
    images::ImageStore,
};

/// How often noted files are looked for.
const INTERVAL: Duration = Duration::from_secs(2);

/// Sweeps until `stopped` is answered or dropped.
pub async fn run(
    database: Database,
    store: ImageStore,
    (clock, keep_removed): (Clock, Duration),
    mut stopped: oneshot::Receiver<()>,
) {
    let keep_ms = i64::try_from(keep_removed.as_millis()).unwrap_or(i64::MAX);
    while tokio::time::timeout(INTERVAL, &mut stopped).await.is_err() {
        let before = Timestamp(clock.now().0.saturating_sub(keep_ms));
        if let Err(error) = erase_removed(&database, before).await {
            log::warn!("words of removed messages are left: {error}");
        }
        if let Err(error) = sweep(&database, &store).await {
            log::warn!("images of deleted messages are left: {error}");
        }
    }
}

/// Erases the words that were removed before a moment.
async fn erase_removed(database: &Database, before: Timestamp) -> Result<(), DbError> {
    let is_due = move |conn: &mut db::Connection| db::is_removed_before(conn, before);
    // It is asked again and again: the writer has no work by that.
    while database.read(Reading::list(Account::Server, "is_removed_before"), db::Scope::Nothing, is_due).await? {
        let erase = move |conn: &mut db::Connection| db::erase_removed_words(conn, before);
        database.write(Writing::background("erase_removed_words"), db::Scope::Nothing, erase).await?;
    }
    Ok(())
}

/// Removes every file that is noted by now.
///
/// # Errors
/// `unavailable` when the store or the database does not answer; what is left is noted still.
pub async fn sweep(database: &Database, store: &ImageStore) -> Result<(), ChatError> {
    loop {
        let keys = database
            .read(
                Reading::list(Account::Server, "list_discarded_images"),
                db::Scope::Nothing,
                db::list_discarded_images,
            )
            .await?;
        if keys.is_empty() {
            return Ok(());
        }
        for key in &keys {
            // Removing one twice does no harm, so they are forgotten together.
            store.delete(key).await.map_err(|error| {
                log::warn!("an image could not be removed: {error}");
                ChatError::unavailable()
            })?;
        }
        database
            .write(Writing::background("forget_discarded_images"), db::Scope::Nothing, move |conn| {
                db::forget_discarded_images(conn, &keys)
            })
            .await?;
    }
}
