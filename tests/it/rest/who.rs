//! Every route × every kind of caller.

use std::time::Duration;

use haggle::internals::{
    auth::Signer,
    clock::Clock,
    domain::UserId,
    http::policy::{Needs, RULES},
};
use serde_json::{Value, json};

use super::{ask, code};
use crate::support::{
    TestServer, WsClient,
    server::{SECRET, SERVICE_KEY, START},
    socket_io::PacketClient,
};

/// What each caller gets: a status, and a code where it is an error.
type Expected = (u16, &'static str);

const NOBODY: Expected = (401, "unauthenticated");
const EXPIRED: Expected = (401, "token_expired");
const FORBIDDEN: Expected = (403, "forbidden");
const UNKNOWN: Expected = (404, "not_found");
const OK: Expected = (200, "");
const NEW: Expected = (201, "");

/// Nobody, a bad token and an expired one, on a user's route.
const STRANGE_TO_USERS: [Expected; 3] = [NOBODY, NOBODY, EXPIRED];
/// The same on a route of the service: whatever is wrong with a user's token, it would not be enough.
const STRANGE_TO_SERVICE: [Expected; 3] = [NOBODY, NOBODY, NOBODY];
const USERS_FORBIDDEN: [Expected; 3] = [FORBIDDEN; 3];

struct Row {
    method: &'static str,
    /// As the documentation writes it.
    route: &'static str,
    path: String,
    body: Option<Value>,
    /// Without a token, with a bad one, with an expired one.
    strange: [Expected; 3],
    /// A stranger, the buyer, the seller.
    users: [Expected; 3],
    service: Expected,
}

impl Row {
    fn needs(&self) -> Needs {
        let rule = RULES.iter().find(|rule| (rule.method, rule.path) == (self.method, self.route));
        rule.unwrap_or_else(|| panic!("{} {} has no policy", self.method, self.route)).needs
    }

    /// What a member of the staff gets, who is a stranger in the room.
    fn staff(&self) -> Expected {
        match self.needs() {
            Needs::Staff | Needs::Operator | Needs::UserOrStaff => self.service,
            Needs::StaffToken => NEW,
            Needs::Service => FORBIDDEN,
            Needs::Nothing | Needs::User | Needs::UserOrService => self.users[0],
        }
    }
}

fn row(
    (method, route): (&'static str, &'static str),
    path: impl Into<String>,
    body: Option<Value>,
    strange: [Expected; 3],
    users: [Expected; 3],
    service: Expected,
) -> Row {
    Row { method, route, path: path.into(), body, strange, users, service }
}

/// Devices that are notified.
fn rows_of_push() -> Vec<Row> {
    let (push, pushed) = ("/api/v1/me/push-subscriptions", "/api/v1/me/push-subscriptions/{id}");
    let device = Some(json!({"platform": "fcm", "token": "a"}));
    vec![
        row(("GET", push), push, None, STRANGE_TO_USERS, [OK; 3], FORBIDDEN),
        // This server notifies nobody.
        row(("POST", push), push, device, STRANGE_TO_USERS, [(409, "conflict"); 3], FORBIDDEN),
        row(("DELETE", pushed), "/api/v1/me/push-subscriptions/a", None, STRANGE_TO_USERS, [(204, ""); 3], FORBIDDEN),
    ]
}

/// Offers, blocks, switches and reports, for one room and its buyer's offer.
fn rows_of_features(room: &str, offer: &str, report: &str) -> Vec<Row> {
    let user = STRANGE_TO_USERS;
    let (blocks, block) = ("/api/v1/blocks", "/api/v1/blocks/{userId}");
    let settings = "/api/v1/me/settings";
    let reports = "/api/v1/reports";
    let victor = "/api/v1/blocks/victor";
    let complaint = Some(json!({"roomId": room, "category": "spam"}));
    let conflict = (409, "conflict");
    vec![
        row(
            ("POST", "/api/v1/rooms/{id}/offers/{messageId}/answer"),
            format!("/api/v1/rooms/{room}/offers/{offer}/answer"),
            Some(json!({"answer": "decline"})),
            user,
            [FORBIDDEN, FORBIDDEN, OK],
            FORBIDDEN,
        ),
        row(
            ("POST", "/api/v1/rooms/{id}/offers"),
            format!("/api/v1/rooms/{room}/offers"),
            Some(json!({"amount": 900_000, "currency": "KRW"})),
            user,
            [FORBIDDEN, NEW, conflict],
            FORBIDDEN,
        ),
        row(("PUT", block), victor, None, user, [UNKNOWN, UNKNOWN, NEW], FORBIDDEN),
        row(("GET", blocks), blocks, None, user, [OK; 3], FORBIDDEN),
        row(("DELETE", block), victor, None, user, [(204, ""); 3], FORBIDDEN),
        row(("GET", settings), settings, None, user, [OK; 3], FORBIDDEN),
        row(("PATCH", settings), settings, Some(json!({"typing": false})), user, [OK; 3], FORBIDDEN),
        row(("POST", reports), reports, complaint, user, [FORBIDDEN, NEW, NEW], FORBIDDEN),
        row(("GET", reports), reports, None, user, USERS_FORBIDDEN, OK),
        row(("GET", "/api/v1/operations"), "/api/v1/operations", None, user, USERS_FORBIDDEN, OK),
        row(("GET", "/api/v1/reports/{id}"), format!("/api/v1/reports/{report}"), None, user, USERS_FORBIDDEN, OK),
        row(
            ("PATCH", "/api/v1/reports/{id}"),
            format!("/api/v1/reports/{report}"),
            Some(json!({"decision": "dismissed"})),
            user,
            USERS_FORBIDDEN,
            OK,
        ),
        row(
            ("POST", "/api/v1/reports/{id}/notes"),
            format!("/api/v1/reports/{report}/notes"),
            Some(json!({"text": "look again"})),
            user,
            USERS_FORBIDDEN,
            NEW,
        ),
        row(
            ("GET", "/api/v1/reports/{id}/notes"),
            format!("/api/v1/reports/{report}/notes"),
            None,
            user,
            USERS_FORBIDDEN,
            OK,
        ),
    ]
}

/// What staff does to a room and its product, which stand at the end as they stood before.
fn rows_of_staff(room: &str, support: &str) -> Vec<Row> {
    let (users, strange) = (USERS_FORBIDDEN, STRANGE_TO_USERS);
    let because = || Some(json!({"reason": "a test"}));
    let at = |rest: &str| format!("/api/v1/rooms/{room}{rest}");
    let (freeze, unlisted) = ("/api/v1/rooms/{id}/freeze", "/api/v1/products/{id}/unlisted");
    let bike = "/api/v1/products/bike/unlisted";
    let warning = Some(json!({"userId": "alice", "template": "scam", "reason": "a test"}));
    let waiting = format!("/api/v1/rooms/{support}/waiting");
    let (product_rooms, gone) = ("/api/v1/products/{id}/rooms", (204, ""));
    vec![
        row(("PUT", freeze), at("/freeze"), because(), strange, users, gone),
        row(("DELETE", freeze), at("/freeze"), None, strange, users, gone),
        row(("POST", "/api/v1/rooms/{id}/warnings"), at("/warnings"), warning, strange, users, NEW),
        row(("POST", "/api/v1/rooms/{id}/join"), at("/join"), because(), strange, users, FORBIDDEN),
        row(("POST", "/api/v1/rooms/{id}/leave"), at("/leave?userId=mina"), None, strange, users, gone),
        row(("DELETE", "/api/v1/rooms/{id}/waiting"), waiting, None, strange, users, gone),
        row(("PUT", unlisted), bike, because(), strange, users, OK),
        row(("DELETE", unlisted), bike, None, strange, users, OK),
        row(("GET", product_rooms), "/api/v1/products/bike/rooms", None, strange, users, OK),
        row(("GET", "/api/v1/search/all"), "/api/v1/search/all?q=hello&reason=test", None, strange, users, OK),
        row(("GET", "/api/v1/users"), "/api/v1/users?name=al", None, strange, users, OK),
        row(("GET", "/api/v1/mutes"), "/api/v1/mutes", None, strange, users, OK),
        row(("GET", "/api/v1/bans"), "/api/v1/bans", None, strange, users, OK),
        row(("GET", "/api/v1/staff/rooms"), "/api/v1/staff/rooms?list=waiting", None, strange, users, OK),
        row(("GET", "/api/v1/audit"), "/api/v1/audit", None, strange, users, OK),
    ]
}

/// What staff does to a user whom the marketplace has put.
fn rows_of_staff_about_users(id: &str) -> Vec<Row> {
    let (users, strange) = (USERS_FORBIDDEN, STRANGE_TO_USERS);
    let (mute, ban, notes) = ("/api/v1/users/{id}/mute", "/api/v1/users/{id}/ban", "/api/v1/users/{id}/notes");
    let at = |rest: &str| format!("/api/v1/users/{id}{rest}");
    let sanction = || Some(json!({"until": "2026-12-01T00:00:00.000Z", "reason": "a test"}));
    let gone = (204, "");
    vec![
        row(("GET", "/api/v1/users/{id}"), at(""), None, strange, users, OK),
        row(("GET", "/api/v1/users/{id}/rooms"), at("/rooms"), None, strange, users, OK),
        row(("PUT", mute), at("/mute"), sanction(), strange, users, OK),
        row(("DELETE", mute), at("/mute"), None, strange, users, gone),
        row(("PUT", ban), at("/ban"), sanction(), strange, users, OK),
        row(("DELETE", ban), at("/ban"), None, strange, users, gone),
        row(("POST", notes), at("/notes"), Some(json!({"text": "kind"})), strange, users, NEW),
        row(("GET", notes), at("/notes"), None, strange, users, OK),
        row(("POST", "/api/v1/users/{id}/disconnect"), at("/disconnect"), None, strange, users, OK),
        row(("GET", "/api/v1/users/{id}/export"), at("/export"), None, strange, users, OK),
        row(("DELETE", "/api/v1/users/{id}"), at(""), None, strange, users, gone),
    ]
}

/// Routes of users and of both, for one room and two messages of its buyer.
#[expect(clippy::too_many_lines, reason = "a table: one row per route")]
fn rows_of_users(room: &str, edited: &str, deleted: &str) -> Vec<Row> {
    let members = [FORBIDDEN, OK, OK];
    let only_buyer = [FORBIDDEN, OK, FORBIDDEN];
    let at = |rest: &str| format!("/api/v1/rooms/{room}{rest}");
    let user = STRANGE_TO_USERS;
    let one_message = "/api/v1/rooms/{id}/messages/{messageId}";
    vec![
        row(("GET", "/api/v1/me"), "/api/v1/me", None, user, [OK; 3], FORBIDDEN),
        row(("GET", "/api/v1/me/unread"), "/api/v1/me/unread", None, user, [OK; 3], FORBIDDEN),
        row(("GET", "/api/v1/rooms"), "/api/v1/rooms", None, user, [OK; 3], FORBIDDEN),
        row(
            ("POST", "/api/v1/rooms"),
            "/api/v1/rooms",
            Some(json!({"productId": "bike"})),
            user,
            [NEW, OK, (409, "own_product")],
            (422, "invalid"),
        ),
        row(("GET", "/api/v1/rooms/{id}"), at(""), None, user, members, OK),
        row(("GET", "/api/v1/rooms/{id}/messages"), at("/messages"), None, user, members, OK),
        row(
            ("POST", "/api/v1/rooms/{id}/messages"),
            at("/messages"),
            Some(json!({"text": "hello"})),
            user,
            [FORBIDDEN, NEW, NEW],
            NEW,
        ),
        row(("PUT", "/api/v1/rooms/{id}/read"), at("/read"), Some(json!({"seq": 1})), user, members, FORBIDDEN),
        row(
            ("PUT", "/api/v1/rooms/{id}/delivered"),
            at("/delivered"),
            Some(json!({"seq": 1})),
            user,
            members,
            FORBIDDEN,
        ),
        row(
            ("PATCH", "/api/v1/rooms/{id}/settings"),
            at("/settings"),
            Some(json!({"pinned": true})),
            user,
            members,
            FORBIDDEN,
        ),
        row(("POST", "/api/v1/rooms/{id}/token"), at("/token"), None, user, members, FORBIDDEN),
        row(
            ("PATCH", one_message),
            at(&format!("/messages/{edited}")),
            Some(json!({"text": "better"})),
            user,
            only_buyer,
            FORBIDDEN,
        ),
        row(
            ("PUT", "/api/v1/rooms/{id}/messages/{messageId}/reaction"),
            at(&format!("/messages/{edited}/reaction")),
            Some(json!({"emoji": "👍"})),
            user,
            members,
            FORBIDDEN,
        ),
        row(
            ("DELETE", "/api/v1/rooms/{id}/messages/{messageId}/reaction"),
            at(&format!("/messages/{edited}/reaction")),
            None,
            user,
            members,
            FORBIDDEN,
        ),
        // Its sender has deleted it before staff comes.
        row(
            ("DELETE", one_message),
            at(&format!("/messages/{deleted}?reason=a%20test")),
            None,
            user,
            only_buyer,
            (409, "conflict"),
        ),
        row(("GET", "/api/v1/search"), "/api/v1/search?q=hello", None, user, [OK; 3], FORBIDDEN),
        // A member gets as far as the form, which is none.
        row(
            ("POST", "/api/v1/rooms/{id}/images"),
            at("/images"),
            Some(json!({})),
            user,
            [FORBIDDEN, (422, "invalid"), (422, "invalid")],
            FORBIDDEN,
        ),
        row(
            ("PATCH", "/api/v1/products/{id}"),
            "/api/v1/products/bike",
            Some(json!({"status": "reserved"})),
            user,
            [FORBIDDEN, FORBIDDEN, OK],
            OK,
        ),
    ]
}

fn rows_of_the_service() -> Vec<Row> {
    let (strange, users) = (STRANGE_TO_SERVICE, USERS_FORBIDDEN);
    let (user, product) = ("/api/v1/users/{id}", "/api/v1/products/{id}");
    let mut rows = vec![
        row(("PUT", user), "/api/v1/users/zoe", Some(json!({"name": "Zoe"})), strange, users, NEW),
        row(
            ("PUT", product),
            "/api/v1/products/lamp",
            Some(json!({"sellerId": "sam", "title": "Lamp"})),
            strange,
            users,
            NEW,
        ),
        row(("GET", product), "/api/v1/products/lamp", None, STRANGE_TO_USERS, users, OK),
        row(("GET", "/api/v1/events"), "/api/v1/events", None, strange, users, OK),
    ];
    rows.extend(rows_of_staff_about_users("zoe"));
    rows
}

fn rows_of_anyone() -> Vec<Row> {
    [
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/v1/openapi.json",
        "/api/v1/currencies",
        "/api/v1/features",
        "/api/v1/origin",
    ]
    .map(|path| row(("GET", path), path, None, [OK; 3], [OK; 3], OK))
    .into_iter()
    .chain([
        row(("GET", "/api/docs"), "/api/docs", None, [(308, ""); 3], [(308, ""); 3], (308, "")),
        // The signature is the permission, and this one is none.
        row(("GET", "/api/v1/images/{key}"), "/api/v1/images/a.jpg", None, [FORBIDDEN; 3], [FORBIDDEN; 3], FORBIDDEN),
        row(("GET", "/api/docs/{file}"), "/api/docs/index.css", None, [OK; 3], [OK; 3], OK),
        row(("GET", "/embed/{file}"), "/embed/haggle.js", None, [OK; 3], [OK; 3], OK),
    ])
    .collect()
}

#[actix_web::test]
async fn every_route_answers_every_caller_as_the_table_says() {
    let server = TestServer::with(|config| config.limits.requests_per_second_max = None).await;
    let seed = server.seed();
    let room = seed.room("alice", "bike");
    seed.user("mallory");
    // Of whom the seller knows, and nobody else.
    seed.room("victor", "bike");
    let messages = seed.messages(&room.id, "alice", 2);
    let offer = seed.offer(&room.id, "alice", 900_000);
    let report = seed.report(&room.id, "alice");
    let document = ask(server.addr, "", "GET", "/api/v1/openapi.json", None).await.body;

    let expired = Signer::hs256(SECRET.as_bytes()).unwrap().sign(
        &UserId::new("alice").unwrap(),
        None,
        Duration::from_secs(60),
        &Clock::manual(START.plus_ms(-3_600_000)),
    );
    let tokens = [
        String::new(),
        "not.a.token".to_owned(),
        expired,
        server.token("mallory"),
        server.token("alice"),
        server.token("sam"),
        server.staff_token("mina"),
        SERVICE_KEY.to_owned(),
    ];
    let mut rows = rows_of_users(room.id.as_str(), messages[0].id.as_str(), messages[1].id.as_str());
    let features = rows_of_features(room.id.as_str(), offer.id.as_str(), &report);
    rows.splice(0..0, features);
    rows.extend(rows_of_push());
    rows.extend(rows_of_staff(room.id.as_str(), seed.support_room("victor").as_str()));
    rows.extend(rows_of_the_service());
    rows.extend(rows_of_anyone());
    for row in &rows {
        let staff = row.staff();
        let expected: Vec<_> = row.strange.iter().chain(&row.users).chain([&staff, &row.service]).collect();
        for (token, (status, expected)) in tokens.iter().zip(expected) {
            let what = format!("{} {} as {token:.12}", row.method, row.path);
            let answer = ask(server.addr, token, row.method, &row.path, row.body.clone()).await;
            assert_eq!((answer.status, code(&answer)), (*status, *expected), "{what}: {}", answer.body);
            let responses = &document["paths"][row.route][row.method.to_lowercase()]["responses"];
            assert!(responses[status.to_string()].is_object(), "{what}: {status} is not documented");
            let is_everybodys =
                ["openapi.json", "currencies", "features", "origin"].iter().any(|end| row.route.ends_with(end));
            if row.route.starts_with("/api/v1/") && !is_everybodys {
                assert_eq!(answer.header("cache-control"), Some("private, no-store"), "{what}");
            }
        }
    }
    // What answers HEAD is what answers GET, by the same handler.
    let methods =
        document["paths"].as_object().unwrap().values().flat_map(|methods| methods.as_object().unwrap().keys());
    let documented = methods.filter(|method| *method != "head").count();
    assert_eq!(rows.len(), documented, "the table leaves out a route");
}

#[actix_web::test]
async fn a_stranger_and_a_missing_room_get_the_same_answer() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    server.seed().user("mallory");
    let mallory = server.token("mallory");
    for (method, rest, body) in [
        ("GET", "", None),
        ("GET", "/messages", None),
        ("POST", "/messages", Some(json!({"text": "hello"}))),
        ("PUT", "/read", Some(json!({"seq": 1}))),
        ("PUT", "/delivered", Some(json!({"seq": 1}))),
        ("POST", "/token", None),
        ("POST", "/offers", Some(json!({"amount": 1, "currency": "KRW"}))),
        ("POST", "/offers/m/answer", Some(json!({"answer": "accept"}))),
        ("PATCH", "/messages/m", Some(json!({"text": "hello"}))),
        ("DELETE", "/messages/m", None),
    ] {
        let mut answers = Vec::new();
        for id in [room.id.as_str(), "no-such-room"] {
            let answer = ask(server.addr, &mallory, method, &format!("/api/v1/rooms/{id}{rest}"), body.clone()).await;
            assert_eq!((answer.status, code(&answer)), FORBIDDEN, "{method} {rest}");
            answers.push(answer.body["detail"].clone());
        }
        assert_eq!(answers[0], answers[1], "{method} {rest}");
    }
}

#[actix_web::test]
async fn the_token_of_a_removed_user_opens_nothing_on_any_route_or_wire() {
    let server = TestServer::start().await;
    let seed = server.seed();
    let room = seed.room("alice", "bike");
    let messages = seed.messages(&room.id, "alice", 2);
    let (offer, report) = (seed.offer(&room.id, "alice", 900_000), seed.report(&room.id, "alice"));
    let mut rows = rows_of_users(room.id.as_str(), messages[0].id.as_str(), messages[1].id.as_str());
    rows.extend(rows_of_features(room.id.as_str(), offer.id.as_str(), &report));
    rows.extend(rows_of_push());
    rows.extend(rows_of_staff(room.id.as_str(), seed.support_room("victor").as_str()));
    rows.extend(rows_of_the_service());
    // The buyer, the seller, and a user whom the marketplace has put and who has done nothing.
    seed.user("mallory");
    let tokens = ["alice", "sam", "mallory"].map(|user| (user, server.token(user)));
    for (user, token) in &tokens {
        let mut live = server.ws(user).await;
        let removed = ask(server.addr, SERVICE_KEY, "DELETE", &format!("/api/v1/users/{user}"), None).await;
        assert_eq!(removed.status, 204);
        assert_eq!(live.closed().await, Some(4003), "{user}");
        for row in &rows {
            let answer = ask(server.addr, token, row.method, &row.path, row.body.clone()).await;
            assert_eq!((answer.status, code(&answer)), FORBIDDEN, "{} {} as {user}", row.method, row.path);
        }
        let refused = WsClient::connect(server.addr, token).await.err().unwrap();
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("forbidden")), "{user}");
        let mut over_socket_io = PacketClient::open(server.addr).await;
        for namespace in ["/chat", "/inbox"] {
            let refused = over_socket_io.refused(namespace, json!({ "token": token })).await;
            assert_eq!(refused["data"]["code"], "forbidden", "{user} in {namespace}");
        }
    }
    let again = ask(server.addr, SERVICE_KEY, "DELETE", "/api/v1/users/alice", None).await;
    assert_eq!(again.status, 204);
    let back = ask(server.addr, SERVICE_KEY, "PUT", "/api/v1/users/alice", Some(json!({"name": "Alice"}))).await;
    assert_eq!((back.status, code(&back)), (409, "conflict"));
}

#[actix_web::test]
async fn the_token_of_a_banned_user_opens_nothing_on_any_route_or_wire_until_the_ban_ends() {
    let server = TestServer::with(|config| config.limits.requests_per_second_max = None).await;
    let seed = server.seed();
    let room = seed.room("alice", "bike");
    seed.user("mallory");
    let messages = seed.messages(&room.id, "alice", 2);
    let (offer, report) = (seed.offer(&room.id, "alice", 900_000), seed.report(&room.id, "alice"));
    let mut rows = rows_of_users(room.id.as_str(), messages[0].id.as_str(), messages[1].id.as_str());
    rows.extend(rows_of_features(room.id.as_str(), offer.id.as_str(), &report));
    rows.extend(rows_of_push());
    rows.extend(rows_of_staff(room.id.as_str(), seed.support_room("victor").as_str()));
    rows.extend(rows_of_the_service());
    let until = START.plus_ms(60_000).to_string();
    for (user, body) in [
        ("alice", json!({"until": until, "reason": "a test"})),
        ("sam", json!({"reason": "a test"})),
        // Also one of the staff's own.
        ("mallory", json!({"until": until, "reason": "a test"})),
    ] {
        let token = if user == "mallory" { server.staff_token(user) } else { server.token(user) };
        let mut live = server.ws(user).await;
        let path = format!("/api/v1/users/{user}/ban");
        let banned = ask(server.addr, SERVICE_KEY, "PUT", &path, Some(body.clone())).await;
        assert_eq!(banned.status, 200, "{}", banned.body);
        let notice = live.push("error").await;
        assert_eq!((&notice["code"], &notice["until"]), (&json!("banned"), &body["until"]), "{user}");
        assert_eq!(live.closed().await, Some(4003), "{user}");
        for row in &rows {
            let answer = ask(server.addr, &token, row.method, &row.path, row.body.clone()).await;
            let expected = if row.needs() == Needs::Service { FORBIDDEN } else { (403, "banned") };
            assert_eq!((answer.status, code(&answer)), expected, "{} {} as {user}", row.method, row.path);
        }
        let refused = WsClient::connect(server.addr, &token).await.err().unwrap();
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("banned")), "{user}");
        assert_eq!(refused.body["until"], body["until"], "{user}");
        let mut over_socket_io = PacketClient::open(server.addr).await;
        for namespace in ["/chat", "/inbox"] {
            let refused = over_socket_io.refused(namespace, json!({ "token": token })).await;
            assert_eq!(refused["data"]["code"], "banned", "{user} in {namespace}");
        }
    }
    server.advance(Duration::from_secs(61));
    let me = |user: &'static str| {
        let token = server.token(user);
        async move { ask(server.addr, &token, "GET", "/api/v1/me", None).await.status }
    };
    assert_eq!((me("alice").await, me("sam").await), (200, 403), "one ends by itself");
    let ended = ask(server.addr, SERVICE_KEY, "DELETE", "/api/v1/users/sam/ban", None).await;
    assert_eq!((ended.status, me("sam").await), (204, 200));
    server.ws("sam").await.enter(room.id.as_str()).await;
}

#[actix_web::test]
async fn a_muted_user_may_do_everything_but_say_something() {
    let server = TestServer::with(|config| config.limits.requests_per_second_max = None).await;
    let seed = server.seed();
    let room = seed.room("alice", "bike");
    let messages = seed.messages(&room.id, "alice", 2);
    let (offer, report) = (seed.offer(&room.id, "sam", 900_000), seed.report(&room.id, "alice"));
    let mute = json!({"until": START.plus_ms(60_000).to_string(), "reason": "a test"});
    let muted = ask(server.addr, SERVICE_KEY, "PUT", "/api/v1/users/alice/mute", Some(mute)).await;
    assert_eq!(muted.status, 200);
    let mut rows = rows_of_users(room.id.as_str(), messages[0].id.as_str(), messages[1].id.as_str());
    rows.extend(rows_of_features(room.id.as_str(), offer.id.as_str(), &report));
    rows.extend(rows_of_push());
    let speaks = [
        ("POST", "/api/v1/rooms/{id}/messages"),
        ("PATCH", "/api/v1/rooms/{id}/messages/{messageId}"),
        ("PUT", "/api/v1/rooms/{id}/messages/{messageId}/reaction"),
        ("POST", "/api/v1/rooms/{id}/offers"),
    ];
    for row in &rows {
        let answer = ask(server.addr, &server.token("alice"), row.method, &row.path, row.body.clone()).await;
        let is_speaking = speaks.contains(&(row.method, row.route));
        assert_eq!(code(&answer) == "muted", is_speaking, "{} {}: {}", row.method, row.path, answer.body);
    }
}

#[actix_web::test]
async fn without_the_demo_its_routes_do_not_exist() {
    let server = TestServer::start().await;
    server.seed().user("alice");
    for (method, path) in
        [("GET", "/api/v1/demo/users"), ("GET", "/api/v1/demo/products"), ("POST", "/api/v1/demo/sign-in")]
    {
        let answer = ask(server.addr, "", method, path, Some(json!({"userId": "alice"}))).await;
        assert_eq!((answer.status, code(&answer)), (404, "not_found"), "{method} {path}");
    }
}

#[actix_web::test]
async fn under_the_demo_anyone_signs_in_as_one_of_its_users() {
    let server = TestServer::with(|config| config.demo = true).await;
    server.seed().room("alice", "bike");
    let users = ask(server.addr, "", "GET", "/api/v1/demo/users", None).await.body;
    let roles: Vec<_> = users["items"].as_array().unwrap().iter().map(|user| (&user["id"], &user["role"])).collect();
    let staff = (&json!("moderator"), &json!("staff"));
    assert_eq!(roles, [(&json!("alice"), &json!("buyer")), (&json!("sam"), &json!("seller")), staff]);
    let products = ask(server.addr, "", "GET", "/api/v1/demo/products", None).await.body;
    assert_eq!(products["items"][0]["id"], "bike");

    let signed = ask(server.addr, "", "POST", "/api/v1/demo/sign-in", Some(json!({"userId": "alice"}))).await.body;
    assert_eq!(signed["expiresAt"], START.plus_ms(3_600_000).to_string());
    let me = ask(server.addr, signed["token"].as_str().unwrap(), "GET", "/api/v1/me", None).await.body;
    assert_eq!(me, json!({"id": "alice", "name": "alice"}));

    let signed = ask(server.addr, "", "POST", "/api/v1/demo/sign-in", Some(json!({"userId": "moderator"}))).await.body;
    let bans = ask(server.addr, signed["token"].as_str().unwrap(), "GET", "/api/v1/bans", None).await;
    assert_eq!(bans.status, 200, "the moderator is a member of the staff");

    let nobody = ask(server.addr, "", "POST", "/api/v1/demo/sign-in", Some(json!({"userId": "nobody"}))).await;
    assert_eq!((nobody.status, code(&nobody)), (404, "not_found"));
}
