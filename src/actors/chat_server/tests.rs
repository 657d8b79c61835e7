//! What sessions want is taken up in slices, accounts in turn.

use actix::Handler as _;
use tempfile::TempDir;

use super::{
    messages::{GoOn, SessionEvents},
    *,
};
use crate::{
    chat::{
        hub_op::{Asker, HubId},
        in_flight::InFlight,
        request::{Connect, Disconnect, Leave},
        rooms::Feed,
    },
    db,
    domain::{AuthorizePolicy, RoomId, SessionId, Timestamp, UserId},
    protocol::view::PlainPaths,
};

struct Fixture {
    server: ChatServer,
    ctx: Context<ChatServer>,
    in_flight: InFlight,
    _folder: TempDir,
}

const SESSION: SessionId = SessionId(1);

impl Fixture {
    /// Alice is connected.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let pool = db::open(folder.path().join("haggle.db").to_str().unwrap(), 2).unwrap();
        let metrics = Arc::new(Metrics::default());
        let settings = ChatSettings {
            policy: AuthorizePolicy::OnEnter,
            rooms_per_session_max: None,
            image_urls: Arc::new(PlainPaths),
        };
        let database = Database::start(&pool, 1, Arc::clone(&metrics));
        let server = ChatServer::new(settings, Clock::manual(Timestamp(0)), database, metrics);
        let mut fixture = Self { server, ctx: Context::new(), in_flight: InFlight::default(), _folder: folder };
        let connect = Connect {
            session: SESSION,
            user: user("alice"),
            hub: HubId(0),
            feed: Feed::Chat,
            welcome: None,
            is_staff: false,
        };
        fixture.server.handle(SessionEvents(vec![connect.into()]), &mut fixture.ctx);
        fixture
    }

    fn leave(&self, name: &str) -> SessionEvent {
        let slot = self.in_flight.take(&self.server.metrics);
        let asker = Asker { session: SESSION, hub: HubId(0), request: None, event: "leaveRoom", slot };
        Leave { asker, user: user(name), room: RoomId::new("r").unwrap() }.into()
    }

    fn is_connected(&self) -> bool {
        self.server.chat.session_count_of(&user("alice")) > 0
    }
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

#[actix_web::test]
async fn what_is_postponed_keeps_its_order_and_goes_on_in_the_next_slice() {
    let mut fixture = Fixture::new();
    let leave = fixture.leave("alice");
    fixture.server.postponed.push(leave.account(), 0, leave);
    let end = Disconnect { session: SESSION, user: user("alice"), for_good: true, place: None };
    fixture.server.handle(SessionEvents(vec![end.into()]), &mut fixture.ctx);
    assert!(fixture.is_connected(), "the end comes after what was postponed");
    fixture.server.handle(GoOn, &mut fixture.ctx);
    assert!(!fixture.is_connected() && fixture.server.postponed.is_empty());
}

#[actix_web::test]
async fn what_is_postponed_is_served_by_accounts_in_turn() {
    let mut fixture = Fixture::new();
    let mut events: Vec<SessionEvent> = (0..2000).map(|_| fixture.leave("mallory")).collect();
    events.push(fixture.leave("alice"));
    let Fixture { server, ctx, .. } = &mut fixture;
    // Something is postponed already: what comes now waits with it.
    server.postponed.push(events[0].account(), 0, events.remove(0));
    server.handle(SessionEvents(events), ctx);
    let alice = Account::User(user("alice"));
    let mut served = 0;
    while server.postponed.len_of(&alice) > 0 {
        let (account, event) = server.postponed.pop().unwrap();
        server.happen(Input::Session(event), ctx);
        // As measured: a millisecond each, ten times an account's share.
        server.postponed.charge(&account, 1_000_000);
        served += 1;
    }
    assert!(served <= 3, "alice waited for {served} events of mallory's");
}

#[actix_web::test]
async fn a_long_list_ends_its_slice_by_time() {
    let mut fixture = Fixture::new();
    let events = (0..200_000).map(|_| fixture.leave("alice")).collect();
    let Fixture { server, ctx, .. } = &mut fixture;
    server.handle(SessionEvents(events), ctx);
    // No processor takes up so many in 2 ms.
    assert!(!server.postponed.is_empty());
    let left = server.postponed.len();
    server.handle(GoOn, ctx);
    assert!(server.postponed.len() < left);
}
