//! An image leaves the server by its addresses, whichever way a message takes, and never by its keys.

use std::{collections::BTreeSet, io::Cursor, time::Duration};

use haggle::internals::{
    config::{Secret, WebhookTarget},
    domain::WebhookEvents,
};
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

use crate::support::{
    TestServer,
    rest::{call, upload},
    server::SERVICE_KEY,
    socket_io::PacketClient,
    until,
    webhook::Backend,
};

/// What a route that answers with messages is called in the OpenAPI document: those that are tried below …
const TRIED: [&str; 17] = [
    "sendImage",
    "sendMessage",
    "editMessage",
    "react",
    "takeBackReaction",
    "listMessages",
    "listRooms",
    "getRoom",
    "searchMessages",
    "listEvents",
    "listReports",
    "getReport",
    "updateReport",
    "listUserRooms",
    "listProductRooms",
    "listStaffRooms",
    "searchAllMessages",
];

/// … and those whose message is never an image, or an image no more.
const WITHOUT_IMAGES: [&str; 4] = ["makeOffer", "answerOffer", "deleteMessage", "warnUser"];

const PUBLIC_URL: &str = "https://chat.example/talk";

/// Checks that what went out has an image, each with its addresses alone.
#[track_caller]
fn assert_addressed(way: &str, out: &Value, base: &str) {
    fn images<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| images(item, found)),
            Value::Object(fields) => {
                if fields.get("kind").is_some_and(|kind| kind == "image") {
                    found.extend(fields.get("data"));
                }
                fields.values().for_each(|item| images(item, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    images(out, &mut found);
    assert!(!found.is_empty(), "{way} has no image: {out}");
    for data in found {
        for name in ["url", "thumbnailUrl"] {
            let url = data[name].as_str().unwrap_or_default();
            assert!(url.starts_with(&format!("{base}/api/v1/images/")), "{way}: {name} of {data}");
        }
        assert!(
            way == "the export" || (data.get("key").is_none() && data.get("thumbnailKey").is_none()),
            "{way}: {data}"
        );
    }
}

fn picture() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(8, 8).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Everything that goes out of an image that alice sends to sam, by the name of its way.
async fn ways_out(server: &TestServer, backend: &Backend, base: &str) {
    let room = server.seed().room("alice", "bike");
    let (room, alice, sam) = (room.id.as_str(), server.token("alice"), server.token("sam"));
    let images = format!("/api/v1/rooms/{room}/images");
    let (mut plain, mut inbox) = (server.ws("sam").await, server.ws("sam").await);
    plain.enter(room).await;
    let mut packets = PacketClient::open(server.addr).await;
    packets.join("/inbox", json!({"token": sam})).await;
    let pid = packets.join("/chat", json!({"token": sam})).await["pid"].clone();
    packets.request("/chat", "enterRoom", room).await;
    let offset = packets.event("/chat", "offset").await.remove(0);

    let fields = [("clientId", "c1"), ("text", "a bicycle")];
    let sent = upload(server.addr, &alice, &images, &picture(), &fields).await;
    assert_addressed("POST of an image", &sent.body, base);
    let again = upload(server.addr, &alice, &images, &picture(), &fields).await;
    assert_addressed("the same again", &again.body, base);
    assert_addressed("`message` on the plain wire", &plain.push("message").await, base);
    assert_addressed("`roomUpdated` on the plain wire", &inbox.push("roomUpdated").await, base);
    assert_addressed("`message` over Socket.IO", &packets.event("/chat", "message").await[0], base);
    assert_addressed("`roomUpdated` over Socket.IO", &packets.event("/inbox", "roomUpdated").await[0], base);
    assert_addressed("`enterRoom` on the plain wire", &server.ws("sam").await.enter(room).await, base);
    let mut other = PacketClient::open(server.addr).await;
    other.join("/chat", json!({"token": sam})).await;
    assert_addressed("`enterRoom` over Socket.IO", &other.request("/chat", "enterRoom", room).await, base);

    let sessions = server.metrics.sessions.get();
    drop(packets);
    until("the transport's end is known", || server.metrics.sessions.get() < sessions).await;
    let mut packets = PacketClient::open(server.addr).await;
    packets.join("/chat", json!({"token": sam, "pid": pid, "offset": offset})).await;
    assert_addressed("a replay", &packets.event("/chat", "message").await[0], base);

    let message = format!("/api/v1/rooms/{room}/messages/{}", sent.body["id"].as_str().unwrap());
    let edited = call(server.addr, &alice, "PATCH", &message, Some(json!({"text": "a red bicycle"}))).await;
    assert_addressed("PATCH of a message", &edited.body, base);
    assert_addressed("`messageUpdated` on the plain wire", &plain.push("messageUpdated").await, base);
    assert_addressed("`messageUpdated` over Socket.IO", &packets.event("/chat", "messageUpdated").await[0], base);
    let edit = json!({"messageId": sent.body["id"], "text": "a blue bicycle"});
    let edited = server.ws("alice").await.request("editMessage", edit).await.unwrap();
    assert_addressed("the answer of `editMessage`", &edited, base);
    reactions(server, &message, base).await;
    let same = json!({"text": "a bicycle", "clientId": "c1"});
    let same = call(server.addr, &alice, "POST", &format!("/api/v1/rooms/{room}/messages"), Some(same)).await;
    assert_addressed("POST of a message with the image's `clientId`", &same.body, base);

    for (token, path) in [
        (&*sam, format!("/api/v1/rooms/{room}/messages")),
        (&*sam, "/api/v1/rooms".to_owned()),
        (&*sam, format!("/api/v1/rooms/{room}")),
        (&*sam, "/api/v1/search?q=bicycle".to_owned()),
        (SERVICE_KEY, "/api/v1/events".to_owned()),
        (SERVICE_KEY, format!("/api/v1/rooms/{room}")),
        (SERVICE_KEY, format!("/api/v1/rooms/{room}/messages")),
        (SERVICE_KEY, "/api/v1/users/sam/rooms".to_owned()),
        (SERVICE_KEY, "/api/v1/products/bike/rooms".to_owned()),
        (SERVICE_KEY, "/api/v1/search/all?q=bicycle&reason=test".to_owned()),
    ] {
        assert_addressed(&path, &call(server.addr, token, "GET", &path, None).await.body, base);
    }
    staff_lists(server, room, &sent.body["id"], base).await;

    server.advance(Duration::from_secs(300));
    assert_addressed("a webhook", &backend.hooks(1).await.remove(0).body, base);
}

async fn reactions(server: &TestServer, message: &str, base: &str) {
    for (method, body) in [("PUT", Some(json!({"emoji": "👍"}))), ("DELETE", None)] {
        let answer = call(server.addr, &server.token("sam"), method, &format!("{message}/reaction"), body).await;
        assert_addressed(&format!("{method} of a reaction"), &answer.body, base);
    }
}

/// What the staff is shown of reports, and of conversations.
async fn staff_lists(server: &TestServer, room: &str, message: &Value, base: &str) {
    reports(server, room, message, base).await;
    frozen(server, room, base).await;
}

/// The conversations that the marketplace has frozen.
async fn frozen(server: &TestServer, room: &str, base: &str) {
    let freeze = format!("/api/v1/rooms/{room}/freeze");
    let because = Some(json!({"reason": "a test"}));
    assert_eq!(call(server.addr, SERVICE_KEY, "PUT", &freeze, because).await.status, 204);
    let listed = call(server.addr, SERVICE_KEY, "GET", "/api/v1/staff/rooms?list=frozen", None).await.body;
    assert_addressed("the frozen rooms", &listed, base);
    assert_eq!(call(server.addr, SERVICE_KEY, "DELETE", &freeze, None).await.status, 204);
}

async fn reports(server: &TestServer, room: &str, message: &Value, base: &str) {
    let report = json!({"roomId": room, "messageId": message, "category": "spam"});
    let receipt = call(server.addr, &server.token("sam"), "POST", "/api/v1/reports", Some(report)).await;
    let listed = call(server.addr, SERVICE_KEY, "GET", "/api/v1/reports?state=open", None).await;
    assert_addressed("GET of reports", &listed.body, base);
    let path = format!("/api/v1/reports/{}", receipt.body["id"].as_str().unwrap());
    assert_addressed("GET of a report", &call(server.addr, SERVICE_KEY, "GET", &path, None).await.body, base);
    let decided = call(server.addr, SERVICE_KEY, "PATCH", &path, Some(json!({"decision": "dismissed"}))).await;
    assert_addressed("PATCH of a report", &decided.body, base);
}

async fn serving(public_url: Option<&str>) -> (TestServer, Backend) {
    let backend = Backend::start().await;
    let url = format!("http://{}/hook", backend.addr);
    let server = TestServer::with(|config| {
        let secret = Secret::new("a secret of webhooks, 32 bytes or more");
        config.webhook = Some(WebhookTarget {
            url,
            secret,
            events: WebhookEvents::default(),
            notify_unread_after: Duration::from_secs(300),
        });
        config.public_url = public_url.map(str::to_owned);
    })
    .await;
    (server, backend)
}

#[actix_web::test]
async fn an_image_has_its_addresses_whichever_way_it_goes_out() {
    let (server, backend) = serving(None).await;
    ways_out(&server, &backend, "").await;
    // Also one that the marketplace has removed, to staff.
    let rooms = call(server.addr, SERVICE_KEY, "GET", "/api/v1/users/sam/rooms", None).await.body;
    let (room, message) = (&rooms["items"][0]["id"], &rooms["items"][0]["lastMessage"]["id"]);
    let path = format!("/api/v1/rooms/{}/messages", room.as_str().unwrap());
    let one = format!("{path}/{}?reason=test", message.as_str().unwrap());
    assert_eq!(call(server.addr, SERVICE_KEY, "DELETE", &one, None).await.status, 200);
    let read = call(server.addr, SERVICE_KEY, "GET", &path, None).await.body;
    assert_addressed("a removed message", &read["items"][0]["beforeRemoval"], "");
}

#[actix_web::test]
async fn with_a_public_address_those_of_images_are_whole() {
    let (server, backend) = serving(Some(PUBLIC_URL)).await;
    ways_out(&server, &backend, PUBLIC_URL).await;
    let sam = server.token("sam");
    let rooms = call(server.addr, &sam, "GET", "/api/v1/rooms", None).await;
    let url = rooms.body["items"][0]["lastMessage"]["data"]["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(PUBLIC_URL).unwrap();
    assert_eq!(call(server.addr, "", "GET", path, None).await.status, 200);
}

#[actix_web::test]
async fn an_export_has_images_by_their_addresses_and_by_their_keys() {
    let server = TestServer::with(|config| config.public_url = Some(PUBLIC_URL.to_owned())).await;
    let room = server.seed().room("alice", "bike");
    let path = format!("/api/v1/rooms/{}/images", room.id);
    assert_eq!(upload(server.addr, &server.token("alice"), &path, &picture(), &[]).await.status, 201);
    let export = call(server.addr, SERVICE_KEY, "GET", "/api/v1/users/alice/export", None).await;
    let lines = export.text.lines();
    let image = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()).find(|line| line["kind"] == "image");
    let image = image.unwrap_or_else(|| panic!("{}", export.text));
    assert_addressed("the export", &image, PUBLIC_URL);
    assert!(image["data"]["key"].is_string() && image["data"]["thumbnailKey"].is_string(), "an import needs them");
}

#[actix_web::test]
async fn every_route_that_answers_with_messages_is_tried() {
    let server = TestServer::start().await;
    let document = call(server.addr, "", "GET", "/api/v1/openapi.json", None).await.body;
    let mut with_messages = BTreeSet::from(["#/components/schemas/StoredMessage".to_owned()]);
    let mentions = |value: &Value, names: &BTreeSet<String>| {
        let text = value.to_string();
        names.iter().any(|name| text.contains(&format!("\"{name}\"")))
    };
    loop {
        let before = with_messages.len();
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            if mentions(schema, &with_messages) {
                with_messages.insert(format!("#/components/schemas/{name}"));
            }
        }
        if with_messages.len() == before {
            break;
        }
    }
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let found: BTreeSet<&str> = operations
        .filter(|operation| mentions(&operation["responses"], &with_messages))
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(found, TRIED.into_iter().chain(WITHOUT_IMAGES).collect(), "a new way out: try it above");
}
