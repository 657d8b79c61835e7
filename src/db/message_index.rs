//! The search index. It follows after the commits, so that a message costs the same whether anybody ever searches.
//!
//! Messages up to `indexed_to` are in it. Later ones are added by [`index_messages`], in the order of their commits and in
//! slices of a few milliseconds; a search reads those directly. So no search waits for the index, and no message does.
//!
//! It holds texts in the form in which they are compared (`domain::fold`), and a query is brought into the same form. Anyone who
//! changes that form empties the index in a migration and sets `indexed_to` to 0: it is then built again after the commits.
//!
//! SQLite's is a virtual table of FTS5's. An edit or a deletion of a message that is in it only notes the words that it still
//! has (`changes`). PostgreSQL's is a table with an index of `pg_trgm`'s, which changes at once.

mod changes;
#[cfg(feature = "postgres")]
mod postgres;

use std::time::Duration;

use diesel::sql_types::{BigInt, Nullable, Text};
use sha2::{Digest as _, Sha256};

pub use changes::IndexChanges;

use super::{
    Connection, DbError,
    models::message::tail,
    prelude::*,
    prepared::{self, Statement, Value},
    schema::{message_index_progress, messages},
};
use crate::domain::{MessageId, StoredMessage, fold::fold};

/// How much text is added for each page that is merged. Each character adds some eight bytes, and these are merged once in
/// each of the index's levels, which are ten for ten million messages: a page of 4 KiB for 50 bytes.
const TEXT_BYTES_PER_MERGED_PAGE: usize = 50;

/// How much is added to the index at once.
#[derive(Debug, Clone, Copy)]
pub struct IndexSlice {
    /// Most messages.
    pub messages: i64,
    /// Most bytes of text. A message that has more is noted, and taken in by [`follow_changes`].
    pub text_bytes: i64,
}

/// What a slice has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Whether there is more to do.
    pub has_more: bool,
    /// Pages that are to be merged for it, by [`merge_index`].
    pub merge_pages: i64,
}

/// A message that waits, and the bytes of its text.
#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    bytes: Option<i64>,
}

/// A message as the index sees it.
#[derive(QueryableByName)]
struct Indexable {
    #[diesel(sql_type = BigInt)]
    position: i64,
    /// As it was written where it comes from the database, and folded from then on.
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
    #[diesel(sql_type = Text)]
    buyer_id: String,
    #[diesel(sql_type = Text)]
    seller_id: String,
}

/// Whether messages wait for being indexed, or for the index to follow a change.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn is_index_behind(conn: &mut Connection) -> Result<bool, DbError> {
    Ok(settled_to(conn)? > indexed_to(conn)? || changes::is_waiting(conn, IndexChanges::All)?)
}

/// The position up to which all messages are settled; 0 without any.
fn settled_to(conn: &mut Connection) -> QueryResult<i64> {
    Ok(newest_position(conn)?.min(tail::first_position(conn)? - 1))
}

/// The position of the newest message that is settled; 0 without any.
pub(super) fn newest_position(conn: &mut Connection) -> QueryResult<i64> {
    let newest: Option<i64> = messages::table.select(diesel::dsl::max(messages::position)).get_result(conn)?;
    Ok(newest.unwrap_or(0))
}

/// Adds the next messages to the index, oldest first, in one transaction.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn index_messages(conn: &mut Connection, slice: IndexSlice) -> Result<Indexed, DbError> {
    conn.transaction_beside(|conn| {
        let from = lock_indexed_to(conn)?;
        // The sizes first: a text is not read before it is known to fit.
        let waiting: Vec<Size> = diesel::sql_query(
            "SELECT position, CAST(CASE kind WHEN 'system' THEN 0 ELSE octet_length(text) END AS BIGINT) AS bytes \
             FROM messages WHERE position > $1 AND position < $2 ORDER BY position LIMIT $3",
        )
        .bind::<BigInt, _>(from)
        .bind::<BigInt, _>(tail::first_position(conn)?)
        .bind::<BigInt, _>(slice.messages)
        .load(conn)?;
        let mut bytes = 0;
        let fitting = waiting.iter().take_while(|size| {
            bytes += size.bytes.unwrap_or(0);
            bytes <= slice.text_bytes
        });
        let count = fitting.count().max(1);
        let Some(mut last) = waiting.get(count - 1).map(|size| size.position) else { return Ok(Indexed::default()) };
        let mut rows: Vec<Indexable> = diesel::sql_query(
            "SELECT m.position, CASE m.kind WHEN 'system' THEN NULL ELSE m.text END AS text, r.buyer_id, r.seller_id \
             FROM messages m JOIN rooms r ON r.id = m.room_id \
             WHERE m.position > $1 AND m.position <= $2 ORDER BY m.position",
        )
        .bind::<BigInt, _>(from)
        .bind::<BigInt, _>(last)
        .load(conn)?;
        let is_long = fold_some(&mut rows, slice.text_bytes);
        last = rows.last().map_or(last, |row| row.position);
        match conn {
            Connection::Sqlite(conn) => {
                for row in &rows {
                    if let Some(text) = &row.text {
                        if is_long {
                            changes::note_new(conn, row.position)?;
                            continue;
                        }
                        run::<Add>(conn, row.position, text, Some((&row.buyer_id, &row.seller_id)))?;
                    }
                }
            }
            #[cfg(feature = "postgres")]
            Connection::Postgres(conn) => postgres::add(conn, &rows)?,
        }
        diesel::update(message_index_progress::table).set(message_index_progress::indexed_to.eq(last)).execute(conn)?;
        let has_more = waiting.last().is_some_and(|newest| newest.position > last)
            || i64::try_from(waiting.len()) == Ok(slice.messages);
        // A long text is merged when it is added.
        let texts = rows.iter().filter(|_| !is_long).filter_map(|row| row.text.as_ref());
        let added: usize = texts.map(String::len).sum();
        Ok(Indexed { has_more, merge_pages: merge_pages(added) })
    })
}

/// Folds the texts and keeps as many as are in the bytes then, one at least: a few characters get longer. Returns whether the
/// first is too long.
fn fold_some(rows: &mut Vec<Indexable>, bytes_max: i64) -> bool {
    let mut bytes = 0;
    let mut fitting = 0;
    for row in rows.iter_mut() {
        row.text = row.text.take().map(|text| fold(&text));
        bytes += row.text.as_ref().map_or(0, |text| i64::try_from(text.len()).unwrap_or(i64::MAX));
        if bytes > bytes_max {
            break;
        }
        fitting += 1;
    }
    rows.truncate(fitting.max(1));
    fitting == 0 && bytes > bytes_max
}

/// Takes steps towards what edited, deleted and long messages say now, for so long: takes a few words out of the index, or adds some.
/// Messages of erased users come first.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn follow_changes(conn: &mut Connection, which: IndexChanges, time: Duration) -> Result<Indexed, DbError> {
    if !changes::is_waiting(conn, which)? {
        return Ok(Indexed::default());
    }
    conn.transaction_beside(|conn| {
        let added = match conn {
            Connection::Sqlite(conn) => changes::step(conn, time)?,
            #[cfg(feature = "postgres")]
            Connection::Postgres(_) => 0,
        };
        let merge_pages = merge_pages(added);
        Ok(Indexed { has_more: changes::is_waiting(conn, which)?, merge_pages })
    })
}

/// Merges parts of the index that came one after the other, so many pages of them. FTS5 would do the same by itself, but rarely,
/// and then for so long that those feel it who send a message just then.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn merge_index(conn: &mut Connection, pages: i64) -> Result<(), DbError> {
    if matches!(conn, Connection::Sqlite(_)) {
        conn.immediate_transaction(|conn| {
            match conn {
                Connection::Sqlite(conn) => prepared::run::<Merge, _>(conn, [Value::Number(pages)]).map(drop)?,
                #[cfg(feature = "postgres")]
                Connection::Postgres(_) => {}
            }
            Ok::<_, DbError>(())
        })?;
    }
    Ok(())
}

/// Whether a search for the beginning of a message's words finds it. A text of less than three characters has no word there.
pub(super) fn has(conn: &mut Connection, position: i64, text: &str) -> Result<bool, DbError> {
    let beginning: String = fold(text).chars().take(3).collect();
    if beginning.chars().count() < 3 {
        return Ok(true);
    }
    let (sql, beginning) = match conn {
        Connection::Sqlite(_) => (
            "SELECT rowid FROM message_index WHERE message_index MATCH $1 AND rowid = $2",
            format!("text : \"{}\"", beginning.replace('"', "\"\"")),
        ),
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => {
            ("SELECT position AS rowid FROM message_index WHERE strpos(text, $1) = 1 AND position = $2", beginning)
        }
    };
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = BigInt)]
        #[diesel(column_name = "rowid")]
        _position: i64,
    }
    let found: Vec<Found> = diesel::sql_query(sql).bind::<Text, _>(beginning).bind::<BigInt, _>(position).load(conn)?;
    Ok(!found.is_empty())
}

/// How many pages the adding of texts asks to be merged.
fn merge_pages(bytes: usize) -> i64 {
    i64::try_from(bytes / TEXT_BYTES_PER_MERGED_PAGE).unwrap_or(i64::MAX).saturating_add(1)
}

/// A message's words are about to be replaced, or taken back: before its row changes, and in the same transaction.
#[cfg_attr(
    not(feature = "postgres"),
    expect(unused_variables, reason = "SQLite's index takes the words when it is their turn")
)]
pub(super) fn replace(conn: &mut Connection, message: &MessageId, text: Option<&str>) -> Result<(), DbError> {
    // What is not in the index yet will be added as it then stands.
    let indexed_to = lock_indexed_to(conn)?;
    match conn {
        Connection::Sqlite(conn) => changes::note(conn, indexed_to, &[message.as_str()], IndexChanges::All)?,
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => postgres::replace(conn, message, indexed_to, text)?,
    }
    Ok(())
}

/// The words of many messages are about to be erased, as [`replace`] says it of one.
pub(super) fn remove(conn: &mut Connection, messages: &[StoredMessage]) -> Result<(), DbError> {
    let indexed_to = lock_indexed_to(conn)?;
    match conn {
        Connection::Sqlite(conn) => {
            let ids: Vec<&str> = messages.iter().map(|message| message.id.as_str()).collect();
            changes::note(conn, indexed_to, &ids, IndexChanges::Erased)?;
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => {
            postgres::remove(conn, messages)?;
        }
    }
    Ok(())
}

struct Merge;

impl Statement for Merge {
    const SQL: &'static str = "INSERT INTO message_index (message_index, rank) VALUES ('merge', ?)";
}

struct Add;

impl Statement for Add {
    const SQL: &'static str = "INSERT INTO message_index (rowid, text, buyer, seller) VALUES (?, ?, ?, ?)";
}

/// FTS5's own way: it gets the words that it got before.
struct Remove;

impl Statement for Remove {
    const SQL: &'static str =
        "INSERT INTO message_index (message_index, rowid, text, buyer, seller) VALUES ('delete', ?, ?, ?, ?)";
}

/// `members` are the room's buyer and seller; without them it is a text alone.
fn run<S: Statement>(
    conn: &mut SqliteConnection,
    position: i64,
    text: &str,
    members: Option<(&str, &str)>,
) -> QueryResult<()> {
    let (buyer, seller) = members.map(|(buyer, seller)| (token_of(buyer), token_of(seller))).unwrap_or_default();
    let values = [Value::Number(position), Value::Text(text), Value::Text(&buyer), Value::Text(&seller)];
    prepared::run::<S, _>(conn, values)?;
    Ok(())
}

/// Up to which place messages are in the index.
pub(super) fn indexed_to(conn: &mut Connection) -> QueryResult<i64> {
    message_index_progress::table.select(message_index_progress::indexed_to).get_result(conn)
}

/// The same, which nobody else changes until the transaction ends: who edits a message and who adds it to the index see
/// what the other has done.
fn lock_indexed_to(conn: &mut Connection) -> QueryResult<i64> {
    match conn {
        Connection::Sqlite(_) => indexed_to(conn),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => postgres::lock_indexed_to(conn),
    }
}

/// Three characters that stand for a user: the trigram tokenizer makes one token of them. They come from a hash, 45 bits
/// of it; where two users meet in one, the look at the room's row keeps them apart.
pub(super) fn token_of(user: &str) -> String {
    // 32,768 characters without cases, in CJK Unified Ideographs Extension B.
    const FIRST: u32 = 0x2_0000;
    let hash = Sha256::digest(user.as_bytes());
    (0..3)
        .filter_map(|place| {
            let bits = u32::from(hash[2 * place]) << 8 | u32::from(hash[2 * place + 1]);
            char::from_u32(FIRST + (bits & 0x7FFF))
        })
        .collect()
}
