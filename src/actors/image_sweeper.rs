//! Removes the files of images whose messages were deleted or erased, after the commits that note them.

use std::time::Duration;

use tokio::sync::oneshot;

use super::db_executor::{
    Database,
    purpose::{Reading, Writing},
};
use crate::{db, domain::Account, error::ChatError, images::ImageStore};

/// How often noted files are looked for.
const INTERVAL: Duration = Duration::from_secs(2);

/// Sweeps until `stopped` is answered or dropped.
pub async fn run(database: Database, store: ImageStore, mut stopped: oneshot::Receiver<()>) {
    while tokio::time::timeout(INTERVAL, &mut stopped).await.is_err() {
        if let Err(error) = sweep(&database, &store).await {
            log::warn!("images of deleted messages are left: {error}");
        }
    }
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
