//! What the tests run on, and the load that they drive.

pub mod cluster;
pub mod load;
pub mod nats;
pub mod node;
pub mod postgres;
pub mod proxy;
pub mod wire;

use std::{
    net::TcpListener,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

pub use cluster::Cluster;
pub use load::Load;

/// How long anything may take before the test fails. It can only fail a test, never make one pass.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// For how long the load runs.
pub fn load_time() -> Duration {
    let seconds = std::env::var("HAGGLE_CLUSTER_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(8))
}

/// The load of one test is as much as a machine of two cores takes: they run one after the other.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that has failed before says nothing about this one.
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < deadline, "it did not come to this within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
