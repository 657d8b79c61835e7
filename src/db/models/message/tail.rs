//! The rows of the tail: messages and read marks that are committed and not settled.

use diesel::{
    dsl::{max, min},
    sql_types::BigInt,
};

use super::{MessageRow, NewMessage};
use crate::{
    db::{
        Connection, DbError,
        prelude::*,
        prepared::{self, Statement, Value},
        schema::{message_tail, read_mark_tail},
    },
    domain::StoredMessage,
};

/// The position of the first message that is in the tail's table; `i64::MAX` when there is none. All messages before it are
/// settled, so anyone who follows the order of commits goes up to there.
pub(in crate::db) fn first_position(conn: &mut Connection) -> QueryResult<i64> {
    match conn {
        Connection::Sqlite(_) => {
            let first: Option<i64> = message_tail::table.select(min(message_tail::position)).get_result(conn)?;
            Ok(first.unwrap_or(i64::MAX))
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => Ok(i64::MAX),
    }
}

/// The position of the last message in the tail's table; 0 when there is none.
pub(in crate::db) fn last_position(conn: &mut Connection) -> QueryResult<i64> {
    match conn {
        Connection::Sqlite(_) => {
            let last: Option<i64> = message_tail::table.select(max(message_tail::position)).get_result(conn)?;
            Ok(last.unwrap_or(0))
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => Ok(0),
    }
}

/// Whether the tail's tables are empty.
pub(in crate::db) fn is_empty(conn: &mut Connection) -> QueryResult<bool> {
    Ok(first_position(conn)? == i64::MAX && !has_marks(conn)?)
}

/// Whether read marks are in the tail's table.
pub(in crate::db) fn has_marks(conn: &mut Connection) -> QueryResult<bool> {
    let mark = read_mark_tail::table.limit(1).select(read_mark_tail::read_seq);
    Ok(mark.get_result::<i64>(conn).optional()?.is_some())
}

/// Appends messages that have their positions.
pub(in crate::db) fn append(conn: &mut Connection, messages: &[&mut StoredMessage]) -> QueryResult<()> {
    let rows: Vec<NewMessage<'_>> = messages.iter().map(|message| NewMessage::new(message)).collect();
    match conn {
        Connection::Sqlite(conn) => NewMessage::insert_all::<AppendMessages, AppendReplies>(&rows, conn),
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => Ok(()),
    }
}

/// The message at a position of the tail.
pub(in crate::db) fn find(conn: &mut Connection, position: i64) -> Result<Option<StoredMessage>, DbError> {
    let found = diesel::sql_query(
        "SELECT position, id, room_id, seq, sender_id, client_id, kind, text, data, sent_at, NULL AS edited_at, \
         NULL AS deleted_at, warnings, FALSE AS removed, reply_to, NULL AS reactions, NULL AS staff_name FROM message_tail WHERE position = $1",
    );
    let row: Option<MessageRow> = found.bind::<BigInt, _>(position).get_result(conn).optional()?;
    row.map(MessageRow::into_stored).transpose()
}

/// Copies the messages at these positions, in this order, to where messages are looked for. In one statement: each opens the
/// table and its four indices.
pub(in crate::db) fn settle(conn: &mut Connection, positions: &[i64]) -> QueryResult<()> {
    if positions.is_empty() {
        return Ok(());
    }
    let positions = Value::Text(&format!("{positions:?}"));
    run::<SettleMessages, _>(conn, [positions])
}

/// Removes the messages before a position.
pub(in crate::db) fn trim(conn: &mut Connection, before: i64) -> QueryResult<()> {
    run::<TrimMessages, _>(conn, [Value::Number(before)])
}

/// Notes how far somebody has read a room.
pub(in crate::db) fn put_mark(conn: &mut Connection, room: &str, user: &str, read_seq: i64) -> QueryResult<()> {
    run::<PutMark, _>(conn, [Value::Text(room), Value::Text(user), Value::Number(read_seq)])
}

/// Removes the read marks of a room.
pub(in crate::db) fn remove_marks(conn: &mut Connection, room: &str) -> QueryResult<()> {
    run::<RemoveMarks, _>(conn, [Value::Text(room)])
}

/// PostgreSQL has no tail.
fn run<S: Statement, const N: usize>(conn: &mut Connection, values: [Value<'_>; N]) -> QueryResult<()> {
    match conn {
        Connection::Sqlite(conn) => prepared::run::<S, _>(conn, values).map(drop),
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => Ok(()),
    }
}

struct AppendMessages;

impl Statement for AppendMessages {
    const SQL: &'static str = "INSERT INTO message_tail (position, id, room_id, seq, sender_id, client_id, kind, text, \
                               data, sent_at, warnings) VALUES";
}

/// The same, with replies among them.
struct AppendReplies;

impl Statement for AppendReplies {
    const SQL: &'static str = "INSERT INTO message_tail (position, id, room_id, seq, sender_id, client_id, kind, text, \
                               data, sent_at, warnings, reply_to) VALUES";
}

struct SettleMessages;

impl Statement for SettleMessages {
    const SQL: &'static str = "INSERT INTO messages (position, id, room_id, seq, sender_id, client_id, kind, text, data, \
                               sent_at, warnings, reply_to) SELECT waiting.position, waiting.id, room_id, seq, sender_id, client_id, \
                               kind, text, data, sent_at, warnings, reply_to FROM json_each(?) AS place \
                               CROSS JOIN message_tail AS waiting ON waiting.position = place.value";
}

struct TrimMessages;

impl Statement for TrimMessages {
    const SQL: &'static str = "DELETE FROM message_tail WHERE position < ?";
}

struct PutMark;

impl Statement for PutMark {
    const SQL: &'static str = "REPLACE INTO read_mark_tail (room_id, user_id, read_seq) VALUES (?, ?, ?)";
}

struct RemoveMarks;

impl Statement for RemoveMarks {
    const SQL: &'static str = "DELETE FROM read_mark_tail WHERE room_id = ?";
}
