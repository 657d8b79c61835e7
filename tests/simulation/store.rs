//! The database: haggle's own code on a file that is never synced, and what of it may fail.

use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, OnceLock},
};

use haggle::internals::{
    chat::db_read::{DbAnswer, DbRead},
    db::{self, BytesMax, Connection, DbError, Outcomes, Scope, Tail, Unsettled, Write, Written},
    domain::{Product, ProductId, ProductStatus, SanctionKind, Timestamp, User},
};
use tempfile::TempDir;

use crate::plan::{PRODUCTS, ROOMS, USERS, user};

/// When the world begins, by its clocks.
pub const START: i64 = 1_800_000_000_000;

/// One that counts what it has committed.
pub struct Store {
    conn: Connection,
    /// Of the one writer, whichever node it is of.
    tail: Tail,
    unsettled: Arc<Unsettled>,
    commits: u64,
    /// Ids of all messages that are stored.
    pub committed: BTreeSet<String>,
    /// Users who are banned.
    pub banned: BTreeSet<String>,
    /// What it refused though nothing was wrong with it: the whole batch.
    pub problem: Option<String>,
    short_pages: bool,
    _folder: TempDir,
}

/// A file in which migrations have run, and the users, products and rooms are.
fn template() -> &'static [u8] {
    static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("template.db");
        let pool = db::open(path.to_str().unwrap(), 1).unwrap();
        db::migrate(&pool).unwrap();
        let mut conn = pool.get().unwrap();
        let mut writes = Vec::new();
        for name in USERS {
            writes.push(Write::PutUser { user: User::new(user(name), name.to_uppercase(), None) });
        }
        for (id, seller) in PRODUCTS {
            let product = Product {
                id: ProductId::from_stored(id),
                seller_id: user(seller),
                title: id.to_owned(),
                price: Some(1000),
                currency: Some("USD".to_owned()),
                image_url: None,
                status: ProductStatus::OnSale,
                unlisted: false,
            };
            writes.push(Write::PutProduct { product, keeps_status: false, at: Timestamp(START) });
        }
        db::write_batch(&mut conn, &writes, Timestamp(START)).unwrap();
        let mut lines = String::new();
        for room in &ROOMS {
            lines += &format!(
                "{{\"type\":\"room\",\"id\":\"{}\",\"productId\":\"{}\",\"buyerId\":\"{}\"}}\n",
                room.id, room.product, room.buyer
            );
        }
        let options = db::ImportOptions { now: Timestamp(START), shift_ms: 0 };
        let (_, bad) = db::import_str(&mut conn, &lines, options).unwrap();
        assert!(bad.is_empty(), "{bad:?}");
        conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        conn.batch_execute("PRAGMA journal_mode = DELETE").unwrap();
        drop((conn, pool));
        fs::read(&path).unwrap()
    })
}

impl Store {
    pub fn new(short_pages: bool) -> Self {
        let template = template();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("simulation.db");
        fs::write(&path, template).unwrap();
        let mut conn = Connection::establish_sqlite(path.to_str().unwrap()).unwrap();
        for pragma in [
            "locking_mode = EXCLUSIVE",
            "synchronous = OFF",
            "journal_mode = MEMORY",
            "temp_store = MEMORY",
            "foreign_keys = ON",
            "cache_size = -8192",
        ] {
            conn.batch_execute(&format!("PRAGMA {pragma}")).unwrap();
        }
        let unsettled = Arc::new(Unsettled::default());
        let tail = Tail::new(Arc::clone(&unsettled));
        Self {
            conn,
            tail,
            unsettled,
            commits: 0,
            committed: BTreeSet::new(),
            banned: BTreeSet::new(),
            problem: None,
            short_pages,
            _folder: folder,
        }
    }

    /// Commits a batch.
    pub fn commit(&mut self, writes: &[Write], now: Timestamp) -> Result<Outcomes, DbError> {
        let outcomes = db::write_deferred(&mut self.conn, &mut self.tail, writes, now)
            .inspect_err(|error| self.problem = Some(format!("the database fails by itself: {error}: {writes:?}")))?;
        self.commits += 1;
        if self.commits.is_multiple_of(7) {
            self.tail.settle_some(&mut self.conn, 3).unwrap();
        }
        for written in outcomes.iter().flatten() {
            match written {
                Written::Appended { message, .. } => drop(self.committed.insert(message.id.to_string())),
                Written::OfferMoved(moved) => {
                    if let Some((offer, _)) = &moved.made {
                        self.committed.insert(offer.id.to_string());
                    }
                }
                Written::SanctionSet(set) if set.kind == SanctionKind::Ban => {
                    let user = set.sanction.user.id.to_string();
                    if set.until.is_some() {
                        self.banned.insert(user)
                    } else {
                        self.banned.remove(&user)
                    };
                }
                _ => {}
            }
        }
        Ok(outcomes)
    }

    /// The writer dies: what it knew of the tail is gone.
    pub fn crash(&mut self) {
        self.tail = Tail::new(Arc::clone(&self.unsettled));
    }

    /// Everything that is stored.
    pub fn settled(&mut self) -> &mut Connection {
        self.tail.settle(&mut self.conn, &Scope::Everything).unwrap();
        &mut self.conn
    }

    /// Answers a question of the chat's, as its driver does.
    pub fn answer(&mut self, read: DbRead) -> DbAnswer {
        self.tail.settle(&mut self.conn, &read.scope()).unwrap();
        let conn = &mut self.conn;
        match read {
            DbRead::Members(list) => {
                let found = db::find_standings(conn, &list.asked);
                DbAnswer::Members(list, found)
            }
            DbRead::Rooms(list) => {
                let found = db::load_rooms(conn, &list.asked);
                DbAnswer::Rooms(list, found.map(|found| found.into_iter().map(|(_, state)| state).collect()))
            }
            DbRead::Histories(list) => {
                let pages: Vec<_> = list.asked.iter().map(|entry| (entry.room.clone(), entry.page)).collect();
                let each = if self.short_pages { 1500 } else { 128 * 1024 };
                let found = db::list_histories(conn, &pages, BytesMax { each, all: 4 * each });
                DbAnswer::Histories(list, found)
            }
            DbRead::Recovery(asked) => {
                let found = db::find_recovery(conn, &asked.pid_hash);
                DbAnswer::Recovery(asked, found)
            }
            DbRead::Missed(asked) => {
                let limit = if self.short_pages { 8 } else { 500 };
                let found = db::list_missed(conn, &asked.since, asked.seen, limit, 128 * 1024);
                DbAnswer::Missed(asked.session, found)
            }
            DbRead::Renamed(Some(place)) => DbAnswer::Renamed(db::list_renamed(conn, place, 500)),
            DbRead::Renamed(None) => DbAnswer::Renamed(db::find_newest(conn).map(|newest| (Vec::new(), newest.change))),
            DbRead::OtherMembers(walk) => {
                let found = db::list_other_members(conn, &walk.user, walk.role, walk.after.as_ref(), 100);
                DbAnswer::OtherMembers(walk, found)
            }
            DbRead::Waves => DbAnswer::Waves(db::list_waves(conn)),
            DbRead::Newest => DbAnswer::Newest(db::find_newest(conn)),
            DbRead::News(place) => DbAnswer::News(db::list_news(conn, place, 20)),
            DbRead::Missing { asked, since } => DbAnswer::Missing(asked, db::list_behind(conn, &since, 3, 1024 * 1024)),
            DbRead::RoomsAgain(asked) => {
                let rooms: Vec<_> = asked.iter().map(|(room, _)| room.clone()).collect();
                DbAnswer::RoomsAgain(asked, db::load_rooms(conn, &rooms))
            }
            DbRead::Unread(user, asked) => {
                let found = db::list_unread(conn, &user);
                DbAnswer::Unread(user, asked, found)
            }
            DbRead::Changed(asked) => {
                let found = db::find_messages(conn, &asked, 1024 * 1024);
                DbAnswer::Changed(asked, found)
            }
        }
    }
}

/// What a question gets while the database can't be reached.
pub fn failed(read: DbRead) -> DbAnswer {
    let error = || DbError::Unavailable("by the simulation".to_owned());
    match read {
        DbRead::Members(list) => DbAnswer::Members(list, Err(error())),
        DbRead::Rooms(list) => DbAnswer::Rooms(list, Err(error())),
        DbRead::Histories(list) => DbAnswer::Histories(list, Err(error())),
        DbRead::Recovery(asked) => DbAnswer::Recovery(asked, Err(error())),
        DbRead::Missed(asked) => DbAnswer::Missed(asked.session, Err(error())),
        DbRead::Renamed(_) => DbAnswer::Renamed(Err(error())),
        DbRead::OtherMembers(walk) => DbAnswer::OtherMembers(walk, Err(error())),
        DbRead::Waves => DbAnswer::Waves(Err(error())),
        DbRead::Newest => DbAnswer::Newest(Err(error())),
        DbRead::News(_) => DbAnswer::News(Err(error())),
        DbRead::Missing { asked, .. } => DbAnswer::Missing(asked, Err(error())),
        DbRead::RoomsAgain(asked) => DbAnswer::RoomsAgain(asked, Err(error())),
        DbRead::Changed(asked) => DbAnswer::Changed(asked, Err(error())),
        DbRead::Unread(user, asked) => DbAnswer::Unread(user, asked, Err(error())),
    }
}
