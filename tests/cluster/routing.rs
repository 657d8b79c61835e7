//! Requests that land on another node than the one before.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{
    Cluster,
    node::token,
    turn, until,
    wire::{get, request},
};

async fn poll(cluster: &Cluster, node: usize, query: &str) -> (u16, String) {
    let path = format!("/socket.io/?EIO=4&transport=polling{query}");
    request(cluster.nodes[node].addr(), "GET", &path, "", "").await.unwrap()
}

async fn send(cluster: &Cluster, node: usize, sid: &str, packets: &str) -> (u16, String) {
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    request(cluster.nodes[node].addr(), "POST", &path, "content-type: text/plain\r\n", packets).await.unwrap()
}

/// A session's id.
async fn open(cluster: &Cluster, node: usize) -> String {
    let (status, body) = poll(cluster, node, "").await;
    assert_eq!(status, 200);
    let open: Value = serde_json::from_str(body.strip_prefix('0').unwrap()).unwrap();
    open["sid"].as_str().unwrap().to_owned()
}

/// Polls until a packet with these words has come, and returns it.
async fn receive(cluster: &Cluster, node: usize, sid: &str, words: &str) -> String {
    let mut found = None;
    until(words, async || {
        let (_, body) = poll(cluster, node, &format!("&sid={sid}")).await;
        found = body.split('\u{1e}').find(|packet| packet.contains(words)).map(str::to_owned);
        found.is_some()
    })
    .await;
    found.unwrap()
}

#[actix_web::test]
async fn a_poll_at_the_wrong_node_learns_that_its_session_is_unknown() {
    let _turn = turn().await;
    let cluster = Cluster::start(2).await;
    let sid = open(&cluster, 0).await;

    let (status, body) = poll(&cluster, 1, &format!("&sid={sid}")).await;
    let error: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &error["code"]), (400, &Value::from(1)));
    let (status, body) = send(&cluster, 1, &sid, "40/chat,").await;
    let error: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &error["code"]), (400, &Value::from(1)));

    // The session itself has come to no harm.
    assert_eq!(send(&cluster, 0, &sid, "3").await.0, 200);
    assert!(get(cluster.nodes[0].addr(), "/healthz").await.is_some());
}

/// A buyer who has entered their room on the first node and sent "one": the session's id, and what recovers the session.
async fn begin(cluster: &Cluster) -> (String, Value) {
    cluster.seed(2);
    let sid = open(cluster, 0).await;
    let connect = format!("40/chat,{{\"token\":\"{}\"}}", token("buyer-0"));
    send(cluster, 0, &sid, &connect).await;
    let connected = receive(cluster, 0, &sid, "\"pid\"").await;
    let connected: Value = serde_json::from_str(connected.strip_prefix("40/chat,").unwrap()).unwrap();
    send(cluster, 0, &sid, "42/chat,0[\"enterRoom\",\"room-0\"]").await;
    receive(cluster, 0, &sid, "43/chat,0").await;
    send(cluster, 0, &sid, "42/chat,1[\"message\",\"one\"]").await;
    let message = receive(cluster, 0, &sid, "42/chat,[\"message\"").await;
    let message: Vec<Value> = serde_json::from_str(message.strip_prefix("42/chat,").unwrap()).unwrap();
    let resume = serde_json::json!({ "token": token("buyer-0"), "pid": connected["pid"], "offset": message.last() });
    (sid, resume)
}

#[actix_web::test]
async fn a_session_that_is_taken_up_elsewhere_is_over_on_the_node_that_had_it() {
    let _turn = turn().await;
    let cluster = Cluster::start(2).await;
    let (_, resume) = begin(&cluster).await;
    assert_eq!(cluster.nodes[0].metric("sessions").await, 1.0);

    // The client has another network by now, and its node has not noticed.
    let sid = open(&cluster, 1).await;
    send(&cluster, 1, &sid, &format!("40/chat,{resume}")).await;
    let connected = receive(&cluster, 1, &sid, "\"pid\"").await;
    let connected: Value = serde_json::from_str(connected.strip_prefix("40/chat,").unwrap()).unwrap();
    assert_eq!(connected["pid"], resume["pid"]);

    let taken = Instant::now();
    until("the session has ended", async || cluster.nodes[0].metric("sessions").await == 0.0).await;
    // Its node would notice by itself that nobody polls, but much later.
    assert!(taken.elapsed() < Duration::from_secs(10), "{:?}", taken.elapsed());
    assert_eq!(cluster.nodes[1].metric("sessions").await, 1.0);
}

#[actix_web::test]
async fn a_session_is_taken_up_again_on_another_node() {
    let _turn = turn().await;
    let mut cluster = Cluster::start(2).await;
    let (_, resume) = begin(&cluster).await;

    // Its node dies, and in the meantime someone sends a message.
    cluster.nodes[0].kill();
    let addr = cluster.nodes[1].addr();
    let path = "/api/v1/rooms/room-0/messages";
    let (status, body) = crate::support::wire::as_user(addr, "seller-0", "POST", path, r#"{"text":"two"}"#).await;
    assert_eq!(status, 201, "{body}");

    let sid = open(&cluster, 1).await;
    send(&cluster, 1, &sid, &format!("40/chat,{resume}")).await;
    let missed = receive(&cluster, 1, &sid, "42/chat,[\"message\"").await;
    assert!(missed.contains("\"two\"") && !missed.contains("\"one\""), "{missed}");
    // It is in its room: new messages arrive without a request.
    crate::support::wire::as_user(addr, "seller-0", "POST", path, r#"{"text":"three"}"#).await;
    receive(&cluster, 1, &sid, "\"three\"").await;
}
