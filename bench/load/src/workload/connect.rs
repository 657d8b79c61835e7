//! Clients that connect, authenticate, enter a room and disconnect: how many per second.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::{Failed, Progress, Room, Seen, Setting, deal, run_threads};
use crate::{
    histogram::Histogram,
    io::{Io, Workload},
    outcome::Outcome,
    process::{Reading, thread_cpu},
    stamp::Stamp,
};

/// Runs it with this many clients at once. Each connects again as soon as it has entered.
///
/// # Errors
/// Nobody could enter.
pub fn run(setting: &Setting, rooms: &[Room], at_once: usize, progress: &Progress) -> Result<Outcome, Failed> {
    let base = Instant::now();
    let members = rooms.iter().enumerate().flat_map(|(number, room)| [(number, room, 0), (number, room, 1)]);
    let hands = deal(members, setting.threads);
    let threads = hands.len();
    let parts = hands.into_iter().enumerate().collect();
    run_threads(parts, false, |(thread, hand): (usize, Vec<(usize, &Room, usize)>)| {
        let mut io = Io::new(setting.target.clone(), base, at_once.div_ceil(threads))?;
        let mut storm = Storm {
            from: base + setting.warm_up,
            until: base + setting.warm_up + setting.measure,
            pid: setting.server_pid.filter(|_| thread == 0),
            progress,
            cpu: None,
            before: None,
            took: Histogram::default(),
            seen: Seen::default(),
        };
        for (number, room, member) in hand {
            let who = io.add(room.client(number, member));
            io.open(who);
        }
        io.run(&mut storm)?;
        let mut seen = storm.seen;
        if seen.count == 0 {
            return Err(Failed(format!("nobody could enter: {}", io.first_refusal.unwrap_or_default())));
        }
        seen.latency = storm.took;
        (seen.connections, seen.faults, seen.first_refusal) = (io.clients(), io.faults, io.first_refusal);
        (seen.others, seen.bytes) = (io.others, io.bytes);
        Ok(seen)
    })
}

struct Storm<'a> {
    from: Instant,
    until: Instant,
    pid: Option<u32>,
    progress: &'a Progress,
    cpu: Option<(Duration, Instant)>,
    before: Option<Reading>,
    took: Histogram,
    seen: Seen,
}

impl Workload for Storm<'_> {
    fn entered(&mut self, io: &mut Io, who: usize, _: &[u8]) {
        if self.cpu.is_some() {
            self.seen.count += 1;
            self.took.record(io.age(who));
        }
        self.progress.counted.fetch_add(1, Ordering::Relaxed);
        io.cut(who);
        io.open(who);
    }

    fn message(&mut self, _: &mut Io, _: usize, _: Stamp) {}

    fn closed(&mut self, io: &mut Io, who: usize) {
        io.open(who);
    }

    fn turn(&mut self, _: &mut Io, now: Instant) -> Option<Instant> {
        if now >= self.from && self.cpu.is_none() {
            self.cpu = Some((thread_cpu(), now));
            self.before = self.pid.and_then(Reading::take);
        }
        if now >= self.until || self.progress.stop.load(Ordering::Relaxed) {
            if let Some((cpu, at)) = self.cpu {
                self.seen.busy = (thread_cpu() - cpu).as_secs_f64() / (now - at).as_secs_f64();
                self.seen.seconds = (now - at).as_secs_f64();
            }
            self.seen.server = self.before.zip(self.pid.and_then(Reading::take));
            return None;
        }
        Some(self.until.min(now + Duration::from_millis(50)))
    }
}
