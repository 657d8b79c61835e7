//! The safety net between nodes: what no other node has published, or what was published and lost, comes from the database.
//!
//! Messages and changes have numbers in the order of commits. A node asks once per second what is new, by name alone, and compares
//! it with what it knows: a message by its `seq`, one that has changed by how it stands, anything else by whether some node has
//! published it meanwhile. What it does not know after half a second it reads. Without NATS it asks four times per second and does not wait.

mod answers;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    mem,
    time::{Duration, Instant},
};

use super::lists_sent::ListsSent;
use crate::{
    broker::NodeId,
    chat::{
        Audience, Chat, Reach,
        db_read::{DbRead, Memory},
        effects::Effects,
        request::{MessageChange, RoomRequest},
        rooms::{LiveRoom, Rooms},
        timer::Timer,
    },
    db::{ChangedMessage, CommitCursor, Committed, Noted, RoomState},
    domain::{MessageId, Role, RoomId, StoredMessage, UserId, message::MessageState},
    error::{ChatError, ErrorCode},
    protocol::push::Position,
};

/// How often a node that hears the others looks whether they have published everything.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How often a node looks that does not hear them.
pub(in crate::chat) const POLL_INTERVAL_UNCONNECTED: Duration = Duration::from_millis(250);

/// For so long what is new in the database may still be on its way through NATS.
const ON_ITS_WAY: Duration = Duration::from_millis(500);

/// Messages, and other changes, that one look returns.
pub(crate) const NEWS_MAX: i64 = 2000;

/// Rooms that are read at once, and messages of each.
const ROOMS_AT_ONCE: usize = 64;

/// Missing messages of one room that are read at once.
pub(crate) const MISSING_MAX: i64 = 200;

/// Most bytes of messages that one reading returns, about. What is beyond is read next.
pub(crate) const MISSING_BYTES_MAX: usize = 1024 * 1024;

/// Something other than a message of which a node was notified, or that it has done itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::chat) enum Confirmed {
    Read(RoomId, UserId),
    Delivered(RoomId, UserId),
    Room(RoomId),
    RoomSettings(RoomId, UserId),
    User(UserId),
    Profile(UserId),
    SessionsEnded(UserId),
    /// A user's sessions were ended by a word whose note may never be stored.
    EndHeard(UserId),
}

/// What a look has shown, and when.
#[derive(Debug)]
struct Look {
    at: Instant,
    messages: Vec<Committed>,
    notes: Vec<Noted>,
    /// Rooms and messages that could not be read: nothing that another node has published stands for them.
    unread_rooms: Vec<(RoomId, bool)>,
    unread_changes: Vec<MessageId>,
}

impl Look {
    /// One that shows nothing yet.
    fn at(at: Instant) -> Self {
        Self { at, messages: Vec::new(), notes: Vec::new(), unread_rooms: Vec::new(), unread_changes: Vec::new() }
    }
}

/// What is known of the database's news, and what is still to be read.
#[derive(Debug, Default)]
pub(in crate::chat) struct Reconcile {
    /// Up to where the news were read; `None` before the first look.
    place: Option<CommitCursor>,
    is_looking: bool,
    looked_at: Option<Instant>,
    looks: VecDeque<Look>,
    /// What other nodes have sent, or this one has done, since the looks before the last one, and how often: each is for one
    /// note of the database's. The newer half first.
    confirmed: [HashMap<Confirmed, u32>; 2],
    /// What members' lists were sent, in the same two halves.
    pub(in crate::chat) lists: ListsSent,
    turned_at: Option<Instant>,
    missing: BTreeSet<RoomId>,
    is_filling: bool,
    /// Rooms of which something is old, and whether nobody else notifies their members' lists.
    stale: BTreeMap<RoomId, bool>,
    is_refreshing: bool,
    /// Rooms that have changed since rooms were last asked for.
    changed_since: BTreeSet<RoomId>,
    /// Messages that were edited or taken back.
    changed: BTreeSet<MessageId>,
    /// Those that are being read.
    changed_asked: BTreeSet<MessageId>,
    /// Which node has said last of each message that it stands differently, and how, in the same two halves.
    changed_by: [HashMap<MessageId, (NodeId, MessageState)>; 2],
    /// Rooms that were read while the writer had a batch of this node's: it may have been stored before that, and its outcome is
    /// applied after it.
    read_early: BTreeSet<RoomId>,
    /// The outcome of that batch is being applied.
    is_landing: bool,
    /// Up to here in the order of commits, everything was delivered that this node has sessions for.
    settled: Position,
}

impl Reconcile {
    /// Up to where in the order of commits everything was delivered that this node has sessions for.
    pub(in crate::chat) fn settled(&self) -> Position {
        self.settled
    }

    /// What is being read of a room may be older than this change of it. What was read early may be newer than what the batch has
    /// done: then the room is read again.
    pub(in crate::chat) fn room_changed(&mut self, room: &RoomId) {
        if self.is_refreshing {
            self.changed_since.insert(room.clone());
        }
        if self.is_landing && self.read_early.remove(room) {
            self.stale.insert(room.clone(), true);
        }
    }

    /// A room was read while the writer has a batch of this node's.
    pub(super) fn room_read_early(&mut self, room: &RoomId) {
        self.read_early.insert(room.clone());
    }

    /// The outcome of the batch is about to be applied, or is applied.
    pub(super) fn batch_lands(&mut self, is_applied: bool) {
        self.is_landing = !is_applied;
        if is_applied {
            self.read_early.clear();
        }
    }

    /// A node says that a message stands differently, or this one does. What another node has said of it shortly before, or what
    /// is being read of it, may be the newer one of the two: then the message is read again.
    pub(super) fn message_changed(&mut self, message: &StoredMessage, by: NodeId) {
        let other = self.last_said(&message.id).is_some_and(|(other, _)| other != by);
        if other || self.changed_asked.contains(&message.id) {
            self.changed.insert(message.id.clone());
        }
        self.changed_by[0].insert(message.id.clone(), (by, message.state()));
    }

    fn last_said(&self, message: &MessageId) -> Option<(NodeId, MessageState)> {
        self.changed_by.iter().find_map(|half| half.get(message)).copied()
    }

    /// Whether a message stands as some node has said last. Its notes in the database replace one another, so they can't be
    /// counted: of two changes the second may be lost.
    fn is_known(&self, message: &MessageId, state: MessageState) -> bool {
        self.last_said(message).is_some_and(|(_, said)| said == state)
    }

    pub(super) fn confirm(&mut self, what: Confirmed) {
        *self.confirmed[0].entry(what).or_default() += 1;
    }

    /// Whether a note says what is known. It is known once: the next one may be of a later change, which was lost.
    fn take_confirmed(&mut self, what: &Confirmed) -> bool {
        let Some(half) = self.confirmed.iter_mut().find(|half| half.contains_key(what)) else { return false };
        if let Some(times) = half.get_mut(what) {
            *times -= 1;
            if *times == 0 {
                half.remove(what);
            }
        }
        true
    }

    /// The database has noted that a user's sessions were ended: the word that ended them stands for that note, if it came here.
    pub(super) fn sessions_end_noted(&mut self, user: UserId) {
        if self.take_confirmed(&Confirmed::EndHeard(user.clone())) {
            self.confirm(Confirmed::SessionsEnded(user));
        }
    }

    /// Something may have been lost: what was heard lately proves nothing.
    pub(in crate::chat) fn distrust(&mut self) {
        // What ends sessions must not end those that have come back since.
        for half in &mut self.confirmed {
            half.retain(|what, _| matches!(what, Confirmed::SessionsEnded(_) | Confirmed::EndHeard(_)));
        }
        self.lists.distrust();
        self.looked_at = None;
    }

    /// The end of a turn: reads what is known to be missing, one question of each kind at a time.
    pub(in crate::chat) fn flush(&mut self, rooms: &Rooms, out: &mut Effects) {
        if !self.is_filling && !self.missing.is_empty() {
            let asked = Self::take_some(&mut self.missing);
            let last_seq = |room: &RoomId| Some((room.clone(), rooms.room(room)?.state().last_seq));
            let since = asked.iter().filter_map(last_seq).collect();
            self.is_filling = true;
            out.read(DbRead::Missing { asked, since });
        }
        if !self.is_refreshing && !self.stale.is_empty() {
            let old: Vec<RoomId> = self.stale.keys().take(ROOMS_AT_ONCE).cloned().collect();
            let asked = old.iter().filter_map(|room| self.stale.remove_entry(room)).collect();
            self.is_refreshing = true;
            self.changed_since.clear();
            out.read(DbRead::RoomsAgain(asked));
        }
        if self.changed_asked.is_empty() && !self.changed.is_empty() {
            self.changed_asked = mem::take(&mut self.changed);
            out.read(DbRead::Changed(self.changed_asked.iter().cloned().collect()));
        }
    }

    /// It is to be read again how a message stands.
    pub(super) fn read_again(&mut self, message: MessageId) {
        self.changed.insert(message);
    }

    /// Messages of a room are missing.
    pub(super) fn missing_in(&mut self, room: RoomId) {
        self.missing.insert(room);
    }

    /// Something of a room in memory is old. With `alone` nobody else notifies its members' lists.
    pub(super) fn is_old(&mut self, room: RoomId, alone: bool) {
        *self.stale.entry(room).or_default() |= alone;
    }

    /// Asks what is new, when it is time.
    fn look(&mut self, now: Instant, is_up: bool, out: &mut Effects) {
        self.turn(now);
        let is_early = is_up && self.looked_at.is_some_and(|at| now.duration_since(at) < POLL_INTERVAL);
        if !self.is_looking && !is_early {
            self.is_looking = true;
            self.looked_at = Some(now);
            out.read(self.place.map_or(DbRead::Newest, DbRead::News));
        }
    }

    fn turn(&mut self, now: Instant) {
        if self.turned_at.is_none_or(|at| now.duration_since(at) > 3 * POLL_INTERVAL) {
            self.turned_at = Some(now);
            self.confirmed.swap(0, 1);
            self.confirmed[0].clear();
            self.lists.turn();
            self.changed_by.swap(0, 1);
            self.changed_by[0].clear();
        }
    }

    #[cfg(test)]
    pub(in crate::chat) fn is_looking(&self) -> bool {
        self.is_looking
    }

    #[cfg(test)]
    pub(in crate::chat) fn is_missing_in(&self, room: &RoomId) -> bool {
        self.missing.contains(room)
    }

    fn take_some(rooms: &mut BTreeSet<RoomId>) -> Vec<RoomId> {
        let some: Vec<RoomId> = rooms.iter().take(ROOMS_AT_ONCE).cloned().collect();
        rooms.retain(|room| !some.contains(room));
        some
    }
}

impl Chat {
    /// It may be time to look what is new.
    pub(in crate::chat) fn look_again(&mut self) {
        self.out.after(POLL_INTERVAL_UNCONNECTED, Timer::LookForNews);
        self.look_for_news();
    }

    /// Looks what is new, when it is time.
    pub(in crate::chat) fn look_for_news(&mut self) {
        let Some(nodes) = &mut self.cluster.nodes else { return };
        nodes.reconcile.look(self.now.at, nodes.is_up, &mut self.out);
        self.examine();
    }

    /// Compares what looks have shown with what is known, once it has had its time to come.
    fn examine(&mut self) {
        loop {
            let Some(nodes) = &mut self.cluster.nodes else { return };
            let waits = if nodes.is_up { ON_ITS_WAY } else { Duration::ZERO };
            let Some(look) =
                nodes.reconcile.looks.pop_front_if(|look| self.now.at.saturating_duration_since(look.at) >= waits)
            else {
                break;
            };
            for message in look.messages {
                self.compare_message(message);
            }
            for noted in look.notes {
                self.compare_note(noted);
            }
            for (room, alone) in look.unread_rooms {
                self.cluster.refresh(room, alone, &self.rooms);
            }
            if let Some(nodes) = &mut self.cluster.nodes {
                nodes.reconcile.changed.extend(look.unread_changes);
            }
        }
    }

    fn compare_message(&mut self, Committed { room, seq, buyer, seller, .. }: Committed) {
        match self.rooms.room(&room) {
            Some(live) if live.state().last_seq < seq => self.cluster.fill(room),
            // A room in memory may have been read since, and the node that has stored the message may be gone: lists know
            // only what they were sent.
            _ => {
                for (role, user) in [(Role::Buyer, buyer), (Role::Seller, seller)] {
                    if !self.rooms.sessions_of(&user).is_empty()
                        && let Some(nodes) = &mut self.cluster.nodes
                        && nodes.reconcile.lists.misses(&room, &user, seq)
                    {
                        self.with_room(RoomRequest::AnnounceTo(room.clone(), Audience::here(role)));
                    }
                }
            }
        }
    }

    /// The database shows that a user has another name or picture, and no node has said so: what is in memory is old.
    fn profile_noted(&mut self, user: UserId) {
        for room in self.rooms.rooms_of(&user) {
            self.cluster.refresh(room, false, &self.rooms);
        }
        self.profiles.show(user, Memory::Old, &self.rooms, &mut self.out);
    }

    /// Sends this node's sessions of both members how a room looks: another node has changed it, and its event may be lost.
    fn announce_here(&mut self, room: RoomId) {
        self.with_room(RoomRequest::AnnounceTo(room, Audience::both(Reach::Here)));
    }

    /// A message stands differently, in a room that this node may not have in memory, and no node has said so.
    pub(in crate::chat) fn change_found(&mut self, ChangedMessage { message, buyer, seller }: ChangedMessage) {
        let room = message.room_id.clone();
        let is_held = self.rooms.room(&room).is_some();
        let change = Box::new(MessageChange::from(&message));
        self.show_change(message);
        if is_held {
            return self.room_updated_here(room);
        }
        let nodes = self.cluster.nodes.as_ref();
        let sent = nodes.map(|nodes| nodes.reconcile.lists.heard_of(&room)).unwrap_or_default();
        let misses = |user: &UserId| !self.rooms.sessions_of(user).is_empty() && !sent.contains(user);
        if [&buyer, &seller].into_iter().any(misses) {
            self.with_room(RoomRequest::AnnounceChange(change, Reach::Here));
        }
    }

    /// Whether no other node has sent a room to the list of a member who has sessions on this node.
    fn misses_list(&self, room: &RoomId) -> bool {
        let sent = self.cluster.nodes.as_ref().map(|nodes| nodes.reconcile.lists.heard_of(room)).unwrap_or_default();
        let Some(live) = self.rooms.room(room) else { return sent.is_empty() };
        let members = [Role::Buyer, Role::Seller].map(|role| &live.state().member_user(role).id);
        members.into_iter().any(|user| !self.rooms.sessions_of(user).is_empty() && !sent.contains(user))
    }

    fn compare_note(&mut self, noted: Noted) {
        let Some(nodes) = &mut self.cluster.nodes else { return };
        let confirmed = match &noted {
            Noted::Message(id, state) if nodes.reconcile.is_known(id, *state) => return,
            Noted::Message(..) => None,
            Noted::Read(room, user) => Some(Confirmed::Read(room.clone(), user.clone())),
            Noted::Delivered(room, user) => Some(Confirmed::Delivered(room.clone(), user.clone())),
            Noted::Room(room) => Some(Confirmed::Room(room.clone())),
            Noted::RoomSettings(room, user) => Some(Confirmed::RoomSettings(room.clone(), user.clone())),
            Noted::User(user) => Some(Confirmed::User(user.clone())),
            Noted::Profile(user) => Some(Confirmed::Profile(user.clone())),
            Noted::SessionsEnded(user) => Some(Confirmed::SessionsEnded(user.clone())),
            Noted::Product(_) => None,
        };
        if confirmed.is_some_and(|confirmed| nodes.reconcile.take_confirmed(&confirmed)) {
            if let Noted::Room(room) = noted
                && self.misses_list(&room)
            {
                // The node that has changed it may be gone before it has notified the lists.
                self.announce_here(room);
            }
            return;
        }
        match noted {
            Noted::Message(id, _) => drop(nodes.reconcile.changed.insert(id)),
            Noted::Read(room, _) | Noted::Delivered(room, _) => self.cluster.refresh(room, true, &self.rooms),
            Noted::Room(room) | Noted::RoomSettings(room, _) if self.rooms.room(&room).is_some() => {
                self.cluster.refresh(room, true, &self.rooms);
            }
            Noted::Room(room) | Noted::RoomSettings(room, _) => self.announce_here(room),
            Noted::User(user) => {
                for room in self.rooms.rooms_of(&user) {
                    self.cluster.refresh(room, true, &self.rooms);
                }
            }
            Noted::Profile(user) => self.profile_noted(user),
            Noted::SessionsEnded(user) => {
                let error = ChatError::new(ErrorCode::Forbidden, "the marketplace has ended this session");
                self.deliveries().end_sessions_here(&user, &error);
                self.profile_noted(user);
            }
            Noted::Product(product) => {
                for room in self.rooms.rooms_showing(&product) {
                    self.cluster.refresh(room, false, &self.rooms);
                }
            }
        }
    }

    /// Takes over how a room stands in the database, and sends its members here what is new of it.
    fn refreshed(&mut self, state: &RoomState, alone: bool, is_current: bool) {
        let room = state.room.id.clone();
        let Some(live) = self.rooms.room(&room) else { return };
        let marks = Role::BOTH.map(|role| live.state().member(role).marks());
        self.deliveries().sharing_changes_here(&room, |live| live.refresh(state, is_current));
        for (role, before) in Role::BOTH.into_iter().zip(marks) {
            let (user, now) = (&state.member_user(role).id, state.member(role).marks());
            if now.read_seq > before.read_seq {
                self.deliveries().send_read(&room, user, now.read_seq);
            }
            if now.delivered_seq > before.delivered_seq {
                self.deliveries().member_received(&room, user, now.delivered_seq);
            }
        }
        let known = self.rooms.room(&room).map_or(state.last_seq, |live| live.state().last_seq);
        if known < state.last_seq {
            self.cluster.fill(room.clone());
        }
        if (known != state.last_seq || !is_current)
            && let Some(nodes) = &mut self.cluster.nodes
        {
            // What is unread is known when both know the same messages.
            let unread_rooms = vec![(room.clone(), alone)];
            nodes.reconcile.looks.push_back(Look { unread_rooms, ..Look::at(self.now.at) });
        }
        for user in self.rooms.room(&room).map(LiveRoom::doubtful_staff).unwrap_or_default() {
            // Another node has let them leave. What was read may be older than their joining, so they are asked for again.
            self.reads.member(room.clone(), user);
        }
        if alone {
            self.room_updated_here(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Timestamp, sample};

    #[test]
    fn a_confirmation_counts_for_one_note() {
        let room = || Confirmed::Room(RoomId::from_stored("r"));
        let mut reconcile = Reconcile::default();
        reconcile.confirm(room());
        reconcile.turn(Instant::now());
        reconcile.confirm(room());
        assert!(reconcile.take_confirmed(&room()) && reconcile.take_confirmed(&room()));
        assert!(!reconcile.take_confirmed(&room()), "a third change was lost on its way");
    }

    #[test]
    fn a_message_is_known_as_it_was_said_last() {
        let node = NodeId::random();
        let first = sample::message(&RoomId::from_stored("r"), 1, "alice");
        let second = StoredMessage { deleted_at: Some(Timestamp(1)), ..first.clone() };
        let mut reconcile = Reconcile::default();
        assert!(!reconcile.is_known(&first.id, first.state()));
        for said in [&first, &second, &first] {
            reconcile.message_changed(said, node);
            for (other, is_known) in [(said, true), (if *said == first { &second } else { &first }, false)] {
                assert_eq!(reconcile.is_known(&first.id, other.state()), is_known);
            }
            reconcile.turn(Instant::now());
        }
        assert!(reconcile.changed.is_empty(), "one node says it in its order");
    }
}
