//! REST: which caller may use which route, which errors refuse the others, and what its documentation promises.

mod catalogue;
mod documentation;
mod origins;
mod paging;
mod validation;
mod who;

use std::net::SocketAddr;

use serde_json::Value;

use crate::support::rest::{Answer, call};

/// Sends a request, and checks what holds for every answer of REST.
async fn ask(addr: SocketAddr, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    let answer = call(addr, token, method, path, body).await;
    check(&answer, &format!("{method} {path}"));
    answer
}

/// An answer has the request's id; an error has the contract's form.
fn check(answer: &Answer, what: &str) {
    let id = answer.header("x-request-id").unwrap_or_else(|| panic!("{what}: no x-request-id"));
    if answer.status < 400 {
        return;
    }
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
    assert_eq!(answer.body["requestId"], id, "{what}");
    assert_eq!(answer.body["status"], answer.status, "{what}");
    assert_eq!(answer.body["type"], "about:blank", "{what}");
    for field in ["code", "title", "detail"] {
        assert!(answer.body[field].as_str().is_some_and(|text| !text.is_empty()), "{what}: no {field}");
    }
    assert_eq!(answer.status == 401, answer.header("www-authenticate").is_some(), "{what}");
}

/// The code of an error, or nothing.
fn code(answer: &Answer) -> &str {
    answer.body["code"].as_str().filter(|_| answer.status >= 400).unwrap_or_default()
}
