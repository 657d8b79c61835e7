//! This node among others: what it publishes, what it receives, and who is online on them.
//!
//! Everything here is absent on a server that is alone. What others publish is only a hint: `reconcile.rs` makes good what is lost.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::reconcile::{Confirmed, POLL_INTERVAL_UNCONNECTED, Reconcile};
use crate::{
    broker::{Envelope, NodeEvent, NodeId, PresenceOf, Topic},
    chat::{
        Chat, db_read::Memory, hub_op::Delivery, input::Now, rooms::PresenceChanged, timer::Timer,
        unread_totals::ListUpdate,
    },
    domain::{MessageId, RoomId, RoomSummary, Seq, SessionId, StoredMessage, Timestamp, UserId, staff::ends_at},
    error::{ChatError, ErrorCode},
    protocol::{event::ServerEvent, push::Push},
};

/// How often a node says that it lives.
const BEAT_INTERVAL: Duration = Duration::from_secs(1);

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

/// Says that a room adds nothing to its member's total of unread messages.
const NO_SHARE: i64 = -1;

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
    fn new(me: NodeId, now: Now) -> Self {
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
}

/// In which beat of a round a room's presence is published again.
fn beat_of(room: &RoomId) -> u64 {
    let mut hasher = DefaultHasher::new();
    room.hash(&mut hasher);
    hasher.finish() % BEATS_PER_ROUND
}

// ---- what this node publishes ---------------------------------------------------------------------------------------

impl Chat {
    /// Tells other nodes something, if there are others.
    pub(in crate::chat) fn publish(&mut self, topic: impl FnOnce() -> Topic, event: impl FnOnce() -> NodeEvent) {
        if self.nodes.is_some() {
            self.out.publish(topic(), event());
        }
    }

    fn publish_presence(&mut self, room: RoomId, there: PresenceOf, last_seq: Seq, asks: bool) {
        self.out.publish(Topic::Room(room.clone()), NodeEvent::Presence { room, there, last_seq, asks });
    }

    pub(in crate::chat) fn publish_to_room(&mut self, room: &RoomId, event: impl FnOnce(RoomId) -> NodeEvent) {
        self.publish(|| Topic::Room(room.clone()), || event(room.clone()));
    }

    /// Tells other nodes that what they keep of a room is old.
    pub(in crate::chat) fn publish_room_changed(&mut self, room: &RoomId) {
        self.confirm(|| Confirmed::Room(room.clone()));
        self.publish_to_room(room, |room| NodeEvent::RoomChanged { room, settings_of: None });
    }

    /// The same of a member's own settings of the room, which the other member's list does not show.
    pub(in crate::chat) fn publish_room_settings(&mut self, room: &RoomId, member: &UserId) {
        self.confirm(|| Confirmed::RoomSettings(room.clone(), member.clone()));
        let settings_of = Some(member.clone());
        self.publish_to_room(room, |room| NodeEvent::RoomChanged { room, settings_of });
    }

    /// Tells other nodes that what they keep of a user is old.
    pub(in crate::chat) fn publish_user_changed(&mut self, user: &UserId) {
        self.confirm(|| Confirmed::User(user.clone()));
        self.publish(|| Topic::Nodes, || NodeEvent::UserChanged { user: user.clone(), is_renamed: false });
    }

    /// The same of a user who may have another name or picture, which other members' lists show.
    pub(in crate::chat) fn publish_user_put(&mut self, user: &UserId, is_renamed: bool) {
        self.confirm(|| Confirmed::User(user.clone()));
        self.confirm(|| Confirmed::Profile(user.clone()));
        self.publish(|| Topic::Nodes, || NodeEvent::UserChanged { user: user.clone(), is_renamed });
    }

    pub(in crate::chat) fn publish_message(&mut self, message: &StoredMessage) {
        self.publish_to_room(&message.room_id, |room| NodeEvent::Message {
            room,
            seq: message.seq,
            message: Some(message.clone()),
        });
    }

    pub(in crate::chat) fn publish_change(&mut self, message: &StoredMessage) {
        self.change_said(&message.id, None);
        self.publish_to_room(&message.room_id, |_| NodeEvent::MessageChanged { message: Some(message.clone()) });
    }

    /// Tells the nodes on which a user has sessions how a room looks in their list.
    pub(in crate::chat) fn publish_list(&mut self, user: &UserId, summary: &RoomSummary, data: &[u8]) {
        let Some(nodes) = &mut self.nodes else { return };
        let (room, last_seq) = (summary.room.id.clone(), summary.last_seq);
        nodes.reconcile.list_sent(&room, last_seq);
        let Ok(data) = serde_json::from_slice(data) else { return };
        let unread = Some(summary.unread_share().unwrap_or(NO_SHARE));
        let event = NodeEvent::RoomUpdated { user: user.clone(), room, last_seq, data, unread };
        self.out.publish(Topic::User(user.clone()), event);
    }

    pub(in crate::chat) fn publish_inbox_presence(&mut self, user: &UserId, room: &RoomId, of: &UserId, online: bool) {
        self.publish(
            || Topic::User(user.clone()),
            || NodeEvent::InboxPresence { user: user.clone(), room: room.clone(), of: of.clone(), online },
        );
    }

    /// The end of a turn: publishes who has come or gone, and subscribes to what it has sessions for.
    pub(in crate::chat) fn flush_nodes(&mut self) {
        if self.nodes.is_none() {
            return;
        }
        let touched = self.rooms.take_touched();
        for room in touched.rooms {
            self.room_touched(room);
        }
        let Some(nodes) = &mut self.nodes else { return };
        for user in touched.users {
            let has_sessions = !self.rooms.sessions_of(&user).is_empty();
            let has_changed = if has_sessions { nodes.users.insert(user.clone()) } else { nodes.users.remove(&user) };
            if has_changed {
                self.out.watch(Topic::User(user), has_sessions);
            }
        }
    }

    fn room_touched(&mut self, room: RoomId) {
        let Some(nodes) = &mut self.nodes else { return };
        let now = self.rooms.room(&room).and_then(|live| Some((live.there()?, live.state().last_seq)));
        match (now, nodes.rooms.get(&room).copied()) {
            (Some((there, last_seq)), None) => {
                nodes.rooms.insert(room.clone(), there);
                self.out.watch(Topic::Room(room.clone()), true);
                self.publish_presence(room, there, last_seq, true);
            }
            (Some((there, last_seq)), Some(told)) if there != told => {
                nodes.rooms.insert(room.clone(), there);
                self.publish_presence(room, there, last_seq, false);
            }
            (None, Some(told)) => {
                nodes.rooms.remove(&room);
                if told != PresenceOf::default() {
                    self.publish_presence(room.clone(), PresenceOf::default(), Seq(0), false);
                }
                self.out.watch(Topic::Room(room), false);
            }
            _ => {}
        }
    }

    /// Says that this node lives, and looks who else does.
    pub(in crate::chat) fn beat(&mut self) {
        self.out.after(BEAT_INTERVAL, Timer::Heartbeat);
        let Some(nodes) = &mut self.nodes else { return };
        nodes.beats += 1;
        self.out.publish(Topic::Nodes, NodeEvent::Beat);
        self.metrics.nodes.set(i64::try_from(nodes.peers.len() + 1).unwrap_or(i64::MAX));
        let turn = nodes.beats % BEATS_PER_ROUND;
        let due: Vec<RoomId> = nodes.rooms.keys().filter(|room| beat_of(room) == turn).cloned().collect();
        for room in due {
            self.publish_presence_again(room, false);
        }
        self.look_for_the_gone();
    }

    fn publish_presence_again(&mut self, room: RoomId, asks: bool) {
        let Some(nodes) = &self.nodes else { return };
        let Some(there) = nodes.rooms.get(&room).copied() else { return };
        let Some(live) = self.rooms.room(&room) else { return };
        if asks || there != PresenceOf::default() {
            self.publish_presence(room, there, live.state().last_seq, asks);
        }
    }

    /// Who has not been heard of is gone; but a node that hears nobody, since the connection is down, can't know.
    fn look_for_the_gone(&mut self) {
        let Some(nodes) = &mut self.nodes else { return };
        if !nodes.is_up || self.now.at.saturating_duration_since(nodes.since) < BEATS_MISSED_MAX {
            return;
        }
        let before = nodes.peers.len();
        nodes.peers.retain(|_, heard| self.now.at.saturating_duration_since(*heard) < BEATS_MISSED_MAX);
        if nodes.peers.len() < before {
            log::warn!("{} of the other nodes has gone without a word", before - nodes.peers.len());
        }
        let (beats, peers) = (nodes.beats, &nodes.peers);
        let all_heard_at = nodes.back_at + BEATS_TO_HEAR_ALL + (nodes.rooms.len() / ROOMS_HEARD_PER_BEAT) as u64;
        let since = if beats >= all_heard_at { nodes.back_at } else { 0 };
        let since = since.max(beats.saturating_sub(BEATS_BELIEVED));
        let gone = self.rooms.forget_elsewhere(|node, heard_at| peers.contains_key(&node) && heard_at >= since);
        for gone in gone {
            self.send_presence(gone);
        }
    }

    /// After a connection came back, or lost something: publishes and asks again who is where, some rooms at a time.
    fn publish_all_again(&mut self) {
        let Some(nodes) = &mut self.nodes else { return };
        let idle = nodes.again.is_empty();
        nodes.again = nodes.rooms.keys().cloned().collect();
        if idle {
            self.publish_some_again();
        }
    }

    /// Goes on with the next rooms.
    pub(in crate::chat) fn publish_some_again(&mut self) {
        let Some(nodes) = &mut self.nodes else { return };
        let rest = nodes.again.len().saturating_sub(ROOMS_AGAIN_AT_ONCE);
        for room in nodes.again.split_off(rest) {
            self.publish_presence_again(room, true);
        }
        if rest > 0 {
            self.out.after(ROOMS_AGAIN_PAUSE, Timer::PresenceAgain);
        }
    }
}

// ---- what it hears --------------------------------------------------------------------------------------------------

impl Chat {
    fn hear(&mut self, Envelope { node, event }: Envelope) {
        let Some(nodes) = &mut self.nodes else { return };
        if node == nodes.me {
            return;
        }
        nodes.peers.insert(node, self.now.at);
        match event {
            NodeEvent::Message { room, seq, message } => self.hear_message(&room, seq, message),
            NodeEvent::MessageChanged { message: Some(message) } => {
                self.change_said(&message.id, Some(node));
                self.show_change(message);
            }
            NodeEvent::Read { room, reader, seq, unread } => {
                self.confirm(|| Confirmed::Read(room.clone(), reader.clone()));
                self.hear_read(&room, &reader, seq, unread);
            }
            NodeEvent::Typing { room, user, typing } => self.hear_typing(&room, &user, typing),
            NodeEvent::Presence { room, there, last_seq, asks } => {
                self.hear_presence(node, &room, there);
                self.is_missing(&room, last_seq);
                if asks {
                    self.publish_presence_again(room, false);
                }
            }
            NodeEvent::RoomChanged { room, settings_of } => {
                match settings_of {
                    Some(member) => self.confirm(|| Confirmed::RoomSettings(room.clone(), member)),
                    None => self.confirm(|| Confirmed::Room(room.clone())),
                }
                self.mark_stale(&room);
                self.refresh(room, false);
            }
            NodeEvent::RoomUpdated { user, room, last_seq, data, unread } => {
                self.confirm(|| Confirmed::List(room.clone()));
                if self.nodes.as_mut().is_some_and(|nodes| nodes.reconcile.list_sent(&room, last_seq)) {
                    let share = unread.map(|unread| Some(unread).filter(|unread| *unread >= 0));
                    let data = Bytes::from(data.get().to_owned());
                    self.send_list_update(&user, ListUpdate { room, data, share });
                }
            }
            NodeEvent::InboxPresence { user, room, of, online } => {
                let push = Push::new(&ServerEvent::Presence { room_id: room, user_id: of, online });
                self.send_to_inbox(&user, &push);
            }
            NodeEvent::EndSessions { user, sentence, banned_until } => {
                self.hear_sessions_ended(user, sentence, banned_until);
            }
            NodeEvent::SessionsEndNoted { user } => self.hear_end_noted(user),
            NodeEvent::UserChanged { user, is_renamed } => self.hear_user_changed(user, is_renamed),
            NodeEvent::WhoIsThere { user } => {
                for PresenceChanged { room, user: of, online, .. } in self.rooms.others_online(&user) {
                    self.publish_inbox_presence(&user, &room, &of, online);
                }
            }
            NodeEvent::TakeOver { pid_hash } => self.taken_over_elsewhere(&pid_hash),
            NodeEvent::Bye => self.hear_bye(node),
            NodeEvent::Beat | NodeEvent::MessageChanged { message: None } => {}
        }
    }

    fn hear_sessions_ended(&mut self, user: UserId, sentence: String, banned_until: Option<Timestamp>) {
        self.confirm(|| Confirmed::EndHeard(user.clone()));
        let error = match banned_until {
            Some(until) => ChatError::banned(ends_at(until)),
            None => ChatError::new(ErrorCode::Forbidden, sentence),
        };
        self.end_sessions_here(&user, &error);
        if let Some(until) = banned_until {
            self.bans.add(user, until, self.now.at);
        }
    }

    fn hear_end_noted(&mut self, user: UserId) {
        if let Some(nodes) = &mut self.nodes {
            nodes.reconcile.sessions_end_noted(user);
        }
    }

    fn hear_message(&mut self, room: &RoomId, seq: Seq, message: Option<StoredMessage>) {
        self.mark_stale(room);
        match message {
            Some(message) if message.room_id == *room => {
                let data = self.settings.json_of(&message, self.now.wall);
                self.place(message, data);
            }
            _ => self.is_missing(room, seq),
        }
    }

    fn hear_user_changed(&mut self, user: UserId, is_renamed: bool) {
        self.confirm(|| Confirmed::User(user.clone()));
        self.bans.lift(&user);
        self.mark_user_stale(&user);
        for room in self.rooms.rooms_of(&user) {
            self.refresh(room, false);
        }
        if is_renamed {
            self.confirm(|| Confirmed::Profile(user.clone()));
            self.show_profile(user, Memory::Old);
        }
    }

    fn hear_bye(&mut self, node: NodeId) {
        if let Some(nodes) = &mut self.nodes {
            nodes.peers.remove(&node);
        }
        for gone in self.rooms.forget_elsewhere(|other, _| other != node) {
            self.send_presence(gone);
        }
    }

    fn hear_presence(&mut self, node: NodeId, room: &RoomId, there: PresenceOf) {
        let beats = self.nodes.as_ref().map_or(0, |nodes| nodes.beats);
        for changed in self.rooms.presence_heard(room, node, there, beats) {
            self.send_presence(changed);
        }
    }

    /// A node says that a message stands differently: this one, without `by`.
    fn change_said(&mut self, message: &MessageId, by: Option<NodeId>) {
        self.confirm(|| Confirmed::Message(message.clone()));
        if let Some(nodes) = &mut self.nodes {
            let by = by.unwrap_or(nodes.me);
            nodes.reconcile.message_changed(message, by);
        }
    }

    /// Takes over a message that was changed elsewhere, and shows it to those who are in its room here.
    pub(in crate::chat) fn show_change(&mut self, message: StoredMessage) {
        self.mark_stale(&message.room_id);
        let data = self.settings.json_of(&message, self.now.wall);
        if self.is_early(&message) {
            return self.early_changed(message, data);
        }
        let Some(live) = self.rooms.room_mut(&message.room_id) else { return };
        live.changed(&message, false);
        self.send_to_room(&message.room_id, Delivery::Change, &Push::from_json("messageUpdated", data), None);
        if message.deleted_at.is_some() {
            self.refresh(message.room_id, true);
        }
    }

    fn hear_read(&mut self, room: &RoomId, reader: &UserId, seq: Seq, unread: i64) {
        self.mark_stale(room);
        let Some(live) = self.rooms.room_mut(room) else { return };
        if live.role_of(reader).is_some() && live.read(reader, seq, unread) {
            self.send_read(room, reader, seq);
        }
    }

    /// The last word of another node about a room shows that a message is missing.
    fn is_missing(&mut self, room: &RoomId, seq: Seq) {
        if self.rooms.room(room).is_some_and(|live| live.state().last_seq < seq) {
            self.fill(room.clone());
        }
    }

    /// This server is a node among others from now on.
    pub(in crate::chat) fn join_nodes(&mut self, node: NodeId) {
        self.nodes = Some(Nodes::new(node, self.now));
        self.rooms.note_touched();
        self.out.after(BEAT_INTERVAL, Timer::Heartbeat);
        self.out.after(POLL_INTERVAL_UNCONNECTED, Timer::LookForNews);
    }

    /// Other nodes have sent something.
    pub(in crate::chat) fn arrived(&mut self, events: Vec<Envelope>) {
        for event in events {
            self.guarded("node event", |chat| chat.hear(event));
        }
        self.send_answered_reads();
    }

    /// The connection to other nodes came or went, or has lost something.
    pub(in crate::chat) fn link_changed(&mut self, up: bool) {
        let now = self.now.at;
        let Some(nodes) = &mut self.nodes else { return };
        if up && !nodes.is_up {
            // Who was there before the connection went down may be there still, and has its time to say so.
            nodes.peers.values_mut().for_each(|heard| *heard = now);
        }
        let is_new = up != nodes.is_up;
        if is_new {
            (nodes.is_up, nodes.since) = (up, now);
        }
        nodes.reconcile.distrust();
        // Who came or went in what a connection that stands has lost is published again with its round.
        if up && is_new {
            nodes.back_at = nodes.beats;
            self.publish_all_again();
        }
        self.look_for_news();
    }
}
