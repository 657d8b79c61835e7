//! Who may open a connection at all, and what is kept of each one that is open.

use std::{
    any::Any,
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix_web::{dev::Extensions, rt::net::TcpStream};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use socket2::{SockRef, TcpKeepalive};

use crate::{
    actors::session::outbox::ConnectionSocket,
    config::Limits,
    error::ChatError,
    metrics::{self, GaugeGuard, Metrics},
};

/// The kernel's own buffer for what a client has not read yet. With the system's default, which grows to megabytes, a
/// client that stopped reading would be noticed only after those were full.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// How long sent data may stay unacknowledged before the kernel gives the connection up (RFC 5482).
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// After how much silence the kernel asks whether the peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Addresses whose rate is remembered before the idle ones are forgotten.
const RATES_REMEMBERED: usize = 10_000;

/// Refused connections that may wait to be told so. Beyond them a refused one is ended without a word.
const REFUSED_OPEN_MAX: usize = 64;

/// What is kept of an open connection, from its first byte to its last.
pub struct Arrival {
    /// From where.
    pub peer: Option<IpAddr>,
    /// Its socket, to be shut down when a write hangs in it.
    pub socket: Option<ConnectionSocket>,
    /// Why it may not be used.
    pub refused: Option<ChatError>,
    _place: Option<AddressPlace>,
    /// Counts the refused ones that are open.
    _refusal: Option<Arc<()>>,
    _gauge: GaugeGuard,
}

/// The open connections of each address, and how fast it opens more.
pub struct Admission {
    open: Mutex<HashMap<IpAddr, u32>>,
    open_max: Option<NonZeroU32>,
    rate: Option<DefaultKeyedRateLimiter<IpAddr>>,
    refused: Arc<()>,
    metrics: Arc<Metrics>,
}

struct AddressPlace {
    admission: Arc<Admission>,
    peer: IpAddr,
}

impl Admission {
    /// The limits of each address.
    #[must_use]
    pub fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        let quota = |rate: NonZeroU32| Quota::per_second(rate).allow_burst(rate.saturating_add(rate.get()));
        Self {
            open: Mutex::new(HashMap::new()),
            open_max: limits.connections_per_address_max,
            refused: Arc::new(()),
            rate: limits.connects_per_second_max.map(|rate| RateLimiter::keyed(quota(rate))),
            metrics,
        }
    }

    /// Notes a new connection; for [`HttpServer::on_connect`](actix_web::HttpServer::on_connect).
    pub fn arrive(self: &Arc<Self>, connection: &dyn Any, extensions: &mut Extensions) {
        let tcp = connection.downcast_ref::<TcpStream>().or_else(|| {
            connection.downcast_ref::<actix_tls::accept::rustls_0_23::TlsStream<TcpStream>>().map(|tls| tls.get_ref().0)
        });
        let peer = tcp.and_then(|tcp| tcp.peer_addr().ok()).map(|peer| peer.ip());
        let (place, refused) = match peer.map(|peer| self.admit(peer)) {
            Some(Ok(place)) => (Some(place), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let refusal = refused.as_ref().map(|_| Arc::clone(&self.refused));
        let socket = match (tcp, &refusal) {
            (Some(tcp), None) => prepare(tcp),
            (Some(tcp), Some(_)) if Arc::strong_count(&self.refused) > REFUSED_OPEN_MAX => {
                // Fails when the peer was faster, which is what is wanted.
                let _ = SockRef::from(tcp).shutdown(std::net::Shutdown::Both);
                None
            }
            _ => None,
        };
        let gauge = GaugeGuard::raise(&self.metrics.connections);
        extensions.insert(Arrival { peer, socket, refused, _place: place, _refusal: refusal, _gauge: gauge });
    }

    fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<AddressPlace, ChatError> {
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

/// Sets the socket's options, and takes a second handle of it. The options are improvements: where the system refuses one
/// the connection works without it.
fn prepare(tcp: &TcpStream) -> Option<ConnectionSocket> {
    let socket = SockRef::from(tcp);
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_send_buffer_size(SEND_BUFFER_BYTES);
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
    socket.try_clone().ok().map(ConnectionSocket::new)
}
