//! `EngineSession`: one Engine.IO session, one actor, whatever carries it: polls, a WebSocket, or first the one and then
//! the other.
//!
//! It is tied to no HTTP connection. Polls of any worker find it by its id in [`sessions::Sessions`] and drain its outbox
//! themselves; a WebSocket that it moves to may live on another worker, too. What its messages mean is the affair of an
//! [`Application`]: Socket.IO for the chat, an echo for the suites that test the wire.

mod heartbeat;
mod post;
pub mod sessions;
mod upgrade;
mod websocket;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message as ActixMessage, SpawnHandle,
    fut::wrap_future,
};
use bytes::Bytes;
use bytestring::ByteString;

use crate::{
    actors::outbox::{ConnectionSocket, OutFrame, Outbox},
    chat::in_flight::InFlight,
    error::{ChatError, CloseCode},
    protocol::engine_io::{Open, Packet, packet},
};
use heartbeat::Heartbeat;
pub use post::Post;
pub use sessions::{Link, Registration, Sessions};
use upgrade::Upgrade;
pub use upgrade::{Candidate, UpgradeFrame};

/// How long a client has to fetch the last packet or to answer the close frame, before its session ends.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// How long a session that its client has closed waits for a poll that the close overtook.
const OVERTAKEN_WAIT: Duration = Duration::from_millis(100);

/// The terms of a session.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Name of the node among several. A session's id begins with it and a full stop, so that a load balancer can send
    /// each of its requests to where it lives, no matter who asks and from where.
    pub node_name: Option<String>,
    /// Time between the server's pings.
    pub ping_interval: Duration,
    /// Time that a pong may take.
    pub ping_timeout: Duration,
    /// Time that an upgrade may take as a whole.
    pub upgrade_timeout: Duration,
    /// Most bytes of a payload over HTTP, and of a message over WebSocket.
    pub payload_bytes_max: usize,
    /// The same while the client has not signed in: all that it has to send is a token.
    pub unsigned_bytes_max: usize,
    /// Most packets of a payload.
    pub payload_packets_max: usize,
    /// Bytes that wait for a client which reads slowly.
    pub outbox_bytes_max: usize,
}

/// What is spoken on Engine.IO sessions: one value for each session, and all on that session's actor.
pub trait Application: Sized + Unpin + 'static {
    /// Its name in the log.
    const NAME: &'static str;

    /// The session stands, and its open packet is written.
    fn opened(&mut self, connection: &mut EngineConnection<'_, Self>);

    /// A message of text came.
    fn text(&mut self, text: ByteString, connection: &mut EngineConnection<'_, Self>);

    /// A message of bytes came.
    fn binary(&mut self, bytes: Bytes, connection: &mut EngineConnection<'_, Self>);

    /// A frame or packet came that is only there to keep the connection alive.
    fn kept_alive(&mut self, _connection: &mut EngineConnection<'_, Self>) {}

    /// The client broke the wire or a limit of it. Its session ends next.
    fn refused(&mut self, _error: &ChatError, _connection: &mut EngineConnection<'_, Self>) {}

    /// The server shuts down: ends the session now, or when the accepted events are finished.
    fn draining(&mut self, connection: &mut EngineConnection<'_, Self>) {
        connection.end(CloseCode::Restart, "the server restarts, come back");
    }

    /// Who it is, for the log.
    fn user(&self) -> String {
        "-".to_owned()
    }
}

/// One client's Engine.IO session.
pub struct EngineSession<A: Application> {
    application: A,
    line: Line<A>,
}

/// Everything of a session but its application.
pub struct Line<A: Application> {
    link: Arc<Link<A>>,
    settings: Arc<EngineSettings>,
    heartbeat: Heartbeat,
    upgrade: Upgrade,
    /// The WebSocket that carries it, by its number; `None` while polls do.
    websocket: Option<u32>,
    ending: Option<&'static str>,
    opened: Instant,
    peer: Option<IpAddr>,
    place: Registration<A>,
}

/// An application's hold on its session, while it is called.
pub struct EngineConnection<'a, A: Application> {
    line: &'a mut Line<A>,
    ctx: &'a mut Context<EngineSession<A>>,
}

/// What carries a new session.
pub enum Carrier {
    Polling,
    /// A WebSocket, and its socket, to be shut down when it hangs.
    WebSocket(Option<ConnectionSocket>),
}

impl<A: Application> EngineSession<A> {
    /// Opens a session. `wire` adds a WebSocket's frames to the actor.
    pub fn open(
        sessions: &Arc<Sessions<A>>,
        application: A,
        peer: Option<IpAddr>,
        carrier: Carrier,
        wire: impl FnOnce(&mut Context<Self>, &Arc<Link<A>>),
    ) -> Result<Arc<Link<A>>, ChatError> {
        let settings = Arc::clone(sessions.settings());
        let place = sessions.place(peer)?;
        let (socket, polling) = match carrier {
            Carrier::Polling => (None, true),
            Carrier::WebSocket(socket) => (socket, false),
        };
        let outbox = Arc::new(Outbox::new(settings.outbox_bytes_max, socket));
        let terms = Open {
            sid: place.sid(),
            upgrades: if polling { &["websocket"] } else { &[] },
            ping_interval: millis(settings.ping_interval),
            ping_timeout: millis(settings.ping_timeout),
            max_payload: settings.payload_bytes_max,
        };
        // The first thing in a new outbox fits.
        let _ = outbox.push(OutFrame::Text(terms.encode()));
        let mut opened = None;
        Self::create(|ctx| {
            let link = Arc::new(Link::new(place.sid(), ctx.address(), outbox, InFlight::default(), polling));
            place.insert(&link);
            wire(ctx, &link);
            opened = Some(Arc::clone(&link));
            let line = Line {
                link,
                settings,
                heartbeat: Heartbeat::default(),
                upgrade: Upgrade::default(),
                websocket: (!polling).then_some(0),
                ending: None,
                opened: Instant::now(),
                peer,
                place,
            };
            Self { application, line }
        });
        opened.ok_or_else(ChatError::unavailable)
    }

    /// Calls the application, then looks whether the session is still wanted.
    pub(super) fn with<T>(
        &mut self,
        ctx: &mut Context<Self>,
        call: impl FnOnce(&mut A, &mut EngineConnection<'_, A>) -> T,
    ) -> T {
        let Self { application, line } = self;
        let outcome = call(application, &mut EngineConnection { line, ctx });
        // A client that reads too slowly ends in the middle of a call.
        if line.link.outbox.has_ended() {
            line.ending.get_or_insert("too slow");
            ctx.stop();
        }
        outcome
    }

    fn packet(&mut self, packet: Packet, ctx: &mut Context<Self>) {
        if self.line.ending.is_some() {
            return;
        }
        match packet {
            Packet::Message(text) => self.with(ctx, |application, connection| application.text(text, connection)),
            Packet::Binary(bytes) => self.with(ctx, |application, connection| application.binary(bytes, connection)),
            Packet::Pong(_) => {
                self.with(ctx, |application, connection| application.kept_alive(connection));
                self.pong(ctx);
            }
            Packet::Close => {
                self.line.ending = Some("left");
                self.line.link.end();
                if self.line.websocket.is_some() {
                    self.line.link.outbox.close(CloseCode::Normal.number(), "");
                } else {
                    self.line.link.outbox.release_poll();
                }
                self.line.link.outbox.finish();
                if self.line.websocket.is_some() || self.line.link.has_poll() {
                    ctx.stop();
                } else {
                    // This post may have overtaken its last poll, which is still to be released.
                    ctx.run_later(OVERTAKEN_WAIT, |_, ctx| ctx.stop());
                }
            }
            Packet::Noop => self.with(ctx, |application, connection| application.kept_alive(connection)),
            Packet::Ping(_) => self.refuse("only the server pings", ctx),
            Packet::Upgrade => self.refuse("there is no upgrade to complete", ctx),
        }
    }

    /// Ends a session whose client broke the protocol.
    fn refuse(&mut self, reason: &'static str, ctx: &mut Context<Self>) {
        self.with(ctx, |application, connection| {
            application.refused(&ChatError::invalid(reason), connection);
            connection.end(CloseCode::Protocol, reason);
        });
        if self.line.websocket.is_none() && !self.line.link.has_poll() {
            // Nobody waits for an answer, and the next request shall find no session.
            self.line.link.outbox.abort();
            ctx.stop();
        }
    }

    /// Ends at once and without a word: the client is not there.
    fn vanish(&mut self, why: &'static str, ctx: &mut Context<Self>) {
        self.line.ending.get_or_insert(why);
        self.line.link.outbox.abort();
        ctx.stop();
    }
}

impl<A: Application> EngineConnection<'_, A> {
    /// The session's id.
    #[must_use]
    pub fn sid(&self) -> &str {
        &self.line.link.sid
    }

    /// Where its packets wait.
    #[must_use]
    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.line.link.outbox
    }

    /// Its client has signed in: it counts for its user from now on, and not for its address.
    pub fn signed_in(&mut self) {
        if self.line.link.sign_in() {
            self.line.place.signed_in();
        }
    }

    /// Its unanswered events: at the cap its client is not read.
    #[must_use]
    pub fn in_flight(&self) -> &InFlight {
        &self.line.link.in_flight
    }

    /// The session's address.
    #[must_use]
    pub fn address(&self) -> actix::Addr<EngineSession<A>> {
        self.ctx.address()
    }

    /// Sends a packet that is written already. A full outbox closes its socket, and then the session ends.
    pub fn send(&mut self, packet: Bytes) {
        let _ = self.line.link.outbox.push(OutFrame::Text(packet));
    }

    /// Sends a message of bytes.
    pub fn send_binary(&mut self, bytes: Bytes) {
        let _ = self.line.link.outbox.push(OutFrame::Binary(bytes));
    }

    /// Ends the session after what waits already: by a close frame, or by a close packet in the last payload.
    pub fn end(&mut self, code: CloseCode, reason: &str) {
        self.line.link.outbox.close(code.number(), reason);
        if self.line.ending.is_none() {
            self.line.ending = Some("closed");
            self.line.link.end();
            self.ctx.run_later(CLOSE_WAIT, |session, ctx| {
                session.line.link.outbox.finish();
                ctx.stop();
            });
        }
    }

    /// Whether it ends already.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.line.ending.is_some()
    }

    /// Calls the application back.
    pub fn after(
        &mut self,
        delay: Duration,
        then: impl FnOnce(&mut A, &mut EngineConnection<'_, A>) + 'static,
    ) -> SpawnHandle {
        self.ctx.run_later(delay, |session, ctx| session.with(ctx, then))
    }

    /// Runs a future next to the session, then calls the application with its result.
    pub fn spawn<T: 'static>(
        &mut self,
        future: impl Future<Output = T> + 'static,
        then: impl FnOnce(&mut A, T, &mut EngineConnection<'_, A>) + 'static,
    ) -> SpawnHandle {
        self.ctx.spawn(wrap_future::<_, EngineSession<A>>(future).map(|outcome, session, ctx| {
            session.with(ctx, |application, connection| then(application, outcome, connection));
        }))
    }

    /// Runs a future while the session reads nothing, then calls the application with what it came to.
    pub fn wait<T: 'static>(
        &mut self,
        future: impl Future<Output = T> + 'static,
        then: impl FnOnce(&mut A, T, &mut EngineConnection<'_, A>) + 'static,
    ) {
        self.ctx.wait(wrap_future::<_, EngineSession<A>>(future).map(|outcome, session, ctx| {
            session.with(ctx, |application, connection| then(application, outcome, connection));
        }));
    }

    /// Cancels what [`EngineConnection::after`] or [`EngineConnection::spawn`] began.
    pub fn cancel(&mut self, handle: SpawnHandle) {
        self.ctx.cancel_future(handle);
    }
}

impl<A: Application> Actor for EngineSession<A> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.schedule_ping(self.line.settings.ping_interval, ctx);
        self.with(ctx, |application, connection| application.opened(connection));
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // actix also stops an actor whose task unwinds: its client is notified and disconnected.
        if std::thread::panicking() {
            self.line.ending = Some("panicked");
            self.line.link.outbox.close(CloseCode::InternalError.number(), "something went wrong here");
        }
        self.line.link.end();
        self.line.link.outbox.finish();
        self.drop_candidate();
        // Sessions that never signed in cost their client nothing, so a line for each would fill the log.
        let level = if self.line.link.is_signed_in() { log::Level::Info } else { log::Level::Debug };
        log::log!(
            level,
            "user={} wire={} over={} peer={} lasted={:.1}s end={}",
            self.application.user(),
            A::NAME,
            if self.line.websocket.is_some() { "websocket" } else { "polling" },
            self.line.peer.map_or_else(|| "-".to_owned(), |peer| peer.to_string()),
            self.line.opened.elapsed().as_secs_f64(),
            self.line.ending.unwrap_or("lost"),
        );
    }
}

/// What a request of the session reveals about its client. The request's handler → the session, once per request. No answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ActixMessage)]
#[rtype(result = "()")]
pub enum PollNotice {
    /// The client disconnected in the middle of a request.
    Aborted,
    /// Two polls or two posts at once, or a body that no client may send.
    Broken,
    /// A body over the limit: it was not read, and the session goes on.
    TooLarge,
    /// The last payload is fetched, or the heartbeat timeout has ended.
    Over,
}

impl<A: Application> Handler<PollNotice> for EngineSession<A> {
    type Result = ();

    fn handle(&mut self, notice: PollNotice, ctx: &mut Self::Context) {
        match notice {
            PollNotice::Aborted => self.vanish("aborted", ctx),
            PollNotice::Broken => self.refuse("the session's requests broke the protocol", ctx),
            PollNotice::TooLarge => {
                let bytes_max = self.line.settings.payload_bytes_max;
                let sentence = format!("a message must not be longer than {bytes_max} bytes");
                let error = ChatError::new(crate::error::ErrorCode::TooLarge, sentence);
                self.with(ctx, |application, connection| application.refused(&error, connection));
            }
            PollNotice::Over => {
                self.line.ending.get_or_insert("silent");
                self.line.link.outbox.finish();
                ctx.stop();
            }
        }
    }
}

/// The server shuts down. The server → every session, once, after it has stopped accepting. No answer.
#[derive(Debug, Clone, Copy, ActixMessage)]
#[rtype(result = "()")]
pub struct Drain;

impl<A: Application> Handler<Drain> for EngineSession<A> {
    type Result = ();

    fn handle(&mut self, _: Drain, ctx: &mut Self::Context) {
        self.with(ctx, |application, connection| application.draining(connection));
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Bytes of the packet that is only a type.
pub(super) const fn ping() -> Bytes {
    Bytes::from_static(packet::PING.as_bytes())
}
