//! What a user has not read, for the total over their list.

use super::{
    Connection, DbError,
    models::{
        message::count_unread,
        room::{self, RoomRow},
    },
};
use crate::domain::{ListPlace, Role, RoomId, UnreadTotal, UserId};

/// Rooms in each role, pinned ones and latest activity first, that a total looks at: a list with more has older ones that are
/// not counted, and nobody counts that far.
pub(super) const ROOMS_MAX: i64 = 1000;

/// The rooms that count in a user's total, and how many unread messages each has; 0 where it is marked as unread.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_unread(conn: &mut Connection, user: &UserId) -> Result<Vec<(RoomId, i64)>, DbError> {
    conn.transaction(|conn| read_unread(conn, user))
}

/// The total itself, inside of a transaction.
pub(super) fn user_total(conn: &mut Connection, user: &UserId) -> Result<UnreadTotal, DbError> {
    let unread = read_unread(conn, user)?;
    let rooms = i64::try_from(unread.len()).unwrap_or(i64::MAX);
    Ok(UnreadTotal { rooms, messages: unread.iter().map(|(_, count)| count).sum() })
}

fn read_unread(conn: &mut Connection, user: &UserId) -> Result<Vec<(RoomId, i64)>, DbError> {
    let mut unread = Vec::new();
    for role in Role::BOTH {
        let mut left = ROOMS_MAX;
        for place in [ListPlace::Pinned, ListPlace::Listed] {
            let rows = room::list_latest(conn, user, role, place, left)?;
            left -= i64::try_from(rows.len()).unwrap_or(left);
            for row in rows {
                let RoomRow { id, last_seq, .. } = &row;
                let listing = row.listing(role);
                let count = match listing.muted || *last_seq <= row.read_seq(role) {
                    true => 0,
                    false => count_unread(conn, id, user.as_str(), row.read_seq(role), *last_seq)?,
                };
                if listing.counts() && (count > 0 || listing.unread) {
                    unread.push((RoomId::from_stored(id.as_str()), count));
                }
            }
        }
    }
    Ok(unread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{
            Write,
            test_db::{NOW, TestDb, product, read, room, say, user_id, write},
        },
        domain::RoomSettingsPatch,
    };

    #[test]
    fn a_total_leaves_out_what_is_muted_or_archived_and_has_what_is_marked() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let [bike, lamp, boat] = ["bike", "lamp", "boat"].map(|id| {
            write(conn, Write::PutProduct { keeps_status: false, product: product(id), at: NOW }).unwrap();
            room(conn, "alice", id)
        });
        say(conn, &bike, "carol", "1");
        say(conn, &bike, "carol", "2");
        say(conn, &lamp, "carol", "3");
        let set = |conn: &mut Connection, room: &RoomId, patch| {
            let write_it = Write::SetRoomSettings { room: room.clone(), member: user_id("alice"), patch };
            write(conn, write_it).unwrap();
            let mut unread = list_unread(conn, &user_id("alice")).unwrap();
            unread.sort_by_key(|(_, count)| *count);
            unread
        };
        let none = RoomSettingsPatch::default();
        let (bikes, lamps) = ((bike.clone(), 2), (lamp.clone(), 1));
        assert_eq!(set(conn, &bike, none), [lamps.clone(), bikes.clone()]);
        assert_eq!(set(conn, &bike, RoomSettingsPatch { pinned: Some(true), ..none }), [lamps.clone(), bikes.clone()]);
        assert_eq!(set(conn, &bike, RoomSettingsPatch { muted: Some(true), ..none }), [lamps]);
        assert_eq!(set(conn, &lamp, RoomSettingsPatch { archived: Some(true), ..none }), []);
        assert_eq!(set(conn, &boat, RoomSettingsPatch { unread: Some(true), ..none }), [(boat.clone(), 0)]);
        assert_eq!(set(conn, &bike, RoomSettingsPatch { muted: Some(false), ..none }), [(boat.clone(), 0), bikes]);
        write(conn, read(&boat, "alice", 0)).unwrap();
        say(conn, &lamp, "carol", "4");
        assert_eq!(set(conn, &bike, RoomSettingsPatch { archived: Some(true), ..none }), [(lamp, 2)]);
        assert_eq!(list_unread(conn, &user_id("carol")).unwrap(), []);
    }
}
