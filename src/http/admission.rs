//! Admission: decides which connections are accepted. They are counted from `accept`, TLS handshakes included, by address
//! and in all.
//!
//! Before a token is shown the address is the account, and an IPv6 /64 is one address ([`AddressKey`]). Each has its own
//! bounds. What all addresses share is the number of descriptors; when they are used up, an address with few connections
//! takes the place of an idle one of the address that has the most.

mod arrival;
mod refusal;

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

pub use self::{
    arrival::{Arrival, Client, note_body, note_known},
    refusal::Refusal,
};
use super::{body::UnsentAnswers, client_address::is_trusted, deadlines::Watch};
use crate::{
    chat::token_bucket::{KeyedRate, Quota, wait_ms},
    config::Limits,
    domain::{AddressKey, Network},
    error::{ChatError, ErrorCode},
    metrics::{self, Metrics},
};

/// Connections per address on which no token has been shown. Each has buffers of about 20 KiB, under TLS 40.
pub const WITHOUT_TOKEN_MAX: u32 = 300;

/// How long a connection is new. Many clients of one address may reconnect at once.
const NEW: Duration = Duration::from_millis(500);

/// TLS handshakes under way, per address.
pub const HANDSHAKES_MAX: u32 = 32;

/// Refused connections per address that may wait for their answer. Further ones are closed at once.
const REFUSED_MAX: u32 = 8;

/// Connections beyond the most that the process serves. They receive a refusal, and health and metrics are answered on them.
pub const SPARE_CONNECTIONS: usize = 16;

/// Of these, how many for one address.
const SPARE_OF_ADDRESS: u32 = 4;

/// Requests without a token per second, for each connection per second that an address may open.
const REQUESTS_FOR_A_CONNECT: u32 = 5;

/// How often the log says that all connections are taken.
const FULL_LOG_INTERVAL_MS: u64 = 60_000;

/// When to reconnect, in milliseconds.
const RETRY_AFTER_MS: u64 = 5000;

/// The connections of each address, and how fast it opens more.
pub struct Admission {
    addresses: Mutex<HashMap<AddressKey, Address>>,
    open_max: Option<NonZeroU32>,
    connects: Option<AddressRate>,
    requests: Option<AddressRate>,
    /// Connections that the process has a descriptor for.
    connections_max: usize,
    open: AtomicUsize,
    trusted_proxies: Vec<Network>,
    unsent: Arc<UnsentAnswers>,
    began: Instant,
    /// When the log last reported that all connections are taken.
    said_full_at: AtomicU64,
    metrics: Arc<Metrics>,
}

type AddressRate = KeyedRate<AddressKey>;

/// What an address has.
#[derive(Default)]
struct Address {
    counts: [u32; KINDS],
    /// Its connections that HTTP has, the oldest first, with some that have ended since.
    http: VecDeque<Weak<Watch>>,
    /// Its refused ones, the oldest first.
    refused: VecDeque<Refused>,
}

/// What is counted for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Open connections.
    Open,
    /// Those of them on which no token was shown.
    WithoutToken,
    /// TLS handshakes under way.
    Handshake,
    /// Refused ones that wait for their answer.
    Refused,
    /// Those beyond what the process can have.
    Spare,
}

const KINDS: usize = 5;

/// One of an address's connections; it stops counting when this is dropped.
pub struct AddressPlace {
    admission: Arc<Admission>,
    address: AddressKey,
    kind: Kind,
}

/// A place that another connection may be given before this one has ended.
type SharedPlace = Mutex<Option<AddressPlace>>;

/// A refused connection.
struct Refused {
    watch: Weak<Watch>,
    place: Weak<SharedPlace>,
}

/// One of the connections that the process can have.
struct ConnectionPlace(Arc<Admission>);

/// A connection that is accepted, if only to answer why it is refused.
pub struct Ticket {
    admission: Arc<Admission>,
    peer: Option<IpAddr>,
    is_proxy: bool,
    refused: Option<ChatError>,
    place: ConnectionPlace,
    open: Option<AddressPlace>,
    refusal: Option<AddressPlace>,
    handshake: Option<AddressPlace>,
}

impl Admission {
    /// The limits of each address. The connections of `trusted_proxies` are not counted: the clients are that they ask for.
    #[must_use]
    pub fn new(limits: &Limits, trusted_proxies: Vec<Network>, metrics: Arc<Metrics>) -> Self {
        let rate = |rate: NonZeroU32| KeyedRate::new(Quota::per_second(rate));
        let requests = NonZeroU32::MIN.saturating_add(REQUESTS_FOR_A_CONNECT - 1);
        Self {
            addresses: Mutex::default(),
            open_max: limits.connections_per_address_max,
            connects: limits.connects_per_second_max.map(rate),
            requests: limits.connects_per_second_max.map(|connects| rate(connects.saturating_mul(requests))),
            connections_max: usize::MAX,
            open: AtomicUsize::new(0),
            trusted_proxies,
            unsent: Arc::default(),
            began: Instant::now(),
            said_full_at: AtomicU64::new(0),
            metrics,
        }
    }

    /// Bounds the open connections in all; unbounded by default.
    #[must_use]
    pub fn with_connections_max(mut self, connections_max: usize) -> Self {
        self.connections_max = connections_max;
        self
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// A connection has been accepted.
    ///
    /// # Errors
    /// Why it is ended at once.
    pub fn arrive(self: &Arc<Self>, peer: Option<IpAddr>, is_tls: bool) -> Result<Ticket, Refusal> {
        let peer = peer.map(|peer| peer.to_canonical());
        let is_proxy = peer.is_some_and(|peer| is_trusted(peer, &self.trusted_proxies));
        let address = peer.filter(|_| !is_proxy).map(AddressKey::of);
        let connects = address.map_or(Ok(()), |address| self.count_connect(address));
        let taken = connects.and_then(|()| {
            let place = self.take_connection(address)?;
            Ok((place, address.map(|address| self.take_open(address)).transpose()?))
        });
        let (places, refused) = match taken {
            Ok(places) => (Some(places), None),
            Err(error) => (None, Some(error)),
        };
        let refusal = match (&refused, address) {
            (Some(error), Some(address)) => Some(self.take_refusal(address, error)?),
            _ => None,
        };
        // The refused ones have a descriptor, too.
        let (place, open) = match places {
            Some(places) => places,
            None if self.open.load(Relaxed) >= self.connections_max.saturating_add(SPARE_CONNECTIONS) => {
                return Err(Refusal(full()));
            }
            None => (ConnectionPlace::take(self), None),
        };
        let handshake = address.filter(|_| is_tls).map(|address| self.take_handshake(address)).transpose()?;
        let admission = Arc::clone(self);
        Ok(Ticket { admission, peer, is_proxy, refused, place, open, refusal, handshake })
    }

    /// Lets a refused connection wait for its answer. It replaces the one that has waited longest. A client that asks is
    /// answered at once, so a client that never asks does not delay it.
    fn take_refusal(self: &Arc<Self>, address: AddressKey, error: &ChatError) -> Result<AddressPlace, Refusal> {
        let (kind, max) = match error.code {
            ErrorCode::Unavailable => (Kind::Spare, SPARE_OF_ADDRESS),
            _ => (Kind::Refused, REFUSED_MAX),
        };
        if let Some(place) = self.take(address, kind, NonZeroU32::new(max)) {
            return Ok(place);
        }
        let refusal = Refusal(error.clone());
        let oldest = self.addresses().get_mut(&address).and_then(|known| known.refused.pop_front());
        let place = oldest.and_then(|oldest| {
            oldest.watch.upgrade().inspect(|watch| watch.end_with(&refusal.response()));
            oldest.place.upgrade().and_then(|place| lock(&place).take())
        });
        match place {
            Some(place) if place.kind == kind => Ok(place),
            // That one has ended, or it was refused for another reason.
            _ => self.take(address, kind, NonZeroU32::new(max)).ok_or(refusal),
        }
    }

    fn take_handshake(self: &Arc<Self>, address: AddressKey) -> Result<AddressPlace, Refusal> {
        let max = self.open_max.and(NonZeroU32::new(HANDSHAKES_MAX));
        self.take(address, Kind::Handshake, max).ok_or_else(|| {
            metrics::count(&self.metrics.rate_limited, "handshakes_per_address");
            Refusal(too_many("this address has as many TLS handshakes under way as it may"))
        })
    }

    /// Counts a connection, or its equivalent behind a proxy.
    fn count_connect(&self, address: AddressKey) -> Result<(), ChatError> {
        self.check(self.connects.as_ref(), address, "connects_per_second")
    }

    /// Counts a request without a token.
    fn count_request(&self, address: AddressKey) -> Result<(), ChatError> {
        self.check(self.requests.as_ref(), address, "requests_without_token")
    }

    fn check(&self, rate: Option<&AddressRate>, address: AddressKey, limit: &'static str) -> Result<(), ChatError> {
        let Some(rate) = rate else { return Ok(()) };
        rate.admit(address, Instant::now()).map_err(|wait| {
            metrics::count(&self.metrics.rate_limited, limit);
            ChatError::rate_limited(wait_ms(wait))
        })
    }

    /// Whether something that is done once in a while is due; returns `true` once.
    fn is_due(&self, last: &AtomicU64, interval_ms: u64) -> bool {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        let before = last.load(Relaxed);
        let is_due = before == 0 || now.saturating_sub(before) >= interval_ms;
        is_due && last.compare_exchange(before, now, Relaxed, Relaxed).is_ok()
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<AddressKey, Address>> {
        lock(&self.addresses)
    }

    fn take(self: &Arc<Self>, address: AddressKey, kind: Kind, max: Option<NonZeroU32>) -> Option<AddressPlace> {
        let mut addresses = self.addresses();
        let taken = &mut addresses.entry(address).or_default().counts[kind as usize];
        if max.is_some_and(|max| *taken >= max.get()) {
            return None;
        }
        *taken += 1;
        Some(AddressPlace { admission: Arc::clone(self), address, kind })
    }

    fn take_open(self: &Arc<Self>, address: AddressKey) -> Result<AddressPlace, ChatError> {
        self.take(address, Kind::Open, self.open_max).ok_or_else(|| {
            metrics::count(&self.metrics.rate_limited, "connections_per_address");
            too_many("this address has as many connections as it may: close one first")
        })
    }

    /// Takes a place among the connections that the process can have.
    fn take_connection(self: &Arc<Self>, address: Option<AddressKey>) -> Result<ConnectionPlace, ChatError> {
        if self.open.load(Relaxed) < self.connections_max || self.make_room(address) {
            return Ok(ConnectionPlace::take(self));
        }
        metrics::count(&self.metrics.rate_limited, "connections");
        if self.is_due(&self.said_full_at, FULL_LOG_INTERVAL_MS) {
            log::warn!(
                "all {} connections are taken, new ones get 503: raise the number of open files that this process may have (said once per minute)",
                self.connections_max
            );
        }
        Err(full())
    }

    /// Ends an idle HTTP connection of the address that has the most, for an address that has fewer by two or more. It goes on
    /// counting until its task has noticed, so a few more than allowed are open for a moment.
    fn make_room(&self, newcomer: Option<AddressKey>) -> bool {
        if self.open.load(Relaxed) >= self.connections_max.saturating_add(SPARE_CONNECTIONS / 2) {
            return false;
        }
        let mut addresses = self.addresses();
        let own = newcomer.and_then(|newcomer| addresses.get(&newcomer)).map_or(0, Address::open);
        let Some((key, most)) = addresses.iter_mut().max_by_key(|(_, address)| address.http.len()) else {
            return false;
        };
        Some(*key) != newcomer && most.open() > own.saturating_add(1) && most.end_one(Watch::is_idle)
    }

    /// Tracks a connection on which no token has been shown yet. An address at its limit loses an idle connection, or one
    /// that does not read its answer.
    fn watch(self: &Arc<Self>, address: AddressKey, watch: &Arc<Watch>) -> AddressPlace {
        let mut addresses = self.addresses();
        let known = addresses.entry(address).or_default();
        known.counts[Kind::WithoutToken as usize] += 1;
        // An operator who lifts the number of connections lifts this, too.
        if self.open_max.is_some() && known.counts[Kind::WithoutToken as usize] > WITHOUT_TOKEN_MAX {
            // One that has just come is about to send its request.
            let may_end = |watch: &Watch| !watch.is_signed_in() && watch.age() >= NEW;
            if known.end_one(|watch| watch.is_idle() && may_end(watch))
                || known.end_one(|watch| watch.is_unread() && may_end(watch))
            {
                metrics::count(&self.metrics.evictions, "without_token");
            }
        }
        known.add(watch);
        AddressPlace { admission: Arc::clone(self), address, kind: Kind::WithoutToken }
    }

    /// Looks after a refused connection.
    fn watch_refused(&self, address: AddressKey, watch: &Arc<Watch>, place: &Arc<SharedPlace>) {
        if let Some(known) = self.addresses().get_mut(&address) {
            known.refused.retain(|refused| refused.watch.strong_count() > 0);
            known.refused.push_back(Refused { watch: Arc::downgrade(watch), place: Arc::downgrade(place) });
        }
    }
}

impl Address {
    fn open(&self) -> u32 {
        self.counts[Kind::Open as usize]
    }

    fn add(&mut self, watch: &Arc<Watch>) {
        if self.http.len() > 2 * self.open() as usize + 16 {
            self.http.retain(|watch| watch.upgrade().is_some_and(|watch| watch.is_http()));
        }
        self.http.push_back(Arc::downgrade(watch));
    }

    /// Ends the oldest connection that may be ended.
    fn end_one(&mut self, may_end: impl Fn(&Watch) -> bool) -> bool {
        let ends = |watch: &Weak<Watch>| watch.upgrade().is_some_and(|watch| may_end(&watch));
        let found = self.http.iter().position(ends);
        let watch = found.and_then(|at| self.http.remove(at)).and_then(|watch| watch.upgrade());
        watch.inspect(|watch| watch.end()).is_some()
    }

    fn is_empty(&self) -> bool {
        self.counts == [0; KINDS]
    }
}

impl ConnectionPlace {
    fn take(admission: &Arc<Admission>) -> Self {
        admission.open.fetch_add(1, Relaxed);
        Self(Arc::clone(admission))
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let mut addresses = self.admission.addresses();
        if let Some(address) = addresses.get_mut(&self.address) {
            address.counts[self.kind as usize] -= 1;
            if address.is_empty() {
                addresses.remove(&self.address);
            }
        }
    }
}

/// Nothing under these locks panics halfway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn too_many(sentence: &'static str) -> ChatError {
    let mut error = ChatError::rate_limited(RETRY_AFTER_MS);
    error.message = sentence.into();
    error
}

fn full() -> ChatError {
    let mut error =
        ChatError::new(ErrorCode::Unavailable, "this server has as many connections as it can: try again in a moment");
    error.retry_after_ms = Some(RETRY_AFTER_MS);
    error
}
