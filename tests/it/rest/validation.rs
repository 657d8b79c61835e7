//! What does not fit is refused with a sentence that names the field.

use serde_json::{Value, json};

use super::{ask, check, code};
use crate::support::{
    TestServer,
    rest::{Answer, send},
    server::SERVICE_KEY,
};

#[track_caller]
fn refused(answer: &Answer, part: &str, what: &str) {
    assert_eq!((answer.status, code(answer)), (422, "invalid"), "{what}: {}", answer.body);
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains(part), "{what}: {detail}");
}

#[actix_web::test]
async fn a_bad_parameter_is_named_with_its_range() {
    let server = TestServer::with(|config| config.limits.requests_per_second_max = None).await;
    let room = server.seed().room("alice", "bike");
    let token = server.token("alice");
    for (query, part) in [
        ("limit=500", "`limit` must be 1 to 200, got 500"),
        ("limit=0", "`limit` must be 1 to 200, got 0"),
        ("limit=many", "`limit` must be a whole number, 1 to 200"),
        ("limit=", "`limit`"),
        ("limit=1&limit=2", "`limit`"),
        ("before=-1", "`before` must be 0 to"),
        ("after=99999999999999999999", "`after` must be a whole number"),
        ("before=3&after=1", "`before` or `after`, not both"),
    ] {
        let path = format!("/api/v1/rooms/{}/messages?{query}", room.id);
        refused(&ask(server.addr, &token, "GET", &path, None).await, part, query);
    }
    for (query, part) in [("limit=101", "`limit` must be 1 to 100, got 101"), ("cursor=x", "`cursor`")] {
        refused(&ask(server.addr, &token, "GET", &format!("/api/v1/rooms?{query}"), None).await, part, query);
    }
}

fn user(change: Value) -> Value {
    merged(json!({"name": "U"}), change)
}

fn product(change: Value) -> Value {
    merged(json!({"sellerId": "sam", "title": "P"}), change)
}

fn merged(mut whole: Value, change: Value) -> Value {
    let Value::Object(change) = change else { panic!("a change is an object") };
    whole.as_object_mut().unwrap().extend(change);
    whole
}

#[actix_web::test]
async fn a_bad_field_of_the_marketplace_is_named() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let long = "x".repeat(201);
    let (users, products) = ("/api/v1/users/u", "/api/v1/products/p");
    let messages = format!("/api/v1/rooms/{}/messages", room.id);
    for (method, path, body, part) in [
        ("PUT", users, json!({}), "`name`"),
        ("PUT", users, user(json!({"name": ""})), "`name` must be 1 to 200"),
        ("PUT", users, user(json!({"name": "\u{200B}\u{3164}"})), "`name` must be 1 to 200"),
        ("PUT", users, user(json!({"name": "\u{E0001}\u{FE0F}\u{2800}"})), "`name` must be 1 to 200"),
        ("PUT", products, product(json!({"title": "\u{2060}\u{AD}"})), "`title` must be 1 to 200"),
        ("PUT", users, user(json!({"name": long})), "`name` must be 1 to 200"),
        ("PUT", users, user(json!({"name": "a\nb"})), "`name`"),
        ("PUT", users, user(json!({"name": 7})), "`name`: expected a string"),
        ("PUT", users, user(json!({"id": "other"})), "`id` must be the one in the path"),
        ("PUT", users, user(json!({"avatarUrl": "javascript:alert(1)"})), "`avatarUrl`"),
        ("PUT", users, user(json!({"avatarUrl": "//evil.example/x"})), "`avatarUrl`"),
        ("PUT", users, user(json!({"avatarUrl": format!("/{}", "x".repeat(2048))})), "`avatarUrl`"),
        ("PUT", "/api/v1/users/system", user(json!({})), "`id` must not be `system`"),
        ("PUT", &format!("/api/v1/users/{}", "x".repeat(129)), user(json!({})), "a user id must be 1 to 128"),
        ("PUT", "/api/v1/users/a%00b", user(json!({})), "a user id must be 1 to 128"),
        ("PUT", "/api/v1/users/%FF", user(json!({})), "the path must be UTF-8"),
        ("PUT", products, json!({"title": "P"}), "`sellerId`"),
        ("PUT", products, product(json!({"sellerId": "nobody"})), "`sellerId`"),
        ("PUT", products, product(json!({"title": " "})), "`title` must be 1 to 200"),
        ("PUT", products, product(json!({"price": -1})), "`price` must be 0 to 9007199254740991"),
        ("PUT", products, product(json!({"price": 9_007_199_254_740_992_i64})), "`price`"),
        ("PUT", products, product(json!({"price": 1.5})), "`price`"),
        ("PUT", products, product(json!({"currency": "won"})), "`currency`"),
        ("PUT", products, product(json!({"currency": "KRWX"})), "`currency`"),
        ("PUT", products, product(json!({"currency": "WON"})), "`currency` must be a code of ISO 4217"),
        ("PUT", products, product(json!({"currency": "BTC"})), "`currency` must be a code of ISO 4217"),
        ("PUT", products, product(json!({"imageUrl": "ftp://x/y"})), "`imageUrl`"),
        ("PUT", products, product(json!({"status": "gone"})), "`status`: expected one of `on_sale`"),
        ("POST", "/api/v1/rooms", json!({"productId": "bike"}), "`buyerId` is missing"),
        ("POST", "/api/v1/rooms", json!({"productId": "bike", "buyerId": "nobody"}), "`buyerId`"),
        ("POST", "/api/v1/rooms", json!({"productId": ""}), "`productId`: a product id must be"),
        ("POST", &messages, json!({"text": ""}), "`text` must not be empty"),
        ("POST", &messages, json!({"text": "x", "kind": "offer"}), "`kind` must be system"),
    ] {
        let answer = ask(server.addr, SERVICE_KEY, method, path, Some(body.clone())).await;
        refused(&answer, part, &format!("{method} {path:.40} {body:.80}"));
    }
}

#[actix_web::test]
async fn a_bad_field_of_a_user_is_named() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let messages = format!("/api/v1/rooms/{}/messages", room.id);
    let read = format!("/api/v1/rooms/{}/read", room.id);
    let delivered = format!("/api/v1/rooms/{}/delivered", room.id);
    let token = server.token("alice");
    for (method, path, body, part) in [
        ("POST", messages.as_str(), json!({}), "`text` must not be empty"),
        ("POST", &messages, json!({"text": 7}), "`text`: expected a string"),
        ("POST", &messages, json!({"text": "x", "kind": "system"}), "`kind` must be text"),
        ("POST", &messages, json!({"text": "x", "kind": "song"}), "`kind`: expected one of"),
        ("POST", &messages, json!({"text": "x", "roomId": "other"}), "`roomId` must be the one in the path"),
        ("POST", &messages, json!({"text": "x", "clientId": "k".repeat(65)}), "`clientId` must be 1 to 64"),
        ("PUT", &read, json!({}), "`seq`"),
        ("PUT", &read, json!({"seq": -1}), "`seq`: must be 0 to 9007199254740991"),
        ("PUT", &read, json!({"seq": "1"}), "`seq`: expected a whole number"),
        ("PUT", &delivered, json!({}), "`seq`"),
        ("PUT", &delivered, json!({"seq": -1}), "`seq`: must be 0 to 9007199254740991"),
        ("PATCH", "/api/v1/me/settings", json!({"lastSeen": "no"}), "`lastSeen`"),
        ("PATCH", "/api/v1/me/settings", json!({"deliveryReceipts": 1}), "`deliveryReceipts`"),
        ("POST", "/api/v1/rooms", json!({"productId": "bike", "buyerId": "sam"}), "`buyerId`"),
        ("PATCH", "/api/v1/products/bike", json!({"status": null}), "`status`"),
    ] {
        let answer = ask(server.addr, &token, method, path, Some(body.clone())).await;
        refused(&answer, part, &format!("{method} {path} {body}"));
        assert!(!answer.body["detail"].as_str().unwrap().contains("\"song\""));
    }
    let unknown = ask(server.addr, &token, "POST", "/api/v1/rooms", Some(json!({"productId": "none"}))).await;
    assert_eq!((unknown.status, code(&unknown)), (404, "not_found"));
}

#[actix_web::test]
async fn a_body_that_is_no_json_object_is_invalid() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let bearer = format!("Bearer {}", server.token("alice"));
    let path = format!("/api/v1/rooms/{}/messages", room.id);
    let deep = format!("{{\"text\":\"x\",\"data\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    for (kind, body) in [
        ("application/json", &b""[..]),
        ("application/json", b"\"text\""),
        ("application/json", b"[\"r\",\"text\"]"),
        ("application/json", b"null"),
        ("application/json", b"{\"text\":\"x\""),
        ("application/json", b"{\"text\":\"x\"} {}"),
        ("application/json", b"{\"text\":\"\xff\"}"),
        ("application/json", b"{\"text\":\"x\",\"text\":\"y\"}"),
        ("application/json", deep.as_bytes()),
        ("text/plain", b"{\"text\":\"x\"}"),
        ("application/x-www-form-urlencoded", b"text=x"),
    ] {
        let headers = [("content-type", kind), ("authorization", bearer.as_str())];
        let answer = send(server.addr, "POST", &path, &headers, body).await;
        let what = format!("{kind} {:.30}", String::from_utf8_lossy(body));
        check(&answer, &what);
        refused(&answer, "", &what);
    }
    let headers = [("content-type", "application/json; charset=utf-8"), ("authorization", bearer.as_str())];
    let answer = send(server.addr, "POST", &path, &headers, b"{\"text\":\"x\"}").await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

#[actix_web::test]
async fn a_text_or_a_body_over_the_limit_is_too_large() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let path = format!("/api/v1/rooms/{}/messages", room.id);
    let token = server.token("alice");
    let longest = json!({"text": "x".repeat(16_384)});
    let sent = ask(server.addr, &token, "POST", &path, Some(longest)).await;
    assert_eq!(sent.status, 201);
    for length in [16_385, 10_000_000] {
        let body = Some(json!({"text": "x".repeat(length)}));
        let answer = ask(server.addr, &token, "POST", &path, body).await;
        assert_eq!((answer.status, code(&answer)), (413, "too_large"), "{length}");
    }
}

#[actix_web::test]
async fn more_requests_than_allowed_learn_when_to_come_back() {
    let server = TestServer::with(|config| config.limits.requests_per_second_max = std::num::NonZeroU32::new(1)).await;
    let token = server.token("alice");
    let mut last = ask(server.addr, &token, "GET", "/api/v1/me", None).await;
    for _ in 0..10 {
        if last.status != 200 {
            break;
        }
        last = ask(server.addr, &token, "GET", "/api/v1/me", None).await;
    }
    assert_eq!((last.status, code(&last)), (429, "rate_limited"));
    assert!(last.body["retryAfterMs"].as_i64().is_some_and(|ms| (1..=1000).contains(&ms)), "{}", last.body);
    assert_eq!(last.header("retry-after"), Some("1"));
}

#[actix_web::test]
async fn what_is_no_json_is_called_that_and_names_no_field() {
    let server = TestServer::start().await;
    let bearer = format!("Bearer {}", server.token("alice"));
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    for body in [&b"{\"productId\": bike}"[..], b"{\"productId\": \"bi", b"{\"productId\":", b"{productId: 1}"] {
        let answer = send(server.addr, "POST", "/api/v1/rooms", &headers, body).await;
        refused(&answer, "is not valid JSON", &String::from_utf8_lossy(body));
        assert!(!answer.body["detail"].as_str().unwrap().contains('?'), "{}", answer.body);
    }
}

#[actix_web::test]
async fn another_method_is_not_found_and_those_there_are_are_named() {
    let server = TestServer::start().await;
    let answer = ask(server.addr, &server.token("alice"), "DELETE", "/api/v1/me/settings", None).await;
    assert_eq!((answer.status, code(&answer)), (405, "not_found"));
    let allow = answer.header("allow").unwrap().to_owned();
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains("GET") && detail.contains("PATCH") && allow.contains("PATCH"), "{detail} / {allow}");
}
