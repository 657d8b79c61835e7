//! The index in PostgreSQL: a copy of the words as they are compared, whatever the database's locale.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Text},
};

use super::Indexable;
use crate::{
    db::connection::postgres::Postgres,
    domain::{MessageId, StoredMessage, fold::fold},
};

pub(super) fn lock_indexed_to(conn: &mut Postgres) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Progress {
        #[diesel(sql_type = BigInt)]
        indexed_to: i64,
    }
    let progress: Vec<Progress> =
        conn.load(diesel::sql_query("SELECT indexed_to FROM message_index_progress FOR UPDATE"))?;
    progress.first().map(|progress| progress.indexed_to).ok_or(diesel::NotFound)
}

pub(super) fn add(conn: &mut Postgres, rows: &[Indexable]) -> QueryResult<()> {
    let rows: Vec<(&Indexable, &str)> = rows.iter().filter_map(|row| Some((row, row.text.as_deref()?))).collect();
    conn.execute(
        diesel::sql_query(
            "INSERT INTO message_index (position, buyer_id, seller_id, text) SELECT * FROM unnest($1, $2, $3, $4)",
        )
        .bind::<Array<BigInt>, _>(rows.iter().map(|(row, _)| row.position).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rows.iter().map(|(row, _)| row.buyer_id.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rows.iter().map(|(row, _)| row.seller_id.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rows.iter().map(|(_, text)| *text).collect::<Vec<_>>()),
    )?;
    Ok(())
}

/// Takes the words of messages out, of those that are in the index.
pub(super) fn remove(conn: &mut Postgres, messages: &[StoredMessage]) -> QueryResult<()> {
    conn.execute(
        diesel::sql_query("DELETE FROM message_index WHERE position = ANY($1)")
            .bind::<Array<BigInt>, _>(messages.iter().map(|message| message.position).collect::<Vec<_>>()),
    )?;
    Ok(())
}

/// Replaces the words of a message that is in the index, or takes them out.
pub(super) fn replace(
    conn: &mut Postgres,
    message: &MessageId,
    indexed_to: i64,
    text: Option<&str>,
) -> QueryResult<()> {
    const ITS_ROW: &str = "position = (SELECT position FROM messages WHERE id = $1) AND position <= $2";
    let query = match text {
        Some(_) => format!("UPDATE message_index SET text = $3 WHERE {ITS_ROW}"),
        None => format!("DELETE FROM message_index WHERE {ITS_ROW}"),
    };
    let mut query =
        diesel::sql_query(query).into_boxed().bind::<Text, _>(message.as_str()).bind::<BigInt, _>(indexed_to);
    if let Some(text) = text {
        query = query.bind::<Text, _>(fold(text));
    }
    conn.execute(query)?;
    Ok(())
}
