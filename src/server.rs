//! One place that wires pool, actors and routes: `serve`, `demo` and the tests all start their server here.

#![warn(missing_docs)]

mod chores;
mod drain;
mod hooks;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix::{Actor, Addr, Arbiter};
use actix_web::{App, middleware::from_fn, web};
use thiserror::Error;

use self::{chores::Chore, hooks::Sending};
use crate::{
    actors::{
        bus::Bus,
        chat_server::{
            ChatServer,
            messages::{RegisterBus, RegisterHub},
        },
        db_executor::Database,
        eraser::Eraser,
        hub::Hub,
        notifier::Notifier,
        push_service::PushService,
        session::{Services, engine_io::Sessions, socket_io::SocketIo, uplink::Uplink},
    },
    auth::{ImageUrls, Jwks, JwksError, KeyError, RoomTokens, ServiceKey, Signer, Verifier},
    broker::{self, NodeId, Subjects, nats},
    chat::{ChatSettings, hub_op::HubId, user_limits::Accounts},
    clock::Clock,
    config::{Config, KeySource, image_store_beside, read_text},
    db::{self, DbError, Pool},
    http::{
        admission::Admission,
        descriptors,
        images::Images,
        listener::{self, Listener},
        openapi,
        origin::Origins,
        readiness::DatabaseLooks,
        request_log, routes, socket_io,
        state::AppState,
        workers::Workers,
    },
    images::{ImageStore, StoreError},
    metrics::Metrics,
    protocol::event::HeartbeatTerms,
    tls::{Tls, TlsError},
};

/// Threads that read the database. More than the disk serves at once only queue in another place.
const READERS: usize = 4;

/// Connections to the database: the readers' and the writer's, one for readiness and one to spare.
const POOL_SIZE: u32 = 8;

/// Why a server does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address is taken or not this machine's.
    #[error("can't listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The database can't be opened or brought up to date.
    #[error("the database can't be used: {0}")]
    Database(#[from] DbError),
    /// The key of tokens can't be used.
    #[error("the key of tokens can't be used: {0}")]
    Key(#[from] KeyError),
    /// The file of the public key can't be read.
    #[error("--jwt-public-key can't be read: {0}")]
    KeyFile(io::Error),
    /// The key set can't be used.
    #[error("--jwks-url: {0}")]
    Jwks(#[from] JwksError),
    /// The certificate can't be used.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// The address of NATS can't be one.
    #[error("--nats-url {0}")]
    BadNatsUrl(#[from] broker::BadNatsUrl),
    /// Several nodes would each have a database of their own.
    #[error(
        "--nats-url connects nodes that share a PostgreSQL database: give --database-url postgres://…, or leave it out"
    )]
    NodesWithoutPostgres,
    /// The key of Web Push can't be used.
    #[error("--vapid-key {0}")]
    VapidKey(#[from] crate::auth::vapid::BadVapidKey),
    /// The service key is too short.
    #[error("--service-key: {0}")]
    ServiceKey(#[from] crate::auth::ServiceKeyTooShort),
    /// Images can't be kept.
    #[error(transparent)]
    Images(#[from] StoreError),
    /// The system has no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

impl StartError {
    /// Whether a setting can't be used, and not something around it.
    #[must_use]
    pub const fn is_bad_value(&self) -> bool {
        match self {
            Self::Key(_)
            | Self::KeyFile(_)
            | Self::Jwks(_)
            | Self::Tls(_)
            | Self::ServiceKey(_)
            | Self::VapidKey(_)
            | Self::BadNatsUrl(_)
            | Self::NodesWithoutPostgres => true,
            Self::Database(error) => matches!(error, DbError::BadUrl(_)),
            Self::Images(error) => matches!(error, StoreError::BadUrl(_)),
            Self::Bind { .. } | Self::NoRandomness => false,
        }
    }
}

/// Puts a [`Server`] together.
#[derive(Debug, Clone)]
pub struct ServerBuilder {
    config: Config,
    clock: Clock,
}

/// A running server. Dropping it does not end it: [`Server::drain`] does.
pub struct Server {
    addr: SocketAddr,
    workers: Workers,
    chat: Addr<ChatServer>,
    eraser: Addr<Eraser>,
    chat_thread: Arbiter,
    /// Where the marketplace is asked about messages: a question under way does not hold up the end of the process.
    screen_thread: Option<Arbiter>,
    notifier: Option<(Addr<Notifier>, Arbiter)>,
    event_sender: Option<Sending>,
    web_pusher: Option<Sending>,
    bus: Option<(Addr<Bus>, Arbiter)>,
    socket_io: Arc<Sessions<SocketIo>>,
    metrics: Arc<Metrics>,
    draining: Arc<AtomicBool>,
    drain_timeout: Duration,
    tls: Option<Arc<Tls>>,
    pool: Pool,
    /// What looks after the search index, the images and the log, and what ends it.
    chores: Vec<Chore>,
    claim: Arc<db::Claim>,
}

impl ServerBuilder {
    /// A server with these settings.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, clock: Clock::default() }
    }

    /// Reads the time from `clock`; the machine's own by default.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the database, starts the actors and listens. Call it inside an actix system.
    ///
    /// # Errors
    /// [`StartError`], with one sentence for the operator.
    pub async fn start(self) -> Result<Server, StartError> {
        let Self { config, clock } = self;
        // Options that the operator may have mistyped are checked first, before anything is changed.
        let tls = match &config.tls {
            Some(files) => Some(Arc::new(Tls::load(&files.cert, &files.key)?)),
            None => None,
        };
        if let Some(urls) = &config.nats_url {
            nats::check_addresses(urls.expose())?;
        }
        let push_service = hooks::push_service(config.push.as_ref())?;
        let descriptors = descriptors::raise_limit();
        let verifier = Arc::new(verifier(&config, &clock).await?);
        if config.nats_url.is_some() && db::sqlite_file(&config.database_url).is_some() {
            return Err(StartError::NodesWithoutPostgres);
        }
        if config.nats_url.is_some() && config.image_store == image_store_beside(&config.database_url) {
            log::warn!(
                "--image-store is not set: images lie in a folder of this node's own, where other nodes don't find them"
            );
        }
        let (pool, claim, run) = db::open_to_serve(&config.database_url, POOL_SIZE)?;
        let claim = Arc::new(claim);
        for migration in run {
            log::info!("ran migration {migration}");
        }
        let socket = listener::bind(config.bind).map_err(|source| StartError::Bind { address: config.bind, source })?;
        // Sessions that were alive when the server last ended can be recovered from now on, until they expire.
        db::end_recoveries(&mut *pool.get()?, clock.now())?;
        hooks::begin(&config, &mut *pool.get()?, clock.now())?;
        let (state, chat_thread, screen_thread) = start_actors(config, clock, &pool, verifier, push_service)?;
        let bus = start_bus(&state, &pool)?;
        openapi::prepare();
        let (addr, workers) = listen(&state, socket, tls.as_deref(), descriptors)?;
        let (notifier, event_sender) = (hooks::start_notifier(&state), hooks::start_event_sender(&state));
        let web_pusher = hooks::start_web_pusher(&state);
        let chores = chores::start(&state, &pool, &claim);
        Ok(Server {
            addr,
            workers,
            chat: state.chat.clone(),
            eraser: state.eraser.clone(),
            chat_thread,
            screen_thread,
            notifier,
            event_sender,
            web_pusher,
            bus,
            socket_io: Arc::clone(&state.socket_io),
            metrics: Arc::clone(&state.metrics),
            draining: Arc::clone(&state.draining),
            drain_timeout: state.config.drain_timeout,
            tls,
            pool,
            chores,
            claim,
        })
    }
}

/// Joins the other nodes.
fn start_bus(state: &AppState, pool: &Pool) -> Result<Option<(Addr<Bus>, Arbiter)>, StartError> {
    let Some(urls) = &state.config.nats_url else { return Ok(None) };
    let subjects = Subjects::new(&db::find_installation(&mut *pool.get()?)?);
    let (node, urls) = (NodeId::random(), urls.expose().to_owned());
    log::info!("this is node {node}");
    let (chat, metrics) = (state.chat.clone(), Arc::clone(&state.metrics));
    let thread = Arbiter::new();
    let bus = Bus::start_in_arbiter(&thread.handle(), move |_| Bus::new(node, urls, subjects, chat, metrics));
    #[expect(clippy::disallowed_methods, reason = "once in a server's life")]
    state.chat.do_send(RegisterBus { node, bus: bus.clone() });
    Ok(Some((bus, thread)))
}

async fn verifier(config: &Config, clock: &Clock) -> Result<Verifier, StartError> {
    let verifier = match &config.keys {
        KeySource::Secret(secret) => Verifier::hs256(secret.expose().as_bytes())?,
        KeySource::PublicKey(file) => Verifier::public_key(&read_key(file)?)?,
        KeySource::Jwks(url) => Verifier::jwks(Jwks::start(url, clock.clone()).await?),
    };
    Ok(verifier.with_clock(clock.clone()).between(config.parties.clone()))
}

fn read_key(file: &Path) -> Result<String, StartError> {
    read_text(file).map_err(StartError::KeyFile)
}

/// What signs room tokens, and what signs the demo's own tokens.
fn room_tokens(config: &Config) -> Result<(RoomTokens, Option<Signer>), StartError> {
    Ok(match (&config.keys, &config.service_key) {
        (KeySource::Secret(secret), _) => {
            let secret = secret.expose().as_bytes();
            (RoomTokens::derived_from(secret), config.demo.then(|| demo_signer(config, secret)).transpose()?)
        }
        (_, Some(key)) => (RoomTokens::derived_from(key.expose().as_bytes()), None),
        // Without any secret of its own to derive them from, room tokens last until the next start.
        (_, None) => (RoomTokens::random().map_err(|_| StartError::NoRandomness)?, None),
    })
}

fn image_urls(config: &Config, clock: Clock) -> Result<ImageUrls, StartError> {
    let image_urls = match &config.keys {
        KeySource::Secret(secret) => ImageUrls::derived_from(secret.expose().as_bytes(), clock),
        _ => match &config.service_key {
            // What one node has signed another one must recognize.
            Some(key) => ImageUrls::derived_from(key.expose().as_bytes(), clock),
            None => ImageUrls::random(clock).map_err(|_| StartError::NoRandomness)?,
        },
    };
    Ok(image_urls.at(config.public_url.clone()))
}

fn start_actors(
    config: Config,
    clock: Clock,
    pool: &Pool,
    verifier: Arc<Verifier>,
    push_service: Option<Arc<PushService>>,
) -> Result<(web::Data<AppState>, Arbiter, Option<Arbiter>), StartError> {
    let metrics = Arc::new(Metrics::default());
    let image_store = ImageStore::open(&config.image_store)?;
    let database = Database::start(pool, READERS, Arc::clone(&metrics));
    let (room_tokens, demo_signer) = room_tokens(&config)?;
    let image_urls = Arc::new(image_urls(&config, clock.clone())?);
    let service_key = config.service_key.as_ref().map(|key| ServiceKey::new(key.expose())).transpose()?;
    let settings = ChatSettings {
        policy: config.authorize,
        rooms_per_session_max: config.limits.rooms_per_session_max.map(|max| max.get() as usize),
        image_urls: Arc::clone(&image_urls) as _,
    };
    let chat_thread = Arbiter::new();
    let screen = hooks::message_screen(&config, &clock, &database, &image_urls, &metrics);
    let screen = screen.map(|screen| (screen, Arbiter::new()));
    let (screen, screen_thread) = match screen {
        Some((screen, thread)) => (Some((screen, thread.handle())), Some(thread)),
        None => (None, None),
    };
    let chat = {
        let (clock, database, metrics) = (clock.clone(), database.clone(), Arc::clone(&metrics));
        ChatServer::start_in_arbiter(&chat_thread.handle(), move |_| {
            let server = ChatServer::new(settings, clock, database, metrics);
            match screen {
                Some((screen, thread)) => server.with_screen(screen, thread),
                None => server,
            }
        })
    };
    let eraser = Eraser::new(chat.clone(), database.clone(), image_store.clone(), clock.clone()).start();
    let state = AppState {
        chat,
        eraser,
        database,
        verifier,
        room_tokens: Arc::new(room_tokens),
        service_key,
        images: Images::new(image_store, config.limits.image_bytes_max),
        image_urls,
        demo_signer,
        push_service,
        clock,
        draining: Arc::new(AtomicBool::new(false)),
        database_looks: DatabaseLooks::default(),
        accounts: Arc::new(Accounts::new(&config.limits, Arc::clone(&metrics))),
        socket_io: socket_io::sessions(&config),
        origins: Origins::new(config.allowed_origins.clone()),
        metrics,
        config,
    };
    Ok((web::Data::new(state), chat_thread, screen_thread))
}

/// Signs as this server's own verifier demands.
fn demo_signer(config: &Config, secret: &[u8]) -> Result<Signer, KeyError> {
    Ok(Signer::hs256(secret)?.between(config.parties.clone()))
}

fn listen(
    state: &web::Data<AppState>,
    socket: TcpListener,
    tls: Option<&Tls>,
    descriptors: Option<usize>,
) -> Result<(SocketAddr, Workers), StartError> {
    let config = &state.config;
    let connections_max = descriptors::connections_max(descriptors, config.workers);
    if let Some(descriptors) = descriptors {
        log::info!("up to {connections_max} connections, of {descriptors} files that may be open");
    }
    let admission = Admission::new(&config.limits, config.trusted_proxies.clone(), Arc::clone(&state.metrics));
    let admission = Arc::new(admission.with_connections_max(connections_max));
    let hubs = Arc::new(AtomicUsize::new(0));
    let app_state = state.clone();
    let worker_state = state.clone();
    let worker = move || web::Data::new(start_hub(&worker_state, HubId(hubs.fetch_add(1, Ordering::Relaxed))));
    let app = move |services: &web::Data<Services>| {
        App::new()
            .wrap(from_fn(request_log::with_request_id))
            .wrap(app_state.origins.cors())
            .wrap(from_fn(request_log::with_refused_preflights))
            .app_data(app_state.clone())
            .app_data(socket_io::endpoint(&app_state, &services.clone().into_inner()))
            .app_data(services.clone())
            .configure(routes::wires)
            .configure(routes::documented)
            .configure(|config| {
                if app_state.config.demo {
                    routes::demo(config)
                }
            })
            .configure(routes::page)
            .default_service(web::to(routes::nothing))
    };
    let listener = Listener {
        socket,
        tls: tls.map(Tls::server_config).transpose()?,
        workers: config.workers,
        handshake_timeout: config.handshake_timeout,
        admission,
    };
    listener.listen(worker, app).map_err(|source| StartError::Bind { address: config.bind, source })
}

fn start_hub(state: &AppState, hub_id: HubId) -> Services {
    let limits = state.config.limits.clone();
    let hub = Hub::new(limits.outbox_age_max, limits.outbox_bytes_max, Arc::clone(&state.metrics))
        .with_heartbeat(state.config.ping_interval, state.config.ping_timeout)
        .with_clock(state.clock.clone())
        .start();
    #[expect(clippy::disallowed_methods, reason = "once per worker")]
    state.chat.do_send(RegisterHub { id: hub_id, addr: hub.clone() });
    let uplink = Arc::new(Uplink::new(state.chat.clone()));
    let sending = Arc::clone(&uplink);
    actix::spawn(async move { sending.run().await });
    Services {
        asked: state.config.screen.as_ref().map(|screen| screen.kinds),
        uplink,
        hub,
        hub_id,
        database: state.database.clone(),
        verifier: Arc::clone(&state.verifier),
        room_tokens: Arc::clone(&state.room_tokens),
        policy: state.config.authorize,
        masking: state.config.masking,
        limits,
        heartbeat: HeartbeatTerms::new(state.config.ping_interval, state.config.ping_timeout),
        clock: state.clock.clone(),
        metrics: Arc::clone(&state.metrics),
    }
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Whether it speaks TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// What it counts.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Reads the certificate again. Keeps the old one when the new one can't be used.
    ///
    /// # Errors
    /// [`TlsError`] with one sentence for the operator.
    pub fn reload_tls(&self) -> Result<(), TlsError> {
        self.tls.as_ref().map_or(Ok(()), |tls| tls.reload())
    }
}

#[cfg(test)]
mod tests;
