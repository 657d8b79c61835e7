//! A session of the chat on either wire.

use std::{io, net::IpAddr};

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::stream::{Stream, Target, read_more};

/// The two wires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Plain,
    SocketIo,
}

impl Wire {
    pub const ALL: [Self; 2] = [Self::Plain, Self::SocketIo];

    /// Its name in a row's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::SocketIo => "socket.io",
        }
    }
}

/// Where Socket.IO's WebSockets are opened.
pub const SOCKET_IO: &str = "/socket.io/?EIO=4&transport=websocket";

/// One frame of a client, masked with zeros.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 14);
    out.push(first);
    match payload.len() {
        short @ 0..126 => out.push(0x80 | u8::try_from(short).unwrap_or(0)),
        medium @ 126..=0xFFFF => {
            out.push(0x80 | 126);
            out.extend(u16::try_from(medium).unwrap_or(0).to_be_bytes());
        }
        long => {
            out.push(0x80 | 127);
            out.extend((long as u64).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend_from_slice(payload);
    out
}

/// A WebSocket.
pub struct Ws {
    pub stream: Stream,
    inbox: BytesMut,
}

impl Ws {
    /// Opens one at a path. A refusal is the status of its answer.
    pub async fn open(stream: Stream, path: &str, token: Option<&str>) -> io::Result<Result<Self, u16>> {
        let mut ws = Self { stream, inbox: BytesMut::new() };
        let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{bearer}\r\n"
        );
        ws.stream.write_all(head.as_bytes()).await?;
        let end = loop {
            match ws.inbox.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => read_more(&mut ws.stream, &mut ws.inbox).await?,
            }
        };
        let head = String::from_utf8_lossy(&ws.inbox.split_to(end)).into_owned();
        match head.split(' ').nth(1).and_then(|status| status.parse().ok()) {
            Some(101) => Ok(Ok(ws)),
            status => Ok(Err(status.unwrap_or(0))),
        }
    }

    /// Sends one text.
    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(&frame(0x81, text.as_bytes())).await
    }

    /// The next text. Answers pings of both protocols; the end of the connection is an error. May be dropped while it waits.
    pub async fn text(&mut self) -> io::Result<Bytes> {
        loop {
            let Some((first, payload)) = self.take_frame() else {
                read_more(&mut self.stream, &mut self.inbox).await?;
                continue;
            };
            match first {
                0x81 if &payload[..] == b"2" => self.send("3").await?,
                0x81 => return Ok(payload),
                0x89 => self.stream.write_all(&frame(0x8A, &payload)).await?,
                0x88 => return Err(io::ErrorKind::ConnectionAborted.into()),
                _ => {}
            }
        }
    }

    fn take_frame(&mut self) -> Option<(u8, Bytes)> {
        let (first, short) = (*self.inbox.first()?, *self.inbox.get(1)?);
        let (head, length) = match short {
            126 => (4, usize::from(u16::from_be_bytes(self.inbox.get(2..4)?.try_into().ok()?))),
            127 => (10, usize::try_from(u64::from_be_bytes(self.inbox.get(2..10)?.try_into().ok()?)).ok()?),
            short => (2, usize::from(short)),
        };
        if self.inbox.len() < head + length {
            self.inbox.reserve(head + length - self.inbox.len());
            return None;
        }
        let mut frame = self.inbox.split_to(head + length);
        Some((first, frame.split_off(head).freeze()))
    }
}

/// The answer to an event.
#[derive(Debug)]
pub struct Reply {
    pub id: u64,
    /// Code and wait of a refusal.
    pub error: Option<(String, u64)>,
}

/// A signed-in session.
pub struct Session {
    pub ws: Ws,
    wire: Wire,
    next_id: u64,
}

impl Session {
    /// Signs in. A refusal is the status of its answer, or 0 on Socket.IO.
    pub async fn open(target: &Target, from: IpAddr, token: &str, wire: Wire) -> io::Result<Result<Self, u16>> {
        let stream = target.open(from).await?;
        let opened = match wire {
            Wire::Plain => Ws::open(stream, "/ws/chat", Some(token)).await?,
            Wire::SocketIo => Ws::open(stream, SOCKET_IO, None).await?,
        };
        let mut ws = match opened {
            Ok(ws) => ws,
            Err(status) => return Ok(Err(status)),
        };
        if wire == Wire::SocketIo {
            ws.send(&format!("40/chat,{}", json!({ "token": token }))).await?;
            loop {
                let packet = ws.text().await?;
                if packet.starts_with(b"40/chat,") {
                    break;
                }
                if packet.starts_with(b"44/chat,") {
                    return Ok(Err(0));
                }
            }
        }
        Ok(Ok(Self { ws, wire, next_id: 0 }))
    }

    /// Sends an event and gives the id of its answer. The data are JSON.
    pub async fn send(&mut self, event: &str, data: &str) -> io::Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        let text = match self.wire {
            Wire::Plain => format!(r#"{{"event":"{event}","data":{data},"id":{id}}}"#),
            Wire::SocketIo => format!(r#"42/chat,{id}["{event}",{data}]"#),
        };
        self.ws.send(&text).await?;
        Ok(id)
    }

    /// The next answer. What is pushed in the meantime is skipped. May be dropped while it waits.
    pub async fn reply(&mut self) -> io::Result<Reply> {
        loop {
            let text = self.ws.text().await?;
            if let Some(reply) = self.read_reply(&text) {
                return Ok(reply);
            }
        }
    }

    /// The content of a text, if it is an answer.
    pub fn read_reply(&self, text: &[u8]) -> Option<Reply> {
        let (start, good): (&[u8], &[u8]) = match self.wire {
            Wire::Plain => (br#"{"reply":"#, br#","data""#),
            Wire::SocketIo => (b"43/chat,", br#"[{"ok":true"#),
        };
        let rest = text.strip_prefix(start)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let id = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        if rest[digits..].starts_with(good) {
            return Some(Reply { id, error: None });
        }
        let value: Value = match self.wire {
            Wire::Plain => serde_json::from_slice(text).ok()?,
            Wire::SocketIo => serde_json::from_slice::<Vec<Value>>(&rest[digits..]).ok()?.pop()?,
        };
        let error = &value["error"];
        Some(Reply {
            id,
            error: Some((
                error["code"].as_str().unwrap_or_default().to_owned(),
                error["retryAfterMs"].as_u64().unwrap_or(0),
            )),
        })
    }

    /// Sends an event and waits for its answer.
    pub async fn ask(&mut self, event: &str, data: &str) -> io::Result<Reply> {
        let id = self.send(event, data).await?;
        loop {
            let reply = self.reply().await?;
            if reply.id == id {
                return Ok(reply);
            }
        }
    }
}
