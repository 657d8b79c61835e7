//! A room in a hub, without sockets.

use std::{hint::black_box, pin::Pin, sync::Arc, task::Context, time::Duration};

use actix::Actor as _;
use bytes::Bytes;
use futures_util::task::noop_waker;
use haggle::internals::{
    actors::{
        hub::{Hub, OpenSession, SessionNotice},
        outbox::Outbox,
    },
    chat::{
        hub_op::{Asker, Delivery, HubId, Op, RoomEvent},
        in_flight::InFlight,
    },
    domain::{RoomId, Seq, SessionId, Timestamp, UserId},
    metrics::Metrics,
    protocol::push::{Encoding, Push},
};

/// Takes the notices that a hub has for its sessions.
struct Listener;

impl actix::Actor for Listener {
    type Context = actix::Context<Self>;
}

impl actix::Handler<SessionNotice> for Listener {
    type Result = ();

    fn handle(&mut self, _: SessionNotice, _: &mut Self::Context) {}
}

/// A hub with one room, and what its sessions' clients would be given.
pub(crate) struct LiveRoom {
    hub: Hub,
    outboxes: Vec<Arc<Outbox>>,
    room: RoomId,
}

impl LiveRoom {
    /// A room with this many sessions. Needs an actix system.
    pub(crate) fn of(sessions: u64) -> Self {
        let metrics = Arc::new(Metrics::default());
        let mut hub = Hub::new(Duration::from_secs(60), 1 << 20, Arc::clone(&metrics));
        let (room, listener) = (RoomId::new("room").unwrap(), Listener.start());
        let mut outboxes = Vec::new();
        for place in 0..sessions {
            let (session, outbox) = (SessionId(place), Arc::new(Outbox::new(1 << 20, None)));
            hub.open(OpenSession {
                session,
                user: UserId::new("alice").unwrap(),
                outbox: Arc::clone(&outbox),
                encoding: Encoding::Json,
                notices: listener.downgrade().recipient(),
                ends_at: Timestamp(i64::MAX),
            });
            hub.apply(Op::Attach { session, room: room.clone() });
            let slot = InFlight::default().take(&metrics);
            let asker = Asker { session, hub: HubId(0), request: None, event: "enterRoom", slot };
            hub.apply(Op::Enter { asker, room: room.clone(), answer: Bytes::new(), after: Seq(0), behind: false });
            outboxes.push(outbox);
        }
        Self { hub, outboxes, room }
    }

    /// A message, to the write that a socket would get.
    pub(crate) fn deliver(&mut self, seq: Seq, push: Push) {
        let room = self.room.clone();
        let event = RoomEvent { kind: Delivery::Message(seq), push, except: None, slot: None };
        self.hub.apply(Op::Deliver { room, event, more: Vec::new() });
        for outbox in &self.outboxes {
            let mut out = tokio::io::sink();
            let _ = black_box(outbox.poll_write(&mut Context::from_waker(&noop_waker()), Pin::new(&mut out)));
        }
        self.hub.flush();
    }
}
