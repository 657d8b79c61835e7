//! Who may open a connection at all, and what is kept of each one that is open.

use std::{
    any::Any,
    cell::OnceCell,
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::{HttpRequest, dev::Extensions, rt::net::TcpStream};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use socket2::SockRef;

use super::client_address::{forwarded_for, is_trusted};
use crate::{
    actors::session::outbox::ConnectionSocket,
    config::Limits,
    domain::Network,
    error::ChatError,
    metrics::{self, GaugeGuard, Metrics},
};

/// Addresses whose rate is remembered before the idle ones are forgotten.
const RATES_REMEMBERED: usize = 10_000;

/// Refused connections that may wait to be told so. Beyond them a refused one is ended without a word.
const REFUSED_OPEN_MAX: usize = 64;

/// What is kept of an open connection, from its first byte to its last.
pub struct Arrival {
    /// From where.
    peer: Option<IpAddr>,
    /// Counts the clients that it asks for, where it comes from a trusted proxy.
    proxied: Option<Arc<Admission>>,
    /// Its socket, to be shut down when a write hangs in it.
    pub socket: Option<ConnectionSocket>,
    /// Why it may not be used.
    pub refused: Option<ChatError>,
    /// What counts it as open: who takes the socket over takes this, too.
    pub held: Rc<Held>,
}

/// Counts a connection as open until it is dropped.
pub struct Held {
    _place: Option<AddressPlace>,
    /// Counts the refused ones that are open.
    _refusal: Option<Arc<()>>,
    _gauge: GaugeGuard,
    /// Counts it as a WebSocket once it is one.
    websocket: OnceCell<GaugeGuard>,
}

impl Held {
    /// Counts it as a WebSocket, too, for as long as it is open.
    pub fn upgraded(self: &Rc<Self>, gauge: GaugeGuard) -> Rc<Self> {
        // A connection is upgraded once.
        let _ = self.websocket.set(gauge);
        Rc::clone(self)
    }
}

/// The open connections of each address, and how fast it opens more.
pub struct Admission {
    open: Mutex<HashMap<IpAddr, u32>>,
    open_max: Option<NonZeroU32>,
    rate: Option<DefaultKeyedRateLimiter<IpAddr>>,
    trusted_proxies: Vec<Network>,
    refused: Arc<()>,
    metrics: Arc<Metrics>,
}

/// One of an address's connections; free again when this is dropped.
pub struct AddressPlace {
    admission: Arc<Admission>,
    peer: IpAddr,
}

impl Admission {
    /// The limits of each address. The connections of `trusted_proxies` are not counted: the clients are that they ask for.
    #[must_use]
    pub fn new(limits: &Limits, trusted_proxies: Vec<Network>, metrics: Arc<Metrics>) -> Self {
        let quota = |rate: NonZeroU32| Quota::per_second(rate).allow_burst(rate.saturating_add(rate.get()));
        Self {
            open: Mutex::new(HashMap::new()),
            open_max: limits.connections_per_address_max,
            trusted_proxies,
            refused: Arc::new(()),
            rate: limits.connects_per_second_max.map(|rate| RateLimiter::keyed(quota(rate))),
            metrics,
        }
    }

    /// Notes a new connection, before its first request.
    pub fn arrive(self: &Arc<Self>, connection: &dyn Any, extensions: &mut Extensions) {
        let plain = connection.downcast_ref::<TcpStream>();
        let tcp = plain.or_else(|| {
            connection.downcast_ref::<actix_tls::accept::rustls_0_23::TlsStream<TcpStream>>().map(|tls| tls.get_ref().0)
        });
        let peer = tcp.and_then(|tcp| tcp.peer_addr().ok()).map(|peer| peer.ip().to_canonical());
        let is_proxy = peer.is_some_and(|peer| is_trusted(peer, &self.trusted_proxies));
        let (place, refused) = match peer.filter(|_| !is_proxy).map(|peer| self.admit(peer)) {
            Some(Ok(place)) => (Some(place), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let refusal = refused.as_ref().map(|_| Arc::clone(&self.refused));
        let socket = match (tcp, &refusal) {
            (Some(tcp), None) => {
                SockRef::from(tcp).try_clone().ok().map(|socket| ConnectionSocket::new(socket, plain.is_some()))
            }
            (Some(tcp), Some(_)) if Arc::strong_count(&self.refused) > REFUSED_OPEN_MAX => {
                // Fails when the peer was faster, which is what is wanted.
                let _ = SockRef::from(tcp).shutdown(std::net::Shutdown::Both);
                None
            }
            _ => None,
        };
        let gauge = GaugeGuard::raise(&self.metrics.connections);
        let proxied = is_proxy.then(|| Arc::clone(self));
        let held = Rc::new(Held { _place: place, _refusal: refusal, _gauge: gauge, websocket: OnceCell::new() });
        extensions.insert(Arrival { peer, proxied, socket, refused, held });
    }

    /// What is counted.
    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<AddressPlace, ChatError> {
        self.count_connect(peer)?;
        self.take_place(peer)
    }

    fn count_connect(&self, peer: IpAddr) -> Result<(), ChatError> {
        if let Some(rate) = &self.rate {
            if rate.len() > RATES_REMEMBERED {
                rate.retain_recent();
            }
            if let Err(refused) = rate.check_key(&peer) {
                metrics::count(&self.metrics.rate_limited, "connects_per_second");
                let wait = refused.wait_time_from(DefaultClock::default().now());
                return Err(ChatError::rate_limited(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
            }
        }
        Ok(())
    }

    fn take_place(self: &Arc<Self>, peer: IpAddr) -> Result<AddressPlace, ChatError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = open.entry(peer).or_default();
        if self.open_max.is_some_and(|max| *taken >= max.get()) {
            metrics::count(&self.metrics.rate_limited, "connections_per_address");
            let mut error = ChatError::rate_limited(5000);
            error.message = "this address has as many connections as it may: close one first".into();
            return Err(error);
        }
        *taken += 1;
        Ok(AddressPlace { admission: Arc::clone(self), peer })
    }
}

/// Who asks, as far as addresses tell.
pub struct Client {
    /// From where: the other end of the connection or, behind a trusted proxy, whom that asks for.
    pub address: Option<IpAddr>,
    /// The connection's socket.
    pub socket: Option<ConnectionSocket>,
    proxied: Option<Arc<Admission>>,
}

impl Client {
    /// Who sent a request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let Some(arrival) = request.conn_data::<Arrival>() else {
            let address = request.peer_addr().map(|peer| peer.ip());
            return Self { address, socket: None, proxied: None };
        };
        let address = match (&arrival.proxied, arrival.peer) {
            (Some(admission), Some(peer)) => Some(forwarded_for(peer, request.headers(), &admission.trusted_proxies)),
            (_, peer) => peer,
        };
        Self { address, socket: arrival.socket.clone(), proxied: arrival.proxied.clone() }
    }

    /// Counts what this client opens behind a trusted proxy: a proxy sends the requests of many over one connection, so that
    /// opening one says nothing. A connection of a client's own was counted when it came.
    ///
    /// # Errors
    /// `rate_limited` with the wait.
    pub fn count_connect(&self) -> Result<(), ChatError> {
        match (&self.proxied, self.address) {
            (Some(admission), Some(address)) => admission.count_connect(address),
            _ => Ok(()),
        }
    }

    /// Takes a place among the connections of this client's address behind a trusted proxy, for what stays open.
    ///
    /// # Errors
    /// `rate_limited` when the address has as many as it may.
    pub fn take_place(&self) -> Result<Option<AddressPlace>, ChatError> {
        match (&self.proxied, self.address) {
            (Some(admission), Some(address)) => admission.take_place(address).map(Some),
            _ => Ok(None),
        }
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = open.get_mut(&self.peer) {
            *taken -= 1;
            if *taken == 0 {
                open.remove(&self.peer);
            }
        }
    }
}
