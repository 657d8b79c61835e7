//! Questions that many ask at once, such as after a restart, answered together: what one costs in addition to its rows, a way to the
//! database and back and a transaction, is paid once.

use std::collections::{HashMap, HashSet};

use super::{
    Connection, DbError,
    list_messages::{MessagePage, Messages, list_messages_in},
    load_room::{RoomState, load_room_in},
    models::{
        room::is_member,
        room_staff::{self, is_room_staff},
    },
    prelude::*,
    prepared::one_of,
    schema::{rooms, users},
};
use crate::domain::{RoomId, StoredMessage, UserId};

/// Several rooms with all that the server keeps of them, from one snapshot. A room that can't be read fails alone.
///
/// # Errors
/// [`DbError`] when the database does not answer.
#[expect(clippy::type_complexity, reason = "an answer for each room")]
pub fn load_rooms(
    conn: &mut Connection,
    wanted: &[RoomId],
) -> Result<Vec<(RoomId, Result<Option<RoomState>, DbError>)>, DbError> {
    conn.transaction(|conn| load_room_in(conn, wanted))
}

/// Most bytes of several answers.
#[derive(Debug, Clone, Copy)]
pub struct BytesMax {
    pub each: usize,
    /// Of all of them, but for the last, with which it is reached.
    pub all: usize,
}

/// A page of the history of several rooms each, from one snapshot. One that can't be read fails alone. There are fewer
/// answers than questions, but at least one, where they would have too many bytes: the rest is to be asked again.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_histories(
    conn: &mut Connection,
    asked: &[(RoomId, MessagePage)],
    bytes_max: BytesMax,
) -> Result<Vec<Result<Messages, DbError>>, DbError> {
    conn.transaction(|conn| {
        let mut histories = Vec::with_capacity(asked.len());
        let mut bytes = 0;
        for (room, page) in asked {
            if bytes >= bytes_max.all && !histories.is_empty() {
                break;
            }
            let history = list_messages_in(conn, room, *page, bytes_max.each);
            let items = history.as_ref().map_or(&[][..], |history| &history.items);
            bytes += items.iter().map(StoredMessage::weight_bytes).sum::<usize>();
            // A server that is gone is gone for all of them.
            if let Err(error @ DbError::Unavailable(_)) = history {
                return Err(error);
            }
            histories.push(history);
        }
        Ok(histories)
    })
}

/// Who somebody is in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody, also because they were deleted.
    Stranger,
    /// One of its two members.
    Member,
    /// A member of the staff who has joined it.
    Staff,
}

/// Who somebody is in a room: one look at one row for each, and one more for the staff.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_standing(conn: &mut Connection, room: &RoomId, user: &UserId) -> Result<Standing, DbError> {
    Ok(if is_member(conn, room, user)? {
        Standing::Member
    } else if is_room_staff(conn, room, user)? {
        Standing::Staff
    } else {
        Standing::Stranger
    })
}

/// The same of several: two statements, however many are asked for, and one more where not all are members.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_standings(conn: &mut Connection, asked: &[(RoomId, UserId)]) -> Result<Vec<Standing>, DbError> {
    let room_ids: HashSet<&str> = asked.iter().map(|(room, _)| room.as_str()).collect();
    let user_ids: HashSet<&str> = asked.iter().map(|(_, user)| user.as_str()).collect();
    conn.transaction(|conn| {
        let members: Vec<(String, String, String)> = rooms::table
            .filter(one_of(rooms::id, room_ids))
            .select((rooms::id, rooms::buyer_id, rooms::seller_id))
            .load(conn)?;
        let live: Vec<String> = users::table
            .filter(one_of(users::id, user_ids))
            .filter(users::deleted_at.is_null())
            .select(users::id)
            .load(conn)?;
        let members: HashMap<&str, (&str, &str)> =
            members.iter().map(|(room, buyer, seller)| (room.as_str(), (buyer.as_str(), seller.as_str()))).collect();
        let live: HashSet<&str> = live.iter().map(String::as_str).collect();
        let is_member = |(room, user): &(RoomId, UserId)| {
            let user = user.as_str();
            live.contains(user)
                && members.get(room.as_str()).is_some_and(|(buyer, seller)| *buyer == user || *seller == user)
        };
        let others: Vec<&str> = asked.iter().filter(|one| !is_member(one)).map(|(room, _)| room.as_str()).collect();
        let staff: HashSet<(String, String)> = match others.is_empty() {
            true => HashSet::new(),
            false => room_staff::find_among(conn, others)?.into_iter().collect(),
        };
        let standing = |one: &(RoomId, UserId)| match one {
            one if is_member(one) => Standing::Member,
            (room, user) if staff.contains(&(room.as_str().to_owned(), user.as_str().to_owned())) => Standing::Staff,
            _ => Standing::Stranger,
        };
        Ok(asked.iter().map(standing).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{
            Moderate, Moderation, Write, list_messages, load_room,
            test_db::{NOW, TestDb, draft, product, room, user, user_id, write},
            write_batch,
        },
        domain::{Moderator, Seq},
    };

    #[test]
    fn many_answers_are_those_that_each_would_get_alone() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        write(conn, Write::PutProduct { keeps_status: false, product: product("book"), at: NOW }).unwrap();
        let rooms = [room(conn, "alice", "bike"), room(conn, "bob", "bike"), room(conn, "alice", "book")];
        let writes: Vec<Write> = (0..30).map(|n| Write::Append(draft(&rooms[n % 3], "carol", "x", None))).collect();
        write_batch(conn, &writes, NOW).unwrap();
        write_batch(conn, &[Write::DeleteUser { user: user_id("bob"), at: NOW }], NOW).unwrap();
        let mut asked = vec![RoomId::new("none").unwrap()];
        asked.extend(rooms.iter().cloned());

        for (room, state) in load_rooms(conn, &asked).unwrap() {
            assert_eq!(state, load_room(conn, &room));
        }
        let what = Moderation::JoinRoom { room: rooms[0].clone(), user: user("mina") };
        let by = Moderator::Staff { id: user_id("mina") };
        let join = Moderate { by, at: NOW, reason: Some("x".to_owned()), what };
        write(conn, Write::Moderate(Box::new(join))).unwrap();
        let users = ["alice", "bob", "carol", "mina", "nobody"].map(user_id);
        let pairs: Vec<(RoomId, UserId)> =
            asked.iter().flat_map(|room| users.iter().map(|user| (room.clone(), user.clone()))).collect();
        let standings = find_standings(conn, &pairs).unwrap();
        for standing in [Standing::Stranger, Standing::Member, Standing::Staff] {
            assert!(standings.contains(&standing));
        }
        for ((room, user), standing) in pairs.iter().zip(standings) {
            assert_eq!(standing, find_standing(conn, room, user).unwrap(), "{room} {user}");
        }
        let page = |n: usize| match n % 2 {
            0 => MessagePage::After { seq: Seq(3), limit: 4 },
            _ => MessagePage::Before { seq: None, limit: 5 },
        };
        let pages: Vec<(RoomId, MessagePage)> =
            asked.iter().enumerate().map(|(n, room)| (room.clone(), page(n))).collect();
        let no_bound = BytesMax { each: usize::MAX, all: usize::MAX };
        for ((room, page), history) in pages.iter().zip(list_histories(conn, &pages, no_bound).unwrap()) {
            assert_eq!(history, list_messages(conn, room, *page, usize::MAX));
        }
        // The first of these has nothing, the second is the one with which it is enough.
        let bound = BytesMax { each: usize::MAX, all: 1 };
        assert_eq!(list_histories(conn, &pages, bound).unwrap().len(), 2);
        assert!(load_rooms(conn, &[]).unwrap().is_empty() && find_standings(conn, &[]).unwrap().is_empty());
    }
}
