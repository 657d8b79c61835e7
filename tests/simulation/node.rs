//! One node: a core, its hubs, and everything that is on its way to or from it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use haggle::internals::{
    actors::hub::Hub,
    broker::{NodeId, Topic},
    chat::{
        Chat, ChatSettings,
        db_read::{DbAnswer, DbRead},
        effects::{Effects, When},
        hub_op::Op,
        in_flight::{InFlight, Slot},
        input::{Input, Now},
        request::SessionEvent,
        timer::Timer,
    },
    db::{DbError, Outcomes, Write},
    domain::{AuthorizePolicy, SessionId, Timestamp},
    metrics::Metrics,
    protocol::view::{Presenter, SignImageUrls},
};

/// Hubs of a node.
pub const HUBS: usize = 2;

/// A batch at the database.
pub enum Commit {
    Asked(Vec<Write>),
    Done(Result<Outcomes, DbError>),
}

/// When a timer is due.
#[derive(Debug, Clone, Copy)]
pub enum Due {
    /// In milliseconds since the world began.
    At(u64),
    /// By the node's own clock.
    Wall(i64),
}

/// A node that runs.
pub struct Node {
    pub chat: Chat,
    pub out: Effects,
    pub id: NodeId,
    pub metrics: Arc<Metrics>,
    pub hubs: Vec<Hub>,
    /// Lists of operations on their way to each hub.
    pub to_hubs: Vec<VecDeque<Vec<Op>>>,
    /// What each session has sent.
    pub uplinks: BTreeMap<SessionId, VecDeque<SessionEvent>>,
    /// What REST and the marketplace have sent.
    pub inputs: VecDeque<Input>,
    pub timers: Vec<(Due, Timer)>,
    pub reads: Vec<DbRead>,
    pub answers: Vec<DbAnswer>,
    pub commit: Option<Commit>,
    pub topics: Vec<Topic>,
    /// What the core is yet to hear of its connection to the others.
    pub link_news: VecDeque<bool>,
    pub turn_is_open: bool,
    in_flight: InFlight,
}

/// Addresses of images that are not signed.
#[derive(Debug)]
pub struct Paths;

impl SignImageUrls for Paths {
    fn sign(&self, key: &str) -> String {
        format!("/{key}")
    }
}

/// Shows what is stored, before any offer expires.
pub fn as_stored() -> Presenter<'static> {
    Presenter::new(Timestamp(0), &Paths)
}

/// What a node hands to the network.
pub type Published = Vec<haggle::internals::chat::effects::BusOp>;

impl Node {
    pub fn new(policy: AuthorizePolicy, now: Now, life: u64) -> Self {
        let metrics = Arc::new(Metrics::default());
        let settings = ChatSettings { policy, rooms_per_session_max: None, image_urls: Arc::new(Paths) };
        let hubs = (0..HUBS).map(|_| Hub::new(Duration::from_secs(3600), 1 << 20, Arc::clone(&metrics))).collect();
        Self {
            chat: Chat::new(settings, now, Arc::clone(&metrics)),
            out: Effects::default(),
            id: NodeId::try_from(format!("{life:016x}")).unwrap(),
            metrics,
            hubs,
            to_hubs: (0..HUBS).map(|_| VecDeque::new()).collect(),
            uplinks: BTreeMap::new(),
            inputs: VecDeque::new(),
            timers: Vec::new(),
            reads: Vec::new(),
            answers: Vec::new(),
            commit: None,
            topics: vec![Topic::Nodes],
            link_news: VecDeque::new(),
            turn_is_open: false,
            in_flight: InFlight::default(),
        }
    }

    pub fn slot(&self) -> Slot {
        self.in_flight.take(&self.metrics)
    }

    /// Something happens; what does not wait for the end of the turn begins.
    pub fn on(&mut self, input: Input, now: Now, world_ms: u64) {
        self.turn_is_open = true;
        self.chat.on(input, now, &mut self.out);
        self.begin_effects(world_ms);
    }

    fn begin_effects(&mut self, world_ms: u64) {
        if let Some(writes) = self.out.commit.take() {
            assert!(self.commit.is_none(), "two batches at once");
            self.commit = Some(Commit::Asked(writes));
        }
        self.reads.append(&mut self.out.reads);
        for (when, timer) in self.out.timers.drain(..) {
            let due = match when {
                When::After(wait) => Due::At(world_ms + u64::try_from(wait.as_millis()).unwrap()),
                When::At(Timestamp(at)) => Due::Wall(at),
            };
            self.timers.push((due, timer));
        }
    }

    /// The end of a turn. Returns what goes to the network.
    pub fn end_turn(&mut self, now: Now, world_ms: u64) -> Published {
        self.on(Input::TurnEnded, now, world_ms);
        self.turn_is_open = false;
        for (hub, ops) in self.out.take_ops() {
            self.to_hubs[hub.0].push_back(ops);
        }
        self.out.take_bus_ops()
    }

    /// Timers that are due, by their places.
    pub fn due(&self, world_ms: u64, wall: i64) -> Vec<usize> {
        let is_due = |due: &Due| match due {
            Due::At(at) => *at <= world_ms,
            Due::Wall(at) => *at <= wall,
        };
        (0..self.timers.len()).filter(|place| is_due(&self.timers[*place].0)).collect()
    }

    /// How long until the next timer is due.
    pub fn next_due(&self, world_ms: u64, wall: i64) -> Option<u64> {
        let wait = |due: &Due| match due {
            Due::At(at) => at.saturating_sub(world_ms),
            Due::Wall(at) => u64::try_from(at - wall).unwrap_or(0),
        };
        self.timers.iter().map(|(due, _)| wait(due)).min()
    }

    /// Whether anything but a timer waits.
    pub fn is_busy(&self) -> bool {
        self.turn_is_open
            || !self.reads.is_empty()
            || !self.answers.is_empty()
            || self.commit.is_some()
            || !self.inputs.is_empty()
            || !self.link_news.is_empty()
            || self.uplinks.values().any(|waiting| !waiting.is_empty())
            || self.to_hubs.iter().any(|waiting| !waiting.is_empty())
    }
}

/// The moment it is, for a core.
pub fn now(base: Instant, world_ms: u64, wall: i64) -> Now {
    Now { wall: Timestamp(wall), at: base + Duration::from_millis(world_ms) }
}
