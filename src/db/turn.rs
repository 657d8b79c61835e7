//! A job that one node at a time does, of those that share a database.

use super::{Connection, DbError};

/// A job that is one node's at a time. Two that did it at once would do it twice, and no harm.
#[derive(Debug, Clone, Copy)]
pub enum Job {
    /// Carries out erasures.
    Erasures,
}

/// One node's turn with a job. It is over when this is dropped, and when the node dies or is cut off.
#[derive(Debug)]
pub struct JobTurn {
    /// Of its own: the lock is its session's. Of a SQLite file there is only one node.
    conn: Option<Connection>,
}

impl JobTurn {
    /// Does something that takes long on the turn's own connection, beside all other reads and writes. `None` where it has
    /// none, which is SQLite.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn beside<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> Result<T, DbError>,
    ) -> Option<Result<T, DbError>> {
        self.conn.as_mut().map(work)
    }
}

/// Takes a job in hand; `None` while it is another node's.
///
/// # Errors
/// [`DbError`] when the database does not answer.
#[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a SQLite file is one node's"))]
pub fn take_turn(conn: &mut Connection, job: Job) -> Result<Option<JobTurn>, DbError> {
    match conn {
        Connection::Sqlite(_) => Ok(Some(JobTurn { conn: None })),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => {
            let held = conn.take_turn(job).map_err(DbError::Unavailable)?;
            Ok(held.map(|conn| JobTurn { conn: Some(Connection::Postgres(conn)) }))
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
        let turn = take_turn(&mut db.conn(), Job::Erasures).unwrap();
        assert!(turn.is_some());
        assert!(take_turn(&mut db.conn(), Job::Erasures).unwrap().is_none());
        drop(turn);
        // The server hears of it a moment later.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while take_turn(&mut db.conn(), Job::Erasures).unwrap().is_none() {
            assert!(std::time::Instant::now() < deadline, "it was never given back");
        }
    }
}
