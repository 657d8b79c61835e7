//! Changes beside the messages: what changed, by its id alone, in the order of commits.

#[cfg(feature = "postgres")]
mod postgres;

use diesel::dsl::max;

use crate::db::{
    Backend, Connection,
    prelude::*,
    schema::{changes, messages},
};

/// Rows a statement, as for messages.
const ROWS_A_STATEMENT: usize = 128;

/// Something that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Changed<'a> {
    /// A message was edited or deleted.
    Message(&'a str),
    /// A member has read.
    Read {
        /// Which room.
        room: &'a str,
        /// Who.
        reader: &'a str,
    },
    /// A room was opened.
    RoomOpened(&'a str),
    /// A product was put.
    Product(&'a str),
    /// A user was put.
    User(&'a str),
    /// A user was deleted.
    UserDeleted(&'a str),
    /// Something that nodes keep of a room is another now: a block, a product. No event of the marketplace's.
    RoomState(&'a str),
    /// A user's switches or their mute are others now. No event of the marketplace's.
    UserState(&'a str),
    /// The marketplace has ended a user's sessions. No event of the marketplace's.
    SessionsEnded(&'a str),
}

/// What kind of change a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum ChangeKind {
    MessageUpdated,
    Read,
    RoomOpened,
    ProductUpdated,
    UserUpdated,
    UserDeleted,
    RoomState,
    UserState,
    SessionsEnded,
}

impl ChangeKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::MessageUpdated => "message_updated",
            Self::Read => "read",
            Self::RoomOpened => "room_opened",
            Self::ProductUpdated => "product_updated",
            Self::UserUpdated => "user_updated",
            Self::UserDeleted => "user_deleted",
            Self::RoomState => "room_state",
            Self::UserState => "user_state",
            Self::SessionsEnded => "sessions_ended",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [
            Self::MessageUpdated,
            Self::Read,
            Self::RoomOpened,
            Self::ProductUpdated,
            Self::UserUpdated,
            Self::UserDeleted,
            Self::RoomState,
            Self::UserState,
            Self::SessionsEnded,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == name)
    }
}

/// A row of `changes`.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = changes, check_for_backend(Backend))]
pub(in crate::db) struct ChangeRow {
    pub(in crate::db) id: i64,
    /// The newest message at that time.
    pub(in crate::db) after_position: i64,
    kind: String,
    pub(in crate::db) subject_id: String,
    pub(in crate::db) member_id: String,
}

impl ChangeRow {
    /// `None` for a kind of a newer haggle.
    pub(in crate::db) fn kind(&self) -> Option<ChangeKind> {
        ChangeKind::parse(&self.kind)
    }
}

/// A row to add. It owns its strings since diesel keeps a prepared statement only for types without borrows.
#[derive(Debug, Insertable)]
#[diesel(table_name = changes)]
struct NewChange {
    after_position: i64,
    kind: &'static str,
    subject_id: String,
    member_id: String,
}

impl NewChange {
    fn new(changed: Changed<'_>, after_position: i64) -> Self {
        let (kind, subject, member) = match changed {
            Changed::Message(id) => (ChangeKind::MessageUpdated, id, ""),
            Changed::Read { room, reader } => (ChangeKind::Read, room, reader),
            Changed::RoomOpened(id) => (ChangeKind::RoomOpened, id, ""),
            Changed::Product(id) => (ChangeKind::ProductUpdated, id, ""),
            Changed::User(id) => (ChangeKind::UserUpdated, id, ""),
            Changed::UserDeleted(id) => (ChangeKind::UserDeleted, id, ""),
            Changed::RoomState(id) => (ChangeKind::RoomState, id, ""),
            Changed::UserState(id) => (ChangeKind::UserState, id, ""),
            Changed::SessionsEnded(id) => (ChangeKind::SessionsEnded, id, ""),
        };
        Self { after_position, kind: kind.as_str(), subject_id: subject.to_owned(), member_id: member.to_owned() }
    }
}

/// Records changes, inside the transaction that makes them: behind its messages so far, in this order.
pub(in crate::db) fn record(conn: &mut Connection, changed: &[Changed<'_>]) -> QueryResult<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let newest: Option<i64> = messages::table.select(max(messages::position)).get_result(conn)?;
    let rows: Vec<NewChange> =
        changed.iter().map(|changed| NewChange::new(*changed, newest.unwrap_or_default())).collect();
    match conn {
        Connection::Sqlite(conn) => replace_rows(conn, &rows),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => postgres::replace(conn, rows),
    }
}

fn replace_rows(conn: &mut SqliteConnection, rows: &[NewChange]) -> QueryResult<()> {
    use diesel::RunQueryDsl;

    // An array's length is part of its type, so each of these statements is prepared once for all batches.
    let (chunks, rest) = rows.as_chunks::<ROWS_A_STATEMENT>();
    for chunk in chunks {
        RunQueryDsl::execute(diesel::replace_into(changes::table).values(chunk), conn)?;
    }
    let (chunks, rest) = rest.as_chunks::<16>();
    for chunk in chunks {
        RunQueryDsl::execute(diesel::replace_into(changes::table).values(chunk), conn)?;
    }
    for row in rest {
        RunQueryDsl::execute(diesel::replace_into(changes::table).values(row), conn)?;
    }
    Ok(())
}

/// The changes behind one that is known, in order.
pub(in crate::db) fn list_after(conn: &mut Connection, after: i64, limit: i64) -> QueryResult<Vec<ChangeRow>> {
    changes::table
        .filter(changes::id.gt(after))
        .order(changes::id)
        .limit(limit)
        .select(ChangeRow::as_select())
        .load(conn)
}
