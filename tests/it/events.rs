//! Events: a backend that was away catches up by itself, in order, without a hole.

use serde_json::{Value, json};

use crate::support::{
    TestServer,
    rest::{self, Answer},
    server::SERVICE_KEY,
};

async fn events(server: &TestServer, query: &str) -> Answer {
    rest::call(server.addr, SERVICE_KEY, "GET", &format!("/api/v1/events{query}"), None).await
}

fn names(page: &Answer) -> Vec<&str> {
    page.body["items"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn every_committed_change_is_told_in_order_on_whatever_wire_it_came() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let before = events(&server, "").await;
    assert_eq!(names(&before), ["userUpdated", "productUpdated", "userUpdated", "roomOpened"]);
    assert_eq!(before.body["items"][3]["data"]["id"], json!(room.id));
    let start = before.body["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(names(&events(&server, &format!("?after={start}")).await), Vec::<&str>::new());

    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(room.id.as_str()).await;
    sam.enter(room.id.as_str()).await;
    let stored = alice.say("helo").await;
    sam.request("read", json!({"seq": 1})).await.unwrap();
    let edited = alice.request("editMessage", json!({"messageId": stored["id"], "text": "hello"})).await.unwrap();
    let sold = json!({"status": "sold"});
    rest::call(server.addr, &server.token("sam"), "PATCH", "/api/v1/products/bike", Some(sold)).await;

    let page = events(&server, &format!("?after={start}")).await;
    assert_eq!(names(&page), ["message", "read", "messageUpdated", "message", "productUpdated"]);
    let data: Vec<&Value> = page.body["items"].as_array().unwrap().iter().map(|event| &event["data"]).collect();
    // As it now stands, in both places.
    assert_eq!((data[0], data[2]), (&edited, &edited));
    assert_eq!(data[1], &json!({"roomId": room.id, "userId": "sam", "seq": 1}));
    assert_eq!((&data[3]["kind"], &data[4]["status"]), (&json!("system"), &json!("sold")));

    // One by one it is the same.
    let (mut after, mut seen) = (start, Vec::new());
    loop {
        let page = events(&server, &format!("?after={after}&limit=1")).await;
        seen.extend(page.body["items"].as_array().unwrap().clone());
        after = page.body["nextCursor"].as_str().unwrap().to_owned();
        if page.body["hasMore"] == false {
            break;
        }
    }
    assert_eq!(json!(seen), page.body["items"]);
    assert_eq!(seen.last().unwrap()["cursor"], json!(after));
}

#[actix_web::test]
async fn events_are_for_the_service_key_and_a_bad_parameter_is_named() {
    let server = TestServer::start().await;
    let path = "/api/v1/events";
    assert_eq!(rest::call(server.addr, "", "GET", path, None).await.status, 401);
    assert_eq!(rest::call(server.addr, &server.token("alice"), "GET", path, None).await.status, 403);
    for (query, name) in [("?after=x", "after"), ("?after=-1", "after"), ("?limit=0", "limit"), ("?limit=501", "limit")]
    {
        let refused = events(&server, query).await;
        assert_eq!((refused.status, &refused.body["code"]), (422, &json!("invalid")));
        assert!(refused.body["detail"].as_str().unwrap().contains(name), "{refused:?}");
    }
}
