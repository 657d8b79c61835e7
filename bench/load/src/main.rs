//! `haggle-load`: what the benchmark runs. Prints one JSON object, the outcome.

use std::{
    fs,
    io::Write as _,
    net::{SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::{Parser, Subcommand};
use haggle_load::{
    http::HttpClient,
    io::Target,
    outcome::Outcome,
    token,
    wire::Wire,
    workload::{
        Failed, Progress, Room, Setting, connect, idle, recovery,
        requests::{self, Page},
        talk::{self, Pace, Shape},
    },
};

/// Loads a chat server and says how it did.
#[derive(Debug, Parser)]
struct CommandLine {
    /// Where the server is.
    #[arg(long, value_name = "HOST:PORT")]
    target: String,
    /// What is spoken.
    #[arg(long, value_enum, default_value = "plain")]
    wire: Wire,
    /// Rooms, a line each: id, buyer and seller, with tabs between.
    #[arg(long, value_name = "FILE.tsv")]
    rooms: PathBuf,
    /// Secret that signs the tokens (HS256).
    #[arg(long)]
    secret: String,
    /// The server's process, to say what it cost.
    #[arg(long)]
    server_pid: Option<u32>,
    /// Threads of the load.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Bytes of each message's text. Without it: 20 to 400, 120 in the mean, as people write them.
    #[arg(long)]
    text_bytes: Option<usize>,
    /// Seconds before anything counts.
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
    /// Seconds that count.
    #[arg(long, default_value_t = 5.0)]
    measure: f64,
    /// Ask the server for a room token of each member first, and show it when entering.
    #[arg(long)]
    room_tokens: bool,
    #[command(subcommand)]
    load: Load,
}

#[derive(Debug, Subcommand)]
enum Load {
    /// Rooms of two who both talk.
    Pairs {
        /// How many rooms.
        #[arg(long, default_value_t = 500)]
        pairs: usize,
        /// Messages per second over all; without it as many as go.
        #[arg(long)]
        rate: Option<f64>,
        /// Messages of each sender in flight, without a rate.
        #[arg(long, default_value_t = 8)]
        in_flight: u32,
    },
    /// Rooms of many sessions in which one talks.
    FanOut {
        /// How many rooms.
        #[arg(long, default_value_t = 1)]
        fan_rooms: usize,
        /// Sessions in each.
        #[arg(long, default_value_t = 1000)]
        sessions: usize,
        /// Messages per second over all; without it as many as go.
        #[arg(long)]
        rate: Option<f64>,
        /// Messages of each sender in flight, without a rate.
        #[arg(long, default_value_t = 8)]
        in_flight: u32,
    },
    /// Clients that connect, enter and disconnect.
    Connect {
        /// How many at once.
        #[arg(long, default_value_t = 64)]
        at_once: usize,
    },
    /// Clients that have entered and are silent.
    Idle {
        /// How many.
        #[arg(long, default_value_t = 10_000)]
        connections: usize,
    },
    /// Clients that lose their server and reconnect. Prints `READY` when the server may be restarted.
    Recovery {
        /// How many.
        #[arg(long, default_value_t = 5000)]
        clients: usize,
        /// Messages that each has missed.
        #[arg(long, default_value_t = 20)]
        missed: u64,
    },
    /// REST requests.
    Requests {
        /// For what.
        #[arg(long, value_enum)]
        page: Page,
        /// How many at once.
        #[arg(long, default_value_t = 16)]
        connections: usize,
    },
}

fn main() -> ExitCode {
    let mut out = std::io::stdout();
    let outcome = run(&CommandLine::parse());
    let json = match &outcome {
        Ok(outcome) => serde_json::to_string(outcome),
        Err(failed) => serde_json::to_string(&serde_json::json!({ "failed": failed })),
    };
    let told = json.map_err(std::io::Error::from).and_then(|json| writeln!(out, "{json}"));
    if outcome.is_ok() && told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(line: &CommandLine) -> Result<Outcome, Failed> {
    let target = Target {
        addr: resolve(&line.target)?,
        host: line.target.clone(),
        wire: line.wire,
        text_bytes: line.text_bytes,
        has_contacts: true,
        opens_per_second: None,
    };
    let setting = Setting {
        target,
        server_pid: line.server_pid,
        threads: line.threads,
        warm_up: Duration::from_secs_f64(line.warm_up),
        measure: Duration::from_secs_f64(line.measure),
    };
    let progress = Progress::default();
    let pace = |rate: Option<f64>, in_flight| rate.map_or(Pace::Saturated(in_flight), Pace::Fixed);
    match line.load {
        Load::Pairs { pairs, rate, in_flight } => {
            let shape = Shape { sessions: 2, senders: 2, pace: pace(rate, in_flight) };
            talk::run(&setting, &rooms(line, pairs)?, shape, &progress)
        }
        Load::FanOut { fan_rooms, sessions, rate, in_flight } => {
            let shape = Shape { sessions, senders: 1, pace: pace(rate, in_flight) };
            talk::run(&setting, &rooms(line, fan_rooms)?, shape, &progress)
        }
        Load::Connect { at_once } => connect::run(&setting, &rooms(line, usize::MAX)?, at_once, &progress),
        Load::Idle { connections } => {
            idle::run(&setting, &rooms(line, connections.div_ceil(2))?, connections, &progress)
        }
        Load::Recovery { clients, missed } => {
            let ready = || {
                let _ = writeln!(std::io::stdout(), "READY");
            };
            recovery::run(&setting, &rooms(line, clients.div_ceil(2))?, clients, missed, ready, &progress)
        }
        Load::Requests { page, connections } => {
            requests::run(&setting, &rooms(line, usize::MAX)?, page, connections, &progress)
        }
    }
}

fn resolve(target: &str) -> Result<SocketAddr, Failed> {
    let mut addrs = target.to_socket_addrs().map_err(|error| Failed(format!("--target {target}: {error}")))?;
    addrs.next().ok_or_else(|| Failed(format!("--target {target}: no address")))
}

fn rooms(line: &CommandLine, wanted: usize) -> Result<Vec<Room>, Failed> {
    let path = line.rooms.display();
    let text = fs::read_to_string(&line.rooms).map_err(|error| Failed(format!("--rooms {path}: {error}")))?;
    let good_for = Duration::from_secs(24 * 3600);
    let sign = |user: &str| -> Arc<str> { token::sign(line.secret.as_bytes(), user, good_for).into() };
    let rooms: Result<Vec<Room>, Failed> = text
        .lines()
        .take(wanted)
        .map(|entry| match entry.split('\t').collect::<Vec<_>>()[..] {
            [id, buyer, seller] => Ok(Room { id: id.into(), tokens: [sign(buyer), sign(seller)], room_tokens: None }),
            _ => Err(Failed(format!("--rooms {path}: a line wants id, buyer and seller"))),
        })
        .collect();
    let mut rooms = rooms?;
    if rooms.is_empty() || (wanted != usize::MAX && rooms.len() < wanted) {
        return Err(Failed(format!("--rooms {path}: has {}, not {wanted}", rooms.len())));
    }
    if line.room_tokens {
        let mut http = HttpClient::connect(resolve(&line.target)?, &line.target)?;
        for room in &mut rooms {
            room.ask_for_tokens(&mut http)?;
        }
    }
    Ok(rooms)
}
