//! What edited messages said before, for as long as it is kept.

use std::collections::HashMap;

use crate::{
    db::{Connection, DbError, prelude::*, schema::former_texts},
    domain::{FormerText, MessageId, StoredMessage, Timestamp, UserId},
};

/// Former texts that are kept of one message: the first one, and the newest of the others. An edit costs its sender no more than
/// a message, and keeps no more.
const PER_MESSAGE_MAX: i64 = 10;

/// Texts that are erased at a time.
const ERASED_AT_ONCE: i64 = 100;

/// Keeps what a message says that is about to be edited.
pub(in crate::db) fn keep(conn: &mut Connection, message: &StoredMessage, at: Timestamp) -> QueryResult<()> {
    let id = message.id.as_str();
    let numbers: Vec<i64> = former_texts::table
        .filter(former_texts::message_id.eq(id))
        .order(former_texts::number)
        .select(former_texts::number)
        .load(conn)?;
    if let Some(second) = numbers.get(1).filter(|_| numbers.len() as i64 >= PER_MESSAGE_MAX) {
        diesel::delete(former_texts::table.find((id, *second))).execute(conn)?;
    }
    diesel::insert_into(former_texts::table)
        .values((
            former_texts::message_id.eq(id),
            former_texts::number.eq(numbers.last().map_or(1, |last| last + 1)),
            former_texts::sender_id.eq(message.sender_id.as_str()),
            former_texts::text.eq(message.text.as_deref()),
            former_texts::replaced_at.eq(at.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// What is kept of these messages, each oldest first, of as many of them as fit into so many bytes. Returns how many: at least one.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_former_texts<'a>(
    conn: &mut Connection,
    messages: impl Iterator<Item = &'a StoredMessage>,
    bytes_max: usize,
) -> Result<(HashMap<MessageId, Vec<FormerText>>, usize), DbError> {
    let (mut found, mut bytes, mut count) = (HashMap::new(), 0, 0);
    for message in messages {
        if message.edited_at.is_some() {
            let rows: Vec<(Option<String>, i64)> = former_texts::table
                .filter(former_texts::message_id.eq(message.id.as_str()))
                .order(former_texts::number)
                .select((former_texts::text, former_texts::replaced_at))
                .load(conn)?;
            bytes += rows.iter().map(|(text, _)| text.as_ref().map_or(0, String::len)).sum::<usize>();
            if bytes > bytes_max && count > 0 {
                break;
            }
            let texts = rows.into_iter().map(|(text, at)| FormerText { text, replaced_at: Timestamp(at) });
            found.insert(message.id.clone(), texts.collect());
        }
        count += 1;
    }
    Ok((found, count))
}

/// Forgets what a message said before.
pub(in crate::db) fn forget(conn: &mut Connection, message: &MessageId) -> QueryResult<usize> {
    diesel::delete(former_texts::table.filter(former_texts::message_id.eq(message.as_str()))).execute(conn)
}

/// Whether there is a text that was replaced before this moment.
pub(in crate::db) fn is_replaced_before(conn: &mut Connection, before: Timestamp) -> QueryResult<bool> {
    let found: Option<String> = former_texts::table
        .filter(former_texts::replaced_at.lt(before.0))
        .limit(1)
        .select(former_texts::message_id)
        .get_result(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Erases some of the texts that were replaced before this moment. Returns whether there are more.
pub(in crate::db) fn erase_replaced(conn: &mut Connection, before: Timestamp) -> QueryResult<bool> {
    let keys: Vec<(String, i64)> = former_texts::table
        .filter(former_texts::replaced_at.lt(before.0))
        .order(former_texts::replaced_at)
        .limit(ERASED_AT_ONCE)
        .select((former_texts::message_id, former_texts::number))
        .load(conn)?;
    erase(conn, &keys)
}

/// Erases some of the texts of a deleted user. Returns whether there are more.
pub(in crate::db) fn erase_of_sender(conn: &mut Connection, sender: &UserId) -> QueryResult<bool> {
    let keys: Vec<(String, i64)> = former_texts::table
        .filter(former_texts::sender_id.eq(sender.as_str()))
        .limit(ERASED_AT_ONCE)
        .select((former_texts::message_id, former_texts::number))
        .load(conn)?;
    erase(conn, &keys)
}

fn erase(conn: &mut Connection, keys: &[(String, i64)]) -> QueryResult<bool> {
    for (message, number) in keys {
        diesel::delete(former_texts::table.find((message, number))).execute(conn)?;
    }
    Ok(keys.len() as i64 == ERASED_AT_ONCE)
}
