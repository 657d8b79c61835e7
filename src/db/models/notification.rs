//! The outbox of the webhook, and up to where messages were looked through for it.

use diesel::dsl::{count_star, max, min};

use super::message::tail;
use crate::{
    db::{
        Backend, Connection,
        prelude::*,
        schema::{imported_messages, messages, notification_progress, notifications},
    },
    domain::{Timestamp, message::ABOUT_KEY},
};

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = notifications, primary_key(room_id, user_id), check_for_backend(Backend))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub(in crate::db) struct NotificationRow {
    pub(in crate::db) room_id: String,
    pub(in crate::db) user_id: String,
    pub(in crate::db) id: String,
    pub(in crate::db) read_seq: i64,
    pub(in crate::db) created_at: i64,
    pub(in crate::db) attempts: i64,
    pub(in crate::db) due_at: Option<i64>,
}

/// What the search for unread messages needs of one.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = messages, check_for_backend(Backend))]
pub(in crate::db) struct SentRow {
    pub(in crate::db) position: i64,
    pub(in crate::db) room_id: String,
    pub(in crate::db) seq: i64,
    pub(in crate::db) sender_id: String,
    pub(in crate::db) sent_at: i64,
    pub(in crate::db) deleted_at: Option<i64>,
}

/// Up to where messages were looked through; `None` before the first time.
pub(in crate::db) fn find_progress(conn: &mut Connection) -> QueryResult<Option<i64>> {
    notification_progress::table.find(1).select(notification_progress::position).get_result(conn).optional()
}

pub(in crate::db) fn save_progress(conn: &mut Connection, position: i64) -> QueryResult<()> {
    diesel::insert_into(notification_progress::table)
        .values((notification_progress::id.eq(1), notification_progress::position.eq(position)))
        .on_conflict(notification_progress::id)
        .do_update()
        .set(notification_progress::position.eq(position))
        .execute(conn)?;
    Ok(())
}

/// The place of the newest message of all rooms; 0 while there is none.
pub(in crate::db) fn newest_position(conn: &mut Connection) -> QueryResult<i64> {
    let newest: Option<i64> = messages::table.select(max(messages::position)).get_result(conn)?;
    Ok(newest.unwrap_or_default())
}

pub(in crate::db) fn list_sent_after(conn: &mut Connection, position: i64, limit: i64) -> QueryResult<Vec<SentRow>> {
    messages::table
        .filter(messages::position.gt(position).and(messages::position.lt(tail::first_position(conn)?)))
        .order(messages::position)
        .limit(limit)
        .select(SentRow::as_select())
        .load(conn)
}

/// The `data` of those of these messages, by their places, that name somebody whom they are about.
pub(in crate::db) fn list_about(conn: &mut Connection, positions: &[i64]) -> QueryResult<Vec<(i64, String)>> {
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    messages::table
        .filter(messages::position.eq_any(positions.iter().copied()))
        .filter(messages::data.like(format!("%{ABOUT_KEY}%")))
        .select((messages::position, messages::data.assume_not_null()))
        .load(conn)
}

/// Stores messages of an import, and remembers which they are and when that was.
pub(in crate::db) fn import_messages(
    conn: &mut Connection,
    at: Timestamp,
    insert: impl FnOnce(&mut Connection) -> QueryResult<()>,
) -> QueryResult<()> {
    let before = newest_position(conn)?;
    insert(conn)?;
    let after = newest_position(conn)?;
    if after == before {
        return Ok(());
    }
    let earlier: Option<i64> =
        imported_messages::table.select(max(imported_messages::first_position)).get_result(conn)?;
    // Chunks of one import follow each other: they are one row.
    let grown = diesel::update(
        imported_messages::table
            .filter(imported_messages::first_position.eq(earlier.unwrap_or_default()))
            .filter(imported_messages::last_position.eq(before))
            .filter(imported_messages::imported_at.eq(at.0)),
    )
    .set(imported_messages::last_position.eq(after))
    .execute(conn)?;
    if grown == 0 {
        diesel::insert_into(imported_messages::table)
            .values((
                imported_messages::first_position.eq(before + 1),
                imported_messages::last_position.eq(after),
                imported_messages::imported_at.eq(at.0),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Imported messages at these places: the first and the last of each import, and when it was, if that was noted.
pub(in crate::db) fn list_imported(
    conn: &mut Connection,
    first: i64,
    last: i64,
) -> QueryResult<Vec<(i64, i64, Option<i64>)>> {
    imported_messages::table
        .filter(imported_messages::first_position.le(last).and(imported_messages::last_position.ge(first)))
        .load(conn)
}

pub(in crate::db) fn find(conn: &mut Connection, room: &str, user: &str) -> QueryResult<Option<NotificationRow>> {
    notifications::table.find((room, user)).select(NotificationRow::as_select()).get_result(conn).optional()
}

/// Adds a notification, in place of one about an earlier run.
pub(in crate::db) fn put(conn: &mut Connection, row: &NotificationRow) -> QueryResult<()> {
    diesel::insert_into(notifications::table)
        .values(row)
        .on_conflict((notifications::room_id, notifications::user_id))
        .do_update()
        .set(row)
        .execute(conn)?;
    Ok(())
}

/// What is to be tried now, the longest due first.
pub(in crate::db) fn list_due(conn: &mut Connection, now: i64, limit: i64) -> QueryResult<Vec<NotificationRow>> {
    notifications::table
        .filter(notifications::due_at.is_not_null().and(notifications::due_at.le(now)))
        .order(notifications::due_at)
        .limit(limit)
        .select(NotificationRow::as_select())
        .load(conn)
}

/// After a try: when the next one is due, if there is to be one. A newer notification about the room is left alone.
pub(in crate::db) fn set_due(conn: &mut Connection, row: &NotificationRow, due_at: Option<i64>) -> QueryResult<()> {
    diesel::update(notifications::table.find((&row.room_id, &row.user_id)).filter(notifications::id.eq(&row.id)))
        .set((notifications::due_at.eq(due_at), notifications::attempts.eq(row.attempts)))
        .execute(conn)?;
    Ok(())
}

/// Puts a notification off that is due as `row` has it. Returns whether it was: otherwise somebody else has it in hand.
pub(in crate::db) fn put_off(conn: &mut Connection, row: &NotificationRow, due_at: i64) -> QueryResult<bool> {
    let as_known = notifications::id.eq(&row.id).and(notifications::due_at.eq(row.due_at));
    let changed = diesel::update(notifications::table.find((&row.room_id, &row.user_id)).filter(as_known))
        .set(notifications::due_at.eq(Some(due_at)))
        .execute(conn)?;
    Ok(changed > 0)
}

/// Takes a notification back.
pub(in crate::db) fn cancel(conn: &mut Connection, row: &NotificationRow) -> QueryResult<()> {
    diesel::delete(notifications::table.find((&row.room_id, &row.user_id)).filter(notifications::id.eq(&row.id)))
        .execute(conn)?;
    Ok(())
}

/// Takes a notification back that the webhook has nothing to do with.
pub(in crate::db) fn cancel_unsent(conn: &mut Connection, (room, user): (&str, &str), id: &str) -> QueryResult<()> {
    let unsent = notifications::id.eq(id).and(notifications::due_at.is_null()).and(notifications::attempts.eq(0));
    diesel::delete(notifications::table.find((room, user)).filter(unsent)).execute(conn)?;
    Ok(())
}

/// How many wait, and since when the oldest of them does.
pub(in crate::db) fn count_pending(conn: &mut Connection) -> QueryResult<(i64, Option<i64>)> {
    notifications::table
        .filter(notifications::due_at.is_not_null())
        .select((count_star(), min(notifications::created_at)))
        .get_result(conn)
}
