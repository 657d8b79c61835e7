//! Which pages may read the answers.

use super::check;
use crate::support::{TestServer, rest::send};

const SHOP: &str = "https://shop.example";

#[actix_web::test]
async fn by_default_no_foreign_page_reads_an_answer() {
    let server = TestServer::start().await;
    let answer = send(server.addr, "GET", "/healthz", &[("origin", SHOP)], b"").await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let preflight = [("origin", SHOP), ("access-control-request-method", "POST")];
    let answer = send(server.addr, "OPTIONS", "/api/v1/rooms", &preflight, b"").await;
    assert_eq!(answer.header("access-control-allow-origin"), None, "{}", answer.head);
}

#[actix_web::test]
async fn an_allowed_origin_reads_answers_and_errors() {
    let server = TestServer::with(|config| config.allowed_origins = vec![SHOP.to_owned()]).await;
    let origin =
        |answer: &crate::support::rest::Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    for (path, status) in [("/healthz", 200), ("/api/v1/me", 401), ("/api/v1/none", 404)] {
        let answer = send(server.addr, "GET", path, &[("origin", SHOP)], b"").await;
        check(&answer, path);
        assert_eq!((answer.status, origin(&answer).as_deref()), (status, Some(SHOP)), "{path}");
        let exposed = answer.header("access-control-expose-headers").unwrap_or_default();
        assert!(exposed.contains("x-request-id") && exposed.contains("retry-after"), "{exposed}");
        let other = send(server.addr, "GET", path, &[("origin", "https://evil.example")], b"").await;
        assert_eq!(origin(&other), None, "{path}");
    }
    let preflight = [
        ("origin", SHOP),
        ("access-control-request-method", "PATCH"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    let answer = send(server.addr, "OPTIONS", "/api/v1/rooms/r/messages/m", &preflight, b"").await;
    assert_eq!((answer.status, origin(&answer).as_deref()), (200, Some(SHOP)));
}

#[actix_web::test]
async fn a_refused_preflight_is_told_like_any_other_error() {
    let server = TestServer::with(|config| config.allowed_origins = vec![SHOP.to_owned()]).await;
    for (origin, method, headers) in [
        ("https://evil.example", "POST", "content-type"),
        (SHOP, "TRACE", "content-type"),
        (SHOP, "POST", "x-of-my-own"),
    ] {
        let preflight = [
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", headers),
        ];
        let answer = send(server.addr, "OPTIONS", "/api/v1/rooms", &preflight, b"").await;
        let what = format!("{origin} {method} {headers}");
        check(&answer, &what);
        assert_eq!((answer.status, &answer.body["code"]), (403, &serde_json::json!("forbidden")), "{what}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{what}");
    }
}
