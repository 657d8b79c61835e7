//! Messages: stored before they are acknowledged, in order, without a hole, once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{TestServer, WsClient, rest::call, server::SERVICE_KEY, until};

fn seqs(messages: &Value) -> Vec<i64> {
    messages.as_array().unwrap().iter().map(|message| message["seq"].as_i64().unwrap()).collect()
}

#[actix_web::test]
async fn a_buyer_and_the_seller_talk() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);

    let entered = alice.enter(room.id.as_str()).await;
    assert_eq!(entered["room"]["product"]["id"], "bike");
    assert_eq!((&entered["lastSeq"], &entered["messages"]), (&json!(0), &json!([])));
    sam.enter(room.id.as_str()).await;
    assert_eq!(alice.push("presence").await, json!({"roomId": room.id, "userId": "sam", "online": true}));

    let stored = alice.say("안녕하세요, is it still there?").await;
    assert_eq!((&stored["seq"], &stored["senderId"], &stored["kind"]), (&json!(1), &json!("alice"), &json!("text")));
    assert_eq!(stored["sentAt"], "2026-11-23T09:00:00.000Z");
    assert_eq!(alice.push("message").await, stored, "the sender's own copy");
    assert_eq!(sam.push("message").await, stored);
}

#[actix_web::test]
async fn sending_twice_with_one_client_id_stores_once() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    let draft = json!({"roomId": room.id, "text": "once", "clientId": "c1"});

    let (first, second) = (alice.start("message", draft.clone()).await, alice.start("message", draft.clone()).await);
    let first = alice.answer(first).await.unwrap();
    assert_eq!(alice.answer(second).await.unwrap(), first);
    assert_eq!(alice.request("message", draft).await.unwrap(), first);
    assert_eq!(seqs(&alice.enter(room.id.as_str()).await["messages"]), [1]);
}

#[actix_web::test]
async fn a_message_without_a_room_waits_for_the_first_enter_room() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;

    let typed_offline = alice.start("message", "typed offline").await;
    alice.enter(room.id.as_str()).await;
    assert_eq!(alice.answer(typed_offline).await.unwrap()["seq"], 1);
}

#[actix_web::test]
async fn a_message_without_any_room_is_refused_after_two_seconds() {
    let server = TestServer::start().await;
    let mut alice = server.ws("alice").await;
    assert_eq!(alice.request("message", "to nobody").await.unwrap_err().code, "not_in_room");
    alice.emit("message", json!("to nobody either")).await;
    let error = alice.push("error").await;
    assert_eq!((&error["code"], &error["event"]), (&json!("not_in_room"), &json!("message")));
}

#[actix_web::test]
async fn one_who_comes_back_gets_what_was_missed() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike");
    let mut alice = server.ws("alice").await;

    let after = |seq: i64| json!({"roomId": room.id, "after": seq});
    let none = alice.request("enterRoom", after(0)).await.unwrap();
    assert_eq!((seqs(&none["messages"]), &none["hasMore"]), (vec![], &json!(false)));
    seed.messages(&room.id, "sam", 1);
    let one = alice.request("enterRoom", after(0)).await.unwrap();
    assert_eq!((seqs(&one["messages"]), &one["hasMore"]), (vec![1], &json!(false)));
    seed.messages(&room.id, "sam", 449);
    let mut got = vec![1];
    loop {
        let page = alice.request("enterRoom", after(*got.last().unwrap())).await.unwrap();
        let page_seqs = seqs(&page["messages"]);
        assert!(page_seqs.len() <= 200);
        got.extend(page_seqs);
        if page["hasMore"] == false {
            break;
        }
    }
    assert_eq!(got, (1..=450).collect::<Vec<i64>>());
    let newest = alice.enter(room.id.as_str()).await;
    assert_eq!(seqs(&newest["messages"]), (401..=450).collect::<Vec<i64>>());
    assert_eq!(newest["hasMore"], true);
}

/// Catches up page by page while the other side writes, and collects every `seq` in the order in which it came.
async fn catch_up(client: &mut WsClient, room: &str, up_to: i64) -> Vec<i64> {
    let mut got = Vec::new();
    loop {
        let after = got.last().copied().unwrap_or(0);
        let page = client.request("enterRoom", json!({"roomId": room, "after": after})).await.unwrap();
        got.extend(seqs(&page["messages"]));
        if page["hasMore"] == false {
            break;
        }
    }
    while got.last() != Some(&up_to) {
        got.push(client.push("message").await["seq"].as_i64().unwrap());
    }
    got
}

#[actix_web::test]
async fn history_and_live_messages_meet_without_a_hole_and_without_a_double() {
    const MESSAGES: i64 = 1200;
    let server = TestServer::with(|config| config.limits.sends_per_second_max = None).await;
    let room = server.seed().room("alice", "bike");
    let mut sam = server.ws("sam").await;
    let mut readers = Vec::new();
    for _ in 0..4 {
        readers.push(server.ws("alice").await);
    }

    let id = room.id.clone();
    let writer = actix_web::rt::spawn(async move {
        let mut pending = Vec::new();
        for place in 0..MESSAGES {
            pending.push(sam.start("message", json!({"roomId": id, "text": format!("m{place}")})).await);
            if pending.len() == 20 {
                for request in pending.drain(..) {
                    sam.answer(request).await.unwrap();
                }
            }
        }
        for request in pending {
            sam.answer(request).await.unwrap();
        }
    });
    let reading = readers.iter_mut().map(|client| catch_up(client, room.id.as_str(), MESSAGES));
    for got in futures_util::future::join_all(reading).await {
        assert_eq!(got, (1..=MESSAGES).collect::<Vec<i64>>());
    }
    writer.await.unwrap();
}

#[actix_web::test]
async fn two_sessions_of_one_user_both_receive_and_presence_counts_them() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut sam = server.ws("sam").await;
    sam.enter(room.id.as_str()).await;
    let (mut phone, mut desk) = (server.ws("alice").await, server.ws("alice").await);
    phone.enter(room.id.as_str()).await;
    assert_eq!(sam.push("presence").await["online"], true);
    desk.enter(room.id.as_str()).await;

    let stored = phone.say("from the phone").await;
    assert_eq!(desk.push("message").await, stored);
    phone.close().await;
    // The desk is still in the room: she is offline only when that leaves, too.
    desk.request("leaveRoom", Value::Null).await.unwrap();
    let presence: Vec<Value> = vec![sam.push("presence").await];
    assert_eq!(presence[0]["online"], false);
    assert!(!sam.pushes_before_ack().await.iter().any(|push| push["event"] == "presence"));
}

#[actix_web::test]
async fn one_who_left_a_room_receives_nothing_and_can_come_back() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(room.id.as_str()).await;
    sam.enter(room.id.as_str()).await;

    alice.request("leaveRoom", Value::Null).await.unwrap();
    sam.say("are you there?").await;
    assert_eq!(alice.seqs_before_ack().await, Vec::<i64>::new());
    let back = alice.request("enterRoom", json!({"roomId": room.id, "after": 0})).await.unwrap();
    assert_eq!(seqs(&back["messages"]), [1]);
    sam.say("good").await;
    assert_eq!(alice.push("message").await["seq"], 2);
}

#[actix_web::test]
async fn reading_typing_editing_and_deleting_reach_the_other_side() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(room.id.as_str()).await;
    sam.enter(room.id.as_str()).await;
    let stored = alice.say("helo").await;

    assert_eq!(sam.request("read", json!({"seq": 99})).await.unwrap(), json!({"readSeq": 1}));
    assert_eq!(alice.push("read").await, json!({"roomId": room.id, "userId": "sam", "seq": 1}));
    assert_eq!(sam.request("read", json!({"seq": 0})).await.unwrap(), json!({"readSeq": 1}), "it never goes back");

    sam.emit("typing", json!({"typing": true})).await;
    assert_eq!(alice.push("typing").await, json!({"roomId": room.id, "userId": "sam", "typing": true}));

    let edit = json!({"messageId": stored["id"], "text": "hello"});
    let edited = alice.request("editMessage", edit.clone()).await.unwrap();
    assert_eq!((&edited["text"], &edited["seq"]), (&json!("hello"), &json!(1)));
    assert_eq!(sam.push("messageUpdated").await, edited);
    assert_eq!(sam.request("editMessage", edit.clone()).await.unwrap_err().code, "forbidden");
    assert_eq!(
        sam.request("deleteMessage", json!({"messageId": "no-such-message"})).await.unwrap_err().code,
        "not_found"
    );

    let deleted = alice.request("deleteMessage", json!({"messageId": stored["id"]})).await.unwrap();
    assert!(deleted.get("text").is_none() && deleted["deletedAt"].is_string());
    assert_eq!(sam.push("messageUpdated").await, deleted);
    assert_eq!(alice.request("editMessage", edit).await.unwrap_err().code, "conflict");
}

#[actix_web::test]
async fn a_message_can_be_edited_for_fifteen_minutes() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;
    let stored = alice.say("helo").await;
    server.advance(std::time::Duration::from_secs(15 * 60 + 1));
    let edit = json!({"messageId": stored["id"], "text": "hello"});
    assert_eq!(alice.request("editMessage", edit).await.unwrap_err().code, "forbidden");
}

#[actix_web::test]
async fn both_members_are_notified_about_their_rooms_wherever_they_are() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.request("message", json!({"roomId": room.id, "text": "hello"})).await.unwrap();
    let update = sam.push("roomUpdated").await;
    assert_eq!((&update["roomId"], &update["unread"]), (&json!(room.id), &json!(1)));
    assert_eq!((&update["lastMessage"]["text"], &update["other"]["id"]), (&json!("hello"), &json!("alice")));
    assert_eq!(alice.push("roomUpdated").await["unread"], 0);
    sam.request("read", json!({"roomId": room.id, "seq": 1})).await.unwrap();
    assert_eq!(sam.push("roomUpdated").await["unread"], 0);
}

#[actix_web::test]
async fn of_an_edit_and_a_deletion_at_once_both_sides_believe_what_is_stored() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut phone, mut sam) = (server.ws("alice").await, server.ws("alice").await, server.ws("sam").await);
    alice.enter(room.id.as_str()).await;
    sam.enter(room.id.as_str()).await;
    for _ in 0..5 {
        let said = alice.say("first").await;
        let edit = alice.start("editMessage", json!({"messageId": said["id"], "text": "second"})).await;
        let deletion = phone.start("deleteMessage", json!({"messageId": said["id"]})).await;
        let (edited, deleted) = (alice.answer(edit).await, phone.answer(deletion).await.unwrap());
        assert!(deleted["deletedAt"].is_string() && deleted["text"].is_null(), "{deleted}");
        assert_eq!(deleted["seq"], said["seq"], "it keeps its place");
        if let Err(error) = &edited {
            assert_eq!(error.code, "conflict");
        }
        if edited.is_ok() {
            assert_eq!(sam.push("messageUpdated").await["text"], "second");
        }
        assert_eq!(sam.push("messageUpdated").await, deleted, "the deletion is sent last");
        let entered = sam.enter(room.id.as_str()).await;
        assert_eq!(entered["messages"].as_array().unwrap().last(), Some(&deleted));
    }
}

#[actix_web::test]
async fn a_sold_product_is_announced_once_in_every_room_no_matter_who_says_it() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let rooms = ["alice", "bob", "eve"].map(|buyer| seed.room(buyer, "bike"));
    let mut members = Vec::new();
    for (buyer, room) in ["alice", "bob", "eve"].iter().zip(&rooms) {
        let mut member = server.ws(buyer).await;
        member.enter(room.id.as_str()).await;
        members.push(member);
    }
    // The seller says it on two devices, and the marketplace says it, all at once.
    let sold = json!({"sellerId": "sam", "title": "bike", "price": 980_000, "currency": "KRW", "status": "sold"});
    let (path, status) = ("/api/v1/products/bike", json!({"status": "sold"}));
    let token = server.token("sam");
    let answers = futures_util::future::join_all([
        call(server.addr, &token, "PATCH", path, Some(status.clone())),
        call(server.addr, &token, "PATCH", path, Some(status)),
        call(server.addr, SERVICE_KEY, "PUT", path, Some(sold)),
    ])
    .await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    for (member, room) in members.iter_mut().zip(&rooms) {
        let mut updated = member.push("roomUpdated").await;
        while updated["product"]["status"] != "sold" {
            updated = member.push("roomUpdated").await;
        }
        assert_eq!(updated["roomId"], json!(room.id));
        let entered = member.enter(room.id.as_str()).await;
        assert_eq!(seqs(&entered["messages"]), [1]);
        let notice = &entered["messages"][0];
        assert_eq!((&notice["kind"], &notice["data"]["status"]), (&json!("system"), &json!("sold")));
        assert_eq!(member.seqs_before_ack().await, [1], "sent once");
    }
}

#[actix_web::test]
async fn a_product_with_a_thousand_rooms_changes_under_a_seller_who_reads() {
    const ROOMS: usize = 1500;
    let server = TestServer::with(|config| config.limits.outbox_bytes_max = 64 * 1024).await;
    let seed = server.seed();
    seed.product("bike", "sam");
    seed.rooms("bike", ROOMS);
    let mut sam = server.ws("sam").await;
    sam.pushes_before_ack().await;

    let body = json!({"sellerId": "sam", "title": "bike", "status": "reserved"});
    let answer = call(server.addr, SERVICE_KEY, "PUT", "/api/v1/products/bike", Some(body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut told = std::collections::BTreeSet::new();
    while told.len() < ROOMS {
        let update = sam.push("roomUpdated").await;
        assert_eq!(update["product"]["status"], "reserved");
        assert!(told.insert(update["roomId"].as_str().unwrap().to_owned()), "each room once");
    }
}

#[actix_web::test]
async fn a_place_before_the_first_message_is_no_place() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    for (event, data) in
        [("enterRoom", json!({"roomId": room.id, "after": -1})), ("read", json!({"roomId": room.id, "seq": -1}))]
    {
        assert_eq!(alice.request(event, data).await.unwrap_err().code, "invalid", "{event}");
    }
}

#[actix_web::test]
async fn a_seller_who_toggles_a_product_is_asked_to_wait_and_its_rooms_end_with_the_status_that_stands() {
    const ROOMS: usize = 70;
    let server = TestServer::start().await;
    let seed = server.seed();
    seed.product("bike", "sam");
    seed.rooms("bike", ROOMS);
    let token = server.token("sam");
    let mut answers = Vec::new();
    for status in ["reserved", "on_sale", "reserved", "on_sale", "reserved", "on_sale"] {
        let body = Some(json!({"status": status}));
        answers.push(call(server.addr, &token, "PATCH", "/api/v1/products/bike", body).await);
    }
    let refused = answers.pop().unwrap();
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!((refused.status, &refused.body["code"]), (429, &json!("rate_limited")));
    assert_eq!(refused.body["retryAfterMs"], json!(60_000));

    // Each room is notified once, in the first wave or, if that came between two changes, in the second.
    server.advance(Duration::from_secs(10));
    until("every room hears of it", || server.metrics.messages.get() >= ROOMS as u64).await;
    let mut buyer = server.ws("buyer-69").await;
    let rooms = call(server.addr, &server.token("buyer-69"), "GET", "/api/v1/rooms", None).await.body;
    let entered = buyer.enter(rooms["items"][0]["id"].as_str().unwrap()).await;
    assert_eq!(entered["room"]["product"]["status"], "reserved");
    assert_eq!(entered["messages"][0]["data"]["status"], "reserved");
    assert_eq!(server.metrics.messages.get(), ROOMS as u64);
}
