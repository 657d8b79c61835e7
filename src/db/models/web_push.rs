//! What waits to be pushed to browsers.

use crate::db::{Backend, Connection, prelude::*, schema::web_pushes};

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = web_pushes, primary_key(subscription_id, room_id), check_for_backend(Backend))]
pub(in crate::db) struct WebPushRow {
    pub(in crate::db) subscription_id: String,
    pub(in crate::db) room_id: String,
    pub(in crate::db) id: String,
    pub(in crate::db) read_seq: i64,
    pub(in crate::db) created_at: i64,
}

/// Adds one, in place of one about an earlier run of unread messages.
pub(in crate::db) fn put(conn: &mut Connection, row: &WebPushRow) -> QueryResult<()> {
    diesel::insert_into(web_pushes::table)
        .values(row)
        .on_conflict((web_pushes::subscription_id, web_pushes::room_id))
        .do_update()
        .set(row)
        .execute(conn)?;
    Ok(())
}

/// The one that waits the longest for a subscription.
pub(in crate::db) fn find_oldest(conn: &mut Connection, subscription: &str) -> QueryResult<Option<WebPushRow>> {
    web_pushes::table
        .filter(web_pushes::subscription_id.eq(subscription))
        .order((web_pushes::created_at, web_pushes::room_id))
        .limit(1)
        .select(WebPushRow::as_select())
        .get_result(conn)
        .optional()
}

/// Takes one back, unless a newer one has taken its place.
pub(in crate::db) fn delete(conn: &mut Connection, row: &WebPushRow) -> QueryResult<()> {
    diesel::delete(web_pushes::table.find((&row.subscription_id, &row.room_id)).filter(web_pushes::id.eq(&row.id)))
        .execute(conn)?;
    Ok(())
}

/// How many wait, not counted further than `max`, and since when the oldest of them does.
pub(in crate::db) fn count(conn: &mut Connection, max: i64) -> QueryResult<(i64, Option<i64>)> {
    let waiting = web_pushes::table.select(web_pushes::created_at).order(web_pushes::created_at).limit(max);
    let waiting: Vec<i64> = waiting.load(conn)?;
    Ok((i64::try_from(waiting.len()).unwrap_or(max), waiting.first().copied()))
}
