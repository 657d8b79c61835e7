//! Conversations that the staff looks after: in pages of places, and the rooms at these places.

use std::fmt;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use super::{
    Connection, DbError, InvalidCursor,
    load_room::{RoomState, load_room_in},
    models::{room, room_staff, support_wait},
    page_bytes::Space,
};
use crate::domain::{RoomId, StoredMessage, Timestamp, UserId};

/// Which conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaffRoomList {
    /// Support rooms in which a user waits for an answer, longest first.
    Waiting,
    /// Support rooms in which somebody has said something, latest activity first.
    Support,
    /// Rooms that this member of the staff is in, latest activity first.
    Joined(UserId),
    /// Rooms that the marketplace has frozen, by their ids.
    Frozen,
}

/// A place in such a list: a page goes on after it. As text it is opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffRoomCursor {
    /// By what the list is ordered; 0 where the id alone says it.
    at: i64,
    pub room: RoomId,
}

impl fmt::Display for StaffRoomCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{}", self.at, HEXLOWER.encode(self.room.as_str().as_bytes()))
    }
}

impl std::str::FromStr for StaffRoomCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| InvalidCursor)?;
        let (at, room) = bytes.split_first_chunk().ok_or(InvalidCursor)?;
        let room = String::from_utf8(room.to_vec()).map_err(|_| InvalidCursor)?;
        Ok(Self { at: i64::from_be_bytes(*at), room: RoomId::new(room).map_err(|_| InvalidCursor)? })
    }
}

/// A conversation of such a list.
#[derive(Debug, Clone, PartialEq)]
pub struct StaffRoom {
    pub state: RoomState,
    /// Since when its user waits for an answer.
    pub waiting_since: Option<Timestamp>,
}

/// The next places of a list, `limit` at most.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_staff_rooms(
    conn: &mut Connection,
    list: &StaffRoomList,
    after: Option<&StaffRoomCursor>,
    limit: i64,
) -> Result<Vec<StaffRoomCursor>, DbError> {
    let (at, id) = after.map_or((None, ""), |after| (Some(after.at), after.room.as_str()));
    let places = match list {
        StaffRoomList::Waiting => support_wait::list(conn, (at.unwrap_or(i64::MIN), id), limit)?,
        StaffRoomList::Support => room::list_support(conn, (at.unwrap_or(i64::MAX), id), limit)?,
        StaffRoomList::Joined(user) => {
            // As many as one may be in, at most: no index has them in this order.
            let mut joined = room::list_joined(conn, user)?;
            joined.sort_unstable_by(|one, other| other.cmp(one));
            let is_after = |place: &(i64, String)| at.is_none_or(|at| (place.0, place.1.as_str()) < (at, id));
            joined.into_iter().filter(is_after).take(usize::try_from(limit).unwrap_or(usize::MAX)).collect()
        }
        StaffRoomList::Frozen => room::list_frozen(conn, id, limit)?.into_iter().map(|id| (0, id)).collect(),
    };
    Ok(places.into_iter().map(|(at, id)| StaffRoomCursor { at, room: RoomId::from_stored(id) }).collect())
}

/// The rooms that a member of the staff is in: what is listed of them is settled first.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_joined_rooms(conn: &mut Connection, user: &UserId) -> Result<Vec<RoomId>, DbError> {
    Ok(room_staff::list_joined(conn, user)?.into_iter().map(RoomId::from_stored).collect())
}

/// The rooms at these places, one at least, until they weigh more than `bytes_max`, and how many places that were. A room that can't
/// be read is left out.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn load_staff_rooms(
    conn: &mut Connection,
    places: &[StaffRoomCursor],
    bytes_max: usize,
) -> Result<(Vec<StaffRoom>, usize), DbError> {
    conn.transaction(|conn| {
        let waiting = support_wait::find_since(conn, places.iter().map(|place| place.room.as_str()))?;
        let (mut found, mut space) = (Vec::new(), Space::of(bytes_max));
        // One by one: what the next one weighs is known when it is read.
        for (used, place) in places.iter().enumerate() {
            for (id, state) in load_room_in(conn, std::slice::from_ref(&place.room))? {
                let state = match state {
                    Ok(Some(state)) => state,
                    Ok(None) => continue,
                    // A newer node has written there what this one does not know.
                    Err(error) => {
                        log::error!("room {id} is left out of a list of the staff: {error}");
                        continue;
                    }
                };
                let words = state.last_message.as_ref().map_or(0, StoredMessage::weight_bytes);
                if !space.takes(state.room.weight_bytes() + words) {
                    return Ok((found, used));
                }
                let waiting_since = waiting.get(id.as_str()).copied().map(Timestamp);
                found.push(StaffRoom { state, waiting_since });
            }
        }
        Ok((found, places.len()))
    })
}

#[cfg(test)]
mod tests;
