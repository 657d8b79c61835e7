//! Identity: a valid token opens a connection and keeps it open, and nothing else does.

use std::time::Duration;

use haggle::internals::{
    auth::{LEEWAY_MS, Signer},
    clock::Clock,
    domain::UserId,
};
use serde_json::json;

use crate::support::{
    TestServer, WsClient,
    rest::call,
    server::{SECRET, START},
    socket_io::PacketClient,
};

const HOUR: Duration = Duration::from_secs(3600);

fn leeway() -> Duration {
    Duration::from_millis(u64::try_from(LEEWAY_MS).unwrap())
}

#[actix_web::test]
async fn a_connection_stands_only_after_its_token_was_checked() {
    let server = TestServer::start().await;
    let expired = server.token_for("alice", Duration::from_secs(1));
    server.advance(Duration::from_secs(60));
    // Signed as HS256 with an empty key: {"alg":"none"} and {"alg":"HS256"} of another issuer.
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6OTk5OTk5OTk5OX0.";
    let good = server.token("alice");
    let tampered = format!("{}x", &good[..good.len() - 1]);
    for (token, code) in [
        ("rubbish", "unauthenticated"),
        (unsigned, "unauthenticated"),
        (&tampered, "unauthenticated"),
        (&expired, "token_expired"),
    ] {
        let refused = WsClient::connect(server.addr, token).await.err().unwrap();
        assert_eq!((refused.status, &refused.body["code"]), (401, &json!(code)));
    }
    let refused = WsClient::with_headers(server.addr, &[], "/ws/chat").await.err().unwrap();
    assert_eq!((refused.status, &refused.body["code"]), (401, &json!("unauthenticated")));
    assert_eq!(server.metrics.sessions.get(), 0);
}

#[actix_web::test]
async fn a_token_for_the_marketplace_itself_is_refused_with_the_reason() {
    let server = TestServer::start().await;
    let refused = WsClient::connect(server.addr, &server.token("system")).await.err().unwrap();
    assert_eq!((refused.status, &refused.body["code"]), (401, &json!("unauthenticated")));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("`sub`") && detail.contains("`system`") && detail.contains("reserved"), "{detail}");
}

#[actix_web::test]
async fn the_token_may_come_in_three_places_and_only_one_may() {
    let server = TestServer::start().await;
    let (token, other) = (server.token("alice"), server.token("sam"));
    let subprotocols = format!("haggle.v1, bearer.{token}");
    WsClient::with_headers(server.addr, &[("sec-websocket-protocol", &subprotocols)], "/ws/chat").await.unwrap();
    for name in ["access_token", "token"] {
        WsClient::with_headers(server.addr, &[], &format!("/ws/chat?{name}={token}")).await.unwrap();
    }
    let both = [("authorization", format!("Bearer {other}"))];
    let both: Vec<_> = both.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = WsClient::with_headers(server.addr, &both, &format!("/ws/chat?token={token}")).await.err().unwrap();
    assert_eq!((refused.status, &refused.body["code"]), (401, &json!("unauthenticated")));
}

#[actix_web::test]
async fn a_live_connection_ends_when_its_token_expires() {
    let server = TestServer::start().await;
    let mut alice = server.ws("alice").await;
    alice.pushes_before_ack().await;
    server.advance(HOUR + leeway());
    let error = alice.push("error").await;
    assert_eq!(error["code"], "token_expired");
    assert_eq!(alice.closed().await, Some(4001));
}

#[actix_web::test]
async fn the_clock_that_made_a_token_may_be_ahead() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let signer = Signer::hs256(SECRET.as_bytes()).unwrap();
    let ahead = Clock::manual(START.plus_ms(3_600_000));
    let token = signer.sign(&UserId::new("alice").unwrap(), None, HOUR, &ahead);
    let mut alice = WsClient::connect(server.addr, &token).await.unwrap();
    alice.enter(room.id.as_str()).await;
    assert_eq!(call(server.addr, &token, "GET", "/api/v1/me", None).await.status, 200);
    let mut over_socket_io = PacketClient::open(server.addr).await;
    over_socket_io.join("/chat", json!({ "token": token })).await;
}

#[actix_web::test]
async fn a_token_that_never_expires_says_so_in_a_date_that_can_be_read() {
    let server = TestServer::start().await;
    let mut alice = server.ws("alice").await;
    let endless = server.token_for("alice", Duration::MAX);
    let renewed = alice.request("authenticate", json!({ "token": endless })).await.unwrap();
    assert_eq!(renewed["expiresAt"], "9999-12-30T22:00:00.000Z");
    server.advance(1_000 * HOUR);
    alice.pushes_before_ack().await;
}

#[actix_web::test]
async fn a_client_can_count_down_by_the_servers_time_on_both_wires_and_over_rest() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    server.advance(Duration::from_millis(1_234));
    let now = "2026-11-23T09:00:01.234Z";
    let token = json!({"token": server.token("alice")});
    let mut alice = server.ws("alice").await;
    let mut over_socket_io = PacketClient::open(server.addr).await;
    over_socket_io.join("/chat", token.clone()).await;
    let room = json!({"roomId": room.id});
    for (event, data) in [("enterRoom", room), ("authenticate", token), ("heartbeat", json!(null))] {
        assert_eq!(alice.request(event, data.clone()).await.unwrap()["serverTime"], now, "{event}");
        let answer = over_socket_io.request("/chat", event, data).await;
        assert_eq!(answer["data"]["serverTime"], now, "{event}: {answer}");
    }
    let answer = call(server.addr, "", "GET", "/healthz", None).await;
    assert!(answer.header("date").is_some_and(|date| date.ends_with("GMT")), "{}", answer.head);
}

#[actix_web::test]
async fn a_heartbeat_says_how_long_silence_may_last_on_both_wires() {
    let server = TestServer::with(|config| {
        config.ping_interval = Duration::from_secs(7);
        config.ping_timeout = Duration::from_millis(1_500);
    })
    .await;
    let terms = |answer: &serde_json::Value| (answer["pingIntervalMs"].clone(), answer["pingTimeoutMs"].clone());
    let mut alice = server.ws("alice").await;
    let mut over_socket_io = PacketClient::open(server.addr).await;
    for namespace in ["/chat", "/inbox"] {
        over_socket_io.join(namespace, json!({"token": server.token("alice")})).await;
        let answer = over_socket_io.request(namespace, "heartbeat", json!({})).await;
        assert_eq!(terms(&answer["data"]), (json!(7_000), json!(1_500)), "{answer}");
    }
    assert_eq!(terms(&alice.request("heartbeat", json!({})).await.unwrap()), (json!(7_000), json!(1_500)));
    alice.send_text(r#"{"event":"heartbeat","id":"bare"}"#).await;
    assert_eq!(alice.read().await.unwrap()["reply"], "bare");
    alice.emit("heartbeat", json!({"later": 1})).await;
    assert!(alice.pushes_before_ack().await.is_empty(), "one that asks for no answer gets none");
}

#[actix_web::test]
async fn authenticate_renews_a_live_connection() {
    let server = TestServer::start().await;
    let mut alice = server.ws("alice").await;
    server.advance(HOUR / 2);
    let renewed = alice.request("authenticate", json!({"token": server.token("alice")})).await.unwrap();
    assert_eq!(renewed["expiresAt"], "2026-11-23T10:30:00.000Z");
    server.advance(HOUR / 2 + leeway());
    alice.pushes_before_ack().await;
    server.advance(HOUR / 2);
    assert_eq!(alice.closed().await, Some(4001));
}

#[actix_web::test]
async fn a_connection_cannot_be_renewed_with_a_bad_token_or_for_somebody_else() {
    let server = TestServer::start().await;
    let mut alice = server.ws("alice").await;
    let sam = server.token("sam");
    assert_eq!(alice.request("authenticate", json!({"token": sam})).await.unwrap_err().code, "forbidden");
    assert_eq!(alice.request("authenticate", json!({"token": "x"})).await.unwrap_err().code, "unauthenticated");
    let expired = server.token_for("alice", Duration::ZERO);
    server.advance(leeway());
    assert_eq!(alice.request("authenticate", json!({"token": expired})).await.unwrap_err().code, "token_expired");
    alice.pushes_before_ack().await;
}

#[actix_web::test]
async fn a_foreign_page_cannot_open_a_socket_unless_it_is_listed() {
    let server = TestServer::with(|config| config.allowed_origins = vec!["https://shop.example".to_owned()]).await;
    let authorization = format!("Bearer {}", server.token("alice"));
    let own = format!("http://{}", server.addr);
    for (origin, allowed) in [
        (own.as_str(), true),
        ("https://shop.example", true),
        ("https://evil.example", false),
        ("https://shop.example.evil.example", false),
        ("null", false),
    ] {
        let headers = [("authorization", authorization.as_str()), ("origin", origin)];
        match WsClient::with_headers(server.addr, &headers, "/ws/chat").await {
            Ok(_) => assert!(allowed, "{origin}"),
            Err(refused) => assert_eq!((allowed, refused.status), (false, 403), "{origin}"),
        }
    }
}

#[actix_web::test]
async fn an_error_over_http_carries_the_id_of_its_request() {
    let server = TestServer::start().await;
    let answer = call(server.addr, "", "GET", "/ws/chat", None).await;
    assert_eq!((answer.status, &answer.body["code"]), (401, &json!("unauthenticated")));
    assert!(answer.head.contains("application/problem+json"), "{}", answer.head);
    let id = answer.body["requestId"].as_str().unwrap();
    assert!(answer.head.contains(&format!("x-request-id: {id}")), "{}", answer.head);
}
