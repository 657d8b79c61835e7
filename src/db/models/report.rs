//! Reports: what a member says about the other one, with the messages around it, and what was decided.

use thiserror::Error;

use super::{message, room};
use crate::{
    db::{
        Backend, Connection, DbError,
        prelude::*,
        schema::{messages, reports},
    },
    domain::{
        MessageId, RoomId, StoredMessage, Timestamp, UserId,
        safety::{Decision, Report, ReportCategory, ReportState},
    },
    error::{ChatError, ErrorCode},
};

/// Messages before and behind the reported one that are kept with it.
const AROUND: i64 = 10;

/// A row of `reports`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = reports, check_for_backend(Backend))]
#[diesel(treat_none_as_default_value = false)]
struct ReportRow {
    id: String,
    reporter_id: String,
    reported_id: String,
    room_id: String,
    message_id: Option<String>,
    category: String,
    text: Option<String>,
    messages: String,
    created_at: i64,
    decision: Option<String>,
    decided_at: Option<i64>,
    mute_until: Option<i64>,
}

impl ReportRow {
    fn into_report(self) -> Result<Report, DbError> {
        let corrupt = |what| DbError::Corrupt(format!("report {:?} has {what}", self.id));
        let messages = serde_json::from_str(&self.messages).map_err(|_| corrupt("messages that can't be read"))?;
        let category = ReportCategory::parse(&self.category).ok_or_else(|| corrupt("an unknown category"))?;
        let decision = match self.decision.as_deref().map(Decision::parse) {
            Some(None) => return Err(corrupt("an unknown decision")),
            Some(decision) => decision,
            None => None,
        };
        Ok(Report {
            reporter_id: UserId::from_stored(self.reporter_id),
            reported_id: UserId::from_stored(self.reported_id),
            room_id: RoomId::from_stored(self.room_id),
            message_id: self.message_id.map(MessageId::from_stored),
            category,
            text: self.text,
            messages,
            created_at: Timestamp(self.created_at),
            state: if decision.is_some() { ReportState::Decided } else { ReportState::Open },
            decision,
            decided_at: self.decided_at.map(Timestamp),
            mute_until: self.mute_until.map(Timestamp),
            id: self.id,
        })
    }
}

/// What a member reports.
#[derive(Debug, Clone, PartialEq)]
pub struct NewReport {
    /// Who reports.
    pub reporter: UserId,
    /// Where.
    pub room: RoomId,
    /// Which message; without one it is the other member.
    pub message: Option<MessageId>,
    /// What it is about.
    pub category: ReportCategory,
    /// What the reporter says about it.
    pub text: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What a report came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Reported {
    /// It waits for its decision.
    New(Report),
    /// The same was reported before and waits still.
    Existing(Report),
}

/// Why there is no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReportError {
    /// Not a member, or no such room.
    #[error("only the buyer and the seller of a room may do this")]
    Forbidden,
    /// No such message in this room.
    #[error("there is no such message in this room")]
    NoSuchMessage,
    /// One's own message, or the marketplace's.
    #[error("`messageId` must be a message of the other member")]
    NotTheirs,
}

impl From<ReportError> for ChatError {
    fn from(error: ReportError) -> Self {
        let code = match error {
            ReportError::Forbidden => ErrorCode::Forbidden,
            ReportError::NoSuchMessage => ErrorCode::NotFound,
            ReportError::NotTheirs => ErrorCode::Invalid,
        };
        Self::new(code, error.to_string())
    }
}

/// Stores a report with the messages around it, as they stand now.
///
/// # Errors
/// [`DbError`] when the database does not answer; then nothing is stored.
pub fn store_report(conn: &mut Connection, new: &NewReport) -> Result<Result<Reported, ReportError>, DbError> {
    conn.immediate_transaction(|conn| store(conn, new))
}

fn store(conn: &mut Connection, new: &NewReport) -> Result<Result<Reported, ReportError>, DbError> {
    let NewReport { reporter, room, message, category, text, at } = new;
    let Some(locked) = room::lock(conn, &[room.as_str()])?.remove(room.as_str()) else {
        return Ok(Err(ReportError::Forbidden));
    };
    let Some(role) = locked.active_role_of(reporter) else { return Ok(Err(ReportError::Forbidden)) };
    let reported = locked.row.user_of(role.other());
    let around = match message {
        None => (locked.row.last_seq - 2 * AROUND, locked.row.last_seq),
        Some(id) => {
            let found: Option<(String, i64, String)> = messages::table
                .filter(messages::id.eq(id.as_str()))
                .select((messages::room_id, messages::seq, messages::sender_id))
                .get_result(conn)
                .optional()?;
            match found {
                Some((in_room, seq, sender)) if in_room == room.as_str() => {
                    if sender != reported {
                        return Ok(Err(ReportError::NotTheirs));
                    }
                    (seq - AROUND - 1, seq + AROUND)
                }
                _ => return Ok(Err(ReportError::NoSuchMessage)),
            }
        }
    };
    let open: Vec<ReportRow> = reports::table
        .filter(reports::reporter_id.eq(reporter.as_str()).and(reports::room_id.eq(room.as_str())))
        .filter(reports::decision.is_null())
        .select(ReportRow::as_select())
        .load(conn)?;
    let same = |open: &ReportRow| open.message_id.as_deref() == message.as_ref().map(MessageId::as_str);
    if let Some(open) = open.into_iter().find(same) {
        return Ok(Ok(Reported::Existing(open.into_report()?)));
    }
    let messages: Vec<StoredMessage> = message::list_between(conn, room, around.0, around.1)?;
    let row = ReportRow {
        id: uuid::Uuid::now_v7().simple().to_string(),
        reporter_id: reporter.as_str().to_owned(),
        reported_id: reported.to_owned(),
        room_id: room.as_str().to_owned(),
        message_id: message.as_ref().map(|id| id.as_str().to_owned()),
        category: category.as_str().to_owned(),
        text: text.clone(),
        messages: to_json(&messages)?,
        created_at: at.0,
        decision: None,
        decided_at: None,
        mute_until: None,
    };
    diesel::insert_into(reports::table).values(&row).execute(conn)?;
    Ok(Ok(Reported::New(row.into_report()?)))
}

/// A page of the reports in one state, oldest first, behind one of them, and whether there are more.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_reports(
    conn: &mut Connection,
    state: ReportState,
    behind: Option<&str>,
    limit: i64,
) -> Result<(Vec<Report>, bool), DbError> {
    if behind.is_some_and(|behind| behind.contains('\0')) {
        // Nothing has such an id, and PostgreSQL has no such text, not even to compare with.
        return Ok((Vec::new(), false));
    }
    let page = reports::table
        .filter(reports::id.gt(behind.unwrap_or_default()))
        .order(reports::id)
        .limit(limit + 1)
        .select(ReportRow::as_select());
    let rows: Vec<ReportRow> = match state {
        ReportState::Open => page.filter(reports::decision.is_null()).load(conn)?,
        ReportState::Decided => page.filter(reports::decision.is_not_null()).load(conn)?,
    };
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > limit;
    let mut found = rows.into_iter().map(ReportRow::into_report).collect::<Result<Vec<_>, _>>()?;
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok((found, more))
}

/// Writes down a decision. `None` when there is no such report.
pub(in crate::db) fn decide(
    conn: &mut Connection,
    report: &str,
    decision: Decision,
    mute_until: Option<Timestamp>,
    at: Timestamp,
) -> Result<Option<Report>, DbError> {
    if report.contains('\0') {
        // PostgreSQL has no such text, not even to compare with.
        return Ok(None);
    }
    diesel::update(reports::table.find(report))
        .set((
            reports::decision.eq(decision.as_str()),
            reports::decided_at.eq(at.0),
            reports::mute_until.eq(mute_until.map(|until| until.0)),
        ))
        .execute(conn)?;
    let row = reports::table.find(report).select(ReportRow::as_select()).get_result(conn).optional()?;
    row.map(ReportRow::into_report).transpose()
}

/// Takes a deleted user's words out of every report: what they said about others, and what was kept of their messages.
/// That there was a report, and what was decided, stays.
pub(in crate::db) fn erase_words(conn: &mut Connection, user: &UserId) -> Result<(), DbError> {
    let mut rows: Vec<ReportRow> =
        reports::table.filter(reports::reporter_id.eq(user.as_str())).select(ReportRow::as_select()).load(conn)?;
    rows.extend(
        reports::table
            .filter(reports::reported_id.eq(user.as_str()))
            .select(ReportRow::as_select())
            .load::<ReportRow>(conn)?,
    );
    for row in rows {
        let own = row.reporter_id == user.as_str();
        let report = row.into_report()?;
        let mut kept = report.messages;
        for message in kept.iter_mut().filter(|message| message.sender_id == *user) {
            (message.text, message.data, message.client_id) = (None, None, None);
        }
        diesel::update(reports::table.find(&report.id))
            .set((reports::messages.eq(to_json(&kept)?), reports::text.eq(report.text.filter(|_| !own))))
            .execute(conn)?;
    }
    Ok(())
}

fn to_json(messages: &[StoredMessage]) -> Result<String, DbError> {
    serde_json::to_string(messages).map_err(|error| DbError::Internal(error.to_string()))
}

/// The latest end of a user's mutes.
pub(in crate::db) fn last_mute(conn: &mut Connection, user: &UserId) -> QueryResult<Option<Timestamp>> {
    let last: Option<i64> = reports::table
        .filter(reports::reported_id.eq(user.as_str()).and(reports::mute_until.is_not_null()))
        .select(diesel::dsl::max(reports::mute_until))
        .get_result(conn)?;
    Ok(last.map(Timestamp))
}
