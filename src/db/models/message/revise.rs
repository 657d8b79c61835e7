//! Messages that are edited, deleted or erased.

use super::names;
use crate::{
    db::{Connection, prelude::*, schema::messages},
    domain::{ContactKind, MessageId, Timestamp},
};

/// Writes new words over a message's own.
pub(in crate::db) fn edit(
    conn: &mut Connection,
    message: &MessageId,
    text: &str,
    warnings: &[ContactKind],
    at: Timestamp,
) -> QueryResult<()> {
    diesel::update(messages::table.filter(messages::id.eq(message.as_str())))
        .set((messages::text.eq(text), messages::warnings.eq(names(warnings)), messages::edited_at.eq(Some(at.0))))
        .execute(conn)?;
    Ok(())
}

/// Says when a message was edited and deleted, for one that was so before it came here.
pub(in crate::db) fn set_revised(
    conn: &mut Connection,
    message: &MessageId,
    edited_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
) -> QueryResult<()> {
    diesel::update(messages::table.filter(messages::id.eq(message.as_str())))
        .set((messages::edited_at.eq(edited_at.map(|at| at.0)), messages::deleted_at.eq(deleted_at.map(|at| at.0))))
        .execute(conn)?;
    Ok(())
}

/// Takes words, data, keys, reactions and the name of a member of the staff from messages, by their ids. Those that were deleted before keep the moment of it.
pub(in crate::db) fn erase(conn: &mut Connection, ids: &[&str], at: Timestamp) -> QueryResult<()> {
    let of_ids = || messages::table.filter(messages::id.eq_any(ids.iter().copied()));
    diesel::update(of_ids().filter(messages::deleted_at.is_null()))
        .set(messages::deleted_at.eq(Some(at.0)))
        .execute(conn)?;
    diesel::update(of_ids())
        .set((
            messages::text.eq(None::<String>),
            messages::data.eq(None::<String>),
            messages::warnings.eq(None::<String>),
            messages::client_id.eq(None::<String>),
            messages::reactions.eq(None::<String>),
        ))
        .execute(conn)?;
    diesel::update(of_ids().filter(messages::staff_name.is_not_null()))
        .set(messages::staff_name.eq(""))
        .execute(conn)?;
    Ok(())
}

/// Says that the marketplace has removed a message, after [`delete`].
pub(in crate::db) fn set_removed(conn: &mut Connection, message: &MessageId) -> QueryResult<()> {
    diesel::update(messages::table.filter(messages::id.eq(message.as_str())))
        .set(messages::removed.eq(true))
        .execute(conn)?;
    Ok(())
}

/// Takes words, data and reactions from a message. Its row and its `seq` stay, so that the room keeps counting without a hole.
pub(in crate::db) fn delete(conn: &mut Connection, message: &MessageId, at: Timestamp) -> QueryResult<()> {
    diesel::update(messages::table.filter(messages::id.eq(message.as_str())))
        .set((
            messages::text.eq(None::<String>),
            messages::data.eq(None::<String>),
            messages::warnings.eq(None::<String>),
            messages::reactions.eq(None::<String>),
            messages::deleted_at.eq(Some(at.0)),
        ))
        .execute(conn)?;
    Ok(())
}
