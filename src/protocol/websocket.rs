//! Frames of a WebSocket, the server's side (RFC 6455 section 5): bytes in, whole messages out.
//!
//! ```text
//! FIN RSV1-3 opcode(4) | MASK length(7) | length(0, 16 or 64) | mask(32) | payload
//! ```
//!
//! A frame is refused by the first byte of its header that breaks a rule, before any of its payload is kept, and
//! nothing is ever allocated for a length that was only announced. <https://www.rfc-editor.org/rfc/rfc6455#section-5>

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use bytestring::ByteString;

mod error;
mod write;

pub use error::FrameError;
pub use write::{Opcode, write_close, write_frame};

const FIN: u8 = 0b1000_0000;
const RSV: u8 = 0b0111_0000;
const OPCODE: u8 = 0b0000_1111;
const MASKED: u8 = 0b1000_0000;
const LENGTH: u8 = 0b0111_1111;
/// Value of the 7-bit length that says: the next 16 bits hold it.
const LENGTH_IN_16_BITS: u8 = 126;
/// Value of the 7-bit length that says: the next 64 bits hold it.
const LENGTH_IN_64_BITS: u8 = 127;
/// Longest payload of a control frame (section 5.5).
const CONTROL_BYTES_MAX: usize = 125;
const MASK_BYTES: usize = 4;

/// What a client may send at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// Longest message in bytes of payload, over all of its fragments.
    pub message_bytes_max: usize,
    /// Most frames that one message may come in, at least 1. A fragment costs no memory in addition to its payload, so this
    /// only decides when a client counts as broken. Real clients stay below 1,024, but test suites that send 4 MiB in
    /// fragments of 64 bytes need 65,536.
    pub fragments_max: usize,
}

/// What a client sent: a whole message, or a control frame.
#[derive(Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A text. Like the payload of `Binary` it may share memory with other bytes of the same read: copy what is kept for
    /// long.
    Text(ByteString),
    /// A message of bytes.
    Binary(Bytes),
    /// To be answered with a pong of the same payload, 0 to 125 bytes.
    Ping(Bytes),
    /// The answer to a ping, or sent unasked; 0 to 125 bytes.
    Pong(Bytes),
    /// The client ends the connection; with its code and reason when it gave them. Nothing follows.
    Close(Option<(u16, String)>),
}

// Sizes only: a text must not reach a log.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Self::Ping(bytes) => write!(f, "Ping({} bytes)", bytes.len()),
            Self::Pong(bytes) => write!(f, "Pong({} bytes)", bytes.len()),
            Self::Close(close) => write!(f, "Close({:?})", close.as_ref().map(|(code, _)| code)),
        }
    }
}

/// Reads the frames of one client.
///
/// It holds the payload of a fragmented message that is not complete, and nothing else: a message in a single frame is
/// unmasked where it lies and handed out without a copy.
#[derive(Debug)]
pub struct Decoder {
    limits: FrameLimits,
    /// The frame whose header was read and whose payload is still arriving.
    frame: Option<Frame>,
    /// The message whose last fragment has not begun or not arrived.
    message: Option<Box<Message>>,
    end: Option<End>,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Closed,
    Failed(FrameError),
}

/// A header, without what the payload itself shows.
#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: Kind,
    fin: bool,
    mask: [u8; MASK_BYTES],
    /// Bytes of payload.
    length: usize,
    /// How many of them have arrived and are unmasked.
    unmasked: usize,
    /// How many of them are known to be whole characters; only counted for [`Kind::Whole`].
    valid: usize,
}

/// What the first byte of a header means, in addition to its bits.
#[derive(Debug, Clone, Copy)]
enum FirstByte {
    Continuation,
    Data(DataKind),
    Control(ControlKind),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A data frame that is a whole message.
    Whole(DataKind),
    /// A data frame whose payload belongs to [`Decoder::message`].
    Fragment,
    Control(ControlKind),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DataKind {
    Text,
    Binary,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ControlKind {
    Close,
    Ping,
    Pong,
}

/// A fragmented message. Its payload lies in one piece, so that a character cut in two is checked like any other.
#[derive(Debug)]
struct Message {
    kind: DataKind,
    payload: BytesMut,
    /// Bytes at its start that are known to be whole characters.
    valid: usize,
    /// Frames that it came in so far.
    fragments: usize,
}

/// What became of a frame.
enum Step {
    Message(Incoming),
    NextFrame,
    NeedsMore,
}

impl Decoder {
    /// A decoder for a new connection.
    #[must_use]
    pub const fn new(limits: FrameLimits) -> Self {
        Self { limits, frame: None, message: None, end: None }
    }

    /// What holds.
    #[must_use]
    pub fn limits(&self) -> FrameLimits {
        self.limits
    }

    /// From now on these limits hold.
    pub fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits;
    }

    /// Takes the next message off the start of `src`, or `None` when more bytes are needed.
    ///
    /// Call it until it gives `None`, then append to the same `src` and call it again: it keeps the beginning of an
    /// unfinished frame there, up to `message_bytes_max` of it, and changes those bytes. After a close or an error all
    /// further bytes are dropped.
    ///
    /// # Errors
    /// The client's error; from then on every call fails with the same.
    pub fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Incoming>, FrameError> {
        match self.end {
            None => {}
            Some(End::Closed) => {
                src.clear();
                return Ok(None);
            }
            Some(End::Failed(error)) => {
                src.clear();
                return Err(error);
            }
        }
        let outcome = self.advance(src);
        match &outcome {
            Ok(Some(Incoming::Close(_))) => self.finish(End::Closed, src),
            Err(error) => self.finish(End::Failed(*error), src),
            Ok(_) => {}
        }
        outcome
    }

    fn finish(&mut self, end: End, src: &mut BytesMut) {
        self.end = Some(end);
        self.frame = None;
        self.message = None;
        src.clear();
    }

    fn advance(&mut self, src: &mut BytesMut) -> Result<Option<Incoming>, FrameError> {
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.read_header(src)? {
                    Some(frame) => frame,
                    None => return Ok(None),
                },
            };
            let done = match frame.kind {
                Kind::Control(kind) => read_control(kind, &frame, src)?,
                Kind::Whole(kind) => read_whole(kind, &mut frame, src)?,
                Kind::Fragment => self.read_fragment(&mut frame, src)?,
            };
            match done {
                Step::Message(incoming) => return Ok(Some(incoming)),
                Step::NextFrame => {}
                Step::NeedsMore => {
                    self.frame = Some(frame);
                    return Ok(None);
                }
            }
        }
    }

    /// Takes a header off `src` once it is there completely. Every rule is checked as soon as the byte that can break it is there.
    fn read_header(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        let Some(&first) = src.first() else { return Ok(None) };
        let (kind, fin) = self.check_first_byte(first)?;

        let Some(&second) = src.get(1) else { return Ok(None) };
        if second & MASKED == 0 {
            return Err(FrameError::Unmasked);
        }
        let short_length = second & LENGTH;
        if matches!(kind, FirstByte::Control(_)) && usize::from(short_length) > CONTROL_BYTES_MAX {
            return Err(FrameError::LongControl);
        }
        let Some((length, length_end)) = read_length(short_length, src)? else { return Ok(None) };
        let length = match kind {
            // Just checked to be at most 125.
            FirstByte::Control(_) => usize::from(short_length),
            FirstByte::Data(_) | FirstByte::Continuation => self.check_message_length(length)?,
        };

        let Some(mask) = src.get(length_end..).and_then(<[u8]>::first_chunk::<MASK_BYTES>) else { return Ok(None) };
        let mask = *mask;
        src.advance(length_end + MASK_BYTES);
        let kind = match kind {
            FirstByte::Control(kind) => Kind::Control(kind),
            FirstByte::Data(kind) if fin => Kind::Whole(kind),
            FirstByte::Data(kind) => {
                self.message = Some(Box::new(Message { kind, payload: BytesMut::new(), valid: 0, fragments: 1 }));
                Kind::Fragment
            }
            FirstByte::Continuation => {
                if let Some(message) = &mut self.message {
                    message.fragments += 1;
                }
                Kind::Fragment
            }
        };
        Ok(Some(Frame { kind, fin, mask, length, unmasked: 0, valid: 0 }))
    }

    fn check_first_byte(&self, first: u8) -> Result<(FirstByte, bool), FrameError> {
        if first & RSV != 0 {
            return Err(FrameError::ReservedBits);
        }
        let fin = first & FIN != 0;
        let kind = match first & OPCODE {
            0x0 => FirstByte::Continuation,
            0x1 => FirstByte::Data(DataKind::Text),
            0x2 => FirstByte::Data(DataKind::Binary),
            0x8 => FirstByte::Control(ControlKind::Close),
            0x9 => FirstByte::Control(ControlKind::Ping),
            0xA => FirstByte::Control(ControlKind::Pong),
            reserved => return Err(FrameError::ReservedOpcode(reserved)),
        };
        let fragments_max = self.limits.fragments_max;
        match (kind, &self.message) {
            (FirstByte::Control(_), _) if !fin => Err(FrameError::FragmentedControl),
            (FirstByte::Data(_), Some(_)) => Err(FrameError::Interleaved),
            (FirstByte::Continuation, None) => Err(FrameError::NothingToContinue),
            (FirstByte::Continuation, Some(message)) if message.fragments >= fragments_max => {
                Err(FrameError::TooManyFragments { fragments_max })
            }
            _ => Ok((kind, fin)),
        }
    }

    /// The length of a data frame, when its message stays within the limit.
    fn check_message_length(&self, length: u64) -> Result<usize, FrameError> {
        let bytes_max = self.limits.message_bytes_max;
        // Earlier fragments were checked the same way, so the difference can't be negative.
        let left = bytes_max.saturating_sub(self.message.as_ref().map_or(0, |message| message.payload.len()));
        match usize::try_from(length) {
            Ok(length) if length <= left => Ok(length),
            _ => Err(FrameError::TooBig { bytes_max }),
        }
    }

    /// Moves what arrived of a fragment to its message.
    fn read_fragment(&mut self, frame: &mut Frame, src: &mut BytesMut) -> Result<Step, FrameError> {
        // A fragment's header has set the message, and it stays until its last fragment is whole.
        let Some(mut message) = self.message.take() else { return Err(FrameError::NothingToContinue) };
        let arrived = src.len().min(frame.length - frame.unmasked);
        unmask(&mut src[..arrived], frame.mask, frame.unmasked);
        message.payload.extend_from_slice(&src[..arrived]);
        src.advance(arrived);
        frame.unmasked += arrived;

        let whole = frame.unmasked == frame.length;
        if whole && frame.fin {
            return data(message.kind, message.payload).map(Step::Message);
        }
        if message.kind == DataKind::Text {
            message.valid = check_utf8(&message.payload, message.valid)?;
        }
        self.message = Some(message);
        Ok(if whole { Step::NextFrame } else { Step::NeedsMore })
    }
}

/// Takes a message in a single frame out of the buffer that it arrived in.
fn read_whole(kind: DataKind, frame: &mut Frame, src: &mut BytesMut) -> Result<Step, FrameError> {
    let arrived = src.len().min(frame.length);
    unmask(&mut src[frame.unmasked..arrived], frame.mask, frame.unmasked);
    frame.unmasked = arrived;
    if arrived == frame.length {
        return data(kind, src.split_to(arrived)).map(Step::Message);
    }
    if kind == DataKind::Text {
        frame.valid = check_utf8(&src[..arrived], frame.valid)?;
    }
    Ok(Step::NeedsMore)
}

fn read_control(kind: ControlKind, frame: &Frame, src: &mut BytesMut) -> Result<Step, FrameError> {
    if src.len() < frame.length {
        return Ok(Step::NeedsMore);
    }
    let payload = &mut src[..frame.length];
    unmask(payload, frame.mask, 0);
    let incoming = match kind {
        ControlKind::Close => Incoming::Close(read_close(payload)?),
        // Copied: 125 bytes in a queue must not keep a whole read buffer alive.
        ControlKind::Ping => Incoming::Ping(Bytes::copy_from_slice(payload)),
        ControlKind::Pong => Incoming::Pong(Bytes::copy_from_slice(payload)),
    };
    src.advance(frame.length);
    Ok(Step::Message(incoming))
}

fn read_close(payload: &[u8]) -> Result<Option<(u16, String)>, FrameError> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(None) } else { Err(FrameError::HalfCloseCode) };
    };
    let code = u16::from_be_bytes(*code);
    match code {
        // Defined in section 7.4.1, registered since (1012 to 1014), or free for libraries and applications.
        // The others are reserved, or must never be on the wire: 1005, 1006 and 1015.
        1000..=1003 | 1007..=1014 | 3000..=4999 => {}
        _ => return Err(FrameError::InvalidCloseCode(code)),
    }
    let reason = std::str::from_utf8(reason).map_err(|_| FrameError::InvalidUtf8)?;
    Ok(Some((code, reason.to_owned())))
}

/// Reads the payload's length and where the length ends, once all of it is there.
fn read_length(short: u8, src: &[u8]) -> Result<Option<(u64, usize)>, FrameError> {
    let rest = src.get(2..).unwrap_or_default();
    let (length, end, least) = match short {
        LENGTH_IN_16_BITS => {
            let Some(bytes) = rest.first_chunk::<2>() else { return Ok(None) };
            (u64::from(u16::from_be_bytes(*bytes)), 4, u64::from(LENGTH_IN_16_BITS))
        }
        LENGTH_IN_64_BITS => {
            let Some(bytes) = rest.first_chunk::<8>() else { return Ok(None) };
            (u64::from_be_bytes(*bytes), 10, u64::from(u16::MAX) + 1)
        }
        _ => (u64::from(short), 2, 0),
    };
    if length < least || length > u64::MAX >> 1 {
        return Err(FrameError::LengthEncoding);
    }
    Ok(Some((length, end)))
}

fn data(kind: DataKind, payload: BytesMut) -> Result<Incoming, FrameError> {
    match kind {
        DataKind::Text => {
            ByteString::try_from(payload.freeze()).map(Incoming::Text).map_err(|_| FrameError::InvalidUtf8)
        }
        DataKind::Binary => Ok(Incoming::Binary(payload.freeze())),
    }
}

/// Checks the bytes after the first `valid`, and returns how many are whole characters now: all but up to three.
fn check_utf8(bytes: &[u8], valid: usize) -> Result<usize, FrameError> {
    match std::str::from_utf8(&bytes[valid..]) {
        Ok(_) => Ok(bytes.len()),
        // Only a character that can still be completed has no length of the error.
        Err(error) if error.error_len().is_none() => Ok(valid + error.valid_up_to()),
        Err(_) => Err(FrameError::InvalidUtf8),
    }
}

/// Takes the mask off bytes of which the first is byte number `offset` of its payload (section 5.3).
fn unmask(bytes: &mut [u8], mut mask: [u8; MASK_BYTES], offset: usize) {
    mask.rotate_left(offset % MASK_BYTES);
    // Sixteen at a time is what the compiler turns into vector instructions.
    let mut wide = [0; 16];
    wide.chunks_exact_mut(MASK_BYTES).for_each(|part| part.copy_from_slice(&mask));
    let (blocks, rest) = bytes.as_chunks_mut::<16>();
    for block in blocks {
        for (byte, mask) in block.iter_mut().zip(wide) {
            *byte ^= mask;
        }
    }
    for (byte, mask) in rest.iter_mut().zip(wide) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests;
