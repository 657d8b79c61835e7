//! Searching one's own conversations.

use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::removed_user;
use crate::{
    actors::message_indexer,
    db::{self, SearchCursor},
    domain::search::{FoundMessage, QUERY_CHARS_MAX, SearchTerms},
    error::ChatError,
    http::{
        extract::{InQuery, SignedIn, whole_number},
        openapi::problems::AsUser,
        problem::Problem,
        state::AppState,
    },
};

/// Most messages of a page.
const FOUND_MAX: i64 = 50;

/// Messages of a page when the caller does not say.
const FOUND_DEFAULT: i64 = 20;

/// What to search for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// Words that a message must all hold, in any order and any case, also inside of longer words; at most 8.
    #[param(value_type = String, min_length = 1, max_length = 100, required = true)]
    q: Option<String>,
    /// Most messages of the page.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 50, default = 20)]
    limit: Option<String>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// A page of messages that were found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundPage {
    /// Newest first.
    items: Vec<FoundMessage>,
    /// Goes into `cursor` for the next page; absent at the end. A page may be short, even empty, and still have a next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Searches the messages of one's own rooms, newest first, with the hits marked.
///
/// Terms may be as short as one character. What was edited is found by its new words, what was deleted not at all.
///
/// # Errors
/// `invalid` for a query without words, `forbidden` for a user who was removed, `unavailable` while a large import is
/// being taken in.
#[utoipa::path(
    get,
    path = "/api/v1/search",
    operation_id = "searchMessages",
    tag = "messages",
    security(("userToken" = [])),
    params(SearchQuery),
    responses((status = 200, description = "A page of messages", body = FoundPage), AsUser)
)]
pub async fn search_messages(
    state: web::Data<AppState>,
    user: SignedIn,
    query: InQuery<SearchQuery>,
) -> Result<web::Json<FoundPage>, Problem> {
    let (SignedIn(identity), InQuery(SearchQuery { q, limit, cursor })) = (user, query);
    let missing = || ChatError::invalid(format!("`q` is missing: 1 to {QUERY_CHARS_MAX} characters to search for"));
    let terms = SearchTerms::parse(&q.ok_or_else(missing)?).map_err(|error| ChatError::invalid(error.to_string()))?;
    let limit = whole_number("limit", limit.as_deref(), 1..=FOUND_MAX)?.unwrap_or(FOUND_DEFAULT);
    let limit = usize::try_from(limit).unwrap_or(1);
    let cursor = cursor.map(|cursor| cursor.parse::<SearchCursor>()).transpose();
    let cursor = cursor.map_err(|error| ChatError::invalid(error.to_string()))?;
    message_indexer::catch_up(&state.database).await?;
    let id = identity.user;
    let page = state
        .database
        .read(move |conn| {
            if db::is_deleted(conn, &id)? {
                return Ok(None);
            }
            db::search_messages(conn, &id, &terms, cursor, limit).map(Some)
        })
        .await?;
    let (items, next) = page.ok_or_else(removed_user)?;
    Ok(web::Json(FoundPage { items, next_cursor: next.map(|cursor| cursor.to_string()) }))
}
