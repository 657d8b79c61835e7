//! Who has blocked whom.

use std::ops::ControlFlow;

use crate::{
    db::{
        Connection, DbError,
        page_bytes::Space,
        prelude::*,
        schema::{blocks, rooms, users},
    },
    domain::{Block, Timestamp, User, UserId},
};

use super::user::UserRow;

/// Since when a block stands; `None` while there is none.
pub(in crate::db) fn find(conn: &mut Connection, blocker: &UserId, blocked: &UserId) -> QueryResult<Option<Timestamp>> {
    let since: Option<i64> = blocks::table
        .find((blocker.as_str(), blocked.as_str()))
        .select(blocks::created_at)
        .get_result(conn)
        .optional()?;
    Ok(since.map(Timestamp))
}

/// Adds a block. Returns since when it stands and whether it is new.
pub(in crate::db) fn put(
    conn: &mut Connection,
    blocker: &UserId,
    blocked: &UserId,
    at: Timestamp,
) -> QueryResult<(Timestamp, bool)> {
    if let Some(since) = find(conn, blocker, blocked)? {
        return Ok((since, false));
    }
    diesel::insert_into(blocks::table)
        .values((
            blocks::blocker_id.eq(blocker.as_str()),
            blocks::blocked_id.eq(blocked.as_str()),
            blocks::created_at.eq(at.0),
        ))
        .execute(conn)?;
    Ok((at, true))
}

/// Removes a block. Returns whether there was one.
pub(in crate::db) fn delete(conn: &mut Connection, blocker: &UserId, blocked: &UserId) -> QueryResult<bool> {
    Ok(diesel::delete(blocks::table.find((blocker.as_str(), blocked.as_str()))).execute(conn)? > 0)
}

/// The rooms in which the two meet.
pub(in crate::db) fn rooms_between(conn: &mut Connection, one: &UserId, other: &UserId) -> QueryResult<Vec<String>> {
    let mut ids = Vec::new();
    for (buyer, seller) in [(one, other), (other, one)] {
        ids.extend(
            rooms::table
                .filter(rooms::buyer_id.eq(buyer.as_str()).and(rooms::seller_id.eq(seller.as_str())))
                .select(rooms::id)
                .load::<String>(conn)?,
        );
    }
    Ok(ids)
}

/// A page of those whom a user has blocked, by id, after one of them, at most about `bytes_max` of them, and whether there are
/// more.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_blocks(
    conn: &mut Connection,
    blocker: &UserId,
    behind: Option<&UserId>,
    limit: i64,
    bytes_max: usize,
) -> Result<(Vec<Block>, bool), DbError> {
    let query = blocks::table
        .inner_join(users::table.on(users::id.eq(blocks::blocked_id)))
        .filter(blocks::blocker_id.eq(blocker.as_str()))
        .filter(blocks::blocked_id.gt(behind.map_or("", UserId::as_str)))
        .order(blocks::blocked_id)
        .limit(limit + 1)
        .select((UserRow::as_select(), blocks::created_at));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut found, mut more, mut space) = (Vec::new(), false, Space::of(bytes_max));
    query.load_while(conn, |(user, at): (UserRow, i64)| {
        let user = User::from(user);
        more = found.len() == limit || !space.takes(user.weight_bytes());
        if more {
            return ControlFlow::Break(());
        }
        found.push(Block { user, created_at: Timestamp(at) });
        ControlFlow::Continue(())
    })?;
    Ok((found, more))
}
