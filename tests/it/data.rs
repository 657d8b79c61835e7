//! A message's `data`: any JSON, given back as it was sent, and weighed by what it takes.

use haggle::internals::{
    db::{self, Write, Written},
    domain::{Data, Draft, MessageKind, RoomId, Screened, StoredMessage, Timestamp, UserId},
};
use serde_json::{Value, json};

use crate::support::{
    TestServer,
    rest::{self, Answer, call},
    server::{SERVICE_KEY, START},
    socket_io::PacketClient,
};

/// What a tree of values would not preserve.
const SENT: &str = r#"{"b":123456789012345678901234567890, "a": 1.0,  "a":[1e2,-0, "\u0041\/"]}"#;

/// Most bytes of a page and of an answer to `enterRoom`, and what is in them in addition to messages.
const PAGE_BYTES: usize = 256 * 1024;
const ENTRY_BYTES: usize = 128 * 1024;
const BESIDE_BYTES: usize = 4 * 1024;

async fn post(server: &TestServer, user: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {}", server.token(user));
    let headers = [("content-type", "application/json"), ("authorization", &*bearer)];
    rest::send(server.addr, "POST", path, &headers, body.as_bytes()).await
}

async fn get(server: &TestServer, token: &str, path: &str) -> Answer {
    let answer = call(server.addr, token, "GET", path, None).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer
}

/// Stores a message as a version without today's checks could have.
fn store(server: &TestServer, room: &RoomId, sender: &str, text: Option<&str>, data: Option<String>) -> StoredMessage {
    let draft = Draft {
        room: room.clone(),
        sender: UserId::new(sender).unwrap(),
        client_id: None,
        kind: MessageKind::Text,
        text: text.map(str::to_owned),
        data: data.map(|json| Data::from_json(json).unwrap()),
        reply_to: None,
        sent_at: Timestamp(1),
        screened: Screened::Clean,
        by_staff: false,
    };
    let outcome = db::write_batch(&mut server.pool.get().unwrap(), &[Write::Append(draft)], START).unwrap().remove(0);
    let Ok(Written::Appended { message, .. }) = outcome else { panic!("{outcome:?}") };
    message
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[actix_web::test]
async fn it_comes_back_byte_for_byte_wherever_it_is_read() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, mut sam) = (server.ws("alice").await, PacketClient::open(server.addr).await);
    sam.join("/chat", json!({ "token": server.token("sam") })).await;
    alice.enter(room.as_str()).await;
    sam.request("/chat", "enterRoom", room.as_str()).await;
    let holds = |text: &str| assert!(text.contains(&format!("\"data\":{SENT}")), "{text}");

    alice.send_text(&format!(r#"{{"event":"message","id":77,"data":{{"text":"needle","data":{SENT}}}}}"#)).await;
    let (mut replied, mut pushed) = (false, false);
    while !(replied && pushed) {
        let frame = alice.read_text().await.unwrap();
        replied |= frame.starts_with(r#"{"reply":77"#);
        pushed |= frame.starts_with(r#"{"event":"message""#);
        if frame.contains("needle") {
            holds(&frame);
        }
    }
    holds(&sam.expect("42/chat,[\"message\"").await);
    sam.send(&format!(r#"42/chat,9["message",{{"data":{SENT}}}]"#)).await;
    holds(&sam.expect("43/chat,9[").await);
    let path = format!("/api/v1/rooms/{room}/messages");
    let stored = post(&server, "alice", &path, &format!("{{\"data\": {SENT} }}")).await;
    assert_eq!(stored.status, 201);
    holds(&stored.text);

    let (alice, staff) = (server.token("alice"), SERVICE_KEY);
    for (token, path) in [
        (&*alice, &*path),
        (&alice, "/api/v1/rooms"),
        (&alice, "/api/v1/search?q=needle"),
        (staff, "/api/v1/events"),
        (staff, "/api/v1/users/alice/export"),
    ] {
        holds(&get(&server, token, path).await.text);
    }
    let report = json!({ "roomId": room, "category": "spam" });
    assert_eq!(call(server.addr, &alice, "POST", "/api/v1/reports", Some(report)).await.status, 201);
    holds(&get(&server, staff, "/api/v1/reports").await.text);
}

#[actix_web::test]
async fn more_than_32_levels_are_refused_on_every_wire() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let mut alice = server.ws("alice").await;
    let path = format!("/api/v1/rooms/{room}/messages");
    let mut socket_io = PacketClient::open(server.addr).await;
    socket_io.join("/chat", json!({ "token": server.token("alice") })).await;
    for (levels, fits) in [(32, true), (33, false), (126, false), (8000, false)] {
        let body = format!(r#"{{"roomId":"{room}","data":{}}}"#, nested(levels));
        alice.send_text(&format!(r#"{{"event":"message","id":1,"data":{body}}}"#)).await;
        let plain = loop {
            let frame = alice.read_text().await.unwrap();
            if frame.starts_with("{\"reply\"") {
                break frame;
            }
        };
        socket_io.send(&format!(r#"42/chat,1["message",{body}]"#)).await;
        let acknowledged = socket_io.expect("43/chat,1[").await;
        let answer = post(&server, "alice", &path, &body).await;
        assert_eq!(answer.status, if fits { 201 } else { 422 }, "{levels}");
        for text in [plain, acknowledged, answer.text] {
            let is_refused = text.contains("\"invalid\"") && text.contains("`data` must be nested at most 32 levels");
            assert_eq!(is_refused, !fits, "{levels}: {text:.200}");
        }
    }
}

#[actix_web::test]
async fn a_message_nested_deeper_by_an_older_version_is_read_and_reported_like_any_other() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let (deep, alice) = (nested(126), server.token("alice"));
    let message = store(&server, &room, "sam", Some("needle"), Some(deep.clone()));
    let path = format!("/api/v1/rooms/{room}/messages");
    for (token, path) in [(&*alice, &*path), (&alice, "/api/v1/rooms"), (SERVICE_KEY, "/api/v1/users/sam/export")] {
        assert!(get(&server, token, path).await.text.contains(&deep), "{path}");
    }
    for message in [Some(message.id.as_str().to_owned()), None] {
        let report = json!({ "roomId": room, "messageId": message, "category": "spam" });
        assert_eq!(call(server.addr, &alice, "POST", "/api/v1/reports", Some(report)).await.status, 201);
    }
    assert!(get(&server, SERVICE_KEY, "/api/v1/reports").await.text.contains(&deep));
}

#[actix_web::test]
async fn the_reserved_name_is_refused_however_its_letters_are_written() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let path = format!("/api/v1/rooms/{room}/messages");
    for name in ["thumbnailKey", r"thumbnail\u004bey", r"\u0074humbnailKey"] {
        let body =
            format!(r#"{{"data":{{"a":1,"{name}":"x","key":"x","width":1,"height":1,"bytes":1,"contentType":""}}}}"#);
        let answer = post(&server, "alice", &path, &body).await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!("invalid")), "{name}");
    }
    // An array that reads like an image's fields in their order is a client's own data, and no address is signed for it.
    let array = r#"["a/b","c/d",1,1,1,"thumbnailKey"]"#;
    let answer = post(&server, "alice", &path, &format!(r#"{{"data":{array}}}"#)).await;
    assert!(answer.text.contains(array), "{}", answer.text);
    let answer = post(&server, "alice", &path, r#"{"data":["a","b",1,1,1,"\"thumbnailKey\""]}"#).await;
    assert_eq!(answer.body["data"][0], "a");
}

#[actix_web::test]
async fn data_counts_with_the_text_while_a_message_waits_for_its_room() {
    let server = TestServer::start().await;
    let mut alice = server.ws("alice").await;
    let data = json!("x".repeat(16_000));
    for _ in 0..40 {
        alice.emit("message", json!({ "data": data })).await;
    }
    // 256 KiB hold sixteen of them; the others are refused at once, and not after two seconds.
    let mut refused = 0;
    for frame in alice.pushes_before_ack().await {
        assert_eq!(frame["data"]["code"], "not_in_room");
        refused += 1;
    }
    assert_eq!(refused, 40 - 16);
}

/// All pages of a list, each within its bytes.
async fn pages(
    server: &TestServer,
    token: &str,
    path: &str,
    first: &str,
    next: impl Fn(&Value) -> Option<String>,
) -> Vec<Value> {
    let (mut items, mut query) = (Vec::new(), first.to_owned());
    loop {
        let page = get(server, token, &format!("{path}{query}")).await;
        assert!(page.text.len() <= PAGE_BYTES + BESIDE_BYTES, "{path}: {} bytes", page.text.len());
        let found = page.body["items"].as_array().unwrap();
        assert!(!found.is_empty());
        items.extend(found.iter().cloned());
        match next(&page.body) {
            Some(next) => query = next,
            None => return items,
        }
    }
}

#[actix_web::test]
async fn no_page_takes_more_bytes_than_allowed_and_pages_meet() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    // 16,000 control characters are 96,000 bytes of JSON.
    let text = format!("needle{}", "\u{1}".repeat(16_000));
    for _ in 0..12 {
        store(&server, &room, "sam", Some(&text), None);
    }
    for number in 0..6 {
        let other = seed.room("alice", &format!("p{number}")).id;
        store(&server, &other, "sam", Some(&text), Some(format!("[{}]", "0,".repeat(8000) + "0")));
    }
    let (alice, staff) = (server.token("alice"), SERVICE_KEY);
    let seqs = |items: &[Value]| items.iter().map(|item| item["seq"].as_i64().unwrap()).collect::<Vec<_>>();

    let path = format!("/api/v1/rooms/{room}/messages");
    let after = |page: &Value| {
        let last = page["items"].as_array().unwrap().last().unwrap()["seq"].as_i64().unwrap();
        page["hasMore"].as_bool().unwrap().then(|| format!("&after={last}"))
    };
    let messages = pages(&server, &alice, &format!("{path}?limit=200"), "&after=0", after).await;
    assert_eq!(seqs(&messages), (1..=12).collect::<Vec<_>>());
    let newest = get(&server, &alice, &format!("{path}?limit=200")).await.body;
    assert_eq!((seqs(newest["items"].as_array().unwrap()), &newest["hasMore"]), (vec![11, 12], &json!(true)));

    let cursor = |page: &Value| page["nextCursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
    assert_eq!(pages(&server, &alice, "/api/v1/rooms?limit=100", "", cursor).await.len(), 7);
    let event = |page: &Value| {
        let next = page["nextCursor"].as_str().unwrap();
        page["hasMore"].as_bool().unwrap().then(|| format!("&after={next}"))
    };
    let events = pages(&server, staff, "/api/v1/events?limit=500", "", event).await;
    assert_eq!(events.iter().filter(|event| event["event"] == "message").count(), 18);
    let export = get(&server, staff, "/api/v1/users/sam/export").await.text;
    assert_eq!(export.lines().filter(|line| line.starts_with(r#"{"type":"message""#)).count(), 18);
    let found = pages(&server, &alice, "/api/v1/search?q=needle&limit=50", "", cursor).await;
    assert_eq!(found.len(), 18);

    let mut alice = server.ws("alice").await;
    let mut seq = 0;
    while seq < 12 {
        alice
            .send_text(&json!({"event": "enterRoom", "id": 1, "data": {"roomId": room, "after": seq}}).to_string())
            .await;
        let frame = alice.read_text().await.unwrap();
        assert!(frame.len() <= ENTRY_BYTES + BESIDE_BYTES, "{}", frame.len());
        let entered: Value = serde_json::from_str(&frame).unwrap();
        let messages = entered["data"]["messages"].as_array().unwrap();
        assert_eq!(messages[0]["seq"], seq + 1);
        seq += i64::try_from(messages.len()).unwrap();
        assert_eq!(entered["data"]["hasMore"], seq < 12);
    }
}
