//! A connection, to SQLite or to PostgreSQL, and how a query runs on it.
//!
//! The rest of `db/` is written once, in diesel's words: a query is built without knowing where it will run, and
//! [`prelude`] runs it on whichever of the two the connection is. Diesel compiles it for each of them, so SQLite pays one
//! comparison for PostgreSQL's being there. Where the two speak differently (arrays against lists, REPLACE, the search), a
//! `match` on the connection says so at that place.

#[cfg(feature = "postgres")]
pub(super) mod postgres;

use std::ops::ControlFlow;

#[cfg(feature = "postgres")]
use diesel::pg::PgRowByRowLoadingMode;
use diesel::{
    QueryResult, SqliteConnection,
    connection::{
        AnsiTransactionManager, Connection as _, DefaultLoadingMode, SimpleConnection as _, TransactionManager as _,
    },
    query_dsl::methods::{ExecuteDsl, LoadQuery},
    r2d2::R2D2Connection as _,
};

#[cfg(feature = "postgres")]
use self::postgres::Postgres;

/// A connection. Every function of [`crate::db`] takes one.
// One of them lives in each place of the pool, for as long as the pool does.
#[allow(clippy::large_enum_variant, reason = "with the feature `postgres` alone")]
pub enum Connection {
    /// To a SQLite file.
    Sqlite(SqliteConnection),
    /// To a PostgreSQL server.
    #[cfg(feature = "postgres")]
    Postgres(Postgres),
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "Connection::Sqlite",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => "Connection::Postgres",
        })
    }
}

/// SQLite's dialect, for the row types: what it can read, PostgreSQL can.
pub(super) type Backend = diesel::sqlite::Sqlite;

impl Connection {
    /// Opens a SQLite file as it is, without the settings that [`super::open`] gives a connection.
    ///
    /// # Errors
    /// Diesel's, when it can't be opened.
    pub fn establish_sqlite(path: &str) -> diesel::ConnectionResult<Self> {
        SqliteConnection::establish(path).map(Self::Sqlite)
    }

    /// Runs statements that take nothing and return nothing.
    ///
    /// # Errors
    /// Diesel's, of the first that fails.
    pub fn batch_execute(&mut self, sql: &str) -> QueryResult<()> {
        match self {
            Self::Sqlite(conn) => conn.batch_execute(sql),
            #[cfg(feature = "postgres")]
            Self::Postgres(conn) => conn.run(|conn| conn.batch_execute(sql)),
        }
    }

    /// Reads from one snapshot.
    pub(super) fn transaction<T, E: From<diesel::result::Error>>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        match self {
            Self::Sqlite(conn) => AnsiTransactionManager::begin_transaction(conn)?,
            #[cfg(feature = "postgres")]
            Self::Postgres(conn) => conn.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?,
        }
        let outcome = read(self);
        self.end(outcome)
    }

    /// Writes, one transaction after the other: a writer waits here for every other one, on any node.
    ///
    /// A transaction of SQLite that starts as a reader can lose its snapshot to another writer and fail at once, so it
    /// starts as a writer. PostgreSQL has a lock for it: places in the order of commits are given in the
    /// order of commits, and whatever was decided from what was read holds until it is written.
    pub(super) fn immediate_transaction<T, E: From<diesel::result::Error>>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        match self {
            Self::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?,
            #[cfg(feature = "postgres")]
            Self::Postgres(conn) => conn.begin_writing()?,
        }
        let outcome = write(self);
        self.end(outcome)
    }

    /// Writes in addition to the writer, what is guarded by the rows that it locks. In SQLite there is only one writer.
    pub(super) fn transaction_beside<T, E: From<diesel::result::Error>>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        match self {
            Self::Sqlite(_) => self.immediate_transaction(write),
            #[cfg(feature = "postgres")]
            Self::Postgres(conn) => {
                conn.begin("BEGIN ISOLATION LEVEL READ COMMITTED")?;
                let outcome = write(self);
                self.end(outcome)
            }
        }
    }

    fn end<T, E: From<diesel::result::Error>>(&mut self, outcome: Result<T, E>) -> Result<T, E> {
        match outcome {
            Ok(value) => {
                match self {
                    Self::Sqlite(conn) => AnsiTransactionManager::commit_transaction(conn)?,
                    #[cfg(feature = "postgres")]
                    Self::Postgres(conn) => conn.commit()?,
                }
                Ok(value)
            }
            Err(error) => {
                // What made it fail says more than what became of the rollback; a connection that is left in a transaction
                // does not go back to the pool.
                let _ = match self {
                    Self::Sqlite(conn) => AnsiTransactionManager::rollback_transaction(conn),
                    #[cfg(feature = "postgres")]
                    Self::Postgres(conn) => conn.rollback(),
                };
                Err(error)
            }
        }
    }

    /// The name of this node among those that share the database; empty where it is the only one.
    pub(super) fn node(&self) -> &str {
        match self {
            Self::Sqlite(_) => "",
            #[cfg(feature = "postgres")]
            Self::Postgres(conn) => conn.node(),
        }
    }

    /// The names of the other nodes that are connected.
    pub(super) fn list_nodes(&mut self) -> QueryResult<Vec<String>> {
        match self {
            Self::Sqlite(_) => Ok(Vec::new()),
            #[cfg(feature = "postgres")]
            Self::Postgres(conn) => conn.list_nodes(),
        }
    }

    /// Diesel's own connection, for what a test asks SQLite.
    #[cfg(test)]
    pub(super) fn sqlite(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Sqlite(conn) => conn,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => panic!("this asks SQLite"),
        }
    }

    /// Whether it must not be used again.
    pub(crate) fn is_broken(&mut self) -> bool {
        match self {
            Self::Sqlite(conn) => conn.is_broken(),
            #[cfg(feature = "postgres")]
            Self::Postgres(conn) => conn.is_broken(),
        }
    }
}

/// A query that returns rows, on either database.
#[cfg(not(feature = "postgres"))]
pub(super) trait Loads<'query, U>: LoadQuery<'query, SqliteConnection, U> {}
#[cfg(not(feature = "postgres"))]
impl<'query, U, Q: LoadQuery<'query, SqliteConnection, U>> Loads<'query, U> for Q {}

/// A query that returns rows, on either database.
#[cfg(feature = "postgres")]
pub(super) trait Loads<'query, U>:
    LoadQuery<'query, SqliteConnection, U> + LoadQuery<'query, diesel::PgConnection, U>
{
}
#[cfg(feature = "postgres")]
impl<'query, U, Q> Loads<'query, U> for Q where
    Q: LoadQuery<'query, SqliteConnection, U> + LoadQuery<'query, diesel::PgConnection, U>
{
}

/// A query that changes rows, on either database.
#[cfg(not(feature = "postgres"))]
pub(super) trait Executes: ExecuteDsl<SqliteConnection> {}
#[cfg(not(feature = "postgres"))]
impl<Q: ExecuteDsl<SqliteConnection>> Executes for Q {}

/// A query that changes rows, on either database.
#[cfg(feature = "postgres")]
pub(super) trait Executes: ExecuteDsl<SqliteConnection> + ExecuteDsl<diesel::PgConnection> {}
#[cfg(feature = "postgres")]
impl<Q: ExecuteDsl<SqliteConnection> + ExecuteDsl<diesel::PgConnection>> Executes for Q {}

/// A query whose rows can be taken one by one, on either database.
#[cfg(not(feature = "postgres"))]
pub(super) trait Streams<'query, U>: LoadQuery<'query, SqliteConnection, U> {}
#[cfg(not(feature = "postgres"))]
impl<'query, U, Q: LoadQuery<'query, SqliteConnection, U>> Streams<'query, U> for Q {}

/// A query whose rows can be taken one by one, on either database.
#[cfg(feature = "postgres")]
pub(super) trait Streams<'query, U>:
    LoadQuery<'query, SqliteConnection, U> + LoadQuery<'query, diesel::PgConnection, U, PgRowByRowLoadingMode>
{
}
#[cfg(feature = "postgres")]
impl<'query, U, Q> Streams<'query, U> for Q where
    Q: LoadQuery<'query, SqliteConnection, U> + LoadQuery<'query, diesel::PgConnection, U, PgRowByRowLoadingMode>
{
}

fn take_while<U>(
    rows: impl Iterator<Item = QueryResult<U>>,
    mut take: impl FnMut(U) -> ControlFlow<()>,
) -> QueryResult<()> {
    for row in rows {
        if take(row?).is_break() {
            break;
        }
    }
    Ok(())
}

/// Diesel's prelude, for queries on a [`Connection`].
pub(super) mod prelude {
    pub(in crate::db) use super::{RunQueryDsl, SelectableHelper};
    // The two names above stand before those of a glob.
    pub(in crate::db) use diesel::prelude::*;
}

/// Runs queries, as diesel's trait of this name does on its own connections.
pub(super) trait RunQueryDsl: Sized {
    /// All rows.
    fn load<'query, U>(self, conn: &mut Connection) -> QueryResult<Vec<U>>
    where
        Self: Loads<'query, U>,
    {
        match conn {
            Connection::Sqlite(conn) => diesel::RunQueryDsl::<SqliteConnection>::load(self, conn),
            #[cfg(feature = "postgres")]
            Connection::Postgres(conn) => {
                conn.run(|conn| diesel::RunQueryDsl::<diesel::PgConnection>::load(self, conn))
            }
        }
    }

    /// The rows one by one, until `take` has enough.
    ///
    /// SQLite reads no further then. PostgreSQL has its LIMIT for that: what it sends beyond is dropped row by row.
    fn load_while<'conn, 'query: 'conn, U: 'conn>(
        self,
        conn: &'conn mut Connection,
        take: impl FnMut(U) -> ControlFlow<()>,
    ) -> QueryResult<()>
    where
        Self: Streams<'query, U> + 'conn,
    {
        match conn {
            Connection::Sqlite(conn) => {
                let rows = diesel::RunQueryDsl::<SqliteConnection>::load_iter::<U, DefaultLoadingMode>(self, conn)?;
                take_while(rows, take)
            }
            #[cfg(feature = "postgres")]
            Connection::Postgres(conn) => conn.load_while(self, take),
        }
    }

    /// The first row.
    fn get_result<'query, U>(self, conn: &mut Connection) -> QueryResult<U>
    where
        Self: Loads<'query, U>,
    {
        match conn {
            Connection::Sqlite(conn) => diesel::RunQueryDsl::<SqliteConnection>::get_result(self, conn),
            #[cfg(feature = "postgres")]
            Connection::Postgres(conn) => {
                conn.run(|conn| diesel::RunQueryDsl::<diesel::PgConnection>::get_result(self, conn))
            }
        }
    }

    /// How many rows were changed.
    fn execute(self, conn: &mut Connection) -> QueryResult<usize>
    where
        Self: Executes,
    {
        match conn {
            Connection::Sqlite(conn) => ExecuteDsl::<SqliteConnection>::execute(self, conn),
            #[cfg(feature = "postgres")]
            Connection::Postgres(conn) => conn.run(|conn| ExecuteDsl::<diesel::PgConnection>::execute(self, conn)),
        }
    }
}

impl<Q> RunQueryDsl for Q {}

/// The columns of a row type, as diesel's trait of this name has them, for either database.
pub(super) trait SelectableHelper: diesel::Selectable<Backend> {
    /// The columns.
    fn as_select() -> Self::SelectExpression {
        Self::construct_selection()
    }
}

impl<T: diesel::Selectable<Backend>> SelectableHelper for T {}
