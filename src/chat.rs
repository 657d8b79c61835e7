//! The chat as plain state: rooms, members, presence and the batch that waits for its commit. It knows no actix, no sockets and
//! no clock: what happens comes in as an [`Input`], and what it causes goes out as [`Effects`].
//!
//! The [`ChatServer`](crate::actors::chat_server) actor drives it: its mailbox becomes inputs, and effects become operations for
//! hubs, reads, commits, messages to other nodes and timers.

pub mod accounts;
mod audience;
mod authorization;
mod bans;
mod batch;
pub mod cluster;
mod commits;
pub mod db_read;
mod deliveries;
pub mod effects;
mod entries;
pub mod hub_op;
pub mod in_flight;
pub mod input;
mod loading;
mod offers;
pub mod order;
#[cfg(test)]
pub(crate) mod panics;
mod perform;
mod presence;
pub mod profiles;
pub mod quota;
pub mod rate_limit;
pub mod reads;
pub mod recovery;
pub mod request;
mod room_budget;
mod room_updates;
pub mod rooms;
mod screening;
mod sessions;
pub(crate) mod short_list;
pub mod timer;
mod typing;
mod unread_totals;
mod waves;

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use crate::{
    domain::{Account, AuthorizePolicy, FairQueue, RoomId, Seq, StoredMessage, Timestamp, UserId},
    error::{ChatError, ErrorCode},
    metrics::Metrics,
    protocol::{
        json::to_json,
        push::Position,
        view::{MessageView, Presenter, SignImageUrls},
    },
};
use audience::{Audience, Reach};
use authorization::Checks;
use bans::RecentBans;
use batch::{Batch, PendingWrite};
use cluster::nodes::Nodes;
use db_read::DbAnswer;
use effects::Effects;
use entries::RoomLoaded;
use input::{Input, Now, Unfinished};
use loading::LoadingRooms;
use profiles::Profiles;
use reads::Reads;
use recovery::Recoveries;
use request::{Answer, Change, FollowUp, ReplyTo, RoomRequest, SessionEvent};
use room_budget::RoomBudget;
use room_updates::RoomUpdates;
use rooms::Rooms;
use screening::Screening;
use timer::Timer;
use typing::Typists;
use unread_totals::UnreadTotals;
use waves::Waves;

/// How often sessions are forgotten that can't be taken up any more.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// How the chat decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// When the database is asked who may enter.
    pub policy: AuthorizePolicy,
    /// Rooms that a session is in at once.
    pub rooms_per_session_max: Option<usize>,
    /// Signs the addresses of images.
    pub image_urls: Arc<dyn SignImageUrls>,
}

impl Settings {
    /// Shows messages as they stand at a moment.
    fn presenter(&self, now: Timestamp) -> Presenter<'_> {
        Presenter::new(now, &*self.image_urls)
    }

    /// A message's JSON as it stands at a moment, which all who receive it share.
    fn json_of(&self, message: &StoredMessage, now: Timestamp) -> Bytes {
        to_json(&MessageView::of(message, &self.presenter(now)))
    }
}

/// Owns rooms, members and presence: the only writer of room state.
#[derive(Debug)]
pub struct Chat {
    settings: Settings,
    metrics: Arc<Metrics>,
    /// When the input came that is being handled.
    now: Now,
    /// What it causes.
    out: Effects,
    rooms: Rooms,
    /// What waits until its room is in memory.
    loading: LoadingRooms,
    /// Rooms that were read during a commit that changes one of them, perhaps.
    landing: Vec<RoomLoaded>,
    /// What waits for an answer of the database, where every event is authorized.
    checks: Checks,
    reads: Reads,
    batch: Batch,
    /// What is to be done next, since a change of the chat's own was stored, or was not.
    follow_ups: Vec<(FollowUp, bool)>,
    /// Rooms that are still to be read because something changed that shows in each of them.
    announcements: FairQueue<Account, RoomId>,
    room_updates: RoomUpdates,
    unread_totals: UnreadTotals,
    /// Who has read by answering in this turn, and how far.
    answered: Vec<(RoomId, UserId, Seq)>,
    recoveries: Recoveries,
    /// The position of the newest message that was delivered.
    position: Position,
    typists: Typists,
    /// When the next offer expires; `None` while that is being found out, and while none waits.
    next_expiry: Option<Timestamp>,
    screening: Screening,
    waves: Waves,
    profiles: Profiles,
    room_budget: RoomBudget,
    bans: RecentBans,
    /// The other nodes, where there are others.
    nodes: Option<Nodes>,
}

impl Chat {
    /// A chat without rooms.
    #[must_use]
    pub fn new(settings: Settings, now: Now, metrics: Arc<Metrics>) -> Self {
        Self {
            settings,
            metrics,
            now,
            out: Effects::default(),
            rooms: Rooms::default(),
            loading: LoadingRooms::default(),
            landing: Vec::new(),
            checks: Checks::default(),
            reads: Reads::default(),
            batch: Batch::default(),
            follow_ups: Vec::new(),
            announcements: FairQueue::new(1),
            room_updates: RoomUpdates::default(),
            unread_totals: UnreadTotals::default(),
            answered: Vec::new(),
            recoveries: Recoveries::default(),
            position: 0,
            typists: Typists::default(),
            next_expiry: None,
            screening: Screening::default(),
            waves: Waves::default(),
            profiles: Profiles::default(),
            room_budget: RoomBudget::default(),
            bans: RecentBans::default(),
            nodes: None,
        }
    }

    /// Handles what has happened, and adds what it causes. A panic costs what has happened, and not the chat.
    pub fn on(&mut self, input: Input, now: Now, out: &mut Effects) {
        self.now = now;
        mem::swap(&mut self.out, out);
        let kind = input.kind();
        self.guarded(kind, |chat| chat.handle(input));
        // One may bring about the next.
        while let Some((follow_up, is_stored)) = self.follow_ups.pop() {
            self.guarded("follow_up", |chat| chat.follow_up(follow_up, is_stored));
        }
        mem::swap(&mut self.out, out);
    }

    fn handle(&mut self, input: Input) {
        match input {
            Input::Session(event) => self.session_event(event),
            Input::TurnEnded => self.flush(),
            Input::Reply(reply, answer) => self.answer(reply, answer),
            Input::Committed { outcome, took } => self.batch_committed(outcome, took),
            Input::Answered(answer) => self.database_answered(answer),
            Input::Due(timer) => self.due(timer),
            Input::RoomOpened(room) => self.with_room(RoomRequest::Announce(room)),
            Input::EndSessions(user) => {
                let error = ChatError::new(ErrorCode::Forbidden, "the marketplace has ended this session");
                self.end_sessions(&user, &error);
            }
            Input::NodeEvents(events) => self.arrived(events),
            Input::LinkChanged { up } => self.link_changed(up),
            Input::Clustered(node) => self.join_nodes(node),
            Input::Started => self.start(),
        }
    }

    /// The database has answered.
    fn database_answered(&mut self, answer: DbAnswer) {
        match answer {
            DbAnswer::Members(list, allowed) => self.members_found(list, allowed),
            DbAnswer::Rooms(list, loaded) => self.rooms_loaded(list, loaded),
            DbAnswer::Histories(list, histories) => self.histories_read(list, histories),
            DbAnswer::Recovery(asked, found) => self.recovery_found(asked, found),
            DbAnswer::Missed(session, missed) => self.missed_read(session, missed),
            DbAnswer::Renamed(found) => self.renamed_found(found),
            DbAnswer::OtherMembers(walk, found) => self.other_members_read(walk, found),
            DbAnswer::Waves(found) => self.waves_found(found),
            DbAnswer::Newest(found) => self.newest_found(found),
            DbAnswer::News(news) => self.news_read(news),
            DbAnswer::Missing(asked, found) => self.missing_read(&asked, found),
            DbAnswer::RoomsAgain(asked, found) => self.rooms_read_again(asked, found),
            DbAnswer::Changed(asked, found) => self.changed_read(asked, found),
            DbAnswer::Unread(user, asked, found) => self.unread_counted(&user, asked, found),
        }
    }

    /// Starts everything that repeats.
    fn start(&mut self) {
        self.out.after(FORGET_INTERVAL, Timer::ForgetEnded);
        self.start_sweeping();
        self.look_for_waves();
        self.look_for_renamed();
    }

    /// A timer's time has come.
    fn due(&mut self, timer: Timer) {
        match timer {
            Timer::ForgetEnded => {
                self.out.after(FORGET_INTERVAL, Timer::ForgetEnded);
                self.forget_ended();
            }
            Timer::RoomUpdates => self.send_room_updates(),
            Timer::Announcements => self.announce_some(),
            Timer::OffersExpire(at) => self.offers_expire(at),
            Timer::SweepOffers => self.sweep_again(),
            Timer::TypingExpires => self.typing_expires(),
            Timer::LookForWaves => self.look_for_waves(),
            Timer::WaveDue(product, seller) => self.wave_due(product, seller),
            Timer::WavesGoOn => self.waves_go_on(),
            Timer::LookForRenamed => self.look_for_renamed(),
            Timer::ShowProfile(Some(walk)) => self.go_on_showing(walk),
            Timer::ShowProfile(None) => self.show_next_profile(),
            Timer::SendOnline { session, user, hub, rooms } => self.send_some_online(session, user, hub, rooms),
            Timer::Heartbeat => self.beat(),
            Timer::LookForNews => self.look_again(),
            Timer::PresenceAgain => self.publish_some_again(),
        }
    }

    fn session_event(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::InRoom(request) => {
                let is_message = matches!(request, RoomRequest::Message(_));
                #[cfg(test)]
                if let RoomRequest::Message(message) = &request {
                    panics::if_asked(message.draft.text.as_deref(), "server");
                }
                self.authorize(request);
                if is_message && self.batch.is_full() {
                    // A mailbox that never runs empty must not hold the batch back.
                    self.hand_over_batch();
                }
            }
            SessionEvent::Connect(connect) => self.connect(connect),
            SessionEvent::Disconnect(disconnect) => self.disconnect(disconnect),
            SessionEvent::Leave(leave) => self.leave(leave),
            SessionEvent::Change(Change { write, reply }) => match self.check_room_budget(&write) {
                Ok(()) => self.append(PendingWrite { write, room: None, reply }),
                Err(error) => self.answer(reply, Err(error)),
            },
        }
    }

    /// How many sessions of a user there are.
    #[must_use]
    pub fn session_count_of(&self, user: &UserId) -> usize {
        self.rooms.sessions_of(user).len()
    }

    /// What was accepted and is not finished.
    #[must_use]
    pub fn unfinished(&self) -> Unfinished {
        Unfinished {
            sessions: self.rooms.session_count(),
            changes: self.batch.unfinished(),
            events: 0,
            rooms: self.loading.rooms.len(),
            members: self.checks.len(),
        }
    }

    /// What is in memory though nobody needs it any more, by name, once no session is left: for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn leftovers(&self) -> Vec<(&'static str, usize)> {
        let kept = [
            ("unfinished", usize::from(!self.unfinished().is_nothing())),
            ("rooms", self.rooms.live_count()),
            ("room updates", self.room_updates.len()),
            ("announcements", self.announcements.len()),
            ("rooms that wait for a commit", self.landing.len()),
            ("recoveries", self.recoveries.len()),
            ("typists", self.typists.len()),
            ("unread totals", self.unread_totals.len()),
        ];
        kept.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    fn answer(&mut self, reply: ReplyTo, answer: Result<Answer, ChatError>) {
        match reply {
            ReplyTo::Session(asker) => {
                let answer = answer.map(|answer| answer.data);
                self.out.reply(asker, answer);
            }
            // The request may have been given up meanwhile; then nobody waits for the answer.
            ReplyTo::Request(waiting) => drop(waiting.send(answer)),
            ReplyTo::Chat(follow_up) => self.follow_ups.push((follow_up, answer.is_ok())),
            ReplyTo::Nobody => {}
        }
    }

    /// Runs a handler. A panic in it costs the one who asked, not the chat.
    pub(super) fn guarded(&mut self, what: &'static str, handler: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| handler(self))).is_err() {
            log::error!("a handler panicked: {what}");
        }
    }
}

fn done() -> Answer {
    Answer { data: Bytes::from_static(b"{}"), created: false }
}

#[cfg(test)]
mod tests;
