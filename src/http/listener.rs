//! Listening, and the way of a connection from HTTP to a WebSocket that has its socket for itself.
//!
//! What `actix_web::HttpServer` does inside, with one thing more: a request that asks for an upgrade passes the same routes
//! and middleware as any other, and when its answer is 101 the socket leaves the HTTP dispatcher, whose buffers of 8 KiB
//! and whose wake-up for each write it then does without.

use std::{
    any::Any,
    fmt,
    future::poll_fn,
    io,
    marker::PhantomData,
    net::{SocketAddr, TcpListener},
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_codec::{Encoder, Framed, FramedParts};
use actix_http::{
    ConnectionType, Extensions, HttpService, Request, Response,
    body::{BodySize, BoxBody, MessageBody},
    h1,
};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_factory, map_config,
};
use actix_web::{HttpMessage, dev::AppConfig, http::StatusCode, rt::time::timeout};
use bytes::BytesMut;
use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::{io::AsyncWriteExt, sync::oneshot};
use tokio_rustls::TlsAcceptor;

use super::{
    admission::{Admission, Arrival},
    connection::{
        HttpConnection,
        gate::{self, ConnectionGate, Served, TLS_HANDSHAKE_WAIT},
    },
    deadlines::{Deadlines, Patrol, UNREAD_WAIT},
    workers::{MakeServe, Workers},
};
use crate::{
    actors::session::transport::{PromisedSocket, Upgraded, hang_up},
    metrics::{GaugeGuard, Metrics},
};

/// How long an HTTP connection is kept open for another request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long a connection may take to end in good order.
const DISCONNECT_WAIT: Duration = Duration::from_secs(1);

/// How long the answer to a request for an upgrade may take to leave.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// Bytes of an answer that are gathered before they are written. Longer bodies come in pieces (`http/body.rs`), so that a
/// connection whose client does not read keeps no more than this and one piece.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 1024;

pub struct Listener {
    /// The socket of [`bind`].
    pub socket: TcpListener,
    /// Certificate and key; `None` for plain TCP.
    pub tls: Option<ServerConfig>,
    /// Threads that serve connections.
    pub workers: usize,
    /// How long a connection may take for its TLS handshake, and for the headers of a request.
    pub handshake_timeout: Duration,
    /// Who may connect.
    pub admission: Arc<Admission>,
}

/// The kernel's own buffer for what a client has not read yet. With the system's default, which grows to megabytes, a
/// client that stopped reading would be noticed only after those were full.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// How long sent data may stay unacknowledged before the kernel gives the connection up (RFC 5482).
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// After how much silence the kernel asks whether the peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

impl Listener {
    /// Listens, and serves an application in each worker. `worker` is called once on each worker's thread, for what its
    /// application shares; `app` makes the application, once for requests and once for upgrades.
    ///
    /// # Errors
    /// The system's, when the address can't be used.
    pub fn listen<W, F, I, S, B>(
        self,
        worker: impl Fn() -> W + Clone + Send + 'static,
        app: F,
    ) -> io::Result<(SocketAddr, Workers)>
    where
        W: 'static,
        F: Fn(&W) -> I + Clone + Send + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<actix_web::Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Service: 'static,
        B: MessageBody + Unpin + 'static,
    {
        let Self { socket: listener, tls, workers, handshake_timeout, admission } = self;
        let addr = listener.local_addr()?;
        let tls = tls.map(|tls| TlsAcceptor::from(Arc::new(tls)));
        let (is_tls, metrics) = (tls.is_some(), Arc::clone(admission.metrics()));
        let make = move || -> MakeServe {
            let shared = worker();
            let requests = app(&shared).into_factory().map_err(|error| error.into().error_response());
            let requests = apply_fn_factory(requests, |mut request: Request, app: &_| {
                let serving = gate::begin(&mut request);
                let answer = Service::call(app, request);
                async move { answer.await.map(|response: S::Response| Served::response(response.into(), serving)) }
            });
            let upgrades = app(&shared).into_factory().map_err(|error| error.into().error_response());
            let upgraded = Arc::clone(&metrics);
            let http = HttpService::build()
                .keep_alive(KEEP_ALIVE)
                .client_request_timeout(handshake_timeout)
                .client_disconnect_timeout(DISCONNECT_WAIT)
                .h1_write_buffer_size(WRITE_BUFFER_BYTES)
                // A client that hangs up in the middle of a poll has disconnected, and its session ends.
                .h1_allow_half_closed(false)
                .local_addr(addr)
                .on_connect_ext(|connection: &HttpConnection, extensions: &mut Extensions| {
                    if let Some(arrival) = connection.take_arrival() {
                        extensions.insert(arrival);
                    }
                })
                .upgrade(fn_factory(move || {
                    let app = upgrades.new_service(AppConfig::default());
                    let metrics = Arc::clone(&upgraded);
                    async {
                        app.await.map(|app| Upgrades { app: Rc::new(app), metrics, _body: PhantomData::<fn() -> B> })
                    }
                }))
                .h1(map_config(requests, |()| AppConfig::default()));
            let deadlines = Deadlines { head: handshake_timeout, unread: UNREAD_WAIT.min(handshake_timeout) };
            let handshake_wait = TLS_HANDSHAKE_WAIT.min(handshake_timeout);
            let (tls, metrics) = (tls.clone(), Arc::clone(&metrics));
            Box::pin(async move {
                let http = http.new_service(()).await.ok()?;
                let patrol = Patrol::start(deadlines, metrics);
                Some(ConnectionGate { http, tls, patrol, handshake_wait }.into_serve())
            })
        };
        Ok((addr, Workers::start(listener, admission, is_tls, workers, make)?))
    }
}

/// Binds an address; port 0 picks a free one. This comes before anything starts that would have to be stopped again.
///
/// # Errors
/// The system's, when the address can't be used.
pub fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A restarted server takes its address over while connections of the last one are still ending.
    socket.set_reuse_address(true)?;
    // Each connection has these from its listener. They are improvements: where the system refuses one it works without.
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_send_buffer_size(SEND_BUFFER_BYTES);
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Serves requests that ask for an upgrade: by the application, and then by what its answer makes of the socket.
struct Upgrades<S, B> {
    app: Rc<S>,
    metrics: Arc<Metrics>,
    _body: PhantomData<fn() -> B>,
}

impl<S, B> Service<(Request, Framed<HttpConnection, h1::Codec>)> for Upgrades<S, B>
where
    S: Service<Request> + 'static,
    S::Future: 'static,
    S::Error: Into<Response<BoxBody>>,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    type Response = ();
    // A connection that fails concerns its client alone. It is no error of the server's.
    type Error = actix_http::Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), Self::Error>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // An application that can't serve reports it in its answer.
        self.app.poll_ready(cx).map(|_| Ok(()))
    }

    fn call(&self, (request, framed): (Request, Framed<HttpConnection, h1::Codec>)) -> Self::Future {
        let app = Rc::clone(&self.app);
        let gauge = GaugeGuard::raise(&self.metrics.websockets);
        Box::pin(async move {
            let (sender, promise) = PromisedSocket::new();
            request.extensions_mut().insert(promise);
            let held: Rc<dyn Any> = match request.conn_data::<Arrival>() {
                Some(arrival) => arrival.held.upgraded(gauge),
                None => Rc::new(gauge),
            };
            let answer = app.call(request).await;
            let FramedParts { io, codec, read_buf: mut read, write_buf, .. } = framed.into_parts();
            let (io, ahead) = io.into_io();
            read.extend_from_slice(&ahead);
            let upgrade = Upgraded { io, read, held };
            let answered = async {
                match answer {
                    Ok(response) => upgrade.answer(codec, write_buf, response.into(), sender).await,
                    Err(error) => upgrade.answer(codec, write_buf, error.into(), sender).await,
                }
            };
            // A client that does not take its answer has disconnected.
            let _ = timeout(ANSWER_WAIT, answered).await;
            Ok(())
        })
    }
}

trait AnswerUpgrade {
    /// Writes the application's answer. After a 101 the socket goes to whom it was promised, after another it ends.
    async fn answer<B: MessageBody>(
        self,
        codec: h1::Codec,
        out: BytesMut,
        response: Response<B>,
        promised: oneshot::Sender<Upgraded>,
    ) -> io::Result<()>;
}

impl AnswerUpgrade for Upgraded {
    async fn answer<B: MessageBody>(
        mut self,
        mut codec: h1::Codec,
        mut out: BytesMut,
        mut response: Response<B>,
        promised: oneshot::Sender<Upgraded>,
    ) -> io::Result<()> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let head = h1::Message::Item((response.drop_body(), BodySize::None));
            codec.encode(head, &mut out)?;
            self.io.write_all(&out).await?;
            self.io.flush().await?;
            // The handler's session may be over by now.
            let _ = promised.send(self);
            return Ok(());
        }
        drop(promised);
        // What follows on this connection was meant for another protocol.
        response.head_mut().set_connection_type(ConnectionType::Close);
        let (response, body) = response.into_parts();
        codec.encode(h1::Message::Item((response, body.size())), &mut out)?;
        let mut body = pin!(body);
        // Piece by piece: none of it waits here for a client that does not read.
        while let Some(piece) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
            let Ok(piece) = piece else { return Err(io::ErrorKind::UnexpectedEof.into()) };
            codec.encode(h1::Message::Chunk(Some(piece)), &mut out)?;
            self.io.write_all(&out).await?;
            out.clear();
        }
        codec.encode(h1::Message::Chunk(None), &mut out)?;
        self.io.write_all(&out).await?;
        hang_up(self.io).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;

    use super::*;

    #[test]
    fn a_connection_has_the_options_of_its_listener() {
        let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (connection, _) = listener.accept().unwrap();
        let socket = SockRef::from(&connection);
        assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
        // Linux counts its own overhead, too, and doubles what was asked for.
        assert!((SEND_BUFFER_BYTES..=2 * SEND_BUFFER_BYTES).contains(&socket.send_buffer_size().unwrap()));
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(USER_TIMEOUT));
    }
}
