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
        for name in ["x-request-id", "retry-after", "date", "etag"] {
            assert!(exposed.contains(name), "{exposed}");
        }
        let other = send(server.addr, "GET", path, &[("origin", "https://evil.example")], b"").await;
        assert_eq!(origin(&other), None, "{path}");
    }
}

#[actix_web::test]
async fn an_allowed_origin_may_send_any_header() {
    let listed = TestServer::with(|config| config.allowed_origins = vec![SHOP.to_owned()]).await;
    let any = TestServer::with(|config| config.allowed_origins = vec!["*".to_owned()]).await;
    let names =
        ["authorization,content-type", "traceparent,tracestate,baggage,sentry-trace", "x-of-my-own", "x-a,x-b,x-c"];
    for server in [&listed, &any] {
        for headers in names {
            for (method, path) in
                [("PATCH", "/api/v1/rooms/r/messages/m"), ("POST", "/socket.io/?EIO=4&transport=polling")]
            {
                let preflight = [
                    ("origin", SHOP),
                    ("access-control-request-method", method),
                    ("access-control-request-headers", headers),
                ];
                let answer = send(server.addr, "OPTIONS", path, &preflight, b"").await;
                assert_eq!(answer.status, 200, "{path}: {}", answer.head);
                assert_eq!(answer.header("access-control-allow-origin"), Some(SHOP), "{path}");
                assert_eq!(answer.header("access-control-allow-headers"), Some(headers), "{path}");
            }
        }
    }
}

#[actix_web::test]
async fn a_page_of_any_origin_can_ask_whether_it_may_connect() {
    let server = TestServer::with(|config| config.allowed_origins = vec![SHOP.to_owned()]).await;
    let own = format!("http://{}", server.addr);
    for (origin, allowed) in [(SHOP, true), (&*own, true), ("https://evil.example", false), ("null", false)] {
        let path = format!("/api/v1/origin?of={origin}");
        for (path, headers) in [("/api/v1/origin", vec![("origin", origin)]), (&*path, vec![])] {
            let answer = send(server.addr, "GET", path, &headers, b"").await;
            assert_eq!((answer.status, &answer.body), (200, &serde_json::json!({ "allowed": allowed })), "{origin}");
            let readable = answer.header("access-control-allow-origin").unwrap();
            assert!(readable == "*" || readable == origin, "{readable}");
        }
    }
    let answer = send(server.addr, "GET", "/api/v1/origin", &[], b"").await;
    assert_eq!(answer.body["allowed"], true, "a client that is no browser has none");
}

#[actix_web::test]
async fn a_refused_preflight_is_answered_like_any_other_error() {
    let server = TestServer::with(|config| config.allowed_origins = vec![SHOP.to_owned()]).await;
    for (origin, method, headers) in [("https://evil.example", "POST", "content-type"), (SHOP, "TRACE", "content-type")]
    {
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
