//! This node among others: which of them live, and who is online where.
//!
//! Everything here is absent on a server that is alone. What others publish is only a hint: `reconcile.rs` makes good what is lost.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

use super::reconcile::Reconcile;
use crate::{
    broker::{NodeEvent, NodeId, PresenceOf, Topic},
    chat::{
        effects::Effects,
        input::Now,
        rooms::{PresenceChanged, Rooms},
        timer::Timer,
    },
    domain::{RoomId, Seq, SessionId, UserId},
    metrics::Metrics,
};

/// How often a node says that it lives.
pub(in crate::chat) const BEAT_INTERVAL: Duration = Duration::from_secs(1);

/// Who has not said so for this long is gone, and everybody on it with it.
const BEATS_MISSED_MAX: Duration = Duration::from_millis(3500);

/// Each room's presence is published again within so many beats: one lost word is wrong no longer than that.
const BEATS_PER_ROUND: u64 = 30;

/// Presence that was not published again for so many beats counts no more.
const BEATS_BELIEVED: u64 = 70;

/// So many beats after a connection came back, and one more for so many rooms, all that others have published before has been published
/// again: anyone who went meanwhile has not.
const BEATS_TO_HEAR_ALL: u64 = 12;
const ROOMS_HEARD_PER_BEAT: usize = 5000;

/// Rooms whose presence is published at once after a connection came back, every [`ROOMS_AGAIN_PAUSE`].
const ROOMS_AGAIN_AT_ONCE: usize = 500;

/// The pause between them.
const ROOMS_AGAIN_PAUSE: Duration = Duration::from_millis(50);

/// Stands for the sessions of a member on other nodes, where somebody types.
pub(in crate::chat) const ELSEWHERE: SessionId = SessionId(u64::MAX);

/// What this node has to do with others.
#[derive(Debug)]
pub(in crate::chat) struct Nodes {
    me: NodeId,
    /// Whether there is a connection, and since when it is as it is.
    pub(in crate::chat) is_up: bool,
    since: Instant,
    /// When each of the others was last heard of.
    peers: HashMap<NodeId, Instant>,
    /// Rooms that this node hears of, and whom it has published to be there. In order, so that one history has one outcome.
    rooms: BTreeMap<RoomId, PresenceOf>,
    /// Users that this node hears of.
    users: HashSet<UserId>,
    /// Rooms whose presence is to be published and asked for again.
    again: Vec<RoomId>,
    beats: u64,
    /// The beat at which the connection last came back.
    back_at: u64,
    pub(in crate::chat) reconcile: Reconcile,
}

impl Nodes {
    /// Which node this is.
    pub(super) fn id(&self) -> NodeId {
        self.me
    }

    pub(super) fn new(me: NodeId, now: Now) -> Self {
        Self {
            me,
            is_up: false,
            since: now.at,
            peers: HashMap::new(),
            rooms: BTreeMap::new(),
            users: HashSet::new(),
            again: Vec::new(),
            beats: 0,
            back_at: 0,
            reconcile: Reconcile::default(),
        }
    }

    /// The end of a turn: publishes who has come or gone, and subscribes to what it has sessions for.
    pub(in crate::chat) fn flush(&mut self, rooms: &mut Rooms, out: &mut Effects) {
        let touched = rooms.take_touched();
        for room in touched.rooms {
            self.room_touched(room, rooms, out);
        }
        for user in touched.users {
            let has_sessions = !rooms.sessions_of(&user).is_empty();
            let has_changed = if has_sessions { self.users.insert(user.clone()) } else { self.users.remove(&user) };
            if has_changed {
                out.watch(Topic::User(user), has_sessions);
            }
        }
    }

    fn room_touched(&mut self, room: RoomId, rooms: &Rooms, out: &mut Effects) {
        let now = rooms.room(&room).and_then(|live| Some((live.there()?, live.state().last_seq)));
        match (now, self.rooms.get(&room).copied()) {
            (Some((there, last_seq)), None) => {
                self.rooms.insert(room.clone(), there);
                out.watch(Topic::Room(room.clone()), true);
                publish_presence(room, there, last_seq, true, out);
            }
            (Some((there, last_seq)), Some(published)) if there != published => {
                self.rooms.insert(room.clone(), there);
                publish_presence(room, there, last_seq, false, out);
            }
            (None, Some(published)) => {
                self.rooms.remove(&room);
                if published != PresenceOf::default() {
                    publish_presence(room.clone(), PresenceOf::default(), Seq(0), false, out);
                }
                out.watch(Topic::Room(room), false);
            }
            _ => {}
        }
    }

    /// Says that this node lives, and looks who else does. Returns who is gone with a node that does not.
    pub(in crate::chat) fn beat(
        &mut self,
        now: Now,
        rooms: &mut Rooms,
        metrics: &Metrics,
        out: &mut Effects,
    ) -> Vec<PresenceChanged> {
        self.beats += 1;
        out.publish(Topic::Nodes, NodeEvent::Beat);
        metrics.nodes.set(i64::try_from(self.peers.len() + 1).unwrap_or(i64::MAX));
        let turn = self.beats % BEATS_PER_ROUND;
        let due: Vec<RoomId> = self.rooms.keys().filter(|room| beat_of(room) == turn).cloned().collect();
        for room in due {
            self.publish_presence_again(room, false, rooms, out);
        }
        self.look_for_the_gone(now, rooms)
    }

    /// Publishes again who is in a room. `asks` for the same from the others.
    pub(super) fn publish_presence_again(&self, room: RoomId, asks: bool, rooms: &Rooms, out: &mut Effects) {
        let Some(there) = self.rooms.get(&room).copied() else { return };
        let Some(live) = rooms.room(&room) else { return };
        if asks || there != PresenceOf::default() {
            publish_presence(room, there, live.state().last_seq, asks, out);
        }
    }

    /// Who has not been heard of is gone; but a node that hears nobody, since the connection is down, can't know.
    fn look_for_the_gone(&mut self, now: Now, rooms: &mut Rooms) -> Vec<PresenceChanged> {
        if !self.is_up || now.at.saturating_duration_since(self.since) < BEATS_MISSED_MAX {
            return Vec::new();
        }
        let before = self.peers.len();
        self.peers.retain(|_, heard| now.at.saturating_duration_since(*heard) < BEATS_MISSED_MAX);
        if self.peers.len() < before {
            log::warn!("{} of the other nodes has gone without a word", before - self.peers.len());
        }
        let (beats, peers) = (self.beats, &self.peers);
        let all_heard_at = self.back_at + BEATS_TO_HEAR_ALL + (self.rooms.len() / ROOMS_HEARD_PER_BEAT) as u64;
        let since = if beats >= all_heard_at { self.back_at } else { 0 };
        let since = since.max(beats.saturating_sub(BEATS_BELIEVED));
        rooms.forget_elsewhere(|node, heard_at| peers.contains_key(&node) && heard_at >= since)
    }

    /// A node has ended. Returns who is gone with it.
    pub(super) fn remove(&mut self, node: NodeId, rooms: &mut Rooms) -> Vec<PresenceChanged> {
        self.peers.remove(&node);
        rooms.forget_elsewhere(|other, _| other != node)
    }

    /// Another node has been heard of. Returns whether it is another one.
    pub(super) fn heard_of(&mut self, node: NodeId, now: Now) -> bool {
        if node == self.me {
            return false;
        }
        self.peers.insert(node, now.at);
        true
    }

    /// Another node has published who is in a room. Returns who came or went by it.
    pub(super) fn presence_heard(
        &self,
        node: NodeId,
        room: &RoomId,
        there: PresenceOf,
        rooms: &mut Rooms,
    ) -> Vec<PresenceChanged> {
        rooms.presence_heard(room, node, there, self.beats)
    }

    /// The connection came or went, or has lost something.
    pub(super) fn link_changed(&mut self, up: bool, now: Now, rooms: &Rooms, out: &mut Effects) {
        if up && !self.is_up {
            // Who was there before the connection went down may be there still, and has its time to say so.
            self.peers.values_mut().for_each(|heard| *heard = now.at);
        }
        let is_new = up != self.is_up;
        if is_new {
            (self.is_up, self.since) = (up, now.at);
        }
        self.reconcile.distrust();
        // Who came or went in what a connection that stands has lost is published again with its round.
        if up && is_new {
            self.back_at = self.beats;
            self.publish_all_again(rooms, out);
        }
    }

    /// After a connection came back, or lost something: publishes and asks again who is where, some rooms at a time.
    fn publish_all_again(&mut self, rooms: &Rooms, out: &mut Effects) {
        let idle = self.again.is_empty();
        self.again = self.rooms.keys().cloned().collect();
        if idle {
            self.publish_some_again(rooms, out);
        }
    }

    /// Goes on with the next rooms.
    pub(in crate::chat) fn publish_some_again(&mut self, rooms: &Rooms, out: &mut Effects) {
        let rest = self.again.len().saturating_sub(ROOMS_AGAIN_AT_ONCE);
        for room in self.again.split_off(rest) {
            self.publish_presence_again(room, true, rooms, out);
        }
        if rest > 0 {
            out.after(ROOMS_AGAIN_PAUSE, Timer::PresenceAgain);
        }
    }
}

fn publish_presence(room: RoomId, there: PresenceOf, last_seq: Seq, asks: bool, out: &mut Effects) {
    out.publish(Topic::Room(room.clone()), NodeEvent::Presence { room, there, last_seq, asks });
}

/// In which beat of a round a room's presence is published again.
fn beat_of(room: &RoomId) -> u64 {
    let mut hasher = DefaultHasher::new();
    room.hash(&mut hasher);
    hasher.finish() % BEATS_PER_ROUND
}
