//! Messages as a report keeps them: as they are stored, and read again as [`StoredMessage`]. Its own serialization is for
//! clients, and has addresses in place of an image's keys.

use serde::Serialize;

use crate::{
    db::DbError,
    domain::{ClientId, ContactKind, Data, MessageId, MessageKind, RoomId, Seq, StoredMessage, Timestamp, UserId},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept<'a> {
    id: &'a MessageId,
    room_id: &'a RoomId,
    seq: Seq,
    sender_id: &'a UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: &'a Option<ClientId>,
    kind: MessageKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: &'a Option<Data>,
    sent_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "<[ContactKind]>::is_empty")]
    warnings: &'a [ContactKind],
}

pub(super) fn to_json(messages: &[StoredMessage]) -> Result<String, DbError> {
    let kept: Vec<Kept<'_>> = messages
        .iter()
        .map(|message| Kept {
            id: &message.id,
            room_id: &message.room_id,
            seq: message.seq,
            sender_id: &message.sender_id,
            client_id: &message.client_id,
            kind: message.kind,
            text: &message.text,
            data: &message.data,
            sent_at: message.sent_at,
            edited_at: message.edited_at,
            deleted_at: message.deleted_at,
            warnings: &message.warnings,
        })
        .collect();
    serde_json::to_string(&kept).map_err(|error| DbError::Internal(error.to_string()))
}
