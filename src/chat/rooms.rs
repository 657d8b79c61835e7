//! Rooms, their members and their order: plain state, without actix, sockets or time.

mod live_room;

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use crate::{
    broker::{NodeId, PresenceOf},
    chat::{hub_op::HubId, short_list::reserve_one},
    db::RoomState,
    domain::{ProductId, Role, RoomId, SessionId, Timestamp, User, UserId},
};
pub use live_room::LiveRoom;
use live_room::{Attached, Elsewhere};

/// Every live room and session of this node.
#[derive(Debug, Default)]
pub struct Rooms {
    // In boxes: a map has up to twice as many places as entries.
    live: HashMap<RoomId, Box<LiveRoom>>,
    sessions: HashMap<SessionId, LiveSession>,
    /// Who has a session here or a live room.
    users: HashMap<UserId, Box<LiveUser>>,
    /// How often a session was attached to a room.
    attached: u64,
    /// How many entries were answered.
    answered: u64,
    /// What other nodes may have to hear of, where there are others.
    touched: Option<Touched>,
}

/// Rooms and users whose sessions on this node are others than before. In order, so that one history has one outcome.
#[derive(Debug, Default)]
pub struct Touched {
    pub rooms: BTreeSet<RoomId>,
    pub users: BTreeSet<UserId>,
}

/// A user's sessions and live rooms.
#[derive(Debug, Default)]
struct LiveUser {
    sessions: Vec<SessionId>,
    /// In the order of their ids, so that one of very many is found fast.
    rooms: Vec<RoomId>,
}

/// What a session receives without entering a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// `roomUpdated` of its user's rooms, and all of the rooms that it enters.
    Chat,
    /// `roomUpdated` of its user's rooms, and `presence` of the other members there.
    Inbox,
}

/// One entry of a session into a room; another one each time it comes back after it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryId(u64);

/// A session, as far as rooms care.
#[derive(Debug)]
pub struct LiveSession {
    pub user: UserId,
    /// Where its outbox is.
    pub hub: HubId,
    /// What it receives without entering a room.
    pub feed: Feed,
    /// The rooms it is in or about to enter.
    pub rooms: Vec<RoomId>,
    /// Whether its token is one of the staff.
    pub is_staff: bool,
}

/// As what a session is in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seat {
    /// As one of its two members.
    Member(Role),
    /// As this member of the staff, who has joined it.
    Staff(UserId),
}

impl Seat {
    /// Which member it is, if it is one.
    #[must_use]
    pub const fn role(&self) -> Option<Role> {
        match self {
            Self::Member(role) => Some(*role),
            Self::Staff(_) => None,
        }
    }
}

impl From<Role> for Seat {
    fn from(role: Role) -> Self {
        Self::Member(role)
    }
}

/// A member came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceChanged {
    pub room: RoomId,
    pub user: UserId,
    pub other: UserId,
    /// Whether they are there now.
    pub online: bool,
    /// Whether the other member may know.
    pub shared: bool,
    /// Of somebody who went: when they were last active, where the other member may know.
    pub last_seen_at: Option<Timestamp>,
}

impl Rooms {
    /// Notes from now on what other nodes may have to hear of.
    pub fn note_touched(&mut self) {
        self.touched.get_or_insert_default();
    }

    /// Takes what was noted.
    pub fn take_touched(&mut self) -> Touched {
        self.touched.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn touch_room(&mut self, room: &RoomId) {
        if let Some(touched) = &mut self.touched {
            touched.rooms.insert(room.clone());
        }
    }

    fn touch_user(&mut self, user: &UserId) {
        if let Some(touched) = &mut self.touched {
            touched.users.insert(user.clone());
        }
    }

    /// A session exists from now on.
    pub fn connect(&mut self, session: SessionId, user: UserId, hub: HubId, feed: Feed) {
        self.touch_user(&user);
        let sessions = &mut self.users.entry(user.clone()).or_default().sessions;
        reserve_one(sessions);
        sessions.push(session);
        self.sessions.insert(session, LiveSession { user, hub, feed, rooms: Vec::new(), is_staff: false });
    }

    /// The token of a session is one of the staff.
    pub fn note_staff(&mut self, session: SessionId) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.is_staff = true;
        }
    }

    /// A session ends: it leaves every room. Returns who is gone from where.
    pub fn disconnect(&mut self, session: SessionId) -> Vec<PresenceChanged> {
        let Some(gone) = self.sessions.remove(&session) else { return Vec::new() };
        self.change_user(&gone.user, |user| user.sessions.retain(|other| *other != session));
        self.touch_user(&gone.user);
        gone.rooms.iter().filter_map(|room| self.detach_from(session, &gone.user, room)).collect()
    }

    /// Changes what is known of a user, and forgets one of whom nothing is left.
    fn change_user(&mut self, user: &UserId, change: impl FnOnce(&mut LiveUser)) {
        let Some(live_user) = self.users.get_mut(user) else { return };
        change(live_user);
        if live_user.sessions.is_empty() && live_user.rooms.is_empty() {
            self.users.remove(user);
        }
    }

    #[must_use]
    pub fn session(&self, session: SessionId) -> Option<&LiveSession> {
        self.sessions.get(&session)
    }

    /// The presence of the other members of a user's live rooms, as far as they are there and
    /// may be seen.
    #[must_use]
    pub fn others_online(&self, user: &UserId) -> Vec<PresenceChanged> {
        let rooms = self.users.get(user).into_iter().flat_map(|user| &user.rooms);
        rooms.filter_map(|room| self.other_online(user, room)).collect()
    }

    /// The presence of the other member of one of a user's live rooms, if they are there and may be seen.
    #[must_use]
    pub fn other_online(&self, user: &UserId, room: &RoomId) -> Option<PresenceChanged> {
        let live = self.live.get(room)?;
        let role = live.role_of(user)?;
        live.sees_other_online(role).then(|| PresenceChanged {
            room: live.state.room.id.clone(),
            user: live.state.member_user(role.other()).id.clone(),
            other: user.clone(),
            online: true,
            shared: true,
            last_seen_at: None,
        })
    }

    /// A user's sessions that have this feed, by their hubs.
    #[must_use]
    pub fn fed_by(&self, user: &UserId, feed: Feed) -> Vec<(HubId, SessionId)> {
        let sessions = self.sessions_of(user).iter();
        let fed = sessions.filter_map(|session| Some((self.sessions.get(session)?, *session)));
        fed.filter(|(live, _)| live.feed == feed).map(|(live, session)| (live.hub, session)).collect()
    }

    /// A user's sessions, wherever they are.
    #[must_use]
    pub fn sessions_of(&self, user: &UserId) -> &[SessionId] {
        self.users.get(user).map_or(&[], |user| user.sessions.as_slice())
    }

    #[must_use]
    pub fn room(&self, room: &RoomId) -> Option<&LiveRoom> {
        self.live.get(room).map(Box::as_ref)
    }

    pub fn room_mut(&mut self, room: &RoomId) -> Option<&mut LiveRoom> {
        self.live.get_mut(room).map(Box::as_mut)
    }

    /// A user was renamed or, with `deleted`, removed.
    pub fn user_changed(&mut self, user: &User, deleted: bool) {
        let Self { users, live, .. } = self;
        for live in live.values_mut() {
            live.staff_changed(user);
        }
        let Some(known) = users.get(&user.id) else { return };
        for room in &known.rooms {
            if let Some(live) = live.get_mut(room) {
                live.user_changed(user, deleted);
            }
        }
    }

    /// The rooms in memory that somebody has joined as a member of the staff.
    #[must_use]
    pub fn rooms_of_staff(&self, user: &UserId) -> Vec<RoomId> {
        let joined = self.live.iter().filter(|(_, live)| live.has_staff(user));
        joined.map(|(room, _)| room.clone()).collect()
    }

    /// A user was active at this time.
    pub fn seen(&mut self, user: &UserId, at: Timestamp) {
        let Self { users, live, .. } = self;
        for room in users.get(user).into_iter().flat_map(|user| &user.rooms) {
            if let Some(live) = live.get_mut(room) {
                live.seen(user, at);
            }
        }
    }

    #[must_use]
    pub fn rooms_of(&self, user: &UserId) -> Vec<RoomId> {
        self.users.get(user).map_or_else(Vec::new, |user| user.rooms.clone())
    }

    /// What another node has published of a room, at which `tick`. Returns who came or went by it.
    pub fn presence_heard(
        &mut self,
        room: &RoomId,
        node: NodeId,
        there: PresenceOf,
        tick: u64,
    ) -> Vec<PresenceChanged> {
        let Some(live) = self.live.get_mut(room) else { return Vec::new() };
        live.elsewhere_changes(|elsewhere| {
            elsewhere.retain(|other| other.node != node);
            if there != PresenceOf::default() {
                elsewhere.push(Elsewhere { node, there, heard_at: tick });
            }
        })
    }

    /// Forgets what was said by nodes that `keep` lets go. Returns who went by it.
    pub fn forget_elsewhere(&mut self, keep: impl Fn(NodeId, u64) -> bool) -> Vec<PresenceChanged> {
        let mut gone = Vec::new();
        for live in self.live.values_mut() {
            if live.elsewhere.iter().any(|other| !keep(other.node, other.heard_at)) {
                gone.extend(
                    live.elsewhere_changes(|elsewhere| elsewhere.retain(|other| keep(other.node, other.heard_at))),
                );
            }
        }
        // What is sent has an order that does not depend on that of the map.
        gone.sort_by(|one, other| one.room.cmp(&other.room));
        gone
    }

    /// The rooms in memory that show a product.
    #[must_use]
    pub fn rooms_showing(&self, product: &ProductId) -> Vec<RoomId> {
        let showing = self.live.iter().filter(|(_, live)| live.state.room.is_about(product));
        let mut rooms: Vec<RoomId> = showing.map(|(room, _)| room.clone()).collect();
        rooms.sort();
        rooms
    }

    /// Whether anybody is connected.
    #[must_use]
    pub fn has_sessions(&self) -> bool {
        !self.sessions.is_empty()
    }

    /// How many sessions there are.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// How many rooms are in memory.
    #[must_use]
    pub fn live_count(&self) -> usize {
        self.live.len()
    }

    /// A room comes into memory, as the database has it.
    pub fn insert(&mut self, state: RoomState) {
        let room = state.room.id.clone();
        if let Entry::Vacant(place) = self.live.entry(room.clone()) {
            for member in [&state.room.buyer.id, &state.room.seller.id] {
                let rooms = &mut self.users.entry(member.clone()).or_default().rooms;
                if let Err(place) = rooms.binary_search(&room) {
                    reserve_one(rooms);
                    rooms.insert(place, room.clone());
                }
            }
            place.insert(Box::new(LiveRoom::new(state)));
        }
    }

    /// Forgets a room that nobody is in and nothing happens to.
    pub fn release(&mut self, room: &RoomId) {
        if self.live.get(room).is_none_or(|live| !live.attached.is_empty() || live.writes_pending > 0) {
            return;
        }
        let Some(live) = self.live.remove(room) else { return };
        for member in [&live.state.room.buyer.id, &live.state.room.seller.id] {
            self.change_user(member, |user| {
                if let Ok(place) = user.rooms.binary_search(room) {
                    user.rooms.remove(place);
                }
            });
        }
    }

    /// A session is about to enter a live room, or enters it again. It counts as present only once it [`Rooms::enter`]s.
    /// `None` when there is no such session or room.
    pub fn attach(
        &mut self,
        session: SessionId,
        room: &RoomId,
        seat: impl Into<Seat>,
        grant: Option<Timestamp>,
    ) -> Option<EntryId> {
        let live_session = self.sessions.get_mut(&session)?;
        let live = self.live.get_mut(room)?;
        if !live_session.rooms.contains(room) {
            reserve_one(&mut live_session.rooms);
            live_session.rooms.push(live.state.room.id.clone());
        }
        match live.attached.iter_mut().find(|member| member.session == session) {
            Some(member) => {
                // Entering again without a token neither ends nor prolongs what an earlier one allows.
                member.grant = member.grant.max(grant);
                Some(member.place)
            }
            None => {
                self.attached += 1;
                let (hub, place) = (live_session.hub, EntryId(self.attached));
                reserve_one(&mut live.attached);
                live.attached.push(Attached { session, place, hub, seat: seat.into(), entered: false, grant });
                self.touch_room(room);
                Some(place)
            }
        }
    }

    /// A session is in the room from now on. Returns whether that makes its user present; the staff never is.
    pub fn enter(&mut self, session: SessionId, room: &RoomId) -> Option<PresenceChanged> {
        let live = self.live.get_mut(room)?;
        let member = live.attached.iter().find(|member| member.session == session)?;
        if member.entered {
            return None;
        }
        let seat = member.seat.clone();
        let first = seat.role().is_some_and(|role| !live.is_online(role));
        if let Some(member) = live.attached.iter_mut().find(|member| member.session == session) {
            member.entered = true;
        }
        let changed = seat.role().map(|role| {
            let [user, other] = [role, role.other()].map(|role| live.state.member_user(role).id.clone());
            (user, other, live.state.shared().presence)
        });
        self.touch_room(room);
        let (user, other, shared) = changed?;
        let came = PresenceChanged { room: room.clone(), user, other, online: true, shared, last_seen_at: None };
        first.then_some(came)
    }

    /// An entry is answered, with who is there.
    pub fn entry_answered(&mut self, room: &RoomId) {
        self.answered += 1;
        if let Some(live) = self.live.get_mut(room) {
            live.answered_last = self.answered;
        }
    }

    /// How many entries were answered.
    #[must_use]
    pub fn entries_answered(&self) -> u64 {
        self.answered
    }

    /// A session leaves a room. Returns whether its user is gone with it.
    pub fn detach(&mut self, session: SessionId, room: &RoomId) -> Option<PresenceChanged> {
        let live_session = self.sessions.get_mut(&session)?;
        live_session.rooms.retain(|entered| entered != room);
        let user = live_session.user.clone();
        self.detach_from(session, &user, room)
    }

    fn detach_from(&mut self, session: SessionId, user: &UserId, room: &RoomId) -> Option<PresenceChanged> {
        let live = self.live.get_mut(room)?;
        let place = live.attached.iter().position(|member| member.session == session)?;
        let gone = live.attached.remove(place);
        let last = gone.seat.role().is_some_and(|role| gone.entered && !live.is_online(role));
        let other = gone.seat.role().map(|role| live.state.member_user(role.other()).id.clone());
        let shared = live.state.shared().presence;
        let last_seen_at = gone.seat.role().and_then(|role| live.last_seen_shown(role));
        self.release(room);
        self.touch_room(room);
        let (room, user, other) = (room.clone(), user.clone(), other?);
        last.then_some(PresenceChanged { room, user, other, online: false, shared, last_seen_at })
    }
}

#[cfg(test)]
pub(super) mod tests;
