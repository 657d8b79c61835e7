//! A job that one node at a time does, of those that share a database.

use super::{Connection, DbError};

/// A job that is one node's at a time. Two that did it at once would do it twice, and no harm.
#[derive(Debug, Clone, Copy)]
pub enum NodeJob {
    /// Carries out erasures.
    Erasures,
}

/// One node's lock on a job. It is released when this is dropped, and when the node dies or is cut off.
#[derive(Debug)]
pub struct JobLock {
    /// Of its own: the lock is its session's. Of a SQLite file there is only one node.
    conn: Option<Connection>,
}

impl JobLock {
    /// Does something that takes long on the lock's own connection, next to all other reads and writes. `None` where it has
    /// none, which is SQLite.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn on_own_connection<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> Result<T, DbError>,
    ) -> Option<Result<T, DbError>> {
        self.conn.as_mut().map(work)
    }
}

/// Locks a job for this node; `None` while it is another node's.
///
/// # Errors
/// [`DbError`] when the database does not answer.
#[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a SQLite file is one node's"))]
pub fn take_job_lock(conn: &mut Connection, job: NodeJob) -> Result<Option<JobLock>, DbError> {
    match conn {
        Connection::Sqlite(_) => Ok(Some(JobLock { conn: None })),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => {
            let held = match job {
                NodeJob::Erasures => conn.take_erasures_lock(),
            };
            let held = held.map_err(DbError::Unavailable)?;
            Ok(held.map(|conn| JobLock { conn: Some(Connection::Postgres(conn)) }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::test_db::{TestDb, is_postgres};

    #[test]
    fn a_job_is_one_nodes_until_it_is_done_or_dies() {
        if !is_postgres() {
            return;
        }
        let db = TestDb::new();
        let lock = take_job_lock(&mut db.conn(), NodeJob::Erasures).unwrap();
        assert!(lock.is_some());
        assert!(take_job_lock(&mut db.conn(), NodeJob::Erasures).unwrap().is_none());
        drop(lock);
        // The server hears of it a moment later.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while take_job_lock(&mut db.conn(), NodeJob::Erasures).unwrap().is_none() {
            assert!(std::time::Instant::now() < deadline, "it was never given back");
        }
    }
}
