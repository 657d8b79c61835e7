//! Rooms in which clients send: pairs where both do, and the fan-out of one to many.
//!
//! At a fixed rate messages are due by the clock, whatever the server does. A delivery's latency counts from when its
//! message was due, not from when it was sent: a server that stalls for one second has delayed the messages of that second.
//! Saturated, each sender keeps this many messages in flight, and sends the next one when all members have the first.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::{Failed, LOOK_AGAIN, OPEN_WITHIN, Progress, Room, Seen, Setting, Start, deal, run_threads};
use crate::{
    io::{Client, Io, Workload},
    ledger::Ledger,
    outcome::Outcome,
    process::{Reading, thread_cpu},
    stamp::Stamp,
};

/// How long after the end deliveries may still come, before they count as lost.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);
/// If nothing has arrived for this long, nothing more will.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// How much is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// This many messages per second, over all rooms.
    Fixed(f64),
    /// As many as possible, with this many per sender in flight.
    Saturated(u32),
}

/// Who talks.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Sessions in each room: the two members take turns.
    pub sessions: usize,
    /// How many of these send.
    pub senders: u16,
    /// How much.
    pub pace: Pace,
}

/// Runs it.
///
/// # Errors
/// Not every client could enter.
pub fn run(setting: &Setting, rooms: &[Room], shape: Shape, progress: &Progress) -> Result<Outcome, Failed> {
    let base = Instant::now();
    let start = Start::default();
    let hands = deal(rooms.iter().enumerate(), setting.threads);
    let threads = hands.len();
    let paced = matches!(shape.pace, Pace::Fixed(_));
    let parts = hands.into_iter().enumerate().collect();
    run_threads(parts, paced, |(thread, hand): (usize, Vec<(usize, &Room)>)| {
        let mut io = Io::new(setting.target.clone(), base, 128)?;
        #[expect(clippy::cast_precision_loss, reason = "a share of a rate")]
        let share = hand.len() as f64 / rooms.len() as f64;
        let mut talk = Talk::new(setting, shape, share, &start, threads, progress);
        // Only one thread reads the server's process.
        talk.server_pid = setting.server_pid.filter(|_| thread == 0);
        for (number, room) in hand {
            talk.add(&mut io, number, room);
        }
        io.run(&mut talk)?;
        talk.close(io)
    })
}

struct Sender {
    who: usize,
    index: u16,
    room: usize,
    sent: u32,
    /// How many members have each message in flight.
    got: Vec<u32>,
}

struct Talk<'a> {
    shape: Shape,
    per_second: f64,
    start: &'a Start,
    threads: usize,
    progress: &'a Progress,
    warm_up: Duration,
    measure: Duration,
    server_pid: Option<u32>,

    /// The members of each room, by their numbers.
    rooms: Vec<Vec<usize>>,
    /// Which of these a client is in.
    room_of: Vec<usize>,
    ledgers: Vec<Ledger>,
    senders: Vec<Sender>,
    /// A room's first sender.
    first_sender: Vec<usize>,
    /// Senders that may send their next message, because all members have an earlier one.
    free: Vec<usize>,

    entered: usize,
    is_ready: bool,
    opened: Instant,
    from: Option<Instant>,
    until: Instant,
    next: u64,
    turn_of: usize,
    expected: u64,
    received: u64,
    told: u64,
    last_news: Instant,
    has_ended: Option<Instant>,
    cpu: Option<(Duration, Instant)>,
    stood_still: Duration,
    before: Option<Reading>,
    seen: Seen,
    failed: Option<String>,
}

impl<'a> Talk<'a> {
    fn new(
        setting: &Setting,
        shape: Shape,
        share: f64,
        start: &'a Start,
        threads: usize,
        progress: &'a Progress,
    ) -> Self {
        let per_second = if let Pace::Fixed(rate) = shape.pace { rate * share } else { 0.0 };
        let now = Instant::now();
        Self {
            shape,
            per_second,
            start,
            threads,
            progress,
            warm_up: setting.warm_up,
            measure: setting.measure,
            server_pid: None,
            rooms: Vec::new(),
            room_of: Vec::new(),
            ledgers: Vec::new(),
            senders: Vec::new(),
            first_sender: Vec::new(),
            free: Vec::new(),
            entered: 0,
            is_ready: false,
            opened: now,
            from: None,
            until: now,
            next: 0,
            turn_of: 0,
            expected: 0,
            received: 0,
            told: 0,
            last_news: now,
            has_ended: None,
            cpu: None,
            stood_still: Duration::ZERO,
            before: None,
            seen: Seen::default(),
            failed: None,
        }
    }

    fn add(&mut self, io: &mut Io, number: usize, room: &Room) {
        let place = self.rooms.len();
        self.first_sender.push(self.senders.len());
        let mut members = Vec::new();
        for session in 0..self.shape.sessions {
            let index = u16::try_from(session).ok().filter(|index| *index < self.shape.senders);
            let client = room.client(number, session % 2);
            let who = io.add(Client { sender: index, ..client });
            self.room_of.push(place);
            self.ledgers.push(Ledger::new(io.client(who).room, self.shape.senders));
            members.push(who);
            if let Some(index) = index {
                let in_flight = if let Pace::Saturated(in_flight) = self.shape.pace { in_flight as usize } else { 0 };
                self.senders.push(Sender { who, index, room: place, sent: 0, got: vec![0; in_flight] });
            }
            io.open(who);
        }
        self.rooms.push(members);
    }

    fn send(&mut self, io: &mut Io, place: usize, due: Instant) {
        let sender = &mut self.senders[place];
        let stamp =
            Stamp { room: io.client(sender.who).room, sender: sender.index, number: sender.sent, due: io.ticks(due) };
        sender.sent += 1;
        self.expected += self.rooms[sender.room].len() as u64;
        io.say(sender.who, stamp);
    }

    fn begin(&mut self, io: &mut Io, at: Instant) {
        (self.from, self.until) = (Some(at + self.warm_up), at + self.warm_up + self.measure);
        if let Pace::Saturated(in_flight) = self.shape.pace {
            for place in 0..self.senders.len() {
                for _ in 0..in_flight {
                    self.send(io, place, at);
                }
            }
        }
    }

    /// Sends what is due; answers with when the next one is.
    fn send_due(&mut self, io: &mut Io, now: Instant, from: Instant) -> Instant {
        let start = from - self.warm_up;
        loop {
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            let due = start + Duration::from_secs_f64(self.next as f64 / self.per_second);
            if due > now || due >= self.until {
                return due.min(self.until);
            }
            self.next += 1;
            if due >= from {
                self.seen.lag.record(now - due);
            }
            let place = self.turn_of;
            self.turn_of = (self.turn_of + 1) % self.senders.len();
            self.send(io, place, due);
        }
    }

    fn close(mut self, io: Io) -> Result<Seen, Failed> {
        if let Some(why) = self.failed {
            self.start.failed.store(true, Ordering::Release);
            return Err(Failed(why));
        }
        self.seen.faults = io.faults;
        for sender in &self.senders {
            for who in &self.rooms[sender.room] {
                self.seen.faults.lost += self.ledgers[*who].due(sender.index, sender.sent);
            }
        }
        self.seen.first_refusal = io.first_refusal.clone();
        self.seen.connections = io.clients();
        self.seen.others = io.others;
        self.seen.bytes = io.bytes;
        Ok(self.seen)
    }

    fn measured(&mut self, io: &Io, now: Instant) {
        let Some(from) = self.from else { return };
        if now >= from && self.cpu.is_none() {
            self.cpu = Some((thread_cpu(), now));
            self.stood_still = io.stood_still;
            self.before = self.server_pid.and_then(Reading::take);
        }
        if now >= self.until && self.has_ended.is_none() {
            self.has_ended = Some(now);
            if let Some((cpu, at)) = self.cpu {
                self.seen.busy = (thread_cpu() - cpu).as_secs_f64() / (now - at).as_secs_f64();
                self.seen.seconds = (now - at).as_secs_f64();
                self.seen.stood_still = (io.stood_still - self.stood_still).as_secs_f64() / self.seen.seconds;
            }
            let after = self.server_pid.and_then(Reading::take);
            self.seen.server = self.before.zip(after);
        }
    }
}

impl Workload for Talk<'_> {
    fn entered(&mut self, _: &mut Io, _: usize, _: &[u8]) {
        self.entered += 1;
        self.progress.entered.fetch_add(1, Ordering::Relaxed);
    }

    fn message(&mut self, io: &mut Io, who: usize, stamp: Stamp) {
        if !self.ledgers[who].enter(&stamp, &mut io.faults) {
            return;
        }
        self.received += 1;
        if self.cpu.is_some() && self.has_ended.is_none() {
            self.seen.count += 1;
        }
        let due = io.moment(stamp.due);
        if self.from.is_some_and(|from| due >= from) && due < self.until {
            let took = due.elapsed();
            if io.client(who).sender == Some(stamp.sender) {
                self.seen.confirmed.record(took);
            } else {
                self.seen.latency.record(took);
            }
        }
        if let Pace::Saturated(in_flight) = self.shape.pace {
            let room = self.room_of[who];
            let place = self.first_sender[room] + usize::from(stamp.sender);
            let got = &mut self.senders[place].got[(stamp.number % in_flight) as usize];
            *got += 1;
            if *got as usize == self.rooms[room].len() {
                *got = 0;
                self.free.push(place);
            }
        }
    }

    fn closed(&mut self, io: &mut Io, _: usize) {
        if self.from.is_none() {
            let why = io.first_refusal.clone().unwrap_or_default();
            self.failed.get_or_insert(format!("not everybody could enter: {why}"));
        }
    }

    fn turn(&mut self, io: &mut Io, now: Instant) -> Option<Instant> {
        if self.failed.is_some() || self.start.failed.load(Ordering::Acquire) {
            self.failed.get_or_insert_with(|| "another thread of the load failed".to_owned());
            return None;
        }
        if self.received > self.told {
            self.last_news = now;
        }
        self.progress.counted.fetch_add(self.received - self.told, Ordering::Relaxed);
        self.told = self.received;
        let Some(from) = self.from else {
            if self.entered == io.clients() && !self.is_ready {
                self.is_ready = true;
                self.start.ready(self.threads);
            }
            if let Some(at) = self.start.at.get().copied().filter(|at| *at <= now) {
                self.begin(io, at);
            } else if self.progress.stop.load(Ordering::Relaxed) {
                self.failed = Some("stopped".to_owned());
            } else if now > self.opened + OPEN_WITHIN {
                self.failed = Some(io.too_late(self.entered));
            }
            return Some(now + LOOK_AGAIN);
        };
        if self.progress.stop.load(Ordering::Relaxed) {
            self.until = self.until.min(now);
        }
        self.measured(io, now);
        if now < self.until {
            return Some(match self.shape.pace {
                Pace::Fixed(_) => self.send_due(io, now, from),
                Pace::Saturated(_) => {
                    while let Some(place) = self.free.pop() {
                        self.send(io, place, now);
                    }
                    self.until.min(now + LOOK_AGAIN * 10)
                }
            });
        }
        let is_silent = now > self.last_news.max(self.until) + SILENCE_MAX;
        if self.received >= self.expected || is_silent || now > self.until + DRAIN_WITHIN {
            return None;
        }
        Some(now + LOOK_AGAIN)
    }
}
