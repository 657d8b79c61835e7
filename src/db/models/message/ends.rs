//! Both ends of texts: all that the masking rule has to know of a sender's other messages.

use diesel::sql_types::{Integer, Nullable, Text};

use crate::{
    db::{Connection, prelude::*, schema::messages},
    domain::{
        RoomId, UserId,
        masking::{END_CHARS, Ends},
    },
};

diesel::define_sql_function! {
    /// So many characters of a text from one on; the first has the number 1.
    fn substr(text: Nullable<Text>, from: Nullable<Integer>, count: Integer) -> Nullable<Text>;
}

diesel::define_sql_function! {
    /// The characters of a text.
    fn length(text: Nullable<Text>) -> Nullable<Integer>;
}

/// Both ends of a message's text.
#[derive(Debug, Queryable)]
pub(in crate::db) struct EndsRow {
    pub(in crate::db) seq: i64,
    length: Option<i32>,
    head: Option<String>,
    tail: Option<String>,
}

impl EndsRow {
    /// What the masking rule has to know of the text; `None` where it was deleted.
    pub(in crate::db) fn ends(&self) -> Option<Ends> {
        let tail = self.tail.as_deref().filter(|_| self.length > Some(END_CHARS));
        self.head.as_deref().map(|head| Ends::of_parts(head, tail))
    }
}

/// Both ends of the texts of one sender in a room with `seq` from `around.0` to `around.1`, oldest first.
pub(in crate::db) fn list_ends(
    conn: &mut Connection,
    room: &RoomId,
    sender: &UserId,
    around: (i64, i64),
) -> QueryResult<Vec<EndsRow>> {
    messages::table
        .filter(messages::room_id.eq(room.as_str()).and(messages::seq.between(around.0, around.1)))
        .filter(messages::sender_id.eq(sender.as_str()))
        .order(messages::seq)
        .select((
            messages::seq,
            length(messages::text),
            substr(messages::text, 1, END_CHARS),
            substr(messages::text, length(messages::text) - (END_CHARS - 1), END_CHARS),
        ))
        .load(conn)
}
