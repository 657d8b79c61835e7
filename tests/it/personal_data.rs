//! A person's data: all of it for them, and nothing left of it when they go.

use std::{
    io::Cursor,
    path::Path,
    time::{Duration, Instant},
};

use haggle::internals::{
    config::Config,
    db::{self, ImportOptions, MessagePage},
    domain::Seq,
};
use serde_json::{Value, json};

use crate::support::{
    TestServer, database, postgres,
    rest::{self, Answer},
    server::{SERVICE_KEY, START},
    until,
};

async fn call(server: &TestServer, method: &str, path: &str) -> Answer {
    rest::call(server.addr, SERVICE_KEY, method, path, None).await
}

#[actix_web::test]
async fn an_export_is_what_import_reads_and_comes_out_the_same() {
    let server = TestServer::start().await;
    let seed = server.seed();
    for product in ["bike", "lamp", "boat"] {
        let room = seed.room("alice", product);
        seed.messages(&room.id, "alice", 2_000);
        seed.messages(&room.id, "sam", 1);
    }
    let path = "/api/v1/users/alice/export";
    let exported = call(&server, "GET", path).await;
    assert!(exported.head.contains("application/x-ndjson"), "{}", exported.head);
    let Value::String(lines) = exported.body else { panic!() };
    assert_eq!(lines.lines().count(), 2 + 3 + 3 + 3 * 2_000);

    let other = TestServer::start().await;
    let options = ImportOptions { now: START, shift_ms: 0 };
    let (_, bad) = db::import_str(&mut other.pool.get().unwrap(), &lines, options).unwrap();
    assert_eq!(bad, []);
    assert_eq!(call(&other, "GET", path).await.body, Value::String(lines));
    assert_eq!(call(&other, "GET", "/api/v1/users/nobody/export").await.status, 404);
    assert_eq!(rest::call(other.addr, &other.token("alice"), "GET", path, None).await.status, 403);
}

/// Words that appear nowhere else: a name, an older one, and words that were sent, edited, deleted and loaded.
const NEEDLES: [&str; 9] = [
    "Quetzalcoatl Zyxwvut",
    "Xylophonia Formerly",
    "wherever-the-zebra-sleeps",
    "crimson-umbrella-before-edit",
    "turquoise-umbrella-after-edit",
    "deleted-long-ago-by-herself",
    "data-of-hers-in-json",
    "key-of-hers-7261",
    "/pictures/of-herself-9182.jpg",
];

/// Which of the needles, whole or half, is in which file of a folder.
fn found_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        // The price of her offer: as a whole, for half of it may be in an id.
        if bytes.windows(9).any(|window| window == b"987654321") {
            found.push(format!("her offer in {}", path.display()));
        }
        for needle in NEEDLES {
            for part in [needle, &needle[..needle.len() / 2], &needle[needle.len() / 2..]] {
                if bytes.windows(part.len()).any(|window| window == part.as_bytes()) {
                    found.push(format!("{part} in {}", path.display()));
                }
            }
        }
    }
    found
}

fn on_file(folder: &Path) -> impl FnOnce(&mut Config) + use<> {
    let (url, images) = (database::url_in(folder), folder.join("haggle.db-images").display().to_string());
    move |config| {
        config.image_store = images;
        config.database_url = url;
        config.limits.sends_per_second_max = None;
    }
}

/// Hers among the words of many others, in rooms that share their pages. Returns her room with sam.
async fn talk(server: &TestServer) -> String {
    let seed = server.seed();
    for name in ["Xylophonia Formerly", "Quetzalcoatl Zyxwvut"] {
        // With others before and after her in the table.
        for other in 0..200 {
            seed.user(&format!("a{other}-{}", name.len()));
            seed.user(&format!("z{other}-{}", name.len()));
        }
        let body = json!({"name": name, "avatarUrl": "/pictures/of-herself-9182.jpg"});
        let put = rest::call(server.addr, SERVICE_KEY, "PUT", "/api/v1/users/quetzal", Some(body)).await;
        assert!(put.status < 300, "{put:?}");
    }
    seed.product("bike", "sam");
    let body = json!({"productId": "bike"});
    let room = rest::call(server.addr, &server.token("quetzal"), "POST", "/api/v1/rooms", Some(body)).await;
    let room = room.body["id"].as_str().unwrap().to_owned();
    let neighbour = seed.room("alice", "bike");
    let mut her = server.ws("quetzal").await;
    her.enter(&room).await;
    for turn in 0..60 {
        seed.messages(&neighbour.id, "alice", 5);
        let text =
            format!("wherever-the-zebra-sleeps {turn} {}", "long ".repeat(if turn % 10 == 0 { 2000 } else { turn }));
        let data = json!({"roomId": room, "text": text, "data": {"x": "data-of-hers-in-json"}, "clientId": format!("key-of-hers-7261-{turn}")});
        her.request("message", data).await.unwrap();
        let edited = her.say("crimson-umbrella-before-edit").await;
        let text = format!("turquoise-umbrella-after-edit {}", "much longer than before ".repeat(20));
        her.request("editMessage", json!({"messageId": edited["id"], "text": text})).await.unwrap();
        let deleted = her.say("deleted-long-ago-by-herself").await;
        her.request("deleteMessage", json!({"messageId": deleted["id"]})).await.unwrap();
    }
    let report = json!({"roomId": room, "category": "spam"});
    let reported = rest::call(server.addr, &server.token("sam"), "POST", "/api/v1/reports", Some(report)).await;
    assert_eq!(reported.status, 201, "{reported:?}");
    let offer = json!({"roomId": room, "amount": 987_654_321, "currency": "KRW"});
    her.request("offer", offer).await.unwrap();
    let mut photo = Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(64, 48).write_to(&mut photo, image::ImageFormat::Png).unwrap();
    let path = format!("/api/v1/rooms/{room}/images");
    let text = ("text", "turquoise-umbrella-after-edit in a picture");
    let sent = rest::upload(server.addr, &server.token("quetzal"), &path, &photo.into_inner(), &[text]).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    // What was indexed for a search.
    let found = rest::call(server.addr, &server.token("sam"), "GET", "/api/v1/search?q=zebra", None).await;
    assert!(!found.body["items"].as_array().unwrap().is_empty(), "{found:?}");
    her.close().await;
    room
}

fn images_in(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("haggle.db-images")).unwrap().count()
}

#[actix_web::test]
async fn after_an_erasure_no_byte_of_the_name_or_the_words_is_left() {
    if database::is_about_sqlite_files() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::with(on_file(folder.path())).await;
    let room = talk(&server).await;
    assert!(!found_in(folder.path()).is_empty() || postgres::is_wanted());
    let (mut sam, mut her) = (server.ws("sam").await, server.ws("quetzal").await);
    sam.enter(&room).await;
    let words = sam.say("what sam said stays").await;
    let last = her.request("message", json!({"roomId": room, "text": "wherever-the-zebra-sleeps last"})).await.unwrap();
    assert_eq!(sam.push("message").await["seq"], words["seq"]);

    assert_eq!(call(&server, "DELETE", "/api/v1/users/quetzal").await.status, 204);
    assert_eq!(found_in(folder.path()), Vec::<String>::new());
    assert_eq!(images_in(folder.path()), 0);
    let found = rest::call(server.addr, &server.token("sam"), "GET", "/api/v1/search?q=umbrella", None).await;
    assert_eq!(found.body["items"], json!([]));
    assert_eq!(her.closed().await, Some(4003));

    // The other member is notified, and keeps their own words and each message's position.
    let mut update = sam.push("roomUpdated").await;
    while update["lastMessage"].get("deletedAt").is_none() {
        update = sam.push("roomUpdated").await;
    }
    assert_eq!((&update["lastMessage"]["id"], &update["unread"]), (&last["id"], &json!(0)));
    let nobody = json!({
        "id": "quetzal", "name": "Deleted user", "nameCode": "deleted_user", "readSeq": 0, "deliveredSeq": 0,
    });
    assert_eq!(update["other"], nobody, "nor how far they had read, nor when they were last seen");
    let told = sam.pushes_before_ack().await;
    assert!(told.iter().any(|push| push["event"] == "messageUpdated" && push["data"]["id"] == last["id"]));
    let mut after = 0;
    loop {
        let page = sam.request("enterRoom", json!({"roomId": room, "after": after})).await.unwrap();
        for message in page["messages"].as_array().unwrap() {
            after += 1;
            assert_eq!(message["seq"], json!(after));
            let kept = message["senderId"] == "sam";
            assert_eq!((message.get("text").is_some(), message.get("deletedAt").is_none()), (kept, kept), "{message}");
            assert!(message.get("data").is_none() && message.get("clientId").is_none());
        }
        if page["hasMore"] == false {
            break;
        }
    }
    assert_eq!(json!(after), last["seq"]);
    // Twice is once, and others are as they were.
    assert_eq!(call(&server, "DELETE", "/api/v1/users/quetzal").await.status, 204);
    assert_eq!(call(&server, "GET", "/api/v1/users/quetzal/export").await.status, 404);
    let Value::String(alice) = call(&server, "GET", "/api/v1/users/alice/export").await.body else { panic!() };
    assert_eq!(alice.lines().filter(|line| line.contains(r#""type":"message""#)).count(), 300);
    let error = sam.request("message", json!({"roomId": room, "text": "and goes on"})).await.unwrap_err();
    assert_eq!(error.code, "blocked", "nobody is there any more");
}

#[actix_web::test]
async fn an_erasure_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = TestServer::with(on_file(folder.path())).await;
    talk(&first).await;
    // Stored, and the process has ended.
    first.seed().delete_user_behind_the_server("quetzal");
    assert!(first.drain());
    assert!(!found_in(folder.path()).is_empty() || postgres::is_wanted());

    let second = TestServer::with(on_file(folder.path())).await;
    until("the erasure", || db::list_erasures(&mut second.pool.get().unwrap()).unwrap().is_empty()).await;
    assert_eq!(found_in(folder.path()), Vec::<String>::new());
}

#[actix_web::test]
async fn others_go_on_while_somebody_with_very_many_messages_is_erased() {
    let server = TestServer::with(|config| config.limits.sends_per_second_max = None).await;
    let seed = server.seed();
    let (hers, ours) = (seed.room("quetzal", "bike"), seed.room("alice", "bike"));
    for _ in 0..4 {
        seed.messages(&hers.id, "quetzal", 5_000);
    }
    let mut alice = server.ws("alice").await;
    alice.enter(ours.id.as_str()).await;
    let addr = server.addr;
    let erasing = actix_web::rt::spawn(async move {
        rest::call(addr, SERVICE_KEY, "DELETE", "/api/v1/users/quetzal", None).await.status
    });
    let mut sent = 0;
    while !erasing.is_finished() {
        alice.say("meanwhile").await;
        sent += 1;
    }
    assert!(erasing.await.unwrap() / 100 == 2 && sent > 20, "{sent}");
    until("the erasure", || db::list_erasures(&mut server.pool.get().unwrap()).unwrap().is_empty()).await;
    let left = db::list_messages(
        &mut server.pool.get().unwrap(),
        &hers.id,
        MessagePage::After { seq: Seq(0), limit: 50_000 },
        usize::MAX,
    );
    let left = left.unwrap().items;
    assert!(left.len() == 20_000 && left.iter().all(|message| message.text.is_none() && message.deleted_at.is_some()));
}

#[actix_web::test]
async fn a_snapshot_that_another_process_keeps_open_delays_an_erasure_and_nothing_else() {
    if database::is_about_sqlite_files() {
        return;
    }
    let server = TestServer::with(|config| config.limits.sends_per_second_max = None).await;
    let seed = server.seed();
    let (gone, room) = (seed.room("alice", "bike"), seed.room("bob", "bike"));
    seed.messages(&gone.id, "alice", 20);
    let mut operator = server.pool.get().unwrap();
    operator.batch_execute("BEGIN; SELECT count(*) FROM messages").unwrap();

    let began = Instant::now();
    let addr = server.addr;
    let erased =
        actix_web::rt::spawn(async move { rest::call(addr, SERVICE_KEY, "DELETE", "/api/v1/users/alice", None).await });
    let mut bob = server.ws("bob").await;
    bob.enter(room.id.as_str()).await;
    // Until the words are gone, and then through several tries to empty the log.
    let mut longest = Duration::ZERO;
    while began.elapsed() < Duration::from_millis(2500) {
        let sent = Instant::now();
        bob.request("message", json!({"roomId": room.id, "text": "hello"})).await.unwrap();
        longest = longest.max(sent.elapsed());
    }
    assert!(longest < Duration::from_secs(2), "a message waited for {longest:?}");
    assert!(!erased.is_finished(), "it can't be finished yet");
    operator.batch_execute("COMMIT").unwrap();
    assert_eq!(erased.await.unwrap().status, 204);
}
