//! What a room's members have reacted with: a column of the message, since there are at most two.

use std::ops::Range;

use super::{MessageRow, take_within};
use crate::{
    db::{Connection, DbError, page_bytes::Space, prelude::*, schema::messages},
    domain::{MessageId, Reaction, StoredMessage},
};

/// Reads the column.
pub(super) fn read(json: &str) -> serde_json::Result<Vec<Reaction>> {
    serde_json::from_str(json)
}

/// Writes what a message was reacted to with, in place of what was there.
pub(in crate::db) fn set_reactions(
    conn: &mut Connection,
    message: &MessageId,
    reactions: &[Reaction],
) -> Result<(), DbError> {
    let json = match reactions {
        [] => None,
        some => Some(serde_json::to_string(some).map_err(|error| DbError::Internal(error.to_string()))?),
    };
    diesel::update(messages::table.filter(messages::id.eq(message.as_str())))
        .set(messages::reactions.eq(json))
        .execute(conn)?;
    Ok(())
}

/// Messages of a room that somebody has reacted to, after the start of a window and up to its end, oldest first: at most `limit`
/// and what has space, and whether one had none.
pub(in crate::db) fn list_reacted(
    conn: &mut Connection,
    room: &str,
    window: Range<i64>,
    limit: i64,
    space: &mut Space,
) -> Result<(Vec<StoredMessage>, bool), DbError> {
    let query = messages::table
        .filter(messages::room_id.eq(room).and(messages::reactions.is_not_null()))
        .filter(messages::seq.gt(window.start).and(messages::seq.le(window.end)))
        .order(messages::seq)
        .limit(limit)
        .select(MessageRow::as_select());
    take_within(conn, query, space)
}
