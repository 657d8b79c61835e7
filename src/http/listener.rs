//! Listening, and the way of a connection from HTTP to a WebSocket that has its socket for itself.
//!
//! What `actix_web::HttpServer` does inside, with one thing more: a request that asks for an upgrade passes the same routes
//! and middleware as any other, and when its answer is 101 the socket leaves the HTTP dispatcher, whose buffers of 8 KiB
//! and whose wake-up for each write it then does without.

use std::{
    any::Any,
    fmt, io,
    marker::PhantomData,
    net::{SocketAddr, TcpListener},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_codec::{AsyncRead, AsyncWrite, Encoder, Framed, FramedParts};
use actix_http::{
    ConnectionType, HttpService, Request, Response, TlsAcceptorConfig,
    body::{BodySize, BoxBody, MessageBody, to_bytes},
    h1,
};
use actix_server::Server;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_factory, map_config};
use actix_web::{
    HttpMessage,
    dev::AppConfig,
    http::StatusCode,
    rt::{net::TcpStream, time::timeout},
};
use bytes::BytesMut;
use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::{io::AsyncWriteExt, sync::oneshot};

use super::admission::{Admission, Arrival};
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

/// Seconds that requests have to finish when the server stops.
const SHUTDOWN_WAIT_SECS: u64 = 1;

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 1024;

/// How to listen.
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
    ) -> io::Result<(SocketAddr, Server)>
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
        B: MessageBody + 'static,
    {
        let Self { socket: listener, tls, workers, handshake_timeout, admission } = self;
        let addr = listener.local_addr()?;
        let builder = Server::build().workers(workers).shutdown_timeout(SHUTDOWN_WAIT_SECS).disable_signals();
        // A macro, since each kind of stream has a type of its own.
        macro_rules! service {
            ($io:ty) => {{
                let shared = worker();
                let requests = app(&shared).into_factory().map_err(|error| error.into().error_response());
                let upgrades = app(&shared).into_factory().map_err(|error| error.into().error_response());
                let (admission, metrics) = (Arc::clone(&admission), Arc::clone(admission.metrics()));
                HttpService::build()
                    .keep_alive(KEEP_ALIVE)
                    .client_request_timeout(handshake_timeout)
                    .client_disconnect_timeout(DISCONNECT_WAIT)
                    // A client that hangs up in the middle of a poll has gone, and its session with it.
                    .h1_allow_half_closed(false)
                    .local_addr(addr)
                    .on_connect_ext(move |io: &$io, extensions: _| admission.arrive(io, extensions))
                    .upgrade(fn_factory(move || {
                        let app = upgrades.new_service(AppConfig::default());
                        let metrics = Arc::clone(&metrics);
                        async {
                            app.await.map(|app| Upgrades {
                                app: Rc::new(app),
                                metrics,
                                _body: PhantomData::<fn() -> B>,
                            })
                        }
                    }))
                    .finish(map_config(requests, |()| AppConfig::default()))
            }};
        }
        let builder = match tls {
            None => builder.listen("http", listener, move || service!(TcpStream).tcp())?,
            Some(tls) => builder.listen("https", listener, move || {
                let acceptor = TlsAcceptorConfig::default().handshake_timeout(handshake_timeout);
                service!(actix_tls::accept::rustls_0_23::TlsStream<TcpStream>)
                    .rustls_0_23_with_config(tls.clone(), acceptor)
            })?,
        };
        Ok((addr, builder.run()))
    }
}

/// Takes an address; port 0 picks a free one. Before anything runs that would have to be ended again.
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

impl<T, S, B> Service<(Request, Framed<T, h1::Codec>)> for Upgrades<S, B>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    S: Service<Request> + 'static,
    S::Future: 'static,
    S::Error: Into<Response<BoxBody>>,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    type Response = ();
    // What goes wrong with a connection concerns its client alone, and is no error of the server's.
    type Error = actix_http::Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), Self::Error>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // An application that can't serve says so in its answer.
        self.app.poll_ready(cx).map(|_| Ok(()))
    }

    fn call(&self, (request, framed): (Request, Framed<T, h1::Codec>)) -> Self::Future {
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
            let FramedParts { io, codec, read_buf: read, write_buf, .. } = framed.into_parts();
            let upgrade = Upgraded { io: Box::pin(io), read, held };
            let answered = async {
                match answer {
                    Ok(response) => upgrade.answer(codec, write_buf, response.into(), sender).await,
                    Err(error) => upgrade.answer(codec, write_buf, error.into(), sender).await,
                }
            };
            // A client that does not take its answer has gone.
            let _ = timeout(ANSWER_WAIT, answered).await;
            Ok(())
        })
    }
}

trait Answer {
    /// Writes the application's answer. After a 101 the socket goes to whom it was promised, after another it ends.
    async fn answer<B: MessageBody>(
        self,
        codec: h1::Codec,
        out: BytesMut,
        response: Response<B>,
        promised: oneshot::Sender<Upgraded>,
    ) -> io::Result<()>;
}

impl Answer for Upgraded {
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
        // A body that breaks off says less than its status.
        let body = to_bytes(body).await.unwrap_or_default();
        codec.encode(h1::Message::Item((response, BodySize::Sized(body.len() as u64))), &mut out)?;
        codec.encode(h1::Message::Chunk(Some(body)), &mut out)?;
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
