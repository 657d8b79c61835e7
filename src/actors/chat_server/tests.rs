//! What real threads show only by chance: a test hands over each message itself, in the order that it is about.

use std::time::Duration;

use actix::{Actor as _, AsyncContext as _, Context, Handler};
use tempfile::TempDir;

use super::{
    answers::{Authorized, RoomLoaded},
    batch::BATCH_WRITES_MAX,
    catch_up::{
        Confirmed,
        answers::{MissingRead, NewestFound, NewsRead},
    },
    commits::BatchCommitted,
    messages::{Connect, Disconnect, Feed, RegisterBus, SessionEvents, Typing},
    slices::GoOn,
    *,
};
use crate::{
    actors::{
        bus::Bus,
        hub::{Asker, HubId},
        session::{accounts::Accounts, in_flight::InFlight},
    },
    broker::{NodeId, Subjects},
    config::Limits,
    db::{self, Committed, Found, News, Place, PooledConnection, test_db::open_alices_room},
    domain::{ProductId, ProductStatus, Seq, SessionId, UserId},
    protocol::view::PlainPaths,
};

struct Fixture {
    server: ChatServer,
    ctx: Context<ChatServer>,
    conn: PooledConnection,
    room: RoomId,
    _folder: TempDir,
}

impl Fixture {
    /// Alice's room with Sam, which nobody is in.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let pool = db::open(folder.path().join("haggle.db").to_str().unwrap(), 2).unwrap();
        db::migrate(&pool).unwrap();
        let mut conn = pool.get().unwrap();
        let room = open_alices_room(&mut conn);
        let metrics = Arc::new(Metrics::default());
        let settings = Settings {
            policy: AuthorizePolicy::OnEnter,
            rooms_per_session_max: None,
            clock: Clock::manual(Timestamp(0)),
            image_urls: Arc::new(PlainPaths),
        };
        let server = ChatServer::new(settings, Database::start(&pool, 1, Arc::clone(&metrics)), metrics);
        Self { server, ctx: Context::new(), conn, room, _folder: folder }
    }

    fn unread(&self) -> Option<i64> {
        self.server.rooms.room(&self.room).map(|live| live.summary(Role::Buyer).unread)
    }
}

/// A change of a room that nothing holds in memory is committed; before the server hears of it, the room is read, and read
/// with it.
fn read_while_it_lands(fixture: &mut Fixture, write: RoomWrite) {
    let Fixture { server, ctx, conn, room, .. } = fixture;
    server.append(PendingWrite { write, room: None, reply: ReplyTo::Nobody });
    let (writes, waiting) = server.batch.take().unwrap();
    let outcome = Ok(db::write_batch(conn, &writes, Timestamp(0)).unwrap());
    let mut loaded = |server: &mut ChatServer, ctx: &mut Context<ChatServer>| {
        let state = Ok(db::load_room(conn, room).unwrap().map(Box::new));
        server.room_read(RoomLoaded { room: room.clone(), state }, ctx);
    };
    server.loading.entry(room.clone()).waiting.push(Work::Announce(room.clone()));
    loaded(server, ctx);
    server.handle(BatchCommitted { waiting, outcome, took: Duration::ZERO }, ctx);
    if server.loading.rooms.contains_key(room) {
        // It is being read again.
        loaded(server, ctx);
    }
}

#[actix_web::test]
async fn a_room_that_is_read_while_a_message_of_it_lands_counts_it_once() {
    let mut fixture = Fixture::new();
    let (seller, status) = (UserId::new("sam").unwrap(), ProductStatus::Sold);
    let product = ProductId::new("bike").unwrap();
    let write = RoomWrite::SetProductStatus { product, seller: Some(seller), status, at: Timestamp(0) };
    read_while_it_lands(&mut fixture, write);
    assert_eq!(fixture.unread(), Some(1));
}

#[actix_web::test]
async fn a_room_that_is_read_while_a_deletion_in_it_lands_counts_it_once() {
    let mut fixture = Fixture::new();
    let (sam, mut said) = (UserId::new("sam").unwrap(), Vec::new());
    for _ in 0..3 {
        let draft = crate::domain::Draft {
            room: fixture.room.clone(),
            sender: sam.clone(),
            client_id: None,
            kind: crate::domain::MessageKind::Text,
            text: Some("hello".to_owned()),
            data: None,
            sent_at: Timestamp(0),
            screened: crate::domain::Screened::Clean,
        };
        match db::write_batch(&mut fixture.conn, &[RoomWrite::Append(draft)], Timestamp(0)).unwrap().remove(0) {
            Ok(db::Written::Appended { message, .. }) => said.push(message.id),
            other => panic!("{other:?}"),
        }
    }
    let write = RoomWrite::Delete { message: said.remove(0), editor: sam, at: Timestamp(0) };
    read_while_it_lands(&mut fixture, write);
    assert_eq!(fixture.unread(), Some(2));
}

#[actix_web::test]
async fn a_room_whose_message_finds_no_place_in_the_batch_is_not_kept_in_memory() {
    let mut fixture = Fixture::new();
    let Fixture { server, conn, room, .. } = &mut fixture;
    let read = |reader: usize| RoomWrite::MarkRead {
        room: RoomId::new("r").unwrap(),
        reader: UserId::new(format!("user-{}", reader % 100)).unwrap(),
        seq: Seq(1),
    };
    for reader in 0.. {
        if server.batch.push(PendingWrite { write: read(reader), room: None, reply: ReplyTo::Nobody }).is_err() {
            break;
        }
    }
    server.rooms.insert(db::load_room(conn, room).unwrap().unwrap());
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    server.append(PendingWrite { write: read(1), room: Some(room.clone()), reply: ReplyTo::Request(reply) });
    assert_eq!(answer.try_recv().unwrap().unwrap_err().code, ErrorCode::Unavailable);
    assert_eq!(server.rooms.live_count(), 0);
}

#[actix_web::test]
async fn typing_is_left_out_while_the_writer_is_behind() {
    let mut fixture = Fixture::new();
    let Fixture { server, ctx, conn, room, .. } = &mut fixture;
    let (session, alice, hub) = (SessionId(1), UserId::new("alice").unwrap(), HubId(0));
    server.handle(Connect { session, user: alice.clone(), hub, feed: Feed::Chat, welcome: None }, ctx);
    server.rooms.insert(db::load_room(conn, room).unwrap().unwrap());
    server.rooms.attach(session, room, Role::Buyer, None);
    let types = |server: &mut ChatServer, ctx: &mut Context<ChatServer>| {
        let slot = InFlight::default().take(&server.metrics);
        let asker = Asker { session, hub, request: None, event: "typing", slot };
        server.handle(Typing { asker, user: alice.clone(), room: room.clone(), typing: true }, ctx);
    };
    let reads = |server: &mut ChatServer, reader: &str| {
        for _ in 0..2 * BATCH_WRITES_MAX {
            let (room, reader) = (RoomId::new("r").unwrap(), UserId::new(reader).unwrap());
            let write = RoomWrite::MarkRead { room, reader, seq: Seq(1) };
            server.append(PendingWrite { write, room: None, reply: ReplyTo::Nobody });
        }
    };
    reads(server, "mallory");
    types(server, ctx);
    assert!(!server.typists.is_empty(), "somebody else's long queue is nothing to alice");
    server.typists = Typists::default();

    reads(server, "alice");
    types(server, ctx);
    assert!(server.typists.is_empty(), "there are more important things to tell");
    while server.batch.unfinished() > 0 {
        server.batch.take();
        server.batch.landed();
    }
    types(server, ctx);
    assert!(!server.typists.is_empty());
}

/// Alice on one session, who enters the room and leaves it again.
struct Comer {
    hub: HubId,
    session: SessionId,
    in_flight: InFlight,
}

impl Comer {
    fn new(fixture: &mut Fixture) -> Self {
        let (hub, session, user) = (HubId(0), SessionId(1), UserId::new("alice").unwrap());
        fixture.server.handle(Connect { session, user, hub, feed: Feed::Chat, welcome: None }, &mut fixture.ctx);
        Self { hub, session, in_flight: InFlight::default() }
    }

    fn user(&self) -> UserId {
        UserId::new("alice").unwrap()
    }

    fn asker(&self, fixture: &Fixture, event: &'static str) -> Asker {
        let slot = self.in_flight.take(&fixture.server.metrics);
        Asker { session: self.session, hub: self.hub, request: None, event, slot }
    }

    fn enter(&self, fixture: &mut Fixture) {
        let (asker, user) = (self.asker(fixture, "enterRoom"), UserId::new("alice").unwrap());
        let join = Join { asker, user, room: fixture.room.clone(), after: None, grant: None };
        fixture.server.handle(join, &mut fixture.ctx);
    }

    fn leave(&self, fixture: &mut Fixture) {
        let asker = self.asker(fixture, "leaveRoom");
        let leave = Leave { asker, user: self.user(), room: fixture.room.clone() };
        fixture.server.handle(leave, &mut fixture.ctx);
    }

    fn disconnect(&self, fixture: &mut Fixture) {
        let end = Disconnect { session: self.session, user: self.user(), for_good: true, place: None };
        fixture.server.handle(end, &mut fixture.ctx);
    }
}

impl Fixture {
    fn with_policy(policy: AuthorizePolicy) -> Self {
        let mut fixture = Self::new();
        fixture.server.settings.policy = policy;
        fixture
    }

    /// The database answers what was asked, in the order in which it is asked.
    fn answer(&mut self) {
        let Self { server, ctx, conn, room, .. } = self;
        if server.checks.len() > 0 {
            let user = UserId::new("alice").unwrap();
            server.authorized(Authorized { room: room.clone(), user, allowed: Ok(true) }, ctx);
        }
        if server.loading.rooms.contains_key(room) {
            let state = Ok(db::load_room(conn, room).unwrap().map(Box::new));
            server.room_read(RoomLoaded { room: room.clone(), state }, ctx);
        }
    }

    /// The sessions that are in the room or about to enter it.
    fn attached(&self) -> usize {
        let alice = UserId::new("alice").unwrap();
        self.server.rooms.room(&self.room).map_or(0, |live| live.sessions_of(&alice).len())
    }
}

#[actix_web::test]
async fn one_who_leaves_while_the_entry_waits_is_not_in_the_room() {
    for policy in [AuthorizePolicy::OnEnter, AuthorizePolicy::EveryMessage] {
        let mut fixture = Fixture::with_policy(policy);
        let comer = Comer::new(&mut fixture);
        comer.enter(&mut fixture);
        comer.leave(&mut fixture);
        fixture.answer();
        assert_eq!((fixture.attached(), fixture.server.rooms.live_count()), (0, 0), "{policy:?}");
        assert!(fixture.server.loading.rooms.is_empty() && fixture.server.checks.len() == 0, "{policy:?}");
    }
}

#[actix_web::test]
async fn one_who_leaves_and_enters_again_while_the_first_entry_waits_is_in_the_room_once() {
    for policy in [AuthorizePolicy::OnEnter, AuthorizePolicy::EveryMessage] {
        let mut fixture = Fixture::with_policy(policy);
        let comer = Comer::new(&mut fixture);
        comer.enter(&mut fixture);
        comer.leave(&mut fixture);
        comer.enter(&mut fixture);
        fixture.answer();
        fixture.answer();
        assert_eq!(fixture.attached(), 1, "{policy:?}");
        comer.leave(&mut fixture);
        assert_eq!((fixture.attached(), fixture.server.rooms.live_count()), (0, 0), "{policy:?}");
    }
}

#[actix_web::test]
async fn one_whose_entry_waits_when_the_session_ends_is_not_in_the_room() {
    for policy in [AuthorizePolicy::OnEnter, AuthorizePolicy::EveryMessage] {
        let mut fixture = Fixture::with_policy(policy);
        let comer = Comer::new(&mut fixture);
        comer.enter(&mut fixture);
        comer.disconnect(&mut fixture);
        fixture.answer();
        assert_eq!((fixture.attached(), fixture.server.rooms.live_count()), (0, 0), "{policy:?}");
    }
}

#[actix_web::test]
async fn one_who_leaves_a_room_while_its_history_is_read_is_not_in_the_room() {
    let mut fixture = Fixture::new();
    let comer = Comer::new(&mut fixture);
    comer.enter(&mut fixture);
    fixture.answer();
    assert_eq!(fixture.attached(), 1);
    comer.leave(&mut fixture);
    assert_eq!((fixture.attached(), fixture.server.rooms.live_count()), (0, 0));
}

#[actix_web::test]
async fn a_session_has_its_place_until_its_end_is_taken_in() {
    let mut fixture = Fixture::new();
    let limits = Limits { sessions_per_user_max: 1.try_into().ok(), ..Limits::none() };
    let (accounts, alice) =
        (Accounts::new(&limits, Arc::clone(&fixture.server.metrics)), UserId::new("alice").unwrap());
    let comer = Comer::new(&mut fixture);
    let place = Some(accounts.open_session(&alice).unwrap());
    let end = Disconnect { session: comer.session, user: alice.clone(), for_good: true, place };
    assert!(accounts.open_session(&alice).is_err(), "its end waits in the mailbox");
    fixture.server.handle(end, &mut fixture.ctx);
    assert!(accounts.open_session(&alice).is_ok());
}

#[actix_web::test]
async fn what_is_postponed_keeps_its_order_and_goes_on_in_the_next_slice() {
    let mut fixture = Fixture::new();
    let comer = Comer::new(&mut fixture);
    comer.enter(&mut fixture);
    fixture.answer();
    let leave = Leave { asker: comer.asker(&fixture, "leaveRoom"), user: comer.user(), room: fixture.room.clone() };
    let end = Disconnect { session: comer.session, user: comer.user(), for_good: true, place: None };
    let Fixture { server, ctx, .. } = &mut fixture;
    let leave = SessionEvent::from(leave);
    server.postponed.push(leave.account(), 0, leave);
    server.handle(SessionEvents(vec![end.into()]), ctx);
    assert!(server.rooms.session(comer.session).is_some(), "the end comes after what was postponed");
    server.handle(GoOn, ctx);
    assert!(server.rooms.session(comer.session).is_none() && server.postponed.is_empty());
}

#[actix_web::test]
async fn what_is_postponed_is_served_by_accounts_in_turn() {
    let mut fixture = Fixture::new();
    let comer = Comer::new(&mut fixture);
    let mallory = UserId::new("mallory").unwrap();
    let leaves = |user: &UserId| {
        let asker = comer.asker(&fixture, "leaveRoom");
        SessionEvent::from(Leave { asker, user: user.clone(), room: fixture.room.clone() })
    };
    let mut events: Vec<SessionEvent> = (0..2000).map(|_| leaves(&mallory)).collect();
    events.push(leaves(&comer.user()));
    let Fixture { server, ctx, .. } = &mut fixture;
    // Something is postponed already: what comes now waits with it.
    server.postponed.push(events[0].account(), 0, events.remove(0));
    server.handle(SessionEvents(events), ctx);
    let alice = Account::User(comer.user());
    let mut served = 0;
    while server.postponed.len_of(&alice) > 0 {
        let (account, event) = server.postponed.pop().unwrap();
        event.handle(server, ctx);
        // As measured: a millisecond each, ten times an account's share.
        server.postponed.charge(&account, 1_000_000);
        served += 1;
    }
    assert!(served <= 3, "alice waited for {served} events of mallory's");
}

#[actix_web::test]
async fn a_long_list_ends_its_slice_by_time() {
    let mut fixture = Fixture::new();
    let comer = Comer::new(&mut fixture);
    let count = 200_000;
    let events: Vec<SessionEvent> = (0..count)
        .map(|_| {
            let asker = comer.asker(&fixture, "leaveRoom");
            Leave { asker, user: comer.user(), room: fixture.room.clone() }.into()
        })
        .collect();
    let Fixture { server, ctx, .. } = &mut fixture;
    server.handle(SessionEvents(events), ctx);
    // No processor takes up so many in 2 ms.
    assert!(!server.postponed.is_empty());
    let left = server.postponed.len();
    server.handle(GoOn, ctx);
    assert!(server.postponed.len() < left);
}

/// The server is one of several nodes, and has the room in memory.
fn among_nodes(fixture: &mut Fixture) {
    let Fixture { server, ctx, conn, room, .. } = fixture;
    let (node, metrics) = (NodeId::random(), Arc::clone(&server.metrics));
    let bus = Bus::new(node, "nats://127.0.0.1:1".into(), Subjects::new("here"), ctx.address(), metrics).start();
    server.handle(RegisterBus { node, bus }, ctx);
    server.rooms.insert(db::load_room(conn, room).unwrap().unwrap());
}

#[actix_web::test]
async fn an_offset_is_not_certain_of_a_message_that_was_seen_in_the_database_and_not_delivered() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let Fixture { server, ctx, room, .. } = &mut fixture;
    let place = |position| Place { position, ..Place::default() };
    let settled = |server: &ChatServer| server.nodes.as_ref().unwrap().catch_up.settled();
    server.handle(NewestFound(Ok(place(4))), ctx);
    assert_eq!(settled(server), 4);

    let (buyer, seller) = (UserId::new("alice").unwrap(), UserId::new("sam").unwrap());
    let seen = Committed { position: 7, room: room.clone(), seq: Seq(1), buyer, seller };
    let news = News { messages: vec![seen], notes: Vec::new(), next: place(7), has_more: false };
    server.handle(NewsRead(Ok(news)), ctx);
    assert_eq!(settled(server), 4);
    assert_eq!(server.offset_of(9).settled, 4);
}

#[actix_web::test]
async fn missing_messages_that_could_not_be_read_are_asked_for_again() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let Fixture { server, ctx, room, .. } = &mut fixture;

    server.handle(MissingRead::failed(vec![room.clone()]), ctx);
    server.look_for_news(ctx);

    assert!(server.nodes.as_ref().unwrap().catch_up.is_missing_in(room));
}

#[actix_web::test]
async fn without_nats_the_next_look_into_the_database_waits_for_its_time() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let Fixture { server, ctx, .. } = &mut fixture;
    assert!(!server.nodes.as_ref().unwrap().is_up);
    let is_looking = |server: &ChatServer| server.nodes.as_ref().unwrap().catch_up.is_looking();
    let news = |has_more| News { messages: Vec::new(), notes: Vec::new(), next: Place::default(), has_more };
    server.handle(NewestFound(Ok(Place::default())), ctx);

    server.handle(NewsRead(Ok(news(false))), ctx);
    assert!(!is_looking(server));

    server.handle(NewsRead(Ok(news(true))), ctx);
    assert!(is_looking(server), "what is known to be there is read on");
}

#[actix_web::test]
async fn a_change_that_no_node_has_told_is_looked_up_for_lists_unless_they_were_told() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let comer = Comer::new(&mut fixture);
    let Fixture { server, ctx, room, .. } = &mut fixture;
    server.rooms.release(room);
    let found =
        || Found { message: said(room), buyer: UserId::new("alice").unwrap(), seller: UserId::new("sam").unwrap() };
    server.confirm(|| Confirmed::List(room.clone()));
    server.change_found(found(), ctx);
    assert!(server.loading.rooms.is_empty(), "another node has told how the room looks");

    server.nodes.as_mut().unwrap().catch_up.distrust();
    server.change_found(found(), ctx);
    assert!(server.loading.rooms.contains_key(room));

    server.loading.rooms.clear();
    let end = Disconnect { session: comer.session, user: comer.user(), for_good: true, place: None };
    server.handle(end, ctx);
    server.change_found(found(), ctx);
    assert!(server.loading.rooms.is_empty(), "nobody is here who would see it");
}

fn said(room: &RoomId) -> crate::domain::StoredMessage {
    crate::domain::StoredMessage {
        id: crate::domain::MessageId::new("m").unwrap(),
        room_id: room.clone(),
        seq: Seq(1),
        position: 1,
        sender_id: UserId::new("sam").unwrap(),
        client_id: None,
        kind: crate::domain::MessageKind::Text,
        text: Some("hello".to_owned()),
        data: None,
        sent_at: Timestamp(0),
        edited_at: Some(Timestamp(1)),
        deleted_at: None,
        warnings: Vec::new(),
    }
}
