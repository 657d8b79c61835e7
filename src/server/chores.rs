//! What goes on by itself until the server ends.

use std::sync::Arc;

use actix_web::rt::task::JoinHandle;
use tokio::sync::oneshot;

use crate::{
    actors::{image_sweeper, memory_keeper, message_indexer, name_filler, tail_settler, wal_keeper},
    db::{self, Claim, Pool},
    http::state::AppState,
};

/// It ends when its sender is dropped.
pub(super) type Chore = (oneshot::Sender<()>, JoinHandle<()>);

/// Starts them all.
pub(super) fn start(state: &AppState, pool: &Pool, claim: &Arc<Claim>) -> Vec<Chore> {
    let images = state.images.store();
    let until = (state.clock.clone(), state.config.keep_removed);
    let database = || state.database.clone();
    let mut chores = vec![
        chore(|stopped| message_indexer::run(database(), stopped)),
        chore(|stopped| name_filler::run(database(), stopped)),
        chore(|stopped| image_sweeper::run(database(), images, until, stopped)),
        chore(memory_keeper::run),
        chore(|stopped| tail_settler::run(database(), Arc::clone(&state.metrics), stopped)),
    ];
    if let Some(file) = db::sqlite_file(&state.config.database_url) {
        let (pool, claim, log) = (pool.clone(), Arc::clone(claim), db::log_path(file));
        chores.push(chore(|stopped| wal_keeper::run(pool, claim, log, stopped)));
    }
    chores
}

/// Starts one.
pub(super) fn chore<F: Future<Output = ()> + 'static>(run: impl FnOnce(oneshot::Receiver<()>) -> F) -> Chore {
    let (stop, stopped) = oneshot::channel();
    (stop, actix_web::rt::spawn(run(stopped)))
}
