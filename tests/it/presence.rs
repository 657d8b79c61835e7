//! Presence, typing, read receipts, and the switches for each of them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Caller, Route, TestServer, database, rest::call, server::START, until, within};

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
    let (mut alice, mut sam) = server.both(id).await;
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
    let (mut alice, mut sam) = server.both(id).await;
    alice.request("typing", json!({"typing": true})).await.unwrap();
    sam.push("typing").await;
    alice.say("here it is").await;
    assert_eq!(sam.push("typing").await, typing(id, false));
    alice.request("typing", json!({"typing": false})).await.unwrap();
    assert!(sam.pushes_before_ack().await.iter().all(|push| push["event"] != "typing"), "sent once");

    // On two devices: one that dies does not end what the other does.
    let mut phone = server.ws("alice").await;
    phone.enter(id).await;
    alice.request("typing", json!({"typing": true})).await.unwrap();
    phone.request("typing", json!({"typing": true})).await.unwrap();
    assert_eq!(sam.push("typing").await, typing(id, true));
    assert_eq!(sam.push("typing").await, typing(id, true));
    drop(phone);
    until("the phone is gone", || server.metrics.sessions.get() == 2).await;
    alice.request("typing", json!({"typing": true})).await.unwrap();
    assert_eq!(sam.push("typing").await, typing(id, true));
    drop(alice);
    assert_eq!(sam.push("typing").await, typing(id, false));
}

#[actix_web::test]
async fn a_switch_counts_for_both_directions_and_at_once() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = server.both(room.id.as_str()).await;
    let off = json!({
        "presence": false, "readReceipts": false, "typing": false, "deliveryReceipts": false, "lastSeen": false,
    });
    let settings = switch(&server, "alice", off.clone()).await;
    assert_eq!(settings, off);
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
    let all = json!({
        "readReceipts": true, "typing": true, "presence": true, "deliveryReceipts": true, "lastSeen": true,
    });
    assert_eq!(call(server.addr, &token, "GET", "/api/v1/me/settings", None).await.body, all);
    switch(&server, "newcomer", json!({"typing": false, "lastSeen": false})).await;
    switch(&server, "newcomer", json!({"deliveryReceipts": false, "lastSeen": true})).await;
    let kept = call(server.addr, &token, "GET", "/api/v1/me/settings", None).await.body;
    let expected = json!({
        "readReceipts": true, "typing": false, "presence": true, "deliveryReceipts": false, "lastSeen": true,
    });
    assert_eq!(kept, expected);
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

fn there(room: &str, online: bool) -> Value {
    let mut event = json!({"roomId": room, "userId": "alice", "online": online});
    if !online {
        event["lastSeenAt"] = json!(START);
    }
    event
}

/// The other member, in the room on each wire.
async fn watchers(server: &TestServer, room: &str) -> Vec<Caller> {
    let mut watchers = Vec::new();
    for wire in Route::WIRES {
        watchers.push(Caller::entered(server, "sam", wire, room).await);
    }
    watchers
}

#[actix_web::test]
async fn presence_counts_devices_on_both_wires_and_a_crashed_one_is_gone_at_once() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let room = room.as_str();
    let mut watchers = watchers(&server, room).await;
    for order in [[0, 1, 2, 3], [3, 1, 0, 2]] {
        let mut devices = Vec::new();
        for wire in [Route::Json, Route::SocketIo, Route::Json, Route::SocketIo] {
            devices.push(Some(Caller::entered(&server, "alice", wire, room).await));
        }
        for watcher in &mut watchers {
            assert_eq!(watcher.heard().await, [("presence".to_owned(), there(room, true))], "sent once");
        }
        for (gone, place) in order.into_iter().enumerate() {
            // As when its process is killed: the kernel resets the connection.
            devices[place].take().unwrap().reset();
            until("its session has ended", || server.metrics.sessions.get() == 2 + 3 - gone as i64).await;
            let expected = if gone == 3 { vec![("presence".to_owned(), there(room, false))] } else { Vec::new() };
            for watcher in &mut watchers {
                assert_eq!(watcher.heard().await, expected, "after {gone} others");
            }
        }
    }
}

#[actix_web::test]
async fn a_device_that_vanished_without_a_word_neither_is_there_nor_types_after_its_heartbeat() {
    let server = TestServer::with(|config| {
        config.ping_interval = Duration::from_millis(150);
        config.ping_timeout = Duration::from_millis(150);
    })
    .await;
    let room = server.seed().room("alice", "bike").id;
    let room = room.as_str();
    for wire in Route::WIRES {
        let mut watchers = watchers(&server, room).await;
        let mut alice = Caller::new(&server, "alice", wire, room).await;
        alice.ask("enterRoom", json!(room)).await.unwrap();
        alice.ask("typing", json!({"typing": true})).await.unwrap();
        // Held open and never polled again: to the server this looks like a cable that was cut. The watchers go on reading.
        let watching = watchers.iter_mut().map(|watcher| async {
            assert_eq!(watcher.push("presence").await, there(room, true));
            assert_eq!(watcher.push("typing").await, typing(room, true));
            assert_eq!(watcher.push("typing").await, typing(room, false));
            assert_eq!(watcher.push("presence").await, there(room, false));
        });
        futures_util::future::join_all(watching).await;
        drop(alice);
    }
}

/// Every byte of the database and its log.
fn bytes(server: &TestServer) -> Vec<Vec<u8>> {
    let file = server.database_file();
    let log = file.with_extension("db-wal");
    [file, log].map(|path| std::fs::read(path).unwrap()).to_vec()
}

#[actix_web::test]
async fn typing_and_presence_write_nothing_but_once_per_minute_when_a_user_was_active() {
    if database::is_about_sqlite_files() {
        return;
    }
    let server = TestServer::with(|config| config.limits.requests_per_second_max = None).await;
    let room = server.seed().room("alice", "bike").id;
    let room = room.as_str();
    let mut watchers = watchers(&server, room).await;
    let (mut json, mut socket_io) = (
        Caller::entered(&server, "alice", Route::Json, room).await,
        Caller::entered(&server, "alice", Route::SocketIo, room).await,
    );
    // Those who have come are noted within a second, each for this minute.
    for viewer in ["alice", "sam"] {
        within("it is noted when they came", async {
            let path = format!("/api/v1/rooms/{room}");
            let shown = async || call(server.addr, &server.token(viewer), "GET", &path, None).await.body;
            while shown().await["other"]["lastSeenAt"] != json!(START) {}
        })
        .await;
    }
    let before = bytes(&server);
    for typing in [true, true, false] {
        for alice in [&mut json, &mut socket_io] {
            alice.ask("typing", json!({ "typing": typing })).await.unwrap();
        }
    }
    json.ask("leaveRoom", Value::Null).await.unwrap();
    for watcher in &mut watchers {
        let heard = watcher.heard().await;
        assert!(heard.iter().any(|(event, _)| event == "typing"), "{heard:?}");
    }
    assert!(bytes(&server) == before, "the database has changed");
}
