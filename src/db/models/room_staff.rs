//! Members of the staff who have joined rooms.

use crate::{
    db::{
        Connection, DbError,
        prelude::*,
        prepared::one_of,
        schema::{room_staff, users},
    },
    domain::{RoomId, StoredMessage, Timestamp, User, UserId},
};

use super::user::{self, UserRow};

/// A member of the staff who is in a room, and what keeps them from saying something there.
pub(in crate::db) struct Speaker {
    pub(in crate::db) name: String,
    pub(in crate::db) muted_until: Option<Timestamp>,
    pub(in crate::db) banned_until: Option<Timestamp>,
}

/// Who of the staff is in a room, the first one first.
pub(in crate::db) fn list(conn: &mut Connection, room: &str) -> QueryResult<Vec<User>> {
    let rows: Vec<UserRow> = room_staff::table
        .inner_join(users::table)
        .filter(room_staff::room_id.eq(room).and(room_staff::left_at.is_null()))
        .filter(users::deleted_at.is_null())
        .order((room_staff::joined_at, room_staff::user_id))
        .select(UserRow::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// The rooms that somebody of the staff is in.
pub(in crate::db) fn list_joined(conn: &mut Connection, user: &UserId) -> QueryResult<Vec<String>> {
    room_staff::table
        .filter(room_staff::user_id.eq(user.as_str()).and(room_staff::left_at.is_null()))
        .order(room_staff::room_id)
        .select(room_staff::room_id)
        .load(conn)
}

/// Somebody who is in a room as a member of the staff, and was not deleted.
pub(in crate::db) fn find_speaker(conn: &mut Connection, room: &str, user: &str) -> QueryResult<Option<Speaker>> {
    let found: Option<(String, Option<i64>, Option<i64>)> = room_staff::table
        .find((room, user))
        .inner_join(users::table)
        .filter(room_staff::left_at.is_null().and(users::deleted_at.is_null()))
        .select((users::name, users::muted_until, users::banned_until))
        .get_result(conn)
        .optional()?;
    Ok(found.map(|(name, muted_until, banned_until)| Speaker {
        name,
        muted_until: muted_until.map(Timestamp),
        banned_until: banned_until.map(Timestamp),
    }))
}

/// Whether somebody is in a room as a member of the staff, and was not deleted. One look at one row for each.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn is_room_staff(conn: &mut Connection, room: &RoomId, user: &UserId) -> Result<bool, DbError> {
    Ok(find_speaker(conn, room.as_str(), user.as_str())?.is_some())
}

/// Those of these (room, user) who are in the room as members of the staff.
pub(in crate::db) fn find_among<'a>(
    conn: &mut Connection,
    rooms: impl IntoIterator<Item = &'a str>,
) -> QueryResult<Vec<(String, String)>> {
    room_staff::table
        .inner_join(users::table)
        .filter(one_of(room_staff::room_id, rooms))
        .filter(room_staff::left_at.is_null().and(users::deleted_at.is_null()))
        .select((room_staff::room_id, room_staff::user_id))
        .load(conn)
}

/// Puts somebody into a room, from now on.
pub(in crate::db) fn join(conn: &mut Connection, room: &RoomId, user: &UserId, at: Timestamp) -> QueryResult<()> {
    diesel::insert_into(room_staff::table)
        .values((
            room_staff::room_id.eq(room.as_str()),
            room_staff::user_id.eq(user.as_str()),
            room_staff::joined_at.eq(at.0),
        ))
        .on_conflict((room_staff::room_id, room_staff::user_id))
        .do_update()
        .set((room_staff::joined_at.eq(at.0), room_staff::left_at.eq(None::<i64>)))
        .execute(conn)?;
    Ok(())
}

/// Notes who of the staff has said something in which room: by that an erasure and an export find what they said.
pub(in crate::db) fn note_imported(conn: &mut Connection, messages: &[StoredMessage]) -> QueryResult<()> {
    for message in messages {
        let Some(name) = &message.staff_name else { continue };
        let staff = User::new(message.sender_id.clone(), name.clone(), None);
        user::add_missing(conn, &staff, message.sent_at)?;
        note_left(conn, &message.room_id, &staff.id, message.sent_at)?;
    }
    Ok(())
}

/// Notes that somebody was in a room at some time and is not any more, unless more is known.
fn note_left(conn: &mut Connection, room: &RoomId, user: &UserId, at: Timestamp) -> QueryResult<()> {
    diesel::insert_into(room_staff::table)
        .values((
            room_staff::room_id.eq(room.as_str()),
            room_staff::user_id.eq(user.as_str()),
            room_staff::joined_at.eq(at.0),
            room_staff::left_at.eq(Some(at.0)),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}

/// Takes somebody out of a room, from now on.
pub(in crate::db) fn leave(conn: &mut Connection, room: &RoomId, user: &UserId, at: Timestamp) -> QueryResult<()> {
    diesel::update(room_staff::table.find((room.as_str(), user.as_str())))
        .set(room_staff::left_at.eq(Some(at.0)))
        .execute(conn)?;
    Ok(())
}
