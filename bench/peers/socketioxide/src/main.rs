//! A peer of the benchmark: socketioxide, doing haggle's job. JWT at CONNECT, buyer or seller by SQLite at `enterRoom`,
//! `message` to everybody in the room.
//!
//! Environment: `PORT`, `DB` (rooms and messages), `JWT_SECRET`, `STORE` (none, each, grouped).

use std::sync::{Arc, Mutex, OnceLock};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef},
    handler::ConnectHandler as _,
};
use tokio::sync::mpsc;

/// How many messages one commit takes at most.
const GROUP_MAX: usize = 512;
/// The default of 128 loses messages of a saturated room.
const BUFFERED_PACKETS_MAX: usize = 100_000;

#[derive(Deserialize)]
struct Auth {
    token: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

#[derive(Serialize)]
struct Granted {
    ok: bool,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    room_id: Arc<str>,
    sender_id: Arc<str>,
    #[serde(flatten)]
    draft: Draft,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Draft {
    client_id: Option<String>,
    text: String,
}

#[derive(Clone)]
enum Store {
    None,
    Each(Arc<Mutex<Connection>>),
    Grouped(mpsc::UnboundedSender<Said>),
}

struct Server {
    key: DecodingKey,
    validation: Validation,
    rooms: Mutex<Connection>,
    store: Store,
}

fn open() -> Connection {
    let conn = Connection::open(std::env::var("DB").expect("DB names the database")).expect("the database opens");
    conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000")
        .expect("it takes its settings");
    conn
}

fn insert(conn: &Connection, said: &Said) {
    let mut insert = conn
        .prepare_cached(
            "INSERT INTO messages (room, sender, client_id, text, sent_at)
             VALUES (?1, ?2, ?3, ?4, unixepoch('subsec') * 1000)",
        )
        .expect("there is such a table");
    let Draft { client_id, text } = &said.draft;
    insert.execute(params![&*said.room_id, &*said.sender_id, client_id, text]).expect("it can be written");
}

impl Server {
    fn user(&self, token: &str) -> Option<String> {
        Some(jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation).ok()?.claims.sub)
    }

    fn is_member(&self, room: &str, user: &str) -> bool {
        let rooms = self.rooms.lock().expect("nobody panics while holding it");
        let mut find =
            rooms.prepare_cached("SELECT buyer, seller FROM rooms WHERE id = ?1").expect("the table is there");
        let members = find.query_row([room], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
        members.is_ok_and(|(buyer, seller)| buyer == user || seller == user)
    }
}

async fn say(s: &SocketRef, server: &Server, said: Said) {
    match &server.store {
        Store::None => {}
        Store::Each(conn) => insert(&conn.lock().expect("nobody panics while holding it"), &said),
        Store::Grouped(queue) => {
            let _ = queue.send(said);
            return;
        }
    }
    let _ = s.within(said.room_id.to_string()).emit("message", &said).await;
}

/// Commits whatever has gathered, then tells it.
fn commit_groups(io: SocketIo, mut queue: mpsc::UnboundedReceiver<Said>, told: tokio::runtime::Handle) {
    let mut conn = open();
    let mut group = Vec::new();
    while queue.blocking_recv_many(&mut group, GROUP_MAX) > 0 {
        let transaction = conn.transaction().expect("one writer, so it begins");
        for said in &group {
            insert(&transaction, said);
        }
        transaction.commit().expect("it can be written");
        let group = std::mem::take(&mut group);
        let io = io.clone();
        told.block_on(async move {
            for said in group {
                let chat = io.of("/chat").expect("the namespace is there");
                let _ = chat.within(said.room_id.to_string()).emit("message", &said).await;
            }
        });
    }
}

#[tokio::main]
async fn main() {
    let secret = std::env::var("JWT_SECRET").expect("JWT_SECRET is the secret");
    let port: u16 = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).expect("PORT is a port");
    let (layer, io) = SocketIo::builder().max_buffer_size(BUFFERED_PACKETS_MAX).build_layer();
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_aud = false;
    let store = match std::env::var("STORE").as_deref() {
        Ok("each") => Store::Each(Arc::new(Mutex::new(open()))),
        Ok("grouped") => {
            let (into, queue) = mpsc::unbounded_channel();
            let (io, told) = (io.clone(), tokio::runtime::Handle::current());
            std::thread::spawn(move || commit_groups(io, queue, told));
            Store::Grouped(into)
        }
        _ => Store::None,
    };
    let key = DecodingKey::from_secret(secret.as_bytes());
    let server = Arc::new(Server { key, validation, rooms: Mutex::new(open()), store });
    let admit = async move |s: SocketRef, Data(auth): Data<Auth>| {
        let Some(user) = server.user(&auth.token) else { return Err("not authorized") };
        let (user, room): (Arc<str>, Arc<OnceLock<Arc<str>>>) = (user.into(), Arc::default());
        // Here and not in the connect handler: the answer leaves before that one runs, and the client's first event,
        // which comes right after it, would find nobody.
        let (server, by, entered) = (server.clone(), user.clone(), room.clone());
        let seen = server.clone();
        s.on("enterRoom", async move |s: SocketRef, Data::<String>(id), ack: AckSender| {
            let ok = seen.is_member(&id, &by);
            if ok {
                s.join(id.clone());
                let _ = entered.set(id.into());
            }
            let _ = ack.send(&Granted { ok });
        });
        s.on("message", async move |s: SocketRef, Data::<Draft>(draft)| {
            let Some(room_id) = room.get().cloned() else { return };
            say(&s, &server, Said { room_id, sender_id: user.clone(), draft }).await;
        });
        Ok(())
    };
    io.ns("/chat", (async || ()).with(admit));
    let app = axum::Router::new().layer(layer);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    axum::serve(listener, axum::ServiceExt::<axum::extract::Request>::into_make_service(app)).await.expect("it serves");
}
