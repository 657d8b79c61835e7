//! Knowing a room's id is not enough to enter it, under each of the three authorization policies.

use haggle::internals::{
    auth::RoomTokens,
    domain::{AuthorizePolicy, RoomId, UserId},
};
use serde_json::{Value, json};

use crate::support::{
    TestServer, WsClient,
    rest::call,
    server::{SECRET, SERVICE_KEY},
};

const POLICIES: [AuthorizePolicy; 3] =
    [AuthorizePolicy::OnEnter, AuthorizePolicy::EveryMessage, AuthorizePolicy::RoomToken];

async fn server_with(policy: AuthorizePolicy) -> TestServer {
    TestServer::with(|config| config.authorize = policy).await
}

/// A room token of a member, where room tokens decide.
fn room_token(server: &TestServer, room: &RoomId, user: &str) -> Value {
    let tokens = RoomTokens::derived_from(SECRET.as_bytes());
    json!(tokens.issue(room, &UserId::new(user).unwrap(), server.clock.now()).0)
}

#[actix_web::test]
async fn a_stranger_cannot_enter_with_the_room_id() {
    for policy in POLICIES {
        let server = server_with(policy).await;
        let room = server.seed().room("alice", "bike");
        let mut mallory = server.ws("mallory").await;
        let error = mallory.request("enterRoom", room.id.as_str()).await.unwrap_err();
        assert_eq!(error.code, "forbidden", "{policy}");
        assert!(mallory.pushes_before_ack().await.is_empty());
    }
}

#[actix_web::test]
async fn a_stranger_learns_nothing_receives_nothing_and_stores_nothing() {
    for policy in POLICIES {
        let server = server_with(policy).await;
        let room = server.seed().room("alice", "bike");
        let mut mallory = server.ws("mallory").await;
        let stolen = room_token(&server, &room.id, "alice");
        for token in [Value::Null, stolen, json!("not a token")] {
            // The same answers for a room that exists and for one that does not.
            let mut answers = Vec::new();
            for id in [room.id.as_str(), "no-such-room"] {
                let events = [
                    ("enterRoom", json!({"roomId": id, "after": 0, "token": token})),
                    ("message", json!({"roomId": id, "text": "hello", "token": token})),
                    ("typing", json!({"roomId": id, "typing": true})),
                    ("read", json!({"roomId": id, "seq": 1})),
                    ("delivered", json!({"roomId": id, "seq": 1})),
                    ("react", json!({"roomId": id, "messageId": "m", "emoji": "👍"})),
                ];
                let mut errors = Vec::new();
                for (event, data) in events {
                    errors.push(mallory.request(event, data).await.unwrap_err());
                }
                assert!(errors.iter().all(|error| error.code == "forbidden"), "{policy}: {errors:?}");
                answers.push(errors);
            }
            assert_eq!(answers[0], answers[1], "{policy}");
        }
        let mut alice = server.ws("alice").await;
        let token = room_token(&server, &room.id, "alice");
        let entered = alice.request("enterRoom", json!({"roomId": room.id, "token": token})).await.unwrap();
        assert_eq!((&entered["lastSeq"], &entered["members"][0]["readSeq"]), (&json!(0), &json!(0)));
        alice.say("just us").await;
        assert!(mallory.pushes_before_ack().await.is_empty(), "{policy}");
    }
}

#[actix_web::test]
async fn only_every_message_asks_the_database_for_each_message() {
    for policy in POLICIES {
        let server = server_with(policy).await;
        let room = server.seed().room("alice", "bike");
        let mut alice = server.ws("alice").await;
        let token = room_token(&server, &room.id, "alice");
        alice.request("enterRoom", json!({"roomId": room.id, "token": token})).await.unwrap();
        let before = server.metrics.database_reads.get();
        for _ in 0..5 {
            alice.say("hello").await;
        }
        let asked = server.metrics.database_reads.get() - before;
        assert_eq!(asked, if policy == AuthorizePolicy::EveryMessage { 5 } else { 0 }, "{policy}");
    }
}

#[actix_web::test]
async fn a_member_needs_a_room_token_where_room_tokens_decide() {
    let server = server_with(AuthorizePolicy::RoomToken).await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    assert_eq!(alice.request("enterRoom", room.id.as_str()).await.unwrap_err().code, "forbidden");
    let token = room_token(&server, &room.id, "alice");
    alice.request("enterRoom", json!({"roomId": room.id, "token": token})).await.unwrap();
    assert_eq!(alice.say("let in").await["seq"], 1);
}

#[actix_web::test]
async fn a_room_token_ends_after_five_minutes_for_sending_and_for_receiving() {
    let server = TestServer::with(|config| config.authorize = AuthorizePolicy::RoomToken).await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    let early = room_token(&server, &room.id, "alice");
    alice.request("enterRoom", json!({"roomId": room.id, "token": early})).await.unwrap();
    server.advance(std::time::Duration::from_secs(4 * 60));
    let late = room_token(&server, &room.id, "sam");
    sam.request("enterRoom", json!({"roomId": room.id, "token": late})).await.unwrap();
    server.advance(std::time::Duration::from_secs(61));

    sam.say("she should not see this").await;
    assert_eq!(alice.push("error").await["code"], "token_expired");
    assert_eq!(alice.seqs_before_ack().await, Vec::<i64>::new());
    let data = json!({"roomId": room.id, "text": "too late", "token": early});
    assert_eq!(alice.request("message", data).await.unwrap_err().code, "token_expired");
    let data = json!({"roomId": room.id, "token": room_token(&server, &room.id, "alice"), "after": 0});
    let back = alice.request("enterRoom", data).await.unwrap();
    assert_eq!(back["messages"].as_array().unwrap().len(), 1);
}

async fn say_as_marketplace(server: &TestServer, room: &RoomId, text: &str) {
    let path = format!("/api/v1/rooms/{room}/messages");
    let said = call(server.addr, SERVICE_KEY, "POST", &path, Some(json!({ "text": text }))).await;
    assert_eq!(said.status, 201, "{said:?}");
}

#[actix_web::test]
async fn under_every_message_a_change_behind_haggles_back_counts_from_the_next_event_on() {
    let server = server_with(AuthorizePolicy::EveryMessage).await;
    let seed = server.seed();
    let room = seed.room("alice", "bike");
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(room.id.as_str()).await;
    sam.enter(room.id.as_str()).await;
    alice.say("first").await;

    seed.delete_user_behind_the_server("alice");
    assert_eq!(alice.request("message", "second").await.unwrap_err().code, "forbidden");
    let refused = sam.request("message", "for nobody").await.unwrap_err();
    assert_eq!(refused.code, "blocked", "nobody is there any more");
    say_as_marketplace(&server, &room.id, "for sam alone").await;
    assert_eq!(sam.push("message").await["seq"], 1);
    assert_eq!(sam.push("message").await["text"], "for sam alone");
    assert_eq!(alice.seqs_before_ack().await, [1]);
}

#[actix_web::test]
async fn events_of_one_sender_keep_their_order_under_every_message() {
    let server = TestServer::with(|config| {
        config.authorize = AuthorizePolicy::EveryMessage;
        config.limits.sends_per_second_max = None;
    })
    .await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;
    let mut pending = Vec::new();
    for place in 1..=200 {
        pending.push((place, alice.start("message", format!("{place}")).await));
    }
    for (place, request) in pending {
        let stored = alice.answer(request).await.unwrap();
        assert_eq!((&stored["seq"], &stored["text"]), (&json!(place), &json!(place.to_string())));
    }
}

#[actix_web::test]
async fn deleting_a_user_takes_their_live_sessions_out_of_rooms_at_once() {
    for policy in POLICIES {
        let server = server_with(policy).await;
        let room = server.seed().room("alice", "bike");
        let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
        for (client, user) in [(&mut alice, "alice"), (&mut sam, "sam")] {
            let data = json!({"roomId": room.id, "token": room_token(&server, &room.id, user)});
            client.request("enterRoom", data).await.unwrap();
        }
        let answer = call(server.addr, SERVICE_KEY, "DELETE", "/api/v1/users/alice", None).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        assert_eq!(sam.push("presence").await["online"], false);
        say_as_marketplace(&server, &room.id, "for sam alone").await;
        assert_eq!(alice.push("error").await["code"], "forbidden");
        assert_eq!(alice.closed().await, Some(4003), "{policy}");

        let again = WsClient::connect(server.addr, &server.token("alice")).await.err().unwrap();
        assert_eq!((again.status, &again.body["code"]), (403, &json!("forbidden")), "{policy}");
        let entered = json!({"roomId": room.id, "token": room_token(&server, &room.id, "sam")});
        let room = sam.request("enterRoom", entered).await.unwrap();
        assert_eq!(room["messages"][0]["text"], "for sam alone", "what was said stays for the other member");
    }
}

#[actix_web::test]
async fn what_needs_no_room_token_needs_a_member_all_the_same() {
    let server = server_with(AuthorizePolicy::RoomToken).await;
    let room = server.seed().room("alice", "bike");
    server.seed().user("mallory");
    let token = room_token(&server, &room.id, "sam");
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    let mut mallory = server.ws("mallory").await;
    sam.request("enterRoom", json!({"roomId": room.id, "token": token})).await.unwrap();

    let said = sam.say("for both members' lists").await;
    assert_eq!(alice.push("roomUpdated").await["lastMessage"]["text"], "for both members' lists");
    let said = json!({"messageId": said["id"], "text": "her words"});
    assert_eq!(mallory.request("editMessage", said.clone()).await.unwrap_err().code, "not_found");
    let path = format!("/api/v1/rooms/{}/messages", room.id);
    let mine = call(server.addr, &server.token("alice"), "POST", &path, Some(json!({"text": "by REST"}))).await;
    assert_eq!(mine.status, 201);
    let edit = json!({"messageId": mine.body["id"], "text": "edited from outside the room"});
    alice.request("editMessage", edit).await.unwrap();
    alice.request("deleteMessage", json!({"messageId": mine.body["id"]})).await.unwrap();
    assert!(mallory.pushes_before_ack().await.is_empty());

    for (event, data) in [
        ("enterRoom", json!({"roomId": room.id})),
        ("message", json!({"roomId": room.id, "text": "hello"})),
        ("typing", json!({"roomId": room.id, "typing": true})),
        ("read", json!({"roomId": room.id, "seq": 1})),
        ("offer", json!({"roomId": room.id, "amount": 1, "currency": "KRW"})),
        ("react", json!({"roomId": room.id, "messageId": said["messageId"], "emoji": "👍"})),
    ] {
        assert_eq!(alice.request(event, data).await.unwrap_err().code, "forbidden", "{event}");
    }
    // What a device says by itself about what its list was sent.
    let arrived = json!({"roomId": room.id, "seq": 1});
    // She has read her own second one.
    assert_eq!(alice.request("delivered", arrived.clone()).await.unwrap(), json!({"deliveredSeq": 2}));
    assert_eq!(mallory.request("delivered", arrived).await.unwrap_err().code, "forbidden");
}

#[actix_web::test]
async fn a_member_of_the_staff_needs_a_room_token_in_a_room_of_their_own_like_anybody() {
    let server = server_with(AuthorizePolicy::RoomToken).await;
    let room = server.seed().room("alice", "bike");
    let mut alice = WsClient::connect(server.addr, &server.staff_token("alice")).await.unwrap();
    let said = json!({"roomId": room.id, "text": "hello"});
    for (event, data) in [("enterRoom", json!(room.id)), ("message", said)] {
        assert_eq!(alice.request(event, data).await.unwrap_err().code, "forbidden", "{event}");
    }
    let token = room_token(&server, &room.id, "alice");
    alice.request("enterRoom", json!({"roomId": room.id, "token": token})).await.unwrap();
    let said = alice.say("as the buyer that she is").await;
    assert_eq!((&said["seq"], said.get("sender")), (&json!(1), None));
}

#[actix_web::test]
async fn entering_again_without_a_token_neither_prolongs_nor_ends_what_a_token_allows() {
    let server = server_with(AuthorizePolicy::RoomToken).await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    let token = room_token(&server, &room.id, "alice");
    alice.request("enterRoom", json!({"roomId": room.id, "token": token})).await.unwrap();
    alice.enter(room.id.as_str()).await;
    assert_eq!(alice.say("still allowed").await["seq"], 1);

    server.advance(std::time::Duration::from_secs(5 * 60 + 1));
    let token = room_token(&server, &room.id, "sam");
    sam.request("enterRoom", json!({"roomId": room.id, "token": token})).await.unwrap();
    sam.say("she should not see this").await;
    assert_eq!(alice.push("error").await["code"], "token_expired");
    assert_eq!(alice.seqs_before_ack().await, [1]);
}
