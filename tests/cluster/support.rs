//! What the tests run on, and the load that they drive.

pub mod cluster;
pub mod load;
pub mod nats;
pub mod node;
pub mod postgres;
pub mod proxy;
pub mod webhook;
pub mod wire;

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use tokio::sync::{Semaphore, SemaphorePermit};

pub use cluster::Cluster;
pub use load::Load;

/// How long anything may take before the test fails. It can only fail a test, never make one pass.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// For how long the load runs: 30 s, or what `HAGGLE_CLUSTER_SECONDS` says.
pub fn load_time() -> Duration {
    let seconds = std::env::var("HAGGLE_CLUSTER_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(30))
}

/// As many tests at once as two cores can run without making the nodes late.
const TURNS: u32 = 2;

static FREE_TURNS: Semaphore = Semaphore::const_new(TURNS as usize);

/// Waits until fewer than [`TURNS`] others run.
pub async fn turn() -> SemaphorePermit<'static> {
    FREE_TURNS.acquire().await.unwrap()
}

/// Waits until no other test runs.
pub async fn alone() -> SemaphorePermit<'static> {
    FREE_TURNS.acquire_many(TURNS).await.unwrap()
}

/// A port for a server that keeps it over its lives, given once in this process.
///
/// It is below the ports that the kernel gives to connections. Otherwise one of them could take it while the server is down.
pub fn free_port() -> u16 {
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 20_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Another run of these tests begins somewhere else.
    let begin = std::process::id() * 101;
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(next < COUNT, "no port is free");
        let place = (begin + u32::from(next)) % u32::from(COUNT);
        let port = FIRST + u16::try_from(place).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < deadline, "it did not come to this within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
