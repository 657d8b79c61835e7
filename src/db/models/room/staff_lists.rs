//! Rooms in the lists of the staff.

use crate::{
    db::{
        Connection,
        prelude::*,
        schema::{room_staff, rooms},
    },
    domain::{ListPlace, UserId, message::SYSTEM_SENDER},
};

/// The support rooms in which somebody has said something, latest activity first, after one of them, and when that was. They are
/// the desk's list, which nobody else has.
pub(in crate::db) fn list_support(
    conn: &mut Connection,
    (active_at, id): (i64, &str),
    limit: i64,
) -> QueryResult<Vec<(i64, String)>> {
    // The first condition is what the index can use, the second what makes it exact.
    let after = rooms::active_at.le(active_at).and(rooms::active_at.lt(active_at).or(rooms::id.lt(id.to_owned())));
    rooms::table
        .filter(rooms::seller_id.eq(SYSTEM_SENDER).and(rooms::seller_place.eq(ListPlace::Listed as i64)))
        .filter(after)
        .order((rooms::active_at.desc(), rooms::id.desc()))
        .limit(limit)
        .select((rooms::active_at, rooms::id))
        .load(conn)
}

/// The rooms that somebody of the staff is in, and when something was last said there.
pub(in crate::db) fn list_joined(conn: &mut Connection, user: &UserId) -> QueryResult<Vec<(i64, String)>> {
    room_staff::table
        .inner_join(rooms::table)
        .filter(room_staff::user_id.eq(user.as_str()).and(room_staff::left_at.is_null()))
        .select((rooms::active_at, rooms::id))
        .load(conn)
}

/// The rooms after an id that the marketplace has frozen, by id.
pub(in crate::db) fn list_frozen(conn: &mut Connection, after: &str, limit: i64) -> QueryResult<Vec<String>> {
    rooms::table
        .filter(rooms::frozen.and(rooms::id.gt(after)))
        .order(rooms::id)
        .limit(limit)
        .select(rooms::id)
        .load(conn)
}
