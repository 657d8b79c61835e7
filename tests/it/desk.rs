//! What the desk needs of the server in addition to the staff's actions: who looks after a report, what was edited, and numbers.

use std::time::Duration;

use haggle::internals::{
    db,
    domain::{AuditAction, Moderator, UserId},
};
use serde_json::{Value, json};

use crate::{
    staff::{audit, staff},
    support::{
        TestServer,
        rest::{Answer, call},
        server::SERVICE_KEY,
        until,
    },
};

#[actix_web::test]
async fn what_an_edited_message_said_before_is_kept_for_staff_alone() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, mut sam) = server.both(room.as_str()).await;
    let said = alice.say("send me the code").await;
    let [theirs, taken_back] = [sam.say("why should I?").await, alice.say("never mind").await];
    let edit = |message: &Value, text: &str| json!({"messageId": message["id"], "text": text});
    for text in ["send me the password", "send me the password", "hello", "hello there"] {
        alice.request("editMessage", edit(&said, text)).await.unwrap();
    }
    sam.request("editMessage", edit(&theirs, "no")).await.unwrap();
    alice.request("editMessage", edit(&taken_back, "all right")).await.unwrap();
    alice.request("deleteMessage", json!({"messageId": taken_back["id"]})).await.unwrap();

    let path = format!("/api/v1/rooms/{room}/messages");
    let former = |answer: &Answer, at: usize| {
        let edits = answer.body["items"][at]["edits"].as_array().cloned().unwrap_or_default();
        edits.iter().map(|edit| edit["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let read = staff(&server, "GET", &path, None).await;
    assert_eq!(former(&read, 0), ["send me the code", "send me the password", "hello"]);
    assert_eq!((former(&read, 1), former(&read, 2)), (vec!["why should I?".to_owned()], Vec::new()));
    assert_eq!(
        (audit(&server)[0].action, &audit(&server)[0].by),
        (AuditAction::ReadMessages, &Moderator::Staff { id: UserId::new("mina").unwrap() })
    );
    let one = format!("{path}/{}?reason=scam", said["id"].as_str().unwrap());
    assert_eq!(staff(&server, "DELETE", &one, None).await.status, 200);
    let read = staff(&server, "GET", &path, None).await;
    assert_eq!((former(&read, 0).len(), &read.body["items"][0]["beforeRemoval"]["text"]), (3, &json!("hello there")));
    for (token, path) in [
        (server.token("alice"), path.as_str()),
        (server.token("sam"), path.as_str()),
        (SERVICE_KEY.to_owned(), "/api/v1/events?limit=500"),
        (SERVICE_KEY.to_owned(), "/api/v1/users/sam/export"),
    ] {
        let seen = call(server.addr, &token, "GET", path, None).await;
        assert!(seen.status == 200 && !seen.text.contains("code") && !seen.text.contains("edits"), "{}", seen.text);
    }

    // Gone with their sender, and after their time.
    assert_eq!(staff(&server, "DELETE", "/api/v1/users/alice", None).await.status, 204);
    let left = |server: &TestServer| {
        let conn = &mut server.pool.get().unwrap();
        let page =
            db::list_messages(conn, &room, db::MessagePage::Before { seq: None, limit: 50 }, usize::MAX).unwrap();
        let (found, _) = db::find_former_texts(conn, page.items.iter(), usize::MAX).unwrap();
        found.values().map(Vec::len).sum::<usize>()
    };
    until("alice's are erased", || left(&server) == 1).await;
    server.advance(Duration::from_secs(30 * 24 * 60 * 60 + 1));
    until("sam's are erased", || left(&server) == 0).await;
}

#[actix_web::test]
async fn a_report_has_somebody_who_looks_after_it() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let mut reports = Vec::new();
    for buyer in ["alice", "bob"] {
        let body = Some(json!({"roomId": seed.room(buyer, "bike").id, "category": "scam"}));
        let report = call(server.addr, &server.token(buyer), "POST", "/api/v1/reports", body).await.body;
        reports.push(report["id"].as_str().unwrap().to_owned());
    }
    let (second, first) = (reports.remove(1), reports.remove(0));
    let list = |query: &str| {
        let (addr, token, path) = (server.addr, server.staff_token("mina"), format!("/api/v1/reports?{query}"));
        async move {
            let page = call(addr, &token, "GET", &path, None).await.body;
            page["items"].as_array().unwrap().iter().map(|report| report["id"].clone()).collect::<Vec<_>>()
        }
    };
    let assign = |token: String, body: Value| {
        let (addr, path) = (server.addr, format!("/api/v1/reports/{first}"));
        async move { call(addr, &token, "PATCH", &path, Some(body)).await }
    };
    let mina = || server.staff_token("mina");
    let taken = assign(mina(), json!({"assignee": "me"})).await;
    assert_eq!((taken.status, &taken.body["assigneeId"], &taken.body["state"]), (200, &json!("mina"), &json!("open")));
    assert_eq!((list("assignee=me").await, list("assignee=none").await), (vec![json!(first)], vec![json!(second)]));
    assert_eq!(list("assignee=nils").await, Vec::<Value>::new());
    assert_eq!(list("assignee=mina&reportedId=sam&category=scam").await, [json!(first)]);
    assert_eq!(list("assignee=none&reportedId=sam&category=scam").await, [json!(second)]);
    assert_eq!(list("assignee=mina&category=spam").await, Vec::<Value>::new());
    let given = assign(SERVICE_KEY.to_owned(), json!({"assignee": "nils"})).await;
    assert_eq!((given.status, &given.body["assigneeId"]), (200, &json!("nils")));
    assert_eq!(list("assignee=me").await, Vec::<Value>::new());
    // A decision leaves who has looked after it.
    assert_eq!(assign(mina(), json!({"decision": "dismissed"})).await.body["assigneeId"], "nils");
    assert_eq!(list("assignee=nils&state=decided").await, [json!(first)]);
    let nobody = assign(mina(), json!({"assignee": null})).await.body;
    assert_eq!((nobody.get("assigneeId"), &nobody["state"]), (None, &json!("decided")));

    let log = audit(&server);
    let assigned = log.iter().filter(|entry| entry.action == AuditAction::AssignReport);
    let details: Vec<_> = assigned.map(|entry| entry.details.as_ref().unwrap().json().to_owned()).collect();
    assert_eq!(details, ["{}", r#"{"assignee":"nils"}"#, r#"{"assignee":"mina"}"#]);
    let before = log.len();
    for (token, body) in [
        (SERVICE_KEY.to_owned(), json!({"assignee": "me"})),
        (mina(), json!({"assignee": "me", "decision": "upheld"})),
        (mina(), json!({})),
        (mina(), json!({"assignee": ""})),
    ] {
        assert_eq!(assign(token, body.clone()).await.status, 422, "{body}");
    }
    assert_eq!(staff(&server, "PATCH", "/api/v1/reports/none", Some(json!({"assignee": "me"}))).await.status, 404);
    assert_eq!(assign(server.token("alice"), json!({"assignee": "me"})).await.status, 403);
    let events = call(server.addr, SERVICE_KEY, "GET", "/api/v1/events", None).await;
    assert!(!events.text.contains("nils") && audit(&server).len() == before, "{}", events.text);
}

#[actix_web::test]
async fn the_numbers_of_a_node_are_those_of_its_metrics_and_leave_no_entry() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, _sam) = server.both(room.as_str()).await;
    alice.say("hello").await;
    let numbers = staff(&server, "GET", "/api/v1/operations", None).await.body;
    assert_eq!((&numbers["sessions"], &numbers["rooms"], &numbers["messages"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(numbers["deliveries"].as_u64(), Some(server.metrics.deliveries.get()));
    let threads = numbers["threads"].as_array().unwrap();
    let writer = threads.iter().find(|thread| thread["thread"] == "writer").unwrap();
    let last = writer["buckets"].as_array().unwrap().last().unwrap();
    assert!(last["count"].as_u64() > Some(0) && last.get("le").is_none(), "{writer}");
    assert_eq!((&numbers["webhook"]["events"], &numbers["screenOpen"]), (&json!(0), &json!(false)));
    let again = call(server.addr, SERVICE_KEY, "GET", "/api/v1/operations", None).await.body;
    assert_eq!((&again["process"], audit(&server).len()), (&numbers["process"], 0));
}

#[actix_web::test]
async fn what_was_done_about_somebody_is_listed_without_what_was_only_read() {
    let server = TestServer::with(|config| config.limits.requests_per_second_max = None).await;
    let room = server.seed().room("alice", "bike").id;
    let because = || Some(json!({"reason": "a test"}));
    let warning = json!({"userId": "sam", "template": "scam", "reason": "a test"});
    for (method, path, body) in [
        ("GET", "/api/v1/users/sam".to_owned(), None),
        ("PUT", "/api/v1/users/sam/ban".to_owned(), because()),
        ("GET", "/api/v1/users/sam/rooms".to_owned(), None),
        ("GET", "/api/v1/users/sam/notes".to_owned(), None),
        ("POST", format!("/api/v1/rooms/{room}/warnings"), Some(warning)),
        ("GET", "/api/v1/users/sam/export".to_owned(), None),
        ("PUT", "/api/v1/users/alice/ban".to_owned(), because()),
        ("GET", "/api/v1/audit?userId=sam&actions=true".to_owned(), None),
    ] {
        assert!(staff(&server, method, &path, body).await.status < 300, "{method} {path}");
    }
    let (mut path, mut done) = ("/api/v1/audit?userId=sam&actions=true&limit=2".to_owned(), Vec::new());
    loop {
        let page = staff(&server, "GET", &path, None).await.body;
        done.extend(page["items"].as_array().unwrap().iter().map(|entry| entry["action"].clone()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/v1/audit?userId=sam&actions=true&limit=2&cursor={cursor}");
    }
    assert_eq!(done, ["export_user", "warn_user", "ban_user"]);
    let all = staff(&server, "GET", "/api/v1/audit?userId=sam&actions=false", None).await.body;
    assert!(all["items"].as_array().unwrap().len() > 6);
    for query in ["actions=true", "actions=true&roomId=r", "actions=true&actorId=mina", "actions=yes&userId=sam"] {
        assert_eq!(staff(&server, "GET", &format!("/api/v1/audit?{query}"), None).await.status, 422, "{query}");
    }
}
