//! `roomUpdated`: each change of what an inbox shows reaches it, also while nobody is in the room.

use std::time::Duration;

use haggle::internals::db::{self, ImportOptions};
use serde_json::{Value, json};

use crate::support::{
    Caller, Route, TestServer, WsClient,
    rest::call,
    server::{SERVICE_KEY, START},
    socket_io::PacketClient,
};

/// A user's sessions that are in no room: one on the plain wire, and one in each namespace of Socket.IO.
struct Lists {
    plain: WsClient,
    packets: PacketClient,
}

impl Lists {
    async fn of(server: &TestServer, user: &str) -> Self {
        let token = server.token_for(user, Duration::from_secs(7 * 24 * 3600));
        let mut plain = WsClient::connect(server.addr, &token).await.unwrap();
        let mut packets = PacketClient::open(server.addr).await;
        for namespace in ["/chat", "/inbox"] {
            packets.join(namespace, json!({ "token": token })).await;
        }
        // An answer is the proof that the session is known.
        plain.pushes_before_ack().await;
        packets.events_before_ack("/chat").await;
        Self { plain, packets }
    }

    /// The next `roomUpdated`, the same for all of them.
    async fn next(&mut self) -> Value {
        let update = self.plain.push("roomUpdated").await;
        for namespace in ["/chat", "/inbox"] {
            let also = self.packets.event(namespace, "roomUpdated").await;
            assert_eq!(also, std::slice::from_ref(&update), "{namespace}");
        }
        update
    }
}

async fn service(server: &TestServer, method: &str, path: &str, body: Value) -> Value {
    let answer = call(server.addr, SERVICE_KEY, method, path, Some(body)).await;
    assert!(answer.status < 300, "{method} {path}: {answer:?}");
    answer.body
}

fn texts(update: &Value) -> (Option<&str>, i64) {
    (update["lastMessage"]["text"].as_str(), update["unread"].as_i64().unwrap())
}

#[actix_web::test]
async fn an_edit_and_a_deletion_reach_lists_while_nobody_is_in_the_room() {
    let server = TestServer::with(|config| config.limits.sends_per_second_max = None).await;
    let seed = server.seed();
    for (place, route) in Route::ALL.into_iter().enumerate() {
        let (buyer, product) = (format!("buyer-{place}"), format!("product-{place}"));
        let room = seed.room(&buyer, &product).id;
        let ids: Vec<_> = seed.messages(&room, &buyer, 4).into_iter().map(|message| message.id).collect();
        let (mut sam, mut own) = (Lists::of(&server, "sam").await, Lists::of(&server, &buyer).await);
        let mut caller = Caller::new(&server, &buyer, route, room.as_str()).await;

        let edit = |id: usize, text: &str| json!({"messageId": ids[id], "text": text});
        caller.ask("editMessage", edit(3, "better words")).await.unwrap();
        assert_eq!(texts(&sam.next().await), (Some("better words"), 4), "{route:?}");
        assert_eq!(texts(&own.next().await), (Some("better words"), 0), "{route:?}");

        // The unread count shows it, and nothing else does.
        caller.ask("deleteMessage", json!({"messageId": ids[0]})).await.unwrap();
        assert_eq!(texts(&sam.next().await), (Some("better words"), 3), "{route:?}");
        assert_eq!(texts(&own.next().await), (Some("better words"), 0), "{route:?}");

        // No list shows this one: what comes next is what comes after it.
        caller.ask("editMessage", edit(1, "words from before")).await.unwrap();
        caller.ask("deleteMessage", json!({"messageId": ids[3]})).await.unwrap();
        let update = sam.next().await;
        assert_eq!((texts(&update), update["lastMessage"]["deletedAt"].is_string()), ((None, 2), true), "{route:?}");
        assert_eq!(texts(&own.next().await), (None, 0), "{route:?}");
    }
}

#[actix_web::test]
async fn an_edit_that_no_list_shows_is_sent_to_none() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let (quiet, other) = (seed.room("alice", "bike").id, seed.room("alice", "lamp").id);
    let first = seed.messages(&quiet, "alice", 2).remove(0).id;
    let last = seed.messages(&other, "alice", 1).remove(0).id;
    let mut sam = Lists::of(&server, "sam").await;
    let mut alice = server.ws("alice").await;
    for message in [first, last] {
        alice.request("editMessage", json!({"messageId": message, "text": "other words"})).await.unwrap();
    }
    assert_eq!(sam.next().await["roomId"], json!(other));
}

fn named(update: &Value) -> (&str, &str, Option<&str>) {
    let other = &update["other"];
    (update["roomId"].as_str().unwrap(), other["name"].as_str().unwrap(), other["avatarUrl"].as_str())
}

#[actix_web::test]
async fn a_new_name_or_picture_reaches_the_other_member_of_each_room() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let mut rooms: Vec<String> = ["bike", "lamp"].map(|product| seed.room("alice", product).id.to_string()).into();
    seed.room("bob", "bike");
    rooms.sort();
    let (mut alice, mut sam) = (Lists::of(&server, "alice").await, Lists::of(&server, "sam").await);
    // One of the two is in memory.
    let mut inside = server.ws("alice").await;
    inside.enter(&rooms[0]).await;

    for (name, picture) in [("Sam B.", None), ("Sam B.", Some("/sam.png")), ("Sam", Some("/sam.png")), ("Sam", None)] {
        let stands = service(&server, "PUT", "/api/v1/users/sam", json!({"name": name, "avatarUrl": picture})).await;
        let mut updates = [alice.next().await, alice.next().await];
        updates.sort_by_key(|update| update["roomId"].as_str().unwrap().to_owned());
        for (update, room) in updates.iter().zip(&rooms) {
            assert_eq!(named(update), (room.as_str(), name, picture));
            assert_eq!(update["seller"], stands, "wherever it stands in the room");
        }
        let mut entered = [inside.push("roomUpdated").await, inside.push("roomUpdated").await];
        entered.sort_by_key(|update| update["roomId"].as_str().unwrap().to_owned());
        assert_eq!(entered, updates);
    }
    // An unchanged value is not sent, and the user whose name changed receives nothing of it: the next event is about
    // another.
    service(&server, "PUT", "/api/v1/users/sam", json!({"name": "Sam"})).await;
    service(&server, "PUT", "/api/v1/users/bob", json!({"name": "Bob"})).await;
    let update = sam.next().await;
    assert_eq!(update["other"], json!({"id": "bob", "name": "Bob", "readSeq": 0, "deliveredSeq": 0}));
    let said = json!({"roomId": rooms[1], "text": "hello"});
    inside.request("message", said).await.unwrap();
    assert_eq!(alice.next().await["lastMessage"]["text"], "hello");
}

#[actix_web::test]
async fn a_seller_with_thousands_of_rooms_is_renamed_for_those_who_are_connected() {
    const ROOMS: usize = 2000;
    let server = TestServer::start().await;
    let seed = server.seed();
    seed.product("bike", "sam");
    seed.rooms("bike", ROOMS);
    let mut buyers = Vec::new();
    for buyer in [0, 7, 999, 1999] {
        buyers.push(Lists::of(&server, &format!("buyer-{buyer}")).await);
    }
    let mut sam = Lists::of(&server, "sam").await;
    // A burst: some states in between may be coalesced, the last one is sent, and then there are no more.
    for number in 0..20 {
        service(&server, "PUT", "/api/v1/users/sam", json!({"name": format!("Sam {number}")})).await;
    }
    for buyer in &mut buyers {
        let mut updates = 1;
        while buyer.next().await["other"]["name"] != "Sam 19" {
            updates += 1;
        }
        assert!(updates <= 20, "{updates}");
    }
    // Sam's own lists are notified of none of the 2,000: the next event is a buyer's message.
    let room = call(server.addr, &server.token("buyer-7"), "GET", "/api/v1/rooms", None).await.body["items"][0].clone();
    assert_eq!(room["other"]["name"], "Sam 19");
    let mut buyer = server.ws("buyer-7").await;
    buyer.request("message", json!({"roomId": room["id"], "text": "hello"})).await.unwrap();
    assert_eq!(sam.next().await["lastMessage"]["text"], "hello");
}

#[actix_web::test]
async fn a_name_that_an_import_next_to_the_server_changes_reaches_the_other_member() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let mut alice = Lists::of(&server, "alice").await;
    let mut inside = server.ws("alice").await;
    inside.enter(room.as_str()).await;
    // Of another process, as far as the server can know; and one that is as it was.
    let lines = "{\"type\":\"user\",\"id\":\"sam\",\"name\":\"Sam of old\"}\n{\"type\":\"user\",\"id\":\"alice\",\"name\":\"alice\"}\n";
    let options = ImportOptions { now: START, shift_ms: 0 };
    db::import_str(&mut server.pool.get().unwrap(), lines, options).unwrap();
    assert_eq!(named(&alice.next().await), (room.as_str(), "Sam of old", None));
    assert_eq!(inside.enter(room.as_str()).await["room"]["seller"]["name"], "Sam of old", "in memory, too");
}

#[actix_web::test]
async fn an_erasure_reaches_the_lists_of_the_others_in_rooms_that_nobody_is_in() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let (said, silent) = (seed.room("alice", "bike").id, seed.room("alice", "lamp").id);
    seed.messages(&said, "alice", 2);
    let mut sam = Lists::of(&server, "sam").await;
    let erased = call(server.addr, SERVICE_KEY, "DELETE", "/api/v1/users/alice", None).await;
    assert_eq!(erased.status, 204);
    let mut left = vec![json!(said), json!(silent)];
    while !left.is_empty() {
        let update = sam.next().await;
        assert_eq!((&update["other"]["nameCode"], &update["closed"]), (&json!("deleted_user"), &json!(true)));
        assert_eq!(update["unread"], 0, "{update}");
        left.retain(|room| *room != update["roomId"]);
    }
}

#[actix_web::test]
async fn each_thing_that_a_list_shows_of_a_product_reaches_lists_while_nobody_is_in_the_room() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, mut sam) = (Lists::of(&server, "alice").await, Lists::of(&server, "sam").await);
    let mut product = json!({"sellerId": "sam", "title": "bike", "price": 980_000, "currency": "KRW"});
    for (field, value) in [
        ("title", json!("A blue bike")),
        ("price", json!(900_000)),
        ("imageUrl", json!("/bike.jpg")),
        ("status", json!("reserved")),
    ] {
        product[field] = value.clone();
        service(&server, "PUT", "/api/v1/products/bike", product.clone()).await;
        for list in [&mut alice, &mut sam] {
            let update = list.next().await;
            assert_eq!((&update["roomId"], &update["product"][field]), (&json!(room), &value), "{field}");
        }
    }
}

#[actix_web::test]
async fn a_block_and_its_end_reach_both_lists_while_nobody_is_in_the_room() {
    let server = TestServer::start().await;
    server.seed().room("alice", "bike");
    let (mut alice, mut sam) = (Lists::of(&server, "alice").await, Lists::of(&server, "sam").await);
    for (method, closed) in [("PUT", true), ("DELETE", false)] {
        assert!(call(server.addr, &server.token("sam"), method, "/api/v1/blocks/alice", None).await.status < 300);
        assert_eq!((&alice.next().await["closed"], &sam.next().await["closed"]), (&json!(closed), &json!(closed)));
    }
}

#[actix_web::test]
async fn an_offer_that_ends_by_itself_reaches_lists_while_nobody_is_in_the_room() {
    // As the last message, and with words after it.
    for words in [None, Some("How about it?")] {
        let server = TestServer::start().await;
        let room = server.seed().room("alice", "bike").id;
        let (mut alice, mut sam) = (Lists::of(&server, "alice").await, Lists::of(&server, "sam").await);
        let mut caller = Caller::new(&server, "alice", Route::Rest, room.as_str()).await;
        caller.ask("offer", json!({"roomId": room, "amount": 5, "currency": "KRW"})).await.unwrap();
        if let Some(text) = words {
            caller.ask("message", json!({"roomId": room, "text": text})).await.unwrap();
        }
        let kind = if words.is_some() { "text" } else { "offer" };
        for list in [&mut alice, &mut sam] {
            let mut shown = list.next().await;
            while shown["lastMessage"]["kind"] != kind {
                shown = list.next().await;
            }
            assert_eq!((&shown["offer"]["amount"], &shown["offer"]["status"]), (&json!(5), &json!("pending")));
        }
        server.advance(Duration::from_secs(48 * 60 * 60));
        for list in [&mut alice, &mut sam] {
            let shown = list.next().await;
            assert_eq!((&shown["lastMessage"]["kind"], shown.get("offer")), (&json!(kind), None));
            if words.is_none() {
                assert_eq!(shown["lastMessage"]["data"]["status"], "expired");
            }
        }
    }
}
