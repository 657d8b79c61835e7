//! A drain stops accepting, notifies clients, finishes what was accepted, and exits in time.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Launch, WsClient, database, raw::RawClient, within};

/// An HTTP connection that is kept open.
struct KeepAlive(TcpStream);

impl KeepAlive {
    async fn open(addr: SocketAddr) -> Self {
        let mut kept = Self(TcpStream::connect(addr).await.unwrap());
        assert_eq!(kept.get("/readyz", "").await.0, 200);
        kept
    }

    async fn get(&mut self, path: &str, headers: &str) -> (u16, Value) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        self.0.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within("an answer", self.0.read_u8()).await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut body).await.unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

async fn drains_on(signal: &str) {
    let launch = Launch::new();
    let room = launch.seed().room("alice", "bike").id.to_string();
    let mut server = launch.start().await;
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(&room).await;
    sam.enter(&room).await;
    let mut mute = RawClient::upgraded(server.addr, &server.token("alice")).await;
    let (mut ready, mut late) = (KeepAlive::open(server.addr).await, KeepAlive::open(server.addr).await);
    let _idle = KeepAlive::open(server.addr).await;

    // A message whose commit takes a while, since another process holds the database.
    let other = database::hold_up(&launch.url());
    let in_flight = alice.start("message", json!({"roomId": room, "text": "on its way", "clientId": "c1"})).await;
    alice.pushes_before_ack().await;

    server.signal(signal);
    let began = Instant::now();
    let reconnect_in_ms = alice.push("draining").await["reconnectInMs"].as_u64().unwrap();
    assert!((100..2000).contains(&reconnect_in_ms), "{reconnect_in_ms}");
    let (status, body) = ready.get("/readyz", "").await;
    assert_eq!((status, &body["draining"]), (503, &json!(true)));
    let token = server.token("alice");
    let handshake = format!(
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nauthorization: Bearer {token}\r\n"
    );
    let (status, body) = late.get("/ws/chat", &handshake).await;
    assert_eq!((status, &body["code"]), (503, &json!("unavailable")));
    // What comes now is not taken up: without an answer before the close it is the client's to send again.
    let too_late = alice.start("message", json!({"roomId": room, "text": "too late", "clientId": "c2"})).await;

    other.release();
    assert_eq!(alice.answer(in_flight).await.unwrap()["seq"], 1);
    assert_eq!(alice.push("message").await["clientId"], "c1");
    assert_eq!(alice.closed().await, Some(1012));
    assert!(alice.answered(too_late).is_none());
    // A client that has nothing under way does not wait for the others.
    assert_eq!(sam.closed().await, Some(1012));
    assert_eq!(mute.closed().await, Some(1012));

    let status = server.ended().await;
    eprintln!("{signal}: ended after {:?}", began.elapsed());
    assert_eq!(status.code(), Some(0), "{}", server.output());
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(server.output().contains("ended") && !server.output().contains("panicked"), "{}", server.output());
    assert!(!server.output().contains("took longer"), "{}", server.output());

    let server = launch.start().await;
    let mut alice = server.ws("alice").await;
    let mut sam = server.ws("sam").await;
    let missed = sam.request("enterRoom", json!({"roomId": room, "after": 0})).await.unwrap();
    assert_eq!(missed["messages"][0]["clientId"], "c1");
    let again = json!({"roomId": room, "text": "too late", "clientId": "c2"});
    assert_eq!(alice.request("message", again).await.unwrap()["seq"], 2);
}

#[actix_web::test]
async fn sigterm_drains() {
    drains_on("TERM").await;
}

#[actix_web::test]
async fn sigint_drains() {
    drains_on("INT").await;
}

#[actix_web::test]
async fn a_drain_takes_no_longer_than_its_timeout_even_when_the_database_hangs() {
    let launch = Launch::new().args(&["--drain-timeout", "2s"]);
    let room = launch.seed().room("alice", "bike").id.to_string();
    let mut server = launch.start().await;
    let mut alice = server.ws("alice").await;
    let other = database::hold_up(&launch.url());
    alice.start("message", json!({"roomId": room, "text": "never stored", "clientId": "c1"})).await;
    alice.pushes_before_ack().await;
    server.signal("TERM");
    let began = Instant::now();
    assert_eq!(alice.closed().await, Some(1012), "notified even so");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.output());
    eprintln!("ended after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(4));
    other.release();
}

#[actix_web::test]
async fn a_drain_under_load_acknowledges_what_it_took_up() {
    let launch = Launch::new().args(&["--max-sessions-per-user", "0"]);
    let seed = launch.seed();
    let rooms: Vec<String> = (0..20).map(|place| seed.room("alice", &format!("bike-{place}")).id.to_string()).collect();
    let mut server = launch.start().await;
    let mut clients = Vec::new();
    for _ in &rooms {
        clients.push(server.ws("alice").await);
    }
    let send = |mut client: WsClient, room: String| async move {
        let (mut waiting, mut acknowledged) = (0, 0);
        loop {
            while waiting < 8 {
                waiting += 1;
                client.start("message", json!({"roomId": room, "text": "x"})).await;
            }
            let Some(frame) = client.read().await else { break };
            if frame["reply"].is_u64() {
                waiting -= 1;
                acknowledged += 1;
                assert!(frame.get("error").is_none(), "{frame}");
            }
        }
        assert_eq!(client.closed().await, Some(1012));
        (room, acknowledged)
    };
    let sending = clients.into_iter().zip(rooms).map(|(client, room)| send(client, room));
    let sending = futures_util::future::join_all(sending);
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.signal("TERM");
        let began = Instant::now();
        let status = server.ended().await;
        eprintln!("ended after {:?}", began.elapsed());
        assert_eq!(status.code(), Some(0));
        assert!(began.elapsed() < Duration::from_secs(8));
    };
    let (acknowledged, ()) = futures_util::future::join(sending, stopping).await;
    let server = launch.start().await;
    let mut alice = server.ws("alice").await;
    for (room, acknowledged) in acknowledged {
        assert!(acknowledged > 0);
        assert_eq!(alice.enter(&room).await["lastSeq"], acknowledged, "stored and not acknowledged, or the reverse");
    }
}
