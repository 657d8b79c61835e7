//! What the database costs: a commit, an authorization, a page of history.
//!
//! `cargo bench --bench database`. The files lie in a temporary folder (`TMPDIR`), on a disk or in memory. With
//! `--features postgres` and `HAGGLE_BENCH_DATABASE_URL=postgres://…`, an empty database, PostgreSQL is measured instead.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a bench that fails may stop where it stands")]

use std::{cell::Cell, hint::black_box, time::Duration};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use haggle::internals::{
    db::{self, Connection, MessagePage, PooledConnection, Write},
    domain::{
        ClientId, Draft, MessageKind, Product, ProductId, ProductStatus, RoomId, Screened, Seq, Timestamp, User, UserId,
    },
};

const AT: Timestamp = Timestamp(1_800_000_000_000);
const SELLER: &str = "seller";
const ROOMS: usize = 1000;

fn postgres_url() -> Option<String> {
    std::env::var("HAGGLE_BENCH_DATABASE_URL").ok()
}

struct Fixture {
    // Gone, with its files, when the bench ends.
    _folder: tempfile::TempDir,
    conn: PooledConnection,
    rooms: Vec<(RoomId, UserId)>,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = postgres_url().unwrap_or_else(|| folder.path().join("bench.db").display().to_string());
        let pool = db::open(&url, 1).unwrap();
        db::migrate(&pool).unwrap();
        let mut conn = pool.get().unwrap();
        let product = Product {
            id: ProductId::new("bike").unwrap(),
            seller_id: UserId::new(SELLER).unwrap(),
            title: "A bike".to_owned(),
            price: None,
            currency: None,
            image_url: None,
            status: ProductStatus::OnSale,
            unlisted: false,
        };
        let user = |id: String| User::new(UserId::new(&id).unwrap(), id, None);
        let writes = [
            Write::PutUser { user: user(SELLER.to_owned()) },
            Write::PutProduct { keeps_status: false, product: product.clone(), at: AT },
        ];
        db::write_batch(&mut conn, &writes, AT).unwrap();
        let rooms = (0..ROOMS)
            .map(|i| {
                let buyer = user(format!("buyer-{i}"));
                let room = db::open_room(&mut conn, &product.id, &buyer, AT).unwrap().into_room();
                (room.id, buyer.id)
            })
            .collect();
        Self { _folder: folder, conn, rooms }
    }

    /// Fills the first room.
    fn fill(&mut self, messages: usize) {
        let (room, buyer) = self.rooms[0].clone();
        let batch: Vec<Write> = (0..5000.min(messages)).map(|_| append(&room, &buyer, None)).collect();
        for _ in 0..messages / batch.len() {
            db::write_batch(&mut self.conn, &batch, AT).unwrap();
        }
    }
}

/// A message of 120 bytes.
fn append(room: &RoomId, sender: &UserId, client_id: Option<String>) -> Write {
    Write::Append(Draft {
        room: room.clone(),
        sender: sender.clone(),
        client_id: client_id.map(|id| ClientId::new(id).unwrap()),
        kind: MessageKind::Text,
        text: Some("x".repeat(120)),
        data: None,
        reply_to: None,
        sent_at: AT,
        screened: Screened::Clean,
        by_staff: false,
    })
}

fn must_store(conn: &mut Connection, batch: &[Write]) {
    assert!(db::write_batch(conn, batch, AT).unwrap().iter().all(Result::is_ok));
}

fn commit(c: &mut Criterion) {
    let mut fixture = Fixture::new();
    let mut group = c.benchmark_group("commit");
    let settings: &[&str] = if postgres_url().is_some() { &["PostgreSQL"] } else { &["FULL", "NORMAL"] };
    for synchronous in settings {
        if postgres_url().is_none() {
            fixture.conn.batch_execute(&format!("PRAGMA synchronous = {synchronous}")).unwrap();
        }
        // How many messages, over how many rooms, and whether each has a client id to be looked for.
        for (rows, spread, client_ids) in
            [(1, 100, true), (64, 100, true), (512, 100, false), (512, 100, true), (512, ROOMS, true)]
        {
            {
                let Fixture { conn, rooms, .. } = &mut fixture;
                let sent = Cell::new(0);
                let batch = || {
                    let next = |_| {
                        sent.set(sent.get() + 1);
                        let (room, buyer) = &rooms[sent.get() * 7 % spread];
                        let key = client_ids.then(|| format!("{synchronous}-client-id-{:020}", sent.get()));
                        append(room, buyer, key)
                    };
                    (0..rows).map(next).collect::<Vec<_>>()
                };
                let ids = if client_ids { "with" } else { "without" };
                let name = format!("{synchronous}, {spread} rooms, {ids} client ids");
                group.throughput(Throughput::Elements(rows as u64));
                group.bench_function(BenchmarkId::new(name, rows), |b| {
                    b.iter_batched(batch, |batch| must_store(conn, &batch), BatchSize::PerIteration);
                });
            }
        }
    }
    group.finish();
}

fn authorize(c: &mut Criterion) {
    let mut fixture = Fixture::new();
    fixture.fill(1000);
    let Fixture { conn, rooms, .. } = &mut fixture;
    let (room, buyer) = rooms[0].clone();
    let stranger = UserId::new("mallory").unwrap();
    let mut group = c.benchmark_group("authorize");
    group.bench_function("load_room, nothing unread", |b| {
        let (quiet, _) = &rooms[1];
        b.iter(|| db::load_room(conn, black_box(quiet)).unwrap());
    });
    group.bench_function("load_room, 1,000 unread", |b| b.iter(|| db::load_room(conn, black_box(&room)).unwrap()));
    group.bench_function("is_member", |b| b.iter(|| assert!(db::is_member(conn, &room, black_box(&buyer)).unwrap())));
    group.bench_function("is_member, a stranger", |b| {
        b.iter(|| assert!(!db::is_member(conn, &room, black_box(&stranger)).unwrap()));
    });
    group.bench_function("list_rooms, 20 of 1,000", |b| {
        let seller = UserId::new(SELLER).unwrap();
        b.iter(|| db::list_rooms(conn, black_box(&seller), db::RoomList::Inbox, None, 20, 256 * 1024).unwrap());
    });
    group.finish();
}

fn history(c: &mut Criterion) {
    let mut group = c.benchmark_group("history, 50 messages");
    for messages in [1000, 1_000_000] {
        let mut fixture = Fixture::new();
        fixture.fill(messages);
        let Fixture { conn, rooms, .. } = &mut fixture;
        let (room, _) = &rooms[0];
        let before = |seq| MessagePage::Before { seq, limit: 50 };
        let middle = Seq(i64::try_from(messages / 2).unwrap());
        for (name, page) in [
            ("newest page", before(None)),
            ("a page in the middle", before(Some(middle))),
            ("oldest page", before(Some(Seq(51)))),
            ("missed since the middle", MessagePage::After { seq: middle, limit: 50 }),
        ] {
            group.bench_function(BenchmarkId::new(name, messages), |b| {
                b.iter(|| {
                    assert_eq!(db::list_messages(conn, room, black_box(page), 256 * 1024).unwrap().items.len(), 50)
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = commit, authorize, history
}
criterion_main!(benches);
