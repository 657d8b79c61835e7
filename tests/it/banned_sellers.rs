//! What a ban of a seller does to their products: nobody begins anything there, and nobody learns why.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use crate::{
    staff::staff,
    support::{
        TestServer,
        rest::{Answer, call},
        server::{SERVICE_KEY, START},
    },
};

async fn open(server: &TestServer, buyer: &str, product: &str) -> Answer {
    call(server.addr, &server.token(buyer), "POST", "/api/v1/rooms", Some(json!({"productId": product}))).await
}

async fn ban(server: &TestServer, until: Option<String>) {
    let ban = Some(json!({"until": until, "reason": "a test"}));
    assert_eq!(staff(server, "PUT", "/api/v1/users/sam/ban", ban).await.status, 200);
}

/// All of an answer that a caller sees, but for what names this one request.
fn seen(answer: &Answer) -> (u16, Value, BTreeSet<String>) {
    let mut body = answer.body.clone();
    body.as_object_mut().unwrap().remove("requestId");
    let names = answer.head.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0.to_ascii_lowercase()));
    (answer.status, body, names.collect())
}

#[actix_web::test]
async fn nobody_opens_a_room_with_a_banned_seller_and_the_answer_is_that_of_an_unknown_product() {
    let server = TestServer::start().await;
    let seed = server.seed();
    seed.room("alice", "bike");
    seed.user("bob");
    let unknown = open(&server, "bob", "no-such-product").await;
    assert_eq!((unknown.status, &unknown.body["code"]), (404, &json!("not_found")));
    ban(&server, None).await;
    assert_eq!(seen(&open(&server, "bob", "bike").await), seen(&unknown));
    // Also to somebody whom the database does not know. They are not added by it.
    assert_eq!(seen(&open(&server, "carl", "bike").await), seen(&unknown));
    assert_eq!(staff(&server, "GET", "/api/v1/users/carl", None).await.status, 404);
    let body = Some(json!({"productId": "bike", "buyerId": "bob"}));
    assert_eq!(seen(&call(server.addr, SERVICE_KEY, "POST", "/api/v1/rooms", body).await), seen(&unknown));
    // As of a product that was taken down.
    let because = Some(json!({"reason": "a test"}));
    assert_eq!(staff(&server, "DELETE", "/api/v1/users/sam/ban", None).await.status, 204);
    assert_eq!(staff(&server, "PUT", "/api/v1/products/bike/unlisted", because).await.status, 200);
    assert_eq!(seen(&open(&server, "bob", "bike").await), seen(&unknown));
}

#[actix_web::test]
async fn a_ban_lets_a_room_that_is_there_stand_as_it_is() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let path = format!("/api/v1/rooms/{room}");
    let token = server.token("alice");
    let mut alice = server.ws("alice").await;
    alice.enter(room.as_str()).await;
    let read = || async { call(server.addr, &token, "GET", &path, None).await.body };
    let before = read().await;
    ban(&server, None).await;
    assert_eq!(read().await, before, "nothing of it shows");
    let again = open(&server, "alice", "bike").await;
    assert_eq!((again.status, &again.body["id"]), (200, &json!(room)));
    alice.say("are you there?").await;
    let offer = alice.request("offer", json!({"roomId": room, "amount": 900_000, "currency": "KRW"})).await.unwrap();
    assert_eq!(offer["data"]["status"], "pending", "it waits, as with anyone who is offline");
    let pushed = alice.pushes_before_ack().await;
    assert!(pushed.iter().all(|push| !push.to_string().contains("ban")), "{pushed:?}");
}

#[actix_web::test]
async fn when_a_ban_ends_buyers_ask_about_the_products_again() {
    let server = TestServer::start().await;
    let seed = server.seed();
    seed.product("bike", "sam");
    for buyer in ["alice", "bob"] {
        seed.user(buyer);
    }
    ban(&server, Some(START.plus_ms(60_000).to_string())).await;
    assert_eq!(open(&server, "alice", "bike").await.status, 404);
    server.advance(Duration::from_secs(61));
    assert_eq!(open(&server, "alice", "bike").await.status, 201, "by its end");
    ban(&server, None).await;
    assert_eq!(open(&server, "bob", "bike").await.status, 404);
    assert_eq!(staff(&server, "DELETE", "/api/v1/users/sam/ban", None).await.status, 204);
    assert_eq!(open(&server, "bob", "bike").await.status, 201, "by hand");
}
