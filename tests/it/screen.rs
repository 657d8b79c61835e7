//! A say before a message is stored: the marketplace decides about it, in time or not, and nobody else waits.

use std::{io::Cursor, time::Duration};

use haggle::internals::{
    auth::RoomTokens,
    config::{Config, ScreenTarget, Secret},
    domain::{
        AuthorizePolicy, UserId,
        screen::{ScreenFallback, ScreenWhen},
    },
    metrics::Reason,
};
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

use crate::support::{
    TestServer, database,
    rest::{self, Answer},
    server::{SECRET, SERVICE_KEY},
    until,
    webhook::{Backend, Reaction},
};

const WEBHOOK_SECRET: &str = "a secret of webhooks, 32 bytes or more";
/// Longer than any answer takes: it can only fail a test.
const PATIENCE: Duration = Duration::from_secs(10);
const ALLOW: &str = r#"{"action":"allow"}"#;

fn asked_at(backend: &Backend, when: &[ScreenWhen], timeout: Duration) -> impl FnOnce(&mut Config) + use<> {
    let (url, secret) = (format!("http://{}/hook", backend.addr), Secret::new(WEBHOOK_SECRET));
    let (kinds, fallback) = (when.iter().copied().collect(), ScreenFallback::Allow);
    move |config| config.screen = Some(ScreenTarget { url, secret, kinds, timeout, fallback })
}

async fn all_asked(backend: &Backend) -> TestServer {
    backend.says(ALLOW);
    TestServer::with(asked_at(backend, &[ScreenWhen::All], PATIENCE)).await
}

fn verdicts(server: &TestServer, reason: &'static str) -> u64 {
    server.metrics.screen_verdicts.get_or_create(&Reason { reason }).get()
}

async fn service(server: &TestServer, path: &str) -> Vec<Value> {
    let answer = rest::call(server.addr, SERVICE_KEY, "GET", path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["items"].as_array().unwrap().clone()
}

/// The decisions in the audit log, oldest first, each with its reason.
async fn decisions(server: &TestServer) -> Vec<(Value, Value)> {
    let mut entries = service(server, "/api/v1/audit?limit=100").await;
    entries.retain(|entry| entry["action"] == "screen_message");
    entries.reverse();
    assert!(entries.iter().all(|entry| entry["by"] == json!({"role": "screen"})), "{entries:#?}");
    entries.into_iter().map(|entry| (entry["details"]["decision"].clone(), entry["reason"].clone())).collect()
}

async fn post(server: &TestServer, user: &str, room: &str, body: Value) -> Answer {
    let path = format!("/api/v1/rooms/{room}/messages");
    rest::call(server.addr, &server.token(user), "POST", &path, Some(body)).await
}

#[actix_web::test]
async fn the_marketplace_is_asked_with_everything_that_it_needs_on_every_wire() {
    let backend = Backend::start().await;
    let server = all_asked(&backend).await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, mut sam) = server.both(room.as_str()).await;
    let data = json!({"text": "is it still there?", "data": {"a": 1}});
    let stored = alice.request("message", data).await.unwrap();
    assert_eq!(sam.push("message").await, stored);
    let hook = backend.hooks(1).await.remove(0);
    hook.signed_at(WEBHOOK_SECRET);
    let body = &hook.body;
    assert_eq!((&body["event"], &body["action"], &body["kind"]), (&json!("screen"), &json!("send"), &json!("text")));
    assert_eq!((&body["roomId"], &body["product"]["id"]), (&json!(room), &json!("bike")));
    assert_eq!((&body["senderId"], &body["recipientId"]), (&json!("alice"), &json!("sam")));
    assert_eq!((&body["text"], &body["data"]), (&json!("is it still there?"), &json!({"a": 1})));
    assert_eq!((&body["firstContact"], &body["images"]), (&json!(true), &json!([])));

    assert_eq!(post(&server, "alice", room.as_str(), json!({"text": "hello?"})).await.status, 201);
    assert_eq!(post(&server, "sam", room.as_str(), json!({"text": "it is"})).await.status, 201);
    let edit = json!({"messageId": stored["id"], "text": "is it there?"});
    assert_eq!(alice.request("editMessage", edit).await.unwrap()["text"], "is it there?");
    let hooks = backend.hooks(4).await;
    assert_eq!((&hooks[1].body["firstContact"], &hooks[2].body["firstContact"]), (&json!(false), &json!(true)));
    let edited = &hooks[3].body;
    assert_eq!((&edited["action"], &edited["messageId"]), (&json!("edit"), &stored["id"]));
    assert_eq!((&edited["text"], &edited["senderId"]), (&json!("is it there?"), &json!("alice")));
    assert_eq!((verdicts(&server, "allow"), decisions(&server).await), (4, vec![]));
}

#[actix_web::test]
async fn each_answer_does_what_it_says_and_is_in_the_audit_log() {
    let backend = Backend::start().await;
    let server = all_asked(&backend).await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, mut sam) = server.both(room.as_str()).await;

    backend.says(r#"{"action":"replace","text":"a friendly word"}"#);
    let stored = alice.say("a rude word").await;
    assert_eq!(stored["text"], "a friendly word");
    assert_eq!(sam.push("message").await, stored);

    backend.says(r#"{"action":"warn","text":"never pay in advance"}"#);
    let stored = alice.say("please pay in advance").await;
    assert_eq!(sam.push("message").await, stored);
    let notice = sam.push("message").await;
    assert_eq!((&notice["kind"], &notice["text"]), (&json!("system"), &json!("never pay in advance")));
    assert_eq!((&notice["seq"], &notice["data"]["about"]), (&json!(3), &json!("alice")));

    backend.says(r#"{"action":"refuse","reason":"no phone numbers here"}"#);
    let refused = alice.request("message", json!("010-1234-5678")).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.message.as_str()), ("refused", "no phone numbers here"));
    let refused = post(&server, "alice", room.as_str(), json!({"text": "010-1234-5678"})).await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("refused")));
    assert_eq!(
        (&refused.body["detail"], &refused.body["params"]["reason"]),
        (&json!("no phone numbers here"), &json!("no phone numbers here"))
    );

    backend.says(r#"{"action":"hold","reason":"looks like a scam"}"#);
    let held = alice.request("message", json!("send me the code")).await.unwrap_err();
    assert_eq!(held.code, "held");

    backend.says(ALLOW);
    assert_eq!(alice.say("the last one").await["seq"], 4, "nothing of what was refused is stored");
    assert_eq!(sam.push("message").await["text"], "the last one");
    let reports = service(&server, "/api/v1/reports").await;
    assert_eq!(reports.len(), 1);
    let report = &reports[0];
    assert_eq!((&report["reportedId"], &report["roomId"]), (&json!("alice"), &json!(room)));
    assert_eq!(report["text"], "Held before it was sent: looks like a scam");
    let kept = report["messages"].as_array().unwrap();
    assert_eq!(kept.last().unwrap()["text"], "send me the code");
    assert_eq!(kept.last().unwrap()["id"], report["messageId"]);
    let decided = json!({"decision": "dismissed"});
    let path = format!("/api/v1/reports/{}", report["id"].as_str().unwrap());
    assert_eq!(rest::call(server.addr, SERVICE_KEY, "PATCH", &path, Some(decided)).await.status, 200);

    let refusal = (json!("refuse"), json!("no phone numbers here"));
    let expected = [
        (json!("replace"), Value::Null),
        (json!("warn"), json!("never pay in advance")),
        refusal.clone(),
        refusal,
        (json!("hold"), json!("looks like a scam")),
    ];
    assert_eq!(decisions(&server).await, expected);
}

#[actix_web::test]
async fn the_answers_of_an_account_keep_their_order_after_a_warning() {
    let backend = Backend::start().await;
    let server = TestServer::with(asked_at(&backend, &[ScreenWhen::Links], PATIENCE)).await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, _sam) = server.both(room.as_str()).await;
    backend.says(r#"{"action":"warn","text":"never pay in advance"}"#);
    let warned = alice.start("message", json!("see example.com")).await;
    let next = alice.start("message", json!("did you?")).await;
    alice.answer(next).await.unwrap();
    assert!(alice.answered(warned).is_some(), "it was sent first");
}

#[actix_web::test]
async fn an_account_whose_messages_are_refused_all_the_time_has_to_wait_and_does_not_fill_the_audit_log() {
    let backend = Backend::start().await;
    let server = all_asked(&backend).await;
    let room = server.seed().room("alice", "bike").id;
    let say = |user: &'static str| post(&server, user, room.as_str(), json!({"text": "010-1234-5678"}));
    backend.says(r#"{"action":"refuse"}"#);
    for _ in 0..20 {
        let refused = say("alice").await.body;
        assert_eq!((&refused["code"], refused.get("params")), (&json!("refused"), None));
    }
    let limited = say("alice").await;
    assert_eq!((limited.status, &limited.body["code"]), (429, &json!("rate_limited")));
    assert_eq!(say("sam").await.body["code"], "refused");
    assert_eq!((decisions(&server).await.len(), verdicts(&server, "refuse")), (21, 21));
    server.advance(Duration::from_secs(30));
    assert_eq!(say("alice").await.body["code"], "refused");
    assert_eq!(say("alice").await.body["code"], "rate_limited");
}

#[actix_web::test]
async fn whom_much_was_refused_has_to_wait_while_the_marketplace_does_not_answer_and_others_do_not() {
    let backend = Backend::start().await;
    let when = [ScreenWhen::Links, ScreenWhen::FirstContact];
    let server = TestServer::with(asked_at(&backend, &when, Duration::from_millis(500))).await;
    let room = server.seed().room("alice", "bike").id;
    let say = |user: &'static str, text: &'static str| post(&server, user, room.as_str(), json!({"text": text}));
    backend.says(r#"{"action":"refuse"}"#);
    for _ in 0..20 {
        assert_eq!(say("alice", "see example.com").await.body["code"], "refused");
    }
    backend.script([(); 5].map(|()| Reaction::Close));
    for _ in 0..5 {
        assert_eq!(say("sam", "see example.com").await.status, 201);
    }
    assert_eq!(server.metrics.screen_open.get(), 1);
    assert_eq!(say("alice", "see example.com").await.body["code"], "rate_limited");
    assert_eq!((say("sam", "see example.com").await.status, verdicts(&server, "unreachable")), (201, 1));
    // Nobody knows whether it would be the first one, so nobody would have been asked about it for sure.
    assert_eq!((say("alice", "no link").await.status, verdicts(&server, "unreachable")), (429, 1));
    assert_eq!((say("sam", "no link").await.status, verdicts(&server, "unreachable")), (201, 1));
}

#[actix_web::test]
async fn an_edit_is_decided_about_like_a_message() {
    let backend = Backend::start().await;
    let server = all_asked(&backend).await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, mut sam) = server.both(room.as_str()).await;
    let said = alice.say("first").await;
    sam.push("message").await;
    let edit = |text: &str| json!({"messageId": said["id"], "text": text});
    for (answer, code) in [(r#"{"action":"refuse"}"#, "refused"), (r#"{"action":"hold"}"#, "held")] {
        backend.says(answer);
        assert_eq!(alice.request("editMessage", edit("worse")).await.unwrap_err().code, code);
    }
    let path = format!("/api/v1/rooms/{room}/messages/{}", said["id"].as_str().unwrap());
    let refused = rest::call(server.addr, &server.token("alice"), "PATCH", &path, Some(json!({"text": "worse"}))).await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("held")));
    backend.says(r#"{"action":"replace","text":"better"}"#);
    assert_eq!(alice.request("editMessage", edit("worse")).await.unwrap()["text"], "better");
    assert_eq!(sam.push("messageUpdated").await["text"], "better");
    backend.says(r#"{"action":"warn","text":"take care"}"#);
    alice.request("editMessage", edit("2nd")).await.unwrap();
    assert_eq!(sam.push("message").await["text"], "take care");
    assert_eq!(decisions(&server).await.len(), 5);
}

#[actix_web::test]
async fn a_warning_follows_only_what_is_stored_and_once() {
    let backend = Backend::start().await;
    let server = all_asked(&backend).await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, mut sam) = server.both(room.as_str()).await;
    backend.says(r#"{"action":"warn","text":"take care"}"#);
    let message = json!({"text": "hello", "clientId": "c1"});
    let first = alice.request("message", message.clone()).await.unwrap();
    assert_eq!(sam.push("message").await, first);
    assert_eq!(sam.push("message").await["text"], "take care");
    // The same again is the same message, whatever is said of it now, and no second warning.
    backend.says(r#"{"action":"refuse"}"#);
    assert_eq!(alice.request("message", message).await.unwrap(), first);
    backend.says(ALLOW);
    assert_eq!(alice.say("next").await["seq"], 3);
}

#[actix_web::test]
async fn who_waits_for_an_answer_is_the_sender_alone_and_in_their_order() {
    let backend = Backend::start().await;
    backend.says(ALLOW);
    backend.script([Reaction::Hang]);
    let server = TestServer::with(asked_at(&backend, &[ScreenWhen::All], Duration::from_secs(2))).await;
    let seed = server.seed();
    let (room, other) = (seed.room("alice", "bike").id, seed.room("bob", "bike").id);
    let (mut alice, mut sam) = server.both(room.as_str()).await;
    let mut bob = server.ws("bob").await;
    bob.enter(other.as_str()).await;
    let first = alice.start("message", json!("one")).await;
    backend.hooks(1).await;
    let second = alice.start("message", json!("two")).await;
    let read = alice.start("read", json!({"roomId": room, "seq": 0})).await;
    // The other member of the same room, and another room, go on.
    assert_eq!(sam.request("message", json!("meanwhile")).await.unwrap()["seq"], 1);
    assert_eq!(bob.say("elsewhere").await["seq"], 1);
    assert_eq!(backend.count(), 3, "alice's second one waits for her first one");
    assert!(alice.answered(first).is_none() && alice.answered(read).is_none());
    assert_eq!(alice.answer(first).await.unwrap()["seq"], 2);
    assert_eq!(alice.answer(second).await.unwrap()["seq"], 3);
    alice.answer(read).await.unwrap();
    assert_eq!((verdicts(&server, "no_answer"), verdicts(&server, "allow")), (1, 3));
}

#[actix_web::test]
async fn an_unreachable_marketplace_costs_the_deadline_at_first_and_nothing_afterwards() {
    let backend = Backend::start().await;
    backend.script([Reaction::Close, Reaction::Hang, Reaction::Close, Reaction::Hang, Reaction::Close]);
    let server = TestServer::with(asked_at(&backend, &[ScreenWhen::All], Duration::from_millis(500))).await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, _sam) = server.both(room.as_str()).await;
    for seq in 1..=5 {
        assert_eq!(alice.say("hello").await["seq"], seq);
    }
    assert_eq!((verdicts(&server, "no_answer"), server.metrics.screen_open.get()), (5, 1));
    let asked = backend.count();
    for seq in 6..=20 {
        assert_eq!(alice.say("hello").await["seq"], seq);
    }
    assert_eq!((verdicts(&server, "no_answer"), verdicts(&server, "unreachable")), (5, 15));
    assert_eq!(backend.count(), asked);

    // After a while one is asked on the side, and nobody waits for that; then they wait again.
    backend.says(r#"{"action":"refuse"}"#);
    server.advance(Duration::from_secs(5));
    assert_eq!(alice.say("is anybody there?").await["seq"], 21);
    until("an answer", || server.metrics.screen_open.get() == 0).await;
    assert_eq!(alice.request("message", json!("hello")).await.unwrap_err().code, "refused");
    assert_eq!(decisions(&server).await, [(json!("refuse"), Value::Null)]);
}

#[actix_web::test]
async fn an_answer_that_is_no_verdict_makes_nobody_else_go_without() {
    let backend = Backend::start().await;
    // The last two answer with something that is no verdict.
    backend.script([500, 302, 404, 500, 500, 200, 200].map(Reaction::Status));
    let server = TestServer::with(asked_at(&backend, &[ScreenWhen::All], PATIENCE)).await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, _sam) = server.both(room.as_str()).await;
    for seq in 1..=7 {
        assert_eq!(alice.say("hello").await["seq"], seq);
    }
    assert_eq!((verdicts(&server, "no_answer"), server.metrics.screen_open.get()), (7, 0));
    backend.says(r#"{"action":"refuse"}"#);
    assert_eq!(alice.request("message", json!("hello")).await.unwrap_err().code, "refused");
}

#[actix_web::test]
async fn a_warning_takes_the_place_of_no_room_token() {
    let backend = Backend::start().await;
    let change = asked_at(&backend, &[ScreenWhen::All], PATIENCE);
    let server = TestServer::with(|config| {
        change(config);
        config.authorize = AuthorizePolicy::RoomToken;
    });
    let server = server.await;
    let room = server.seed().room("alice", "bike").id;
    let mut alice = server.ws("alice").await;
    let tokens = RoomTokens::derived_from(SECRET.as_bytes());
    let token = tokens.issue(&room, &UserId::new("alice").unwrap(), server.clock.now()).0;
    let mut codes = Vec::new();
    for (says, minutes) in [(ALLOW, 0), (r#"{"action":"warn","text":"take care"}"#, 6)] {
        backend.says(says);
        let without = json!({"roomId": room, "text": "hello"});
        codes.push(alice.request("message", without).await.unwrap_err().code);
        let with = json!({"roomId": room, "text": "hello", "token": token});
        server.advance(Duration::from_secs(60 * minutes));
        codes.push(alice.request("message", with).await.map_or_else(|error| error.code, |_| "stored".to_owned()));
    }
    assert_eq!(codes, ["forbidden", "stored", "forbidden", "token_expired"]);
}

#[actix_web::test]
async fn a_session_begins_while_another_one_of_its_user_waits_for_an_answer() {
    let backend = Backend::start().await;
    backend.script([Reaction::Hang]);
    let server = TestServer::with(asked_at(&backend, &[ScreenWhen::All], PATIENCE)).await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, _sam) = server.both(room.as_str()).await;
    let asked = alice.start("message", json!("hello")).await;
    backend.hooks(1).await;
    let mut second = server.ws("alice").await;
    let ban = json!({"until": "2999-01-01T00:00:00.000Z", "reason": "spam"});
    let banned = rest::call(server.addr, SERVICE_KEY, "PUT", "/api/v1/users/alice/ban", Some(ban)).await;
    assert_eq!(banned.status, 200, "{}", banned.body);
    second.closed().await;
    assert!(alice.answered(asked).is_none());
    assert_eq!(verdicts(&server, "no_answer"), 0, "the ban has waited for nothing");
}

#[actix_web::test]
async fn without_an_answer_a_message_may_be_refused_instead() {
    let backend = Backend::start().await;
    let change = asked_at(&backend, &[ScreenWhen::All], PATIENCE);
    let server = TestServer::with(|config| {
        change(config);
        config.screen.as_mut().unwrap().fallback = ScreenFallback::Refuse;
    });
    let server = server.await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, _sam) = server.both(room.as_str()).await;
    backend.says(r#"{"action":"maybe"}"#);
    assert_eq!(alice.request("message", json!("hello")).await.unwrap_err().code, "unavailable");
    backend.says(ALLOW);
    assert_eq!(alice.say("hello").await["seq"], 1);
}

#[actix_web::test]
async fn the_marketplace_is_asked_about_some_messages_alone() {
    let backend = Backend::start().await;
    backend.says(ALLOW);
    let when = [ScreenWhen::Links, ScreenWhen::FirstContact];
    let server = TestServer::with(asked_at(&backend, &when, PATIENCE)).await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, mut sam) = server.both(room.as_str()).await;
    alice.say("the first one").await;
    alice.say("the second one").await;
    sam.request("message", json!("the seller's first one")).await.unwrap();
    let third = alice.say("see https://example.com/bike").await;
    alice.say("no link").await;
    for text in ["none again", "see example.com"] {
        alice.request("editMessage", json!({"messageId": third["id"], "text": text})).await.unwrap();
    }
    let asked: Vec<_> = backend.all().iter().map(|hook| hook.body["text"].clone()).collect();
    let expected = ["the first one", "the seller's first one", "see https://example.com/bike", "see example.com"];
    assert_eq!(asked, expected.map(|text| json!(text)));
}

#[actix_web::test]
async fn an_image_is_asked_about_by_an_address_at_which_it_can_be_read() {
    let backend = Backend::start().await;
    backend.says(ALLOW);
    let server = TestServer::with(asked_at(&backend, &[ScreenWhen::Images], PATIENCE)).await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, _sam) = server.both(room.as_str()).await;
    alice.say("words alone").await;
    let mut photo = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(16, 9).write_to(&mut photo, ImageFormat::Jpeg).unwrap();
    let path = format!("/api/v1/rooms/{room}/images");
    let answer = rest::upload(server.addr, &server.token("alice"), &path, photo.get_ref(), &[]).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let hook = backend.hooks(1).await.remove(0);
    assert_eq!((&hook.body["kind"], hook.body.get("data")), (&json!("image"), None));
    let path = hook.body["images"][0].as_str().unwrap();
    assert_eq!(rest::call(server.addr, "", "GET", path, None).await.status, 200);
}

#[actix_web::test]
async fn nobody_is_asked_about_what_is_refused_anyway() {
    let backend = Backend::start().await;
    let server = all_asked(&backend).await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    seed.user("mallory");
    let stranger = post(&server, "mallory", room.as_str(), json!({"text": "let me in"})).await;
    assert_eq!((stranger.status, &stranger.body["code"]), (403, &json!("forbidden")));
    let put = rest::call(server.addr, &server.token("alice"), "PUT", "/api/v1/blocks/sam", None).await;
    assert_eq!(put.status, 201);
    let closed = post(&server, "sam", room.as_str(), json!({"text": "hello"})).await;
    assert_eq!((closed.status, &closed.body["code"]), (403, &json!("blocked")));
    let mute = json!({"until": "2026-11-30T00:00:00.000Z", "reason": "spam"});
    let other = seed.room("bob", "lamp").id;
    assert_eq!(rest::call(server.addr, SERVICE_KEY, "PUT", "/api/v1/users/bob/mute", Some(mute)).await.status, 200);
    let muted = post(&server, "bob", other.as_str(), json!({"text": "hello"})).await;
    assert_eq!((muted.status, &muted.body["code"]), (403, &json!("muted")));
    // What the marketplace itself says is its own.
    let path = format!("/api/v1/rooms/{room}/messages");
    let said = rest::call(server.addr, SERVICE_KEY, "POST", &path, Some(json!({"text": "a notice"}))).await;
    assert_eq!((said.status, backend.count()), (201, 0));
}

#[actix_web::test]
async fn a_drain_finishes_what_waits_for_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let url = database::url_in(folder.path());
    let backend = Backend::start().await;
    backend.script([Reaction::Hang]);
    let change = asked_at(&backend, &[ScreenWhen::All], Duration::from_secs(1));
    let server = TestServer::with(|config| {
        change(config);
        config.database_url = url;
    });
    let mut server = server.await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    let mut alice = server.ws("alice").await;
    alice.enter(room.as_str()).await;
    alice.start("message", json!("the last words")).await;
    backend.hooks(1).await;
    assert!(server.drain());
    let stored = seed.messages(&room, "sam", 1);
    assert_eq!(stored[0].seq.0, 2, "the last words were stored");
    until("the metric", || verdicts(&server, "no_answer") == 1).await;
}
