//! Blocks, reports and mutes.

use std::time::Duration;

use haggle::internals::db::{self, AuditFilter};
use serde_json::{Value, json};

use crate::support::{
    TestServer,
    rest::{Answer, call, send, upload},
    server::SERVICE_KEY,
    socket_io::PacketClient,
};

async fn put_block(server: &TestServer, blocker: &str, blocked: &str) -> u16 {
    let path = format!("/api/v1/blocks/{blocked}");
    call(server.addr, &server.token(blocker), "PUT", &path, None).await.status
}

async fn delete_block(server: &TestServer, blocker: &str, blocked: &str) -> u16 {
    let path = format!("/api/v1/blocks/{blocked}");
    call(server.addr, &server.token(blocker), "DELETE", &path, None).await.status
}

fn events<'a>(pushes: &'a [Value], event: &str) -> Vec<&'a Value> {
    pushes.iter().filter(|push| push["event"] == event).map(|push| &push["data"]).collect()
}

#[actix_web::test]
async fn after_a_block_neither_side_can_say_anything_and_neither_learns_who_closed_it() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = server.both(room.id.as_str()).await;
    let said = alice.say("before").await;
    assert_eq!(put_block(&server, "sam", "alice").await, 201);
    assert_eq!(put_block(&server, "sam", "alice").await, 200);

    let mut sentences = Vec::new();
    for client in [&mut alice, &mut sam] {
        for (event, data) in [
            ("message", json!({"roomId": room.id, "text": "after"})),
            ("offer", json!({"roomId": room.id, "amount": 1, "currency": "KRW"})),
        ] {
            let error = client.request(event, data).await.unwrap_err();
            assert_eq!(error.code, "blocked", "{event}");
            sentences.push(error.message);
        }
    }
    sentences.dedup();
    assert_eq!(sentences, ["this conversation is closed"]);
    let edit = alice.request("editMessage", json!({"messageId": said["id"], "text": "x"})).await;
    assert_eq!(edit.unwrap_err().code, "blocked");
    for user in ["alice", "sam"] {
        let path = format!("/api/v1/rooms/{}/messages", room.id);
        let token = server.token(user);
        let refused = call(server.addr, &token, "POST", &path, Some(json!({"text": "after"}))).await;
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("blocked")));
        // Earlier messages stay readable.
        assert_eq!(call(server.addr, &token, "GET", &path, None).await.body["items"][0]["text"], "before");
        let mut reader = server.ws(user).await;
        let entered = reader.enter(room.id.as_str()).await;
        assert_eq!((&entered["closed"], &entered["messages"][0]["text"]), (&json!(true), &json!("before")));
    }
    // The marketplace's own words still reach them.
    let path = format!("/api/v1/rooms/{}/messages", room.id);
    let system = call(server.addr, SERVICE_KEY, "POST", &path, Some(json!({"text": "We closed this"}))).await;
    assert_eq!(system.status, 201);

    assert_eq!(delete_block(&server, "sam", "alice").await, 204);
    alice.request("message", json!({"roomId": room.id, "text": "again"})).await.unwrap();
}

#[actix_web::test]
async fn a_block_stops_presence_typing_and_receipts_both_ways() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = server.both(room.id.as_str()).await;
    sam.say("hello").await;
    alice.push("message").await;
    put_block(&server, "alice", "sam").await;
    for (client, other) in [(&mut alice, "sam"), (&mut sam, "alice")] {
        let gone = client.push("presence").await;
        assert_eq!((&gone["userId"], &gone["online"]), (&json!(other), &json!(false)));
        let mut updated = client.push("roomUpdated").await;
        while updated["closed"] != true {
            updated = client.push("roomUpdated").await;
        }
    }
    alice.pushes_before_ack().await;
    sam.pushes_before_ack().await;

    alice.request("typing", json!({"typing": true})).await.unwrap();
    alice.request("read", json!({"seq": 1})).await.unwrap();
    assert_eq!(events(&alice.pushes_before_ack().await, "read").len(), 1, "one's own other tabs");
    alice.request("leaveRoom", Value::Null).await.unwrap();
    let entered = alice.enter(room.id.as_str()).await;
    assert_eq!((&entered["members"][1]["online"], &entered["members"][1]["readSeq"]), (&json!(false), &json!(0)));
    let seen = sam.pushes_before_ack().await;
    for event in ["typing", "read", "presence"] {
        assert!(events(&seen, event).is_empty(), "{event}: {seen:?}");
    }

    delete_block(&server, "alice", "sam").await;
    assert_eq!(sam.push("presence").await["online"], true);
    assert_eq!(alice.push("presence").await["online"], true);
}

#[actix_web::test]
async fn a_block_closes_rooms_of_later_too_and_only_the_blockers_list_shows_it() {
    let server = TestServer::start().await;
    let seed = server.seed();
    seed.room("alice", "bike");
    assert_eq!(put_block(&server, "sam", "alice").await, 201);
    assert_eq!(put_block(&server, "sam", "nobody").await, 404);
    assert_eq!(put_block(&server, "sam", "sam").await, 422);
    let later = seed.room("alice", "lamp");
    let mut alice = server.ws("alice").await;
    let error = alice.request("message", json!({"roomId": later.id, "text": "hello"})).await.unwrap_err();
    assert_eq!(error.code, "blocked");
    let list = |user| {
        let token = server.token(user);
        async move { call(server.addr, &token, "GET", "/api/v1/blocks", None).await.body }
    };
    assert_eq!(list("sam").await["items"][0]["user"]["id"], "alice");
    assert_eq!(list("alice").await, json!({"items": []}));
    let rooms = call(server.addr, &server.token("alice"), "GET", "/api/v1/rooms", None).await.body;
    assert!(rooms["items"].as_array().unwrap().iter().all(|room| room["closed"] == true), "{rooms}");
}

#[actix_web::test]
async fn a_block_does_not_tell_whether_somebody_exists_with_whom_one_shares_no_room() {
    let server = TestServer::start().await;
    let seed = server.seed();
    seed.room("alice", "bike");
    seed.room("bob", "bike");
    let answer = |blocked: &'static str| {
        let (addr, token) = (server.addr, server.token("alice"));
        async move {
            let mut answer = call(addr, &token, "PUT", &format!("/api/v1/blocks/{blocked}"), None).await;
            answer.body["requestId"] = Value::Null;
            (answer.status, answer.body)
        }
    };
    let nobody = answer("nobody").await;
    assert_eq!((nobody.0, &nobody.1["code"]), (404, &json!("not_found")));
    assert_eq!(answer("bob").await, nobody, "bob is the seller's other buyer");
    assert_eq!(answer("system").await, nobody);
    let list = call(server.addr, &server.token("alice"), "GET", "/api/v1/blocks", None).await.body;
    assert_eq!(list, json!({"items": []}));
    assert_eq!(answer("sam").await.0, 201);
}

#[actix_web::test]
async fn a_room_whose_other_member_was_removed_is_closed_and_stays_readable() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, mut sam) = server.both(room.as_str()).await;
    alice.say("hello").await;
    let own = sam.say("it is still here").await;
    assert_eq!(call(server.addr, SERVICE_KEY, "DELETE", "/api/v1/users/alice", None).await.status, 204);
    let mut update = sam.push("roomUpdated").await;
    while update["other"]["name"] != "Deleted user" {
        update = sam.push("roomUpdated").await;
    }
    assert_eq!(update["closed"], true, "{update}");

    let path = format!("/api/v1/rooms/{room}");
    let token = server.token("sam");
    assert_eq!(call(server.addr, &token, "GET", &path, None).await.body["closed"], true);
    let list = call(server.addr, &token, "GET", "/api/v1/rooms", None).await.body;
    assert_eq!(list["items"][0]["closed"], true, "{list}");
    for (event, data) in [
        ("message", json!({"roomId": room, "text": "are you there?"})),
        ("message", json!({"roomId": room, "text": "are you there?", "clientId": "k"})),
        ("offer", json!({"roomId": room, "amount": 1, "currency": "KRW"})),
        ("editMessage", json!({"messageId": own["id"], "text": "x"})),
    ] {
        let error = sam.request(event, data).await.unwrap_err();
        assert_eq!(error.code, "blocked", "{event}");
    }
    let said = call(server.addr, &token, "GET", &format!("{path}/messages"), None).await.body;
    assert_eq!(said["items"].as_array().unwrap().len(), 2, "{said}");
    // From the database, too, and whatever becomes of blocks.
    let mut later = server.ws("sam").await;
    assert_eq!(later.enter(room.as_str()).await["closed"], true);
    put_block(&server, "sam", "alice").await;
    delete_block(&server, "sam", "alice").await;
    let again = sam.request("message", json!({"roomId": room, "text": "are you there?"})).await;
    assert_eq!(again.unwrap_err().code, "blocked");
    let path = format!("{path}/messages");
    let system = call(server.addr, SERVICE_KEY, "POST", &path, Some(json!({"text": "Gone"}))).await;
    assert_eq!(system.status, 201);
}

#[actix_web::test]
async fn of_a_block_and_messages_at_once_none_is_stored_behind_the_block() {
    let server = TestServer::with(|config| config.limits.sends_per_second_max = None).await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = server.both(room.id.as_str()).await;
    for round in 0..5 {
        let mut asked = Vec::new();
        for _ in 0..10 {
            asked.push(alice.start("message", json!({"roomId": room.id, "text": "hello"})).await);
        }
        let blocked = put_block(&server, "sam", "alice").await;
        assert_eq!(blocked, 201);
        // Whatever is sent once the block is acknowledged is refused.
        let late = alice.start("message", json!({"roomId": room.id, "text": "late"})).await;
        let mut refused = false;
        for id in asked {
            match alice.answer(id).await {
                Ok(_) => assert!(!refused, "stored behind a refused one, round {round}"),
                Err(error) => {
                    assert_eq!(error.code, "blocked");
                    refused = true;
                }
            }
        }
        assert_eq!(alice.answer(late).await.unwrap_err().code, "blocked");
        assert_eq!(delete_block(&server, "sam", "alice").await, 204);
    }
    let seqs = sam.seqs_before_ack().await;
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>());
}

fn photo() -> Vec<u8> {
    let mut photo = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(64, 48).write_to(&mut photo, image::ImageFormat::Png).unwrap();
    photo.into_inner()
}

async fn reports(server: &TestServer, state: &str) -> Vec<Value> {
    let path = format!("/api/v1/reports?state={state}");
    let page = call(server.addr, SERVICE_KEY, "GET", &path, None).await;
    page.body["items"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn a_report_keeps_the_messages_around_it_and_a_decision_mutes_until_its_end() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike");
    let messages = seed.messages(&room.id, "sam", 30);
    let alice = server.token("alice");
    let body = json!({"roomId": room.id, "messageId": messages[14].id, "category": "scam", "text": "look\nat this"});
    let made = call(server.addr, &alice, "POST", "/api/v1/reports", Some(body.clone())).await;
    assert_eq!(made.status, 201);
    let again = call(server.addr, &alice, "POST", "/api/v1/reports", Some(body)).await;
    assert_eq!((again.status, &again.body), (200, &made.body), "the same report waits already");

    let mut sam = server.ws("sam").await;
    sam.enter(room.id.as_str()).await;
    sam.request("deleteMessage", json!({"messageId": messages[14].id})).await.unwrap();
    let open = reports(&server, "open").await;
    assert_eq!(open.len(), 1);
    let report = &open[0];
    assert_eq!((&report["reporterId"], &report["reportedId"]), (&json!("alice"), &json!("sam")));
    let kept = report["messages"].as_array().unwrap();
    let seqs: Vec<i64> = kept.iter().map(|message| message["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (5..=25).collect::<Vec<i64>>());
    assert_eq!(kept[10]["text"], "message 15", "as it stood when it was reported");

    let path = format!("/api/v1/reports/{}", report["id"].as_str().unwrap());
    let until = "2026-11-23T09:10:00.000Z";
    let decide = |body: Value| call(server.addr, SERVICE_KEY, "PATCH", &path, Some(body));
    assert_eq!(decide(json!({"decision": "dismissed", "muteUntil": until})).await.status, 422);
    let decided = decide(json!({"decision": "upheld", "muteUntil": until})).await;
    assert_eq!((decided.status, &decided.body["state"]), (200, &json!("decided")));
    assert!(reports(&server, "open").await.is_empty());
    assert_eq!(reports(&server, "decided").await, std::slice::from_ref(&decided.body));

    // In the room that is in memory, and in one that is not.
    let error = sam.request("message", json!({"roomId": room.id, "text": "but"})).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.until.as_deref()), ("muted", Some(until)));
    assert!(error.message.contains(until), "{}", error.message);
    // Where no answer is asked for, and on the other wire.
    sam.emit("message", json!({"roomId": room.id, "text": "but"})).await;
    let notice = sam.push("error").await;
    assert_eq!(
        (&notice["code"], &notice["until"], &notice["event"]),
        (&json!("muted"), &json!(until), &json!("message"))
    );
    let mut packets = PacketClient::open(server.addr).await;
    packets.join("/chat", json!({"token": server.token("sam")})).await;
    let refused = packets.request("/chat", "message", json!({"roomId": room.id, "text": "but"})).await;
    assert_eq!((&refused["error"]["code"], &refused["error"]["until"]), (&json!("muted"), &json!(until)));
    let other = seed.room("bob", "bike");
    let path = format!("/api/v1/rooms/{}/messages", other.id);
    let refused = call(server.addr, &server.token("sam"), "POST", &path, Some(json!({"text": "but"}))).await;
    assert_eq!((refused.status, &refused.body["code"], &refused.body["until"]), (403, &json!("muted"), &json!(until)));
    let photo =
        upload(server.addr, &server.token("sam"), &format!("/api/v1/rooms/{}/images", other.id), &photo(), &[]).await;
    assert_eq!((photo.status, &photo.body["code"], &photo.body["until"]), (403, &json!("muted"), &json!(until)));
    server.advance(Duration::from_secs(601));
    sam.request("message", json!({"roomId": room.id, "text": "sorry"})).await.unwrap();

    // A later decision replaces the first, and its mute.
    let far = "2027-11-23T09:10:00.000Z";
    decide(json!({"decision": "upheld", "muteUntil": far})).await;
    assert_eq!(sam.request("message", json!({"roomId": room.id, "text": "x"})).await.unwrap_err().code, "muted");
    decide(json!({"decision": "dismissed"})).await;
    sam.request("message", json!({"roomId": room.id, "text": "thank you"})).await.unwrap();
}

#[actix_web::test]
async fn only_a_message_of_the_other_member_in_this_room_is_reported() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let (room, other) = (seed.room("alice", "bike"), seed.room("alice", "lamp"));
    let (own, elsewhere) = (seed.messages(&room.id, "alice", 1), seed.messages(&other.id, "sam", 1));
    let report = |message: Value| {
        let body = json!({"roomId": room.id, "messageId": message, "category": "spam"});
        let token = server.token("alice");
        async move { call(server.addr, &token, "POST", "/api/v1/reports", Some(body)).await.status }
    };
    assert_eq!(report(json!(own[0].id)).await, 422);
    assert_eq!(report(json!(elsewhere[0].id)).await, 404);
    assert_eq!(report(json!("none")).await, 404);
    assert_eq!(report(Value::Null).await, 201);
}

#[actix_web::test]
async fn the_reports_come_in_pages() {
    let server = TestServer::start().await;
    let seed = server.seed();
    for buyer in ["alice", "bob", "eve"] {
        let room = seed.room(buyer, "bike");
        let body = json!({"roomId": room.id, "category": "other"});
        assert_eq!(call(server.addr, &server.token(buyer), "POST", "/api/v1/reports", Some(body)).await.status, 201);
    }
    let mut reporters = Vec::new();
    let mut path = "/api/v1/reports?limit=2".to_owned();
    loop {
        let page = call(server.addr, SERVICE_KEY, "GET", &path, None).await.body;
        reporters.extend(page["items"].as_array().unwrap().iter().map(|report| report["reporterId"].clone()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/v1/reports?limit=2&cursor={cursor}");
    }
    assert_eq!(reporters, ["alice", "bob", "eve"]);
}

#[actix_web::test]
async fn a_queue_that_has_not_changed_is_no_entry_and_one_that_has_is() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    server.seed().report(&room.id, "alice");
    let audited =
        || db::list_audit(&mut server.pool.get().unwrap(), &AuditFilter::All, None, 1000, usize::MAX).unwrap().0.len();
    let list = |tag: String| ask_for_queue(&server, "mina", "state=decided", tag);
    let first = list(String::new()).await;
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!((first.status, audited()), (200, 1));
    let same = list(tag.clone()).await;
    assert_eq!((same.status, same.header("etag"), audited()), (304, Some(tag.as_str()), 1));
    server.seed().report(&room.id, "sam");
    let changed = list(tag.clone()).await;
    assert_eq!((changed.status, audited()), (200, 2));
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    assert_eq!(changed.body["items"].as_array().unwrap().len(), 2);
    let names: Vec<_> = changed.body["users"].as_array().unwrap().iter().map(|user| &user["name"]).collect();
    assert_eq!(names, ["alice", "sam"]);
}

async fn ask_for_queue(server: &TestServer, by: &str, query: &str, tag: String) -> Answer {
    let token = format!("Bearer {}", server.staff_token(by));
    let headers = [("authorization", token.as_str()), ("if-none-match", tag.as_str())];
    send(server.addr, "GET", &format!("/api/v1/reports?{query}"), &headers, b"").await
}

#[actix_web::test]
async fn nobody_learns_of_a_queue_by_the_tag_of_another_one_or_of_another_moderator() {
    let server = TestServer::start().await;
    server.seed().room("alice", "bike");
    let empty = ask_for_queue(&server, "mina", "state=open", String::new()).await;
    let tag = || empty.header("etag").unwrap().to_owned();
    assert_eq!(empty.body, json!({"items": [], "users": []}));
    assert_eq!(ask_for_queue(&server, "mina", "state=open", tag()).await.status, 304);
    for (by, query) in [("mina", "state=open&reportedId=sam"), ("mina", "state=decided"), ("noor", "state=open")] {
        let answer = ask_for_queue(&server, by, query, tag()).await;
        assert_eq!((answer.status, &answer.body), (200, &empty.body), "{by} {query}");
    }
    let entries = db::list_audit(&mut server.pool.get().unwrap(), &AuditFilter::All, None, 1000, usize::MAX).unwrap();
    assert_eq!(entries.0.len(), 4);
}

#[actix_web::test]
async fn a_report_keeps_no_words_of_somebody_who_was_removed() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike");
    seed.messages(&room.id, "sam", 2);
    seed.messages(&room.id, "alice", 1);
    let token = server.token("alice");
    let body = json!({"roomId": room.id, "category": "scam", "text": "he lies"});
    assert_eq!(call(server.addr, &token, "POST", "/api/v1/reports", Some(body)).await.status, 201);
    let texts = |report: &Value| {
        let messages = report["messages"].as_array().unwrap().clone();
        messages.iter().map(|message| message["text"].is_string()).collect::<Vec<_>>()
    };
    assert_eq!(call(server.addr, SERVICE_KEY, "DELETE", "/api/v1/users/sam", None).await.status, 204);
    let report = reports(&server, "open").await.remove(0);
    assert_eq!((texts(&report), &report["text"]), (vec![false, false, true], &json!("he lies")));
    assert_eq!(call(server.addr, SERVICE_KEY, "DELETE", "/api/v1/users/alice", None).await.status, 204);
    let report = reports(&server, "open").await.remove(0);
    assert_eq!((texts(&report), &report["text"]), (vec![false; 3], &Value::Null));
}

#[actix_web::test]
async fn what_was_said_before_a_block_is_answered_as_it_was_when_it_is_sent_again() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    let message = json!({"roomId": room.id, "text": "hello", "clientId": "k"});
    let offer = json!({"roomId": room.id, "amount": 1, "currency": "KRW", "clientId": "o"});
    let first = alice.request("message", message.clone()).await.unwrap();
    let offered = alice.request("offer", offer.clone()).await.unwrap();
    put_block(&server, "sam", "alice").await;
    assert_eq!(alice.request("message", message).await.unwrap(), first);
    assert_eq!(alice.request("offer", offer).await.unwrap(), offered);
    let new = json!({"roomId": room.id, "text": "hello", "clientId": "another"});
    assert_eq!(alice.request("message", new).await.unwrap_err().code, "blocked");
}

#[actix_web::test]
async fn a_block_and_a_mute_leave_what_was_said_to_be_found_exported_and_sent_to_the_backend() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    let (mut alice, mut sam) = server.both(room.as_str()).await;
    alice.say("자전거 아직 있나요?").await;
    sam.say("자전거는 있어요").await;
    let muted = json!({"decision": "upheld", "muteUntil": "2026-12-01T00:00:00.000Z"});
    let path = format!("/api/v1/reports/{}", seed.report(&room, "alice"));
    assert_eq!(call(server.addr, SERVICE_KEY, "PATCH", &path, Some(muted)).await.status, 200);
    assert_eq!(put_block(&server, "alice", "sam").await, 201);
    assert_eq!(alice.request("read", json!({"seq": 2})).await.unwrap()["readSeq"], 2);
    for user in ["alice", "sam"] {
        for query in ["%EC%9E%90%EC%A0%84%EA%B1%B0", "%EC%9E%88"] {
            let found = call(server.addr, &server.token(user), "GET", &format!("/api/v1/search?q={query}"), None).await;
            let items = found.body["items"].as_array().unwrap();
            assert_eq!(items.len(), 2, "{user} {found:?}");
            let marked = |item: &Value| item["snippet"].as_array().unwrap().iter().any(|part| part["hit"] == true);
            assert!(items.iter().all(marked), "{found:?}");
        }
        let export = call(server.addr, SERVICE_KEY, "GET", &format!("/api/v1/users/{user}/export"), None).await;
        let Value::String(lines) = export.body else { panic!() };
        assert_eq!(lines.lines().filter(|line| line.contains("자전거")).count(), 1, "one's own words");
    }
    // Blocks don't affect the marketplace's record: it has every message and every read mark.
    let page = call(server.addr, SERVICE_KEY, "GET", "/api/v1/events?limit=500", None).await.body;
    let told = |event: &str| page["items"].as_array().unwrap().iter().filter(|item| item["event"] == event).count();
    assert_eq!((told("message"), told("read")), (2, 2), "sam has read by answering: {page}");
}

#[actix_web::test]
async fn an_image_for_a_closed_conversation_is_refused_and_leaves_no_file() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    assert_eq!(put_block(&server, "sam", "alice").await, 201);
    let photo = photo();
    let path = format!("/api/v1/rooms/{room}/images");
    for user in ["alice", "sam"] {
        let sent = upload(server.addr, &server.token(user), &path, &photo, &[]).await;
        assert_eq!((sent.status, &sent.body["code"]), (403, &json!("blocked")), "{user}");
    }
    let kept = std::fs::read_dir(format!("{}-images", server.database_file().display()));
    assert_eq!(kept.map_or(0, Iterator::count), 0);
    assert_eq!(delete_block(&server, "sam", "alice").await, 204);
    assert_eq!(upload(server.addr, &server.token("alice"), &path, &photo, &[]).await.status, 201);
}

#[actix_web::test]
async fn who_has_many_reports_waiting_is_asked_to_wait() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike");
    let messages = seed.messages(&room.id, "sam", 21);
    let token = server.token("alice");
    let mut answers = Vec::new();
    for message in &messages {
        let body = json!({"roomId": room.id, "messageId": message.id, "category": "spam"});
        let answer = call(server.addr, &token, "POST", "/api/v1/reports", Some(body)).await;
        server.advance(Duration::from_secs(1));
        answers.push(answer);
    }
    let refused = answers.pop().unwrap();
    assert!(answers.iter().all(|answer| answer.status == 201));
    assert_eq!((refused.status, &refused.body["code"]), (429, &json!("rate_limited")));
    assert!(refused.body["retryAfterMs"].is_u64(), "{}", refused.body);
}
