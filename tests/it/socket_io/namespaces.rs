//! Namespaces: which clients may join, what they receive, and how they leave.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    TestServer,
    rest::call,
    server::START,
    socket_io::{PacketClient, PollingClient},
    until,
};

async fn chat(server: &TestServer, user: &str) -> PacketClient {
    let mut client = PacketClient::open(server.addr).await;
    client.join("/chat", json!({"token": server.token(user)})).await;
    client
}

#[actix_web::test]
async fn a_buyer_on_socket_io_and_a_seller_on_plain_json_are_in_the_same_room() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut sam = server.ws("sam").await;
    sam.enter(room.id.as_str()).await;
    let mut alice = chat(&server, "alice").await;
    let entered = alice.request("/chat", "enterRoom", room.id.as_str()).await;
    assert_eq!((&entered["ok"], &entered["data"]["lastSeq"]), (&json!(true), &json!(0)));
    assert_eq!(sam.push("presence").await, json!({"roomId": room.id, "userId": "alice", "online": true}));

    let said = sam.say("hello from the plain wire").await;
    let got = alice.event("/chat", "message").await;
    assert_eq!(got[0], said, "the same on both wires");
    assert!(got[1].as_str().unwrap().parse::<i64>().unwrap() > 0, "and its offset behind it");
    let answer = alice.request("/chat", "message", "and back").await;
    assert_eq!(answer["data"]["seq"], 2);
    sam.push("message").await;
    assert_eq!(sam.push("message").await["text"], "and back");
    alice.send(&format!("42/chat,{}", json!(["typing", {"typing": true}]))).await;
    assert_eq!(sam.push("typing").await["userId"], "alice");
    alice.send("41/chat,").await;
    assert_eq!(sam.push("presence").await["online"], false);
    assert_eq!(server.metrics.sessions.get(), 1);
}

#[actix_web::test]
async fn an_offer_is_made_and_accepted_on_socket_io_and_ends_the_masking_of_contacts() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let (mut alice, mut sam) = (chat(&server, "alice").await, chat(&server, "sam").await);
    alice.request("/chat", "enterRoom", room.id.as_str()).await;
    sam.request("/chat", "enterRoom", room.id.as_str()).await;
    assert_eq!(alice.request("/chat", "message", "010-1234-5678").await["data"]["warnings"], json!(["phone"]));
    sam.event("/chat", "message").await;

    let made = alice.request("/chat", "offer", json!({"amount": 900_000, "currency": "KRW"})).await;
    assert_eq!((&made["ok"], &made["data"]["data"]["status"]), (&json!(true), &json!("pending")), "{made}");
    let offered = sam.event("/chat", "message").await;
    assert_eq!(offered[0], made["data"]);
    let offset = |event: &[serde_json::Value]| event[1].as_str().unwrap().parse::<i64>().unwrap();
    let accept = json!({"messageId": made["data"]["id"], "answer": "accept"});
    let accepted = sam.request("/chat", "answerOffer", accept.clone()).await;
    assert_eq!(accepted["data"]["data"]["status"], "accepted", "{accepted}");
    assert_eq!(
        alice.event("/chat", "messageUpdated").await,
        [accepted["data"].clone()],
        "no offset: it is no new message"
    );
    let notice = sam.event("/chat", "message").await;
    assert_eq!((&notice[0]["kind"], &notice[0]["data"]["status"]), (&json!("system"), &json!("reserved")));
    assert!(offset(&notice) > offset(&offered), "what haggle says has its place, too");
    assert_eq!(sam.request("/chat", "answerOffer", accept).await["error"]["code"], "conflict");
    let said = alice.request("/chat", "message", "010-1234-5678").await;
    assert!(said["ok"] == true && said["data"].get("warnings").is_none(), "{said}");
}

#[actix_web::test]
async fn the_inbox_shows_nobody_who_has_blocked_or_does_not_want_to_be_seen() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut sam = PacketClient::open(server.addr).await;
    sam.join("/inbox", json!({"token": server.token("sam")})).await;
    let mut alice = chat(&server, "alice").await;
    alice.request("/chat", "enterRoom", room.id.as_str()).await;
    let presence = |online: bool| {
        let mut event = json!({"roomId": room.id, "userId": "alice", "online": online});
        if !online {
            event["lastSeenAt"] = json!(START);
        }
        vec![event]
    };
    assert_eq!(sam.event("/inbox", "presence").await, presence(true));
    let settings = |on: bool| (server.addr, server.token("alice"), json!({"presence": on}));
    let set = async |(addr, token, body): (_, String, _)| {
        call(addr, &token, "PATCH", "/api/v1/me/settings", Some(body)).await
    };
    assert_eq!(set(settings(false)).await.status, 200);
    let gone = json!({"roomId": room.id, "userId": "alice", "online": false});
    assert_eq!(sam.event("/inbox", "presence").await, [gone.clone()], "as if she had gone, and not when");
    let mut second = PacketClient::open(server.addr).await;
    second.join("/inbox", json!({"token": server.token("sam")})).await;
    assert_eq!(set(settings(true)).await.status, 200);
    assert_eq!(sam.event("/inbox", "presence").await, presence(true));
    // The first event of the later session: it received none about her when it connected.
    assert_eq!(second.event("/inbox", "presence").await, presence(true));
    let blocks = "/api/v1/blocks/alice";
    assert!(call(server.addr, &server.token("sam"), "PUT", blocks, None).await.status < 300);
    assert_eq!(sam.event("/inbox", "presence").await, [gone], "nor when they were last seen");
    alice.send("41/chat,").await;
    // Packets are handled in their order: once this is answered, she has left.
    alice.join("/inbox", json!({"token": server.token("alice")})).await;
    assert!(call(server.addr, &server.token("sam"), "DELETE", blocks, None).await.status < 300);
    assert_eq!(sam.event("/inbox", "presence").await, presence(false), "when she was last seen is shown again");
    let mut again = chat(&server, "alice").await;
    again.request("/chat", "enterRoom", room.id.as_str()).await;
    assert_eq!(sam.event("/inbox", "presence").await, presence(true), "nothing of her in between");
}

#[actix_web::test]
async fn who_has_no_good_token_learns_why() {
    let server = TestServer::start().await;
    let expired = server.token_for("alice", Duration::from_secs(1));
    server.advance(Duration::from_secs(60));
    let mut client = PacketClient::open(server.addr).await;
    for (auth, code) in [
        (json!({}), "unauthenticated"),
        (json!({"token": null}), "unauthenticated"),
        (json!({"token": ""}), "unauthenticated"),
        (json!({"token": "not a token"}), "unauthenticated"),
        (json!({"token": 7}), "unauthenticated"),
        (json!({"token": ["x"]}), "unauthenticated"),
        (json!({ "token": expired }), "token_expired"),
    ] {
        let refusal = client.refused("/chat", auth.clone()).await;
        assert_eq!(refusal["data"]["code"], code, "{auth}");
        assert!(!refusal["message"].as_str().unwrap().is_empty());
    }
    assert_eq!(client.refused("/nowhere", json!({})).await, json!({"message": "Invalid namespace"}));
    // The connection stands for the next try.
    client.join("/chat", json!({"token": server.token("alice")})).await;
}

#[actix_web::test]
async fn a_token_may_come_with_the_handshake_but_not_two_different_ones() {
    let server = TestServer::start().await;
    let token = server.token("alice");
    let path = |token: &str| format!("/socket.io/?EIO=4&transport=websocket&access_token={token}");
    for (query, auth, code) in [
        (path(&token), json!({}), None),
        (path(&token), json!({ "token": token }), None),
        (path(&token), json!({"token": server.token("mallory")}), Some("unauthenticated")),
        (path("bad"), json!({}), Some("unauthenticated")),
    ] {
        let mut client = PacketClient::handshake(server.addr, &query).await.unwrap();
        client.expect("0{").await;
        match code {
            None => drop(client.join("/chat", auth).await),
            Some(code) => assert_eq!(client.refused("/chat", auth).await["data"]["code"], code),
        }
    }
}

#[actix_web::test]
async fn two_namespaces_share_a_connection_and_each_ends_by_itself() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let auth = json!({"token": server.token("sam")});
    let mut sam = PacketClient::open(server.addr).await;
    let chat = sam.join("/chat", auth.clone()).await;
    let inbox = sam.join("/inbox", auth).await;
    assert_ne!(chat["sid"], inbox["sid"]);
    assert!(chat["pid"].is_string() && inbox.as_object().unwrap().len() == 1, "{chat} {inbox}");
    assert_eq!(server.metrics.sessions.get(), 2);

    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;
    assert_eq!(sam.event("/inbox", "presence").await[0], json!({"roomId": room.id, "userId": "alice", "online": true}));
    alice.say("is it still there?").await;
    let updated = sam.event("/inbox", "roomUpdated").await;
    assert_eq!((updated.len(), &updated[0]["unread"]), (1, &json!(1)));
    assert_eq!(updated[0]["lastMessage"]["text"], "is it still there?");
    sam.event("/chat", "roomUpdated").await;
    assert_eq!(sam.request("/inbox", "enterRoom", room.id.as_str()).await["error"]["code"], "invalid");

    sam.send("41/chat,").await;
    until("one of the two sessions is gone", || server.metrics.sessions.get() == 2).await;
    alice.close().await;
    assert_eq!(sam.event("/inbox", "presence").await[0]["online"], false);
    assert!(sam.kept().iter().all(|packet| !packet.contains("\"message\",")), "{:?}", sam.kept());
}

#[actix_web::test]
async fn the_inbox_knows_who_is_there_already() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    server.seed().room("bob", "bike");
    let mut alice = server.ws("alice").await;
    alice.enter(room.id.as_str()).await;
    let mut sam = PacketClient::open(server.addr).await;
    sam.join("/inbox", json!({"token": server.token("sam")})).await;
    assert_eq!(sam.event("/inbox", "presence").await[0]["userId"], "alice");
}

#[actix_web::test]
async fn a_connection_in_no_namespace_is_closed_in_time() {
    let server = TestServer::with(|config| config.handshake_timeout = Duration::from_secs(1)).await;
    let mut never = PacketClient::open(server.addr).await;
    assert_eq!(never.closed().await, Some(1000));
    let polling = PollingClient::open(server.addr).await;
    assert_eq!(polling.poll().await, (200, vec!["1".to_owned()]));
    let mut refused = PacketClient::open(server.addr).await;
    refused.refused("/chat", json!({})).await;
    assert_eq!(refused.closed().await, Some(1000));
    let mut left = chat(&server, "alice").await;
    left.send("41/chat,").await;
    assert_eq!(left.closed().await, Some(1000));
    let mut stays = chat(&server, "alice").await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(stays.request("/chat", "leaveRoom", "no-room").await["ok"], true);
}

#[actix_web::test]
async fn what_breaks_the_protocol_closes_everything() {
    let server = TestServer::start().await;
    let token = server.token("alice");
    let auth = json!({ "token": token });
    let deep = format!("42/chat,[\"message\",{}", "[".repeat(50_000));
    for packets in [
        &["4abc"][..],
        &["4"],
        &["42/chat,{}"],
        &["42/chat,[]"],
        &["42/chat,[{}]"],
        &["42/chat,[\"connect\"]"],
        &["42/chat,abc[\"message\"]"],
        &["42/inbox,[\"message\"]"],
        &["42[\"message\"]"],
        &["43/chat,[]"],
        &["44/chat,{}"],
        &["40/chat,{}"],
        &["451-/chat,[\"message\",{\"_placeholder\":true,\"num\":0}]", "42/chat,[\"message\",\"x\"]"],
        &["451-/chat,[\"message\",{\"_placeholder\":true,\"num\":1}]", "binary"],
        &["451-/chat,[\"message\",{\"_placeholder\":true,\"num\":\"0\"}]", "binary"],
        &["4511-/chat,[\"message\"]"],
        &["45999999999999999999-/chat,[\"message\"]"],
        &["binary"],
        &["abc"],
        &["2"],
        &[&deep],
    ] {
        let mut client = PacketClient::open(server.addr).await;
        client.join("/chat", auth.clone()).await;
        for packet in packets {
            match *packet {
                "binary" => client.send_binary(&[1, 2, 3]).await,
                packet => client.send(packet).await,
            }
        }
        assert_eq!(client.closed().await, Some(1002), "{:.60}", packets[0]);
        let told = client.kept();
        assert!(told.iter().any(|packet| packet.starts_with("42/chat,[\"error\",{\"code\":\"invalid\"")), "{told:?}");
    }
}

#[actix_web::test]
async fn what_the_protocol_tolerates_is_refused_by_the_chat_alone() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut alice = chat(&server, "alice").await;
    for (packet, binary) in [
        ("42/chat,0[7,\"x\"]", 0),
        ("451-/chat,0[\"message\",{\"_placeholder\":true,\"num\":0}]", 1),
        ("42/chat,0[\"message\",\"x\",\"y\"]", 0),
        ("42/chat,0[\"dance\"]", 0),
        ("42/chat,0[\"message\",{\"text\":7}]", 0),
    ] {
        alice.send(packet).await;
        for _ in 0..binary {
            alice.send_binary(&[1]).await;
        }
        assert!(alice.expect("43/chat,0").await.contains("\"code\":\"invalid\""), "{packet}");
    }
    // An id that no page of the server's own would send is given back as it came.
    alice.send(&format!("42/chat,9007199254740991{}", json!(["enterRoom", room.id]))).await;
    alice.expect("43/chat,9007199254740991[{\"ok\":true").await;
    let mut mallory = chat(&server, "mallory").await;
    assert_eq!(mallory.request("/chat", "enterRoom", room.id.as_str()).await["error"]["code"], "forbidden");
}

#[actix_web::test]
async fn a_message_too_large_for_the_chat_is_refused_and_one_too_large_for_the_wire_closes_it() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut alice = chat(&server, "alice").await;
    alice.request("/chat", "enterRoom", room.id.as_str()).await;
    assert_eq!(alice.request("/chat", "message", "x".repeat(100_000)).await["error"]["code"], "too_large");
    alice.send(&format!("42/chat,{}", json!(["message", "x".repeat(1_000_000)]))).await;
    assert_eq!(alice.event("/chat", "error").await[0]["code"], "too_large");
    assert_eq!(alice.closed().await, Some(1009));
}

#[actix_web::test]
async fn what_was_typed_offline_may_come_before_the_room() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let mut alice = chat(&server, "alice").await;
    alice.send("42/chat,5[\"message\",\"typed offline\"]").await;
    alice.send(&format!("42/chat,{}", json!(["enterRoom", room.id]))).await;
    assert!(alice.expect("43/chat,5").await.contains("\"seq\":1"));
    // With a room of its own it needs no entry at all.
    let mut other = chat(&server, "alice").await;
    let sent = other.request("/chat", "message", json!({"roomId": room.id, "text": "x", "clientId": "c1"})).await;
    let again = other.request("/chat", "message", json!({"roomId": room.id, "text": "x", "clientId": "c1"})).await;
    assert_eq!(sent["data"], again["data"], "a resend with a new ack id is stored once");
}

#[actix_web::test]
async fn a_token_that_ends_ends_its_namespace_and_one_renewed_in_time_does_not() {
    let server = TestServer::start().await;
    let short = || server.token_for("alice", Duration::from_secs(60));
    let mut alice = PacketClient::open(server.addr).await;
    alice.join("/chat", json!({"token": short()})).await;
    alice.join("/inbox", json!({"token": server.token("alice")})).await;
    let mut renewed = PacketClient::open(server.addr).await;
    renewed.join("/chat", json!({"token": short()})).await;
    let answer = renewed.request("/chat", "authenticate", json!({"token": server.token("alice")})).await;
    assert_eq!(answer["ok"], true);
    let other = renewed.request("/chat", "authenticate", json!({"token": server.token("mallory")})).await;
    assert_eq!(other["error"]["code"], "forbidden");

    server.advance(Duration::from_secs(120));
    assert_eq!(alice.event("/chat", "error").await[0]["code"], "token_expired");
    alice.expect("41/chat,").await;
    assert_eq!(alice.request("/inbox", "authenticate", json!({"token": server.token("alice")})).await["ok"], true);
    assert_eq!(renewed.request("/chat", "leaveRoom", "no-room").await["ok"], true);
    // Where it was the only namespace, the connection goes with it.
    let mut only = PacketClient::open(server.addr).await;
    only.join("/chat", json!({"token": short()})).await;
    server.advance(Duration::from_secs(120));
    assert_eq!(only.closed().await, Some(4001));
    assert!(only.kept().iter().any(|packet| packet == "41/chat,"));
}

#[actix_web::test]
async fn a_drain_closes_without_a_disconnect_so_that_clients_come_back() {
    let mut server = TestServer::start().await;
    let mut alice = chat(&server, "alice").await;
    let polling = PollingClient::open(server.addr).await;
    polling.post(&[&format!("40/chat,{}", json!({"token": server.token("alice")}))]).await;
    polling.until("42/chat,[\"offset\"").await;
    // On a connection that is kept: a server that drains accepts no new ones.
    let polled = actix_web::rt::spawn(polling.poll_on_one_connection_until("1"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut anonymous = PacketClient::open(server.addr).await;
    let drained = actix_web::rt::task::spawn_blocking(move || server.drain());
    assert!(alice.event("/chat", "draining").await[0]["reconnectInMs"].is_u64());
    assert_eq!(alice.closed().await, Some(1012));
    assert_eq!(anonymous.closed().await, Some(1012));
    let packets = polled.await.unwrap();
    assert!(packets[0].contains("draining"), "{packets:?}");
    for kept in alice.kept().iter().chain(&packets) {
        assert!(!kept.starts_with("41"), "{kept}");
    }
    assert!(drained.await.unwrap());
}

#[actix_web::test]
async fn a_flood_ends_its_sender_with_the_code_and_a_disconnect() {
    let server = TestServer::with(|config| config.limits.sends_per_second_max = 2.try_into().ok()).await;
    let mut alice = chat(&server, "alice").await;
    for _ in 0..100 {
        alice.send("42/chat,[\"typing\",{\"typing\":true}]").await;
    }
    assert_eq!(alice.closed().await, Some(4029));
    let told = alice.kept();
    assert!(told.iter().any(|packet| packet == "41/chat,"), "{told:?}");
    assert!(told.iter().any(|packet| packet.contains("retryAfterMs") && packet.contains("\"error\"")));
}

#[actix_web::test]
async fn a_user_has_a_largest_number_of_sessions_over_both_wires() {
    let server = TestServer::with(|config| config.limits.sessions_per_user_max = 2.try_into().ok()).await;
    let _plain = server.ws("alice").await;
    let mut alice = chat(&server, "alice").await;
    let mut third = PacketClient::open(server.addr).await;
    let refusal = third.refused("/chat", json!({"token": server.token("alice")})).await;
    assert_eq!(refusal["data"]["code"], "rate_limited");
    alice.send("41/chat,").await;
    until("a place is free", || server.metrics.sessions.get() == 1).await;
    third.join("/chat", json!({"token": server.token("alice")})).await;
}

#[actix_web::test]
async fn connects_in_a_loop_are_refused_and_end_the_connection() {
    let server = TestServer::start().await;
    server.seed().user("alice");
    let mut alice = PacketClient::open(server.addr).await;
    let connect = format!("40/chat,{}", json!({"token": server.token("alice")}));
    for _ in 0..200 {
        alice.send(&connect).await;
        alice.send("41/chat,").await;
    }
    alice.closed().await;
    let (accepted, refused): (Vec<_>, Vec<_>) = alice
        .kept()
        .into_iter()
        .filter(|packet| packet.starts_with("40/chat,") || packet.starts_with("44/chat,"))
        .partition(|packet| packet.starts_with("40"));
    // Ten in a burst and five per second. What was left before it was answered has no answer.
    assert!(accepted.len() <= 20, "{}", accepted.len());
    assert!(refused.len() <= 16 && !refused.is_empty(), "{refused:?}");
    for refusal in &refused {
        let refusal: serde_json::Value = serde_json::from_str(refusal.split_once(',').unwrap().1).unwrap();
        assert_eq!(refusal["data"]["code"], "rate_limited");
        assert!(refusal["data"]["retryAfterMs"].as_u64().is_some_and(|wait| wait <= 201), "{refusal}");
    }
    until("no session is left", || server.metrics.sessions.get() == 0).await;
}

#[actix_web::test]
async fn packets_of_a_connection_that_is_in_no_namespace_have_a_rate() {
    let server = TestServer::start().await;
    for packet in ["41/chat,", "3", "6", "40/nowhere,"] {
        let mut stranger = PacketClient::open(server.addr).await;
        for _ in 0..200 {
            stranger.send(packet).await;
        }
        let code = stranger.closed().await;
        let expected = if packet.starts_with("40") { 4003 } else { 4029 };
        assert_eq!(code, Some(expected), "{packet}");
    }
}

#[actix_web::test]
async fn acks_and_attachments_count_among_the_users_events() {
    let server = TestServer::with(|config| config.limits.sends_per_second_max = 2.try_into().ok()).await;
    let mut alice = chat(&server, "alice").await;
    for _ in 0..100 {
        alice.send("43/chat,1[]").await;
    }
    assert_eq!(alice.closed().await, Some(4029));
}
