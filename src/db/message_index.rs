//! The search index: follows behind the commits, so that a message costs the same whether anybody ever searches.
//!
//! Messages up to `indexed_to` are in it, as they stand: an edit or a deletion of one of them changes the index in the
//! same transaction. Later ones are added by [`index_messages`], in the order of their commits.
//!
//! SQLite's is a virtual table of FTS5's, PostgreSQL's a table with an index of `pg_trgm`'s.

#[cfg(feature = "postgres")]
mod postgres;

use diesel::sql_types::{BigInt, Nullable, Text};
use sha2::{Digest as _, Sha256};

use super::{
    Connection, DbError,
    prelude::*,
    prepared::{self, Statement, Value},
    schema::{message_index_progress, messages, rooms},
};
use crate::domain::{MessageId, StoredMessage};

/// How much text is added for each page that is merged. Each character adds some eight bytes, and these are merged once in
/// each of the index's levels, which are ten for ten million messages: a page of 4 KiB for 50 bytes.
const TEXT_BYTES_A_MERGED_PAGE: usize = 50;

/// A message as the index sees it.
#[derive(QueryableByName)]
struct Indexable {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
    #[diesel(sql_type = Text)]
    buyer_id: String,
    #[diesel(sql_type = Text)]
    seller_id: String,
}

/// Whether messages wait for being indexed.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn is_index_behind(conn: &mut Connection) -> Result<bool, DbError> {
    let newest: Option<i64> = messages::table.select(diesel::dsl::max(messages::position)).get_result(conn)?;
    Ok(newest.unwrap_or(0) > indexed_to(conn)?)
}

/// Adds at most `limit` messages to the index, oldest first, in one transaction. Returns whether there are more.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn index_messages(conn: &mut Connection, limit: i64) -> Result<bool, DbError> {
    conn.transaction_beside(|conn| {
        let from = lock_indexed_to(conn)?;
        let rows: Vec<Indexable> = diesel::sql_query(
            "SELECT m.position, CASE m.kind WHEN 'system' THEN NULL ELSE m.text END AS text, r.buyer_id, r.seller_id \
             FROM messages m JOIN rooms r ON r.id = m.room_id \
             WHERE m.position > $1 ORDER BY m.position LIMIT $2",
        )
        .bind::<BigInt, _>(from)
        .bind::<BigInt, _>(limit)
        .load(conn)?;
        let Some(last) = rows.last().map(|row| row.position) else { return Ok(false) };
        match conn {
            Connection::Sqlite(conn) => {
                for row in &rows {
                    if let Some(text) = &row.text {
                        run::<Add>(conn, row.position, text, &row.buyer_id, &row.seller_id)?;
                    }
                }
                merge(conn, rows.iter().filter_map(|row| row.text.as_ref()).map(String::len).sum())?;
            }
            #[cfg(feature = "postgres")]
            Connection::Postgres(conn) => postgres::add(conn, &rows)?,
        }
        diesel::update(message_index_progress::table).set(message_index_progress::indexed_to.eq(last)).execute(conn)?;
        Ok(i64::try_from(rows.len()) == Ok(limit))
    })
}

/// Replaces a message's words in the index, or takes them out; before its row changes, and in the same transaction.
///
/// Also what an erasure calls for each message of a user: `secure-delete` overwrites what is taken out.
pub(super) fn replace(conn: &mut Connection, message: &MessageId, text: Option<&str>) -> Result<(), DbError> {
    let row: Option<(i64, String, Option<String>, String, String)> = messages::table
        .inner_join(rooms::table)
        .filter(messages::id.eq(message.as_str()))
        .select((messages::position, messages::kind, messages::text, rooms::buyer_id, rooms::seller_id))
        .get_result(conn)
        .optional()?;
    let Some((position, kind, old, buyer, seller)) = row else { return Ok(()) };
    // What is not in the index yet will be added as it then stands.
    if kind == "system" || position > lock_indexed_to(conn)? {
        return Ok(());
    }
    match conn {
        Connection::Sqlite(conn) => {
            if let Some(old) = &old {
                run::<Remove>(conn, position, old, &buyer, &seller)?;
            }
            if let Some(text) = text {
                run::<Add>(conn, position, text, &buyer, &seller)?;
                merge(conn, text.len())?;
            }
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => postgres::replace(conn, position, text)?,
    }
    Ok(())
}

/// Takes the words of many messages out of the index, as [`replace`] does those of one.
pub(super) fn remove(conn: &mut Connection, messages: &[StoredMessage]) -> Result<(), DbError> {
    match conn {
        Connection::Sqlite(_) => {
            for message in messages.iter().filter(|message| message.deleted_at.is_none()) {
                replace(conn, &message.id, None)?;
            }
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => {
            postgres::lock_indexed_to(conn)?;
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

/// FTS5's own way: it is told what it was told before.
struct Remove;

impl Statement for Remove {
    const SQL: &'static str =
        "INSERT INTO message_index (message_index, rowid, text, buyer, seller) VALUES ('delete', ?, ?, ?, ?)";
}

fn run<S: Statement>(
    conn: &mut SqliteConnection,
    position: i64,
    text: &str,
    buyer: &str,
    seller: &str,
) -> QueryResult<()> {
    let (buyer, seller) = (token_of(buyer), token_of(seller));
    let values = [Value::Number(position), Value::Text(text), Value::Text(&buyer), Value::Text(&seller)];
    prepared::run::<S, _>(conn, values)?;
    Ok(())
}

/// Merges parts of the index that came one after the other, as many pages of them as `bytes` of text ask for. FTS5 would do
/// the same by itself, but rarely, and then for so long that those feel it who send a message just then.
fn merge(conn: &mut SqliteConnection, bytes: usize) -> QueryResult<()> {
    let pages = i64::try_from(bytes / TEXT_BYTES_A_MERGED_PAGE).unwrap_or(i64::MAX).saturating_add(1);
    prepared::run::<Merge, _>(conn, [Value::Number(pages)])?;
    Ok(())
}

fn indexed_to(conn: &mut Connection) -> QueryResult<i64> {
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
