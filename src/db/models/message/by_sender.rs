//! What one member said in a room.

use std::ops::Range;

use super::{MessageRow, take_within};
use crate::{
    db::{Connection, DbError, page_bytes::Space, prelude::*, schema::messages},
    domain::StoredMessage,
};

/// What one member said in a room after a `seq`, oldest first: at most `limit` and what has space, and whether
/// one had none.
pub(in crate::db) fn list_by_sender(
    conn: &mut Connection,
    room: &str,
    sender: &str,
    after: i64,
    limit: i64,
    space: &mut Space,
) -> Result<(Vec<StoredMessage>, bool), DbError> {
    list_by_sender_among(conn, (room, sender), after..i64::MAX, limit, space)
}

/// The same among the messages after the start of a window, up to its end: no others are looked at.
pub(in crate::db) fn list_by_sender_among(
    conn: &mut Connection,
    (room, sender): (&str, &str),
    window: Range<i64>,
    limit: i64,
    space: &mut Space,
) -> Result<(Vec<StoredMessage>, bool), DbError> {
    let query = messages::table
        .filter(messages::room_id.eq(room).and(messages::seq.gt(window.start)).and(messages::seq.le(window.end)))
        .filter(messages::sender_id.eq(sender))
        .order(messages::seq)
        .limit(limit)
        .select(MessageRow::as_select());
    take_within(conn, query, space)
}
