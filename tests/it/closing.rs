//! How connections end: the close frame, then TCP promptly and in order, no matter which side began it.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    TestServer,
    raw::{RawClient, frame},
    until, within,
};

/// Reads to the end. Returns the close code, and how long after the close frame the end of TCP came; `Err` for a reset.
async fn ends(client: &mut RawClient) -> std::io::Result<(Option<u16>, Duration)> {
    let mut code = None;
    let mut closed_at = Instant::now();
    loop {
        let mut head = [0; 2];
        if within("a frame or the end", client.tcp.read(&mut head[..1])).await? == 0 {
            return Ok((code, closed_at.elapsed()));
        }
        client.tcp.read_exact(&mut head[1..]).await?;
        let length = match head[1] {
            126 => usize::from(client.tcp.read_u16().await?),
            127 => usize::try_from(client.tcp.read_u64().await?).unwrap(),
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        client.tcp.read_exact(&mut payload).await?;
        if head[0] == 0x88 {
            code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            closed_at = Instant::now();
        }
    }
}

/// How long the end of TCP may take after the close handshake.
const PROMPTLY: Duration = Duration::from_millis(500);

#[actix_web::test]
async fn tcp_ends_promptly_after_the_close_handshake() {
    let server = TestServer::start().await;
    let token = server.token("alice");
    for (what, bytes, code) in [
        ("the client's close", frame(0x88, &[0x03, 0xE8]), Some(1000)),
        ("a close without a code", frame(0x88, b""), Some(1000)),
        ("a reserved bit", frame(0xC1, b"{}"), Some(1002)),
        ("invalid UTF-8", frame(0x81, &[0xFF]), Some(1007)),
        ("a frame without an end", vec![0x81, 0xFF, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4], Some(1009)),
    ] {
        let mut client = RawClient::upgraded(server.addr, &token).await;
        client.send(&bytes).await;
        let (got, after) = ends(&mut client).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        eprintln!("{what}: {got:?}, TCP ended {after:?} later");
        assert_eq!(got, code, "{what}");
        assert!(after < PROMPTLY, "{what}: TCP ended {after:?} after the close frame");
        until("the connection is freed", || server.metrics.connections.get() == 0).await;
        assert_eq!(server.metrics.sessions.get(), 0);
    }
}

#[actix_web::test]
async fn tcp_ends_promptly_once_the_client_has_answered_the_servers_close() {
    let server = TestServer::start().await;
    let mut client = RawClient::upgraded(server.addr, &server.token("alice")).await;
    client.send_frame(0x82, b"binary").await;
    // Both frames, `error` and close, before the answer to it.
    let mut seen = Vec::new();
    while !seen.windows(2).any(|pair| pair == [0x03, 0xEB]) {
        seen.push(within("the close frame", client.tcp.read_u8()).await.unwrap());
    }
    let answered = Instant::now();
    client.send_frame(0x88, &[0x03, 0xEB]).await;
    let mut rest = Vec::new();
    within("the end", client.tcp.read_to_end(&mut rest)).await.unwrap();
    assert!(answered.elapsed() < PROMPTLY, "TCP ended {:?} after the answer", answered.elapsed());
}

#[actix_web::test]
async fn a_client_that_never_answers_the_close_is_cut_off_after_two_seconds() {
    let server = TestServer::start().await;
    let mut client = RawClient::upgraded(server.addr, &server.token("alice")).await;
    client.send_frame(0x82, b"binary").await;
    let (code, after) = ends(&mut client).await.unwrap();
    assert_eq!(code, Some(1003));
    assert!((Duration::from_millis(1500)..Duration::from_secs(4)).contains(&after), "{after:?}");
    until("the connection is freed", || server.metrics.connections.get() == 0).await;
}

#[actix_web::test]
async fn a_half_closed_client_is_let_go_and_what_it_sent_is_stored() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let mut client = RawClient::upgraded(server.addr, &server.token("alice")).await;
    let text = json!({"event": "message", "data": {"roomId": room, "text": "my last words"}, "id": 1}).to_string();
    client.send_frame(0x81, text.as_bytes()).await;
    client.tcp.shutdown().await.unwrap();
    // The answer may arrive or not. Only the end is promised.
    let _ = ends(&mut client).await;
    until("the message is stored", || server.metrics.messages.get() == 1).await;
    until("the connection is freed", || server.metrics.connections.get() == 0).await;
    assert_eq!(server.metrics.sessions.get(), 0);
}

#[actix_web::test]
async fn a_client_that_resets_its_connection_leaves_its_rooms() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let mut sam = server.ws("sam").await;
    sam.enter(room.as_str()).await;
    let mut client = RawClient::upgraded(server.addr, &server.token("alice")).await;
    client.send_frame(0x81, json!({"event": "enterRoom", "data": room}).to_string().as_bytes()).await;
    assert_eq!(sam.push("presence").await["online"], true);
    client.tcp.set_zero_linger().unwrap();
    drop(client);
    assert_eq!(sam.push("presence").await["online"], false);
    until("the connection is freed", || server.metrics.connections.get() == 1).await;
}
