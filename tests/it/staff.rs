//! The marketplace's staff: what it may do, what members see of it, and what the audit log says.

use std::{collections::BTreeSet, time::Duration};

use haggle::internals::{
    db::{self, AuditFilter},
    domain::{AuditAction, AuditEntry, MessageId, Moderator, UserId},
    http::policy::{Needs, RULES},
};
use serde_json::{Value, json};

use crate::support::{
    TestServer, WsClient,
    rest::{Answer, call},
    server::{SERVICE_KEY, START},
    socket_io::PacketClient,
    until,
};

pub async fn staff(server: &TestServer, method: &str, path: &str, body: Option<Value>) -> Answer {
    call(server.addr, &server.staff_token("mina"), method, path, body).await
}

/// The audit log as it stands in the database, newest first.
pub fn audit(server: &TestServer) -> Vec<AuditEntry> {
    db::list_audit(&mut server.pool.get().unwrap(), &AuditFilter::All, None, 1000, usize::MAX).unwrap().0
}

fn needs_of(method: &str, route: &str) -> Needs {
    RULES.iter().find(|rule| (rule.method, rule.path) == (method, route)).unwrap().needs
}

fn because() -> Option<Value> {
    Some(json!({"reason": "a test"}))
}

/// A route, the path and body of a call of it, and its entry.
type Call = ((&'static str, &'static str), String, Option<Value>, AuditAction);

/// Those about reports.
fn calls_about_reports(report: &str) -> Vec<Call> {
    let (of_report, notes) = (|rest: &str| format!("/api/v1/reports/{report}{rest}"), "/api/v1/reports/{id}/notes");
    vec![
        (("GET", "/api/v1/reports"), "/api/v1/reports".to_owned(), None, AuditAction::ListReports),
        (("GET", "/api/v1/reports/{id}"), of_report(""), None, AuditAction::ReadReport),
        (
            ("PATCH", "/api/v1/reports/{id}"),
            of_report(""),
            Some(json!({"decision": "dismissed"})),
            AuditAction::DecideReport,
        ),
        (
            ("PATCH", "/api/v1/reports/{id}"),
            of_report("?reason=a%20test"),
            Some(json!({"assignee": "nils"})),
            AuditAction::AssignReport,
        ),
        (("GET", notes), of_report("/notes"), None, AuditAction::ListNotes),
        (("POST", notes), of_report("/notes"), Some(json!({"text": "a note"})), AuditAction::AddNote),
    ]
}

/// One call of every route whose calls are in the audit log, for the first caller or the second.
fn calls((room, support): (&str, &str), message: &str, report: &str, gone: &str) -> Vec<Call> {
    let sanction = || Some(json!({"until": "2999-01-01T00:00:00.000Z", "reason": "a test"}));
    let warning = Some(json!({"userId": "alice", "template": "scam", "reason": "a test"}));
    let note = || Some(json!({"text": "a note"}));
    let at = |rest: &str| format!("/api/v1/rooms/{room}{rest}");
    let waiting = format!("/api/v1/rooms/{support}/waiting?reason=a%20test");
    let user = |rest: &str| format!("/api/v1/users/sam{rest}");
    let (freeze, unlisted) = ("/api/v1/rooms/{id}/freeze", "/api/v1/products/{id}/unlisted");
    let (mute, ban) = ("/api/v1/users/{id}/mute", "/api/v1/users/{id}/ban");
    let user_notes = "/api/v1/users/{id}/notes";
    let bike = |rest: &str| format!("/api/v1/products/bike{rest}");
    let list = |path: &str| path.to_owned();
    let mut calls = calls_about_reports(report);
    calls.extend([
        (("GET", "/api/v1/rooms/{id}"), at(""), None, AuditAction::ReadRoom),
        (("GET", "/api/v1/rooms/{id}/messages"), at("/messages"), None, AuditAction::ReadMessages),
        (
            ("DELETE", "/api/v1/rooms/{id}/messages/{messageId}"),
            at(&format!("/messages/{message}?reason=a%20test")),
            None,
            AuditAction::RemoveMessage,
        ),
        (("PUT", freeze), at("/freeze"), because(), AuditAction::FreezeRoom),
        (("DELETE", freeze), at("/freeze"), None, AuditAction::UnfreezeRoom),
        (("POST", "/api/v1/rooms/{id}/warnings"), at("/warnings"), warning, AuditAction::WarnUser),
        (("POST", "/api/v1/rooms/{id}/join"), at("/join"), because(), AuditAction::JoinRoom),
        (("POST", "/api/v1/rooms/{id}/leave"), at("/leave?userId=mina&reason=a%20test"), None, AuditAction::LeaveRoom),
        (("DELETE", "/api/v1/rooms/{id}/waiting"), waiting, None, AuditAction::EndWait),
        (
            ("GET", "/api/v1/search/all"),
            list("/api/v1/search/all?q=message&reason=a%20test"),
            None,
            AuditAction::SearchMessages,
        ),
        (("GET", "/api/v1/users"), list("/api/v1/users?name=s"), None, AuditAction::SearchUsers),
        (("GET", "/api/v1/products/{id}"), bike(""), None, AuditAction::ReadProduct),
        (("GET", "/api/v1/products/{id}/rooms"), bike("/rooms"), None, AuditAction::ListProductRooms),
        (("PUT", unlisted), bike("/unlisted"), because(), AuditAction::UnlistProduct),
        (("DELETE", unlisted), bike("/unlisted"), None, AuditAction::RelistProduct),
        (("GET", "/api/v1/users/{id}"), user(""), None, AuditAction::ReadUser),
        (("GET", "/api/v1/users/{id}/rooms"), user("/rooms"), None, AuditAction::ListUserRooms),
        (("GET", "/api/v1/users/{id}/export"), user("/export"), None, AuditAction::ExportUser),
        (("POST", "/api/v1/users/{id}/disconnect"), user("/disconnect"), None, AuditAction::EndSessions),
        (("PUT", mute), user("/mute"), sanction(), AuditAction::MuteUser),
        (("DELETE", mute), user("/mute"), None, AuditAction::UnmuteUser),
        (("PUT", ban), user("/ban"), sanction(), AuditAction::BanUser),
        (("DELETE", ban), user("/ban"), None, AuditAction::UnbanUser),
        (("GET", user_notes), user("/notes"), None, AuditAction::ListNotes),
        (("POST", user_notes), user("/notes"), note(), AuditAction::AddNote),
        (("GET", "/api/v1/mutes"), list("/api/v1/mutes"), None, AuditAction::ListMutes),
        (("GET", "/api/v1/bans"), list("/api/v1/bans"), None, AuditAction::ListBans),
        (("GET", "/api/v1/staff/rooms"), list("/api/v1/staff/rooms?list=waiting"), None, AuditAction::ListRooms),
        (("GET", "/api/v1/audit"), list("/api/v1/audit"), None, AuditAction::ReadAudit),
        (("DELETE", "/api/v1/users/{id}"), format!("/api/v1/users/{gone}"), None, AuditAction::DeleteUser),
    ]);
    calls
}

#[actix_web::test]
async fn no_route_of_the_staff_leaves_out_the_audit_log() {
    let server = TestServer::with(|config| config.limits.requests_per_second_max = None).await;
    let seed = server.seed();
    let room = seed.room("alice", "bike");
    let (messages, report) = (seed.messages(&room.id, "alice", 2), seed.report(&room.id, "alice"));
    let support = seed.support_room("victor");
    let mina = Moderator::Staff { id: UserId::new("mina").unwrap() };
    let callers = [(server.staff_token("mina"), mina, "zoe"), (SERVICE_KEY.to_owned(), Moderator::Service, "yuri")];
    for ((token, by, gone), message) in callers.iter().zip(&messages) {
        seed.user(gone);
        let calls = calls((room.id.as_str(), support.as_str()), message.id.as_str(), &report, gone);
        let called: BTreeSet<_> = calls.iter().map(|(route, ..)| *route).collect();
        let audited: BTreeSet<_> =
            RULES.iter().filter(|rule| rule.needs.is_audited()).map(|rule| (rule.method, rule.path)).collect();
        assert_eq!(called, audited, "this test calls every route that is audited");
        for ((method, route), path, body, action) in calls {
            let is_a_persons = needs_of(method, route) == Needs::StaffToken;
            if is_a_persons && *by == Moderator::Service {
                continue;
            }
            let before = audit(&server).len();
            let answer = call(server.addr, token, method, &path, body.clone()).await;
            assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.body);
            let log = audit(&server);
            assert_eq!(log.len(), before + 1, "{method} {route}");
            assert_eq!((&log[0].by, log[0].action, log[0].at), (by, action, START), "{method} {route}");
            if body.is_some_and(|body| body["reason"].is_string()) || path.contains("reason=") {
                assert_eq!(log[0].reason.as_deref(), Some("a test"), "{method} {route}");
            }
        }
    }
    // What members do for themselves is their own business.
    let before = audit(&server).len();
    let path = format!("/api/v1/rooms/{}/messages", room.id);
    assert_eq!(call(server.addr, &server.token("alice"), "GET", &path, None).await.status, 200);
    assert_eq!(audit(&server).len(), before);
}

#[actix_web::test]
async fn what_is_refused_leaves_no_entry_and_changes_nothing() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    let message = seed.messages(&room, "alice", 1).remove(0).id;
    let offer = seed.offer(&room, "alice", 900_000).id;
    let at = |rest: &str| format!("/api/v1/rooms/{room}{rest}");
    let until = |until: &str| Some(json!({"until": until, "reason": "a test"}));
    let warning = |user: &str| Some(json!({"userId": user, "template": "scam", "reason": "a test"}));
    for (method, path, body, expected) in [
        ("DELETE", at(&format!("/messages/{message}")), None, 422),
        ("DELETE", at(&format!("/messages/{offer}?reason=x")), None, 409),
        ("DELETE", at("/messages/none?reason=x"), None, 404),
        ("DELETE", format!("/api/v1/rooms/none/messages/{message}?reason=x"), None, 404),
        ("PUT", at("/freeze"), Some(json!({"reason": " "})), 422),
        ("PUT", at("/freeze"), Some(json!({})), 422),
        ("PUT", "/api/v1/rooms/none/freeze".to_owned(), because(), 404),
        ("GET", "/api/v1/rooms/none".to_owned(), None, 404),
        ("GET", "/api/v1/rooms/none/messages".to_owned(), None, 404),
        ("GET", format!("/api/v1/users/sam?reason={}", "x".repeat(1001)), None, 422),
        ("GET", "/api/v1/users/none".to_owned(), None, 404),
        ("PUT", "/api/v1/users/none/ban".to_owned(), because(), 404),
        ("PUT", "/api/v1/users/sam/ban".to_owned(), until("2026-11-23T09:00:00.000Z"), 422),
        ("PUT", "/api/v1/users/sam/mute".to_owned(), because(), 422),
        ("PUT", "/api/v1/products/none/unlisted".to_owned(), because(), 404),
        ("POST", at("/warnings"), warning("nobody"), 404),
        ("POST", "/api/v1/rooms/none/warnings".to_owned(), warning("alice"), 404),
        ("POST", "/api/v1/users/none/notes".to_owned(), Some(json!({"text": "x"})), 404),
        ("POST", "/api/v1/reports/none/notes".to_owned(), Some(json!({"text": "x"})), 404),
        ("GET", "/api/v1/reports/none".to_owned(), None, 404),
        ("GET", "/api/v1/audit?userId=sam&roomId=x".to_owned(), None, 422),
        ("GET", "/api/v1/reports?reportedId=sam&reporterId=alice".to_owned(), None, 422),
    ] {
        let answer = staff(&server, method, &path, body).await;
        assert_eq!(answer.status, expected, "{method} {path}: {}", answer.body);
    }
    assert_eq!(audit(&server), []);
    let mut alice = server.ws("alice").await;
    assert_eq!(alice.enter(room.as_str()).await["messages"][0]["text"], "message 1");
}

#[actix_web::test]
async fn only_the_claim_of_a_signed_token_makes_a_member_of_the_staff() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let path = format!("/api/v1/rooms/{room}");
    for user in ["alice", "mallory"] {
        let refused = call(server.addr, &server.token(user), "GET", "/api/v1/users/sam", None).await;
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("forbidden")), "{user}");
    }
    let read = staff(&server, "GET", &path, None).await;
    assert_eq!((read.status, &read.body["members"][1]["userId"]), (200, &json!("sam")));
    // It opens the staff's routes. It opens no room on a wire: its holder is a user like any other.
    let mut mina = WsClient::connect(server.addr, &server.staff_token("mina")).await.unwrap();
    assert_eq!(mina.request("enterRoom", room.as_str()).await.unwrap_err().code, "forbidden");
    let said = staff(&server, "POST", &format!("{path}/messages"), Some(json!({"text": "hello"}))).await;
    assert_eq!(said.status, 403);
}

#[actix_web::test]
async fn the_audit_log_says_who_did_what_to_whom_and_why_and_comes_in_pages() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    let message = seed.messages(&room, "sam", 1).remove(0).id;
    let mute = Some(json!({"until": "2999-01-01T00:00:00.000Z", "reason": "He insults people"}));
    assert_eq!(staff(&server, "PUT", "/api/v1/users/sam/mute", mute).await.status, 200);
    let path = format!("/api/v1/rooms/{room}/messages");
    assert_eq!(staff(&server, "GET", &format!("{path}?reason=A%20report"), None).await.status, 200);
    assert_eq!(staff(&server, "DELETE", &format!("{path}/{message}?reason=Insult"), None).await.status, 200);
    let list = |query: &str| {
        let path = format!("/api/v1/audit{query}");
        let addr = server.addr;
        async move { call(addr, SERVICE_KEY, "GET", &path, None).await.body }
    };
    let about_sam = list("?userId=sam").await;
    let by = json!({"role": "staff", "id": "mina"});
    assert_eq!(
        about_sam["items"][0],
        json!({
            "id": "3", "at": START.to_string(), "by": by, "action": "remove_message", "userId": "sam",
            "roomId": room, "messageId": message, "reason": "Insult"
        })
    );
    assert_eq!(about_sam["items"][1]["details"], json!({"until": "2999-01-01T00:00:00.000Z"}));
    let about_room = list(&format!("?roomId={room}")).await;
    assert_eq!(about_room["items"][1]["reason"], "A report");
    assert_eq!(about_room["items"][1]["details"], json!({"fromSeq": 1, "toSeq": 1}));
    assert_eq!(list("?actorId=mina").await["items"].as_array().unwrap().len(), 3);
    let first = list("?actorId=mina&limit=2").await;
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = list(&format!("?actorId=mina&limit=2&cursor={cursor}")).await;
    assert_eq!((&second["items"][0]["action"], second.get("nextCursor")), (&json!("mute_user"), None));
    // Nobody changes it, also not somebody with access to the database.
    let conn = &mut server.pool.get().unwrap();
    assert!(conn.batch_execute("UPDATE audit SET reason = 'none'").is_err());
    assert!(conn.batch_execute("DELETE FROM audit").is_err());
}

#[actix_web::test]
async fn in_a_frozen_room_members_read_and_nobody_says_anything() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    let offer = seed.offer(&room, "alice", 900_000).id;
    let (mut alice, mut sam) = server.both(room.as_str()).await;
    let said = alice.say("before").await;
    let path = format!("/api/v1/rooms/{room}");
    assert_eq!(staff(&server, "PUT", &format!("{path}/freeze"), because()).await.status, 204);
    for client in [&mut alice, &mut sam] {
        let mut update = client.push("roomUpdated").await;
        while update["frozen"] != true {
            update = client.push("roomUpdated").await;
        }
    }
    let mut sentences = BTreeSet::new();
    for (event, data) in [
        ("message", json!({"roomId": room, "text": "after"})),
        ("message", json!({"roomId": room, "text": "after", "clientId": "k"})),
        ("offer", json!({"roomId": room, "amount": 1, "currency": "KRW"})),
        ("answerOffer", json!({"messageId": offer, "answer": "withdraw"})),
        ("editMessage", json!({"messageId": said["id"], "text": "x"})),
        ("deleteMessage", json!({"messageId": said["id"]})),
    ] {
        let error = alice.request(event, data).await.unwrap_err();
        assert_eq!(error.code, "frozen", "{event}");
        sentences.insert(error.message);
    }
    assert_eq!(sentences.len(), 1);
    let accept = json!({"messageId": offer, "answer": "accept"});
    assert_eq!(sam.request("answerOffer", accept).await.unwrap_err().code, "frozen");
    let token = server.token("sam");
    let refused = call(server.addr, &token, "POST", &format!("{path}/messages"), Some(json!({"text": "x"}))).await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("frozen")));
    let mut packets = PacketClient::open(server.addr).await;
    packets.join("/chat", json!({ "token": token })).await;
    let refused = packets.request("/chat", "message", json!({"roomId": room, "text": "x"})).await;
    assert_eq!(refused["error"]["code"], "frozen");
    // Reading goes on, and the marketplace speaks.
    assert_eq!(sam.request("read", json!({"seq": 2})).await.unwrap()["readSeq"], 2);
    assert_eq!(call(server.addr, &token, "GET", &path, None).await.body["frozen"], true);
    assert_eq!(server.ws("sam").await.enter(room.as_str()).await["frozen"], true);
    let notice = Some(json!({"text": "We look into this"}));
    assert_eq!(call(server.addr, SERVICE_KEY, "POST", &format!("{path}/messages"), notice).await.status, 201);

    assert_eq!(staff(&server, "DELETE", &format!("{path}/freeze"), None).await.status, 204);
    alice.request("message", json!({"roomId": room, "text": "again"})).await.unwrap();
    assert_eq!(call(server.addr, &token, "GET", &path, None).await.body.get("frozen"), None);
    let events = call(server.addr, SERVICE_KEY, "GET", "/api/v1/events?limit=500", None).await.body;
    let frozen = events["items"].as_array().unwrap().iter().filter(|item| item["event"] == "freezeUpdated");
    assert_eq!(frozen.map(|item| &item["data"]).collect::<Vec<_>>(), [&json!({"roomId": room, "frozen": false})]);
}

#[actix_web::test]
async fn both_members_see_that_the_marketplace_removed_a_message_and_its_words_are_kept_for_a_time() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, mut sam) = server.both(room.as_str()).await;
    let said = alice.say("send me the code").await;
    let path = format!("/api/v1/rooms/{room}/messages");
    let one = format!("{path}/{}?reason=scam", said["id"].as_str().unwrap());
    let removed = staff(&server, "DELETE", &one, None).await;
    assert_eq!((removed.status, &removed.body["removedBy"]), (200, &json!("marketplace")), "{}", removed.body);
    for client in [&mut alice, &mut sam] {
        let updated = client.push("messageUpdated").await;
        assert_eq!((&updated["removedBy"], updated.get("text")), (&json!("marketplace"), None), "{updated}");
        assert!(updated["deletedAt"].is_string());
    }
    assert_eq!(staff(&server, "DELETE", &one, None).await.status, 409, "once");
    let edit = alice.request("editMessage", json!({"messageId": said["id"], "text": "x"})).await;
    assert_eq!(edit.unwrap_err().code, "conflict");
    let mine = call(server.addr, &server.token("alice"), "GET", &path, None).await;
    assert!(!mine.text.contains("code") && !mine.text.contains("beforeRemoval"), "{}", mine.text);
    let found = call(server.addr, &server.token("sam"), "GET", "/api/v1/search?q=code", None).await;
    assert_eq!(found.body["items"], json!([]));
    let entered = server.ws("sam").await.enter(room.as_str()).await;
    assert_eq!(entered["messages"][0]["removedBy"], "marketplace");
    let events = call(server.addr, SERVICE_KEY, "GET", "/api/v1/events?limit=500", None).await;
    assert!(events.text.contains("marketplace") && !events.text.contains("code"));

    let before = |answer: &Answer| answer.body["items"][0]["beforeRemoval"]["text"].clone();
    assert_eq!(before(&staff(&server, "GET", &path, None).await), "send me the code");
    server.advance(Duration::from_secs(30 * 24 * 60 * 60 + 1));
    until("the words are erased", || {
        let conn = &mut server.pool.get().unwrap();
        let id = MessageId::new(said["id"].as_str().unwrap()).unwrap();
        db::find_removed_words(conn, &[id]).unwrap().is_empty()
    })
    .await;
    let later = call(server.addr, SERVICE_KEY, "GET", &path, None).await;
    assert_eq!((before(&later), &later.body["items"][0]["removedBy"]), (Value::Null, &json!("marketplace")));
}

#[actix_web::test]
async fn the_words_of_a_removed_message_go_with_their_sender() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    let message = seed.messages(&room, "alice", 1).remove(0).id;
    let path = format!("/api/v1/rooms/{room}/messages");
    assert_eq!(staff(&server, "DELETE", &format!("{path}/{message}?reason=x"), None).await.status, 200);
    assert_eq!(staff(&server, "DELETE", "/api/v1/users/alice", None).await.status, 204);
    let read = staff(&server, "GET", &path, None).await;
    assert_eq!(read.body["items"][0].get("beforeRemoval"), None, "{}", read.body);
}

#[actix_web::test]
async fn a_mute_needs_no_report_and_ending_it_ends_that_of_a_report_too() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    let mut sam = server.ws("sam").await;
    sam.enter(room.as_str()).await;
    let until = START.plus_ms(60_000).to_string();
    let mute = Some(json!({"until": until, "reason": "insults"}));
    assert_eq!(staff(&server, "PUT", "/api/v1/users/sam/mute", mute).await.body["until"], until);
    let error = sam.request("message", json!({"roomId": room, "text": "x"})).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.until), ("muted", Some(until.clone())));
    let mutes = staff(&server, "GET", "/api/v1/mutes", None).await.body;
    let by = json!({"role": "staff", "id": "mina"});
    assert_eq!((&mutes["items"][0]["user"]["id"], &mutes["items"][0]["by"]), (&json!("sam"), &by));
    // A report's decision that lasts longer.
    let report = seed.report(&room, "alice");
    let far = "2027-01-01T00:00:00.000Z";
    let decision = Some(json!({"decision": "upheld", "muteUntil": far}));
    assert_eq!(staff(&server, "PATCH", &format!("/api/v1/reports/{report}"), decision.clone()).await.status, 200);
    assert_eq!(staff(&server, "GET", "/api/v1/users/sam", None).await.body["mutedUntil"], far);
    server.advance(Duration::from_secs(1));
    assert_eq!(staff(&server, "DELETE", "/api/v1/users/sam/mute", None).await.status, 204);
    sam.request("message", json!({"roomId": room, "text": "thank you"})).await.unwrap();
    assert_eq!(staff(&server, "GET", "/api/v1/mutes", None).await.body["items"], json!([]));
    // Another report, later, counts again.
    server.advance(Duration::from_secs(1));
    let later = Some(json!({"decision": "upheld", "muteUntil": "2027-02-01T00:00:00.000Z"}));
    assert_eq!(staff(&server, "PATCH", &format!("/api/v1/reports/{report}"), later).await.status, 200);
    assert_eq!(sam.request("message", json!({"roomId": room, "text": "x"})).await.unwrap_err().code, "muted");
}

#[actix_web::test]
async fn bans_are_listed_by_their_end_and_in_pages() {
    let server = TestServer::start().await;
    let seed = server.seed();
    for (user, until) in [("eve", None), ("bob", Some(120_000)), ("dan", Some(60_000)), ("old", Some(1000))] {
        seed.user(user);
        let until = until.map(|ms| START.plus_ms(ms).to_string());
        let ban = Some(json!({"until": until, "reason": "fraud"}));
        assert_eq!(staff(&server, "PUT", &format!("/api/v1/users/{user}/ban"), ban).await.status, 200);
    }
    server.advance(Duration::from_secs(2));
    let (mut path, mut listed) = ("/api/v1/bans?limit=1".to_owned(), Vec::new());
    loop {
        let page = staff(&server, "GET", &path, None).await.body;
        listed.extend(page["items"].as_array().unwrap().iter().map(|ban| ban["user"]["id"].clone()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/v1/bans?limit=1&cursor={cursor}");
    }
    assert_eq!(listed, ["dan", "bob", "eve"]);
    let eve = staff(&server, "GET", "/api/v1/users/eve", None).await.body;
    assert_eq!((&eve["banned"], eve.get("bannedUntil")), (&json!(true), None));
}

#[actix_web::test]
async fn a_product_that_was_taken_down_keeps_its_rooms_and_gets_no_new_ones() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike").id;
    seed.user("bob");
    let mut alice = server.ws("alice").await;
    let unlisted = staff(&server, "PUT", "/api/v1/products/bike/unlisted", because()).await;
    assert_eq!(unlisted.body["unlisted"], true);
    assert_eq!(alice.push("roomUpdated").await["product"]["unlisted"], true);
    let open = |user: &'static str| {
        let token = server.token(user);
        let body = Some(json!({"productId": "bike"}));
        async move { call(server.addr, &token, "POST", "/api/v1/rooms", body).await.status }
    };
    assert_eq!((open("alice").await, open("bob").await), (200, 404));
    // The marketplace's own change of it does not put it back.
    let put = Some(json!({"sellerId": "sam", "title": "A red bike", "status": "on_sale"}));
    let put = call(server.addr, SERVICE_KEY, "PUT", "/api/v1/products/bike", put).await;
    assert_eq!(put.body["unlisted"], true);
    alice.enter(room.as_str()).await;
    alice.say("is it still there?").await;
    let relisted = staff(&server, "DELETE", "/api/v1/products/bike/unlisted", None).await;
    assert_eq!((relisted.status, relisted.body.get("unlisted")), (200, None));
    assert_eq!(open("bob").await, 201);
    let rooms = staff(&server, "GET", "/api/v1/products/bike/rooms?limit=1", None).await.body;
    assert_eq!((&rooms["items"][0]["buyer"]["id"], &rooms["nextCursor"]), (&json!("alice"), &json!("alice")));
    let next = staff(&server, "GET", "/api/v1/products/bike/rooms?cursor=alice", None).await.body;
    assert_eq!((&next["items"][0]["buyer"]["id"], next.get("nextCursor")), (&json!("bob"), None));
}

#[actix_web::test]
async fn reports_are_found_by_whom_they_are_about_and_carry_notes_that_no_user_sees() {
    let server = TestServer::start().await;
    let seed = server.seed();
    for (buyer, category) in [("alice", "scam"), ("bob", "spam")] {
        let room = seed.room(buyer, "bike").id;
        let body = Some(json!({"roomId": room, "category": category}));
        assert_eq!(call(server.addr, &server.token(buyer), "POST", "/api/v1/reports", body).await.status, 201);
    }
    let list = |query: &str| {
        let (addr, path) = (server.addr, format!("/api/v1/reports?{query}"));
        async move {
            let page = call(addr, SERVICE_KEY, "GET", &path, None).await.body;
            let items = page["items"].as_array().unwrap().clone();
            items.into_iter().map(|report| report["reporterId"].clone()).collect::<Vec<_>>()
        }
    };
    assert_eq!(list("reportedId=sam").await, ["alice", "bob"]);
    assert_eq!(list("reportedId=alice").await, Vec::<Value>::new());
    assert_eq!(list("reporterId=bob").await, ["bob"]);
    assert_eq!(list("category=scam").await, ["alice"]);
    assert_eq!(list("reportedId=sam&category=spam&state=open").await, ["bob"]);
    assert_eq!(list("state=decided").await, Vec::<Value>::new());

    let page = staff(&server, "GET", "/api/v1/reports?category=scam", None).await.body;
    let path = format!("/api/v1/reports/{}", page["items"][0]["id"].as_str().unwrap());
    assert_eq!(staff(&server, "GET", &path, None).await.body, page["items"][0]);
    for at in [format!("{path}/notes"), "/api/v1/users/sam/notes".to_owned()] {
        let note = staff(&server, "POST", &at, Some(json!({"text": "asked for proof"}))).await;
        assert_eq!(note.status, 201, "{}", note.body);
        let notes = staff(&server, "GET", &at, None).await.body;
        assert_eq!(notes, json!({"items": [note.body]}));
        for user in ["alice", "sam"] {
            assert_eq!(call(server.addr, &server.token(user), "GET", &at, None).await.status, 403);
        }
    }
    let export = staff(&server, "GET", "/api/v1/users/sam/export", None).await;
    assert!(!export.text.contains("proof"));
    assert_eq!(staff(&server, "DELETE", "/api/v1/users/sam", None).await.status, 204);
    assert_eq!(staff(&server, "GET", "/api/v1/users/sam/notes", None).await.body, json!({"items": []}));
}

#[actix_web::test]
async fn staff_searches_all_conversations_and_says_why() {
    let server = TestServer::start().await;
    let seed = server.seed();
    for (buyer, product) in [("alice", "bike"), ("bob", "lamp")] {
        let room = seed.room(buyer, product).id;
        let mut client = server.ws(buyer).await;
        client.enter(room.as_str()).await;
        client.say("bring cash, my number is 42").await;
    }
    assert_eq!(staff(&server, "GET", "/api/v1/search/all?q=cash", None).await.status, 422, "without a reason");
    // Long words and short ones, from the tail and, once it has followed, from the index.
    let found = |query: &'static str| {
        let (addr, token) = (server.addr, server.staff_token("mina"));
        async move {
            let (mut path, mut buyers) = (format!("/api/v1/search/all?q={query}&reason=fraud&limit=1"), Vec::new());
            loop {
                let page = call(addr, &token, "GET", &path, None).await.body;
                let items = page["items"].as_array().unwrap().clone();
                buyers.extend(items.iter().map(|found| found["room"]["buyer"]["id"].as_str().unwrap().to_owned()));
                let Some(cursor) = page["nextCursor"].as_str() else { break };
                path = format!("/api/v1/search/all?q={query}&reason=fraud&limit=1&cursor={cursor}");
            }
            buyers
        }
    };
    for query in ["cash", "42", "cash%20is"] {
        assert_eq!(found(query).await, ["bob", "alice"], "{query}");
    }
    until("the index has followed", || !db::is_index_behind(&mut server.pool.get().unwrap()).unwrap()).await;
    for query in ["cash", "42", "cash%20is"] {
        assert_eq!(found(query).await, ["bob", "alice"], "{query}");
    }
    assert_eq!(found("nothing").await, Vec::<String>::new());
    let log = audit(&server);
    assert_eq!(
        (log[0].reason.as_deref(), log[0].details.as_ref().unwrap().json()),
        (Some("fraud"), r#"{"q":"nothing"}"#)
    );
}

#[actix_web::test]
async fn a_warning_is_a_message_of_the_marketplace_and_reading_leaves_no_trace_for_members() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, mut sam) = server.both(room.as_str()).await;
    alice.pushes_before_ack().await;
    sam.pushes_before_ack().await;
    let path = format!("/api/v1/rooms/{room}");
    for path in [path.clone(), format!("{path}/messages"), "/api/v1/users/sam/rooms".to_owned()] {
        assert_eq!(staff(&server, "GET", &path, None).await.status, 200);
    }
    assert_eq!(alice.pushes_before_ack().await, Vec::<Value>::new());
    assert_eq!(sam.pushes_before_ack().await, Vec::<Value>::new());
    let warning = json!({"userId": "alice", "template": "outside_payment", "reason": "He wants cash"});
    let sent = staff(&server, "POST", &format!("{path}/warnings"), Some(warning)).await;
    assert_eq!(sent.status, 201, "{}", sent.body);
    for client in [&mut alice, &mut sam] {
        let warned = client.push("message").await;
        assert_eq!((&warned["kind"], &warned["data"]["code"]), (&json!("system"), &json!("warning")));
        assert!(!warned.to_string().contains("cash"));
    }
}
