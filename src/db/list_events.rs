//! What happened, in the order of commits: messages by their position, and the other changes between them.

use super::{
    Connection, DbError, OperationError,
    generation::find_generation,
    models::{
        block,
        change::{self, ChangeKind, ChangeRow},
        message, notification, offer, product, report,
        room::{self, RoomDetails},
        user,
    },
    operation_error::RefusalReason,
    page_bytes::Space,
};
use crate::{
    domain::{
        Event, EventCursor, Fact, MessageId, ProductId, RoomId, Seq, Settings, StoredMessage, Timestamp, User, UserId,
        WebhookEvent, WebhookEvents, event::OfferEvent, staff::ends_at,
    },
    error::ChatError,
};

#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// In the order of commits.
    pub items: Vec<Event>,
    /// Where the next page goes on, or where later events will be.
    pub next: EventCursor,
    /// Whether there are more by now.
    pub has_more: bool,
}

/// A place in another life of the database: of the time before a restore, or of another database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiredCursor;

impl RefusalReason for ExpiredCursor {}

impl From<ExpiredCursor> for ChatError {
    fn from(ExpiredCursor: ExpiredCursor) -> Self {
        Self::cursor_expired()
    }
}

/// Which events a page has.
#[derive(Debug, Clone, Copy)]
pub(super) enum EventFilter {
    /// All.
    Everything,
    /// Those that the webhook is sent. The place of the page moves past the others.
    Webhook(WebhookEvents),
}

/// What a page has at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageMax {
    /// Events.
    pub(super) items: i64,
    /// Rows that are looked at for them.
    pub(super) rows: i64,
    /// What the events weigh, unless it is one.
    pub(super) bytes: usize,
}

impl EventFilter {
    fn has_messages(self) -> bool {
        match self {
            Self::Everything => true,
            Self::Webhook(events) => events.has(WebhookEvent::Message),
        }
    }

    fn has(self, change: &ChangeRow) -> bool {
        match self {
            Self::Everything => true,
            Self::Webhook(events) => {
                change.kind().and_then(ChangeKind::webhook_event).is_some_and(|event| events.has(event))
            }
        }
    }
}

/// Reads the events after a position in their stream, from one snapshot. Commits are one after the other, so nothing ever
/// appears before a place that somebody has reached. The page ends early, with `has_more`, where its events weigh more than
/// `bytes_max`; one event is on it whatever it weighs.
///
/// # Errors
/// [`ExpiredCursor`] when the place is none of this database's, [`DbError`] when the database does not answer.
pub fn list_events(
    conn: &mut Connection,
    after: EventCursor,
    limit: i64,
    bytes_max: usize,
) -> Result<EventPage, OperationError<ExpiredCursor>> {
    let limit = limit.max(1);
    conn.transaction(|conn| {
        let generation = find_generation(conn)?;
        if !generation.has(conn, after)? {
            return Err(ExpiredCursor.into());
        }
        let after = EventCursor { generation: generation.tag, ..after };
        let max = PageMax { items: limit, rows: limit, bytes: bytes_max };
        Ok(read_page(conn, after, EventFilter::Everything, max)?)
    })
}

/// Reads a page, inside a transaction. `after` is a place of this life of the database.
pub(super) fn read_page(
    conn: &mut Connection,
    after: EventCursor,
    filter: EventFilter,
    max: PageMax,
) -> Result<EventPage, DbError> {
    let (messages, is_cut) = match filter.has_messages() {
        true => message::list_after_position(conn, after.position, max.items + 1, &mut Space::of(max.bytes))?,
        false => (Vec::new(), false),
    };
    let imports = Imports::of(conn, &messages)?;
    let mut messages = messages.into_iter().peekable();
    let unsettled = message::tail::first_position(conn)?;
    let changes = change::list_after(conn, after.change, max.rows + 1)?;
    // The others come after messages that are not settled.
    let mut changes = changes.into_iter().take_while(|change| change.after_position < unsettled).peekable();
    let mut page = EventPage { items: Vec::new(), next: after, has_more: false };
    let mut space = Space::of(max.bytes);
    for _ in 0..max.rows {
        if page.items.len() as i64 == max.items {
            break;
        }
        let is_message = match (messages.peek(), changes.peek()) {
            (Some(message), Some(change)) => message.position <= change.after_position,
            // Of the messages that were not read one may come before this change.
            (None, Some(_)) if is_cut => break,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let (at, fact) = if is_message {
            let Some(message) = messages.next_if(|message| space.takes(message.weight_bytes())) else { break };
            page.next.position = message.position;
            (imports.committed_at(&message), Some(Fact::Message(message)))
        } else {
            let Some(change) = changes.peek() else { break };
            let fact = if filter.has(change) { find_fact(conn, change)? } else { None };
            if !space.takes(fact.as_ref().map_or(0, Fact::weight_bytes)) {
                break;
            }
            let at = change.committed_at();
            if !filter.has_messages() {
                page.next.position = change.after_position.max(page.next.position);
            }
            page.next.change = change.id;
            changes.next();
            (at, fact)
        };
        // What this haggle does not know, since a newer one wrote it, is passed over.
        page.items.extend(fact.map(|fact| Event { cursor: page.next, at, fact }));
    }
    page.has_more = is_cut || messages.peek().is_some() || changes.peek().is_some();
    if !page.has_more && !filter.has_messages() {
        // The messages so far are passed over, too.
        let newest = if unsettled == i64::MAX { notification::newest_position(conn)? } else { unsettled - 1 };
        page.next.position = page.next.position.max(newest);
    }
    Ok(page)
}

/// When the imported ones of some messages were stored: places in the order of commits, and the time.
struct Imports(Vec<(i64, i64, Timestamp)>);

impl Imports {
    fn of(conn: &mut Connection, messages: &[StoredMessage]) -> Result<Self, DbError> {
        let (Some(first), Some(last)) = (messages.first(), messages.last()) else { return Ok(Self(Vec::new())) };
        let imports = notification::list_imported(conn, first.position, last.position)?;
        let known = imports.into_iter().filter_map(|(first, last, at)| Some((first, last, Timestamp(at?))));
        Ok(Self(known.collect()))
    }

    /// When a message was committed: as it was sent, unless it was imported.
    fn committed_at(&self, message: &StoredMessage) -> Timestamp {
        let imported = self.0.iter().find(|(first, last, _)| (*first..=*last).contains(&message.position));
        imported.map_or(message.sent_at, |(_, _, at)| *at)
    }
}

/// What changed, as it now stands.
fn find_fact(conn: &mut Connection, change: &ChangeRow) -> Result<Option<Fact>, DbError> {
    let id = change.subject_id.as_str();
    let user =
        |conn: &mut Connection| -> Result<Option<User>, DbError> { Ok(user::find_row(conn, id)?.map(User::from)) };
    let Some(kind) = change.kind() else { return Ok(None) };
    Ok(match kind {
        ChangeKind::MessageUpdated => message::find(conn, id)?.map(Fact::MessageUpdated),
        ChangeKind::Read => {
            let (room_id, user_id) = (RoomId::from_stored(id), UserId::from_stored(change.member_id.as_str()));
            room::find_read_seq(conn, id, &user_id)?.map(|seq| Fact::Read { room_id, user_id, seq: Seq(seq) })
        }
        ChangeKind::RoomSettings => {
            let (room_id, user_id) = (RoomId::from_stored(id), UserId::from_stored(change.member_id.as_str()));
            let listing = room::find_listing(conn, id, &user_id)?;
            listing.map(|listing| Fact::RoomSettingsUpdated { room_id, user_id, settings: listing.settings() })
        }
        ChangeKind::RoomOpened => {
            RoomDetails::find(conn, &RoomId::from_stored(id))?.map(|details| Fact::RoomOpened(Box::new(details.room)))
        }
        ChangeKind::ProductUpdated => {
            product::find_product(conn, &ProductId::from_stored(id))?.map(Fact::ProductUpdated)
        }
        ChangeKind::UserUpdated => user(conn)?.map(Fact::UserUpdated),
        ChangeKind::UserDeleted => user(conn)?.map(Fact::UserDeleted),
        ChangeKind::OfferUpdated => find_offer(conn, &MessageId::from_stored(id))?,
        ChangeKind::SettingsUpdated => {
            let user_id = UserId::from_stored(id);
            let Settings { read_receipts, typing, presence, delivery_receipts, last_seen } =
                user::find_settings(conn, &user_id)?;
            let updated =
                Fact::SettingsUpdated { user_id, read_receipts, typing, presence, delivery_receipts, last_seen };
            Some(updated)
        }
        ChangeKind::BlockUpdated => {
            let blocked_id = UserId::from_stored(change.member_id.as_str());
            Some(find_block(conn, UserId::from_stored(id), blocked_id)?)
        }
        ChangeKind::ReportCreated => report::find_event(conn, id)?.map(|report| Fact::ReportCreated(Box::new(report))),
        ChangeKind::ReportDecided => report::find_event(conn, id)?.map(|report| Fact::ReportDecided(Box::new(report))),
        ChangeKind::MuteUpdated => {
            let user_id = UserId::from_stored(id);
            let muted_until = user::find_muted_until(conn, &user_id)?;
            Some(Fact::MuteUpdated { user_id, muted_until })
        }
        ChangeKind::BanUpdated => {
            let user_id = UserId::from_stored(id);
            let until = user::find_banned_until(conn, &user_id)?;
            Some(Fact::BanUpdated { user_id, banned: until.is_some(), banned_until: until.and_then(ends_at) })
        }
        ChangeKind::FreezeUpdated => {
            let room_id = RoomId::from_stored(id);
            room::is_frozen(conn, &room_id)?.map(|frozen| Fact::FreezeUpdated { room_id, frozen })
        }
        ChangeKind::SessionsEnded => Some(Fact::SessionsEnded { user_id: UserId::from_stored(id) }),
        // Between nodes alone.
        ChangeKind::Delivered | ChangeKind::RoomState | ChangeKind::Profile | ChangeKind::UserState => None,
    })
}

/// An erasure takes the rows of offers that came to nothing.
fn find_offer(conn: &mut Connection, message: &MessageId) -> Result<Option<Fact>, DbError> {
    let Some(row) = offer::find(conn, message)? else { return Ok(None) };
    Ok(Some(Fact::OfferUpdated(OfferEvent::new(
        row.message_id(),
        RoomId::from_stored(row.room_id.as_str()),
        ProductId::from_stored(row.product_id.as_str()),
        row.to_offer()?,
    ))))
}

fn find_block(conn: &mut Connection, blocker_id: UserId, blocked_id: UserId) -> Result<Fact, DbError> {
    let created_at = block::find(conn, &blocker_id, &blocked_id)?;
    Ok(Fact::BlockUpdated { blocker_id, blocked_id, blocked: created_at.is_some(), created_at })
}

#[cfg(test)]
mod tests;
