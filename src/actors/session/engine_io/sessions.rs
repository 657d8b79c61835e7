//! The live sessions by their id, for requests on any worker.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Instant,
};

use actix::Addr;

use super::{Application, Drain, EngineSession, EngineSettings};
use crate::{
    actors::outbox::Outbox,
    chat::{
        in_flight::InFlight,
        quota::{KeyedQuota, QuotaGuard},
    },
    domain::AddressKey,
    error::ChatError,
};

/// Sessions of an address whose clients have not signed in. They have `--handshake-timeout` for that.
const UNSIGNED_MAX: usize = 300;

/// Locks that the map is spread over.
const SHARDS: usize = 16;

/// What requests need to know of a session.
pub struct Link<A: Application> {
    /// Its id: the node's name where it has one, then 122 random bits.
    pub sid: Box<str>,
    /// Where its packets go.
    pub addr: Addr<EngineSession<A>>,
    /// Where what it sends waits.
    pub outbox: Arc<Outbox>,
    /// Its unanswered events.
    pub in_flight: InFlight,
    /// Whether polls carry it.
    polling: AtomicBool,
    /// Whether a WebSocket tries to take over.
    upgrading: AtomicBool,
    /// WebSockets that have tried to.
    candidates: AtomicU32,
    ending: AtomicBool,
    signed_in: AtomicBool,
    poll: AtomicBool,
    post: AtomicBool,
    /// Milliseconds since [`EPOCH`] until when the client must have shown life; a silent session has expired then, even when
    /// its timer fires a moment later.
    silent_until: AtomicU64,
}

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The turn of the one poll that may be open; free again when this is dropped.
pub struct PollTurn<'a>(&'a AtomicBool);

/// The turn of the one POST whose packets may be on their way; free again when this is dropped.
pub struct PostTurn<A: Application>(Arc<Link<A>>);

impl<A: Application> Link<A> {
    pub(super) fn new(
        sid: &str,
        addr: Addr<EngineSession<A>>,
        outbox: Arc<Outbox>,
        in_flight: InFlight,
        polling: bool,
    ) -> Self {
        Self {
            sid: sid.into(),
            addr,
            outbox,
            in_flight,
            polling: AtomicBool::new(polling),
            upgrading: AtomicBool::new(false),
            candidates: AtomicU32::new(0),
            ending: AtomicBool::new(false),
            signed_in: AtomicBool::new(false),
            poll: AtomicBool::new(false),
            post: AtomicBool::new(false),
            silent_until: AtomicU64::new(u64::MAX),
        }
    }

    /// Takes the turn of the one poll that may be open.
    #[must_use]
    pub fn take_poll(&self) -> Option<PollTurn<'_>> {
        PollTurn::take(&self.poll)
    }

    /// Takes the turn of the one POST that may be open.
    #[must_use]
    pub fn take_post(self: &Arc<Self>) -> Option<PostTurn<A>> {
        (!self.post.swap(true, Ordering::AcqRel)).then(|| PostTurn(Arc::clone(self)))
    }

    /// Whether a poll is open now.
    #[must_use]
    pub fn has_poll(&self) -> bool {
        self.poll.load(Ordering::Acquire)
    }

    /// Whether polls carry the session.
    #[must_use]
    pub fn is_polling(&self) -> bool {
        self.polling.load(Ordering::Acquire)
    }

    /// Whether a WebSocket tries to take over.
    #[must_use]
    pub fn is_upgrading(&self) -> bool {
        self.upgrading.load(Ordering::Acquire)
    }

    /// Lets a WebSocket try to take over, and numbers it from 1. `None` when another does, or has.
    #[must_use]
    pub fn begin_upgrade(&self) -> Option<u32> {
        let may = self.is_polling() && !self.is_ending() && !self.upgrading.swap(true, Ordering::AcqRel);
        may.then(|| self.candidates.fetch_add(1, Ordering::AcqRel) + 1)
    }

    pub(super) fn end_upgrade(&self, upgraded: bool) {
        if upgraded {
            self.polling.store(false, Ordering::Release);
        }
        self.upgrading.store(false, Ordering::Release);
    }

    /// Whether it takes no more packets.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Release);
    }

    /// Whether its client has signed in.
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        self.signed_in.load(Ordering::Acquire)
    }

    /// Its client signs in. Says whether that is new.
    pub(super) fn sign_in(&self) -> bool {
        !self.signed_in.swap(true, Ordering::AcqRel)
    }

    /// Whether its client was silent for too long.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        millis_since_epoch(Instant::now()) >= self.silent_until.load(Ordering::Acquire) && !self.is_held_back()
    }

    /// Whether its client is not read, for its unanswered events or, on a WebSocket, for what it has to read first.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        self.in_flight.is_full() || (!self.is_polling() && self.outbox.is_heavy())
    }

    pub(super) fn expect_life_until(&self, until: Instant) {
        self.silent_until.store(millis_since_epoch(until), Ordering::Release);
    }

    pub(super) fn expect_life_always(&self) {
        self.silent_until.store(u64::MAX, Ordering::Release);
    }
}

impl<'a> PollTurn<'a> {
    fn take(taken: &'a AtomicBool) -> Option<Self> {
        (!taken.swap(true, Ordering::AcqRel)).then(|| Self(taken))
    }
}

impl Drop for PollTurn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl<A: Application> Drop for PostTurn<A> {
    fn drop(&mut self) {
        self.0.post.store(false, Ordering::Release);
    }
}

fn millis_since_epoch(at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(*EPOCH).as_millis()).unwrap_or(u64::MAX)
}

type Shard<A> = HashMap<Box<str>, Arc<Link<A>>>;

/// Every live session of one endpoint. Shared by all workers.
pub struct Sessions<A: Application> {
    shards: [Mutex<Shard<A>>; SHARDS],
    by_address: Arc<KeyedQuota<AddressKey>>,
    /// Those whose client has not signed in.
    unsigned: Arc<KeyedQuota<AddressKey>>,
    by_address_max: Option<NonZeroU32>,
    settings: Arc<EngineSettings>,
}

/// One session's place; free again when this is dropped.
pub struct Registration<A: Application> {
    sessions: Arc<Sessions<A>>,
    sid: Box<str>,
    /// Counts it for its address.
    _held: Option<QuotaGuard<AddressKey>>,
    /// Counts it as one whose client has not signed in.
    unsigned: Option<QuotaGuard<AddressKey>>,
}

impl<A: Application> Sessions<A> {
    /// None yet. A handshake carries no token, so sessions are bounded by address: `None` for no bound.
    #[must_use]
    pub fn new(settings: EngineSettings, by_address_max: Option<NonZeroU32>) -> Self {
        LazyLock::force(&EPOCH);
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            by_address: Arc::default(),
            unsigned: Arc::default(),
            by_address_max,
            settings: Arc::new(settings),
        }
    }

    /// The terms of every session.
    #[must_use]
    pub fn settings(&self) -> &Arc<EngineSettings> {
        &self.settings
    }

    /// A live session.
    #[must_use]
    pub fn find(&self, sid: &str) -> Option<Arc<Link<A>>> {
        self.shard(sid).get(sid).cloned()
    }

    /// Notifies every session that the server shuts down.
    pub fn drain(&self) {
        for shard in &self.shards {
            let links: Vec<_> = lock(shard).values().map(Arc::clone).collect();
            for link in links {
                #[expect(clippy::disallowed_methods, reason = "sent once in a session's life")]
                link.addr.do_send(Drain);
            }
        }
    }

    /// Takes a place for a session from an address, and makes its id.
    pub(super) fn place(self: &Arc<Self>, peer: Option<IpAddr>) -> Result<Registration<A>, ChatError> {
        let (mut held, mut unsigned) = (None, None);
        // An operator who lifts one of them lifts both.
        if let Some((address, max)) = peer.map(AddressKey::of).zip(self.by_address_max) {
            let refused = |sentence: &'static str| {
                let mut error = ChatError::rate_limited(5000);
                error.message = sentence.into();
                error
            };
            let max = usize::try_from(max.get()).unwrap_or(usize::MAX);
            held = Some(
                self.by_address
                    .take(address, 1, max)
                    .ok_or_else(|| refused("this address has as many sessions as it may: close one first"))?,
            );
            unsigned = Some(self.unsigned.take(address, 1, UNSIGNED_MAX).ok_or_else(|| {
                refused("this address has as many sessions that have not signed in as it may: sign in first")
            })?);
        }
        let random = uuid::Uuid::new_v4().simple();
        let sid = match &self.settings.node_name {
            Some(node) => format!("{node}.{random}"),
            None => random.to_string(),
        };
        Ok(Registration { sessions: Arc::clone(self), sid: sid.into(), _held: held, unsigned })
    }

    fn shard(&self, sid: &str) -> MutexGuard<'_, Shard<A>> {
        // Ids are random, so any byte spreads them.
        let byte = sid.as_bytes().last().copied().unwrap_or_default();
        lock(&self.shards[usize::from(byte) % SHARDS])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one statement, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<A: Application> Registration<A> {
    pub(super) fn sid(&self) -> &str {
        &self.sid
    }

    pub(super) fn insert(&self, link: &Arc<Link<A>>) {
        self.sessions.shard(&self.sid).insert(self.sid.clone(), Arc::clone(link));
    }

    pub(super) fn signed_in(&mut self) {
        self.unsigned = None;
    }
}

impl<A: Application> Drop for Registration<A> {
    fn drop(&mut self) {
        self.sessions.shard(&self.sid).remove(&self.sid);
    }
}
