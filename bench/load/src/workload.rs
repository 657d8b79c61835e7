//! What a load does.

pub mod connect;
pub mod idle;
pub mod recovery;
pub mod requests;
pub mod talk;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    http::HttpClient,
    io::{Client, Target},
    ledger::Faults,
    outcome::{BUSY_MAX, LAG_P99_US_MAX, Outcome, Spread},
    process::Reading,
};

/// How long connections may take to open and enter, before a run gives up.
const OPEN_WITHIN: Duration = Duration::from_secs(60);
/// How soon a thread looks again for something that another one does.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A room and its two members' tokens.
#[derive(Debug, Clone)]
pub struct Room {
    /// Its id.
    pub id: Arc<str>,
    /// The tokens of its buyer and its seller.
    pub tokens: [Arc<str>; 2],
    /// Their tokens for this room, where the server wants those (`--authorize room-token`).
    pub room_tokens: Option<[Arc<str>; 2]>,
}

impl Room {
    /// One of the two, as a client that only receives.
    fn client(&self, number: usize, member: usize) -> Client {
        Client {
            room: u32::try_from(number).unwrap_or(u32::MAX),
            room_id: self.id.clone(),
            token: self.tokens[member].clone(),
            sender: None,
            after: None,
            room_token: self.room_tokens.as_ref().map(|tokens| tokens[member].clone()),
        }
    }

    /// Asks the server for both members' room tokens. They are valid for five minutes.
    ///
    /// # Errors
    /// It gives none.
    pub fn ask_for_tokens(&mut self, http: &mut HttpClient) -> Result<(), Failed> {
        let mut ask = |token: &str| -> Result<Arc<str>, Failed> {
            let answer = http.ask("POST", &format!("/api/v1/rooms/{}/token", self.id), token, None)?;
            let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            answer["token"].as_str().map(Arc::from).ok_or_else(|| Failed(format!("no room token: {answer}")))
        };
        self.room_tokens = Some([ask(&self.tokens[0])?, ask(&self.tokens[1])?]);
        Ok(())
    }
}

/// What every load needs to know.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Where the server is.
    pub target: Target,
    /// The server's process, when it is on this machine.
    pub server_pid: Option<u32>,
    /// Threads of the load.
    pub threads: usize,
    /// How long runs before anything counts.
    pub warm_up: Duration,
    /// How long counts.
    pub measure: Duration,
}

/// How far a load is, for what shows it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Clients that have entered.
    pub entered: AtomicUsize,
    /// What was counted so far.
    pub counted: AtomicU64,
    /// Set to end it early.
    pub stop: AtomicBool,
}

/// Why there is no outcome.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Failed(pub String);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// The moment at which all threads begin: when the last one is ready.
#[derive(Debug, Default)]
struct Start {
    ready: AtomicUsize,
    at: OnceLock<Instant>,
    failed: AtomicBool,
}

impl Start {
    fn ready(&self, threads: usize) {
        if self.ready.fetch_add(1, Ordering::AcqRel) + 1 == threads {
            let _ = self.at.set(Instant::now() + LOOK_AGAIN * 2);
        }
    }
}

/// What one thread saw.
#[derive(Default)]
struct Seen {
    count: u64,
    latency: crate::histogram::Histogram,
    confirmed: crate::histogram::Histogram,
    lag: crate::histogram::Histogram,
    faults: Faults,
    first_refusal: Option<String>,
    connections: usize,
    others: u64,
    bytes: u64,
    busy: f64,
    stood_still: f64,
    seconds: f64,
    server: Option<(Reading, Reading)>,
}

/// Runs one part a thread, and adds up what they saw.
fn run_threads<P: Send>(
    parts: Vec<P>,
    paced: bool,
    each: impl Fn(P) -> Result<Seen, Failed> + Sync,
) -> Result<Outcome, Failed> {
    let seen: Result<Vec<Seen>, Failed> = std::thread::scope(|scope| {
        let threads: Vec<_> = parts.into_iter().map(|part| scope.spawn(|| each(part))).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.map(|ended| ended.unwrap_or_else(|_| Err(Failed("a thread of the load broke".to_owned())))).collect()
    });
    let mut all = Seen::default();
    for seen in seen? {
        all.count += seen.count;
        all.latency.merge(&seen.latency);
        all.confirmed.merge(&seen.confirmed);
        all.lag.merge(&seen.lag);
        all.faults.merge(&seen.faults);
        all.first_refusal = all.first_refusal.or(seen.first_refusal);
        all.connections += seen.connections;
        all.others += seen.others;
        all.bytes += seen.bytes;
        all.busy = all.busy.max(seen.busy);
        all.stood_still = all.stood_still.max(seen.stood_still);
        all.seconds = all.seconds.max(seen.seconds);
        all.server = all.server.or(seen.server);
    }
    let lag = Spread::from(&all.lag);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let per_second = if all.seconds > 0.0 { all.count as f64 / all.seconds } else { 0.0 };
    Ok(Outcome {
        seconds: all.seconds,
        count: all.count,
        per_second,
        latency_us: Spread::from(&all.latency),
        confirmed_us: Spread::from(&all.confirmed),
        send_lag_us: lag,
        faults: all.faults,
        first_refusal: all.first_refusal,
        connections: all.connections,
        other_frames: all.others,
        bytes_in: all.bytes,
        load_busy: all.busy,
        stood_still: all.stood_still,
        load_was_the_limit: if paced { lag.p99 > LAG_P99_US_MAX } else { all.busy > BUSY_MAX },
        server: all.server.map(|(before, after)| after.since(before)),
    })
}

/// Deals things out to threads, one after the other.
fn deal<T>(things: impl IntoIterator<Item = T>, threads: usize) -> Vec<Vec<T>> {
    let mut hands: Vec<Vec<T>> = (0..threads.max(1)).map(|_| Vec::new()).collect();
    let count = hands.len();
    for (place, thing) in things.into_iter().enumerate() {
        hands[place % count].push(thing);
    }
    hands.retain(|hand| !hand.is_empty());
    hands
}
