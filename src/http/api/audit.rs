//! The audit log: what staff and the marketplace's backend did and read.

use std::str::FromStr;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{PAGE_BYTES_MAX, record};
use crate::{
    actors::db_executor::purpose::Reading,
    db::{self, AuditFilter, InvalidCursor},
    domain::{AuditAction, AuditEntry, AuditSubject, Data, RoomId, UserId},
    error::ChatError,
    http::{
        extract::{InQuery, PageOf, Staff, Why},
        problem::Problem,
        responses::AsStaff,
        state::{AppState, json_body},
    },
    protocol::json::to_json,
};

/// Which page of the audit log.
type WantedPage = PageOf<AuditCursor, 200, 50>;

/// The last entry of the page before.
#[derive(Debug)]
pub struct AuditCursor(i64);

impl FromStr for AuditCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        text.parse().map(Self).map_err(|_| InvalidCursor)
    }
}

/// Which entries: one of these, or none for all.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct AuditQuery {
    /// What this member of the staff did.
    actor_id: Option<UserId>,
    /// What is about this user.
    user_id: Option<UserId>,
    /// What is about this room.
    room_id: Option<RoomId>,
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// Newest first.
    items: Vec<AuditEntry>,
    /// Where the next page goes on; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Lists the audit log, newest first. Reading it is an entry of its own, which is not on the page.
///
/// # Errors
/// `invalid` for a parameter that does not fit, and for more than one filter.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "listAudit",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(AuditQuery, WantedPage, Why),
    responses((status = 200, description = "A page of the audit log", body = AuditPage), AsStaff)
)]
pub async fn list_audit(
    state: web::Data<AppState>,
    staff: Staff,
    query: InQuery<AuditQuery>,
    page: WantedPage,
) -> Result<HttpResponse, Problem> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct AskedFor {
        #[serde(skip_serializing_if = "Option::is_none")]
        actor_id: Option<UserId>,
    }
    let (InQuery(AuditQuery { actor_id, user_id, room_id }), WantedPage { limit, cursor }) = (query, page);
    let about = AuditSubject { user_id: user_id.clone(), room_id: room_id.clone(), ..AuditSubject::default() };
    let details = actor_id.clone().map(|actor_id| Data::of(&AskedFor { actor_id: Some(actor_id) }));
    let filter = match (actor_id, user_id, room_id) {
        (None, None, None) => AuditFilter::All,
        (Some(id), None, None) => AuditFilter::Actor(id),
        (None, Some(id), None) => AuditFilter::User(id),
        (None, None, Some(id)) => AuditFilter::Room(id),
        _ => return Err(ChatError::invalid("give one of `actorId`, `userId` and `roomId`, not several").into()),
    };
    let before = cursor.map(|AuditCursor(entry)| entry);
    let list = move |conn: &mut db::Connection| db::list_audit(conn, &filter, before, limit, PAGE_BYTES_MAX);
    let (items, next) =
        state.database.read(Reading::list(staff.by.account(), "list_audit"), db::Scope::Nothing, list).await?;
    record(&state, staff, AuditAction::ReadAudit, about, details).await?;
    Ok(json_body(to_json(&AuditPage { items, next_cursor: next.map(|next| next.to_string()) })))
}
