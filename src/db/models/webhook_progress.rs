//! Up to where the webhook was sent the events.

use crate::db::{Backend, Connection, prelude::*, schema::webhook_progress};

/// The row of `webhook_progress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhook_progress, check_for_backend(Backend))]
pub(in crate::db) struct WebhookProgressRow {
    pub(in crate::db) position: i64,
    pub(in crate::db) change_id: i64,
    pub(in crate::db) attempts: i64,
    pub(in crate::db) due_at: i64,
}

pub(in crate::db) fn find(conn: &mut Connection) -> QueryResult<Option<WebhookProgressRow>> {
    webhook_progress::table.find(1).select(WebhookProgressRow::as_select()).get_result(conn).optional()
}

pub(in crate::db) fn insert(conn: &mut Connection, row: WebhookProgressRow) -> QueryResult<()> {
    diesel::insert_into(webhook_progress::table).values((webhook_progress::id.eq(1), row)).execute(conn)?;
    Ok(())
}

/// Replaces the row as it is known. Returns whether it was still that one.
pub(in crate::db) fn replace(
    conn: &mut Connection,
    known: WebhookProgressRow,
    next: WebhookProgressRow,
) -> QueryResult<bool> {
    let as_known = webhook_progress::position
        .eq(known.position)
        .and(webhook_progress::change_id.eq(known.change_id))
        .and(webhook_progress::attempts.eq(known.attempts))
        .and(webhook_progress::due_at.eq(known.due_at));
    let changed = diesel::update(webhook_progress::table.find(1).filter(as_known)).set(next).execute(conn)?;
    Ok(changed > 0)
}
