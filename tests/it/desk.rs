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
    let before = server.metrics.deliveries.get();
    let numbers = staff(&server, "GET", "/api/v1/operations", None).await.body;
    // A delivery may be counted just then.
    let deliveries = before..=server.metrics.deliveries.get();
    assert_eq!((&numbers["sessions"], &numbers["rooms"], &numbers["messages"]), (&json!(2), &json!(1), &json!(1)));
    assert!(deliveries.contains(&numbers["deliveries"].as_u64().unwrap()), "{deliveries:?} {numbers}");
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

#[actix_web::test]
async fn staff_finds_people_by_the_beginning_of_their_names_and_says_so_in_the_audit_log() {
    let server = TestServer::start().await;
    let put = |id: &'static str, name: &'static str| {
        let addr = server.addr;
        let body = Some(json!({ "name": name }));
        async move { call(addr, SERVICE_KEY, "PUT", &format!("/api/v1/users/{id}"), body).await }
    };
    let people = [("u1", "İSTANBUL Bazaar"), ("u2", "istanbul"), ("u3", "Mistral"), ("u4", "김민아"), ("u5", "Ista")];
    for (id, name) in people {
        assert_eq!(put(id, name).await.status, 201);
    }
    let find = |query: &str| {
        let (addr, token, path) = (server.addr, server.staff_token("mina"), format!("/api/v1/users?{query}"));
        async move { call(addr, &token, "GET", &path, None).await }
    };
    let ids = |answer: &Answer| {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let items = answer.body["items"].as_array().unwrap().iter();
        items.map(|user| user["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&find("name=ISTANBUL").await), ["u2", "u1"]);
    // 김 in its letters, as a Mac writes it.
    assert_eq!(ids(&find("name=%E1%84%80%E1%85%B5%E1%86%B7").await), ["u4"]);
    assert_eq!(ids(&find("name=nobody").await), Vec::<String>::new());
    let (mut query, mut found) = ("name=ista&limit=1".to_owned(), Vec::new());
    loop {
        let page = find(&query).await;
        found.extend(ids(&page));
        let Some(cursor) = page.body["nextCursor"].as_str() else { break };
        query = format!("name=ista&limit=1&cursor={cursor}");
    }
    assert_eq!(found, ["u5", "u2", "u1"]);
    let entry = &audit(&server)[0];
    assert_eq!((entry.action, &entry.about.user_id), (AuditAction::SearchUsers, &None));
    assert_eq!(entry.details.as_ref().unwrap().json(), r#"{"name":"ista"}"#);

    // A new name is found at once, the one before it no more; somebody who was erased by none.
    assert_eq!(put("u5", "Quokka").await.status, 200);
    assert_eq!(
        (ids(&find("name=quok").await), ids(&find("name=ista").await)),
        (vec!["u5".to_owned()], vec!["u2".to_owned(), "u1".to_owned()])
    );
    assert_eq!(staff(&server, "DELETE", "/api/v1/users/u5", None).await.status, 204);
    assert_eq!(ids(&find("name=quok").await), Vec::<String>::new());
    for query in ["", "name=", "name=%20", "name=%E2%80%8B", "name=x&cursor=y", "name=x&limit=51"] {
        assert_eq!(find(query).await.status, 422, "{query}");
    }
}

#[actix_web::test]
async fn names_from_before_there_was_a_search_are_filled_in_by_themselves() {
    let server = TestServer::with(|config| {
        let pool = db::open(&config.database_url, 1).unwrap();
        db::migrate(&pool).unwrap();
        let conn = &mut pool.get().unwrap();
        conn.batch_execute("INSERT INTO users (id, name) VALUES ('zoe', 'Zoe'), ('gone', 'Zoltan')").unwrap();
        conn.batch_execute("UPDATE users SET deleted_at = 1 WHERE id = 'gone'").unwrap();
    })
    .await;
    until("the names are filled in", || !db::has_unfilled_names(&mut server.pool.get().unwrap()).unwrap()).await;
    let found = staff(&server, "GET", "/api/v1/users?name=zo", None).await.body;
    assert_eq!(found["items"], json!([{"id": "zoe", "name": "Zoe"}]));
}
