//! The audit log: what staff and the marketplace's backend did and read.

use std::str::FromStr;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{PAGE_BYTES_MAX, record};
#[cfg(test)]
use crate::http::{extract::Why, responses::AsStaff};
use crate::{
    actors::db_executor::purpose::Reading,
    api_docs::{self, IntoParams, ToSchema},
    db::{self, AuditFilter, InvalidCursor},
    domain::{AuditAction, AuditEntry, AuditSubject, Data, RoomId, UserId},
    error::ChatError,
    http::{
        extract::{InQuery, PageOf, Staff},
        problem::Problem,
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
    /// `true`, next to `userId`: what was done about them, without what was only read.
    #[param(value_type = bool, default = false, required = false)]
    actions: Option<String>,
    /// What is about this room.
    room_id: Option<RoomId>,
}

impl AuditQuery {
    fn filter(self) -> Result<AuditFilter, ChatError> {
        let Self { actor_id, user_id, actions, room_id } = self;
        let actions_alone = match actions.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(ChatError::invalid("`actions` must be true or false")),
        };
        match (actor_id, user_id, room_id) {
            (None, Some(id), None) if actions_alone => Ok(AuditFilter::ActionsOn(id)),
            (None, None, None) if !actions_alone => Ok(AuditFilter::All),
            (Some(id), None, None) if !actions_alone => Ok(AuditFilter::Actor(id)),
            (None, Some(id), None) => Ok(AuditFilter::User(id)),
            (None, None, Some(id)) if !actions_alone => Ok(AuditFilter::Room(id)),
            (_, None, _) if actions_alone => Err(ChatError::invalid("`actions` needs `userId`: about whom")),
            _ => Err(ChatError::invalid("give one of `actorId`, `userId` and `roomId`, not several")),
        }
    }
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
/// `invalid` for a parameter that does not fit, for more than one filter, and for `actions` without `userId`.
#[api_docs::path(
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
    let (InQuery(query), WantedPage { limit, cursor }) = (query, page);
    let about =
        AuditSubject { user_id: query.user_id.clone(), room_id: query.room_id.clone(), ..AuditSubject::default() };
    let details = query.actor_id.clone().map(|actor_id| Data::of(&AskedFor { actor_id: Some(actor_id) }));
    let filter = query.filter()?;
    let before = cursor.map(|AuditCursor(entry)| entry);
    let list = move |conn: &mut db::Connection| db::list_audit(conn, &filter, before, limit, PAGE_BYTES_MAX);
    let (items, next) =
        state.database.read(Reading::list(staff.by.account(), "list_audit"), db::Scope::Nothing, list).await?;
    record(&state, staff, AuditAction::ReadAudit, about, details).await?;
    Ok(json_body(to_json(&AuditPage { items, next_cursor: next.map(|next| next.to_string()) })))
}
