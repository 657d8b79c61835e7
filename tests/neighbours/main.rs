//! One account costs the others nothing: a row for each event, route and phase of a connection, at its costliest allowed input.
//!
//! Here an attacker has a bounded number of operations, and what is checked is what noise can't break: what they are answered,
//! what memory it takes, and that the others are served before the attacker's queue is. `cargo bench --bench neighbours` runs
//! the same table against the clock. `HAGGLE_NEIGHBOURS_ROW=text` runs the rows alone whose names contain the text.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "shared with the benchmark; a test may stop where it stands, and says which row is slow"
)]

mod attack;
mod event_rows;
mod hold;
#[path = "../images/hostile_webp.rs"]
mod hostile_webp;
mod http;
mod limits_page;
mod packets;
mod pair;
mod phase_rows;
mod png;
mod route_rows;
mod running;
mod server;
mod session;
mod stream;
mod table;
mod world;

use std::{
    sync::{Arc, OnceLock, atomic::Ordering},
    time::{Duration, Instant},
};

use crate::{
    attack::Stage,
    http::{Http, Request},
    pair::Pair,
    running::{RunningAttack, block_on},
    server::{Server, binary},
    session::Wire,
    stream::VICTIM,
    table::{Row, Subject, missing, rows},
    world::{SMALL, World},
};

/// Exchanges of the pair, at least.
const EXCHANGES_MIN: usize = 10;

/// Exchanges of the pair, at most: less than a user's burst.
const EXCHANGES_MAX: usize = 60;

/// An exchange that took less is in order, however fast the attacker was answered in the meantime: a busy machine is slow
/// for everyone.
const QUICK: Duration = Duration::from_secs(2);

/// Attempts at a row's order: a busy machine may spoil one.
const ATTEMPTS: usize = 3;

/// How far memory may stay above what it was, in KiB.
const LEFT_KIB_MAX: u64 = 32 * 1024;

/// How long the server may take to give memory back.
const SETTLES_IN: Duration = Duration::from_secs(10);

/// How long anything may take before a test fails. It can only fail a test, never make one pass.
const DEADLINE: Duration = Duration::from_secs(300);

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| World::new(&binary(), SMALL))
}

/// Waits until something holds, and says whether it came to that in time.
async fn until_or(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !holds() && started.elapsed() < limit {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    holds()
}

/// Waits until something holds.
async fn until(what: &str, holds: impl FnMut() -> bool) {
    assert!(until_or(DEADLINE, holds).await, "nothing came within {DEADLINE:?}: {what}");
}

/// Runs the rows of some subjects.
fn check(of: impl Fn(&Row) -> bool) {
    let wanted = std::env::var("HAGGLE_NEIGHBOURS_ROW").unwrap_or_default();
    let mut bad = Vec::new();
    for row in rows().iter().filter(|row| of(row) && row.name.contains(&wanted)) {
        let started = Instant::now();
        let faults = run(row);
        let verdict = if faults.is_empty() { "good".to_owned() } else { faults.join("; ") };
        println!("{} ({:.1} s): {verdict}", row.name, started.elapsed().as_secs_f64());
        bad.extend(faults.into_iter().map(|fault| format!("{}: {fault}", row.name)));
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Runs one row and says what was wrong with it.
fn run(row: &Row) -> Vec<String> {
    let mut late = Vec::new();
    for _ in 0..ATTEMPTS {
        let server = Server::start(world(), row.tls);
        let outcome = block_on(attempt(row, &server));
        let mut faults = outcome.faults;
        faults.extend(server.output().lines().filter(|line| line.contains("panicked")).map(str::to_owned));
        if !faults.is_empty() || outcome.late.is_some() {
            let output = server.output();
            output.lines().filter(|line| line.contains("a step took")).for_each(|line| println!("    {line}"));
        }
        if !faults.is_empty() || outcome.late.is_none() {
            return faults;
        }
        late.extend(outcome.late);
    }
    late
}

/// What came of an attempt.
struct Outcome {
    faults: Vec<String>,
    /// Why the pair was served after the attacker.
    late: Option<String>,
}

async fn attempt(row: &Row, server: &Server) -> Outcome {
    let mut pair = Pair::open(&server.target).await.unwrap();
    for _ in 0..3 {
        pair.exchange().await.unwrap();
    }
    let running = RunningAttack::start(row, server, world().size, Some(row.operations));
    let tally = Arc::clone(&running.tally);
    until("the attack is prepared", || running.is_ready() || running.is_finished()).await;
    server.forget_peak();
    let before = server.resident_kib();
    running.stage.send_replace(Stage::During);
    until("the attack begins", || tally.begun.load(Ordering::Relaxed) >= 2 || running.is_finished()).await;

    let (mut faults, late) = exchanges(&mut pair, &running, row.operations).await;
    running.stage.send_replace(Stage::Over);
    if !until_or(DEADLINE, || running.is_finished()).await {
        faults.push(format!("the attacker has not been answered after {DEADLINE:?}"));
    }
    until_or(SETTLES_IN, || server.resident_kib() <= before + LEFT_KIB_MAX).await;
    // Work that continues for a disconnected attacker counts, too.
    let grown = server.peak_kib().saturating_sub(before) / 1024;
    if grown > row.account.growth_mib_max() {
        faults.push(format!("the server grew by {grown} MiB"));
    }
    let left = server.resident_kib().saturating_sub(before);
    if left > LEFT_KIB_MAX {
        faults.push(format!("the server kept {} MiB", left / 1024));
    }
    faults.extend(tally.faults());
    let (answered, limited) = (tally.answered.load(Ordering::Relaxed), tally.rate_limited.load(Ordering::Relaxed));
    println!("    {answered} answers, {limited} of them rate_limited; grown by {grown} MiB, kept {} MiB", left / 1024);
    Outcome { faults, late }
}

/// Lets the pair talk while the attack goes on. Gives what went wrong, and why the pair was served after the attacker.
async fn exchanges(pair: &mut Pair, running: &RunningAttack, operations: u64) -> (Vec<String>, Option<String>) {
    let mut late = None;
    for exchange in 0..EXCHANGES_MAX {
        if exchange >= EXCHANGES_MIN && running.is_finished() {
            break;
        }
        let served = running.tally.answered.load(Ordering::Relaxed);
        let took = match pair.exchange().await {
            Ok(took) => took,
            Err(error) => return (vec![error.to_string()], late),
        };
        let served = running.tally.answered.load(Ordering::Relaxed) - served;
        if took > QUICK && served > operations / 4 {
            late = Some(format!("an exchange took {took:?}, while the attacker got {served} answers"));
        }
    }
    (Vec::new(), late)
}

#[test]
fn an_event_or_route_without_a_row_is_named() {
    let server = Server::start(world(), false);
    let document = block_on(async {
        let mut http = Http::open(&server.target, VICTIM).await.unwrap();
        http.ask(&Request::new("GET", "/api/v1/openapi.json")).await.unwrap().json()
    });
    assert!(document["paths"].as_object().is_some_and(|paths| paths.len() > 20));
    let all = rows();
    assert_eq!(missing(&all, &document), Vec::<String>::new());
    // And it finds what is not there.
    let some: Vec<_> = all.into_iter().filter(|row| !row.name.starts_with("read (plain)")).collect();
    assert_eq!(missing(&some, &document).len(), 1);
    let none = missing(&[], &document);
    assert!(none.iter().any(|sentence| sentence.contains("POST /api/v1/reports has no row: add")));
}

#[test]
fn no_event_of_the_plain_wire_costs_the_others_anything() {
    check(|row| matches!(row.subject, Subject::Event(_, wire) if wire == Wire::Plain.name()));
}

#[test]
fn no_event_of_socket_io_costs_the_others_anything() {
    check(|row| matches!(row.subject, Subject::Event(_, wire) if wire == Wire::SocketIo.name()));
}

#[test]
fn no_route_costs_the_others_anything() {
    check(|row| matches!(row.subject, Subject::Route(..)));
}

#[test]
fn no_phase_of_a_connection_costs_the_others_anything() {
    check(|row| row.subject == Subject::Phase);
}
