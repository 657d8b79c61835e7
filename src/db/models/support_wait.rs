//! Support rooms in which a user waits for an answer of the staff.

use std::collections::HashMap;

use crate::{
    db::{
        Connection,
        prelude::*,
        prepared::one_of,
        schema::{rooms, support_waits},
    },
    domain::{Timestamp, UserId, support::SUPPORT_PRODUCT},
};

/// The user has said something. Who waits already goes on waiting since then.
pub(in crate::db) fn begin(conn: &mut Connection, room: &str, since: Timestamp) -> QueryResult<()> {
    diesel::insert_into(support_waits::table)
        .values((support_waits::room_id.eq(room), support_waits::since.eq(since.0)))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}

/// Somebody of the staff has answered.
pub(in crate::db) fn end(conn: &mut Connection, room: &str) -> QueryResult<()> {
    diesel::delete(support_waits::table.find(room)).execute(conn)?;
    Ok(())
}

/// A user who is deleted waits for nothing.
pub(in crate::db) fn end_of_user(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    let own = rooms::table
        .filter(rooms::product_id.eq(SUPPORT_PRODUCT).and(rooms::buyer_id.eq(user.as_str())))
        .select(rooms::id);
    let own: Option<String> = own.get_result(conn).optional()?;
    own.map_or(Ok(()), |room| end(conn, &room))
}

/// Since when users wait in these rooms, of those where one does.
pub(in crate::db) fn find_since<'a>(
    conn: &mut Connection,
    rooms: impl IntoIterator<Item = &'a str>,
) -> QueryResult<HashMap<String, i64>> {
    let found: Vec<(String, i64)> = support_waits::table.filter(one_of(support_waits::room_id, rooms)).load(conn)?;
    Ok(found.into_iter().collect())
}

/// The rooms in which users wait, longest first, after one of them, and since when.
pub(in crate::db) fn list(
    conn: &mut Connection,
    (since, room): (i64, &str),
    limit: i64,
) -> QueryResult<Vec<(i64, String)>> {
    // The first condition is what the index can use, the second what makes it exact.
    let after = support_waits::since
        .ge(since)
        .and(support_waits::since.gt(since).or(support_waits::room_id.gt(room.to_owned())));
    support_waits::table
        .filter(after)
        .order((support_waits::since, support_waits::room_id))
        .limit(limit)
        .select((support_waits::since, support_waits::room_id))
        .load(conn)
}
