//! What a node does in addition to serving its clients, and which node continues it when that node is down.

use haggle::internals::{
    db::{self, MessagePage, Write},
    domain::{RoomId, Seq, Timestamp, UserId},
};
use serde_json::json;

use crate::support::{
    Cluster, turn, until,
    webhook::Receiver,
    wire::{Wire, as_service},
};

#[actix_web::test]
async fn an_erasure_that_a_dead_node_has_begun_is_finished_by_another_that_runs() {
    let _turn = turn().await;
    let cluster = Cluster::start(2).await;
    cluster.seed(1);
    let mut buyer = Wire::connect(cluster.nodes[0].addr(), "buyer-0").await.unwrap();
    buyer.request("enterRoom", json!({ "roomId": "room-0" })).await.unwrap();
    for _ in 0..3 {
        buyer.request("message", json!("words that have to go")).await.unwrap();
    }
    let pool = db::open(&cluster.postgres.url(cluster.postgres.port()), 1).unwrap();
    let texts = || {
        let page = MessagePage::After { seq: Seq(0), limit: 10 };
        let page =
            db::list_messages(&mut pool.get().unwrap(), &RoomId::new("room-0").unwrap(), page, usize::MAX).unwrap();
        page.items.into_iter().map(|message| message.text).collect::<Vec<_>>()
    };
    assert_eq!(texts().iter().flatten().count(), 3);

    // The state after a node has died at this step: the job is stored, and nobody was notified of it.
    let begun = Write::DeleteUser { user: UserId::new("buyer-0").unwrap(), at: Timestamp(1_800_000_000_000) };
    db::write_batch(&mut pool.get().unwrap(), &[begun], Timestamp(1_800_000_000_000)).unwrap().pop().unwrap().unwrap();

    until("the erasure is crossed out", async || db::list_erasures(&mut pool.get().unwrap()).unwrap().is_empty()).await;
    assert_eq!(texts(), [None, None, None]);
}

#[actix_web::test]
async fn events_by_webhook_are_sent_once_and_in_order_by_whichever_node_is_there() {
    const EACH: usize = 150;
    let _turn = turn().await;
    let (receiver, server) = Receiver::start();
    let options = [
        ("HAGGLE_WEBHOOK_URL", receiver.url.clone()),
        ("HAGGLE_WEBHOOK_SECRET", "a secret of webhooks, 32 bytes or more".to_owned()),
        ("HAGGLE_WEBHOOK_EVENTS", "message,block".to_owned()),
    ];
    let mut cluster = Cluster::start_with(2, &options).await;
    cluster.seed(2);
    let mut wires = Vec::new();
    for (node, user) in [(0, "buyer-0"), (1, "seller-0"), (0, "buyer-1"), (1, "seller-1")] {
        let mut wire = Wire::connect(cluster.nodes[node].addr(), user).await.unwrap();
        let room = user.replace("buyer", "room").replace("seller", "room");
        wire.request("enterRoom", json!({ "roomId": room })).await.unwrap();
        wires.push(wire);
    }
    for _ in 0..EACH {
        for wire in &mut wires {
            wire.request("message", json!("hello")).await.unwrap();
        }
    }
    let expected = EACH * wires.len();
    until("all are sent", async || receiver.items().len() >= expected).await;
    until("all are noted", async || {
        let (a, b) = (&cluster.nodes[0], &cluster.nodes[1]);
        a.metric("webhook_events_sent_total").await + b.metric("webhook_events_sent_total").await >= expected as f64
    })
    .await;

    // The receiver is down while one of the nodes goes for good.
    receiver.answer(503);
    wires[1].request("message", json!("is anybody there?")).await.unwrap();
    until("a failure", async || {
        let (a, b) = (&cluster.nodes[0], &cluster.nodes[1]);
        a.metric("webhook_event_failures_total").await + b.metric("webhook_event_failures_total").await > 0.0
    })
    .await;
    cluster.nodes[0].drain().await;
    receiver.answer(200);
    until("the last one is sent", async || receiver.items().len() > expected).await;

    let items = receiver.items();
    assert_eq!(items.len(), expected + 1, "some were sent twice");
    for room in ["room-0", "room-1"] {
        let of_room = items.iter().filter(|item| item["data"]["roomId"] == room);
        let seqs: Vec<_> = of_room.map(|item| item["data"]["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "{room}");
    }
    server.stop(false).await;
}

#[actix_web::test]
async fn what_the_marketplace_says_of_a_message_counts_on_all_nodes() {
    let _turn = turn().await;
    let (receiver, server) = Receiver::start();
    let options = [
        ("HAGGLE_SCREEN_URL", receiver.url.clone()),
        ("HAGGLE_SCREEN_TIMEOUT", "10s".to_owned()),
        ("HAGGLE_WEBHOOK_SECRET", "a secret of webhooks, 32 bytes or more".to_owned()),
    ];
    let cluster = Cluster::start_with(2, &options).await;
    cluster.seed(1);
    let mut buyer = Wire::connect(cluster.nodes[0].addr(), "buyer-0").await.unwrap();
    let mut seller = Wire::connect(cluster.nodes[1].addr(), "seller-0").await.unwrap();
    for wire in [&mut buyer, &mut seller] {
        wire.request("enterRoom", json!({ "roomId": "room-0" })).await.unwrap();
    }
    receiver.says(r#"{"action":"warn","text":"never pay in advance"}"#);
    let said = buyer.request("message", json!("I pay in advance")).await.unwrap();
    assert_eq!(seller.push("message").await, said);
    assert_eq!(seller.push("message").await["text"], "never pay in advance");
    receiver.says(r#"{"action":"hold","reason":"a scam"}"#);
    assert_eq!(buyer.request("message", json!("send me the code")).await.unwrap_err()["code"], "held");
    receiver.says(r#"{"action":"allow"}"#);
    let answer = seller.request("message", json!("hello")).await.unwrap();
    assert_eq!((&answer["seq"], receiver.items().len()), (&json!(3), 3));
    let (status, reports) = as_service(cluster.nodes[1].addr(), "GET", "/api/v1/reports", "").await;
    assert_eq!((status, reports.contains("send me the code")), (200, true), "{reports}");
    server.stop(false).await;
}
