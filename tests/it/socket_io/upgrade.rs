//! The move from polls to a WebSocket, and everything that can go wrong on the way.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{
    TestServer,
    socket_io::{PacketClient, PollingClient},
    until,
};

async fn signed_in(server: &TestServer, user: &str) -> PollingClient {
    server.seed().user(user);
    let session = PollingClient::open(server.addr).await;
    session.post(&[&format!("40/chat,{}", json!({"token": server.token(user)}))]).await;
    session.until("42/chat,[\"offset\"").await;
    session
}

#[actix_web::test]
async fn a_session_moves_to_a_websocket_and_keeps_everything() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let session = signed_in(&server, "alice").await;
    session.post(&[&format!("42/chat,7{}", json!(["enterRoom", room.id]))]).await;
    session.until("43/chat,7").await;
    let mut socket = PacketClient::candidate(&session).await.unwrap();
    socket.send("2probe").await;
    assert_eq!(socket.packet().await.as_deref(), Some("3probe"));
    // The open poll is released, so that the client can pause.
    let began = Instant::now();
    assert_eq!(session.poll().await, (200, vec!["6".to_owned()]));
    assert!(began.elapsed() < Duration::from_secs(2));
    socket.send("5").await;
    let said = socket.request("/chat", "message", "over the new transport").await;
    assert_eq!(said["data"]["seq"], 1);
    assert_eq!(socket.event("/chat", "message").await[0]["text"], "over the new transport");
    assert_eq!(session.poll().await.0, 400, "polls have ended");
    assert_eq!(session.post(&["3"]).await.0, 400);
    let mut second = PacketClient::candidate(&session).await.unwrap();
    assert_eq!((second.closed().await, second.kept()), (Some(1000), Vec::new()), "it is closed as soon as it stands");
    assert_eq!(socket.request("/chat", "leaveRoom", room.id.as_str()).await["ok"], true);
}

#[actix_web::test]
async fn a_candidate_that_fails_costs_the_polling_session_nothing() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let session = signed_in(&server, "alice").await;
    for packets in [&["garbage"][..], &["5"], &["2"], &["2probe", "4x"], &["2probe", "2probe"], &[]] {
        let mut socket = PacketClient::candidate(&session).await.unwrap();
        for packet in packets {
            socket.send(packet).await;
        }
        if packets.is_empty() {
            drop(socket);
        } else {
            socket.closed().await;
        }
        if packets.is_empty() {
            // It hangs up without a word, and the server has to notice.
            break;
        }
    }
    session.post(&[&format!("42/chat,7{}", json!(["enterRoom", room.id]))]).await;
    assert!(session.until("43/chat,7").await.contains("\"ok\":true"));
}

#[actix_web::test]
async fn a_broken_frame_while_the_upgrade_runs_ends_the_candidate_alone() {
    let server = TestServer::start().await;
    let session = signed_in(&server, "alice").await;
    let mut raw = crate::support::raw::RawClient { tcp: tokio::net::TcpStream::connect(server.addr).await.unwrap() };
    let path = session.path().replace("polling", "websocket");
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    raw.send(head.as_bytes()).await;
    assert!(raw.read_head().await.starts_with("HTTP/1.1 101"));
    raw.send_frame(0x81, b"2probe").await;
    raw.send(&[0xFF, 0xFF, 0xFF]).await;
    assert_eq!(raw.closed().await, Some(1002));
    session.post(&["42/chat,3[\"leaveRoom\"]"]).await;
    session.until("43/chat,3").await;
}

#[actix_web::test]
async fn the_heartbeat_pauses_while_the_upgrade_runs_and_goes_on_after_it() {
    let server = TestServer::with(|config| {
        config.ping_interval = Duration::from_millis(150);
        config.ping_timeout = Duration::from_millis(100);
    })
    .await;
    let session = signed_in(&server, "alice").await;
    let mut socket = PacketClient::candidate(&session).await.unwrap();
    socket.pongs = false;
    socket.send("2probe").await;
    assert_eq!(socket.packet().await.as_deref(), Some("3probe"));
    // Longer than interval and timeout.
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(server.metrics.sessions.get(), 1);
    socket.send("5").await;
    assert_eq!(socket.packet().await.as_deref(), Some("2"), "the heartbeat goes on over the WebSocket");
    socket.closed().await;
    until("the silent session is gone", || server.metrics.sessions.get() == 0).await;
}

#[actix_web::test]
async fn one_candidate_is_tried_at_a_time() {
    let server = TestServer::start().await;
    let session = signed_in(&server, "alice").await;
    let mut first = PacketClient::candidate(&session).await.unwrap();
    let mut second = PacketClient::candidate(&session).await.unwrap();
    assert_eq!((second.closed().await, second.kept()), (Some(1000), Vec::new()));
    first.send("2probe").await;
    assert_eq!(first.packet().await.as_deref(), Some("3probe"));
}

#[actix_web::test]
async fn a_second_websocket_costs_a_session_that_began_on_one_nothing() {
    let server = TestServer::start().await;
    server.seed().user("alice");
    let mut first = PacketClient::handshake(server.addr, "/socket.io/?EIO=4&transport=websocket").await.unwrap();
    let open = first.packet().await.unwrap();
    let open: serde_json::Value = serde_json::from_str(&open[1..]).unwrap();
    let sid = open["sid"].as_str().unwrap();
    let path = format!("/socket.io/?EIO=4&transport=websocket&sid={sid}");
    let mut second = PacketClient::handshake(server.addr, &path).await.unwrap();
    assert_eq!((second.closed().await, second.kept()), (Some(1000), Vec::new()));
    first.join("/chat", json!({"token": server.token("alice")})).await;
    assert_eq!(first.request("/chat", "heartbeat", json!(null)).await["ok"], true);
}

#[actix_web::test]
async fn a_session_ends_with_the_websocket_that_carries_it() {
    let server = TestServer::start().await;
    let session = signed_in(&server, "alice").await;
    let mut socket = PacketClient::candidate(&session).await.unwrap();
    socket.send("2probe").await;
    socket.packet().await;
    socket.send("5").await;
    socket.request("/chat", "leaveRoom", json!(null)).await;
    drop(socket);
    until("the session is gone", || server.metrics.sessions.get() == 0).await;
}
