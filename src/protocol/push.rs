//! What goes out: encoded once for each wire, then shared by all who receive it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{
    event::ServerEvent,
    json::{self, RequestId},
    socket_io,
};
use crate::{domain::UnreadTotal, error::ChatError};

/// How one session writes its events: the wire that its client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// The plain wire, [`json`].
    Json,
    /// A namespace of [`socket_io`].
    SocketIo {
        namespace: &'static str,
        /// Whether messages end with their position, for a client that can recover with it.
        offsets: bool,
    },
}

/// A message's position in the global order of commits. Clients of Socket.IO keep the last one that they were sent, and
/// reconnect with it.
pub type Position = i64;

/// What a client of Socket.IO keeps of a received message, and reconnects with: which messages of its rooms it has.
///
/// On a single server everything up to the message's position was sent before it, and the offset is that position: `7`.
/// Among several nodes a message of another room with an earlier position may come later. Then the offset also names the
/// span of positions in which this is possible: with `7.3.9` everything up to 3 was sent before it, and nothing after 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// The message's place.
    pub position: Position,
    /// Up to here everything was sent.
    pub settled: Position,
    /// After this nothing was sent.
    pub newest: Position,
}

impl Offset {
    /// On a server that is alone.
    #[must_use]
    pub const fn exact(position: Position) -> Self {
        Self { position, settled: position, newest: position }
    }

    /// Reads what a client has kept.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut places = text.splitn(3, '.').map(|place| place.parse::<Position>().ok());
        let position = places.next()??;
        let Some(settled) = places.next() else { return Some(Self::exact(position)) };
        let (settled, newest) = (settled?, places.next()??);
        (settled <= position && position <= newest).then_some(Self { position, settled, newest })
    }
}

impl std::fmt::Display for Offset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.settled >= self.position - 1 && self.newest == self.position {
            return write!(f, "{}", self.position);
        }
        write!(f, "{}.{}.{}", self.position, self.settled, self.newest)
    }
}

/// The data of a `roomUpdated` that has no total, with one: nodes share the event, and each knows the totals of its own users.
#[must_use]
pub fn with_unread_total(room_updated: &[u8], total: UnreadTotal) -> Bytes {
    let fields = room_updated.strip_suffix(b"}").unwrap_or(room_updated);
    Bytes::from([fields, b",\"unreadTotal\":", &json::to_json(&total)[..], b"}"].concat())
}

/// Namespaces, with and without offsets, whose frames an event keeps. Frames of any further one would be written again for
/// each session.
const NAMESPACES_KEPT: usize = 4;

/// An event on its way to any number of sessions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Push(Arc<Encoded>);

#[derive(Debug)]
struct Encoded {
    name: &'static str,
    data: Bytes,
    offset: Option<Offset>,
    json: OnceLock<Bytes>,
    socket_io: [OnceLock<(Encoding, Bytes)>; NAMESPACES_KEPT],
}

impl Push {
    /// Prepares an event.
    #[must_use]
    pub fn new(event: &ServerEvent<'_>) -> Self {
        Self::from_json(event.name(), json::to_json(event))
    }

    /// Prepares an event whose data is JSON already.
    #[must_use]
    pub fn from_json(name: &'static str, data: Bytes) -> Self {
        Self::prepare(name, data, None)
    }

    /// Prepares a stored message, whose data is JSON already. Over Socket.IO its place goes with it, as a last argument.
    #[must_use]
    pub fn message(data: Bytes, offset: Offset) -> Self {
        Self::prepare("message", data, Some(offset))
    }

    fn prepare(name: &'static str, data: Bytes, offset: Option<Offset>) -> Self {
        Self(Arc::new(Encoded { name, data, offset, json: OnceLock::new(), socket_io: Default::default() }))
    }

    /// Its place in the global order, when it is a stored message.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.0.offset.map(|offset| offset.position)
    }

    /// The frame for one wire; the first call for a wire writes it.
    #[must_use]
    pub fn encode(&self, encoding: Encoding) -> Bytes {
        match encoding {
            Encoding::Json => self.0.json.get_or_init(|| json::encode_push(self.0.name, &self.0.data)).clone(),
            Encoding::SocketIo { namespace, offsets } => {
                for kept in &self.0.socket_io {
                    let (of, frame) = kept.get_or_init(|| (encoding, self.0.write(namespace, offsets)));
                    if *of == encoding {
                        return frame.clone();
                    }
                }
                self.0.write(namespace, offsets)
            }
        }
    }
}

impl Encoded {
    fn write(&self, namespace: &str, offsets: bool) -> Bytes {
        match self.offset.filter(|_| offsets) {
            Some(offset) => {
                let offset = format!("\"{offset}\"");
                socket_io::write::event(namespace, self.name, &[&self.data, offset.as_bytes()], 0)
            }
            None => socket_io::write::event(namespace, self.name, &[&self.data], 0),
        }
    }
}

impl Encoding {
    /// The answer to the CONNECT of a namespace; the plain wire has none.
    #[must_use]
    pub fn connected(self, sid: &str, pid: Option<&str>) -> Option<Bytes> {
        match self {
            Self::Json => None,
            Self::SocketIo { namespace, .. } => Some(socket_io::write::connected(namespace, sid, pid)),
        }
    }

    /// An event that is there for its offset alone; the plain wire has none.
    #[must_use]
    pub fn offset(self, position: Position) -> Option<Bytes> {
        match self {
            Self::Json => None,
            Self::SocketIo { namespace, .. } => {
                let offset = format!("\"{position}\"");
                Some(socket_io::write::event(namespace, "offset", &[offset.as_bytes()], 0))
            }
        }
    }

    /// What takes a client out of a namespace; the plain wire ends by a close frame instead.
    #[must_use]
    pub fn disconnect(self) -> Option<Bytes> {
        match self {
            Self::Json => None,
            Self::SocketIo { namespace, .. } => Some(socket_io::write::disconnect(namespace)),
        }
    }

    /// The answer to a request: its data as JSON, or the error.
    #[must_use]
    pub fn reply(self, id: &RequestId, answer: Result<&[u8], &ChatError>) -> Bytes {
        match (self, answer) {
            (Self::Json, Ok(data)) => json::encode_reply(id, data),
            (Self::Json, Err(error)) => json::encode_error(id, error),
            (Self::SocketIo { namespace, .. }, answer) => {
                let error;
                let (key, value): (&[u8], &[u8]) = match answer {
                    Ok(data) => (b"{\"ok\":true,\"data\":", data),
                    Err(refusal) => {
                        error = json::to_json(refusal);
                        (b"{\"ok\":false,\"error\":", &error)
                    }
                };
                socket_io::write::ack(namespace, id.as_json(), &[&[key, value, b"}"].concat()], 0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: Encoding = Encoding::SocketIo { namespace: "/chat", offsets: true };

    #[test]
    fn an_event_is_written_once_for_each_wire_and_only_a_message_has_an_offset() {
        let push = Push::message(Bytes::from_static(b"{}"), Offset::exact(7));
        assert_eq!(push.encode(CHAT), r#"42/chat,["message",{},"7"]"#);
        assert_eq!(push.encode(CHAT).as_ptr(), push.encode(CHAT).as_ptr());
        assert_eq!(push.encode(Encoding::Json), r#"{"event":"message","data":{}}"#);
        let without = Encoding::SocketIo { namespace: "/chat", offsets: false };
        assert_eq!(push.encode(without), r#"42/chat,["message",{}]"#);
        let push = Push::from_json("presence", Bytes::from_static(b"{}"));
        for namespace in ["/a", "/b", "/c", "/d", "/e", "/a"] {
            let frame = push.encode(Encoding::SocketIo { namespace, offsets: true });
            assert_eq!(frame, format!(r#"42{namespace},["presence",{{}}]"#));
        }
    }

    #[test]
    fn an_offset_is_read_as_it_was_written() {
        let late = Offset { position: 7, settled: 3, newest: 9 };
        assert_eq!((late.to_string().as_str(), Offset::exact(7).to_string().as_str()), ("7.3.9", "7"));
        assert_eq!(Offset::parse("7.3.9"), Some(late));
        assert_eq!(Offset::parse("7"), Some(Offset::exact(7)));
        assert_eq!(Offset { position: 7, settled: 6, newest: 7 }.to_string(), "7", "nothing lies between");
        for text in ["", "x", "7.", "7.3", "7.8.9", "7.3.6", "7.3.9.1", "7.3.x"] {
            assert_eq!(Offset::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_acknowledgement_has_one_argument() {
        let id = RequestId::from_number(3);
        assert_eq!(CHAT.reply(&id, Ok(b"{}")), r#"43/chat,3[{"ok":true,"data":{}}]"#);
        let error = ChatError::invalid("no");
        let expected = r#"43/chat,3[{"ok":false,"error":{"code":"invalid","message":"no"}}]"#;
        assert_eq!(CHAT.reply(&id, Err(&error)), expected);
    }
}
