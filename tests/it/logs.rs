//! What is in the log: no token, secret, key or message at any level; at `info` one line per connection and none per
//! message.

use std::time::Duration;

use haggle::internals::{
    auth::{RoomTokens, Signer},
    clock::Clock,
    domain::{RoomId, UserId},
};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{
    Launch, Process, WsClient,
    raw::{RawClient, frame},
    rest,
    server::{SECRET, SERVICE_KEY},
    until,
};

/// Words that a user wrote, each of which must stay between the two of them.
const WORDS: [&str; 5] = ["first-words", "edited-words", "refused-words", "words-in-data", "broken-words"];

/// A whole conversation, with all that may go wrong in it. Returns every secret that it has shown the server.
#[expect(clippy::too_many_lines, reason = "one conversation, from its start to its end")]
async fn converse(server: &Process, room: &RoomId) -> Vec<String> {
    let mut secrets: Vec<String> = WORDS.map(str::to_owned).to_vec();
    secrets.extend([SECRET.to_owned(), SERVICE_KEY.to_owned()]);
    let (good, query, protocol) = (server.token("alice"), server.token("alice "), server.token("sam"));
    secrets.extend([good.clone(), protocol.clone()]);
    let mut forged = query;
    forged.push_str("forged");
    secrets.push(forged.clone());

    let bearer = format!("Bearer {good}");
    let mut alice =
        WsClient::with_headers(server.addr, &[("authorization", bearer.as_str())], "/ws/chat").await.unwrap();
    let protocols = format!("haggle.v1, bearer.{protocol}");
    let mut sam = WsClient::with_headers(server.addr, &[("sec-websocket-protocol", protocols.as_str())], "/ws/chat")
        .await
        .unwrap();
    for name in ["access_token", "token"] {
        let path = format!("/ws/chat?{name}={good}");
        WsClient::with_headers(server.addr, &[], &path).await.unwrap().close().await;
        let path = format!("/ws/chat?{name}={forged}");
        assert_eq!(WsClient::with_headers(server.addr, &[], &path).await.err().unwrap().status, 401);
    }
    assert_eq!(WsClient::connect(server.addr, &forged).await.err().unwrap().status, 401);
    for path in ["/api/v1/me", "/nowhere", "/healthz", "/readyz", "/ws/chat"] {
        for token in [good.as_str(), SERVICE_KEY, "service-key-that-is-wrong"] {
            rest::call(server.addr, token, "GET", &format!("{path}?access_token={good}"), None).await;
        }
    }
    secrets.push("service-key-that-is-wrong".to_owned());

    let tokens = RoomTokens::derived_from(SECRET.as_bytes());
    let now = Clock::System.now();
    let room_token = tokens.issue(room, &UserId::new("alice").unwrap(), now).0;
    secrets.push(room_token.clone());
    alice.request("enterRoom", json!({"roomId": room, "token": room_token})).await.unwrap();
    let sams = tokens.issue(room, &UserId::new("sam").unwrap(), now).0;
    secrets.push(sams.clone());
    sam.request("enterRoom", json!({"roomId": room, "token": sams})).await.unwrap();
    let bad = sam.request("enterRoom", json!({"roomId": room, "token": format!("{sams}x")})).await;
    assert!(bad.is_err());
    sam.request("enterRoom", json!({"roomId": room, "token": sams})).await.unwrap();
    let stored = alice.request("message", json!({"text": WORDS[0], "data": {"note": WORDS[3]}})).await.unwrap();
    sam.push("message").await;
    alice.request("editMessage", json!({"messageId": stored["id"], "text": WORDS[1]})).await.unwrap();
    let long = format!("{}{}", WORDS[2], "x".repeat(20_000));
    assert!(alice.request("message", long).await.is_err());
    assert!(alice.request("message", json!({"text": WORDS[2], "kind": "offer"})).await.is_err());
    assert!(alice.request("authenticate", json!({"token": forged})).await.is_err());
    alice.request("authenticate", json!({"token": good})).await.unwrap();
    alice.send_text(&format!("{{\"event\":\"message\",\"data\":{}", WORDS[4])).await;
    alice.send_text(&format!("{{\"event\":\"{}\"}}", WORDS[4])).await;
    alice.pushes_before_ack().await;
    alice.close().await;

    // The same over REST, and what is wrong with a body.
    let path = format!("/api/v1/rooms/{room}/messages");
    let said =
        rest::call(server.addr, &good, "POST", &path, Some(json!({"text": WORDS[0], "data": {"n": WORDS[3]}}))).await;
    assert_eq!(said.status, 201, "{said:?}");
    for body in [json!(WORDS[4]), json!({"text": 7, WORDS[4]: WORDS[4]}), json!({"text": WORDS[2], "kind": WORDS[4]})] {
        assert_eq!(rest::call(server.addr, &good, "POST", &path, Some(body)).await.status, 422);
    }
    let issued = rest::call(server.addr, &good, "POST", &format!("/api/v1/rooms/{room}/token"), None).await;
    secrets.push(issued.body["token"].as_str().unwrap().to_owned());
    let user = json!({"name": WORDS[4]});
    rest::call(server.addr, SERVICE_KEY, "PUT", "/api/v1/users/ann", Some(user)).await;

    // Broken frames and a broken request, with words in them.
    let mut raw = RawClient::upgraded(server.addr, &good).await;
    let mut broken = WORDS[4].as_bytes().to_vec();
    broken.push(0xFF);
    raw.send(&frame(0x81, &broken)).await;
    assert_eq!(raw.closed().await, Some(1007));
    let mut tcp = TcpStream::connect(server.addr).await.unwrap();
    tcp.write_all(format!("GET /{good} NONSENSE {}\r\n\r\n", WORDS[4]).as_bytes()).await.unwrap();
    drop(tcp);
    sam.close().await;
    secrets
}

#[actix_web::test]
async fn no_token_secret_or_message_reaches_the_log_at_any_level() {
    // Everything that haggle and its libraries have to say.
    let launch = Launch::new().env("RUST_LOG", "trace").args(&["--authorize", "room-token"]);
    let room = launch.seed().room("alice", "bike").id;
    let server = launch.start().await;
    let secrets = converse(&server, &room).await;
    until("both have left", || server.output().matches("end=left").count() >= 2).await;
    server.signal("TERM");
    server.logged("ended").await;
    let output = server.output();
    assert!(output.contains(" TRACE ") && output.contains("/ws/chat 401"), "little was logged: {output}");
    for secret in secrets {
        let line = output.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "a secret is in the log");
    }
}

#[actix_web::test]
async fn at_info_a_connection_is_one_line_and_a_message_none() {
    let launch = Launch::new();
    let room = launch.seed().room("alice", "bike").id.to_string();
    let server = launch.start().await;
    // A server that listens has not yet logged its whole start; one that has served a connection has.
    server.ws("sam").await.close().await;
    server.logged("end=left").await;
    let before = server.output().lines().count();
    let mut alice = server.ws("alice").await;
    alice.enter(&room).await;
    for _ in 0..50 {
        alice.say("hello").await;
    }
    for _ in 0..10 {
        assert_eq!(rest::call(server.addr, "", "GET", "/healthz", None).await.status, 200);
    }
    alice.close().await;
    until("the connection's end is logged", || server.output().matches("end=left").count() == 2).await;
    // Whatever else a message might log would have been logged before the connection ended.
    let output = server.output();
    // On a busy machine a step may take long, and the log reports it.
    let lines: Vec<&str> = output.lines().skip(before).filter(|line| !line.contains("a step took")).collect();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for part in ["session=", "user=alice", "wire=json", "peer=127.0.0.1", "lasted="] {
        assert!(lines[0].contains(part), "{}", lines[0]);
    }
}

#[actix_web::test]
async fn a_refused_origin_is_named_once() {
    let server = Launch::new().args(&["--allowed-origin", "https://shop.example"]).start().await;
    let bearer = format!("Bearer {}", server.token("sam"));
    let own = format!("http://{}", server.addr);
    for _ in 0..3 {
        for origin in ["https://evil.example", "https://shop.example", &own] {
            let headers = [("authorization", bearer.as_str()), ("origin", origin)];
            let opened = WsClient::with_headers(server.addr, &headers, "/ws/chat").await;
            assert_eq!(opened.is_err(), origin == "https://evil.example");
            rest::send(server.addr, "GET", "/socket.io/?EIO=4&transport=polling", &[("origin", origin)], b"").await;
            let preflight = [("origin", origin), ("access-control-request-method", "PUT")];
            rest::send(server.addr, "OPTIONS", "/api/v1/rooms", &preflight, b"").await;
        }
    }
    // Another page's own proxy passes another `Host` on; its browser knows that nothing is refused.
    let at_home = [("origin", "https://home.example"), ("sec-fetch-site", "same-origin")];
    rest::send(server.addr, "POST", "/api/v1/rooms", &at_home, b"").await;
    rest::send(server.addr, "GET", "/healthz", &[("origin", "https://last.example")], b"").await;
    server.logged("https://last.example").await;
    let output = server.output();
    let warnings: Vec<_> = output.lines().filter(|line| line.contains("may not use this server")).collect();
    assert_eq!(warnings.len(), 2, "{warnings:#?}");
    assert!(warnings[0].contains(" WARN ") && warnings[0].contains("https://evil.example"), "{}", warnings[0]);
    assert!(warnings[0].contains("--allowed-origin"), "{}", warnings[0]);
}

#[actix_web::test]
async fn a_failed_request_has_one_id_in_its_answer_its_header_and_its_log_line() {
    let launch = Launch::new().env("RUST_LOG", "haggle=debug");
    let server = launch.start().await;
    let answer = rest::call(server.addr, "", "GET", "/ws/chat", None).await;
    assert_eq!(answer.status, 401);
    let id = answer.body["requestId"].as_str().unwrap().to_owned();
    assert!(answer.head.contains(&format!("x-request-id: {id}")), "{}", answer.head);
    until("it is logged", || server.output().contains(&format!("request={id} GET /ws/chat 401"))).await;
}

#[actix_web::test]
async fn a_token_that_was_made_wrongly_is_in_the_log_once_for_each_reason() {
    let server = Launch::new().start().await;
    let signed = |secret: &str, seconds: u64| {
        let signer = Signer::hs256(secret.as_bytes()).unwrap();
        signer.sign(&UserId::new("sam").unwrap(), None, Duration::from_secs(seconds), &Clock::System)
    };
    let other_secret = signed("another secret of thirty-two bytes", 3600);
    let in_milliseconds = signed(SECRET, 50_000 * 31_557_600);
    for _ in 0..3 {
        let me = rest::call(server.addr, &other_secret, "GET", "/api/v1/me", None).await;
        assert_eq!((me.status, &me.body["code"]), (401, &json!("unauthenticated")));
        assert!(WsClient::connect(server.addr, &other_secret).await.is_err());
        WsClient::connect(server.addr, &in_milliseconds).await.unwrap();
    }
    WsClient::connect(server.addr, &server.token("sam")).await.unwrap();
    WsClient::connect(server.addr, "rubbish").await.err().unwrap();
    server.logged("the token can't be read").await;
    let output = server.output();
    let warnings: Vec<_> = output.lines().filter(|line| line.contains(" WARN ") && line.contains("token")).collect();
    assert_eq!(warnings.len(), 3, "{warnings:#?}");
    for (warning, part) in warnings.iter().zip(["signature does not match", "`exp` counts seconds", "can't be read"]) {
        assert!(warning.contains(part), "{warning}");
        assert!(!warning.contains(&other_secret), "{warning}");
    }
}

#[actix_web::test]
async fn a_wrong_service_key_is_answered_otherwise_than_none() {
    let server = Launch::new().start().await;
    for (given, part) in [("", "send `Authorization: Bearer"), ("another-key", "this is not the service key")] {
        let answer = rest::call(server.addr, given, "GET", "/api/v1/events", None).await;
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(answer.status == 401 && detail.contains(part), "{detail}");
    }
}
