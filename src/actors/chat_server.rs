//! `ChatServer`: owns rooms, members, presence and the batch that waits for its commit. The only writer of room state.
//!
//! It lives on an arbiter of its own and never waits: a question to the database is a task whose answer comes back as a
//! message. At the end of each turn (its mailbox is empty) the gathered batch goes to the writer if none is in flight, and
//! each hub gets one list of what its sessions receive.

mod answers;
mod audience;
pub mod batch;
mod catch_up;
mod commits;
mod deliveries;
mod fan_out;
mod loading;
pub mod messages;
mod nodes;
mod offers;
mod old_lists;
pub mod order;
mod profiles;
mod questions;
mod recovery;
mod room_budget;
pub mod rooms;
mod screening;
mod sessions;
mod slices;
mod typing;
mod waves;
mod work;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};

use actix::{Actor, ActorFuture, AsyncContext, Context, Handler, Message as ActixMessage};
use bytes::Bytes;

use crate::{
    actors::{db_executor::Database, hub::Op},
    clock::Clock,
    db::{MessagePage, RoomWrite, WriteError},
    domain::{Account, AuthorizePolicy, ClientId, FairQueue, Role, RoomId, Seq, StoredMessage, Timestamp, UserId},
    error::{ChatError, ErrorCode},
    metrics::Metrics,
    protocol::{
        json::to_json,
        push::Position,
        view::{MessageView, Presenter, SignImageUrls},
    },
};
use answers::RoomLoaded;
use audience::{Audience, Reach};
use batch::{Batch, PendingWrite};
use fan_out::FanOut;
use loading::LoadingRooms;
use messages::{
    AnnounceRoom, Answer, Change, Join, Leave, MakeOffer, Message, Read, ReplyTo, SessionEvent, Typing, Unfinished,
    WhatIsLeft,
};
use nodes::Nodes;
use old_lists::OldLists;
use profiles::Profiles;
use questions::{Entry, Questions};
use recovery::Recoveries;
use room_budget::RoomBudget;
use rooms::Rooms;
use screening::Screening;
use typing::Typists;
use waves::Waves;
use work::{Checks, Work};

/// Newest messages in the answer of an entry without `after`.
const NEWEST_MESSAGES: i64 = 50;

/// Missed messages in the answer of an entry with `after`.
const MISSED_MESSAGES_MAX: i64 = 200;

/// How often sessions are forgotten that can't be taken up any more.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// What the [`ChatServer`] needs to know from the start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// When the database is asked who may enter.
    pub policy: AuthorizePolicy,
    /// Rooms that a session is in at once.
    pub rooms_per_session_max: Option<usize>,
    /// The time.
    pub clock: Clock,
    /// Signs the addresses of images.
    pub image_urls: Arc<dyn SignImageUrls>,
}

impl Settings {
    /// Shows messages as they stand now.
    fn presenter(&self) -> Presenter<'_> {
        Presenter::new(self.clock.now(), &*self.image_urls)
    }

    /// A message's JSON, which all who receive it share.
    fn json_of(&self, message: &StoredMessage) -> Bytes {
        to_json(&MessageView::of(message, &self.presenter()))
    }
}

/// Owns rooms, members and presence.
#[derive(Debug)]
pub struct ChatServer {
    settings: Settings,
    database: Database,
    metrics: Arc<Metrics>,
    rooms: Rooms,
    /// What sessions want and waits for the next slice.
    postponed: FairQueue<Account, SessionEvent>,
    /// What waits until its room is in memory.
    loading: LoadingRooms,
    /// Rooms that were read while a commit was out that changes one of them, perhaps.
    landing: Vec<RoomLoaded>,
    /// What waits for a question to the database, where every event asks one.
    checks: Checks,
    questions: Questions,
    batch: Batch,
    fan_out: FanOut,
    /// Rooms that are still to be read because something changed that shows in each of them.
    announcements: FairQueue<Account, RoomId>,
    old_lists: OldLists,
    /// Who has read by answering in this turn, and how far.
    answered: Vec<(RoomId, UserId, Seq)>,
    recoveries: Recoveries,
    /// The place of the newest message that was delivered.
    position: Position,
    typists: Typists,
    /// When the next offer's time is over; `None` while that is being found out, and while none waits.
    next_expiry: Option<Timestamp>,
    screening: Screening,
    waves: Waves,
    profiles: Profiles,
    room_budget: RoomBudget,
    /// The other nodes, where there are others.
    nodes: Option<Nodes>,
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
            postponed: FairQueue::new(slices::SHARE_NANOS),
            loading: LoadingRooms::default(),
            landing: Vec::new(),
            checks: Checks::default(),
            questions: Questions::default(),
            batch: Batch::default(),
            fan_out: FanOut::default(),
            announcements: FairQueue::new(1),
            old_lists: OldLists::default(),
            answered: Vec::new(),
            recoveries: Recoveries::default(),
            position: 0,
            typists: Typists::default(),
            next_expiry: None,
            screening: Screening::default(),
            waves: Waves::default(),
            profiles: Profiles::default(),
            room_budget: RoomBudget::default(),
            nodes: None,
        }
    }

    // ---- who may do it ----------------------------------------------------------------------------------------------

    /// Does something in a room once its user is known to be a member, by the policy that was chosen.
    fn authorize(&mut self, work: Work, ctx: &mut Context<Self>) {
        match self.settings.policy {
            AuthorizePolicy::OnEnter => self.with_room(work, ctx),
            AuthorizePolicy::EveryMessage => {
                if let Some((room, user)) = self.checks.ask(work) {
                    self.questions.member(room, user);
                }
            }
            AuthorizePolicy::RoomToken => match self.check_grant(&work) {
                Ok(()) => self.with_room(work, ctx),
                Err(error) => self.refuse(work, error, ctx),
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
        let loading = self.loading.entry(room.clone());
        if let Some(account) = loading.add(work) {
            self.questions.room(account, room);
        }
    }

    // ---- doing it ---------------------------------------------------------------------------------------------------

    fn perform(&mut self, work: Work, ctx: &mut Context<Self>) {
        let room = work.room().clone();
        let work = match work {
            Work::Announce(_) => return self.room_updated(room, ctx),
            Work::AnnounceTo(_, audience) => return self.list_is_old(room, audience, ctx),
            Work::AnnounceChange(change, reach) => return self.change_shown(&change, reach, ctx),
            work => work,
        };
        let Some(role) = work.user().and_then(|user| self.rooms.room(&room)?.role_of(user)) else {
            self.refuse(work, ChatError::forbidden(), ctx);
            self.rooms.release(&room);
            return;
        };
        match work {
            Work::Join(join) => self.join(join, role),
            Work::Message(Message { mut draft, ends, reply, .. }) => {
                self.typing_stopped(&room, &draft.sender, None);
                let silenced = self.silenced(&room, role, draft.client_id.as_ref());
                self.screening.screen(&mut draft, ends);
                self.append_spoken(silenced, PendingWrite { write: RoomWrite::Append(draft), room: Some(room), reply });
            }
            Work::MakeOffer(offer) => {
                let MakeOffer { user: maker, room: in_room, price, client_id, reply } = offer;
                let silenced = self.silenced(&room, role, client_id.as_ref());
                let write =
                    RoomWrite::MakeOffer { room: in_room, maker, price, client_id, at: self.settings.clock.now() };
                self.append_spoken(silenced, PendingWrite { write, room: Some(room), reply });
            }
            Work::Read(read) => {
                let write = RoomWrite::MarkRead { room: read.room, reader: read.user, seq: read.seq };
                self.append(PendingWrite { write, room: Some(room), reply: read.reply });
            }
            Work::Typing(typing) => self.set_typing(typing, ctx),
            Work::Resume { session, .. } => {
                if let Some(hub) = self.rooms.session(session).map(|live| live.hub) {
                    self.rooms.attach(session, &room, role, None);
                    self.fan_out.tell_hub(hub, Op::Attach { session, room: room.clone() });
                }
                self.rooms.release(&room);
                self.resume_room(session, true, ctx);
            }
            Work::Announce(_) | Work::AnnounceTo(..) | Work::AnnounceChange(..) => {}
        }
    }

    fn join(&mut self, join: Join, role: Role) {
        let Join { asker, user, room, after, grant } = join;
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
            self.fan_out.tell_hub(asker.hub, Op::RefuseEntry { asker, room: room.clone(), error });
            self.rooms.release(&room);
            return;
        }
        let Some(place) = self.rooms.attach(asker.session, &room, role, grant) else { return };
        // From here on it goes by the id that is in memory for as long as the room: the one that came with the request is
        // let go, also by its session.
        let room = self.rooms.room(&room).map_or(room, |live| live.state().room.id.clone());
        self.fan_out.tell_hub(asker.hub, Op::Attach { session: asker.session, room: room.clone() });
        let page = match after {
            Some(seq) => MessagePage::After { seq, limit: MISSED_MESSAGES_MAX },
            None => MessagePage::Before { seq: None, limit: NEWEST_MESSAGES },
        };
        self.questions.history(Entry { asker, user, room, role, place, page });
    }

    /// Why a member can't say anything now, as far as memory knows; the transaction looks again. With a key of the sender's
    /// it looks alone: it may have been said before.
    fn silenced(&self, room: &RoomId, role: Role, key: Option<&ClientId>) -> Option<ChatError> {
        if key.is_some() {
            return None;
        }
        let state = self.rooms.room(room)?.state();
        if state.is_closed() {
            return Some(WriteError::Blocked.into());
        }
        let until = state.member(role).muted_until.filter(|until| *until > self.settings.clock.now());
        until.map(|until| WriteError::Muted(until).into())
    }

    fn append_spoken(&mut self, silenced: Option<ChatError>, write: PendingWrite) {
        match (silenced, write.room.clone()) {
            (Some(error), Some(room)) => {
                self.answer(write.reply, Err(error));
                self.rooms.release(&room);
            }
            _ => self.append(write),
        }
    }

    fn refuse(&mut self, work: Work, error: ChatError, ctx: &mut Context<Self>) {
        match work {
            Work::Join(Join { asker, room, .. }) => {
                self.detach(asker.session, &room);
                self.fan_out.tell_hub(asker.hub, Op::RefuseEntry { asker, room, error });
            }
            Work::Message(message) => self.answer(message.reply, Err(error)),
            Work::MakeOffer(offer) => self.answer(offer.reply, Err(error)),
            Work::Read(read) => self.answer(read.reply, Err(error)),
            Work::Typing(typing) => self.answer(ReplyTo::Session(typing.asker), Err(error)),
            Work::Resume { session, .. } => self.resume_room(session, false, ctx),
            Work::Announce(_) | Work::AnnounceTo(..) | Work::AnnounceChange(..) => {}
        }
    }

    fn answer(&mut self, reply: ReplyTo, answer: Result<Answer, ChatError>) {
        match reply {
            ReplyTo::Session(asker) => {
                let answer = answer.map(|answer| answer.data);
                self.fan_out.reply(asker, answer);
            }
            // The request may have been given up meanwhile; then nobody is there to be told.
            ReplyTo::Request(waiting) => drop(waiting.send(answer)),
            ReplyTo::Nobody => {}
        }
    }

    /// Runs a handler. A panic in it costs the one who asked, not the server.
    pub(super) fn guarded(&mut self, what: &'static str, handler: impl FnOnce(&mut Self)) {
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
        ctx.run_interval(FORGET_INTERVAL, |server, _| server.forget_ended());
        self.start_sweeping(ctx);
        self.start_waves(ctx);
        self.start_looking_for_renamed(ctx);
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

impl Handler<Join> for ChatServer {
    type Result = ();

    fn handle(&mut self, join: Join, ctx: &mut Self::Context) {
        self.guarded("join", |server| server.authorize(Work::Join(join), ctx));
    }
}

impl Handler<Leave> for ChatServer {
    type Result = ();

    fn handle(&mut self, leave: Leave, ctx: &mut Self::Context) {
        self.guarded("leave", |server| server.leave(leave, ctx));
    }
}

impl Handler<Message> for ChatServer {
    type Result = ();

    fn handle(&mut self, message: Message, ctx: &mut Self::Context) {
        self.guarded("message", |server| {
            #[cfg(test)]
            crate::actors::panics::if_asked(message.draft.text.as_deref(), "server");
            server.authorize(Work::Message(message), ctx);
        });
        if self.batch.is_full() {
            // A mailbox that never runs empty must not hold the batch back.
            self.hand_over_batch(ctx);
        }
    }
}

impl Handler<MakeOffer> for ChatServer {
    type Result = ();

    fn handle(&mut self, offer: MakeOffer, ctx: &mut Self::Context) {
        self.guarded("offer", |server| server.authorize(Work::MakeOffer(offer), ctx));
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
        match self.check_room_budget(&write) {
            Ok(()) => self.append(PendingWrite { write, room: None, reply }),
            Err(error) => self.answer(reply, Err(error)),
        }
    }
}

impl Handler<AnnounceRoom> for ChatServer {
    type Result = ();

    fn handle(&mut self, AnnounceRoom(room): AnnounceRoom, ctx: &mut Self::Context) {
        self.guarded("announce", |server| server.with_room(Work::Announce(room), ctx));
    }
}

impl Handler<WhatIsLeft> for ChatServer {
    type Result = Unfinished;

    fn handle(&mut self, _: WhatIsLeft, _: &mut Self::Context) -> Unfinished {
        Unfinished {
            sessions: self.rooms.session_count(),
            changes: self.batch.unfinished(),
            events: self.postponed.len(),
            rooms: self.loading.rooms.len(),
            members: self.checks.len(),
        }
    }
}

#[cfg(test)]
mod tests;
