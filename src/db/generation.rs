//! Which life of which database this is: what was followed before a restore can't be followed after it.
//!
//! A restore takes commits back, and later ones get their places again. A cursor from before it would skip them without a
//! word, so each cursor carries a tag of the generation that it belongs to.

use diesel::sql_types::{BigInt, Text};
use sha2::{Digest as _, Sha256};

use super::{Connection, DbError, prelude::*};
use crate::domain::{EventCursor, GenerationTag};

/// The life that a database is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation {
    pub(super) tag: GenerationTag,
    /// It was never restored since cursors have tags, and was there before.
    takes_untagged: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    identity: String,
    #[diesel(sql_type = Text)]
    generation: String,
    /// What a restore changes by itself.
    #[diesel(sql_type = Text)]
    place: String,
}

/// Of PostgreSQL: the server, its timeline (which a recovery to a point in time begins, and the promotion of a standby), the
/// database and the table, which `pg_restore` makes again.
#[cfg(feature = "postgres")]
const POSTGRES: &str = "SELECT identity, generation, concat_ws(' ', (SELECT system_identifier FROM pg_control_system()), \
    CASE WHEN pg_is_in_recovery() THEN '' ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END, \
    (SELECT oid FROM pg_database WHERE datname = current_database()), 'messages'::regclass::oid) AS place FROM installation";

/// The generation that the database is in.
pub(super) fn find_generation(conn: &mut Connection) -> Result<Generation, DbError> {
    let sql = match conn {
        Connection::Sqlite(_) => "SELECT identity, generation, '' AS place FROM installation",
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => POSTGRES,
    };
    let row: Row = diesel::sql_query(sql).get_result(conn)?;
    let hash = Sha256::digest(format!("{} {} {}", row.identity, row.generation, row.place));
    let tag = hash.iter().take(GenerationTag::BYTES).fold(0, |tag, byte| tag << 8 | u64::from(*byte));
    Ok(Generation { tag: GenerationTag(tag), takes_untagged: row.identity == row.generation })
}

/// Begins another generation, where the database is a copy of another time.
pub(super) fn begin_generation(conn: &mut Connection) -> Result<(), DbError> {
    set_generation(conn, &uuid::Uuid::new_v4().simple().to_string())
}

/// Notes that the next start begins another generation.
pub(super) fn end_generation(conn: &mut Connection) -> Result<(), DbError> {
    set_generation(conn, "")
}

fn set_generation(conn: &mut Connection, generation: &str) -> Result<(), DbError> {
    diesel::sql_query("UPDATE installation SET generation = $1").bind::<Text, _>(generation).execute(conn)?;
    Ok(())
}

/// Whether the database waits for its next generation.
pub(super) fn is_generation_over(conn: &mut Connection) -> Result<bool, DbError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let over = diesel::sql_query("SELECT count(*) AS count FROM installation WHERE generation = ''");
    Ok(over.get_result::<Count>(conn)?.count > 0)
}

impl Generation {
    /// Whether a cursor is of this life of this database, and not of a later time that was taken back.
    pub(super) fn has(&self, conn: &mut Connection, cursor: EventCursor) -> Result<bool, DbError> {
        if cursor == EventCursor::default() {
            return Ok(true);
        }
        let is_untagged = cursor.generation == GenerationTag::default();
        if cursor.generation != self.tag && !(is_untagged && self.takes_untagged) {
            return Ok(false);
        }
        let (position, change) = last_given(conn)?;
        Ok(cursor.position <= position && cursor.change <= change)
    }
}

/// The last place that a message has got, and the last one of a change: also of those that are gone.
pub(super) fn last_given(conn: &mut Connection) -> Result<(i64, i64), DbError> {
    #[derive(QueryableByName)]
    struct Given {
        #[diesel(sql_type = BigInt)]
        position: i64,
        #[diesel(sql_type = BigInt)]
        change: i64,
    }
    let sql = match conn {
        Connection::Sqlite(_) => {
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'messages'), 0) AS position, \
             coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0) AS change"
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => {
            // What a new sequence has as its last value it has not given yet.
            "SELECT (SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM messages_position) AS position, \
             (SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM changes_id) AS change"
        }
    };
    let given: Given = diesel::sql_query(sql).get_result(conn)?;
    Ok((given.position, given.change))
}
