//! Sessions come and go: their beginning, their end, and the ends that are not their own.

use actix::{Context, Handler};

use super::{
    ChatServer, done,
    messages::{Connect, Disconnect, EndSessions, Feed, Leave, RegisterHub, ReplyTo, Welcome},
    work::{Work, take_entries},
};
use crate::{
    actors::hub::{DrainSessions, Op},
    broker::{NodeEvent, Topic},
    error::{ChatError, ErrorCode},
    metrics::{SharedThread, Step},
};

impl Handler<RegisterHub> for ChatServer {
    type Result = ();

    fn handle(&mut self, RegisterHub { id, addr }: RegisterHub, _: &mut Self::Context) {
        self.fan_out.register(id, addr);
    }
}

impl Handler<Connect> for ChatServer {
    type Result = ();

    fn handle(&mut self, Connect { session, user, hub, feed, welcome }: Connect, ctx: &mut Self::Context) {
        self.rooms.connect(session, user.clone(), hub, feed);
        match welcome {
            None => {}
            Some(Welcome::Plain) => {
                let sid = uuid::Uuid::new_v4().simple().to_string();
                self.fan_out.tell_hub(hub, Op::Welcome { session, sid, recovery: None });
            }
            Some(Welcome::Recoverable(resume)) => {
                self.guarded("connect", |server| server.recover(session, resume, ctx))
            }
        }
        if feed == Feed::Inbox {
            self.tell_who_is_online(session, user.clone(), hub, ctx);
            self.tell_nodes(|| Topic::Nodes, || NodeEvent::WhoIsThere { user });
        }
    }
}

impl Handler<Disconnect> for ChatServer {
    type Result = ();

    fn handle(&mut self, Disconnect { session, for_good, place, .. }: Disconnect, ctx: &mut Self::Context) {
        self.guarded("disconnect", |server| {
            server.end_recoverable(session, for_good, ctx);
            server.typing_in_no_room(session);
            for gone in server.rooms.disconnect(session) {
                server.presence_changed(gone);
            }
        });
        drop(place);
    }
}

impl ChatServer {
    /// Takes a session out of a room, and with it what it has said before about entering that room: an entry that still waits
    /// for the room or for the answer whether its user may enter must not put the session back after it left.
    pub(super) fn leave(&mut self, Leave { asker, room, .. }: Leave, ctx: &mut Context<Self>) {
        let (session, hub) = (asker.session, asker.hub);
        self.not_to_resume(session, &room);
        let mut entries = Vec::new();
        if let Some(user) = self.rooms.session(session).map(|live| live.user.clone()) {
            entries = self.checks.take_entries(session, &room, &user);
        }
        if let Some(loading) = self.loading.rooms.get_mut(&room) {
            entries.extend(take_entries(&mut loading.waiting, session));
        }
        for entry in entries {
            match entry {
                Work::Join(join) => self.answer(ReplyTo::Session(join.asker), Err(left_before())),
                Work::Resume { .. } => self.resume_room(session, true, ctx),
                _ => {}
            }
        }
        self.fan_out.tell_hub(hub, Op::Detach { session, room: room.clone(), error: None });
        self.detach(session, &room);
        self.answer(ReplyTo::Session(asker), Ok(done()));
    }
}

/// The answer to an entry whose session has left the room since.
pub(super) fn left_before() -> ChatError {
    ChatError::new(ErrorCode::NotInRoom, "the room was left before it was entered")
}

impl Handler<EndSessions> for ChatServer {
    type Result = usize;

    fn handle(&mut self, EndSessions { user }: EndSessions, _: &mut Self::Context) -> usize {
        let _step = Step::begin(&self.metrics, SharedThread::ChatServer, "end_sessions");
        let error = ChatError::new(ErrorCode::Forbidden, "the marketplace has ended this session");
        self.end_sessions(&user, &error)
    }
}

impl Handler<DrainSessions> for ChatServer {
    type Result = ();

    fn handle(&mut self, drain: DrainSessions, _: &mut Self::Context) {
        for hub in self.fan_out.hubs() {
            #[expect(clippy::disallowed_methods, reason = "sent once in a server's life")]
            hub.do_send(drain);
        }
    }
}
