//! The requests of Engine.IO: handshakes, polls, posts and WebSockets of any [`Application`].
//!
//! Errors have the protocol's own form, `{"code", "message"}`, and not that of a problem document.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    rt, web,
};
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use futures_util::StreamExt;
use serde_json::json;
use tokio::sync::oneshot;

use super::{
    admission::{Client, note_body, note_known},
    origin::Origins,
};
use crate::{
    actors::{
        outbox::Outbox,
        session::{
            engine_io::{
                Application, Candidate, Carrier, EngineSession, EngineSettings, Link, PollNotice, Post, Sessions,
                UpgradeFrame,
            },
            transport::{self, FRAGMENTS_MAX, FrameStream, PromisedSocket, Successor},
        },
    },
    domain::Account,
    error::{ChatError, ErrorCode},
    protocol::{
        engine_io::{packet, payload},
        websocket,
    },
};

/// Bytes that wait on a WebSocket that has not taken over: the answer to its probe.
const CANDIDATE_BYTES_MAX: usize = 4096;

/// How long the body of a post may take while the session's client has not signed in. Afterwards it is as long as a session
/// may be silent.
const UNSIGNED_POST_WAIT: Duration = Duration::from_secs(10);

/// One address that speaks Engine.IO. One value per worker; the sessions are shared.
pub struct Endpoint<A: Application> {
    /// The live sessions.
    pub sessions: Arc<Sessions<A>>,
    /// Makes a session's application from its first request.
    pub open: Box<dyn Fn(&HttpRequest) -> A>,
    /// Refuses new sessions: when the server is about to end.
    pub refuse: Box<dyn Fn() -> Option<ChatError>>,
    /// Whose pages may open WebSockets.
    pub origins: Arc<Origins>,
}

/// Why a request is refused: the codes of the protocol, and what HTTP itself has a status for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum EngineRefusal {
    UnknownTransport,
    UnknownSession,
    BadHandshakeMethod,
    BadRequest,
    Forbidden,
    UnsupportedVersion,
    TooLarge,
    /// Not now: over a limit, or draining.
    Chat(ChatError),
}

impl EngineRefusal {
    fn response(&self) -> HttpResponse {
        let (status, code, message) = match self {
            Self::UnknownTransport => (StatusCode::BAD_REQUEST, 0, "Transport unknown"),
            Self::UnknownSession => (StatusCode::BAD_REQUEST, 1, "Session ID unknown"),
            Self::BadHandshakeMethod => (StatusCode::BAD_REQUEST, 2, "Bad handshake method"),
            Self::BadRequest => (StatusCode::BAD_REQUEST, 3, "Bad request"),
            Self::Forbidden => (StatusCode::FORBIDDEN, 4, "Forbidden"),
            Self::UnsupportedVersion => (StatusCode::BAD_REQUEST, 5, "Unsupported protocol version"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 3, "Payload too large"),
            Self::Chat(error) => {
                let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
                (status, 4, &*error.message)
            }
        };
        let mut response = HttpResponse::build(status);
        if let Self::Chat(ChatError { retry_after_ms: Some(ms), .. }) = self {
            response.insert_header((header::RETRY_AFTER, ms.div_ceil(1000)));
        }
        // As JSON, which the request log leaves as it is.
        response.json(json!({ "code": code, "message": message }))
    }
}

impl From<ChatError> for EngineRefusal {
    fn from(error: ChatError) -> Self {
        if error.code == ErrorCode::Forbidden { Self::Forbidden } else { Self::Chat(error) }
    }
}

/// What a request's query says.
#[derive(Debug, Default)]
struct Query<'a> {
    revision: Option<&'a str>,
    transport: Option<&'a str>,
    sid: Option<&'a str>,
}

impl<'a> Query<'a> {
    /// None of these values needs an escape, so one with an escape is an unknown value.
    fn read(query: &'a str) -> Self {
        let mut read = Self::default();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "EIO" => read.revision = Some(value),
                "transport" => read.transport = Some(value),
                "sid" if !value.is_empty() => read.sid = Some(value),
                _ => {}
            }
        }
        read
    }
}

/// Adds an endpoint's address, which ends with `/`, to the routes. The application must have its [`Endpoint`] as data.
pub fn routes<A: Application>(path: &'static str) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config.route(path, web::route().to(serve::<A>));
        config.route(path.trim_end_matches('/'), web::route().to(serve::<A>));
    }
}

/// Serves one request of an endpoint.
pub async fn serve<A: Application>(
    request: HttpRequest,
    payload: web::Payload,
    endpoint: web::Data<Endpoint<A>>,
) -> HttpResponse {
    let answer = answer(&request, payload, &endpoint).await;
    answer.unwrap_or_else(|refusal| refusal.response())
}

async fn answer<A: Application>(
    request: &HttpRequest,
    payload: web::Payload,
    endpoint: &Endpoint<A>,
) -> Result<HttpResponse, EngineRefusal> {
    let query = Query::read(request.query_string());
    let websocket = match query.transport {
        Some("polling") => false,
        Some("websocket") => true,
        _ => return Err(EngineRefusal::UnknownTransport),
    };
    let upgrades = request
        .headers()
        .get(header::UPGRADE)
        .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let Some(sid) = query.sid else {
        if request.method() != Method::GET {
            return Err(EngineRefusal::BadHandshakeMethod);
        }
        if query.revision != Some(packet::REVISION) {
            return Err(EngineRefusal::UnsupportedVersion);
        }
        if websocket != upgrades {
            return Err(EngineRefusal::BadRequest);
        }
        if let Some(error) = (endpoint.refuse)() {
            return Err(EngineRefusal::Chat(error));
        }
        let client = Client::of(request);
        client.count_connect()?;
        return if websocket {
            open_websocket(request, client, endpoint)
        } else {
            open_polling(request, &client, endpoint).await
        };
    };
    let link = endpoint.sessions.find(sid).ok_or(EngineRefusal::UnknownSession)?;
    if link.is_signed_in() {
        note_known(request, Account::Server);
    }
    if link.is_overdue() {
        notify(&link, PollNotice::Over);
        return Err(EngineRefusal::UnknownSession);
    }
    match *request.method() {
        Method::GET if websocket && upgrades => upgrade(request, endpoint, &link),
        _ if websocket || upgrades || !link.is_polling() => Err(EngineRefusal::BadRequest),
        Method::GET => poll(&link, endpoint.sessions.settings().payload_bytes_max).await,
        Method::POST => post(request, payload, &link, endpoint.sessions.settings()).await,
        _ => Err(EngineRefusal::BadRequest),
    }
}

async fn open_polling<A: Application>(
    request: &HttpRequest,
    client: &Client,
    endpoint: &Endpoint<A>,
) -> Result<HttpResponse, EngineRefusal> {
    let application = (endpoint.open)(request);
    let link = EngineSession::open(&endpoint.sessions, application, client.address, Carrier::Polling, |_, _| {})?;
    poll(&link, endpoint.sessions.settings().payload_bytes_max).await
}

fn limits(bytes_max: usize) -> websocket::FrameLimits {
    websocket::FrameLimits { message_bytes_max: bytes_max, fragments_max: FRAGMENTS_MAX }
}

fn accept(request: &HttpRequest, origins: &Origins) -> Result<(HttpResponse, PromisedSocket), EngineRefusal> {
    origins.check(request)?;
    let (mut response, promised) = transport::accept(request, &[]).map_err(|_| EngineRefusal::BadRequest)?;
    Ok((response.finish(), promised))
}

fn open_websocket<A: Application>(
    request: &HttpRequest,
    client: Client,
    endpoint: &Endpoint<A>,
) -> Result<HttpResponse, EngineRefusal> {
    let (response, promised) = accept(request, &endpoint.origins)?;
    let limits = limits(endpoint.sessions.settings().payload_bytes_max);
    let unsigned_bytes_max = endpoint.sessions.settings().unsigned_bytes_max;
    let application = (endpoint.open)(request);
    let carrier = Carrier::WebSocket(client.socket);
    EngineSession::open(&endpoint.sessions, application, client.address, carrier, |ctx, link| {
        let frames = FrameStream::new(promised, limits, link.in_flight.clone(), Arc::clone(&link.outbox));
        let frames = frames.until_signed_in(unsigned_bytes_max, has_signed_in(link));
        actix::AsyncContext::add_stream(ctx, frames);
    })?;
    Ok(response)
}

/// Whether a session's client has signed in, asked without keeping the session.
fn has_signed_in<A: Application>(link: &Arc<Link<A>>) -> impl Fn() -> bool + 'static {
    let link = Arc::downgrade(link);
    move || link.upgrade().is_some_and(|link| link.is_signed_in())
}

/// Lets a WebSocket try to take over. The session may live on another worker, so a task here reads the frames for it. Where
/// another WebSocket tries already, or has taken over, this one is closed as soon as it stands.
fn upgrade<A: Application>(
    request: &HttpRequest,
    endpoint: &Endpoint<A>,
    link: &Arc<Link<A>>,
) -> Result<HttpResponse, EngineRefusal> {
    let (response, promised) = accept(request, &endpoint.origins)?;
    let Some(candidate) = link.begin_upgrade() else {
        // As the reference does it, whose clients know no answer of HTTP's to a session that they have.
        rt::spawn(transport::turn_away(promised));
        return Ok(response);
    };
    let socket = Client::of(request).socket;
    let outbox = Arc::new(Outbox::new(CANDIDATE_BYTES_MAX, socket.clone()));
    let limits = limits(endpoint.sessions.settings().payload_bytes_max);
    let has_taken_over = {
        let link = Arc::clone(link);
        Box::new(move || !link.is_polling())
    };
    let successor = Successor { outbox: Arc::clone(&link.outbox), has_taken_over };
    let frames = FrameStream::new(promised, limits, link.in_flight.clone(), Arc::clone(&outbox));
    let unsigned_bytes_max = endpoint.sessions.settings().unsigned_bytes_max;
    let frames = frames.until_signed_in(unsigned_bytes_max, has_signed_in(link));
    let mut frames = frames.with_successor(successor);
    #[expect(clippy::disallowed_methods, reason = "one candidate of a session at a time")]
    link.addr.do_send(Candidate { number: candidate, outbox, socket });
    let addr = link.addr.clone();
    rt::spawn(async move {
        while let Some(frame) = frames.next().await {
            if addr.send(UpgradeFrame { candidate, frame: Some(frame) }).await.is_err() {
                return;
            }
        }
        // A session that has ended needs no notice.
        let _ = addr.send(UpgradeFrame { candidate, frame: None }).await;
    });
    Ok(response)
}

/// Notifies the session that its client disconnected, unless the request has completed.
struct Watched<'a, A: Application>(Option<&'a Link<A>>);

impl<A: Application> Watched<'_, A> {
    fn came_to_its_end(mut self) {
        self.0 = None;
    }
}

impl<A: Application> Drop for Watched<'_, A> {
    fn drop(&mut self) {
        if let Some(link) = self.0 {
            notify(link, PollNotice::Aborted);
        }
    }
}

fn notify<A: Application>(link: &Link<A>, notice: PollNotice) {
    #[expect(
        clippy::disallowed_methods,
        reason = "at most one for each of a session's requests, of which two are open"
    )]
    link.addr.do_send(notice);
}

fn text(body: Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=UTF-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body)
}

async fn poll<A: Application>(link: &Link<A>, bytes_max: usize) -> Result<HttpResponse, EngineRefusal> {
    let Some(turn) = link.take_poll() else {
        notify(link, PollNotice::Broken);
        return Err(EngineRefusal::BadRequest);
    };
    let began_while_upgrading = link.is_upgrading();
    let watched = Watched(Some(link));
    let payload = poll_fn(|cx| {
        if link.is_polling() {
            return link.outbox.poll_payload(cx, bytes_max).map(Ok);
        }
        // Polling has ended. A client that waits for its last poll before it completes an upgrade has none open by now.
        Poll::Ready(Err(()))
    })
    .await;
    watched.came_to_its_end();
    // Before the answer leaves: the next poll may come at once.
    drop(turn);
    match payload {
        Ok(Some(payload)) => {
            if link.outbox.has_ended() {
                notify(link, PollNotice::Over);
            }
            Ok(text(payload))
        }
        Ok(None) => Err(EngineRefusal::UnknownSession),
        Err(()) if began_while_upgrading => Err(EngineRefusal::BadRequest),
        Err(()) => Ok(text(Bytes::from_static(packet::NOOP.as_bytes()))),
    }
}

async fn post<A: Application>(
    request: &HttpRequest,
    payload: web::Payload,
    link: &Arc<Link<A>>,
    settings: &EngineSettings,
) -> Result<HttpResponse, EngineRefusal> {
    let (bytes_max, wait) = if link.is_signed_in() {
        (settings.payload_bytes_max, settings.ping_interval + settings.ping_timeout)
    } else {
        (settings.unsigned_bytes_max, UNSIGNED_POST_WAIT)
    };
    let broken = || {
        notify(link, PollNotice::Broken);
        EngineRefusal::BadRequest
    };
    let too_large = || {
        notify(link, PollNotice::TooLarge);
        EngineRefusal::TooLarge
    };
    if link.is_ending() {
        return Err(EngineRefusal::UnknownSession);
    }
    let turn = link.take_post().ok_or_else(broken)?;
    let kind = request.headers().get(header::CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/octet-stream")) {
        return Err(broken());
    }
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > bytes_max) {
        return Err(too_large());
    }
    note_body(request, bytes_max);
    let watched = Watched(Some(link));
    let body = rt::time::timeout(wait, read(payload, bytes_max)).await;
    watched.came_to_its_end();
    let body = match body {
        Ok(Ok(Some(body))) => body,
        Ok(Ok(None)) => return Err(too_large()),
        // Broken off, or slower than a session may be silent.
        Ok(Err(())) | Err(_) => {
            notify(link, PollNotice::Aborted);
            return Err(EngineRefusal::BadRequest);
        }
    };
    let body = ByteString::try_from(body).map_err(|_| broken())?;
    let packets = payload::decode(body, settings.payload_packets_max).map_err(|_| broken())?;
    let (taken, all_taken) = oneshot::channel();
    if link.addr.send(Post { packets, turn, taken }).await.is_err() {
        return Err(EngineRefusal::UnknownSession);
    }
    // It closes without a word.
    let _ = all_taken.await;
    Ok(HttpResponse::Ok().content_type("text/html").body("ok"))
}

/// Reads a body; `None` when it exceeds the limit, an error when it does not arrive.
async fn read(mut payload: web::Payload, bytes_max: usize) -> Result<Option<Bytes>, ()> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ())?;
        if body.len() + chunk.len() > bytes_max {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}
