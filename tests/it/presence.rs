//! Presence, typing, read receipts, and the switches for each of them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{TestServer, WsClient, rest::call};

async fn both(server: &TestServer, room: &str) -> (WsClient, WsClient) {
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(room).await;
    sam.enter(room).await;
    alice.push("presence").await;
    (alice, sam)
}

async fn switch(server: &TestServer, user: &str, settings: Value) -> Value {
    let answer = call(server.addr, &server.token(user), "PATCH", "/api/v1/me/settings", Some(settings)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn typing(room: &str, typing: bool) -> Value {
    json!({"roomId": room, "userId": "alice", "typing": typing})
}

#[actix_web::test]
async fn typing_is_over_by_itself() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let id = room.id.as_str();
    let (mut alice, mut sam) = both(&server, id).await;
    alice.request("typing", json!({"typing": true})).await.unwrap();
    assert_eq!(sam.push("typing").await, typing(id, true));
    server.advance(Duration::from_secs(4));
    alice.request("typing", json!({"typing": true})).await.unwrap();
    assert_eq!(sam.push("typing").await, typing(id, true), "said again, it goes on");
    server.advance(Duration::from_secs(4));
    assert!(sam.pushes_before_ack().await.iter().all(|push| push["event"] != "typing"));
    server.advance(Duration::from_secs(3));
    assert_eq!(sam.push("typing").await, typing(id, false));
}

#[actix_web::test]
async fn typing_ends_with_the_message_and_with_the_session() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let id = room.id.as_str();
    let (mut alice, mut sam) = both(&server, id).await;
    alice.request("typing", json!({"typing": true})).await.unwrap();
    sam.push("typing").await;
    alice.say("here it is").await;
    assert_eq!(sam.push("typing").await, typing(id, false));
    alice.request("typing", json!({"typing": false})).await.unwrap();
    assert!(sam.pushes_before_ack().await.iter().all(|push| push["event"] != "typing"), "told once");

    // On two devices: one that dies does not end what the other does.
    let mut phone = server.ws("alice").await;
    phone.enter(id).await;
    alice.request("typing", json!({"typing": true})).await.unwrap();
    phone.request("typing", json!({"typing": true})).await.unwrap();
    assert_eq!(sam.push("typing").await, typing(id, true));
    assert_eq!(sam.push("typing").await, typing(id, true));
    drop(phone);
    crate::support::until("the phone is gone", || server.metrics.sessions.get() == 2).await;
    alice.request("typing", json!({"typing": true})).await.unwrap();
    assert_eq!(sam.push("typing").await, typing(id, true));
    drop(alice);
    assert_eq!(sam.push("typing").await, typing(id, false));
}

#[actix_web::test]
async fn a_switch_counts_for_both_directions_and_at_once() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = both(&server, room.id.as_str()).await;
    let settings = switch(&server, "alice", json!({"presence": false, "readReceipts": false, "typing": false})).await;
    assert_eq!(settings, json!({"presence": false, "readReceipts": false, "typing": false}));
    assert_eq!(sam.push("presence").await, json!({"roomId": room.id, "userId": "alice", "online": false}));
    assert_eq!(alice.push("presence").await, json!({"roomId": room.id, "userId": "sam", "online": false}));

    alice.say("one").await;
    sam.say("two").await;
    for client in [&mut alice, &mut sam] {
        client.request("typing", json!({"typing": true})).await.unwrap();
        client.request("read", json!({"seq": 2})).await.unwrap();
    }
    for (client, own) in [(&mut alice, "alice"), (&mut sam, "sam")] {
        let pushes = client.pushes_before_ack().await;
        assert!(pushes.iter().all(|push| push["event"] != "typing" && push["event"] != "presence"), "{pushes:?}");
        let reads: Vec<_> = pushes.iter().filter(|push| push["event"] == "read").collect();
        assert!(reads.iter().all(|push| push["data"]["userId"] == own) && reads.len() == 1, "{reads:?}");
    }
    let entered = sam.enter(room.id.as_str()).await;
    assert_eq!((&entered["members"][0]["online"], &entered["members"][0]["readSeq"]), (&json!(false), &json!(0)));
    assert_eq!((&entered["members"][1]["online"], &entered["readSeq"]), (&json!(true), &json!(2)));

    switch(&server, "alice", json!({"presence": true, "readReceipts": true})).await;
    assert_eq!(sam.push("presence").await["online"], true);
    let entered = sam.enter(room.id.as_str()).await;
    assert_eq!((&entered["members"][0]["online"], &entered["members"][0]["readSeq"]), (&json!(true), &json!(2)));
}

#[actix_web::test]
async fn switches_are_kept_and_on_at_first() {
    let server = TestServer::start().await;
    // Nobody has put this user.
    let token = server.token("newcomer");
    let all = json!({"readReceipts": true, "typing": true, "presence": true});
    assert_eq!(call(server.addr, &token, "GET", "/api/v1/me/settings", None).await.body, all);
    switch(&server, "newcomer", json!({"typing": false})).await;
    let kept = call(server.addr, &token, "GET", "/api/v1/me/settings", None).await.body;
    assert_eq!(kept, json!({"readReceipts": true, "typing": false, "presence": true}));
    let bad = call(server.addr, &token, "PATCH", "/api/v1/me/settings", Some(json!({"typing": "no"}))).await;
    assert_eq!((bad.status, &bad.body["code"]), (422, &json!("invalid")));
}

#[actix_web::test]
async fn reading_in_one_tab_clears_the_badge_in_the_others() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike");
    seed.messages(&room.id, "sam", 3);
    let (mut reading, mut inbox) = (server.ws("alice").await, server.ws("alice").await);
    let entered = reading.enter(room.id.as_str()).await;
    assert_eq!(entered["readSeq"], 0);
    reading.request("read", json!({"seq": 3})).await.unwrap();
    let updated = inbox.push("roomUpdated").await;
    assert_eq!((&updated["unread"], &updated["readSeq"]), (&json!(0), &json!(3)));
}
