//! Search: in the caller's own conversations, and for staff in all of them and among people.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{PAGE_BYTES_MAX, read_own, record};
#[cfg(test)]
use crate::http::{
    extract::{NeededWhy, Why},
    responses::{AsStaff, AsUser},
};
use crate::{
    actors::db_executor::purpose::Reading,
    api_docs::{self, IntoParams, ToSchema},
    db::{self, NameCursor, SearchCursor, SearchPage},
    domain::{
        AuditAction, AuditSubject, Data, User, UserId,
        name_search::{NAME_QUERY_CHARS_MAX, NameBeginning},
        search::{FoundMessage, QUERY_CHARS_MAX, SearchTerms},
    },
    error::ChatError,
    http::{
        extract::{InQuery, PageOf, SignedIn, Staff},
        problem::Problem,
        state::{AppState, json_body},
    },
    protocol::{json::to_json, view::FoundMessageView},
};

/// Which page of what is found.
type WantedPage = PageOf<SearchCursor, 50, 20>;

/// What to search for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// Words that a message must all hold, in any order and any case, also inside of longer words; at most 8.
    #[param(value_type = String, min_length = 1, max_length = 100, required = true, pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")]
    q: Option<String>,
}

/// A page of messages that were found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundPage<'a> {
    /// Newest first.
    items: Vec<FoundMessageView<'a>>,
    /// Goes into `cursor` for the next page; absent at the end. A page may be short, even empty, and still have a next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Searches the messages of the caller's own rooms, newest first, with the hits marked.
///
/// A page ends by its size or by its time, so it may be short, even empty, and still have a next one. Terms may be as short
/// as one character. An edited message is found by its new words, a deleted one not at all.
///
/// # Errors
/// `invalid` for a query without words, `forbidden` for a user who was removed.
#[api_docs::path(
    get,
    path = "/api/v1/search",
    operation_id = "searchMessages",
    tag = "messages",
    security(("userToken" = [])),
    params(SearchQuery, WantedPage),
    responses((status = 200, description = "A page of messages", body = FoundPage), AsUser)
)]
pub async fn search_messages(
    state: web::Data<AppState>,
    user: SignedIn,
    query: InQuery<SearchQuery>,
    page: WantedPage,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), InQuery(SearchQuery { q }), WantedPage { limit, cursor }) = (user, query, page);
    let terms = read_terms(q.as_deref())?;
    let page = SearchPage { limit: usize::try_from(limit).unwrap_or(1), bytes_max: PAGE_BYTES_MAX };
    let search = move |conn: &mut db::Connection, user: &UserId| db::search_messages(conn, user, &terms, cursor, page);
    let (found, next) =
        read_own(&state, Reading::heavy(identity.user.clone(), "search"), identity.user, search).await?;
    Ok(found_page(&state, &found, next))
}

fn read_terms(q: Option<&str>) -> Result<SearchTerms, ChatError> {
    let missing = || ChatError::invalid(format!("`q` is missing: 1 to {QUERY_CHARS_MAX} characters to search for"));
    SearchTerms::parse(q.ok_or_else(missing)?).map_err(|error| ChatError::invalid(error.to_string()))
}

fn found_page(state: &AppState, found: &[FoundMessage], next: Option<SearchCursor>) -> HttpResponse {
    let presenter = state.presenter();
    let items = found.iter().map(|found| FoundMessageView::of(found, &presenter)).collect();
    json_body(to_json(&FoundPage { items, next_cursor: next.map(|cursor| cursor.to_string()) }))
}

/// Searches everybody's messages, newest first, with the hits marked. The query's `reason` is required.
///
/// What was searched for is in the audit log. Words shorter than three characters take the longest: each page then goes
/// through the messages themselves, and ends by its time.
///
/// # Errors
/// `invalid` for a query without words, and without a reason.
#[api_docs::path(
    get,
    path = "/api/v1/search/all",
    operation_id = "searchAllMessages",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(SearchQuery, WantedPage, NeededWhy),
    responses((status = 200, description = "A page of messages", body = FoundPage), AsStaff)
)]
pub async fn search_all_messages(
    state: web::Data<AppState>,
    staff: Staff,
    query: InQuery<SearchQuery>,
    page: WantedPage,
) -> Result<HttpResponse, Problem> {
    #[derive(Serialize)]
    struct SearchedFor {
        q: String,
    }
    let (InQuery(SearchQuery { q }), WantedPage { limit, cursor }) = (query, page);
    staff.require_reason()?;
    let terms = read_terms(q.as_deref())?;
    let page = SearchPage { limit: usize::try_from(limit).unwrap_or(1), bytes_max: PAGE_BYTES_MAX };
    let search = move |conn: &mut db::Connection| db::search_all_messages(conn, &terms, cursor, page);
    let (found, next) =
        state.database.read(Reading::heavy(staff.by.account(), "search_all"), db::Scope::Everything, search).await?;
    let details = Data::of(&SearchedFor { q: q.unwrap_or_default() });
    record(&state, staff, AuditAction::SearchMessages, AuditSubject::default(), Some(details)).await?;
    Ok(found_page(&state, &found, next))
}

/// Which page of the people who were found.
type WantedPeople = PageOf<NameCursor, 50, 20>;

/// Whom to search for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NameQuery {
    /// How their names begin, in any case; not of invisible characters alone.
    #[param(value_type = String, min_length = 1, max_length = 100, required = true, pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")]
    name: Option<String>,
}

/// A page of users.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserPage {
    /// By their names, as they are compared.
    items: Vec<User>,
    /// Where the next page goes on; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Finds people by the beginning of their names, in any case and any encoding.
///
/// What was searched for is in the audit log. Somebody who was deleted is not found.
///
/// # Errors
/// `invalid` for a name that shows nothing.
#[api_docs::path(
    get,
    path = "/api/v1/users",
    operation_id = "searchUsers",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(NameQuery, WantedPeople, Why),
    responses((status = 200, description = "A page of users", body = UserPage), AsStaff)
)]
pub async fn search_users(
    state: web::Data<AppState>,
    staff: Staff,
    query: InQuery<NameQuery>,
    page: WantedPeople,
) -> Result<HttpResponse, Problem> {
    #[derive(Serialize)]
    struct SearchedFor {
        name: String,
    }
    let (InQuery(NameQuery { name }), WantedPeople { limit, cursor }) = (query, page);
    let missing = || ChatError::invalid(format!("`name` is missing: 1 to {NAME_QUERY_CHARS_MAX} characters"));
    let name = name.ok_or_else(missing)?;
    let beginning = NameBeginning::parse(&name).map_err(|error| ChatError::invalid(error.to_string()))?;
    let find = move |conn: &mut db::Connection| db::find_users_by_name(conn, &beginning, cursor.as_ref(), limit);
    let (items, next) =
        state.database.read(Reading::list(staff.by.account(), "find_users_by_name"), db::Scope::Nothing, find).await?;
    let details = Data::of(&SearchedFor { name });
    record(&state, staff, AuditAction::SearchUsers, AuditSubject::default(), Some(details)).await?;
    Ok(json_body(to_json(&UserPage { items, next_cursor: next.map(|next| next.to_string()) })))
}
