//! What real threads show only by chance: a test hands over each input itself, in the order that it is about.

mod late;

use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{
    answers::{Authorized, RoomLoaded},
    batch::BATCH_WRITES_MAX,
    db_read::DbRead,
    hub_op::{Asker, HubId},
    in_flight::InFlight,
    request::{Connect, Disconnect, Join, Leave, ReplyTo, Typing},
    rooms::Feed,
    user_limits::Accounts,
    *,
};
use crate::{
    broker::{Envelope, NodeEvent, NodeId},
    config::Limits,
    db::{
        self, ChangedMessage, CommitCursor, Committed, DbError, News, PooledConnection, Write,
        test_db::open_alices_room,
    },
    domain::{ProductId, ProductStatus, Role, Seq, SessionId},
    protocol::view::PlainPaths,
};

struct Fixture {
    chat: Chat,
    out: Effects,
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
        let settings = ChatSettings {
            policy: AuthorizePolicy::OnEnter,
            rooms_per_session_max: None,
            image_urls: Arc::new(PlainPaths),
        };
        let chat = Chat::new(settings, now(), Arc::default());
        Self { chat, out: Effects::default(), conn, room, _folder: folder }
    }

    fn on(&mut self, input: Input) {
        self.chat.on(input, now(), &mut self.out);
    }

    fn session(&mut self, event: impl Into<SessionEvent>) {
        self.on(Input::Session(event.into()));
    }

    fn unread(&self) -> Option<i64> {
        self.chat.rooms.room(&self.room).map(|live| live.summary(Role::Buyer).unread)
    }
}

fn now() -> Now {
    Now { wall: Timestamp(0), at: Instant::now() }
}

/// A change of a room that nothing holds in memory is committed; before the chat hears of it, the room is read, and read
/// with it.
fn read_while_it_lands(fixture: &mut Fixture, write: Write) {
    let Fixture { chat, conn, room, .. } = fixture;
    chat.append(PendingWrite { write, room: None, reply: ReplyTo::Nobody });
    let writes = chat.batch.take().unwrap();
    let outcome = Ok(db::write_batch(conn, &writes, Timestamp(0)).unwrap());
    let mut loaded = |chat: &mut Chat| {
        let state = Ok(db::load_room(conn, room).unwrap().map(Box::new));
        chat.room_read(RoomLoaded { room: room.clone(), state });
    };
    chat.loading.entry(room.clone()).waiting.push(RoomRequest::Announce(room.clone()));
    loaded(chat);
    chat.handle(Input::Committed { outcome, took: Duration::ZERO });
    if chat.loading.rooms.contains_key(room) {
        // It is being read again.
        loaded(chat);
    }
}

#[test]
fn a_room_that_is_read_while_a_message_of_it_lands_counts_it_once() {
    let mut fixture = Fixture::new();
    let (seller, status) = (UserId::new("sam").unwrap(), ProductStatus::Sold);
    let product = ProductId::new("bike").unwrap();
    let write = Write::SetProductStatus { product, seller: Some(seller), status, at: Timestamp(0) };
    read_while_it_lands(&mut fixture, write);
    assert_eq!(fixture.unread(), Some(1));
}

#[test]
fn a_room_that_is_read_while_a_deletion_in_it_lands_counts_it_once() {
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
            reply_to: None,
            sent_at: Timestamp(0),
            screened: crate::domain::Screened::Clean,
            by_staff: false,
        };
        match db::write_batch(&mut fixture.conn, &[Write::Append(draft)], Timestamp(0)).unwrap().remove(0) {
            Ok(db::Written::Appended { message, .. }) => said.push(message.id),
            other => panic!("{other:?}"),
        }
    }
    let write = Write::Delete { message: said.remove(0), editor: sam, at: Timestamp(0) };
    read_while_it_lands(&mut fixture, write);
    assert_eq!(fixture.unread(), Some(2));
}

#[test]
fn a_room_whose_message_finds_no_place_in_the_batch_is_not_kept_in_memory() {
    let mut fixture = Fixture::new();
    let Fixture { chat, conn, room, .. } = &mut fixture;
    let read = |reader: usize| Write::MarkRead {
        room: RoomId::new("r").unwrap(),
        reader: UserId::new(format!("user-{}", reader % 100)).unwrap(),
        seq: Seq(1),
    };
    for reader in 0.. {
        if chat.batch.push(PendingWrite { write: read(reader), room: None, reply: ReplyTo::Nobody }).is_err() {
            break;
        }
    }
    chat.rooms.insert(db::load_room(conn, room).unwrap().unwrap());
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    chat.append(PendingWrite { write: read(1), room: Some(room.clone()), reply: ReplyTo::Request(reply) });
    assert_eq!(answer.try_recv().unwrap().unwrap_err().code, ErrorCode::Unavailable);
    assert_eq!(chat.rooms.live_count(), 0);
}

#[test]
fn typing_is_left_out_while_the_writer_lags() {
    let mut fixture = Fixture::new();
    let Fixture { chat, conn, room, .. } = &mut fixture;
    let (session, alice, hub) = (SessionId(1), UserId::new("alice").unwrap(), HubId(0));
    chat.connect(Connect { session, user: alice.clone(), hub, feed: Feed::Chat, welcome: None, is_staff: false });
    chat.rooms.insert(db::load_room(conn, room).unwrap().unwrap());
    chat.rooms.attach(session, room, Role::Buyer, None);
    let types = |chat: &mut Chat| {
        let slot = InFlight::default().take(&chat.metrics);
        let asker = Asker { session, hub, request: None, event: "typing", slot };
        let typing = Typing { asker, user: alice.clone(), room: room.clone(), typing: true };
        chat.session_event(typing.into());
    };
    let reads = |chat: &mut Chat, reader: &str| {
        for _ in 0..2 * BATCH_WRITES_MAX {
            let (room, reader) = (RoomId::new("r").unwrap(), UserId::new(reader).unwrap());
            let write = Write::MarkRead { room, reader, seq: Seq(1) };
            chat.append(PendingWrite { write, room: None, reply: ReplyTo::Nobody });
        }
    };
    reads(chat, "mallory");
    types(chat);
    assert!(!chat.typists.is_empty(), "somebody else's long queue is nothing to alice");
    chat.typists = Typists::default();

    reads(chat, "alice");
    types(chat);
    assert!(chat.typists.is_empty(), "there are more important things to send");
    while chat.batch.unfinished() > 0 {
        chat.batch.take();
        chat.batch.landed();
    }
    types(chat);
    assert!(!chat.typists.is_empty());
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
        fixture.session(Connect { session, user, hub, feed: Feed::Chat, welcome: None, is_staff: false });
        Self { hub, session, in_flight: InFlight::default() }
    }

    fn user(&self) -> UserId {
        UserId::new("alice").unwrap()
    }

    fn asker(&self, fixture: &Fixture, event: &'static str) -> Asker {
        let slot = self.in_flight.take(&fixture.chat.metrics);
        Asker { session: self.session, hub: self.hub, request: None, event, slot }
    }

    fn enter(&self, fixture: &mut Fixture) {
        let (asker, user) = (self.asker(fixture, "enterRoom"), UserId::new("alice").unwrap());
        let join = Join { asker, user, room: fixture.room.clone(), after: None, grant: None };
        fixture.session(join);
    }

    fn leave(&self, fixture: &mut Fixture) {
        let asker = self.asker(fixture, "leaveRoom");
        let leave = Leave { asker, user: self.user(), room: fixture.room.clone() };
        fixture.session(leave);
    }

    fn disconnect(&self, fixture: &mut Fixture) {
        let end = Disconnect { session: self.session, user: self.user(), for_good: true, place: None };
        fixture.session(end);
    }
}

impl Fixture {
    fn with_policy(policy: AuthorizePolicy) -> Self {
        let mut fixture = Self::new();
        fixture.chat.settings.policy = policy;
        fixture
    }

    /// The database answers what was asked, in the order in which it is asked.
    fn answer(&mut self) {
        let Self { chat, conn, room, .. } = self;
        if chat.checks.len() > 0 {
            let user = UserId::new("alice").unwrap();
            chat.authorized(Authorized { room: room.clone(), user, standing: Ok(crate::db::Standing::Member) });
        }
        if chat.loading.rooms.contains_key(room) {
            let state = Ok(db::load_room(conn, room).unwrap().map(Box::new));
            chat.room_read(RoomLoaded { room: room.clone(), state });
        }
    }

    /// The sessions that are in the room or about to enter it.
    fn attached(&self) -> usize {
        let alice = UserId::new("alice").unwrap();
        self.chat.rooms.room(&self.room).map_or(0, |live| live.sessions_of(&alice).len())
    }
}

#[test]
fn one_who_leaves_while_the_entry_waits_is_not_in_the_room() {
    for policy in [AuthorizePolicy::OnEnter, AuthorizePolicy::EveryMessage] {
        let mut fixture = Fixture::with_policy(policy);
        let comer = Comer::new(&mut fixture);
        comer.enter(&mut fixture);
        comer.leave(&mut fixture);
        fixture.answer();
        assert_eq!((fixture.attached(), fixture.chat.rooms.live_count()), (0, 0), "{policy:?}");
        assert!(fixture.chat.loading.rooms.is_empty() && fixture.chat.checks.len() == 0, "{policy:?}");
    }
}

#[test]
fn one_who_leaves_and_enters_again_while_the_first_entry_waits_is_in_the_room_once() {
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
        assert_eq!((fixture.attached(), fixture.chat.rooms.live_count()), (0, 0), "{policy:?}");
    }
}

#[test]
fn one_whose_entry_waits_when_the_session_ends_is_not_in_the_room() {
    for policy in [AuthorizePolicy::OnEnter, AuthorizePolicy::EveryMessage] {
        let mut fixture = Fixture::with_policy(policy);
        let comer = Comer::new(&mut fixture);
        comer.enter(&mut fixture);
        comer.disconnect(&mut fixture);
        fixture.answer();
        assert_eq!((fixture.attached(), fixture.chat.rooms.live_count()), (0, 0), "{policy:?}");
    }
}

#[test]
fn one_who_leaves_a_room_while_its_history_is_read_is_not_in_the_room() {
    let mut fixture = Fixture::new();
    let comer = Comer::new(&mut fixture);
    comer.enter(&mut fixture);
    fixture.answer();
    assert_eq!(fixture.attached(), 1);
    comer.leave(&mut fixture);
    assert_eq!((fixture.attached(), fixture.chat.rooms.live_count()), (0, 0));
}

#[test]
fn a_session_has_its_place_until_its_end_is_taken_in() {
    let mut fixture = Fixture::new();
    let limits = Limits { sessions_per_user_max: 1.try_into().ok(), ..Limits::none() };
    let (accounts, alice) = (Accounts::new(&limits, Arc::clone(&fixture.chat.metrics)), UserId::new("alice").unwrap());
    let comer = Comer::new(&mut fixture);
    let place = Some(accounts.open_session(&alice).unwrap());
    let end = Disconnect { session: comer.session, user: alice.clone(), for_good: true, place };
    assert!(accounts.open_session(&alice).is_err(), "its end waits in the mailbox");
    fixture.session(end);
    assert!(accounts.open_session(&alice).is_ok());
}

/// The server is one of several nodes, and has the room in memory.
fn among_nodes(fixture: &mut Fixture) {
    fixture.on(Input::Clustered(NodeId::random()));
    let Fixture { chat, conn, room, .. } = fixture;
    chat.rooms.insert(db::load_room(conn, room).unwrap().unwrap());
}

#[test]
fn an_offset_is_not_certain_of_a_message_that_was_seen_in_the_database_and_not_delivered() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let Fixture { chat, room, .. } = &mut fixture;
    let place = |position| CommitCursor { position, ..CommitCursor::default() };
    let settled = |chat: &Chat| chat.cluster.nodes.as_ref().unwrap().reconcile.settled();
    chat.newest_found(Ok(place(4)));
    assert_eq!(settled(chat), 4);

    let (buyer, seller) = (UserId::new("alice").unwrap(), UserId::new("sam").unwrap());
    let seen = Committed { position: 7, room: room.clone(), seq: Seq(1), buyer, seller };
    let news = News { messages: vec![seen], notes: Vec::new(), next: place(7), has_more: false };
    chat.news_read(Ok(news));
    assert_eq!(settled(chat), 4);
    assert_eq!(chat.deliveries().offset_of(9).settled, 4);
}

#[test]
fn missing_messages_that_could_not_be_read_are_asked_for_again() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let Fixture { chat, room, .. } = &mut fixture;

    chat.missing_read(std::slice::from_ref(room), Err(DbError::Unavailable("unreachable".into())));
    chat.look_for_news();

    assert!(chat.cluster.nodes.as_ref().unwrap().reconcile.is_missing_in(room));
}

#[test]
fn without_nats_the_next_look_into_the_database_waits_for_its_time() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let Fixture { chat, .. } = &mut fixture;
    assert!(!chat.cluster.nodes.as_ref().unwrap().is_up);
    let is_looking = |chat: &Chat| chat.cluster.nodes.as_ref().unwrap().reconcile.is_looking();
    let news = |has_more| News { messages: Vec::new(), notes: Vec::new(), next: CommitCursor::default(), has_more };
    chat.newest_found(Ok(CommitCursor::default()));

    chat.news_read(Ok(news(false)));
    assert!(!is_looking(chat));

    chat.news_read(Ok(news(true)));
    assert!(is_looking(chat), "what is known to be there is read on");
}

#[test]
fn a_change_that_no_node_has_published_is_looked_up_for_lists_unless_they_were_sent_it() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let comer = Comer::new(&mut fixture);
    let Fixture { chat, room, .. } = &mut fixture;
    chat.rooms.release(room);
    let found = || ChangedMessage {
        message: said(room),
        buyer: UserId::new("alice").unwrap(),
        seller: UserId::new("sam").unwrap(),
    };
    let alice = UserId::new("alice").unwrap();
    chat.cluster.nodes.as_mut().unwrap().reconcile.lists.heard(room, &alice, Seq(1));
    chat.change_found(found());
    assert!(chat.loading.rooms.is_empty(), "another node has sent how the room looks");

    chat.cluster.nodes.as_mut().unwrap().reconcile.distrust();
    chat.change_found(found());
    assert!(chat.loading.rooms.contains_key(room));

    chat.loading.rooms.clear();
    let end = Disconnect { session: comer.session, user: comer.user(), for_good: true, place: None };
    chat.disconnect(end);
    chat.change_found(found());
    assert!(chat.loading.rooms.is_empty(), "nobody is here who would see it");
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
        reply_to: None,
        reactions: Vec::new(),
        is_removed: false,
        staff_name: None,
    }
}

#[test]
fn typing_that_another_node_has_published_expires_here() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let (room, user) = (fixture.room.clone(), UserId::new("sam").unwrap());
    let event = NodeEvent::Typing { room, user, typing: true };
    fixture.on(Input::NodeEvents(vec![Envelope { node: NodeId::random(), event }]));
    let expires = fixture.out.timers.iter().any(|(_, timer)| matches!(timer, Timer::TypingExpires));
    assert!(expires, "the other node may die before it says that it ended");
}

#[test]
fn a_room_that_could_not_be_read_is_announced_later() {
    let mut fixture = Fixture::new();
    let room = fixture.room.clone();
    fixture.on(Input::RoomOpened(room.clone()));
    fixture.chat.loading.begin(&room);
    let state = Err(DbError::Unavailable("unreachable".into()));
    fixture.chat.room_read(RoomLoaded { room: room.clone(), state });
    assert_eq!(fixture.chat.announcements.len(), 1);
}

#[test]
fn a_deletion_that_another_node_publishes_twice_is_left_to_the_database_to_count() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let room = fixture.room.clone();
    let first = StoredMessage { edited_at: None, ..said(&room) };
    let second =
        StoredMessage { id: crate::domain::MessageId::new("n").unwrap(), seq: Seq(2), position: 2, ..first.clone() };
    for message in [first.clone(), second] {
        fixture.chat.deliveries().place(message, Bytes::new());
    }
    assert_eq!(fixture.unread(), Some(2));
    for _ in 0..2 {
        fixture.chat.show_change(StoredMessage { deleted_at: Some(Timestamp(1)), ..first.clone() });
    }
    assert_eq!(fixture.unread(), Some(2), "until the room is read again");
    let Chat { cluster, rooms, out, .. } = &mut fixture.chat;
    cluster.nodes.as_mut().unwrap().reconcile.flush(rooms, out);
    let asks_again = fixture.chat.out.reads.iter().any(|read| matches!(read, DbRead::RoomsAgain(_)));
    assert!(asks_again);
}
