//! Which database this build speaks to: the one line that a second one changes.

/// A connection. Every function of [`crate::db`] takes one.
pub type Connection = diesel::SqliteConnection;

/// Its dialect, for the row types.
pub(super) type Backend = diesel::sqlite::Sqlite;
