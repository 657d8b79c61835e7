//! The plain wire: RFC 6455, and the frames on it.

use serde_json::json;

use crate::support::{TestServer, raw::RawClient};

#[actix_web::test]
async fn what_breaks_the_protocol_ends_the_connection_with_its_code() {
    let server = TestServer::start().await;
    let token = server.token("alice");
    let mut unmasked = vec![0x81, 2];
    unmasked.extend(b"{}");
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("an unmasked frame", unmasked, 1002),
        ("a reserved bit", crate::support::raw::frame(0xC1, b"{}"), 1002),
        ("a reserved opcode", crate::support::raw::frame(0x83, b""), 1002),
        ("a reserved control opcode", crate::support::raw::frame(0x8B, b""), 1002),
        ("a fragmented ping", crate::support::raw::frame(0x09, b""), 1002),
        ("a long ping", crate::support::raw::frame(0x89, &[0; 126]), 1002),
        ("a continuation of nothing", crate::support::raw::frame(0x80, b"x"), 1002),
        ("a close code that nobody may send", crate::support::raw::frame(0x88, &[3, 237]), 1002),
        ("invalid UTF-8", crate::support::raw::frame(0x81, &[0xff, 0xfe]), 1007),
        ("a frame that says it has 2^62 bytes", vec![0x81, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], 1009),
        ("a binary frame", crate::support::raw::frame(0x82, b"{}"), 1003),
        ("a close without a code", crate::support::raw::frame(0x88, b""), 1000),
        ("a close with a code", crate::support::raw::frame(0x88, &[0x0F, 0xA0]), 4000),
    ];
    for (what, bytes, code) in cases {
        let mut client = RawClient::upgraded(server.addr, &token).await;
        client.send(&bytes).await;
        if code == 1003 {
            // The server waits for the answer to its close frame.
            client.send_frame(0x88, &[0x03, 0xEB]).await;
        }
        assert_eq!(client.closed().await, Some(code), "{what}");
    }
}

#[actix_web::test]
async fn a_message_may_come_in_fragments_with_a_ping_between() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut client = RawClient::upgraded(server.addr, &server.token("alice")).await;
    let text = json!({"event": "message", "data": {"roomId": room.id, "text": "in parts"}}).to_string();
    let (first, rest) = text.as_bytes().split_at(7);
    client.send_frame(0x01, first).await;
    client.send_frame(0x89, b"still there?").await;
    client.send_frame(0x80, rest).await;
    client.send_frame(0x88, &[0x03, 0xE8]).await;
    assert_eq!(client.closed().await, Some(1000));
    let mut alice = server.ws("alice").await;
    crate::support::until("the message is stored", || server.metrics.messages.get() == 1).await;
    assert_eq!(alice.enter(room.id.as_str()).await["messages"][0]["text"], "in parts");
}

#[actix_web::test]
async fn a_frame_that_cannot_be_read_costs_its_sender_an_error_and_nothing_else() {
    let server = TestServer::start().await;
    let mut alice = server.ws("alice").await;
    for text in ["", "x", "[]", "{}", "{\"event\":7}", "{\"event\":\"dance\"}", "{\"event\":\"read\",\"data\":{}}"] {
        alice.send_text(text).await;
        assert_eq!(alice.push("error").await["code"], "invalid", "{text}");
    }
    alice.send_text("{\"event\":\"dance\",\"id\":\"a\\\"b\"}").await;
    let deep = format!("{{\"event\":\"message\",\"data\":{}}}", "[".repeat(10_000));
    alice.send_text(&deep).await;
    assert_eq!(alice.push("error").await["code"], "invalid");
    let pushes = alice.pushes_before_ack().await;
    assert_eq!(pushes[0]["reply"], "a\"b", "the mark comes back as it was sent");
}

#[actix_web::test]
async fn a_long_message_is_refused_and_the_connection_lives_on() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;
    assert_eq!(alice.request("message", "x".repeat(16_385)).await.unwrap_err().code, "too_large");
    assert_eq!(alice.request("message", "").await.unwrap_err().code, "invalid");
    let with_data = json!({"text": "x".repeat(16_000), "data": {"more": "y".repeat(400)}});
    assert_eq!(alice.request("message", with_data).await.unwrap_err().code, "too_large");
    assert_eq!(alice.say(&"x".repeat(16_384)).await["seq"], 1);
    let far_too_long = "x".repeat(2_000_000);
    alice.send_text(&json!({"event": "message", "data": far_too_long}).to_string()).await;
    assert_eq!(alice.push("error").await["code"], "too_large");
    assert_eq!(alice.closed().await, Some(1009));
}

#[actix_web::test]
async fn kinds_with_events_of_their_own_cannot_be_sent_as_messages() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;
    for kind in ["system", "offer", "image", "dance"] {
        let error = alice.request("message", json!({"text": "x", "kind": kind})).await.unwrap_err();
        assert_eq!(error.code, "invalid", "{kind}");
    }
}

#[actix_web::test]
async fn a_ping_is_answered_and_the_server_pings_by_itself() {
    let server = TestServer::with(|config| config.ping_interval = std::time::Duration::from_millis(50)).await;
    let mut client = RawClient::upgraded(server.addr, &server.token("alice")).await;
    client.send_frame(0x89, b"hello").await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        use tokio::io::AsyncReadExt;
        let first = crate::support::within("a frame", client.tcp.read_u8()).await.unwrap();
        let length = usize::from(client.tcp.read_u8().await.unwrap());
        let mut payload = vec![0; length];
        client.tcp.read_exact(&mut payload).await.unwrap();
        seen.push((first, payload));
    }
    seen.sort();
    assert_eq!(seen, [(0x89, Vec::new()), (0x8A, b"hello".to_vec())]);
}

#[actix_web::test]
async fn a_client_that_shows_no_sign_of_life_is_gone_after_interval_and_timeout() {
    let server = TestServer::with(|config| {
        config.ping_interval = std::time::Duration::from_millis(50);
        config.ping_timeout = std::time::Duration::from_millis(50);
    })
    .await;
    // It reads what comes and answers nothing.
    let mut client = RawClient::upgraded(server.addr, &server.token("alice")).await;
    client.closed().await;
    crate::support::until("the session is gone", || server.metrics.sessions.get() == 0).await;
}

#[actix_web::test]
async fn a_drain_tells_its_clients_to_come_back() {
    let mut server = TestServer::start().await;
    let mut alice = server.ws("alice").await;
    alice.pushes_before_ack().await;
    let drained = actix_web::rt::task::spawn_blocking({
        let mut server = std::mem::replace(&mut server, TestServer::start().await);
        move || server.drain()
    });
    assert!(alice.push("draining").await["reconnectInMs"].as_u64().is_some());
    assert_eq!(alice.closed().await, Some(1012));
    assert!(drained.await.unwrap());
}

#[actix_web::test]
async fn data_of_the_wrong_type_is_answered_with_everything_that_it_may_be() {
    let server = TestServer::start().await;
    let mut alice = server.ws("alice").await;
    for (event, data, part) in [
        ("enterRoom", json!(5), "`data` of `enterRoom` must be a room id as a string, or an object"),
        ("leaveRoom", json!(true), "`data` of `leaveRoom` must be a room id as a string, an object, or nothing"),
        ("message", json!(["hello"]), "`data` of `message` must be a text as a string, or an object"),
        ("read", json!(5), "`data` of `read` must be an object"),
    ] {
        let error = alice.request(event, data).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.message.as_str()), ("invalid", part));
    }
}
