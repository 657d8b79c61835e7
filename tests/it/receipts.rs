//! How far messages have reached the other member's devices, and when they were last active: what is sent of it, to whom, and the
//! switch of each.

use std::time::Duration;

use haggle::internals::domain::Timestamp;
use serde_json::{Value, json};

use crate::support::{
    Caller, Route, TestServer,
    rest::call,
    server::{SERVICE_KEY, START},
    until, within,
};

async fn set(server: &TestServer, user: &str, settings: Value) {
    let answer = call(server.addr, &server.token(user), "PATCH", "/api/v1/me/settings", Some(settings)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// A room as it stands in a member's list.
async fn room_of(server: &TestServer, user: &str, room: &str) -> Value {
    call(server.addr, &server.token(user), "GET", &format!("/api/v1/rooms/{room}"), None).await.body
}

/// How far the other member has come, as a list shows it.
fn marks(room: &Value) -> (i64, i64) {
    (room["other"]["deliveredSeq"].as_i64().unwrap(), room["other"]["readSeq"].as_i64().unwrap())
}

/// The marks among what was heard: whose, and how far.
fn heard_marks(heard: &[(String, Value)]) -> Vec<(String, String, i64)> {
    let marks = heard.iter().filter(|(event, _)| event == "delivered" || event == "read");
    marks
        .map(|(event, data)| {
            (event.clone(), data["userId"].as_str().unwrap().to_owned(), data["seq"].as_i64().unwrap())
        })
        .collect()
}

fn mark(event: &str, user: &str, seq: i64) -> (String, String, i64) {
    (event.to_owned(), user.to_owned(), seq)
}

fn minute(minutes: i64) -> Value {
    json!(START.plus_ms(minutes * 60_000))
}

#[actix_web::test]
async fn each_way_in_says_what_has_arrived_and_both_wires_hear_it_once() {
    let server = TestServer::start().await;
    for (place, route) in Route::ALL.into_iter().enumerate() {
        let room = server.seed().room("alice", &format!("product-{place}")).id;
        let room = room.as_str();
        let mut listeners = Vec::new();
        for user in ["alice", "sam"] {
            for wire in Route::WIRES {
                listeners.push(Caller::entered(&server, user, wire, room).await);
            }
        }
        for _ in 0..3 {
            listeners[0].ask("message", json!({"roomId": room, "text": "hello"})).await.unwrap();
        }
        for listener in &mut listeners {
            listener.heard().await;
        }
        // Entered nothing: it is about any room of theirs.
        let mut phone = Caller::new(&server, "sam", route, room).await;
        for (seq, now) in [(2, 2), (1, 2), (2, 2), (99, 3), (99, 3)] {
            let answer = phone.ask("delivered", json!({"roomId": room, "seq": seq})).await.unwrap();
            assert_eq!(answer, json!({"deliveredSeq": now}), "{route:?}: {seq}");
        }
        for listener in &mut listeners {
            let heard = heard_marks(&listener.heard().await);
            assert_eq!(heard, [mark("delivered", "sam", 2), mark("delivered", "sam", 3)], "{route:?}: each once");
        }
        let entered = listeners[0].ask("enterRoom", json!({"roomId": room})).await.unwrap();
        let (alice, sam) = (&entered["members"][0], &entered["members"][1]);
        assert_eq!((&sam["deliveredSeq"], &sam["readSeq"]), (&json!(3), &json!(0)));
        // What one has said oneself one has read.
        assert_eq!((&alice["deliveredSeq"], &alice["readSeq"]), (&json!(3), &json!(3)));
        assert_eq!(marks(&room_of(&server, "alice", room).await), (3, 0));
        assert_eq!(room_of(&server, "sam", room).await["deliveredSeq"], 3);

        phone.ask("read", json!({"roomId": room, "seq": 1})).await.unwrap();
        assert_eq!(marks(&room_of(&server, "alice", room).await), (3, 1), "the one does not move the other");
        listeners[0].ask("message", json!({"roomId": room, "text": "once more"})).await.unwrap();
        phone.ask("read", json!({"roomId": room, "seq": 4})).await.unwrap();
        assert_eq!(marks(&room_of(&server, "alice", room).await), (4, 4), "what was read has been delivered");
        let answer = phone.ask("delivered", json!({"roomId": room, "seq": 4})).await.unwrap();
        assert_eq!(answer, json!({"deliveredSeq": 4}));
        let heard = heard_marks(&listeners[0].heard().await);
        assert_eq!(heard, [mark("read", "sam", 1), mark("read", "sam", 4)], "and is not said twice");
    }
}

#[actix_web::test]
async fn the_list_of_the_one_who_spoke_last_is_sent_what_was_delivered_and_nobody_elses() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.request("message", json!({"roomId": room, "text": "hello"})).await.unwrap();
    for client in [&mut alice, &mut sam] {
        let update = client.push("roomUpdated").await;
        assert_eq!(marks(&update).0, i64::from(update["other"]["id"] == "alice"));
    }
    sam.request("delivered", json!({"roomId": room, "seq": 1})).await.unwrap();
    let update = alice.push("roomUpdated").await;
    assert_eq!((marks(&update), &update["lastSeq"]), ((1, 0), &json!(1)));
    // Sam's own list shows nothing of it, and he is in no room: the next that he is sent is of what he says.
    sam.request("message", json!({"roomId": room, "text": "yes?"})).await.unwrap();
    assert_eq!(sam.push("roomUpdated").await["lastSeq"], 2);
    let update = alice.push("roomUpdated").await;
    assert_eq!((marks(&update), &update["lastSeq"]), ((2, 2), &json!(2)), "who answers has read");
}

#[actix_web::test]
async fn with_delivery_receipts_off_neither_sends_them_nor_sees_them() {
    let server = TestServer::start().await;
    for who_is_off in ["alice", "sam"] {
        let room = server.seed().room("alice", &format!("product-{who_is_off}")).id;
        let room = room.as_str();
        set(&server, who_is_off, json!({"deliveryReceipts": false})).await;
        let mut alice = Caller::entered(&server, "alice", Route::Json, room).await;
        let mut sam = Caller::entered(&server, "sam", Route::SocketIo, room).await;
        let mut phone = Caller::entered(&server, "sam", Route::Json, room).await;
        for _ in 0..2 {
            alice.ask("message", json!({"roomId": room, "text": "hello"})).await.unwrap();
        }
        alice.heard().await;
        phone.heard().await;
        sam.ask("delivered", json!({"seq": 1})).await.unwrap();
        assert_eq!(heard_marks(&alice.heard().await), []);
        assert_eq!(heard_marks(&phone.heard().await), [mark("delivered", "sam", 1)], "one's own devices");
        assert_eq!(marks(&room_of(&server, "alice", room).await), (0, 0));
        let entered = alice.ask("enterRoom", json!({"roomId": room})).await.unwrap();
        assert_eq!(entered["members"][1]["deliveredSeq"], 0);
        // Reading has a switch of its own.
        sam.ask("read", json!({"seq": 2})).await.unwrap();
        assert_eq!(heard_marks(&alice.heard().await), [mark("read", "sam", 2)]);
        assert_eq!(marks(&room_of(&server, "alice", room).await), (0, 2));
        set(&server, who_is_off, json!({"deliveryReceipts": true})).await;
        assert_eq!(marks(&room_of(&server, "alice", room).await), (2, 2), "from then on they share it");
    }
}

#[actix_web::test]
async fn with_read_receipts_off_what_is_read_shows_as_delivered_alone() {
    let server = TestServer::start().await;
    for who_is_off in ["alice", "sam"] {
        let room = server.seed().room("alice", &format!("product-{who_is_off}")).id;
        let room = room.as_str();
        set(&server, who_is_off, json!({"readReceipts": false})).await;
        let mut alice = Caller::entered(&server, "alice", Route::SocketIo, room).await;
        let mut sam = Caller::entered(&server, "sam", Route::Json, room).await;
        for _ in 0..3 {
            alice.ask("message", json!({"roomId": room, "text": "hello"})).await.unwrap();
        }
        alice.heard().await;
        sam.ask("read", json!({"seq": 2})).await.unwrap();
        assert_eq!(heard_marks(&alice.heard().await), [mark("delivered", "sam", 2)]);
        assert_eq!(marks(&room_of(&server, "alice", room).await), (2, 0));
        // Delivered first, and read then: nothing shows when.
        sam.ask("delivered", json!({"seq": 3})).await.unwrap();
        sam.ask("read", json!({"seq": 3})).await.unwrap();
        assert_eq!(heard_marks(&alice.heard().await), [mark("delivered", "sam", 3)]);
        assert_eq!(marks(&room_of(&server, "alice", room).await), (3, 0));
        set(&server, who_is_off, json!({"readReceipts": true})).await;
    }
}

#[actix_web::test]
async fn a_mark_outlives_the_server_and_is_refused_where_it_is_nobodys() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    server.seed().messages(&room, "alice", 5);
    let path = format!("/api/v1/rooms/{room}/delivered");
    let put = async |user: &str, path: &str, body: Value| {
        call(server.addr, &server.token(user), "PUT", path, Some(body)).await
    };
    assert_eq!(put("sam", &path, json!({"seq": 3})).await.body, json!({"deliveredSeq": 3}));
    // Nobody is in the room: it was in memory for the moment, and is read again.
    until("the room is let go", || server.metrics.rooms.get() == 0).await;
    assert_eq!(put("sam", &path, json!({"seq": 1})).await.body, json!({"deliveredSeq": 3}));
    for (user, path, body, status) in [
        ("mallory", &*path, json!({"seq": 1}), 403),
        ("sam", "/api/v1/rooms/no-such-room/delivered", json!({"seq": 1}), 403),
        ("sam", &*path, json!({"seq": -1}), 422),
        ("sam", &*path, json!({"seq": "x"}), 422),
        ("sam", &*path, json!({}), 422),
    ] {
        let answer = put(user, path, body.clone()).await;
        assert_eq!(answer.status, status, "{user} {body}: {}", answer.body);
    }
    let mut mallory = server.ws("mallory").await;
    for (data, code) in [(json!({"roomId": room, "seq": 1}), "forbidden"), (json!({"seq": 1}), "not_in_room")] {
        assert_eq!(mallory.request("delivered", data).await.unwrap_err().code, code);
    }
    let error = mallory.request("delivered", json!({"roomId": room, "seq": -1})).await.unwrap_err();
    assert!(error.code == "invalid" && error.message.contains("`seq`"), "{}", error.message);
}

/// A server that may be asked over and over what it has stored.
async fn asked_often() -> TestServer {
    TestServer::with(|config| config.limits.requests_per_second_max = None).await
}

/// Waits until the database has it: a room as a list shows it.
async fn until_seen(server: &TestServer, viewer: &str, room: &str, at: &Value) {
    within("it is stored when they were last active", async {
        while room_of(server, viewer, room).await["other"]["lastSeenAt"] != *at {}
    })
    .await;
}

#[actix_web::test]
async fn who_is_not_there_was_last_seen_to_the_minute() {
    let server = asked_often().await;
    let room = server.seed().room("alice", "bike").id;
    let room = room.as_str();
    for (round, wire) in Route::WIRES.into_iter().enumerate() {
        let before = i64::try_from(round).unwrap() * 10;
        let mut sam = Caller::entered(&server, "sam", wire, room).await;
        let entered = sam.ask("enterRoom", json!({"roomId": room})).await.unwrap();
        let seen = (round > 0).then(|| minute(before - 5));
        assert_eq!(entered["members"][0].get("lastSeenAt"), seen.as_ref(), "never seen, or in the round before");
        let mut alice = Caller::entered(&server, "alice", wire, room).await;
        let entered = alice.ask("enterRoom", json!({"roomId": room})).await.unwrap();
        for member in entered["members"].as_array().unwrap() {
            assert!(member["online"] == true && member.get("lastSeenAt").is_none(), "{member}");
        }
        sam.heard().await;
        server.advance(Duration::from_secs(150));
        // Says nothing, and goes: she was there until now.
        alice.ask("leaveRoom", json!({"roomId": room})).await.unwrap();
        let gone = sam.push("presence").await;
        assert_eq!(gone, json!({"roomId": room, "userId": "alice", "online": false, "lastSeenAt": minute(before + 2)}));
        until_seen(&server, "sam", room, &minute(before + 2)).await;
        // Active elsewhere, in no room of theirs.
        server.advance(Duration::from_secs(150));
        alice.ask("leaveRoom", json!("nowhere")).await.unwrap();
        until_seen(&server, "sam", room, &minute(before + 5)).await;
        let entered = sam.ask("enterRoom", json!({"roomId": room})).await.unwrap();
        assert_eq!(entered["members"][0]["lastSeenAt"], minute(before + 5));
        alice.reset();
        until("her session has ended", || server.metrics.sessions.get() == 1).await;
        server.advance(Duration::from_secs(300));
    }
}

#[actix_web::test]
async fn the_end_of_the_last_session_is_when_they_were_last_seen_and_a_device_that_receives_is_no_activity() {
    let server = asked_often().await;
    let room = server.seed().room("alice", "bike").id;
    let room = room.as_str();
    let mut sam = Caller::entered(&server, "sam", Route::Json, room).await;
    sam.ask("message", json!({"roomId": room, "text": "hello"})).await.unwrap();
    let mut alice = Caller::new(&server, "alice", Route::Json, room).await;
    alice.ask("delivered", json!({"roomId": room, "seq": 0})).await.unwrap();
    until_seen(&server, "sam", room, &minute(0)).await;
    server.advance(Duration::from_secs(600));
    alice.ask("delivered", json!({"roomId": room, "seq": 1})).await.unwrap();
    let entered = sam.ask("enterRoom", json!({"roomId": room})).await.unwrap();
    assert_eq!(entered["members"][0]["lastSeenAt"], minute(0), "a device by itself");
    // As when its process is killed.
    alice.reset();
    until_seen(&server, "sam", room, &minute(10)).await;
    assert_eq!(server.clock.now(), Timestamp(START.0 + 600_000));
}

#[actix_web::test]
async fn with_last_seen_off_neither_shows_it_nor_sees_it_and_at_once() {
    let server = asked_often().await;
    let room = server.seed().room("alice", "bike").id;
    let room = room.as_str();
    let mut sam = Caller::entered(&server, "sam", Route::SocketIo, room).await;
    let mut alice = Caller::entered(&server, "alice", Route::Json, room).await;
    alice.ask("leaveRoom", json!({"roomId": room})).await.unwrap();
    assert_eq!(sam.push("presence").await["online"], true);
    assert_eq!(sam.push("presence").await["lastSeenAt"], minute(0));
    until_seen(&server, "sam", room, &minute(0)).await;
    let gone = json!({"roomId": room, "userId": "alice", "online": false});
    for who in ["alice", "sam"] {
        set(&server, who, json!({"lastSeen": false})).await;
        assert_eq!(sam.push("presence").await, gone, "{who}");
        assert!(room_of(&server, "sam", room).await["other"].get("lastSeenAt").is_none());
        let entered = sam.ask("enterRoom", json!({"roomId": room})).await.unwrap();
        assert!(entered["members"][0].get("lastSeenAt").is_none());
        alice.ask("enterRoom", json!({"roomId": room})).await.unwrap();
        alice.ask("leaveRoom", json!({"roomId": room})).await.unwrap();
        assert_eq!(sam.push("presence").await["online"], true);
        assert_eq!(sam.push("presence").await, gone, "{who}");
        set(&server, who, json!({"lastSeen": true})).await;
        assert_eq!(sam.push("presence").await["lastSeenAt"], minute(0), "{who}");
        // Without presence nor is there anything that says as much.
        set(&server, who, json!({"presence": false})).await;
        assert_eq!(sam.push("presence").await, gone, "{who}");
        assert!(room_of(&server, "sam", room).await["other"].get("lastSeenAt").is_none());
        set(&server, who, json!({"presence": true})).await;
        assert_eq!(sam.push("presence").await["lastSeenAt"], minute(0), "{who}");
    }
}

#[actix_web::test]
async fn who_is_blocked_sees_neither_marks_nor_when_and_nor_does_anyone_of_a_deleted_user() {
    let server = asked_often().await;
    let room = server.seed().room("alice", "bike").id;
    server.seed().messages(&room, "sam", 2);
    let room = room.as_str();
    let mut alice = Caller::entered(&server, "alice", Route::Json, room).await;
    alice.ask("delivered", json!({"roomId": room, "seq": 1})).await.unwrap();
    alice.ask("leaveRoom", json!({"roomId": room})).await.unwrap();
    until_seen(&server, "sam", room, &minute(0)).await;
    assert_eq!(marks(&room_of(&server, "sam", room).await), (1, 0));
    let nothing = async |why: &str| {
        let shown = room_of(&server, "sam", room).await;
        assert_eq!((marks(&shown), shown["other"].get("lastSeenAt")), ((0, 0), None), "{why}");
        let mut sam = Caller::new(&server, "sam", Route::Json, room).await;
        let entered = sam.ask("enterRoom", json!({"roomId": room})).await.unwrap();
        let alice = &entered["members"][0];
        assert_eq!((&alice["deliveredSeq"], alice.get("lastSeenAt")), (&json!(0), None), "{why}");
    };
    for (blocker, blocked) in [("alice", "sam"), ("sam", "alice")] {
        let path = format!("/api/v1/blocks/{blocked}");
        assert_eq!(call(server.addr, &server.token(blocker), "PUT", &path, None).await.status, 201);
        nothing(&format!("{blocker} has blocked {blocked}")).await;
        assert_eq!(call(server.addr, &server.token(blocker), "DELETE", &path, None).await.status, 204);
    }
    let exported = call(server.addr, SERVICE_KEY, "GET", "/api/v1/users/alice/export", None).await;
    let Value::String(lines) = exported.body else { panic!() };
    let person: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(person["lastSeenAt"], minute(0), "it is theirs");
    assert_eq!(call(server.addr, SERVICE_KEY, "DELETE", "/api/v1/users/alice", None).await.status / 100, 2);
    nothing("a deleted user").await;
}
