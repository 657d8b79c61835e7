//! What a node asks to keep up with what the others have committed.
//!
//! Both streams have numbers that are given in the order of commits, so a reader that has read up to one has missed nothing before it.

use std::collections::HashMap;

use diesel::{dsl::max, sql_types::Text};

use super::{
    Connection, DbError,
    models::{
        change::{self, ChangeKind},
        message::{self, End, Range},
        user,
    },
    page_bytes::Space,
    prelude::*,
    schema::{changes, messages, rooms},
};
use crate::domain::{MessageId, ProductId, RoomId, Seq, StoredMessage, User, UserId, message::MessageState};

/// A place in the order of commits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommitCursor {
    /// The last message.
    pub position: i64,
    /// The last change other than a message.
    pub change: i64,
}

/// A message that was committed, by its place alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Its place in the order of commits.
    pub position: i64,
    pub room: RoomId,
    /// Its place there.
    pub seq: Seq,
    /// The room's buyer.
    pub buyer: UserId,
    /// The room's seller.
    pub seller: UserId,
}

/// Something else that was committed, by its name alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Noted {
    /// A message was edited, taken back or reacted to, and how it stands by now.
    Message(MessageId, MessageState),
    /// A member has read.
    Read(RoomId, UserId),
    /// Messages have reached a member's device.
    Delivered(RoomId, UserId),
    /// A room is new, or something that nodes keep of it is another now.
    Room(RoomId),
    /// A member has changed their own settings of a room.
    RoomSettings(RoomId, UserId),
    /// A user is new, or has another name, other switches or a mute.
    User(UserId),
    /// A user has another name or picture, which others' lists show.
    Profile(UserId),
    /// A product was put.
    Product(ProductId),
    /// A user was removed, or the marketplace has ended their sessions.
    SessionsEnded(UserId),
}

/// What was committed after a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Messages, in the order of commits.
    pub messages: Vec<Committed>,
    /// The rest, in the order of commits.
    pub notes: Vec<Noted>,
    /// Where the next reading goes on.
    pub next: CommitCursor,
    /// Whether there is more by now.
    pub has_more: bool,
}

/// A name of this database that no other has, but for a copy: when its first migration was run.
///
/// # Errors
/// [`DbError`] when the database does not answer, or no migration was run.
pub fn find_installation(conn: &mut Connection) -> Result<String, DbError> {
    #[derive(QueryableByName)]
    struct First {
        #[diesel(sql_type = Text)]
        at: String,
    }
    let first = diesel::sql_query("SELECT CAST(min(run_on) AS TEXT) AS at FROM __diesel_schema_migrations");
    Ok(first.get_result::<First>(conn)?.at)
}

/// The newest place.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_newest(conn: &mut Connection) -> Result<CommitCursor, DbError> {
    let position: Option<i64> = messages::table.select(max(messages::position)).get_result(conn)?;
    let change: Option<i64> = changes::table.select(max(changes::id)).get_result(conn)?;
    Ok(CommitCursor { position: position.unwrap_or(0), change: change.unwrap_or(0) })
}

/// Reads what was committed after a position: at most so many messages, and as many other changes.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_news(conn: &mut Connection, after: CommitCursor, limit: i64) -> Result<News, DbError> {
    let rows: Vec<(i64, String, i64, String, String)> = messages::table
        .inner_join(rooms::table.on(rooms::id.eq(messages::room_id)))
        .filter(messages::position.gt(after.position))
        .order(messages::position)
        .limit(limit)
        .select((messages::position, messages::room_id, messages::seq, rooms::buyer_id, rooms::seller_id))
        .load(conn)?;
    let changed = change::list_after(conn, after.change, limit)?;
    let is_full = |count: usize| i64::try_from(count).unwrap_or(i64::MAX) >= limit;
    let has_more = is_full(rows.len()) || is_full(changed.len());
    let next = CommitCursor {
        position: rows.last().map_or(after.position, |row| row.0),
        change: changed.last().map_or(after.change, |row| row.id),
    };
    let messages = rows.into_iter().map(|(position, room, seq, buyer, seller)| Committed {
        position,
        room: RoomId::from_stored(room),
        seq: Seq(seq),
        buyer: UserId::from_stored(buyer),
        seller: UserId::from_stored(seller),
    });
    let updated = changed.iter().filter(|row| row.kind() == Some(ChangeKind::MessageUpdated));
    let states = message::list_states(conn, updated.map(|row| row.subject_id.as_str()))?;
    let mut notes = Vec::with_capacity(changed.len());
    for row in &changed {
        let (id, member) = (row.subject_id.as_str(), || UserId::from_stored(row.member_id.as_str()));
        notes.extend(match row.kind() {
            Some(ChangeKind::MessageUpdated) => {
                let state = states.get(id).copied().unwrap_or_default();
                Some(Noted::Message(MessageId::from_stored(id), state))
            }
            Some(ChangeKind::Read) => Some(Noted::Read(RoomId::from_stored(id), member())),
            Some(ChangeKind::Delivered) => Some(Noted::Delivered(RoomId::from_stored(id), member())),
            Some(ChangeKind::RoomOpened | ChangeKind::RoomState) => Some(Noted::Room(RoomId::from_stored(id))),
            Some(ChangeKind::RoomSettings) => Some(Noted::RoomSettings(RoomId::from_stored(id), member())),
            Some(
                ChangeKind::UserUpdated | ChangeKind::UserState | ChangeKind::SettingsUpdated | ChangeKind::MuteUpdated,
            ) => Some(Noted::User(UserId::from_stored(id))),
            Some(ChangeKind::Profile) => Some(Noted::Profile(UserId::from_stored(id))),
            Some(ChangeKind::UserDeleted | ChangeKind::SessionsEnded) => {
                Some(Noted::SessionsEnded(UserId::from_stored(id)))
            }
            Some(ChangeKind::ProductUpdated) => Some(Noted::Product(ProductId::from_stored(id))),
            // Nodes keep nothing of reports; an offer's message, the rooms of a block, the sessions that a ban ends and the state of a
            // room that was frozen are noted by themselves.
            Some(
                ChangeKind::OfferUpdated
                | ChangeKind::BlockUpdated
                | ChangeKind::BanUpdated
                | ChangeKind::FreezeUpdated
                | ChangeKind::ReportCreated
                | ChangeKind::ReportDecided,
            ) => None,
            // Of a newer haggle.
            None => None,
        });
    }
    Ok(News { messages: messages.collect(), notes, next, has_more })
}

/// Users who have another name or picture since a place among the changes, as they now stand, at most so many; and where the
/// next reading goes on.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_renamed(conn: &mut Connection, after: i64, limit: i64) -> Result<(Vec<User>, i64), DbError> {
    conn.transaction(|conn| {
        let newest: Option<i64> = changes::table.select(max(changes::id)).get_result(conn)?;
        let rows: Vec<(i64, String)> = changes::table
            .filter(changes::id.gt(after).and(changes::kind.eq(ChangeKind::Profile.as_str())))
            .order(changes::id)
            .limit(limit)
            .select((changes::id, changes::subject_id))
            .load(conn)?;
        let is_full = rows.len() as i64 >= limit;
        let next = rows.last().filter(|_| is_full).map_or(newest.unwrap_or(0).max(after), |(id, _)| *id);
        let mut users = Vec::with_capacity(rows.len());
        for (_, id) in rows {
            users.extend(user::find_row(conn, &id)?.filter(|row| row.deleted_at.is_none()).map(User::from));
        }
        Ok((users, next))
    })
}

/// What a room has after a `seq`.
#[derive(Debug, Clone, PartialEq)]
pub struct Behind {
    pub room: RoomId,
    /// Its messages, oldest first, at most as many as were asked for.
    pub messages: Vec<StoredMessage>,
    /// `seq` of its newest message.
    pub last_seq: Seq,
}

/// The messages of several rooms, each after a `seq` of its own, from one snapshot: at most `limit` of each, and about
/// `bytes_max` of all together. Rooms from which nothing was read any more have none, and a `last_seq` that says so.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_behind(
    conn: &mut Connection,
    since: &[(RoomId, Seq)],
    limit: i64,
    bytes_max: usize,
) -> Result<Vec<Behind>, DbError> {
    conn.transaction(|conn| {
        let mut space = Space::of(bytes_max);
        let newest = last_seqs(conn, since.iter().map(|(room, _)| room))?;
        let mut behind = Vec::with_capacity(since.len());
        for (room, after) in since {
            let last = newest.get(room.as_str()).copied().unwrap_or(0);
            let messages = if last > after.0 && !space.is_full() {
                let range = Range { room, after: after.0, last: last.min(after.0 + limit), end: End::Oldest };
                message::list_within(conn, &range, &mut space)?.0
            } else {
                Vec::new()
            };
            behind.push(Behind { room: room.clone(), messages, last_seq: Seq(last) });
        }
        Ok(behind)
    })
}

fn last_seqs<'a>(
    conn: &mut Connection,
    wanted: impl Iterator<Item = &'a RoomId>,
) -> Result<HashMap<String, i64>, DbError> {
    let ids: Vec<&str> = wanted.map(RoomId::as_str).collect();
    let rows: Vec<(String, i64)> =
        rooms::table.filter(rooms::id.eq_any(ids)).select((rooms::id, rooms::last_seq)).load(conn)?;
    Ok(rows.into_iter().collect())
}

/// A message as it now stands, and the members of its room.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedMessage {
    pub message: StoredMessage,
    /// The room's buyer.
    pub buyer: UserId,
    /// The room's seller.
    pub seller: UserId,
}

/// Messages as they now stand, by their ids, about `bytes_max` of them, and how many ids were looked at: at least one. Those
/// that are not there are left out.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_messages(
    conn: &mut Connection,
    ids: &[MessageId],
    bytes_max: usize,
) -> Result<(Vec<ChangedMessage>, usize), DbError> {
    let (mut found, mut bytes, mut looked_at) = (Vec::new(), 0, 0);
    // In small slices: one is whole in memory before it is weighed.
    for slice in ids.chunks(16) {
        let messages = message::find_all(conn, &slice.iter().map(MessageId::as_str).collect::<Vec<_>>())?;
        bytes += messages.iter().map(StoredMessage::weight_bytes).sum::<usize>();
        let members = members_of(conn, messages.iter().map(|message| &message.room_id))?;
        found.extend(messages.into_iter().filter_map(|message| {
            let (buyer, seller) = members.get(message.room_id.as_str())?.clone();
            Some(ChangedMessage { message, buyer, seller })
        }));
        looked_at += slice.len();
        if bytes >= bytes_max {
            break;
        }
    }
    Ok((found, looked_at))
}

fn members_of<'a>(
    conn: &mut Connection,
    wanted: impl Iterator<Item = &'a RoomId>,
) -> Result<HashMap<String, (UserId, UserId)>, DbError> {
    let ids: Vec<&str> = wanted.map(RoomId::as_str).collect();
    let rows: Vec<(String, String, String)> =
        rooms::table.filter(rooms::id.eq_any(ids)).select((rooms::id, rooms::buyer_id, rooms::seller_id)).load(conn)?;
    let members = |(room, buyer, seller)| (room, (UserId::from_stored(buyer), UserId::from_stored(seller)));
    Ok(rows.into_iter().map(members).collect())
}
