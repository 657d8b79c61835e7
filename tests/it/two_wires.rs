//! One vocabulary, two wires, and REST: each event that a client sends comes to the same on every way in, and each event that a
//! member receives is the same on both wires.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Caller, Route, TestServer,
    rest::{call, upload},
    server::SERVICE_KEY,
};

/// Who takes a step, what they do, and whether REST has it, too. In the data `$n` is the message of step `n`, and `$last`
/// the newest one received.
struct Step(&'static str, &'static str, Value, bool);

fn conversation() -> Vec<Step> {
    let offer = |amount| json!({"amount": amount, "currency": "KRW", "clientId": format!("o{amount}")});
    let answer = |to: &str, answer| json!({"messageId": to, "answer": answer});
    vec![
        Step("alice", "message", json!({"text": "hello", "clientId": "c1"}), true),
        Step("alice", "message", json!({"text": "hello", "clientId": "c1"}), true),
        Step("alice", "message", json!({"text": "010-1234-5678", "data": {"x": [1, null]}}), true),
        Step("alice", "editMessage", json!({"messageId": "$0", "text": "hello, and edited"}), true),
        Step("alice", "deleteMessage", json!({"messageId": "$2"}), true),
        Step("sam", "message", json!({"text": "and hello to you", "replyTo": 1}), true),
        Step("alice", "typing", json!({"typing": true}), false),
        Step("alice", "typing", json!({"typing": false}), false),
        Step("alice", "delivered", json!({"seq": 1}), true),
        Step("alice", "read", json!({"seq": 2}), true),
        Step("alice", "read", json!({"seq": 99}), true),
        Step("alice", "offer", offer(900_000), true),
        Step("alice", "offer", offer(900_000), true),
        Step("alice", "answerOffer", answer("$11", "withdraw"), true),
        Step("sam", "offer", offer(970_000), true),
        Step("alice", "answerOffer", answer("$last", "decline"), true),
        Step("sam", "offer", offer(960_000), true),
        Step("alice", "answerOffer", json!({"messageId": "$last", "answer": "counter", "amount": 800_000}), true),
        Step("sam", "answerOffer", json!({"messageId": "$last", "answer": "counter", "amount": 850_000}), true),
        Step("alice", "answerOffer", answer("$last", "accept"), true),
        Step("alice", "react", json!({"messageId": "$5", "emoji": "👍"}), true),
        Step("alice", "react", json!({"messageId": "$5", "emoji": "👍"}), true),
        Step("sam", "react", json!({"messageId": "$0", "emoji": "❤️"}), true),
        Step("alice", "react", json!({"messageId": "$5", "emoji": null}), true),
    ]
}

fn filled(data: &Value, ids: &[String], last: &str) -> Value {
    let mut data = data.clone();
    let id = match data["messageId"].as_str() {
        Some("$last") => last.to_owned(),
        Some(step) => ids[step[1..].parse::<usize>().unwrap()].clone(),
        None => return data,
    };
    data["messageId"] = json!(id);
    data
}

/// With names in place of what differs from room to room.
fn named(value: &Value, names: &[(String, String)]) -> String {
    names.iter().fold(value.to_string(), |text, (id, name)| text.replace(id.as_str(), name))
}

/// A conversation whose buyer acts over one wire: each step's answer, and what each member received.
#[expect(clippy::too_many_lines, reason = "one conversation, from its start to its end")]
async fn transcript(server: &TestServer, route: Route) -> Vec<(bool, String)> {
    let product = format!("product-{route:?}");
    let room = server.seed().room("alice", &product).id.as_str().to_owned();
    let mut listeners = Vec::new();
    for user in ["alice", "sam"] {
        for wire in Route::WIRES {
            listeners.push(Caller::entered(server, user, wire, &room).await);
        }
    }
    let mut alice = Caller::entered(server, "alice", route, &room).await;
    let mut sam = Caller::entered(server, "sam", Route::Json, &room).await;
    for listener in &mut listeners {
        listener.heard().await;
    }
    let mut names = vec![(room.clone(), "ROOM".to_owned()), (product, "PRODUCT".to_owned())];
    let (mut ids, mut last, mut transcript) = (Vec::new(), String::new(), Vec::new());
    for (place, Step(who, event, data, in_rest)) in conversation().into_iter().enumerate() {
        if route == Route::Rest && !in_rest {
            ids.push(String::new());
            continue;
        }
        let mut data = filled(&data, &ids, &last);
        if *event != *"editMessage" && *event != *"deleteMessage" {
            data["roomId"] = json!(room);
        }
        let caller = if who == "alice" { &mut alice } else { &mut sam };
        let answer = caller.ask(event, data).await.unwrap_or_else(|error| panic!("{event} by {route:?}: {error:?}"));
        ids.push(answer["id"].as_str().unwrap_or_default().to_owned());
        let mut heard = Vec::new();
        for listener in &mut listeners {
            heard.push(listener.heard().await);
        }
        assert_eq!(heard[0], heard[1], "alice's two wires, step {place}");
        assert_eq!(heard[2], heard[3], "sam's two wires, step {place}");
        for (event, data) in &heard[2] {
            if event == "message" {
                last = data["id"].as_str().unwrap().to_owned();
                names.push((last.clone(), format!("MESSAGE-{}", data["seq"])));
            }
        }
        let step = json!({"step": place, "event": event, "answer": answer, "alice": heard[0], "sam": heard[2]});
        transcript.push((in_rest, named(&step, &names)));
    }
    // What each member's list shows in the end is the same on both wires.
    for pair in listeners.chunks_mut(2) {
        let mut shown = Vec::new();
        for listener in pair {
            let mut update = listener.push("roomUpdated").await;
            while update["roomId"] != *room || update["product"]["status"] != "reserved" {
                update = listener.push("roomUpdated").await;
            }
            shown.push(update);
        }
        assert_eq!(shown[0], shown[1]);
        assert_eq!(shown[0]["lastMessage"]["kind"], "system");
        // The total counts the rooms of all three conversations.
        assert!(shown[0].as_object_mut().unwrap().remove("unreadTotal").is_some());
        transcript.push((true, named(&shown[0], &names)));
    }
    // The history is the same by every way in.
    let entered = Caller::new(server, "sam", Route::Json, &room).await.ask("enterRoom", json!({"roomId": room})).await;
    let also = Caller::new(server, "sam", Route::SocketIo, &room).await.ask("enterRoom", json!({"roomId": room})).await;
    assert_eq!(entered, also);
    let read = Caller::new(server, "sam", Route::Rest, &room).await.ask("enterRoom", json!({})).await.unwrap();
    assert_eq!(entered.unwrap()["messages"], read["items"]);
    transcript.push((true, named(&read, &names)));
    transcript
}

#[actix_web::test]
async fn every_event_comes_to_the_same_by_every_way_in_and_is_heard_the_same_on_both_wires() {
    let server = TestServer::with(|config| {
        config.limits.sends_per_second_max = None;
        config.limits.sessions_per_user_max = None;
    })
    .await;
    let json = transcript(&server, Route::Json).await;
    assert!(json.iter().any(|(_, step)| step.contains(r#""typing":true"#)));
    assert!(
        json.iter().filter(|(_, step)| step.contains(r#""read",{"#)).count() == 7,
        "each read is sent, also by answering"
    );
    let socket_io = transcript(&server, Route::SocketIo).await;
    for (on_json, on_socket_io) in json.iter().zip(&socket_io) {
        assert_eq!(on_json, on_socket_io);
    }
    let rest = transcript(&server, Route::Rest).await;
    let shared: Vec<_> = json.iter().filter(|(in_rest, _)| *in_rest).collect();
    assert_eq!(shared.len(), rest.len());
    for (on_json, in_rest) in shared.into_iter().zip(&rest) {
        assert_eq!(on_json, in_rest);
    }
}

#[actix_web::test]
async fn entering_leaving_and_renewing_a_token_come_to_the_same_on_both_wires() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    seed.messages(&room, "sam", 60);
    let (room, mut answers) = (room.as_str(), Vec::new());
    let token = server.token_for("alice", Duration::from_secs(7200));
    for wire in Route::WIRES {
        let mut alice = Caller::new(&server, "alice", wire, room).await;
        let mut steps = Vec::new();
        for (event, data) in [
            ("enterRoom", json!(room)),
            ("enterRoom", json!({"roomId": room, "after": 55})),
            ("authenticate", json!({ "token": token })),
            ("leaveRoom", Value::Null),
            ("leaveRoom", json!({ "roomId": room })),
            ("leaveRoom", json!(room)),
        ] {
            steps.push(alice.ask(event, data).await.unwrap());
        }
        assert_eq!(steps[1]["messages"].as_array().unwrap().len(), 5);
        answers.push((steps, alice));
    }
    assert_eq!(answers[0].0, answers[1].0);
    Caller::new(&server, "sam", Route::Rest, room).await.ask("message", json!({"text": "gone?"})).await.unwrap();
    for (_, alice) in &mut answers {
        assert_eq!(alice.heard().await, [], "anyone who left hears nothing");
    }
}

/// How a room stands when something is refused in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Situation {
    Open,
    Stranger,
    BlockedByThem,
    BlockedByUs,
    Muted,
    Sold,
    Taken,
    Late,
    Expired,
}

const MUTED_UNTIL: &str = "2026-11-23T10:00:00.000Z";

/// A room in a situation: its buyer is named after it, and acts. Both have sent a message, and the seller has made an offer.
struct Scene {
    buyer: String,
    room: String,
    ids: Vec<(&'static str, String)>,
}

async fn scene(server: &TestServer, situation: Situation) -> Scene {
    let seed = server.seed();
    let buyer = format!("buyer-{situation:?}");
    let room = seed.room(&buyer, &format!("product-{situation:?}")).id;
    let own = seed.messages(&room, &buyer, 1).remove(0).id;
    let taken_back = seed.messages(&room, &buyer, 1).remove(0).id;
    let theirs = seed.messages(&room, "sam", 1).remove(0).id;
    let id = room.as_str().to_owned();
    let offer = if situation == Situation::Taken {
        // The other member's waits no more; and there is an accepted one.
        let offer = seed.offer(&room, &buyer, 5).id;
        let mut sam = Caller::new(server, "sam", Route::Json, &id).await;
        sam.ask("answerOffer", json!({"messageId": offer, "answer": "accept"})).await.unwrap();
        offer
    } else {
        seed.offer(&room, "sam", 5).id
    };
    if situation == Situation::Open {
        let mut ours = Caller::new(server, &buyer, Route::Json, &id).await;
        ours.ask("deleteMessage", json!({ "messageId": taken_back })).await.unwrap();
    }
    let block = async |blocker: &str, blocked: &str| {
        let path = format!("/api/v1/blocks/{blocked}");
        assert_eq!(call(server.addr, &server.token(blocker), "PUT", &path, None).await.status, 201);
    };
    match situation {
        Situation::BlockedByThem => block("sam", &buyer).await,
        Situation::BlockedByUs => block(&buyer, "sam").await,
        Situation::Muted => {
            let report = seed.report(&room, "sam");
            let decision = json!({"decision": "upheld", "muteUntil": MUTED_UNTIL});
            let path = format!("/api/v1/reports/{report}");
            assert_eq!(call(server.addr, SERVICE_KEY, "PATCH", &path, Some(decision)).await.status, 200);
        }
        Situation::Sold => {
            let path = format!("/api/v1/products/product-{situation:?}");
            let sold = Some(json!({"status": "sold"}));
            assert_eq!(call(server.addr, &server.token("sam"), "PATCH", &path, sold).await.status, 200);
        }
        Situation::Late => server.advance(Duration::from_secs(15 * 60 + 1)),
        Situation::Expired => server.advance(Duration::from_secs(48 * 60 * 60)),
        Situation::Open | Situation::Stranger | Situation::Taken => {}
    }
    let buyer = if situation == Situation::Stranger { "mallory".to_owned() } else { buyer };
    let ids = [("$own", own), ("$gone", taken_back), ("$theirs", theirs), ("$offer", offer)];
    Scene { buyer, room: id, ids: ids.map(|(name, id)| (name, id.as_str().to_owned())).to_vec() }
}

/// What is refused in which situation, and by which code. `none` means allowed: this is a promise as well.
#[expect(clippy::too_many_lines, reason = "a table: one row per refusal")]
fn refusals() -> Vec<(Situation, &'static str, Value, &'static str)> {
    use Situation::{BlockedByThem, BlockedByUs, Expired, Late, Muted, Open, Sold, Stranger, Taken};
    let on = |message: &str| json!({ "messageId": message });
    let words = |message: &str| json!({"messageId": message, "text": "other words"});
    let answer = |answer: &str| json!({"messageId": "$offer", "answer": answer, "amount": 7});
    let text = || json!({"text": "hello"});
    let price = |amount: i64, currency: &str| json!({"amount": amount, "currency": currency});
    let mut cases = vec![
        (Open, "message", json!({}), "invalid"),
        (Open, "message", json!({"text": ""}), "invalid"),
        (Open, "message", json!({"text": 7}), "invalid"),
        (Open, "message", json!({"text": "x", "kind": "offer"}), "invalid"),
        (Open, "message", json!({"text": "x", "kind": "system"}), "invalid"),
        (Open, "message", json!({"text": "x", "clientId": "k".repeat(65)}), "invalid"),
        (Open, "message", json!({"text": "x".repeat(20_000)}), "too_large"),
        (Open, "message", json!({"data": "x".repeat(20_000)}), "too_large"),
        (Open, "editMessage", json!({"messageId": "$own", "text": ""}), "invalid"),
        (Open, "editMessage", json!({"messageId": "$own", "text": "x".repeat(20_000)}), "too_large"),
        (Open, "editMessage", words("$theirs"), "forbidden"),
        (Open, "editMessage", words("$offer"), "forbidden"),
        (Open, "editMessage", words("$gone"), "conflict"),
        (Open, "editMessage", words("no-such-message"), "not_found"),
        (Open, "deleteMessage", on("$theirs"), "forbidden"),
        (Open, "deleteMessage", on("$gone"), "conflict"),
        (Open, "deleteMessage", on("no-such-message"), "not_found"),
        (Open, "read", json!({"seq": -1}), "invalid"),
        (Open, "read", json!({"seq": "x"}), "invalid"),
        (Open, "delivered", json!({"seq": -1}), "invalid"),
        (Open, "delivered", json!({"seq": "x"}), "invalid"),
        (Open, "offer", price(0, "KRW"), "invalid"),
        (Open, "offer", price(1, "won"), "invalid"),
        (Open, "offer", price(1, "USD"), "invalid"),
        (Open, "offer", price(1, "KRW"), "conflict"),
        (Open, "answerOffer", answer("withdraw"), "forbidden"),
        (Open, "answerOffer", answer("perhaps"), "invalid"),
        (Open, "answerOffer", json!({"messageId": "$offer", "answer": "counter"}), "invalid"),
        (Open, "answerOffer", json!({"messageId": "$own", "answer": "accept"}), "not_found"),
        (Stranger, "enterRoom", json!({}), "forbidden"),
        (Stranger, "message", text(), "forbidden"),
        (Stranger, "read", json!({"seq": 1}), "forbidden"),
        (Stranger, "delivered", json!({"seq": 1}), "forbidden"),
        (Stranger, "offer", price(1, "KRW"), "forbidden"),
        (Muted, "enterRoom", json!({}), "none"),
        (Muted, "message", text(), "muted"),
        (Muted, "editMessage", words("$own"), "muted"),
        (Muted, "offer", price(1, "KRW"), "muted"),
        (Muted, "answerOffer", answer("accept"), "muted"),
        (Muted, "answerOffer", answer("counter"), "muted"),
        (Muted, "read", json!({"seq": 1}), "none"),
        (Muted, "delivered", json!({"seq": 1}), "none"),
        (Sold, "message", text(), "none"),
        (Sold, "offer", price(1, "KRW"), "conflict"),
        (Sold, "answerOffer", answer("accept"), "conflict"),
        (Taken, "offer", price(1, "KRW"), "conflict"),
        (Taken, "answerOffer", answer("withdraw"), "conflict"),
    ];
    for closed in [BlockedByThem, BlockedByUs] {
        cases.extend([
            (closed, "enterRoom", json!({}), "none"),
            (closed, "message", text(), "blocked"),
            (closed, "editMessage", words("$own"), "blocked"),
            (closed, "offer", price(1, "KRW"), "blocked"),
            (closed, "answerOffer", answer("accept"), "blocked"),
            (closed, "answerOffer", answer("decline"), "blocked"),
            (closed, "answerOffer", answer("counter"), "blocked"),
            (closed, "read", json!({"seq": 1}), "none"),
            (closed, "delivered", json!({"seq": 1}), "none"),
        ]);
    }
    // Last: the clock never goes back.
    cases.extend([
        (Late, "editMessage", words("$own"), "forbidden"),
        (Late, "deleteMessage", on("$own"), "forbidden"),
        (Expired, "answerOffer", answer("accept"), "conflict"),
        (Expired, "answerOffer", answer("decline"), "conflict"),
    ]);
    cases
}

#[actix_web::test]
async fn what_is_refused_is_refused_with_the_same_code_and_sentence_by_every_way_in() {
    let server = TestServer::with(|config| {
        config.limits.sends_per_second_max = None;
        config.limits.sessions_per_user_max = None;
    })
    .await;
    server.seed().user("mallory");
    let mut now = None;
    let mut seen = None;
    for (situation, event, data, code) in refusals() {
        if now != Some(situation) {
            now = Some(situation);
            seen = Some(scene(&server, situation).await);
        }
        let scene = seen.as_ref().unwrap();
        let mut outcomes = Vec::new();
        for route in Route::ALL {
            let mut caller = Caller::new(&server, &scene.buyer, route, &scene.room).await;
            let mut data = data.clone();
            if let Some((_, id)) = scene.ids.iter().find(|(name, _)| data["messageId"] == **name) {
                data["messageId"] = json!(id);
            }
            if !["editMessage", "deleteMessage"].contains(&event) {
                data["roomId"] = json!(scene.room);
            }
            let what = format!("{event} {data:.100} in {situation:?} by {route:?}");
            match caller.ask(event, data).await {
                Ok(_) => assert_eq!(code, "none", "{what}"),
                Err(error) => {
                    assert_eq!(error.code, code, "{what}: {}", error.message);
                    let until = (code == "muted").then_some(MUTED_UNTIL);
                    assert_eq!(error.until.as_deref(), until, "{what}");
                    outcomes.push((error.message, route));
                }
            }
        }
        // The sentence does not reveal who closed a conversation, and no wire reveals more than another.
        if code == "blocked" {
            assert!(outcomes.iter().all(|(sentence, _)| sentence == "this conversation is closed"), "{outcomes:?}");
        }
        outcomes.dedup_by(|a, b| a.0 == b.0);
        // Each wire's own reader refuses wrong shapes, and a path of REST names a room in addition to the message.
        assert!(
            outcomes.len() <= 1 || ["invalid", "not_found"].contains(&code),
            "{event} in {situation:?}: {outcomes:?}"
        );
    }
}

/// Why two members share nothing.
#[derive(Debug, Clone, Copy)]
enum Apart {
    TheyBlocked,
    WeBlocked,
    TheySwitchedOff,
    WeSwitchedOff,
}

#[actix_web::test]
async fn who_shares_nothing_is_neither_seen_nor_sees_on_either_wire_in_either_direction() {
    let server = TestServer::with(|config| {
        config.limits.sends_per_second_max = None;
        config.limits.sessions_per_user_max = None;
    })
    .await;
    for apart in [Apart::TheyBlocked, Apart::WeBlocked, Apart::TheySwitchedOff, Apart::WeSwitchedOff] {
        let buyer = format!("buyer-{apart:?}");
        let seed = server.seed();
        let room = seed.room(&buyer, &format!("product-{apart:?}")).id;
        let room = room.as_str();
        // Unread for both.
        for _ in 0..10 {
            let (path, said) = (format!("/api/v1/rooms/{room}/messages"), Some(json!({"text": "Paid"})));
            assert_eq!(call(server.addr, SERVICE_KEY, "POST", &path, said).await.status, 201);
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for wire in Route::WIRES {
            ours.push(Caller::entered(&server, &buyer, wire, room).await);
            theirs.push(Caller::entered(&server, "sam", wire, room).await);
        }
        for listener in ours.iter_mut().chain(&mut theirs) {
            listener.heard().await;
        }
        // At first they share all of it.
        ours[0].ask("typing", json!({"roomId": room, "typing": true})).await.unwrap();
        ours[1].ask("read", json!({"roomId": room, "seq": 1})).await.unwrap();
        for their in &mut theirs {
            let heard = their.heard().await;
            assert!(["typing", "read"].iter().all(|event| heard.iter().any(|(name, _)| name == event)), "{heard:?}");
        }
        let off = Some(json!({
            "readReceipts": false, "typing": false, "presence": false, "deliveryReceipts": false, "lastSeen": false,
        }));
        let (who, method, path, body) = match apart {
            Apart::TheyBlocked => ("sam", "PUT", format!("/api/v1/blocks/{buyer}"), None),
            Apart::WeBlocked => (&*buyer, "PUT", "/api/v1/blocks/sam".to_owned(), None),
            Apart::TheySwitchedOff => ("sam", "PATCH", "/api/v1/me/settings".to_owned(), off),
            Apart::WeSwitchedOff => (&*buyer, "PATCH", "/api/v1/me/settings".to_owned(), off),
        };
        assert!(call(server.addr, &server.token(who), method, &path, body).await.status < 300);
        for (listeners, other) in [(&mut ours, "sam"), (&mut theirs, &*buyer)] {
            for listener in listeners {
                let heard = listener.heard().await;
                let gone = json!({"roomId": room, "userId": other, "online": false});
                let stopped = json!({"roomId": room, "userId": other, "typing": false});
                for (event, data) in heard {
                    assert!(data["userId"] != other || [&gone, &stopped].contains(&&data), "{event} {data}");
                }
            }
        }
        // By every way in, and by each of the two.
        for (user, other, seq) in [(&*buyer, "sam", 2), ("sam", &*buyer, 2)] {
            for (place, route) in Route::ALL.into_iter().enumerate() {
                let mut caller = Caller::new(&server, user, route, room).await;
                if route != Route::Rest {
                    let entered = caller.ask("enterRoom", json!({ "roomId": room })).await.unwrap();
                    let members = entered["members"].as_array().unwrap();
                    let seen = members.iter().find(|member| member["id"] == other).unwrap();
                    assert_eq!((&seen["online"], &seen["readSeq"]), (&json!(false), &json!(0)), "{apart:?}");
                    assert_eq!((&seen["deliveredSeq"], seen.get("lastSeenAt")), (&json!(0), None), "{apart:?}");
                    for typing in [true, false, true] {
                        caller.ask("typing", json!({"roomId": room, "typing": typing})).await.unwrap();
                    }
                    caller.ask("leaveRoom", json!({ "roomId": room })).await.unwrap();
                }
                caller.ask("read", json!({"roomId": room, "seq": seq + place as i64})).await.unwrap();
            }
            let (own, others) = if user == "sam" { (&mut theirs, &mut ours) } else { (&mut ours, &mut theirs) };
            for listener in others {
                assert_eq!(listener.heard().await, [], "{apart:?}: what {user} does is nobody else's business");
            }
            for listener in own {
                let heard = listener.heard().await;
                assert!(heard.len() == 3 && heard.iter().all(|(name, _)| name == "read"), "one's own tabs: {heard:?}");
            }
        }
        if matches!(apart, Apart::TheySwitchedOff) {
            let on = Some(json!({
                "readReceipts": true, "typing": true, "presence": true, "deliveryReceipts": true, "lastSeen": true,
            }));
            call(server.addr, &server.token("sam"), "PATCH", "/api/v1/me/settings", on).await;
        }
    }
}

#[actix_web::test]
async fn what_only_rest_can_do_is_heard_the_same_on_both_wires() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let room = room.as_str();
    let mut listeners = Vec::new();
    for wire in Route::WIRES {
        listeners.push(Caller::entered(&server, "sam", wire, room).await);
    }
    let mut photo = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(64, 48).write_to(&mut photo, image::ImageFormat::Png).unwrap();
    let (alice, path) = (server.token("alice"), format!("/api/v1/rooms/{room}/images"));
    let sent = upload(server.addr, &alice, &path, &photo.into_inner(), &[("text", "look")]).await.body;
    let (sam, messages) = (server.token("sam"), format!("/api/v1/rooms/{room}/messages"));
    let bike = "/api/v1/products/bike";
    let steps = [
        ("message", sent.clone(), None),
        ("message", Value::Null, Some((SERVICE_KEY, "POST", &*messages, json!({"text": "We are here to help"})))),
        ("message", Value::Null, Some((&*sam, "PATCH", bike, json!({"status": "reserved"})))),
        ("messageUpdated", Value::Null, Some((&*alice, "DELETE", "", json!({})))),
    ];
    let taken_back = format!("{messages}/{}", sent["id"].as_str().unwrap());
    for (event, expected, request) in steps {
        if let Some((token, method, path, body)) = request {
            let path = if path.is_empty() { &*taken_back } else { path };
            assert!(call(server.addr, token, method, path, Some(body)).await.status < 300, "{method} {path}");
        }
        let heard = [listeners[0].heard().await, listeners[1].heard().await];
        assert_eq!(heard[0], heard[1]);
        assert!(heard[0].len() == 1 && heard[0][0].0 == event, "{heard:?}");
        assert!(expected.is_null() || heard[0][0].1 == expected, "{heard:?}");
    }
    assert!(call(server.addr, &alice, "PUT", "/api/v1/blocks/sam", None).await.status < 300);
    let mut shown = Vec::new();
    for listener in &mut listeners {
        let mut update = listener.push("roomUpdated").await;
        while update["closed"] != true {
            update = listener.push("roomUpdated").await;
        }
        assert_eq!(update["product"]["status"], "reserved");
        shown.push(update);
    }
    assert_eq!(shown[0], shown[1]);
}

#[actix_web::test]
async fn a_text_of_blanks_alone_is_refused_by_every_way_in() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    for route in Route::ALL {
        let mut alice = Caller::entered(&server, "alice", route, room.as_str()).await;
        let said = alice.ask("message", json!({"roomId": room, "text": "hello"})).await.unwrap();
        for blank in
            ["", "   ", "\t\r\n", "\u{a0}\u{3000}\u{2003}", "\u{200b}\u{200d}\u{feff}", "\u{2060} \u{3164}\u{2800}"]
        {
            for (event, data) in [
                ("message", json!({"roomId": room, "text": blank})),
                ("editMessage", json!({"roomId": room, "messageId": said["id"], "text": blank})),
            ] {
                let error = alice.ask(event, data).await.unwrap_err();
                assert_eq!(error.code, "invalid", "{route:?} {event} {blank:?}");
                assert!(error.message.contains("`text`"), "{}", error.message);
            }
        }
        // Around something that one sees they stay as they are.
        let text = " \u{200b}👍\u{fe0f} ";
        assert_eq!(alice.ask("message", json!({"roomId": room, "text": text})).await.unwrap()["text"], text);
    }
}
