//! The world of one seed: nodes, their database, the network between them, clients, and what happens next.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use haggle::internals::{
    actors::hub::SessionNotice,
    broker::{Envelope, NodeEvent, Topic},
    chat::{
        effects::BusOp,
        input::{Input, Now},
        request::Disconnect,
    },
    domain::SessionId,
};

use crate::{
    client::{Acknowledged, Checked, Client, Learned, Session},
    network::Network,
    node::{Commit, Node, now},
    plan::{DEVICES, Plan, user},
    random::Random,
    store::{START, Store, failed},
    tally::{Tally, names_of},
};

/// A session whose client is gone, and whose server does not know.
pub struct Zombie {
    pub session: Session,
    pub user: &'static str,
    pub for_good: bool,
}

pub struct World {
    pub random: Random,
    pub plan: Plan,
    pub store: Store,
    pub network: Network,
    pub nodes: Vec<Option<Node>>,
    pub draining: Vec<bool>,
    /// How far each node's clock is ahead.
    pub offsets: Vec<i64>,
    pub clients: Vec<Client>,
    pub zombies: Vec<Zombie>,
    pub acknowledged: Vec<Acknowledged>,
    pub ms: u64,
    pub lives: u64,
    pub sessions: u64,
    pub keys: u64,
    /// Users whose sessions a node has ended and is yet to write that down, with those sessions.
    pub ending: BTreeMap<String, (usize, Vec<SessionId>)>,
    /// Sessions that must not be left at rest.
    pub ended: BTreeSet<SessionId>,
    /// The node that is next in a rolling restart.
    pub rolling: Option<usize>,
    /// How often each kind of thing has happened.
    pub happened: Tally,
    /// Until when the database can't be reached, and until when it takes no writes.
    pub away_until: u64,
    pub read_only_until: u64,
    /// Faults have ended, and clients only finish what they have begun.
    pub is_healing: bool,
    /// What has happened, where that is wanted.
    pub history: Option<Vec<String>>,
    base: Instant,
    pub notices: actix::WeakRecipient<SessionNotice>,
}

macro_rules! note {
    ($world:expr, $($text:tt)*) => {
        if let Some(history) = &mut $world.history {
            history.push(format!("{:>7} ms  {}", $world.ms, format_args!($($text)*)));
        }
    };
}
pub(crate) use note;

impl World {
    pub fn new(seed: u64, base: Instant, notices: actix::WeakRecipient<SessionNotice>, history: bool) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::of(&mut random);
        let nodes = plan.nodes;
        let mut world = Self {
            random,
            store: Store::new(plan.short_pages),
            network: Network::new(nodes),
            nodes: (0..nodes).map(|_| None).collect(),
            draining: vec![false; nodes],
            offsets: vec![0; nodes],
            clients: DEVICES.iter().map(|(user, wire)| Client::new(user, *wire)).collect(),
            zombies: Vec::new(),
            acknowledged: Vec::new(),
            ms: 0,
            lives: 0,
            sessions: 0,
            keys: 0,
            ending: BTreeMap::new(),
            ended: BTreeSet::new(),
            rolling: None,
            happened: Tally::new(),
            away_until: 0,
            read_only_until: 0,
            is_healing: false,
            history: history.then(Vec::new),
            base,
            notices,
            plan,
        };
        note!(world, "{:?}", world.plan);
        for node in 0..nodes {
            world.start(node);
        }
        world
    }

    pub fn wall(&self, node: usize) -> i64 {
        START + i64::try_from(self.ms).unwrap_or(0) + self.offsets[node]
    }

    pub fn now(&self, node: usize) -> Now {
        now(self.base, self.ms, self.wall(node))
    }

    /// A node starts.
    pub fn start(&mut self, place: usize) {
        self.lives += 1;
        let mut node = Node::new(self.plan.policy, self.now(place), self.lives);
        note!(self, "node {place} starts as {}", node.id);
        if !self.plan.is_clustered {
            let wall = self.now(place).wall;
            haggle::internals::db::end_recoveries(self.store.settled(), wall).unwrap();
        }
        // Both before anything else.
        node.on(Input::Started, self.now(place), self.ms);
        if self.plan.is_clustered {
            node.on(Input::Clustered(node.id), self.now(place), self.ms);
            node.link_news.push_back(!self.network.is_down[place]);
        }
        self.draining[place] = false;
        self.nodes[place] = Some(node);
    }

    /// Counts something that has happened.
    pub fn count(&mut self, what: &'static str) {
        *self.happened.entry(what).or_default() += 1;
    }

    /// One thing happens at a node's core.
    pub fn on(&mut self, place: usize, input: Input) {
        let (now, ms) = (self.now(place), self.ms);
        self.count(input.kind());
        note!(self, "node {place}: {}", input.kind());
        let Some(node) = &mut self.nodes[place] else { return };
        node.on(input, now, ms);
        if self.random.chance(600) {
            self.end_turn(place);
        }
    }

    pub fn end_turn(&mut self, place: usize) {
        let (now, ms) = (self.now(place), self.ms);
        let Some(node) = &mut self.nodes[place] else { return };
        let ops = node.end_turn(now, ms);
        for op in ops {
            self.publish(place, op);
        }
    }

    fn publish(&mut self, place: usize, op: BusOp) {
        let Some(node) = &mut self.nodes[place] else { return };
        let from = node.id;
        let (topic, event) = match op {
            BusOp::Watch(topic) => return node.topics.push(topic),
            BusOp::Unwatch(topic) => return node.topics.retain(|other| *other != topic),
            BusOp::Publish(topic, event) => (topic, event),
        };
        self.send(place, &topic, &Envelope { node: from, event: *event });
    }

    pub fn send(&mut self, place: usize, topic: &Topic, envelope: &Envelope) {
        if self.network.is_down[place] {
            return;
        }
        let name = match topic {
            Topic::Room(room) => format!("room {room}"),
            Topic::User(user) => format!("user {user}"),
            Topic::Nodes => "nodes".to_owned(),
        };
        let bytes = envelope.encode();
        for to in 0..self.nodes.len() {
            let hears = self.nodes[to].as_ref().is_some_and(|node| node.topics.contains(topic));
            if to == place || !hears || self.network.is_down[to] {
                continue;
            }
            let copies = if self.plan.loses_silently && !self.is_healing && self.random.chance(30) {
                0
            } else {
                1 + usize::from(self.plan.doubles && self.random.chance(50))
            };
            match copies {
                0 => self.count("lost by the bus"),
                2 => self.count("doubled by the bus"),
                _ => {}
            }
            self.network.send(to, envelope.node, name.clone(), &bytes, copies);
        }
    }

    /// A node dies. What its writer has may be stored all the same.
    pub fn crash(&mut self, place: usize) {
        let Some(node) = self.nodes[place].take() else { return };
        note!(self, "node {place} dies");
        match node.commit {
            Some(Commit::Asked(writes)) if self.random.chance(500) => {
                let now = self.now(place).wall;
                drop(self.store.commit(&writes, now));
                self.count("crash after a commit");
            }
            Some(Commit::Asked(_)) => self.count("crash before a commit"),
            Some(Commit::Done(_)) => self.count("crash after a commit"),
            None => self.count("crash"),
        }
        self.store.crash();
        self.forget_ending(place);
        self.network.lose_all_to(place);
        self.zombies.retain(|zombie| zombie.session.node != place);
        for client in &mut self.clients {
            if client.session.as_ref().is_some_and(|session| session.node == place) {
                client.lost();
            }
        }
    }

    /// A node ends in good order, once it has finished.
    fn finish_drain(&mut self, place: usize) -> bool {
        let is_done =
            self.nodes[place].as_ref().is_some_and(|node| !node.is_busy() && node.chat.unfinished().is_nothing());
        if !self.draining[place] || !is_done {
            return false;
        }
        if let Some(node) = &self.nodes[place] {
            let envelope = Envelope { node: node.id, event: NodeEvent::Bye };
            self.send(place, &Topic::Nodes, &envelope);
        }
        note!(self, "node {place} ends in good order");
        self.count("drained");
        self.nodes[place] = None;
        self.forget_ending(place);
        self.network.lose_all_to(place);
        true
    }

    /// The connection of a client ends, and the server learns of it now or later.
    pub fn drop_client(&mut self, client: usize, for_good: bool, is_noticed: bool) {
        let user = self.clients[client].user;
        let Some(session) = self.clients[client].lost() else { return };
        note!(self, "{user} #{client} loses {} (for good: {for_good}, noticed: {is_noticed})", session.id);
        if !for_good && let Some(Some(node)) = self.nodes.get_mut(session.node) {
            // What it sent last has perhaps not arrived.
            let sent = node.uplinks.entry(session.id).or_default();
            let kept = self.random.below(sent.len() + 1);
            sent.truncate(kept);
        }
        if !is_noticed {
            self.count("client gone without a word");
        }
        let zombie = Zombie { session, user, for_good };
        if is_noticed { self.notice(zombie) } else { self.zombies.push(zombie) }
    }

    /// The server learns that a session has ended.
    pub fn notice(&mut self, Zombie { session, user: name, for_good }: Zombie) {
        let Some(Some(node)) = self.nodes.get_mut(session.node) else { return };
        node.hubs[session.hub].forget(session.id);
        let gone = Disconnect { session: session.id, user: user(name), for_good, place: None };
        node.uplinks.entry(session.id).or_default().push_back(gone.into());
    }

    /// Frames that a hub has written are on their way.
    pub fn collect_frames(&mut self) {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        for session in self.clients.iter_mut().filter_map(|client| client.session.as_mut()) {
            while let std::task::Poll::Ready(payload) = session.outbox.poll_payload(&mut context, usize::MAX) {
                let Some(payload) = payload else {
                    session.wire.push_back("1".to_owned());
                    break;
                };
                let text = std::str::from_utf8(&payload).expect("frames are text");
                session.wire.extend(text.split('\u{1e}').map(str::to_owned));
                if text == "1" {
                    break;
                }
            }
        }
    }

    /// A client reads some of what has arrived.
    pub fn read_wire(&mut self, client: usize, max: usize) -> Checked<bool> {
        let mut learned = Learned::default();
        let mut has_read = false;
        for _ in 0..max {
            let Some(frame) = self.clients[client].session.as_mut().and_then(|session| session.wire.pop_front()) else {
                break;
            };
            has_read = true;
            note!(self, "{} #{client} reads {frame}", self.clients[client].user);
            self.clients[client].read(&frame, &mut learned)?;
            if self.clients[client].session.as_ref().is_some_and(|session| session.is_over) {
                self.drop_client(client, true, true);
            }
        }
        if has_read {
            self.read_lists(client);
        }
        learned.happened.iter().for_each(|what| self.count(what));
        for acknowledged in learned.acknowledged {
            if !self.store.committed.contains(&acknowledged.id) {
                return Err(format!("acknowledged and not stored: {acknowledged:?}"));
            }
            self.acknowledged.push(acknowledged);
        }
        Ok(has_read)
    }

    /// The database does what a commit asks, or fails.
    pub fn run_commit(&mut self, place: usize) -> bool {
        let Some(node) = &mut self.nodes[place] else { return false };
        let Some(Commit::Asked(_)) = &node.commit else { return false };
        let Some(Commit::Asked(writes)) = node.commit.take() else { return false };
        let is_away = self.ms < self.away_until.max(self.read_only_until);
        let fails = self.plan.database_fails && !self.is_healing && self.random.chance(30);
        let is_lost = self.plan.is_clustered && fails && self.random.chance(400);
        let error = || haggle::internals::db::DbError::Unavailable("by the simulation".to_owned());
        let now = self.now(place).wall;
        let outcome = if is_away || fails && !is_lost { Err(error()) } else { self.store.commit(&writes, now) };
        self.note_ended(&writes, outcome.as_ref().ok());
        outcome.iter().flat_map(names_of).for_each(|name| self.count(name));
        match (is_lost, &outcome) {
            (true, _) => self.count("answer lost"),
            (false, Err(_)) if self.ms < self.read_only_until => self.count("read-only"),
            (false, Err(_)) => self.count("not committed"),
            (false, Ok(_)) => {}
        }
        note!(
            self,
            "node {place}: {} writes: stored {}, answer lost {is_lost}: {writes:?}",
            writes.len(),
            outcome.is_ok()
        );
        if let Some(node) = &mut self.nodes[place] {
            node.commit = Some(Commit::Done(if is_lost { Err(error()) } else { outcome }));
        }
        true
    }

    /// The database answers a question, or fails.
    pub fn run_read(&mut self, place: usize) -> bool {
        let Some(node) = &mut self.nodes[place] else { return false };
        if node.reads.is_empty() {
            return false;
        }
        let read = node.reads.swap_remove(self.random.below(node.reads.len()));
        let fails = self.plan.database_fails && !self.is_healing && self.random.chance(30);
        let is_failed = fails || self.ms < self.away_until;
        if is_failed {
            self.count("not read");
        }
        let answer = if is_failed { failed(read) } else { self.store.answer(read) };
        note!(self, "node {place}: the database knows {} (failed: {is_failed})", answer.kind());
        if let Some(node) = &mut self.nodes[place] {
            node.answers.push(answer);
        }
        true
    }

    /// A node that drains and has finished ends.
    pub fn finish_drains(&mut self) -> bool {
        (0..self.nodes.len()).any(|place| self.finish_drain(place))
    }

    /// A new number for a session.
    pub fn next_session(&mut self) -> SessionId {
        self.sessions += 1;
        SessionId(self.sessions)
    }
}
