//! What waits for one connection: bounded in bytes and in age, shared by the hub that fills it and the transport that
//! drains it: a WebSocket as frames, or the polls of Engine.IO as payloads.
//!
//! The session's mailbox is never a client's buffer, this is. When it is full the client reads too slowly: everything in
//! it is freed and the socket is shut down, which its transport notices.
//!
//! A caller that fills many outboxes at once uses [`Outbox::queue`] and, at the end of the turn, [`Outbox::flush`]. The
//! flush writes to the socket itself: one system call per connection and turn, and no task is woken. The transport's task
//! continues only if the kernel takes no more, or under TLS.

mod queue;
mod socket;

use std::{
    io,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::io::AsyncWrite;

use queue::{End, Queue};
pub use socket::{ConnectionSocket, shut_down};

/// What a frame costs in addition to its payload, so that very many empty ones are bounded too.
const FRAME_OVERHEAD_BYTES: usize = 32;

/// One frame on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutFrame {
    /// UTF-8 text, shared with the others who receive it.
    Text(Bytes),
    /// A message of bytes.
    Binary(Bytes),
    /// A heartbeat's question. A WebSocket's own; it can't be polled.
    Ping,
    /// The answer to a client's ping, with its payload. A WebSocket's own; it can't be polled.
    Pong(Bytes),
}

impl OutFrame {
    fn weight_bytes(&self) -> usize {
        FRAME_OVERHEAD_BYTES
            + match self {
                Self::Text(payload) | Self::Binary(payload) | Self::Pong(payload) => payload.len(),
                Self::Ping => 0,
            }
    }
}

/// The client does not read what it asked for, or has disconnected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// Bounded queue of one connection's frames. Share it with `Arc`.
#[derive(Debug)]
pub struct Outbox {
    state: Mutex<State>,
    transport: AtomicWaker,
    reader: AtomicWaker,
    bytes_max: usize,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    /// The open poll shall return, even with nothing to send.
    release: bool,
    /// Somebody will call [`Outbox::flush`].
    awaits_flush: bool,
    /// What fills it may write to the socket: everything that was written elsewhere is out.
    is_direct: bool,
    socket: Option<ConnectionSocket>,
}

impl Outbox {
    /// An empty one that holds at most `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: usize, socket: Option<ConnectionSocket>) -> Self {
        Self {
            state: Mutex::new(State {
                queue: Queue::new(),
                release: false,
                awaits_flush: false,
                is_direct: false,
                socket,
            }),
            transport: AtomicWaker::new(),
            reader: AtomicWaker::new(),
            bytes_max,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole after each statement, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a frame and wakes the transport. An empty outbox takes any, so that no frame is too large for a client that
    /// has read the others.
    ///
    /// # Errors
    /// [`Full`] when it does not fit; the outbox is then freed and its socket shut down. Frames after a close are dropped
    /// without an error, since nobody waits for them.
    pub fn push(&self, frame: OutFrame) -> Result<(), Full> {
        self.add(frame, true)?;
        self.transport.wake();
        Ok(())
    }

    /// Queues a frame for a caller who will [`Outbox::flush`] at the end of its turn. Returns whether nobody else was about
    /// to do that.
    ///
    /// # Errors
    /// As [`Outbox::push`].
    pub fn queue(&self, frame: OutFrame) -> Result<bool, Full> {
        self.add(frame, false)
    }

    fn add(&self, frame: OutFrame, wakes: bool) -> Result<bool, Full> {
        let mut state = self.state();
        if state.queue.end != End::No {
            return Ok(false);
        }
        if state.queue.bytes() + frame.weight_bytes() > self.bytes_max && !state.queue.is_empty() {
            self.end(state);
            return Err(Full);
        }
        state.queue.push(frame);
        // Most frames are written by a flush at the end of the turn: they have not waited.
        if state.queue.waiting_since.is_none() && (wakes || !state.is_direct) {
            state.queue.waiting_since = Some(Instant::now());
        }
        Ok(!wakes && !std::mem::replace(&mut state.awaits_flush, true))
    }

    /// Writes what waits: to the socket at once where that can be, else by waking the transport.
    pub fn flush(&self) {
        let mut state = self.state();
        state.awaits_flush = false;
        let State { queue, socket, is_direct, .. } = &mut *state;
        if let (true, Some(socket)) = (*is_direct, socket) {
            let written = queue.write_to(|bytes| socket.send(bytes));
            if written.is_err() {
                // The client has disconnected; its transport learns it from the socket, too.
                queue.abort();
            } else if queue.is_empty() && queue.end == End::No {
                return;
            }
        }
        drop(state);
        self.transport.wake();
    }

    /// Ends with a close frame after what waits already: one of haggle's codes, or the client's own given back.
    pub fn close(&self, code: u16, reason: &str) {
        let mut state = self.state();
        if state.queue.end == End::No {
            state.queue.end = End::Closing { code, reason: reason.into(), then_end: false };
            drop(state);
            self.transport.wake();
        }
    }

    /// Ends after what waits already: the client has answered the close frame, or had its time for it.
    pub fn finish(&self) {
        let mut state = self.state();
        match &mut state.queue.end {
            End::Closing { then_end, .. } => *then_end = true,
            end => *end = End::Ended,
        }
        drop(state);
        self.transport.wake();
    }

    /// Ends at once: frees what waits and shuts the socket down, even while a write hangs in it.
    pub fn abort(&self) {
        self.end(self.state());
    }

    fn end(&self, mut state: MutexGuard<'_, State>) {
        if let Some(socket) = state.socket.take() {
            socket.shut_down();
        }
        self.free(state);
    }

    /// The connection has ended in good order: frees what is left.
    pub(super) fn let_go(&self) {
        let mut state = self.state();
        state.socket = None;
        self.free(state);
    }

    fn free(&self, mut state: MutexGuard<'_, State>) {
        state.queue.abort();
        drop(state);
        self.transport.wake();
        self.reader.wake();
    }

    /// Ready while little waits. Else the client first has to read, and is not read until then.
    pub(super) fn poll_light(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_heavy() {
            return Poll::Ready(());
        }
        self.reader.register(cx.waker());
        // It may have been drained between the look and the registration.
        if self.is_heavy() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Whether so much waits that nothing more is read from the client.
    #[must_use]
    pub fn is_heavy(&self) -> bool {
        self.is_heavier_than(self.bytes_max / 4)
    }

    fn is_heavier_than(&self, bytes: usize) -> bool {
        self.state().queue.bytes() > bytes
    }

    /// Lets the open poll return with a noop when there is nothing else to send.
    pub fn release_poll(&self) {
        self.state().release = true;
        self.transport.wake();
    }

    /// A WebSocket drains it from now on, in the place of polls.
    pub(super) fn attach(&self, socket: Option<ConnectionSocket>) {
        let mut state = self.state();
        state.release = false;
        state.is_direct = false;
        state.socket = socket;
        drop(state);
        self.transport.wake();
    }

    /// The WebSocket stands: from now on its socket takes what is flushed.
    pub(super) fn open(&self) {
        let mut state = self.state();
        state.is_direct = state.socket.as_ref().is_some_and(ConnectionSocket::is_plain);
    }

    /// Whether so much waits that less urgent frames should wait elsewhere.
    #[must_use]
    pub fn is_half_full(&self) -> bool {
        self.is_heavier_than(self.bytes_max / 2)
    }

    /// How long the oldest frame has been waiting.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.state().queue.waiting_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Gives the places for frames back while nothing waits.
    pub fn shrink(&self) {
        self.state().queue.shrink();
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state().queue.is_empty()
    }

    /// Whether a close was begun or the end has come.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.state().queue.end != End::No
    }

    /// Whether nothing more is written.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.state().queue.end == End::Ended
    }

    /// What waits, as one payload of Engine.IO of at most `bytes_max` bytes, or one packet that is longer by itself; `None`
    /// at the end.
    pub fn poll_payload(&self, cx: &mut Context<'_>, bytes_max: usize) -> Poll<Option<Bytes>> {
        self.transport.register(cx.waker());
        let mut state = self.state();
        let State { queue, release, .. } = &mut *state;
        let payload = queue.take_payload(bytes_max, release);
        if !payload.is_empty() {
            drop(state);
            self.reader.wake();
            return Poll::Ready(Some(payload));
        }
        if matches!(state.queue.end, End::CloseSent | End::Ended) { Poll::Ready(None) } else { Poll::Pending }
    }

    /// Writes what waits as WebSocket frames. Ready at the end: all is out, and nothing more comes.
    ///
    /// # Errors
    /// Those of `io`, when the client has disconnected.
    pub fn poll_write(
        &self,
        cx: &mut Context<'_>,
        mut io: Pin<&mut (impl AsyncWrite + ?Sized)>,
    ) -> Poll<io::Result<()>> {
        self.transport.register(cx.waker());
        let mut state = self.state();
        let was_heavy = state.queue.bytes() > self.bytes_max / 4;
        let written = state.queue.write_to(|bytes| match io.as_mut().poll_write(cx, bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        });
        if let Err(error) = written {
            state.queue.abort();
            return Poll::Ready(Err(error));
        }
        let is_light = state.queue.bytes() <= self.bytes_max / 4;
        let is_out = state.queue.is_empty();
        let is_over = state.queue.end == End::Ended;
        drop(state);
        if was_heavy && is_light {
            self.reader.wake();
        }
        // TLS has a buffer of its own.
        match io.poll_flush(cx) {
            Poll::Ready(Ok(())) if is_out && is_over => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::task::noop_waker;

    use super::*;

    /// What the transport writes, and whether it is at its end.
    fn drain(outbox: &Outbox) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        let written = outbox.poll_write(&mut Context::from_waker(&noop_waker()), Pin::new(&mut out));
        (out, written.is_ready())
    }

    #[test]
    fn what_waits_leaves_in_one_write() {
        let outbox = Outbox::new(1024, None);
        outbox.push(OutFrame::Text(Bytes::from_static(b"a"))).unwrap();
        outbox.push(OutFrame::Text(Bytes::from_static(b"b"))).unwrap();
        let mut writes = 0;
        let written = outbox.state().queue.write_to(|bytes| {
            writes += 1;
            assert_eq!(bytes, b"\x81\x01a\x81\x01b");
            Ok(bytes.len())
        });
        assert!(written.is_ok() && writes == 1);
        assert_eq!(drain(&outbox), (vec![], false));
    }

    #[test]
    fn what_the_kernel_does_not_take_goes_first_the_next_time() {
        let outbox = Outbox::new(1024, None);
        outbox.push(OutFrame::Text(Bytes::from_static(b"first"))).unwrap();
        let mut got = Vec::new();
        let mut takes = [3_usize, 0].into_iter();
        let written = outbox.state().queue.write_to(|bytes| match takes.next() {
            Some(count) if count > 0 => {
                got.extend_from_slice(&bytes[..count]);
                Ok(count)
            }
            _ => Err(io::ErrorKind::WouldBlock.into()),
        });
        assert!(written.is_ok());
        assert!(!outbox.is_empty() && outbox.state().queue.waiting_since.is_some());
        outbox.push(OutFrame::Text(Bytes::from_static(b"second"))).unwrap();
        got.extend(drain(&outbox).0);
        assert_eq!(got, b"\x81\x05first\x81\x06second");
        assert!(outbox.is_empty() && outbox.age() == Duration::ZERO);
    }

    #[actix_web::test]
    async fn a_flush_writes_to_the_socket_itself_once_the_websocket_stands() {
        use std::io::Read;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let outbox = Outbox::new(1024, Some(ConnectionSocket::new(server.into(), true)));
        assert_eq!(outbox.queue(OutFrame::Text(Bytes::from_static(b"a"))), Ok(true));
        outbox.flush();
        assert!(!outbox.is_empty(), "the answer to the handshake may still be on its way");
        outbox.open();
        assert_eq!(outbox.queue(OutFrame::Text(Bytes::from_static(b"b"))), Ok(true));
        assert_eq!(outbox.queue(OutFrame::Text(Bytes::from_static(b"c"))), Ok(false));
        outbox.flush();
        let mut got = [0; 9];
        client.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"\x81\x01a\x81\x01b\x81\x01c");
        assert!(outbox.is_empty());
    }

    fn poll(outbox: &Outbox, bytes_max: usize) -> Poll<Option<Bytes>> {
        outbox.poll_payload(&mut Context::from_waker(&noop_waker()), bytes_max)
    }

    #[test]
    fn polls_take_payloads_and_the_last_one_is_a_close_alone() {
        let outbox = Outbox::new(1024, None);
        assert_eq!(poll(&outbox, 100), Poll::Pending);
        outbox.push(OutFrame::Text(Bytes::from_static(b"4a"))).unwrap();
        outbox.push(OutFrame::Binary(Bytes::from_static(&[1, 2, 3]))).unwrap();
        outbox.push(OutFrame::Text(Bytes::from_static(b"4b"))).unwrap();
        assert_eq!(poll(&outbox, 8), Poll::Ready(Some(Bytes::from_static(b"4a\x1ebAQID"))));
        outbox.close(1012, "bye");
        assert_eq!(poll(&outbox, 8), Poll::Ready(Some(Bytes::from_static(b"4b"))));
        assert_eq!(poll(&outbox, 8), Poll::Ready(Some(Bytes::from_static(b"1"))));
        assert_eq!(poll(&outbox, 8), Poll::Ready(None));
    }

    #[test]
    fn a_poll_is_released_once() {
        let outbox = Outbox::new(1024, None);
        outbox.release_poll();
        assert_eq!(poll(&outbox, 8), Poll::Ready(Some(Bytes::from_static(b"6"))));
        assert_eq!(poll(&outbox, 8), Poll::Pending);
    }

    #[test]
    fn a_full_outbox_is_freed_and_ends() {
        let outbox = Outbox::new(100, None);
        // However long it is: a client that reads everything is not slow.
        outbox.push(OutFrame::Text(Bytes::from_static(&[b'x'; 600]))).unwrap();
        assert_eq!(outbox.push(OutFrame::Text(Bytes::from_static(b"y"))), Err(Full));
        assert!(outbox.is_empty());
        assert_eq!(drain(&outbox), (vec![], true));
    }

    #[test]
    fn an_idle_connection_keeps_no_places_and_loses_nothing_that_waits() {
        let outbox = Outbox::new(1024, None);
        let is_kept = || outbox.state().queue.has_places();
        outbox.push(OutFrame::Ping).unwrap();
        outbox.shrink();
        assert_eq!(drain(&outbox), (b"\x89\x00".to_vec(), false));
        assert!(is_kept(), "for the next frame");
        outbox.shrink();
        assert!(!is_kept());
    }

    #[test]
    fn a_close_comes_after_what_waits_and_nothing_after_it() {
        let outbox = Outbox::new(1024, None);
        outbox.push(OutFrame::Ping).unwrap();
        outbox.close(1012, "bye");
        outbox.push(OutFrame::Ping).unwrap();
        assert_eq!(drain(&outbox), (b"\x89\x00\x88\x05\x03\xf4bye".to_vec(), false));
        outbox.finish();
        assert_eq!(drain(&outbox), (vec![], true));
    }
}
