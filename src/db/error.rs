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
    /// What is stored can't be read: no retry helps.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
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
            Self::Corrupt(_) | Self::TooNew(_) | Self::BadUrl(_) | Self::Internal(_) => ErrorCode::Internal,
        }
    }
}

impl From<DbError> for ChatError {
    /// The sentence for a user. An internal fault is logged here, under the reference that the user gets;
    /// `unavailable` is not: it hits a whole batch at once, and whoever handles the batch logs it once.
    fn from(error: DbError) -> Self {
        match error.code() {
            ErrorCode::Unavailable => Self::unavailable(),
            _ => Self::internal(&error),
        }
    }
}

impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) => classify(info.message()),
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, info) => {
                Self::Unavailable(info.message().to_owned())
            }
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

/// SQLite's fixed sentences (`sqlite3_errstr`), since diesel passes no result code on.
fn classify(message: &str) -> DbError {
    const AWAY: [&str; 9] = [
        "is locked",               // SQLITE_BUSY, SQLITE_LOCKED
        "is full",                 // SQLITE_FULL
        "disk I/O error",          // SQLITE_IOERR
        "unable to open database", // SQLITE_CANTOPEN
        "readonly database",       // SQLITE_READONLY
        "out of memory",           // SQLITE_NOMEM
        "interrupted",             // SQLITE_INTERRUPT
        "locking protocol",        // SQLITE_PROTOCOL
        "access permission",       // SQLITE_PERM
    ];
    const DAMAGED: [&str; 2] = ["malformed", "file is not a database"]; // SQLITE_CORRUPT, SQLITE_NOTADB
    if AWAY.iter().any(|words| message.contains(words)) {
        DbError::Unavailable(message.to_owned())
    } else if DAMAGED.iter().any(|words| message.contains(words)) {
        DbError::Corrupt(message.to_owned())
    } else {
        DbError::Internal(message.to_owned())
    }
}
