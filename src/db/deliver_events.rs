//! The webhook's own place in the stream of events: everything before it was taken, and nothing after it.
//!
//! The events themselves are the outbox. They are where they always are, so a message costs nothing more for being sent later,
//! and a webhook that is down for a month loses nothing. One row has the place; an event is sent again when it could not be moved.

use super::{
    Connection, DbError,
    generation::{find_generation, last_given},
    list_events::{EventFilter, EventPage, PageMax, read_page},
    models::{
        message,
        webhook_progress::{self, WebhookProgressRow},
    },
};
use crate::domain::{EventCursor, Timestamp, WebhookEvent, WebhookEvents};

/// Rows that are looked at for a page: the webhook may be sent few of the events that there are.
const ROWS_MAX: i64 = 1000;

/// Events that wait are counted up to here, in as many rows of the changes.
const COUNTED_MAX: i64 = 10_000;

/// How the delivery of events stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventDelivery(WebhookProgressRow);

/// Events that the webhook has not taken.
#[derive(Debug)]
pub struct Deliverable {
    /// How their delivery stands.
    pub delivery: EventDelivery,
    /// The first of them. It may be empty and have more after it, where none of the first rows is to be sent. While none is
    /// due it has one event.
    pub page: EventPage,
    /// How many there are, not counted further than 10,000.
    pub pending: i64,
}

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Everything up to there was taken, or is not to be sent.
    Taken(EventCursor),
    /// Nothing was taken, and it is to be tried again then.
    Retry(Timestamp),
}

impl EventDelivery {
    /// Tries in a row that were not taken.
    #[must_use]
    pub fn attempts(&self) -> i64 {
        self.0.attempts
    }

    /// Whether it is time for a try, and no other node is at it.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.0.due_at <= now.0
    }

    /// Whether a place is after the one that is stored.
    #[must_use]
    pub fn is_before(&self, place: EventCursor) -> bool {
        (self.0.position, self.0.change_id) < (place.position, place.change)
    }
}

/// Begins with what happens from now on, unless it has begun earlier.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn begin_event_delivery(conn: &mut Connection, now: Timestamp) -> Result<(), DbError> {
    conn.immediate_transaction(|conn| {
        if webhook_progress::find(conn)?.is_none() {
            let (position, change_id) = last_given(conn)?;
            // Those in the tail have no place in the table's own books yet.
            let position = position.max(message::tail::last_position(conn)?);
            webhook_progress::insert(conn, WebhookProgressRow { position, change_id, attempts: 0, due_at: now.0 })?;
        }
        Ok(())
    })
}

/// The next events for the webhook, of one page at most; `None` before it has begun. Starts at `passed` where that is farther
/// than what is stored.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_deliverable(
    conn: &mut Connection,
    events: WebhookEvents,
    passed: EventCursor,
    now: Timestamp,
    items_max: i64,
    bytes_max: usize,
) -> Result<Option<Deliverable>, DbError> {
    conn.transaction(|conn| {
        let Some(row) = webhook_progress::find(conn)? else { return Ok(None) };
        let delivery = EventDelivery(row);
        // The row is restored with the events, so its place is always one of theirs. What is in memory may be of another life.
        let generation = find_generation(conn)?.tag;
        let stored = EventCursor { generation, position: row.position, change: row.change_id };
        let after = if passed.generation == generation { stored.max(passed) } else { stored };
        let items = if delivery.is_due(now) { items_max } else { 1 };
        let max = PageMax { items, rows: ROWS_MAX, bytes: bytes_max };
        let page = read_page(conn, after, EventFilter::Webhook(events), max)?;
        let pending = match page.items.len() as i64 {
            waiting if waiting == 0 || !page.has_more => waiting,
            _ => count_pending(conn, after, events)?,
        };
        Ok(Some(Deliverable { delivery, page, pending }))
    })
}

fn count_pending(conn: &mut Connection, after: EventCursor, events: WebhookEvents) -> Result<i64, DbError> {
    let messages = match events.has(WebhookEvent::Message) {
        true => message::count_after_position(conn, after.position, COUNTED_MAX)?,
        false => 0,
    };
    let changes = super::models::change::count_for_webhook(conn, after.change, events, COUNTED_MAX)?;
    Ok((messages + changes).min(COUNTED_MAX))
}

/// Takes the next try in hand until then, where several nodes would try. `None` where another node was faster; after that time
/// it is due again, should this one be gone.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn claim_events(
    conn: &mut Connection,
    known: EventDelivery,
    until: Timestamp,
) -> Result<Option<EventDelivery>, DbError> {
    let claimed = WebhookProgressRow { due_at: until.0, ..known.0 };
    conn.immediate_transaction(|conn| {
        Ok(webhook_progress::replace(conn, known.0, claimed)?.then_some(EventDelivery(claimed)))
    })
}

/// Notes what became of a try. Returns whether it was noted: another node may have moved on, when this one took too long.
///
/// # Errors
/// [`DbError`] when the database does not answer; then the same events come again.
pub fn finish_events(
    conn: &mut Connection,
    known: EventDelivery,
    outcome: DeliveryOutcome,
    now: Timestamp,
) -> Result<bool, DbError> {
    let next = match outcome {
        DeliveryOutcome::Taken(place) => WebhookProgressRow {
            position: place.position,
            change_id: place.change,
            attempts: 0,
            // No later than now, or than it was.
            due_at: known.0.due_at.min(now.0),
        },
        DeliveryOutcome::Retry(at) => WebhookProgressRow { attempts: known.0.attempts + 1, due_at: at.0, ..known.0 },
    };
    conn.immediate_transaction(|conn| Ok(webhook_progress::replace(conn, known.0, next)?))
}

#[cfg(test)]
mod tests;
