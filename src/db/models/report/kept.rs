//! Messages as a report keeps them: as they are stored, an image by its keys.

use serde::{Deserialize, Serialize};

use crate::{
    db::DbError,
    domain::{
        ClientId, ContactKind, Data, MessageId, MessageKind, Reaction, RoomId, Seq, StoredMessage, Timestamp, UserId,
    },
};

/// The JSON of a [`StoredMessage`] in a report. Its place in the order of commits is not kept, and its reactions are not: they
/// would have to be erased here, too.
#[derive(Serialize, Deserialize)]
#[serde(remote = "StoredMessage", rename_all = "camelCase")]
struct Kept {
    id: MessageId,
    room_id: RoomId,
    seq: Seq,
    #[serde(skip)]
    position: i64,
    sender_id: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<ClientId>,
    kind: MessageKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data>,
    sent_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<ContactKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<Seq>,
    #[serde(skip)]
    reactions: Vec<Reaction>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_removed: bool,
    /// What the staff says is not kept.
    #[serde(skip)]
    staff_name: Option<String>,
}

#[derive(Serialize)]
struct Written<'a>(#[serde(with = "Kept")] &'a StoredMessage);

#[derive(Deserialize)]
struct Read(#[serde(with = "Kept")] StoredMessage);

pub(super) fn to_json(messages: &[StoredMessage]) -> Result<String, DbError> {
    let written: Vec<Written<'_>> = messages.iter().map(Written).collect();
    serde_json::to_string(&written).map_err(|error| DbError::Internal(error.to_string()))
}

pub(super) fn from_json(json: &str) -> serde_json::Result<Vec<StoredMessage>> {
    let read: Vec<Read> = serde_json::from_str(json)?;
    Ok(read.into_iter().map(|Read(message)| message).collect())
}
