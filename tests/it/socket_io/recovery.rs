//! Connection state recovery: a client that reconnects in time misses nothing, and gets nothing twice.

use std::time::Duration;

use haggle::internals::{
    auth::RoomTokens,
    domain::{RoomId, UserId},
};
use serde_json::{Value, json};

use crate::support::{
    TestServer,
    process::Launch,
    server::{SECRET, START},
    socket_io::PacketClient,
    until,
};

/// What a client of the official kind keeps: its secret, and the last string argument of any event.
struct Kept {
    pid: Value,
    offset: Value,
}

async fn connect(server: &TestServer, user: &str) -> (PacketClient, Kept) {
    let mut client = PacketClient::open(server.addr).await;
    let answer = client.join("/chat", json!({"token": server.token(user)})).await;
    let offset = client.event("/chat", "offset").await.remove(0);
    (client, Kept { pid: answer["pid"].clone(), offset })
}

/// Alice enters a room and loses her connection there.
async fn lost_in_a_room(server: &TestServer) -> (RoomId, Kept) {
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, kept) = connect(server, "alice").await;
    alice.request("/chat", "enterRoom", room.as_str()).await;
    drop(alice);
    until("the session is gone", || server.metrics.sessions.get() == 0).await;
    (room, kept)
}

async fn come_back(server: &TestServer, user: &str, kept: &Kept) -> (PacketClient, bool) {
    let mut client = PacketClient::open(server.addr).await;
    let auth = json!({"token": server.token(user), "pid": kept.pid, "offset": kept.offset});
    let answer = client.join("/chat", auth).await;
    (client, answer["pid"] == kept.pid)
}

async fn texts(client: &mut PacketClient) -> Vec<String> {
    // An answered request is the barrier: whatever was sent earlier has arrived.
    client.request("/chat", "leaveRoom", json!({"roomId": "a-room-that-nobody-enters"})).await;
    let messages = client.take_kept().into_iter().filter(|packet| packet.starts_with("42/chat,[\"message\","));
    let args = messages.map(|packet| serde_json::from_str::<Value>(packet.split_once(',').unwrap().1).unwrap());
    args.map(|args| args[1]["text"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_client_that_lost_its_transport_gets_what_it_missed_in_all_of_its_rooms() {
    let server = TestServer::start().await;
    let (bike, lamp) = (server.seed().room("alice", "bike"), server.seed().room("alice", "lamp"));
    let mut sam = server.ws("sam").await;
    sam.enter(bike.id.as_str()).await;
    sam.say("before anyone came").await;
    let (mut alice, mut kept) = connect(&server, "alice").await;
    alice.request("/chat", "enterRoom", bike.id.as_str()).await;
    alice.request("/chat", "enterRoom", lamp.id.as_str()).await;
    sam.say("live").await;
    kept.offset = alice.event("/chat", "message").await.remove(1);
    drop(alice);
    until("the transport's end is known", || server.metrics.sessions.get() == 1).await;
    for (room, text) in [(&bike, "one"), (&lamp, "two"), (&bike, "three")] {
        sam.request("message", json!({"roomId": room.id, "text": text})).await.unwrap();
    }
    let (mut alice, recovered) = come_back(&server, "alice", &kept).await;
    assert!(recovered);
    assert_eq!(texts(&mut alice).await, ["one", "two", "three"]);
    sam.say("live again").await;
    assert_eq!(alice.event("/chat", "message").await[0]["text"], "live again");
    // The last room entered is still the last one.
    assert_eq!(alice.request("/chat", "message", "in the lamp's room").await["data"]["roomId"], json!(lamp.id));
}

#[actix_web::test]
async fn recovery_works_before_any_message_was_received_and_repeats_no_history() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    server.seed().messages(&room.id, "sam", 3);
    let mut sam = server.ws("sam").await;
    sam.enter(room.id.as_str()).await;
    sam.say("in alice's history").await;
    let (mut alice, kept) = connect(&server, "alice").await;
    let entered = alice.request("/chat", "enterRoom", room.id.as_str()).await;
    assert_eq!(entered["data"]["messages"].as_array().unwrap().len(), 4);
    drop(alice);
    sam.say("missed").await;
    let (mut alice, recovered) = come_back(&server, "alice", &kept).await;
    assert!(recovered);
    assert_eq!(texts(&mut alice).await, ["missed"]);
}

#[actix_web::test]
async fn the_second_connection_takes_over_at_once_and_the_late_death_of_the_first_changes_nothing() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut sam = server.ws("sam").await;
    sam.enter(room.id.as_str()).await;
    let (mut first, kept) = connect(&server, "alice").await;
    first.request("/chat", "enterRoom", room.id.as_str()).await;
    let (mut second, recovered) = come_back(&server, "alice", &kept).await;
    assert!(recovered);
    first.expect("41/chat,").await;
    drop(first);
    sam.say("to the second alone").await;
    assert_eq!(second.event("/chat", "message").await[0]["text"], "to the second alone");
    until("the first is gone", || server.metrics.sessions.get() == 2).await;
    sam.say("still").await;
    assert_eq!(second.event("/chat", "message").await[0]["text"], "still");
    drop(second);
    let (mut third, recovered) = come_back(&server, "alice", &kept).await;
    assert!(recovered, "the first's end did not end what the second holds");
    assert_eq!(texts(&mut third).await, ["to the second alone", "still"]);
}

#[actix_web::test]
async fn nobody_takes_up_what_is_not_theirs_or_too_old_or_ended_for_good() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, kept) = connect(&server, "alice").await;
    alice.request("/chat", "enterRoom", room.id.as_str()).await;
    // Another user's secret, while its session lives and after it.
    assert!(!come_back(&server, "mallory", &kept).await.1);
    drop(alice);
    until("the session is gone", || server.metrics.sessions.get() == 0).await;
    assert!(!come_back(&server, "mallory", &kept).await.1);
    for (pid, offset) in [
        (json!("nobody's"), kept.offset.clone()),
        (json!(7), kept.offset.clone()),
        (kept.pid.clone(), json!("not a number")),
        (kept.pid.clone(), json!(null)),
    ] {
        assert!(!come_back(&server, "alice", &Kept { pid, offset }).await.1);
    }
    assert!(come_back(&server, "alice", &kept).await.1);
    until("the session is gone", || server.metrics.sessions.get() == 0).await;
    // Answered by the same actor: by then it has seen the end.
    connect(&server, "mallory").await;
    server.advance(Duration::from_secs(121));
    assert!(!come_back(&server, "alice", &kept).await.1, "too late");

    let (mut alice, kept) = connect(&server, "alice").await;
    alice.send("41/chat,").await;
    alice.send("40/inbox,{}").await;
    alice.expect("44/inbox,").await;
    drop(alice);
    assert!(!come_back(&server, "alice", &kept).await.1, "left by itself");
}

#[actix_web::test]
async fn who_lost_the_right_to_a_room_does_not_recover() {
    let server =
        TestServer::with(|config| config.authorize = haggle::internals::domain::AuthorizePolicy::RoomToken).await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, kept) = connect(&server, "alice").await;
    let tokens = RoomTokens::derived_from(SECRET.as_bytes());
    let (token, expires_at) = tokens.issue(&room.id, &UserId::new("alice").unwrap(), START.plus_ms(-290_000));
    let entered = alice.request("/chat", "enterRoom", json!({"roomId": room.id, "token": token})).await;
    assert_eq!((&entered["ok"], expires_at), (&json!(true), START.plus_ms(10_000)));
    drop(alice);
    until("the session is gone", || server.metrics.sessions.get() == 0).await;
    server.advance(Duration::from_secs(11));
    let (mut alice, recovered) = come_back(&server, "alice", &kept).await;
    assert!(!recovered);
    assert_eq!(alice.request("/chat", "enterRoom", room.id.as_str()).await["error"]["code"], "forbidden");
}

#[actix_web::test]
async fn who_was_removed_meanwhile_does_not_come_back() {
    let server = TestServer::start().await;
    let (_, kept) = lost_in_a_room(&server).await;
    server.seed().delete_user_behind_the_server("alice");
    let mut alice = PacketClient::open(server.addr).await;
    let auth = json!({"token": server.token("alice"), "pid": kept.pid, "offset": kept.offset});
    assert_eq!(alice.refused("/chat", auth).await["data"]["code"], "forbidden");
}

#[actix_web::test]
async fn who_missed_too_much_starts_anew_and_asks_room_by_room() {
    let server = TestServer::start().await;
    let (room, kept) = lost_in_a_room(&server).await;
    server.seed().messages(&room, "sam", 501);
    let (mut alice, recovered) = come_back(&server, "alice", &kept).await;
    assert!(!recovered);
    let mut seen = 0;
    loop {
        let page = alice.request("/chat", "enterRoom", json!({"roomId": room, "after": seen})).await;
        seen += page["data"]["messages"].as_array().unwrap().len();
        if page["data"]["hasMore"] == false {
            break;
        }
    }
    assert_eq!(seen, 501);
}

#[actix_web::test]
async fn a_session_is_taken_up_after_the_server_was_killed() {
    let server = Launch::new();
    let room = server.seed().room("alice", "bike");
    let running = server.start().await;
    let mut alice = PacketClient::open(running.addr).await;
    let answer = alice.join("/chat", json!({"token": running.token("alice")})).await;
    alice.event("/chat", "offset").await;
    alice.request("/chat", "enterRoom", room.id.as_str()).await;
    let mut sam = running.ws("sam").await;
    sam.enter(room.id.as_str()).await;
    sam.say("received").await;
    let offset = alice.event("/chat", "message").await.remove(1);
    sam.request("message", json!({"text": "acknowledged before the end"})).await.unwrap();
    running.kill();

    let running = server.start().await;
    let mut sam = running.ws("sam").await;
    sam.request("message", json!({"roomId": room.id, "text": "said after the start"})).await.unwrap();
    let mut alice = PacketClient::open(running.addr).await;
    let auth = json!({"token": running.token("alice"), "pid": answer["pid"], "offset": offset});
    let again = alice.join("/chat", auth).await;
    assert_eq!(again, answer, "with the same ids as before");
    assert_eq!(texts(&mut alice).await, ["acknowledged before the end", "said after the start"]);
    assert_eq!(alice.request("/chat", "message", "in the room entered before").await["data"]["seq"], 4);
}
