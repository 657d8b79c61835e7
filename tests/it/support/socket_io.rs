//! Clients of Socket.IO by hand: polls over HTTP, and a WebSocket whose every packet the test writes.

use std::{collections::VecDeque, net::SocketAddr};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::CloseFrame},
};

use super::{raw::RawClient, rest, within};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// A session over polls. One request per connection, so each may land on another worker.
#[derive(Clone)]
pub struct PollingClient {
    pub addr: SocketAddr,
    pub sid: String,
    /// The content of the open packet.
    pub terms: Value,
}

/// A body as it came: a payload like `2` would else be read as JSON.
pub fn text(answer: &rest::Answer) -> String {
    match &answer.body {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl PollingClient {
    /// Opens a session.
    pub async fn open(addr: SocketAddr) -> Self {
        let answer = rest::send(addr, "GET", POLLING, &[], b"").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let terms: Value = serde_json::from_str(text(&answer).strip_prefix('0').unwrap()).unwrap();
        Self { addr, sid: terms["sid"].as_str().unwrap().to_owned(), terms }
    }

    pub fn path(&self) -> String {
        format!("{POLLING}&sid={}", self.sid)
    }

    /// Polls once: the status, and the payload's packets or the error.
    pub async fn poll(&self) -> (u16, Vec<String>) {
        let answer = rest::send(self.addr, "GET", &self.path(), &[], b"").await;
        (answer.status, text(&answer).split('\u{1e}').map(str::to_owned).collect())
    }

    /// Posts packets.
    pub async fn post(&self, packets: &[&str]) -> (u16, String) {
        let body = packets.join("\u{1e}");
        let kind = ("content-type", "text/plain;charset=UTF-8");
        let answer = rest::send(self.addr, "POST", &self.path(), &[kind], body.as_bytes()).await;
        (answer.status, text(&answer))
    }

    /// Polls until a packet that begins like this comes. Answers pings.
    pub async fn until(&self, start: &str) -> String {
        loop {
            let (status, packets) = self.poll().await;
            assert_eq!(status, 200, "{packets:?}");
            for packet in packets {
                if packet.starts_with(start) {
                    return packet;
                }
                if packet == "2" {
                    assert_eq!(self.post(&["3"]).await.0, 200);
                }
            }
        }
    }

    /// Polls again and again on one connection, until a packet comes; gives all of them.
    pub fn poll_on_one_connection_until(&self, last: &'static str) -> impl Future<Output = Vec<String>> + 'static {
        let (addr, request) = (self.addr, format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", self.path()));
        async move {
            let mut raw = RawClient { tcp: TcpStream::connect(addr).await.unwrap() };
            let mut packets = Vec::new();
            while packets.last().is_none_or(|packet| packet != last) {
                raw.send(request.as_bytes()).await;
                let head = raw.read_head().await;
                assert!(head.starts_with("HTTP/1.1 200"), "{head} after {packets:?}");
                let length = head
                    .lines()
                    .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                let mut body = vec![0; length.unwrap()];
                within("a payload", raw.tcp.read_exact(&mut body)).await.unwrap();
                packets.extend(String::from_utf8(body).unwrap().split('\u{1e}').map(str::to_owned));
            }
            packets
        }
    }

    /// Whether the server knows the session no more.
    pub async fn is_gone(&self) -> bool {
        let (status, body) = self.poll().await;
        status == 400 && body[0].contains("Session ID unknown")
    }
}

/// A WebSocket of Engine.IO.
pub struct PacketClient {
    socket: WebSocketStream<TcpStream>,
    kept: VecDeque<String>,
    closed: Option<Option<CloseFrame>>,
    /// Answers pings by itself.
    pub pongs: bool,
    next_ack: u64,
}

impl PacketClient {
    /// Opens a session over WebSocket, and takes its open packet.
    pub async fn open(addr: SocketAddr) -> Self {
        let mut client = Self::handshake(addr, WEBSOCKET).await.unwrap();
        assert!(client.packet().await.unwrap().starts_with("0{"));
        client
    }

    /// Tries to take a polling session over.
    pub async fn candidate(session: &PollingClient) -> Result<Self, u16> {
        Self::handshake(session.addr, &format!("{WEBSOCKET}&sid={}", session.sid)).await
    }

    /// Opens a WebSocket at a path, or gives the status of the refusal.
    pub async fn handshake(addr: SocketAddr, path: &str) -> Result<Self, u16> {
        let request = format!("ws://{addr}{path}").into_client_request().unwrap();
        let tcp = within("a connection", TcpStream::connect(addr)).await.unwrap();
        match within("a handshake", client_async(request, tcp)).await {
            Ok((socket, _)) => Ok(Self { socket, kept: VecDeque::new(), closed: None, pongs: true, next_ack: 0 }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("the handshake failed: {error}"),
        }
    }

    /// Joins a namespace with a token and returns the answer's data.
    pub async fn join(&mut self, namespace: &str, auth: Value) -> Value {
        self.send(&format!("40{namespace},{auth}")).await;
        let answer = self.expect(&format!("40{namespace},")).await;
        serde_json::from_str(answer.split_once(',').unwrap().1).unwrap()
    }

    /// Is refused by a namespace and returns the refusal.
    pub async fn refused(&mut self, namespace: &str, auth: Value) -> Value {
        self.send(&format!("40{namespace},{auth}")).await;
        let answer = self.expect(&format!("44{namespace},")).await;
        serde_json::from_str(answer.split_once(',').unwrap().1).unwrap()
    }

    /// Ends as when its process is killed: the connection is reset.
    pub fn reset(self) {
        socket2::SockRef::from(self.socket.get_ref()).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }

    /// Sends a packet.
    pub async fn send(&mut self, packet: &str) {
        // A connection that is being closed takes none. What was received before is what counts.
        let _ = self.socket.send(Message::text(packet)).await;
    }

    /// Sends a message of bytes.
    pub async fn send_binary(&mut self, bytes: &[u8]) {
        let _ = self.socket.send(Message::binary(bytes.to_vec())).await;
    }

    /// Sends an event and waits for its acknowledgement, which has one argument.
    pub async fn request(&mut self, namespace: &str, event: &str, data: impl Into<Value>) -> Value {
        let id = self.start(namespace, event, data).await;
        self.answer(namespace, id).await
    }

    /// Sends an event whose acknowledgement is waited for later.
    pub async fn start(&mut self, namespace: &str, event: &str, data: impl Into<Value>) -> u64 {
        let id = self.next_ack;
        self.next_ack += 1;
        self.send(&format!("42{namespace},{id}{}", json!([event, data.into()]))).await;
        id
    }

    /// Waits for the acknowledgement of one event.
    pub async fn answer(&mut self, namespace: &str, id: u64) -> Value {
        let start = format!("43{namespace},{id}[");
        let answer = self.expect(&start).await;
        let args: Vec<Value> = serde_json::from_str(&answer[start.len() - 1..]).unwrap();
        assert_eq!(args.len(), 1, "{answer}");
        args.into_iter().next().unwrap()
    }

    /// Every event that came before an acknowledged one: the proof that something did not come.
    pub async fn events_before_ack(&mut self, namespace: &str) -> Vec<(String, Vec<Value>)> {
        self.request(namespace, "leaveRoom", json!({"roomId": "a-room-that-nobody-enters"})).await;
        let start = format!("42{namespace},[");
        let (events, others): (Vec<_>, Vec<_>) = self.kept.drain(..).partition(|packet| packet.starts_with(&start));
        self.kept = others.into();
        let event = |packet: String| {
            let mut args: Vec<Value> = serde_json::from_str(&packet[start.len() - 1..]).unwrap();
            (args.remove(0).as_str().unwrap().to_owned(), args)
        };
        events.into_iter().map(event).collect()
    }

    /// Waits for an event and returns its arguments.
    pub async fn event(&mut self, namespace: &str, event: &str) -> Vec<Value> {
        let start = format!("42{namespace},[\"{event}\"");
        let packet = self.expect(&start).await;
        let mut args: Vec<Value> = serde_json::from_str(packet.split_once(',').unwrap().1).unwrap();
        args.remove(0);
        args
    }

    /// Waits for a packet that begins like this; others are kept.
    pub async fn expect(&mut self, start: &str) -> String {
        if let Some(place) = self.kept.iter().position(|packet| packet.starts_with(start)) {
            return self.kept.remove(place).unwrap();
        }
        loop {
            let packet = self
                .packet()
                .await
                .unwrap_or_else(|| panic!("closed before `{start}`: {:?}, after {:?}", self.closed, self.kept));
            if packet.starts_with(start) {
                return packet;
            }
            self.kept.push_back(packet);
        }
    }

    /// What has come and was not asked for, once.
    pub fn take_kept(&mut self) -> Vec<String> {
        self.kept.drain(..).collect()
    }

    /// What has come and was not asked for.
    pub fn kept(&self) -> Vec<String> {
        self.kept.iter().cloned().collect()
    }

    /// The next packet, but for pings that are answered; `None` at the end. A binary message is given in brackets.
    pub async fn packet(&mut self) -> Option<String> {
        if self.closed.is_some() {
            return None;
        }
        loop {
            match within("a packet", self.socket.next()).await {
                Some(Ok(Message::Text(text))) if text == "2" && self.pongs => self.send("3").await,
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Binary(bytes))) => return Some(format!("{:?}", bytes.to_vec())),
                Some(Ok(Message::Close(close))) => self.closed = Some(close),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => {
                    self.closed.get_or_insert(None);
                    return None;
                }
            }
        }
    }

    /// Reads until the connection is closed and returns the close code; `None` when it was cut without one.
    pub async fn closed(&mut self) -> Option<u16> {
        while let Some(packet) = self.packet().await {
            self.kept.push_back(packet);
        }
        self.closed.clone().flatten().map(|close| close.code.into())
    }
}
