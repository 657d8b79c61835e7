//! What a [`DbExecutor`](super::DbExecutor) is asked.

use std::fmt;

use super::{DatabaseJob, turnstile::Permit};

/// An operation whose turn it is. The turnstile → a reader, or the writer. Its answer goes to the caller.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub struct Perform {
    pub(super) job: DatabaseJob,
    /// The time for it. A `SyncArbiter` queues without a bound of its own: there are as many turns as threads.
    pub(super) turn: Permit<DatabaseJob>,
}

impl fmt::Debug for Perform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Perform")
    }
}
