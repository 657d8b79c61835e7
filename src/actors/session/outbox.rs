//! What waits for one connection: bounded in bytes and in age, shared by the hub that fills it and the transport that
//! drains it: a WebSocket as frames, or the polls of Engine.IO as payloads.
//!
//! The session's mailbox is never a client's buffer, this is. When it is full the client reads too slowly: everything in
//! it is freed, the socket is shut down, and the transport that still hangs in a write is dropped by its dispatcher.

use std::{
    collections::VecDeque,
    net::Shutdown,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures_util::task::AtomicWaker;
use socket2::Socket;

use crate::protocol::{
    engine_io::{packet, payload},
    websocket::{self, Opcode},
};

/// Most bytes that one turn of the transport takes, so that a full outbox does not become one huge buffer elsewhere.
const DRAIN_BYTES_MAX: usize = 64 * 1024;

/// Bytes that the kernel takes from the transport in one turn, by half of what its buffer is set to.
const WRITTEN_AT_ONCE_BYTES: usize = 32 * 1024;

/// What a frame costs beside its payload, so that very many empty ones are bounded too.
const FRAME_OVERHEAD_BYTES: usize = 32;

/// The connection's socket, kept so that it can be shut down while a write hangs in it.
#[derive(Debug, Clone)]
pub struct ConnectionSocket(Arc<Socket>);

impl ConnectionSocket {
    /// Takes a second handle of a connection's socket.
    #[must_use]
    pub fn new(socket: Socket) -> Self {
        Self(Arc::new(socket))
    }

    fn shut_down(&self) {
        // Fails when the peer was faster, which is what is wanted.
        let _ = self.0.shutdown(Shutdown::Both);
    }

    /// Shuts the connection down after a while, if it still stands then.
    pub fn shut_down_after(&self, wait: Duration) {
        let socket = Arc::downgrade(&self.0);
        actix::spawn(async move {
            tokio::time::sleep(wait).await;
            if let Some(socket) = socket.upgrade() {
                let _ = socket.shutdown(Shutdown::Both);
            }
        });
    }

    fn end_writing(&self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

/// One frame on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// UTF-8 text, shared with the others who receive it.
    Text(Bytes),
    /// A message of bytes.
    Binary(Bytes),
    /// A heartbeat's question. A WebSocket's own; it can't be polled.
    Ping,
    /// The answer to a client's ping, with its payload. A WebSocket's own; it can't be polled.
    Pong(Bytes),
}

impl Frame {
    fn weight_bytes(&self) -> usize {
        FRAME_OVERHEAD_BYTES
            + match self {
                Self::Text(payload) | Self::Binary(payload) | Self::Pong(payload) => payload.len(),
                Self::Ping => 0,
            }
    }
}

/// The client does not read what it asked for, or has gone.
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
    frames: VecDeque<Frame>,
    bytes: usize,
    /// Since when something waits.
    waiting_since: Option<Instant>,
    end: End,
    /// Bytes that the transport took since it last had nothing to take.
    turn_bytes: usize,
    /// The open poll shall return, even with nothing to tell.
    release: bool,
    socket: Option<ConnectionSocket>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// Open.
    No,
    /// What waits is still written, then a close frame; then the end, or the client's answer is awaited first.
    Closing { code: u16, reason: String, then_end: bool },
    /// The close frame is written; the transport stays until the client has answered it.
    CloseSent,
    /// Nothing more is written.
    Ended,
}

impl Outbox {
    /// An empty one that holds at most `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: usize, socket: Option<ConnectionSocket>) -> Self {
        Self {
            state: Mutex::new(State {
                frames: VecDeque::new(),
                bytes: 0,
                waiting_since: None,
                end: End::No,
                turn_bytes: 0,
                release: false,
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

    /// Queues a frame. An empty outbox takes any, so that no frame is too large for a client that has read the others.
    ///
    /// # Errors
    /// [`Full`] when it does not fit; the outbox is then freed and its socket shut down. What comes after a close is
    /// dropped without an error, since nobody waits for it.
    pub fn push(&self, frame: Frame) -> Result<(), Full> {
        let mut state = self.state();
        if state.end != End::No {
            return Ok(());
        }
        let weight = frame.weight_bytes();
        if state.bytes + weight > self.bytes_max && !state.frames.is_empty() {
            self.end(state);
            return Err(Full);
        }
        state.bytes += weight;
        state.frames.push_back(frame);
        if state.waiting_since.is_none() {
            state.waiting_since = Some(Instant::now());
        }
        drop(state);
        self.transport.wake();
        Ok(())
    }

    /// Ends with a close frame after what waits already: one of haggle's codes, or the client's own given back.
    pub fn close(&self, code: u16, reason: &str) {
        let mut state = self.state();
        if state.end == End::No {
            state.end = End::Closing { code, reason: reason.to_owned(), then_end: false };
            drop(state);
            self.transport.wake();
        }
    }

    /// Ends after what waits already: the client has answered the close frame, or had its time for it.
    pub fn finish(&self) {
        let mut state = self.state();
        match &mut state.end {
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
        state.end = End::Ended;
        state.frames = VecDeque::new();
        state.bytes = 0;
        state.waiting_since = None;
        if let Some(socket) = state.socket.take() {
            socket.shut_down();
        }
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

    /// Whether so much waits that the client is not read.
    #[must_use]
    pub fn is_heavy(&self) -> bool {
        self.state().bytes > self.bytes_max / 4
    }

    /// Lets the open poll return with a noop when there is nothing else to tell.
    pub fn release_poll(&self) {
        self.state().release = true;
        self.transport.wake();
    }

    /// A WebSocket drains it from now on, in the place of polls.
    pub(super) fn attach(&self, socket: Option<ConnectionSocket>) {
        let mut state = self.state();
        state.release = false;
        state.socket = socket;
        drop(state);
        self.transport.wake();
    }

    /// Whether so much waits that what can wait should.
    #[must_use]
    pub fn is_half_full(&self) -> bool {
        self.state().bytes > self.bytes_max / 2
    }

    /// How long the oldest frame has been waiting.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.state().waiting_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state().frames.is_empty()
    }

    /// Whether a close was begun or the end has come.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.state().end != End::No
    }

    /// Whether nothing more is written.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.state().end == End::Ended
    }

    /// What waits, as one payload of Engine.IO of at most `bytes_max` bytes, or one packet that is longer by itself; `None`
    /// at the end.
    pub fn poll_payload(&self, cx: &mut Context<'_>, bytes_max: usize) -> Poll<Option<Bytes>> {
        self.transport.register(cx.waker());
        let mut state = self.state();
        let mut out = BytesMut::with_capacity(state.bytes.min(bytes_max));
        while let Some(frame) = state.frames.front() {
            let length = match frame {
                Frame::Text(packet) => packet.len(),
                Frame::Binary(bytes) => payload::binary_len(bytes.len()),
                Frame::Ping | Frame::Pong(_) => 0,
            };
            if !out.is_empty() && out.len() + 1 + length > bytes_max {
                break;
            }
            let Some(frame) = state.frames.pop_front() else { break };
            state.bytes -= frame.weight_bytes();
            match frame {
                Frame::Text(packet) => payload::write_text(&mut out, &packet),
                Frame::Binary(bytes) => payload::write_binary(&mut out, &bytes),
                Frame::Ping | Frame::Pong(_) => {}
            }
        }
        state.waiting_since = (!state.frames.is_empty()).then(Instant::now);
        if out.is_empty() {
            // By itself: the official client hands on a payload's messages a moment later than its close, and would then
            // come back without the offset of what it has, to get it again.
            if matches!(state.end, End::Closing { .. }) {
                state.end = End::Ended;
                payload::write_text(&mut out, packet::CLOSE.as_bytes());
            }
            if std::mem::take(&mut state.release) && out.is_empty() {
                payload::write_text(&mut out, packet::NOOP.as_bytes());
            }
        }
        if !out.is_empty() {
            drop(state);
            self.reader.wake();
            return Poll::Ready(Some(out.freeze()));
        }
        if matches!(state.end, End::CloseSent | End::Ended) { Poll::Ready(None) } else { Poll::Pending }
    }

    /// What waits, as one run of WebSocket frames; `None` at the end.
    pub fn poll_drain(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.transport.register(cx.waker());
        let mut state = self.state();
        if state.frames.is_empty() {
            return match std::mem::replace(&mut state.end, End::CloseSent) {
                End::Closing { code, reason, then_end } => {
                    if then_end {
                        state.end = End::Ended;
                    }
                    let mut out = BytesMut::new();
                    websocket::write_close(&mut out, code, &reason);
                    state.turn_bytes += out.len();
                    Poll::Ready(Some(out.freeze()))
                }
                End::Ended => {
                    state.end = End::Ended;
                    let Some(socket) = state.socket.take() else { return Poll::Ready(None) };
                    // actix-http reads on for a while before it ends TCP, for a client that still sends; but that client
                    // waits for the end of TCP (RFC 6455 section 7.1.1). So writing ends here, once the transport had a
                    // turn to write what it took. When that was more than the kernel takes, it is left to actix-http.
                    match std::mem::take(&mut state.turn_bytes) {
                        0 => socket.end_writing(),
                        1..=WRITTEN_AT_ONCE_BYTES => {
                            state.socket = Some(socket);
                            cx.waker().wake_by_ref();
                            return Poll::Pending;
                        }
                        _ => {}
                    }
                    Poll::Ready(None)
                }
                open => {
                    state.end = open;
                    state.turn_bytes = 0;
                    Poll::Pending
                }
            };
        }
        let mut out = BytesMut::with_capacity(state.bytes.min(DRAIN_BYTES_MAX + 4096));
        while out.len() < DRAIN_BYTES_MAX {
            let Some(frame) = state.frames.pop_front() else { break };
            state.bytes -= frame.weight_bytes();
            match &frame {
                Frame::Text(payload) => websocket::write_frame(&mut out, Opcode::Text, payload),
                Frame::Binary(payload) => websocket::write_frame(&mut out, Opcode::Binary, payload),
                Frame::Ping => websocket::write_frame(&mut out, Opcode::Ping, b""),
                Frame::Pong(payload) => websocket::write_frame(&mut out, Opcode::Pong, payload),
            }
        }
        state.waiting_since = (!state.frames.is_empty()).then(Instant::now);
        state.turn_bytes += out.len();
        drop(state);
        self.reader.wake();
        Poll::Ready(Some(out.freeze()))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::task::noop_waker;

    use super::*;

    fn drain(outbox: &Outbox) -> Poll<Option<Bytes>> {
        outbox.poll_drain(&mut Context::from_waker(&noop_waker()))
    }

    #[test]
    fn what_waits_leaves_in_one_write() {
        let outbox = Outbox::new(1024, None);
        outbox.push(Frame::Text(Bytes::from_static(b"a"))).unwrap();
        outbox.push(Frame::Text(Bytes::from_static(b"b"))).unwrap();
        assert_eq!(drain(&outbox), Poll::Ready(Some(Bytes::from_static(b"\x81\x01a\x81\x01b"))));
        assert_eq!(drain(&outbox), Poll::Pending);
    }

    fn poll(outbox: &Outbox, bytes_max: usize) -> Poll<Option<Bytes>> {
        outbox.poll_payload(&mut Context::from_waker(&noop_waker()), bytes_max)
    }

    #[test]
    fn polls_take_payloads_and_the_last_one_is_a_close_alone() {
        let outbox = Outbox::new(1024, None);
        assert_eq!(poll(&outbox, 100), Poll::Pending);
        outbox.push(Frame::Text(Bytes::from_static(b"4a"))).unwrap();
        outbox.push(Frame::Binary(Bytes::from_static(&[1, 2, 3]))).unwrap();
        outbox.push(Frame::Text(Bytes::from_static(b"4b"))).unwrap();
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
        // However long it is: who reads everything is not slow.
        outbox.push(Frame::Text(Bytes::from_static(&[b'x'; 600]))).unwrap();
        assert_eq!(outbox.push(Frame::Text(Bytes::from_static(b"y"))), Err(Full));
        assert!(outbox.is_empty());
        assert_eq!(drain(&outbox), Poll::Ready(None));
    }

    #[test]
    fn a_close_comes_after_what_waits_and_nothing_after_it() {
        let outbox = Outbox::new(1024, None);
        outbox.push(Frame::Ping).unwrap();
        outbox.close(1012, "bye");
        outbox.push(Frame::Ping).unwrap();
        assert_eq!(drain(&outbox), Poll::Ready(Some(Bytes::from_static(b"\x89\x00"))));
        assert_eq!(drain(&outbox), Poll::Ready(Some(Bytes::from_static(b"\x88\x05\x03\xf4bye"))));
        assert_eq!(drain(&outbox), Poll::Pending);
        outbox.finish();
        assert_eq!(drain(&outbox), Poll::Ready(None));
    }
}
