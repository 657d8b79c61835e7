//! What is kept of an open connection, and which account uses it.

use std::{
    cell::{Cell, OnceCell, RefCell},
    net::IpAddr,
    rc::Rc,
    sync::{Arc, Mutex},
};

use actix_web::{HttpRequest, http::header::HeaderMap};

use super::{AddressPlace, Admission, ConnectionPlace, SharedPlace, Ticket};
use crate::{
    actors::outbox::ConnectionSocket,
    domain::{Account, AddressKey},
    error::{ChatError, ErrorCode},
    http::{
        body::{Unsent, count_unsent},
        client_address::forwarded_for,
        deadlines::{BodyLength, Serving, Watch},
    },
    metrics::{self, GaugeGuard},
};

/// What is kept of an open connection, from its first byte to its last.
pub struct Arrival {
    admission: Arc<Admission>,
    peer: Option<IpAddr>,
    /// Counts the clients that it asks for, where it comes from a trusted proxy.
    proxied: Option<Arc<Admission>>,
    /// Its socket, to be shut down when a write hangs in it.
    pub socket: Option<ConnectionSocket>,
    /// Why it may not be used.
    pub refused: Option<ChatError>,
    /// What counts it as open: who takes the socket over takes this, too.
    pub held: Rc<Held>,
    watch: Option<Arc<Watch>>,
    /// Counts it among those on which no token was shown, until one is.
    without_token: Cell<Option<AddressPlace>>,
    /// The account of the request that is being served, after it has authenticated.
    known: RefCell<Option<Account>>,
}

/// Counts a connection as open until it is dropped.
pub struct Held {
    _place: ConnectionPlace,
    _open: Option<AddressPlace>,
    /// Counts it among the refused ones, until another one takes its place.
    refusal: Arc<SharedPlace>,
    /// What ends a refused one, also while it waits for its client to close it.
    refused: OnceCell<Arc<Watch>>,
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

impl Arrival {
    /// A connection that was let in begins, and with it its TLS handshake, which is counted by the second of the two.
    #[must_use]
    pub fn begin(ticket: Ticket) -> (Self, Option<AddressPlace>) {
        let Ticket { admission, peer, is_proxy, refused, place, open, refusal, handshake } = ticket;
        let gauge = GaugeGuard::raise(&admission.metrics.connections);
        let held = Held {
            _place: place,
            _open: open,
            refusal: Arc::new(Mutex::new(refusal)),
            refused: OnceCell::new(),
            _gauge: gauge,
            websocket: OnceCell::new(),
        };
        let arrival = Self {
            proxied: is_proxy.then(|| Arc::clone(&admission)),
            admission,
            peer,
            socket: None,
            refused,
            held: Rc::new(held),
            watch: None,
            without_token: Cell::new(None),
            known: RefCell::new(None),
        };
        (arrival, handshake)
    }

    /// HTTP begins on it.
    pub fn stands(&mut self, socket: ConnectionSocket, watch: Arc<Watch>) {
        self.socket = Some(socket);
        if let Some(address) = self.peer.filter(|_| self.proxied.is_none()).map(AddressKey::of) {
            match self.refused {
                None => self.without_token.set(Some(self.admission.watch(address, &watch))),
                Some(_) => {
                    self.admission.watch_refused(address, &watch, &self.held.refusal);
                    // It stands once.
                    let _ = self.held.refused.set(Arc::clone(&watch));
                }
            }
        }
        self.watch = Some(watch);
    }

    /// A request begins to be served.
    pub fn serve(&self, body: BodyLength) -> Option<Serving> {
        self.known.replace(None);
        self.watch.as_ref().map(|watch| watch.serve(body))
    }

    /// Why a request may not be answered. Beyond the process's connections, what an operator looks at still is.
    #[must_use]
    pub fn refusal(&self, path: &str) -> Option<&ChatError> {
        let is_operators = matches!(path, "/healthz" | "/readyz" | "/metrics");
        self.refused.as_ref().filter(|error| error.code != ErrorCode::Unavailable || !is_operators)
    }

    /// The request that is being served has shown who it is from.
    pub fn is_from(&self, account: Account) {
        self.known.replace(Some(account));
        drop(self.without_token.take());
        if let Some(watch) = &self.watch {
            watch.signed_in();
        }
    }
}

/// Notes that a request has shown who it is from: it and its connection do not count for the address any more.
pub fn note_known(request: &HttpRequest, account: Account) {
    if let Some(arrival) = request.conn_data::<Arrival>() {
        arrival.is_from(account);
    }
}

/// Notes how many bytes of a request's body are read, no matter who sent it.
pub fn note_body(request: &HttpRequest, bytes_max: usize) {
    let watch = request.conn_data::<Arrival>().and_then(|arrival| arrival.watch.as_ref());
    if let Some(watch) = watch {
        watch.expects_body(bytes_max as u64);
    }
}

/// Who asks, as far as the address shows.
pub struct Client {
    /// From where: the other end of the connection or, behind a trusted proxy, the client that it names.
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
        Self {
            address: arrival.address_of(request.headers()),
            socket: arrival.socket.clone(),
            proxied: arrival.proxied.clone(),
        }
    }
}

impl Client {
    /// Counts what this client opens behind a trusted proxy. A proxy sends the requests of many clients over one connection,
    /// so its connections say nothing about a client. A direct connection was counted when it was accepted.
    ///
    /// # Errors
    /// `rate_limited` with the wait.
    pub fn count_connect(&self) -> Result<(), ChatError> {
        match (&self.proxied, self.address) {
            (Some(admission), Some(address)) => admission.count_connect(AddressKey::of(address)),
            _ => Ok(()),
        }
    }

    /// Counts one connection of this client's address behind a trusted proxy, for what stays open.
    ///
    /// # Errors
    /// `rate_limited` when the address has as many as it may.
    pub fn take_place(&self) -> Result<Option<AddressPlace>, ChatError> {
        match (&self.proxied, self.address) {
            (Some(admission), Some(address)) => admission.take_open(AddressKey::of(address)).map(Some),
            _ => Ok(None),
        }
    }
}

impl Arrival {
    /// From where a request comes: the other end of the connection or, behind a trusted proxy, the client that it names.
    fn address_of(&self, headers: &HeaderMap) -> Option<IpAddr> {
        match (&self.proxied, self.peer) {
            (Some(admission), Some(peer)) => Some(forwarded_for(peer, headers, &admission.trusted_proxies)),
            (_, peer) => peer,
        }
    }

    /// Counts a request that has been served, unless it has shown who it is from.
    ///
    /// # Errors
    /// `rate_limited` with the wait, when its address has sent more of them than it may.
    pub fn count_request(&self, headers: &HeaderMap) -> Result<(), ChatError> {
        if self.known.borrow().is_some() || self.refused.is_some() {
            return Ok(());
        }
        let address = self.address_of(headers).map(AddressKey::of);
        address.map_or(Ok(()), |address| self.admission.count_request(address))
    }

    /// Counts an answer of this many bytes for its account.
    ///
    /// # Errors
    /// `rate_limited`, when too many of theirs wait to be read.
    pub fn count_unsent(&self, headers: &HeaderMap, bytes: usize) -> Result<Option<Unsent>, ChatError> {
        let known = self.known.borrow().clone().or_else(|| self.address_of(headers).map(Account::from));
        match known {
            // What sessions have to read is bounded by their outboxes, and the marketplace's own backend is no stranger.
            None | Some(Account::Server | Account::Service) => Ok(None),
            Some(account) => count_unsent(&self.admission.unsent, account, bytes).map(Some).ok_or_else(|| {
                metrics::count(&self.admission.metrics.rate_limited, "unread_answers");
                let mut error = ChatError::rate_limited(1000);
                error.message = "too many answers wait to be read: read those first".into();
                error
            }),
        }
    }
}
