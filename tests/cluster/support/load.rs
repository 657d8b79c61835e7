//! The load: in each room a buyer and a seller on different nodes, who both speak, and who bear what happens to their nodes.
//!
//! A client keeps what it has received, sends again what was not acknowledged, with the same key, and reconnects with the
//! last `seq` that it has. It checks each message as it comes: the next in its room, and no other.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet, VecDeque},
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Cluster, DEADLINE, wire::Wire};

/// Rooms of one load.
const ROOMS: usize = 200;

/// A member says something about as often.
const PAUSE_MS: u64 = 2000;

/// An unanswered request is sent again on a new connection.
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// A load that runs.
pub struct Load {
    members: Vec<Rc<Member>>,
    tasks: Vec<actix_web::rt::task::JoinHandle<()>>,
    is_over: Rc<Cell<bool>>,
}

/// What one member has, and what became of it.
struct Member {
    name: String,
    room: String,
    home: SocketAddr,
    others: Vec<SocketAddr>,
    /// Ids of messages by their `seq`: the first is 1.
    received: RefCell<Vec<String>>,
    /// By the key: the message's id once it is acknowledged.
    said: RefCell<HashMap<String, Option<String>>>,
    is_there: Cell<bool>,
    returns: Cell<usize>,
    faults: RefCell<Vec<String>>,
}

/// A generator of the same numbers for the same seed: SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

impl Load {
    /// Starts it on rooms that are seeded, and waits until all clients have entered.
    pub async fn start(cluster: &Cluster, seed: u64) -> Self {
        eprintln!("seed {seed}");
        cluster.seed(ROOMS);
        let addrs: Vec<SocketAddr> = cluster.nodes.iter().map(super::node::Node::addr).collect();
        let is_over = Rc::new(Cell::new(false));
        let (mut members, mut tasks) = (Vec::new(), Vec::new());
        for place in 0..ROOMS {
            for (role, node) in [("buyer", place), ("seller", place + 1)] {
                let home = addrs[node % addrs.len()];
                let member = Rc::new(Member {
                    name: format!("{role}-{place}"),
                    room: format!("room-{place}"),
                    home,
                    others: addrs.iter().copied().filter(|addr| *addr != home).collect(),
                    received: RefCell::default(),
                    said: RefCell::default(),
                    is_there: Cell::new(false),
                    returns: Cell::new(0),
                    faults: RefCell::default(),
                });
                let random = Random(seed.wrapping_mul(1_000_003).wrapping_add((2 * place + node) as u64));
                tasks.push(actix_web::rt::spawn(live(Rc::clone(&member), random, Rc::clone(&is_over))));
                members.push(member);
            }
        }
        let load = Self { members, tasks, is_over };
        super::until("everybody is there", async || load.members.iter().all(|member| member.is_there.get())).await;
        load
    }

    /// Lets it run.
    pub async fn run(&self, time: Duration) {
        tokio::time::sleep(time).await;
        self.check();
    }

    fn check(&self) {
        let faults: Vec<String> = self.members.iter().flat_map(|member| member.faults.borrow().clone()).collect();
        assert!(faults.is_empty(), "{} faults, such as:\n{}", faults.len(), faults[..faults.len().min(10)].join("\n"));
    }

    /// How many messages were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.members.iter().map(|member| member.said.borrow().values().flatten().count()).sum()
    }

    /// Waits until something more was acknowledged and received in every room.
    pub async fn goes_on(&self) {
        let before: Vec<usize> = self.members.iter().map(|member| member.received.borrow().len()).collect();
        super::until("everybody receives something again", async || {
            self.check();
            self.members.iter().zip(&before).all(|(member, before)| member.received.borrow().len() > *before)
        })
        .await;
    }

    /// Stops all senders until everyone has every message. A lost message shows as a hole only if another one follows.
    pub async fn rest(&self) {
        self.is_over.set(true);
        super::until("everybody has what was said last", async || {
            self.check();
            self.members.iter().all(|member| self.has_everything(member))
        })
        .await;
        self.is_over.set(false);
    }

    /// Ends it: everything that was begun is acknowledged, and each client has every message of its room, in order and once.
    pub async fn settle(self) {
        self.is_over.set(true);
        let started = Instant::now();
        while !self.members.iter().all(|member| self.has_everything(member)) {
            self.check();
            if started.elapsed() > DEADLINE {
                let late: Vec<String> = self
                    .members
                    .iter()
                    .filter(|member| !self.has_everything(member))
                    .map(|member| {
                        let open = member.said.borrow().values().filter(|id| id.is_none()).count();
                        format!("{}: {} received, {open} unanswered", member.name, member.received.borrow().len())
                    })
                    .collect();
                panic!("{} have not everything, such as:\n{}", late.len(), late[..late.len().min(10)].join("\n"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // What comes twice or too much would come now.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        self.check();
        for pair in self.members.chunks(2) {
            let (buyer, seller) = (pair[0].received.borrow(), pair[1].received.borrow());
            assert_eq!(*buyer, *seller, "the two of {} were sent different things", pair[0].room);
            let unique: HashSet<&String> = buyer.iter().collect();
            assert_eq!(unique.len(), buyer.len(), "something came twice in {}", pair[0].room);
            for member in pair {
                for (key, id) in member.said.borrow().iter() {
                    let id = id.as_ref().unwrap();
                    assert!(unique.contains(id), "{key} was acknowledged and lost");
                }
            }
            let said: usize = pair.iter().map(|member| member.said.borrow().len()).sum();
            assert_eq!(said, buyer.len(), "something was stored twice in {}", pair[0].room);
        }
        let returns: usize = self.members.iter().map(|member| member.returns.get()).sum();
        eprintln!(
            "{} messages in {} rooms, every one received by both; {returns} reconnections; settled after {:?}",
            self.acknowledged(),
            self.members.len() / 2,
            started.elapsed()
        );
        for task in &self.tasks {
            task.abort();
        }
    }

    fn has_everything(&self, member: &Member) -> bool {
        let place = self.members.iter().position(|other| other.name == member.name).unwrap();
        let pair = &self.members[place / 2 * 2..place / 2 * 2 + 2];
        let said: usize = pair.iter().map(|member| member.said.borrow().len()).sum();
        let open = member.said.borrow().values().any(Option::is_none);
        !open && member.received.borrow().len() >= said
    }
}

/// One member's life: connected again and again, for as long as the test runs.
async fn live(member: Rc<Member>, mut random: Random, is_over: Rc<Cell<bool>>) {
    let mut open: VecDeque<String> = VecDeque::new();
    let mut tries = 0;
    loop {
        // Its own node first; if that does not answer, another one.
        let addr = match tries {
            0 | 1 => member.home,
            _ => member.others[tries % member.others.len()],
        };
        if let Some(mut wire) = Wire::connect(addr, &member.name).await {
            if member.is_there.get() {
                member.returns.set(member.returns.get() + 1);
            }
            if stay(&member, &mut wire, &mut random, &is_over, &mut open).await {
                tries = 0;
            }
        }
        tries += 1;
        tokio::time::sleep(Duration::from_millis(50 + random.below(300))).await;
    }
}

/// One connection, until it ends. Returns whether it was let into the room.
async fn stay(
    member: &Member,
    wire: &mut Wire,
    random: &mut Random,
    is_over: &Cell<bool>,
    open: &mut VecDeque<String>,
) -> bool {
    if !enter(member, wire).await {
        return false;
    }
    member.is_there.set(true);
    let mut under_way: HashMap<u64, (String, Instant)> = HashMap::new();
    for key in open.iter() {
        let Some(id) = say(member, wire, key).await else { return true };
        under_way.insert(id, (key.clone(), Instant::now()));
    }
    let mut next = Instant::now() + Duration::from_millis(random.below(PAUSE_MS));
    loop {
        let frame = tokio::time::timeout(next.saturating_duration_since(Instant::now()), wire.read()).await;
        match frame {
            Ok(Some(frame)) => {
                if frame["event"] == "message" {
                    receive(member, &frame["data"], true);
                } else if frame["event"] == "draining" {
                    let wait = frame["data"]["reconnectInMs"].as_u64().unwrap_or(0);
                    // As a client does that was sent a time to reconnect after. What is under way is answered before the
                    // close.
                    tokio::time::sleep(Duration::from_millis(wait.min(300))).await;
                } else if let Some((key, _)) = frame["reply"].as_u64().and_then(|id| under_way.remove(&id)) {
                    match frame["error"]["code"].as_str() {
                        None => {
                            let id = frame["data"]["id"].as_str().unwrap().to_owned();
                            member.said.borrow_mut().insert(key.clone(), Some(id));
                            open.retain(|other| *other != key);
                        }
                        Some("unavailable") => {
                            tokio::time::sleep(Duration::from_millis(100 + random.below(200))).await;
                            let Some(id) = say(member, wire, &key).await else { return true };
                            under_way.insert(id, (key, Instant::now()));
                        }
                        Some(other) => member.faults.borrow_mut().push(format!("{}: {other}", member.name)),
                    }
                }
            }
            Ok(None) => return true,
            Err(_) => {
                if under_way.values().any(|(_, since)| since.elapsed() > ANSWER_MAX) {
                    return true;
                }
                next = Instant::now() + Duration::from_millis(PAUSE_MS / 2 + random.below(PAUSE_MS));
                // A sender with many unanswered messages waits with the next.
                if !is_over.get() && open.len() < 8 {
                    let key = format!("{}-{}", member.name, member.said.borrow().len());
                    member.said.borrow_mut().insert(key.clone(), None);
                    open.push_back(key.clone());
                    let Some(id) = say(member, wire, &key).await else { return true };
                    under_way.insert(id, (key, Instant::now()));
                }
            }
        }
    }
}

async fn say(member: &Member, wire: &mut Wire, key: &str) -> Option<u64> {
    wire.send("message", json!({ "roomId": member.room, "text": format!("words of {key}"), "clientId": key })).await
}

/// Enters the room with what the member has, until it has everything.
async fn enter(member: &Member, wire: &mut Wire) -> bool {
    loop {
        let after = member.received.borrow().len();
        let Some(id) = wire.send("enterRoom", json!({ "roomId": member.room, "after": after })).await else {
            return false;
        };
        let deadline = Instant::now() + ANSWER_MAX;
        let answer = loop {
            let frame = tokio::time::timeout(deadline.saturating_duration_since(Instant::now()), wire.read()).await;
            match frame {
                Ok(Some(frame)) if frame["reply"] == id => break frame,
                Ok(Some(frame)) if frame["event"] == "message" => receive(member, &frame["data"], true),
                Ok(Some(_)) => {}
                _ => return false,
            }
        };
        if answer.get("error").is_some() {
            return false;
        }
        for message in answer["data"]["messages"].as_array().unwrap() {
            receive(member, message, false);
        }
        if answer["data"]["hasMore"] != true {
            return true;
        }
    }
}

fn receive(member: &Member, message: &Value, is_live: bool) {
    let mut received = member.received.borrow_mut();
    let seq = message["seq"].as_u64().unwrap() as usize;
    if seq == received.len() + 1 {
        received.push(message["id"].as_str().unwrap().to_owned());
    } else {
        let how = if is_live { "live" } else { "history" };
        let fault = format!("{} has {} and got {seq} ({how})", member.name, received.len());
        member.faults.borrow_mut().push(fault);
    }
}
