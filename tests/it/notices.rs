//! A marketplace message is unread for the members to whom it is news, and for nobody else.

use haggle::internals::domain::RoomId;
use serde_json::{Value, json};

use crate::support::{Caller, Route, TestServer, rest::call, server::SERVICE_KEY};

/// How many unread messages each of these users has in each of their rooms, by the rooms' lists and one by one.
async fn unread(server: &TestServer, user: &str) -> Vec<i64> {
    let token = server.token(user);
    let list = call(server.addr, &token, "GET", "/api/v1/rooms", None).await.body;
    let mut counts = Vec::new();
    for room in list["items"].as_array().unwrap() {
        let path = format!("/api/v1/rooms/{}", room["id"].as_str().unwrap());
        let alone = call(server.addr, &token, "GET", &path, None).await.body;
        assert_eq!(room["unread"], alone["unread"]);
        counts.push(room["unread"].as_i64().unwrap());
    }
    counts.sort_unstable();
    counts
}

/// The newest `roomUpdated` of a room that shows its notice.
async fn shown(list: &mut Caller, room: &str) -> Value {
    loop {
        let update = list.push("roomUpdated").await;
        if update["roomId"] == room && update["lastMessage"]["kind"] == "system" {
            return update;
        }
    }
}

/// Alice's and Bob's rooms with Sam, and a list of each member on one wire. `are_entered` has Sam in Alice's room.
struct Scene {
    server: TestServer,
    room: String,
    alice: Caller,
    sam: Caller,
    _inside: Option<Caller>,
}

async fn scene(wire: Route, are_entered: bool) -> Scene {
    let server = TestServer::with(|config| config.limits.sends_per_second_max = None).await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id.as_str().to_owned();
    seed.room("bob", "bike");
    let alice = Caller::new(&server, "alice", wire, &room).await;
    let sam = Caller::new(&server, "sam", wire, &room).await;
    let inside = if are_entered { Some(Caller::entered(&server, "sam", wire, &room).await) } else { None };
    Scene { server, room, alice, sam, _inside: inside }
}

fn ways() -> impl Iterator<Item = (Route, bool)> {
    Route::WIRES.into_iter().flat_map(|wire| [(wire, false), (wire, true)])
}

#[actix_web::test]
async fn a_sellers_own_change_is_news_to_the_buyers_alone() {
    for (wire, are_entered) in ways() {
        let Scene { server, room, mut alice, mut sam, .. } = scene(wire, are_entered).await;
        let sold = Some(json!({"status": "sold"}));
        let token = server.token("sam");
        assert_eq!(call(server.addr, &token, "PATCH", "/api/v1/products/bike", sold).await.status, 200);
        assert_eq!(shown(&mut alice, &room).await["unread"], 1);
        let update = shown(&mut sam, &room).await;
        assert_eq!((&update["unread"], &update["lastMessage"]["data"]["about"]), (&json!(0), &json!("sam")));
        for (user, expected) in [("sam", vec![0, 0]), ("alice", vec![1]), ("bob", vec![1])] {
            assert_eq!(unread(&server, user).await, expected, "{user}");
        }
    }
}

#[actix_web::test]
async fn what_the_marketplace_does_for_a_seller_is_news_to_the_buyers_alone() {
    for method in ["PUT", "PATCH"] {
        let Scene { server, room, mut alice, mut sam, .. } = scene(Route::Json, false).await;
        let body = match method {
            "PUT" => {
                json!({"sellerId": "sam", "title": "bike", "price": 980_000, "currency": "KRW", "status": "reserved"})
            }
            _ => json!({"status": "reserved"}),
        };
        assert_eq!(call(server.addr, SERVICE_KEY, method, "/api/v1/products/bike", Some(body)).await.status, 200);
        assert_eq!(shown(&mut alice, &room).await["unread"], 1);
        assert_eq!(shown(&mut sam, &room).await["unread"], 0);
        assert_eq!((unread(&server, "sam").await, unread(&server, "bob").await), (vec![0, 0], vec![1]));
    }
}

#[actix_web::test]
async fn an_acceptance_is_news_to_the_other_member_and_to_other_buyers() {
    for (wire, are_entered) in ways() {
        // What a buyer has accepted, the seller learns in that room, and not once more in each of the others.
        let Scene { server, room, mut alice, mut sam, .. } = scene(wire, are_entered).await;
        let offer = server.seed().offer(&RoomId::new(&room).unwrap(), "sam", 7).id;
        let answer = json!({"roomId": room, "messageId": offer, "answer": "accept"});
        alice.ask("answerOffer", answer.clone()).await.unwrap();
        assert_eq!(shown(&mut alice, &room).await["unread"], 0);
        assert_eq!(shown(&mut sam, &room).await["unread"], 1);
        for (user, expected) in [("sam", vec![0, 1]), ("alice", vec![0]), ("bob", vec![1])] {
            assert_eq!(unread(&server, user).await, expected, "{user}");
        }

        let Scene { server, room, mut alice, mut sam, .. } = scene(wire, are_entered).await;
        let offer = server.seed().offer(&RoomId::new(&room).unwrap(), "alice", 7).id;
        sam.ask("answerOffer", json!({"roomId": room, "messageId": offer, "answer": "accept"})).await.unwrap();
        assert_eq!(shown(&mut alice, &room).await["unread"], 1);
        assert_eq!(shown(&mut sam, &room).await["unread"], 0);
        for (user, expected) in [("sam", vec![0, 0]), ("alice", vec![1]), ("bob", vec![1])] {
            assert_eq!(unread(&server, user).await, expected, "{user}");
        }
    }
}

#[actix_web::test]
async fn the_marketplaces_own_words_say_whom_they_are_about() {
    let Scene { server, room, mut alice, mut sam, .. } = scene(Route::SocketIo, false).await;
    let path = format!("/api/v1/rooms/{room}/messages");
    let say = async |data: Value| {
        let body = json!({"text": "Paid", "data": data});
        assert_eq!(call(server.addr, SERVICE_KEY, "POST", &path, Some(body)).await.status, 201);
    };
    say(json!({"code": "paid", "about": "alice"})).await;
    assert_eq!(
        (&shown(&mut alice, &room).await["unread"], &shown(&mut sam, &room).await["unread"]),
        (&json!(0), &json!(1))
    );
    for other in [json!({"code": "paid"}), json!({"about": "bob"}), json!({"about": ["alice"]}), json!("about")] {
        say(other).await;
    }
    assert_eq!((unread(&server, "alice").await, unread(&server, "sam").await), (vec![4], vec![0, 5]));
    // Members name nobody: their messages are for the other one.
    alice.ask("message", json!({"roomId": room, "text": "hello", "data": {"about": "sam"}})).await.unwrap();
    assert_eq!((unread(&server, "alice").await, unread(&server, "sam").await), (vec![0], vec![0, 6]));
}
