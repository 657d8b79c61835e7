//! A request's id: made here, sent as `x-request-id`, written into every problem and into its log line.

use std::time::{Duration, Instant};

use actix_cors::CorsError;
use actix_web::{
    HttpResponse,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    middleware::Next,
};

use super::{
    admission::Arrival,
    body::{PIECE_BYTES, Pieces},
    problem::Problem,
    static_files,
};
use crate::error::{ChatError, ErrorCode};

/// How long the rest of a chunked body may take to arrive, and its response to leave.
const CHUNKED_REST: Duration = Duration::from_secs(5);

/// Middleware around every route: refuses what [`Arrival`] says, gives errors their id, and logs what failed.
///
/// # Errors
/// None of its own.
pub async fn with_request_id<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let id = new_id();
    let started = Instant::now();
    // Without the query: it may hold a token.
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let refused = request.conn_data::<Arrival>().and_then(|arrival| arrival.refusal(&path).cloned());
    let is_refused = refused.is_some();
    let mut response = match refused {
        Some(error) => request.into_response(refusal(&error, &id)),
        None => {
            let response = next.call(request).await?;
            match too_many_of(&response) {
                // The request is served already, and this is what it counts for. A client that continues opens a new
                // connection, and connections have a rate limit, too.
                Some(error) => response.into_response(refusal(&error, &id)),
                None => with_problem(response, &id),
            }
        }
    };
    if response.request().conn_data::<Arrival>().is_some_and(|arrival| arrival.refused.is_some()) {
        response.response_mut().head_mut().set_connection_type(actix_http::ConnectionType::Close);
    }
    if is_chunked && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        // actix-http reads the rest of a body without a length for as long as it comes, or does not come.
        response.response_mut().head_mut().set_connection_type(actix_http::ConnectionType::Close);
        let arrival = response.request().conn_data::<Arrival>();
        if let Some(socket) = arrival.and_then(|arrival| arrival.socket.as_ref()) {
            socket.shut_down_after(CHUNKED_REST);
        }
    }
    let status = response.status();
    // Refusals for the number of connections are counted, and not logged one by one.
    if status.is_server_error() && !is_refused {
        log::warn!("request={id} {method} {path} {} in {:.1?}", status.as_u16(), started.elapsed());
    } else {
        log::debug!("request={id} {method} {path} {} in {:.1?}", status.as_u16(), started.elapsed());
    }
    if !static_files::is_kept(response.headers()) {
        set_id(response.headers_mut(), &id);
    }
    if status != StatusCode::SWITCHING_PROTOCOLS && !response.headers().contains_key(header::CACHE_CONTROL) {
        // Whatever is not known to be public is one user's own.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
    Ok(response)
}

/// An answer to a client that is disconnected.
fn refusal(error: &ChatError, id: &str) -> HttpResponse {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::TOO_MANY_REQUESTS);
    let mut response = Problem::render(error, status, Some(id));
    response.head_mut().set_connection_type(actix_http::ConnectionType::Close);
    response
}

/// What stands in the way of an answer to a request without a token: its address has sent too many.
fn too_many_of<B>(response: &ServiceResponse<B>) -> Option<ChatError> {
    let request = response.request();
    // An upgrade counts as the connection that it is.
    let is_upgrade = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let arrival = request.conn_data::<Arrival>().filter(|_| !is_upgrade)?;
    arrival.count_request(request.headers()).err()
}

/// Answers errors as a problem, and sends a long body in pieces.
fn with_problem<B: MessageBody + 'static>(response: ServiceResponse<B>, id: &str) -> ServiceResponse<BoxBody> {
    let Some((error, status)) = problem_of(&response) else { return in_pieces(response, id) };
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut response = response.into_response(Problem::render(&error, status, Some(id)));
    if let Some(allow) = allow {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// Lets a long body out in pieces, if its account has few that wait.
fn in_pieces<B: MessageBody + 'static>(response: ServiceResponse<B>, id: &str) -> ServiceResponse<BoxBody> {
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let body = match body.try_into_bytes() {
        Ok(bytes) if bytes.len() <= PIECE_BYTES => BoxBody::new(bytes),
        Ok(bytes) => {
            let counted =
                request.conn_data::<Arrival>().map(|arrival| arrival.count_unsent(request.headers(), bytes.len()));
            match counted.transpose() {
                Ok(unsent) => BoxBody::new(Pieces::weighed(bytes, unsent.flatten())),
                Err(error) => {
                    let refused = Problem::render(&error, StatusCode::TOO_MANY_REQUESTS, Some(id));
                    return ServiceResponse::new(request, refused);
                }
            }
        }
        Err(body) => body.boxed(),
    };
    ServiceResponse::new(request, response.set_body(body))
}

/// Middleware around CORS: a preflight that it refuses is answered with a problem, like any other error.
///
/// # Errors
/// None of its own.
pub async fn with_refused_preflights<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let response = next.call(request).await?;
    let Some(refused) = response.response().error().and_then(|error| error.as_error::<CorsError>()) else {
        return Ok(response.map_into_left_body());
    };
    let error = ChatError::new(
        ErrorCode::Forbidden,
        match refused {
            CorsError::MethodNotAllowed => "pages of other origins may use GET, POST, PUT, PATCH and DELETE",
            CorsError::BadRequestHeaders => "`access-control-request-headers` must be a list of names of headers",
            _ => "pages of this origin may not use this server: add it with --allowed-origin",
        },
    );
    let id = new_id();
    log::debug!("request={id} refused a preflight: {refused}");
    let mut problem = Problem::render(&error, StatusCode::FORBIDDEN, Some(&id));
    set_id(problem.headers_mut(), &id);
    Ok(response.into_response(problem).map_into_right_body())
}

fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn set_id(headers: &mut header::HeaderMap, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(header::HeaderName::from_static("x-request-id"), value);
    }
}

/// What a failed response says: haggle's own error, or one of actix-web's in the contract's words.
fn problem_of<B>(response: &ServiceResponse<B>) -> Option<(ChatError, StatusCode)> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    if let Some(problem) = response.response().error().and_then(|error| error.as_error::<Problem>()) {
        return Some((problem.0.clone(), status));
    }
    // A problem is rendered already, and `/readyz` says in JSON what is down. actix-web's own errors are plain text.
    let is_told = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/problem+json" || kind == "application/json");
    if is_told {
        return None;
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = response.headers().get(header::ALLOW).and_then(|allow| allow.to_str().ok()).unwrap_or("another");
        let sentence = format!("there is nothing at this address for this method, use {allowed}");
        return Some((ChatError::not_found(sentence), status));
    }
    let (code, sentence) = match status {
        StatusCode::NOT_FOUND => (ErrorCode::NotFound, "there is nothing at this address"),
        StatusCode::PAYLOAD_TOO_LARGE => (ErrorCode::TooLarge, "the body is too large"),
        StatusCode::REQUEST_TIMEOUT => (ErrorCode::Invalid, "the request took too long to arrive"),
        status if status.is_client_error() => (ErrorCode::Invalid, "the request could not be read"),
        _ => (ErrorCode::Internal, "something went wrong here; tell the operator the request id"),
    };
    Some((ChatError::new(code, sentence), status))
}
