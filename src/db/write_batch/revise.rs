//! Second thoughts: a sender edits or takes back what they said.

use super::{WriteError, WriteResult, Written};
use crate::{
    db::{
        Connection, DbError, discarded_images, message_index,
        models::{
            former, message,
            message::{EndsRow, MessageRow},
            room, user,
        },
        prelude::*,
        schema::{messages, rooms},
    },
    domain::{
        MessageId, MessageKind, Screened, StoredMessage, Timestamp, UserId, masking::Inspected, message::EDIT_WINDOW_MS,
    },
};

pub(super) fn edit(
    conn: &mut Connection,
    id: &MessageId,
    editor: &UserId,
    text: &str,
    inspected: &Inspected,
    at: Timestamp,
) -> WriteResult {
    let mut message = find_own(conn, id, editor, at)?;
    // Taking back is not saying something; new words are.
    let room = room::lock(conn, &[message.room_id.as_str()])?.remove(message.room_id.as_str());
    if let Some(room) = room {
        room.speaker(editor, at).map_err(WriteError::from)?;
    }
    let (text, warnings) = match screen(conn, &message, text, inspected)? {
        Screened::Clean => (text.to_owned(), Vec::new()),
        Screened::Marked { warnings, masked } => (masked.unwrap_or_else(|| text.to_owned()), warnings),
        Screened::Refused(refused) => return Err(WriteError::from(refused).into()),
    };
    if message.text.as_deref() != Some(text.as_str()) {
        former::keep(conn, &message, at)?;
    }
    message_index::replace(conn, id, Some(&text))?;
    // Nodes tell two states of a message apart by their times: an edit is later than the one before, also within a millisecond.
    let at = message.edited_at.map_or(at, |before| at.max(before.plus_ms(1)));
    message::edit(conn, id, &text, &warnings, at)?;
    message.text = Some(text);
    message.warnings = warnings;
    message.edited_at = Some(at);
    Ok(Written::Changed(message))
}

pub(super) fn delete(conn: &mut Connection, id: &MessageId, editor: &UserId, at: Timestamp) -> WriteResult {
    let mut message = find_own(conn, id, editor, at)?;
    // What was said in a frozen room stays as it is.
    if let Some(room) = room::lock(conn, &[message.room_id.as_str()])?.remove(message.room_id.as_str()) {
        room.check_not_frozen().map_err(WriteError::from)?;
    }
    discarded_images::discard(conn, message.data.as_ref().filter(|_| message.kind == MessageKind::Image))?;
    // Words that their sender has taken back are kept nowhere.
    former::forget(conn, id)?;
    message_index::replace(conn, id, None)?;
    message::delete(conn, id, at)?;
    message.text = None;
    message.data = None;
    (message.warnings, message.reactions) = (Vec::new(), Vec::new());
    message.deleted_at = Some(at);
    Ok(Written::Changed(message))
}

/// Messages before and after an edited one among which its sender's own are looked for.
const NEIGHBOURS: i64 = 8;

/// Applies the masking rule to new words, in their place among the sender's other messages: an edit must not bring in
/// what a new message could not. The words were inspected where they came in; of the other messages only the ends are read.
fn screen(
    conn: &mut Connection,
    message: &StoredMessage,
    text: &str,
    inspected: &Inspected,
) -> Result<Screened, DbError> {
    if inspected.screened == Screened::Clean && inspected.ends.is_none() {
        return Ok(Screened::Clean);
    }
    let seq = message.seq.0;
    let around = (seq - NEIGHBOURS, seq + NEIGHBOURS);
    let neighbours = message::list_ends(conn, &message.room_id, &message.sender_id, around)?;
    let ends = |neighbours: &[EndsRow]| neighbours.iter().filter_map(EndsRow::ends).collect::<Vec<_>>();
    let (before, rest) = neighbours.split_at(neighbours.partition_point(|neighbour| neighbour.seq < seq));
    let after = &rest[rest.partition_point(|neighbour| neighbour.seq == seq)..];
    let screened = inspected.between(text, &ends(before), &ends(after));
    if screened == Screened::Clean || !room::list_contact_allowed(conn, &[message.room_id.as_str()])?.is_empty() {
        return Ok(Screened::Clean);
    }
    Ok(screened)
}

/// The message, if its editor may change it now.
fn find_own(conn: &mut Connection, id: &MessageId, editor: &UserId, at: Timestamp) -> WriteResult<StoredMessage> {
    // In a room of the editor's: to anybody else the message does not exist.
    let row: Option<MessageRow> = messages::table
        .inner_join(rooms::table)
        .filter(messages::id.eq(id.as_str()))
        .filter(rooms::buyer_id.eq(editor.as_str()).or(rooms::seller_id.eq(editor.as_str())))
        .select(MessageRow::as_select())
        .get_result(conn)
        .optional()?;
    let Some(row) = row else { return Err(WriteError::NotFound("message").into()) };
    if user::is_deleted(conn, editor)? {
        return Err(WriteError::NotFound("message").into());
    }
    let message = row.into_stored()?;
    let changeable = matches!(message.kind, MessageKind::Text | MessageKind::Image);
    if message.sender_id != *editor || !changeable {
        return Err(WriteError::NotOwnMessage.into());
    }
    if message.deleted_at.is_some() {
        return Err(WriteError::AlreadyDeleted.into());
    }
    if at.0.saturating_sub(message.sent_at.0) > EDIT_WINDOW_MS {
        return Err(WriteError::EditWindowOver.into());
    }
    Ok(message)
}
