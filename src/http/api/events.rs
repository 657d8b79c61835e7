//! Events: everything that happened, for the marketplace's own backend.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::PAGE_BYTES_MAX;
#[cfg(test)]
use crate::http::responses::{AsService, CursorGone};
use crate::{
    actors::db_executor::purpose::Reading,
    api_docs::{self, IntoParams, ToSchema},
    db,
    domain::{Account, EventCursor},
    error::ChatError,
    http::{
        extract::{InQuery, Service, whole_number},
        problem::Problem,
        state::{AppState, json_body},
    },
    protocol::{json::to_json, view::EventView},
};

/// Most events of a page.
const EVENTS_MAX: i64 = 500;

/// Events of a page when the caller does not say.
const EVENTS_DEFAULT: i64 = 100;

/// Which page of the events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// `nextCursor` of the page before, or the `cursor` of the last event known; left out, it starts at the beginning.
    after: Option<String>,
    /// Most events of the page.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 100)]
    limit: Option<String>,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventList<'a> {
    /// In the order of commits.
    items: Vec<EventView<'a>>,
    /// The next request's `after`, also when there is nothing new.
    #[schema(value_type = String, example = "5e0c3b7a9d4f-1042-17")]
    next_cursor: EventCursor,
    /// Whether there are more by now.
    has_more: bool,
}

/// Lists what happened after a cursor, in the order of commits.
///
/// Keep `nextCursor` and ask again with it: no event is left out, and none ever appears before a cursor that was returned.
/// Each has the time of its commit in `at`. An event has its subject as it stands when it is read: a message that was
/// deleted in the meantime comes without its words. Several changes of one thing (edits of a message, read marks of a
/// member, puts of a product) may be coalesced into one event, at the position of the last. A request that changes nothing
/// leads to no event. Events don't expire.
///
/// # Errors
/// `invalid` for an `after` or `limit` that does not fit; `cursor_expired` for an `after` from before the database was
/// restored from a backup: what followed it is lost. Start without `after`, and treat what you have as outdated.
#[api_docs::path(
    get,
    path = "/api/v1/events",
    operation_id = "listEvents",
    tag = "events",
    security(("serviceKey" = [])),
    params(EventsQuery),
    responses((status = 200, description = "A page of events", body = EventList), AsService, CursorGone)
)]
pub async fn list_events(
    state: web::Data<AppState>,
    _: Service,
    query: InQuery<EventsQuery>,
) -> Result<HttpResponse, Problem> {
    let InQuery(query) = query;
    let limit = whole_number("limit", query.limit.as_deref(), 1..=EVENTS_MAX)?.unwrap_or(EVENTS_DEFAULT);
    let after = query.after.map(|after| after.parse::<EventCursor>()).transpose();
    let after = after.map_err(|error| ChatError::invalid(error.to_string()))?.unwrap_or_default();
    let page = state
        .database
        .read(Reading::heavy(Account::Service, "list_events"), db::Scope::Everything, move |conn| {
            db::list_events(conn, after, limit, PAGE_BYTES_MAX)
        })
        .await?;
    let presenter = state.presenter();
    let items = page.items.iter().map(|event| EventView::of(event, &presenter)).collect();
    Ok(json_body(to_json(&EventList { items, next_cursor: page.next, has_more: page.has_more })))
}
