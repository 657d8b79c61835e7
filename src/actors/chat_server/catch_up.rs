//! The safety net between nodes: what no other node has told, or what was told and lost, comes from the database.
//!
//! Messages and changes have numbers in the order of commits. A node asks once a second what is new, by name alone, and compares
//! it with what it knows: a message by its `seq`, anything else by whether some node has told of it meanwhile. What it does not
//! know after half a second it reads. Without NATS it asks four times a second and does not wait.

pub(super) mod answers;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    mem,
    time::{Duration, Instant},
};

use actix::Context;
use answers::{ChangedRead, MissingRead, NewestFound, NewsRead, RoomsRead};

use super::{
    Audience, ChatServer, Reach,
    profiles::Memory,
    work::{MessageChange, Work},
};
use crate::{
    db::{self, CommitCursor as Place, Committed, Found, Noted, RoomState},
    domain::{MessageId, Role, RoomId, Seq, UserId},
    error::{ChatError, ErrorCode},
    protocol::push::Position,
};

/// How often a node that hears the others looks whether they have told everything.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How often a node looks that does not hear them.
pub(super) const POLL_INTERVAL_AWAY: Duration = Duration::from_millis(250);

/// For so long what is new in the database may still be on its way through NATS.
const ON_ITS_WAY: Duration = Duration::from_millis(500);

/// Messages, and other changes, that one look returns.
const NEWS_MAX: i64 = 2000;

/// Rooms that are read at once, and messages of each.
const ROOMS_AT_ONCE: usize = 64;

/// Missing messages of one room that are read at once.
const MISSING_MAX: i64 = 200;

/// Most bytes of messages that one reading returns, about. What is beyond is read next.
const MISSING_BYTES_MAX: usize = 1024 * 1024;

/// Something other than a message of which a node was told, or that it has done itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Confirmed {
    Message(MessageId),
    Read(RoomId, UserId),
    Room(RoomId),
    User(UserId),
    Profile(UserId),
    SessionsEnded(UserId),
    /// A room, to the lists of this node's sessions.
    List(RoomId),
}

/// What a look has shown, and when.
#[derive(Debug)]
struct Look {
    at: Instant,
    messages: Vec<Committed>,
    notes: Vec<Noted>,
}

/// What is known of the database's news, and what is still to be read.
#[derive(Debug, Default)]
pub(super) struct CatchUp {
    /// Up to where the news were read; `None` before the first look.
    place: Option<Place>,
    is_looking: bool,
    looked_at: Option<Instant>,
    looks: VecDeque<Look>,
    /// What other nodes have sent, or this one has done, since the looks before the last one, and how often: each is for one
    /// note of the database's. The newer half first.
    confirmed: [HashMap<Confirmed, u32>; 2],
    /// The newest message with which each room was told to lists, in the same two halves.
    lists: [HashMap<RoomId, Seq>; 2],
    turned_at: Option<Instant>,
    /// Rooms in which messages are missing.
    missing: HashSet<RoomId>,
    is_filling: bool,
    /// Rooms of which something is old, and whether nobody else tells their members' lists.
    stale: HashMap<RoomId, bool>,
    is_refreshing: bool,
    /// Messages that were edited or taken back.
    changed: HashSet<MessageId>,
    is_reading_changed: bool,
    /// Up to here in the order of commits, everything was delivered that this node has sessions for.
    settled: Position,
}

impl CatchUp {
    /// Up to where in the order of commits everything was delivered that this node has sessions for.
    pub(super) fn settled(&self) -> Position {
        self.settled
    }

    /// A room was told to its members' lists. Returns whether that is not older than what they were told before.
    pub(super) fn list_told(&mut self, room: &RoomId, seq: Seq) -> bool {
        let known = self.list_of(room);
        if known.is_some_and(|known| known > seq) {
            return false;
        }
        self.lists[0].insert(room.clone(), seq);
        true
    }

    fn list_of(&self, room: &RoomId) -> Option<Seq> {
        self.lists.iter().filter_map(|lists| lists.get(room)).max().copied()
    }

    fn is_confirmed(&self, what: &Confirmed) -> bool {
        self.confirmed.iter().any(|half| half.contains_key(what))
    }

    fn confirm(&mut self, what: Confirmed) {
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

    /// Something may have been lost: what was told lately proves nothing.
    pub(super) fn distrust(&mut self) {
        // What ends sessions must not end those that have come back since.
        for half in &mut self.confirmed {
            half.retain(|what, _| matches!(what, Confirmed::SessionsEnded(_)));
        }
        self.looked_at = None;
    }

    fn turn(&mut self, now: Instant) {
        if self.turned_at.is_none_or(|at| now.duration_since(at) > 3 * POLL_INTERVAL) {
            self.turned_at = Some(now);
            self.confirmed.swap(0, 1);
            self.confirmed[0].clear();
            self.lists.swap(0, 1);
            self.lists[0].clear();
        }
    }

    #[cfg(test)]
    pub(super) fn is_looking(&self) -> bool {
        self.is_looking
    }

    #[cfg(test)]
    pub(super) fn is_missing_in(&self, room: &RoomId) -> bool {
        self.missing.contains(room)
    }

    fn take_some(rooms: &mut HashSet<RoomId>) -> Vec<RoomId> {
        let some: Vec<RoomId> = rooms.iter().take(ROOMS_AT_ONCE).cloned().collect();
        rooms.retain(|room| !some.contains(room));
        some
    }
}

impl ChatServer {
    /// Remembers that something was told or done.
    pub(super) fn confirm(&mut self, what: impl FnOnce() -> Confirmed) {
        if let Some(nodes) = &mut self.nodes {
            nodes.catch_up.confirm(what());
        }
    }

    /// Messages of a room are missing.
    pub(super) fn fill(&mut self, room: RoomId) {
        if let Some(nodes) = &mut self.nodes {
            nodes.catch_up.missing.insert(room);
        }
    }

    /// Something of a room in memory is old. With `alone` nobody else tells its members' lists.
    pub(super) fn refresh(&mut self, room: RoomId, alone: bool) {
        if self.rooms.room(&room).is_some()
            && let Some(nodes) = &mut self.nodes
        {
            *nodes.catch_up.stale.entry(room).or_default() |= alone;
        }
    }

    /// Looks what is new, when it is time.
    pub(super) fn look_for_news(&mut self, ctx: &mut Context<Self>) {
        let Some(nodes) = &mut self.nodes else { return };
        let (now, is_up, catch_up) = (Instant::now(), nodes.is_up, &mut nodes.catch_up);
        catch_up.turn(now);
        let is_early = is_up && catch_up.looked_at.is_some_and(|at| now.duration_since(at) < POLL_INTERVAL);
        if catch_up.is_looking || is_early {
            return self.examine(ctx);
        }
        catch_up.is_looking = true;
        catch_up.looked_at = Some(now);
        let (place, database) = (catch_up.place, self.database.clone());
        match place {
            Some(place) => self.ask(ctx, async move {
                NewsRead(database.read_for_all("list_news", move |conn| db::list_news(conn, place, NEWS_MAX)).await)
            }),
            None => {
                self.ask(ctx, async move { NewestFound(database.read_for_all("find_newest", db::find_newest).await) })
            }
        }
        self.examine(ctx);
    }

    /// Compares what looks have shown with what is known, once it has had its time to come.
    fn examine(&mut self, ctx: &mut Context<Self>) {
        loop {
            let Some(nodes) = &mut self.nodes else { return };
            let waits = if nodes.is_up { ON_ITS_WAY } else { Duration::ZERO };
            let Some(look) = nodes.catch_up.looks.pop_front_if(|look| look.at.elapsed() >= waits) else { break };
            for message in look.messages {
                self.compare_message(message, ctx);
            }
            for noted in look.notes {
                self.compare_note(noted, ctx);
            }
        }
    }

    fn compare_message(&mut self, Committed { room, seq, buyer, seller, .. }: Committed, ctx: &mut Context<Self>) {
        match self.rooms.room(&room) {
            Some(live) if live.state().last_seq < seq => self.fill(room),
            Some(_) => {}
            None => {
                let known = self.nodes.as_ref().and_then(|nodes| nodes.catch_up.list_of(&room));
                let is_told = known.is_some_and(|known| known >= seq);
                let is_wanted = [&buyer, &seller].iter().any(|user| !self.rooms.sessions_of(user).is_empty());
                if !is_told && is_wanted {
                    if let Some(nodes) = &mut self.nodes {
                        nodes.catch_up.list_told(&room, seq);
                    }
                    self.announce_here(room, ctx);
                }
            }
        }
    }

    /// The database shows that a user has another name or picture, and no node has said so: what is in memory is old.
    fn profile_noted(&mut self, user: UserId, ctx: &mut Context<Self>) {
        for room in self.rooms.rooms_of(&user) {
            self.refresh(room, false);
        }
        self.show_profile(user, Memory::Old, ctx);
    }

    /// Tells this node's sessions of both members how a room looks: another node has changed it, and its word may be lost.
    fn announce_here(&mut self, room: RoomId, ctx: &mut Context<Self>) {
        self.with_room(Work::AnnounceTo(room, Audience::both(Reach::Here)), ctx);
    }

    /// A message stands differently, in a room that this node may not have in memory, and no node has said so.
    pub(super) fn change_found(&mut self, Found { message, buyer, seller }: Found, ctx: &mut Context<Self>) {
        let room = message.room_id.clone();
        let is_held = self.rooms.room(&room).is_some();
        let change = Box::new(MessageChange::from(&message));
        self.show_change(message);
        if is_held {
            return self.room_updated_here(room, ctx);
        }
        let is_wanted = [&buyer, &seller].iter().any(|user| !self.rooms.sessions_of(user).is_empty());
        let is_told = self.nodes.as_ref().is_some_and(|nodes| nodes.catch_up.is_confirmed(&Confirmed::List(room)));
        if is_wanted && !is_told {
            self.with_room(Work::AnnounceChange(change, Reach::Here), ctx);
        }
    }

    fn compare_note(&mut self, noted: Noted, ctx: &mut Context<Self>) {
        let Some(nodes) = &mut self.nodes else { return };
        let confirmed = match &noted {
            Noted::Message(id) => Some(Confirmed::Message(id.clone())),
            Noted::Read(room, user) => Some(Confirmed::Read(room.clone(), user.clone())),
            Noted::Room(room) => Some(Confirmed::Room(room.clone())),
            Noted::User(user) => Some(Confirmed::User(user.clone())),
            Noted::Profile(user) => Some(Confirmed::Profile(user.clone())),
            Noted::SessionsEnded(user) => Some(Confirmed::SessionsEnded(user.clone())),
            Noted::Product(_) => None,
        };
        if confirmed.is_some_and(|confirmed| nodes.catch_up.take_confirmed(&confirmed)) {
            return;
        }
        match noted {
            Noted::Message(id) => drop(nodes.catch_up.changed.insert(id)),
            Noted::Read(room, _) => self.refresh(room, true),
            Noted::Room(room) if self.rooms.room(&room).is_some() => self.refresh(room, true),
            Noted::Room(room) => self.announce_here(room, ctx),
            Noted::User(user) => {
                for room in self.rooms.rooms_of(&user) {
                    self.refresh(room, true);
                }
            }
            Noted::Profile(user) => self.profile_noted(user, ctx),
            Noted::SessionsEnded(user) => {
                self.confirm(|| Confirmed::SessionsEnded(user.clone()));
                let error = ChatError::new(ErrorCode::Forbidden, "the marketplace has ended this session");
                self.end_sessions_here(&user, &error);
                self.profile_noted(user, ctx);
            }
            Noted::Product(product) => {
                for room in self.rooms.rooms_showing(&product) {
                    self.refresh(room, false);
                }
            }
        }
    }

    /// The end of a turn: reads what is known to be missing, one question of each kind at a time.
    pub(super) fn flush_catch_up(&mut self, ctx: &mut Context<Self>) {
        let Some(nodes) = &mut self.nodes else { return };
        let catch_up = &mut nodes.catch_up;
        if !catch_up.is_filling && !catch_up.missing.is_empty() {
            let asked = CatchUp::take_some(&mut catch_up.missing);
            let rooms = &self.rooms;
            let since: Vec<(RoomId, Seq)> =
                asked.iter().filter_map(|room| Some((room.clone(), rooms.room(room)?.state().last_seq))).collect();
            catch_up.is_filling = true;
            let database = self.database.clone();
            self.ask(ctx, async move {
                let found = database
                    .read_for_all("list_behind", move |conn| {
                        db::list_behind(conn, &since, MISSING_MAX, MISSING_BYTES_MAX)
                    })
                    .await;
                MissingRead { asked, found }
            });
        }
        let Some(nodes) = &mut self.nodes else { return };
        let catch_up = &mut nodes.catch_up;
        if !catch_up.is_refreshing && !catch_up.stale.is_empty() {
            let ids: Vec<RoomId> = catch_up.stale.keys().take(ROOMS_AT_ONCE).cloned().collect();
            let asked: Vec<(RoomId, bool)> = ids.iter().filter_map(|room| catch_up.stale.remove_entry(room)).collect();
            catch_up.is_refreshing = true;
            let database = self.database.clone();
            self.ask(ctx, async move {
                let found = database.read_for_all("refresh_rooms", move |conn| db::load_rooms(conn, &ids)).await;
                RoomsRead { asked, found }
            });
        }
        let Some(nodes) = &mut self.nodes else { return };
        let catch_up = &mut nodes.catch_up;
        if !catch_up.is_reading_changed && !catch_up.changed.is_empty() {
            let asked: Vec<MessageId> = mem::take(&mut catch_up.changed).into_iter().collect();
            catch_up.is_reading_changed = true;
            let (ids, database) = (asked.clone(), self.database.clone());
            self.ask(ctx, async move {
                let found = database
                    .read_for_all("find_messages", move |conn| db::find_messages(conn, &ids, MISSING_BYTES_MAX))
                    .await;
                ChangedRead { asked, found }
            });
        }
    }

    /// Takes over how a room stands in the database, and tells its members here what is new of it.
    fn refreshed(&mut self, state: &RoomState, alone: bool, ctx: &mut Context<Self>) {
        let room = state.room.id.clone();
        let Some(live) = self.rooms.room(&room) else { return };
        let read = [Role::Buyer, Role::Seller].map(|role| live.state().member(role).read_seq);
        self.sharing_changes_here(&room, |live| live.refresh(state));
        for (role, before) in [Role::Buyer, Role::Seller].into_iter().zip(read) {
            let now = state.member(role).read_seq;
            if now > before {
                self.tell_reader(&room, &state.member_user(role).id.clone(), now);
            }
        }
        if self.rooms.room(&room).is_some_and(|live| live.state().last_seq < state.last_seq) {
            self.fill(room.clone());
        }
        if alone {
            self.room_updated_here(room, ctx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_counts_for_one_note() {
        let message = || Confirmed::Message(MessageId::from_stored("m"));
        let mut catch_up = CatchUp::default();
        catch_up.confirm(message());
        catch_up.turn(Instant::now());
        catch_up.confirm(message());
        assert!(catch_up.take_confirmed(&message()) && catch_up.take_confirmed(&message()));
        assert!(!catch_up.take_confirmed(&message()), "a third change was lost on its way");
    }
}
