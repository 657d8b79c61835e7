//! Messages in PostgreSQL's own words: a statement for some hundred rows takes arrays, one a column.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Nullable, Text},
};

use super::{ClientKey, End, MessageRow, NewMessage, Range};
use crate::db::connection::postgres::Postgres;

/// Rows a statement. Its plan and its way cost the same for one row as for all of these.
pub(super) const ROWS_A_STATEMENT: usize = 512;

/// Takes so many places from the sequence, and returns the one before them. Nobody else writes meanwhile.
pub(super) fn take_positions(conn: &mut Postgres, count: usize) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Taken {
        #[diesel(sql_type = BigInt)]
        last: i64,
    }
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let taken: Vec<Taken> = conn.load(
        diesel::sql_query("SELECT setval('messages_position', nextval('messages_position') + $1 - 1) AS last")
            .bind::<BigInt, _>(count),
    )?;
    taken.first().map(|taken| taken.last - count).ok_or(diesel::NotFound)
}

pub(super) fn insert(conn: &mut Postgres, rows: &[NewMessage<'_>]) -> QueryResult<()> {
    fn column<'a, T>(rows: &'a [NewMessage<'a>], field: impl Fn(&'a NewMessage<'a>) -> T) -> Vec<T> {
        rows.iter().map(field).collect()
    }
    conn.execute(
        diesel::sql_query(
            "INSERT INTO messages \
             (position, id, room_id, seq, sender_id, client_id, kind, text, data, sent_at, warnings, reply_to) \
             SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind::<Array<BigInt>, _>(column(rows, |row| row.position))
        .bind::<Array<Text>, _>(column(rows, |row| row.id))
        .bind::<Array<Text>, _>(column(rows, |row| row.room_id))
        .bind::<Array<BigInt>, _>(column(rows, |row| row.seq))
        .bind::<Array<Text>, _>(column(rows, |row| row.sender_id))
        .bind::<Array<Nullable<Text>>, _>(column(rows, |row| row.client_id))
        .bind::<Array<Text>, _>(column(rows, |row| row.kind))
        .bind::<Array<Nullable<Text>>, _>(column(rows, |row| row.text))
        .bind::<Array<Nullable<Text>>, _>(column(rows, |row| row.data))
        .bind::<Array<BigInt>, _>(column(rows, |row| row.sent_at))
        .bind::<Array<Nullable<Text>>, _>(column(rows, |row| row.warnings.as_deref()))
        .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| row.reply_to)),
    )?;
    Ok(())
}

/// The rows of a range from its end on, up to the one with which they hold so many bytes. The sizes come first, in the same
/// statement: PostgreSQL knows a long value's without reading it.
pub(super) fn list_within(conn: &mut Postgres, range: &Range<'_>, bytes: usize) -> QueryResult<Vec<MessageRow>> {
    let (order, edge) = match range.end {
        End::Oldest => ("", "m.seq > $2 AND m.seq <= (SELECT max(seq) FROM sized WHERE before <= $4)"),
        End::Newest => ("DESC", "m.seq <= $3 AND m.seq >= (SELECT min(seq) FROM sized WHERE before <= $4)"),
    };
    conn.load(
        diesel::sql_query(format!(
            "WITH sizes AS (SELECT seq, coalesce(octet_length(text), 0) + coalesce(octet_length(data), 0) AS size \
             FROM messages WHERE room_id = $1 AND seq > $2 AND seq <= $3), \
             sized AS (SELECT seq, sum(size) OVER (ORDER BY seq {order}) - size AS before FROM sizes) \
             SELECT m.id, m.room_id, m.seq, m.position, m.sender_id, m.client_id, m.kind, m.text, m.data, m.sent_at, \
             m.edited_at, m.deleted_at, m.warnings, m.removed, m.reply_to, m.reactions, m.staff_name \
             FROM messages m WHERE m.room_id = $1 AND {edge} ORDER BY m.seq {order}"
        ))
        .bind::<Text, _>(range.room.as_str())
        .bind::<BigInt, _>(range.after)
        .bind::<BigInt, _>(range.last)
        .bind::<BigInt, _>(i64::try_from(bytes).unwrap_or(i64::MAX)),
    )
}

/// Whether rows from the end of a range on are not all of it.
pub(super) fn is_cut(range: &Range<'_>, rows: &[MessageRow]) -> bool {
    match range.end {
        End::Oldest => rows.last().is_some_and(|row| row.seq < range.last),
        End::Newest => rows.last().is_some_and(|row| row.seq > range.after + 1),
    }
}

pub(super) fn find_by_client_keys(conn: &mut Postgres, keys: &[ClientKey<'_>]) -> QueryResult<Vec<MessageRow>> {
    conn.load(
        diesel::sql_query(
            "SELECT m.id, m.room_id, m.seq, m.position, m.sender_id, m.client_id, m.kind, m.text, m.data, m.sent_at, \
             m.edited_at, m.deleted_at, m.warnings, m.removed, m.reply_to, m.reactions, m.staff_name FROM unnest($1, $2, $3) AS wanted (room, sender, client) \
             JOIN messages m ON m.room_id = wanted.room AND m.sender_id = wanted.sender AND m.client_id = wanted.client",
        )
        .bind::<Array<Text>, _>(keys.iter().map(|key| key.0).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(keys.iter().map(|key| key.1).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(keys.iter().map(|key| key.2).collect::<Vec<_>>()),
    )
}
