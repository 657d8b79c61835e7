//! A WebSocket on an HTTP connection: frames in from the request's payload, frames out through the response's body.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix::Recipient;
use actix_http::body::{BodySize, MessageBody};
use actix_web::{error::PayloadError, web};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use thiserror::Error;

use super::{in_flight::InFlight, outbox::Outbox};
use crate::protocol::websocket::{Decoder, FrameError, Incoming, Limits};

/// Why no more frames come.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The client broke RFC 6455 or a limit.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The connection is gone.
    #[error("the connection was lost: {0}")]
    Connection(#[from] PayloadError),
}

/// The client's frames. It decodes as bytes arrive, so that it never holds more than one message; and reads nothing while
/// too many events are unanswered or too many answers unread, so that the client's own socket fills up.
pub struct FrameStream {
    payload: web::Payload,
    buffer: BytesMut,
    decoder: Decoder,
    in_flight: InFlight,
    outbox: Arc<Outbox>,
    ended: bool,
}

impl FrameStream {
    /// Reads from a request whose connection was upgraded.
    #[must_use]
    pub fn new(payload: web::Payload, limits: Limits, in_flight: InFlight, outbox: Arc<Outbox>) -> Self {
        Self { payload, buffer: BytesMut::new(), decoder: Decoder::new(limits), in_flight, outbox, ended: false }
    }
}

impl Stream for FrameStream {
    type Item = Result<Incoming, ReadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        ready!(this.in_flight.poll_free(cx));
        ready!(this.outbox.poll_light(cx));
        loop {
            match this.decoder.decode(&mut this.buffer) {
                Ok(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
                Ok(None) => {}
                Err(error) => {
                    this.ended = true;
                    return Poll::Ready(Some(Err(error.into())));
                }
            }
            match ready!(Pin::new(&mut this.payload).poll_next(cx)) {
                // An idle connection keeps no buffer of its own.
                Some(Ok(chunk)) if this.buffer.is_empty() => this.buffer = BytesMut::from(chunk),
                Some(Ok(chunk)) => this.buffer.extend_from_slice(&chunk),
                Some(Err(error)) => {
                    this.ended = true;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    this.ended = true;
                    return Poll::Ready(None);
                }
            }
        }
    }
}

/// The transport is gone: the response body → its session, once. No answer.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub struct TransportGone;

/// The response's body: drains the outbox, and tells the session when the dispatcher drops it.
#[derive(Debug)]
pub struct OutboxBody {
    outbox: Arc<Outbox>,
    session: Recipient<TransportGone>,
}

impl OutboxBody {
    /// A body for one session.
    #[must_use]
    pub fn new(outbox: Arc<Outbox>, session: Recipient<TransportGone>) -> Self {
        Self { outbox, session }
    }
}

impl MessageBody for OutboxBody {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.outbox.poll_drain(cx).map(|frames| frames.map(Ok))
    }
}

impl Drop for OutboxBody {
    fn drop(&mut self) {
        self.outbox.abort();
        #[expect(clippy::disallowed_methods, reason = "once a connection, and connections have a cap")]
        self.session.do_send(TransportGone);
    }
}
