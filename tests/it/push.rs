//! Push: a browser is sent what stays unread, encrypted and once, by a push service that may fail; native apps are named to the
//! marketplace's backend.

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use data_encoding::BASE64URL_NOPAD;
use haggle::internals::{
    config::{Config, PushTarget, Secret, WebhookTarget},
    domain::WebhookEvents,
    metrics::Reason,
};
use serde_json::{Value, json};

use crate::support::{
    TestServer,
    push_service::{Answer, Browser, PushService},
    rest,
    server::SERVICE_KEY,
    until,
    webhook::{Backend, Reaction},
};

const AFTER: Duration = Duration::from_secs(300);
/// Longer than the first wait between two tries, shorter than an hour.
const RETRY: Duration = Duration::from_secs(60);
const SUBSCRIPTIONS: &str = "/api/v1/me/push-subscriptions";

/// openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguGrAdSoNP+Vfqro4
y/Ty7/ampxi/a9FN2lhcCmxtMxShRANCAARU5C4WqkdH/WaKboXBmgKHjYVtTfhq
uDsTLV4Rr4uBJV9QpCZfznRsVycoZLSGSzyT1hr63tVWkk7FFsEjSs6+
-----END PRIVATE KEY-----
";

/// Browsers are pushed to.
pub fn pushes(config: &mut Config) {
    config.push = Some(PushTarget {
        key: Secret::new(KEY),
        subject: "mailto:chat@shop.example".to_owned(),
        allow_private: true,
        notify_unread_after: AFTER,
    });
}

fn pushes_and_calls(backend: &Backend) -> impl FnOnce(&mut Config) + use<> {
    let url = format!("http://{}/hook", backend.addr);
    move |config| {
        pushes(config);
        let secret = Secret::new("a secret of webhooks, 32 bytes or more");
        config.webhook =
            Some(WebhookTarget { url, secret, events: WebhookEvents::default(), notify_unread_after: AFTER });
    }
}

async fn subscribe(server: &TestServer, user: &str, body: Value) -> rest::Answer {
    rest::call(server.addr, &server.token(user), "POST", SUBSCRIPTIONS, Some(body)).await
}

async fn register(server: &TestServer, user: &str, browser: &Browser) -> String {
    let answer = subscribe(server, user, browser.to_json()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn list(server: &TestServer, user: &str) -> Vec<Value> {
    let answer = rest::call(server.addr, &server.token(user), "GET", SUBSCRIPTIONS, None).await;
    answer.body["items"].as_array().unwrap().clone()
}

fn count(server: &TestServer, reason: &'static str) -> u64 {
    server.metrics.web_pushes.get(&Reason { reason }).unwrap().get()
}

/// Waits until everything that was due by now was looked for: by the notifier, and then by what pushes. The first look of each may
/// have begun before.
async fn looked(server: &TestServer) {
    for _ in 0..5 {
        let looks = (server.metrics.notification_looks.get(), server.metrics.web_push_looks.get());
        server.advance(Duration::from_secs(1));
        until("the next look", || {
            server.metrics.notification_looks.get() > looks.0 && server.metrics.web_push_looks.get() > looks.1
        })
        .await;
    }
}

/// Lets what was sent become old enough, and waits until it was looked for.
async fn grow_old(server: &TestServer) {
    server.advance(AFTER);
    looked(server).await;
}

/// Checks who has signed a push, by the key that browsers subscribe with.
fn assert_signed(header: &str, service: &PushService, key: &Value) {
    let (token, public) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    assert_eq!(*key, public);
    let (text, signature) = token.rsplit_once('.').unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, BASE64URL_NOPAD.decode(public.as_bytes()).unwrap());
    public.verify(text.as_bytes(), &BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap()).unwrap();
    let claims = BASE64URL_NOPAD.decode(text.split_once('.').unwrap().1.as_bytes()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["aud"], format!("http://{}", service.addr));
    assert_eq!(claims["sub"], "mailto:chat@shop.example");
}

#[actix_web::test]
async fn a_message_that_stays_unread_is_pushed_once_encrypted_and_signed() {
    let service = PushService::start().await;
    let server = TestServer::with(pushes).await;
    let features = rest::call(server.addr, "", "GET", "/api/v1/features", None).await.body;
    assert!(features["features"].as_array().unwrap().contains(&json!("web-push")));
    let room = server.seed().room("alice", "bike").id;
    let (laptop, phone) = (service.browser("laptop"), service.browser("phone"));
    let id = register(&server, "sam", &laptop).await;
    let mut body = laptop.to_json();
    body["language"] = json!("ko");
    let again = subscribe(&server, "sam", body).await;
    assert_eq!((again.status, &again.body["id"]), (200, &json!(id)));
    assert!(!again.text.contains("/push/") && !again.text.contains("auth"), "{}", again.text);
    register(&server, "sam", &phone).await;

    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.request("message", json!({"roomId": room, "text": "is it still there?"})).await.unwrap();
    grow_old(&server).await;
    let pushed = service.pushed(&laptop, 1).await.remove(0);
    let on_phone = service.pushed(&phone, 1).await.remove(0);
    let words = laptop.read(&pushed);
    assert_eq!((&words["roomId"], &words["text"]), (&json!(room), &json!("is it still there?")));
    assert_eq!((&words["senderName"], &words["productTitle"]), (&json!("alice"), &json!("bike")));
    assert_eq!((&words["code"], &words["language"]), (&json!("text"), &json!("ko")));
    assert_eq!((&words["unread"], &words["unreadTotal"]), (&json!(1), &json!({"rooms": 1, "messages": 1})));
    assert_eq!(phone.read(&on_phone)["language"], Value::Null);
    let headers = &pushed.headers;
    assert_signed(&headers["authorization"], &service, &features["applicationServerKey"]);
    assert_eq!(
        (&*headers["content-encoding"], &*headers["ttl"], &*headers["urgency"]),
        ("aes128gcm", "86400", "normal")
    );
    assert_ne!(headers["topic"], on_phone.headers["topic"], "a push service would see that they are in one room");

    // The second message is of the same run; after reading, another run begins.
    alice.request("message", json!({"roomId": room, "text": "hello?"})).await.unwrap();
    grow_old(&server).await;
    assert_eq!(service.of(&laptop).len(), 1);
    sam.request("read", json!({"roomId": room, "seq": 2})).await.unwrap();
    let gone = rest::call(server.addr, &server.token("sam"), "DELETE", &format!("{SUBSCRIPTIONS}/{id}"), None).await;
    assert_eq!(gone.status, 204);
    alice.request("message", json!({"roomId": room, "text": "so?"})).await.unwrap();
    grow_old(&server).await;
    let second = service.pushed(&phone, 2).await.remove(1);
    assert_eq!(second.headers["topic"], on_phone.headers["topic"]);
    looked(&server).await;
    assert_eq!(service.of(&laptop).len(), 1);
    until("the count", || count(&server, "delivered") == 3).await;
    looked(&server).await;
    assert_eq!(server.metrics.web_pushes_pending.get(), 0);
}

#[actix_web::test]
async fn a_push_service_that_fails_holds_up_neither_the_webhook_nor_other_browsers() {
    let (service, backend) = (PushService::start().await, Backend::start().await);
    backend.script([Reaction::Status(500)]);
    let server = TestServer::with(pushes_and_calls(&backend)).await;
    let (room, bobs) = (server.seed().room("alice", "bike").id, server.seed().room("bob", "bike").id);
    let [ended, busy, moved] = ["ended", "busy", "moved"].map(|name| service.browser(name));
    for browser in [&ended, &busy, &moved] {
        register(&server, "sam", browser).await;
    }
    service.script(&ended, [Answer::Status(410)]);
    service.script(&busy, [Answer::Busy(3600), Answer::Status(500)]);
    service.script(&moved, [Answer::Status(302)]);
    let hung = service.browser("hung");
    service.script(&hung, [Answer::Hang]);
    register(&server, "bob", &hung).await;

    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    sam.request("message", json!({"roomId": bobs, "text": "it is"})).await.unwrap();
    alice.request("message", json!({"roomId": room, "text": "is it still there?"})).await.unwrap();
    grow_old(&server).await;
    // Neither waits for the other.
    until("each was tried", || [&ended, &busy, &moved, &hung].iter().all(|browser| service.of(browser).len() == 1))
        .await;
    until("what became of them", || ["gone", "failed", "refused"].map(|reason| count(&server, reason)) == [1, 1, 1])
        .await;
    until("it is removed", || server.metrics.database_queue.get() == 0).await;
    assert_eq!(list(&server, "sam").await.len(), 2);
    assert_eq!(service.at("/elsewhere"), 0, "a redirection was followed");

    // The push service has asked for an hour, and the webhook for less.
    server.advance(RETRY);
    backend.hooks(3).await;
    looked(&server).await;
    assert_eq!(service.of(&busy).len(), 1);
    server.advance(Duration::from_secs(3600));
    until("another failure", || count(&server, "failed") >= 2).await;
    server.advance(RETRY);
    until("it was taken", || service.of(&busy).len() == 3).await;
    let words = busy.read(&service.of(&busy)[2]);
    assert_eq!(words["text"], "is it still there?");
}

#[actix_web::test]
async fn nothing_is_pushed_that_its_user_does_not_want_or_that_is_another_users_now() {
    let service = PushService::start().await;
    let server = TestServer::with(pushes).await;
    let room = server.seed().room("alice", "bike").id;
    let laptop = service.browser("laptop");
    register(&server, "sam", &laptop).await;
    let mut alice = server.ws("alice").await;
    let settings = format!("/api/v1/rooms/{room}/settings");
    let mute = async |muted: bool| {
        let body = Some(json!({"muted": muted}));
        assert_eq!(rest::call(server.addr, &server.token("sam"), "PATCH", &settings, body).await.status, 200);
    };
    mute(true).await;
    alice.request("message", json!({"roomId": room, "text": "muted"})).await.unwrap();
    grow_old(&server).await;
    mute(false).await;
    // The laptop changes hands, with what was to be pushed to its earlier user.
    alice.request("message", json!({"roomId": room, "text": "for sam"})).await.unwrap();
    service.script(&laptop, [Answer::Busy(1)]);
    grow_old(&server).await;
    until("a failure", || count(&server, "failed") == 1).await;
    register(&server, "bob", &laptop).await;
    assert!(list(&server, "sam").await.is_empty());
    server.advance(RETRY);
    looked(&server).await;
    assert_eq!(service.of(&laptop).len(), 1);

    let export = rest::call(server.addr, SERVICE_KEY, "GET", "/api/v1/users/bob/export", None).await;
    let person: Value =
        serde_json::from_str(export.text.split("\r\n\r\n").last().unwrap().lines().next().unwrap()).unwrap();
    assert_eq!(person["pushSubscriptions"][0]["platform"], "web");
    assert!(!export.text.contains("/push/") && !export.text.contains("p256dh"), "{}", export.text);
    assert_eq!(rest::call(server.addr, SERVICE_KEY, "DELETE", "/api/v1/users/bob", None).await.status, 204);
    let refused = subscribe(&server, "bob", laptop.to_json()).await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("forbidden")));
}

#[actix_web::test]
async fn native_apps_are_named_to_the_backend_and_a_server_says_what_it_does_not_notify() {
    let backend = Backend::start().await;
    let server = TestServer::with(|config| {
        pushes_and_calls(&backend)(config);
        config.push = None;
    })
    .await;
    let room = server.seed().room("alice", "bike").id;
    let features = rest::call(server.addr, "", "GET", "/api/v1/features", None).await.body;
    let names = features["features"].as_array().unwrap();
    assert!(names.contains(&json!("device-tokens")) && !names.contains(&json!("web-push")), "{features}");
    assert_eq!(features["applicationServerKey"], Value::Null);
    let device = json!({"platform": "apns", "token": "a1b2"});
    assert_eq!(subscribe(&server, "sam", device.clone()).await.status, 201);
    assert_eq!(subscribe(&server, "sam", device.clone()).await.status, 200);
    let mut alice = server.ws("alice").await;
    alice.request("message", json!({"roomId": room, "text": "is it still there?"})).await.unwrap();
    server.advance(AFTER);
    assert_eq!(backend.hooks(1).await[0].body["devices"], json!([device]));

    let mut browser = PushService::start().await.browser("laptop").to_json();
    let private = browser.clone();
    browser["endpoint"] = json!("https://push.example/1");
    let refused = subscribe(&server, "sam", browser.clone()).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("conflict")), "{}", refused.text);
    let plain = TestServer::with(|config| {
        pushes(config);
        config.push.as_mut().unwrap().allow_private = false;
    })
    .await;
    assert_eq!(subscribe(&plain, "sam", device).await.body["code"], "conflict");
    let [mut no_key, mut unsafe_host] = [browser.clone(), browser.clone()];
    no_key["keys"]["p256dh"] = json!("AAAA");
    unsafe_host["endpoint"] = json!("https://169.254.169.254/latest");
    for bad in
        [private, no_key, unsafe_host, json!({}), json!({"platform": "web", "token": "a"}), json!({"platform": "fcm"})]
    {
        let refused = subscribe(&plain, "sam", bad).await;
        assert_eq!((refused.status, &refused.body["code"]), (422, &json!("invalid")), "{}", refused.text);
    }
}
