//! The two wires, as far as a load needs them.

use std::time::Duration;

use serde::Serialize;

/// Which protocol a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Wire {
    /// One JSON object a WebSocket frame, at `/ws/chat`.
    Plain,
    /// Socket.IO over the WebSocket transport, namespace `/chat`.
    SocketIo,
}

/// What a frame of the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The transport is open; on Socket.IO the namespace is next.
    Open,
    /// The namespace is joined.
    Connected,
    /// A heartbeat that wants its answer.
    Heartbeat,
    /// A message was sent.
    Message,
    /// The answer to a request, which was granted.
    Granted,
    /// A request or the connection was refused.
    Refused,
    /// Presence, a room's summary, an offset: counted and otherwise ignored.
    Other,
}

impl Wire {
    /// The request that opens the WebSocket.
    #[must_use]
    pub fn handshake(self, host: &str, token: &str) -> Vec<u8> {
        let path = match self {
            Self::Plain => "/ws/chat",
            Self::SocketIo => "/socket.io/?EIO=4&transport=websocket",
        };
        let authorization = match self {
            Self::Plain => format!("authorization: Bearer {token}\r\n"),
            Self::SocketIo => String::new(),
        };
        format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{authorization}\r\n"
        )
        .into_bytes()
    }

    /// Whether the open WebSocket waits for the server's first word.
    #[must_use]
    pub fn greets(self) -> bool {
        self == Self::SocketIo
    }

    /// The packet that joins the namespace.
    #[must_use]
    pub fn connect(token: &str) -> Vec<u8> {
        format!("40/chat,{{\"token\":\"{token}\"}}").into_bytes()
    }

    /// The frame that enters a room. `after` is the last `seq` that the client has.
    #[must_use]
    pub fn enter(self, room: &str, after: Option<u64>, room_token: Option<&str>) -> Vec<u8> {
        let data = if after.is_none() && room_token.is_none() {
            serde_json::json!(room)
        } else {
            let mut data = serde_json::json!({ "roomId": room });
            if let Some(after) = after {
                data["after"] = after.into();
            }
            if let Some(token) = room_token {
                data["token"] = token.into();
            }
            data
        };
        match self {
            Self::Plain => format!("{{\"event\":\"enterRoom\",\"data\":{data},\"id\":1}}"),
            Self::SocketIo => format!("42/chat,1[\"enterRoom\",{data}]"),
        }
        .into_bytes()
    }

    /// A message with a text and a `clientId`, and where the `clientId` is.
    #[must_use]
    pub fn message(self, client_id: &[u8], text: &str) -> (Vec<u8>, usize) {
        let (head, tail) = match self {
            Self::Plain => ("{\"event\":\"message\",\"data\":{\"clientId\":\"", "}}"),
            Self::SocketIo => ("42/chat,[\"message\",{\"clientId\":\"", "}]"),
        };
        let text = serde_json::Value::from(text).to_string();
        ([head.as_bytes(), client_id, b"\",\"text\":", text.as_bytes(), tail.as_bytes()].concat(), head.len())
    }

    /// Says what a text frame is.
    #[must_use]
    pub fn hear(self, frame: &[u8]) -> Heard {
        match self {
            Self::Plain => {
                if frame.starts_with(b"{\"event\":\"message\",") {
                    Heard::Message
                } else if let Some(rest) = frame.strip_prefix(b"{\"reply\":1,") {
                    if rest.starts_with(b"\"error\"") { Heard::Refused } else { Heard::Granted }
                } else if frame.starts_with(b"{\"event\":\"error\"") {
                    Heard::Refused
                } else {
                    Heard::Other
                }
            }
            Self::SocketIo => match frame {
                [b'4', b'2', rest @ ..] if rest.starts_with(b"/chat,[\"message\",") => Heard::Message,
                [b'4', b'2', rest @ ..] if rest.starts_with(b"/chat,[\"error\",") => Heard::Refused,
                [b'4', b'3', rest @ ..] if rest.starts_with(b"/chat,1[{\"ok\":true") => Heard::Granted,
                [b'4', b'0', rest @ ..] if rest.starts_with(b"/chat,") => Heard::Connected,
                [b'4', b'1' | b'3' | b'4', ..] => Heard::Refused,
                [b'2', ..] => Heard::Heartbeat,
                [b'0', ..] => Heard::Open,
                _ => Heard::Other,
            },
        }
    }
}

/// For how long a refusal asks to wait: `retryAfterMs` of an error, or the header `Retry-After` (RFC 9110 section 10.2.3).
#[must_use]
pub fn asked_wait(refusal: &str) -> Option<Duration> {
    let number = |key: &str| {
        let (_, rest) = refusal.split_once(key)?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    };
    let in_ms = number("\"retryAfterMs\":").map(Duration::from_millis);
    in_ms.or_else(|| number("retry-after: ").map(Duration::from_secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart() {
        for (frame, heard) in [
            (r#"{"event":"message","data":{}}"#, Heard::Message),
            (r#"{"event":"messageUpdated","data":{}}"#, Heard::Other),
            (r#"{"event":"roomUpdated","data":{"lastMessage":{"text":"~~"}}}"#, Heard::Other),
            (r#"{"reply":1,"data":{}}"#, Heard::Granted),
            (r#"{"reply":1,"error":{"code":"forbidden"}}"#, Heard::Refused),
            (r#"{"event":"error","data":{}}"#, Heard::Refused),
        ] {
            assert_eq!(Wire::Plain.hear(frame.as_bytes()), heard, "{frame}");
        }
        for (frame, heard) in [
            (r#"0{"sid":"a"}"#, Heard::Open),
            ("2", Heard::Heartbeat),
            (r#"40/chat,{"sid":"a"}"#, Heard::Connected),
            (r#"44/chat,{"message":"no"}"#, Heard::Refused),
            (r#"42/chat,["message",{},"7"]"#, Heard::Message),
            (r#"42/chat,["offset","7"]"#, Heard::Other),
            (r#"43/chat,1[{"ok":true,"data":{}}]"#, Heard::Granted),
            (r#"43/chat,1[{"ok":false}]"#, Heard::Refused),
        ] {
            assert_eq!(Wire::SocketIo.hear(frame.as_bytes()), heard, "{frame}");
        }
    }
}
