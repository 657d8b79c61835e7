//! Users: the marketplace puts them, removes them and ends their sessions.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use serde::{Deserialize, Serialize};

use super::{
    PAGE_BYTES_MAX, check_same, created_or_found, record,
    rooms::{RoomPage, WantedRooms},
    staff_views::UserDetailsView,
};
#[cfg(test)]
use crate::http::{
    extract::Why,
    responses::{AsService, AsStaff, Changed, Unknown, WithBody},
};
use crate::{
    actors::{chat_server::messages::EndSessions, db_executor::purpose::Reading, eraser::messages::Erase},
    api_docs::{self, ToSchema},
    db::{self, DbError, ExportPart, ExportPlace, Moderation, RoomCursor, Write},
    domain::{Account, AuditAction, AuditSubject, User, UserId, support::is_desk},
    error::{ChatError, ErrorCode},
    http::{
        extract::{Body, InPath, InQuery, PageOf, Service, Staff},
        problem::Problem,
        state::{AppState, json_body},
    },
    protocol::{json::to_json, view::RoomSummaryView},
};

/// A user as the marketplace puts them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PutUser {
    /// The one in the path, or left out.
    #[serde(default)]
    id: Option<UserId>,
    /// What the other side sees; not of invisible characters alone.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    /// Picture of the person: an http(s) URL, or a path of the page's own server.
    #[serde(default)]
    #[schema(
        max_length = 2048,
        pattern = r"^(https?://[^\s\x00-\x1f\x7f-\x9f]*|/([^/\s\x00-\x1f\x7f-\x9f][^\s\x00-\x1f\x7f-\x9f]*)?)$"
    )]
    avatar_url: Option<String>,
}

/// Adds or changes a user.
///
/// # Errors
/// `invalid` for a field out of range and for the id `system`, `conflict` for a user who was removed.
#[api_docs::path(
    put,
    path = "/api/v1/users/{id}",
    operation_id = "putUser",
    tag = "users",
    security(("serviceKey" = [])),
    params(("id" = UserId, Path, description = "The marketplace's own user id")),
    request_body(content = PutUser, example = json!({"name": "Jonas Weber", "avatarUrl": "https://shop.example/jonas.jpg"})),
    responses(
        (status = 201, description = "The user is new", body = User),
        (status = 200, description = "The user as they now stand", body = User),
        AsService, WithBody, Changed,
    )
)]
pub async fn put_user(
    state: web::Data<AppState>,
    _: Service,
    id: InPath<UserId>,
    body: Body<PutUser>,
) -> Result<HttpResponse, Problem> {
    let (InPath(id), Body(body)) = (id, body);
    check_same("id", body.id.as_ref(), &id)?;
    let user = User::new(id, body.name, body.avatar_url);
    user.check().map_err(ChatError::from)?;
    Ok(created_or_found(state.change(Write::PutUser { user }).await?))
}

/// Which page of a user's rooms.
type WantedPage = PageOf<RoomCursor, 100, 50>;

/// A user as staff sees them: how they stand, and until when they are muted or banned.
///
/// # Errors
/// `not_found` for an unknown user.
#[api_docs::path(
    get,
    path = "/api/v1/users/{id}",
    operation_id = "getUser",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = UserId, Path, description = "The marketplace's own user id"), Why),
    responses((status = 200, description = "The user", body = UserDetailsView), AsStaff, Unknown)
)]
pub async fn get_user(state: web::Data<AppState>, staff: Staff, id: InPath<UserId>) -> Result<HttpResponse, Problem> {
    let InPath(user) = id;
    let about = AuditSubject::user(&user);
    let purpose = Reading::check(staff.by.account(), "find_user");
    let found =
        state.database.read(purpose, db::Scope::Nothing, move |conn| db::find_user_details(conn, &user)).await?;
    let details = found.ok_or_else(|| ChatError::not_found("there is no such user"))?;
    record(&state, staff, AuditAction::ReadUser, about, None).await?;
    Ok(json_body(to_json(&UserDetailsView::of(&details, state.clock.now()))))
}

/// A user's rooms as they see them, latest activity first.
///
/// # Errors
/// `invalid` for a `limit` or `cursor` that does not fit; `not_found` for `system`, which is no user. An unknown user has no rooms.
#[api_docs::path(
    get,
    path = "/api/v1/users/{id}/rooms",
    operation_id = "listUserRooms",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = UserId, Path, description = "The marketplace's own user id"), WantedRooms, WantedPage, Why),
    responses((status = 200, description = "A page of their rooms", body = RoomPage), AsStaff, Unknown)
)]
pub async fn list_user_rooms(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<UserId>,
    which: InQuery<WantedRooms>,
    page: WantedPage,
) -> Result<HttpResponse, Problem> {
    let (InPath(user), WantedPage { limit, cursor }) = (id, page);
    let which = which.0.list()?;
    if is_desk(user.as_str()) {
        return Err(ChatError::not_found("there is no such user").into());
    }
    let about = AuditSubject::user(&user);
    let scope = db::Scope::User(user.clone());
    let list =
        move |conn: &mut db::Connection| db::list_rooms(conn, &user, which, cursor.as_ref(), limit, PAGE_BYTES_MAX);
    let (rooms, next) = state.database.read(Reading::list(staff.by.account(), "list_rooms"), scope, list).await?;
    record(&state, staff, AuditAction::ListUserRooms, about, None).await?;
    let presenter = state.presenter();
    let items = rooms.iter().map(|room| RoomSummaryView::of(room, &presenter)).collect();
    Ok(json_body(to_json(&RoomPage::new(items, next))))
}

/// How long an answer waits for an erasure to be finished.
const ERASURE_WAIT: Duration = Duration::from_secs(10);

/// Erases a user for good, and ends their sessions at once.
///
/// Name and picture are erased, and so are the words and data of every message of theirs: afterwards no byte of them is left
/// in the database's files. The rooms stay, closed, with the messages of the others. Each erased message stays as an empty
/// one with its `seq`. The answer is 204 once everything is erased. For a user with very many messages this takes longer:
/// then the answer is 202, and the erasure continues, also after a restart. Repeat the request to see whether it is
/// finished. The id can't be put again. Sessions are also ended for a user who is known by a token alone, before the answer
/// `not_found`.
///
/// # Errors
/// `not_found` for a user whom the marketplace has never put.
#[api_docs::path(
    delete,
    path = "/api/v1/users/{id}",
    operation_id = "deleteUser",
    tag = "users",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = UserId, Path, description = "The marketplace's own user id"), Why),
    responses(
        (status = 204, description = "Nothing of the user is left"),
        (status = 202, description = "The user is removed, and the erasure of their words goes on"),
        AsStaff, Unknown,
    )
)]
pub async fn delete_user(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<UserId>,
) -> Result<HttpResponse, Problem> {
    let InPath(user) = id;
    let by = Staff { by: staff.by.clone(), reason: staff.reason.clone() };
    let deleted = state.change(staff.does(state.clock.now(), Moderation::DeleteUser { user: user.clone() })).await;
    match deleted {
        Ok(_) => {
            let erased = tokio::time::timeout(ERASURE_WAIT, state.eraser.send(Erase(user))).await;
            Ok(match erased {
                Ok(Ok(true)) => HttpResponse::NoContent().finish(),
                _ => HttpResponse::Accepted().finish(),
            })
        }
        Err(error) => {
            if error.code == ErrorCode::NotFound {
                end_sessions(&state, by, user).await?;
            }
            Err(error.into())
        }
    }
}

/// A person's data, as lines of JSON that `haggle import` reads.
///
/// In this order: the person; the other members of their rooms, as the person saw them; their products and those that they
/// asked about; their rooms; their own messages there. The other side's words are not theirs and are left out. An answer
/// that ends without its last chunk is incomplete: ask again.
///
/// # Errors
/// `not_found` for a user whom haggle does not know, or who was erased.
#[api_docs::path(
    get,
    path = "/api/v1/users/{id}/export",
    operation_id = "exportUser",
    tag = "users",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = UserId, Path, description = "The marketplace's own user id"), Why),
    responses(
        (status = 200, description = "One JSON object a line", body = String, content_type = "application/x-ndjson"),
        AsStaff, Unknown,
    )
)]
pub async fn export_user(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<UserId>,
) -> Result<HttpResponse, Problem> {
    let InPath(user) = id;
    let first = read_part(&state, user.clone(), ExportPlace::default()).await?;
    let first = first.ok_or_else(|| ChatError::not_found("there is no such user"))?;
    record(&state, staff, AuditAction::ExportUser, AuditSubject::user(&user), None).await?;
    // A part is read when the one before was taken: a slow reader holds one of them.
    let rest = stream::unfold(Some(first), move |part| {
        let (state, user) = (state.clone(), user.clone());
        async move {
            let ExportPart { lines, next } = part?;
            let next = match next {
                Some(place) => read_part(&state, user, place).await,
                None => Ok(None),
            };
            // An error cuts the answer, so that nobody takes it for complete.
            Some(match next {
                Ok(next) => (Ok(Bytes::from(lines)), next),
                Err(error) => (Err(error), None),
            })
        }
    });
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").streaming(rest))
}

async fn read_part(state: &AppState, user: UserId, place: ExportPlace) -> Result<Option<ExportPart>, DbError> {
    loop {
        let (user, place, purpose) = (user.clone(), place.clone(), Reading::heavy(Account::Service, "export_user"));
        let signer = Arc::clone(&state.image_urls);
        let scope = db::Scope::User(user.clone());
        match state.database.read(purpose, scope, move |conn| db::export_user(conn, &user, place, &*signer)).await {
            // An answer that has begun goes on: only a failure may cut it.
            Err(DbError::RateLimited { retry_after_ms }) => {
                actix_web::rt::time::sleep(Duration::from_millis(retry_after_ms)).await;
            }
            read => return read,
        }
    }
}

/// How many sessions were ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct Disconnected {
    /// On this server.
    sessions: usize,
}

/// Ends all sessions of a user now. They may reconnect with a valid token.
///
/// The sessions have ended also where the answer is `unavailable`: then it could not be written down for the events, and asking
/// again does that.
///
/// # Errors
/// None of its own: a user without sessions has 0 of them.
#[api_docs::path(
    post,
    path = "/api/v1/users/{id}/disconnect",
    operation_id = "disconnectUser",
    tag = "users",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = UserId, Path, description = "The marketplace's own user id"), Why),
    responses((status = 200, description = "How many sessions were ended", body = Disconnected), AsStaff)
)]
pub async fn disconnect_user(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<UserId>,
) -> Result<web::Json<Disconnected>, Problem> {
    let InPath(user) = id;
    Ok(web::Json(Disconnected { sessions: end_sessions(&state, staff, user).await? }))
}

/// Ends them first, then stores it, for the events and for nodes that this one can't reach now.
async fn end_sessions(state: &AppState, staff: Staff, user: UserId) -> Result<usize, ChatError> {
    let ended = state.chat.send(EndSessions { user: user.clone() }).await.map_err(|_| ChatError::unavailable())?;
    state.change(staff.does(state.clock.now(), Moderation::EndSessions { user })).await?;
    Ok(ended)
}
