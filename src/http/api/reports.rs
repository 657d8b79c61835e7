//! Reports: a member makes one, the marketplace's staff decides.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Deserializer, Serialize};

use super::{record, tag::Tag};
#[cfg(test)]
use crate::http::{
    extract::Why,
    responses::{AsStaff, AsUser, Changed, Unknown, WithBody},
};
use crate::{
    actors::db_executor::purpose::{Reading, Writing},
    api_docs::{self, IntoParams, ToSchema},
    db::{self, Moderation, NewReport, OpenReport, ReportAssignee, ReportFilter, ReportUser, Reported},
    domain::{
        AuditAction, AuditSubject, MessageId, Moderator, RoomId, Timestamp, User, UserId,
        safety::{Decision, Report, ReportCategory, ReportState, check_report_text},
    },
    error::ChatError,
    http::{
        extract::{Body, InPath, InQuery, PageOf, SignedIn, Staff},
        problem::Problem,
        state::{AppState, json_body},
    },
    protocol::{json::to_json, view::ReportView},
};

/// Which page of the reports, each of which holds up to 21 messages. A page ends early at 256 KiB.
type WantedPage = PageOf<String, 100, 20>;

/// The caller, where a member of the staff is named, and nobody.
const MYSELF: &str = "me";
const NOBODY: &str = "none";

/// What one reports.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostReport {
    /// One of the caller's rooms.
    room_id: RoomId,
    /// A message of the other member; without one the report is about them.
    #[serde(default)]
    message_id: Option<MessageId>,
    /// What it is about.
    category: ReportCategory,
    /// What there is to say about it.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S")]
    text: Option<String>,
}

/// The state of the caller's report. The marketplace's decision is not disclosed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The report's id.
    id: String,
    /// When it was made.
    created_at: Timestamp,
}

/// Reports the other member of a room, or one of their messages.
///
/// It is stored with the messages around it (10 before and 10 after, or the newest 20, of 32 KiB together) as they stand now,
/// whatever is edited or deleted later. The same report is stored once while it waits for its decision (200).
///
/// # Errors
/// `forbidden` for anyone but the room's two members, `not_found` for a message that is not in it, `invalid` for one that
/// is not the other member's, `conflict` in a support room, where nobody is to be reported, `rate_limited` for a user of whom 20 reports about this room, or 100 in all, wait for a
/// decision.
#[api_docs::path(
    post,
    path = "/api/v1/reports",
    operation_id = "report",
    tag = "safety",
    security(("userToken" = [])),
    request_body(content = PostReport, example = json!({
        "roomId": "5e0c3b7a9d4f4c0e8b1a2d3c4e5f6071", "category": "scam", "text": "Wants me to pay outside"
    })),
    responses(
        (status = 201, description = "The report waits for its decision", body = Receipt),
        (status = 200, description = "The same report waits already", body = Receipt),
        AsUser, WithBody, Unknown, Changed,
    )
)]
pub async fn report(
    state: web::Data<AppState>,
    user: SignedIn,
    body: Body<PostReport>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), Body(PostReport { room_id, message_id, category, text })) = (user, body);
    text.as_deref().map_or(Ok(()), check_report_text).map_err(ChatError::from)?;
    let new = NewReport {
        reporter: identity.user,
        room: room_id,
        message: message_id,
        category,
        text,
        at: state.clock.now(),
    };
    let purpose = Writing::change(new.reporter.clone(), "store_report");
    let reported = state
        .database
        .write(purpose, db::Scope::Room(new.room.clone()), move |conn| db::store_report(conn, &new))
        .await?;
    let receipt = |OpenReport { id, created_at }| Receipt { id, created_at };
    Ok(match reported {
        Reported::New(report) => HttpResponse::Created().json(receipt(report)),
        Reported::Existing(report) => HttpResponse::Ok().json(receipt(report)),
    })
}

/// Which of the reports.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct ReportsQuery {
    /// `open` for those that wait for a decision, which is also the default, or `decided`.
    state: Option<ReportState>,
    /// Reports about this user.
    reported_id: Option<UserId>,
    /// Reports by this user; not together with `reportedId`.
    reporter_id: Option<UserId>,
    /// Reports about this.
    category: Option<ReportCategory>,
    /// Those that this member of the staff looks after: `me` for the caller, `none` for nobody, or somebody's id.
    assignee: Option<UserId>,
}

/// A page of reports.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportPage<'a> {
    /// Oldest first.
    items: Vec<ReportView<'a>>,
    /// Those who have reported, were reported or look after one of them, as far as they are known here.
    users: Vec<User>,
    /// Where the next page goes on; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Lists the reports that wait for a decision, or those that were decided.
///
/// An answer of 304, that nothing has changed since, is no entry of the audit log: nothing was read.
///
/// # Errors
/// `invalid` for a parameter that does not fit.
#[api_docs::path(
    get,
    path = "/api/v1/reports",
    operation_id = "listReports",
    tag = "safety",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(ReportsQuery, WantedPage, Why),
    responses(
        (status = 200, description = "A page of reports", body = ReportPage,
            headers(("etag" = String, description = "Its tag, for `if-none-match`"))),
        (status = 304, description = "It is the one that `if-none-match` names"),
        AsStaff,
    )
)]
pub async fn list_reports(
    state: web::Data<AppState>,
    request: HttpRequest,
    staff: Staff,
    query: InQuery<ReportsQuery>,
    page: WantedPage,
) -> Result<HttpResponse, Problem> {
    let (InQuery(query), WantedPage { limit, cursor }) = (query, page);
    let about = AuditSubject { user_id: query.reported_id.clone(), ..AuditSubject::default() };
    let user = match (query.reported_id, query.reporter_id) {
        (None, None) => ReportUser::Any,
        (Some(id), None) => ReportUser::Reported(id),
        (None, Some(id)) => ReportUser::Reporter(id),
        _ => return Err(ChatError::invalid("give `reportedId` or `reporterId`, not both").into()),
    };
    let state_wanted = query.state.unwrap_or(ReportState::Open);
    let assignee = match query.assignee {
        None => ReportAssignee::Any,
        Some(name) if name.as_str() == NOBODY => ReportAssignee::Nobody,
        Some(name) => ReportAssignee::Staff(staff_named(name, &staff.by)?),
    };
    let filter = ReportFilter { state: state_wanted, user, category: query.category, assignee };
    let list = move |conn: &mut db::Connection| {
        let (reports, more) = db::list_reports(conn, &filter, cursor.as_deref(), limit)?;
        let named = |report: &Report| {
            [Some(&report.reporter_id), Some(&report.reported_id), report.assignee_id.as_ref()]
                .map(Option::<&_>::cloned)
        };
        let named = reports.iter().flat_map(named).flatten().collect();
        let users = db::find_users(conn, &named)?;
        Ok::<_, db::DbError>((reports, more, users))
    };
    let (reports, more, users) =
        state.database.read(Reading::heavy(staff.by.account(), "list_reports"), db::Scope::Nothing, list).await?;
    let next_cursor = reports.last().filter(|_| more).map(|last| last.id.clone());
    let presenter = state.presenter();
    let items = reports.iter().map(|report| ReportView::of(report, &presenter)).collect();
    let body = to_json(&ReportPage { items, users, next_cursor });
    // Who watches the queue asks every few seconds.
    let tag = Tag::of(&staff.by, &request, &body);
    if tag.is_known_to(&request) {
        return Ok(tag.not_modified());
    }
    record(&state, staff, AuditAction::ListReports, about, None).await?;
    Ok(tag.with(body))
}

/// A report with the messages that are kept with it.
///
/// # Errors
/// `not_found` for an unknown report.
#[api_docs::path(
    get,
    path = "/api/v1/reports/{id}",
    operation_id = "getReport",
    tag = "safety",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = String, Path, description = "The report's id"), Why),
    responses((status = 200, description = "The report", body = ReportView), AsStaff, Unknown)
)]
pub async fn get_report(state: web::Data<AppState>, staff: Staff, id: InPath<String>) -> Result<HttpResponse, Problem> {
    let InPath(id) = id;
    let purpose = Reading::check(staff.by.account(), "find_report");
    let found = state.database.read(purpose, db::Scope::Nothing, move |conn| db::find_report(conn, &id)).await?;
    let report = found.ok_or_else(|| ChatError::not_found("there is no such report"))?;
    let about = AuditSubject {
        user_id: Some(report.reported_id.clone()),
        room_id: Some(report.room_id.clone()),
        ..AuditSubject::report(&report.id)
    };
    record(&state, staff, AuditAction::ReadReport, about, None).await?;
    Ok(json_body(to_json(&ReportView::of(&report, &state.presenter()))))
}

/// What is decided about a report, or who looks after it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatchReport {
    /// Whether the report is right.
    #[serde(default)]
    decision: Option<Decision>,
    /// Only with `upheld`: until then the reported user can't send anything. It expires by itself.
    #[serde(default)]
    mute_until: Option<Timestamp>,
    /// The member of the staff who looks after it: somebody's id, `me` for the caller, `null` for nobody. Not together with
    /// `decision`.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<UserId>)]
    assignee: Option<Option<UserId>>,
}

/// A field of which `null` says something else than that it is missing.
fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<UserId>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The member of the staff whom a caller names.
fn staff_named(name: UserId, by: &Moderator) -> Result<UserId, ChatError> {
    match by {
        _ if name.as_str() != MYSELF => Ok(name),
        Moderator::Staff { id } => Ok(id.clone()),
        Moderator::Service | Moderator::Screen => {
            Err(ChatError::invalid("`assignee` must be an id: the service key is no member of the staff"))
        }
    }
}

/// Decides a report, or says who looks after it. Deciding again replaces the first decision, and with it its mute.
///
/// # Errors
/// `not_found` for an unknown report, `invalid` for a mute without `upheld`, for a decision together with an assignee, and for
/// neither of them.
#[api_docs::path(
    patch,
    path = "/api/v1/reports/{id}",
    operation_id = "updateReport",
    tag = "safety",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = String, Path, description = "The report's id"), Why),
    request_body(content = PatchReport, example = json!({"decision": "upheld", "muteUntil": "2026-11-30T09:00:00.000Z"})),
    responses((status = 200, description = "The report as it now stands", body = ReportView), AsStaff, WithBody, Unknown)
)]
pub async fn update_report(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<String>,
    body: Body<PatchReport>,
) -> Result<HttpResponse, Problem> {
    let (InPath(report), Body(PatchReport { decision, mute_until, assignee })) = (id, body);
    if mute_until.is_some() && decision != Some(Decision::Upheld) {
        return Err(ChatError::invalid("`muteUntil` needs the decision upheld").into());
    }
    let what = match (decision, assignee) {
        (Some(decision), None) => Moderation::DecideReport { report, decision, mute_until },
        (None, Some(assignee)) => {
            let assignee = assignee.map(|name| staff_named(name, &staff.by)).transpose()?;
            Moderation::AssignReport { report, assignee }
        }
        _ => return Err(ChatError::invalid("give one of `decision` and `assignee`").into()),
    };
    Ok(json_body(state.change(staff.does(state.clock.now(), what)).await?.data))
}
