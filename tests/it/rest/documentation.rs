//! The OpenAPI document and its page say what the server does.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ask;
use crate::support::{TestServer, rest::send};

const ROUTES: &str = include_str!("../../../src/http/routes.rs");

/// The addresses on the page of routes, up to those that are no REST.
fn registered() -> BTreeSet<String> {
    let (documented, _) = ROUTES.split_once("pub fn wires").unwrap();
    let addresses = documented.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/'));
    addresses.map(|address| address.replace(":.*}", "}")).collect()
}

async fn document(server: &TestServer) -> Value {
    ask(server.addr, "", "GET", "/api/v1/openapi.json", None).await.body
}

#[actix_web::test]
async fn every_route_is_documented_with_every_method() {
    let server = TestServer::with(|config| config.demo = true).await;
    let document = document(&server).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.keys().cloned().collect::<BTreeSet<_>>(), registered());
    for (path, methods) in paths {
        let answer = ask(server.addr, "", "TRACE", path, None).await;
        assert_eq!(answer.status, 405, "{path}");
        let allowed: BTreeSet<_> = answer.header("allow").unwrap().split(", ").collect();
        let documented: BTreeSet<_> = methods.as_object().unwrap().keys().map(|it| it.to_uppercase()).collect();
        assert_eq!(allowed, documented.iter().map(String::as_str).collect(), "{path}");
    }
}

#[actix_web::test]
async fn without_the_demo_its_routes_are_not_documented() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    let demo: Vec<_> = registered().into_iter().filter(|path| path.contains("/demo/")).collect();
    assert_eq!(demo.len(), 3);
    assert!(demo.iter().all(|path| document["paths"][path].is_null()));
}

/// Calls `visit` with every object in `value`.
fn each_object(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values().for_each(|value| each_object(value, visit));
        }
        Value::Array(items) => items.iter().for_each(|value| each_object(value, visit)),
        _ => {}
    }
}

#[actix_web::test]
async fn the_document_is_complete_in_itself() {
    let server = TestServer::with(|config| config.demo = true).await;
    let document = document(&server).await;
    each_object(&document, &mut |object| {
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            let target = document.pointer(reference.trim_start_matches('#'));
            assert!(target.is_some(), "{reference} leads nowhere");
        }
    });
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{what}: operationId twice");
            assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{what}");
            if operation["requestBody"].is_object() {
                let content = &operation["requestBody"]["content"];
                let is_form = content["multipart/form-data"].is_object();
                assert!(is_form || content["application/json"]["example"].is_object(), "{what}: no example");
                assert!(operation["responses"]["413"].is_object(), "{what}: 413");
                assert!(operation["responses"]["422"].is_object(), "{what}: 422");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                if status.starts_with(['4', '5']) && !path.starts_with("/readyz") && method != "head" {
                    let content = &response["content"]["application/problem+json"];
                    assert!(content["schema"]["$ref"].as_str().unwrap().ends_with("/ProblemDocument"), "{what}");
                    for example in content["examples"].as_object().unwrap().values() {
                        assert_eq!(example["value"]["status"].to_string(), *status, "{what}");
                    }
                }
            }
        }
    }
}

#[actix_web::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let server = TestServer::start().await;
    let page = ask(server.addr, "", "GET", "/api/docs", None).await;
    assert_eq!((page.status, page.header("location")), (308, Some("docs/")));
    for file in ["", "index.html", "swagger-initializer.js", "index.css"] {
        let answer = ask(server.addr, "", "GET", &format!("/api/docs/{file}"), None).await;
        assert_eq!(answer.status, 200, "{file}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
        let text = answer.body.as_str().unwrap();
        assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("\"//"), "{file}: {text}");
        assert!(!text.contains("<script>") && !text.contains(" onload="), "{file}: {text}");
    }
    let missing = ask(server.addr, "", "GET", "/api/docs/none.js", None).await;
    assert_eq!(missing.status, 404);
}

#[actix_web::test]
async fn the_document_comes_compressed_and_once() {
    let server = TestServer::start().await;
    let path = "/api/v1/openapi.json";
    let length =
        |answer: &crate::support::rest::Answer| answer.header("content-length").unwrap().parse::<u64>().unwrap();
    let whole = send(server.addr, "HEAD", path, &[], b"").await;
    let compressed = send(server.addr, "HEAD", path, &[("accept-encoding", "gzip")], b"").await;
    assert_eq!((whole.header("content-encoding"), compressed.header("content-encoding")), (None, Some("gzip")));
    assert!(length(&compressed) * 5 < length(&whole), "{} of {}", length(&compressed), length(&whole));
    let tag = whole.header("etag").unwrap().to_owned();
    assert_eq!(send(server.addr, "GET", path, &[("if-none-match", &tag)], b"").await.status, 304);
    assert_eq!(send(server.addr, "GET", path, &[("if-none-match", "\"another\"")], b"").await.status, 200);
}

#[actix_web::test]
async fn what_can_be_read_answers_head_too() {
    let server = TestServer::start().await;
    for (path, status) in [("/healthz", 200), ("/api/v1/openapi.json", 200), ("/api/v1/me", 401), ("/", 200)] {
        let answer = send(server.addr, "HEAD", path, &[], b"").await;
        assert_eq!((answer.status, answer.body.as_str()), (status, Some("")), "{path}");
        assert!(answer.header("content-length").is_some_and(|length| length != "0"), "{path}: {}", answer.head);
    }
}

#[actix_web::test]
async fn every_event_for_the_backend_has_its_row_on_the_page_of_events() {
    const PAGE: &str = include_str!("../../../docs/events.md");
    let server = TestServer::start().await;
    let mut named = BTreeSet::new();
    each_object(&document(&server).await, &mut |object| {
        if let Some(Value::Array(names)) = object.get("properties").and_then(|fields| fields.pointer("/event/enum")) {
            named.extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
        }
    });
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let described: BTreeSet<String> = PAGE.lines().filter_map(row).collect();
    assert!(named.contains("sessionsEnded"), "{named:?}");
    assert_eq!(named, described);
}
