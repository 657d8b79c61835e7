//! Answering counts as reading, whatever the answer is and whichever way it comes: the read mark of the one who answers goes to
//! the newest message, as if they had sent a `read`.

use serde_json::{Value, json};

use crate::support::{
    Caller, Route, TestServer,
    rest::{call, upload},
    server::SERVICE_KEY,
};

/// An answer of Alice's to Sam's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Message,
    Image,
    Offer,
    Accept,
    Decline,
    Counter,
    Withdraw,
}

impl Answer {
    const ALL: [Self; 7] =
        [Self::Message, Self::Image, Self::Offer, Self::Accept, Self::Decline, Self::Counter, Self::Withdraw];

    /// Who made the offer that waits before it.
    const fn offer_by(self) -> Option<&'static str> {
        match self {
            Self::Accept | Self::Decline | Self::Counter => Some("sam"),
            Self::Withdraw => Some("alice"),
            Self::Message | Self::Image | Self::Offer => None,
        }
    }

    /// Messages that come with it: the answer itself, or the notice of an acceptance.
    const fn messages(self) -> i64 {
        match self {
            Self::Decline | Self::Withdraw => 0,
            _ => 1,
        }
    }
}

fn photo() -> Vec<u8> {
    let mut photo = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(64, 48).write_to(&mut photo, image::ImageFormat::Png).unwrap();
    photo.into_inner()
}

async fn shown(server: &TestServer, user: &str, room: &str) -> Value {
    call(server.addr, &server.token(user), "GET", &format!("/api/v1/rooms/{room}"), None).await.body
}

/// Alice answers without having read anything. Returns the `seq` of the room's newest message.
async fn answer(server: &TestServer, route: Route, answer: Answer, room: &str, offer: Option<&str>) -> i64 {
    if answer == Answer::Image {
        let path = format!("/api/v1/rooms/{room}/images");
        assert_eq!(upload(server.addr, &server.token("alice"), &path, &photo(), &[]).await.status, 201);
    } else {
        let mut alice = Caller::new(server, "alice", route, room).await;
        let (event, data) = match answer {
            Answer::Message => ("message", json!({"roomId": room, "text": "hello"})),
            Answer::Offer => ("offer", json!({"roomId": room, "amount": 5, "currency": "KRW"})),
            Answer::Accept => ("answerOffer", json!({"roomId": room, "messageId": offer, "answer": "accept"})),
            Answer::Decline => ("answerOffer", json!({"roomId": room, "messageId": offer, "answer": "decline"})),
            Answer::Withdraw => ("answerOffer", json!({"roomId": room, "messageId": offer, "answer": "withdraw"})),
            _ => ("answerOffer", json!({"roomId": room, "messageId": offer, "answer": "counter", "amount": 7})),
        };
        alice.ask(event, data).await.unwrap();
    }
    3 + i64::from(offer.is_some()) + answer.messages()
}

async fn server() -> TestServer {
    TestServer::with(|config| {
        config.limits.sends_per_second_max = None;
        config.limits.sessions_per_user_max = None;
    })
    .await
}

#[actix_web::test]
async fn every_answer_by_every_way_in_reads_what_it_answers() {
    let server = server().await;
    let events = call(server.addr, SERVICE_KEY, "GET", "/api/v1/events?limit=500", None).await.body;
    let mut after = events["nextCursor"].as_str().unwrap().to_owned();
    for (place, kind) in Answer::ALL.into_iter().enumerate() {
        for (route, sam_is_there) in
            [(Route::Json, true), (Route::SocketIo, true), (Route::Rest, true), (Route::Rest, false)]
        {
            let what = format!("{kind:?} by {route:?}, {sam_is_there}");
            let seed = server.seed();
            let room = seed.room("alice", &format!("product-{place}-{route:?}-{sam_is_there}")).id;
            let offer = kind.offer_by().map(|maker| seed.offer(&room, maker, 3).id);
            seed.messages(&room, "sam", 3);
            let room = room.as_str();
            let mut watchers = Vec::new();
            if sam_is_there {
                for wire in Route::WIRES {
                    watchers.push(Caller::entered(&server, "sam", wire, room).await);
                }
            }
            let mut list = Caller::new(&server, "alice", Route::Json, room).await;
            list.heard().await;
            assert!(shown(&server, "alice", room).await["unread"].as_i64().unwrap() >= 3, "{what}");

            let last = answer(&server, route, kind, room, offer.as_ref().map(|offer| offer.as_str())).await;

            let read = json!({"roomId": room, "userId": "alice", "seq": last});
            for watcher in &mut watchers {
                let heard = watcher.heard().await;
                let reads: Vec<_> = heard.iter().filter(|(event, _)| event == "read").map(|(_, data)| data).collect();
                assert_eq!(reads, [&read], "{what}: {heard:?}");
                // Up to a message that existed before.
                let read_at = heard.iter().position(|(event, _)| event == "read").unwrap();
                let said_at = heard.iter().position(|(event, data)| event == "message" && data["seq"] == last);
                assert!(said_at.is_none_or(|said_at| said_at < read_at), "{what}: {heard:?}");
            }
            let mut update = list.push("roomUpdated").await;
            while update["roomId"] != room || update["readSeq"] != last {
                update = list.push("roomUpdated").await;
            }
            assert_eq!(update["unread"], 0, "{what}");
            let stored = shown(&server, "alice", room).await;
            assert_eq!((&stored["readSeq"], &stored["unread"]), (&json!(last), &json!(0)), "{what}");

            let path = format!("/api/v1/events?limit=500&after={after}");
            let events = call(server.addr, SERVICE_KEY, "GET", &path, None).await.body;
            after = events["nextCursor"].as_str().unwrap().to_owned();
            let reads: Vec<_> =
                events["items"].as_array().unwrap().iter().filter(|event| event["event"] == "read").collect();
            assert!(reads.iter().any(|event| event["data"] == read), "{what}: {reads:?}");
        }
    }
}

#[actix_web::test]
async fn going_on_without_something_to_read_sends_no_read_event() {
    let server = server().await;
    let room = server.seed().room("alice", "bike").id;
    let mut sam = Caller::entered(&server, "sam", Route::Json, room.as_str()).await;
    let mut alice = Caller::entered(&server, "alice", Route::SocketIo, room.as_str()).await;
    sam.heard().await;
    for _ in 0..3 {
        alice.ask("message", json!({"roomId": room, "text": "hello"})).await.unwrap();
    }
    let heard: Vec<String> = sam.heard().await.into_iter().map(|(event, _)| event).collect();
    assert_eq!(heard, ["message", "message", "message"]);
    let entered = sam.ask("enterRoom", json!({"roomId": room})).await.unwrap();
    assert_eq!(entered["members"][0]["readSeq"], 3, "and the mark goes with it all the same");
}

#[actix_web::test]
async fn what_is_sent_again_is_no_second_answer() {
    let server = server().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    for route in Route::ALL {
        let mut alice = Caller::new(&server, "alice", route, room.as_str()).await;
        let said = json!({"roomId": room, "text": "hello", "clientId": "c1"});
        alice.ask("message", said.clone()).await.unwrap();
        seed.messages(&room, "sam", 2);
        let before = shown(&server, "alice", room.as_str()).await["unread"].as_i64().unwrap();
        alice.ask("message", said).await.unwrap();
        assert_eq!(shown(&server, "alice", room.as_str()).await["unread"], before, "{route:?}");
    }
}

#[actix_web::test]
async fn an_answer_shows_nobody_how_far_one_has_read_who_does_not_share_it() {
    let server = server().await;
    let room = server.seed().room("alice", "bike").id;
    server.seed().messages(&room, "sam", 2);
    let off = Some(json!({"readReceipts": false}));
    assert_eq!(call(server.addr, &server.token("alice"), "PATCH", "/api/v1/me/settings", off).await.status, 200);
    for wire in Route::WIRES {
        let mut sam = Caller::entered(&server, "sam", wire, room.as_str()).await;
        let mut alice = Caller::entered(&server, "alice", wire, room.as_str()).await;
        let mut phone = Caller::entered(&server, "alice", wire, room.as_str()).await;
        sam.ask("message", json!({"roomId": room, "text": "are you there?"})).await.unwrap();
        sam.heard().await;
        phone.heard().await;
        alice.ask("message", json!({"roomId": room, "text": "I am"})).await.unwrap();
        let heard = sam.heard().await;
        assert!(heard.iter().all(|(event, _)| event != "read"), "{heard:?}");
        let own = phone.heard().await;
        assert!(own.iter().any(|(event, _)| event == "read"), "one's own sessions: {own:?}");
    }
}

#[actix_web::test]
async fn two_who_answer_at_once_have_both_read_up_to_what_they_said() {
    let server = server().await;
    let room = server.seed().room("alice", "bike").id;
    let mut alice = Caller::new(&server, "alice", Route::Json, room.as_str()).await;
    let mut sam = Caller::new(&server, "sam", Route::SocketIo, room.as_str()).await;
    for _ in 0..10 {
        let say = |text: &str| json!({"roomId": room, "text": text});
        let (hers, his) = (alice.start("message", say("a")).await, sam.start("message", say("b")).await);
        let (hers, his) = (alice.answer(hers).await.unwrap(), sam.answer(his).await.unwrap());
        for (user, own, other) in [("alice", &hers, &his), ("sam", &his, &hers)] {
            let stands = shown(&server, user, room.as_str()).await;
            let missed = i64::from(other["seq"].as_i64() > own["seq"].as_i64());
            assert_eq!((&stands["readSeq"], &stands["unread"]), (&own["seq"], &json!(missed)), "{user}");
        }
    }
}
