//! Which pages may use this server: the same list for CORS and for WebSocket upgrades (RFC 6455 section 10.2).

use actix_cors::Cors;
use actix_web::{
    HttpRequest,
    http::{Method, header},
};

use crate::error::{ChatError, ErrorCode};

/// Any origin.
const ANY: &str = "*";

/// Lets browsers of the listed origins use REST and polls, with credentials (Socket.IO's `withCredentials`) where an origin is
/// listed by its name. Without a list only the server's own pages can.
pub fn cors(allowed: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers(["x-request-id", "retry-after"])
        .max_age(3600);
    if allowed.iter().any(|origin| origin == ANY) {
        return cors.allow_any_origin();
    }
    if allowed.is_empty() {
        return cors;
    }
    allowed.iter().fold(cors.supports_credentials(), |cors, origin| cors.allowed_origin(origin))
}

/// Refuses a WebSocket upgrade from a foreign page. Clients that are no browsers send no origin.
///
/// # Errors
/// `forbidden` when the request has an `Origin` that is neither the server's own nor listed.
pub fn check(request: &HttpRequest, allowed: &[String]) -> Result<(), ChatError> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let own = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let same = own.is_some_and(|own| origin.split_once("://").is_some_and(|(_, host)| host.eq_ignore_ascii_case(own)));
    if same || allowed.iter().any(|listed| listed == ANY || listed.eq_ignore_ascii_case(origin)) {
        return Ok(());
    }
    Err(ChatError::new(ErrorCode::Forbidden, "this page's origin may not connect: add it with --allowed-origin"))
}
