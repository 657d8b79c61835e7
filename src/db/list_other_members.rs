//! With whom somebody shares rooms: those whose lists show their name and picture.

use super::{Connection, DbError, models::room};
use crate::domain::{Role, RoomId, UserId};

/// The other member of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherMember {
    pub room: RoomId,
    pub user: UserId,
    pub role: Role,
}

/// The other members of the rooms in which a user has this role, by the rooms' ids, after one of them.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_other_members(
    conn: &mut Connection,
    user: &UserId,
    role: Role,
    after: Option<&RoomId>,
    limit: i64,
) -> Result<Vec<OtherMember>, DbError> {
    let rows = room::list_by_role(conn, user, role, after.map_or("", RoomId::as_str), limit)?;
    let other = |row: room::RoomRow| OtherMember {
        user: UserId::from_stored(row.user_of(role.other())),
        room: RoomId::from_stored(row.id),
        role: role.other(),
    };
    Ok(rows.into_iter().map(other).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::test_db::{TestDb, room, user_id};

    #[test]
    fn the_other_members_of_ones_rooms_come_page_by_page() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let mut expected: Vec<(RoomId, UserId)> = [("alice", "bike"), ("bob", "bike"), ("alice", "lamp")]
            .map(|(buyer, product)| (room(conn, buyer, product), user_id(buyer)))
            .into();
        expected.sort();
        for limit in 1..=4 {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = list_other_members(conn, &user_id("carol"), Role::Seller, after.as_ref(), limit).unwrap();
                assert!(page.iter().all(|other| other.role == Role::Buyer));
                after = page.last().map(|other| other.room.clone());
                found.extend(page.into_iter().map(|other| (other.room, other.user)));
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "{limit}");
        }
        assert_eq!(list_other_members(conn, &user_id("carol"), Role::Buyer, None, 10).unwrap(), []);
        let sellers = list_other_members(conn, &user_id("alice"), Role::Buyer, None, 10).unwrap();
        assert!(sellers.len() == 2 && sellers.iter().all(|other| other.user == user_id("carol")));
    }
}
