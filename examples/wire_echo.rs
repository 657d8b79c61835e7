//! The wires alone, for protocol suites from outside: haggle's own codecs, sessions and transports, and no chat, no tokens and
//! no rate limits on them.
//!
//! ```text
//! cargo run --release --example wire_echo -- --bind 127.0.0.1:PORT --ping-interval 300 --ping-timeout 200 \
//!     --connect-timeout 1000 --max-payload 1000000
//! ```
//!
//! 1. Socket.IO at `/socket.io/`, namespaces `/` and `/custom`: `auth` with the CONNECT's payload, `message` comes back as
//!    `message-back`, `message-with-ack` is acknowledged with its arguments.
//! 2. Engine.IO at `/engine.io/`: every message comes back.
//! 3. A WebSocket at `/ws/echo`: every message comes back, up to 16 MiB.

use std::{net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use actix::{Actor, ActorContext, AsyncContext, Context, StreamHandler};
use actix_web::{App, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use bytestring::ByteString;
use clap::Parser;
use haggle::internals::{
    actors::{
        outbox::{OutFrame, Outbox},
        session::{
            engine_io::{Application, EngineConnection, EngineSettings, Sessions},
            socket_io::{
                Handshake, Middleware, Namespace, NamespaceEvent, NamespaceMember, Newcomer, Seat, SocketIo, Table,
            },
            transport::{self, FRAGMENTS_MAX, FrameStream, ReadError},
        },
    },
    chat::in_flight::InFlight,
    config::Limits,
    error::CloseCode,
    http::{
        admission::{Admission, Arrival},
        engine_io::{self, Endpoint},
        listener::{self, Listener},
        origin::Origins,
    },
    metrics::Metrics,
    protocol::{
        engine_io::packet::MESSAGE,
        socket_io::EventName,
        websocket::{self, Incoming},
    },
};

/// Longest message of the plain WebSocket.
const WEBSOCKET_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What may wait for a client: several of the longest messages.
const OUTBOX_BYTES_MAX: usize = 8 * WEBSOCKET_BYTES_MAX;

/// Any page may connect.
const ANY_ORIGIN: &str = "*";

#[derive(Debug, Clone, Parser)]
struct Options {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:3000")]
    bind: SocketAddr,
    /// Time between pings, in milliseconds
    #[arg(long, default_value_t = 300)]
    ping_interval: u64,
    /// Time that a pong may take, in milliseconds
    #[arg(long, default_value_t = 200)]
    ping_timeout: u64,
    /// Time that a Socket.IO connection may be in no namespace, in milliseconds
    #[arg(long, default_value_t = 1000)]
    connect_timeout: u64,
    /// Most bytes of a payload or message
    #[arg(long, default_value_t = 1_000_000)]
    max_payload: usize,
}

// ---- 1. Socket.IO ---------------------------------------------------------------------------------------------------

struct EchoNamespace(&'static str);

impl Namespace for EchoNamespace {
    fn name(&self) -> &'static str {
        self.0
    }

    fn middleware(&self) -> &[Middleware] {
        &[]
    }

    fn join(&self, newcomer: Newcomer, seat: &mut Seat<'_, '_>) -> Box<dyn NamespaceMember> {
        seat.accept();
        let auth = newcomer.auth.as_ref().map_or("{}", |auth| auth.get());
        seat.emit("auth", &[auth.as_bytes()], Vec::new());
        Box::new(EchoMember)
    }
}

struct EchoMember;

impl NamespaceMember for EchoMember {
    fn event(&mut self, event: NamespaceEvent<'_>, seat: &mut Seat<'_, '_>) {
        let args: Vec<&[u8]> = event.args.iter().map(|arg| arg.get().as_bytes()).collect();
        match (event.name, event.ack) {
            (EventName::Text(name), None) if name == "message" => seat.emit("message-back", &args, event.attachments),
            (EventName::Text(name), Some(id)) if name == "message-with-ack" => {
                seat.acknowledge(id, &args, event.attachments);
            }
            _ => {}
        }
    }

    fn draining(&mut self, seat: &mut Seat<'_, '_>) {
        seat.connection().end(CloseCode::Restart, "the server restarts");
    }
}

fn socket_io(table: &Rc<Table>) -> SocketIo {
    SocketIo::new(Rc::clone(table), Handshake { token: Ok(None), peer: None, recovers: false })
}

// ---- 2. Engine.IO ---------------------------------------------------------------------------------------------------

struct EngineEcho;

impl Application for EngineEcho {
    const NAME: &'static str = "engine.io";

    fn opened(&mut self, _: &mut EngineConnection<'_, Self>) {}

    fn text(&mut self, text: ByteString, connection: &mut EngineConnection<'_, Self>) {
        connection.send([&[MESSAGE][..], text.as_bytes()].concat().into());
    }

    fn binary(&mut self, bytes: Bytes, connection: &mut EngineConnection<'_, Self>) {
        connection.send_binary(bytes);
    }
}

// ---- 3. WebSocket ---------------------------------------------------------------------------------------------------

struct WebSocketEcho(Arc<Outbox>);

impl Actor for WebSocketEcho {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        self.0.finish();
    }
}

impl StreamHandler<Result<Incoming, ReadError>> for WebSocketEcho {
    fn handle(&mut self, frame: Result<Incoming, ReadError>, ctx: &mut Self::Context) {
        let Self(outbox) = self;
        let echoed = match frame {
            Ok(Incoming::Text(text)) => outbox.push(OutFrame::Text(text.into_bytes())),
            Ok(Incoming::Binary(bytes)) => outbox.push(OutFrame::Binary(bytes)),
            Ok(Incoming::Ping(payload)) => outbox.push(OutFrame::Pong(payload)),
            Ok(Incoming::Pong(_)) => Ok(()),
            Ok(Incoming::Close(close)) => {
                outbox.close(close.map_or(CloseCode::Normal.number(), |(code, _)| code), "");
                ctx.stop();
                Ok(())
            }
            Err(ReadError::Frame(error)) => {
                outbox.close(error.close_code().number(), &error.to_string());
                ctx.stop();
                Ok(())
            }
            Err(ReadError::Connection(_)) => {
                ctx.stop();
                Ok(())
            }
        };
        if echoed.is_err() {
            ctx.stop();
        }
    }
}

async fn echo(request: HttpRequest) -> HttpResponse {
    let Ok((mut response, promised)) = transport::accept(&request, &[]) else {
        return HttpResponse::BadRequest().finish();
    };
    let socket = request.conn_data::<Arrival>().and_then(|arrival| arrival.socket.clone());
    let outbox = Arc::new(Outbox::new(OUTBOX_BYTES_MAX, socket));
    WebSocketEcho::create(|ctx| {
        let limits = websocket::FrameLimits { message_bytes_max: WEBSOCKET_BYTES_MAX, fragments_max: FRAGMENTS_MAX };
        ctx.add_stream(FrameStream::new(promised, limits, InFlight::default(), Arc::clone(&outbox)));
        WebSocketEcho(Arc::clone(&outbox))
    });
    response.finish()
}

// ---- all of them ----------------------------------------------------------------------------------------------------

fn endpoint<A: Application>(
    sessions: &Arc<Sessions<A>>,
    open: impl Fn(&HttpRequest) -> A + 'static,
) -> web::Data<Endpoint<A>> {
    web::Data::new(Endpoint {
        sessions: Arc::clone(sessions),
        open: Box::new(open),
        refuse: Box::new(|| None),
        origins: Origins::new(vec![ANY_ORIGIN.to_owned()]),
    })
}

fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let settings = EngineSettings {
        node_name: None,
        ping_interval: Duration::from_millis(options.ping_interval),
        ping_timeout: Duration::from_millis(options.ping_timeout),
        upgrade_timeout: Duration::from_secs(10),
        payload_bytes_max: options.max_payload,
        unsigned_bytes_max: options.max_payload,
        payload_packets_max: options.max_payload,
        outbox_bytes_max: OUTBOX_BYTES_MAX,
    };
    let socket_ios = Arc::new(Sessions::<SocketIo>::new(settings.clone(), None));
    let engine_echos = Arc::new(Sessions::<EngineEcho>::new(settings, None));
    let admission = Arc::new(Admission::new(&Limits::none(), Vec::new(), Arc::new(Metrics::default())));
    let app = move |(): &()| {
        let table = Rc::new(Table {
            namespaces: vec![Rc::new(EchoNamespace("/")), Rc::new(EchoNamespace("/custom"))],
            connect_timeout: Duration::from_millis(options.connect_timeout),
            attachments_bytes_max: 16 * options.max_payload,
        });
        App::new()
            .wrap(Origins::new(vec![ANY_ORIGIN.to_owned()]).cors())
            .app_data(endpoint(&socket_ios, move |_| socket_io(&table)))
            .app_data(endpoint(&engine_echos, |_| EngineEcho))
            .configure(engine_io::routes::<SocketIo>("/socket.io/"))
            .configure(engine_io::routes::<EngineEcho>("/engine.io/"))
            .route("/ws/echo", web::get().to(echo))
    };
    actix_web::rt::System::new().block_on(async move {
        let listener = Listener {
            socket: listener::bind(options.bind)?,
            tls: None,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            handshake_timeout: Duration::from_secs(5),
            admission,
        };
        let _workers = listener.listen(|| (), app)?;
        std::future::pending().await
    })
}
