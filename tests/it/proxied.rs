//! Behind a reverse proxy: the client that it names is counted, and not the proxy.

use std::num::NonZeroU32;

use serde_json::json;

use crate::support::{
    TestServer, rest, until,
    ws::{Refused, WsClient},
};

async fn ws_for(server: &TestServer, client: &str) -> Result<WsClient, Refused> {
    let bearer = format!("Bearer {}", server.token("alice"));
    let headers = [("authorization", bearer.as_str()), ("x-forwarded-for", client)];
    WsClient::with_headers(server.addr, &headers, "/ws/chat").await
}

async fn handshake_for(server: &TestServer, client: &str) -> rest::Answer {
    let path = "/socket.io/?EIO=4&transport=polling";
    rest::send(server.addr, "GET", path, &[("x-forwarded-for", client)], b"").await
}

async fn behind_a_proxy(change: impl FnOnce(&mut haggle::internals::config::Limits)) -> TestServer {
    TestServer::with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        change(&mut config.limits);
    })
    .await
}

#[actix_web::test]
async fn each_address_behind_a_proxy_has_so_many_connections() {
    let server = behind_a_proxy(|limits| limits.connections_per_address_max = NonZeroU32::new(2)).await;
    let first = ws_for(&server, "203.0.113.1").await.unwrap();
    let _second = ws_for(&server, "203.0.113.1").await.unwrap();
    // What the client itself writes further left changes nothing.
    let refused = ws_for(&server, "198.51.100.1, 203.0.113.1").await.err().unwrap();
    assert_eq!((refused.status, &refused.body["code"]), (429, &json!("rate_limited")));
    let _other = ws_for(&server, "203.0.113.2").await.unwrap();
    // The proxy itself asks for many, so its own connections have no limit.
    for _ in 0..5 {
        assert_eq!(rest::call(server.addr, "", "GET", "/healthz", None).await.status, 200);
    }
    drop(first);
    until("the place is free", || server.metrics.sessions.get() == 2).await;
    let _again = ws_for(&server, "203.0.113.1").await.unwrap();
}

#[actix_web::test]
async fn each_address_behind_a_proxy_has_so_many_socket_io_sessions() {
    let server = behind_a_proxy(|limits| limits.connections_per_address_max = NonZeroU32::new(2)).await;
    for _ in 0..2 {
        assert_eq!(handshake_for(&server, "203.0.113.1").await.status, 200);
    }
    assert_eq!(handshake_for(&server, "203.0.113.1").await.status, 429);
    assert_eq!(handshake_for(&server, "203.0.113.2").await.status, 200);
}

#[actix_web::test]
async fn each_address_behind_a_proxy_opens_so_many_connections_a_second() {
    let server = behind_a_proxy(|limits| limits.connects_per_second_max = NonZeroU32::new(5)).await;
    let mut refused = 0;
    for _ in 0..30 {
        refused += u32::from(handshake_for(&server, "203.0.113.1").await.status == 429);
    }
    assert!(refused > 0, "ten in a burst and five a second");
    assert_eq!(ws_for(&server, "203.0.113.1").await.err().unwrap().status, 429, "counted over both wires");
    assert_eq!(handshake_for(&server, "203.0.113.2").await.status, 200);
    ws_for(&server, "203.0.113.2").await.unwrap();
}

#[actix_web::test]
async fn nobody_but_a_trusted_proxy_is_believed() {
    let server = TestServer::with(|config| {
        config.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()];
        config.limits.connections_per_address_max = NonZeroU32::new(1);
    })
    .await;
    let _first = ws_for(&server, "203.0.113.1").await.unwrap();
    assert_eq!(ws_for(&server, "203.0.113.2").await.err().unwrap().status, 429);
}

#[actix_web::test]
async fn a_socket_io_session_names_the_node_that_it_lives_on() {
    let server = TestServer::with(|config| config.node_name = Some("node-a".to_owned())).await;
    let opened = rest::call(server.addr, "", "GET", "/socket.io/?EIO=4&transport=polling", None).await;
    let body = opened.body.as_str().unwrap();
    let handshake: serde_json::Value = serde_json::from_str(body.strip_prefix('0').unwrap()).unwrap();
    let sid = handshake["sid"].as_str().unwrap();
    assert_eq!(sid.split_once('.').map(|(node, rest)| (node, rest.len())), Some(("node-a", 32)), "{sid}");
    // And it is found by it.
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    let posted = rest::send(server.addr, "POST", &path, &[("content-type", "text/plain")], b"40/chat,{}").await;
    assert_eq!(posted.status, 200, "{:?}", posted.body);
    let elsewhere = rest::call(server.addr, "", "GET", &path.replace("node-a", "node-b"), None).await;
    assert_eq!((elsewhere.status, &elsewhere.body["code"]), (400, &json!(1)));
}
