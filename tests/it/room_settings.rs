//! A member's own settings of a room: what their list, their total and their notifications make of them, and that nobody else
//! learns of them.

use std::time::Duration;

use haggle::internals::{
    config::{Secret, WebhookTarget},
    domain::WebhookEvents,
};
use serde_json::{Value, json};

use crate::support::{TestServer, WsClient, rest::call, server::SERVICE_KEY, until, webhook::Backend};

async fn get(server: &TestServer, user: &str, path: &str) -> Value {
    let answer = call(server.addr, &server.token(user), "GET", path, None).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

async fn set(server: &TestServer, user: &str, room: &str, settings: Value) -> Value {
    let path = format!("/api/v1/rooms/{room}/settings");
    let answer = call(server.addr, &server.token(user), "PATCH", &path, Some(settings)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// The rooms of a user's list, or of their archive.
async fn rooms(server: &TestServer, user: &str, query: &str) -> Vec<Value> {
    let page = get(server, user, &format!("/api/v1/rooms{query}")).await;
    page["items"].as_array().unwrap().iter().map(|room| room["id"].clone()).collect()
}

fn switched(names: &[&str]) -> Value {
    let is = |name| names.contains(&name);
    json!({"archived": is("archived"), "muted": is("muted"), "pinned": is("pinned"), "unread": is("unread")})
}

#[actix_web::test]
async fn settings_reach_ones_own_sessions_and_lists_and_nobody_else() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let [bike, lamp] = ["bike", "lamp"].map(|product| seed.room("alice", product).id.to_string());
    let mut alice = server.ws("alice").await;
    let mut own = server.ws("alice").await;
    let mut sam = server.ws("sam").await;
    for room in [&bike, &lamp] {
        alice.request("message", json!({"roomId": room, "text": "hi"})).await.unwrap();
        for client in [&mut alice, &mut own, &mut sam] {
            let update = client.push("roomUpdated").await;
            assert_eq!((&update["id"], &update["settings"]), (&json!(room), &switched(&[])));
        }
        server.advance(Duration::from_secs(1));
    }
    assert_eq!(rooms(&server, "alice", "").await, [json!(lamp), json!(bike)]);

    assert_eq!(
        set(&server, "alice", &bike, json!({"pinned": true, "muted": true})).await,
        switched(&["pinned", "muted"])
    );
    for client in [&mut alice, &mut own] {
        assert_eq!(client.push("roomUpdated").await["settings"], switched(&["pinned", "muted"]));
    }
    assert_eq!(rooms(&server, "alice", "").await, [json!(bike), json!(lamp)]);
    assert_eq!(
        get(&server, "alice", &format!("/api/v1/rooms/{bike}")).await["settings"],
        switched(&["pinned", "muted"])
    );
    assert_eq!(get(&server, "sam", &format!("/api/v1/rooms/{bike}")).await["settings"], switched(&[]));
    assert_eq!(rooms(&server, "sam", "").await, [json!(lamp), json!(bike)]);

    set(&server, "alice", &lamp, json!({"archived": true})).await;
    assert_eq!(own.push("roomUpdated").await["settings"], switched(&["archived"]));
    assert_eq!(rooms(&server, "alice", "").await, [json!(bike)]);
    assert_eq!(rooms(&server, "alice", "?archived=true").await, [json!(lamp)]);
    // The next message of the other side takes it out, and is the first that Sam's list is sent since.
    sam.request("message", json!({"roomId": lamp, "text": "hello"})).await.unwrap();
    let update = sam.push("roomUpdated").await;
    assert_eq!((&update["id"], &update["lastMessage"]["text"]), (&json!(lamp), &json!("hello")));
    assert_eq!(own.push("roomUpdated").await["settings"], switched(&[]));
    assert_eq!(rooms(&server, "alice", "?archived=true").await, Vec::<Value>::new());

    let events = call(server.addr, SERVICE_KEY, "GET", "/api/v1/events?limit=100", None).await.body;
    let of_settings =
        events["items"].as_array().unwrap().iter().filter(|event| event["event"] == "roomSettingsUpdated");
    let pinned = of_settings.map(|event| event["data"].clone()).find(|data| data["roomId"] == json!(bike));
    let expected =
        json!({"roomId": bike, "userId": "alice", "archived": false, "muted": true, "pinned": true, "unread": false});
    assert_eq!(pinned, Some(expected));
}

#[actix_web::test]
async fn what_can_not_be_is_refused_with_its_name() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id.to_string();
    let path = format!("/api/v1/rooms/{room}/settings");
    for (user, body, status, name) in [
        ("alice", json!({"archived": true, "pinned": true}), 422, "`archived` and `pinned`"),
        ("alice", json!({"muted": "yes"}), 422, "muted"),
        ("mallory", json!({"muted": true}), 403, ""),
    ] {
        let answer = call(server.addr, &server.token(user), "PATCH", &path, Some(body)).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body["detail"].as_str().unwrap().contains(name), "{answer:?}");
    }
    let answer = call(server.addr, &server.token("alice"), "GET", "/api/v1/rooms?archived=maybe", None).await;
    assert_eq!((answer.status, &answer.body["code"]), (422, &json!("invalid")));
    assert_eq!(set(&server, "alice", &room, json!({})).await, switched(&[]));
}

async fn total(client: &mut WsClient) -> Value {
    client.push("roomUpdated").await["unreadTotal"].clone()
}

#[actix_web::test]
async fn the_total_of_what_is_unread_comes_with_each_update_and_leaves_out_what_is_muted() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let [bike, lamp] = ["bike", "lamp"].map(|product| seed.room("alice", product).id.to_string());
    let mut alice = server.ws("alice").await;
    alice.request("message", json!({"roomId": bike, "text": "before he comes"})).await.unwrap();
    alice.push("roomUpdated").await;
    let mut sam = server.ws("sam").await;
    let counts = |rooms: i64, messages: i64| json!({"rooms": rooms, "messages": messages});

    alice.request("message", json!({"roomId": lamp, "text": "hi"})).await.unwrap();
    assert_eq!(total(&mut sam).await, counts(2, 2));
    alice.request("message", json!({"roomId": lamp, "text": "well?"})).await.unwrap();
    assert_eq!(total(&mut sam).await, counts(2, 3));
    assert_eq!(get(&server, "sam", "/api/v1/me/unread").await, counts(2, 3));
    sam.request("read", json!({"roomId": bike, "seq": 1})).await.unwrap();
    assert_eq!(total(&mut sam).await, counts(1, 2));

    set(&server, "sam", &lamp, json!({"muted": true})).await;
    assert_eq!(total(&mut sam).await, counts(0, 0));
    set(&server, "sam", &bike, json!({"unread": true})).await;
    assert_eq!(total(&mut sam).await, counts(1, 0));
    set(&server, "sam", &lamp, json!({"muted": false})).await;
    assert_eq!(total(&mut sam).await, counts(2, 2));
    assert_eq!(get(&server, "sam", "/api/v1/me/unread").await, counts(2, 2));
    // A mark goes when the room is read, though there was nothing to read.
    sam.request("read", json!({"roomId": bike, "seq": 1})).await.unwrap();
    assert_eq!(total(&mut sam).await, counts(1, 2));
    set(&server, "sam", &lamp, json!({"archived": true})).await;
    assert_eq!(total(&mut sam).await, counts(0, 0));
    assert_eq!(get(&server, "sam", "/api/v1/me/unread").await, counts(0, 0));
}

#[actix_web::test]
async fn a_seller_hears_of_a_room_with_its_first_message() {
    let server = TestServer::start().await;
    let seed = server.seed();
    seed.product("bike", "sam");
    let mut sam = server.ws("sam").await;
    let mut alice = server.ws("alice").await;
    let token = server.token("alice");
    let opened = call(server.addr, &token, "POST", "/api/v1/rooms", Some(json!({"productId": "bike"}))).await;
    let room = opened.body["id"].as_str().unwrap().to_owned();
    assert_eq!(alice.push("roomUpdated").await["id"], room.as_str());
    assert_eq!(rooms(&server, "alice", "").await, [json!(room)]);
    assert_eq!(rooms(&server, "sam", "").await, Vec::<Value>::new());

    alice.request("message", json!({"roomId": room, "text": "hi"})).await.unwrap();
    let update = sam.push("roomUpdated").await;
    assert_eq!((&update["id"], &update["lastMessage"]["text"]), (&json!(room), &json!("hi")), "it is the first one");
    assert_eq!(rooms(&server, "sam", "").await, [json!(room)]);
}

#[actix_web::test]
async fn the_marketplace_is_not_notified_of_what_is_unread_in_a_muted_room() {
    const AFTER: Duration = Duration::from_secs(300);
    let backend = Backend::start().await;
    let url = format!("http://{}/hook", backend.addr);
    let server = TestServer::with(move |config| {
        let secret = Secret::new("a secret of webhooks, 32 bytes or more");
        config.webhook =
            Some(WebhookTarget { url, secret, events: WebhookEvents::default(), notify_unread_after: AFTER });
    })
    .await;
    let seed = server.seed();
    let [muted, heard] = ["bike", "lamp"].map(|product| seed.room("alice", product).id.to_string());
    set(&server, "sam", &muted, json!({"muted": true})).await;
    let mut alice = server.ws("alice").await;
    for room in [&muted, &heard] {
        alice.request("message", json!({"roomId": room, "text": "hi"})).await.unwrap();
    }
    server.advance(AFTER);
    let hooks = backend.hooks(1).await;
    assert_eq!(hooks[0].body["roomId"], heard.as_str());
    until("the count", || server.metrics.notifications_delivered.get() == 1).await;
    assert_eq!(backend.count(), 1);
}
