//! Search: the caller's own conversations, newest first, words of any length, the hit marked.

use serde_json::{Value, json};

use crate::support::{
    TestServer,
    rest::{Answer, call},
};

async fn search(server: &TestServer, user: &str, query: &str) -> Answer {
    let query: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
    call(server.addr, &server.token(user), "GET", &format!("/api/v1/search?q={query}"), None).await
}

fn texts(answer: &Answer) -> Vec<&str> {
    answer.body["items"].as_array().unwrap().iter().map(|found| found["message"]["text"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn a_message_is_found_as_soon_as_it_was_acknowledged_and_only_by_its_rooms_members() {
    let server = TestServer::start().await;
    let (room, other) = (server.seed().room("alice", "bike"), server.seed().room("bob", "lamp"));
    let (mut alice, mut bob) = (server.ws("alice").await, server.ws("bob").await);
    alice.enter(room.id.as_str()).await;
    bob.enter(other.id.as_str()).await;
    alice.say("자전거 아직 있나요?").await;
    bob.say("자전거도 파시나요?").await;
    let newest = alice.say("빨간 자전거요").await;

    let found = search(&server, "alice", "자전거").await;
    assert_eq!(found.status, 200);
    assert_eq!(texts(&found), ["빨간 자전거요", "자전거 아직 있나요?"]);
    let first = &found.body["items"][0];
    assert_eq!((&first["message"], &first["room"]["product"]["id"]), (&newest, &json!("bike")));
    let snippet =
        json!([{"text": "빨간 ", "hit": false}, {"text": "자전거", "hit": true}, {"text": "요", "hit": false}]);
    assert_eq!(first["snippet"], snippet);
    assert_eq!(texts(&search(&server, "sam", "자전거").await).len(), 3, "the seller of both");
    assert_eq!(texts(&search(&server, "mallory", "자전거").await), Vec::<&str>::new());
    for (query, hits) in [("요", 2), ("있나", 1), ("빨간 요", 1), ("파시", 0)] {
        assert_eq!(texts(&search(&server, "alice", query).await).len(), hits, "{query}");
    }

    let edit = json!({"messageId": newest["id"], "text": "파란 킥보드요"});
    alice.request("editMessage", edit).await.unwrap();
    assert_eq!(texts(&search(&server, "alice", "자전거").await), ["자전거 아직 있나요?"]);
    assert_eq!(texts(&search(&server, "sam", "킥보드").await), ["파란 킥보드요"]);
    alice.request("deleteMessage", json!({"messageId": newest["id"]})).await.unwrap();
    assert_eq!(texts(&search(&server, "sam", "킥보드").await), Vec::<&str>::new());
}

#[actix_web::test]
async fn what_looks_the_same_is_found_and_shown_as_it_was_written() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;
    let hangul = "\u{1107}\u{1161}\u{11AF}\u{1100}\u{1161}\u{11AB}";
    alice.say(&format!("{hangul} bag in İstanbul")).await;

    for (query, hit) in [("istanbul", "İstanbul"), ("빨간", ""), ("발간", hangul), ("ＢＡＧ", "bag")] {
        let found = search(&server, "alice", query).await;
        let hits: String = match found.body["items"].as_array().unwrap().as_slice() {
            [] => String::new(),
            [found, ..] => {
                let parts = found["snippet"].as_array().unwrap().iter();
                parts.filter(|part| part["hit"] == true).map(|part| part["text"].as_str().unwrap()).collect()
            }
        };
        assert_eq!(hits, hit, "{query}");
    }
}

#[actix_web::test]
async fn a_search_goes_page_by_page_and_a_bad_one_is_named() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    server.seed().messages(&room.id, "sam", 45);
    let token = server.token("alice");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/search?q=message&limit=20{cursor}");
        let page = call(server.addr, &token, "GET", &path, None).await;
        seen.extend(texts(&page).into_iter().map(str::to_owned));
        match &page.body["nextCursor"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => break,
        }
    }
    assert_eq!(seen, (1..=45).rev().map(|place| format!("message {place}")).collect::<Vec<_>>());

    for (query, name) in
        [("", "`q`"), ("q=", "`q`"), ("q=%20", "`q`"), ("q=a&limit=51", "`limit`"), ("q=a&cursor=x", "`cursor`")]
    {
        let answer = call(server.addr, &token, "GET", &format!("/api/v1/search?{query}"), None).await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!("invalid")), "{query}");
        assert!(answer.body["detail"].as_str().unwrap().contains(name), "{query}");
    }
    assert_eq!(call(server.addr, "", "GET", "/api/v1/search?q=a", None).await.status, 401);
}
