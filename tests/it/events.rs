//! Events: a backend that was down catches up by itself, in order, without a hole.

use std::{collections::BTreeSet, io::Cursor, time::Duration};

use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

use crate::support::{
    TestServer,
    rest::{self, Answer},
    server::{SERVICE_KEY, START},
};

/// A member of the staff.
const MODERATOR: &str = "mod-1";

async fn events(server: &TestServer, query: &str) -> Answer {
    rest::call(server.addr, SERVICE_KEY, "GET", &format!("/api/v1/events{query}"), None).await
}

fn names(page: &Answer) -> Vec<&str> {
    page.body["items"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn every_committed_change_is_published_in_order_on_whatever_wire_it_came() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let before = events(&server, "").await;
    assert_eq!(names(&before), ["userUpdated", "productUpdated", "userUpdated", "roomOpened"]);
    assert_eq!(before.body["items"][3]["data"]["id"], json!(room.id));
    let start = before.body["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(names(&events(&server, &format!("?after={start}")).await), Vec::<&str>::new());

    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(room.id.as_str()).await;
    sam.enter(room.id.as_str()).await;
    let stored = alice.say("helo").await;
    sam.request("read", json!({"seq": 1})).await.unwrap();
    let edited = alice.request("editMessage", json!({"messageId": stored["id"], "text": "hello"})).await.unwrap();
    let sold = json!({"status": "sold"});
    rest::call(server.addr, &server.token("sam"), "PATCH", "/api/v1/products/bike", Some(sold)).await;

    let page = events(&server, &format!("?after={start}")).await;
    assert_eq!(names(&page), ["message", "read", "messageUpdated", "message", "productUpdated"]);
    let data: Vec<&Value> = page.body["items"].as_array().unwrap().iter().map(|event| &event["data"]).collect();
    // As it now stands, in both places.
    assert_eq!((data[0], data[2]), (&edited, &edited));
    assert_eq!(data[1], &json!({"roomId": room.id, "userId": "sam", "seq": 1}));
    assert_eq!((&data[3]["kind"], &data[4]["status"]), (&json!("system"), &json!("sold")));

    // One by one it is the same.
    let (mut after, mut seen) = (start, Vec::new());
    loop {
        let page = events(&server, &format!("?after={after}&limit=1")).await;
        seen.extend(page.body["items"].as_array().unwrap().clone());
        after = page.body["nextCursor"].as_str().unwrap().to_owned();
        if page.body["hasMore"] == false {
            break;
        }
    }
    assert_eq!(json!(seen), page.body["items"]);
    assert_eq!(seen.last().unwrap()["cursor"], json!(after));
}

/// A route that may change something.
struct Change {
    route: (&'static str, &'static str),
    /// The path, with the room in place of `ROOM`.
    path: &'static str,
    /// `None` for the marketplace itself.
    user: Option<&'static str>,
    body: Value,
    events: &'static [&'static str],
    /// When the same is asked for again.
    again: &'static [&'static str],
}

/// Every route that may change something, in an order in which each of them does.
#[expect(clippy::too_many_lines, reason = "a table: one row per route")]
fn changes() -> Vec<Change> {
    let change = |route, path, user, body, events: &'static [&'static str], again: &'static [&'static str]| Change {
        route,
        path,
        user,
        body,
        events,
        again,
    };
    let (alice, sam) = (Some("alice"), Some("sam"));
    let note = || json!({"text": "a note"});
    let mute = json!({"decision": "upheld", "muteUntil": START.plus_ms(3_600_000)});
    let (users, products) = ("/api/v1/users/{id}", "/api/v1/products/{id}");
    let messages = "/api/v1/rooms/{id}/messages/{messageId}";
    vec![
        change(("PUT", users), "/api/v1/users/zoe", None, json!({"name": "Zoe"}), &["userUpdated"], &[]),
        change(
            ("PUT", products),
            "/api/v1/products/lamp",
            None,
            json!({"sellerId": "sam", "title": "A lamp"}),
            &["productUpdated"],
            &[],
        ),
        change(
            ("PATCH", products),
            "/api/v1/products/lamp",
            None,
            json!({"status": "reserved"}),
            &["productUpdated"],
            &[],
        ),
        change(("POST", "/api/v1/rooms"), "/api/v1/rooms", alice, json!({"productId": "lamp"}), &["roomOpened"], &[]),
        change(
            ("POST", "/api/v1/rooms/{id}/messages"),
            "/api/v1/rooms/ROOM/messages",
            alice,
            json!({"text": "hello", "clientId": "m"}),
            &["message"],
            &[],
        ),
        change(("POST", "/api/v1/rooms/{id}/images"), "/api/v1/rooms/ROOM/images", alice, json!({}), &["message"], &[]),
        // Another edit is another time of it, whatever the words.
        change(
            ("PATCH", messages),
            "/api/v1/rooms/ROOM/messages/MESSAGE",
            alice,
            json!({"text": "better"}),
            &["messageUpdated"],
            &["messageUpdated"],
        ),
        change(
            ("PUT", "/api/v1/rooms/{id}/messages/{messageId}/reaction"),
            "/api/v1/rooms/ROOM/messages/MESSAGE/reaction",
            sam,
            json!({"emoji": "👍"}),
            &["messageUpdated"],
            &[],
        ),
        change(
            ("DELETE", "/api/v1/rooms/{id}/messages/{messageId}/reaction"),
            "/api/v1/rooms/ROOM/messages/MESSAGE/reaction",
            sam,
            Value::Null,
            &["messageUpdated"],
            &[],
        ),
        change(
            ("DELETE", messages),
            "/api/v1/rooms/ROOM/messages/MESSAGE",
            alice,
            Value::Null,
            &["messageUpdated"],
            &[],
        ),
        // How far messages have reached a device is the two members' own.
        change(
            ("PUT", "/api/v1/rooms/{id}/delivered"),
            "/api/v1/rooms/ROOM/delivered",
            sam,
            json!({"seq": 1}),
            &[],
            &[],
        ),
        change(("PUT", "/api/v1/rooms/{id}/read"), "/api/v1/rooms/ROOM/read", sam, json!({"seq": 1}), &["read"], &[]),
        change(
            ("PATCH", "/api/v1/rooms/{id}/settings"),
            "/api/v1/rooms/ROOM/settings",
            sam,
            json!({"archived": true}),
            &["roomSettingsUpdated"],
            &[],
        ),
        // Where a user is notified is nobody else's affair.
        change(
            ("POST", "/api/v1/me/push-subscriptions"),
            "/api/v1/me/push-subscriptions",
            alice,
            json!({"endpoint": "https://push.example/1", "keys": {
                "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
                "auth": "BTBZMqHH6r4Tts7J_aSIgg",
            }}),
            &[],
            &[],
        ),
        change(
            ("DELETE", "/api/v1/me/push-subscriptions/{id}"),
            "/api/v1/me/push-subscriptions/PUSH",
            alice,
            Value::Null,
            &[],
            &[],
        ),
        // Known to those alone who have it.
        change(("POST", "/api/v1/rooms/{id}/token"), "/api/v1/rooms/ROOM/token", alice, Value::Null, &[], &[]),
        change(
            ("POST", "/api/v1/rooms/{id}/offers/{messageId}/answer"),
            "/api/v1/rooms/ROOM/offers/OFFER/answer",
            sam,
            json!({"answer": "decline"}),
            &["read", "messageUpdated", "offerUpdated"],
            &[],
        ),
        change(
            ("POST", "/api/v1/rooms/{id}/offers"),
            "/api/v1/rooms/ROOM/offers",
            alice,
            json!({"amount": 5, "currency": "KRW", "clientId": "o"}),
            &["message", "offerUpdated"],
            &[],
        ),
        change(
            ("PATCH", "/api/v1/me/settings"),
            "/api/v1/me/settings",
            sam,
            json!({"typing": false}),
            &["settingsUpdated"],
            &[],
        ),
        change(("PUT", "/api/v1/blocks/{userId}"), "/api/v1/blocks/sam", alice, Value::Null, &["blockUpdated"], &[]),
        change(("DELETE", "/api/v1/blocks/{userId}"), "/api/v1/blocks/sam", alice, Value::Null, &["blockUpdated"], &[]),
        change(
            ("POST", "/api/v1/reports"),
            "/api/v1/reports",
            alice,
            json!({"roomId": "ROOM", "category": "scam", "text": "Wants me to pay outside"}),
            &["reportCreated"],
            &[],
        ),
        change(
            ("PATCH", "/api/v1/reports/{id}"),
            "/api/v1/reports/REPORT",
            None,
            mute,
            &["reportDecided", "muteUpdated"],
            &[],
        ),
        change(
            ("POST", "/api/v1/users/{id}/disconnect"),
            "/api/v1/users/sam/disconnect",
            None,
            Value::Null,
            &["sessionsEnded"],
            &["sessionsEnded"],
        ),
        change(
            ("PUT", "/api/v1/users/{id}/mute"),
            "/api/v1/users/zoe/mute",
            None,
            json!({"until": "2999-01-01T00:00:00.000Z", "reason": "a test"}),
            &["muteUpdated"],
            &[],
        ),
        change(
            ("DELETE", "/api/v1/users/{id}/mute"),
            "/api/v1/users/zoe/mute",
            None,
            Value::Null,
            &["muteUpdated"],
            &[],
        ),
        change(
            ("PUT", "/api/v1/users/{id}/ban"),
            "/api/v1/users/zoe/ban",
            None,
            json!({"reason": "a test"}),
            &["banUpdated", "sessionsEnded"],
            &["sessionsEnded"],
        ),
        change(("DELETE", "/api/v1/users/{id}/ban"), "/api/v1/users/zoe/ban", None, Value::Null, &["banUpdated"], &[]),
        change(
            ("PUT", "/api/v1/rooms/{id}/freeze"),
            "/api/v1/rooms/ROOM/freeze",
            None,
            json!({"reason": "a test"}),
            &["freezeUpdated"],
            &[],
        ),
        change(
            ("DELETE", "/api/v1/rooms/{id}/freeze"),
            "/api/v1/rooms/ROOM/freeze",
            None,
            Value::Null,
            &["freezeUpdated"],
            &[],
        ),
        change(
            ("POST", "/api/v1/rooms/{id}/warnings"),
            "/api/v1/rooms/ROOM/warnings",
            None,
            json!({"userId": "alice", "template": "scam", "reason": "a test"}),
            &["message"],
            &["message"],
        ),
        change(
            ("PUT", "/api/v1/products/{id}/unlisted"),
            "/api/v1/products/lamp/unlisted",
            None,
            json!({"reason": "a test"}),
            &["productUpdated"],
            &[],
        ),
        change(
            ("DELETE", "/api/v1/products/{id}/unlisted"),
            "/api/v1/products/lamp/unlisted",
            None,
            Value::Null,
            &["productUpdated"],
            &[],
        ),
        // That they came and went are messages of the room; the room itself is another afterwards.
        change(
            ("POST", "/api/v1/rooms/{id}/join"),
            "/api/v1/rooms/ROOM/join",
            Some(MODERATOR),
            json!({"reason": "a dispute"}),
            &["message", "userUpdated"],
            &[],
        ),
        change(
            ("POST", "/api/v1/rooms/{id}/leave"),
            "/api/v1/rooms/ROOM/leave",
            Some(MODERATOR),
            Value::Null,
            &["message"],
            &[],
        ),
        // Notes are the staff's own, and so is who waits.
        change(("POST", "/api/v1/users/{id}/notes"), "/api/v1/users/zoe/notes", None, note(), &[], &[]),
        change(("POST", "/api/v1/reports/{id}/notes"), "/api/v1/reports/REPORT/notes", None, note(), &[], &[]),
        change(("DELETE", "/api/v1/rooms/{id}/waiting"), "/api/v1/rooms/SUPPORT/waiting", None, Value::Null, &[], &[]),
        change(("DELETE", users), "/api/v1/users/zoe", None, Value::Null, &["userDeleted"], &[]),
    ]
}

#[actix_web::test]
async fn every_route_that_changes_something_is_an_event_with_its_time_and_the_same_again_is_none() {
    let server = TestServer::with(crate::push::pushes).await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    let message = seed.messages(&room, "alice", 1).remove(0).id;
    let offer = seed.offer(&room, "alice", 900_000).id;
    let (report, support) = (seed.report(&room, "alice"), seed.support_room("bob"));
    let mut push = String::new();
    let named = |text: &str, push: &str| {
        let names = [
            ("ROOM", room.as_str()),
            ("MESSAGE", message.as_str()),
            ("OFFER", offer.as_str()),
            ("REPORT", &report),
            ("SUPPORT", support.as_str()),
            ("PUSH", push),
        ];
        names.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    };
    let mut photo = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(8, 8).write_to(&mut photo, ImageFormat::Png).unwrap();
    let photo = photo.into_inner();

    let changes = changes();
    let document = rest::call(server.addr, "", "GET", "/api/v1/openapi.json", None).await.body;
    let documented: BTreeSet<(String, &str)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), &**path))
        })
        .filter(|(method, _)| method != "GET" && method != "HEAD")
        .collect();
    let listed: BTreeSet<(String, &str)> =
        changes.iter().map(|change| (change.route.0.to_owned(), change.route.1)).collect();
    assert_eq!(listed, documented, "each route that may change something says here which events it brings about");

    let mut after = events(&server, "").await.body["nextCursor"].as_str().unwrap().to_owned();
    let mut now = START;
    for Change { route, path, user, body, events: first, again } in &changes {
        for expected in [first, again] {
            server.advance(Duration::from_secs(1));
            now = now.plus_ms(1000);
            let token = match user {
                Some(MODERATOR) => server.staff_token(MODERATOR),
                Some(user) => server.token(user),
                None => SERVICE_KEY.to_owned(),
            };
            let answer = if path.ends_with("/images") {
                rest::upload(server.addr, &token, &named(path, &push), &photo, &[("clientId", "i")]).await
            } else {
                let body = (!body.is_null()).then(|| named(&body.to_string(), &push).parse().unwrap());
                rest::call(server.addr, &token, route.0, &named(path, &push), body).await
            };
            if path.ends_with("push-subscriptions") {
                push = answer.body["id"].as_str().unwrap().to_owned();
            }
            let page = events(&server, &format!("?after={after}")).await;
            assert_eq!(names(&page), *expected, "{route:?}: {} {}", answer.body, page.body);
            for event in page.body["items"].as_array().unwrap() {
                assert_eq!(event["at"], json!(now), "{event}");
            }
            after = page.body["nextCursor"].as_str().unwrap().to_owned();
        }
    }

    // Page by page it is the same as at once, and the end is the end.
    let all = events(&server, "?limit=500").await;
    assert_eq!(all.body["nextCursor"], json!(after));
    let (mut cursor, mut seen) = (None::<String>, Vec::new());
    loop {
        let from = cursor.map(|cursor| format!("&after={cursor}")).unwrap_or_default();
        let page = events(&server, &format!("?limit=3{from}")).await;
        seen.extend(page.body["items"].as_array().unwrap().clone());
        cursor = Some(page.body["nextCursor"].as_str().unwrap().to_owned());
        if page.body["hasMore"] == false {
            break;
        }
    }
    assert_eq!((json!(seen), cursor), (all.body["items"].clone(), Some(after)));
}

#[actix_web::test]
async fn an_event_has_its_subject_in_the_words_of_the_api() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let offer = server.seed().offer(&room, "alice", 900_000).id;
    let service = async |method, path: &str, body| rest::call(server.addr, SERVICE_KEY, method, path, body).await;
    let alice = server.token("alice");
    let by_alice = async |method, path: &str, body| rest::call(server.addr, &alice, method, path, body).await;
    by_alice("PUT", "/api/v1/blocks/sam", None).await;
    by_alice("PATCH", "/api/v1/me/settings", Some(json!({"presence": false}))).await;
    let report = by_alice("POST", "/api/v1/reports", Some(json!({"roomId": room, "category": "spam"}))).await.body;
    let report_path = format!("/api/v1/reports/{}", report["id"].as_str().unwrap());
    let until = START.plus_ms(3_600_000);
    service("PATCH", &report_path, Some(json!({"decision": "upheld", "muteUntil": until}))).await;
    service("POST", "/api/v1/users/sam/disconnect", None).await;
    let page = events(&server, "?limit=500").await.body;
    let data = |event: &str| {
        let items = page["items"].as_array().unwrap();
        items.iter().rfind(|item| item["event"] == event).map(|item| item["data"].clone()).unwrap()
    };
    assert_eq!(
        data("offerUpdated"),
        json!({
            "messageId": offer, "roomId": room, "productId": "bike", "offeredBy": "buyer", "amount": 900_000,
            "currency": "KRW", "status": "pending", "expiresAt": START.plus_ms(48 * 3_600_000),
        })
    );
    assert_eq!(
        data("blockUpdated"),
        json!({"blockerId": "alice", "blockedId": "sam", "blocked": true, "createdAt": START})
    );
    assert_eq!(
        data("settingsUpdated"),
        json!({
            "userId": "alice", "readReceipts": true, "typing": true, "presence": false,
            "deliveryReceipts": true, "lastSeen": true,
        })
    );
    let decided = json!({
        "id": report["id"], "reporterId": "alice", "reportedId": "sam", "roomId": room, "category": "spam",
        "createdAt": START, "state": "decided", "decision": "upheld", "decidedAt": START, "muteUntil": until,
    });
    // As it now stands, in both places.
    assert_eq!((data("reportCreated"), data("reportDecided")), (decided.clone(), decided));
    assert_eq!(data("muteUpdated"), json!({"userId": "sam", "mutedUntil": until}));
    assert_eq!(data("sessionsEnded"), json!({"userId": "sam"}));
    service("PATCH", &report_path, Some(json!({"decision": "dismissed"}))).await;
    by_alice("DELETE", "/api/v1/blocks/sam", None).await;
    let page = events(&server, "?limit=500").await.body;
    let last = |event: &str| {
        let items = page["items"].as_array().unwrap();
        items.iter().rfind(|item| item["event"] == event).map(|item| item["data"].clone()).unwrap()
    };
    assert_eq!(last("muteUpdated"), json!({"userId": "sam"}));
    assert_eq!(last("blockUpdated"), json!({"blockerId": "alice", "blockedId": "sam", "blocked": false}));
}

#[actix_web::test]
async fn events_are_for_the_service_key_and_a_bad_parameter_is_named() {
    let server = TestServer::start().await;
    let path = "/api/v1/events";
    assert_eq!(rest::call(server.addr, "", "GET", path, None).await.status, 401);
    assert_eq!(rest::call(server.addr, &server.token("alice"), "GET", path, None).await.status, 403);
    for (query, name) in [("?after=x", "after"), ("?after=-1", "after"), ("?limit=0", "limit"), ("?limit=501", "limit")]
    {
        let refused = events(&server, query).await;
        assert_eq!((refused.status, &refused.body["code"]), (422, &json!("invalid")));
        assert!(refused.body["detail"].as_str().unwrap().contains(name), "{refused:?}");
    }
}
