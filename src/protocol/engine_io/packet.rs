//! Engine.IO packets: a type, one character, then the packet's own text.
//!
//! ```text
//! 0 open | 1 close | 2 ping | 3 pong | 4 message | 5 upgrade | 6 noop
//! ```
//!
//! Over WebSocket a packet is a text frame, and a message of bytes a binary frame without a type. What the server itself
//! says is written once: the constants below and [`Open`].

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;
use thiserror::Error;

use crate::protocol::json::to_json;

/// Type of a message; the message's own text follows it.
pub const MESSAGE: u8 = b'4';

/// Ends the session.
pub const CLOSE: &str = "1";

/// The heartbeat's question, always the server's.
pub const PING: &str = "2";

/// Answers the probe of an upgrade.
pub const PROBE_ANSWER: &str = "3probe";

/// Says nothing; it lets an open poll return.
pub const NOOP: &str = "6";

/// What a client sends to probe a transport.
pub const PROBE: &str = "probe";

/// The protocol's revision, as `EIO` in the query names it.
pub const REVISION: &str = "4";

/// A packet of a client.
#[derive(Clone, PartialEq, Eq)]
pub enum Packet {
    /// Ends the session.
    Close,
    /// Tries a transport; a client has no other use for it.
    Ping(ByteString),
    /// Answers the heartbeat.
    Pong(ByteString),
    /// A message of text.
    Message(ByteString),
    /// A message of bytes.
    Binary(Bytes),
    /// Moves the session to this transport.
    Upgrade,
    /// Says nothing.
    Noop,
}

// Sizes only: a text must not reach a log.
impl std::fmt::Debug for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Close => f.write_str("Close"),
            Self::Ping(text) => write!(f, "Ping({} bytes)", text.len()),
            Self::Pong(text) => write!(f, "Pong({} bytes)", text.len()),
            Self::Message(text) => write!(f, "Message({} bytes)", text.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Self::Upgrade => f.write_str("Upgrade"),
            Self::Noop => f.write_str("Noop"),
        }
    }
}

/// How a client broke the protocol. Its session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PacketError {
    /// A packet without even a type.
    #[error("a packet must begin with its type")]
    Empty,
    /// A type that no client may send.
    #[error("a packet's type must be 1 to 6")]
    UnknownType,
    /// A close, upgrade or noop with a text.
    #[error("a packet of this type has no text")]
    UnexpectedText,
    /// A binary packet whose text is no base64.
    #[error("a binary packet must be base64")]
    Base64,
    /// More packets in one payload than the limit.
    #[error("a payload must not have more than {packets_max} packets")]
    TooManyPackets { packets_max: usize },
}

impl Packet {
    /// Reads the packet of a text frame, or of one part of a payload that is not binary.
    ///
    /// # Errors
    /// [`PacketError`] when no client may send it.
    pub fn decode(text: &ByteString) -> Result<Self, PacketError> {
        let kind = *text.as_bytes().first().ok_or(PacketError::Empty)?;
        let rest = || text.slice_ref(&text[1..]);
        let bare = |packet| if text.len() == 1 { Ok(packet) } else { Err(PacketError::UnexpectedText) };
        match kind {
            b'1' => bare(Self::Close),
            b'2' => Ok(Self::Ping(rest())),
            b'3' => Ok(Self::Pong(rest())),
            MESSAGE => Ok(Self::Message(rest())),
            b'5' => bare(Self::Upgrade),
            b'6' => bare(Self::Noop),
            _ => Err(PacketError::UnknownType),
        }
    }
}

/// The server's first packet: the terms of the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Open<'a> {
    /// The session's id.
    pub sid: &'a str,
    /// Transports that it may move to.
    pub upgrades: &'a [&'a str],
    /// Milliseconds between the server's pings.
    pub ping_interval: u64,
    /// Milliseconds that a pong may take.
    pub ping_timeout: u64,
    /// Most bytes of a payload over HTTP, and of a message over WebSocket.
    pub max_payload: usize,
}

impl Open<'_> {
    /// The packet.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        [b"0".as_slice(), &to_json(self)].concat().into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_packet_is_its_type_and_its_text() {
        let decode = |text: &'static str| Packet::decode(&ByteString::from_static(text));
        assert_eq!(decode("1"), Ok(Packet::Close));
        assert_eq!(decode("2probe"), Ok(Packet::Ping("probe".into())));
        assert_eq!(decode("3"), Ok(Packet::Pong("".into())));
        assert_eq!(decode("4hé"), Ok(Packet::Message("hé".into())));
        assert_eq!(decode("4"), Ok(Packet::Message("".into())));
        assert_eq!(decode("5"), Ok(Packet::Upgrade));
        assert_eq!(decode("6"), Ok(Packet::Noop));
        assert_eq!(decode(""), Err(PacketError::Empty));
        assert_eq!(decode("5x"), Err(PacketError::UnexpectedText));
        for text in ["0", "7", "abc", "é4", " 4", "-1"] {
            assert_eq!(decode(text), Err(PacketError::UnknownType), "{text}");
        }
    }

    #[test]
    fn the_open_packet_is_the_protocols() {
        let open =
            Open { sid: "s", upgrades: &["websocket"], ping_interval: 300, ping_timeout: 200, max_payload: 1_000_000 };
        let expected =
            r#"0{"sid":"s","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}"#;
        assert_eq!(open.encode(), expected.as_bytes());
    }

    proptest! {
        #[test]
        fn any_text_ends_in_a_packet_or_an_error(text in any::<String>()) {
            let _ = Packet::decode(&text.into());
        }
    }
}
