//! SQLite's write-ahead log (WAL), and how it is folded back into the database file.
//!
//! SQLite copies the log back when it has grown by 64 MiB, and only when the last connection is closed properly does it
//! disappear. Until then the newest commits are in `haggle.db-wal` alone, and anyone who copies the one file that they know
//! of has an old database, or an empty one. So haggle folds the log in at each clean stop, and whenever nothing is written
//! for a while.

use std::time::Duration;

use diesel::{SqliteConnection, connection::SimpleConnection as _, sql_types::Integer};

use super::{
    Claim, Connection, DbError,
    pool::WAIT_MAX,
    prelude::*,
    sqlite_file::{self, log_path},
    wal_mark::{renew_mark, settle_mark},
};

/// What `PRAGMA wal_checkpoint` answers: whether it was held up, and how many pages the log has.
#[derive(QueryableByName)]
pub(super) struct Checkpoint {
    #[diesel(sql_type = Integer)]
    pub(super) busy: i32,
    #[diesel(sql_type = Integer)]
    pub(super) log: i32,
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

/// Copies the log back into the database file and cuts it to nothing, so that the file alone is complete. Waits at most
/// `wait` for other connections. Returns whether it was done; on PostgreSQL there is nothing to do.
///
/// # Errors
/// [`DbError`] when the database does not answer, or its disk does not take the pages.
pub fn fold_log(conn: &mut Connection, claim: &Claim, wait: Duration) -> Result<bool, DbError> {
    let is_done = match conn {
        Connection::Sqlite(conn) => waiting(conn, wait, |conn| Ok(checkpoint(conn, "TRUNCATE")?.busy == 0))?,
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => true,
    };
    if is_done {
        settle_mark(conn, claim)?;
    }
    Ok(is_done)
}

/// The same while the server runs: it never waits, and hardly makes others wait. Returns whether it was done.
///
/// # Errors
/// [`DbError`] when the database does not answer, or its disk does not take the pages.
pub fn fold_idle_log(conn: &mut Connection, claim: &Claim) -> Result<bool, DbError> {
    let is_done = match conn {
        Connection::Sqlite(conn) => waiting(conn, Duration::ZERO, copy_then_cut)?,
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => true,
    };
    if is_done {
        settle_mark(conn, claim)?;
    }
    Ok(is_done)
}

/// Which log a mark was written into: SQLite draws other numbers each time it begins the log from the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MarkedLog(Option<[u8; 8]>);

impl MarkedLog {
    /// The log that there is now.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when it can't be read.
    pub fn find(claim: &Claim) -> Result<Self, DbError> {
        let Some(file) = claim.file() else { return Ok(Self::default()) };
        // The log, and not the database: that must not be opened next to SQLite.
        let salts = sqlite_file::read_salts(&log_path(&file.path.display().to_string()));
        salts.map(Self).map_err(|error| DbError::Unavailable(format!("can't read the log: {error}")))
    }
}

/// Gives the database its next mark when SQLite has begun the log from the start, for it has copied all of the one before into
/// the file then. It never waits: what keeps it from writing is left for the next time.
///
/// # Errors
/// [`DbError`] when the database does not answer, its disk takes nothing, or the marks can't be noted.
pub fn mark_log(conn: &mut Connection, claim: &Claim, marked: &mut MarkedLog) -> Result<(), DbError> {
    if MarkedLog::find(claim)? == *marked {
        return Ok(());
    }
    match conn {
        Connection::Sqlite(_) => {
            conn.batch_execute("PRAGMA busy_timeout = 0")?;
            let outcome = settle_mark(conn, claim).and_then(|()| renew_mark(conn, claim, None));
            conn.batch_execute(&format!("PRAGMA busy_timeout = {}", WAIT_MAX.as_millis()))?;
            outcome?;
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => {}
    }
    *marked = MarkedLog::find(claim)?;
    Ok(())
}

fn copy_then_cut(conn: &mut SqliteConnection) -> Result<bool, DbError> {
    // The bulk of it next to everybody who reads and writes. Cutting keeps writers out, and then has nothing left to copy.
    let copied = checkpoint(conn, "PASSIVE")?;
    let is_whole = copied.busy == 0 && copied.checkpointed == copied.log;
    Ok(is_whole && checkpoint(conn, "TRUNCATE")?.busy == 0)
}

fn checkpoint(conn: &mut SqliteConnection, mode: &str) -> Result<Checkpoint, DbError> {
    Ok(diesel::RunQueryDsl::get_result(diesel::sql_query(format!("PRAGMA wal_checkpoint({mode})")), conn)?)
}

/// Runs something with another patience for locks than a connection of the pool has.
fn waiting<T>(
    conn: &mut SqliteConnection,
    wait: Duration,
    run: impl FnOnce(&mut SqliteConnection) -> Result<T, DbError>,
) -> Result<T, DbError> {
    conn.batch_execute(&format!("PRAGMA busy_timeout = {}", wait.as_millis()))?;
    let outcome = run(conn);
    conn.batch_execute(&format!("PRAGMA busy_timeout = {}", WAIT_MAX.as_millis()))?;
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{
        claim,
        test_db::{TestDb, is_postgres, room, say},
    };

    #[test]
    fn a_log_is_folded_in_and_a_reader_or_writer_is_not_waited_for() {
        if is_postgres() {
            return;
        }
        let db = TestDb::new();
        let claim = claim(db.path()).unwrap();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        say(conn, &a, "alice", "hello");
        let length = || std::fs::metadata(log_path(db.path())).unwrap().len();
        assert!(length() > 0);
        let other = &mut db.conn();
        for holds in ["BEGIN IMMEDIATE", "BEGIN; SELECT count(*) FROM messages"] {
            other.batch_execute(holds).unwrap();
            say_if_free(conn, &a, holds);
            assert!(!fold_idle_log(conn, &claim).unwrap(), "{holds}");
            assert!(!fold_log(conn, &claim, Duration::from_millis(1)).unwrap(), "{holds}");
            other.batch_execute("ROLLBACK").unwrap();
        }
        assert!(fold_idle_log(conn, &claim).unwrap());
        assert_eq!(length(), 0);
        say(conn, &a, "alice", "again");
        assert!(length() > 0 && fold_log(conn, &claim, Duration::ZERO).unwrap());
        assert_eq!(length(), 0);
    }

    /// Something that the reader's snapshot does not have.
    fn say_if_free(conn: &mut Connection, room: &crate::domain::RoomId, holds: &str) {
        if holds.starts_with("BEGIN;") {
            say(conn, room, "alice", "more");
        }
    }
}
