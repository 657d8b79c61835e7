//! What each message of the mailbox is for the [`Chat`](crate::chat::Chat).

use actix::{Handler, MessageResult};

use super::{
    ChatServer,
    held_events::HeldEvents,
    messages::{AnnounceRoom, EndSessions, GoOn, RegisterBus, RegisterHub, SessionEvents, Then, WhatIsLeft},
};
use crate::{
    actors::{
        bus::messages::{Arrived, LinkChanged},
        hub::DrainSessions,
    },
    chat::input::{Input, Unfinished},
};

impl Handler<Then> for ChatServer {
    type Result = ();

    fn handle(&mut self, Then(input): Then, ctx: &mut Self::Context) {
        self.happen(input, ctx);
    }
}

impl Handler<SessionEvents> for ChatServer {
    type Result = ();

    fn handle(&mut self, SessionEvents(events): SessionEvents, ctx: &mut Self::Context) {
        self.take_up(events, ctx);
    }
}

impl Handler<GoOn> for ChatServer {
    type Result = ();

    fn handle(&mut self, _: GoOn, ctx: &mut Self::Context) {
        // What the slice before has brought about does not wait for this one.
        self.end_turn(ctx);
        self.take_up_postponed(ctx);
    }
}

impl Handler<RegisterHub> for ChatServer {
    type Result = ();

    fn handle(&mut self, RegisterHub { id, addr }: RegisterHub, _: &mut Self::Context) {
        if self.hubs.len() <= id.0 {
            self.hubs.resize(id.0 + 1, None);
        }
        self.hubs[id.0] = Some(addr);
    }
}

impl Handler<RegisterBus> for ChatServer {
    type Result = ();

    fn handle(&mut self, RegisterBus { node, bus }: RegisterBus, ctx: &mut Self::Context) {
        self.bus = Some(bus);
        self.happen(Input::Clustered(node), ctx);
    }
}

impl Handler<Arrived> for ChatServer {
    type Result = ();

    fn handle(&mut self, Arrived(events): Arrived, ctx: &mut Self::Context) {
        self.happen(Input::NodeEvents(events), ctx);
    }
}

impl Handler<LinkChanged> for ChatServer {
    type Result = ();

    fn handle(&mut self, LinkChanged { up }: LinkChanged, ctx: &mut Self::Context) {
        self.happen(Input::LinkChanged { up }, ctx);
    }
}

impl Handler<AnnounceRoom> for ChatServer {
    type Result = ();

    fn handle(&mut self, AnnounceRoom(room): AnnounceRoom, ctx: &mut Self::Context) {
        self.happen(Input::RoomOpened(room), ctx);
    }
}

impl Handler<EndSessions> for ChatServer {
    type Result = usize;

    fn handle(&mut self, EndSessions { user }: EndSessions, ctx: &mut Self::Context) -> usize {
        let count = self.chat.session_count_of(&user);
        self.happen(Input::EndSessions(user), ctx);
        count
    }
}

impl Handler<DrainSessions> for ChatServer {
    type Result = ();

    fn handle(&mut self, drain: DrainSessions, _: &mut Self::Context) {
        for hub in self.hubs.iter().flatten() {
            #[expect(clippy::disallowed_methods, reason = "sent once in a server's life")]
            hub.do_send(drain);
        }
    }
}

impl Handler<WhatIsLeft> for ChatServer {
    type Result = MessageResult<WhatIsLeft>;

    fn handle(&mut self, _: WhatIsLeft, _: &mut Self::Context) -> Self::Result {
        let held = self.held.as_ref().map_or(0, HeldEvents::len);
        MessageResult(Unfinished { events: self.postponed.len() + held, ..self.chat.unfinished() })
    }
}
