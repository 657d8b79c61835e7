//! A user's conversation with the marketplace's staff: a room without a product, by the same rules as any other.

use std::time::Duration;

use haggle::internals::{
    auth::{RoomTokens, Signer},
    domain::{AuditAction, AuthorizePolicy, RoomId, UserId},
};
use serde_json::{Value, json};

use crate::{
    staff::{audit, staff},
    support::{
        TestServer, WsClient,
        rest::{Answer, call, send},
        server::{SECRET, SERVICE_KEY},
        socket_io::PacketClient,
    },
};

const ROOMS: &str = "/api/v1/rooms";

async fn service(server: &TestServer, method: &str, path: &str, body: Option<Value>) -> Answer {
    call(server.addr, SERVICE_KEY, method, path, body).await
}

/// The support room of a user whom the marketplace has put.
async fn open(server: &TestServer, user: &str) -> String {
    server.seed().user(user);
    let opened = service(server, "POST", ROOMS, Some(json!({"kind": "support", "userId": user}))).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
    opened.body["id"].as_str().unwrap().to_owned()
}

async fn join(server: &TestServer, room: &str) {
    let because = Some(json!({"reason": "Asked for help"}));
    assert_eq!(staff(server, "POST", &format!("{ROOMS}/{room}/join"), because).await.status, 201);
}

async fn say(server: &TestServer, room: &str, text: &str) -> Answer {
    staff(server, "POST", &format!("{ROOMS}/{room}/messages"), Some(json!({"text": text}))).await
}

/// The rooms of one of the staff's lists.
async fn listed(server: &TestServer, list: &str) -> Vec<String> {
    let page = staff(server, "GET", &format!("/api/v1/staff/rooms?list={list}"), None).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.body["items"].as_array().unwrap().iter().map(|room| room["id"].as_str().unwrap().to_owned()).collect()
}

fn desk() -> Value {
    json!({"id": "system", "name": "Support", "nameCode": "support"})
}

#[actix_web::test]
async fn a_user_and_the_staff_talk_without_a_product_on_every_way_in() {
    let server = TestServer::start().await;
    server.seed().user("alice");
    let mut alice = server.ws("alice").await;
    let mut inbox = PacketClient::open(server.addr).await;
    inbox.join("/inbox", json!({"token": server.token("alice")})).await;
    let room = open(&server, "alice").await;
    let again = service(&server, "POST", ROOMS, Some(json!({"kind": "support", "userId": "alice"}))).await;
    assert_eq!((again.status, &again.body["id"]), (200, &json!(room)));
    for updated in [alice.push("roomUpdated").await, inbox.event("/inbox", "roomUpdated").await.remove(0)] {
        assert_eq!((&updated["kind"], &updated["other"]["id"]), (&json!("support"), &json!("system")), "{updated}");
        assert_eq!((updated.get("product"), &updated["seller"]), (None, &desk()));
    }

    let entered = alice.enter(&room).await;
    assert_eq!((&entered["room"]["kind"], entered["room"].get("product")), (&json!("support"), None));
    let member = entered["members"].as_array().unwrap().iter().find(|member| member["id"] == "system").unwrap();
    assert_eq!((&member["online"], member.get("lastSeenAt")), (&json!(false), None));
    let mut polling = PacketClient::open(server.addr).await;
    polling.join("/chat", json!({"token": server.token("alice")})).await;
    assert_eq!(polling.request("/chat", "enterRoom", room.as_str()).await["data"]["room"]["kind"], "support");

    alice.say("I can't pay").await;
    assert_eq!(listed(&server, "waiting").await, [room.as_str()]);
    join(&server, &room).await;
    assert_eq!(say(&server, &room, "How can I help?").await.status, 201);
    assert_eq!(alice.push("message").await["text"], "I can't pay");
    let (joined, answer) = (alice.push("message").await, alice.push("message").await);
    assert_eq!((&joined["data"]["code"], &answer["sender"]["role"]), (&json!("support_joined"), &json!("staff")));
    assert_eq!(polling.event("/chat", "message").await[0]["text"], "I can't pay");
    assert_eq!(listed(&server, "waiting").await, Vec::<String>::new());
    assert_eq!(
        (listed(&server, "joined").await, listed(&server, "support").await),
        (vec![room.clone()], vec![room.clone()])
    );

    // What a member may do everywhere.
    let id = alice.request("message", json!({"text": "with my card", "replyTo": 3})).await.unwrap()["id"].clone();
    alice.request("editMessage", json!({"messageId": id, "text": "with a card"})).await.unwrap();
    alice.request("react", json!({"messageId": answer["id"], "emoji": "👍"})).await.unwrap();
    alice.request("read", json!({"seq": 4})).await.unwrap();
    let token = server.token("alice");
    let found = call(server.addr, &token, "GET", "/api/v1/search?q=card", None).await.body;
    assert_eq!(
        (&found["items"][0]["room"]["kind"], found["items"][0]["room"].get("product")),
        (&json!("support"), None)
    );
    let settings = Some(json!({"muted": true, "archived": true}));
    assert_eq!(call(server.addr, &token, "PATCH", &format!("{ROOMS}/{room}/settings"), settings).await.status, 200);
    let seen = staff(&server, "GET", &format!("{ROOMS}/{room}"), None).await.body;
    assert_eq!((&seen["members"][0]["userId"], seen["members"].as_array().unwrap().len()), (&json!("alice"), 1));
    let of_alice = staff(&server, "GET", "/api/v1/users/alice/rooms?archived=true", None).await.body;
    assert_eq!(of_alice["items"][0]["id"], json!(room));
}

#[actix_web::test]
async fn a_support_room_is_asked_for_with_the_service_key_and_a_user_alone() {
    let server = TestServer::start().await;
    server.seed().room("alice", "bike");
    let alice = server.token("alice");
    for (token, body, expected) in [
        (
            alice.as_str(),
            json!({"kind": "support"}),
            (403, "the `kind` support is for the service key: your backend opens the room for its user"),
        ),
        (
            alice.as_str(),
            json!({"kind": "support", "userId": "alice"}),
            (403, "the `kind` support is for the service key: your backend opens the room for its user"),
        ),
        (SERVICE_KEY, json!({"kind": "support"}), (422, "`userId` is missing: say who needs support")),
        (
            SERVICE_KEY,
            json!({"kind": "support", "userId": "bob"}),
            (422, "`userId` must be the id of a user, put the user first"),
        ),
        (
            SERVICE_KEY,
            json!({"kind": "support", "userId": "system"}),
            (422, "`userId` must be the id of a user, put the user first"),
        ),
        (
            SERVICE_KEY,
            json!({"kind": "support", "userId": "alice", "productId": "bike"}),
            (
                422,
                "`productId` and `buyerId` are not for the kind support: leave them out, and name the user in `userId`",
            ),
        ),
        (
            SERVICE_KEY,
            json!({"kind": "support", "buyerId": "alice"}),
            (
                422,
                "`productId` and `buyerId` are not for the kind support: leave them out, and name the user in `userId`",
            ),
        ),
        (
            SERVICE_KEY,
            json!({"productId": "bike", "userId": "alice"}),
            (422, "`userId` is for the kind support: leave it out, or give `kind`"),
        ),
        (
            SERVICE_KEY,
            json!({"kind": "product", "buyerId": "alice"}),
            (422, "`productId` is missing: say what the room shall be about"),
        ),
        (alice.as_str(), json!({}), (422, "`productId` is missing: say what the room shall be about")),
    ] {
        let refused = call(server.addr, token, "POST", ROOMS, Some(body.clone())).await;
        assert_eq!((refused.status, refused.body["detail"].as_str().unwrap()), expected, "{body}");
    }
    let unknown = call(server.addr, SERVICE_KEY, "POST", ROOMS, Some(json!({"kind": "chat", "userId": "alice"}))).await;
    assert_eq!(unknown.status, 422, "{}", unknown.text);
    let product = call(server.addr, &alice, "POST", ROOMS, Some(json!({"kind": "product", "productId": "bike"}))).await;
    assert_eq!((product.status, product.body.get("kind")), (200, None));
    assert_eq!(staff(&server, "DELETE", "/api/v1/users/alice", None).await.status, 204);
    let gone = service(&server, "POST", ROOMS, Some(json!({"kind": "support", "userId": "alice"}))).await;
    assert_eq!((gone.status, gone.body["detail"].as_str()), (403, Some("this user was deleted")));
}

#[actix_web::test]
async fn what_needs_another_person_or_a_product_is_refused_in_a_support_room() {
    let server = TestServer::start().await;
    let room = open(&server, "alice").await;
    let mut alice = server.ws("alice").await;
    alice.enter(&room).await;
    join(&server, &room).await;
    let answer = say(&server, &room, "hello").await.body;
    let offer = alice.request("offer", json!({"amount": 1, "currency": "USD"})).await.unwrap_err();
    assert_eq!(
        (offer.code.as_str(), offer.message.as_str()),
        ("conflict", "a conversation with support is about no product: nothing can be offered here")
    );
    let token = server.token("alice");
    for (method, path, body, status, code) in [
        ("POST", format!("{ROOMS}/{room}/offers"), Some(json!({"amount": 1, "currency": "USD"})), 409, "conflict"),
        ("PUT", "/api/v1/blocks/system".to_owned(), None, 409, "conflict"),
        ("POST", "/api/v1/reports".to_owned(), Some(json!({"roomId": room, "category": "spam"})), 409, "conflict"),
        (
            "POST",
            "/api/v1/reports".to_owned(),
            Some(json!({"roomId": room, "messageId": answer["id"], "category": "spam"})),
            409,
            "conflict",
        ),
        ("PATCH", "/api/v1/products/%01support".to_owned(), Some(json!({"status": "sold"})), 422, "invalid"),
        ("POST", ROOMS.to_owned(), Some(json!({"productId": "\u{1}support"})), 422, "invalid"),
    ] {
        let refused = call(server.addr, &token, method, &path, body).await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (status, &json!(code)),
            "{method} {path}: {}",
            refused.text
        );
    }
    // Nobody is the desk, not even for the staff and the backend.
    let user = |rest: &str| format!("/api/v1/users/system{rest}");
    let until = json!({"until": "2999-01-01T00:00:00.000Z", "reason": "a test"});
    for (method, path, body, status) in [
        ("GET", user(""), None, 404),
        ("DELETE", user(""), None, 404),
        ("GET", user("/export"), None, 404),
        ("GET", user("/rooms"), None, 404),
        ("PUT", user("/mute"), Some(until.clone()), 404),
        ("PUT", user("/ban"), Some(until), 404),
        ("POST", user("/notes"), Some(json!({"text": "a note"})), 404),
        ("PUT", user(""), Some(json!({"name": "Me"})), 422),
        ("PUT", "/api/v1/products/bike".to_owned(), Some(json!({"sellerId": "system", "title": "Bike"})), 422),
        ("PUT", "/api/v1/products/%01support".to_owned(), Some(json!({"sellerId": "alice", "title": "Bike"})), 422),
        ("GET", "/api/v1/products/%01support/rooms".to_owned(), None, 422),
    ] {
        let refused = service(&server, method, &path, body).await;
        assert_eq!(refused.status, status, "{method} {path}: {}", refused.text);
    }
}

#[actix_web::test]
async fn a_mute_a_ban_a_freeze_and_a_removal_hold_in_a_support_room() {
    let server = TestServer::start().await;
    let room = open(&server, "alice").await;
    let mut alice = server.ws("alice").await;
    alice.enter(&room).await;
    let said = alice.say("you thieves").await;
    join(&server, &room).await;
    let reason = || Some(json!({"reason": "a test", "until": "2999-01-01T00:00:00.000Z"}));
    let at = |rest: &str| format!("{ROOMS}/{room}{rest}");
    for (path, code) in [("/api/v1/users/alice/mute".to_owned(), "muted"), (at("/freeze"), "frozen")] {
        assert!(staff(&server, "PUT", &path, reason()).await.status < 300);
        assert_eq!(alice.request("message", "still there").await.unwrap_err().code, code);
        assert_eq!(say(&server, &room, "Please calm down").await.status, 201);
        if code == "frozen" {
            assert_eq!(listed(&server, "frozen").await, [room.as_str()]);
        }
        assert!(staff(&server, "DELETE", &path, None).await.status < 300);
    }
    let removed =
        staff(&server, "DELETE", &at(&format!("/messages/{}?reason=x", said["id"].as_str().unwrap())), None).await;
    assert_eq!((removed.status, &removed.body["removedBy"]), (200, &json!("marketplace")));
    let warning = |user: &str| Some(json!({"userId": user, "template": "harassment", "reason": "a test"}));
    assert_eq!(staff(&server, "POST", &at("/warnings"), warning("alice")).await.status, 201);
    assert_eq!(staff(&server, "POST", &at("/warnings"), warning("system")).await.status, 404);
    alice.say("sorry").await;
    assert_eq!(staff(&server, "PUT", "/api/v1/users/alice/ban", reason()).await.status, 200);
    assert_eq!(alice.closed().await, Some(4003));
    assert_eq!(staff(&server, "DELETE", "/api/v1/users/alice", None).await.status, 204);
    assert_eq!(listed(&server, "waiting").await, Vec::<String>::new());
    assert_eq!(staff(&server, "GET", &at(""), None).await.body["closed"], json!(true));
    // The staff can still read it, and nobody can answer.
    assert_eq!(staff(&server, "GET", &at("/messages"), None).await.status, 200);
}

#[actix_web::test]
async fn knowing_the_id_of_a_support_room_opens_it_to_nobody_else() {
    for policy in [AuthorizePolicy::OnEnter, AuthorizePolicy::EveryMessage, AuthorizePolicy::RoomToken] {
        let server = TestServer::with(|config| config.authorize = policy).await;
        let room = open(&server, "alice").await;
        let tokens = RoomTokens::derived_from(SECRET.as_bytes());
        let id = RoomId::new(&room).unwrap();
        let room_token = |user: &str| tokens.issue(&id, &UserId::new(user).unwrap(), server.clock.now()).0;
        let mut mallory = server.ws("mallory").await;
        for token in [json!(null), json!(room_token("alice"))] {
            let refused = mallory.request("enterRoom", json!({"roomId": room, "token": token})).await.unwrap_err();
            assert_eq!(refused.code, "forbidden", "{policy}");
        }
        let signer = Signer::hs256(SECRET.as_bytes()).unwrap();
        let mina =
            signer.sign_staff(&UserId::new("mina").unwrap(), Some("Mina"), Duration::from_secs(60), &server.clock);
        let mut mina = WsClient::connect(server.addr, &mina).await.unwrap();
        assert_eq!(mina.request("enterRoom", room.as_str()).await.unwrap_err().code, "forbidden", "{policy}");
        join(&server, &room).await;
        mina.enter(&room).await;
        let mut alice = server.ws("alice").await;
        alice.request("enterRoom", json!({"roomId": room, "token": room_token("alice")})).await.unwrap();
        alice.say("hello").await;
        assert_eq!(mina.push("message").await["text"], "hello", "{policy}");
        assert_eq!(mallory.pushes_before_ack().await, Vec::<Value>::new(), "{policy}");
        let stolen = server.token_for("system", Duration::from_secs(60));
        assert!(WsClient::connect(server.addr, &stolen).await.is_err(), "{policy}");
    }
}

#[actix_web::test]
async fn a_list_that_is_known_is_no_entry_of_the_audit_log_and_comes_in_pages() {
    let server = TestServer::start().await;
    let mut rooms = Vec::new();
    for user in ["alice", "bob", "dora"] {
        rooms.push(open(&server, user).await);
        server.advance(Duration::from_secs(1));
        server.seed().messages(&RoomId::new(rooms.last().unwrap()).unwrap(), user, 1);
    }
    rooms.sort();
    let path = "/api/v1/staff/rooms?list=waiting";
    let token = format!("Bearer {}", server.staff_token("mina"));
    let first = staff(&server, "GET", path, None).await;
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(first.body["items"].as_array().unwrap().len(), 3);
    assert!(first.body["items"][0]["waitingSince"].is_string());
    let entries = audit(&server);
    assert_eq!((entries.len(), entries[0].action), (1, AuditAction::ListRooms));
    assert_eq!(entries[0].details.as_ref().unwrap().json(), r#"{"list":"waiting"}"#);
    let known = [("authorization", token.as_str()), ("if-none-match", tag.as_str())];
    assert_eq!(send(server.addr, "GET", path, &known, b"").await.status, 304);
    // A tag counts for one list, and one caller.
    assert_eq!(send(server.addr, "GET", "/api/v1/staff/rooms?list=support", &known, b"").await.status, 200);
    let nils = format!("Bearer {}", server.staff_token("nils"));
    let other = [("authorization", nils.as_str()), ("if-none-match", tag.as_str())];
    assert_eq!(send(server.addr, "GET", path, &other, b"").await.status, 200);
    assert_eq!(audit(&server).len(), 3);
    join(&server, &rooms[0]).await;
    say(&server, &rooms[0], "hello").await;
    assert_eq!(send(server.addr, "GET", path, &known, b"").await.status, 200, "one waits no more");

    let (mut seen, mut next) = (Vec::new(), Some(format!("{path}&limit=1")));
    while let Some(path) = next {
        let page = staff(&server, "GET", &path, None).await.body;
        seen.extend(page["items"].as_array().unwrap().iter().map(|room| room["id"].as_str().unwrap().to_owned()));
        next = page["nextCursor"]
            .as_str()
            .map(|cursor| format!("/api/v1/staff/rooms?list=waiting&limit=1&cursor={cursor}"));
    }
    seen.sort();
    assert_eq!(seen, rooms[1..]);
    for (query, token) in [
        ("", &nils),
        ("list=all", &nils),
        ("list=waiting&cursor=x", &nils),
        ("list=joined", &format!("Bearer {SERVICE_KEY}")),
    ] {
        let path = format!("/api/v1/staff/rooms?{query}");
        assert_eq!(send(server.addr, "GET", &path, &[("authorization", token)], b"").await.status, 422, "{query}");
    }
}

#[actix_web::test]
async fn a_wait_ends_without_an_answer_and_begins_again_with_the_next_message() {
    let server = TestServer::start().await;
    let room = open(&server, "alice").await;
    let bike = server.seed().room("bob", "bike").id;
    let path = format!("{ROOMS}/{room}/waiting");
    let mut alice = server.ws("alice").await;
    alice.enter(&room).await;
    for token in [server.staff_token("mina"), SERVICE_KEY.to_owned()] {
        alice.say("thanks!").await;
        assert_eq!(listed(&server, "waiting").await, [room.as_str()]);
        for _ in 0..2 {
            let ended = call(server.addr, &token, "DELETE", &format!("{path}?reason=Thanks"), None).await;
            assert_eq!((ended.status, listed(&server, "waiting").await), (204, vec![]), "{}", ended.text);
            let entry = audit(&server).remove(1);
            assert_eq!((entry.action, entry.reason.as_deref()), (AuditAction::EndWait, Some("Thanks")));
            let (user, about) = (entry.about.user_id.unwrap(), entry.about.room_id.unwrap());
            assert_eq!((user.as_str(), about.as_str()), ("alice", room.as_str()));
        }
    }
    alice.say("one more thing").await;
    let entries = audit(&server).len();
    for unknown in ["none", bike.as_str()] {
        let answer = staff(&server, "DELETE", &format!("{ROOMS}/{unknown}/waiting"), None).await;
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!("not_found")), "{}", answer.text);
    }
    let refused = call(server.addr, &server.token("alice"), "DELETE", &path, None).await;
    assert_eq!((refused.status, audit(&server).len()), (403, entries));
    assert_eq!(listed(&server, "waiting").await, [room]);
}

#[actix_web::test]
async fn what_was_said_last_decides_of_the_order_of_joined_conversations() {
    let server = TestServer::start().await;
    let (a, b) = (open(&server, "alice").await, open(&server, "bob").await);
    for room in [&a, &b] {
        join(&server, room).await;
    }
    for round in 0..8 {
        for (room, other) in [(&a, &b), (&b, &a)] {
            server.advance(Duration::from_secs(1));
            assert_eq!(say(&server, room, &format!("round {round}")).await.status, 201);
            for list in ["joined", "support"] {
                assert_eq!(listed(&server, list).await, [room.as_str(), other.as_str()], "{list}");
            }
        }
    }
}

#[actix_web::test]
async fn the_marketplaces_backend_hears_of_a_support_room_without_a_product() {
    let server = TestServer::start().await;
    let room = open(&server, "alice").await;
    let mut alice = server.ws("alice").await;
    alice.enter(&room).await;
    alice.say("help").await;
    let events = service(&server, "GET", "/api/v1/events?limit=100", None).await.body;
    let opened: Vec<&Value> =
        events["items"].as_array().unwrap().iter().filter(|event| event["event"] == "roomOpened").collect();
    assert_eq!(opened.len(), 1, "{events}");
    let text = opened[0].to_string();
    assert!(text.contains(r#""kind":"support""#) && !text.contains("product"), "{text}");
    let export = service(&server, "GET", "/api/v1/users/alice/export", None).await.text;
    assert!(export.contains(r#""kind":"support","userId":"alice""#) && !export.contains("\"system\""), "{export}");
}
