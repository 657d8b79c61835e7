//! Two people, or two devices of one user, do two conflicting things at the same time. In any order of arrival and over any
//! wire, one of them comes second and receives an error, and all clients agree in the end.

use serde_json::{Value, json};

use crate::support::{Caller, Route, TestServer, WsClient, caller::Outcome, rest::call, server::SERVICE_KEY};

/// Each way in against each.
fn pairs() -> impl Iterator<Item = (Route, Route)> {
    Route::ALL.into_iter().flat_map(|first| Route::ALL.into_iter().map(move |second| (first, second)))
}

async fn start() -> TestServer {
    TestServer::with(|config| config.limits.sends_per_second_max = None).await
}

/// Both ask before either is answered.
async fn at_once(first: (&mut Caller, &str, Value), second: (&mut Caller, &str, Value)) -> (Outcome, Outcome) {
    let (first, event, data) = first;
    let (second, other_event, other_data) = second;
    let asked = first.start(event, data).await;
    let also_asked = second.start(other_event, other_data).await;
    (first.answer(asked).await, second.answer(also_asked).await)
}

/// The messages of a room as they are stored, oldest first.
async fn stored(server: &TestServer, room: &str) -> Vec<Value> {
    let path = format!("/api/v1/rooms/{room}/messages?limit=200");
    let page = call(server.addr, &server.token("sam"), "GET", &path, None).await.body;
    let messages = page["items"].as_array().unwrap().clone();
    let seqs: Vec<i64> = messages.iter().map(|message| message["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>(), "without a hole");
    messages
}

/// The newest state of each message that a client was sent.
fn believed(heard: &[(String, Value)]) -> Vec<Value> {
    let mut messages: Vec<Value> = Vec::new();
    for (event, data) in heard {
        match (event.as_str(), messages.iter_mut().find(|message| message["id"] == data["id"])) {
            ("message", None) => messages.push(data.clone()),
            ("message", Some(_)) => panic!("sent twice: {data}"),
            ("messageUpdated", Some(message)) => *message = data.clone(),
            ("messageUpdated", None) => panic!("an update of what nobody was sent: {data}"),
            _ => {}
        }
    }
    messages
}

/// A device of each member on each wire, in the room before anything happens there.
async fn listeners(server: &TestServer, buyer: &str, room: &str) -> Vec<Caller> {
    let mut listeners = Vec::new();
    for user in [buyer, "sam"] {
        for wire in Route::WIRES {
            listeners.push(Caller::entered(server, user, wire, room).await);
        }
    }
    listeners
}

async fn all_believe(server: &TestServer, listeners: &mut [Caller], room: &str) {
    let stored = stored(server, room).await;
    for listener in listeners {
        assert_eq!(believed(&listener.heard().await), stored);
    }
}

#[actix_web::test]
async fn of_two_acceptances_on_two_devices_one_wins() {
    let server = start().await;
    for (round, (first, second)) in pairs().enumerate() {
        let product = format!("product-{round}");
        let (won, lost) = (server.seed().room("alice", &product).id, server.seed().room("bob", &product).id);
        let (won, lost) = (won.as_str(), lost.as_str());
        let mut of_alice = listeners(&server, "alice", won).await;
        let mut of_bob = listeners(&server, "bob", lost).await;
        let price = json!({"amount": 7, "currency": "KRW"});
        let mut offers = Vec::new();
        for (buyer, room) in [("alice", won), ("bob", lost)] {
            let mut buyer = Caller::new(&server, buyer, first, room).await;
            let mut price = price.clone();
            price["roomId"] = json!(room);
            offers.push(buyer.ask("offer", price).await.unwrap());
        }
        let mut phone = Caller::new(&server, "sam", first, won).await;
        let mut desk = Caller::new(&server, "sam", second, lost).await;
        let accept = |offer: &Value| json!({"messageId": offer["id"], "answer": "accept"});
        let (a, b) =
            at_once((&mut phone, "answerOffer", accept(&offers[0])), (&mut desk, "answerOffer", accept(&offers[1])))
                .await;
        assert_eq!(i32::from(a.is_ok()) + i32::from(b.is_ok()), 1, "{first:?} {second:?}: {a:?} {b:?}");
        assert_eq!(a.clone().err().or(b.err()).unwrap().code, "conflict");
        all_believe(&server, &mut of_alice, won).await;
        all_believe(&server, &mut of_bob, lost).await;
        for (room, has_won) in [(won, a.is_ok()), (lost, a.is_err())] {
            let messages = stored(&server, room).await;
            let status = if has_won { "accepted" } else { "declined" };
            assert_eq!(messages[0]["data"]["status"], status);
            assert_eq!((messages.len(), &messages[1]["data"]["status"]), (2, &json!("reserved")), "sent once");
        }
    }
}

#[actix_web::test]
async fn of_two_answers_to_one_offer_one_counts() {
    let server = start().await;
    for (round, (first, second)) in pairs().enumerate() {
        let room = server.seed().room("alice", &format!("product-{round}")).id;
        let room = room.as_str();
        let mut listeners = listeners(&server, "alice", room).await;
        let mut alice = Caller::new(&server, "alice", first, room).await;
        let mut sam = Caller::new(&server, "sam", second, room).await;
        let offer = alice.ask("offer", json!({"roomId": room, "amount": 7, "currency": "KRW"})).await.unwrap();
        let answer = |answer: &str| json!({"messageId": offer["id"], "answer": answer});
        let (withdrawn, accepted) =
            at_once((&mut alice, "answerOffer", answer("withdraw")), (&mut sam, "answerOffer", answer("accept"))).await;
        let status = match (withdrawn, accepted) {
            (Ok(_), Err(error)) | (Err(error), Ok(_)) if error.code != "conflict" => panic!("{error:?}"),
            (Ok(_), Err(_)) => "withdrawn",
            (Err(_), Ok(_)) => "accepted",
            both => panic!("{first:?} {second:?}: {both:?}"),
        };
        assert_eq!(stored(&server, room).await[0]["data"]["status"], status);
        all_believe(&server, &mut listeners, room).await;
    }
}

#[actix_web::test]
async fn of_an_edit_and_a_deletion_the_deletion_stays() {
    let server = start().await;
    for (round, (first, second)) in pairs().enumerate() {
        let room = server.seed().room("alice", &format!("product-{round}")).id;
        let room = room.as_str();
        let mut listeners = listeners(&server, "alice", room).await;
        let mut phone = Caller::new(&server, "alice", first, room).await;
        let mut desk = Caller::new(&server, "alice", second, room).await;
        let said = phone.ask("message", json!({"roomId": room, "text": "first"})).await.unwrap();
        let (edited, deleted) = at_once(
            (&mut phone, "editMessage", json!({"messageId": said["id"], "text": "second"})),
            (&mut desk, "deleteMessage", json!({"messageId": said["id"]})),
        )
        .await;
        assert!(edited.is_ok() || edited.unwrap_err().code == "conflict");
        let kept = stored(&server, room).await;
        assert_eq!((&kept[0], kept.len()), (&deleted.unwrap(), 1));
        assert!(kept[0]["deletedAt"].is_string() && kept[0].get("text").is_none(), "{}", kept[0]);
        all_believe(&server, &mut listeners, room).await;
    }
}

/// A user is silenced while they keep sending: by the service or the other member, with this request.
async fn silence(
    server: &TestServer,
    route: Route,
    buyer: &str,
    code: &str,
    silencing: (&str, &str, String, Option<Value>),
) {
    let room = server.seed().room(buyer, "bike").id;
    let room = room.as_str();
    let mut listeners = listeners(server, buyer, room).await;
    let mut talker = Caller::new(server, buyer, route, room).await;
    let (token, method, path, body) = silencing;
    let (addr, token, method) = (server.addr, token.to_owned(), method.to_owned());
    let mut asked = Vec::new();
    for place in 0..4 {
        asked.push(talker.start("message", json!({"roomId": room, "text": format!("{place}")})).await);
    }
    let silenced = actix_web::rt::spawn(async move { call(addr, &token, &method, &path, body).await.status });
    for place in 4..8 {
        asked.push(talker.start("message", json!({"roomId": room, "text": format!("{place}")})).await);
    }
    assert!(silenced.await.unwrap() < 300);
    // Whatever is sent once that is acknowledged is refused.
    let late = talker.ask("message", json!({"roomId": room, "text": "late"})).await;
    assert_eq!(late.unwrap_err().code, code);
    let mut answered = Vec::new();
    for asked in asked {
        match talker.answer(asked).await {
            Ok(message) => answered.push(message),
            Err(error) => assert_eq!(error.code, code),
        }
    }
    // Requests of REST overtake each other; what is stored is what was acknowledged.
    answered.sort_by_key(|message| message["seq"].as_i64());
    assert_eq!(stored(server, room).await, answered);
    all_believe(server, &mut listeners, room).await;
}

#[actix_web::test]
async fn of_a_block_and_what_is_said_meanwhile_what_was_acknowledged_is_stored_and_nothing_else() {
    let server = start().await;
    let sam = server.token("sam");
    for (place, route) in Route::ALL.into_iter().enumerate() {
        let buyer = format!("buyer-{place}");
        let path = format!("/api/v1/blocks/{buyer}");
        silence(&server, route, &buyer, "blocked", (&sam, "PUT", path, None)).await;
    }
}

#[actix_web::test]
async fn of_a_mute_and_what_is_said_meanwhile_what_was_acknowledged_is_stored_and_nothing_else() {
    let server = start().await;
    for (place, route) in Route::ALL.into_iter().enumerate() {
        let buyer = format!("buyer-{place}");
        let room = server.seed().room(&buyer, "bike").id;
        let path = format!("/api/v1/reports/{}", server.seed().report(&room, "sam"));
        let body = Some(json!({"decision": "upheld", "muteUntil": "2027-01-01T00:00:00.000Z"}));
        silence(&server, route, &buyer, "muted", (SERVICE_KEY, "PATCH", path, body)).await;
    }
}

#[actix_web::test]
async fn of_a_sale_and_an_acceptance_the_sale_stays_and_no_offer_waits() {
    let server = start().await;
    for (round, route) in Route::ALL.into_iter().chain(Route::ALL).enumerate() {
        let product = format!("product-{round}");
        let room = server.seed().room("alice", &product).id;
        let room = room.as_str();
        let mut listeners = listeners(&server, "alice", room).await;
        let mut alice = Caller::new(&server, "alice", route, room).await;
        let offer = alice.ask("offer", json!({"roomId": room, "amount": 7, "currency": "KRW"})).await.unwrap();
        let mut sam = Caller::new(&server, "sam", route, room).await;
        let path = format!("/api/v1/products/{product}");
        // By the seller and by the service in turn.
        let (token, method, body) = match round % 2 {
            0 => (server.token("sam"), "PATCH", json!({"status": "sold"})),
            _ => (SERVICE_KEY.to_owned(), "PUT", json!({"sellerId": "sam", "title": "sold", "status": "sold"})),
        };
        let accept = json!({"messageId": offer["id"], "answer": "accept"});
        let addr = server.addr;
        let sale = async move { call(addr, &token, method, &path, Some(body)).await.status };
        let (accepted, sold) = if round < 3 {
            let asked = sam.start("answerOffer", accept).await;
            let sold = sale.await;
            (sam.answer(asked).await, sold)
        } else {
            let sale = actix_web::rt::spawn(sale);
            (sam.ask("answerOffer", accept).await, sale.await.unwrap())
        };
        assert_eq!(sold, 200);
        let messages = stored(&server, room).await;
        let statuses: Vec<&str> = messages.iter().map(|message| message["data"]["status"].as_str().unwrap()).collect();
        match accepted {
            Ok(_) => assert_eq!(statuses, ["accepted", "reserved", "sold"]),
            Err(error) => {
                assert_eq!(error.code, "conflict");
                assert_eq!(statuses, ["declined", "sold"]);
            }
        }
        all_believe(&server, &mut listeners, room).await;
    }
}

#[actix_web::test]
async fn of_two_tabs_that_read_the_later_place_counts_and_every_tab_shows_it() {
    let server = start().await;
    for (round, (first, second)) in pairs().enumerate() {
        let room = server.seed().room("alice", &format!("product-{round}")).id;
        server.seed().messages(&room, "sam", 5);
        let room = room.as_str();
        let mut listeners = listeners(&server, "alice", room).await;
        let mut inboxes = Vec::new();
        for wire in Route::WIRES {
            inboxes.push(Caller::new(&server, "alice", wire, room).await);
        }
        let (mut phone, mut desk) =
            (Caller::new(&server, "alice", first, room).await, Caller::new(&server, "alice", second, room).await);
        let read = |seq: i64| json!({"roomId": room, "seq": seq});
        let (few, all) = at_once((&mut phone, "read", read(3)), (&mut desk, "read", read(5))).await;
        assert_eq!(all.unwrap()["readSeq"], 5);
        let few = few.unwrap();
        assert!([3, 5].contains(&few["readSeq"].as_i64().unwrap()), "{few}");
        for inbox in &mut inboxes {
            let mut update = inbox.push("roomUpdated").await;
            while update["readSeq"] != 5 {
                update = inbox.push("roomUpdated").await;
            }
            assert_eq!(update["unread"], 0);
        }
        for listener in &mut listeners {
            let heard = listener.heard().await;
            let places: Vec<i64> = heard
                .iter()
                .filter(|(event, _)| event == "read")
                .map(|(_, data)| data["seq"].as_i64().unwrap())
                .collect();
            assert!(places == [5] || places == [3, 5], "it never goes back: {places:?}");
        }
    }
}

#[actix_web::test]
async fn of_an_erasure_and_what_is_said_meanwhile_no_words_are_left_and_the_others_stay() {
    let server = start().await;
    for (place, route) in Route::ALL.into_iter().enumerate() {
        let buyer = format!("buyer-{place}");
        let room = server.seed().room(&buyer, "bike").id;
        let room = room.as_str();
        let mut sam_hears = Vec::new();
        for wire in Route::WIRES {
            sam_hears.push(Caller::entered(&server, "sam", wire, room).await);
        }
        let mut sam = Caller::new(&server, "sam", route, room).await;
        let mut talker = Caller::new(&server, &buyer, route, room).await;
        let say = |text: &str| json!({"roomId": room, "text": text});
        let mut kept = Vec::new();
        for turn in 0..4 {
            // Nobody waits for her answers: her sessions end in between.
            drop(talker.start("message", say(&format!("hers {turn}"))).await);
            kept.push(sam.start("message", say(&format!("his {turn}"))).await);
        }
        let (addr, path) = (server.addr, format!("/api/v1/users/{buyer}"));
        let erased = actix_web::rt::spawn(async move { call(addr, SERVICE_KEY, "DELETE", &path, None).await.status });
        for turn in 4..8 {
            drop(talker.start("message", say(&format!("hers {turn}"))).await);
            kept.push(sam.start("message", say(&format!("his {turn}"))).await);
        }
        assert_eq!(erased.await.unwrap(), 204);
        // His words are stored for as long as she is there to read them.
        let mut his = 0;
        for kept in kept {
            match sam.answer(kept).await {
                Ok(_) => his += 1,
                Err(error) => assert_eq!(error.code, "blocked"),
            }
        }
        let (token, path) = (server.token(&buyer), format!("/api/v1/rooms/{room}/messages"));
        assert_eq!(call(server.addr, &token, "POST", &path, Some(say("late"))).await.status, 403);
        let messages = stored(&server, room).await;
        for message in &messages {
            let is_hers = message["senderId"] == *buyer;
            assert_eq!(
                (is_hers, is_hers),
                (message.get("text").is_none(), message.get("deletedAt").is_some()),
                "{message}"
            );
        }
        assert_eq!(messages.iter().filter(|message| message["senderId"] == "sam").count(), his);
        all_believe(&server, &mut sam_hears, room).await;
    }
}

/// Reads until the answer to a request, and returns it with the `seq` of each message that came before it.
async fn until_answered(client: &mut WsClient, id: u64) -> (Value, Vec<i64>) {
    let mut seqs = Vec::new();
    loop {
        let frame = client.read().await.unwrap();
        if frame["event"] == "message" {
            seqs.push(frame["data"]["seq"].as_i64().unwrap());
        }
        if frame["reply"] == id {
            return (frame, seqs);
        }
    }
}

#[actix_web::test]
async fn one_who_leaves_and_enters_while_messages_come_gets_each_once_and_none_in_between() {
    let server = start().await;
    for route in Route::ALL {
        let room = server.seed().room("alice", &format!("product-{route:?}")).id;
        let room = room.as_str();
        let (mut alice, mut sam) = (server.ws("alice").await, Caller::new(&server, "sam", route, room).await);
        let after = |seq: i64| json!({"roomId": room, "after": seq});
        let mut got: Vec<i64> = Vec::new();
        let entering = alice.start("enterRoom", after(0)).await;
        until_answered(&mut alice, entering).await;
        for round in 0..10 {
            let mut asked = Vec::new();
            for turn in 0..3 {
                asked.push(sam.start("message", json!({"roomId": room, "text": format!("{round} {turn}")})).await);
            }
            let leaving = alice.start("leaveRoom", json!(room)).await;
            let (_, seqs) = until_answered(&mut alice, leaving).await;
            got.extend(seqs);
            let last = got.last().copied().unwrap_or(0);
            let entering = alice.start("enterRoom", after(last)).await;
            let (entered, between) = until_answered(&mut alice, entering).await;
            assert_eq!(between, [0_i64; 0], "nothing comes between leaving and entering");
            let missed = entered["data"]["messages"].as_array().unwrap();
            got.extend(missed.iter().map(|message| message["seq"].as_i64().unwrap()));
            for asked in asked {
                sam.answer(asked).await.unwrap();
            }
        }
        got.extend(alice.seqs_before_ack().await);
        assert_eq!(got, (1..=30).collect::<Vec<_>>());
    }
}
