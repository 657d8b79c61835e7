//! This node among others: what it tells them, what it hears, and who is there on them.
//!
//! Everything here is absent on a server that is alone. What others tell is only a hint: `catch_up.rs` makes good what is lost.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    mem,
    time::{Duration, Instant},
};

use actix::{Addr, AsyncContext, Context, Handler};
use bytes::Bytes;

use super::{
    ChatServer,
    catch_up::{CatchUp, Confirmed, POLL_INTERVAL_AWAY},
    messages::{Arrived, LinkChanged, RegisterBus},
    profiles::Memory,
    rooms::PresenceChanged,
};
use crate::{
    actors::{
        bus::{
            Bus,
            messages::{BusOp, Tell},
        },
        hub::Delivery,
    },
    broker::{Envelope, NodeEvent, NodeId, PresenceOf, Topic},
    domain::{RoomId, RoomSummary, Seq, SessionId, StoredMessage, UserId},
    error::{ChatError, ErrorCode},
    metrics::{SharedThread, Step},
    protocol::{
        event::{RoomUpdated, ServerEvent},
        json::to_json,
        push::Push,
    },
};

/// How often a node says that it lives.
const BEAT_INTERVAL: Duration = Duration::from_secs(1);

/// Who has not said so for this long is gone, and everybody on it with it.
const BEATS_MISSED_MAX: Duration = Duration::from_millis(3500);

/// Each room's presence is told again within so many beats: one lost word is wrong no longer than that.
const BEATS_A_ROUND: u64 = 30;

/// Presence that was not told again for so many beats counts no more.
const BEATS_BELIEVED: u64 = 70;

/// So many beats after a connection came back, and one more for so many rooms, all that others have told before has been told
/// again: anyone who went meanwhile has not.
const BEATS_TO_TELL_AGAIN: u64 = 12;
const ROOMS_TOLD_AGAIN_A_BEAT: usize = 5000;

/// Rooms whose presence is told at once after a connection came back, every [`ROOMS_AGAIN_PAUSE`].
const ROOMS_AGAIN_AT_ONCE: usize = 500;

/// The pause between them.
const ROOMS_AGAIN_PAUSE: Duration = Duration::from_millis(50);

/// Stands for the sessions of a member on other nodes, where somebody types.
pub(super) const ELSEWHERE: SessionId = SessionId(u64::MAX);

/// What this node has to do with others.
#[derive(Debug)]
pub(super) struct Nodes {
    me: NodeId,
    bus: Addr<Bus>,
    out: Vec<BusOp>,
    /// Whether there is a connection, and since when it is as it is.
    pub(super) is_up: bool,
    since: Instant,
    /// When each of the others was last heard of.
    peers: HashMap<NodeId, Instant>,
    /// Rooms that this node hears of, and whom it has told to be there.
    rooms: HashMap<RoomId, PresenceOf>,
    /// Users that this node hears of.
    users: HashSet<UserId>,
    /// Rooms whose presence is to be told and asked for again.
    again: Vec<RoomId>,
    beats: u64,
    /// The beat at which the connection last came back.
    back_at: u64,
    places: RandomState,
    pub(super) catch_up: CatchUp,
}

impl Nodes {
    fn new(me: NodeId, bus: Addr<Bus>) -> Self {
        Self {
            me,
            bus,
            out: Vec::new(),
            is_up: false,
            since: Instant::now(),
            peers: HashMap::new(),
            rooms: HashMap::new(),
            users: HashSet::new(),
            again: Vec::new(),
            beats: 0,
            back_at: 0,
            places: RandomState::new(),
            catch_up: CatchUp::default(),
        }
    }

    fn tell(&mut self, topic: Topic, event: NodeEvent) {
        self.out.push(BusOp::Publish(topic, Box::new(event)));
    }

    fn tell_there(&mut self, room: RoomId, there: PresenceOf, last_seq: Seq, asks: bool) {
        self.tell(Topic::Room(room.clone()), NodeEvent::Presence { room, there, last_seq, asks });
    }

    /// In which beat of a round a room's presence is told again.
    fn beat_of(&self, room: &RoomId) -> u64 {
        self.places.hash_one(room) % BEATS_A_ROUND
    }
}

// ---- what this node tells -------------------------------------------------------------------------------------------

impl ChatServer {
    /// Tells other nodes something, if there are others.
    pub(super) fn tell_nodes(&mut self, topic: impl FnOnce() -> Topic, event: impl FnOnce() -> NodeEvent) {
        if let Some(nodes) = &mut self.nodes {
            nodes.tell(topic(), event());
        }
    }

    pub(super) fn tell_nodes_of_room(&mut self, room: &RoomId, event: impl FnOnce(RoomId) -> NodeEvent) {
        self.tell_nodes(|| Topic::Room(room.clone()), || event(room.clone()));
    }

    /// Tells other nodes that what they keep of a room is old.
    pub(super) fn room_changed_for_nodes(&mut self, room: &RoomId) {
        self.confirm(|| Confirmed::Room(room.clone()));
        self.tell_nodes_of_room(room, |room| NodeEvent::RoomChanged { room });
    }

    /// Tells other nodes that what they keep of a user is old.
    pub(super) fn user_changed_for_nodes(&mut self, user: &UserId) {
        self.confirm(|| Confirmed::User(user.clone()));
        self.tell_nodes(|| Topic::Nodes, || NodeEvent::UserChanged { user: user.clone(), is_renamed: false });
    }

    /// The same of a user who may have another name or picture, which other members' lists show.
    pub(super) fn user_put_for_nodes(&mut self, user: &UserId, is_renamed: bool) {
        self.confirm(|| Confirmed::User(user.clone()));
        self.confirm(|| Confirmed::Profile(user.clone()));
        self.tell_nodes(|| Topic::Nodes, || NodeEvent::UserChanged { user: user.clone(), is_renamed });
    }

    pub(super) fn message_for_nodes(&mut self, message: &StoredMessage) {
        self.tell_nodes_of_room(&message.room_id, |room| NodeEvent::Message {
            room,
            seq: message.seq,
            message: Some(message.clone()),
        });
    }

    pub(super) fn message_changed_for_nodes(&mut self, message: &StoredMessage) {
        self.confirm(|| Confirmed::Message(message.id.clone()));
        self.tell_nodes_of_room(&message.room_id, |_| NodeEvent::MessageChanged { message: Some(message.clone()) });
    }

    /// Tells the nodes on which a user has sessions how a room looks in their list.
    pub(super) fn list_for_nodes(&mut self, room: &RoomId, user: &UserId, summary: &RoomSummary) {
        let Some(nodes) = &mut self.nodes else { return };
        let last_seq = summary.last_seq;
        nodes.catch_up.list_told(room, last_seq);
        let data = to_json(&RoomUpdated::of(summary, &self.settings.presenter()));
        let Ok(data) = serde_json::from_slice(&data) else { return };
        let event = NodeEvent::RoomUpdated { user: user.clone(), room: room.clone(), last_seq, data };
        nodes.tell(Topic::User(user.clone()), event);
    }

    pub(super) fn inbox_presence_for_nodes(&mut self, user: &UserId, room: &RoomId, of: &UserId, online: bool) {
        self.tell_nodes(
            || Topic::User(user.clone()),
            || NodeEvent::InboxPresence { user: user.clone(), room: room.clone(), of: of.clone(), online },
        );
    }

    /// The end of a turn: tells what has gathered, and hears from now on of what it has sessions for.
    pub(super) fn flush_nodes(&mut self) {
        let Some(nodes) = &mut self.nodes else { return };
        let touched = self.rooms.take_touched();
        for room in touched.rooms {
            let now = self.rooms.room(&room).and_then(|live| Some((live.there()?, live.state().last_seq)));
            match (now, nodes.rooms.get(&room).copied()) {
                (Some((there, last_seq)), None) => {
                    nodes.rooms.insert(room.clone(), there);
                    nodes.out.push(BusOp::Watch(Topic::Room(room.clone())));
                    nodes.tell_there(room, there, last_seq, true);
                }
                (Some((there, last_seq)), Some(told)) if there != told => {
                    nodes.rooms.insert(room.clone(), there);
                    nodes.tell_there(room, there, last_seq, false);
                }
                (None, Some(told)) => {
                    nodes.rooms.remove(&room);
                    if told != PresenceOf::default() {
                        nodes.tell_there(room.clone(), PresenceOf::default(), Seq(0), false);
                    }
                    nodes.out.push(BusOp::Unwatch(Topic::Room(room)));
                }
                _ => {}
            }
        }
        for user in touched.users {
            if self.rooms.sessions_of(&user).is_empty() {
                if nodes.users.remove(&user) {
                    nodes.out.push(BusOp::Unwatch(Topic::User(user)));
                }
            } else if nodes.users.insert(user.clone()) {
                nodes.out.push(BusOp::Watch(Topic::User(user)));
            }
        }
        if nodes.out.is_empty() {
            return;
        }
        if let Err(refused) = nodes.bus.try_send(Tell(mem::take(&mut nodes.out)))
            && let actix::dev::SendError::Full(Tell(ops)) = refused
        {
            // What is told can be lost; what is wished for can't.
            let before = ops.len();
            nodes.out = ops.into_iter().filter(|op| !matches!(op, BusOp::Publish(..))).collect();
            self.metrics.node_events_unsent.inc_by((before - nodes.out.len()) as u64);
        }
    }

    fn beat(&mut self) {
        let Some(nodes) = &mut self.nodes else { return };
        nodes.beats += 1;
        nodes.tell(Topic::Nodes, NodeEvent::Beat);
        self.metrics.nodes.set(i64::try_from(nodes.peers.len() + 1).unwrap_or(i64::MAX));
        let turn = nodes.beats % BEATS_A_ROUND;
        let due: Vec<RoomId> = nodes.rooms.keys().filter(|room| nodes.beat_of(room) == turn).cloned().collect();
        for room in due {
            self.tell_room_again(room, false);
        }
        self.look_for_the_gone();
    }

    fn tell_room_again(&mut self, room: RoomId, asks: bool) {
        let Some(nodes) = &mut self.nodes else { return };
        let Some(there) = nodes.rooms.get(&room).copied() else { return };
        let Some(live) = self.rooms.room(&room) else { return };
        if asks || there != PresenceOf::default() {
            nodes.tell_there(room, there, live.state().last_seq, asks);
        }
    }

    /// Who has not been heard of is gone; but a node that hears nobody, since the connection is away, can't tell.
    fn look_for_the_gone(&mut self) {
        let Some(nodes) = &mut self.nodes else { return };
        if !nodes.is_up || nodes.since.elapsed() < BEATS_MISSED_MAX {
            return;
        }
        let before = nodes.peers.len();
        nodes.peers.retain(|_, heard| heard.elapsed() < BEATS_MISSED_MAX);
        if nodes.peers.len() < before {
            log::warn!("{} of the other nodes has gone without a word", before - nodes.peers.len());
        }
        let (beats, peers) = (nodes.beats, &nodes.peers);
        let told_again_at = nodes.back_at + BEATS_TO_TELL_AGAIN + (nodes.rooms.len() / ROOMS_TOLD_AGAIN_A_BEAT) as u64;
        let since = if beats >= told_again_at { nodes.back_at } else { 0 };
        let since = since.max(beats.saturating_sub(BEATS_BELIEVED));
        let gone = self.rooms.forget_elsewhere(|node, told_at| peers.contains_key(&node) && told_at >= since);
        for gone in gone {
            self.tell_presence(gone);
        }
    }

    /// After a connection came back, or lost something: tells and asks anew who is where, some rooms at a time.
    fn tell_all_again(&mut self, ctx: &mut Context<Self>) {
        let Some(nodes) = &mut self.nodes else { return };
        let idle = nodes.again.is_empty();
        nodes.again = nodes.rooms.keys().cloned().collect();
        if idle {
            self.tell_some_again(ctx);
        }
    }

    fn tell_some_again(&mut self, ctx: &mut Context<Self>) {
        let Some(nodes) = &mut self.nodes else { return };
        let rest = nodes.again.len().saturating_sub(ROOMS_AGAIN_AT_ONCE);
        for room in nodes.again.split_off(rest) {
            self.tell_room_again(room, true);
        }
        if rest > 0 {
            ctx.run_later(ROOMS_AGAIN_PAUSE, |server, ctx| {
                server.tell_some_again(ctx);
                server.flush(ctx);
            });
        }
    }
}

// ---- what it hears --------------------------------------------------------------------------------------------------

impl ChatServer {
    fn hear(&mut self, Envelope { node, event }: Envelope, ctx: &mut Context<Self>) {
        let Some(nodes) = &mut self.nodes else { return };
        if node == nodes.me {
            return;
        }
        nodes.peers.insert(node, Instant::now());
        match event {
            NodeEvent::Message { room, seq, message } => {
                self.mark_stale(&room);
                match message {
                    Some(message) if message.room_id == room => {
                        let data = self.settings.json_of(&message);
                        self.place(message, data);
                    }
                    _ => self.is_missing(&room, seq),
                }
            }
            NodeEvent::MessageChanged { message: Some(message) } => self.hear_change(message),
            NodeEvent::Read { room, reader, seq, unread } => {
                self.confirm(|| Confirmed::Read(room.clone(), reader.clone()));
                self.hear_read(&room, &reader, seq, unread);
            }
            NodeEvent::Typing { room, user, typing } => self.hear_typing(&room, &user, typing),
            NodeEvent::Presence { room, there, last_seq, asks } => {
                self.hear_presence(node, &room, there);
                self.is_missing(&room, last_seq);
                if asks {
                    self.tell_room_again(room, false);
                }
            }
            NodeEvent::RoomChanged { room } => {
                self.confirm(|| Confirmed::Room(room.clone()));
                self.mark_stale(&room);
                self.refresh(room, false);
            }
            NodeEvent::RoomUpdated { user, room, last_seq, data } => {
                self.confirm(|| Confirmed::List(room.clone()));
                if self.nodes.as_mut().is_some_and(|nodes| nodes.catch_up.list_told(&room, last_seq)) {
                    let push = Push::from_json("roomUpdated", Bytes::from(data.get().to_owned()));
                    let sessions = self.rooms.sessions_of(&user).to_vec();
                    self.tell_sessions(sessions, Some(&room), &push);
                }
            }
            NodeEvent::InboxPresence { user, room, of, online } => {
                let push = Push::new(&ServerEvent::Presence { room_id: room, user_id: of, online });
                self.tell_inbox(&user, &push);
            }
            NodeEvent::EndSessions { user, sentence } => {
                self.confirm(|| Confirmed::SessionsEnded(user.clone()));
                self.end_sessions_here(&user, &ChatError::new(ErrorCode::Forbidden, sentence));
            }
            NodeEvent::UserChanged { user, is_renamed } => {
                self.confirm(|| Confirmed::User(user.clone()));
                self.mark_user_stale(&user);
                for room in self.rooms.rooms_of(&user) {
                    self.refresh(room, false);
                }
                if is_renamed {
                    self.confirm(|| Confirmed::Profile(user.clone()));
                    self.show_profile(user, Memory::Old, ctx);
                }
            }
            NodeEvent::WhoIsThere { user } => {
                for PresenceChanged { room, user: of, online, .. } in self.rooms.others_online(&user) {
                    self.inbox_presence_for_nodes(&user, &room, &of, online);
                }
            }
            NodeEvent::TakeOver { pid_hash } => self.taken_over_elsewhere(&pid_hash),
            NodeEvent::Bye => {
                if let Some(nodes) = &mut self.nodes {
                    nodes.peers.remove(&node);
                }
                for gone in self.rooms.forget_elsewhere(|other, _| other != node) {
                    self.tell_presence(gone);
                }
            }
            NodeEvent::Beat | NodeEvent::MessageChanged { message: None } => {}
        }
    }

    fn hear_presence(&mut self, node: NodeId, room: &RoomId, there: PresenceOf) {
        let beats = self.nodes.as_ref().map_or(0, |nodes| nodes.beats);
        for changed in self.rooms.told_presence(room, node, there, beats) {
            self.tell_presence(changed);
        }
    }

    /// A message stands differently, and another node or the database has said so.
    fn hear_change(&mut self, message: StoredMessage) {
        self.confirm(|| Confirmed::Message(message.id.clone()));
        self.show_change(message);
    }

    /// Takes over a message that was changed elsewhere, and shows it to those who are in its room here.
    pub(super) fn show_change(&mut self, message: StoredMessage) {
        self.mark_stale(&message.room_id);
        let Some(live) = self.rooms.room_mut(&message.room_id) else { return };
        if message.seq > live.state().last_seq {
            // Its turn has not come. What is read then is how it stands then.
            let (room, seq) = (message.room_id, message.seq);
            return self.is_missing(&room, seq);
        }
        live.changed(&message);
        let push = Push::from_json("messageUpdated", self.settings.json_of(&message));
        self.tell_room(&message.room_id, Delivery::Change, &push, None);
    }

    fn hear_read(&mut self, room: &RoomId, reader: &UserId, seq: Seq, unread: i64) {
        self.mark_stale(room);
        let Some(live) = self.rooms.room_mut(room) else { return };
        let Some(role) = live.role_of(reader) else { return };
        if seq > live.state().member(role).read_seq {
            live.read(reader, seq, unread);
            self.tell_reader(room, reader, seq);
        }
    }

    /// The last word of another node about a room shows that a message is missing.
    fn is_missing(&mut self, room: &RoomId, seq: Seq) {
        if self.rooms.room(room).is_some_and(|live| live.state().last_seq < seq) {
            self.fill(room.clone());
        }
    }
}

impl Handler<RegisterBus> for ChatServer {
    type Result = ();

    fn handle(&mut self, RegisterBus { node, bus }: RegisterBus, ctx: &mut Self::Context) {
        self.nodes = Some(Nodes::new(node, bus));
        self.rooms.note_touched();
        ctx.run_interval(BEAT_INTERVAL, |server, ctx| {
            server.guarded("beat", Self::beat);
            server.flush(ctx);
        });
        ctx.run_interval(POLL_INTERVAL_AWAY, |server, ctx| {
            server.guarded("news", |server| server.look_for_news(ctx));
            server.flush(ctx);
        });
    }
}

impl Handler<Arrived> for ChatServer {
    type Result = ();

    fn handle(&mut self, Arrived(events): Arrived, ctx: &mut Self::Context) {
        let _step = Step::begin(&self.metrics, SharedThread::ChatServer, "arrived");
        for event in events {
            self.guarded("node event", |server| server.hear(event, ctx));
        }
        self.tell_answered();
    }
}

impl Handler<LinkChanged> for ChatServer {
    type Result = ();

    fn handle(&mut self, LinkChanged { up }: LinkChanged, ctx: &mut Self::Context) {
        let Some(nodes) = &mut self.nodes else { return };
        let now = Instant::now();
        if up && !nodes.is_up {
            // Who was there before the connection went away may be there still, and has its time to say so.
            nodes.peers.values_mut().for_each(|heard| *heard = now);
        }
        let is_new = up != nodes.is_up;
        if is_new {
            (nodes.is_up, nodes.since) = (up, now);
        }
        nodes.catch_up.distrust();
        // Who came or went in what a connection that stands has lost is told again with its round.
        if up && is_new {
            nodes.back_at = nodes.beats;
            self.tell_all_again(ctx);
        }
        self.look_for_news(ctx);
    }
}
