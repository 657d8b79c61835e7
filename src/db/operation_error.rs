//! How an operation ends that comes to nothing: it was refused, or the database failed.

use diesel::result::Error as DieselError;

use super::DbError;

/// Why an operation came to nothing. `?` takes both inside of it: a refusal, and a failure of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationError<E> {
    /// The database has answered, and what was asked can't be done as things stand.
    Refused(E),
    /// The database has failed.
    Db(DbError),
}

/// A reason to refuse an operation: `?` and `into` turn it into [`OperationError::Refused`].
pub trait RefusalReason {}

/// The sentence about a line of an import.
impl RefusalReason for &'static str {}

impl<E: RefusalReason> From<E> for OperationError<E> {
    fn from(refused: E) -> Self {
        Self::Refused(refused)
    }
}

impl<E> From<DbError> for OperationError<E> {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl<E> From<DieselError> for OperationError<E> {
    fn from(error: DieselError) -> Self {
        Self::Db(error.into())
    }
}

/// What an operation fails with: [`DbError`], or [`OperationError`] where it can be refused.
pub trait DbFailure: From<DbError> + Send + 'static {
    /// The failure of the database; `None` when the operation was refused.
    fn db_error(&self) -> Option<&DbError>;
}

impl DbFailure for DbError {
    fn db_error(&self) -> Option<&DbError> {
        Some(self)
    }
}

impl<E: Send + 'static> DbFailure for OperationError<E> {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Refused(_) => None,
            Self::Db(error) => Some(error),
        }
    }
}
