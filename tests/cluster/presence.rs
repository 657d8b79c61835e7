//! What nodes send each other in addition to messages: presence, typing, and changes.

use std::time::{Duration, Instant, SystemTime};

use haggle::internals::domain::Timestamp;
use serde_json::{Value, json};

use crate::support::{
    Cluster, turn, until,
    wire::{Wire, as_service, as_user},
};

async fn entered(cluster: &Cluster, node: usize, user: &str) -> Wire {
    let mut wire = Wire::connect(cluster.nodes[node].addr(), user).await.unwrap();
    wire.request("enterRoom", json!({ "roomId": "room-0" })).await.unwrap();
    wire
}

/// The seller has gone by now: they were last seen in this minute or the one before, by the clock of any node.
fn assert_gone(event: &Value) {
    let now = i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let is_now = [0, 60_000].map(|before| Timestamp((now - before).div_euclid(60_000) * 60_000));
    let expected =
        is_now.map(|at| json!({ "roomId": "room-0", "userId": "seller-0", "online": false, "lastSeenAt": at }));
    assert!(expected.contains(event), "{event}");
}

/// Whether a user who enters now receives that a member of the room is online.
async fn is_online(cluster: &Cluster, node: usize, asker: &str, of: &str) -> bool {
    let mut wire = Wire::connect(cluster.nodes[node].addr(), asker).await.unwrap();
    let answer = wire.request("enterRoom", json!({ "roomId": "room-0" })).await.unwrap();
    let members = answer["members"].as_array().unwrap();
    members.iter().any(|member| member["id"] == of && member["online"] == true)
}

#[actix_web::test]
async fn everything_that_one_member_does_reaches_the_other_on_another_node() {
    let _turn = turn().await;
    let cluster = Cluster::start(2).await;
    cluster.seed(1);
    let mut buyer = entered(&cluster, 0, "buyer-0").await;
    let mut seller = entered(&cluster, 1, "seller-0").await;
    assert_eq!(buyer.push("presence").await, json!({ "roomId": "room-0", "userId": "seller-0", "online": true }));

    buyer.request("typing", json!({ "typing": true })).await.unwrap();
    assert_eq!(seller.push("typing").await["typing"], true);
    let message = buyer.request("message", json!("hello")).await.unwrap();
    assert_eq!(seller.push("message").await, message);
    seller.request("read", json!({ "seq": 1 })).await.unwrap();
    assert_eq!(buyer.push("read").await, json!({ "roomId": "room-0", "userId": "seller-0", "seq": 1 }));
    // Delivered, and not read.
    buyer.request("message", json!("hello again")).await.unwrap();
    seller.push("message").await;
    assert_eq!(seller.request("delivered", json!({ "seq": 2 })).await.unwrap(), json!({ "deliveredSeq": 2 }));
    let delivered = json!({ "roomId": "room-0", "userId": "seller-0", "seq": 2 });
    assert_eq!(buyer.push("delivered").await, delivered);
    let entered = buyer.request("enterRoom", json!({ "roomId": "room-0" })).await.unwrap();
    assert_eq!((&entered["members"][1]["deliveredSeq"], &entered["members"][1]["readSeq"]), (&json!(2), &json!(1)));
    let edited = buyer.request("editMessage", json!({ "messageId": message["id"], "text": "hi" })).await.unwrap();
    assert_eq!(seller.push("messageUpdated").await, edited);

    // An offer, its acceptance, and the product that it reserves.
    let offer = buyer.request("offer", json!({ "amount": 5, "currency": "KRW" })).await.unwrap();
    assert_eq!(seller.push("message").await["data"]["status"], "pending");
    seller.request("answerOffer", json!({ "messageId": offer["id"], "answer": "accept" })).await.unwrap();
    // The buyer has received their own edit, and their own messages, too.
    buyer.push_where("messageUpdated", |message| message["data"]["status"] == "accepted").await;
    buyer.push_where("message", |message| message["kind"] == "system").await;
    buyer.push_where("roomUpdated", |room| room["product"]["status"] == "reserved").await;

    // A block closes the conversation on both nodes, in both directions. The member who entered second may have received
    // before that the first one is online: their node learns this from an event of the other node.
    let addr = cluster.nodes[0].addr();
    assert_eq!(as_user(addr, "buyer-0", "PUT", "/api/v1/blocks/seller-0", "").await.0 / 100, 2);
    until("the seller can't say anything any more", async || {
        seller.request("message", json!("are you there?")).await.is_err_and(|error| error["code"] == "blocked")
    })
    .await;
    seller.push_where("presence", |presence| presence["online"] == false).await;
    assert_eq!(as_user(addr, "buyer-0", "DELETE", "/api/v1/blocks/seller-0", "").await.0 / 100, 2);
    seller.push_where("presence", |presence| presence["online"] == true).await;

    // A switch that one member turns shows to the other.
    let (status, _) = as_user(addr, "buyer-0", "PATCH", "/api/v1/me/settings", r#"{"presence":false}"#).await;
    assert_eq!(status, 200);
    seller.push_where("presence", |presence| presence["online"] == false).await;

    // The marketplace ends a user's sessions, through any node.
    let (status, _) = as_service(addr, "POST", "/api/v1/users/seller-0/disconnect", "").await;
    assert_eq!(status, 200);
    assert_eq!(seller.push("error").await["code"], "forbidden");
    assert!(seller.read().await.is_none(), "the session goes on");
}

#[actix_web::test]
async fn who_was_active_on_another_node_was_seen_there_and_the_last_node_that_loses_them_says_when() {
    let _turn = turn().await;
    let cluster = Cluster::start(2).await;
    cluster.seed(1);
    let mut buyer = entered(&cluster, 0, "buyer-0").await;
    // In no room, on both nodes: nothing of it is published to the room.
    let mut sessions = Vec::new();
    for node in [0, 1] {
        let mut session = Wire::connect(cluster.nodes[node].addr(), "seller-0").await.unwrap();
        session.request("leaveRoom", json!("nowhere")).await.unwrap();
        sessions.push(session);
    }
    for left in [2, 1] {
        until("the seller was seen", async || {
            let answer = buyer.request("enterRoom", json!({ "roomId": "room-0" })).await.unwrap();
            let seller = &answer["members"][1];
            assert_eq!((&seller["id"], &seller["online"]), (&json!("seller-0"), &json!(false)));
            seller["lastSeenAt"].is_string()
        })
        .await;
        sessions.truncate(left - 1);
    }
    let answer = buyer.request("enterRoom", json!({ "roomId": "room-0" })).await.unwrap();
    let seen = json!({
        "roomId": "room-0", "userId": "seller-0", "online": false, "lastSeenAt": answer["members"][1]["lastSeenAt"],
    });
    assert_gone(&seen);
}

#[actix_web::test]
async fn a_list_is_notified_on_a_node_where_nobody_is_in_the_room() {
    let _turn = turn().await;
    let cluster = Cluster::start(2).await;
    cluster.seed(1);
    let mut seller = Wire::connect(cluster.nodes[1].addr(), "seller-0").await.unwrap();
    // An answered request: the session is there.
    seller.request("leaveRoom", json!("nowhere")).await.unwrap();
    let mut buyer = entered(&cluster, 0, "buyer-0").await;

    buyer.request("message", json!("hello")).await.unwrap();

    let update = seller.push("roomUpdated").await;
    assert_eq!((&update["lastMessage"]["text"], &update["unread"]), (&json!("hello"), &json!(1)));
}

/// What a list shows, on both nodes, of a message that is changed and of a name, with and without NATS.
async fn lists_show_changes(cluster: &Cluster) {
    let addr = cluster.nodes[0].addr();
    let mut buyer = Wire::connect(addr, "buyer-0").await.unwrap();
    let said = buyer.request("message", json!({ "roomId": "room-0", "text": "hello" })).await.unwrap();
    // On the other node: one session in no room, and another in a room.
    let mut list = Wire::connect(cluster.nodes[1].addr(), "seller-0").await.unwrap();
    list.request("leaveRoom", json!("nowhere")).await.unwrap();

    buyer.request("editMessage", json!({ "messageId": said["id"], "text": "hi" })).await.unwrap();
    list.push_where("roomUpdated", |room| room["lastMessage"]["text"] == "hi" && room["unread"] == 1).await;
    buyer.request("deleteMessage", json!({ "messageId": said["id"] })).await.unwrap();
    list.push_where("roomUpdated", |room| room["lastMessage"]["deletedAt"].is_string() && room["unread"] == 0).await;
    for (name, is_entered) in [("First", false), ("Second", true)] {
        if is_entered {
            list.request("enterRoom", json!({ "roomId": "room-0" })).await.unwrap();
        }
        let (status, _) = as_service(addr, "PUT", "/api/v1/users/buyer-0", &json!({ "name": name }).to_string()).await;
        assert_eq!(status, 200);
        list.push_where("roomUpdated", |room| room["other"]["name"] == name).await;
    }
    let (status, _) = as_service(addr, "PUT", "/api/v1/users/buyer-0", &json!({ "name": "buyer-0" }).to_string()).await;
    assert_eq!(status, 200);
    list.push_where("roomUpdated", |room| room["other"]["name"] == "buyer-0").await;
    list.request("leaveRoom", json!("room-0")).await.unwrap();
}

#[actix_web::test]
async fn a_changed_message_and_a_new_name_reach_lists_on_another_node_with_nats_and_without() {
    let _turn = turn().await;
    let mut cluster = Cluster::start(2).await;
    cluster.seed(1);
    lists_show_changes(&cluster).await;
    cluster.nats.stop();
    for node in &cluster.nodes {
        until("NATS is away", async || node.readiness().await.is_some_and(|ready| ready["nats"] == "down")).await;
    }
    lists_show_changes(&cluster).await;
}

#[actix_web::test]
async fn an_answer_on_one_node_is_read_on_the_other() {
    let _turn = turn().await;
    let cluster = Cluster::start(2).await;
    cluster.seed(1);
    let mut buyer = entered(&cluster, 0, "buyer-0").await;
    let mut seller = entered(&cluster, 1, "seller-0").await;
    let mut list = Wire::connect(cluster.nodes[0].addr(), "seller-0").await.unwrap();
    list.request("leaveRoom", json!("nowhere")).await.unwrap();
    buyer.request("message", json!("hello")).await.unwrap();
    seller.push("message").await;
    seller.request("message", json!("hello to you")).await.unwrap();
    assert_eq!(buyer.push("read").await, json!({ "roomId": "room-0", "userId": "seller-0", "seq": 2 }));
    list.push_where("roomUpdated", |room| room["readSeq"] == 2 && room["unread"] == 0).await;
}

#[actix_web::test]
async fn what_changes_while_nats_is_away_shows_all_the_same() {
    let _turn = turn().await;
    let mut cluster = Cluster::start(2).await;
    cluster.seed(1);
    let mut buyer = entered(&cluster, 0, "buyer-0").await;
    let mut seller = entered(&cluster, 1, "seller-0").await;
    let message = buyer.request("message", json!("hello")).await.unwrap();
    seller.push("message").await;
    // A session that does not know that the buyer is online is not notified that they are offline.
    until("the buyer is seen", async || is_online(&cluster, 1, "seller-0", "buyer-0").await).await;

    cluster.nats.stop();
    for node in &cluster.nodes {
        until("NATS is away", async || node.readiness().await.is_some_and(|ready| ready["nats"] == "down")).await;
    }
    let edited = buyer.request("editMessage", json!({ "messageId": message["id"], "text": "hi" })).await.unwrap();
    assert_eq!(seller.push("messageUpdated").await, edited);
    seller.request("delivered", json!({ "seq": 1 })).await.unwrap();
    assert_eq!(buyer.push("delivered").await["seq"], 1);
    seller.request("read", json!({ "seq": 1 })).await.unwrap();
    assert_eq!(buyer.push("read").await["seq"], 1);
    let addr = cluster.nodes[0].addr();
    assert_eq!(as_user(addr, "buyer-0", "PUT", "/api/v1/blocks/seller-0", "").await.0 / 100, 2);
    seller.push_where("presence", |presence| presence["online"] == false).await;
    let (status, _) = as_service(addr, "POST", "/api/v1/users/seller-0/disconnect", "").await;
    assert_eq!(status, 200);
    assert_eq!(seller.push("error").await["code"], "forbidden");
}

#[actix_web::test]
async fn while_nats_is_away_nobody_is_taken_for_gone_and_who_came_or_went_shows_when_it_is_back() {
    let _turn = turn().await;
    let mut cluster = Cluster::start(2).await;
    cluster.seed(2);
    let mut buyer = entered(&cluster, 0, "buyer-0").await;
    let mut seller = entered(&cluster, 1, "seller-0").await;
    assert_eq!(buyer.push("presence").await["online"], true);
    let mut other_buyer = Wire::connect(cluster.nodes[0].addr(), "buyer-1").await.unwrap();
    other_buyer.request("enterRoom", json!({ "roomId": "room-1" })).await.unwrap();

    cluster.nats.stop();
    for node in &cluster.nodes {
        until("NATS is away", async || node.readiness().await.is_some_and(|ready| ready["nats"] == "down")).await;
    }
    // Longer than a reachable node may be silent. Everything that was sent before an answer has arrived with it.
    let away = Instant::now();
    while away.elapsed() < Duration::from_secs(6) {
        let message = buyer.request("message", json!("are you there?")).await.unwrap();
        seller.push_where("message", |told| *told == message).await;
    }
    assert!(buyer.has_not_been_pushed("presence"), "somebody was taken for gone");

    drop(seller);
    until("the seller's session has ended", async || cluster.nodes[1].metric("sessions").await == 0.0).await;
    let mut other_seller = Wire::connect(cluster.nodes[1].addr(), "seller-1").await.unwrap();
    other_seller.request("enterRoom", json!({ "roomId": "room-1" })).await.unwrap();
    cluster.nats.start_again();
    let back = Instant::now();
    assert_eq!(other_buyer.push("presence").await["online"], true);
    let took = back.elapsed();
    eprintln!("there after {took:?}");
    assert!(took < Duration::from_secs(6), "{took:?}");
    assert_gone(&buyer.push("presence").await);
    let took = back.elapsed();
    eprintln!("gone after {took:?}");
    assert!(took < Duration::from_secs(25), "{took:?}");
}

#[actix_web::test]
async fn everybody_who_was_on_a_node_that_died_is_gone_within_seconds() {
    let _turn = turn().await;
    let mut cluster = Cluster::start(3).await;
    cluster.seed(1);
    let mut buyer = entered(&cluster, 0, "buyer-0").await;
    let mut seller = entered(&cluster, 1, "seller-0").await;
    assert_eq!(buyer.push("presence").await["online"], true);
    seller.request("leaveRoom", json!("nowhere")).await.unwrap();

    let died = Instant::now();
    cluster.nodes[1].kill();

    assert_gone(&buyer.push("presence").await);
    let took = died.elapsed();
    eprintln!("gone after {took:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
    // Also for a client that connects later, to another node.
    assert!(!is_online(&cluster, 2, "buyer-0", "seller-0").await);

    // A client that reconnects to another node is online again.
    let _seller = entered(&cluster, 2, "seller-0").await;
    assert_eq!(buyer.push("presence").await["online"], true);
}

#[actix_web::test]
async fn everybody_who_is_on_a_node_that_drains_is_gone_at_once() {
    let _turn = turn().await;
    let mut cluster = Cluster::start(2).await;
    cluster.seed(1);
    let mut buyer = entered(&cluster, 0, "buyer-0").await;
    let _seller = entered(&cluster, 1, "seller-0").await;
    assert_eq!(buyer.push("presence").await["online"], true);

    let began = Instant::now();
    assert!(cluster.nodes[1].drain().await.success());
    let drained = Instant::now();

    assert_eq!(buyer.push("presence").await["online"], false);
    let took = drained.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?} after the drain, {:?} after its begin", began.elapsed());
}
