//! What a hub does with its sessions' outboxes.

use std::task::Context as TaskContext;

use futures_util::task::noop_waker;

use super::*;
use crate::{
    chat::{hub_op::HubId, in_flight::InFlight},
    domain::{Seq, Timestamp},
    protocol::push::{Offset, Position},
};

struct Listener;

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<SessionNotice> for Listener {
    type Result = ();

    fn handle(&mut self, _: SessionNotice, _: &mut Self::Context) {}
}

/// What the transport of an outbox writes now.
fn drained(outbox: &Outbox) -> String {
    let mut out = Vec::new();
    let _ = outbox.poll_write(&mut TaskContext::from_waker(&noop_waker()), Pin::new(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}

/// A hub with one session, which is in two rooms.
struct InTwoRooms {
    hub: Hub,
    outbox: Arc<Outbox>,
    metrics: Arc<Metrics>,
}

const ROOMS: [&str; 2] = ["bike", "lamp"];

impl InTwoRooms {
    fn new() -> Self {
        let metrics = Arc::new(Metrics::default());
        let mut hub = Hub::new(Duration::from_secs(60), 1 << 20, Arc::clone(&metrics));
        let outbox = Arc::new(Outbox::new(1 << 20, None));
        hub.open(OpenSession {
            session: SessionId(1),
            user: UserId::new("alice").unwrap(),
            outbox: Arc::clone(&outbox),
            encoding: Encoding::SocketIo { namespace: "/chat", offsets: true },
            notices: Listener.start().downgrade().recipient(),
            ends_at: Timestamp(i64::MAX),
        });
        let mut this = Self { hub, outbox, metrics };
        for room in ROOMS {
            this.attach(room);
            this.enter(room, 0);
        }
        this
    }

    fn attach(&mut self, room: &str) {
        self.hub.apply(Op::Attach { session: SessionId(1), room: RoomId::new(room).unwrap() });
    }

    fn enter(&mut self, room: &str, after: i64) {
        let slot = InFlight::default().take(&self.metrics);
        let asker = Asker { session: SessionId(1), hub: HubId(0), request: None, event: "enterRoom", slot };
        let (room, after) = (RoomId::new(room).unwrap(), Seq(after));
        self.hub.apply(Op::Enter { asker, room, answer: Bytes::new(), after, behind: false });
    }

    fn say(&mut self, room: &str, seq: i64, position: Position) {
        self.say_at_once(room, &[(seq, position)]);
    }

    /// What a room's sessions are sent in one turn.
    fn say_at_once(&mut self, room: &str, messages: &[(i64, Position)]) {
        let mut events = messages.iter().map(|(seq, position)| RoomEvent {
            kind: Delivery::Message(Seq(*seq)),
            push: Push::message("{}".into(), Offset::exact(*position)),
            except: None,
            slot: Some(InFlight::default().take(&self.metrics)),
        });
        let (room, event) = (RoomId::new(room).unwrap(), events.next().unwrap());
        let more = events.collect();
        self.hub.apply(Op::Deliver { room, event, more });
    }

    /// The offsets that the client has received, in order.
    fn offsets(&self) -> Vec<Position> {
        drained(&self.outbox)
            .split("\"message\",{},\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect()
    }
}

#[actix_web::test]
async fn what_a_room_is_sent_in_one_turn_comes_in_order_and_as_if_each_came_alone() {
    let mut this = InTwoRooms::new();
    this.attach("bike");
    this.enter("bike", 1);
    // The history had one of them, and another comes again.
    this.say_at_once("bike", &[(2, 12), (1, 11), (3, 13), (3, 13), (4, 14)]);
    assert_eq!(this.offsets(), [12, 13, 14]);
    assert_eq!(this.metrics.events_in_flight.get(), 0, "what is delivered is no longer in flight");
}

#[actix_web::test]
async fn a_message_that_waits_for_a_history_is_not_overtaken_by_a_later_one_of_another_room() {
    let mut client = InTwoRooms::new();
    client.say("bike", 1, 10);
    assert_eq!(client.offsets(), [10]);
    // It enters the room again. In the meantime both rooms receive messages.
    client.attach("bike");
    client.say("bike", 2, 11);
    client.say("lamp", 1, 12);
    // If the transport were cut now, with 12 as the offset, nobody would send 11 again.
    assert_eq!(client.offsets(), [0; 0]);
    client.enter("bike", 1);
    assert_eq!(client.offsets(), [11, 12]);
    client.say("lamp", 2, 13);
    assert_eq!(client.offsets(), [13]);
    // A history that knew the first of what waits.
    client.attach("lamp");
    client.attach("bike");
    client.say("lamp", 3, 14);
    client.say("bike", 3, 15);
    client.say("lamp", 4, 16);
    client.enter("bike", 2);
    assert_eq!(client.offsets(), [0; 0], "the lamp's history is still being read");
    client.enter("lamp", 3);
    assert_eq!(client.offsets(), [15, 16]);
    // A session that leaves a room does not wait for its history.
    client.attach("bike");
    client.say("bike", 4, 17);
    client.say("lamp", 5, 18);
    let leave = Op::Detach { session: SessionId(1), room: RoomId::new("bike").unwrap(), error: None };
    client.hub.apply(leave);
    assert_eq!(client.offsets(), [18]);
}

#[actix_web::test]
async fn what_waited_for_a_recovery_comes_in_the_order_of_commits_over_all_rooms() {
    let mut client = InTwoRooms::new();
    for room in ROOMS {
        client.attach(room);
    }
    for (room, seq, position) in [("bike", 1, 20), ("lamp", 1, 21), ("lamp", 2, 22), ("bike", 2, 23)] {
        client.say(room, seq, position);
    }
    client.hub.apply(Op::Resume {
        session: SessionId(1),
        sid: "sid".to_owned(),
        pid: "pid".to_owned(),
        messages: vec![Push::message("{}".into(), Offset::exact(20))],
        rooms: vec![(RoomId::new("bike").unwrap(), Seq(1)), (RoomId::new("lamp").unwrap(), Seq(0))],
    });
    assert_eq!(client.offsets(), [20, 21, 22, 23]);
}

#[actix_web::test]
async fn typing_is_left_out_first_for_a_client_that_is_behind() {
    let metrics = Arc::new(Metrics::default());
    let mut hub = Hub::new(Duration::from_secs(60), 1 << 20, Arc::clone(&metrics));
    let (room, session) = (RoomId::new("room").unwrap(), SessionId(1));
    let outbox = Arc::new(Outbox::new(4096, None));
    hub.open(OpenSession {
        session,
        user: UserId::new("alice").unwrap(),
        outbox: Arc::clone(&outbox),
        encoding: Encoding::Json,
        notices: Listener.start().downgrade().recipient(),
        ends_at: Timestamp(i64::MAX),
    });
    hub.apply(Op::Attach { session, room: room.clone() });
    let slot = InFlight::default().take(&metrics);
    let asker = Asker { session, hub: HubId(0), request: None, event: "enterRoom", slot };
    hub.apply(Op::Enter { asker, room: room.clone(), answer: Bytes::new(), after: Seq(0), behind: false });
    let mut deliver = |name: &'static str, kind: Delivery| {
        let data = if name == "message" { format!("\"{}\"", "x".repeat(1500)) } else { "{}".to_owned() };
        let push = Push::from_json(name, data.into());
        let event = RoomEvent { kind, push, except: None, slot: None };
        hub.apply(Op::Deliver { room: room.clone(), event, more: Vec::new() });
    };
    let drained = || drained(&outbox);

    deliver("typing", Delivery::Typing);
    assert!(drained().contains("typing"));
    deliver("message", Delivery::Message(Seq(1)));
    deliver("typing", Delivery::Typing);
    deliver("read", Delivery::State);
    let got = drained();
    assert!(got.contains("read") && !got.contains("typing"), "{got}");
    deliver("typing", Delivery::Typing);
    assert!(drained().contains("typing"), "it has caught up");
}
