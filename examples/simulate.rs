//! Runs the simulation of `tests/simulation` for as long as you like, or one seed of it:
//! `cargo run --release --example simulate -- --seconds 600`, `-- --seed 7 --steps 1200 --history`.

#![allow(missing_docs, unreachable_pub, dead_code, reason = "shares the files of a test")]
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::cast_possible_wrap, reason = "shares the files of a test")]
#![allow(clippy::print_stdout, reason = "a command")]

#[path = "../tests/simulation/acts.rs"]
mod acts;
#[path = "../tests/simulation/client.rs"]
mod client;
#[path = "../tests/simulation/frames.rs"]
mod frames;
#[path = "../tests/simulation/marketplace.rs"]
mod marketplace;
#[path = "../tests/simulation/network.rs"]
mod network;
#[path = "../tests/simulation/node.rs"]
mod node;
#[path = "../tests/simulation/plan.rs"]
mod plan;
#[path = "../tests/simulation/quiet.rs"]
mod quiet;
#[path = "../tests/simulation/random.rs"]
mod random;
#[path = "../tests/simulation/revocation.rs"]
mod revocation;
#[path = "../tests/simulation/run.rs"]
mod run;
#[path = "../tests/simulation/step.rs"]
mod step;
#[path = "../tests/simulation/store.rs"]
mod store;
#[path = "../tests/simulation/tally.rs"]
mod tally;
#[path = "../tests/simulation/world.rs"]
mod world;

use std::{
    process::ExitCode,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::Parser;
use run::{Runner, STEPS};
use tally::Tally;

/// Runs the simulation.
#[derive(Parser)]
struct Options {
    /// For how long, over fresh seeds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// One seed alone.
    #[arg(long)]
    seed: Option<u64>,
    /// Steps of a seed before everything heals.
    #[arg(long, default_value_t = STEPS)]
    steps: usize,
    /// Goes on after a failure, without shortening it.
    #[arg(long)]
    keep_going: bool,
    /// Prints the whole history of the one seed.
    #[arg(long)]
    history: bool,
}

fn main() -> ExitCode {
    let Options { seconds, seed, steps, keep_going, history } = Options::parse();
    let runner = Runner::new();
    if let (Some(seed), true) = (seed, history) {
        runner.history(seed, steps).iter().for_each(|line| println!("{line}"));
    }
    if let Some(seed) = seed {
        return match runner.run(seed, steps) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                println!("seed {seed} fails after {} steps: {}", failure.steps, failure.problem);
                ExitCode::FAILURE
            }
        };
    }
    let first = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs() * 1_000_000);
    let (began, mut shown_at, mut failures) = (Instant::now(), Instant::now(), 0);
    let (mut seeds, mut tally) = (0, Tally::new());
    while began.elapsed() < Duration::from_secs(seconds) {
        if let Err(failure) = runner.run_counting(first + seeds, steps, &mut tally) {
            failures += 1;
            if !keep_going {
                println!("{}", runner.shorten(failure));
                return ExitCode::FAILURE;
            }
            println!("seed {} fails after {} steps: {}", failure.seed, failure.steps, failure.problem);
        }
        seeds += 1;
        if shown_at.elapsed() >= Duration::from_secs(1) {
            shown_at = Instant::now();
            let done = seeds * steps as u64;
            let per_second = done as f64 / began.elapsed().as_secs_f64();
            println!("{seeds} seeds from {first}, {done} steps, {per_second:.0} steps per second, {failures} failures");
        }
    }
    println!("{tally:?}\nmissing: {:?}", tally::missing(&tally));
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
