//! A signed-in client in one of haggle's namespaces: a [`ChatSession`] on a connection of Socket.IO.

use std::sync::Arc;

use crate::{
    actors::{
        hub::{HubNotice, SessionNotice},
        session::{
            chat::{ChatSession, Next, ROOM_WAIT, Wire},
            services::Services,
            socket_io::{NamespaceEvent, NamespaceMember, Newcomer, Seat},
        },
    },
    chat::{request::Welcome, rooms::Feed},
    error::{ChatError, CloseCode},
    protocol::{event::ClientEvent, json::RequestId, push::Encoding, socket_io::EventName},
};

/// What a namespace makes of its members.
pub(super) struct MemberTerms {
    /// The namespace's name.
    pub(super) namespace: &'static str,
    /// What they receive without entering a room.
    pub(super) feed: Feed,
    /// How their CONNECT is answered.
    pub(super) welcome: Welcome,
    /// Which events they may send.
    pub(super) takes: fn(&ClientEvent) -> bool,
}

/// A signed-in client in a namespace.
pub(super) struct SignedInMember {
    chat: ChatSession,
    services: Arc<Services>,
    namespace: &'static str,
    takes: fn(&ClientEvent) -> bool,
    /// The server shuts down: nothing new is accepted.
    draining: bool,
}

impl SignedInMember {
    /// Registers a client that has passed its namespace's middleware. Its CONNECT is answered through its hub, which knows
    /// it by then.
    pub(super) fn join(
        role: MemberTerms,
        services: &Arc<Services>,
        newcomer: Newcomer,
        seat: &mut Seat<'_, '_>,
    ) -> Box<dyn NamespaceMember> {
        let (Some(identity), Some(place)) = (newcomer.identity, newcomer.place) else {
            // A namespace of haggle's own without the middleware that knows who its clients are.
            seat.leave(CloseCode::InternalError, "nobody knows who this is");
            return Box::new(Stranger);
        };
        let connection = seat.connection();
        connection.signed_in();
        let wire = Wire {
            outbox: Arc::clone(connection.outbox()),
            in_flight: connection.in_flight().clone(),
            encoding: Encoding::SocketIo {
                namespace: role.namespace,
                offsets: matches!(role.welcome, Welcome::Recoverable(_)),
            },
            feed: role.feed,
            welcome: Some(role.welcome),
        };
        let notices = connection.address().downgrade().recipient();
        let chat = ChatSession::open(identity, place, Arc::clone(services), wire, notices);
        Box::new(Self {
            chat,
            services: Arc::clone(services),
            namespace: role.namespace,
            takes: role.takes,
            draining: false,
        })
    }

    fn follow(&mut self, next: Next, seat: &mut Seat<'_, '_>) {
        match next {
            Next::Continue => {}
            Next::AwaitRoom => {
                seat.after(ROOM_WAIT, |member: &mut Self, _| member.chat.give_up_waiting());
            }
            Next::Verify { token, request } => {
                let verifier = Arc::clone(&self.services.verifier);
                // One at a time: a second `authenticate` waits for the first, and so does everything after it.
                seat.wait(async move { verifier.verify(&token).await }, move |member: &mut Self, verified, _| {
                    member.chat.renewed(request.as_ref(), verified);
                });
            }
            Next::End(code, error) => {
                self.chat.notice(&error, None);
                self.chat.end_for_good();
                seat.leave(code, &error.message);
            }
        }
    }

    fn decode(&self, name: &str, event: &NamespaceEvent<'_>) -> Result<ClientEvent, ChatError> {
        if !event.attachments.is_empty() {
            return Err(ChatError::invalid("this namespace takes no binary data"));
        }
        if event.args.len() > 1 {
            return Err(ChatError::invalid("an event takes one argument and an acknowledgement"));
        }
        let decoded = ClientEvent::decode(name, event.args.first().map(|data| data.get()))?;
        if (self.takes)(&decoded) {
            return Ok(decoded);
        }
        Err(ChatError::invalid(format!("the namespace {} does not take `{name}`", self.namespace)))
    }
}

impl NamespaceMember for SignedInMember {
    fn event(&mut self, event: NamespaceEvent<'_>, seat: &mut Seat<'_, '_>) {
        if self.draining {
            // Without an answer the client sends it again when it reconnects.
            return;
        }
        let request = event.ack.map(RequestId::from_number);
        let (name, decoded) = match &event.name {
            EventName::Text(name) => (&**name, self.decode(name, &event)),
            EventName::Number(_) => ("", Err(ChatError::invalid("the name of an event must be a string"))),
        };
        #[cfg(test)]
        crate::chat::panics::if_asked(event.args.first().map(|data| data.get()), "session");
        let next = self.chat.handle(request, name, decoded);
        self.follow(next, seat);
    }

    fn notice(&mut self, notice: &SessionNotice, seat: &mut Seat<'_, '_>) {
        if notice.session != self.chat.id() {
            return;
        }
        match &notice.notice {
            HubNotice::Joined { room, entered } => self.chat.joined(room, *entered),
            HubNotice::Resumed(rooms) => self.chat.resumed(rooms),
            HubNotice::TakenOver => seat.leave_silently(CloseCode::Normal, "the client has come back"),
            // The connection's affair.
            HubNotice::PingDue | HubNotice::PongDue { .. } => {}
            HubNotice::TokenExpired { ended_at } => {
                let next = self.chat.expired(*ended_at);
                self.follow(next, seat);
            }
            HubNotice::Draining(patience) => {
                self.draining = true;
                let (in_flight, patience) = (self.chat.in_flight().clone(), *patience);
                let idle = async move { tokio::time::timeout(patience, in_flight.idle()).await };
                seat.spawn(idle, |_: &mut Self, _, seat| {
                    // Without a DISCONNECT: the official client would not reconnect after one.
                    seat.connection().end(CloseCode::Restart, "the server restarts, come back");
                });
            }
            // Its hub has dropped it for reading too slowly: the connection is closed, and the session can be recovered.
            HubNotice::Ending if seat.connection().outbox().has_ended() => {}
            HubNotice::Ending => {
                self.chat.end_for_good();
                seat.leave_silently(CloseCode::Forbidden, "this session has ended");
            }
        }
    }

    fn disconnected(&mut self) {
        self.chat.end_for_good();
    }

    fn kept_alive(&mut self, seat: &mut Seat<'_, '_>) {
        if let Err(next) = self.chat.admit_control() {
            self.follow(next, seat);
        }
    }

    fn refused(&mut self, error: &ChatError) {
        self.chat.notice(error, None);
    }

    fn user(&self) -> Option<String> {
        Some(self.chat.user().to_string())
    }
}

/// A client that leaves at once.
struct Stranger;

impl NamespaceMember for Stranger {
    fn event(&mut self, _: NamespaceEvent<'_>, _: &mut Seat<'_, '_>) {}
}
