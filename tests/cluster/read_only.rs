//! A PostgreSQL that takes no writes: an operator, a provider whose disk is full, or a standby at the address.

use serde_json::{Value, json};

use crate::support::{
    Cluster, turn, until,
    wire::{Wire, as_user},
};

#[actix_web::test]
async fn while_postgresql_takes_no_writes_senders_get_unavailable_and_then_nothing_is_lost_or_doubled() {
    let _turn = turn().await;
    let cluster = Cluster::start(2).await;
    cluster.seed(1);
    let (mut buyer, mut seller) = (
        Wire::connect(cluster.nodes[0].addr(), "buyer-0").await.unwrap(),
        Wire::connect(cluster.nodes[1].addr(), "seller-0").await.unwrap(),
    );
    for wire in [&mut buyer, &mut seller] {
        wire.request("enterRoom", json!({ "roomId": "room-0" })).await.unwrap();
    }
    let draft = |key: &str| json!({ "roomId": "room-0", "text": key, "clientId": key });
    buyer.request("message", draft("before")).await.unwrap();

    cluster.postgres.takes_writes(false);
    let mut tries = 0;
    let mut refused = None;
    // Each connection notices it by itself.
    until("a message is refused", async || {
        tries += 1;
        refused = buyer.request("message", draft(&format!("try {tries}"))).await.err();
        refused.is_some()
    })
    .await;
    assert_eq!(refused.unwrap()["code"], "unavailable");
    for node in &cluster.nodes {
        until("a node says that it can't write", async || {
            node.readiness().await.is_some_and(|ready| ready["ready"] == false && ready["database"] == "read-only")
        })
        .await;
    }
    // Connected clients can still read.
    let addr = cluster.nodes[1].addr();
    let (status, page) = as_user(addr, "seller-0", "GET", "/api/v1/rooms/room-0/messages", "").await;
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!((status, page["items"].as_array().unwrap().len()), (200, tries));

    cluster.postgres.takes_writes(true);
    for node in &cluster.nodes {
        until("a node says that it can write again", async || {
            node.readiness().await.is_some_and(|ready| ready["ready"] == true && ready["database"] == "ok")
        })
        .await;
    }
    until("what was refused is stored", async || {
        buyer.request("message", draft(&format!("try {tries}"))).await.is_ok()
    })
    .await;
    let mut received = Vec::new();
    while received.len() <= tries {
        received.push(seller.push("message").await["text"].clone());
    }
    let expected = std::iter::once("before".to_owned()).chain((1..=tries).map(|place| format!("try {place}")));
    assert_eq!(received, expected.map(Value::from).collect::<Vec<_>>());
}
