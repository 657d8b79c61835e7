//! `/socket.io/`: the second wire's address.

use std::{rc::Rc, sync::Arc, time::Duration};

use actix_web::{HttpRequest, http::header, web};

use super::{admission::Client, engine_io::Endpoint, state::AppState};
use crate::{
    actors::session::{
        Services,
        engine_io::{EngineSettings, Sessions},
        namespaces::{self, Doorkeeper},
        socket_io::{Handshake, SocketIo},
    },
    auth::find_token,
    config::Config,
};

pub const PATH: &str = "/socket.io/";

/// How long an upgrade may take as a whole.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);

/// Most bytes of a payload or message of a client that has not signed in: a CONNECT with a long token has room in it.
const UNSIGNED_BYTES_MAX: usize = 16 * 1024;

/// Most packets of one payload: more than a client's limits let it have unsent.
const PAYLOAD_PACKETS_MAX: usize = 4096;

/// The live sessions of a server.
#[must_use]
pub fn sessions(config: &Config) -> Arc<Sessions<SocketIo>> {
    let settings = EngineSettings {
        node_name: config.node_name.clone(),
        ping_interval: config.ping_interval,
        ping_timeout: config.ping_timeout,
        upgrade_timeout: UPGRADE_TIMEOUT,
        payload_bytes_max: config.limits.transport_bytes_max(),
        unsigned_bytes_max: UNSIGNED_BYTES_MAX,
        payload_packets_max: PAYLOAD_PACKETS_MAX,
        outbox_bytes_max: config.limits.outbox_bytes_max,
    };
    // A handshake carries no token, so what bounds connections bounds these, too.
    Arc::new(Sessions::new(settings, config.limits.connections_per_address_max))
}

/// The endpoint of one worker.
#[must_use]
pub fn endpoint(state: &AppState, services: &Arc<Services>) -> web::Data<Endpoint<SocketIo>> {
    let doorkeeper = Doorkeeper::new(Arc::clone(&state.draining));
    // The time that a connection has for its first request is also what it has for its first namespace.
    let connect_timeout = state.config.handshake_timeout;
    let table = Rc::new(namespaces::table(services, &state.accounts, &doorkeeper, connect_timeout));
    web::Data::new(Endpoint {
        sessions: Arc::clone(&state.socket_io),
        open: Box::new(move |request| SocketIo::new(Rc::clone(&table), handshake(request))),
        refuse: Box::new(move || doorkeeper.refusal()),
        origins: Arc::clone(&state.origins),
    })
}

fn handshake(request: &HttpRequest) -> Handshake {
    let authorization = request.headers().get_all(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
    let found = find_token(authorization, [], request.query_string());
    let agent = request.headers().get(header::USER_AGENT);
    Handshake {
        token: found.map(|found| found.map(|source| source.token.into_owned())),
        peer: Client::of(request).address,
        // python-socketio, which hands every argument to a handler that expects the event's own.
        recovers: !agent.is_some_and(|agent| agent.as_bytes().to_ascii_lowercase().starts_with(b"python")),
    }
}
