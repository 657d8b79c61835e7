//! A database of its own for each test, with a few people and things in it: a real file, or with
//! HAGGLE_TEST_DATABASE=postgres one on a server.

use super::{
    Connection, MessagePage, Opened, Pool, PooledConnection, Write, WriteError, Written, list_messages, migrate, open,
    open_room_for,
};
use crate::domain::{
    ClientId, Draft, MessageKind, Product, ProductId, ProductStatus, RoomId, Screened, Seq, StoredMessage, Timestamp,
    User, UserId, sample,
};

/// When everything happens, unless a test says otherwise.
pub(super) const NOW: Timestamp = Timestamp(1_800_000_000_000);

#[path = "../../tests/it/support/postgres.rs"]
#[allow(dead_code, reason = "the integration tests use the rest")]
mod postgres;

/// Runs a statement in a database.
fn run_at(url: &str, sql: &str) -> Result<(), String> {
    let mut conn = open(url, 1).and_then(|pool| pool.get()).map_err(|error| error.to_string())?;
    conn.batch_execute(sql).map_err(|error| error.to_string())
}

fn migrate_to(url: &str) {
    open(url, 1).and_then(|pool| migrate(&pool)).unwrap();
}

/// Whether the tests run on PostgreSQL.
pub(super) fn is_postgres() -> bool {
    postgres::is_wanted()
}

/// Makes Alice's room with Sam, over his bike, in any database.
pub(crate) fn open_alices_room(conn: &mut Connection) -> RoomId {
    let bike = sample::bike();
    let writes = [
        Write::PutUser { user: sample::user("sam") },
        Write::PutUser { user: sample::user("alice") },
        Write::PutProduct { keeps_status: false, product: bike.clone(), at: Timestamp(0) },
    ];
    super::write_batch(conn, &writes, Timestamp(0)).unwrap();
    super::open_room(conn, &bike.id, &sample::user("alice"), Timestamp(0)).unwrap().into_room().id
}

pub(super) struct TestDb {
    _folder: tempfile::TempDir,
    url: String,
    pub(super) pool: Pool,
}

impl TestDb {
    /// Users `alice`, `bob`, `carol` and `mallory`; `carol` sells the `bike` and the `lamp`.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = if is_postgres() {
            postgres::create_database()
        } else {
            folder.path().join("test.db").display().to_string()
        };
        let pool = open(&url, 2).unwrap();
        migrate(&pool).unwrap();
        let db = Self { _folder: folder, url, pool };
        let mut writes: Vec<Write> =
            ["alice", "bob", "carol", "mallory"].map(|id| Write::PutUser { user: user(id) }).into();
        for id in ["bike", "lamp"] {
            writes.push(Write::PutProduct { keeps_status: false, product: product(id), at: NOW });
        }
        for outcome in super::write_batch(&mut db.conn(), &writes, NOW).unwrap() {
            outcome.unwrap();
        }
        db
    }

    /// One in which no migration has run.
    pub(super) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = if is_postgres() {
            postgres::create_empty_database()
        } else {
            folder.path().join("test.db").display().to_string()
        };
        let pool = open(&url, 2).unwrap();
        Self { _folder: folder, url, pool }
    }

    #[cfg(feature = "postgres")]
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The name of a PostgreSQL database.
    #[cfg(feature = "postgres")]
    pub(super) fn name(&self) -> &str {
        self.url.split('/').nth(3).and_then(|rest| rest.split('?').next()).unwrap()
    }

    /// The path of a SQLite file.
    pub(super) fn path(&self) -> &str {
        &self.url
    }

    pub(super) fn conn(&self) -> PooledConnection {
        self.pool.get().unwrap()
    }

    /// The file, opened again as after a restart.
    pub(super) fn reopen(mut self) -> Self {
        self.pool = open(&self.url, 2).unwrap();
        migrate(&self.pool).unwrap();
        self
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if is_postgres() {
            postgres::drop_database(&self.url);
        }
    }
}

pub(super) fn user_id(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

pub(super) fn user(id: &str) -> User {
    User::new(user_id(id), id.to_uppercase(), Some(format!("/{id}.png")))
}

pub(super) fn product(id: &str) -> Product {
    Product {
        id: ProductId::new(id).unwrap(),
        seller_id: user_id("carol"),
        title: format!("A {id}"),
        price: Some(12_900),
        currency: Some("USD".to_owned()),
        image_url: None,
        status: ProductStatus::OnSale,
        unlisted: false,
    }
}

/// Opens the room of a buyer and a product.
pub(super) fn room(conn: &mut Connection, buyer: &str, product: &str) -> RoomId {
    let (Opened::New(room) | Opened::Existing(room)) =
        open_room_for(conn, &ProductId::new(product).unwrap(), &user_id(buyer), NOW).unwrap();
    room.id
}

pub(super) fn draft(room: &RoomId, sender: &str, text: &str, client_id: Option<&str>) -> Draft {
    Draft {
        room: room.clone(),
        sender: user_id(sender),
        client_id: client_id.map(|id| ClientId::new(id).unwrap()),
        kind: MessageKind::Text,
        text: Some(text.to_owned()),
        data: None,
        reply_to: None,
        sent_at: NOW,
        screened: Screened::Clean,
        by_staff: false,
    }
}

/// Writes one thing.
pub(super) fn write(conn: &mut Connection, write: Write) -> Result<Written, WriteError> {
    super::write_batch(conn, &[write], NOW).unwrap().pop().unwrap()
}

pub(super) fn say(conn: &mut Connection, room: &RoomId, sender: &str, text: &str) -> StoredMessage {
    match write(conn, Write::Append(draft(room, sender, text, None))) {
        Ok(Written::Appended { message, first_time: true }) => message,
        other => panic!("{other:?}"),
    }
}

pub(super) fn read(room: &RoomId, reader: &str, seq: i64) -> Write {
    Write::MarkRead { room: room.clone(), reader: user_id(reader), seq: Seq(seq) }
}

pub(super) fn history(conn: &mut Connection, room: &RoomId) -> Vec<StoredMessage> {
    list_messages(conn, room, MessagePage::After { seq: Seq(0), limit: 10_000 }, usize::MAX).unwrap().items
}
