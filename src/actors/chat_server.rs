//! `ChatServer`: owns rooms, members, presence and the batch that waits for its commit. The only writer of room state.
//!
//! It lives on an arbiter of its own and never waits: a question to the database is a task whose answer comes back as a
//! message. At the end of each turn (its mailbox is empty) the gathered batch goes to the writer if none is in flight, and
//! each hub gets one list of what its sessions receive.

pub mod batch;
mod fan_out;
pub mod messages;
pub mod rooms;
mod work;

use std::{
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::{Duration, Instant},
};

use actix::{Actor, ActorFuture, Addr, AsyncContext, Context, Handler, Message as ActixMessage};
use bytes::Bytes;

use crate::{
    actors::{
        db_executor::Database,
        hub::{Asker, DrainSessions, Op},
    },
    clock::Clock,
    db::{DbError, MessagePage, Messages, RoomState, RoomWrite, WriteError, Written},
    domain::{AuthorizePolicy, Role, RoomId, SessionId, StoredMessage, UserId},
    error::{ChatError, CloseCode, ErrorCode},
    metrics::Metrics,
    protocol::{
        event::{Entered, ReadUpTo, RoomUpdated, ServerEvent},
        json::to_json,
        push::Push,
    },
};
use batch::{Batch, PendingWrite, Waiting};
use fan_out::FanOut;
use messages::{
    AnnounceRoom, Answer, Change, Connect, Disconnect, EndSessions, IsSettled, Join, Leave, Message, Read, RegisterHub,
    ReplyTo, Typing,
};
use rooms::{PresenceChanged, Rooms};
use work::{Checks, Work};

/// How long changes of a room gather before its members' lists are told, so that a burst costs one `roomUpdated`.
const ROOM_UPDATED_DELAY: Duration = Duration::from_millis(100);

/// Newest messages in the answer of an entry without `after`.
const NEWEST_MESSAGES: i64 = 50;

/// Missed messages in the answer of an entry with `after`.
const MISSED_MESSAGES_MAX: i64 = 200;

/// What the [`ChatServer`] needs to know from the start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// When the database is asked who may enter.
    pub policy: AuthorizePolicy,
    /// Rooms that a session is in at once.
    pub rooms_per_session_max: Option<usize>,
    /// The time.
    pub clock: Clock,
}

/// Owns rooms, members and presence.
#[derive(Debug)]
pub struct ChatServer {
    settings: Settings,
    database: Database,
    metrics: Arc<Metrics>,
    rooms: Rooms,
    /// What waits until its room is in memory.
    loading: HashMap<RoomId, Loading>,
    /// What waits for a question to the database, where every event asks one.
    checks: Checks,
    batch: Batch,
    fan_out: FanOut,
    /// Rooms whose members' lists will be told.
    updated: HashSet<RoomId>,
}

#[derive(Debug, Default)]
struct Loading {
    waiting: Vec<Work>,
    /// A commit changed the room while it was being read, so what was read is too old.
    stale: bool,
}

impl ChatServer {
    /// A server without rooms.
    #[must_use]
    pub fn new(settings: Settings, database: Database, metrics: Arc<Metrics>) -> Self {
        Self {
            settings,
            database,
            metrics,
            rooms: Rooms::default(),
            loading: HashMap::new(),
            checks: Checks::default(),
            batch: Batch::default(),
            fan_out: FanOut::default(),
            updated: HashSet::new(),
        }
    }

    // ---- who may do it ----------------------------------------------------------------------------------------------

    /// Does something in a room once its user is known to be a member, by the policy that was chosen.
    fn authorize(&mut self, work: Work, ctx: &mut Context<Self>) {
        match self.settings.policy {
            AuthorizePolicy::OnEnter => self.with_room(work, ctx),
            AuthorizePolicy::EveryMessage => {
                if let Some((room, user)) = self.checks.ask(work) {
                    self.check(room, user, ctx);
                }
            }
            AuthorizePolicy::RoomToken => match self.check_grant(&work) {
                Ok(()) => self.with_room(work, ctx),
                Err(error) => self.refuse(work, error),
            },
        }
    }

    /// Under `room-token`: a session needs a token for the room whose time is not over. REST has asked the database.
    fn check_grant(&self, work: &Work) -> Result<(), ChatError> {
        let Some(session) = work.session() else { return Ok(()) };
        let entered = self.rooms.room(work.room()).and_then(|room| room.grant_of(session));
        match work.grant().max(entered) {
            Some(until) if until > self.settings.clock.now() => Ok(()),
            Some(_) => Err(grant_over()),
            None => Err(ChatError::forbidden()),
        }
    }

    fn check(&self, room: RoomId, user: UserId, ctx: &mut Context<Self>) {
        let database = self.database.clone();
        self.ask(ctx, async move {
            let allowed = database.authorize(room.clone(), user.clone()).await;
            Authorized { room, user, allowed }
        });
    }

    /// Asks the database something, as a task of its own whose answer comes back as a message.
    fn ask<M>(&self, ctx: &mut Context<Self>, question: impl Future<Output = M> + 'static)
    where
        M: ActixMessage<Result = ()> + Send + 'static,
        Self: Handler<M>,
    {
        let addr = ctx.address();
        actix::spawn(async move {
            let answer = question.await;
            #[expect(clippy::disallowed_methods, reason = "one answer to one question, and questions hold permits")]
            addr.do_send(answer);
        });
    }

    /// Does something in a room, once the room is in memory.
    fn with_room(&mut self, work: Work, ctx: &mut Context<Self>) {
        if self.rooms.room(work.room()).is_some() {
            self.perform(work, ctx);
            return;
        }
        let room = work.room().clone();
        let loading = self.loading.entry(room.clone()).or_default();
        loading.waiting.push(work);
        if loading.waiting.len() == 1 {
            self.load(room, ctx);
        }
    }

    fn load(&self, room: RoomId, ctx: &mut Context<Self>) {
        let database = self.database.clone();
        self.ask(ctx, async move {
            let state = database.load_room(room.clone()).await;
            RoomLoaded { room, state: state.map(|state| state.map(Box::new)) }
        });
    }

    // ---- doing it ---------------------------------------------------------------------------------------------------

    fn perform(&mut self, work: Work, ctx: &mut Context<Self>) {
        let room = work.room().clone();
        if let Work::Announce(_) = work {
            self.room_updated(room, ctx);
            return;
        }
        let Some(role) = work.user().and_then(|user| self.rooms.room(&room)?.role_of(user)) else {
            self.refuse(work, ChatError::forbidden());
            self.rooms.release(&room);
            return;
        };
        match work {
            Work::Join(join) => self.join(join, role, ctx),
            Work::Message(message) => {
                let write = RoomWrite::Append(message.draft);
                self.append(PendingWrite { write, room: Some(room), reply: message.reply });
            }
            Work::Read(read) => {
                let write = RoomWrite::MarkRead { room: read.room, reader: read.user, seq: read.seq };
                self.append(PendingWrite { write, room: Some(room), reply: read.reply });
            }
            Work::Typing(typing) => {
                let Typing { asker, user, room, typing } = typing;
                let push =
                    Push::new(&ServerEvent::Typing { room_id: room.clone(), user_id: user.clone(), typing });
                self.to_room(&room, &push, Some(&user));
                self.answer(ReplyTo::Session(asker), Ok(done()));
                self.rooms.release(&room);
            }
            Work::Announce(_) => {}
        }
    }

    fn join(&mut self, join: Join, role: Role, ctx: &mut Context<Self>) {
        let Join { asker, room, after, grant, .. } = join;
        let Some(session) = self.rooms.session(asker.session) else {
            // It died while its right was being asked for.
            self.rooms.release(&room);
            return;
        };
        let entered = session.rooms.iter().filter(|entered| **entered != room).count();
        if self.settings.rooms_per_session_max.is_some_and(|max| entered >= max) {
            crate::metrics::count(&self.metrics.rate_limited, "rooms_per_session");
            let mut error = ChatError::rate_limited(1000);
            error.message = "this session is in as many rooms as it may be, leave one first".into();
            self.fan_out.to_hub(asker.hub, Op::RefuseEntry { asker, room: room.clone(), error });
            self.rooms.release(&room);
            return;
        }
        self.rooms.attach(asker.session, &room, role, grant);
        self.fan_out.to_hub(asker.hub, Op::Attach { session: asker.session, room: room.clone() });
        let page = match after {
            Some(seq) => MessagePage::After { seq, limit: MISSED_MESSAGES_MAX },
            None => MessagePage::Before { seq: None, limit: NEWEST_MESSAGES },
        };
        let database = self.database.clone();
        self.ask(ctx, async move {
            let messages = database.read_history(room.clone(), page).await;
            HistoryRead { asker, room, role, catches_up: after.is_some(), messages }
        });
    }

    fn append(&mut self, write: PendingWrite) {
        let room = write.room.clone();
        match self.batch.push(write) {
            Ok(()) => {
                if let Some(live) = room.and_then(|room| self.rooms.room_mut(&room)) {
                    live.writes_pending += 1;
                }
            }
            Err(refused) => {
                crate::metrics::count(&self.metrics.rate_limited, "writes_pending");
                self.answer(refused.reply, Err(ChatError::unavailable()));
            }
        }
    }

    fn refuse(&mut self, work: Work, error: ChatError) {
        match work {
            Work::Join(Join { asker, room, .. }) => {
                if let Some(gone) = self.rooms.detach(asker.session, &room) {
                    self.presence_changed(gone);
                }
                self.fan_out.to_hub(asker.hub, Op::RefuseEntry { asker, room, error });
            }
            Work::Message(message) => self.answer(message.reply, Err(error)),
            Work::Read(read) => self.answer(read.reply, Err(error)),
            Work::Typing(typing) => self.answer(ReplyTo::Session(typing.asker), Err(error)),
            Work::Announce(_) => {}
        }
    }

    fn answer(&mut self, reply: ReplyTo, answer: Result<Answer, ChatError>) {
        match reply {
            ReplyTo::Session(asker) => {
                let answer = answer.map(|answer| answer.data);
                self.fan_out.to_hub(asker.hub, Op::Reply { asker, answer });
            }
            // The request may have been given up meanwhile; then nobody is there to be told.
            ReplyTo::Request(waiting) => drop(waiting.send(answer)),
        }
    }

    // ---- telling the others -----------------------------------------------------------------------------------------

    /// Tells a room's sessions about an event that is not a message.
    fn to_room(&mut self, room: &RoomId, push: &Push, except: Option<&UserId>) {
        self.end_grants(room);
        if let Some(live) = self.rooms.room(room) {
            self.fan_out.to_room(live, room, None, push, except);
        }
    }

    /// Tells a room's sessions about a message, in its place.
    fn message_stored(&mut self, message: &StoredMessage, data: Bytes) {
        self.end_grants(&message.room_id);
        if let Some(live) = self.rooms.room_mut(&message.room_id) {
            live.stored(message);
            let push = Push::from_json("message", data);
            self.fan_out.to_room(live, &message.room_id, Some(message.seq), &push, None);
        }
    }

    /// Under `room-token`: takes sessions whose token's time is over out of a room, before anything is delivered to it.
    fn end_grants(&mut self, room: &RoomId) {
        if self.settings.policy != AuthorizePolicy::RoomToken {
            return;
        }
        let now = self.settings.clock.now();
        for session in self.rooms.room(room).map(|live| live.grants_over(now)).unwrap_or_default() {
            self.take_out(session, room, grant_over());
        }
    }

    /// Takes a session out of a room against its will.
    fn take_out(&mut self, session: SessionId, room: &RoomId, error: ChatError) {
        let Some(hub) = self.rooms.session(session).map(|session| session.hub) else { return };
        self.fan_out.to_hub(hub, Op::Detach { session, room: room.clone(), error: Some(error) });
        if let Some(gone) = self.rooms.detach(session, room) {
            self.presence_changed(gone);
        }
    }

    fn presence_changed(&mut self, changed: PresenceChanged) {
        let PresenceChanged { room, user, online } = changed;
        let push =
            Push::new(&ServerEvent::Presence { room_id: room.clone(), user_id: user.clone(), online });
        if let Some(live) = self.rooms.room(&room) {
            self.fan_out.to_room(live, &room, None, &push, Some(&user));
        }
    }

    /// Remembers that both members' lists show something old.
    fn room_updated(&mut self, room: RoomId, ctx: &mut Context<Self>) {
        if let Some(live) = self.rooms.room_mut(&room) {
            if self.updated.insert(room) {
                // Keeps the room in memory until its members are told.
                live.writes_pending += 1;
            }
            if self.updated.len() == 1 {
                ctx.run_later(ROOM_UPDATED_DELAY, |server, _| server.send_room_updates());
            }
        }
    }

    fn send_room_updates(&mut self) {
        for room in std::mem::take(&mut self.updated) {
            let Some(live) = self.rooms.room_mut(&room) else { continue };
            live.writes_pending -= 1;
            let summaries = [Role::Buyer, Role::Seller].map(|role| (live.summary(role), live.state().member(role).deleted));
            let users = [&live.state().room.buyer.id, &live.state().room.seller.id].map(Clone::clone);
            for ((summary, deleted), user) in summaries.into_iter().zip(users) {
                if !deleted {
                    self.send_room_update(&room, &user, summary);
                }
            }
            self.rooms.release(&room);
        }
        self.fan_out.send();
    }

    fn send_room_update(&mut self, room: &RoomId, user: &UserId, summary: crate::domain::RoomSummary) {
        let mut by_hub: HashMap<_, Vec<SessionId>> = HashMap::new();
        for session in self.rooms.sessions_of(user) {
            if let Some(live) = self.rooms.session(*session) {
                by_hub.entry(live.hub).or_default().push(*session);
            }
        }
        if by_hub.is_empty() {
            return;
        }
        let push = Push::new(&ServerEvent::RoomUpdated(Box::new(RoomUpdated { room_id: room.clone(), summary })));
        for (hub, sessions) in by_hub {
            self.fan_out.to_hub(hub, Op::DeliverTo { sessions, push: push.clone() });
        }
    }

    /// Ends all sessions of a user.
    fn end_sessions(&mut self, user: &UserId, error: &ChatError) -> usize {
        let sessions = self.rooms.sessions_of(user).to_vec();
        for session in &sessions {
            let Some(live) = self.rooms.session(*session) else { continue };
            let hub = live.hub;
            for room in live.rooms.clone() {
                // From its rooms at once; the session itself goes when it has been told.
                self.fan_out.to_hub(hub, Op::Detach { session: *session, room: room.clone(), error: None });
                if let Some(gone) = self.rooms.detach(*session, &room) {
                    self.presence_changed(gone);
                }
            }
            let end = Op::End { session: *session, code: CloseCode::Forbidden, error: error.clone() };
            self.fan_out.to_hub(hub, end);
        }
        sessions.len()
    }

    // ---- the batch --------------------------------------------------------------------------------------------------

    /// The end of a turn: hands over the batch and what the hubs are told.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        self.hand_over_batch(ctx);
        self.fan_out.send();
        self.metrics.rooms.set(i64::try_from(self.rooms.live_count()).unwrap_or(i64::MAX));
    }

    fn hand_over_batch(&mut self, ctx: &mut Context<Self>) {
        let Some((writes, waiting)) = self.batch.take() else { return };
        self.metrics.writes_pending.set(i64::try_from(self.batch.len()).unwrap_or(i64::MAX));
        let database = self.database.clone();
        let started = Instant::now();
        self.ask(ctx, async move {
            let outcome = database.commit(writes).await;
            BatchCommitted { waiting, outcome, took: started.elapsed() }
        });
    }

    fn committed(&mut self, waiting: Waiting, outcome: Result<Written, WriteError>, ctx: &mut Context<Self>) {
        if let Some(live) = waiting.room.as_ref().and_then(|room| self.rooms.room_mut(room)) {
            live.writes_pending -= 1;
        }
        match outcome {
            Ok(written) => {
                let answer = self.apply(written, ctx);
                self.answer(waiting.reply, Ok(answer));
            }
            Err(error) => self.answer(waiting.reply, Err(error.into())),
        }
        if let Some(room) = waiting.room {
            self.rooms.release(&room);
        }
    }

    /// Takes over what the database has committed, and tells whom it concerns.
    fn apply(&mut self, written: Written, ctx: &mut Context<Self>) -> Answer {
        match written {
            Written::Appended { message, first_time } => {
                let data = to_json(&message);
                if first_time {
                    self.metrics.messages.inc();
                    self.mark_stale(&message.room_id);
                    self.message_stored(&message, data.clone());
                    self.room_updated(message.room_id, ctx);
                }
                Answer { data, created: first_time }
            }
            Written::Changed(message) => {
                let data = to_json(&message);
                self.mark_stale(&message.room_id);
                self.to_room(&message.room_id, &Push::from_json("messageUpdated", data.clone()), None);
                if self.rooms.room_mut(&message.room_id).is_some_and(|live| live.changed(&message)) {
                    self.room_updated(message.room_id, ctx);
                }
                Answer { data, created: false }
            }
            Written::Read { room, reader, read_seq, unread, advanced } => {
                if advanced {
                    self.mark_stale(&room);
                    if let Some(live) = self.rooms.room_mut(&room) {
                        live.read(&reader, read_seq, unread);
                    }
                    let push = Push::new(&ServerEvent::Read { room_id: room.clone(), user_id: reader, seq: read_seq });
                    self.to_room(&room, &push, None);
                    self.room_updated(room, ctx);
                }
                Answer { data: to_json(&ReadUpTo { read_seq }), created: advanced }
            }
            Written::ProductPut { product, created, rooms, notices } => {
                for live in self.rooms.rooms_mut() {
                    live.product_changed(&product);
                }
                for notice in &notices {
                    self.metrics.messages.inc();
                    self.message_stored(notice, to_json(notice));
                }
                for room in rooms {
                    self.mark_stale(&room);
                    self.with_room(Work::Announce(room), ctx);
                }
                Answer { data: to_json(&product), created }
            }
            Written::UserPut { user, created } => {
                for live in self.rooms.rooms_mut() {
                    live.user_changed(&user, false);
                }
                Answer { data: to_json(&user), created }
            }
            Written::UserDeleted { user, rooms } => {
                let gone = ChatError::new(ErrorCode::Forbidden, "this user was removed");
                self.end_sessions(&user.id, &gone);
                for live in self.rooms.rooms_mut() {
                    live.user_changed(&user, true);
                }
                for room in rooms {
                    self.mark_stale(&room);
                }
                done()
            }
        }
    }

    /// What is being read of a room is older than what was just committed: it will be read again.
    fn mark_stale(&mut self, room: &RoomId) {
        if let Some(loading) = self.loading.get_mut(room) {
            loading.stale = true;
        }
    }

    /// Runs a handler. A panic in it costs the one who asked, not the server.
    fn guarded(&mut self, what: &'static str, handler: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| handler(self))).is_err() {
            log::error!("a handler panicked: {what}");
        }
    }
}

fn done() -> Answer {
    Answer { data: Bytes::from_static(b"{}"), created: false }
}

fn grant_over() -> ChatError {
    ChatError::new(ErrorCode::TokenExpired, "the room token has expired: get a new one and enter the room again")
}

// ---- the actor ------------------------------------------------------------------------------------------------------

impl Actor for ChatServer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1024);
        ctx.spawn(EndOfTurn);
    }
}

/// Never ready: actix polls an actor's futures after its mailbox is empty, which is the end of a turn.
struct EndOfTurn;

impl ActorFuture<ChatServer> for EndOfTurn {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        server: &mut ChatServer,
        ctx: &mut Context<ChatServer>,
        _: &mut task::Context<'_>,
    ) -> Poll<()> {
        server.flush(ctx);
        Poll::Pending
    }
}

impl Handler<RegisterHub> for ChatServer {
    type Result = ();

    fn handle(&mut self, RegisterHub { id, addr }: RegisterHub, _: &mut Self::Context) {
        self.fan_out.register(id, addr);
    }
}

impl Handler<Connect> for ChatServer {
    type Result = ();

    fn handle(&mut self, Connect { session, user, hub }: Connect, _: &mut Self::Context) {
        self.rooms.connect(session, user, hub);
    }
}

impl Handler<Disconnect> for ChatServer {
    type Result = ();

    fn handle(&mut self, Disconnect(session): Disconnect, _: &mut Self::Context) {
        for gone in self.rooms.disconnect(session) {
            self.presence_changed(gone);
        }
    }
}

impl Handler<Join> for ChatServer {
    type Result = ();

    fn handle(&mut self, join: Join, ctx: &mut Self::Context) {
        self.guarded("join", |server| server.authorize(Work::Join(join), ctx));
    }
}

impl Handler<Leave> for ChatServer {
    type Result = ();

    fn handle(&mut self, Leave { asker, room }: Leave, _: &mut Self::Context) {
        let session = asker.session;
        self.fan_out.to_hub(asker.hub, Op::Detach { session, room: room.clone(), error: None });
        if let Some(gone) = self.rooms.detach(session, &room) {
            self.presence_changed(gone);
        }
        self.answer(ReplyTo::Session(asker), Ok(done()));
    }
}

impl Handler<Message> for ChatServer {
    type Result = ();

    fn handle(&mut self, message: Message, ctx: &mut Self::Context) {
        self.guarded("message", |server| server.authorize(Work::Message(message), ctx));
        if self.batch.len() >= batch::BATCH_WRITES_MAX {
            // A mailbox that never runs empty must not hold the batch back.
            self.hand_over_batch(ctx);
        }
    }
}

impl Handler<Typing> for ChatServer {
    type Result = ();

    fn handle(&mut self, typing: Typing, ctx: &mut Self::Context) {
        self.guarded("typing", |server| server.authorize(Work::Typing(typing), ctx));
    }
}

impl Handler<Read> for ChatServer {
    type Result = ();

    fn handle(&mut self, read: Read, ctx: &mut Self::Context) {
        self.guarded("read", |server| server.authorize(Work::Read(read), ctx));
    }
}

impl Handler<Change> for ChatServer {
    type Result = ();

    fn handle(&mut self, Change { write, reply }: Change, _: &mut Self::Context) {
        self.append(PendingWrite { write, room: None, reply });
    }
}

impl Handler<AnnounceRoom> for ChatServer {
    type Result = ();

    fn handle(&mut self, AnnounceRoom(room): AnnounceRoom, ctx: &mut Self::Context) {
        self.with_room(Work::Announce(room), ctx);
    }
}

impl Handler<EndSessions> for ChatServer {
    type Result = usize;

    fn handle(&mut self, EndSessions { user }: EndSessions, _: &mut Self::Context) -> usize {
        let error = ChatError::new(ErrorCode::Forbidden, "the marketplace has ended this session");
        self.end_sessions(&user, &error)
    }
}

impl Handler<IsSettled> for ChatServer {
    type Result = bool;

    fn handle(&mut self, _: IsSettled, _: &mut Self::Context) -> bool {
        self.batch.is_settled() && self.loading.is_empty() && self.checks.is_empty()
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

// ---- what the database has answered -----------------------------------------------------------------------------------

/// The database has said whether a user is a member. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
struct Authorized {
    room: RoomId,
    user: UserId,
    allowed: Result<bool, DbError>,
}

/// The database has read a room. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
struct RoomLoaded {
    room: RoomId,
    state: Result<Option<Box<RoomState>>, DbError>,
}

/// The database has read the history for an entry. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
struct HistoryRead {
    asker: Asker,
    room: RoomId,
    role: Role,
    catches_up: bool,
    messages: Result<Messages, DbError>,
}

/// The writer is done with a batch. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
struct BatchCommitted {
    waiting: Vec<Waiting>,
    outcome: Result<Vec<Result<Written, WriteError>>, DbError>,
    took: Duration,
}

impl Handler<Authorized> for ChatServer {
    type Result = ();

    fn handle(&mut self, Authorized { room, user, allowed }: Authorized, ctx: &mut Self::Context) {
        let (asked, again) = self.checks.answered(&room, &user);
        let refusal = match allowed {
            Ok(true) => None,
            Ok(false) => Some(ChatError::forbidden()),
            Err(error) => Some(error.into()),
        };
        if matches!(refusal, Some(ChatError { code: ErrorCode::Forbidden, .. })) {
            // Whoever lost the right stops receiving, too.
            for session in self.rooms.room(&room).map(|live| live.sessions_of(&user)).unwrap_or_default() {
                self.take_out(session, &room, ChatError::forbidden());
            }
        }
        for work in asked {
            match &refusal {
                None => self.with_room(work, ctx),
                Some(error) => self.refuse(work, error.clone()),
            }
        }
        if again {
            self.check(room, user, ctx);
        }
    }
}

impl Handler<RoomLoaded> for ChatServer {
    type Result = ();

    fn handle(&mut self, RoomLoaded { room, state }: RoomLoaded, ctx: &mut Self::Context) {
        let Some(mut loading) = self.loading.remove(&room) else { return };
        if loading.stale {
            loading.stale = false;
            self.loading.insert(room.clone(), loading);
            self.load(room, ctx);
            return;
        }
        let refusal = match state {
            Ok(Some(state)) => {
                self.rooms.insert(*state);
                None
            }
            Ok(None) => Some(ChatError::forbidden()),
            Err(error) => {
                log::warn!("a room could not be read: {error}");
                Some(error.into())
            }
        };
        for work in loading.waiting {
            match &refusal {
                // By the policy's second look: the room may have been released by the one before.
                None => self.with_room(work, ctx),
                Some(error) => self.refuse(work, error.clone()),
            }
        }
    }
}

impl Handler<HistoryRead> for ChatServer {
    type Result = ();

    fn handle(&mut self, read: HistoryRead, _: &mut Self::Context) {
        let HistoryRead { asker, room, role, catches_up, messages } = read;
        if !self.rooms.room(&room).is_some_and(|live| live.has(asker.session)) {
            // It left, died or lost its right meanwhile.
            let answer = Err(ChatError::new(ErrorCode::NotInRoom, "the room was left before it was entered"));
            self.answer(ReplyTo::Session(asker), answer);
            return;
        }
        let messages = match messages {
            Ok(messages) => messages,
            Err(error) => {
                log::warn!("a history could not be read: {error}");
                if let Some(gone) = self.rooms.detach(asker.session, &room) {
                    self.presence_changed(gone);
                }
                self.fan_out.to_hub(asker.hub, Op::RefuseEntry { asker, room, error: error.into() });
                return;
            }
        };
        if let Some(came) = self.rooms.enter(asker.session, &room) {
            self.presence_changed(came);
        }
        let Some(live) = self.rooms.room(&room) else { return };
        let entered = Entered {
            room: live.state().room.clone(),
            members: live.members(),
            last_seq: messages.last_seq,
            read_seq: live.state().member(role).read_seq,
            messages: messages.items,
            has_more: messages.has_more,
        };
        let enter = Op::Enter {
            answer: to_json(&entered),
            after: messages.last_seq,
            behind: catches_up && messages.has_more,
            room,
            asker,
        };
        if let Op::Enter { asker, .. } = &enter {
            self.fan_out.to_hub(asker.hub, enter);
        }
    }
}

impl Handler<BatchCommitted> for ChatServer {
    type Result = ();

    fn handle(&mut self, batch: BatchCommitted, ctx: &mut Self::Context) {
        let BatchCommitted { waiting, outcome, took } = batch;
        self.batch.landed();
        match outcome {
            Ok(outcomes) => {
                self.metrics.commit_batch_size.observe(waiting.len() as f64);
                self.metrics.commit_seconds.observe(took.as_secs_f64());
                for (waiting, outcome) in waiting.into_iter().zip(outcomes) {
                    self.committed(waiting, outcome, ctx);
                }
            }
            Err(error) => {
                self.metrics.commit_failures.inc();
                log::error!("a batch of {} was not stored: {error}", waiting.len());
                let error = ChatError::from(error);
                for Waiting { room, reply } in waiting {
                    if let Some(live) = room.as_ref().and_then(|room| self.rooms.room_mut(room)) {
                        live.writes_pending -= 1;
                    }
                    self.answer(reply, Err(error.clone()));
                    if let Some(room) = room {
                        self.rooms.release(&room);
                    }
                }
            }
        }
        self.hand_over_batch(ctx);
    }
}

/// The server's way to start a drain. See [`DrainSessions`].
pub type ChatServerAddr = Addr<ChatServer>;
