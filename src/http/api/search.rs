//! Search in the caller's own conversations.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{PAGE_BYTES_MAX, read_own};
use crate::{
    actors::db_executor::purpose::Reading,
    db::{self, SearchCursor, SearchPage},
    domain::{
        UserId,
        search::{QUERY_CHARS_MAX, SearchTerms},
    },
    error::ChatError,
    http::{
        extract::{InQuery, PageOf, SignedIn},
        problem::Problem,
        responses::AsUser,
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
#[utoipa::path(
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
    let missing = || ChatError::invalid(format!("`q` is missing: 1 to {QUERY_CHARS_MAX} characters to search for"));
    let terms = SearchTerms::parse(&q.ok_or_else(missing)?).map_err(|error| ChatError::invalid(error.to_string()))?;
    let page = SearchPage { limit: usize::try_from(limit).unwrap_or(1), bytes_max: PAGE_BYTES_MAX };
    let search = move |conn: &mut db::Connection, user: &UserId| db::search_messages(conn, user, &terms, cursor, page);
    let (found, next) =
        read_own(&state, Reading::heavy(identity.user.clone(), "search"), identity.user, search).await?;
    let presenter = state.presenter();
    let items = found.iter().map(|found| FoundMessageView::of(found, &presenter)).collect();
    Ok(json_body(to_json(&FoundPage { items, next_cursor: next.map(|cursor| cursor.to_string()) })))
}
