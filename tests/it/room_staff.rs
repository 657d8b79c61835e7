//! A member of the staff joins a conversation, speaks under their own name, and leaves it: what both members see, on every way in.

use std::{io::Cursor, time::Duration};

use haggle::internals::{
    auth::Signer,
    domain::{AuditAction, MaskingPolicy, UserId},
};
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

use crate::{
    staff::audit,
    support::{
        TestServer, WsClient,
        rest::{Answer, call, upload},
        server::{SECRET, SERVICE_KEY},
        socket_io::PacketClient,
        until,
    },
};

const CHAT: &str = "/chat";

/// Mina of the support, by a token with her name.
fn mina(server: &TestServer) -> String {
    let signer = Signer::hs256(SECRET.as_bytes()).unwrap();
    signer.sign_staff(&UserId::new("mina").unwrap(), Some("Mina"), Duration::from_secs(3600), &server.clock)
}

async fn ask(server: &TestServer, token: &str, method: &str, room: &str, rest: &str, body: Option<Value>) -> Answer {
    call(server.addr, token, method, &format!("/api/v1/rooms/{room}{rest}"), body).await
}

async fn join(server: &TestServer, room: &str) -> Answer {
    ask(server, &mina(server), "POST", room, "/join", Some(json!({"reason": "Asked for help"}))).await
}

async fn leave(server: &TestServer, room: &str) -> Answer {
    ask(server, &mina(server), "POST", room, "/leave", None).await
}

async fn say(server: &TestServer, room: &str, text: &str) -> Answer {
    ask(server, &mina(server), "POST", room, "/messages", Some(json!({"text": text}))).await
}

/// Mina on the plain wire.
async fn connect(server: &TestServer) -> WsClient {
    WsClient::connect(server.addr, &mina(server)).await.unwrap()
}

#[actix_web::test]
async fn staff_joins_speaks_under_their_own_name_and_leaves() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let room = room.as_str();
    let (mut alice, mut sam) = server.both(room).await;
    let mut plain = connect(&server).await;
    assert_eq!(plain.request("enterRoom", room).await.unwrap_err().code, "forbidden");

    let joined = join(&server, room).await;
    let staff = json!([{"id": "mina", "name": "Mina"}]);
    assert_eq!((joined.status, &joined.body), (201, &json!({"roomId": room, "staff": staff})));
    for member in [&mut alice, &mut sam] {
        let notice = member.push("message").await;
        assert_eq!((&notice["senderId"], &notice["kind"]), (&json!("system"), &json!("system")));
        assert_eq!(notice["data"], json!({"code": "support_joined", "params": {"id": "mina", "name": "Mina"}}));
        assert_eq!((&notice["text"], &notice["seq"]), (&json!("Support joined: Mina"), &json!(1)));
    }
    let again = join(&server, room).await;
    assert_eq!((again.status, &again.body["staff"]), (200, &staff));

    let entered = plain.enter(room).await;
    assert_eq!((&entered["staff"], &entered["readSeq"]), (&staff, &json!(0)));
    let mut socket_io = PacketClient::open(server.addr).await;
    socket_io.join(CHAT, json!({"token": mina(&server)})).await;
    assert_eq!(socket_io.request(CHAT, "enterRoom", room).await["data"]["staff"], staff);

    let sender = json!({"id": "mina", "name": "Mina", "role": "staff"});
    let by_wire = plain.say("hello").await;
    assert_eq!((&by_wire["senderId"], &by_wire["sender"]), (&json!("mina"), &sender));
    let by_socket_io = socket_io.request(CHAT, "message", "and by Socket.IO").await;
    assert_eq!((&by_socket_io["ok"], &by_socket_io["data"]["sender"]), (&json!(true), &sender));
    let by_rest = say(&server, room, "and by REST").await;
    assert_eq!((by_rest.status, &by_rest.body["sender"]), (201, &sender));
    for member in [&mut alice, &mut sam] {
        for seq in 2..=4 {
            let message = member.push("message").await;
            assert_eq!((&message["seq"], &message["sender"], &message["kind"]), (&json!(seq), &sender, &json!("text")));
        }
    }
    alice.say("thank you").await;
    assert_eq!(sam.push("message").await.get("sender"), None, "a member is known by the room");
    for seq in 2..=5 {
        assert_eq!(plain.push("message").await["seq"], seq, "each wire is sent all of them");
    }
    let list = call(server.addr, &server.token("alice"), "GET", "/api/v1/rooms", None).await;
    assert_eq!(list.body["items"][0]["staff"], staff);

    assert_eq!(leave(&server, room).await.status, 204);
    assert_eq!(leave(&server, room).await.status, 204);
    let left = loop {
        let message = sam.push("message").await;
        if message["kind"] == "system" {
            break message;
        }
    };
    assert_eq!((&left["data"]["code"], &left["text"]), (&json!("support_left"), &json!("Support left: Mina")));
    assert_eq!(plain.push("error").await["code"], "forbidden");
    assert_eq!(socket_io.event(CHAT, "error").await[0]["code"], "forbidden");
    assert_eq!(
        plain.request("message", json!({"roomId": room, "text": "still here?"})).await.unwrap_err().code,
        "forbidden"
    );
    assert_eq!(plain.request("enterRoom", room).await.unwrap_err().code, "forbidden");
    assert_eq!(say(&server, room, "still here?").await.status, 403);
    plain.pushes_before_ack().await;
    alice.say("only for us").await;
    assert_eq!(plain.seqs_before_ack().await, Vec::<i64>::new(), "it is in the room no more");
    let list = call(server.addr, &server.token("sam"), "GET", "/api/v1/rooms", None).await;
    assert_eq!(list.body["items"][0].get("staff"), None);
    let done: Vec<_> = audit(&server).iter().rev().map(|entry| (entry.action, entry.reason.clone())).collect();
    let reason = Some("Asked for help".to_owned());
    let (joins, leaves) = (AuditAction::JoinRoom, AuditAction::LeaveRoom);
    assert_eq!(done, [(joins, reason.clone()), (joins, reason), (leaves, None), (leaves, None)]);
}

#[actix_web::test]
async fn nobody_but_staff_with_its_own_token_is_there_as_staff() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let room = room.as_str();
    let because = || Some(json!({"reason": "a test"}));
    for token in [server.token("alice"), server.token("mina"), SERVICE_KEY.to_owned()] {
        assert_eq!(ask(&server, &token, "POST", room, "/join", because()).await.status, 403);
    }
    for token in [server.token("alice"), server.token("mina")] {
        assert_eq!(ask(&server, &token, "POST", room, "/leave", None).await.status, 403);
    }
    let by_service = ask(&server, SERVICE_KEY, "POST", room, "/leave", None).await;
    assert_eq!((by_service.status, &by_service.body["code"]), (422, &json!("invalid")), "it has to say who");
    for (room, body, status) in [(room, None, 422), (room, Some(json!({"reason": " "})), 422), ("none", because(), 404)]
    {
        assert_eq!(ask(&server, &mina(&server), "POST", room, "/join", body).await.status, status);
    }
    assert_eq!(leave(&server, "none").await.status, 404);
    let own = ask(&server, &server.staff_token("alice"), "POST", room, "/join", because()).await;
    assert_eq!((own.status, &own.body["code"]), (409, &json!("conflict")), "a member is a member");

    assert_eq!(join(&server, room).await.status, 201);
    // Her own token without the claim is that of an ordinary user, who is no member.
    let ordinary = server.token("mina");
    let mut wire = WsClient::connect(server.addr, &ordinary).await.unwrap();
    assert_eq!(wire.request("enterRoom", room).await.unwrap_err().code, "forbidden");
    assert_eq!(wire.request("message", json!({"roomId": room, "text": "x"})).await.unwrap_err().code, "forbidden");
    for (method, rest, body) in [
        ("GET", "", None),
        ("GET", "/messages", None),
        ("POST", "/messages", Some(json!({"text": "x"}))),
        ("POST", "/token", None),
    ] {
        assert_eq!(ask(&server, &ordinary, method, room, rest, body).await.status, 403, "{method} {rest}");
    }
    let mut staff = connect(&server).await;
    staff.enter(room).await;
    let lost = staff.request("authenticate", json!({"token": ordinary})).await.unwrap_err();
    assert_eq!(lost.code, "forbidden", "the session goes on as staff, or not at all");

    // What a member does and staff does not.
    let price = json!({"roomId": room, "amount": 100, "currency": "KRW"});
    for (event, data) in [
        ("read", json!({"roomId": room, "seq": 1})),
        ("typing", json!({"roomId": room, "typing": true})),
        ("offer", price),
    ] {
        assert_eq!(staff.request(event, data).await.unwrap_err().code, "forbidden", "{event}");
    }
    let said = staff.say("hello").await;
    let edit = json!({"messageId": said["id"], "text": "better"});
    assert_eq!(staff.request("editMessage", edit).await.unwrap_err().code, "not_found");
    // Members can't get around it.
    let alice = server.token("alice");
    assert_eq!(call(server.addr, &alice, "PUT", "/api/v1/blocks/mina", None).await.status, 404);
    let report = Some(json!({"roomId": room, "messageId": said["id"], "category": "spam"}));
    assert_eq!(call(server.addr, &alice, "POST", "/api/v1/reports", report).await.status, 422);
}

#[actix_web::test]
async fn neither_a_block_nor_a_freeze_nor_the_masking_rule_stops_staff() {
    let server = TestServer::with(|config| config.masking = MaskingPolicy::Block).await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    let room = room.as_str();
    let alice = server.token("alice");
    assert_eq!(call(server.addr, &alice, "PUT", "/api/v1/blocks/sam", None).await.status, 201);
    let frozen = ask(&server, &mina(&server), "PUT", room, "/freeze", Some(json!({"reason": "a test"}))).await;
    assert_eq!(frozen.status, 204);
    assert_eq!(join(&server, room).await.status, 201);
    let said = say(&server, room, "Call us: 010-1234-5678").await;
    assert_eq!((said.status, &said.body["text"]), (201, &json!("Call us: 010-1234-5678")));
    assert_eq!(said.body.get("warnings"), None);
    for user in ["alice", "sam"] {
        let read = call(server.addr, &server.token(user), "GET", &format!("/api/v1/rooms/{room}"), None).await;
        assert_eq!((&read.body["unread"], &read.body["lastSeq"]), (&json!(2), &json!(2)), "{user}");
    }
    let mute = Some(json!({"until": "2999-01-01T00:00:00.000Z", "reason": "a test"}));
    assert_eq!(call(server.addr, SERVICE_KEY, "PUT", "/api/v1/users/mina/mute", mute).await.status, 200);
    let muted = say(&server, room, "and again").await;
    assert_eq!((muted.status, &muted.body["code"]), (403, &json!("muted")));
    assert_eq!(call(server.addr, SERVICE_KEY, "DELETE", "/api/v1/users/mina/mute", None).await.status, 204);

    let mut photo = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(64, 48).write_to(&mut photo, ImageFormat::Jpeg).unwrap();
    let path = format!("/api/v1/rooms/{room}/images");
    let sent = upload(server.addr, &mina(&server), &path, photo.get_ref(), &[("clientId", "c1")]).await;
    assert_eq!((sent.status, &sent.body["sender"]["role"]), (201, &json!("staff")), "{}", sent.text);
    let again = upload(server.addr, &mina(&server), &path, photo.get_ref(), &[("clientId", "c1")]).await;
    assert_eq!((again.status, &again.body["seq"]), (200, &sent.body["seq"]));
    assert_eq!(leave(&server, room).await.status, 204);
    assert_eq!(upload(server.addr, &mina(&server), &path, photo.get_ref(), &[]).await.status, 403);
}

#[actix_web::test]
async fn a_ban_ends_the_stay_of_staff_as_it_does_others() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let room = room.as_str();
    assert_eq!(join(&server, room).await.status, 201);
    let mut wire = connect(&server).await;
    wire.enter(room).await;
    let ban = Some(json!({"reason": "a test"}));
    assert_eq!(call(server.addr, SERVICE_KEY, "PUT", "/api/v1/users/mina/ban", ban).await.status, 200);
    assert_eq!(wire.closed().await, Some(4003));
    let refused = say(&server, room, "x").await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("banned")));
}

#[actix_web::test]
async fn others_take_somebody_out_who_can_not_leave_any_more_and_a_new_name_shows_at_once() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let room = room.as_str();
    let (mut alice, _sam) = server.both(room).await;
    let because = || Some(json!({"reason": "a test"}));
    for by in [SERVICE_KEY.to_owned(), server.staff_token("lee")] {
        assert_eq!(join(&server, room).await.status, 201);
        let mut wire = connect(&server).await;
        wire.enter(room).await;
        // Her row is there now; the desk speaks over REST alone, so no session of hers has to be in the room.
        let name = json!({"name": "Mina Park"});
        call(server.addr, SERVICE_KEY, "PUT", "/api/v1/users/mina", Some(name)).await;
        let entered = alice.enter(room).await;
        assert_eq!(entered["staff"], json!([{"id": "mina", "name": "Mina Park"}]));
        let ban = call(server.addr, SERVICE_KEY, "PUT", "/api/v1/users/mina/ban", because()).await;
        assert_eq!(ban.status, 200);
        assert_eq!(wire.closed().await, Some(4003));
        assert_eq!(ask(&server, &by, "POST", room, "/leave?userId=mina", None).await.status, 204);
        assert_eq!(alice.enter(room).await.get("staff"), None);
        assert_eq!(call(server.addr, SERVICE_KEY, "DELETE", "/api/v1/users/mina/ban", None).await.status, 204);
    }
}

#[actix_web::test]
async fn what_staff_has_said_goes_with_their_account_and_is_in_their_export() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let room = room.as_str();
    let (mut alice, _sam) = server.both(room).await;
    assert_eq!(join(&server, room).await.status, 201);
    assert_eq!(say(&server, room, "my own words").await.status, 201);
    let export = call(server.addr, SERVICE_KEY, "GET", "/api/v1/users/mina/export", None).await;
    assert!(export.text.contains("my own words") && export.text.contains(r#""staffName":"Mina""#), "{}", export.text);
    assert!(!export.text.contains("\"type\":\"room\""), "the room is its members'");
    let others = call(server.addr, SERVICE_KEY, "GET", "/api/v1/users/alice/export", None).await;
    assert!(!others.text.contains("Mina"));

    assert_eq!(call(server.addr, SERVICE_KEY, "DELETE", "/api/v1/users/mina", None).await.status, 204);
    let token = server.token("alice");
    let path = format!("/api/v1/rooms/{room}");
    loop {
        let updated = alice.push("messageUpdated").await;
        if updated["seq"] == 2 {
            let deleted = json!({"id": "mina", "name": "Deleted user", "nameCode": "deleted_user", "role": "staff"});
            assert_eq!((&updated["sender"], updated.get("text")), (&deleted, None));
            break;
        }
    }
    let messages = call(server.addr, &token, "GET", &format!("{path}/messages"), None).await;
    assert!(!messages.text.contains("Mina") && !messages.text.contains("my own words"), "{}", messages.text);
    let read = call(server.addr, &token, "GET", &path, None).await;
    assert_eq!(read.body.get("staff"), None);
    until("nothing of her is left in the file", || {
        let log = std::fs::read(server.database_file().with_extension("db-wal")).unwrap_or_default();
        let file = std::fs::read(server.database_file()).unwrap_or_default();
        let has = |bytes: &[u8]| bytes.windows(12).any(|part| part == b"my own words");
        !has(&log) && !has(&file)
    })
    .await;
}
