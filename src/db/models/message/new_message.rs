//! Messages that are new, as rows.

use diesel::{QueryResult, SqliteConnection};

use super::names;
use crate::{
    db::prepared::{self, Statement, Value},
    domain::{ClientId, Data, StoredMessage},
};

/// A row to add.
pub(super) struct NewMessage<'a> {
    pub(super) position: i64,
    pub(super) id: &'a str,
    pub(super) room_id: &'a str,
    pub(super) seq: i64,
    pub(super) sender_id: &'a str,
    pub(super) client_id: Option<&'a str>,
    pub(super) kind: &'static str,
    pub(super) text: Option<&'a str>,
    pub(super) data: Option<&'a str>,
    pub(super) sent_at: i64,
    pub(super) warnings: Option<String>,
    pub(super) reply_to: Option<i64>,
}

impl<'a> NewMessage<'a> {
    pub(super) fn new(message: &'a StoredMessage) -> Self {
        Self {
            position: message.position,
            id: message.id.as_str(),
            room_id: message.room_id.as_str(),
            seq: message.seq.0,
            sender_id: message.sender_id.as_str(),
            client_id: message.client_id.as_ref().map(ClientId::as_str),
            kind: message.kind.as_str(),
            text: message.text.as_deref(),
            data: message.data.as_ref().map(Data::json),
            sent_at: message.sent_at.0,
            warnings: names(&message.warnings),
            reply_to: message.reply_to.map(|seq| seq.0),
        }
    }

    /// In the order of [`InsertMessages`].
    fn values(&self) -> [Value<'_>; 11] {
        [
            Value::Number(self.position),
            Value::Text(self.id),
            Value::Text(self.room_id),
            Value::Number(self.seq),
            Value::Text(self.sender_id),
            self.client_id.into(),
            Value::Text(self.kind),
            self.text.into(),
            self.data.into(),
            Value::Number(self.sent_at),
            self.warnings.as_deref().into(),
        ]
    }

    /// In the order of [`InsertReplies`].
    fn values_of_reply(&self) -> [Value<'_>; 12] {
        let [position, id, room, seq, sender, client, kind, text, data, sent_at, warnings] = self.values();
        [position, id, room, seq, sender, client, kind, text, data, sent_at, warnings, self.reply_to.into()]
    }

    /// Adds them by the first statement where none is a reply, as most are none: a value that is NULL in each row costs, too.
    pub(super) fn insert_all<M: Statement, R: Statement>(
        rows: &[Self],
        conn: &mut SqliteConnection,
    ) -> QueryResult<()> {
        if rows.iter().all(|row| row.reply_to.is_none()) {
            prepared::insert::<M, _>(conn, &rows.iter().map(NewMessage::values).collect::<Vec<_>>())
        } else {
            prepared::insert::<R, _>(conn, &rows.iter().map(NewMessage::values_of_reply).collect::<Vec<_>>())
        }
    }
}

/// Messages that are new.
pub(super) struct InsertMessages;

impl Statement for InsertMessages {
    const SQL: &'static str = "INSERT INTO messages (position, id, room_id, seq, sender_id, client_id, kind, text, data, sent_at, warnings) VALUES";
}

/// The same, with replies among them.
pub(super) struct InsertReplies;

impl Statement for InsertReplies {
    const SQL: &'static str = "INSERT INTO messages (position, id, room_id, seq, sender_id, client_id, kind, text, data, \
                               sent_at, warnings, reply_to) VALUES";
}
