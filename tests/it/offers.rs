//! Offers: enforced by the server, atomic for the whole product, with a notice to everyone who loses.

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};

use crate::support::{TestServer, WsClient, random::Random, rest::call, server::SERVICE_KEY};

const TWO_DAYS: Duration = Duration::from_secs(48 * 60 * 60);

fn offer(room: &str, amount: i64) -> Value {
    json!({"roomId": room, "amount": amount, "currency": "KRW"})
}

fn answer(message: &Value, answer: &str) -> Value {
    json!({"messageId": message["id"], "answer": answer})
}

#[actix_web::test]
async fn an_offer_is_made_countered_and_accepted() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(room.id.as_str()).await;
    sam.enter(room.id.as_str()).await;

    let made = alice.request("offer", offer(room.id.as_str(), 900_000)).await.unwrap();
    assert_eq!((&made["kind"], &made["seq"]), (&json!("offer"), &json!(1)));
    let data = json!({
        "amount": 900_000, "currency": "KRW", "status": "pending", "expiresAt": "2026-11-25T09:00:00.000Z"
    });
    assert_eq!(made["data"], data);
    assert_eq!(sam.push("message").await, made);

    let counter = json!({"roomId": room.id, "messageId": made["id"], "answer": "counter", "amount": 950_000});
    let countered = sam.request("answerOffer", counter).await.unwrap();
    assert_eq!((&countered["id"], &countered["data"]["status"]), (&made["id"], &json!("countered")));
    assert_eq!(alice.push("messageUpdated").await, countered);
    alice.push("message").await;
    let counter = alice.push("message").await;
    assert_eq!((&counter["senderId"], &counter["data"]["amount"]), (&json!("sam"), &json!(950_000)));

    let accepted = alice.request("answerOffer", answer(&counter, "accept")).await.unwrap();
    assert_eq!(accepted["data"]["status"], "accepted");
    assert_eq!(sam.push("messageUpdated").await["id"], made["id"]);
    assert_eq!(sam.push("messageUpdated").await, accepted);
    sam.push("message").await;
    assert_eq!(sam.push("message").await["data"]["status"], "reserved", "the room is notified of its product");
    let mut updated = sam.push("roomUpdated").await;
    while updated["product"]["status"] != "reserved" {
        updated = sam.push("roomUpdated").await;
    }
}

#[actix_web::test]
async fn of_two_answers_at_once_one_wins_and_the_other_gets_a_conflict() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let rooms = [seed.room("alice", "bike"), seed.room("bob", "bike")];
    let offers = [seed.offer(&rooms[0].id, "alice", 1), seed.offer(&rooms[1].id, "bob", 2)];
    let (mut sam, mut also_sam) = (server.ws("sam").await, server.ws("sam").await);
    let mut bob = server.ws("bob").await;
    bob.enter(rooms[1].id.as_str()).await;

    // Two devices accept two offers on one product, before either is answered.
    let first = sam.start("answerOffer", json!({"messageId": offers[0].id, "answer": "accept"})).await;
    let second = also_sam.start("answerOffer", json!({"messageId": offers[1].id, "answer": "accept"})).await;
    let outcomes = [sam.answer(first).await, also_sam.answer(second).await];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let lost = outcomes.iter().find_map(|outcome| outcome.as_ref().err()).unwrap();
    assert_eq!(lost.code, "conflict");
    let told = bob.push("messageUpdated").await;
    let expected = if outcomes[1].is_ok() { "accepted" } else { "declined" };
    assert_eq!((&told["id"], &told["data"]["status"]), (&json!(offers[1].id), &json!(expected)));
}

#[actix_web::test]
async fn a_loser_who_is_in_no_room_is_notified_too() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let (won, lost) = (seed.room("alice", "bike"), seed.room("bob", "bike"));
    let (winner, _) = (seed.offer(&won.id, "alice", 1), seed.offer(&lost.id, "bob", 2));
    let mut bob = server.ws("bob").await;
    let mut sam = server.ws("sam").await;
    sam.request("answerOffer", json!({"messageId": winner.id, "answer": "accept"})).await.unwrap();
    let updated = bob.push("roomUpdated").await;
    assert_eq!((&updated["roomId"], &updated["product"]["status"]), (&json!(lost.id), &json!("reserved")));
    assert!(updated["offer"].is_null(), "{updated}");
}

#[actix_web::test]
async fn a_room_carries_the_offer_that_stands() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let path = format!("/api/v1/rooms/{}", room.id);
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    let entered = alice.enter(room.id.as_str()).await;
    assert!(entered.get("offer").is_none(), "{entered}");
    let made = alice.request("offer", offer(room.id.as_str(), 900_000)).await.unwrap();
    // It stays where it can be seen, however many messages follow.
    for _ in 0..60 {
        alice.request("message", json!({"roomId": room.id, "text": "and?"})).await.unwrap();
    }
    let standing = |status: &str| {
        json!({
            "messageId": made["id"], "senderId": "alice", "amount": 900_000, "currency": "KRW", "status": status,
            "expiresAt": "2026-11-25T09:00:00.000Z"
        })
    };
    let entered = sam.enter(room.id.as_str()).await;
    assert_eq!((&entered["offer"], entered["messages"].as_array().unwrap().len()), (&standing("pending"), 50));
    for status in ["pending", "accepted"] {
        for user in ["alice", "sam"] {
            let found = call(server.addr, &server.token(user), "GET", &path, None).await.body;
            let listed = call(server.addr, &server.token(user), "GET", "/api/v1/rooms", None).await.body;
            assert_eq!((&found["offer"], &listed["items"][0]["offer"]), (&standing(status), &standing(status)));
        }
        if status == "pending" {
            sam.request("answerOffer", answer(&made, "accept")).await.unwrap();
            let mut updated = alice.push("roomUpdated").await;
            while updated["offer"]["status"] != "accepted" {
                updated = alice.push("roomUpdated").await;
            }
            assert_eq!(updated["offer"], standing("accepted"));
        }
    }
    // Only the seller undoes an acceptance, and then nothing stands.
    let undone =
        call(server.addr, &server.token("sam"), "PATCH", "/api/v1/products/bike", Some(json!({"status": "on_sale"})))
            .await;
    assert_eq!(undone.status, 200, "{:?}", undone.body);
    let found = call(server.addr, &server.token("alice"), "GET", &path, None).await.body;
    assert!(found.get("offer").is_none(), "{found}");
}

#[actix_web::test]
async fn an_offer_expires_by_the_servers_clock() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;
    let made = alice.request("offer", offer(room.id.as_str(), 1)).await.unwrap();

    server.advance(TWO_DAYS - Duration::from_secs(1));
    let token = server.token("sam");
    let path = format!("/api/v1/rooms/{}/messages", room.id);
    let read = call(server.addr, &token, "GET", &path, None).await;
    assert_eq!(read.body["items"][0]["data"]["status"], "pending");
    // Her own token was valid for one hour.
    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;
    server.advance(Duration::from_secs(1));
    let expired = alice.push("messageUpdated").await;
    assert_eq!((&expired["id"], &expired["data"]["status"]), (&made["id"], &json!("expired")));
    let late = format!("/api/v1/rooms/{}/offers/{}/answer", room.id, made["id"].as_str().unwrap());
    let late = call(server.addr, &server.token("sam"), "POST", &late, Some(json!({"answer": "accept"}))).await;
    assert_eq!((late.status, &late.body["code"]), (409, &json!("conflict")));
}

#[actix_web::test]
async fn rest_makes_and_answers_offers_as_the_wire_does() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (alice, sam) = (server.token("alice"), server.token("sam"));
    let mut watching = server.ws("alice").await;
    watching.enter(room.id.as_str()).await;
    let path = format!("/api/v1/rooms/{}/offers", room.id);
    let body = json!({"amount": 900_000, "currency": "KRW", "clientId": "k"});
    let made = call(server.addr, &alice, "POST", &path, Some(body.clone())).await;
    assert_eq!((made.status, &made.body["data"]["status"]), (201, &json!("pending")));
    assert_eq!(watching.push("message").await, made.body);
    let again = call(server.addr, &alice, "POST", &path, Some(body)).await;
    assert_eq!((again.status, &again.body), (200, &made.body));

    let answer = format!("{path}/{}/answer", made.body["id"].as_str().unwrap());
    for (body, status, code) in [
        (json!({"answer": "counter"}), 422, "invalid"),
        (json!({"answer": "counter", "amount": 0}), 422, "invalid"),
        (json!({"answer": "perhaps"}), 422, "invalid"),
        (json!({"answer": "withdraw"}), 403, "forbidden"),
    ] {
        let refused = call(server.addr, &sam, "POST", &answer, Some(body.clone())).await;
        assert_eq!((refused.status, refused.body["code"].as_str().unwrap()), (status, code), "{body}");
    }
    for (body, code) in [
        (json!({"amount": 0, "currency": "KRW"}), "invalid"),
        (json!({"amount": 1.5, "currency": "KRW"}), "invalid"),
        (json!({"amount": 1, "currency": "won"}), "invalid"),
        (json!({"amount": 1, "currency": "WON"}), "invalid"),
        (json!({"amount": 1, "currency": "BTC"}), "invalid"),
        (json!({"amount": 1, "currency": "USD"}), "invalid"),
    ] {
        let refused = call(server.addr, &alice, "POST", &path, Some(body.clone())).await;
        assert_eq!((refused.status, refused.body["code"].as_str().unwrap()), (422, code), "{body}");
    }
    let accepted = call(server.addr, &sam, "POST", &answer, Some(json!({"answer": "accept"}))).await;
    assert_eq!((accepted.status, &accepted.body["data"]["status"]), (200, &json!("accepted")));
    assert_eq!(watching.push("messageUpdated").await, accepted.body);
}

#[actix_web::test]
async fn nothing_is_offered_or_accepted_once_sold() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;
    let made = alice.request("offer", offer(room.id.as_str(), 1)).await.unwrap();
    let sold = json!({"sellerId": "sam", "title": "bike", "price": 980_000, "currency": "KRW", "status": "sold"});
    assert_eq!(call(server.addr, SERVICE_KEY, "PUT", "/api/v1/products/bike", Some(sold)).await.status, 200);
    assert_eq!(alice.push("messageUpdated").await["data"]["status"], "declined");
    let mut sam = server.ws("sam").await;
    assert_eq!(sam.request("answerOffer", answer(&made, "accept")).await.unwrap_err().code, "conflict");
    assert_eq!(alice.request("offer", offer(room.id.as_str(), 2)).await.unwrap_err().code, "conflict");
}

/// Takes what a device was sent about offers.
async fn learn(device: &mut WsClient, known: &mut HashMap<String, String>) {
    for push in device.pushes_before_ack().await {
        let message = &push["data"];
        if (push["event"] == "message" || push["event"] == "messageUpdated") && message["kind"] == "offer" {
            let status = message["data"]["status"].as_str().unwrap().to_owned();
            known.insert(message["id"].as_str().unwrap().to_owned(), status);
        }
    }
}

/// Three buyers and the seller, each with two devices, do whatever comes to their minds at the same time.
#[actix_web::test]
async fn whatever_three_buyers_and_a_seller_do_every_device_knows_how_each_offer_ended() {
    for seed in 0..4 {
        let mut random = Random::seeded(seed);
        let server = TestServer::with(|config| config.limits.sends_per_second_max = None).await;
        let rooms = ["alice", "bob", "eve"].map(|buyer| server.seed().room(buyer, "bike"));
        // A device of a buyer is in their room, one of the seller in all three.
        let mut devices: Vec<(WsClient, Vec<usize>, HashMap<String, String>)> = Vec::new();
        for (index, user) in ["alice", "bob", "eve", "sam"].iter().enumerate() {
            for _ in 0..2 {
                let mut device = server.ws(user).await;
                let entered: Vec<usize> = if *user == "sam" { vec![0, 1, 2] } else { vec![index] };
                for room in &entered {
                    device.enter(rooms[*room].id.as_str()).await;
                }
                devices.push((device, entered, HashMap::new()));
            }
        }
        for _ in 0..12 {
            let mut asked = Vec::new();
            for (place, (device, entered, known)) in devices.iter_mut().enumerate() {
                learn(device, known).await;
                let waiting: Vec<&String> =
                    known.iter().filter(|(_, status)| *status == "pending").map(|(id, _)| id).collect();
                let id = if waiting.is_empty() || random.between(0, 2) == 0 {
                    let room = entered[random.between(0, entered.len() as u64 - 1) as usize];
                    let amount = random.between(1, 1000) as i64;
                    device.start("offer", offer(rooms[room].id.as_str(), amount)).await
                } else {
                    let message = waiting[random.between(0, waiting.len() as u64 - 1) as usize];
                    let given = ["accept", "decline", "withdraw", "counter", "counter"][random.between(0, 4) as usize];
                    device.start("answerOffer", json!({"messageId": message, "answer": given, "amount": 7})).await
                };
                asked.push((place, id));
            }
            for (place, id) in asked {
                if let Err(error) = devices[place].0.answer(id).await {
                    assert!(["conflict", "forbidden"].contains(&error.code.as_str()), "{error:?}");
                }
            }
        }
        let mut truth: Vec<HashMap<String, String>> = Vec::new();
        for room in &rooms {
            let path = format!("/api/v1/rooms/{}/messages?limit=200", room.id);
            let page = call(server.addr, &server.token("sam"), "GET", &path, None).await.body;
            let items = page["items"].as_array().unwrap().iter().filter(|message| message["kind"] == "offer");
            let pair = |message: &Value| {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                (text(&message["id"]), text(&message["data"]["status"]))
            };
            truth.push(items.map(pair).collect());
        }
        let accepted = truth.iter().flat_map(HashMap::values).filter(|status| *status == "accepted").count();
        let pending = truth.iter().flat_map(HashMap::values).filter(|status| *status == "pending").count();
        assert!(accepted <= 1 && (accepted == 0 || pending == 0), "{truth:?}");
        for (device, entered, known) in &mut devices {
            learn(device, known).await;
            let expected: HashMap<_, _> = entered.iter().flat_map(|room| truth[*room].clone()).collect();
            assert_eq!(*known, expected);
        }
    }
}

#[actix_web::test]
async fn an_offer_whose_time_is_over_never_shows_as_pending() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    server.seed().offer(&room.id, "alice", 5);
    let report = json!({"roomId": room.id, "category": "spam"});
    assert_eq!(call(server.addr, &server.token("sam"), "POST", "/api/v1/reports", Some(report)).await.status, 201);
    // Written directly into the database, so no sweep awaits it.
    server.advance(TWO_DAYS);
    let token = server.token("sam");
    let path = format!("/api/v1/rooms/{}", room.id);
    let page = call(server.addr, &token, "GET", &format!("{path}/messages"), None).await.body;
    assert_eq!(page["items"][0]["data"]["status"], "expired");
    let shown = call(server.addr, &token, "GET", &path, None).await.body;
    assert_eq!(shown["lastMessage"]["data"]["status"], "expired");
    assert!(shown.get("offer").is_none(), "{shown}");
    let listed = call(server.addr, &token, "GET", "/api/v1/rooms", None).await.body;
    assert_eq!(listed["items"][0]["lastMessage"]["data"]["status"], "expired");
    assert!(listed["items"][0].get("offer").is_none(), "{listed}");
    let entered = server.ws("sam").await.enter(room.id.as_str()).await;
    assert_eq!(entered["messages"][0]["data"]["status"], "expired");
    assert!(entered.get("offer").is_none(), "{entered}");
    let events = call(server.addr, SERVICE_KEY, "GET", "/api/v1/events", None).await.body;
    let made = events["items"].as_array().unwrap().iter().find(|event| event["event"] == "message");
    assert_eq!(made.unwrap()["data"]["data"]["status"], "expired");
    // A report shows what stood there when it was made.
    let reports = call(server.addr, SERVICE_KEY, "GET", "/api/v1/reports", None).await.body;
    assert_eq!(reports["items"][0]["messages"][0]["data"]["status"], "pending");
}
