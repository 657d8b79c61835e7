//! Ids of imported messages, made from their lines, so that a line that comes again is known.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::domain::{ImportLine, MessageId, import_line::MessageLine};

/// A line, and its message's id if it is one.
#[derive(Debug)]
pub(super) enum Content {
    /// A user, a product or a room.
    Other(ImportLine),
    Message(MessageId, Box<MessageLine>),
}

/// How many equal lines there were so far. 16 bytes for each message line without a `clientId`: the one part of a
/// load that grows with its file.
#[derive(Debug, Default)]
pub(super) struct MessageIds {
    /// By half of a hash. Should two different lines ever share it, their counts start elsewhere, on every run alike.
    seen: HashMap<u64, u32>,
}

impl MessageIds {
    /// Gives the next line of a file its id.
    pub(super) fn identify(&mut self, line: ImportLine) -> Content {
        let ImportLine::Message(mut line) = line else { return Content::Other(line) };
        let mut hash = Sha256::new();
        let mut add = |part: &str| {
            // With its length, so that no two lists of parts run into one.
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        };
        add(line.room_id.as_str());
        add(line.sender_id.as_str());
        let ordinal = if let Some(client_id) = &line.client_id {
            add("clientId");
            add(client_id.as_str());
            0
        } else {
            add(line.kind.as_str());
            add(line.text.as_deref().unwrap_or_default());
            // However a file writes a value, it is the same line.
            let data = line.data.as_ref();
            add(&data.map(|data| data.canonical().unwrap_or_else(|| data.json().to_owned())).unwrap_or_default());
            hash.update(line.sent_at.0.to_le_bytes());
            let seen = self.seen.entry(half(&hash.clone().finalize())).or_default();
            *seen += 1;
            *seen - 1
        };
        hash.update(ordinal.to_le_bytes());
        let hash = hash.finalize();
        let mut random = [0; 10];
        random.copy_from_slice(&hash[..10]);
        // As version 7 (RFC 9562 section 5.7), like the ids of messages that are sent: ids grow with time.
        let ms = u64::try_from(line.sent_at.0).unwrap_or(0);
        let id = uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid();
        // By its words it is known as the message that it was before.
        if line.deleted_at.is_some() {
            (line.text, line.data) = (None, None);
        }
        Content::Message(MessageId::from_stored(id.simple().to_string()), Box::new(line))
    }
}

fn half(hash: &[u8]) -> u64 {
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
