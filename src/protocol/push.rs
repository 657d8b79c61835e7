//! What goes out: encoded once for each wire, then shared by all who receive it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{
    event::ServerEvent,
    json::{self, RequestId},
    socket_io,
};
use crate::error::ChatError;

/// How one session writes its events: the wire that its client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// The plain wire, [`json`].
    Json,
    /// A namespace of [`socket_io`], by its name.
    SocketIo(&'static str),
}

/// A message's place in the global order of commits. Clients of Socket.IO keep the last one that they were sent, and come
/// back with it.
pub type Position = i64;

/// Namespaces whose frames an event keeps. One more would be written again for each of its sessions.
const NAMESPACES_KEPT: usize = 3;

/// An event on its way to any number of sessions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Push(Arc<Encoded>);

#[derive(Debug)]
struct Encoded {
    name: &'static str,
    data: Bytes,
    position: Option<Position>,
    json: OnceLock<Bytes>,
    socket_io: [OnceLock<(&'static str, Bytes)>; NAMESPACES_KEPT],
}

impl Push {
    /// Prepares an event.
    #[must_use]
    pub fn new(event: &ServerEvent) -> Self {
        Self::from_json(event.name(), json::to_json(event))
    }

    /// Prepares an event whose data is JSON already.
    #[must_use]
    pub fn from_json(name: &'static str, data: Bytes) -> Self {
        Self::prepare(name, data, None)
    }

    /// Prepares a stored message, whose data is JSON already. Over Socket.IO its place goes with it, as a last argument.
    #[must_use]
    pub fn message(data: Bytes, position: Position) -> Self {
        Self::prepare("message", data, Some(position))
    }

    fn prepare(name: &'static str, data: Bytes, position: Option<Position>) -> Self {
        Self(Arc::new(Encoded { name, data, position, json: OnceLock::new(), socket_io: Default::default() }))
    }

    /// Its place in the global order, when it is a stored message.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// The frame for one wire; the first call for a wire writes it.
    #[must_use]
    pub fn encode(&self, encoding: Encoding) -> Bytes {
        match encoding {
            Encoding::Json => self.0.json.get_or_init(|| json::encode_push(self.0.name, &self.0.data)).clone(),
            Encoding::SocketIo(namespace) => {
                for kept in &self.0.socket_io {
                    let (of, frame) = kept.get_or_init(|| (namespace, self.0.write(namespace)));
                    if *of == namespace {
                        return frame.clone();
                    }
                }
                self.0.write(namespace)
            }
        }
    }
}

impl Encoded {
    fn write(&self, namespace: &str) -> Bytes {
        match self.position {
            Some(position) => {
                let offset = format!("\"{position}\"");
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
            Self::SocketIo(namespace) => Some(socket_io::write::connected(namespace, sid, pid)),
        }
    }

    /// An event that is there for its offset alone; the plain wire has none.
    #[must_use]
    pub fn offset(self, position: Position) -> Option<Bytes> {
        match self {
            Self::Json => None,
            Self::SocketIo(namespace) => {
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
            Self::SocketIo(namespace) => Some(socket_io::write::disconnect(namespace)),
        }
    }

    /// The answer to a request: its data as JSON, or the error.
    #[must_use]
    pub fn reply(self, id: &RequestId, answer: Result<&[u8], &ChatError>) -> Bytes {
        match (self, answer) {
            (Self::Json, Ok(data)) => json::encode_reply(id, data),
            (Self::Json, Err(error)) => json::encode_error(id, error),
            (Self::SocketIo(namespace), answer) => {
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

    const CHAT: Encoding = Encoding::SocketIo("/chat");

    #[test]
    fn an_event_is_written_once_for_each_wire_and_only_a_message_has_an_offset() {
        let push = Push::message(Bytes::from_static(b"{}"), 7);
        assert_eq!(push.encode(CHAT), r#"42/chat,["message",{},"7"]"#);
        assert_eq!(push.encode(CHAT).as_ptr(), push.encode(CHAT).as_ptr());
        assert_eq!(push.encode(Encoding::Json), r#"{"event":"message","data":{}}"#);
        let push = Push::from_json("presence", Bytes::from_static(b"{}"));
        for namespace in ["/a", "/b", "/c", "/d", "/a"] {
            let frame = push.encode(Encoding::SocketIo(namespace));
            assert_eq!(frame, format!(r#"42{namespace},["presence",{{}}]"#));
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
