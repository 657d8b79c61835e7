//! The frames that wait for one connection, and their way out: plain state, without wakers and locks.

use std::{cell::RefCell, collections::VecDeque, io, time::Instant};

use bytes::{Buf, Bytes, BytesMut};

use super::OutFrame;
use crate::protocol::{
    engine_io::{packet, payload},
    websocket::{self, Opcode},
};

/// Most bytes of one write.
const WRITE_BYTES_MAX: usize = 64 * 1024;

/// Places for frames that an empty queue keeps until [`Queue::shrink`].
const FRAMES_KEPT_MAX: usize = 32;

thread_local! {
    /// Where the frames of one write are put together. One a thread, so that an idle connection has no buffer.
    static SCRATCH: RefCell<BytesMut> = RefCell::new(BytesMut::with_capacity(WRITE_BYTES_MAX + 4096));
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Open.
    No,
    /// What waits is still written, then a close frame; then the end, or the client's answer is awaited first.
    Closing { code: u16, reason: Box<str>, then_end: bool },
    /// The close frame is written; the transport stays until the client has answered it.
    CloseSent,
    /// Nothing more is taken up.
    Ended,
}

/// What waits.
#[derive(Debug)]
pub(super) struct Queue {
    frames: VecDeque<OutFrame>,
    /// Bytes of the frames, without `rest`.
    bytes: usize,
    /// What the kernel did not take of the last write.
    rest: Bytes,
    /// Since when something waits, as far as it is known to wait longer than a turn.
    pub(super) waiting_since: Option<Instant>,
    pub(super) end: End,
}

impl Queue {
    pub(super) const fn new() -> Self {
        Self { frames: VecDeque::new(), bytes: 0, rest: Bytes::new(), waiting_since: None, end: End::No }
    }

    pub(super) fn push(&mut self, frame: OutFrame) {
        self.bytes += frame.weight_bytes();
        if self.frames.capacity() == 0 {
            // Most turns have one frame for a connection, and a queue begins with places for four.
            self.frames.reserve_exact(1);
        }
        self.frames.push_back(frame);
    }

    /// Bytes that count against the bound. The bytes of the write in progress are not among them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.rest.is_empty()
    }

    /// Gives the places of an empty queue back: an idle connection keeps no room for the next burst.
    pub(super) fn shrink(&mut self) {
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
    }

    #[cfg(test)]
    pub(super) fn has_places(&self) -> bool {
        self.frames.capacity() > 0
    }

    /// Frees what waits, and takes nothing up any more.
    pub(super) fn abort(&mut self) {
        *self = Self { end: End::Ended, ..Self::new() };
    }

    /// Hands what waits to `write`, as WebSocket frames and as many as fit in each call, until all is written or the other
    /// side takes no more.
    pub(super) fn write_to(&mut self, mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        let mut progress = false;
        let outcome = loop {
            let written = if self.rest.is_empty() {
                match self.write_frames(&mut write) {
                    None => break Ok(()),
                    Some(written) => written,
                }
            } else {
                let written = write(&self.rest);
                if let Ok(count) = written {
                    self.rest.advance(count);
                }
                written
            };
            match written {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => progress = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if self.is_empty() {
            self.waiting_since = None;
            if self.frames.capacity() > FRAMES_KEPT_MAX {
                self.shrink();
            }
        } else if progress || self.waiting_since.is_none() {
            self.waiting_since = Some(Instant::now());
        }
        outcome
    }

    /// Writes the next frames in one call, and keeps what was not taken. `None` when there are none.
    fn write_frames(&mut self, write: &mut impl FnMut(&[u8]) -> io::Result<usize>) -> Option<io::Result<usize>> {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.clear();
            self.take_frames(scratch);
            if scratch.is_empty() {
                return None;
            }
            let written = write(scratch);
            let taken = *written.as_ref().unwrap_or(&0);
            if taken < scratch.len() {
                self.rest = Bytes::copy_from_slice(&scratch[taken..]);
            }
            if scratch.capacity() > 4 * WRITE_BYTES_MAX {
                // Grown for one very long frame.
                *scratch = BytesMut::with_capacity(WRITE_BYTES_MAX + 4096);
            }
            Some(written)
        })
    }

    fn take_frames(&mut self, out: &mut BytesMut) {
        while out.len() < WRITE_BYTES_MAX {
            let Some(frame) = self.frames.pop_front() else { break };
            self.bytes -= frame.weight_bytes();
            match &frame {
                OutFrame::Text(payload) => websocket::write_frame(out, Opcode::Text, payload),
                OutFrame::Binary(payload) => websocket::write_frame(out, Opcode::Binary, payload),
                OutFrame::Ping => websocket::write_frame(out, Opcode::Ping, b""),
                OutFrame::Pong(payload) => websocket::write_frame(out, Opcode::Pong, payload),
            }
        }
        if self.frames.is_empty()
            && let End::Closing { code, reason, then_end } = &self.end
        {
            websocket::write_close(out, *code, reason);
            self.end = if *then_end { End::Ended } else { End::CloseSent };
        }
    }

    /// What waits, as one payload of Engine.IO of at most `bytes_max` bytes, or one packet that is longer by itself; empty
    /// when nothing waits. When `release` is set and nothing waits it is a noop, once.
    pub(super) fn take_payload(&mut self, bytes_max: usize, release: &mut bool) -> Bytes {
        let mut out = BytesMut::with_capacity(self.bytes.min(bytes_max));
        while let Some(frame) = self.frames.front() {
            let length = match frame {
                OutFrame::Text(packet) => packet.len(),
                OutFrame::Binary(bytes) => payload::binary_len(bytes.len()),
                OutFrame::Ping | OutFrame::Pong(_) => 0,
            };
            if !out.is_empty() && out.len() + 1 + length > bytes_max {
                break;
            }
            let Some(frame) = self.frames.pop_front() else { break };
            self.bytes -= frame.weight_bytes();
            match frame {
                OutFrame::Text(packet) => payload::write_text(&mut out, &packet),
                OutFrame::Binary(bytes) => payload::write_binary(&mut out, &bytes),
                OutFrame::Ping | OutFrame::Pong(_) => {}
            }
        }
        self.waiting_since = (!self.frames.is_empty()).then(Instant::now);
        if out.is_empty() {
            // In a payload of its own: the official client handles a payload's messages a moment later than its close. It
            // would then reconnect without the offset of what it has, and receive it again.
            if matches!(self.end, End::Closing { .. }) {
                self.end = End::Ended;
                payload::write_text(&mut out, packet::CLOSE.as_bytes());
            }
            if std::mem::take(release) && out.is_empty() {
                payload::write_text(&mut out, packet::NOOP.as_bytes());
            }
        }
        out.freeze()
    }
}
