//! From an accepted socket to HTTP: who may come in, the TLS handshake, and then the requests.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_http::{
    Payload, Request, Response,
    body::{BodySize, MessageBody},
    error::DispatchError,
};
use actix_service::Service;
use actix_web::{
    HttpMessage,
    http::{Method, header},
};
use bytes::Bytes;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsAcceptor;

use super::{HttpConnection, Transport, shared_stream::SharedStream};
use crate::{
    actors::outbox::ConnectionSocket,
    http::{
        admission::Arrival,
        deadlines::{BodyLength, Patrol, Serving, Watch},
        workers::{Accepted, Serve},
    },
};

/// How long a TLS handshake may take, at most. A client on a bad network needs two round trips and a certificate of a few packets.
pub const TLS_HANDSHAKE_WAIT: Duration = Duration::from_secs(3);

/// What rustls keeps of an answer that its client does not read.
const TLS_BUFFER_BYTES_MAX: usize = 16 * 1024;

/// How long a refused connection may take to send its request and to take the answer.
const REFUSED_WAIT: Duration = Duration::from_secs(2);

/// Serves the connections of one worker.
pub struct ConnectionGate<H> {
    /// Reads requests and answers them.
    pub http: H,
    /// Certificate and key; `None` for plain TCP.
    pub tls: Option<TlsAcceptor>,
    /// Looks after the connections.
    pub patrol: Rc<Patrol>,
    /// How long a TLS handshake may take.
    pub handshake_wait: Duration,
}

impl<H> ConnectionGate<H>
where
    H: Service<(HttpConnection, Option<SocketAddr>), Response = (), Error = DispatchError> + 'static,
{
    /// How to serve one connection.
    #[must_use]
    pub fn into_serve(self) -> Serve {
        let gate = Rc::new(self);
        Box::new(move |accepted| {
            let gate = Rc::clone(&gate);
            // A connection that fails concerns its client alone. It is no error of the server's.
            Box::pin(async move { drop(gate.serve(accepted).await) })
        })
    }

    async fn serve(&self, accepted: Accepted) -> io::Result<()> {
        let Accepted { tcp, address, ticket } = accepted;
        let (mut arrival, handshake) = Arrival::begin(ticket);
        let stream = SharedStream::new(TcpStream::from_std(tcp)?);
        let tcp = Arc::clone(stream.tcp());
        let transport = match &self.tls {
            None => Transport::Plain(stream),
            Some(tls) => {
                let accepting = tls.accept_with(stream, |tls| tls.set_buffer_limit(Some(TLS_BUFFER_BYTES_MAX)));
                let accepted = timeout(self.handshake_wait, accepting).await.map_err(|_| io::ErrorKind::TimedOut)??;
                Transport::Tls(Box::new(accepted))
            }
        };
        drop(handshake);
        let is_plain = matches!(transport, Transport::Plain(_));
        let watch = Arc::new(Watch::new(&tcp, is_plain));
        self.patrol.add(&watch, arrival.refused.is_some().then_some(REFUSED_WAIT));
        arrival.stands(ConnectionSocket::new(tcp, is_plain), Arc::clone(&watch));
        let connection = HttpConnection::new(transport, watch, Rc::clone(&self.patrol), arrival);
        poll_fn(|cx| self.http.poll_ready(cx)).await.map_err(|_| io::ErrorKind::Other)?;
        self.http.call((connection, Some(address))).await.map_err(|_| io::ErrorKind::ConnectionAborted.into())
    }
}

/// Notes on a request's connection that the request is being served.
pub fn begin(request: &mut Request) -> Option<Serving> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        // Nobody reads it. actix-http drops what comes of it, instead of keeping it for us.
        drop::<Payload>(request.take_payload());
    }
    let headers = request.headers();
    let body = if headers.contains_key(header::TRANSFER_ENCODING) {
        BodyLength::Chunked
    } else {
        let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        BodyLength::Known(length.unwrap_or(0))
    };
    request.conn_data::<Arrival>().and_then(|arrival| arrival.serve(body))
}

/// An answer whose request is being served until its last byte is on its way.
pub struct Served<B> {
    body: B,
    _serving: Option<Serving>,
}

impl<B: MessageBody> Served<B> {
    /// Keeps `serving` until the answer is written.
    pub fn response(response: Response<B>, serving: Option<Serving>) -> Response<Self> {
        response.map_body(|_, body| Self { body, _serving: serving })
    }
}

impl<B: MessageBody + Unpin> MessageBody for Served<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }
}
