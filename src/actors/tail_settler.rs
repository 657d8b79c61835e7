//! Settles what commits have appended to the tail: in rounds, so that the messages of a room gather between them, and in slices
//! on the writer, between its batches.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::db_executor::Database;
use crate::{db::TailProgress, domain::Account, metrics::Metrics};

/// How often the tail is checked.
const INTERVAL: Duration = Duration::from_millis(50);

/// A round begins when so many messages wait. More gather more per room, and take longer to settle after a crash.
const ROUND_MESSAGES: usize = 4096;

/// A round begins at the latest so long after the one before, if anything waits.
const ROUND_AGE: Duration = Duration::from_millis(500);

const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// With so many messages waiting the slices follow each other without a pause.
const HURRY_MESSAGES: usize = 2 * ROUND_MESSAGES;

/// Settles the tail until `stopped` is answered or dropped. What is left then is settled when the server has ended its work.
pub async fn run(database: Database, metrics: Arc<Metrics>, mut stopped: oneshot::Receiver<()>) {
    let mut last_round = Instant::now();
    let mut in_round = false;
    let mut pause = INTERVAL;
    let mut is_failing = false;
    while tokio::time::timeout(pause, &mut stopped).await.is_err() {
        pause = INTERVAL;
        let TailProgress { messages, has_rows, .. } = database.tail_progress();
        metrics.messages_unsettled.set(i64::try_from(messages).unwrap_or(i64::MAX));
        in_round |= messages >= ROUND_MESSAGES || last_round.elapsed() >= ROUND_AGE;
        if !has_rows || !in_round {
            continue;
        }
        let began = Instant::now();
        match database.settle_some(&Account::Server).await {
            Ok(settled) => {
                is_failing = false;
                if settled.is_round_over {
                    in_round = false;
                    last_round = Instant::now();
                } else {
                    pause = if messages > HURRY_MESSAGES { Duration::ZERO } else { began.elapsed() };
                }
            }
            // A disk that is full stays full for a while.
            Err(error) => {
                if !is_failing {
                    log::warn!("messages could not be settled, and it is tried again: {error}");
                }
                is_failing = true;
                pause = FAILURE_PAUSE;
            }
        }
    }
}
