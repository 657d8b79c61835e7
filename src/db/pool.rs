//! Connections to the database, kept open and lent out.

use std::time::Duration;

use diesel::{
    Connection as _,
    connection::SimpleConnection,
    r2d2::{ConnectionManager, CustomizeConnection, NopErrorHandler},
};

use super::{Connection, DbError};

/// How long a call waits for a free connection, and a connection for a lock that another process holds.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// A connection lent out by a [`Pool`]; it goes back when dropped.
pub type PooledConnection = diesel::r2d2::PooledConnection<ConnectionManager<Connection>>;

/// A fixed number of connections. Cheap to clone.
#[derive(Clone)]
pub struct Pool(diesel::r2d2::Pool<ConnectionManager<Connection>>);

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pool").field(&self.0.state()).finish()
    }
}

impl Pool {
    /// Lends a connection, after 5 s at most.
    ///
    /// # Errors
    /// `unavailable` when none is free and none can be opened.
    pub fn get(&self) -> Result<PooledConnection, DbError> {
        self.0.get().map_err(|error| DbError::Unavailable(error.to_string()))
    }
}

/// Opens `size` connections to a SQLite file, which is made when it does not exist.
///
/// `database_url` is a path, with or without `sqlite:` or `sqlite://` before it.
///
/// # Errors
/// [`DbError::BadUrl`] for anything else, [`DbError::Unavailable`] when the file can't be opened or is no database.
pub fn open(database_url: &str, size: u32) -> Result<Pool, DbError> {
    let path = sqlite_path(database_url)?;
    // The pool would try for its whole timeout and then hide the reason: the first connection tells it at once.
    let mut first =
        Connection::establish(path).map_err(|error| DbError::Unavailable(format!("can't open {path}: {error}")))?;
    prepare(&mut first)?;
    drop(first);
    diesel::r2d2::Pool::builder()
        .max_size(size.max(1))
        .connection_timeout(WAIT_MAX)
        // A file does not go away the way a server does: one query less for each loan.
        .test_on_check_out(false)
        // Whoever asks for a connection gets the error and logs it.
        .error_handler(Box::new(NopErrorHandler))
        .connection_customizer(Box::new(Prepare))
        .build(ConnectionManager::new(path))
        .map(Pool)
        .map_err(|error| DbError::Unavailable(error.to_string()))
}

fn sqlite_path(database_url: &str) -> Result<&str, DbError> {
    if database_url.starts_with("postgres://") || database_url.starts_with("postgresql://") {
        return Err(DbError::BadUrl("PostgreSQL is not supported yet".to_owned()));
    }
    let path = match database_url.strip_prefix("sqlite:") {
        Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
        None => database_url,
    };
    if path.is_empty() || path.contains("://") || path.contains('\0') {
        return Err(DbError::BadUrl("`database-url` must be the path of a SQLite file, like haggle.db".to_owned()));
    }
    if path.contains(":memory:") || path.contains("mode=memory") {
        // Each connection would have a database of its own.
        return Err(DbError::BadUrl("`database-url` must be a file: a database in memory can't be shared".to_owned()));
    }
    Ok(path)
}

#[derive(Debug)]
struct Prepare;

impl CustomizeConnection<Connection, diesel::r2d2::Error> for Prepare {
    fn on_acquire(&self, connection: &mut Connection) -> Result<(), diesel::r2d2::Error> {
        set_pragmas(connection).map_err(diesel::r2d2::Error::QueryError)
    }
}

fn prepare(connection: &mut Connection) -> Result<(), DbError> {
    set_pragmas(connection).map_err(|error| match DbError::from(error) {
        DbError::Corrupt(reason) => DbError::Unavailable(reason),
        other => other,
    })
}

/// What every connection runs with. One statement each: a list stops at its first error, and the order matters.
fn set_pragmas(connection: &mut Connection) -> diesel::QueryResult<()> {
    // First, so that the rest waits for a lock instead of failing.
    connection.batch_execute(&format!("PRAGMA busy_timeout = {}", WAIT_MAX.as_millis()))?;
    // Readers don't wait for the writer, and a commit is one append to the log.
    connection.batch_execute("PRAGMA journal_mode = WAL")?;
    // A commit returns when the disk has it: what was acknowledged survives a power cut, not only a killed process.
    connection.batch_execute("PRAGMA synchronous = FULL")?;
    connection.batch_execute("PRAGMA foreign_keys = ON")?;
    // 32 MiB of pages a connection: the inner pages of the indices of some ten million messages.
    // No mmap: a read error in a mapped file is a signal that ends the process, not an error.
    connection.batch_execute("PRAGMA cache_size = -32768")?;
    connection.batch_execute("PRAGMA temp_store = MEMORY")?;
    // The log is copied back every 64 MiB instead of every 4: batches over many rooms touch many pages, and each page
    // is copied once for all commits since the last time. A thousand busy rooms store 30 % more messages a second.
    connection.batch_execute("PRAGMA wal_autocheckpoint = 16384")?;
    // A log that a long reader let grow gives its disk space back.
    connection.batch_execute("PRAGMA journal_size_limit = 67108864")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_this_build_can_not_open_is_refused_with_a_sentence() {
        for (url, part) in [
            ("postgres://u:p@localhost/haggle", "PostgreSQL is not supported yet"),
            ("postgresql://localhost/haggle", "PostgreSQL is not supported yet"),
            ("mysql://localhost/haggle", "path of a SQLite file"),
            ("", "path of a SQLite file"),
            ("sqlite:", "path of a SQLite file"),
            (":memory:", "can't be shared"),
            ("sqlite::memory:", "can't be shared"),
        ] {
            let error = open(url, 1).unwrap_err();
            assert!(matches!(&error, DbError::BadUrl(reason) if reason.contains(part)), "{url}: {error}");
            assert!(!error.to_string().contains("u:p"), "a password was repeated");
        }
    }

    #[test]
    fn a_path_is_taken_with_and_without_its_scheme() {
        for (url, path) in
            [("a.db", "a.db"), ("sqlite:a.db", "a.db"), ("sqlite://a.db", "a.db"), ("sqlite:///var/a.db", "/var/a.db")]
        {
            assert_eq!(sqlite_path(url), Ok(path));
        }
    }

    #[test]
    fn a_file_that_is_no_database_fails_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("no.db");
        std::fs::write(&file, "this is a shopping list, and it is longer than a header").unwrap();
        assert!(matches!(open(file.to_str().unwrap(), 1), Err(DbError::Unavailable(_))));
        assert!(matches!(open(folder.path().join("a/b.db").to_str().unwrap(), 1), Err(DbError::Unavailable(_))));
    }
}

/// A database that one server serves; others are kept out until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Claim {
    _file: std::fs::File,
}

/// Claims a SQLite file for one server. Two would give `seq` to the same rooms and deliver to their own clients alone.
///
/// The claim is a lock on a file of its own beside the database, with `.lock` behind its name: SQLite's locks on the
/// database itself are a process's, and end when any handle of it is closed.
///
/// # Errors
/// [`DbError::Unavailable`] when another server has it, or the file can't be made.
pub fn claim(database_url: &str) -> Result<Claim, DbError> {
    let path = format!("{}.lock", sqlite_path(database_url)?);
    let refused = |error: &dyn std::fmt::Display| DbError::Unavailable(format!("can't lock {path}: {error}"));
    let file = std::fs::File::options().create(true).append(true).open(&path).map_err(|error| refused(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(Claim { _file: file }),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(DbError::Unavailable("another haggle serves this database file already".to_owned()))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(refused(&error)),
    }
}
