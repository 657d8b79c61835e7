//! What staff does through one node counts on all of them, with NATS and without.

use serde_json::json;

use crate::support::{
    Cluster,
    node::staff_token,
    turn, until,
    wire::{Wire, as_service, with_token},
};

const REASON: &str = r#"{"reason":"a test"}"#;

async fn entered(cluster: &Cluster, node: usize, user: &str) -> Wire {
    let mut wire = Wire::connect(cluster.nodes[node].addr(), user).await.unwrap();
    let room = user.replace("buyer", "room").replace("seller", "room");
    wire.request("enterRoom", json!({ "roomId": room })).await.unwrap();
    wire
}

async fn staff_acts(cluster: &Cluster, code: &str) {
    let addr = cluster.nodes[0].addr();
    let mut buyer = entered(cluster, 0, "buyer-0").await;
    let mut seller = entered(cluster, 1, "seller-0").await;
    let mut observed = (entered(cluster, 0, "buyer-1").await, entered(cluster, 1, "seller-1").await);
    let said = seller.request("message", json!("send me the code")).await.unwrap();

    // A removal that overtakes its message between the nodes is no update to anyone: they get the message without its words.
    buyer.push("message").await;
    let path = format!("/api/v1/rooms/room-0/messages/{}?reason=scam", said["id"].as_str().unwrap());
    assert_eq!(as_service(addr, "DELETE", &path, "").await.0, 200);
    for wire in [&mut buyer, &mut seller] {
        let updated = wire.push("messageUpdated").await;
        assert_eq!((&updated["removedBy"], updated.get("text")), (&json!("marketplace"), None));
    }

    assert_eq!(as_service(addr, "PUT", "/api/v1/rooms/room-0/freeze", REASON).await.0, 204);
    seller.push_where("roomUpdated", |update| update["frozen"] == true).await;
    let refused = seller.request("message", json!("why?")).await.unwrap_err();
    assert_eq!(refused["code"], "frozen");
    assert_eq!(as_service(addr, "DELETE", "/api/v1/rooms/room-0/freeze", "").await.0, 204);
    until("the seller can speak again", async || seller.request("message", json!("thank you")).await.is_ok()).await;

    assert_eq!(as_service(addr, "PUT", "/api/v1/users/seller-0/ban", REASON).await.0, 200);
    assert_eq!(seller.push("error").await["code"], code);
    assert!(seller.read().await.is_none(), "the session goes on");
    for node in &cluster.nodes {
        assert!(Wire::connect(node.addr(), "seller-0").await.is_none(), "the token is taken");
    }
    assert_eq!(as_service(addr, "DELETE", "/api/v1/users/seller-0/ban", "").await.0, 204);
    // What another node was sent after the end of the ban has arrived after it.
    observed.0.request("message", json!("hello")).await.unwrap();
    observed.1.push("message").await;
    for node in &cluster.nodes {
        let mut back = Wire::connect(node.addr(), "seller-0").await.unwrap();
        back.request("enterRoom", json!({ "roomId": "room-0" })).await.unwrap();
    }
}

/// Somebody of the staff joins through one node, speaks on the other, and leaves through the first.
async fn staff_joins(cluster: &Cluster) {
    let [first, second] = [cluster.nodes[0].addr(), cluster.nodes[1].addr()];
    let mina = staff_token("mina");
    let mut buyer = entered(cluster, 0, "buyer-0").await;
    let mut seller = entered(cluster, 1, "seller-0").await;
    let mut staff = Wire::connect_with(second, &mina).await.unwrap();
    assert_eq!(staff.request("enterRoom", json!("room-0")).await.unwrap_err()["code"], "forbidden");

    assert_eq!(with_token(first, &mina, "POST", "/api/v1/rooms/room-0/join", REASON).await.0, 201);
    // At once, on the other node, which has the room in memory from before.
    staff.request("enterRoom", json!("room-0")).await.unwrap();
    staff.request("message", json!("hello")).await.unwrap();
    for member in [&mut buyer, &mut seller] {
        member.push_where("message", |message| message["data"]["code"] == "support_joined").await;
        let said = member.push("message").await;
        assert_eq!(said["sender"], json!({"id": "mina", "name": "Mina", "role": "staff"}));
        member.push_where("roomUpdated", |update| update["staff"][0]["id"] == "mina" && update["unread"] == 2).await;
    }
    seller.request("message", json!("thank you")).await.unwrap();
    staff.push_where("message", |message| message["text"] == "thank you").await;

    assert_eq!(with_token(first, &mina, "POST", "/api/v1/rooms/room-0/leave", "").await.0, 204);
    assert_eq!(staff.push("error").await["code"], "forbidden");
    assert_eq!(staff.request("enterRoom", json!("room-0")).await.unwrap_err()["code"], "forbidden");
    seller.push_where("message", |message| message["data"]["code"] == "support_left").await;
    seller.push_where("roomUpdated", |update| update.get("staff").is_none() && update["unread"] == 1).await;
}

#[actix_web::test]
async fn staff_that_joins_through_one_node_speaks_on_another() {
    let _turn = turn().await;
    let cluster = Cluster::start(2).await;
    cluster.seed(1);
    cluster.meet().await;
    staff_joins(&cluster).await;
}

#[actix_web::test]
async fn staff_that_joins_through_one_node_speaks_on_another_while_nats_is_unreachable() {
    let _turn = turn().await;
    let mut cluster = Cluster::start(2).await;
    cluster.seed(1);
    cluster.nats.stop();
    for node in &cluster.nodes {
        until("NATS is down", async || node.readiness().await.is_some_and(|ready| ready["nats"] == "down")).await;
    }
    staff_joins(&cluster).await;
}

#[actix_web::test]
async fn what_staff_does_through_one_node_counts_on_all_of_them() {
    let _turn = turn().await;
    let cluster = Cluster::start(2).await;
    cluster.seed(2);
    cluster.meet().await;
    staff_acts(&cluster, "banned").await;
}

#[actix_web::test]
async fn what_staff_does_counts_on_all_nodes_while_nats_is_unreachable() {
    let _turn = turn().await;
    let mut cluster = Cluster::start(2).await;
    cluster.seed(2);
    cluster.nats.stop();
    for node in &cluster.nodes {
        until("NATS is down", async || node.readiness().await.is_some_and(|ready| ready["nats"] == "down")).await;
    }
    // The other node learns from the database that the sessions have ended, and not why.
    staff_acts(&cluster, "forbidden").await;
}
