//! Connections that have entered and say nothing: what does one cost to keep?

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::{Failed, OPEN_WITHIN, Progress, Room, Seen, Setting, run_threads};
use crate::{
    io::{Io, Workload},
    outcome::Outcome,
    process::Reading,
    stamp::Stamp,
};

/// Runs it with this many connections, two per room. Memory is the difference of the server's process with and without them.
/// The processor's time is that of the measured span.
///
/// # Errors
/// Not every client could enter.
pub fn run(setting: &Setting, rooms: &[Room], connections: usize, progress: &Progress) -> Result<Outcome, Failed> {
    run_threads(vec![()], false, |()| {
        let base = Instant::now();
        let mut io = Io::new(setting.target.clone(), base, 128)?;
        let members = rooms.iter().enumerate().flat_map(|(number, room)| [(number, room, 0), (number, room, 1)]);
        for (number, room, member) in members.take(connections) {
            let who = io.add(room.client(number, member));
            io.open(who);
        }
        let mut idle = Idle {
            setting,
            progress,
            opened: base,
            before: setting.server_pid.and_then(Reading::take),
            entered: 0,
            quiet_from: None,
            resting: None,
            seen: Seen::default(),
            failed: None,
        };
        io.run(&mut idle)?;
        if let Some(why) = idle.failed {
            return Err(Failed(why));
        }
        let mut seen = idle.seen;
        (seen.count, seen.connections) = (idle.entered as u64, io.clients());
        (seen.faults, seen.first_refusal) = (io.faults, io.first_refusal);
        (seen.others, seen.bytes) = (io.others, io.bytes);
        Ok(seen)
    })
}

struct Idle<'a> {
    setting: &'a Setting,
    progress: &'a Progress,
    opened: Instant,
    before: Option<Reading>,
    entered: usize,
    quiet_from: Option<Instant>,
    resting: Option<Reading>,
    seen: Seen,
    failed: Option<String>,
}

impl Workload for Idle<'_> {
    fn entered(&mut self, _: &mut Io, _: usize, _: &[u8]) {
        self.entered += 1;
        self.progress.entered.fetch_add(1, Ordering::Relaxed);
    }

    fn message(&mut self, _: &mut Io, _: usize, _: Stamp) {}

    fn closed(&mut self, io: &mut Io, _: usize) {
        if self.quiet_from.is_none() {
            let why = io.first_refusal.clone().unwrap_or_default();
            self.failed.get_or_insert(format!("{} of {} entered, then: {why}", self.entered, io.clients()));
        }
    }

    fn turn(&mut self, io: &mut Io, now: Instant) -> Option<Instant> {
        if self.failed.is_some() || self.progress.stop.load(Ordering::Relaxed) {
            return None;
        }
        let Some(quiet_from) = self.quiet_from else {
            if self.entered == io.clients() {
                self.quiet_from = Some(now + self.setting.warm_up);
            } else if now > self.opened + OPEN_WITHIN {
                self.failed = Some(io.too_late(self.entered));
            }
            return Some(now + Duration::from_millis(20));
        };
        if now >= quiet_from && self.resting.is_none() {
            self.resting = self.setting.server_pid.and_then(Reading::take);
        }
        if now < quiet_from + self.setting.measure {
            return Some(now + Duration::from_millis(50));
        }
        let after = self.setting.server_pid.and_then(Reading::take);
        // Memory against the empty server, time against the server at rest.
        self.seen.server = self
            .before
            .zip(self.resting)
            .zip(after)
            .map(|((before, resting), after)| (resting.with_memory_of(before), after));
        self.seen.seconds = self.setting.measure.as_secs_f64();
        None
    }
}
