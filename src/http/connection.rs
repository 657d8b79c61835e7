//! The stream under HTTP/1.1, in the clear or under TLS.
//!
//! actix-http reads and writes it. What actix-http has no bound for is bounded here: how long a request's head is and how
//! long it takes, how much is read ahead, and how long a client may leave its answer unread.

pub mod gate;
pub mod shared_stream;
pub mod watch;

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use self::{
    shared_stream::SharedStream,
    watch::{HEAD_BYTES_MAX, MayRead, Patrol, Watch},
};
use super::admission::Arrival;
use crate::actors::session::transport::Io;

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
    /// The stream alone, for whoever takes the connection over.
    #[must_use]
    pub fn into_io(self) -> Pin<Box<dyn Io>> {
        match self {
            Self::Plain(stream) => Box::pin(stream),
            Self::Tls(stream) => Pin::from(stream as Box<dyn Io>),
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
pub struct Connection {
    transport: Transport,
    watch: Arc<Watch>,
    patrol: Rc<Patrol>,
    /// What is kept of it for its requests; taken by the first.
    arrival: Cell<Option<Arrival>>,
    /// Bytes read in this turn.
    turn_bytes: u64,
}

impl Connection {
    fn new(transport: Transport, watch: Arc<Watch>, patrol: Rc<Patrol>, arrival: Arrival) -> Self {
        Self { transport, watch, patrol, arrival: Cell::new(Some(arrival)), turn_bytes: 0 }
    }

    /// What is kept of it; once.
    #[must_use]
    pub fn take_arrival(&self) -> Option<Arrival> {
        self.arrival.take()
    }

    /// HTTP hands it over.
    #[must_use]
    pub fn into_io(self) -> Pin<Box<dyn Io>> {
        self.watch.upgraded();
        self.transport.into_io()
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.watch.may_read(cx, this.turn_bytes == 0) {
            MayRead::Yes if this.turn_bytes < TURN_BYTES_MAX => {}
            MayRead::Yes | MayRead::AfterALook => {
                this.turn_bytes = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
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
        let before = into.filled().len();
        let read = match &mut this.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, into),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, into),
        };
        if read.is_pending() {
            this.turn_bytes = 0;
        }
        ready!(read)?;
        let count = (into.filled().len() - before) as u64;
        this.turn_bytes += count;
        if count > 0 {
            this.watch.has_read(count, this.patrol.now());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
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
