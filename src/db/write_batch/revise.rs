//! Second thoughts: a sender edits or takes back what they said.

use diesel::prelude::*;

use super::{WriteError, Written};
use crate::{
    db::{
        Connection, DbError,
        models::{
            change::{self, Changed},
            message,
            message::MessageRow,
            room, user,
        },
        schema::{messages, rooms},
    },
    domain::{MessageId, MessageKind, StoredMessage, Timestamp, UserId, message::EDIT_WINDOW_MS},
};

pub(super) fn edit(
    conn: &mut Connection,
    id: &MessageId,
    editor: &UserId,
    text: &str,
    at: Timestamp,
) -> Result<Result<Written, WriteError>, DbError> {
    let mut message = match find_own(conn, id, editor, at)? {
        Ok(message) => message,
        Err(refused) => return Ok(Err(refused)),
    };
    // Taking back is not saying something; new words are.
    let room = room::lock(conn, &[message.room_id.as_str()])?.remove(message.room_id.as_str());
    if let Some(Err(silenced)) = room.map(|room| room.speaker(editor, at)) {
        return Ok(Err(silenced.into()));
    }
    message::edit(conn, id, text, at)?;
    change::record(conn, &[Changed::Message(id.as_str())])?;
    message.text = Some(text.to_owned());
    message.edited_at = Some(at);
    Ok(Ok(Written::Changed(message)))
}

pub(super) fn delete(
    conn: &mut Connection,
    id: &MessageId,
    editor: &UserId,
    at: Timestamp,
) -> Result<Result<Written, WriteError>, DbError> {
    let mut message = match find_own(conn, id, editor, at)? {
        Ok(message) => message,
        Err(refused) => return Ok(Err(refused)),
    };
    message::delete(conn, id, at)?;
    change::record(conn, &[Changed::Message(id.as_str())])?;
    message.text = None;
    message.data = None;
    message.deleted_at = Some(at);
    Ok(Ok(Written::Changed(message)))
}

/// The message, if its editor may change it now.
fn find_own(
    conn: &mut Connection,
    id: &MessageId,
    editor: &UserId,
    at: Timestamp,
) -> Result<Result<StoredMessage, WriteError>, DbError> {
    // In a room of the editor's: to anybody else the message does not exist.
    let row: Option<MessageRow> = messages::table
        .inner_join(rooms::table)
        .filter(messages::id.eq(id.as_str()))
        .filter(rooms::buyer_id.eq(editor.as_str()).or(rooms::seller_id.eq(editor.as_str())))
        .select(MessageRow::as_select())
        .get_result(conn)
        .optional()?;
    let Some(row) = row else { return Ok(Err(WriteError::NotFound("message"))) };
    if user::is_deleted(conn, editor)? {
        return Ok(Err(WriteError::NotFound("message")));
    }
    let message = row.into_stored()?;
    let changeable = matches!(message.kind, MessageKind::Text | MessageKind::Image);
    Ok(if message.sender_id != *editor || !changeable {
        Err(WriteError::NotOwnMessage)
    } else if message.deleted_at.is_some() {
        Err(WriteError::AlreadyDeleted)
    } else if at.0.saturating_sub(message.sent_at.0) > EDIT_WINDOW_MS {
        Err(WriteError::EditWindowOver)
    } else {
        Ok(message)
    })
}
