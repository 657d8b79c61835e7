//! `haggle bench`.

mod seed;
mod table;

use std::{
    io::IsTerminal as _,
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use haggle_load::{
    io::Target,
    outcome::Outcome,
    wire::Wire,
    workload::{
        Failed, Progress, Room, Setting, connect, idle,
        requests::{self, Page},
        talk::{self, Pace, Shape},
    },
};
use indicatif::{ProgressBar, ProgressStyle};
use url::{Position, Url};

use super::{Failure, print};
use crate::config::{ConfigError, Options};

/// Messages of each sender in flight, where as many are sent as go.
const IN_FLIGHT: u32 = 4;
/// Connections that come and go at once.
const CONNECTING_AT_ONCE: usize = 32;
/// Connections that ask for pages.
const PAGING: usize = 8;
/// How often the progress is drawn again.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// Connections per second, below what `--max-connects-per-second` allows by default.
const OPENS_PER_SECOND: f64 = 150.0;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Load {
    /// Rooms of two who both talk, at the rate of --rate: what matters is the latency
    Pairs,
    /// The same with as many messages as go: what matters is the throughput
    PairsSaturated,
    /// One session talks to --sessions in its room, at a tenth of --rate
    FanOut,
    /// The same with as many messages as go
    FanOutSaturated,
    /// Clients that connect, enter a room and disconnect
    Connect,
    /// Connections that stay silent
    Idle,
    /// REST: the newest 50 messages of a room
    History,
    /// REST: the first 20 of a member's rooms
    RoomList,
}

/// The loads that a server with default options does not refuse.
const GENTLE: [Load; 3] = [Load::Pairs, Load::FanOut, Load::Idle];

/// Which server, and with how much.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to measure [default: pairs fan-out idle, which the default limits allow]
    #[arg(value_enum, value_name = "LOAD")]
    loads: Vec<Load>,
    /// The server's address; plain HTTP, so the one after TLS termination
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:5000")]
    url: String,
    /// What is spoken
    #[arg(long, value_enum, default_value = "plain")]
    wire: Wire,
    /// Rooms with two connections each; made with --service-key, for users whose ids begin with `haggle-bench-`
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=5000))]
    rooms: u16,
    /// A file in place of --jwt-secret and --service-key: one line per room, its id and both members' tokens, with tabs
    /// between
    #[arg(long, value_name = "FILE.tsv")]
    tokens: Option<PathBuf>,
    /// Messages per second, over all rooms
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Sessions in the room of the fan-out
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u16).range(2..=20_000))]
    sessions: u16,
    /// How long each load is measured, 1 to 60
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// The server's process, to say what it costs
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    /// Threads that make the load
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// Print the outcomes as JSON, a line each
    #[arg(long)]
    json: bool,
    /// The server is yours to load, though it is on another machine
    #[arg(long)]
    i_own_this_server: bool,
}

/// Measures a server. Exit code 1 when a message was lost, came twice, out of order or in a wrong room.
pub fn run(options: Options, args: &Args) -> Result<ExitCode, Failure> {
    let (addr, host) = place(&args.url)?;
    if !addr.ip().is_loopback() && !args.i_own_this_server {
        let line = format!("{host} is another machine: give --i-own-this-server when it is yours to load");
        return Err(ConfigError(line).into());
    }
    let rooms = match &args.tokens {
        Some(file) => seed::read(file)?,
        None => seed::make(options, addr, &host, usize::from(args.rooms), &bar("making rooms"))?,
    };
    let setting = Setting {
        target: Target {
            addr,
            host,
            wire: args.wire,
            text_bytes: None,
            // The server may have `--masking block`.
            has_contacts: false,
            opens_per_second: Some(OPENS_PER_SECOND / f64::from(args.threads)),
        },
        server_pid: args.server_pid,
        threads: usize::from(args.threads),
        warm_up: Duration::from_secs(1),
        measure: Duration::from_secs(args.seconds),
    };
    let loads = if args.loads.is_empty() { &GENTLE[..] } else { &args.loads };
    let mut is_clean = true;
    if !args.json {
        print(&table::head());
    }
    for load in loads {
        let outcome = watched(*load, &setting, |progress| one(*load, &setting, &rooms, args, progress));
        is_clean &= outcome.as_ref().is_ok_and(|outcome| outcome.faults.is_clean());
        let name = clap::ValueEnum::to_possible_value(load).map_or_else(String::new, |name| name.get_name().to_owned());
        let line = if args.json { table::json(&name, &outcome) } else { table::row(&name, &outcome) };
        print(&line);
    }
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn one(load: Load, setting: &Setting, rooms: &[Room], args: &Args, progress: &Progress) -> Result<Outcome, Failed> {
    let rate = f64::from(args.rate);
    let pairs = |pace| talk::run(setting, rooms, Shape { sessions: 2, senders: 2, pace }, progress);
    let fan_out = |pace| {
        let shape = Shape { sessions: usize::from(args.sessions), senders: 1, pace };
        talk::run(setting, &rooms[..1], shape, progress)
    };
    match load {
        Load::Pairs => pairs(Pace::Fixed(rate)),
        Load::PairsSaturated => pairs(Pace::Saturated(IN_FLIGHT)),
        Load::FanOut => fan_out(Pace::Fixed((rate / 10.0).max(1.0))),
        Load::FanOutSaturated => fan_out(Pace::Saturated(IN_FLIGHT)),
        Load::Connect => {
            // It is the server's own limit that is looked for.
            let target = Target { opens_per_second: None, ..setting.target.clone() };
            connect::run(&Setting { target, ..setting.clone() }, rooms, CONNECTING_AT_ONCE, progress)
        }
        Load::Idle => idle::run(setting, rooms, rooms.len() * 2, progress),
        Load::History => requests::run(setting, rooms, Page::History, PAGING, progress),
        Load::RoomList => requests::run(setting, rooms, Page::Rooms, PAGING, progress),
    }
}

/// Runs a load while a bar shows how far it is.
fn watched(
    load: Load,
    setting: &Setting,
    run: impl FnOnce(&Progress) -> Result<Outcome, Failed>,
) -> Result<Outcome, Failed> {
    let (progress, is_over) = (Progress::default(), AtomicBool::new(false));
    let whole = setting.warm_up + setting.measure;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let bar = bar(&format!("{load:?}"));
            bar.set_length(u64::try_from(whole.as_millis()).unwrap_or(u64::MAX));
            let began = Instant::now();
            while !is_over.load(Ordering::Relaxed) {
                let (entered, counted) =
                    (progress.entered.load(Ordering::Relaxed), progress.counted.load(Ordering::Relaxed));
                bar.set_message(format!("{entered} in, {counted} counted"));
                bar.set_position(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
                std::thread::park_timeout(DRAW_EVERY);
            }
            bar.finish_and_clear();
        });
        let outcome = run(&progress);
        is_over.store(true, Ordering::Relaxed);
        outcome
    })
}

fn bar(what: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(1);
    if let Ok(style) = ProgressStyle::with_template("{prefix:16} {bar:30} {elapsed:>4} {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(what.to_owned());
    bar
}

/// The address of a URL, and its name for `Host`.
fn place(url: &str) -> Result<(SocketAddr, String), Failure> {
    let refused = |why: &str| ConfigError(format!("--url {url}: {why}"));
    let with_scheme = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let parsed = Url::parse(&with_scheme).map_err(|error| refused(&error.to_string()))?;
    if !matches!(parsed.scheme(), "http" | "ws") {
        return Err(refused("must be http://; measure behind what ends TLS").into());
    }
    let addrs = parsed.socket_addrs(|| None).map_err(|error| refused(&error.to_string()))?;
    let addr = addrs.first().ok_or_else(|| refused("has no address"))?;
    Ok((*addr, parsed[Position::BeforeHost..Position::AfterPort].to_owned()))
}

#[cfg(test)]
mod tests {
    use haggle_load::texts;

    use crate::domain::masking::{RecentDigits, find_after};

    #[test]
    fn no_text_is_refused_by_a_server_that_blocks_contacts() {
        let texts = texts::all(None, false);
        for sender in 0..8 {
            let mut recent = RecentDigits::default();
            for number in 0..2000 {
                let text = &texts[texts::place(3, sender, number)];
                assert_eq!(find_after(text, &mut recent), [], "{text}");
            }
        }
    }
}
