//! Runs seeds, and finds the shortest history of one that fails.

use std::time::Instant;

use actix::{Actor, Context, Handler, WeakRecipient};
use haggle::internals::actors::hub::SessionNotice;

use crate::{tally::Tally, world::World};

/// Things that happen in one seed's world before it heals.
pub const STEPS: usize = 2000;

/// What a run came to.
#[derive(Debug)]
pub struct Failure {
    pub seed: u64,
    pub steps: usize,
    pub problem: String,
    pub history: Vec<String>,
}

struct Nobody;

impl Actor for Nobody {
    type Context = Context<Self>;
}

impl Handler<SessionNotice> for Nobody {
    type Result = ();

    fn handle(&mut self, _: SessionNotice, _: &mut Self::Context) {}
}

/// Runs seeds.
pub struct Runner {
    base: Instant,
    notices: WeakRecipient<SessionNotice>,
}

impl Runner {
    pub fn new() -> Self {
        let notices = actix::System::new().block_on(async { Nobody.start().downgrade().recipient() });
        Self { base: Instant::now(), notices }
    }

    /// Runs a seed for so many steps, then to rest. Fails with the step and the problem.
    pub fn run(&self, seed: u64, steps: usize) -> Result<(), Failure> {
        self.go(seed, steps, false).1
    }

    /// The history of a seed.
    pub fn history(&self, seed: u64, steps: usize) -> Vec<String> {
        self.go(seed, steps, true).0.history.unwrap_or_default()
    }

    /// The same, and adds what has happened.
    pub fn run_counting(&self, seed: u64, steps: usize, tally: &mut Tally) -> Result<(), Failure> {
        let (world, outcome) = self.go(seed, steps, false);
        for (what, times) in world.happened {
            *tally.entry(what).or_default() += times;
        }
        outcome
    }

    fn go(&self, seed: u64, steps: usize, history: bool) -> (World, Result<(), Failure>) {
        let mut world = World::new(seed, self.base, self.notices.clone(), history);
        let mut done = 0;
        let mut outcome = Ok(());
        while done < steps && outcome.is_ok() {
            outcome = world.step();
            world.finish_drains();
            world.roll_on();
            done += 1;
        }
        let is_early = outcome.is_err();
        let outcome = outcome.and_then(|()| world.come_to_rest());
        let steps = if is_early { done } else { steps };
        let failed = outcome.map_err(|problem| Failure { seed, steps, problem, history: Vec::new() });
        (world, failed)
    }

    /// Looks for a shorter history that fails, too, and writes it down.
    pub fn shorten(&self, failure: Failure) -> Failure {
        let mut best = failure;
        let mut step = best.steps / 2;
        while step > 0 {
            match best.steps.checked_sub(step).map(|steps| self.run(best.seed, steps)) {
                Some(Err(shorter)) => best = shorter,
                _ => step /= 2,
            }
        }
        best.history = self.history(best.seed, best.steps);
        best
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 150;
        let Self { seed, steps, problem, history } = self;
        for line in history.iter().skip(history.len().saturating_sub(SHOWN)) {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "seed {seed} fails after {steps} steps: {problem}")?;
        writeln!(f, "again: cargo run --release --example simulate -- --seed {seed} --steps {steps} --history")
    }
}
