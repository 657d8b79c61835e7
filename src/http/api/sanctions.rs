//! Mutes and bans, without a report.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::record;
#[cfg(test)]
use crate::http::{
    extract::Why,
    responses::{AsStaff, Unknown, WithBody},
};
use crate::{
    actors::db_executor::purpose::Reading,
    api_docs::{self, ToSchema},
    db::{self, Moderation, SanctionCursor},
    domain::{AuditAction, AuditSubject, Sanction, SanctionKind, Timestamp, UserId},
    error::ChatError,
    http::{
        extract::{Body, InPath, PageOf, Staff},
        problem::Problem,
        state::{AppState, json_body},
    },
    protocol::json::to_json,
};

/// Which page of the mutes or bans.
type WantedPage = PageOf<SanctionCursor, 100, 50>;

/// A mute.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Mute {
    /// When it ends by itself; in the future.
    until: Timestamp,
    /// Why. The user does not see it.
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    reason: String,
}

/// A ban.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Ban {
    /// When it ends by itself, in the future; left out for one that stays until it is ended.
    #[serde(default)]
    until: Option<Timestamp>,
    /// Why. The user does not see it.
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    reason: String,
}

/// A page of mutes or bans.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SanctionPage {
    /// Those that end first first.
    items: Vec<Sanction>,
    /// Where the next page goes on; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

async fn set(
    state: &AppState,
    staff: Staff,
    (kind, user): (SanctionKind, UserId),
    until: Option<Timestamp>,
    reason: String,
) -> Result<HttpResponse, Problem> {
    let now = state.clock.now();
    if until.is_some_and(|until| until <= now) {
        return Err(ChatError::invalid("`until` must be in the future").into());
    }
    let write = staff.does_because(reason, now, Moderation::SetSanction { kind, user, until })?;
    Ok(json_body(state.change(write).await?.data))
}

async fn end(state: &AppState, staff: Staff, (kind, user): (SanctionKind, UserId)) -> Result<HttpResponse, Problem> {
    state.change(staff.does(state.clock.now(), Moderation::EndSanction { kind, user })).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn list(
    state: &AppState,
    staff: Staff,
    (kind, action): (SanctionKind, AuditAction),
    WantedPage { limit, cursor }: WantedPage,
) -> Result<HttpResponse, Problem> {
    let now = state.clock.now();
    let read = move |conn: &mut db::Connection| db::list_sanctions(conn, kind, now, cursor.as_ref(), limit);
    let (items, next) =
        state.database.read(Reading::list(staff.by.account(), "list_sanctions"), db::Scope::Nothing, read).await?;
    record(state, staff, action, AuditSubject::default(), None).await?;
    Ok(json_body(to_json(&SanctionPage { items, next_cursor: next.map(|next| next.to_string()) })))
}

/// Mutes a user: they read, and can't send anything until then. It replaces an earlier mute by staff; of a mute that is a report's
/// decision, the later end counts.
///
/// # Errors
/// `not_found` for an unknown user, `invalid` for a moment that has passed.
#[api_docs::path(
    put,
    path = "/api/v1/users/{id}/mute",
    operation_id = "muteUser",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = UserId, Path, description = "The marketplace's own user id")),
    request_body(content = Mute, example = json!({"until": "2999-11-30T09:00:00.000Z", "reason": "Insults"})),
    responses((status = 200, description = "The mute", body = Sanction), AsStaff, WithBody, Unknown)
)]
pub async fn mute_user(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<UserId>,
    body: Body<Mute>,
) -> Result<HttpResponse, Problem> {
    let (InPath(user), Body(Mute { until, reason })) = (id, body);
    set(&state, staff, (SanctionKind::Mute, user), Some(until), reason).await
}

/// Ends a user's mute now, also one that is a report's decision. A report that is decided later can mute them again.
///
/// # Errors
/// `not_found` for an unknown user.
#[api_docs::path(
    delete,
    path = "/api/v1/users/{id}/mute",
    operation_id = "unmuteUser",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = UserId, Path, description = "The marketplace's own user id"), Why),
    responses((status = 204, description = "They are not muted"), AsStaff, Unknown)
)]
pub async fn unmute_user(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<UserId>,
) -> Result<HttpResponse, Problem> {
    end(&state, staff, (SanctionKind::Mute, id.0)).await
}

/// Lists the mutes that stand, by staff and by reports.
///
/// # Errors
/// `invalid` for a `limit` or `cursor` that does not fit.
#[api_docs::path(
    get,
    path = "/api/v1/mutes",
    operation_id = "listMutes",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(WantedPage, Why),
    responses((status = 200, description = "A page of mutes", body = SanctionPage), AsStaff)
)]
pub async fn list_mutes(state: web::Data<AppState>, staff: Staff, page: WantedPage) -> Result<HttpResponse, Problem> {
    list(&state, staff, (SanctionKind::Mute, AuditAction::ListMutes), page).await
}

/// Bans a user: their sessions end on every node, and their tokens are refused with `banned` until then.
///
/// # Errors
/// `not_found` for an unknown user, `invalid` for a moment that has passed.
#[api_docs::path(
    put,
    path = "/api/v1/users/{id}/ban",
    operation_id = "banUser",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = UserId, Path, description = "The marketplace's own user id")),
    request_body(content = Ban, example = json!({"reason": "Sold what does not exist"})),
    responses((status = 200, description = "The ban", body = Sanction), AsStaff, WithBody, Unknown)
)]
pub async fn ban_user(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<UserId>,
    body: Body<Ban>,
) -> Result<HttpResponse, Problem> {
    let (InPath(user), Body(Ban { until, reason })) = (id, body);
    set(&state, staff, (SanctionKind::Ban, user), until, reason).await
}

/// Ends a user's ban now.
///
/// # Errors
/// `not_found` for an unknown user.
#[api_docs::path(
    delete,
    path = "/api/v1/users/{id}/ban",
    operation_id = "unbanUser",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = UserId, Path, description = "The marketplace's own user id"), Why),
    responses((status = 204, description = "They are not banned"), AsStaff, Unknown)
)]
pub async fn unban_user(state: web::Data<AppState>, staff: Staff, id: InPath<UserId>) -> Result<HttpResponse, Problem> {
    end(&state, staff, (SanctionKind::Ban, id.0)).await
}

/// Lists the bans that stand.
///
/// # Errors
/// `invalid` for a `limit` or `cursor` that does not fit.
#[api_docs::path(
    get,
    path = "/api/v1/bans",
    operation_id = "listBans",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(WantedPage, Why),
    responses((status = 200, description = "A page of bans", body = SanctionPage), AsStaff)
)]
pub async fn list_bans(state: web::Data<AppState>, staff: Staff, page: WantedPage) -> Result<HttpResponse, Problem> {
    list(&state, staff, (SanctionKind::Ban, AuditAction::ListBans), page).await
}
