//! What a signed-in client may do: the same for every wire.

mod messages;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::WeakRecipient;

use super::{messages_without_room::WaitingMessages, services::Services};
use crate::{
    actors::{
        hub::{CloseSession, OpenSession, RenewSession, SessionNotice},
        outbox::{Full, OutFrame, Outbox},
    },
    auth::{AuthError, Identity},
    chat::{
        hub_op::Asker,
        in_flight::InFlight,
        request::{
            Change, Connect, Disconnect, Join, Leave, MakeOffer, React, Read, Received, ReplyTo, SessionEvent, Typing,
            Welcome,
        },
        rooms::Feed,
        short_list::reserve_one,
        token_bucket::{Patience, RateVerdict},
        user_limits::{SessionPlace, UserShare},
    },
    db::Write,
    domain::{AuthorizePolicy, RoomId, SessionId, Timestamp, UserId},
    error::{ChatError, CloseCode, ErrorCode},
    metrics,
    protocol::{
        event::{
            Alive, Authenticated, ClientEvent, EnterRoom, ErrorNotice, MarkDelivered, MarkRead, ServerEvent, SetTyping,
        },
        json::{RequestId, to_json},
        push::{Encoding, Push},
    },
};

/// How long a message without a room waits for an `enterRoom`.
pub const ROOM_WAIT: Duration = Duration::from_secs(2);

/// An `authenticate` counts as this many events: a signature is verified for it.
const AUTHENTICATE_COST: u32 = 5;

/// What carries a session: the wire that its client speaks.
#[derive(Debug)]
pub struct Wire {
    /// Where its frames wait; namespaces of one connection share it.
    pub outbox: Arc<Outbox>,
    /// Its unanswered events; namespaces of one connection share them.
    pub in_flight: InFlight,
    /// How its frames are written.
    pub encoding: Encoding,
    /// What it receives without entering a room.
    pub feed: Feed,
    /// How it is answered once it is registered, where its wire has an answer.
    pub welcome: Option<Welcome>,
}

/// One client's standing in the chat, whatever wire it speaks.
#[derive(Debug)]
pub struct ChatSession {
    id: SessionId,
    user: UserId,
    /// Whether its token is one of the staff.
    is_staff: bool,
    /// When its token expires.
    ends_at: Timestamp,
    services: Arc<Services>,
    outbox: Arc<Outbox>,
    encoding: Encoding,
    in_flight: InFlight,
    /// Its place among its user's sessions, which goes with its [`Disconnect`].
    place: Option<SessionPlace>,
    share: Arc<UserShare>,
    patience: Patience,
    /// Rooms entered or about to be, the last one last.
    rooms: Vec<RoomId>,
    waiting: WaitingMessages,
    for_good: bool,
}

/// What the session's actor does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Goes on.
    Continue,
    /// Starts the time that messages without a room wait for an `enterRoom`.
    AwaitRoom,
    /// Verifies a fresh token, then calls [`ChatSession::renewed`].
    Verify { token: String, request: Option<RequestId> },
    /// Ends the connection.
    End(CloseCode, ChatError),
}

impl ChatSession {
    /// Registers a client that has shown a good token.
    #[must_use]
    pub fn open(
        identity: Identity,
        place: SessionPlace,
        services: Arc<Services>,
        wire: Wire,
        notices: WeakRecipient<SessionNotice>,
    ) -> Self {
        let Wire { outbox, in_flight, encoding, feed, welcome } = wire;
        in_flight.belong_to(&place.share().work);
        let id = SessionId::next();
        let (ends_at, user, is_staff) = (identity.ends_at(), identity.user, identity.is_staff);
        let open =
            OpenSession { session: id, user: user.clone(), outbox: Arc::clone(&outbox), encoding, notices, ends_at };
        #[expect(clippy::disallowed_methods, reason = "once per connection, and connections have a cap")]
        services.hub.do_send(open);
        let hub = services.hub_id;
        services.uplink.send(Connect { session: id, user: user.clone(), hub, feed, welcome, is_staff });
        Self {
            id,
            user,
            is_staff,
            ends_at,
            share: Arc::clone(place.share()),
            place: Some(place),
            patience: Patience::default(),
            services,
            outbox,
            encoding,
            in_flight,
            rooms: Vec::new(),
            waiting: WaitingMessages::default(),
            for_good: false,
        }
    }

    /// Its end is its client's wish or the server's: it can't be taken up again.
    pub fn end_for_good(&mut self) {
        self.for_good = true;
    }

    /// Its id, for logs.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// What is next when its hub says that its token has expired, and when. The clock is not read again: it may have been
    /// set back, and the hub reports this once.
    #[must_use]
    pub fn expired(&self, ended_at: Timestamp) -> Next {
        if ended_at < self.ends_at {
            // A fresh one came while that was on its way.
            return Next::Continue;
        }
        let error = ChatError::new(ErrorCode::TokenExpired, "the token has expired: fetch a new one, then reconnect");
        Next::End(CloseCode::TokenExpired, error)
    }

    /// Its unanswered events.
    #[must_use]
    pub fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }

    /// Counts one frame of the client against its limit, without an answer: a heartbeat's frame.
    pub fn admit_control(&mut self) -> Result<(), Next> {
        match self.share.admit_send(1, &mut self.patience, Instant::now()) {
            RateVerdict::Flooding { retry_after_ms } => Err(self.flooding(retry_after_ms)),
            _ => Ok(()),
        }
    }

    /// Takes up one event.
    pub fn handle(&mut self, request: Option<RequestId>, name: &str, event: Result<ClientEvent, ChatError>) -> Next {
        let cost = if matches!(event, Ok(ClientEvent::Authenticate(_))) { AUTHENTICATE_COST } else { 1 };
        match self.share.admit_send(cost, &mut self.patience, Instant::now()) {
            RateVerdict::Passed => {}
            RateVerdict::TooFast { retry_after_ms } => {
                metrics::count(&self.services.metrics.rate_limited, "sends_per_second");
                return self.refuse(request.as_ref(), name, &ChatError::rate_limited(retry_after_ms));
            }
            RateVerdict::Flooding { retry_after_ms } => return self.flooding(retry_after_ms),
        }
        match event {
            Ok(event) => self.perform(request, event),
            Err(error) => self.refuse(request.as_ref(), name, &error),
        }
    }

    fn flooding(&self, retry_after_ms: u64) -> Next {
        metrics::count(&self.services.metrics.rate_limited, "flooding");
        let mut error = ChatError::rate_limited(retry_after_ms);
        error.message = "this user kept sending over the limit, come back after `retryAfterMs`".into();
        Next::End(CloseCode::Flooding, error)
    }

    fn perform(&mut self, request: Option<RequestId>, event: ClientEvent) -> Next {
        let name = event.name();
        match event {
            ClientEvent::EnterRoom(enter) => self.enter_room(request, enter),
            ClientEvent::LeaveRoom(room) => self.in_room(request, name, room, |session, asker, room| {
                session.rooms.retain(|entered| *entered != room);
                session.send(Leave { asker, user: session.user.clone(), room });
            }),
            ClientEvent::Message(message) => self.message(request, message),
            ClientEvent::React(event) => self.in_room(request, name, event.room_id, |session, asker, room| {
                let (user, reply) = (session.user.clone(), ReplyTo::Session(asker));
                session.send(React { user, room, message: event.message_id, emoji: event.emoji, reply });
            }),
            ClientEvent::Typing(SetTyping { room_id, typing }) => {
                self.in_room(request, name, room_id, |session, asker, room| {
                    session.send(Typing { asker, user: session.user.clone(), room, typing });
                })
            }
            ClientEvent::Read(MarkRead { room_id, seq }) => {
                self.in_room(request, name, room_id, |session, asker, room| {
                    session.send(Read { user: session.user.clone(), room, seq, reply: ReplyTo::Session(asker) });
                })
            }
            ClientEvent::Delivered(MarkDelivered { room_id, seq }) => {
                self.in_room(request, name, room_id, |session, asker, room| {
                    session.send(Received { user: session.user.clone(), room, seq, reply: ReplyTo::Session(asker) });
                })
            }
            ClientEvent::Offer(event) => match event.price() {
                Ok(price) => self.in_room(request, name, event.room_id, |session, asker, room| {
                    let (user, reply) = (session.user.clone(), ReplyTo::Session(asker));
                    session.send(MakeOffer { user, room, price, client_id: event.client_id, reply });
                }),
                Err(error) => self.refuse(request.as_ref(), name, &error),
            },
            ClientEvent::AnswerOffer(event) => match event.answer.with_amount(event.amount) {
                Ok(answer) => {
                    let (actor, at) = (self.user.clone(), self.services.clock.now());
                    let (room, message) = (event.room_id, event.message_id);
                    self.change(request, name, Write::AnswerOffer { room, message, actor, answer, at })
                }
                Err(error) => self.refuse(request.as_ref(), name, &error),
            },
            ClientEvent::EditMessage(event) => self.edit(request, name, event),
            ClientEvent::DeleteMessage(message) => {
                let editor = self.user.clone();
                let write = Write::Delete { message, editor, at: self.services.clock.now() };
                self.change(request, name, write)
            }
            ClientEvent::Authenticate(event) => Next::Verify { token: event.token, request },
            ClientEvent::Heartbeat => {
                let alive = Alive { server_time: self.services.clock.now(), terms: self.services.heartbeat };
                self.reply(request.as_ref(), &alive);
                Next::Continue
            }
        }
    }

    fn enter_room(&mut self, request: Option<RequestId>, enter: EnterRoom) -> Next {
        let EnterRoom { room_id: room, after, token } = enter;
        let grant = match self.grant(&room, token.as_deref()) {
            Ok(grant) => grant,
            Err(error) => return self.refuse(request.as_ref(), "enterRoom", &error),
        };
        self.rooms.retain(|entered| *entered != room);
        reserve_one(&mut self.rooms);
        self.rooms.push(room.clone());
        let user = self.user.clone();
        // Its answer holds a page of history. A client that reconnects enters all of its rooms at once, and must not be
        // evicted for the size of what it asked for.
        let slot = self.in_flight.take_all(&self.services.metrics);
        let asker = Asker { session: self.id, hub: self.services.hub_id, request, event: "enterRoom", slot };
        self.send(Join { asker, user, room, after, grant });
        self.send_waiting();
        Next::Continue
    }

    /// It has taken an earlier session up, and is in its rooms again.
    pub fn resumed(&mut self, rooms: &[RoomId]) {
        let later = std::mem::replace(&mut self.rooms, rooms.to_vec());
        for room in later {
            self.rooms.retain(|entered| *entered != room);
            self.rooms.push(room);
        }
        if !self.rooms.is_empty() {
            self.send_waiting();
        }
    }

    /// Until when a room token lets the client in. Without one the policy decides, and it may refuse.
    fn grant(&self, room: &RoomId, token: Option<&str>) -> Result<Option<Timestamp>, ChatError> {
        let (AuthorizePolicy::RoomToken, Some(token)) = (self.services.policy, token) else { return Ok(None) };
        let now = self.services.clock.now();
        self.services.room_tokens.verify(token, room, &self.user, now).map(Some).map_err(|error| {
            metrics::count(&self.services.metrics.auth_failures, error.reason());
            match error.code() {
                ErrorCode::TokenExpired => error.into(),
                _ => ChatError::forbidden(),
            }
        })
    }

    fn room_or_last(&self, room: Option<RoomId>) -> Result<RoomId, ChatError> {
        room.or_else(|| self.rooms.last().cloned()).ok_or_else(not_in_room)
    }

    /// Has something done in the room that an event names, or in the last one that was entered.
    fn in_room(
        &mut self,
        request: Option<RequestId>,
        name: &'static str,
        room: Option<RoomId>,
        act: impl FnOnce(&mut Self, Asker, RoomId),
    ) -> Next {
        match self.room_or_last(room) {
            Ok(room) => {
                let asker = self.asker(0, request, name);
                act(self, asker, room);
                Next::Continue
            }
            Err(error) => self.refuse(request.as_ref(), name, &error),
        }
    }

    fn change(&mut self, request: Option<RequestId>, name: &'static str, write: Write) -> Next {
        let text = if let Write::Edit { text, .. } = &write { Some(text.as_str()) } else { None };
        let is_asked = text.is_some() && self.services.asked.is_some_and(|kinds| kinds.has_text(text));
        let reply = ReplyTo::Session(self.asker(text.map_or(0, str::len), request, name));
        self.send(Change { write, is_asked, reply });
        Next::Continue
    }

    /// Who asks, by an event that holds this many bytes until it is answered.
    fn asker(&self, bytes: usize, request: Option<RequestId>, event: &'static str) -> Asker {
        let slot = self.in_flight.take_for(bytes, &self.services.metrics);
        Asker { session: self.id, hub: self.services.hub_id, request, event, slot }
    }

    fn send(&self, event: impl Into<SessionEvent>) {
        self.services.uplink.send(event);
    }

    /// The outcome of an entry.
    pub fn joined(&mut self, room: &RoomId, entered: bool) {
        if !entered {
            self.rooms.retain(|other| other != room);
        } else if let Some(own) = self.rooms.iter_mut().find(|own| *own == room) {
            // The same id, but one that is in memory anyway.
            own.clone_from(room);
        }
    }

    /// Answers `authenticate`.
    pub fn renewed(&mut self, request: Option<&RequestId>, verified: Result<Identity, AuthError>) {
        match verified {
            // A session of the staff may be in rooms that its user has joined as such.
            Ok(identity) if identity.user == self.user && (identity.is_staff || !self.is_staff) => {
                self.ends_at = identity.ends_at();
                let renew = RenewSession { session: self.id, ends_at: self.ends_at };
                #[expect(clippy::disallowed_methods, reason = "one at a time a session, each after a verified token")]
                self.services.hub.do_send(renew);
                let expires_at = identity.expires_at;
                self.reply(request, &Authenticated { expires_at, server_time: self.services.clock.now() });
            }
            Ok(_) => {
                let error =
                    ChatError::new(ErrorCode::Forbidden, "the token must be of the same user, in the same role");
                self.refuse(request, "authenticate", &error);
            }
            Err(error) => {
                metrics::count(&self.services.metrics.auth_failures, error.reason());
                self.refuse(request, "authenticate", &error.into());
            }
        }
    }

    /// Answers a request that needs nothing of the chat's.
    fn reply(&self, request: Option<&RequestId>, data: &impl serde::Serialize) {
        if let Some(id) = request {
            self.push(OutFrame::Text(self.encoding.reply(id, Ok(&to_json(data)))));
        }
    }

    /// Notifies the client that an event failed: in its reply, or as an `error` event when it asked for none.
    pub fn refuse(&mut self, request: Option<&RequestId>, name: &str, error: &ChatError) -> Next {
        match request {
            Some(id) => self.push(OutFrame::Text(self.encoding.reply(id, Err(error)))),
            None => self.notice(error, Some(name).filter(|name| !name.is_empty())),
        }
        Next::Continue
    }

    /// Notifies the client why its connection ends.
    pub fn notice(&mut self, error: &ChatError, event: Option<&str>) {
        let notice = ErrorNotice::new(error, event);
        self.push(OutFrame::Text(Push::new(&ServerEvent::Error(notice)).encode(self.encoding)));
    }

    fn push(&self, frame: OutFrame) {
        // A full outbox has ended itself, and its end reaches the actor through the transport.
        if self.outbox.push(frame) == Err(Full) {
            metrics::count(&self.services.metrics.evictions, "too_slow");
            log::info!("session={} user={} evicted: reads too slowly", self.id, self.user);
        }
    }
}

fn not_in_room() -> ChatError {
    ChatError::new(ErrorCode::NotInRoom, "enter a room first, or name one in `roomId`")
}

// Also when the actor's task panicked: no session stays in a room after its end.
impl Drop for ChatSession {
    fn drop(&mut self) {
        #[expect(clippy::disallowed_methods, reason = "once per connection, and connections have a cap")]
        self.services.hub.do_send(CloseSession(self.id));
        self.waiting.take(&self.share);
        let place = self.place.take();
        self.send(Disconnect { session: self.id, user: self.user.clone(), for_good: self.for_good, place });
    }
}
