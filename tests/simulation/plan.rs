//! What one seed's world is like: how many nodes, who is there, and which faults happen.

use haggle::internals::domain::{AuthorizePolicy, RoomId, UserId};

use crate::random::Random;

/// What a client does by itself.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    Enter,
    Leave,
    Say,
    Revise,
    Read,
    Type,
    React,
    Offer,
    AnswerOffer,
    /// Something by REST, from a member, a seller or the marketplace.
    Rest,
    Drop,
}

/// How often each is done in comparison, where a seed does not prefer some.
const ACTS: [(usize, Act); 11] = [
    (20, Act::Enter),
    (4, Act::Leave),
    (26, Act::Say),
    (8, Act::Revise),
    (8, Act::Read),
    (7, Act::Type),
    (4, Act::React),
    (5, Act::Offer),
    (7, Act::AnswerOffer),
    (7, Act::Rest),
    (4, Act::Drop),
];

/// Most seeds do some things rarely and others often: where everything is as likely as everywhere else, what needs many of
/// one kind in a row never happens ("Swarm Testing", Groce et al., ISSTA 2012).
fn acts_of(random: &mut Random) -> Vec<(usize, Act)> {
    if random.chance(300) {
        return ACTS.to_vec();
    }
    let shares = ACTS.iter().map(|(weight, act)| (weight * random.pick(&[1, 4, 4, 32]).unwrap_or(4), *act));
    shares.collect()
}

/// Which faults happen, and how the world is built.
#[derive(Debug, Clone)]
pub struct Plan {
    pub nodes: usize,
    /// Whether the nodes know each other. One that is alone has SQLite, where a commit is never done without an answer.
    pub is_clustered: bool,
    pub policy: AuthorizePolicy,
    pub crashes: bool,
    pub links: bool,
    pub database_fails: bool,
    pub clocks_jump: bool,
    /// The bus loses something without a word.
    pub loses_silently: bool,
    /// The bus brings something twice.
    pub doubles: bool,
    /// Pages of history are so short that a client has to ask again.
    pub short_pages: bool,
    /// Clients send several requests before the first is answered.
    pub pipelines: bool,
    /// How often a client does each thing in comparison.
    pub acts: Vec<(usize, Act)>,
}

impl Plan {
    pub fn of(random: &mut Random) -> Self {
        let is_clustered = random.chance(700);
        let loses_silently = is_clustered && random.chance(150);
        Self {
            nodes: if is_clustered { 1 + random.below(3) } else { 1 },
            is_clustered,
            policy: match random.below(10) {
                0..=5 => AuthorizePolicy::OnEnter,
                6..=7 => AuthorizePolicy::EveryMessage,
                _ => AuthorizePolicy::RoomToken,
            },
            crashes: random.chance(600),
            links: random.chance(600),
            database_fails: random.chance(600),
            clocks_jump: random.chance(300),
            loses_silently,
            doubles: is_clustered && !loses_silently && random.chance(150),
            short_pages: random.chance(300),
            pipelines: random.chance(500),
            acts: acts_of(random),
        }
    }
}

impl Plan {
    /// Whether lists, and the presence that an inbox shows, have to be exact at rest. Among several nodes they are not yet, once
    /// a word between them, or a node, is lost before the lists were notified: `HAGGLE_SIMULATION_STRICT=1` shows where.
    pub fn lists_are_exact(&self) -> bool {
        !self.is_clustered || std::env::var_os("HAGGLE_SIMULATION_STRICT").is_some()
    }
}

/// One conversation.
pub struct Place {
    pub id: &'static str,
    pub product: &'static str,
    pub buyer: &'static str,
    pub seller: &'static str,
}

impl Place {
    pub fn room(&self) -> RoomId {
        RoomId::from_stored(self.id)
    }

    pub fn has(&self, user: &str) -> bool {
        self.buyer == user || self.seller == user
    }

    pub fn other(&self, user: &str) -> &'static str {
        if self.buyer == user { self.seller } else { self.buyer }
    }
}

pub const USERS: [&str; 4] = ["alice", "bob", "carol", "mallory"];

/// Products and their sellers.
pub const PRODUCTS: [(&str, &str); 3] = [("bike", "carol"), ("lamp", "carol"), ("book", "bob")];

pub const ROOMS: [Place; 4] = [
    Place { id: "room-1", product: "bike", buyer: "alice", seller: "carol" },
    Place { id: "room-2", product: "bike", buyer: "bob", seller: "carol" },
    Place { id: "room-3", product: "lamp", buyer: "alice", seller: "carol" },
    Place { id: "room-4", product: "book", buyer: "alice", seller: "bob" },
];

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Plain,
    SocketIo,
    Inbox,
}

/// The devices of all users. Mallory is a member of no room.
pub const DEVICES: [(&str, Wire); 8] = [
    ("alice", Wire::Plain),
    ("alice", Wire::SocketIo),
    ("bob", Wire::SocketIo),
    ("bob", Wire::Plain),
    ("carol", Wire::Plain),
    ("carol", Wire::SocketIo),
    ("carol", Wire::Inbox),
    ("mallory", Wire::Plain),
];

pub fn user(name: &str) -> UserId {
    UserId::from_stored(name)
}
