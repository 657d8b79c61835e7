//! A WebSocket on a socket of its own: frames in, frames out, no buffer while it is idle.
//!
//! The HTTP server answers the handshake and then hands the socket over (`http/listener.rs`). The session's actor polls a
//! [`FrameStream`], which reads, and writes what the outbox could not write by itself. When the session has ended, the
//! stream leaves the socket to a task that writes the rest and ends TCP in good order.

use std::{
    any::Any,
    cell::RefCell,
    future::poll_fn,
    io, mem,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{HttpMessage, HttpRequest, HttpResponseBuilder};
use actix_web_actors::ws;
pub use actix_web_actors::ws::HandshakeError;
use bytes::BytesMut;
use futures_util::{FutureExt, Stream};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    sync::oneshot,
    time::timeout,
};

use crate::{
    actors::outbox::Outbox,
    chat::in_flight::InFlight,
    error::CloseCode,
    protocol::websocket::{Decoder, FrameError, FrameLimits, Incoming, write_close},
};

/// Most frames of one message: suites that send 4 MiB in fragments of 64 bytes need as many.
pub const FRAGMENTS_MAX: usize = 65_536;

/// Most bytes of one read.
const READ_BYTES_MAX: usize = 64 * 1024;

/// Bytes of messages that one session is given in one turn of its thread: reading them, and looking for contacts in them, takes
/// about a millisecond. Then the other sessions of the thread have theirs.
const TURN_BYTES_MAX: usize = 64 * 1024;

/// How long the last frames of a session may take to leave.
const LAST_WRITE_WAIT: Duration = Duration::from_secs(5);

/// How long the client may take to end TCP after that. Until then what it still sends is read: a socket closed with unread
/// bytes resets the connection, and the close frame on its way is lost.
const LAST_READ_WAIT: Duration = Duration::from_secs(1);

thread_local! {
    /// Where bytes are read to. One a thread: an idle connection has no buffer.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES_MAX].into_boxed_slice());
}

/// A connection's bytes, in the clear or under TLS.
pub trait Io: AsyncRead + AsyncWrite {}

impl<T: AsyncRead + AsyncWrite> Io for T {}

/// The socket of an upgraded connection, once the answer to its handshake is written.
pub struct Upgraded {
    /// The socket.
    pub io: Pin<Box<dyn Io>>,
    /// What the client sent after its handshake.
    pub read: BytesMut,
    /// What lives as long as the connection, such as its place among its address's.
    pub held: Rc<dyn Any>,
}

/// The socket that a handshake's handler is promised; it comes when the handler's answer has been written, and never when
/// that was a refusal.
pub struct PromisedSocket(oneshot::Receiver<Upgraded>);

impl PromisedSocket {
    /// A promise, and the way to keep it.
    #[must_use]
    pub fn new() -> (oneshot::Sender<Upgraded>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }
}

/// Answers a WebSocket handshake, and selects one of these subprotocols if it was offered.
///
/// # Errors
/// [`HandshakeError`] when the request is not a WebSocket handshake (RFC 6455 section 4.2.1).
pub fn accept(
    request: &HttpRequest,
    subprotocols: &[&str],
) -> Result<(HttpResponseBuilder, PromisedSocket), HandshakeError> {
    let response = ws::handshake_with_protocols(request, subprotocols)?;
    // Only a request with a body comes without: it belongs to HTTP.
    let socket = request.extensions_mut().remove::<PromisedSocket>().ok_or(HandshakeError::NoWebsocketUpgrade)?;
    Ok((response, socket))
}

/// Why no more frames come.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The client broke RFC 6455 or a limit.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The connection is closed.
    #[error("the connection was lost: {0}")]
    Connection(#[from] io::Error),
}

/// The client's frames. It decodes as bytes arrive, so that it never holds more than one message; and reads nothing while
/// too many events are unanswered or too many answers unread, so that the client's own socket fills up.
pub struct FrameStream {
    source: Source,
    buffer: BytesMut,
    decoder: Decoder,
    in_flight: InFlight,
    outbox: Arc<Outbox>,
    /// The session's outbox and whether it is this connection's by now, while `outbox` is a candidate's.
    successor: Option<Successor>,
    /// What holds when the client has signed in, while it has not.
    unsigned: Option<Box<Unsigned>>,
    /// Bytes of messages that were given in this turn.
    turn_bytes: usize,
    has_ended: bool,
}

/// A client that has not signed in yet.
struct Unsigned {
    has_signed_in: Box<dyn Fn() -> bool>,
    /// What holds from then on.
    limits: FrameLimits,
}

/// The outbox that follows a candidate's, when that has ended and the WebSocket has taken over.
pub struct Successor {
    /// The session's.
    pub outbox: Arc<Outbox>,
    /// Whether the WebSocket has taken over.
    pub has_taken_over: Box<dyn Fn() -> bool>,
}

enum Source {
    Promised(PromisedSocket),
    Open { io: Pin<Box<dyn Io>>, held: Rc<dyn Any> },
    Gone,
}

impl FrameStream {
    /// Reads from a connection as soon as it is upgraded, and writes what waits in `outbox`.
    #[must_use]
    pub fn new(socket: PromisedSocket, limits: FrameLimits, in_flight: InFlight, outbox: Arc<Outbox>) -> Self {
        Self {
            source: Source::Promised(socket),
            buffer: BytesMut::new(),
            decoder: Decoder::new(limits),
            in_flight,
            outbox,
            successor: None,
            unsigned: None,
            turn_bytes: 0,
            has_ended: false,
        }
    }

    /// Takes messages of at most `bytes_max` bytes until the client has signed in.
    #[must_use]
    pub fn until_signed_in(mut self, bytes_max: usize, has_signed_in: impl Fn() -> bool + 'static) -> Self {
        let limits = self.decoder.limits();
        self.decoder.set_limits(FrameLimits { message_bytes_max: bytes_max.min(limits.message_bytes_max), ..limits });
        self.unsigned = Some(Box::new(Unsigned { has_signed_in: Box::new(has_signed_in), limits }));
        self
    }

    /// The same for a WebSocket that tries to take over: it has an outbox of its own, then the session's.
    #[must_use]
    pub fn with_successor(mut self, successor: Successor) -> Self {
        self.successor = Some(successor);
        self
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Source::Promised(PromisedSocket(socket)) = &mut self.source {
            match ready!(socket.poll_unpin(cx)) {
                Ok(Upgraded { io, read, held }) => {
                    self.source = Source::Open { io, held };
                    self.buffer = read;
                    self.outbox.open();
                }
                Err(_) => self.source = Source::Gone,
            }
        }
        Poll::Ready(())
    }

    /// Writes what waits. Ready when nothing more will.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Source::Open { io, .. } = &mut self.source else { return Poll::Ready(()) };
        loop {
            let written = ready!(self.outbox.poll_write(cx, io.as_mut()));
            let follows = written.is_ok() && self.successor.as_ref().is_some_and(|next| (next.has_taken_over)());
            match self.successor.take() {
                Some(next) if follows => {
                    self.outbox = next.outbox;
                    self.outbox.open();
                }
                _ => return Poll::Ready(()),
            }
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Incoming, ReadError>>> {
        ready!(self.in_flight.poll_free(cx));
        ready!(self.outbox.poll_light(cx));
        if let Some(unsigned) = self.unsigned.take_if(|unsigned| (unsigned.has_signed_in)()) {
            self.decoder.set_limits(unsigned.limits);
        }
        let Source::Open { io, .. } = &mut self.source else { return Poll::Ready(None) };
        loop {
            if !self.buffer.is_empty() {
                match self.decoder.decode(&mut self.buffer) {
                    Ok(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Some(Err(error.into()))),
                }
            }
            if self.buffer.is_empty() {
                // What was read is in the messages made of it, or dropped.
                self.buffer = BytesMut::new();
            }
            let read = SCRATCH.with_borrow_mut(|scratch| {
                let mut into = ReadBuf::new(scratch);
                ready!(io.as_mut().poll_read(cx, &mut into))?;
                self.buffer.extend_from_slice(into.filled());
                Poll::Ready(Ok::<_, io::Error>(into.filled().len()))
            });
            match ready!(read) {
                Ok(0) => return Poll::Ready(None),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(error.into()))),
            }
        }
    }
}

impl Stream for FrameStream {
    type Item = Result<Incoming, ReadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.has_ended {
            return Poll::Ready(None);
        }
        ready!(this.poll_open(cx));
        if this.poll_write(cx).is_ready() {
            this.has_ended = true;
            return Poll::Ready(None);
        }
        if this.turn_bytes >= TURN_BYTES_MAX {
            this.turn_bytes = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Poll::Ready(frame) = this.poll_frame(cx) else {
            this.turn_bytes = 0;
            return Poll::Pending;
        };
        match &frame {
            Some(Ok(Incoming::Text(text))) => this.turn_bytes += text.len(),
            Some(Ok(Incoming::Binary(bytes))) => this.turn_bytes += bytes.len(),
            Some(Ok(_)) => {}
            _ => this.has_ended = true,
        }
        Poll::Ready(frame)
    }
}

impl Drop for FrameStream {
    fn drop(&mut self) {
        // The session has ended it, unless it died of something.
        self.outbox.finish();
        let Source::Open { io, held } = mem::replace(&mut self.source, Source::Gone) else { return };
        actix::spawn(end(io, Arc::clone(&self.outbox), held));
    }
}

/// Writes what a session has left, and ends TCP.
async fn end(mut io: Pin<Box<dyn Io>>, outbox: Arc<Outbox>, _held: Rc<dyn Any>) {
    // A client that takes nothing for this long has disconnected.
    if let Ok(Ok(())) = timeout(LAST_WRITE_WAIT, poll_fn(|cx| outbox.poll_write(cx, io.as_mut()))).await {
        hang_up(io).await;
        outbox.let_go();
    } else {
        outbox.abort();
    }
}

/// Closes a WebSocket that nobody needs, once its handshake is answered.
pub async fn turn_away(promised: PromisedSocket) {
    // It never comes when the client did not take the answer.
    let Ok(mut upgraded) = promised.0.await else { return };
    let mut frame = BytesMut::new();
    write_close(&mut frame, CloseCode::Normal.number(), "");
    if matches!(timeout(LAST_WRITE_WAIT, upgraded.io.write_all(&frame)).await, Ok(Ok(()))) {
        hang_up(upgraded.io).await;
    }
}

/// Ends TCP from this side, and waits a moment for the other (RFC 6455 section 7.1.1).
pub async fn hang_up(mut io: Pin<Box<dyn Io>>) {
    let ended = poll_fn(|cx| io.as_mut().poll_shutdown(cx));
    if !matches!(timeout(LAST_READ_WAIT, ended).await, Ok(Ok(()))) {
        return;
    }
    let rest = poll_fn(|cx| {
        SCRATCH.with_borrow_mut(|scratch| {
            loop {
                let mut into = ReadBuf::new(scratch);
                match ready!(io.as_mut().poll_read(cx, &mut into)) {
                    Ok(()) if !into.filled().is_empty() => {}
                    _ => return Poll::Ready(()),
                }
            }
        })
    });
    // Whatever came of it, the socket is closed next.
    let _ = timeout(LAST_READ_WAIT, rest).await;
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, task::noop_waker};

    use super::*;
    use crate::protocol::websocket::{Opcode, write_frame};

    /// A text of a client, masked with zeros.
    fn text(bytes: usize) -> Vec<u8> {
        let mut plain = BytesMut::new();
        write_frame(&mut plain, Opcode::Text, &vec![b'a'; bytes]);
        let head = plain.len() - bytes;
        let mut frame = plain[..head].to_vec();
        frame[1] |= 0x80;
        frame.extend([0; 4]);
        frame.extend(&plain[head..]);
        frame
    }

    /// What a stream gives in each turn, when these texts have arrived at once.
    fn turns(texts: usize, bytes: usize) -> Vec<usize> {
        let (keep, socket) = PromisedSocket::new();
        let (io, _client) = tokio::io::duplex(64);
        let read = text(bytes).repeat(texts).as_slice().into();
        assert!(keep.send(Upgraded { io: Box::pin(io), read, held: Rc::new(()) }).is_ok());
        let limits = FrameLimits { message_bytes_max: 1 << 20, fragments_max: 1 };
        let outbox = Arc::new(Outbox::new(1 << 20, None));
        let mut frames = FrameStream::new(socket, limits, InFlight::default(), outbox);
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        let (mut turns, mut left) = (Vec::new(), texts);
        while left > 0 {
            let mut given = 0;
            while let Poll::Ready(frame) = frames.poll_next_unpin(&mut cx) {
                assert!(matches!(frame, Some(Ok(Incoming::Text(_)))));
                given += 1;
            }
            left -= given;
            turns.push(given);
        }
        mem::forget(frames);
        turns
    }

    #[test]
    fn a_session_that_sends_much_at_once_lets_others_have_their_turn() {
        assert_eq!(turns(4, 98_000), [1, 1, 1, 1]);
        assert_eq!(turns(10, 16_384), [4, 4, 2]);
    }

    #[test]
    fn short_messages_that_came_together_are_given_together() {
        assert_eq!(turns(100, 120), [100]);
    }
}
