//! What the marketplace and the members change, and which users are notified.

use std::time::Duration;

use haggle::internals::domain::AuthorizePolicy;
use serde_json::{Value, json};

use super::{ask, code};
use crate::support::{TestServer, rest::send, server::SERVICE_KEY};

#[actix_web::test]
async fn a_message_is_changed_and_taken_back_where_the_path_says() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let (room, other) = (seed.room("alice", "bike"), seed.room("alice", "lamp"));
    let message = seed.messages(&room.id, "alice", 1).remove(0);
    let token = server.token("alice");
    let path = format!("/api/v1/rooms/{}/messages/{}", room.id, message.id);

    let elsewhere = format!("/api/v1/rooms/{}/messages/{}", other.id, message.id);
    for (method, path) in [("PATCH", elsewhere.as_str()), ("DELETE", &elsewhere), ("DELETE", &format!("{path}x"))] {
        let answer = ask(server.addr, &token, method, path, Some(json!({"text": "x"}))).await;
        assert_eq!((answer.status, code(&answer)), (404, "not_found"), "{method} {path}");
    }

    let edited = ask(server.addr, &token, "PATCH", &path, Some(json!({"text": "better"}))).await.body;
    assert_eq!((&edited["text"], &edited["seq"]), (&json!("better"), &json!(1)));
    let deleted = ask(server.addr, &token, "DELETE", &path, None).await.body;
    assert!(deleted["deletedAt"].is_string() && deleted["text"].is_null(), "{deleted}");
    let again = ask(server.addr, &token, "DELETE", &path, None).await;
    assert_eq!((again.status, code(&again)), (409, "conflict"));
}

#[actix_web::test]
async fn after_15_minutes_a_message_stays_as_it_is() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let message = server.seed().messages(&room.id, "alice", 1).remove(0);
    server.advance(Duration::from_secs(15 * 60 + 1));
    let path = format!("/api/v1/rooms/{}/messages/{}", room.id, message.id);
    let late = ask(server.addr, &server.token("alice"), "PATCH", &path, Some(json!({"text": "x"}))).await;
    assert_eq!((late.status, code(&late)), (403, "forbidden"));
    assert!(late.body["detail"].as_str().unwrap().contains("15 minutes"));
}

#[actix_web::test]
async fn a_room_that_nobody_has_entered_learns_what_the_marketplace_says() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut sam = server.ws("sam").await;
    assert_eq!(sam.pushes_before_ack().await, [] as [Value; 0]);
    let path = format!("/api/v1/rooms/{}/messages", room.id);
    let said = ask(server.addr, SERVICE_KEY, "POST", &path, Some(json!({"text": "Paid"}))).await.body;
    let update = sam.push("roomUpdated").await;
    assert_eq!((&update["roomId"], &update["lastMessage"]), (&json!(room.id), &said));

    let missing =
        ask(server.addr, SERVICE_KEY, "POST", "/api/v1/rooms/none/messages", Some(json!({"text": "x"}))).await;
    assert_eq!((missing.status, code(&missing)), (404, "not_found"));
}

#[actix_web::test]
async fn a_product_that_is_synced_again_keeps_its_accepted_offer() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike");
    let offer = seed.offer(&room.id, "alice", 900_000).id;
    let (bike, seller) = ("/api/v1/products/bike", &room.seller.id);
    let put = async |more: Value| {
        let mut body = json!({"sellerId": seller, "title": "A blue bike", "price": 980_000, "currency": "KRW"});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        ask(server.addr, SERVICE_KEY, "PUT", bike, Some(body)).await
    };
    let stands = async || ask(server.addr, SERVICE_KEY, "GET", bike, None).await.body["status"].clone();
    let answer = format!("/api/v1/rooms/{}/offers/{offer}/answer", room.id);
    let token = server.token(seller.as_str());
    let accepted = ask(server.addr, &token, "POST", &answer, Some(json!({"answer": "accept"}))).await;
    assert_eq!(accepted.status, 200, "{}", accepted.body);

    let synced = put(json!({})).await;
    assert_eq!(
        (synced.status, &synced.body["status"], &synced.body["title"]),
        (200, &json!("reserved"), &json!("A blue bike"))
    );
    let outdated = put(json!({"status": "on_sale"})).await;
    assert_eq!((outdated.status, code(&outdated)), (409, "conflict"));
    assert!(outdated.body["detail"].as_str().is_some_and(|why| why.contains(offer.as_str())), "{}", outdated.body);
    assert_eq!(stands().await, json!("reserved"));
    let undone = ask(server.addr, SERVICE_KEY, "PATCH", bike, Some(json!({"status": "on_sale"}))).await;
    assert_eq!((undone.status, stands().await), (200, json!("on_sale")));
    let none = ask(server.addr, SERVICE_KEY, "GET", "/api/v1/products/none", None).await;
    assert_eq!((none.status, code(&none)), (404, "not_found"));
}

#[actix_web::test]
async fn a_product_is_put_and_its_seller_says_where_it_stands() {
    let server = TestServer::start().await;
    server.seed().user("sam");
    let whole = json!({
        "id": "bike", "sellerId": "sam", "title": "자전거", "price": 9_007_199_254_740_991_i64, "currency": "KRW",
        "imageUrl": "/bike.svg", "status": "on_sale", "colour": {"unknown": "fields are ignored"}
    });
    let put = ask(server.addr, SERVICE_KEY, "PUT", "/api/v1/products/bike", Some(whole.clone())).await;
    assert_eq!(put.status, 201, "{}", put.body);
    let again = ask(server.addr, SERVICE_KEY, "PUT", "/api/v1/products/bike", Some(whole)).await;
    assert_eq!((again.status, &again.body), (200, &put.body));

    let sold = json!({"status": "sold"});
    let sold = ask(server.addr, &server.token("sam"), "PATCH", "/api/v1/products/bike", Some(sold)).await;
    assert_eq!((sold.status, &sold.body["status"]), (200, &json!("sold")));
    let missing = json!({"status": "sold"});
    let missing = ask(server.addr, &server.token("sam"), "PATCH", "/api/v1/products/none", Some(missing)).await;
    assert_eq!((missing.status, code(&missing)), (404, "not_found"));
}

#[actix_web::test]
async fn everybody_can_read_the_digits_of_every_currency() {
    let server = TestServer::start().await;
    let list = ask(server.addr, "", "GET", "/api/v1/currencies", None).await.body;
    let packed = send(server.addr, "GET", "/api/v1/currencies", &[("accept-encoding", "gzip")], b"").await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.header("content-length").unwrap().parse::<usize>().unwrap() < 1500, "{}", packed.head);
    let items = list["items"].as_array().unwrap();
    assert!(items.len() > 150);
    for (code, exponent) in [("KRW", 0), ("USD", 2), ("RSD", 2), ("KWD", 3), ("CLF", 4)] {
        assert!(items.contains(&json!({"code": code, "exponent": exponent})), "{code}");
    }
    // Each of them may be the currency of a product.
    server.seed().user("sam");
    for code in ["RSD", "CLF", "UYW"] {
        let body = json!({"sellerId": "sam", "title": "P", "price": 250_000, "currency": code});
        let put = ask(server.addr, SERVICE_KEY, "PUT", &format!("/api/v1/products/{code}"), Some(body)).await;
        assert_eq!((put.status, &put.body["currency"]), (201, &json!(code)));
    }
}

#[actix_web::test]
async fn everybody_can_read_what_the_server_offers_and_what_a_client_has_to_keep_to() {
    let server = TestServer::with(|config| {
        config.limits.message_bytes_max = 1234;
        config.limits.image_bytes_max = 5678;
        config.authorize = AuthorizePolicy::RoomToken;
    })
    .await;
    let features = ask(server.addr, "", "GET", "/api/v1/features", None).await;
    assert_eq!(features.header("cache-control"), Some("public, max-age=60"));
    let features = features.body;
    assert_eq!(features["protocols"], json!(["haggle.v1"]));
    for name in ["offers", "images", "search", "blocks", "reports", "settings", "room-settings", "room-tokens", "embed"]
    {
        assert!(features["features"].as_array().unwrap().contains(&json!(name)), "{name}");
    }
    assert_eq!(features["roomTokenRequired"], json!(true));
    assert_eq!(features["limits"]["messageBytesMax"], json!(1234));
    assert_eq!(features["images"]["bytesMax"], json!(5678));
    assert_eq!(features["images"]["types"], json!(["image/jpeg", "image/png", "image/webp"]));
    // What it refers to exists.
    let currencies = features["currencies"].as_str().unwrap();
    assert_eq!(ask(server.addr, "", "GET", currencies, None).await.status, 200);
    for wire in features["wires"].as_object().unwrap().values() {
        let status = send(server.addr, "GET", wire.as_str().unwrap(), &[], b"").await.status;
        assert!(matches!(status, 400 | 401 | 422), "{wire}: {status}");
    }
}

#[actix_web::test]
async fn ending_a_users_sessions_counts_them() {
    let server = TestServer::start().await;
    let mut sessions = [server.ws("alice").await, server.ws("alice").await];
    for session in &mut sessions {
        // An answer is the proof that the session is known.
        assert_eq!(session.pushes_before_ack().await, [] as [Value; 0]);
    }
    let path = "/api/v1/users/alice/disconnect";
    let ended = ask(server.addr, SERVICE_KEY, "POST", path, None).await.body;
    assert_eq!(ended, json!({"sessions": 2}));
    for mut session in sessions {
        assert_eq!(session.closed().await, Some(4003));
    }
}

#[actix_web::test]
async fn removing_somebody_unknown_ends_their_sessions_too() {
    let server = TestServer::start().await;
    let mut ghost = server.ws("ghost").await;
    assert_eq!(ghost.pushes_before_ack().await, [] as [Value; 0]);
    let removed = ask(server.addr, SERVICE_KEY, "DELETE", "/api/v1/users/ghost", None).await;
    assert_eq!((removed.status, code(&removed)), (404, "not_found"));
    assert_eq!(ghost.closed().await, Some(4003));
}

#[actix_web::test]
async fn an_id_with_a_slash_is_written_with_percents() {
    let server = TestServer::start().await;
    let put = ask(server.addr, SERVICE_KEY, "PUT", "/api/v1/users/a%2Fb%20%EA%B0%80", Some(json!({"name": "A"}))).await;
    assert_eq!((put.status, &put.body["id"]), (201, &json!("a/b 가")));
}
