//! Notes of the staff's, about users and reports. No user ever sees one.

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
    db::{self, Moderation},
    domain::{AuditAction, AuditSubject, Note, NoteSubject, UserId, staff::check_note},
    error::ChatError,
    http::{
        extract::{Body, InPath, PageOf, Staff},
        problem::Problem,
        state::{AppState, json_body},
    },
    protocol::json::to_json,
};

/// Which page of the notes.
type WantedPage = PageOf<String, 50, 20>;

/// A new note.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewNote {
    /// The words.
    #[schema(min_length = 1, max_length = 4000, pattern = r"\S")]
    text: String,
}

/// A page of notes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotePage {
    /// Oldest first.
    items: Vec<Note>,
    /// Where the next page goes on; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

async fn add(state: &AppState, staff: Staff, about: NoteSubject, text: String) -> Result<HttpResponse, Problem> {
    check_note(&text).map_err(ChatError::from)?;
    let answer = state.change(staff.does(state.clock.now(), Moderation::AddNote { about, text })).await?;
    Ok(HttpResponse::Created().content_type("application/json").body(answer.data))
}

async fn list(
    state: &AppState,
    staff: Staff,
    (about, subject): (NoteSubject, AuditSubject),
    WantedPage { limit, cursor }: WantedPage,
) -> Result<HttpResponse, Problem> {
    let read = move |conn: &mut db::Connection| db::list_notes(conn, &about, cursor.as_deref(), limit);
    let (items, more) =
        state.database.read(Reading::list(staff.by.account(), "list_notes"), db::Scope::Nothing, read).await?;
    record(state, staff, AuditAction::ListNotes, subject, None).await?;
    let next_cursor = items.last().filter(|_| more).map(|last| last.id.clone());
    Ok(json_body(to_json(&NotePage { items, next_cursor })))
}

/// Writes a note about a user. It is deleted with them.
///
/// # Errors
/// `not_found` for an unknown user, `invalid` for a text out of range.
#[api_docs::path(
    post,
    path = "/api/v1/users/{id}/notes",
    operation_id = "addUserNote",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = UserId, Path, description = "The marketplace's own user id"), Why),
    request_body(content = NewNote, example = json!({"text": "Called us, sounds honest"})),
    responses((status = 201, description = "The note", body = Note), AsStaff, WithBody, Unknown)
)]
pub async fn add_user_note(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<UserId>,
    body: Body<NewNote>,
) -> Result<HttpResponse, Problem> {
    add(&state, staff, NoteSubject::User(id.0), body.0.text).await
}

/// Lists the notes about a user.
///
/// # Errors
/// `invalid` for a `limit` or `cursor` that does not fit.
#[api_docs::path(
    get,
    path = "/api/v1/users/{id}/notes",
    operation_id = "listUserNotes",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = UserId, Path, description = "The marketplace's own user id"), WantedPage, Why),
    responses((status = 200, description = "A page of notes", body = NotePage), AsStaff)
)]
pub async fn list_user_notes(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<UserId>,
    page: WantedPage,
) -> Result<HttpResponse, Problem> {
    let subject = AuditSubject::user(&id.0);
    list(&state, staff, (NoteSubject::User(id.0), subject), page).await
}

/// Writes a note about a report.
///
/// # Errors
/// `not_found` for an unknown report, `invalid` for a text out of range.
#[api_docs::path(
    post,
    path = "/api/v1/reports/{id}/notes",
    operation_id = "addReportNote",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = String, Path, description = "The report's id"), Why),
    request_body(content = NewNote, example = json!({"text": "Asked for a photo of the item"})),
    responses((status = 201, description = "The note", body = Note), AsStaff, WithBody, Unknown)
)]
pub async fn add_report_note(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<String>,
    body: Body<NewNote>,
) -> Result<HttpResponse, Problem> {
    add(&state, staff, NoteSubject::Report(id.0), body.0.text).await
}

/// Lists the notes about a report.
///
/// # Errors
/// `invalid` for a `limit` or `cursor` that does not fit.
#[api_docs::path(
    get,
    path = "/api/v1/reports/{id}/notes",
    operation_id = "listReportNotes",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = String, Path, description = "The report's id"), WantedPage, Why),
    responses((status = 200, description = "A page of notes", body = NotePage), AsStaff)
)]
pub async fn list_report_notes(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<String>,
    page: WantedPage,
) -> Result<HttpResponse, Problem> {
    let subject = AuditSubject::report(&id.0);
    list(&state, staff, (NoteSubject::Report(id.0), subject), page).await
}
