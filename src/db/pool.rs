//! Connections to the database, kept open and lent out.

use std::{
    fmt,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use diesel::{Connection as _, SqliteConnection, connection::SimpleConnection as _};

#[cfg(feature = "postgres")]
use super::connection::postgres::Origin;
use super::{Connection, DbError};

/// How long a call waits for a free connection, and a connection for a lock that another process holds.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(5);

/// A connection lent out by a [`Pool`]; it goes back when dropped.
pub type PooledConnection = r2d2::PooledConnection<Source>;

/// A fixed number of connections. Cheap to clone.
#[derive(Clone)]
pub struct Pool {
    pool: r2d2::Pool<Source>,
    /// There is no connection, and the last call got none: until there is one again nobody waits, because all others would wait
    /// for them.
    is_unreachable: Arc<AtomicBool>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.pool.state()).finish()
    }
}

impl Pool {
    /// Lends a connection, after 5 s at most; at once or not at all while the database is known to be unreachable.
    ///
    /// # Errors
    /// `unavailable` when none is free and none can be opened.
    pub fn get(&self) -> Result<PooledConnection, DbError> {
        let found = if self.is_unreachable.load(Ordering::Acquire) {
            // The pool goes on trying by itself, with growing waits up to half of `WAIT_MAX`.
            self.pool.try_get().ok_or_else(|| DbError::Unavailable("no connection can be opened".to_owned()))
        } else {
            self.pool.get().map_err(|error| DbError::Unavailable(error.to_string()))
        };
        // Where one is lent out, the database is there: a call that began earlier must not report it as unreachable.
        self.is_unreachable.store(found.is_err() && self.pool.state().connections == 0, Ordering::Release);
        found
    }

    /// Whether it is a server's database, which other nodes use as well, and not a file of this one's.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.get().is_ok_and(|conn| !matches!(*conn, Connection::Sqlite(_)))
    }
}

/// Where a pool's connections come from.
#[derive(Debug)]
pub enum Source {
    /// A SQLite file, by its path.
    Sqlite(String),
    /// The same, in which nothing is changed.
    SqliteReadOnly(String),
    /// A PostgreSQL server.
    #[cfg(feature = "postgres")]
    Postgres(Arc<Origin>),
}

impl r2d2::ManageConnection for Source {
    type Connection = Connection;
    type Error = DbError;

    fn connect(&self) -> Result<Connection, DbError> {
        match self {
            Self::Sqlite(path) => {
                make_for_its_owner(path);
                let mut conn = SqliteConnection::establish(path)
                    .map_err(|error| DbError::Unavailable(format!("can't open {path}: {error}")))?;
                set_pragmas(&mut conn).map_err(|error| match DbError::from(error) {
                    DbError::Corrupt(reason) => DbError::Unavailable(reason),
                    other => other,
                })?;
                Ok(Connection::Sqlite(conn))
            }
            Self::SqliteReadOnly(path) => open_read_only(path),
            #[cfg(feature = "postgres")]
            Self::Postgres(origin) => origin.connect().map(Connection::Postgres).map_err(DbError::Unavailable),
        }
    }

    fn is_valid(&self, conn: &mut Connection) -> Result<(), DbError> {
        match conn {
            // A file does not become unreachable as a server does: one query less for each loan.
            Connection::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Connection::Postgres(conn) => Ok(conn.check()?),
        }
    }

    fn has_broken(&self, conn: &mut Connection) -> bool {
        std::thread::panicking() || conn.is_broken()
    }
}

/// Opens up to `size` connections to a SQLite file, which is made for its owner alone when it does not exist, or to a
/// PostgreSQL server.
///
/// `database_url` is a path, with or without `sqlite:` or `sqlite://` before it, or `postgres://…`.
///
/// # Errors
/// [`DbError::BadUrl`] for anything else, [`DbError::Unavailable`] when it can't be opened or is no database.
pub fn open(database_url: &str, size: u32) -> Result<Pool, DbError> {
    open_source(source(database_url)?, size)
}

/// Opens a connection to a SQLite file in which nothing is changed.
pub(super) fn open_to_read(database_url: &str) -> Result<Pool, DbError> {
    open_source(Source::SqliteReadOnly(sqlite_path(database_url)?.to_owned()), 1)
}

fn open_source(source: Source, size: u32) -> Result<Pool, DbError> {
    // The pool would try for its whole timeout and then hide the reason: the first connection reports it at once.
    drop(r2d2::ManageConnection::connect(&source)?);
    let idle = match source {
        Source::Sqlite(_) | Source::SqliteReadOnly(_) => None,
        // A server has connections for all of its clients together.
        #[cfg(feature = "postgres")]
        Source::Postgres(_) => Some(1),
    };
    r2d2::Pool::builder()
        .max_size(size.max(1))
        .min_idle(idle)
        .connection_timeout(WAIT_MAX)
        // Anyone who asks for a connection gets the error and logs it.
        .error_handler(Box::new(r2d2::NopErrorHandler))
        .build(source)
        .map(|pool| Pool { pool, is_unreachable: Arc::default() })
        .map_err(|error| DbError::Unavailable(error.to_string()))
}

/// Opens a SQLite file for reading alone: nothing in it is changed, whatever its log holds.
pub(super) fn open_read_only(path: &str) -> Result<Connection, DbError> {
    let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let opened = Connection::establish_sqlite(&format!("file:{escaped}?mode=ro"));
    let mut conn = opened.map_err(|error| DbError::Unavailable(format!("can't open {path}: {error}")))?;
    conn.batch_execute(&format!("PRAGMA busy_timeout = {}", WAIT_MAX.as_millis()))?;
    Ok(conn)
}

/// Makes a new file that its owner alone may read and write; SQLite gives its log the same mode. One that exists stays as
/// it is.
fn make_for_its_owner(path: &str) {
    // `file:` begins an address of SQLite's own, which names its file in another way.
    if path.starts_with("file:") {
        return;
    }
    // Whatever fails here fails again in SQLite, which says why.
    let _ = owners_file().write(true).create_new(true).open(path);
}

/// How a file is opened that is its owner's alone where it is made.
pub(super) fn owners_file() -> std::fs::OpenOptions {
    let mut options = std::fs::File::options();
    options.mode(0o600);
    options
}

/// Gives a new file to the owner of another one: a command that root runs must not lock out the server's own user. Anyone who may
/// not do that is the owner, or has no business there.
pub(super) fn give_to_owner_of(file: &Path, other: &Path) {
    if let Ok(owner) = std::fs::metadata(other) {
        let _ = chown(file, Some(owner.uid()), Some(owner.gid()));
    }
}

pub(super) fn is_postgres(database_url: &str) -> bool {
    database_url.starts_with("postgres://") || database_url.starts_with("postgresql://")
}

fn source(database_url: &str) -> Result<Source, DbError> {
    if !is_postgres(database_url) {
        return sqlite_path(database_url).map(|path| Source::Sqlite(path.to_owned()));
    }
    #[cfg(feature = "postgres")]
    return Ok(Source::Postgres(Arc::new(Origin::new(database_url))));
    #[cfg(not(feature = "postgres"))]
    Err(DbError::BadUrl(
        "this haggle was built without PostgreSQL: build it with `--features postgres` (or `postgres-bundled`)"
            .to_owned(),
    ))
}

/// The path of a SQLite file; `None` for an address of PostgreSQL, and for one that is no address.
#[must_use]
pub fn sqlite_file(database_url: &str) -> Option<&str> {
    if is_postgres(database_url) { None } else { sqlite_path(database_url).ok() }
}

pub(super) fn sqlite_path(database_url: &str) -> Result<&str, DbError> {
    let path = match database_url.strip_prefix("sqlite:") {
        Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
        None => database_url,
    };
    if path.is_empty() || path.contains("://") || path.contains('\0') {
        return Err(DbError::BadUrl(
            "`database-url` must be the path of a SQLite file, like haggle.db, or postgres://…".to_owned(),
        ));
    }
    if path.contains(":memory:") || path.contains("mode=memory") {
        // Each connection would have a database of its own.
        return Err(DbError::BadUrl("`database-url` must be a file: a database in memory can't be shared".to_owned()));
    }
    Ok(path)
}

/// Lets a connection to SQLite wait for a lock instead of failing.
pub(super) fn wait_for_locks(conn: &mut Connection) -> diesel::QueryResult<()> {
    conn.batch_execute(&busy_timeout())
}

fn busy_timeout() -> String {
    format!("PRAGMA busy_timeout = {}", WAIT_MAX.as_millis())
}

/// What every connection runs with. One statement each: a list stops at its first error, and the order matters.
fn set_pragmas(connection: &mut SqliteConnection) -> diesel::QueryResult<()> {
    // First, so that the rest waits for a lock instead of failing.
    connection.batch_execute(&busy_timeout())?;
    // Readers don't wait for the writer, and a commit is one append to the log.
    connection.batch_execute("PRAGMA journal_mode = WAL")?;
    // A commit returns when the disk has it: what was acknowledged survives a power cut, not only a killed process.
    connection.batch_execute("PRAGMA synchronous = FULL")?;
    connection.batch_execute("PRAGMA foreign_keys = ON")?;
    // What is deleted or edited is overwritten where it was, and not only taken off the list of what is there.
    connection.batch_execute("PRAGMA secure_delete = ON")?;
    // 32 MiB of pages a connection: the inner pages of the indices of some ten million messages.
    // No mmap: a read error in a mapped file is a signal that ends the process, not an error.
    connection.batch_execute("PRAGMA cache_size = -32768")?;
    connection.batch_execute("PRAGMA temp_store = MEMORY")?;
    // The log is copied back every 64 MiB instead of every 4: batches over many rooms touch many pages, and each page
    // is copied once for all commits since the last time. A thousand busy rooms store 30 % more messages per second.
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
            #[cfg(not(feature = "postgres"))]
            ("postgres://u:p@localhost/haggle", "built without PostgreSQL"),
            #[cfg(not(feature = "postgres"))]
            ("postgresql://localhost/haggle", "built without PostgreSQL"),
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
