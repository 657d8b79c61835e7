//! Changes other than messages: what changed, by its id alone, in the order of commits.

#[cfg(feature = "postgres")]
mod postgres;

use diesel::dsl::max;

use super::message::tail;
use crate::{
    db::{
        Backend, Connection,
        prelude::*,
        prepared::{self, Value},
        schema::{changes, messages},
    },
    domain::{Timestamp, WebhookEvent, WebhookEvents},
};

/// Something that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Changed<'a> {
    /// A message was edited or deleted.
    Message(&'a str),
    /// A member has read.
    Read { room: &'a str, reader: &'a str },
    /// Messages have reached a member's device. No event of the marketplace's.
    Delivered { room: &'a str, member: &'a str },
    /// A member has changed their own settings of a room.
    RoomSettings { room: &'a str, member: &'a str },
    /// A room was opened.
    RoomOpened(&'a str),
    /// A product was put.
    Product(&'a str),
    /// An offer was made, or has another status, by its message's id.
    Offer(&'a str),
    /// A user was put.
    User(&'a str),
    /// A user was deleted.
    UserDeleted(&'a str),
    /// A user's switches are others now.
    Settings(&'a str),
    /// A user has blocked somebody, or taken it back.
    Block { blocker: &'a str, blocked: &'a str },
    /// A report was made.
    ReportCreated(&'a str),
    /// A report was decided.
    ReportDecided(&'a str),
    /// A user is muted until another time now, or not at all.
    Mute(&'a str),
    /// A user is banned until another time now, or not at all.
    Ban(&'a str),
    /// A room was frozen or unfrozen.
    Freeze(&'a str),
    /// The marketplace has ended a user's sessions.
    SessionsEnded(&'a str),
    /// Something that nodes keep of a room is another now, such as a block. No event of the marketplace's.
    RoomState(&'a str),
    /// A user who was there has another name or picture. No event of the marketplace's: that is `User`.
    Profile(&'a str),
    /// The same of all rooms of a user. No event of the marketplace's.
    UserState(&'a str),
}

/// What kind of change a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum ChangeKind {
    MessageUpdated,
    Read,
    Delivered,
    RoomSettings,
    RoomOpened,
    OfferUpdated,
    ProductUpdated,
    UserUpdated,
    UserDeleted,
    SettingsUpdated,
    BlockUpdated,
    ReportCreated,
    ReportDecided,
    MuteUpdated,
    BanUpdated,
    FreezeUpdated,
    SessionsEnded,
    RoomState,
    Profile,
    UserState,
}

impl ChangeKind {
    const ALL: [Self; 20] = [
        Self::MessageUpdated,
        Self::Read,
        Self::Delivered,
        Self::RoomSettings,
        Self::RoomOpened,
        Self::OfferUpdated,
        Self::ProductUpdated,
        Self::UserUpdated,
        Self::UserDeleted,
        Self::SettingsUpdated,
        Self::BlockUpdated,
        Self::ReportCreated,
        Self::ReportDecided,
        Self::MuteUpdated,
        Self::BanUpdated,
        Self::FreezeUpdated,
        Self::SessionsEnded,
        Self::RoomState,
        Self::Profile,
        Self::UserState,
    ];

    pub(in crate::db) const fn as_str(self) -> &'static str {
        match self {
            Self::MessageUpdated => "message_updated",
            Self::Read => "read",
            Self::Delivered => "delivered",
            Self::RoomSettings => "room_settings",
            Self::RoomOpened => "room_opened",
            Self::OfferUpdated => "offer_updated",
            Self::ProductUpdated => "product_updated",
            Self::UserUpdated => "user_updated",
            Self::UserDeleted => "user_deleted",
            Self::SettingsUpdated => "settings_updated",
            Self::BlockUpdated => "block_updated",
            Self::ReportCreated => "report_created",
            Self::ReportDecided => "report_decided",
            Self::MuteUpdated => "mute_updated",
            Self::BanUpdated => "ban_updated",
            Self::FreezeUpdated => "freeze_updated",
            Self::SessionsEnded => "sessions_ended",
            Self::RoomState => "room_state",
            Self::Profile => "profile",
            Self::UserState => "user_state",
        }
    }

    /// Under which name the webhook is sent it; `None` for what it is not sent.
    pub(in crate::db) const fn webhook_event(self) -> Option<WebhookEvent> {
        Some(match self {
            Self::MessageUpdated => WebhookEvent::Message,
            Self::OfferUpdated => WebhookEvent::Offer,
            Self::ReportCreated | Self::ReportDecided => WebhookEvent::Report,
            Self::MuteUpdated | Self::BanUpdated | Self::FreezeUpdated => WebhookEvent::Mute,
            Self::BlockUpdated => WebhookEvent::Block,
            Self::ProductUpdated => WebhookEvent::Product,
            Self::UserUpdated | Self::UserDeleted | Self::SettingsUpdated | Self::SessionsEnded => WebhookEvent::User,
            Self::Read | Self::RoomSettings | Self::RoomOpened => return None,
            // Between nodes alone.
            Self::Delivered | Self::RoomState | Self::Profile | Self::UserState => return None,
        })
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = changes, check_for_backend(Backend))]
pub(in crate::db) struct ChangeRow {
    pub(in crate::db) id: i64,
    /// The newest message at that time.
    pub(in crate::db) after_position: i64,
    kind: String,
    pub(in crate::db) subject_id: String,
    pub(in crate::db) member_id: String,
    committed_at: i64,
}

impl ChangeRow {
    /// `None` for a kind of a newer haggle.
    pub(in crate::db) fn kind(&self) -> Option<ChangeKind> {
        ChangeKind::parse(&self.kind)
    }

    pub(in crate::db) fn committed_at(&self) -> Timestamp {
        Timestamp(self.committed_at)
    }
}

/// A row to add.
struct NewChange<'a> {
    after_position: i64,
    committed_at: i64,
    kind: &'static str,
    subject_id: &'a str,
    member_id: &'a str,
}

impl<'a> NewChange<'a> {
    fn new(changed: Changed<'a>, after_position: i64, at: Timestamp) -> Self {
        let (kind, subject, member) = match changed {
            Changed::Message(id) => (ChangeKind::MessageUpdated, id, ""),
            Changed::Read { room, reader } => (ChangeKind::Read, room, reader),
            Changed::Delivered { room, member } => (ChangeKind::Delivered, room, member),
            Changed::RoomSettings { room, member } => (ChangeKind::RoomSettings, room, member),
            Changed::RoomOpened(id) => (ChangeKind::RoomOpened, id, ""),
            Changed::Product(id) => (ChangeKind::ProductUpdated, id, ""),
            Changed::User(id) => (ChangeKind::UserUpdated, id, ""),
            Changed::UserDeleted(id) => (ChangeKind::UserDeleted, id, ""),
            Changed::Offer(id) => (ChangeKind::OfferUpdated, id, ""),
            Changed::Settings(id) => (ChangeKind::SettingsUpdated, id, ""),
            Changed::Block { blocker, blocked } => (ChangeKind::BlockUpdated, blocker, blocked),
            Changed::ReportCreated(id) => (ChangeKind::ReportCreated, id, ""),
            Changed::ReportDecided(id) => (ChangeKind::ReportDecided, id, ""),
            Changed::Mute(id) => (ChangeKind::MuteUpdated, id, ""),
            Changed::Ban(id) => (ChangeKind::BanUpdated, id, ""),
            Changed::Freeze(id) => (ChangeKind::FreezeUpdated, id, ""),
            Changed::RoomState(id) => (ChangeKind::RoomState, id, ""),
            Changed::Profile(id) => (ChangeKind::Profile, id, ""),
            Changed::UserState(id) => (ChangeKind::UserState, id, ""),
            Changed::SessionsEnded(id) => (ChangeKind::SessionsEnded, id, ""),
        };
        Self { after_position, committed_at: at.0, kind: kind.as_str(), subject_id: subject, member_id: member }
    }

    /// In the order of [`ReplaceChanges`].
    fn values(&self) -> [Value<'_>; 5] {
        let [after, at] = [self.after_position, self.committed_at].map(Value::Number);
        let [kind, subject, member] = [self.kind, self.subject_id, self.member_id].map(Value::Text);
        [after, at, kind, subject, member]
    }
}

/// Changes, in place of earlier ones of the same kind and subject.
struct ReplaceChanges;

impl prepared::Statement for ReplaceChanges {
    const SQL: &'static str = "REPLACE INTO changes (after_position, committed_at, kind, subject_id, member_id) VALUES";
}

/// Records changes, inside the transaction that makes them: after its messages so far, in this order. `at` is when it commits.
pub(in crate::db) fn record(conn: &mut Connection, changed: &[Changed<'_>], at: Timestamp) -> QueryResult<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let newest: Option<i64> = messages::table.select(max(messages::position)).get_result(conn)?;
    let newest = newest.unwrap_or(0).max(tail::last_position(conn)?);
    let rows: Vec<NewChange<'_>> = changed.iter().map(|changed| NewChange::new(*changed, newest, at)).collect();
    match conn {
        Connection::Sqlite(conn) => {
            let rows: Vec<_> = rows.iter().map(NewChange::values).collect();
            prepared::insert::<ReplaceChanges, _>(conn, &rows)
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => postgres::replace(conn, rows),
    }
}

/// How many changes after one that is known the webhook is to be sent, of the first `limit` after it: with a large backlog no more
/// than those are looked at.
pub(in crate::db) fn count_for_webhook(
    conn: &mut Connection,
    after: i64,
    events: WebhookEvents,
    limit: i64,
) -> QueryResult<i64> {
    let kinds = ChangeKind::ALL.into_iter().filter(|kind| kind.webhook_event().is_some_and(|event| events.has(event)));
    let kinds: Vec<_> = kinds.map(ChangeKind::as_str).collect();
    let some = changes::table.filter(changes::id.gt(after)).order(changes::id).limit(limit).select(changes::kind);
    Ok(some.load::<String>(conn)?.iter().filter(|kind| kinds.contains(&kind.as_str())).count() as i64)
}

/// The changes after one that is known, in order.
pub(in crate::db) fn list_after(conn: &mut Connection, after: i64, limit: i64) -> QueryResult<Vec<ChangeRow>> {
    changes::table
        .filter(changes::id.gt(after))
        .order(changes::id)
        .limit(limit)
        .select(ChangeRow::as_select())
        .load(conn)
}
