//! Where users wait for the staff by the lines of a load.

use std::collections::HashMap;

use crate::{
    db::{
        Connection, DbError,
        models::{room::LockedRoom, support_wait},
    },
    domain::{MessageKind, StoredMessage},
};

/// Notes who waits after these messages, in their order.
pub(super) fn note(
    conn: &mut Connection,
    rooms: &HashMap<String, LockedRoom>,
    new: &[StoredMessage],
) -> Result<(), DbError> {
    let is_support = |id: &str| rooms.get(id).is_some_and(|room| room.row.is_support());
    let said = new.iter().filter(|message| message.kind != MessageKind::System);
    for message in said.filter(|message| is_support(message.room_id.as_str())) {
        match message.staff_name {
            None => support_wait::begin(conn, message.room_id.as_str(), message.sent_at)?,
            Some(_) => support_wait::end(conn, message.room_id.as_str())?,
        }
    }
    Ok(())
}
