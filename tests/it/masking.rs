//! The masking rule on the wire and in REST: a notice, a mask, or a refusal, until an offer was accepted.

use haggle::internals::domain::MaskingPolicy;
use serde_json::{Value, json};

use crate::support::{TestServer, rest::call};

const NUMBER: &str = "제 번호는 010-1234-5678 입니다";

#[actix_web::test]
async fn both_members_see_a_notice_and_the_words_stay() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(room.id.as_str()).await;
    sam.enter(room.id.as_str()).await;

    let stored = alice.say(NUMBER).await;
    assert_eq!((&stored["text"], &stored["warnings"]), (&json!(NUMBER), &json!(["phone"])));
    assert_eq!(sam.push("message").await, stored);
    let harmless = alice.say("980,000원, 256GB, 1588-0000").await;
    assert!(harmless.get("warnings").is_none());
    assert_eq!(sam.push("message").await, harmless);
    assert_eq!(server.ws("sam").await.enter(room.id.as_str()).await["messages"][0], stored, "in the history, too");

    let edit = json!({"messageId": harmless["id"], "text": "hong@naver.com 또는 open.kakao.com/o/abc"});
    assert_eq!(alice.request("editMessage", edit).await.unwrap()["warnings"], json!(["email", "messenger"]));
    assert_eq!(sam.push("messageUpdated").await["warnings"], json!(["email", "messenger"]));
    let deleted = alice.request("deleteMessage", json!({"messageId": harmless["id"]})).await.unwrap();
    assert!(deleted.get("warnings").is_none());
}

#[actix_web::test]
async fn a_contact_is_stored_masked_on_every_wire() {
    let server = TestServer::with(|config| config.masking = MaskingPolicy::Mask).await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;

    assert_eq!(alice.say(NUMBER).await["text"], "제 번호는 ●●●-●●●●-●●●● 입니다");
    // Split over the wire and REST: the sender is the same.
    alice.say("010").await;
    let path = format!("/api/v1/rooms/{}/messages", room.id);
    let token = server.token("alice");
    let mut last = Value::Null;
    for text in ["1234", "5678"] {
        last = call(server.addr, &token, "POST", &path, Some(json!({"text": text}))).await.body;
    }
    assert_eq!((&last["text"], &last["warnings"]), (&json!("●●●●"), &json!(["phone"])));
}

#[actix_web::test]
async fn a_contact_is_refused_until_an_offer_was_accepted() {
    let server = TestServer::with(|config| config.masking = MaskingPolicy::Block).await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;
    let path = format!("/api/v1/rooms/{}/messages", room.id);
    let token = server.token("alice");

    let error = alice.request("message", NUMBER).await.unwrap_err();
    assert_eq!(error.code, "invalid");
    assert!(error.message.contains("phone number") && !error.message.contains("1234"), "{}", error.message);
    let answer = call(server.addr, &token, "POST", &path, Some(json!({"text": NUMBER}))).await;
    assert_eq!((answer.status, &answer.body["code"]), (422, &json!("invalid")));
    let stored = alice.say("hello").await;
    assert_eq!(stored["seq"], 1, "a refused message leaves no hole");
    let edit = json!({"messageId": stored["id"], "text": NUMBER});
    assert_eq!(alice.request("editMessage", edit).await.unwrap_err().code, "invalid");

    server.seed().allow_contact(&room.id);
    let stored = alice.say(NUMBER).await;
    assert_eq!((&stored["text"], stored.get("warnings")), (&json!(NUMBER), None));
}
