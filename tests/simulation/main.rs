//! Cores, their database, the network between them and their clients in one thread: one seed, virtual time, any order.
//!
//! Each step does one thing that can happen. Afterwards everything heals and runs dry, and what clients have seen is compared
//! with the promises: see `client.rs` for those that hold at every step and `quiet.rs` for those that hold at rest.

#![allow(missing_docs, unreachable_pub, dead_code, reason = "a test, and `examples/simulate.rs` uses the same files")]
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::cast_possible_wrap, reason = "a test")]

mod acts;
mod client;
mod frames;
mod marketplace;
mod network;
mod node;
mod plan;
mod quiet;
mod random;
mod revocation;
mod run;
mod step;
mod store;
mod tally;
mod world;

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use run::{Failure, Runner, STEPS};
use tally::Tally;

/// Things that happen in one run of the suite.
const STEPS_MIN: usize = 200_000;

/// The first seed of the suite's own run: a gate that is red by chance is none. `HAGGLE_SIMULATION_SEED=fresh` looks for new faults.
const FIRST_SEED: u64 = 1;

fn check(runner: &Runner, outcome: Result<(), Failure>) {
    if let Err(failure) = outcome {
        panic!("\n{}", runner.shorten(failure));
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn the_promises_hold_whatever_happens() {
    let runner = Runner::new();
    for line in include_str!("seeds.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let mut numbers = line.split_whitespace().map(|number| number.parse::<u64>().expect("a number"));
        let (seed, steps) = (numbers.next().expect("a seed"), numbers.next().map_or(STEPS, |steps| steps as usize));
        check(&runner, runner.run(seed, steps));
    }
    let first = match std::env::var("HAGGLE_SIMULATION_SEED").as_deref() {
        Ok("fresh") => SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64),
        _ => number("HAGGLE_SIMULATION_SEED").unwrap_or(FIRST_SEED),
    };
    let steps = number("HAGGLE_SIMULATION_STEPS").map_or(STEPS_MIN, |steps| steps as usize);
    eprintln!("seeds from {first}");
    let (began, mut tally) = (Instant::now(), Tally::new());
    for seed in 0..steps.div_ceil(STEPS) as u64 {
        check(&runner, runner.run_counting(first.wrapping_add(seed), STEPS, &mut tally));
    }
    eprintln!("{steps} steps in {:.1} s", began.elapsed().as_secs_f64());
    if steps >= STEPS_MIN {
        assert_eq!(tally::missing(&tally), [""; 0], "seeds from {first}: {tally:?}");
    }
}

#[test]
fn a_seed_has_one_history() {
    let runner = Runner::new();
    for seed in 1..=6 {
        let (one, other) = (runner.history(seed, STEPS), runner.history(seed, STEPS));
        let differs = one.iter().zip(&other).find(|(one, other)| without_ids(one) != without_ids(other));
        assert!(differs.is_none(), "seed {seed}: {differs:#?}");
        assert_eq!(one.len(), other.len(), "seed {seed}");
    }
}

/// A line without what is drawn by the machine's own randomness: the ids of messages and the secrets of sessions.
fn without_ids(line: &str) -> String {
    let is_drawn = |word: &str| word.len() >= 20 && word.chars().all(|c| c.is_ascii_hexdigit());
    line.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !is_drawn(word)).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_deliberate_breakage_finds_its_place() {
    #[derive(serde::Deserialize)]
    struct Mutants {
        mutant: Vec<Mutant>,
    }
    #[derive(serde::Deserialize)]
    struct Mutant {
        name: String,
        file: String,
        find: String,
    }
    let Mutants { mutant: mutants } = toml::from_str(include_str!("mutants.toml")).unwrap();
    assert!(mutants.len() >= 20);
    for Mutant { name, file, find } in mutants {
        let text = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        assert_eq!(text.matches(find.as_str()).count(), 1, "{name}: {find}");
    }
}
