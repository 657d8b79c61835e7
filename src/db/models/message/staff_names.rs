//! What members of the staff say in rooms: under a name that is a column of the message, for its sender is none of the room's members.

use std::ops::Range;

use super::{MessageRow, take_within};
use crate::{
    db::{Connection, DbError, page_bytes::Space, prelude::*, schema::messages},
    domain::{MessageId, StoredMessage, UserId, message::SYSTEM_SENDER, staff_notice},
};

/// Writes the name of the member of the staff who said something.
pub(in crate::db) fn set_staff_name(conn: &mut Connection, message: &MessageId, name: &str) -> QueryResult<()> {
    diesel::update(messages::table.filter(messages::id.eq(message.as_str())))
        .set(messages::staff_name.eq(name))
        .execute(conn)?;
    Ok(())
}

/// Messages of haggle's own in a room that name a member of the staff, after the start of a window and up to its end.
pub(in crate::db) fn list_notices_of_staff(
    conn: &mut Connection,
    room: &str,
    staff: &UserId,
    window: Range<i64>,
) -> Result<Vec<StoredMessage>, DbError> {
    let query = messages::table
        .filter(messages::room_id.eq(room).and(messages::seq.gt(window.start)).and(messages::seq.le(window.end)))
        .filter(messages::sender_id.eq(SYSTEM_SENDER).and(messages::data.like(staff_notice::STAFF_DATA)))
        .order(messages::seq)
        .select(MessageRow::as_select());
    let (mut notices, _) = take_within(conn, query, &mut Space::of(usize::MAX))?;
    notices.retain(|message| message.data.as_ref().is_some_and(|data| staff_notice::names_staff(data, staff)));
    Ok(notices)
}
