//! The real server, in a thread of its own so that the end of a test can wait for its drain.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, mpsc},
    thread,
    time::Duration,
};

use haggle::internals::{
    ServerBuilder,
    auth::Signer,
    clock::Clock,
    config::{Config, Options, Secret},
    db::{self, Pool},
    domain::{Timestamp, UserId},
    metrics::Metrics,
};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{database, seed::Seed, ws::WsClient};

/// Signs the tests' tokens.
pub const SECRET: &str = "a secret of the tests, 32 bytes or more";

/// The tests' marketplace backend.
pub const SERVICE_KEY: &str = "service-key-of-the-tests";

/// When every test begins: 2026-11-23T09:00:00Z.
pub const START: Timestamp = Timestamp(1_795_424_400_000);

/// A running server. Dropping it drains the server and checks what must hold after any test.
pub struct TestServer {
    pub addr: SocketAddr,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub pool: Pool,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<bool>>,
    folder: TempDir,
}

/// Panics of the whole process: a server that panics has failed its test, whatever the client saw.
static PANICS: OnceLock<Mutex<Vec<String>>> = OnceLock::new();

fn watch_panics() -> &'static Mutex<Vec<String>> {
    PANICS.get_or_init(|| {
        let earlier = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // A failed assertion of a test is not a panic of the server.
            if info.location().is_some_and(|location| location.file().starts_with("src/")) {
                watch_panics().lock().unwrap().push(info.to_string());
            }
            earlier(info);
        }));
        Mutex::new(Vec::new())
    })
}

impl TestServer {
    /// A server with the default settings.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A server with settings of the test's own.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = TempDir::new().unwrap();
        let options = Options {
            bind: Some("127.0.0.1:0".parse().unwrap()),
            database_url: Some(database::url_in(folder.path())),
            image_store: Some(folder.path().join("haggle.db-images").display().to_string()),
            jwt_secret: Some(Secret::new(SECRET)),
            service_key: Some(Secret::new(SERVICE_KEY)),
            workers: Some(2),
            ..Options::default()
        };
        let mut config = Config::try_from(options).unwrap();
        // Tests are one address and one burst.
        config.limits.connects_per_second_max = None;
        change(&mut config);
        Self::serve(config, folder).await
    }

    async fn serve(config: Config, folder: TempDir) -> Self {
        watch_panics();
        let clock = Clock::manual(START);
        let (started, has_started) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let (server_clock, server_config) = (clock.clone(), config.clone());
        let thread = thread::spawn(move || {
            actix::System::new().block_on(async move {
                let server = ServerBuilder::new(server_config).clock(server_clock).start().await.unwrap();
                let _ = started.send((server.addr(), server.metrics()));
                let _ = stopped.await;
                server.drain().await
            })
        });
        let (addr, metrics) = has_started.await.unwrap();
        let pool = db::open(&config.database_url, 2).unwrap();
        Self { addr, clock, metrics, pool, stop: Some(stop), thread: Some(thread), folder }
    }

    /// Its database.
    pub fn database_file(&self) -> std::path::PathBuf {
        self.folder.path().join("haggle.db")
    }

    /// Turns the server's clock.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Users, products and rooms.
    pub fn seed(&self) -> Seed {
        Seed::new(self.pool.clone())
    }

    /// A token of a user, valid for one hour.
    pub fn token(&self, user: &str) -> String {
        self.token_for(user, Duration::from_secs(3600))
    }

    /// A token of a user.
    pub fn token_for(&self, user: &str, ttl: Duration) -> String {
        let signer = Signer::hs256(SECRET.as_bytes()).unwrap();
        signer.sign(&UserId::new(user).unwrap(), None, ttl, &self.clock)
    }

    /// A token of a member of the marketplace's staff, valid for one hour.
    pub fn staff_token(&self, user: &str) -> String {
        let signer = Signer::hs256(SECRET.as_bytes()).unwrap();
        signer.sign_staff(&UserId::new(user).unwrap(), None, Duration::from_secs(3600), &self.clock)
    }

    /// A signed-in client on the plain wire.
    pub async fn ws(&self, user: &str) -> WsClient {
        WsClient::connect(self.addr, &self.token(user)).await.unwrap()
    }

    /// Both members of a room of Alice's and Sam's, who have entered it.
    pub async fn both(&self, room: &str) -> (WsClient, WsClient) {
        let (mut alice, mut sam) = (self.ws("alice").await, self.ws("sam").await);
        alice.enter(room).await;
        sam.enter(room).await;
        alice.push("presence").await;
        (alice, sam)
    }

    /// Ends the server now and returns whether it drained in time.
    pub fn drain(&mut self) -> bool {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let (done, is_done) = mpsc::channel();
        let thread = self.thread.take().unwrap();
        thread::spawn(move || {
            let _ = done.send(thread.join());
        });
        matches!(is_done.recv_timeout(Duration::from_secs(30)), Ok(Ok(true)))
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if self.thread.is_none() {
            database::drop_in(self.folder.path());
            return;
        }
        let drained = self.drain();
        database::drop_in(self.folder.path());
        if thread::panicking() {
            return;
        }
        assert!(drained, "the server did not drain in time");
        assert_eq!(self.metrics.sessions.get(), 0, "sessions are left");
        assert_eq!(self.metrics.events_in_flight.get(), 0, "events in flight are left");
        assert_eq!(self.metrics.database_queue.get(), 0, "database permits are left");
        assert_eq!(self.metrics.image_uploads.get(), 0, "uploads are left");
        let panics = watch_panics().lock().unwrap();
        assert!(panics.is_empty(), "the server panicked: {panics:?}");
    }
}
