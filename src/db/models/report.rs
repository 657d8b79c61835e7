//! Reports: what a member says about the other one, with the messages around it, and what was decided.

mod event;
mod kept;
mod list;

use std::collections::VecDeque;

use thiserror::Error;

pub(in crate::db) use self::event::find_event;
use self::kept::{from_json, to_json};
pub use self::list::{ReportAssignee, ReportFilter, ReportUser, list_reports};
use super::{
    change::{self, Changed},
    message, room,
};
use crate::{
    db::{
        Backend, Connection, DbError, OperationError,
        operation_error::RefusalReason,
        prelude::*,
        schema::{messages, reports},
    },
    domain::{
        Data, MessageId, MessageKind, RoomId, Seq, StoredMessage, Timestamp, UserId,
        safety::{Decision, Report, ReportCategory, ReportState},
        staff_notice,
    },
    error::{ChatError, ErrorCode},
};

/// Messages before and after the reported one that are kept with it.
const AROUND: i64 = 10;

/// What the messages that are kept with a report weigh together; the reported one is kept whatever it weighs.
const KEPT_BYTES_MAX: usize = 32 * 1024;

/// Reports of one user that wait for a decision: about one room, and in all.
const OPEN_PER_ROOM_MAX: i64 = 20;
const OPEN_MAX: i64 = 100;

/// How long a user with too many reports is asked to wait: people decide about them.
const TOO_MANY_RETRY_MS: u64 = 60_000;

/// Reports that lose a deleted user's words at a time, and what they may weigh together.
const ERASED_AT_ONCE: i64 = 16;
const ERASED_BYTES_MAX: usize = 256 * 1024;

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
    assignee_id: Option<String>,
}

impl ReportRow {
    fn into_report(self) -> Result<Report, DbError> {
        let messages = from_json(&self.messages).unwrap_or_else(|_| {
            // The rest of it, and the reports after it, can be decided all the same.
            log::error!("{}", DbError::Corrupt(format!("report {:?} has messages that can't be read", self.id)));
            Vec::new()
        });
        let (category, decision) = read_names(&self.id, &self.category, self.decision.as_deref())?;
        Ok(Report {
            reporter_id: UserId::from_stored(self.reporter_id),
            reported_id: UserId::from_stored(self.reported_id),
            room_id: RoomId::from_stored(self.room_id),
            message_id: self.message_id.map(MessageId::from_stored),
            category,
            text: self.text,
            messages,
            created_at: Timestamp(self.created_at),
            state: state_of(decision),
            decision,
            decided_at: self.decided_at.map(Timestamp),
            mute_until: self.mute_until.map(Timestamp),
            assignee_id: self.assignee_id.map(UserId::from_stored),
            id: self.id,
        })
    }
}

/// What a member reports.
#[derive(Debug, Clone, PartialEq)]
pub struct NewReport {
    pub reporter: UserId,
    pub room: RoomId,
    /// Which message; without one it is the other member.
    pub message: Option<MessageId>,
    /// What it is about.
    pub category: ReportCategory,
    /// What the reporter says about it.
    pub text: Option<String>,
    pub at: Timestamp,
}

/// What a message would have held.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldMessage {
    pub kind: MessageKind,
    pub text: Option<String>,
    pub data: Option<Data>,
}

/// What a report came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Reported {
    /// It waits for its decision.
    New(OpenReport),
    /// The same was reported before and still waits.
    Existing(OpenReport),
}

/// A report that waits for its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReport {
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
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
    /// The other side is the marketplace itself.
    #[error("a conversation with support has no other member to report")]
    NobodyToReport,
    /// Too many wait for a decision.
    #[error("too many of your reports wait for a decision: at most {OPEN_PER_ROOM_MAX} per room and {OPEN_MAX} in all")]
    TooMany,
}

impl RefusalReason for ReportError {}

impl From<ReportError> for ChatError {
    fn from(error: ReportError) -> Self {
        let code = match error {
            ReportError::Forbidden => ErrorCode::Forbidden,
            ReportError::NoSuchMessage => ErrorCode::NotFound,
            ReportError::NotTheirs => ErrorCode::Invalid,
            ReportError::NobodyToReport => ErrorCode::Conflict,
            ReportError::TooMany => ErrorCode::RateLimited,
        };
        let retry_after_ms = (error == ReportError::TooMany).then_some(TOO_MANY_RETRY_MS);
        Self { retry_after_ms, ..Self::new(code, error.to_string()) }
    }
}

/// Stores a report with the messages around it, as they stand now.
///
/// # Errors
/// [`ReportError`] when there is no report, [`DbError`] when the database does not answer; then nothing is stored.
pub fn store_report(conn: &mut Connection, new: &NewReport) -> Result<Reported, OperationError<ReportError>> {
    conn.immediate_transaction(|conn| store(conn, new))
}

fn store(conn: &mut Connection, new: &NewReport) -> Result<Reported, OperationError<ReportError>> {
    let NewReport { reporter, room, message, category, text, at } = new;
    let Some(locked) = room::lock(conn, &[room.as_str()])?.remove(room.as_str()) else {
        return Err(ReportError::Forbidden.into());
    };
    let Some(role) = locked.active_role_of(reporter) else { return Err(ReportError::Forbidden.into()) };
    if locked.row.is_support() {
        return Err(ReportError::NobodyToReport.into());
    }
    let reported = locked.row.user_of(role.other());
    let reported_seq = message.as_ref().map(|id| find_reported(conn, room, id, reported)).transpose()?;
    if let Some(open) = find_open(conn, reporter, room, message.as_ref())? {
        return Ok(Reported::Existing(open));
    }
    if has_too_many(conn, reporter, room, Queue::Reported)? {
        return Err(ReportError::TooMany.into());
    }
    let mut messages = list_around(conn, room, reported_seq, locked.row.last_seq)?;
    // They would not be found when the words and the name of a member of the staff are erased.
    messages.retain(|message| message.staff_name.is_none() && !is_of_staff(message));
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
        assignee_id: None,
    };
    diesel::insert_into(reports::table).values(&row).execute(conn)?;
    change::record(conn, &[Changed::ReportCreated(&row.id)], *at)?;
    Ok(Reported::New(OpenReport { id: row.id, created_at: *at }))
}

/// Puts what a member wanted to say into the queue, as their own report of themselves. It holds nothing of what others have said: it
/// would not be found when their words are erased. Nor does it hold an image, which is not kept. Returns its id; `None` where too
/// much of theirs waits already, or they are no member any more.
pub(in crate::db) fn hold(
    conn: &mut Connection,
    room: &RoomId,
    sender: &UserId,
    held: &HeldMessage,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<Option<String>, DbError> {
    let Some(locked) = room::lock(conn, &[room.as_str()])?.remove(room.as_str()) else { return Ok(None) };
    if locked.active_role_of(sender).is_none() || has_too_many(conn, sender, room, Queue::Held)? {
        return Ok(None);
    }
    let is_image = held.kind == MessageKind::Image;
    let last = locked.row.last_seq;
    let message = StoredMessage {
        id: MessageId::from_stored(uuid::Uuid::now_v7().simple().to_string()),
        room_id: room.clone(),
        seq: Seq(last + 1),
        position: 0,
        sender_id: sender.clone(),
        client_id: None,
        kind: held.kind,
        text: held.text.clone(),
        data: held.data.clone().filter(|_| !is_image),
        sent_at: at,
        edited_at: None,
        deleted_at: None,
        warnings: Vec::new(),
        reply_to: None,
        reactions: Vec::new(),
        is_removed: false,
        staff_name: None,
    };
    let row = ReportRow {
        id: uuid::Uuid::now_v7().simple().to_string(),
        reporter_id: sender.as_str().to_owned(),
        reported_id: sender.as_str().to_owned(),
        room_id: room.as_str().to_owned(),
        message_id: Some(message.id.as_str().to_owned()),
        category: ReportCategory::Other.as_str().to_owned(),
        text: Some(format!(
            "Held before it was sent{}{}",
            if is_image { ", with an image that is not kept" } else { "" },
            reason.map(|reason| format!(": {reason}")).unwrap_or_default()
        )),
        messages: to_json(&[message])?,
        created_at: at.0,
        decision: None,
        decided_at: None,
        mute_until: None,
        assignee_id: None,
    };
    diesel::insert_into(reports::table).values(&row).execute(conn)?;
    change::record(conn, &[Changed::ReportCreated(&row.id)], at)?;
    Ok(Some(row.id))
}

/// `seq` of a message of the reported user in this room.
fn find_reported(
    conn: &mut Connection,
    room: &RoomId,
    message: &MessageId,
    reported: &str,
) -> Result<i64, OperationError<ReportError>> {
    let found: Option<(String, i64, String)> = messages::table
        .filter(messages::id.eq(message.as_str()))
        .select((messages::room_id, messages::seq, messages::sender_id))
        .get_result(conn)
        .optional()?;
    match found {
        Some((in_room, seq, sender)) if in_room == room.as_str() => {
            if sender == reported {
                Ok(seq)
            } else {
                Err(ReportError::NotTheirs.into())
            }
        }
        _ => Err(ReportError::NoSuchMessage.into()),
    }
}

/// The same report, if it waits already. Neither it nor its neighbours are read with their messages.
fn find_open(
    conn: &mut Connection,
    reporter: &UserId,
    room: &RoomId,
    message: Option<&MessageId>,
) -> Result<Option<OpenReport>, DbError> {
    let open = reports::table
        .filter(reports::reporter_id.eq(reporter.as_str()).and(reports::room_id.eq(room.as_str())))
        .filter(reports::decision.is_null())
        .select((reports::id, reports::created_at));
    let found: Option<(String, i64)> = match message {
        Some(id) => open.filter(reports::message_id.eq(id.as_str())).get_result(conn).optional()?,
        None => open.filter(reports::message_id.is_null()).get_result(conn).optional()?,
    };
    Ok(found.map(|(id, created_at)| OpenReport { id, created_at: Timestamp(created_at) }))
}

/// What a user has waiting, each counted by itself: what they have reported, and what they wanted to say.
#[derive(Debug, Clone, Copy)]
enum Queue {
    Reported,
    Held,
}

fn has_too_many(conn: &mut Connection, reporter: &UserId, room: &RoomId, queue: Queue) -> Result<bool, DbError> {
    let open = reports::table
        .filter(reports::reporter_id.eq(reporter.as_str()))
        .filter(reports::decision.is_null())
        .select(reports::id);
    let (here, all) = (open.filter(reports::room_id.eq(room.as_str())).limit(OPEN_PER_ROOM_MAX), open.limit(OPEN_MAX));
    let (of_self, of_others) = (reports::reported_id.eq(reporter.as_str()), reports::reported_id.ne(reporter.as_str()));
    let (here, all): (Vec<String>, Vec<String>) = match queue {
        Queue::Reported => (here.filter(of_others).load(conn)?, all.filter(of_others).load(conn)?),
        Queue::Held => (here.filter(of_self).load(conn)?, all.filter(of_self).load(conn)?),
    };
    Ok(here.len() as i64 >= OPEN_PER_ROOM_MAX || all.len() as i64 >= OPEN_MAX)
}

/// The reported message and those around it, or the newest, oldest first: as many as the bytes allow, the nearest first.
fn is_of_staff(message: &StoredMessage) -> bool {
    message.kind == MessageKind::System && message.data.as_ref().is_some_and(staff_notice::is_of_staff)
}

fn list_around(
    conn: &mut Connection,
    room: &RoomId,
    reported: Option<i64>,
    last: i64,
) -> Result<Vec<StoredMessage>, DbError> {
    let mut bytes = 0;
    let mut kept = VecDeque::new();
    let mut read = |conn: &mut Connection, seq: i64| -> Result<Option<StoredMessage>, DbError> {
        let message = match message::list_between(conn, room, seq - 1, seq) {
            Ok(found) => found.into_iter().next(),
            // A message that can't be read must not make its neighbours unreportable.
            Err(DbError::Corrupt(reason)) => {
                log::error!("a report is stored without a message: {reason}");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        bytes += message.as_ref().map_or(0, StoredMessage::weight_bytes);
        Ok(message.filter(|_| bytes <= KEPT_BYTES_MAX || Some(seq) == reported))
    };
    let middle = reported.unwrap_or(last + 1);
    let (mut before, mut after) = match reported {
        Some(seq) => {
            kept.extend(read(conn, seq)?);
            ((seq - AROUND).max(1), (seq + AROUND).min(last))
        }
        None => ((last + 1 - 2 * AROUND).max(1), last),
    };
    for distance in 1..=2 * AROUND {
        if middle - distance >= before {
            match read(conn, middle - distance)? {
                Some(message) => kept.push_front(message),
                None => before = i64::MAX,
            }
        }
        if middle + distance <= after {
            match read(conn, middle + distance)? {
                Some(message) => kept.push_back(message),
                None => after = 0,
            }
        }
    }
    Ok(kept.into())
}

/// A report.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_report(conn: &mut Connection, report: &str) -> Result<Option<Report>, DbError> {
    if report.contains('\0') {
        // PostgreSQL has no such text, not even to compare with.
        return Ok(None);
    }
    let row: Option<ReportRow> =
        reports::table.find(report).select(ReportRow::as_select()).get_result(conn).optional()?;
    row.map(ReportRow::into_report).transpose()
}

/// Writes down a decision. Returns the report and whether it was decided otherwise before; `None` when there is no such report.
pub(in crate::db) fn decide(
    conn: &mut Connection,
    report: &str,
    decision: Decision,
    mute_until: Option<Timestamp>,
    at: Timestamp,
) -> Result<Option<(Report, bool)>, DbError> {
    let Some(before) = find_report(conn, report)? else { return Ok(None) };
    if (before.decision, before.mute_until) == (Some(decision), mute_until) {
        return Ok(Some((before, false)));
    }
    diesel::update(reports::table.find(report))
        .set((
            reports::decision.eq(decision.as_str()),
            reports::decided_at.eq(at.0),
            reports::mute_until.eq(mute_until.map(|until| until.0)),
        ))
        .execute(conn)?;
    let (state, decision, decided_at) = (ReportState::Decided, Some(decision), Some(at));
    Ok(Some((Report { state, decision, decided_at, mute_until, ..before }, true)))
}

/// Gives a report to a member of the staff, or to nobody. Returns it as it now stands; `None` when there is no such report.
pub(in crate::db) fn assign(
    conn: &mut Connection,
    report: &str,
    assignee: Option<&UserId>,
) -> Result<Option<Report>, DbError> {
    let Some(before) = find_report(conn, report)? else { return Ok(None) };
    diesel::update(reports::table.find(report))
        .set(reports::assignee_id.eq(assignee.map(UserId::as_str)))
        .execute(conn)?;
    Ok(Some(Report { assignee_id: assignee.cloned(), ..before }))
}

const fn state_of(decision: Option<Decision>) -> ReportState {
    if decision.is_some() { ReportState::Decided } else { ReportState::Open }
}

/// The category and the decision of a row that this haggle can read.
fn read_names(
    report: &str,
    category: &str,
    decision: Option<&str>,
) -> Result<(ReportCategory, Option<Decision>), DbError> {
    let corrupt = |what| DbError::Corrupt(format!("report {report:?} has {what}"));
    let category = ReportCategory::parse(category).ok_or_else(|| corrupt("an unknown category"))?;
    let decision =
        decision.map(|name| Decision::parse(name).ok_or_else(|| corrupt("an unknown decision"))).transpose()?;
    Ok((category, decision))
}

/// Takes a deleted user's words out of the next reports after one of them: what they said about others, and what was kept of
/// their messages. That there was a report, and what was decided, stays. Returns the last one; `None` when none is left.
pub(in crate::db) fn erase_words(conn: &mut Connection, user: &UserId, after: &str) -> Result<Option<String>, DbError> {
    let next =
        reports::table.filter(reports::id.gt(after)).order(reports::id).limit(ERASED_AT_ONCE).select(reports::id);
    let mut ids: Vec<String> = next.filter(reports::reporter_id.eq(user.as_str())).load(conn)?;
    ids.extend(next.filter(reports::reported_id.eq(user.as_str())).load::<String>(conn)?);
    ids.sort_unstable();
    ids.truncate(usize::try_from(ERASED_AT_ONCE).unwrap_or(usize::MAX));
    let (mut last, mut bytes) = (None, 0);
    for id in ids {
        if bytes > ERASED_BYTES_MAX {
            break;
        }
        let row: ReportRow = reports::table.find(&id).select(ReportRow::as_select()).get_result(conn)?;
        bytes += row.messages.len();
        let own = row.reporter_id == user.as_str();
        let report = row.into_report()?;
        let mut kept = report.messages;
        for message in kept.iter_mut().filter(|message| message.sender_id == *user) {
            (message.text, message.data, message.client_id) = (None, None, None);
        }
        diesel::update(reports::table.find(&id))
            .set((reports::messages.eq(to_json(&kept)?), reports::text.eq(report.text.filter(|_| !own))))
            .execute(conn)?;
        last = Some(id);
    }
    Ok(last)
}

#[cfg(test)]
mod tests;
