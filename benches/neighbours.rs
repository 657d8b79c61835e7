//! What one account costs the others, against the clock: `cargo bench --bench neighbours -- [--row TEXT] [--seconds N] [--list]`
//!
//! Each row of tests/neighbours has a server of its own with the default limits, one attacker for some seconds, and a pair
//! that exchanges 20 messages per second. In addition, a user connects, enters a room, reads their list, searches and sends
//! a picture. A row exceeds its bounds when the pair's p95 is above 50 ms or its p99 above 250 ms, when the server grows by
//! more than 64 MiB (16 MiB before a token is shown), or when latency or memory is not back 2 s after the end. Then the exit
//! code is 1.
//!
//! `HAGGLE_BIN` names another binary than the one that was built with this.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that fails may stop where it stands, and says what it measured"
)]

#[path = "../tests/neighbours/attack.rs"]
mod attack;
#[path = "../tests/neighbours/event_rows.rs"]
mod event_rows;
#[path = "../tests/neighbours/hold.rs"]
mod hold;
#[path = "../tests/images/hostile_webp.rs"]
mod hostile_webp;
#[path = "../tests/neighbours/http.rs"]
mod http;
#[path = "../tests/neighbours/packets.rs"]
mod packets;
#[path = "../tests/neighbours/pair.rs"]
mod pair;
#[path = "../tests/neighbours/phase_rows.rs"]
mod phase_rows;
#[path = "../tests/neighbours/png.rs"]
mod png;
#[path = "../tests/neighbours/probe.rs"]
mod probe;
#[path = "../tests/neighbours/route_rows.rs"]
mod route_rows;
#[path = "../tests/neighbours/running.rs"]
mod running;
#[path = "../tests/neighbours/server.rs"]
mod server;
#[path = "../tests/neighbours/session.rs"]
mod session;
#[path = "../tests/neighbours/stream.rs"]
mod stream;
#[path = "../tests/neighbours/table.rs"]
mod table;
#[path = "../tests/neighbours/world.rs"]
mod world;

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    attack::Stage,
    pair::{Pair, Sample},
    probe::{Probes, Worst},
    running::{RunningAttack, block_on},
    server::{Server, binary},
    stream::Target,
    table::{Row, rows},
    world::{LARGE, World},
};

/// Between two messages of the pair: 20 per second.
const TICK: Duration = Duration::from_millis(50);

/// How long the pair talks before the attack.
const CALM: Duration = Duration::from_secs(2);

/// How long latency and memory may take to be what they were.
const RECOVERY: Duration = Duration::from_secs(2);

/// What the pair's latency may be.
const P95_MAX: Duration = Duration::from_millis(50);
const P99_MAX: Duration = Duration::from_millis(250);

/// How far memory may stay above what it was.
const LEFT_MIB_MAX: u64 = 32;

/// What another user may wait for anything, at worst.
const PROBE_MAX: Duration = Duration::from_secs(1);

struct Arguments {
    row: String,
    seconds: u64,
    list: bool,
}

fn arguments() -> Arguments {
    let mut arguments = Arguments { row: String::new(), seconds: 10, list: false };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--row" => arguments.row = given.next().unwrap_or_default(),
            "--seconds" => arguments.seconds = given.next().and_then(|text| text.parse().ok()).unwrap_or(10),
            "--list" => arguments.list = true,
            // What cargo adds.
            _ => {}
        }
    }
    arguments
}

fn main() -> ExitCode {
    let arguments = arguments();
    let rows: Vec<_> = rows().into_iter().filter(|row| row.name.contains(&arguments.row)).collect();
    if arguments.list {
        rows.iter().for_each(|row| println!("{}", row.name));
        return ExitCode::SUCCESS;
    }
    let world = World::new(&binary(), LARGE);
    let mut lines = Vec::new();
    let mut over = 0;
    for (place, row) in rows.iter().enumerate() {
        eprint!("{}/{} {} … ", place + 1, rows.len(), row.name);
        let measured = measure(&world, row, Duration::from_secs(arguments.seconds));
        let excess = measured.excess(row);
        eprintln!("{}", if excess.is_empty() { "good".to_owned() } else { excess.join("; ") });
        over += usize::from(!excess.is_empty());
        lines.push(measured.line(row, &excess));
    }
    println!("| row | p50 | p95 | p99 | grown, MiB | after 2 s: p95, MiB | others at worst | served, limited | over |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    lines.iter().for_each(|line| println!("{line}"));
    println!("\n{over} of {} rows are over their bounds.", rows.len());
    if over == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a row did to the others.
struct Measured {
    calm: Vec<Duration>,
    during: Vec<Duration>,
    after: Vec<Duration>,
    grown_mib: u64,
    left_mib: u64,
    probes: Worst,
    served: u64,
    limited: u64,
    faults: Vec<String>,
}

fn measure(world: &World, row: &Row, seconds: Duration) -> Measured {
    let server = Server::start(world, row.tls);
    let attack = RunningAttack::start(row, &server, world.size, None);
    while !attack.is_ready() {
        thread::sleep(Duration::from_millis(10));
        if attack.is_finished() {
            eprintln!("{}", server.output());
            panic!("the attack ended in its preparation");
        }
    }
    let others = Others::start(&server.target);
    thread::sleep(CALM);
    others.probes.store(true, Ordering::Relaxed);
    server.forget_peak();
    let (before, began) = (server.resident_kib(), Instant::now());
    attack.stage.send_replace(Stage::During);
    thread::sleep(seconds);
    let ended = Instant::now();
    attack.stage.send_replace(Stage::Over);
    let peak = server.peak_kib();
    others.probes.store(false, Ordering::Relaxed);
    thread::sleep(RECOVERY);
    let (left, recovered) = (server.resident_kib(), Instant::now());
    thread::sleep(CALM);
    let (samples, probes, mut faults) = others.end();
    let of = |from: Option<Instant>, to: Option<Instant>| {
        let within =
            |sample: &&Sample| from.is_none_or(|from| sample.sent >= from) && to.is_none_or(|to| sample.sent < to);
        let mut took: Vec<_> = samples.iter().filter(within).map(Sample::took).collect();
        took.sort();
        took
    };
    faults.extend(attack.tally.faults());
    faults.extend(server.output().lines().filter(|line| line.contains("panicked")).map(str::to_owned));
    if std::env::var_os("HAGGLE_NEIGHBOURS_LOG").is_some() {
        eprintln!("{}", server.output());
    }
    Measured {
        calm: of(None, Some(began)),
        during: of(Some(began), Some(ended)),
        after: of(Some(recovered), None),
        grown_mib: peak.saturating_sub(before) / 1024,
        left_mib: left.saturating_sub(before) / 1024,
        probes,
        served: attack.tally.answered.load(Ordering::Relaxed),
        limited: attack.tally.rate_limited.load(Ordering::Relaxed),
        faults,
    }
}

/// The others, on a thread of their own.
struct Others {
    over: Arc<AtomicBool>,
    probes: Arc<AtomicBool>,
    thread: thread::JoinHandle<(Vec<Sample>, Worst, Vec<String>)>,
}

impl Others {
    fn start(target: &Target) -> Self {
        let (over, probes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (is_over, probing, target) = (Arc::clone(&over), Arc::clone(&probes), target.clone());
        let thread = thread::spawn(move || {
            block_on(async move {
                let mut faults = Vec::new();
                let mut pair = Pair::open(&target).await.unwrap();
                let probing = tokio::task::spawn_local(Probes::new(target).run(probing, Arc::clone(&is_over)));
                if let Err(error) = pair.talk(TICK, || is_over.load(Ordering::Relaxed)).await {
                    faults.push(error.to_string());
                }
                is_over.store(true, Ordering::Relaxed);
                (pair.samples(), probing.await.unwrap(), faults)
            })
        });
        Self { over, probes, thread }
    }

    fn end(self) -> (Vec<Sample>, Worst, Vec<String>) {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// A percentile of what is sorted.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

impl Measured {
    /// What exceeds the bounds.
    fn excess(&self, row: &Row) -> Vec<String> {
        let mut excess = self.faults.clone();
        let mut bound = |what: &str, value: Duration, max: Duration| {
            if value > max {
                excess.push(format!("{what} {}", ms(value)));
            }
        };
        bound("p95", percentile(&self.during, 95), P95_MAX);
        bound("p99", percentile(&self.during, 99), P99_MAX);
        bound("p95 after 2 s", percentile(&self.after, 95), P95_MAX.max(2 * percentile(&self.calm, 95)));
        for (what, took) in self.probes.named() {
            bound(what, took, PROBE_MAX);
        }
        if self.grown_mib > row.account.growth_mib_max() {
            excess.push(format!("grown {} MiB", self.grown_mib));
        }
        if self.left_mib > LEFT_MIB_MAX {
            excess.push(format!("left {} MiB", self.left_mib));
        }
        excess
    }

    fn line(&self, row: &Row, excess: &[String]) -> String {
        let of = |percent| ms(percentile(&self.during, percent));
        let probes: Vec<_> = self.probes.named().iter().map(|(what, took)| format!("{what} {}", ms(*took))).collect();
        format!(
            "| {} | {} | {} | {} | {} | {}, {} | {} | {}, {} | {} |",
            row.name,
            of(50),
            of(95),
            of(99),
            self.grown_mib,
            ms(percentile(&self.after, 95)),
            self.left_mib,
            probes.join(", "),
            self.served,
            self.limited,
            excess.join("; "),
        )
    }
}

fn ms(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1000.0)
}
