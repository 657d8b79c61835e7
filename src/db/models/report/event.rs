//! What the events have of a report.

use super::{read_names, state_of};
use crate::{
    db::{Backend, Connection, DbError, prelude::*, schema::reports},
    domain::{MessageId, RoomId, Timestamp, UserId, event::ReportEvent},
};

/// A report for the events: without the messages that are kept with it.
pub(in crate::db) fn find_event(conn: &mut Connection, report: &str) -> Result<Option<ReportEvent>, DbError> {
    let row: Option<EventRow> =
        reports::table.find(report).select(EventRow::as_select()).get_result(conn).optional()?;
    row.map(EventRow::into_event).transpose()
}

/// What the events have of a row of `reports`.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = reports, check_for_backend(Backend))]
struct EventRow {
    id: String,
    reporter_id: String,
    reported_id: String,
    room_id: String,
    message_id: Option<String>,
    category: String,
    text: Option<String>,
    created_at: i64,
    decision: Option<String>,
    decided_at: Option<i64>,
    mute_until: Option<i64>,
}

impl EventRow {
    fn into_event(self) -> Result<ReportEvent, DbError> {
        let (category, decision) = read_names(&self.id, &self.category, self.decision.as_deref())?;
        Ok(ReportEvent {
            reporter_id: UserId::from_stored(self.reporter_id),
            reported_id: UserId::from_stored(self.reported_id),
            room_id: RoomId::from_stored(self.room_id),
            message_id: self.message_id.map(MessageId::from_stored),
            category,
            text: self.text,
            created_at: Timestamp(self.created_at),
            state: state_of(decision),
            decision,
            decided_at: self.decided_at.map(Timestamp),
            mute_until: self.mute_until.map(Timestamp),
            id: self.id,
        })
    }
}
