//! Events by webhook: what happened reaches the backend signed, in order and at least once, whatever it answers meanwhile.

use std::time::Duration;

use haggle::internals::{
    config::{Config, Secret, WebhookTarget},
    domain::WebhookEvent,
};
use serde_json::{Value, json};

use crate::support::{
    TestServer, database, rest,
    server::SERVICE_KEY,
    until,
    webhook::{Backend, Hook, Reaction},
};

const WEBHOOK_SECRET: &str = "a secret of webhooks, 32 bytes or more";
const SECOND: Duration = Duration::from_secs(1);
/// The longest wait between two tries.
const RETRY: Duration = Duration::from_secs(60);

const ALL: [WebhookEvent; 7] = [
    WebhookEvent::Message,
    WebhookEvent::Offer,
    WebhookEvent::Report,
    WebhookEvent::Mute,
    WebhookEvent::Block,
    WebhookEvent::Product,
    WebhookEvent::User,
];

fn sent_to(backend: &Backend, events: &[WebhookEvent]) -> impl FnOnce(&mut Config) + use<> {
    let url = format!("http://{}/hook", backend.addr);
    let events = events.iter().copied().collect();
    move |config| {
        let secret = Secret::new(WEBHOOK_SECRET);
        config.webhook = Some(WebhookTarget { url, secret, events, notify_unread_after: Duration::from_secs(300) });
    }
}

fn assert_signed(hook: &Hook) {
    hook.signed_at(WEBHOOK_SECRET);
    assert_eq!(
        (&hook.body["event"], &hook.headers["content-type"]),
        (&json!("events"), &"application/json".to_owned())
    );
    let items = hook.body["items"].as_array().unwrap();
    assert_eq!(hook.body["nextCursor"], items.last().unwrap()["cursor"]);
    assert_eq!(hook.headers["idempotency-key"], hook.body["nextCursor"].as_str().unwrap());
}

/// Everything that was sent, in the order in which it came.
fn items(hooks: &[Hook]) -> Vec<Value> {
    hooks.iter().flat_map(|hook| hook.body["items"].as_array().unwrap().clone()).collect()
}

/// The same without what was sent again: a receiver keeps the last cursor that it has handled.
fn handled(items: &[Value]) -> Vec<Value> {
    let mut seen = std::collections::HashSet::new();
    items.iter().filter(|item| seen.insert(item["cursor"].to_string())).cloned().collect()
}

/// Waits until it has looked for the first time: from now on it looks when the clock is turned.
async fn begun(server: &TestServer) {
    until("the first look", || server.metrics.webhook_event_looks.get() > 0).await;
}

/// Waits until it has looked at everything that was committed by now. The first check may have begun before.
async fn looked(server: &TestServer) {
    for _ in 0..2 {
        let looks = server.metrics.webhook_event_looks.get();
        server.advance(SECOND);
        until("the next look", || server.metrics.webhook_event_looks.get() > looks).await;
    }
}

/// What `GET /events` has of some kinds.
async fn listed(server: &TestServer, after: &str, names: &[&str]) -> Vec<Value> {
    let path = format!("/api/v1/events?limit=500&after={after}");
    let page = rest::call(server.addr, SERVICE_KEY, "GET", &path, None).await;
    assert_eq!((page.status, &page.body["hasMore"]), (200, &json!(false)));
    let items = page.body["items"].as_array().unwrap().iter();
    items.filter(|item| names.contains(&item["event"].as_str().unwrap())).cloned().collect()
}

async fn newest(server: &TestServer) -> String {
    let page = rest::call(server.addr, SERVICE_KEY, "GET", "/api/v1/events?limit=500", None).await;
    page.body["nextCursor"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn the_backend_is_sent_the_events_that_it_wants_as_get_events_has_them() {
    let backend = Backend::start().await;
    let server = TestServer::with(sent_to(&backend, &ALL)).await;
    begun(&server).await;
    let begin = newest(&server).await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    let (mut alice, mut sam) = server.both(room.as_str()).await;
    alice.say("is it still there?").await;
    sam.request("read", json!({"seq": 1})).await.unwrap();
    alice.request("offer", json!({"amount": 9000, "currency": "KRW"})).await.unwrap();
    seed.report(&room, "alice");
    let key = SERVICE_KEY;
    let mute = json!({"until": "2026-11-30T00:00:00.000Z", "reason": "spam"});
    assert_eq!(rest::call(server.addr, key, "PUT", "/api/v1/users/alice/mute", Some(mute)).await.status, 200);
    let put = rest::call(server.addr, &server.token("alice"), "PUT", "/api/v1/blocks/sam", None).await;
    assert_eq!(put.status, 201);
    looked(&server).await;

    let wanted = [
        "message",
        "messageUpdated",
        "offerUpdated",
        "reportCreated",
        "reportDecided",
        "muteUpdated",
        "blockUpdated",
        "productUpdated",
        "userUpdated",
    ];
    let listed = listed(&server, &begin, &wanted).await;
    until("all are sent", || server.metrics.webhook_events_sent.get() == listed.len() as u64).await;
    let hooks = backend.all();
    hooks.iter().for_each(assert_signed);
    assert_eq!(items(&hooks), listed);
    for name in ["message", "offerUpdated", "reportCreated", "muteUpdated", "blockUpdated", "productUpdated"] {
        assert!(listed.iter().any(|item| item["event"] == name), "{name}: {listed:#?}");
    }
    // A cursor of the webhook is one of the events'.
    let last = hooks.last().unwrap().body["nextCursor"].as_str().unwrap();
    assert_eq!(self::listed(&server, last, &wanted).await, Vec::<Value>::new());
    assert_eq!((server.metrics.webhook_events_pending.get(), server.metrics.notification_looks.get()), (0, 0));
}

#[actix_web::test]
async fn nothing_is_sent_that_was_not_asked_for() {
    let backend = Backend::start().await;
    let server = TestServer::with(sent_to(&backend, &[WebhookEvent::Report])).await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    seed.messages(&room, "alice", 300);
    looked(&server).await;
    assert_eq!((backend.count(), server.metrics.webhook_events_pending.get()), (0, 0));
    let id = seed.report(&room, "alice");
    looked(&server).await;
    until("both are sent", || server.metrics.webhook_events_sent.get() == 2).await;
    let sent: Vec<_> =
        items(&backend.all()).iter().map(|item| (item["event"].clone(), item["data"]["id"].clone())).collect();
    assert_eq!(sent, [(json!("reportCreated"), json!(id)), (json!("reportDecided"), json!(id))]);
}

#[actix_web::test]
async fn a_backend_that_was_down_gets_everything_in_order_when_it_is_back() {
    const MESSAGES: usize = 700;
    let backend = Backend::start().await;
    let failures = [Reaction::Status(500), Reaction::Close, Reaction::Status(302), Reaction::Status(413)];
    backend.script(failures);
    let server = TestServer::with(sent_to(&backend, &[WebhookEvent::Message])).await;
    begun(&server).await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    seed.messages(&room, "alice", MESSAGES);
    server.advance(SECOND);
    for failed in 1..=failures.len() as u64 {
        until("a failure", || server.metrics.webhook_event_failures.get() == failed).await;
        assert_eq!(server.metrics.webhook_events_sent.get(), 0);
        // It says how much waits, and since when.
        assert_eq!(server.metrics.webhook_events_pending.get(), MESSAGES as i64);
        assert_eq!(server.metrics.webhook_events_oldest.get(), (1 << (failed - 1)));
        // The longest wait after so many failures.
        server.advance(SECOND * (1 << (failed - 1)));
    }
    until("all are sent", || server.metrics.webhook_events_sent.get() == MESSAGES as u64).await;
    until("none waits", || server.metrics.webhook_events_pending.get() == 0).await;
    let hooks = backend.all();
    assert!(hooks.len() > failures.len() + 1, "they come in batches");
    for hook in &hooks {
        assert_signed(hook);
        assert!(hook.raw.len() <= 66 * 1024, "{}", hook.raw.len());
    }
    let first = handled(&items(&hooks[..=failures.len()]));
    assert_eq!(first, items(&hooks[..1]), "the same events each time");
    let handled = handled(&items(&hooks));
    let seqs: Vec<_> = handled.iter().map(|item| item["data"]["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=MESSAGES as u64).collect::<Vec<_>>());
}

#[actix_web::test]
async fn a_webhook_that_never_answers_costs_a_message_nothing() {
    let backend = Backend::start().await;
    backend.script([Reaction::Hang]);
    let change = sent_to(&backend, &[WebhookEvent::Message]);
    let server = TestServer::with(|config| {
        change(config);
        config.drain_timeout = SECOND;
    });
    let mut server = server.await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, sam) = server.both(room.as_str()).await;
    alice.say("one").await;
    server.advance(SECOND);
    backend.hooks(1).await;
    for text in ["two", "three", "four"] {
        alice.say(text).await;
    }
    alice.close().await;
    sam.close().await;
    // Nor does the end of the server wait for it.
    assert!(server.drain());
}

#[actix_web::test]
async fn a_restart_goes_on_where_the_webhook_was() {
    let folder = tempfile::tempdir().unwrap();
    let url = database::url_in(folder.path());
    let backend = Backend::start().await;
    let on_file = |events: &[WebhookEvent]| {
        let (change, url) = (sent_to(&backend, events), url.clone());
        move |config: &mut Config| {
            change(config);
            config.database_url = url;
        }
    };
    let mut first = TestServer::with(on_file(&[WebhookEvent::Message])).await;
    let room = first.seed().room("alice", "bike").id;
    first.seed().messages(&room, "alice", 2);
    looked(&first).await;
    until("two are sent", || first.metrics.webhook_events_sent.get() == 2).await;
    assert!(first.drain());

    // Nobody sends them while the webhook is not configured.
    let mut without = TestServer::with(|config| config.database_url = url.clone()).await;
    without.seed().messages(&room, "sam", 3);
    assert!(without.drain());

    let second = TestServer::with(on_file(&[WebhookEvent::Message])).await;
    looked(&second).await;
    until("three more are sent", || second.metrics.webhook_events_sent.get() == 3).await;
    let seqs: Vec<_> = items(&backend.all()).iter().map(|item| item["data"]["seq"].clone()).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5].map(|seq| json!(seq)));
}

#[actix_web::test]
async fn words_that_are_gone_when_the_event_is_sent_are_not_in_it() {
    let backend = Backend::start().await;
    backend.script([Reaction::Status(503)]);
    let server = TestServer::with(sent_to(&backend, &[WebhookEvent::Message])).await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, _sam) = server.both(room.as_str()).await;
    begun(&server).await;
    let said = alice.say("my number is a secret").await;
    server.advance(SECOND);
    until("a failure", || server.metrics.webhook_event_failures.get() == 1).await;
    alice.request("deleteMessage", json!({"messageId": said["id"]})).await.unwrap();
    server.advance(RETRY);
    until("both are sent", || server.metrics.webhook_events_sent.get() == 2).await;
    let hooks = backend.all();
    assert_eq!(items(&hooks[..1])[0]["data"]["text"], "my number is a secret");
    let events = items(&hooks[1..]);
    assert_eq!((&events[0]["event"], &events[1]["event"]), (&json!("message"), &json!("messageUpdated")));
    assert!(events.iter().all(|event| event["data"].get("text").is_none()), "{events:#?}");
}
