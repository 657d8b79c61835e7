//! Whether the search index holds what the messages say.

use diesel::sql_types::{BigInt, Text};

use super::{EXAMPLES, Fault};
use crate::db::{Connection, DbError, message_index, prelude::*};

/// Messages whose words are looked up: so many of the newest, and as many spread over the rest.
const LOOKED_UP: i64 = 500;

/// A view of FTS5's own lists, which is this connection's alone.
pub(super) fn make_readable(conn: &mut Connection) -> Result<(), DbError> {
    match conn {
        Connection::Sqlite(_) => Ok(conn.batch_execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.index_words USING fts5vocab(main, message_index, col)",
        )?),
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => Ok(()),
    }
}

/// A message that should be in the search index.
#[derive(QueryableByName)]
struct Indexed {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    text: String,
}

/// Whether the search index has the messages up to its mark: all of them, no others, and their words.
pub(super) fn check(conn: &mut Connection) -> Result<Option<Fault>, DbError> {
    #[derive(QueryableByName)]
    struct Counts {
        #[diesel(sql_type = BigInt)]
        wanted: i64,
        /// Messages whose words are being replaced or taken in, which the index may have or not.
        #[diesel(sql_type = BigInt)]
        changing: i64,
        #[diesel(sql_type = BigInt)]
        there: i64,
    }
    let (changing, there) = match conn {
        // Each message has one word in this column: whose conversation it is.
        Connection::Sqlite(_) => (
            "SELECT count(*) FROM message_index_changes",
            "SELECT CAST(coalesce(sum(doc), 0) AS BIGINT) FROM temp.index_words WHERE col = 'buyer'",
        ),
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => ("SELECT CAST(0 AS BIGINT)", "SELECT count(*) FROM message_index"),
    };
    let wanted = settled(conn);
    let counts = format!(
        "SELECT (SELECT count(*) FROM messages WHERE {wanted}) AS wanted, ({changing}) AS changing, ({there}) AS there"
    );
    let counts: Counts = diesel::sql_query(counts).get_result(conn)?;
    let most = counts.wanted + counts.changing;
    if !(counts.wanted..=most).contains(&counts.there) {
        let examples = vec![format!("{most} messages, {} in the index", counts.there)];
        let what = "messages that the search index lacks or has too many";
        let count = (counts.wanted - counts.there).max(counts.there - most);
        return Ok(Some(Fault { what, count, examples }));
    }
    let mut missing = Vec::new();
    for message in list_indexed(conn, counts.wanted)? {
        if !message_index::has(conn, message.position, &message.text)? {
            missing.push(format!("position {}", message.position));
        }
    }
    let count = i64::try_from(missing.len()).unwrap_or(i64::MAX);
    missing.truncate(EXAMPLES);
    let what = "messages whose words the search index does not find";
    Ok((count > 0).then_some(Fault { what, count, examples: missing }))
}

/// What holds for the messages whose words the index should have as they stand.
fn settled(conn: &Connection) -> &'static str {
    match conn {
        Connection::Sqlite(_) => {
            "text IS NOT NULL AND kind <> 'system' AND position <= (SELECT indexed_to FROM message_index_progress) \
             AND position NOT IN (SELECT position FROM message_index_changes)"
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => {
            "text IS NOT NULL AND kind <> 'system' AND position <= (SELECT indexed_to FROM message_index_progress)"
        }
    }
}

/// The newest messages that are indexed, and others spread over all of them.
fn list_indexed(conn: &mut Connection, total: i64) -> Result<Vec<Indexed>, DbError> {
    let sql = format!(
        "SELECT position, text FROM (SELECT position, text, row_number() OVER (ORDER BY position DESC) AS place \
         FROM messages WHERE {}) m WHERE place <= $1 OR place % $2 = 0",
        settled(conn)
    );
    let every = (total / LOOKED_UP).max(1);
    Ok(diesel::sql_query(sql).bind::<BigInt, _>(LOOKED_UP).bind::<BigInt, _>(every).load(conn)?)
}
