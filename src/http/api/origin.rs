//! Whether a page may use this server: for a page that can't connect, to which its browser gives no reason.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web,
};
use serde::{Deserialize, Serialize};

#[cfg(test)]
use crate::http::responses::{Anyone, BadQuery};
use crate::{
    api_docs::{self, IntoParams, ToSchema},
    http::{extract::InQuery, problem::Problem, state::AppState},
};

/// Which origin.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OriginQuery {
    /// The page's own `location.origin`. Without it the request's `Origin` counts, which browsers leave out at home.
    #[param(example = "https://shop.example")]
    of: Option<String>,
}

/// Whether a page may use this server.
#[derive(Debug, Serialize, ToSchema)]
pub struct OriginStanding {
    /// Whether pages of that origin may open WebSockets and read answers. If not, the operator has to list it with `--allowed-origin`.
    allowed: bool,
}

/// Whether pages of an origin may use this server.
///
/// Pages of every origin may read this answer, and no other. To a page, a browser shows a refused connection as one that
/// failed. This answer distinguishes the two.
///
/// # Errors
/// `invalid` for a query that can't be read.
#[api_docs::path(
    get,
    path = "/api/v1/origin",
    operation_id = "getOrigin",
    tag = "operations",
    params(OriginQuery),
    responses((status = 200, description = "How the origin stands", body = OriginStanding), Anyone, BadQuery)
)]
pub async fn get_origin(
    state: web::Data<AppState>,
    request: HttpRequest,
    query: InQuery<OriginQuery>,
) -> Result<HttpResponse, Problem> {
    let InQuery(OriginQuery { of }) = query;
    let sent = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let allowed = of.as_deref().or(sent).is_none_or(|origin| state.origins.allows(origin, request.head()));
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")));
    Ok(response.insert_header((header::CACHE_CONTROL, "no-store")).json(OriginStanding { allowed }))
}
