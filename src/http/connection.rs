//! The stream under HTTP/1.1, in the clear or under TLS.
//!
//! actix-http reads and writes it. What actix-http has no bound for is bounded here: how long a request's head is and how
//! long it takes, how much is read ahead, and how long a client may leave its answer unread.

pub mod framing;
pub mod gate;
pub mod shared_stream;

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use self::{framing::Framing, shared_stream::SharedStream};
use super::{
    admission::Arrival,
    deadlines::{HEAD_BYTES_MAX, MayRead, Patrol, Watch},
};
use crate::actors::session::transport::Io;

/// Bytes that are read of what follows a request while that is served: by reading, a client's end is noticed.
const AHEAD_BYTES_MAX: usize = 2 * 1024;

/// Bytes that are read in one turn. What was read is then looked at before more is.
const TURN_BYTES_MAX: u64 = HEAD_BYTES_MAX;

/// An answer to a head that is longer than a head may be.
const HEAD_TOO_LARGE: &[u8] =
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// The bytes of a connection.
pub enum Transport {
    /// In the clear.
    Plain(SharedStream),
    /// Under TLS.
    Tls(Box<TlsStream<SharedStream>>),
}

impl Transport {
    /// The stream alone, for what takes the connection over.
    #[must_use]
    pub fn into_io(self) -> Pin<Box<dyn Io>> {
        match self {
            Self::Plain(stream) => Box::pin(stream),
            Self::Tls(stream) => Pin::from(stream as Box<dyn Io>),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }
}

/// A connection while HTTP has it.
pub struct HttpConnection {
    transport: Transport,
    watch: Arc<Watch>,
    patrol: Rc<Patrol>,
    /// What is kept of it for its requests; taken by the first.
    arrival: Cell<Option<Arrival>>,
    /// Bytes handed to actix-http in this turn.
    turn_bytes: u64,
    /// How far the current request has been handed to it.
    framing: Framing,
    /// What was read of the requests after it.
    ahead: BytesMut,
}

impl HttpConnection {
    fn new(transport: Transport, watch: Arc<Watch>, patrol: Rc<Patrol>, arrival: Arrival) -> Self {
        Self {
            transport,
            watch,
            patrol,
            arrival: Cell::new(Some(arrival)),
            turn_bytes: 0,
            framing: Framing::at_start(),
            ahead: BytesMut::new(),
        }
    }

    /// What is kept of it; once.
    #[must_use]
    pub fn take_arrival(&self) -> Option<Arrival> {
        self.arrival.take()
    }

    /// HTTP hands it over, with what was read of what follows.
    #[must_use]
    pub fn into_io(self) -> (Pin<Box<dyn Io>>, BytesMut) {
        self.watch.upgraded();
        (self.transport.into_io(), self.ahead)
    }

    /// Decides how to continue after the end of a head or a request. Returns an answer if nothing is to be read yet.
    fn poll_next_part(&mut self, cx: &mut Context<'_>) -> Option<Poll<io::Result<()>>> {
        while self.framing.is_at_end() {
            if self.turn_bytes > 0 {
                return Some(self.look_first(cx));
            }
            let body = if self.framing.is_after_head() { self.watch.take_body() } else { None };
            match body {
                Some(body) => self.framing.begin_body(body),
                None if self.watch.is_busy(cx) => return Some(self.poll_ahead(cx)),
                None => self.framing = Framing::at_start(),
            }
        }
        None
    }

    /// actix-http looks at what it has before it gets more.
    fn look_first(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.turn_bytes = 0;
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads a little of what follows the request that is being served; ready at the connection's end.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.ahead.len() < AHEAD_BYTES_MAX {
            let mut bytes = [0; AHEAD_BYTES_MAX];
            let mut buffer = ReadBuf::new(&mut bytes[self.ahead.len()..]);
            ready!(self.transport.poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.ahead.extend_from_slice(buffer.filled());
        }
        Poll::Pending
    }

    /// Reads what belongs to the current head or body.
    fn poll_part(&mut self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        if !self.ahead.is_empty() {
            let here = self.ahead.len().min(into.remaining());
            let taken = self.framing.take(&self.ahead[..here]);
            into.put_slice(&self.ahead[..taken]);
            self.ahead.advance(taken);
            if self.ahead.is_empty() {
                // An idle connection keeps nothing.
                self.ahead = BytesMut::new();
            }
            return Poll::Ready(Ok(taken));
        }
        let wanted = self.framing.wanted().min(into.remaining());
        let mut part = ReadBuf::new(into.initialize_unfilled_to(wanted));
        ready!(self.transport.poll_read(cx, &mut part))?;
        let taken = self.framing.take(part.filled());
        self.ahead.extend_from_slice(&part.filled()[taken..]);
        into.advance(taken);
        Poll::Ready(Ok(taken))
    }
}

impl AsyncRead for HttpConnection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(answer) = this.poll_next_part(cx) {
            return answer;
        }
        let is_head = this.framing.is_in_head();
        match this.watch.may_read(cx, is_head, this.turn_bytes == 0) {
            MayRead::Yes if this.turn_bytes < TURN_BYTES_MAX => {}
            MayRead::Yes | MayRead::AfterALook => return this.look_first(cx),
            MayRead::Later => {
                this.turn_bytes = 0;
                return Poll::Pending;
            }
            MayRead::HeadTooLarge => {
                // A client that does not read either gets no answer. Nothing read is the end for actix-http.
                let _ = this.transport.poll_write(cx, HEAD_TOO_LARGE);
                return Poll::Ready(Ok(()));
            }
        }
        let read = this.poll_part(cx, into);
        if read.is_pending() {
            this.turn_bytes = 0;
        }
        let count = ready!(read)? as u64;
        this.turn_bytes += count;
        if count > 0 {
            this.watch.has_read(count, is_head, this.patrol.now());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for HttpConnection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = this.transport.poll_write(cx, bytes);
        this.watch.has_written(&written, this.patrol.now());
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Plain TCP has nothing to flush.
        let Transport::Tls(stream) = &mut this.transport else { return Poll::Ready(Ok(())) };
        let flushed = Pin::new(stream).poll_flush(cx);
        this.watch.has_written(&flushed, this.patrol.now());
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => {
                let shut = Pin::new(stream).poll_shutdown(cx);
                this.watch.has_written(&shut, this.patrol.now());
                shut
            }
        }
    }
}
