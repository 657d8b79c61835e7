//! Every limit, what it says and what it leaves alone.

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    TestServer, WsClient,
    raw::{RawClient, frame},
    rest,
    socket_io::PacketClient,
    until, within,
};

#[actix_web::test]
async fn one_who_sends_too_fast_learns_when_to_go_on() {
    let server = TestServer::with(|config| config.limits.sends_per_second_max = NonZeroU32::new(5)).await;
    let room = server.seed().room("alice", "bike").id;
    let mut alice = server.ws("alice").await;
    let mut pending = Vec::new();
    for place in 0..15 {
        let draft = json!({"roomId": room, "text": "fast", "clientId": format!("c{place}")});
        pending.push(alice.start("message", draft).await);
    }
    let mut refused = None;
    for request in pending {
        if let Err(error) = alice.answer(request).await {
            assert_eq!(error.code, "rate_limited");
            refused = error.retry_after_ms;
        }
    }
    let wait = refused.expect("ten in a burst and five a second");
    assert!((1..=1000).contains(&wait), "{wait}");
    // The server counts by the machine's own clock.
    tokio::time::sleep(Duration::from_millis(wait + 20)).await;
    alice.request("message", json!({"roomId": room, "text": "slower"})).await.unwrap();
}

#[actix_web::test]
async fn one_who_goes_on_regardless_learns_why_and_is_closed() {
    let server = TestServer::with(|config| config.limits.sends_per_second_max = NonZeroU32::new(1)).await;
    let mut alice = server.ws("alice").await;
    for _ in 0..40 {
        alice.emit("typing", json!({"typing": true})).await;
    }
    assert_eq!(alice.closed().await, Some(4029));
    let errors = alice.pushed("error");
    let last = errors.last().unwrap();
    assert_eq!(last["code"], "rate_limited");
    assert!(last["retryAfterMs"].as_u64().unwrap() >= 1000, "{last}");
    assert!(last.get("event").is_none(), "it is about the connection: {last}");
    // The rate is the user's, and so the next connection has what has recovered since.
    let mut back = server.ws("alice").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    back.request("leaveRoom", "r").await.unwrap();
}

#[actix_web::test]
async fn the_rate_of_sends_is_the_users_over_all_sessions_wires_and_requests() {
    let server = TestServer::with(|config| config.limits.sends_per_second_max = NonZeroU32::new(1)).await;
    let room = server.seed().room("alice", "bike").id;
    let (began, mut stored) = (Instant::now(), 0);
    for _ in 0..2 {
        // A new session each time, on the plain wire and on Socket.IO.
        let mut plain = server.ws("alice").await;
        let mut polling = PacketClient::open(server.addr).await;
        polling.join("/chat", json!({"token": server.token("alice")})).await;
        for _ in 0..5 {
            stored += u64::from(plain.request("message", json!({"roomId": room, "text": "fast"})).await.is_ok());
            let said = polling.request("/chat", "message", json!({"roomId": room, "text": "fast"})).await;
            stored += u64::from(said["ok"] == true);
        }
        plain.close().await;
        polling.send("41/chat,").await;
    }
    // Two in a burst, and one for each second that this took.
    assert!((2..=3 + began.elapsed().as_secs()).contains(&stored), "{stored}");
    let path = format!("/api/v1/rooms/{room}/messages");
    for tried in 0.. {
        let answer =
            rest::call(server.addr, &server.token("alice"), "POST", &path, Some(json!({"text": "fast"}))).await;
        if answer.status == 429 {
            assert!(answer.body["retryAfterMs"].as_u64().is_some_and(|wait| wait <= 1001), "{answer:?}");
            break;
        }
        assert!(tried < 20, "over REST the same rate counts: {answer:?}");
    }
    // It is nobody else's.
    server.ws("sam").await.request("message", json!({"roomId": room, "text": "calm"})).await.unwrap();
}

#[actix_web::test]
async fn an_open_websocket_is_no_unanswered_request() {
    let server = TestServer::with(|config| config.limits.sessions_per_user_max = NonZeroU32::new(40)).await;
    let mut open = Vec::new();
    for _ in 0..40 {
        open.push(server.ws("alice").await);
    }
    assert_eq!(rest::call(server.addr, &server.token("alice"), "GET", "/api/v1/rooms", None).await.status, 200);
}

#[actix_web::test]
async fn a_user_opens_so_many_sessions_per_second() {
    let server = TestServer::with(|config| config.limits.sessions_per_user_max = NonZeroU32::new(1)).await;
    let wait = within("twenty in a burst and ten per second to be used up", async {
        loop {
            match WsClient::connect(server.addr, &server.token("alice")).await {
                Ok(client) => client.close().await,
                Err(refusal) => break refusal.body["retryAfterMs"].as_u64().unwrap(),
            }
            until("the place is free", || server.metrics.sessions.get() == 0).await;
        }
    })
    .await;
    assert!(wait <= 101, "{wait}");
    tokio::time::sleep(Duration::from_millis(wait)).await;
    server.ws("alice").await;
}

#[actix_web::test]
async fn a_session_is_in_so_many_rooms_at_once() {
    let server = TestServer::with(|config| config.limits.rooms_per_session_max = NonZeroU32::new(2)).await;
    let seed = server.seed();
    let rooms: Vec<String> = ["a", "b", "c"].iter().map(|product| seed.room("alice", product).id.to_string()).collect();
    let mut alice = server.ws("alice").await;
    alice.enter(&rooms[0]).await;
    alice.enter(&rooms[1]).await;
    alice.enter(&rooms[1]).await;
    let error = alice.request("enterRoom", rooms[2].as_str()).await.unwrap_err();
    assert_eq!(error.code, "rate_limited");
    assert!(error.retry_after_ms.is_some());
    // What was refused is not the last room entered.
    assert_eq!(alice.say("to the second").await["roomId"], rooms[1].as_str());
    alice.request("leaveRoom", rooms[0].as_str()).await.unwrap();
    alice.enter(&rooms[2]).await;
}

#[actix_web::test]
async fn a_user_has_so_many_sessions_and_a_place_is_free_again_after_a_disconnect() {
    let server = TestServer::with(|config| config.limits.sessions_per_user_max = NonZeroU32::new(2)).await;
    let first = server.ws("alice").await;
    let _second = server.ws("alice").await;
    let refused = WsClient::connect(server.addr, &server.token("alice")).await.err().unwrap();
    assert_eq!((refused.status, &refused.body["code"]), (429, &json!("rate_limited")));
    assert!(refused.body["retryAfterMs"].as_u64().is_some());
    let _others = server.ws("sam").await;
    drop(first);
    until("the place is free", || server.metrics.sessions.get() == 2).await;
    server.ws("alice").await.request("leaveRoom", "r").await.unwrap();
}

#[actix_web::test]
async fn a_refused_handshake_takes_no_place() {
    let server = TestServer::with(|config| config.limits.sessions_per_user_max = NonZeroU32::new(1)).await;
    for _ in 0..3 {
        // Without the headers of a WebSocket.
        let answer = rest::call(server.addr, &server.token("alice"), "GET", "/ws/chat", None).await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!("invalid")));
    }
    server.ws("alice").await;
}

#[actix_web::test]
async fn an_address_has_so_many_connections() {
    let server = TestServer::with(|config| config.limits.connections_per_address_max = NonZeroU32::new(3)).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(server.ws("alice").await);
    }
    let answer = rest::call(server.addr, "", "GET", "/healthz", None).await;
    assert_eq!((answer.status, &answer.body["code"]), (429, &json!("rate_limited")));
    assert!(answer.head.to_ascii_lowercase().contains("retry-after:"), "{}", answer.head);
    open.pop().unwrap().close().await;
    until("the place is free", || server.metrics.connections.get() == 2).await;
    assert_eq!(rest::call(server.addr, "", "GET", "/healthz", None).await.status, 200);
}

#[actix_web::test]
async fn an_address_opens_so_many_connections_a_second() {
    let server = TestServer::with(|config| config.limits.connects_per_second_max = NonZeroU32::new(5)).await;
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(rest::call(server.addr, "", "GET", "/healthz", None).await);
    }
    let refused = statuses.iter().find(|answer| answer.status == 429).expect("ten in a burst and five a second");
    assert_eq!(refused.body["code"], "rate_limited");
    let wait = refused.body["retryAfterMs"].as_u64().unwrap();
    tokio::time::sleep(Duration::from_millis(wait + 220)).await;
    assert_eq!(rest::call(server.addr, "", "GET", "/healthz", None).await.status, 200);
}

/// Sends a request's bytes and returns the status of the answer; `None` when the connection is cut without one.
async fn status_of(addr: SocketAddr, request: &[u8]) -> Option<u16> {
    let mut tcp = TcpStream::connect(addr).await.unwrap();
    let _ = tcp.write_all(request).await;
    let mut answer = Vec::new();
    let _ = within("an answer or the end", tcp.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
}

#[actix_web::test]
async fn headers_have_a_size_and_a_number() {
    let server = TestServer::start().await;
    let mut alice = server.ws("alice").await;
    let long = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(1024 * 1024));
    let many = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{}\r\n", "x-many: x\r\n".repeat(1000));
    let long_path = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(1024 * 1024));
    for (what, request) in [("a long header", long), ("many headers", many), ("a long path", long_path)] {
        let status = status_of(server.addr, request.as_bytes()).await;
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{what}: {status:?}");
        eprintln!("{what}: {status:?}");
    }
    alice.request("leaveRoom", "r").await.unwrap();
    until("no connection is left but one", || server.metrics.connections.get() == 1).await;
}

#[actix_web::test]
async fn crafted_subprotocols_are_refused_or_ignored() {
    let server = TestServer::start().await;
    let token = server.token("alice");
    let many = "haggle.v1, ".repeat(1000);
    for (what, protocols) in [
        ("commas", ",,,,,,".to_owned()),
        ("only a bearer without a token", "haggle.v1, bearer.".to_owned()),
        ("two tokens", format!("haggle.v1, bearer.{token}, bearer.{token}x")),
        ("thousands", many),
    ] {
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        let refused = WsClient::with_headers(server.addr, &headers, "/ws/chat").await.err().unwrap();
        assert_eq!(refused.status, 401, "{what}");
    }
}

#[actix_web::test]
async fn a_huge_frame_is_refused_by_its_header_and_the_client_hears_why() {
    let server = TestServer::start().await;
    let limit = 16 * 1024 * 8 + 64 * 1024;
    for announced in [limit + 1, 100_000_000] {
        let mut client = RawClient::upgraded(server.addr, &server.token("alice")).await;
        let mut bytes = vec![0x81, 0xFF];
        bytes.extend((announced as u64).to_be_bytes());
        bytes.extend([1, 2, 3, 4]);
        client.send(&bytes).await;
        assert_eq!(client.closed().await, Some(1009), "before any of its payload");
        // A client that keeps sending without reading still receives it: what it sent must not turn the end into a reset.
        let mut client = RawClient::upgraded(server.addr, &server.token("alice")).await;
        bytes.extend(vec![b'x'; 1024 * 1024]);
        client.send(&bytes).await;
        assert_eq!(client.closed().await, Some(1009), "with a megabyte behind it");
    }
    let mut client = RawClient::upgraded(server.addr, &server.token("alice")).await;
    let whole = frame(0x81, &vec![b'x'; limit]);
    client.send(&whole).await;
    client.send_frame(0x88, &[0x03, 0xE8]).await;
    assert_eq!(client.closed().await, Some(1000), "at the limit it is a frame like any other");
}

#[actix_web::test]
async fn a_body_has_a_size_and_is_refused_before_it_is_read() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let token = server.token("alice");
    let head = format!(
        "POST /api/v1/rooms/{room}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n"
    );
    // Announced, and nothing of it sent.
    assert_eq!(status_of(server.addr, format!("{head}content-length: 100000000\r\n\r\n").as_bytes()).await, Some(413));
    // Not announced: in chunks, until it is too much.
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{}", chunk.repeat(40));
    assert_eq!(status_of(server.addr, chunked.as_bytes()).await, Some(413));
    // The message's own limit is below that, and has the same code.
    let long = json!({"text": "x".repeat(16_385)});
    let path = format!("/api/v1/rooms/{room}/messages");
    let answer = rest::call(server.addr, &token, "POST", &path, Some(long)).await;
    assert_eq!((answer.status, &answer.body["code"]), (413, &json!("too_large")));
    until("no connection is left", || server.metrics.connections.get() == 0).await;
}

#[actix_web::test]
async fn a_body_that_never_ends_is_cut_off() {
    let server = TestServer::with(|config| config.handshake_timeout = Duration::from_millis(500)).await;
    let room = server.seed().room("alice", "bike").id;
    let head = format!(
        "POST /api/v1/rooms/{room}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"text\":",
        server.token("alice")
    );
    let began = std::time::Instant::now();
    assert_eq!(status_of(server.addr, head.as_bytes()).await, Some(422));
    eprintln!("cut off after {:?}", began.elapsed());
    until("no connection is left", || server.metrics.connections.get() == 0).await;
}
