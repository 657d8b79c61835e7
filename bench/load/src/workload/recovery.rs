//! All clients reconnect at once: the server was restarted, and each client catches up on what it missed.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::{Failed, OPEN_WITHIN, Progress, Room, Seen, Setting, run_threads};
use crate::{
    histogram::Histogram,
    io::{Io, Workload},
    outcome::Outcome,
    process::thread_cpu,
    stamp::Stamp,
};

/// How soon a client tries again after a failed connect.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// Connects all clients, calls `ready`, waits until the server has gone down and come back, and lets all clients enter
/// again.
///
/// Each client behaves as if it had missed the last `missed` messages of its room. A client's latency is the time from the
/// server's first new connection until the client has all of them. The seconds are those of the last client.
///
/// # Errors
/// Not every client could enter, or a client was not given what it missed.
pub fn run(
    setting: &Setting,
    rooms: &[Room],
    clients: usize,
    missed: u64,
    ready: impl Fn() + Sync,
    progress: &Progress,
) -> Result<Outcome, Failed> {
    run_threads(vec![()], false, |()| {
        let base = Instant::now();
        let mut io = Io::new(setting.target.clone(), base, clients)?;
        let members = rooms.iter().enumerate().flat_map(|(number, room)| [(number, room, 0), (number, room, 1)]);
        for (number, room, member) in members.take(clients) {
            let who = io.add(room.client(number, member));
            io.open(who);
        }
        let mut recovery = Recovery {
            missed,
            ready: &ready,
            progress,
            began: base,
            entered: 0,
            gone: 0,
            back: None,
            again: Vec::new(),
            took: Histogram::default(),
            caught_up: 0,
            cpu: thread_cpu(),
            seen: Seen::default(),
            failed: None,
        };
        io.run(&mut recovery)?;
        if let Some(why) = recovery.failed {
            return Err(Failed(why));
        }
        let mut seen = recovery.seen;
        (seen.count, seen.connections, seen.latency) = (recovery.caught_up, io.clients(), recovery.took);
        seen.bytes = io.bytes;
        Ok(seen)
    })
}

struct Recovery<'a, R: Fn()> {
    missed: u64,
    ready: &'a R,
    progress: &'a Progress,
    began: Instant,
    entered: usize,
    gone: usize,
    /// When the server first accepted a connection again.
    back: Option<Instant>,
    again: Vec<(Instant, usize)>,
    took: Histogram,
    caught_up: u64,
    cpu: Duration,
    seen: Seen,
    failed: Option<String>,
}

impl<R: Fn()> Workload for Recovery<'_, R> {
    fn entered(&mut self, io: &mut Io, who: usize, answer: &[u8]) {
        let clients = io.clients();
        if self.gone == 0 {
            let Some(last) = number_after(answer, b"\"lastSeq\":") else {
                self.failed = Some("the answer to enterRoom has no lastSeq".to_owned());
                return;
            };
            io.client_mut(who).after = Some(last.saturating_sub(self.missed));
            self.entered += 1;
            self.progress.entered.fetch_add(1, Ordering::Relaxed);
            if self.entered == clients {
                self.began = Instant::now();
                (self.ready)();
            }
            return;
        }
        let back = *self.back.get_or_insert_with(Instant::now);
        if let Err(why) = check(answer, io.client(who).after.unwrap_or(0), self.missed) {
            self.failed.get_or_insert(why);
        }
        self.took.record(back.elapsed());
        self.caught_up += 1;
        self.progress.counted.fetch_add(1, Ordering::Relaxed);
        if self.caught_up == clients as u64 {
            self.seen.seconds = back.elapsed().as_secs_f64();
            self.seen.busy = (thread_cpu() - self.cpu).as_secs_f64() / self.seen.seconds;
        }
    }

    fn message(&mut self, _: &mut Io, _: usize, _: Stamp) {}

    fn closed(&mut self, io: &mut Io, who: usize) {
        if self.entered < io.clients() {
            let why = io.first_refusal.clone().unwrap_or_default();
            self.failed.get_or_insert(format!("{} of {} entered, then: {why}", self.entered, io.clients()));
            return;
        }
        self.gone += 1;
        if self.gone <= io.clients() && self.back.is_none() {
            io.first_taken = None;
        }
        self.again.push((Instant::now() + TRY_AGAIN, who));
    }

    fn turn(&mut self, io: &mut Io, now: Instant) -> Option<Instant> {
        if self.failed.is_some() || self.caught_up == io.clients() as u64 {
            return None;
        }
        if now > self.began + OPEN_WITHIN {
            self.failed = Some(format!("{} entered, {} came back in time", self.entered, self.caught_up));
            return None;
        }
        if self.back.is_none() && self.gone >= io.clients() {
            self.back = io.first_taken;
            self.cpu = thread_cpu();
        }
        self.again.retain(|(at, who)| {
            let is_due = *at <= now;
            if is_due {
                io.open(*who);
            }
            !is_due
        });
        Some(now + Duration::from_millis(1))
    }
}

/// The number after a key in JSON as the server writes it.
fn number_after(json: &[u8], key: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(json, key)? + key.len();
    let digits: Vec<u8> = json[at..].iter().copied().take_while(u8::is_ascii_digit).collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

/// Whether an answer has every message after a mark, once and in order.
fn check(answer: &[u8], after: u64, missed: u64) -> Result<(), String> {
    let mut seq = after;
    for at in memchr::memmem::find_iter(answer, b"\"seq\":") {
        seq += 1;
        if number_after(&answer[at..], b"\"seq\":") != Some(seq) {
            return Err(format!("after {after} came something else than {seq}"));
        }
    }
    if seq == after + missed { Ok(()) } else { Err(format!("{} of {missed} missed messages came", seq - after)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_a_repetition_and_too_few_are_seen() {
        let answer = |seqs: &[u64]| {
            let items: Vec<String> =
                seqs.iter().map(|seq| format!("{{\"roomId\":\"r\",\"seq\":{seq},\"x\":1}}")).collect();
            format!("{{\"reply\":1,\"data\":{{\"lastSeq\":9,\"messages\":[{}]}}}}", items.join(",")).into_bytes()
        };
        assert_eq!(check(&answer(&[4, 5, 6]), 3, 3), Ok(()));
        for wrong in [&[4, 6, 7][..], &[4, 4, 5], &[4, 5], &[5, 4, 6]] {
            assert!(check(&answer(wrong), 3, 3).is_err(), "{wrong:?}");
        }
        assert_eq!(number_after(&answer(&[]), b"\"lastSeq\":"), Some(9));
    }
}
