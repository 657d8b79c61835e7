//! The harness: a server on port 0 with a database of its own, clients that speak to it, and what must hold after any test.

pub mod caller;
pub mod chaos_proxy;
pub mod database;
pub mod posted;
pub mod postgres;
pub mod process;
pub mod push_service;
pub mod random;
pub mod raw;
pub mod rest;
pub mod seed;
pub mod server;
pub mod socket_io;
pub mod tls;
pub mod webhook;
pub mod ws;

pub use caller::{Caller, Route};
pub use process::{Launch, Process};
pub use server::TestServer;
pub use ws::WsClient;

use std::{future::Future, time::Duration};

/// Runs a statement in a database.
fn run_at(url: &str, sql: &str) -> Result<(), String> {
    let mut conn =
        haggle::internals::db::open(url, 1).and_then(|pool| pool.get()).map_err(|error| error.to_string())?;
    conn.batch_execute(sql).map_err(|error| error.to_string())
}

fn migrate_to(url: &str) {
    haggle::internals::db::open(url, 1).and_then(|pool| haggle::internals::db::migrate(&pool)).unwrap();
}

/// How long anything may take before the test fails. It can only fail a test, never make one pass.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for something that must happen.
pub async fn within<T>(what: &str, event: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, event).await {
        Ok(value) => value,
        Err(_) => panic!("nothing came within {DEADLINE:?}: {what}"),
    }
}

/// Waits until something holds, such as a gauge.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    within(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}
