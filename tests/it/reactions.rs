//! Replies and reactions, where they are something else than another event: `two_wires`, `rest/who` and `events` have them too.

use serde_json::{Value, json};

use crate::support::{
    Caller, Route, TestServer,
    rest::{call, upload},
};

#[actix_web::test]
async fn a_reaction_is_a_change_of_its_message_alone() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let room = room.id.as_str();
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    let mut inbox = server.ws("alice").await;
    alice.enter(room).await;
    sam.enter(room).await;
    let said = alice.say("hello").await;
    assert_eq!(sam.push("message").await["id"], said["id"]);
    while inbox.push("roomUpdated").await["lastMessage"]["id"] != said["id"] {}

    let react = |emoji: Value| json!({"messageId": said["id"], "emoji": emoji});
    let stands = sam.request("react", react(json!("👍"))).await.unwrap();
    let mut expected = said.clone();
    expected["reactions"] = json!([{"userId": "sam", "emoji": "👍"}]);
    assert_eq!(stands, expected, "nothing else of the message is another");
    assert_eq!(alice.push("messageUpdated").await, expected);
    assert_eq!(sam.push("messageUpdated").await, expected);
    let listed = inbox.push("roomUpdated").await;
    assert_eq!((&listed["lastMessage"], &listed["unread"], &listed["lastSeq"]), (&expected, &json!(0), &json!(1)));

    // The same again is answered, and nobody hears of it.
    assert_eq!(sam.request("react", react(json!("👍"))).await.unwrap(), expected);
    assert!(alice.pushes_before_ack().await.iter().all(|push| push["event"] != "messageUpdated"));
    assert_eq!(sam.request("react", react(Value::Null)).await.unwrap(), said);
    assert_eq!(alice.push("messageUpdated").await, said);
    let unread = call(server.addr, &server.token("sam"), "GET", &format!("/api/v1/rooms/{room}"), None).await;
    assert_eq!(unread.body["unread"], 1, "who reacts has not read");
}

#[actix_web::test]
async fn what_is_no_emoji_and_no_reply_is_refused_by_its_field_on_every_way_in() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let room = room.id.as_str();
    for route in Route::ALL {
        let mut alice = Caller::entered(&server, "alice", route, room).await;
        let said = alice.ask("message", json!({"roomId": room, "text": "hello"})).await.unwrap();
        for emoji in [json!("ok"), json!("👍👍"), json!("❤"), json!(""), json!(7), json!("👨‍👩‍👧‍👦👨‍👩‍👧‍👦")]
        {
            let data = json!({"roomId": room, "messageId": said["id"], "emoji": emoji});
            let error = alice.ask("react", data).await.unwrap_err();
            assert!(error.code == "invalid" && error.message.contains("`emoji`"), "{route:?} {emoji}: {error:?}");
        }
        if route != Route::Rest {
            let error = alice.ask("react", json!({"roomId": room, "messageId": said["id"]})).await.unwrap_err();
            assert!(error.code == "invalid" && error.message.contains("`emoji`"), "{error:?}");
        }
        for reply_to in [json!(0), json!(-1), json!(1.5), json!("1"), json!(1000)] {
            let error =
                alice.ask("message", json!({"roomId": room, "text": "x", "replyTo": reply_to})).await.unwrap_err();
            assert!(error.code == "invalid" && error.message.contains("`replyTo`"), "{route:?} {reply_to}: {error:?}");
        }
    }
}

#[actix_web::test]
async fn a_picture_replies_too_and_a_reply_outlives_a_restart_and_what_it_replies_to() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let room = room.id.as_str();
    let mut alice = Caller::entered(&server, "alice", Route::Json, room).await;
    let said = alice.ask("message", json!({"roomId": room, "text": "which colour?"})).await.unwrap();
    let mut picture = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(64, 48).write_to(&mut picture, image::ImageFormat::Png).unwrap();
    let picture = picture.into_inner();
    let (path, token) = (format!("/api/v1/rooms/{room}/images"), server.token("sam"));
    let refused = upload(server.addr, &token, &path, &picture, &[("replyTo", "2")]).await;
    assert_eq!((refused.status, &refused.body["code"]), (422, &json!("invalid")));
    let sent = upload(server.addr, &token, &path, &picture, &[("replyTo", "1")]).await;
    assert_eq!((sent.status, &sent.body["replyTo"]), (201, &json!(1)));
    alice.ask("deleteMessage", json!({"messageId": said["id"]})).await.unwrap();
    let page = call(server.addr, &token, "GET", &format!("/api/v1/rooms/{room}/messages?after=0&limit=1"), None).await;
    assert!(page.body["items"][0]["deletedAt"].is_string());
    let kept = call(server.addr, &token, "GET", &format!("/api/v1/rooms/{room}/messages?after=1"), None).await;
    assert_eq!(kept.body["items"][0]["replyTo"], 1);
}
