//! Lists in pages, and requests that are repeated.

use serde_json::{Value, json};

use super::ask;
use crate::support::{TestServer, server::SERVICE_KEY};

fn seqs(page: &Value) -> Vec<i64> {
    page["items"].as_array().unwrap().iter().map(|message| message["seq"].as_i64().unwrap()).collect()
}

#[actix_web::test]
async fn a_long_history_is_read_in_both_directions_without_a_hole() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    server.seed().messages(&room.id, "alice", 430);
    let token = server.token("sam");
    let page = async |query: String| {
        let path = format!("/api/v1/rooms/{}/messages{query}", room.id);
        ask(server.addr, &token, "GET", &path, None).await.body
    };

    let newest = page(String::new()).await;
    assert_eq!((seqs(&newest), &newest["hasMore"]), ((381..=430).collect(), &json!(true)));

    let mut all = Vec::new();
    let mut query = "?limit=200".to_owned();
    loop {
        let page = page(query).await;
        let mut earlier = seqs(&page);
        query = format!("?limit=200&before={}", earlier[0]);
        earlier.append(&mut all);
        all = earlier;
        if page["hasMore"] == false {
            break;
        }
    }
    assert_eq!(all, (1..=430).collect::<Vec<_>>());

    let mut all = Vec::new();
    loop {
        let page = page(format!("?limit=150&after={}", all.last().copied().unwrap_or(0))).await;
        all.extend(seqs(&page));
        if page["hasMore"] == false {
            break;
        }
    }
    assert_eq!(all, (1..=430).collect::<Vec<_>>());

    let beyond = page("?after=430".to_owned()).await;
    assert_eq!((seqs(&beyond), &beyond["hasMore"]), (vec![], &json!(false)));
}

#[actix_web::test]
async fn ones_rooms_come_in_pages_latest_activity_first() {
    let server = TestServer::start().await;
    let (seed, token) = (server.seed(), server.token("alice"));
    for product in ["a", "b", "c", "d", "e"] {
        seed.room("alice", product);
    }
    let (mut found, mut path) = (Vec::new(), "/api/v1/rooms?limit=2".to_owned());
    loop {
        let page = ask(server.addr, &token, "GET", &path, None).await.body;
        found.extend(page["items"].as_array().unwrap().iter().map(|room| room["product"]["id"].clone()));
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/rooms?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    found.sort_by_key(ToString::to_string);
    assert_eq!(found, ["a", "b", "c", "d", "e"]);
}

#[actix_web::test]
async fn a_repeated_message_is_stored_once() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let path = format!("/api/v1/rooms/{}/messages", room.id);
    for (token, sender, kind) in [(server.token("alice").as_str(), "alice", "text"), (SERVICE_KEY, "system", "system")]
    {
        let body = Some(json!({"text": "hello", "clientId": "key", "data": {"a": [1]}}));
        let first = ask(server.addr, token, "POST", &path, body.clone()).await;
        let second = ask(server.addr, token, "POST", &path, body).await;
        assert_eq!((first.status, second.status), (201, 200));
        assert_eq!(first.body, second.body);
        assert_eq!((&first.body["senderId"], &first.body["kind"]), (&json!(sender), &json!(kind)));
        assert_eq!(first.body["data"], json!({"a": [1]}));
    }
    let all = ask(server.addr, &server.token("sam"), "GET", &path, None).await.body;
    assert_eq!(seqs(&all), [1, 2]);
}

#[actix_web::test]
async fn a_room_is_opened_once_and_its_buyer_is_notified() {
    let server = TestServer::start().await;
    server.seed().product("bike", "sam");
    let mut alice = server.ws("alice").await;
    assert_eq!(alice.pushes_before_ack().await, [] as [Value; 0]);
    let token = server.token("alice");
    let body = Some(json!({"productId": "bike"}));
    let first = ask(server.addr, &token, "POST", "/api/v1/rooms", body.clone()).await;
    let second = ask(server.addr, &token, "POST", "/api/v1/rooms", body).await;
    assert_eq!((first.status, second.status), (201, 200));
    assert_eq!(first.body, second.body);
    assert_eq!(alice.push("roomUpdated").await["roomId"], first.body["id"]);

    let by_service = Some(json!({"productId": "bike", "buyerId": "alice"}));
    let third = ask(server.addr, SERVICE_KEY, "POST", "/api/v1/rooms", by_service).await;
    assert_eq!((third.status, &third.body), (200, &first.body));
}
