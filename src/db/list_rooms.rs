//! One's own rooms, latest activity first.

use std::{cmp::Reverse, fmt};

use diesel::Connection as _;

use super::{Connection, DbError, models::room::RoomDetails};
use crate::domain::{Role, RoomId, RoomSummary, UserId};

/// A place in one's list of rooms: the page goes on behind it.
///
/// As text it is opaque, and made of characters that need no escape in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomCursor {
    active_at: i64,
    room: RoomId,
}

/// A text that is no cursor of haggle's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`cursor` must be the `nextCursor` of the page before")]
pub struct InvalidCursor;

impl fmt::Display for RoomCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.active_at)?;
        self.room.as_str().bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for RoomCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        // Signs would pass from_str_radix.
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidCursor);
        }
        let (active_at, room) = text.split_at_checked(16).ok_or(InvalidCursor)?;
        let active_at = u64::from_str_radix(active_at, 16).map_err(|_| InvalidCursor)?.cast_signed();
        let (pairs, rest) = room.as_bytes().as_chunks::<2>();
        let room = pairs
            .iter()
            .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect::<Option<Vec<u8>>>()
            .filter(|_| rest.is_empty())
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or(InvalidCursor)?;
        Ok(Self { active_at, room: RoomId::new(room).map_err(|_| InvalidCursor)? })
    }
}

/// A page of `user`'s rooms as buyer and as seller, latest activity first, and where the next one goes on.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_rooms(
    conn: &mut Connection,
    user: &UserId,
    cursor: Option<&RoomCursor>,
    limit: i64,
) -> Result<(Vec<RoomSummary>, Option<RoomCursor>), DbError> {
    let limit = limit.max(1);
    conn.transaction(|conn| {
        let behind = cursor.map_or((i64::MAX, ""), |cursor| (cursor.active_at, cursor.room.as_str()));
        // Two halves, each along its own index; an OR over both would sort all of one's rooms.
        let mut rooms: Vec<(Role, RoomDetails)> = Vec::new();
        for role in [Role::Buyer, Role::Seller] {
            rooms.extend(RoomDetails::list(conn, user, role, behind, limit + 1)?.into_iter().map(|room| (role, room)));
        }
        rooms.sort_by(|(_, a), (_, b)| {
            Reverse((a.row.active_at, &a.row.id)).cmp(&Reverse((b.row.active_at, &b.row.id)))
        });
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rooms.len() > limit;
        rooms.truncate(limit);
        let next = rooms
            .last()
            .filter(|_| more)
            .map(|(_, last)| RoomCursor { active_at: last.row.active_at, room: last.room.id.clone() });
        let page =
            rooms.into_iter().map(|(role, room)| room.into_summary(conn, role)).collect::<Result<Vec<_>, _>>()?;
        Ok((page, next))
    })
}
