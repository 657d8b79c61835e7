//! Which operation is served next at the database, with threads that a test holds.

use std::sync::mpsc;

use tempfile::TempDir;

use super::*;
use crate::{
    db::MessagePage,
    domain::{Draft, MessageKind, Screened},
};

struct Fixture {
    database: Database,
    metrics: Arc<Metrics>,
    _folder: TempDir,
}

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

impl Fixture {
    fn new(readers: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let pool = db::open(folder.path().join("haggle.db").to_str().unwrap(), 4).unwrap();
        db::migrate(&pool).unwrap();
        let metrics = Arc::new(Metrics::default());
        Self { database: Database::start(&pool, readers, Arc::clone(&metrics)), metrics, _folder: folder }
    }

    /// An operation that has begun and ends when the sender is dropped.
    async fn hold(&self, purpose: Reading) -> (mpsc::Sender<()>, impl Future<Output = ()> + use<>) {
        let (release, held) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let database = self.database.clone();
        let read = actix::spawn(async move {
            let hold = move |_: &mut Connection| -> Result<(), DbError> {
                let _ = begun.send(());
                let _ = held.recv();
                Ok(())
            };
            database.read(purpose, Scope::Nothing, hold).await.unwrap();
        });
        has_begun.await.unwrap();
        (release, async move { read.await.unwrap() })
    }

    /// Has an operation wait that says when it is served.
    fn queue(&self, purpose: Reading, name: &'static str, served: &mpsc::Sender<&'static str>) {
        let (database, served) = (self.database.clone(), served.clone());
        actix::spawn(async move {
            let read = move |_: &mut Connection| -> Result<(), DbError> {
                served.send(name).unwrap();
                Ok(())
            };
            let _ = database.read(purpose, Scope::Nothing, read).await;
        });
    }

    async fn wait_until_waiting(&self, count: usize) {
        let waiting = || (0..4).map(|lane| self.database.readers.waiting(lane)).sum::<usize>();
        while waiting() < count {
            tokio::task::yield_now().await;
        }
    }
}

#[actix_web::test]
async fn forty_searches_of_one_user_delay_nobody_else() {
    let fixture = Fixture::new(2);
    let (release, held) = fixture.hold(Reading::heavy(user("mallory"), "search")).await;
    let (served, order) = mpsc::channel();
    for _ in 0..40 {
        fixture.queue(Reading::heavy(user("mallory"), "search"), "mallory's", &served);
    }
    fixture.wait_until_waiting(HEAVY_WAITING_MAX).await;
    fixture.queue(Reading::heavy(user("alice"), "search"), "alice's", &served);
    fixture.wait_until_waiting(HEAVY_WAITING_MAX + 1).await;

    // Entries, checks and lists use the other thread in the meantime.
    assert!(!fixture.database.authorize(RoomId::new("r").unwrap(), user("alice")).await.unwrap());

    drop(release);
    held.await;
    fixture.queue(Reading::heavy(user("zoe"), "search"), "last", &served);
    drop(served);
    let mut first = Vec::new();
    while !first.contains(&"last") {
        match order.try_recv() {
            Ok(name) => first.push(name),
            Err(mpsc::TryRecvError::Empty) => tokio::task::yield_now().await,
            Err(mpsc::TryRecvError::Disconnected) => break,
        }
    }
    let place = first.iter().position(|name| *name == "alice's").unwrap();
    assert!(place <= 1, "{first:?}");
    assert!(first.iter().filter(|name| **name == "mallory's").count() <= HEAVY_WAITING_MAX, "{first:?}");
    assert!(fixture.metrics.encode().contains("database_waiting"));
}

#[actix_web::test]
async fn who_has_too_much_waiting_learns_when_to_try_again() {
    let fixture = Fixture::new(1);
    let (release, held) = fixture.hold(Reading::list(user("mallory"), "list_rooms")).await;
    let (served, _order) = mpsc::channel();
    for _ in 0..LISTS_WAITING_MAX {
        fixture.queue(Reading::list(user("mallory"), "list_rooms"), "list", &served);
    }
    fixture.wait_until_waiting(LISTS_WAITING_MAX).await;
    let refused = fixture
        .database
        .read(Reading::list(user("mallory"), "list_rooms"), Scope::Nothing, |_| Ok::<_, DbError>(()))
        .await;
    let error = crate::error::ChatError::from(refused.unwrap_err());
    assert_eq!((error.code, error.retry_after_ms), (crate::error::ErrorCode::RateLimited, Some(RETRY_AFTER_MS)));
    drop(release);
    held.await;
}

#[actix_web::test]
async fn what_was_given_up_is_not_begun_and_a_panic_ends_one_operation_alone() {
    let fixture = Fixture::new(1);
    let (release, held) = fixture.hold(Reading::list(user("alice"), "list_rooms")).await;
    let (served, order) = mpsc::channel();
    let given_up = {
        let served = served.clone();
        let database = fixture.database.clone();
        actix::spawn(async move {
            database
                .read(Reading::list(user("alice"), "list_rooms"), Scope::Nothing, move |_| {
                    served.send("given up").unwrap();
                    Ok::<_, DbError>(())
                })
                .await
        })
    };
    fixture.wait_until_waiting(1).await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    drop(release);
    held.await;
    let panicked =
        fixture.database.read(Reading::list(user("alice"), "panic"), Scope::Nothing, |_| -> Result<(), DbError> {
            panic!("asked")
        });
    assert!(matches!(panicked.await, Err(DbError::Internal(_))));
    let answered = fixture
        .database
        .read(Reading::list(user("alice"), "list_rooms"), Scope::Nothing, |_| Ok::<_, DbError>(7))
        .await;
    assert_eq!(answered, Ok(7));
    drop(served);
    assert_eq!(order.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    assert_eq!(fixture.metrics.database_queue.get(), 0);
}

#[actix_web::test]
async fn a_reader_with_too_much_waiting_to_be_settled_is_refused_and_reads_nothing_old() {
    let fixture = Fixture::new(2);
    let database = &fixture.database;
    let open = |conn: &mut Connection| Ok::<_, DbError>(db::test_db::open_alices_room(conn));
    let room = database.write(Writing::background("open_room"), Scope::Nothing, open).await.unwrap();
    let draft = Draft {
        room: room.clone(),
        sender: user("alice"),
        client_id: None,
        kind: MessageKind::Text,
        text: Some("hello".to_owned()),
        data: None,
        reply_to: None,
        sent_at: Timestamp(0),
        screened: Screened::Clean,
        by_staff: false,
    };
    // A room's first message changes its members' lists, and is settled at once.
    for _ in 0..2 {
        database.commit(vec![Write::Append(draft.clone())], Timestamp(0)).await.unwrap();
    }
    let (release, held) = mpsc::channel::<()>();
    let (begun, has_begun) = oneshot::channel();
    let holding = actix::spawn({
        let database = database.clone();
        async move {
            let hold = move |_: &mut Connection| {
                let _ = (begun.send(()), held.recv());
                Ok::<_, DbError>(())
            };
            database.write(Writing::background("hold"), Scope::Nothing, hold).await
        }
    });
    has_begun.await.unwrap();
    let read = || {
        let (room, scope) = (room.clone(), Scope::Room(room.clone()));
        let count = move |conn: &mut Connection| {
            let page = MessagePage::Before { seq: None, limit: 10 };
            Ok::<_, DbError>(db::list_messages(conn, &room, page, usize::MAX)?.items.len())
        };
        database.read(Reading::check(user("mallory"), "list_messages"), scope, count)
    };
    let mut waiting: Vec<_> = (0..CHECKS_WAITING_MAX).map(|_| Box::pin(read())).collect();
    for read in &mut waiting {
        assert!(futures_util::poll!(read).is_pending());
    }
    let refused = read().await;
    assert!(matches!(refused, Err(DbError::RateLimited { .. })), "{refused:?}");
    drop(release);
    holding.await.unwrap().unwrap();
    let found = futures_util::future::join_all(waiting).await;
    assert!(found.into_iter().all(|found| found == Ok(2)));
}
