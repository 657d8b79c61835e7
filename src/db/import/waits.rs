//! Where users wait for the staff by the lines of a load.

use std::collections::HashMap;

use crate::{
    db::{
        Connection, DbError,
        models::{room::LockedRoom, support_wait, user},
    },
    domain::{MessageKind, Role, StoredMessage, Timestamp},
};

/// Nobody waits for an answer to what was said longer than this before the load: old conversations just ended.
const WAIT_AGE_MAX_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// What these messages say of one room.
#[derive(Default)]
struct Waiting {
    /// The staff has spoken.
    answered: bool,
    /// The first and the last message after that.
    unanswered: Option<(Timestamp, Timestamp)>,
}

/// Notes who waits after these messages, in their order.
pub(super) fn note(
    conn: &mut Connection,
    rooms: &HashMap<String, LockedRoom>,
    new: &[StoredMessage],
    now: Timestamp,
) -> Result<(), DbError> {
    let is_support = |id: &str| rooms.get(id).is_some_and(|room| room.row.is_support());
    let mut waiting: HashMap<&str, Waiting> = HashMap::new();
    let said = new.iter().filter(|message| message.kind != MessageKind::System);
    for message in said.filter(|message| is_support(message.room_id.as_str())) {
        let room = waiting.entry(message.room_id.as_str()).or_default();
        match message.staff_name {
            None => {
                let first = room.unanswered.map_or(message.sent_at, |(first, _)| first);
                room.unanswered = Some((first, message.sent_at));
            }
            Some(_) => *room = Waiting { answered: true, unanswered: None },
        }
    }
    for (room, Waiting { answered, unanswered }) in waiting {
        if answered {
            support_wait::end(conn, room)?;
        }
        let Some((first, _)) = unanswered.filter(|(_, last)| *last > now.plus_ms(-WAIT_AGE_MAX_MS)) else { continue };
        let member = rooms.get(room).map_or("", |room| room.row.user_of(Role::Buyer));
        // Nobody answers somebody who was deleted.
        if user::find_row(conn, member)?.is_some_and(|row| row.deleted_at.is_none()) {
            support_wait::begin(conn, room, first)?;
        }
    }
    Ok(())
}
