//! `WsSession`: the plain wire's session, one actor a WebSocket.
//!
//! `actix-web-actors` serves the handshake. Its `WebsocketContext` does not serve the session: it is the response's body, so
//! it stands still, timers and all, while its client does not read.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, StreamHandler, WrapFuture};
use actix_web::{HttpRequest, HttpResponse};

use super::{
    chat::{ChatSession, Next, ROOM_WAIT, Wire},
    services::Services,
    transport::{self, FRAGMENTS_MAX, FrameStream, HandshakeError, ReadError},
};
use crate::{
    actors::{
        hub::{HubNotice, SessionNotice},
        outbox::{ConnectionSocket, OutFrame, Outbox},
    },
    auth::{Identity, token_source::SUBPROTOCOL},
    chat::{in_flight::InFlight, rooms::Feed, user_limits::SessionPlace},
    error::{ChatError, CloseCode, ErrorCode},
    metrics,
    protocol::{json, push::Encoding, websocket},
};

/// How long the client has to answer a close frame before its connection is cut.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// One client on the plain wire.
pub struct WsSession {
    chat: ChatSession,
    services: Arc<Services>,
    outbox: Arc<Outbox>,
    peer: Option<IpAddr>,
    opened: Instant,
    seen: Instant,
    ending: Option<&'static str>,
    /// The server shuts down: nothing new is accepted.
    draining: bool,
    /// What lives as long as the connection, such as its place among its address's.
    _held: Option<Box<dyn std::any::Any>>,
}

/// Who connects, and over what.
pub struct WsConnection {
    /// The client's identity.
    pub identity: Identity,
    /// From where.
    pub peer: Option<IpAddr>,
    /// Its socket, to be shut down when it hangs.
    pub socket: Option<ConnectionSocket>,
    /// The session's place among the user's.
    pub place: SessionPlace,
    /// What lives as long as the connection, such as its place among its address's.
    pub held: Option<Box<dyn std::any::Any>>,
}

impl WsSession {
    /// Upgrades a request and starts its session.
    ///
    /// # Errors
    /// [`HandshakeError`] when the request is not a WebSocket handshake (RFC 6455 section 4.2.1).
    pub fn start(
        request: &HttpRequest,
        connection: WsConnection,
        services: Arc<Services>,
    ) -> Result<HttpResponse, HandshakeError> {
        let (mut response, socket) = transport::accept(request, &[SUBPROTOCOL])?;
        let outbox = Arc::new(Outbox::new(services.limits.outbox_bytes_max, connection.socket));
        Self::create(|ctx| {
            let notices = ctx.address().downgrade().recipient();
            let wire = Wire {
                outbox: Arc::clone(&outbox),
                in_flight: InFlight::default(),
                encoding: Encoding::Json,
                feed: Feed::Chat,
                welcome: None,
            };
            let chat = ChatSession::open(connection.identity, connection.place, Arc::clone(&services), wire, notices);
            let limits = websocket::FrameLimits {
                message_bytes_max: services.limits.transport_bytes_max(),
                fragments_max: FRAGMENTS_MAX,
            };
            ctx.add_stream(FrameStream::new(socket, limits, chat.in_flight().clone(), Arc::clone(&outbox)));
            let now = Instant::now();
            Self {
                chat,
                services,
                outbox,
                peer: connection.peer,
                opened: now,
                seen: now,
                ending: None,
                draining: false,
                _held: connection.held,
            }
        });
        Ok(response.finish())
    }

    fn follow(&mut self, next: Next, ctx: &mut Context<Self>) {
        match next {
            Next::Continue => {}
            Next::AwaitRoom => {
                ctx.run_later(ROOM_WAIT, |session, _| session.chat.give_up_waiting());
            }
            Next::Verify { token, request } => {
                let verifier = Arc::clone(&self.services.verifier);
                // One at a time: a second `authenticate` waits for the first, and so does everything after it.
                ctx.wait(async move { verifier.verify(&token).await }.into_actor(self).map(
                    move |verified, session: &mut Self, _| {
                        // In the meantime nothing from the client was read, and no ping was sent.
                        session.seen = Instant::now();
                        session.chat.renewed(request.as_ref(), verified);
                    },
                ));
            }
            Next::End(code, error) => {
                self.chat.notice(&error, None);
                self.end(code, &error.message, ctx);
            }
        }
    }

    /// Ends the connection: a close frame, then the client's answer to it or the end of its patience.
    fn end(&mut self, code: CloseCode, reason: &str, ctx: &mut Context<Self>) {
        self.outbox.close(code.number(), reason);
        self.await_close(ctx);
    }

    fn await_close(&mut self, ctx: &mut Context<Self>) {
        if self.ending.is_none() {
            self.ending = Some("closed");
            ctx.run_later(CLOSE_WAIT, |session, ctx| {
                session.outbox.finish();
                ctx.stop();
            });
        }
    }

    fn ping(&mut self) {
        if self.ending.is_none() {
            // A full outbox ends by itself.
            let _ = self.outbox.push(OutFrame::Ping);
        }
    }

    /// Drops a client that has shown no sign of life since a ping.
    fn expect_pong(&mut self, pinged: Instant, ctx: &mut Context<Self>) {
        // After what its socket holds: a worker that was blocked finds that and the notice at once.
        let socket_read = async {}.into_actor(self);
        ctx.spawn(socket_read.map(move |(), session, ctx| {
            // A client that is not being read can't show a sign of life. One that does not read what makes it so is
            // dropped for the age of that.
            let is_read = !session.chat.in_flight().is_full() && !session.outbox.is_heavy();
            if session.seen < pinged && is_read && session.ending.is_none() {
                metrics::count(&session.services.metrics.evictions, "ping_timeout");
                session.ending = Some("no pong");
                session.outbox.abort();
                ctx.stop();
            }
        }));
    }

    fn drain(&mut self, patience: Duration, ctx: &mut Context<Self>) {
        self.draining = true;
        let in_flight = self.chat.in_flight().clone();
        let idle = async move { tokio::time::timeout(patience, in_flight.idle()).await };
        ctx.spawn(idle.into_actor(self).map(|_, session, ctx| {
            session.end(CloseCode::Restart, "the server restarts, come back", ctx);
        }));
    }
}

impl Actor for WsSession {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        // actix also stops an actor whose task unwinds: its client is notified and disconnected.
        if std::thread::panicking() {
            self.ending = Some("panicked");
            self.outbox.close(CloseCode::InternalError.number(), "something went wrong here");
        }
        self.outbox.finish();
        log::info!(
            "session={} user={} wire=json peer={} lasted={:.1}s end={}",
            self.chat.id(),
            self.chat.user(),
            self.peer.map_or_else(|| "-".to_owned(), |peer| peer.to_string()),
            self.opened.elapsed().as_secs_f64(),
            self.ending.unwrap_or("lost"),
        );
    }
}

impl StreamHandler<Result<websocket::Incoming, ReadError>> for WsSession {
    fn handle(&mut self, frame: Result<websocket::Incoming, ReadError>, ctx: &mut Self::Context) {
        use websocket::Incoming;
        self.seen = Instant::now();
        match frame {
            Ok(Incoming::Close(close)) => {
                // RFC 6455 section 5.5.1: the client's own code is given back.
                self.outbox.close(close.map_or(CloseCode::Normal.number(), |(code, _)| code), "");
                self.outbox.finish();
                self.ending.get_or_insert("left");
                ctx.stop();
            }
            Err(ReadError::Connection(_)) => ctx.stop(),
            Err(ReadError::Frame(error)) if self.ending.is_none() => {
                self.ending = Some("broken frame");
                let code =
                    if error.close_code() == CloseCode::TooBig { ErrorCode::TooLarge } else { ErrorCode::Invalid };
                self.chat.notice(&ChatError::new(code, error.to_string()), None);
                self.outbox.close(error.close_code().number(), &error.to_string());
                self.outbox.finish();
                ctx.stop();
            }
            _ if self.ending.is_some() => {}
            // Without an answer the client sends it again when it reconnects.
            Ok(Incoming::Text(_)) if self.draining => {}
            Ok(Incoming::Text(text)) => {
                #[cfg(test)]
                crate::chat::panics::if_asked(Some(&text), "session");
                let request = json::decode(&text);
                let next = self.chat.handle(request.id, &request.name, request.event);
                self.follow(next, ctx);
            }
            Ok(Incoming::Binary(_)) => {
                let reason = "this wire takes text frames only";
                self.chat.notice(&ChatError::invalid(reason), None);
                self.end(CloseCode::Unsupported, reason, ctx);
            }
            Ok(Incoming::Ping(payload)) => match self.chat.admit_control() {
                // A full outbox ends by itself.
                Ok(()) => drop(self.outbox.push(OutFrame::Pong(payload))),
                Err(next) => self.follow(next, ctx),
            },
            Ok(Incoming::Pong(_)) => {
                if let Err(next) = self.chat.admit_control() {
                    self.follow(next, ctx);
                }
            }
            Err(_) => {}
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<SessionNotice> for WsSession {
    type Result = ();

    fn handle(&mut self, SessionNotice { notice, .. }: SessionNotice, ctx: &mut Self::Context) {
        match notice {
            HubNotice::Joined { room, entered } => self.chat.joined(&room, entered),
            // Its wire has no recovery.
            HubNotice::Resumed(_) | HubNotice::TakenOver => {}
            HubNotice::PingDue => self.ping(),
            HubNotice::PongDue { pinged } => self.expect_pong(pinged, ctx),
            HubNotice::TokenExpired { ended_at } => {
                let next = self.chat.expired(ended_at);
                self.follow(next, ctx);
            }
            HubNotice::Draining(patience) => self.drain(patience, ctx),
            HubNotice::Ending => self.await_close(ctx),
        }
    }
}
