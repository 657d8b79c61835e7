//! Unread notifications: the marketplace's backend is notified at least once, also after it was down, and not without a
//! reason.

use std::time::Duration;

use haggle::internals::{
    config::{Config, Secret, WebhookTarget},
    domain::WebhookEvents,
};
use serde_json::json;

use crate::support::{
    TestServer, database, rest,
    server::{SERVICE_KEY, START},
    until,
    webhook::{Backend, Hook, Reaction},
};

const WEBHOOK_SECRET: &str = "a secret of webhooks, 32 bytes or more";
const AFTER: Duration = Duration::from_secs(300);
/// The longest wait between two tries.
const RETRY: Duration = Duration::from_secs(600);

fn told_at(backend: &Backend) -> impl FnOnce(&mut Config) + use<> {
    let url = format!("http://{}/hook", backend.addr);
    move |config| {
        let secret = Secret::new(WEBHOOK_SECRET);
        config.webhook =
            Some(WebhookTarget { url, secret, events: WebhookEvents::default(), notify_unread_after: AFTER });
    }
}

/// Waits until the notifier has looked for everything that was due by now. The first check may have begun before.
async fn looked(server: &TestServer) {
    for _ in 0..3 {
        let looks = server.metrics.notification_looks.get();
        server.advance(Duration::from_secs(1));
        until("the notifier's next look", || server.metrics.notification_looks.get() > looks).await;
    }
}

fn assert_signed(hook: &Hook, server: &TestServer) {
    let signed_at = hook.signed_at(WEBHOOK_SECRET);
    assert!((START.as_secs()..=server.clock.now().as_secs()).contains(&signed_at));
    assert_eq!(hook.headers["idempotency-key"], hook.body["id"].as_str().unwrap());
}

#[actix_web::test]
async fn a_message_that_stays_unread_is_notified_once_and_signed() {
    let backend = Backend::start().await;
    let server = TestServer::with(told_at(&backend)).await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;
    alice.say("is it still there?").await;
    server.advance(AFTER - Duration::from_secs(1));
    let second = alice.say("hello?").await;
    server.advance(Duration::from_secs(1));

    let hook = backend.hooks(1).await.remove(0);
    assert_signed(&hook, &server);
    assert_eq!(hook.headers["content-type"], "application/json");
    let body = &hook.body;
    assert_eq!((&body["event"], &body["userId"], &body["roomId"]), (&json!("unread"), &json!("sam"), &json!(room.id)));
    assert_eq!((&body["unread"], &body["lastMessage"]), (&json!(2), &second));
    assert_eq!((&body["other"]["id"], &body["product"]["id"]), (&json!("alice"), &json!("bike")));
    until("the count", || server.metrics.notifications_delivered.get() == 1).await;

    // The second message is of the same run; after reading, another run begins.
    server.advance(AFTER);
    looked(&server).await;
    assert_eq!(backend.count(), 1);
    let mut sam = server.ws("sam").await;
    sam.request("read", json!({"roomId": room.id, "seq": 2})).await.unwrap();
    alice.say("so?").await;
    server.advance(AFTER);
    let hooks = backend.hooks(2).await;
    assert_eq!(hooks[1].body["unread"], 1);
    assert_ne!(hooks[1].body["id"], body["id"]);
}

#[actix_web::test]
async fn reading_in_time_cancels() {
    let backend = Backend::start().await;
    let server = TestServer::with(told_at(&backend)).await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(room.id.as_str()).await;
    alice.say("is it still there?").await;
    sam.request("read", json!({"roomId": room.id, "seq": 1})).await.unwrap();
    server.advance(AFTER);
    looked(&server).await;
    assert_eq!(backend.count(), 0);
}

#[actix_web::test]
async fn a_backend_that_fails_is_notified_again_with_the_same_id_and_never_elsewhere() {
    let backend = Backend::start().await;
    backend.script([Reaction::Status(500), Reaction::Close, Reaction::Status(302), Reaction::Status(404)]);
    let server = TestServer::with(told_at(&backend)).await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;
    alice.say("is it still there?").await;
    server.advance(AFTER);
    for failures in 1..=4 {
        until("a failure", || server.metrics.notification_failures.get() == failures).await;
        assert_eq!(server.metrics.notifications_delivered.get(), 0);
        until("it waits", || server.metrics.notifications_pending.get() == 1).await;
        server.advance(RETRY);
    }
    until("the count", || server.metrics.notifications_delivered.get() == 1).await;
    let hooks = backend.hooks(5).await;
    for hook in &hooks {
        assert_signed(hook, &server);
        assert_eq!(hook.body["id"], hooks[0].body["id"]);
    }
    looked(&server).await;
    until("nothing waits", || server.metrics.notifications_pending.get() == 0).await;
}

#[actix_web::test]
async fn reading_cancels_what_waits_for_another_try() {
    let backend = Backend::start().await;
    backend.script([Reaction::Status(503)]);
    let server = TestServer::with(told_at(&backend)).await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(room.id.as_str()).await;
    alice.say("is it still there?").await;
    server.advance(AFTER);
    until("a failure", || server.metrics.notification_failures.get() == 1).await;
    sam.request("read", json!({"roomId": room.id, "seq": 1})).await.unwrap();
    server.advance(RETRY);
    looked(&server).await;
    until("nothing waits", || server.metrics.notifications_pending.get() == 0).await;
    assert_eq!(backend.count(), 1);
}

#[actix_web::test]
async fn what_was_not_delivered_is_delivered_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let url = database::url_in(folder.path());
    let backend = Backend::start().await;
    // The first never answers: the drain does not wait for it.
    backend.script([Reaction::Hang]);
    let on_file = |backend: &Backend| {
        let (told, url) = (told_at(backend), url.clone());
        move |config: &mut Config| {
            told(config);
            config.database_url = url;
            config.drain_timeout = Duration::from_secs(1);
        }
    };
    let mut first = TestServer::with(on_file(&backend)).await;
    let room = first.seed().room("alice", "bike");
    let alice = first.ws("alice").await;
    let mut alice = alice;
    alice.enter(room.id.as_str()).await;
    alice.say("is it still there?").await;
    first.advance(AFTER);
    let id = backend.hooks(1).await[0].body["id"].clone();
    alice.close().await;
    assert!(first.drain());

    let second = TestServer::with(on_file(&backend)).await;
    second.advance(AFTER + RETRY);
    assert_eq!(backend.hooks(2).await[1].body["id"], id);
}

#[actix_web::test]
async fn many_are_notified_with_a_few_tries_at_once_by_a_slow_backend() {
    const BUYERS: usize = 30;
    let backend = Backend::start().await;
    backend.script((0..BUYERS).map(|_| Reaction::Slow(Duration::from_millis(20))));
    let server = TestServer::with(told_at(&backend)).await;
    let seed = server.seed();
    for buyer in 0..BUYERS {
        let room = seed.room(&format!("buyer-{buyer}"), "bike");
        seed.messages(&room.id, "sam", 3);
    }
    server.advance(AFTER);
    until("the count", || server.metrics.notifications_delivered.get() == BUYERS as u64).await;
    let hooks = backend.hooks(BUYERS).await;
    let users: std::collections::HashSet<_> = hooks.iter().map(|hook| hook.body["userId"].to_string()).collect();
    assert_eq!(users.len(), BUYERS);
}

#[actix_web::test]
async fn nobody_is_called_back_to_a_closed_conversation_or_to_somebody_who_is_muted() {
    let backend = Backend::start().await;
    backend.script([Reaction::Status(503)]);
    let server = TestServer::with(told_at(&backend)).await;
    let seed = server.seed();
    let (closed, muted) = (seed.room("alice", "bike").id, seed.room("bob", "bike").id);
    let (mut alice, mut bob, mut sam) = (server.ws("alice").await, server.ws("bob").await, server.ws("sam").await);
    sam.request("message", json!({"roomId": closed, "text": "said before"})).await.unwrap();
    alice.request("message", json!({"roomId": closed, "text": "waits for another try"})).await.unwrap();
    server.advance(AFTER);
    until("a failure", || server.metrics.notification_failures.get() == 1).await;
    bob.request("message", json!({"roomId": muted, "text": "said before, too"})).await.unwrap();
    sam.request("message", json!({"roomId": muted, "text": "to whom it concerns"})).await.unwrap();
    let put = rest::call(server.addr, &server.token("alice"), "PUT", "/api/v1/blocks/sam", None).await;
    assert_eq!(put.status, 201);
    let decision = json!({"decision": "upheld", "muteUntil": "2026-11-30T00:00:00.000Z"});
    let path = format!("/api/v1/reports/{}", seed.report(&muted, "sam"));
    assert_eq!(rest::call(server.addr, SERVICE_KEY, "PATCH", &path, Some(decision)).await.status, 200);
    server.advance(AFTER + RETRY);
    // Bob is muted: he may read, and is notified; his own messages notify nobody.
    let hooks = backend.hooks(2).await;
    assert_eq!((&hooks[1].body["userId"], &hooks[1].body["roomId"]), (&json!("bob"), &json!(muted)));
    looked(&server).await;
    until("nothing waits", || server.metrics.notifications_pending.get() == 0).await;
    assert_eq!(backend.count(), 2);
    // After it is unblocked, notifications start with new messages.
    let unblocked = rest::call(server.addr, &server.token("alice"), "DELETE", "/api/v1/blocks/sam", None).await;
    assert_eq!(unblocked.status, 204);
    looked(&server).await;
    assert_eq!(backend.count(), 2);
    sam.request("message", json!({"roomId": closed, "text": "good that we talk again"})).await.unwrap();
    server.advance(AFTER);
    assert_eq!(backend.hooks(3).await[2].body["userId"], "alice");
}

#[actix_web::test]
async fn one_who_shows_nobody_how_far_they_read_is_notified_all_the_same_and_reading_cancels() {
    let backend = Backend::start().await;
    let server = TestServer::with(told_at(&backend)).await;
    let room = server.seed().room("alice", "bike").id;
    let off = Some(json!({"readReceipts": false, "typing": false, "presence": false}));
    let switched = rest::call(server.addr, &server.token("sam"), "PATCH", "/api/v1/me/settings", off).await;
    assert_eq!(switched.status, 200);
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.request("message", json!({"roomId": room, "text": "read in time"})).await.unwrap();
    sam.request("read", json!({"roomId": room, "seq": 1})).await.unwrap();
    server.advance(AFTER);
    looked(&server).await;
    assert_eq!(backend.count(), 0);
    alice.request("message", json!({"roomId": room, "text": "not read"})).await.unwrap();
    server.advance(AFTER);
    let hook = backend.hooks(1).await.remove(0);
    assert_eq!((&hook.body["userId"], &hook.body["readSeq"]), (&json!("sam"), &json!(1)));
}

#[actix_web::test]
async fn a_notice_calls_nobody_back_who_knows_and_an_answer_takes_back_what_it_answers() {
    let backend = Backend::start().await;
    let server = TestServer::with(told_at(&backend)).await;
    let seed = server.seed();
    let (with_alice, with_bob) = (seed.room("alice", "bike").id, seed.room("bob", "bike").id);
    let (mut alice, mut bob, mut sam) = (server.ws("alice").await, server.ws("bob").await, server.ws("sam").await);
    alice.request("message", json!({"roomId": with_alice, "text": "is it still there?"})).await.unwrap();
    sam.request("message", json!({"roomId": with_alice, "text": "it is"})).await.unwrap();
    alice.request("message", json!({"roomId": with_alice, "text": "thank you"})).await.unwrap();
    sam.request("message", json!({"roomId": with_alice, "text": "sold"})).await.unwrap();
    let sold = json!({"status": "sold"});
    let patched = rest::call(server.addr, &server.token("sam"), "PATCH", "/api/v1/products/bike", Some(sold)).await;
    assert_eq!(patched.status, 200);
    bob.request("read", json!({"roomId": with_bob, "seq": 1})).await.unwrap();
    server.advance(AFTER);
    // Sam has answered, and has sold it himself; Bob has read of it.
    let hook = backend.hooks(1).await.remove(0);
    assert_eq!((&hook.body["userId"], &hook.body["unread"]), (&json!("alice"), &json!(2)));
    looked(&server).await;
    assert_eq!(backend.count(), 1);
}
