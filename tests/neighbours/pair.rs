//! The others: a buyer and a seller who talk during an attack.

use std::{
    collections::BTreeMap,
    io,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    attack::ANSWER_MAX,
    server::token,
    session::{Session, Wire},
    stream::{Target, VICTIM},
    world::{ALICE, BOB, PAIR},
};

/// When a message was sent, and how long its acknowledgement and its delivery took.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub sent: Instant,
    pub acknowledged: Option<Duration>,
    pub delivered: Option<Duration>,
}

impl Sample {
    /// The later of both; a message that was neither acknowledged nor delivered took as long as the wait.
    pub fn took(&self) -> Duration {
        let worst = |part: Option<Duration>| part.unwrap_or(ANSWER_MAX);
        worst(self.acknowledged).max(worst(self.delivered))
    }
}

/// Alice and Bob, both in their room.
pub struct Pair {
    sessions: [Session; 2],
    /// What was sent, by its text's number.
    said: BTreeMap<u64, (usize, Sample)>,
    /// The answers that wait, by the session that asked and their id.
    asked: BTreeMap<(usize, u64), u64>,
    /// How much each session has received.
    heard: [u64; 2],
    /// What each session received last: the position in the room, and each sender's number.
    last_seq: [Option<u64>; 2],
    last_of: [[Option<u64>; 2]; 2],
    next: u64,
}

impl Pair {
    /// Signs both in and lets them enter.
    pub async fn open(target: &Target) -> io::Result<Self> {
        let refused = |status| io::Error::other(format!("the pair was refused with {status}"));
        let mut alice = Session::open(target, VICTIM, &token(ALICE), Wire::Plain).await?.map_err(refused)?;
        let mut bob = Session::open(target, VICTIM, &token(BOB), Wire::Plain).await?.map_err(refused)?;
        let enter = json!({ "roomId": PAIR }).to_string();
        for session in [&mut alice, &mut bob] {
            if let Some((code, _)) = session.ask("enterRoom", &enter).await?.error {
                return Err(io::Error::other(format!("entering failed with {code}")));
            }
        }
        let (said, asked) = (BTreeMap::new(), BTreeMap::new());
        let (heard, last_seq, last_of) = ([0; 2], [None; 2], [[None; 2]; 2]);
        Ok(Self { sessions: [alice, bob], said, asked, heard, last_seq, last_of, next: 0 })
    }

    /// Lets one of them say something.
    pub async fn say(&mut self, who: usize) -> io::Result<()> {
        let number = self.next;
        self.next += 1;
        let sample = Sample { sent: Instant::now(), acknowledged: None, delivered: None };
        self.said.insert(number, (who, sample));
        let data = json!({ "roomId": PAIR, "text": format!("no {number}") }).to_string();
        let id = self.sessions[who].send("message", &data).await?;
        self.asked.insert((who, id), number);
        Ok(())
    }

    /// Takes the next text of either of them. May be dropped while it waits.
    pub async fn hear(&mut self) -> io::Result<()> {
        let [alice, bob] = &mut self.sessions;
        let (who, text) = tokio::select! {
            text = alice.ws.text() => (0, text?),
            text = bob.ws.text() => (1, text?),
        };
        self.take(who, &text)
    }

    fn take(&mut self, who: usize, text: &[u8]) -> io::Result<()> {
        if let Some(reply) = self.sessions[who].read_reply(text) {
            let Some(number) = self.asked.remove(&(who, reply.id)) else { return Ok(()) };
            if let Some((code, _)) = reply.error {
                return Err(io::Error::other(format!("a message of the pair failed with {code}")));
            }
            if let Some((_, sample)) = self.said.get_mut(&number) {
                sample.acknowledged = Some(sample.sent.elapsed());
            }
        } else if text.starts_with(br#"{"event":"message","#) {
            self.heard(who, &serde_json::from_slice(text)?)?;
        } else if text.starts_with(br#"{"event":"error""#) {
            return Err(io::Error::other(String::from_utf8_lossy(text).into_owned()));
        }
        Ok(())
    }

    /// Each receives everything once, in the room's order and in each sender's own. Messages of two connections may come in
    /// either order.
    fn heard(&mut self, who: usize, message: &Value) -> io::Result<()> {
        let seq = message["data"]["seq"].as_u64();
        let number = message["data"]["text"].as_str().and_then(|text| text.strip_prefix("no ")?.parse().ok());
        let wrong = || io::Error::other(format!("{who} heard {number:?} at {seq:?}, after {:?}", self.last_seq[who]));
        let (Some(seq), Some(number)) = (seq, number) else { return Err(wrong()) };
        let Some((speaker, sample)) = self.said.get_mut(&number) else { return Err(wrong()) };
        let follows = self.last_seq[who].is_none_or(|last| seq == last + 1);
        if !follows || self.last_of[who][*speaker].is_some_and(|last| number <= last) {
            return Err(wrong());
        }
        self.heard[who] += 1;
        (self.last_seq[who], self.last_of[who][*speaker]) = (Some(seq), Some(number));
        if *speaker != who {
            sample.delivered = Some(sample.sent.elapsed());
        }
        Ok(())
    }

    /// Whether everything that was sent has been acknowledged and delivered.
    pub fn is_done(&self) -> bool {
        self.asked.is_empty() && self.heard == [self.next, self.next]
    }

    /// Lets Alice send a message, and waits until it is acknowledged and both have received it.
    pub async fn exchange(&mut self) -> io::Result<Duration> {
        let started = Instant::now();
        self.say(0).await?;
        self.finish().await?;
        Ok(started.elapsed())
    }

    /// Waits until everything that was sent is acknowledged and delivered.
    pub async fn finish(&mut self) -> io::Result<()> {
        let finished = async {
            while !self.is_done() {
                self.hear().await?;
            }
            Ok(())
        };
        tokio::time::timeout(ANSWER_MAX, finished).await.map_err(|_| io::Error::other("the pair waited for 30 s"))?
    }

    /// Lets both say something in turns, at this pace, until `over`; whether answers come or not.
    pub async fn talk(&mut self, every: Duration, over: impl Fn() -> bool) -> io::Result<()> {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut turn = 0;
        while !over() {
            tokio::select! {
                _ = ticks.tick() => {
                    self.say(turn % 2).await?;
                    turn += 1;
                }
                heard = self.hear() => heard?,
            }
        }
        self.finish().await
    }

    /// What was measured so far.
    pub fn samples(&self) -> Vec<Sample> {
        self.said.values().map(|(_, sample)| *sample).collect()
    }
}
