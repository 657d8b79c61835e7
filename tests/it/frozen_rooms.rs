//! A frozen conversation stays as it is: whatever either member does, on any way in.

use std::{collections::BTreeSet, io::Cursor, time::Duration};

use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

use crate::{
    staff::staff,
    support::{
        Caller, Route, TestServer,
        rest::{Answer, call, upload},
        server::SERVICE_KEY,
    },
};

async fn freeze(server: &TestServer, room: &str) {
    let because = Some(json!({"reason": "A dispute"}));
    assert_eq!(staff(server, "PUT", &format!("/api/v1/rooms/{room}/freeze"), because).await.status, 204);
}

async fn unfreeze(server: &TestServer, room: &str) {
    assert_eq!(staff(server, "DELETE", &format!("/api/v1/rooms/{room}/freeze"), None).await.status, 204);
}

async fn set_status(server: &TestServer, token: &str, status: &str) -> Answer {
    call(server.addr, token, "PATCH", "/api/v1/products/bike", Some(json!({"status": status}))).await
}

/// The statuses of a room's offers, in their order.
async fn offers_of(server: &TestServer, room: &str) -> Vec<Value> {
    let page = call(server.addr, &server.token("sam"), "GET", &format!("/api/v1/rooms/{room}/messages"), None).await;
    let items = page.body["items"].as_array().unwrap();
    items.iter().filter(|item| item["kind"] == "offer").map(|item| item["data"]["status"].clone()).collect()
}

#[actix_web::test]
async fn a_seller_cannot_undo_an_acceptance_while_its_room_is_frozen() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    let offer = seed.offer(&room, "alice", 900_000);
    let room = room.as_str();
    let (seller, mut sam) = (server.token("sam"), server.ws("sam").await);
    sam.request("answerOffer", json!({"messageId": offer.id, "answer": "accept"})).await.unwrap();
    freeze(&server, room).await;

    let mut sentences = BTreeSet::new();
    for status in ["on_sale", "sold"] {
        let refused = set_status(&server, &seller, status).await;
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("frozen")), "{status}");
        sentences.insert(refused.body["detail"].to_string());
    }
    assert_eq!(sentences.len(), 1);
    assert_eq!(offers_of(&server, room).await, ["accepted"]);
    // Where it stands already, nothing changes.
    let same = set_status(&server, &seller, "reserved").await;
    assert_eq!((same.status, &same.body["status"]), (200, &json!("reserved")));
    let stranger = set_status(&server, &server.token("alice"), "on_sale").await;
    assert_eq!(stranger.body["code"], "forbidden", "nobody else learns of the dispute");
    // A refused change is none of those that a seller may make within a time.
    for _ in 0..20 {
        assert_eq!(set_status(&server, &seller, "on_sale").await.body["code"], "frozen");
    }

    unfreeze(&server, room).await;
    assert_eq!(set_status(&server, &seller, "on_sale").await.status, 200);
    assert_eq!(offers_of(&server, room).await, ["superseded"]);
}

#[actix_web::test]
async fn the_marketplace_changes_a_product_in_dispute_and_may_take_it_down() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    let offer = seed.offer(&room, "alice", 900_000);
    let mut sam = server.ws("sam").await;
    sam.request("answerOffer", json!({"messageId": offer.id, "answer": "accept"})).await.unwrap();
    freeze(&server, room.as_str()).await;
    let because = Some(json!({"reason": "A dispute"}));
    assert_eq!(staff(&server, "PUT", "/api/v1/products/bike/unlisted", because).await.status, 200);
    let put = json!({"sellerId": "sam", "title": "Bicycle"});
    assert_eq!(call(server.addr, SERVICE_KEY, "PUT", "/api/v1/products/bike", Some(put)).await.status, 200);
    assert_eq!(offers_of(&server, room.as_str()).await, ["accepted"]);
    assert_eq!(set_status(&server, SERVICE_KEY, "on_sale").await.status, 200);
    assert_eq!(offers_of(&server, room.as_str()).await, ["superseded"]);
    // Without a deal in the frozen room, the seller decides again.
    assert_eq!(set_status(&server, &server.token("sam"), "reserved").await.status, 200);
}

#[actix_web::test]
async fn a_frozen_room_without_the_accepted_offer_holds_no_other_buyer_up() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let rooms = ["alice", "bob"].map(|buyer| seed.room(buyer, "bike").id);
    let [waiting, other] = [("alice", 0), ("bob", 1)].map(|(buyer, place)| seed.offer(&rooms[place], buyer, 900_000));
    let (seller, mut sam) = (server.token("sam"), server.ws("sam").await);
    freeze(&server, rooms[0].as_str()).await;
    let accept = json!({"messageId": waiting.id, "answer": "accept"});
    assert_eq!(sam.request("answerOffer", accept).await.unwrap_err().code, "frozen");
    sam.request("answerOffer", json!({"messageId": other.id, "answer": "accept"})).await.unwrap();
    assert_eq!(offers_of(&server, rooms[0].as_str()).await, ["declined"], "it has lost, as anywhere");
    assert_eq!(set_status(&server, &seller, "on_sale").await.status, 200);
    assert_eq!(offers_of(&server, rooms[1].as_str()).await, ["superseded"]);
}

#[actix_web::test]
async fn nothing_that_either_member_does_changes_a_frozen_room_on_any_way_in() {
    for route in Route::ALL {
        let server = TestServer::with(|config| config.limits.requests_per_second_max = None).await;
        let seed = server.seed();
        let room = seed.room("alice", "bike").id;
        let said = seed.messages(&room, "alice", 1).remove(0).id;
        let (offer, room) = (seed.offer(&room, "alice", 900_000).id, room.to_string());
        let (mut alice, mut sam) = (
            Caller::entered(&server, "alice", route, &room).await,
            Caller::entered(&server, "sam", route, &room).await,
        );
        let react = |emoji: Value| json!({"roomId": room, "messageId": said, "emoji": emoji});
        sam.ask("react", react(json!("👍"))).await.unwrap();
        freeze(&server, &room).await;
        let before = history(&server, &room).await;

        let answer = |answer: &str| json!({"roomId": room, "messageId": offer, "answer": answer, "amount": 950_000});
        for (event, data) in [
            ("message", json!({"roomId": room, "text": "after"})),
            ("offer", json!({"roomId": room, "amount": 1, "currency": "KRW"})),
            ("answerOffer", answer("withdraw")),
            ("editMessage", json!({"roomId": room, "messageId": said, "text": "x"})),
            ("deleteMessage", json!({"roomId": room, "messageId": said})),
            ("react", react(json!("👎"))),
        ] {
            assert_eq!(alice.ask(event, data).await.unwrap_err().code, "frozen", "{event} {route:?}");
        }
        for (event, data) in [
            ("answerOffer", answer("accept")),
            ("answerOffer", answer("decline")),
            ("answerOffer", answer("counter")),
            ("react", react(Value::Null)),
        ] {
            assert_eq!(sam.ask(event, data).await.unwrap_err().code, "frozen", "{event} {route:?}");
        }
        if route == Route::Rest {
            let mut png = Cursor::new(Vec::new());
            DynamicImage::new_rgb8(8, 8).write_to(&mut png, ImageFormat::Png).unwrap();
            let path = format!("/api/v1/rooms/{room}/images");
            let sent = upload(server.addr, &server.token("alice"), &path, png.get_ref(), &[]).await;
            assert_eq!((sent.status, &sent.body["code"]), (403, &json!("frozen")));
        }
        assert_eq!(history(&server, &room).await, before, "{route:?}");
        what_is_each_members_own_goes_on(&server, &room, &mut sam).await;
    }
}

async fn history(server: &TestServer, room: &str) -> Value {
    staff(server, "GET", &format!("/api/v1/rooms/{room}/messages"), None).await.body["items"].clone()
}

/// How far one has read, one's own list, and one's own safety.
async fn what_is_each_members_own_goes_on(server: &TestServer, room: &str, sam: &mut Caller) {
    assert_eq!(sam.ask("read", json!({"roomId": room, "seq": 2})).await.unwrap()["readSeq"], 2);
    sam.ask("delivered", json!({"roomId": room, "seq": 2})).await.unwrap();
    let token = server.token("sam");
    let mine = |method: &'static str, path: String, body| {
        let token = token.clone();
        async move { call(server.addr, &token, method, &path, body).await }
    };
    let archived = mine("PATCH", format!("/api/v1/rooms/{room}/settings"), Some(json!({"archived": true}))).await;
    assert_eq!(archived.status, 200, "{}", archived.body);
    let report = json!({"roomId": room, "category": "scam"});
    assert_eq!(mine("POST", "/api/v1/reports".to_owned(), Some(report)).await.status, 201);
    assert_eq!(mine("PUT", "/api/v1/blocks/alice".to_owned(), None).await.status / 100, 2);
}

#[actix_web::test]
async fn an_offer_in_a_frozen_room_expires_in_its_time() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    seed.offer(&room, "alice", 900_000);
    freeze(&server, room.as_str()).await;
    server.advance(Duration::from_secs(49 * 60 * 60));
    assert_eq!(offers_of(&server, room.as_str()).await, ["expired"]);
}
