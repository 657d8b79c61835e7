//! `haggle demo`: `serve` with something to look at, and nothing to configure.

use std::process::ExitCode;

use super::{
    Failure, print,
    serve::{in_system, until_signal},
    start_logging,
};
use crate::{
    clock::Clock,
    config::{Config, Options, Secret},
    db::{self, ImportOptions},
    domain::Timestamp,
    server::ServerBuilder,
};

/// Users, products and conversations, as import lines.
const CONVERSATIONS: &str = include_str!("demo.ndjson");

/// Default of `--database-url` here: not the file of a real server in the same folder.
const DATABASE_URL_DEMO: &str = "haggle-demo.db";

/// The newest message of [`CONVERSATIONS`] shall be as old as this when the demo is first started.
const NEWEST_AGE_MS: i64 = 4 * 60 * 1000;

/// Serves the demo until SIGTERM or SIGINT.
pub fn run(mut options: Options) -> Result<ExitCode, Failure> {
    start_logging();
    // The demo lets anyone sign in as anyone, so it must not sign with a key that another server trusts. 244 random bits;
    // tokens end with the process, and the page signs in again by itself.
    let half = || uuid::Uuid::new_v4().simple().to_string();
    let own = Some(Secret::new(half() + &half()));
    let configured = options.jwt_secret.is_some() || options.jwt_public_key.is_some() || options.jwks_url.is_some();
    if configured {
        log::info!("the demo signs with a secret of its own, not with the one that is configured");
    }
    options = Options { jwt_secret: own, jwt_public_key: None, jwks_url: None, ..options };
    options.database_url.get_or_insert_with(|| DATABASE_URL_DEMO.to_owned());
    let mut config = Config::try_from(options)?;
    config.demo = true;
    if !config.bind.ip().is_loopback() {
        log::warn!("the demo lets anyone who reaches {} sign in as anyone", config.bind);
    }
    seed(&config.database_url)?;
    in_system(async {
        let server = ServerBuilder::new(config).start().await?;
        let scheme = if server.is_tls() { "https" } else { "http" };
        print(&format!(
            "haggle demo: open {scheme}://{}/ in two windows, and sign in as a buyer in one and as the seller in the other",
            server.addr()
        ));
        until_signal(server).await
    })
}

/// Fills a new database. One that has users stays as it is: what was done in the demo stays, too.
fn seed(database_url: &str) -> Result<(), Failure> {
    let (pool, _) = db::open_to_work(database_url).map_err(Failure::new)?;
    let mut conn = pool.get().map_err(Failure::new)?;
    if !db::list_users(&mut conn, 1).map_err(Failure::new)?.is_empty() {
        return Ok(());
    }
    let now = Clock::System.now();
    let options = ImportOptions { now, shift_ms: now.plus_ms(-NEWEST_AGE_MS).0 - newest().0 };
    let (_, bad) = db::import_str(&mut conn, CONVERSATIONS, options).map_err(Failure::new)?;
    if let Some((line, reason)) = bad.first() {
        log::error!("the demo's line {line} is bad: {reason}");
    }
    Ok(())
}

/// When the newest of the conversations' messages was sent.
fn newest() -> Timestamp {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Sent {
        sent_at: Option<Timestamp>,
    }
    let sent = CONVERSATIONS.lines().filter_map(|line| serde_json::from_str::<Sent>(line).ok()?.sent_at);
    sent.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_demo_is_good_and_its_newest_message_is_minutes_old() {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("demo.db").display().to_string();
        seed(&url).unwrap();
        let pool = db::open(&url, 1).unwrap();
        let mut conn = pool.get().unwrap();
        let options = ImportOptions { now: newest(), shift_ms: 0 };
        let (imported, bad) = db::import_str(&mut conn, CONVERSATIONS, options).unwrap();
        assert_eq!((bad, imported.messages), (vec![], 0), "seeded once, and all of it");
        assert!(newest() > Timestamp(0));
    }
}
