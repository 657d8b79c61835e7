//! Engine.IO: handshakes, polls, posts, and the heartbeat.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::support::{
    TestServer, rest,
    socket_io::{PacketClient, PollingClient},
    until,
};

async fn quick(server: impl FnOnce(&mut haggle::internals::config::Config)) -> TestServer {
    TestServer::with(|config| {
        config.ping_interval = Duration::from_millis(200);
        config.ping_timeout = Duration::from_millis(150);
        server(config);
    })
    .await
}

#[actix_web::test]
async fn every_error_of_a_handshake_is_sent_as_the_protocol_has_it() {
    let server = TestServer::start().await;
    let session = PollingClient::open(server.addr).await;
    let with_sid = |transport: &str| format!("/socket.io/?EIO=4&transport={transport}&sid={}", session.sid);
    for (method, path, code, message) in [
        ("GET", "/socket.io/?EIO=4".to_owned(), 0, "Transport unknown"),
        ("GET", "/socket.io/?EIO=4&transport=carrier-pigeon".to_owned(), 0, "Transport unknown"),
        ("GET", "/socket.io/?EIO=4&transport=polling&sid=nobody".to_owned(), 1, "Session ID unknown"),
        ("POST", "/socket.io/?EIO=4&transport=polling".to_owned(), 2, "Bad handshake method"),
        ("PUT", "/socket.io/?EIO=4&transport=polling".to_owned(), 2, "Bad handshake method"),
        ("GET", "/socket.io/?EIO=4&transport=websocket".to_owned(), 3, "Bad request"),
        ("PUT", with_sid("polling"), 3, "Bad request"),
        ("GET", with_sid("websocket"), 3, "Bad request"),
        ("GET", "/socket.io/?transport=polling".to_owned(), 5, "Unsupported protocol version"),
        ("GET", "/socket.io/?EIO=3&transport=polling".to_owned(), 5, "Unsupported protocol version"),
    ] {
        let answer = rest::send(server.addr, method, &path, &[], b"").await;
        assert_eq!((answer.status, &answer.body), (400, &json!({"code": code, "message": message})), "{method} {path}");
    }
    for path in ["/socket.io/?transport=websocket", "/socket.io/?EIO=4&transport=websocket&sid=nobody"] {
        assert_eq!(PacketClient::handshake(server.addr, path).await.err(), Some(400), "{path}");
    }
    // None of it has cost the session anything.
    assert_eq!(session.post(&["40/chat,{}"]).await, (200, "ok".to_owned()));
}

#[actix_web::test]
async fn the_terms_are_the_configured_ones_and_ids_cannot_be_guessed() {
    let server = quick(|_| {}).await;
    let (one, two) = (PollingClient::open(server.addr).await, PollingClient::open(server.addr).await);
    assert_eq!(one.terms["upgrades"], json!(["websocket"]));
    assert_eq!((&one.terms["pingInterval"], &one.terms["pingTimeout"]), (&json!(200), &json!(150)));
    assert_eq!(one.terms["maxPayload"], json!(16384 * 8 + 65536));
    assert!(one.sid.len() >= 20 && one.sid != two.sid);
}

#[actix_web::test]
async fn a_foreign_page_opens_no_websocket_and_reads_no_answer() {
    let server = TestServer::with(|config| config.allowed_origins = vec!["https://shop.example".to_owned()]).await;
    for (origin, status) in [("https://shop.example", 101), ("https://evil.example", 403)] {
        let headers = [
            ("origin", origin),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ];
        let mut tcp =
            crate::support::raw::RawClient { tcp: tokio::net::TcpStream::connect(server.addr).await.unwrap() };
        let mut request =
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n".to_owned();
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        tcp.send(format!("{request}\r\n").as_bytes()).await;
        assert!(tcp.read_head().await.starts_with(&format!("HTTP/1.1 {status}")), "{origin}");
    }
    let path = "/socket.io/?EIO=4&transport=polling";
    let allowed = rest::send(server.addr, "GET", path, &[("origin", "https://shop.example")], b"").await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));
    // A page must be able to read why it was refused.
    let error =
        rest::send(server.addr, "GET", &format!("{path}&sid=x"), &[("origin", "https://shop.example")], b"").await;
    assert_eq!((error.status, error.header("access-control-allow-origin")), (400, Some("https://shop.example")));
    let foreign = rest::send(server.addr, "GET", path, &[("origin", "https://evil.example")], b"").await;
    assert_eq!(foreign.header("access-control-allow-origin"), None);
}

#[actix_web::test]
async fn the_server_pings_after_the_interval_and_a_silent_session_ends_at_interval_and_timeout() {
    let server = quick(|_| {}).await;
    let opened = Instant::now();
    let session = PollingClient::open(server.addr).await;
    assert_eq!(session.poll().await, (200, vec!["2".to_owned()]));
    assert!(opened.elapsed() >= Duration::from_millis(195), "{:?}", opened.elapsed());
    assert_eq!(session.post(&["3"]).await.0, 200);
    assert_eq!(session.poll().await, (200, vec!["2".to_owned()]));
    assert!(opened.elapsed() >= Duration::from_millis(395), "{:?}", opened.elapsed());

    let opened = Instant::now();
    let mut silent = PacketClient::open(server.addr).await;
    silent.pongs = false;
    assert_eq!(silent.packet().await.as_deref(), Some("2"));
    silent.closed().await;
    let lasted = opened.elapsed();
    assert!((345..700).contains(&lasted.as_millis()), "{lasted:?}");
}

#[actix_web::test]
async fn a_poller_that_never_comes_back_is_dropped_with_its_session() {
    let server = quick(|_| {}).await;
    server.seed().user("alice");
    let session = PollingClient::open(server.addr).await;
    session.post(&[&format!("40/chat,{}", json!({"token": server.token("alice")}))]).await;
    session.until("40/chat,").await;
    assert_eq!(server.metrics.sessions.get(), 1);
    let left = Instant::now();
    until("its session is gone", || server.metrics.sessions.get() == 0).await;
    assert!(left.elapsed() < Duration::from_millis(900), "{:?}", left.elapsed());
    assert!(session.is_gone().await);
}

#[actix_web::test]
async fn two_polls_at_once_end_the_session() {
    let server = TestServer::start().await;
    let session = PollingClient::open(server.addr).await;
    let first = actix_web::rt::spawn({
        let session = session.clone();
        async move { session.poll().await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(session.poll().await.0, 400);
    assert_eq!(first.await.unwrap(), (200, vec!["1".to_owned()]));
    assert!(session.is_gone().await);
}

#[actix_web::test]
async fn an_aborted_poll_ends_its_session() {
    let server = TestServer::start().await;
    server.seed().user("alice");
    let session = PollingClient::open(server.addr).await;
    session.post(&[&format!("40/chat,{}", json!({"token": server.token("alice")}))]).await;
    session.until("42/chat,[\"offset\"").await;
    let mut tcp = tokio::net::TcpStream::connect(server.addr).await.unwrap();
    tcp.write_all(format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", session.path()).as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(tcp);
    until("its session is gone", || server.metrics.sessions.get() == 0).await;
    assert!(session.is_gone().await);
}

#[actix_web::test]
async fn a_close_lets_the_open_poll_return() {
    let server = TestServer::start().await;
    let session = PollingClient::open(server.addr).await;
    let open = actix_web::rt::spawn({
        let session = session.clone();
        async move { session.poll().await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(session.post(&["1"]).await.0, 200);
    assert_eq!(open.await.unwrap(), (200, vec!["6".to_owned()]));
    assert!(session.is_gone().await);
}

#[actix_web::test]
async fn what_no_client_may_post_ends_its_session() {
    let server = TestServer::start().await;
    for (what, kind, body) in [
        ("an unknown type", "text/plain", &b"abc"[..]),
        ("an empty packet", "text/plain", b"40\x1e"),
        ("no base64", "text/plain", b"b%%"),
        ("no UTF-8", "text/plain", b"4\xff"),
        ("bytes", "application/octet-stream", b"40"),
        ("nothing", "text/plain", b""),
    ] {
        let session = PollingClient::open(server.addr).await;
        let answer = rest::send(server.addr, "POST", &session.path(), &[("content-type", kind)], body).await;
        assert_eq!(answer.status, 400, "{what}");
        assert!(session.is_gone().await, "{what}");
    }
    // The client's own ping, and an upgrade of nothing, are packets of the wrong side or moment.
    for packet in ["2", "5", "4abc", "42[\"message\"]"] {
        let session = PollingClient::open(server.addr).await;
        assert_eq!(session.post(&[packet]).await.0, 200);
        let (_, body) = session.poll().await;
        assert!(body == ["1"] || body[0].contains("unknown"), "{packet}: {body:?}");
    }
}

#[actix_web::test]
async fn a_body_over_the_limit_is_refused_from_its_announced_length() {
    let server = TestServer::start().await;
    server.seed().user("alice");
    let session = PollingClient::open(server.addr).await;
    session.post(&[&format!("40/chat,{}", json!({"token": server.token("alice")}))]).await;
    session.until("40/chat,").await;
    let head = format!("POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n", session.path());
    let mut raw = crate::support::raw::RawClient { tcp: tokio::net::TcpStream::connect(server.addr).await.unwrap() };
    // Not a byte of it is sent.
    raw.send(head.as_bytes()).await;
    assert!(raw.read_head().await.starts_with("HTTP/1.1 413"));
    // The session continues, and its client is notified.
    let error = session.until("42/chat,[\"error\"").await;
    assert!(error.contains("too_large"), "{error}");
    let long = json!(["message", "x".repeat(100_000)]).to_string();
    assert_eq!(session.post(&[&format!("42/chat,0{long}")]).await.0, 200);
    assert!(session.until("43/chat,0").await.contains("too_large"));
}

#[actix_web::test]
async fn an_address_has_a_largest_number_of_sessions() {
    let server = TestServer::with(|config| config.limits.connections_per_address_max = 3.try_into().ok()).await;
    for _ in 0..3 {
        PollingClient::open(server.addr).await;
    }
    let answer = rest::send(server.addr, "GET", "/socket.io/?EIO=4&transport=polling", &[], b"").await;
    assert_eq!(answer.status, 429);
}

/// A session over polls in the chat.
async fn polling_chat(server: &TestServer, user: &str) -> PollingClient {
    let session = PollingClient::open(server.addr).await;
    session.post(&[&format!("40/chat,{}", json!({"token": server.token(user)}))]).await;
    session.until("42/chat,[\"offset\"").await;
    session
}

#[actix_web::test]
async fn the_packets_of_a_post_are_taken_as_the_answers_are_read() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    // A page of about 100 KB: ten at once are four times what may wait for a client.
    server.seed().long_messages(&room, "sam", 50, 2000);
    let session = polling_chat(&server, "alice").await;
    let packets: Vec<_> = (0..10).map(|ack| format!("42/chat,{ack}{}", json!(["enterRoom", room]))).collect();
    let posted = actix_web::rt::spawn({
        let session = session.clone();
        async move { session.post(&packets.iter().map(String::as_str).collect::<Vec<_>>()).await }
    });
    let mut answered = Vec::new();
    while answered.len() < 10 {
        let (status, packets) = session.poll().await;
        assert_eq!(status, 200, "{packets:?}");
        let answers = packets.iter().filter(|packet| packet.starts_with("43/chat,"));
        let answers: Vec<_> = answers.map(|packet| packet[8..9].parse::<u64>().unwrap()).collect();
        assert!(answers.len() <= 1, "{answers:?} at once");
        answered.extend(answers);
    }
    assert_eq!(answered, (0..10).collect::<Vec<_>>());
    assert_eq!(posted.await.unwrap(), (200, "ok".to_owned()));
}

#[actix_web::test]
async fn what_came_whole_is_taken_also_when_its_client_does_not_wait() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    server.seed().long_messages(&room, "sam", 50, 2000);
    let session = polling_chat(&server, "alice").await;
    let enter = |ack: u64| format!("42/chat,{ack}{}", json!(["enterRoom", room]));
    let packets = [enter(0), enter(1), enter(2), format!("42/chat,3{}", json!(["message", "after all that"]))];
    let body = packets.join("\u{1e}");
    let mut tcp = tokio::net::TcpStream::connect(server.addr).await.unwrap();
    let head = format!("POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", session.path(), body.len());
    tcp.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    session.until("43/chat,0").await;
    // The second answer is to be read before the third packet is taken.
    drop(tcp);
    assert!(session.until("43/chat,3").await.contains("after all that"));
}
