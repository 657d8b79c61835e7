//! A client of the plain wire.

use std::{collections::VecDeque, net::SocketAddr};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        handshake::client::Request,
        http::{HeaderValue, Response},
        protocol::CloseFrame,
    },
};

use super::within;

/// A refused request, as it appears on the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct WireError {
    pub code: String,
    pub message: String,
    pub retry_after_ms: Option<u64>,
    pub until: Option<String>,
}

/// A refused handshake: its status and its body.
#[derive(Debug)]
pub struct Refused {
    pub status: u16,
    pub body: Value,
}

/// What a client's frames travel over: TCP, or TLS on it.
pub trait Transport: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Transport for T {}

/// A connected client. Pushes that come while it waits for something else are kept for later.
pub struct WsClient {
    socket: WebSocketStream<Box<dyn Transport>>,
    pushes: VecDeque<Value>,
    next_id: u64,
    closed: Option<Option<CloseFrame>>,
}

impl WsClient {
    /// Connects with the token in `Authorization`.
    pub async fn connect(addr: SocketAddr, token: &str) -> Result<Self, Refused> {
        Self::with_headers(addr, &[("authorization", &format!("Bearer {token}"))], "/ws/chat").await
    }

    /// Connects with headers of the test's own.
    pub async fn with_headers(addr: SocketAddr, headers: &[(&str, &str)], path: &str) -> Result<Self, Refused> {
        let tcp = within("a connection", TcpStream::connect(addr)).await.unwrap();
        Self::over(Box::new(tcp), addr, headers, path).await
    }

    /// Connects over a connection that the test has opened.
    pub async fn over(
        transport: Box<dyn Transport>,
        addr: SocketAddr,
        headers: &[(&str, &str)],
        path: &str,
    ) -> Result<Self, Refused> {
        let mut request: Request = format!("ws://{addr}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            let name: tokio_tungstenite::tungstenite::http::HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        }
        match within("a handshake", client_async(request, transport)).await {
            Ok((socket, _)) => Ok(Self { socket, pushes: VecDeque::new(), next_id: 1, closed: None }),
            Err(Error::Http(response)) => Err(refused(&response)),
            Err(error) => panic!("the handshake failed: {error}"),
        }
    }

    /// Sends a text frame as it is.
    pub async fn send_text(&mut self, text: &str) {
        // A connection that is being closed refuses frames. What was received before is what counts.
        let _ = self.socket.send(Message::text(text)).await;
    }

    /// Sends any frame.
    pub async fn send_frame(&mut self, frame: Message) {
        let _ = self.socket.send(frame).await;
    }

    /// Sends an event that asks for no answer.
    pub async fn emit(&mut self, event: &str, data: Value) {
        self.send_text(&json!({ "event": event, "data": data }).to_string()).await;
    }

    /// Sends an event and waits for its answer.
    pub async fn request(&mut self, event: &str, data: impl Into<Value>) -> Result<Value, WireError> {
        let id = self.start(event, data).await;
        self.answer(id).await
    }

    /// Sends an event whose answer is waited for later.
    pub async fn start(&mut self, event: &str, data: impl Into<Value>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send_text(&json!({ "event": event, "data": data.into(), "id": id }).to_string()).await;
        id
    }

    /// Waits for the answer to one request.
    pub async fn answer(&mut self, id: u64) -> Result<Value, WireError> {
        let place = self.pushes.iter().position(|frame| frame["reply"] == id);
        let frame = match place {
            Some(place) => self.pushes.remove(place).unwrap(),
            None => loop {
                let frame = self.read().await.unwrap_or_else(|| panic!("closed before the answer: {:?}", self.closed));
                if frame["reply"] == id {
                    break frame;
                }
                self.pushes.push_back(frame);
            },
        };
        match frame.get("error") {
            Some(error) => Err(WireError {
                code: error["code"].as_str().unwrap().to_owned(),
                message: error["message"].as_str().unwrap().to_owned(),
                retry_after_ms: error["retryAfterMs"].as_u64(),
                until: error["until"].as_str().map(str::to_owned),
            }),
            None => Ok(frame["data"].clone()),
        }
    }

    /// The answer to one request, if it has come.
    pub fn answered(&self, id: u64) -> Option<&Value> {
        self.pushes.iter().find(|frame| frame["reply"] == id)
    }

    /// Enters a room and returns the answer.
    pub async fn enter(&mut self, room: &str) -> Value {
        self.request("enterRoom", room).await.unwrap()
    }

    /// Says something in the last room entered and returns the stored message.
    pub async fn say(&mut self, text: &str) -> Value {
        self.request("message", text).await.unwrap()
    }

    /// Waits for the next push of an event and returns its data.
    pub async fn push(&mut self, event: &str) -> Value {
        if let Some(place) = self.pushes.iter().position(|frame| frame["event"] == event) {
            return self.pushes.remove(place).unwrap()["data"].clone();
        }
        loop {
            let frame = self.read().await.unwrap_or_else(|| panic!("closed before `{event}`: {:?}", self.closed));
            if frame["event"] == event {
                return frame["data"].clone();
            }
            self.pushes.push_back(frame);
        }
    }

    /// The data of every push of an event that has come and was not taken.
    pub fn pushed(&self, event: &str) -> Vec<Value> {
        let of_event = self.pushes.iter().filter(|frame| frame["event"] == event);
        of_event.map(|frame| frame["data"].clone()).collect()
    }

    /// Everything that was pushed before an answered request: the proof that something did not come.
    pub async fn pushes_before_ack(&mut self) -> Vec<Value> {
        // An event that any session may send, and which pushes nothing to anyone.
        let _ = self.request("leaveRoom", json!({ "roomId": "a-room-that-nobody-enters" })).await;
        self.pushes.drain(..).collect()
    }

    /// The `seq` of every message pushed before an answered request.
    pub async fn seqs_before_ack(&mut self) -> Vec<i64> {
        let pushes = self.pushes_before_ack().await;
        let messages = pushes.iter().filter(|frame| frame["event"] == "message");
        messages.map(|frame| frame["data"]["seq"].as_i64().unwrap()).collect()
    }

    /// Reads until the connection is closed and returns the close code; `None` when it was cut without one.
    pub async fn closed(&mut self) -> Option<u16> {
        while let Some(frame) = self.read().await {
            self.pushes.push_back(frame);
        }
        self.closed.clone().flatten().map(|close| close.code.into())
    }

    /// Closes the connection and waits for the server's answer.
    pub async fn close(mut self) {
        let _ = self.socket.close(None).await;
        self.closed().await;
    }

    /// The next text frame; `None` after the connection has ended.
    pub async fn read(&mut self) -> Option<Value> {
        Some(serde_json::from_str(&self.read_text().await?).unwrap())
    }

    /// The same as it came.
    pub async fn read_text(&mut self) -> Option<String> {
        if self.closed.is_some() {
            return None;
        }
        loop {
            match within("a frame", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Close(close))) => self.closed = Some(close),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => {
                    self.closed.get_or_insert(None);
                    return None;
                }
            }
        }
    }
}

fn refused(response: &Response<Option<Vec<u8>>>) -> Refused {
    let body = response.body().as_deref().unwrap_or_default();
    Refused { status: response.status().as_u16(), body: serde_json::from_slice(body).unwrap_or(Value::Null) }
}
