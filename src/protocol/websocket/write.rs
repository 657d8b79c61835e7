//! Frames that the server writes: whole and unmasked (RFC 6455 section 5.1).

use bytes::{BufMut, BytesMut};

use super::{CONTROL_BYTES_MAX, FIN, LENGTH_IN_16_BITS, LENGTH_IN_64_BITS};

/// Longest reason of a close frame: its payload without the code.
const REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// What a frame that the server writes is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// A whole text; its payload is UTF-8.
    Text,
    /// A whole message of bytes.
    Binary,
    /// The end; [`write_close`] writes its payload.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping with its payload.
    Pong,
}

impl Opcode {
    const fn number(self) -> u8 {
        match self {
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }
}

/// Appends one whole frame, unmasked as a server's must be. The payload of a control frame is cut to 125 bytes.
pub fn write_frame(out: &mut BytesMut, opcode: Opcode, payload: &[u8]) {
    let payload = match opcode {
        Opcode::Text | Opcode::Binary => payload,
        Opcode::Close | Opcode::Ping | Opcode::Pong => &payload[..payload.len().min(CONTROL_BYTES_MAX)],
    };
    out.reserve(10 + payload.len());
    out.put_u8(FIN | opcode.number());
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < LENGTH_IN_16_BITS => out.put_u8(short),
        (_, Ok(length)) => {
            out.put_u8(LENGTH_IN_16_BITS);
            out.put_u16(length);
        }
        _ => {
            out.put_u8(LENGTH_IN_64_BITS);
            out.put_u64(payload.len() as u64);
        }
    }
    out.extend_from_slice(payload);
}

/// Appends a close frame: a code of haggle's ([`number`](crate::error::CloseCode::number)) or the client's own given back, and the reason cut
/// to the 123 bytes that fit, at the end of a character.
pub fn write_close(out: &mut BytesMut, code: u16, reason: &str) {
    let reason = &reason[..reason.floor_char_boundary(REASON_BYTES_MAX)];
    let mut payload = [0; CONTROL_BYTES_MAX];
    let length = 2 + reason.len();
    payload[..2].copy_from_slice(&code.to_be_bytes());
    payload[2..length].copy_from_slice(reason.as_bytes());
    write_frame(out, Opcode::Close, &payload[..length]);
}
