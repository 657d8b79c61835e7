//! The words of messages that the marketplace has removed, for as long as they are kept, and with them what edited ones said before.

use std::collections::HashMap;

use super::former;
use crate::{
    db::{Backend, Connection, DbError, discarded_images, prelude::*, schema::removed_messages},
    domain::{Data, MessageId, RemovedWords, StoredMessage, Timestamp, UserId},
};

/// Messages whose words are erased at a time.
const ERASED_AT_ONCE: i64 = 100;

/// A row of `removed_messages`.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = removed_messages, check_for_backend(Backend))]
struct RemovedRow {
    message_id: String,
    text: Option<String>,
    data: Option<String>,
}

impl RemovedRow {
    fn into_words(self) -> Result<(MessageId, RemovedWords), DbError> {
        let data = self.data.map(Data::from_json).transpose();
        let data = data.map_err(|_| DbError::Corrupt(format!("removed message {:?} has no JSON", self.message_id)))?;
        Ok((MessageId::from_stored(self.message_id), RemovedWords { text: self.text, data }))
    }
}

/// Keeps the words of a message that is about to lose them.
pub(in crate::db) fn keep(conn: &mut Connection, message: &StoredMessage, at: Timestamp) -> QueryResult<()> {
    diesel::insert_into(removed_messages::table)
        .values((
            removed_messages::message_id.eq(message.id.as_str()),
            removed_messages::sender_id.eq(message.sender_id.as_str()),
            removed_messages::text.eq(message.text.as_deref()),
            removed_messages::data.eq(message.data.as_ref().map(Data::json)),
            removed_messages::removed_at.eq(at.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// What is kept of these messages.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_removed_words(
    conn: &mut Connection,
    messages: &[MessageId],
) -> Result<HashMap<MessageId, RemovedWords>, DbError> {
    if messages.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<RemovedRow> = removed_messages::table
        .filter(removed_messages::message_id.eq_any(messages.iter().map(MessageId::as_str)))
        .select(RemovedRow::as_select())
        .load(conn)?;
    rows.into_iter().map(RemovedRow::into_words).collect()
}

/// Whether words are kept that were removed, or edited, before this moment.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn is_removed_before(conn: &mut Connection, before: Timestamp) -> Result<bool, DbError> {
    let found: Option<String> = removed_messages::table
        .filter(removed_messages::removed_at.lt(before.0))
        .limit(1)
        .select(removed_messages::message_id)
        .get_result(conn)
        .optional()?;
    Ok(found.is_some() || former::is_replaced_before(conn, before)?)
}

/// Erases some of the words that were removed, or edited, before this moment, and discards the files of their pictures. Returns whether
/// there are more.
///
/// # Errors
/// [`DbError`] when the database does not answer; then nothing is erased.
pub fn erase_removed_words(conn: &mut Connection, before: Timestamp) -> Result<bool, DbError> {
    conn.immediate_transaction(|conn| {
        let rows: Vec<RemovedRow> = removed_messages::table
            .filter(removed_messages::removed_at.lt(before.0))
            .order(removed_messages::removed_at)
            .limit(ERASED_AT_ONCE)
            .select(RemovedRow::as_select())
            .load(conn)?;
        Ok(erase(conn, rows)? | former::erase_replaced(conn, before)?)
    })
}

/// Erases some of the words of a deleted user that were kept. Returns whether there are more.
pub(in crate::db) fn erase_of_sender(conn: &mut Connection, sender: &UserId) -> Result<bool, DbError> {
    let rows: Vec<RemovedRow> = removed_messages::table
        .filter(removed_messages::sender_id.eq(sender.as_str()))
        .limit(ERASED_AT_ONCE)
        .select(RemovedRow::as_select())
        .load(conn)?;
    Ok(erase(conn, rows)? | former::erase_of_sender(conn, sender)?)
}

fn erase(conn: &mut Connection, rows: Vec<RemovedRow>) -> Result<bool, DbError> {
    let has_more = rows.len() as i64 == ERASED_AT_ONCE;
    for row in rows {
        let (message, words) = row.into_words()?;
        discarded_images::discard(conn, words.data.as_ref())?;
        diesel::delete(removed_messages::table.find(message.as_str())).execute(conn)?;
    }
    Ok(has_more)
}
