//! PostgreSQL: two nodes on one database, connections that are lost, a commit whose answer is lost. With
//! HAGGLE_TEST_DATABASE=postgres; otherwise there are no tests here.

use std::collections::HashSet;

use haggle::internals::{
    config::Config,
    db::{self, MessagePage},
    domain::{RoomId, Seq},
};
use serde_json::{Value, json};

use crate::support::{
    TestServer, WsClient,
    chaos_proxy::ChaosProxy,
    postgres, rest,
    server::{SERVICE_KEY, START},
    within,
};

/// A server that reaches its database through a proxy.
async fn behind_a_proxy() -> (ChaosProxy, TestServer, String) {
    let database = postgres::create_database();
    let proxy = ChaosProxy::start(postgres::socket());
    let url = postgres::through_port(&database, proxy.port);
    let server = TestServer::with(|config| {
        config.database_url = url;
        config.limits.sends_per_second_max = None;
    })
    .await;
    // The server ends first: its drain needs the database.
    (proxy, server, database)
}

fn history(database: &str, room: &RoomId) -> Vec<(i64, String)> {
    let mut conn = db::open(database, 1).unwrap().get().unwrap();
    let page = MessagePage::After { seq: Seq(0), limit: 100_000 };
    let page = db::list_messages(&mut conn, room, page, usize::MAX).unwrap();
    page.items.into_iter().map(|message| (message.seq.0, message.text.unwrap_or_default())).collect()
}

fn without_a_hole(history: &[(i64, String)]) -> bool {
    history.iter().map(|(seq, _)| *seq).eq(1..=history.len() as i64)
}

#[actix_web::test]
async fn a_commit_whose_answer_is_lost_is_found_out_about_and_acknowledged() {
    if !postgres::is_wanted() {
        return;
    }
    let (proxy, server, database) = behind_a_proxy().await;
    let room = server.seed().room("alice", "bike").id;
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(room.as_str()).await;
    sam.enter(room.as_str()).await;
    alice.say("1").await;

    proxy.lose_the_answer_of_the_next_commit();
    // Without a client id: sending it again would store it twice.
    assert_eq!(alice.say("2").await["seq"], 2);
    assert!(!proxy.is_commit_awaited(), "no answer was lost");
    alice.say("3").await;
    for text in ["1", "2", "3"] {
        assert_eq!(sam.push("message").await["text"], text);
    }
    assert_eq!(history(&database, &room), [(1, "1".into()), (2, "2".into()), (3, "3".into())]);
}

async fn try_to_say(client: &mut WsClient, room: &RoomId, text: &str) -> Result<Value, String> {
    let draft = json!({"roomId": room, "text": text, "clientId": text});
    client.request("message", draft).await.map_err(|error| error.code)
}

#[actix_web::test]
async fn while_the_database_is_away_senders_get_unavailable_and_then_nothing_is_lost_or_doubled() {
    if !postgres::is_wanted() {
        return;
    }
    let (proxy, server, database) = behind_a_proxy().await;
    let room = server.seed().room("alice", "bike").id;
    let mut alice = server.ws("alice").await;
    alice.enter(room.as_str()).await;
    let ready = async || rest::call(server.addr, SERVICE_KEY, "GET", "/readyz", None).await;
    assert_eq!(ready().await.status, 200);
    let mut acknowledged = Vec::new();
    let mut refused = Vec::new();
    for round in 0..3 {
        for text in (0..20).map(|place| format!("{round}-{place}")) {
            try_to_say(&mut alice, &room, &text).await.unwrap();
            acknowledged.push(text);
        }
        // In the middle of what it does.
        let on_their_way: Vec<(u64, String)> = {
            let mut started = Vec::new();
            for text in (0..8).map(|place| format!("{round}-cut-{place}")) {
                let draft = json!({"roomId": room, "text": text, "clientId": text});
                started.push((alice.start("message", draft).await, text));
            }
            started
        };
        proxy.cut();
        for (request, text) in on_their_way {
            match alice.answer(request).await {
                Ok(_) => acknowledged.push(text),
                Err(error) => {
                    assert_eq!(error.code, "unavailable");
                    refused.push(text);
                }
            }
        }
        assert_eq!(try_to_say(&mut alice, &room, "while away").await.unwrap_err(), "unavailable");
        let answer = ready().await;
        assert_eq!((answer.status, &answer.body["database"]), (503, &json!("down")));

        proxy.restore();
        within("the database is back", async { while ready().await.status != 200 {} }).await;
        for text in std::mem::take(&mut refused) {
            let text = text.as_str();
            within("it is stored", async { while try_to_say(&mut alice, &room, text).await.is_err() {} }).await;
            acknowledged.push(text.to_owned());
        }
    }
    let history = history(&database, &room);
    assert!(without_a_hole(&history), "{history:?}");
    let texts: HashSet<&str> = history.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts.len(), history.len(), "stored twice: {history:?}");
    for text in &acknowledged {
        assert!(texts.contains(text.as_str()), "{text} was acknowledged and is lost");
    }
}

#[actix_web::test]
async fn two_nodes_write_to_one_room_without_a_hole_and_without_a_collision() {
    if !postgres::is_wanted() {
        return;
    }
    const EACH: usize = 150;
    let database = postgres::create_database();
    let on = |config: &mut Config| {
        config.database_url.clone_from(&database);
        config.limits.sends_per_second_max = None;
    };
    let (one, other) = (TestServer::with(on).await, TestServer::with(on).await);
    let rooms = [one.seed().room("alice", "bike").id, one.seed().room("alice", "lamp").id];
    let mut places = Vec::new();
    let send = async |server: &TestServer, user: &str| {
        let mut client = server.ws(user).await;
        let mut waiting = Vec::new();
        for place in 0..EACH {
            let draft =
                json!({"roomId": rooms[place % 2], "text": format!("{user} {place}"), "clientId": place.to_string()});
            waiting.push(client.start("message", draft).await);
            if waiting.len() == 16 {
                for request in waiting.drain(..) {
                    client.answer(request).await.unwrap();
                }
            }
        }
        for request in waiting {
            client.answer(request).await.unwrap();
        }
    };
    futures_util::future::join(send(&one, "alice"), send(&other, "sam")).await;
    for room in &rooms {
        let history = history(&database, room);
        assert!(without_a_hole(&history), "{history:?}");
        assert_eq!(history.len(), EACH);
        places.push(history);
    }
    // Both notified the marketplace of everything once, in one order.
    let mut told = HashSet::new();
    let mut after = String::new();
    loop {
        let path = format!("/api/v1/events?limit=100{after}");
        let page = rest::call(other.addr, SERVICE_KEY, "GET", &path, None).await.body;
        for item in page["items"].as_array().unwrap() {
            if item["event"] == "message" {
                assert!(told.insert(item["data"]["id"].to_string()));
            }
        }
        if page["hasMore"] == false {
            break;
        }
        after = format!("&after={}", page["nextCursor"].as_str().unwrap());
    }
    assert_eq!(told.len(), 2 * EACH);
}

#[actix_web::test]
async fn a_node_that_starts_leaves_the_sessions_of_the_others_alone() {
    if !postgres::is_wanted() {
        return;
    }
    let database = postgres::create_database();
    let on = |config: &mut Config| config.database_url.clone_from(&database);
    let pool = db::open(&database, 1).unwrap();
    let live = haggle::internals::domain::Recovery {
        pid_hash: "hash".to_owned(),
        user: haggle::internals::domain::UserId::new("alice").unwrap(),
        rooms: Vec::new(),
        ended_at: None,
    };
    db::write_batch(&mut pool.get().unwrap(), &[db::Write::Remember(live)], START).unwrap().pop().unwrap().unwrap();
    let ended =
        || db::find_recovery(&mut db::open(&database, 1).unwrap().get().unwrap(), "hash").unwrap().unwrap().ended_at;

    let first = TestServer::with(on).await;
    assert_eq!(ended(), None, "its node is connected");
    // Its node is down.
    drop(pool);
    drop(first);
    within("the server has noticed", async {
        loop {
            let third = TestServer::with(on).await;
            if ended().is_some() {
                break;
            }
            drop(third);
        }
    })
    .await;
}

#[test]
fn a_password_is_in_no_error() {
    if !postgres::is_wanted() {
        return;
    }
    for url in ["postgres://haggle:geheim@127.0.0.1:1/haggle", "postgres://haggle:geh%zzeim@127.0.0.1:1/haggle"] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_haggle"));
        let secret = "0123456789abcdef0123456789abcdef";
        command.args(["serve", "--bind", "127.0.0.1:0", "--jwt-secret", secret, "--database-url", url]);
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("database") && !told.contains("geh"), "{told}");
    }
}
