//! What can go wrong between haggle and its database.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use thiserror::Error;

use crate::error::{ChatError, ErrorCode};

/// A failure of the database, as a caller can act on it.
///
/// Its text names SQL and paths: it is for the log and the operator. Users get the [`ChatError`] that it turns into.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DbError {
    /// Locked, full, unreachable, read-only, or every connection busy: the same call may succeed later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The account has too much waiting at the database: the same call succeeds when some of it is done.
    #[error("too much of one account waits at the database")]
    RateLimited {
        /// When to try again.
        retry_after_ms: u64,
    },
    /// What is stored can't be read: no retry helps.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// What lies at `--database-url` can't be served as it is; the sentence says what to do.
    #[error("{0}")]
    Refused(String),
    /// A newer haggle has changed the schema.
    #[error("the database was made by a newer haggle (it has run {0}); start that version, or restore a backup")]
    TooNew(String),
    /// `--database-url` names no database that this build can open.
    #[error("{0}")]
    BadUrl(String),
    /// A statement failed on its own account: a fault of haggle's.
    #[error("a statement failed: {0}")]
    Internal(String),
}

impl DbError {
    /// The code that a user sees.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable(_) => ErrorCode::Unavailable,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Corrupt(_) | Self::Refused(_) | Self::TooNew(_) | Self::BadUrl(_) | Self::Internal(_) => {
                ErrorCode::Internal
            }
        }
    }
}

impl From<DbError> for ChatError {
    /// The sentence for a user. An internal fault is logged here, under the reference that the user gets;
    /// `unavailable` is not: it hits a whole batch at once, and what handles the batch logs it once.
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(_) => Self::unavailable(),
            DbError::RateLimited { retry_after_ms } => Self::rate_limited(retry_after_ms),
            _ => Self::internal(&error),
        }
    }
}

impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) => classify(info.message()),
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ReadOnlyTransaction
                | DatabaseErrorKind::SerializationFailure,
                info,
            ) => Self::Unavailable(in_one_line(info.message())),
            // The transaction could not even be ended. What made it fail decides.
            DieselError::RollbackErrorOnCommit { commit_error, .. } => match commit_error.as_ref() {
                DieselError::DatabaseError(_, info) => classify(info.message()),
                _ => Self::Unavailable(error.to_string()),
            },
            DieselError::BrokenTransactionManager | DieselError::RollbackTransaction => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Internal(error.to_string()),
        }
    }
}

fn in_one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// SQLite's fixed sentences (`sqlite3_errstr`), and PostgreSQL's, since diesel passes no code on: connections ask for them in
/// English. A server that speaks another language to a role that may not change it gets `internal` for what is not among
/// diesel's own kinds.
fn classify(message: &str) -> DbError {
    const UNAVAILABLE: [&str; 26] = [
        "is locked",               // SQLITE_BUSY, SQLITE_LOCKED
        "is full",                 // SQLITE_FULL
        "disk I/O error",          // SQLITE_IOERR
        "unable to open database", // SQLITE_CANTOPEN
        "readonly database",       // SQLITE_READONLY
        "out of memory",           // SQLITE_NOMEM
        "interrupted",             // SQLITE_INTERRUPT
        "locking protocol",        // SQLITE_PROTOCOL
        "access permission",       // SQLITE_PERM
        // PostgreSQL's, by their SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html).
        "deadlock detected",                       // 40P01
        "terminating connection",                  // 57P01, 57P02, 25P03
        "shutting down",                           // 57P03
        "starting up",                             // 57P03
        "in recovery mode",                        // 57P03
        "not accepting commands",                  // 57P03
        "lock timeout",                            // 55P03
        "statement timeout",                       // 57014
        "canceling statement due to user request", // 57014
        "No space left on device",                 // 53100
        "could not extend file",                   // 53100
        "could not write",                         // 58030
        "remaining connection slots",              // 53300
        "too many clients",                        // 53300
        "read-only transaction",                   // 25006
        "during recovery",                         // a standby: XX000, 0A000
        "server closed the connection",            // libpq
    ];
    const DAMAGED: [&str; 2] = ["malformed", "file is not a database"]; // SQLITE_CORRUPT, SQLITE_NOTADB
    if UNAVAILABLE.iter().any(|words| message.contains(words)) {
        DbError::Unavailable(in_one_line(message))
    } else if DAMAGED.iter().any(|words| message.contains(words)) {
        DbError::Corrupt(message.to_owned())
    } else {
        DbError::Internal(message.to_owned())
    }
}
