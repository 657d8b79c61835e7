//! What happens next: anything that can, by chance.

use std::time::Duration;

use haggle::internals::chat::{input::Input, request::SessionEvent};

use crate::{
    client::Checked,
    node::{Commit, HUBS},
    world::{World, note},
};

/// A kind of thing that happens, and how often in comparison.
const KINDS: [(usize, Kind); 14] = [
    (14, Kind::Client),
    (12, Kind::SessionEvent),
    (6, Kind::Input),
    (14, Kind::EndTurn),
    (12, Kind::Read),
    (12, Kind::Answer),
    (10, Kind::Commit),
    (10, Kind::Committed),
    (8, Kind::Timer),
    (14, Kind::Hub),
    (14, Kind::Wire),
    (14, Kind::Network),
    (8, Kind::Time),
    (1, Kind::Fault),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Client,
    SessionEvent,
    Input,
    EndTurn,
    Read,
    Answer,
    Commit,
    Committed,
    Timer,
    Hub,
    Wire,
    Network,
    Time,
    Fault,
}

impl World {
    /// One thing happens.
    pub fn step(&mut self) -> Checked {
        for _ in 0..20 {
            let Some(kind) = self.random.weighted(&KINDS) else { break };
            if self.happens(kind)? {
                return self.check_store();
            }
        }
        self.pass_time(50);
        Ok(())
    }

    /// A database with which nothing is wrong refuses single changes, and never a batch.
    pub fn check_store(&mut self) -> Checked {
        self.store.problem.take().map_or(Ok(()), Err)
    }

    fn happens(&mut self, kind: Kind) -> Checked<bool> {
        let place = self.random.below(self.nodes.len());
        Ok(match kind {
            Kind::Client => self.client_acts()?,
            Kind::SessionEvent => self.session_event(place),
            Kind::Input => self.input(place),
            Kind::EndTurn => {
                let is_open = self.nodes[place].as_ref().is_some_and(|node| node.turn_is_open);
                if is_open {
                    self.end_turn(place);
                }
                is_open
            }
            Kind::Read => self.run_read(place),
            Kind::Answer => self.answer(place),
            Kind::Commit => self.run_commit(place),
            Kind::Committed => self.committed(place),
            Kind::Timer => self.timer(place),
            Kind::Hub => self.hub(place),
            Kind::Wire => {
                let client = self.random.below(self.clients.len());
                let max = 1 + self.random.below(6);
                self.read_wire(client, max)?
            }
            Kind::Network => self.arrive(place),
            Kind::Time => {
                let max = if self.random.chance(30) { 5000 } else { 40 };
                self.pass_time(max);
                true
            }
            Kind::Fault => !self.is_healing && self.fault(place),
        })
    }

    pub fn session_event(&mut self, place: usize) -> bool {
        let Some(node) = &mut self.nodes[place] else { return false };
        let waiting: Vec<_> =
            node.uplinks.iter().filter(|(_, sent)| !sent.is_empty()).map(|(session, _)| *session).collect();
        let Some(session) = self.random.pick(&waiting) else { return false };
        let event = node.uplinks.get_mut(&session).and_then(std::collections::VecDeque::pop_front);
        if node.uplinks.get(&session).is_some_and(std::collections::VecDeque::is_empty) {
            node.uplinks.remove(&session);
        }
        let Some(event) = event else { return false };
        note!(self, "node {place}: {session} {event:?}");
        if let SessionEvent::Connect(_) = event {
            let sessions = self.clients.iter_mut().filter_map(|client| client.session.as_mut());
            sessions.filter(|known| known.id == session).for_each(|known| known.is_known = true);
        }
        self.on(place, Input::Session(event));
        true
    }

    pub fn input(&mut self, place: usize) -> bool {
        let Some(node) = &mut self.nodes[place] else { return false };
        let input = match node.inputs.pop_front() {
            Some(input) => input,
            None => match node.link_news.pop_front() {
                Some(up) => Input::LinkChanged { up },
                None => return self.notice_some(),
            },
        };
        if let Input::EndSessions(user) = &input {
            self.sessions_end(place, user.as_str());
        }
        self.on(place, input);
        true
    }

    /// A server learns that a client is gone, sooner or later.
    fn notice_some(&mut self) -> bool {
        if self.zombies.is_empty() || !self.random.chance(100) {
            return false;
        }
        let zombie = self.zombies.swap_remove(self.random.below(self.zombies.len()));
        self.notice(zombie);
        true
    }

    pub fn answer(&mut self, place: usize) -> bool {
        let Some(node) = &mut self.nodes[place] else { return false };
        if node.answers.is_empty() {
            return false;
        }
        let answer = node.answers.swap_remove(self.random.below(node.answers.len()));
        self.on(place, Input::Answered(answer));
        true
    }

    pub fn committed(&mut self, place: usize) -> bool {
        let Some(node) = &mut self.nodes[place] else { return false };
        match node.commit.take() {
            Some(Commit::Done(outcome)) => {
                self.on(place, Input::Committed { outcome, took: Duration::from_millis(1) });
                true
            }
            other => {
                node.commit = other;
                false
            }
        }
    }

    pub fn timer(&mut self, place: usize) -> bool {
        let (ms, wall) = (self.ms, self.wall(place));
        let Some(node) = &mut self.nodes[place] else { return false };
        let Some(due) = self.random.pick(&node.due(ms, wall)) else { return false };
        let (_, timer) = node.timers.swap_remove(due);
        self.on(place, Input::Due(timer));
        true
    }

    pub fn hub(&mut self, place: usize) -> bool {
        let hub = self.random.below(HUBS);
        let Some(node) = &mut self.nodes[place] else { return false };
        let Some(ops) = node.to_hubs[hub].pop_front() else { return false };
        for op in ops {
            note!(self, "node {place}: hub {hub}: {op:?}");
            if let Some(node) = &mut self.nodes[place] {
                node.hubs[hub].apply(op);
            }
        }
        if let Some(node) = &mut self.nodes[place] {
            node.hubs[hub].flush();
        }
        self.collect_frames();
        true
    }

    pub fn arrive(&mut self, place: usize) -> bool {
        let channels = self.network.to(place);
        if channels.is_empty() {
            return false;
        }
        let channel = &channels[self.random.below(channels.len())];
        let max = 1 + self.random.below(4);
        let events = self.network.take(channel, max);
        note!(self, "node {place}: arrived {events:?}");
        self.on(place, Input::NodeEvents(events));
        true
    }

    /// Time passes, up to the next timer where nothing else can happen.
    pub fn pass_time(&mut self, max: u64) {
        let wait = 1 + self.random.next() % max;
        self.ms += wait;
    }

    fn fault(&mut self, place: usize) -> bool {
        match self.random.below(8) {
            0 if self.plan.crashes => match &self.nodes[place] {
                Some(_) => self.crash(place),
                None => self.start(place),
            },
            1 if self.nodes[place].is_none() => self.start(place),
            1 if self.plan.crashes => self.drain(place),
            2 | 3 if self.plan.links && self.plan.is_clustered => self.change_link(place),
            4 if self.plan.database_fails => {
                let until = self.ms + self.random.next() % 4000;
                note!(self, "the database is away or read-only until {until} ms");
                if self.random.chance(500) { self.away_until = until } else { self.read_only_until = until }
            }
            5 if self.plan.clocks_jump => {
                self.offsets[place] = (self.random.next() % 240_000) as i64 - 120_000;
                note!(self, "the clock of node {place} jumps");
                self.count("clock jumps");
            }
            6 if self.plan.links && self.plan.is_clustered => self.overflow(place),
            7 if self.plan.crashes && self.rolling.is_none() => self.rolling = Some(0),
            _ => return false,
        }
        true
    }

    fn change_link(&mut self, place: usize) {
        let is_up = self.network.is_down[place];
        note!(self, "the link of node {place} is up: {is_up}");
        self.count(if is_up { "connected again" } else { "cut off" });
        self.network.is_down[place] = !is_up;
        self.network.lose_all_to(place);
        if let Some(node) = &mut self.nodes[place] {
            node.link_news.push_back(is_up);
        }
    }

    /// What waits for a node is more than it holds: it is lost, and the node learns that.
    fn overflow(&mut self, place: usize) {
        if self.network.is_down[place] {
            return;
        }
        note!(self, "node {place} loses what waits for it");
        self.count("overflow");
        self.network.lose_all_to(place);
        if let Some(node) = &mut self.nodes[place] {
            node.link_news.push_back(true);
        }
    }

    /// A rolling restart goes on: the next node drains when the one before is back.
    pub fn roll_on(&mut self) {
        let Some(place) = self.rolling else { return };
        if self.nodes[place].is_some() {
            return self.drain(place);
        }
        self.start(place);
        self.rolling = Some(place + 1).filter(|next| *next < self.nodes.len());
        if self.rolling.is_none() {
            self.count("rolling restart");
        }
    }

    /// A node that is to end in good order: its clients are sent elsewhere.
    fn drain(&mut self, place: usize) {
        if self.nodes[place].is_none() || self.draining[place] {
            return;
        }
        note!(self, "node {place} drains");
        self.draining[place] = true;
        for client in 0..self.clients.len() {
            if self.clients[client].session.as_ref().is_some_and(|session| session.node == place) {
                self.drop_client(client, false, true);
            }
        }
        let zombies = std::mem::take(&mut self.zombies);
        for zombie in zombies {
            if zombie.session.node == place { self.notice(zombie) } else { self.zombies.push(zombie) }
        }
    }
}
