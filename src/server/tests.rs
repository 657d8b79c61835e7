//! A panic affects only the clients that it concerns. Real actors and sockets; here and not in `tests/it`, since only the
//! library's own tests can cause one.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::*;
use crate::{
    config::{Options, Secret},
    db::test_db::open_alices_room,
    domain::{RoomId, UserId},
};

const SECRET: &str = "a secret of the tests, 32 bytes or more";

struct Fixture {
    server: Server,
    room: RoomId,
    _folder: TempDir,
}

impl Fixture {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let options = Options {
            bind: Some("127.0.0.1:0".parse().unwrap()),
            database_url: Some(folder.path().join("haggle.db").display().to_string()),
            jwt_secret: Some(Secret::new(SECRET)),
            // One worker, so that a hub is everybody's.
            workers: Some(1),
            ..Options::default()
        };
        let config = Config::try_from(options).unwrap();
        let pool = db::open(&config.database_url, 1).unwrap();
        let server = ServerBuilder::new(config).start().await.unwrap();
        let room = open_alices_room(&mut pool.get().unwrap());
        Self { server, room, _folder: folder }
    }

    async fn client(&self, user: &str) -> Client {
        let signer = Signer::hs256(SECRET.as_bytes()).unwrap();
        let token = signer.sign(&UserId::new(user).unwrap(), None, Duration::from_secs(60), &Clock::System);
        let mut client = Client::connect(self.server.addr(), &token).await;
        client.request("enterRoom", json!(self.room)).await;
        client
    }

    /// Whatever a panic has cost, nothing may be left of it.
    async fn end(self, clients: Vec<Client>) {
        drop(clients);
        let metrics = Arc::clone(&self.server.metrics);
        assert!(self.server.drain().await, "the drain did not end");
        assert_eq!((metrics.sessions.get(), metrics.events_in_flight.get()), (0, 0));
    }
}

struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    async fn connect(addr: SocketAddr, token: &str) -> Self {
        let mut request = format!("ws://{addr}/ws/chat").into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        Self { socket: connect_async(request).await.unwrap().0 }
    }

    async fn emit(&mut self, event: &str, data: Value) {
        let frame = json!({"event": event, "data": data, "id": event}).to_string();
        self.socket.send(Message::text(frame)).await.unwrap();
    }

    async fn request(&mut self, event: &str, data: Value) -> Value {
        self.emit(event, data).await;
        self.until(|frame| frame["reply"] == event).await["data"].clone()
    }

    async fn push(&mut self, event: &str) -> Value {
        self.until(|frame| frame["event"] == event).await["data"].clone()
    }

    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let Message::Text(text) = self.read().await.expect("open") else { continue };
            let frame = serde_json::from_str(&text).unwrap();
            if wanted(&frame) {
                return frame;
            }
        }
    }

    async fn closed(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(message) = self.read().await {
            if let Message::Close(Some(close)) = message {
                code = Some(close.code.into());
            }
        }
        code
    }

    async fn read(&mut self) -> Option<Message> {
        let message = tokio::time::timeout(Duration::from_secs(20), self.socket.next()).await;
        message.expect("a frame within 20 s").and_then(Result::ok)
    }
}

#[actix_web::test]
async fn a_panic_in_a_session_takes_down_that_session_alone() {
    let fixture = Fixture::start().await;
    let (mut alice, mut sam) = (fixture.client("alice").await, fixture.client("sam").await);
    assert_eq!(alice.push("presence").await["online"], true);
    sam.emit("message", json!({"text": "panic in session"})).await;
    assert_eq!(sam.closed().await, Some(1011), "its client is notified and let go");
    assert_eq!(alice.push("presence").await["online"], false, "it leaves its rooms");
    assert_eq!(alice.request("message", json!("are you there?")).await["seq"], 1);
    let mut sam = fixture.client("sam").await;
    assert_eq!(sam.request("message", json!("again")).await["seq"], 2);
    fixture.end(vec![alice, sam]).await;
}

#[actix_web::test]
async fn a_panic_in_the_chat_server_costs_one_event() {
    let fixture = Fixture::start().await;
    let (mut alice, mut sam) = (fixture.client("alice").await, fixture.client("sam").await);
    sam.emit("message", json!({"text": "panic in server"})).await;
    assert_eq!(sam.request("leaveRoom", json!("another")).await, json!({}));
    assert_eq!(sam.request("message", json!({"roomId": fixture.room, "text": "on we go"})).await["seq"], 1);
    assert_eq!(alice.push("message").await["seq"], 1);
    fixture.end(vec![alice, sam]).await;
}

#[actix_web::test]
async fn a_panic_behind_a_commit_costs_the_answer_and_not_the_message() {
    let fixture = Fixture::start().await;
    let (mut alice, mut sam) = (fixture.client("alice").await, fixture.client("sam").await);
    sam.emit("message", json!({"text": "panic in commit"})).await;
    assert_eq!(alice.request("message", json!("on we go")).await["seq"], 2);
    // Anyone who saw no answer asks again, and finds what was stored.
    let room = sam.request("enterRoom", json!({"roomId": fixture.room, "after": 0})).await;
    assert_eq!(room["messages"].as_array().unwrap().len(), 2);
    fixture.end(vec![alice, sam]).await;
}

#[actix_web::test]
async fn a_panic_in_a_hub_costs_one_delivery() {
    let fixture = Fixture::start().await;
    let (mut alice, mut sam) = (fixture.client("alice").await, fixture.client("sam").await);
    assert_eq!(sam.request("message", json!({"text": "panic in hub"})).await["seq"], 1);
    assert_eq!(sam.request("message", json!({"text": "on we go"})).await["seq"], 2);
    assert_eq!(alice.push("message").await["seq"], 2);
    fixture.end(vec![alice, sam]).await;
}
