//! The chat as plain state: rooms, members, presence and the batch that waits for its commit. It knows no actix, no sockets and
//! no clock: what happens comes in as an [`Input`], and what it causes goes out as [`Effects`].
//!
//! Each chapter owns its part of the state and takes what else it needs: `&mut Rooms`, `&mut Effects`, the time. What is sent to those in
//! a room takes the ten parts of `Deliveries`. The whole `Chat` is for what may lead to any chapter: the dispatcher below, requests
//! (`sessions`, `perform`), what waited for the database (`answers`, `commits`, `cluster::reconcile`), what other nodes publish
//! (`cluster::hear`), and what makes a room come into memory (`messages`, `announcements`).
//!
//! The [`ChatServer`](crate::actors::chat_server) actor drives it: its mailbox becomes inputs, and effects become operations for
//! hubs, reads, commits, messages to other nodes and timers.

mod announcements;
mod answers;
mod audience;
mod authorization;
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
mod last_seen;
mod loading;
mod masking;
mod messages;
mod offer_expiry;
pub mod order;
#[cfg(test)]
pub(crate) mod panics;
mod perform;
mod presence;
pub mod profiles;
pub mod quota;
pub mod reads;
mod receipts;
mod recent_bans;
pub mod recovery;
pub mod request;
mod room_budget;
mod room_updates;
pub mod rooms;
mod sessions;
pub(crate) mod short_list;
pub mod timer;
pub mod token_bucket;
mod typing;
mod unread_totals;
pub mod user_limits;
mod waves;

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use crate::{
    domain::{Account, AuthorizePolicy, FairQueue, RoomId, StoredMessage, Timestamp, UserId},
    error::{ChatError, ErrorCode},
    metrics::Metrics,
    protocol::{
        json::to_json,
        view::{MessageView, Presenter, SignImageUrls},
    },
};
use answers::RoomLoaded;
use audience::{Audience, Reach};
use authorization::Checks;
use batch::{Batch, PendingWrite};
use cluster::Cluster;
use db_read::DbAnswer;
use deliveries::Delivered;
use effects::Effects;
use input::{Input, Now, Unfinished};
use last_seen::{LastSeen, is_activity};
use loading::LoadingRooms;
use masking::Screening;
use offer_expiry::OfferExpiry;
use presence::send_some_online;
use profiles::Profiles;
use reads::Reads;
use recent_bans::RecentBans;
use recovery::Recoveries;
use request::{Answer, Change, RoomRequest, SessionEvent};
use room_budget::RoomBudget;
use room_updates::RoomUpdates;
use rooms::Rooms;
use timer::Timer;
use typing::Typists;
use unread_totals::UnreadTotals;
use waves::Waves;

/// How often sessions are forgotten that can't be taken up any more.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// How the chat decides.
#[derive(Debug, Clone)]
pub struct ChatSettings {
    /// When the database is asked who may enter.
    pub policy: AuthorizePolicy,
    /// Rooms that a session is in at once.
    pub rooms_per_session_max: Option<usize>,
    /// Signs the addresses of images.
    pub image_urls: Arc<dyn SignImageUrls>,
}

impl ChatSettings {
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
    settings: ChatSettings,
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
    /// Rooms that are still to be read because something changed that shows in each of them.
    announcements: FairQueue<Account, RoomId>,
    room_updates: RoomUpdates,
    unread_totals: UnreadTotals,
    recoveries: Recoveries,
    delivered: Delivered,
    typists: Typists,
    offer_expiry: OfferExpiry,
    screening: Screening,
    waves: Waves,
    profiles: Profiles,
    room_budget: RoomBudget,
    bans: RecentBans,
    last_seen: LastSeen,
    cluster: Cluster,
}

/// The parts of the chat that it takes to send something to those in a room. That may end the stay of a session whose room token has
/// expired: then its user types no more, the other member is notified, and what can be taken up later is written down.
#[derive(Debug)]
struct Deliveries<'a> {
    settings: &'a ChatSettings,
    metrics: &'a Metrics,
    now: Now,
    out: &'a mut Effects,
    rooms: &'a mut Rooms,
    delivered: &'a mut Delivered,
    typists: &'a mut Typists,
    recoveries: &'a mut Recoveries,
    batch: &'a mut Batch,
    cluster: &'a mut Cluster,
}

impl Chat {
    /// A chat without rooms.
    #[must_use]
    pub fn new(settings: ChatSettings, now: Now, metrics: Arc<Metrics>) -> Self {
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
            announcements: FairQueue::new(1),
            room_updates: RoomUpdates::default(),
            unread_totals: UnreadTotals::default(),
            recoveries: Recoveries::default(),
            delivered: Delivered::default(),
            typists: Typists::default(),
            offer_expiry: OfferExpiry::default(),
            screening: Screening::default(),
            waves: Waves::default(),
            profiles: Profiles::default(),
            room_budget: RoomBudget::default(),
            bans: RecentBans::default(),
            last_seen: LastSeen::default(),
            cluster: Cluster::default(),
        }
    }

    fn deliveries(&mut self) -> Deliveries<'_> {
        Deliveries {
            settings: &self.settings,
            metrics: &self.metrics,
            now: self.now,
            out: &mut self.out,
            rooms: &mut self.rooms,
            delivered: &mut self.delivered,
            typists: &mut self.typists,
            recoveries: &mut self.recoveries,
            batch: &mut self.batch,
            cluster: &mut self.cluster,
        }
    }

    /// Handles what has happened, and adds what it causes. A panic costs what has happened, and not the chat.
    pub fn on(&mut self, input: Input, now: Now, out: &mut Effects) {
        self.now = now;
        mem::swap(&mut self.out, out);
        let kind = input.kind();
        self.guarded(kind, |chat| chat.handle(input));
        // One may bring about the next.
        while let Some((follow_up, is_stored)) = self.out.next_follow_up() {
            self.guarded("follow_up", |chat| chat.follow_up(follow_up, is_stored));
        }
        mem::swap(&mut self.out, out);
    }

    fn handle(&mut self, input: Input) {
        match input {
            Input::Session(event) => self.session_event(event),
            Input::TurnEnded => self.flush(),
            Input::Reply(reply, answer) => self.out.answer(reply, answer),
            Input::Committed { outcome, took } => self.batch_committed(outcome, took),
            Input::Answered(answer) => self.database_answered(answer),
            Input::Due(timer) => self.due(timer),
            Input::RoomOpened(room) => self.with_room(RoomRequest::Announce(room)),
            Input::EndSessions(user) => {
                let error = ChatError::new(ErrorCode::Forbidden, "the marketplace has ended this session");
                self.deliveries().end_sessions(&user, &error);
            }
            Input::NodeEvents(events) => self.arrived(events),
            Input::LinkChanged { up } => self.link_changed(up),
            Input::Clustered(node) => self.join_nodes(node),
            Input::Started => self.start(),
        }
    }

    fn database_answered(&mut self, answer: DbAnswer) {
        match answer {
            DbAnswer::Members(list, allowed) => self.members_found(list, allowed),
            DbAnswer::Rooms(list, loaded) => self.rooms_loaded(list, loaded),
            DbAnswer::Histories(list, histories) => self.histories_read(list, histories),
            DbAnswer::Recovery(asked, found) => {
                let requests = self.deliveries().recovery_found(asked, found);
                self.authorize_each(requests);
            }
            DbAnswer::Missed(session, missed) => self.deliveries().missed_read(session, missed),
            DbAnswer::Renamed(found) => self.renamed_found(found),
            DbAnswer::OtherMembers(walk, found) => self.other_members_read(walk, found),
            DbAnswer::Waves(found) => self.waves_found(found),
            DbAnswer::Newest(found) => self.newest_found(found),
            DbAnswer::News(news) => self.news_read(news),
            DbAnswer::Missing(asked, found) => self.missing_read(&asked, found),
            DbAnswer::RoomsAgain(asked, found) => self.rooms_read_again(asked, found),
            DbAnswer::Changed(asked, found) => self.changed_read(asked, found),
            DbAnswer::Unread(user, asked, found) => {
                self.unread_totals.counted(&user, asked, found, &self.rooms, &mut self.out);
            }
        }
    }

    /// Starts everything that repeats.
    fn start(&mut self) {
        self.out.after(FORGET_INTERVAL, Timer::ForgetEnded);
        let sweep = OfferExpiry::start(self.now.wall, &mut self.out);
        self.append(sweep);
        Waves::look(&mut self.out);
        self.profiles.look(!self.cluster.has_others(), &mut self.out);
    }

    /// Forgets what nobody can come back to any more.
    fn forget_ended(&mut self) {
        self.room_budget.forget_idle(self.now.wall);
        self.last_seen.forget_idle(self.now.wall);
        self.append(recovery::forget_ended(self.now.wall));
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
            Timer::OffersExpire(at) => {
                let sweep = self.offer_expiry.expire(at, self.now.wall);
                self.append_next(sweep);
            }
            Timer::SweepOffers => {
                let sweep = self.offer_expiry.sweep_again(self.now.wall, &mut self.out);
                self.append_next(sweep);
            }
            Timer::TypingExpires => self.deliveries().typing_expires(),
            Timer::LookForWaves => Waves::look(&mut self.out),
            Timer::WaveDue(product, seller) => {
                let step = self.waves.due(product, seller, self.now.wall);
                self.append_next(step);
            }
            Timer::WavesGoOn => {
                let step = self.waves.go_on(self.now.wall);
                self.append_next(step);
            }
            Timer::LookForRenamed => self.profiles.look(!self.cluster.has_others(), &mut self.out),
            Timer::ShowProfile(Some(walk)) => profiles::go_on(walk, &mut self.out),
            Timer::ShowProfile(None) => self.profiles.show_next(&mut self.out),
            Timer::SendOnline { session, user, hub, rooms } => {
                send_some_online(session, user, hub, rooms, &self.rooms, &mut self.out);
            }
            Timer::SeenDue => {
                let write = self.last_seen.due();
                self.append_next(write);
            }
            Timer::Heartbeat => self.beat(),
            Timer::LookForNews => self.look_again(),
            Timer::PresenceAgain => {
                if let Some(nodes) = &mut self.cluster.nodes {
                    nodes.publish_some_again(&self.rooms, &mut self.out);
                }
            }
        }
    }

    fn session_event(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::InRoom(request) => {
                if let Some(user) = request.user().filter(|_| is_activity(&request)) {
                    self.is_active(user);
                }
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
            SessionEvent::Change(Change { write, reply, .. }) => match self.check_room_budget(&write) {
                Ok(()) => self.append(PendingWrite { write, room: None, reply }),
                Err(error) => self.out.answer(reply, Err(error)),
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
            ("users to be noted as seen", self.last_seen.len()),
        ];
        kept.into_iter().filter(|(_, count)| *count > 0).collect()
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
