//! Messages.

mod by_sender;
mod ends;
mod new_message;
#[cfg(feature = "postgres")]
mod postgres;
mod reactions;
mod revise;
mod staff_names;
mod state;
pub(in crate::db) mod tail;

use std::{collections::HashSet, ops::ControlFlow};

use diesel::{
    dsl::{count, count_star},
    sql_types::{BigInt, Bool, Nullable, Text},
};

use crate::{
    db::{Backend, Connection, DbError, connection::Streams, page_bytes::Space, prelude::*, schema::messages},
    domain::{
        ClientId, ContactKind, Data, MessageId, MessageKind, RoomId, Seq, StoredMessage, Timestamp, UserId,
        message::{ABOUT_KEY, SYSTEM_SENDER, is_about, weight_bytes},
    },
};

pub(in crate::db) use ends::{EndsRow, list_ends};

use new_message::{InsertMessages, InsertReplies, NewMessage};

pub(in crate::db) use reactions::{list_reacted, set_reactions};

pub(in crate::db) use revise::{delete, edit, erase, set_removed, set_revised};

pub(in crate::db) use staff_names::{list_notices_of_staff, set_staff_name};

pub(in crate::db) use state::list_states;

pub(in crate::db) use by_sender::{list_by_sender, list_by_sender_among};

/// Unread messages are counted among so many of the newest of a room, so that a list of rooms costs the same for
/// somebody who never reads. Anyone who has more unread sees this number.
pub const UNREAD_MAX: i64 = 1000;

#[derive(Debug, Clone, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = messages, check_for_backend(Backend))]
pub(in crate::db) struct MessageRow {
    #[diesel(sql_type = Text)]
    pub(in crate::db) id: String,
    #[diesel(sql_type = Text)]
    pub(in crate::db) room_id: String,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    pub(in crate::db) sender_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    client_id: Option<String>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    data: Option<String>,
    #[diesel(sql_type = BigInt)]
    sent_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    edited_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    deleted_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    warnings: Option<String>,
    #[diesel(sql_type = Bool)]
    removed: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    reply_to: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    reactions: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    staff_name: Option<String>,
}

impl MessageRow {
    /// See [`StoredMessage::weight_bytes`].
    pub(in crate::db) fn weight_bytes(&self) -> usize {
        weight_bytes(self.text.as_deref(), self.data.as_ref().map_or(0, String::len))
    }

    /// The message of a row that this haggle can read.
    pub(in crate::db) fn into_stored(self) -> Result<StoredMessage, DbError> {
        let kind = MessageKind::parse(&self.kind)
            .ok_or_else(|| DbError::Corrupt(format!("message {:?} has an unknown kind", self.id)))?;
        let data = self
            .data
            .map(Data::from_json)
            .transpose()
            .map_err(|_| DbError::Corrupt(format!("message {:?} has data that is not JSON", self.id)))?;
        let reactions = match &self.reactions {
            // A node of the version before leaves them where it deletes a message.
            Some(json) if self.deleted_at.is_none() => reactions::read(json)
                .map_err(|_| DbError::Corrupt(format!("message {:?} has reactions that can't be read", self.id)))?,
            _ => Vec::new(),
        };
        Ok(StoredMessage {
            id: MessageId::from_stored(self.id),
            room_id: RoomId::from_stored(self.room_id),
            seq: Seq(self.seq),
            position: self.position,
            sender_id: UserId::from_stored(self.sender_id),
            client_id: self.client_id.map(ClientId::from_stored),
            kind,
            text: self.text,
            data,
            sent_at: Timestamp(self.sent_at),
            edited_at: self.edited_at.map(Timestamp),
            deleted_at: self.deleted_at.map(Timestamp),
            // A name that this haggle does not know is one of a newer haggle's.
            warnings: self.warnings.iter().flat_map(|names| names.split(',')).filter_map(ContactKind::parse).collect(),
            reply_to: self.reply_to.map(Seq),
            reactions,
            is_removed: self.removed,
            staff_name: self.staff_name,
        })
    }
}

/// Kinds as they are stored: their names with commas between them.
fn names(warnings: &[ContactKind]) -> Option<String> {
    let names: Vec<&str> = warnings.iter().map(|kind| kind.as_str()).collect();
    (!names.is_empty()).then(|| names.join(","))
}

diesel::table! {
    /// SQLite's own: the largest number that was ever given in each table with AUTOINCREMENT.
    sqlite_sequence (name) {
        name -> Text,
        seq -> BigInt,
    }
}

/// Adds messages that have their `seq`, in this order, and gives them their place in the global one.
///
/// The place is counted here and not by the database, for an `INSERT … RETURNING` of many rows promises no order; one
/// transaction at a time writes.
pub(in crate::db) fn insert(conn: &mut Connection, mut messages: Vec<&mut StoredMessage>) -> QueryResult<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let mut position = match conn {
        Connection::Sqlite(_) => newest_position(conn)?,
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => postgres::take_positions(conn, messages.len())?,
    };
    for message in &mut messages {
        position += 1;
        message.position = position;
    }
    let rows: Vec<NewMessage<'_>> = messages.iter().map(|message| NewMessage::new(message)).collect();
    match conn {
        Connection::Sqlite(conn) => NewMessage::insert_all::<InsertMessages, InsertReplies>(&rows, conn)?,
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => {
            rows.chunks(postgres::ROWS_A_STATEMENT).try_for_each(|rows| postgres::insert(conn, rows))?;
        }
    }
    // By themselves: hardly any message has one, and a value that is NULL in each row costs, too.
    let named = messages.iter().filter_map(|message| Some((&message.id, message.staff_name.as_deref()?)));
    named.into_iter().try_for_each(|(id, name)| set_staff_name(conn, id, name))
}

/// The last position that SQLite knows of.
pub(in crate::db) fn newest_position(conn: &mut Connection) -> QueryResult<i64> {
    let given: Option<i64> =
        sqlite_sequence::table.find("messages").select(sqlite_sequence::seq).get_result(conn).optional()?;
    Ok(given.unwrap_or(0).max(tail::last_position(conn)?))
}

/// One sender's idempotency key in one room.
pub(in crate::db) type ClientKey<'a> = (&'a str, &'a str, &'a str);

/// The messages that were stored under these keys (room, sender, client id).
pub(in crate::db) fn find_by_client_keys(
    conn: &mut Connection,
    keys: &[ClientKey<'_>],
) -> Result<Vec<StoredMessage>, DbError> {
    let mut found = Vec::new();
    match conn {
        Connection::Sqlite(conn) => {
            // One statement a key, for this one stays prepared.
            for (room, sender, client) in keys {
                let of_key = messages::table
                    .filter(messages::room_id.eq(*room).and(messages::sender_id.eq(*sender)))
                    .filter(messages::client_id.eq(*client))
                    .select(MessageRow::as_select());
                let row: Option<MessageRow> = diesel::RunQueryDsl::get_result(of_key, conn).optional()?;
                found.extend(row.map(MessageRow::into_stored).transpose()?);
            }
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => {
            for keys in keys.chunks(postgres::ROWS_A_STATEMENT) {
                for row in postgres::find_by_client_keys(conn, keys)? {
                    found.push(row.into_stored()?);
                }
            }
        }
    }
    Ok(found)
}

/// A message by its id.
pub(in crate::db) fn find(conn: &mut Connection, message: &str) -> Result<Option<StoredMessage>, DbError> {
    let row: Option<MessageRow> =
        messages::table.filter(messages::id.eq(message)).select(MessageRow::as_select()).get_result(conn).optional()?;
    row.map(MessageRow::into_stored).transpose()
}

/// The room of the message with this place in the order of commits.
pub(in crate::db) fn room_at(conn: &mut Connection, position: i64) -> QueryResult<Option<String>> {
    messages::table.filter(messages::position.eq(position)).select(messages::room_id).get_result(conn).optional()
}

/// Messages by their ids; those that are not there are left out.
pub(in crate::db) fn find_all(conn: &mut Connection, ids: &[&str]) -> Result<Vec<StoredMessage>, DbError> {
    to_stored(
        messages::table.filter(messages::id.eq_any(ids.iter().copied())).select(MessageRow::as_select()).load(conn)?,
    )
}

/// Whether a member has said something in a room. An offer says nothing.
pub(in crate::db) fn has_said_something(conn: &mut Connection, room: &RoomId, member: &UserId) -> QueryResult<bool> {
    let said = messages::table
        .filter(messages::room_id.eq(room.as_str()).and(messages::sender_id.eq(member.as_str())))
        .filter(messages::kind.ne(MessageKind::Offer.as_str()))
        .limit(1)
        .select(messages::seq);
    Ok(said.get_result::<i64>(conn).optional()?.is_some())
}

/// How many messages are after a place in the order of commits; not counted further than `limit`.
pub(in crate::db) fn count_after_position(conn: &mut Connection, position: i64, limit: i64) -> QueryResult<i64> {
    let some = messages::table.filter(messages::position.gt(position)).limit(limit).select(messages::position);
    Ok(some.load::<i64>(conn)?.len() as i64)
}

/// The messages of all rooms after a position in the order of commits, at most `limit` and what has
/// space, and whether one had none.
pub(in crate::db) fn list_after_position(
    conn: &mut Connection,
    position: i64,
    limit: i64,
    space: &mut Space,
) -> Result<(Vec<StoredMessage>, bool), DbError> {
    let query = messages::table
        .filter(messages::position.gt(position).and(messages::position.lt(tail::first_position(conn)?)))
        .order(messages::position)
        .limit(limit)
        .select(MessageRow::as_select());
    take_within(conn, query, space)
}

/// Takes the rows of a query that have space, and says whether one had none: nothing after it is read.
fn take_within<'conn, 'query: 'conn, Q>(
    conn: &'conn mut Connection,
    query: Q,
    space: &mut Space,
) -> Result<(Vec<StoredMessage>, bool), DbError>
where
    Q: Streams<'query, MessageRow> + 'conn,
{
    let (mut rows, mut is_cut) = (Vec::new(), false);
    query.load_while(conn, |row: MessageRow| {
        is_cut = !space.takes(row.weight_bytes());
        if is_cut {
            return ControlFlow::Break(());
        }
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    Ok((to_stored(rows)?, is_cut))
}

fn to_stored(rows: Vec<MessageRow>) -> Result<Vec<StoredMessage>, DbError> {
    rows.into_iter().map(MessageRow::into_stored).collect()
}

/// Which of these ids are taken.
pub(in crate::db) fn find_known_ids(conn: &mut Connection, ids: &[&str]) -> QueryResult<HashSet<String>> {
    let known = messages::table.filter(messages::id.eq_any(ids.iter().copied())).select(messages::id).load(conn)?;
    Ok(known.into_iter().collect())
}

/// Whether a message is one of this room's.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn is_message_in(conn: &mut Connection, message: &MessageId, room: &RoomId) -> Result<bool, DbError> {
    let found: Option<String> = messages::table
        .filter(messages::id.eq(message.as_str()))
        .select(messages::room_id)
        .get_result(conn)
        .optional()?;
    Ok(found.is_some_and(|found| found == room.as_str()))
}

/// Who said a message.
pub(in crate::db) fn sender_of(conn: &mut Connection, message: &MessageId) -> QueryResult<Option<String>> {
    messages::table.filter(messages::id.eq(message.as_str())).select(messages::sender_id).get_result(conn).optional()
}

/// The messages of a room with `seq` above `after` and up to `last`, oldest first.
pub(in crate::db) fn list_between(
    conn: &mut Connection,
    room: &RoomId,
    after: i64,
    last: i64,
) -> Result<Vec<StoredMessage>, DbError> {
    let mut space = Space::of(usize::MAX);
    let (messages, _) = list_within(conn, &Range { room, after, last, end: End::Oldest }, &mut space)?;
    Ok(messages)
}

/// Messages of a room.
pub(in crate::db) struct Range<'a> {
    pub(in crate::db) room: &'a RoomId,
    /// With `seq` above this.
    pub(in crate::db) after: i64,
    /// And up to this.
    pub(in crate::db) last: i64,
    /// Those at this end come first where there is no space for all.
    pub(in crate::db) end: End,
}

/// An end of a [`Range`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum End {
    Oldest,
    Newest,
}

/// Those messages of a range that have space, oldest first, and whether one had none.
///
/// A range and no LIMIT: `seq` has no holes, and SQLite plans a statement again whenever a LIMIT is bound.
pub(in crate::db) fn list_within(
    conn: &mut Connection,
    range: &Range<'_>,
    space: &mut Space,
) -> Result<(Vec<StoredMessage>, bool), DbError> {
    #[cfg(feature = "postgres")]
    if let Connection::Postgres(conn) = conn {
        let mut rows = postgres::list_within(conn, range, space.left())?;
        let all = rows.len();
        rows.truncate(rows.iter().take_while(|row| space.takes(row.weight_bytes())).count());
        let is_cut = rows.len() < all || postgres::is_cut(range, &rows);
        if range.end == End::Newest {
            rows.reverse();
        }
        return Ok((to_stored(rows)?, is_cut));
    }
    let query = messages::table
        .filter(messages::room_id.eq(range.room.as_str()))
        .filter(messages::seq.gt(range.after).and(messages::seq.le(range.last)))
        .select(MessageRow::as_select());
    match range.end {
        End::Oldest => take_within(conn, query.order(messages::seq), space),
        End::Newest => {
            let (mut messages, is_cut) = take_within(conn, query.order(messages::seq.desc()), space)?;
            messages.reverse();
            Ok((messages, is_cut))
        }
    }
}

/// What a room has after a `seq` and after a position in the order of commits, oldest first, and whether something of it
/// had no space.
pub(in crate::db) fn list_missed(
    conn: &mut Connection,
    room: &RoomId,
    (after, last): (i64, i64),
    position: i64,
    space: &mut Space,
) -> Result<(Vec<StoredMessage>, bool), DbError> {
    let query = messages::table
        .filter(messages::room_id.eq(room.as_str()))
        .filter(messages::seq.gt(after).and(messages::seq.le(last)))
        .filter(messages::position.gt(position))
        .order(messages::seq)
        .select(MessageRow::as_select());
    take_within(conn, query, space)
}

/// Whether somebody of the staff has said something in a room after a message.
pub(in crate::db) fn has_staff_since(conn: &mut Connection, room: &str, after: i64) -> QueryResult<bool> {
    let said = messages::table
        .filter(messages::room_id.eq(room).and(messages::seq.gt(after)))
        .filter(messages::staff_name.is_not_null().and(messages::deleted_at.is_null()));
    diesel::select(diesel::dsl::exists(said)).get_result(conn)
}

/// How many messages of others `reader` has not read, of those up to `last_seq`; never more than [`UNREAD_MAX`].
pub(in crate::db) fn count_unread(
    conn: &mut Connection,
    room: &str,
    reader: &str,
    read_seq: i64,
    last_seq: i64,
) -> QueryResult<i64> {
    let floor = read_seq.max(last_seq - UNREAD_MAX);
    if floor >= last_seq {
        return Ok(0);
    }
    let of_others = messages::table
        .filter(messages::room_id.eq(room).and(messages::seq.gt(floor)).and(messages::seq.le(last_seq)))
        .filter(messages::sender_id.ne(reader));
    // Whether one was deleted stands after its words: to read it there, all their pages would be read. The few that were
    // have an index of their own.
    let deleted: i64 = of_others.filter(messages::deleted_at.is_not_null()).count().get_result(conn)?;
    let is_system = messages::sender_id.eq(SYSTEM_SENDER);
    let (all, of_system): (i64, i64) =
        of_others.select((count_star(), count(messages::seq).aggregate_filter(is_system))).get_result(conn)?;
    if of_system == 0 {
        return Ok(all - deleted);
    }
    // The marketplace's own words are few. Those about the reader are no news to them.
    let about_somebody: Vec<String> = of_others
        .filter(is_system)
        .filter(messages::data.like(format!("%{ABOUT_KEY}%")))
        .select(messages::data.assume_not_null())
        .load(conn)?;
    let reader = UserId::from_stored(reader);
    let about_reader = about_somebody.into_iter().filter_map(|json| Data::from_json(json).ok());
    let about_reader = about_reader.filter(|data| is_about(data, &reader)).count();
    Ok(all - deleted - i64::try_from(about_reader).unwrap_or(0))
}
