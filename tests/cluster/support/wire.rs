//! A client that bears what happens to its connection.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::node::token;

/// How long a connection may take to open.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// One connection of a user.
pub struct Wire {
    socket: WebSocketStream<TcpStream>,
    next_id: u64,
    /// What came while it waited for something else.
    pushes: VecDeque<Value>,
}

impl Wire {
    /// Connects; `None` if nobody answers, or the connection is refused.
    pub async fn connect(addr: SocketAddr, user: &str) -> Option<Self> {
        Self::connect_with(addr, &token(user)).await
    }

    /// The same with a token.
    pub async fn connect_with(addr: SocketAddr, token: &str) -> Option<Self> {
        let connecting = async {
            let tcp = TcpStream::connect(addr).await.ok()?;
            tcp.set_nodelay(true).ok()?;
            let mut request = format!("ws://{addr}/ws/chat").into_client_request().unwrap();
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
            let (socket, _) = client_async(request, tcp).await.ok()?;
            Some(Self { socket, next_id: 1, pushes: VecDeque::new() })
        };
        tokio::time::timeout(CONNECT_MAX, connecting).await.ok().flatten()
    }

    /// Sends a request and returns its id; `None` after the connection has ended.
    pub async fn send(&mut self, event: &str, data: Value) -> Option<u64> {
        let id = self.next_id;
        self.next_id += 1;
        let frame = json!({ "event": event, "data": data, "id": id }).to_string();
        self.socket.send(Message::text(frame)).await.ok()?;
        Some(id)
    }

    /// The next frame; `None` after the connection has ended.
    pub async fn read(&mut self) -> Option<Value> {
        loop {
            match self.socket.next().await?.ok()? {
                Message::Text(text) => return serde_json::from_str(&text).ok(),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// Sends a request and waits for its answer. Pushes that come before are kept.
    pub async fn request(&mut self, event: &str, data: Value) -> Result<Value, Value> {
        let id = self.send(event, data).await.expect("the connection has ended");
        loop {
            let frame = self.next().await;
            if frame["reply"] == id {
                return match frame.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(frame["data"].clone()),
                };
            }
            self.pushes.push_back(frame);
        }
    }

    /// The data of the next push of an event. Others that come before are kept.
    pub async fn push(&mut self, event: &str) -> Value {
        if let Some(place) = self.pushes.iter().position(|frame| frame["event"] == event) {
            return self.pushes.remove(place).unwrap()["data"].clone();
        }
        loop {
            let mut frame = self.next().await;
            if frame["event"] == event {
                return frame["data"].take();
            }
            self.pushes.push_back(frame);
        }
    }

    /// Whether no push of an event came while it waited for something else.
    pub fn has_not_been_pushed(&self, event: &str) -> bool {
        self.pushes.iter().all(|frame| frame["event"] != event)
    }

    /// The data of the next push of an event that matches; others of the event are skipped.
    pub async fn push_where(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let data = self.push(event).await;
            if fits(&data) {
                return data;
            }
        }
    }

    async fn next(&mut self) -> Value {
        let frame = tokio::time::timeout(super::DEADLINE, self.read()).await;
        frame.expect("no frame came").expect("the connection has ended")
    }
}

/// The body of a GET; `None` when nobody answers.
pub async fn get(addr: SocketAddr, path: &str) -> Option<String> {
    request(addr, "GET", path, "", "").await.map(|(_, body)| body)
}

/// A request over HTTP with the service's key: its status and body.
pub async fn as_service(addr: SocketAddr, method: &str, path: &str, body: &str) -> (u16, String) {
    let authorization =
        format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", super::node::SERVICE_KEY);
    request(addr, method, path, &authorization, body).await.expect("the node does not answer")
}

/// A request over HTTP of a user's: its status and body.
pub async fn as_user(addr: SocketAddr, user: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    with_token(addr, &token(user), method, path, body).await
}

/// The same with a token.
pub async fn with_token(addr: SocketAddr, token: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let authorization = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
    request(addr, method, path, &authorization, body).await.expect("the node does not answer")
}

/// A request over HTTP/1.1, on a connection of its own.
pub async fn request(addr: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Option<(u16, String)> {
    let asking = async {
        let mut tcp = TcpStream::connect(addr).await.ok()?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        tcp.write_all(head.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        tcp.read_to_end(&mut answer).await.ok()?;
        let answer = String::from_utf8(answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        Some((status, if is_chunked { unchunk(body) } else { body.to_owned() }))
    };
    tokio::time::timeout(CONNECT_MAX, asking).await.ok().flatten()
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let Ok(size @ 1..) = usize::from_str_radix(size, 16) else { break };
        let Some(chunk) = rest.get(..size) else { break };
        whole.push_str(chunk);
        body = rest.get(size + 2..).unwrap_or_default();
    }
    whole
}
