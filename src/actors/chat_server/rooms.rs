//! Rooms, their members and their order: plain state, without actix, sockets or time.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use bytes::Bytes;

use super::order::{Order, Turn};
use crate::{
    actors::{chat_server::messages::Feed, hub::HubId},
    broker::{NodeId, PresenceOf},
    db::{MemberState, RoomState},
    domain::{
        Product, ProductId, Role, RoomId, RoomSummary, Seq, SessionId, Settings, StoredMessage, Timestamp, User, UserId,
    },
    protocol::event::Member,
};

/// Every live room and session of this node.
#[derive(Debug, Default)]
pub struct Rooms {
    live: HashMap<RoomId, LiveRoom>,
    sessions: HashMap<SessionId, LiveSession>,
    users: HashMap<UserId, Vec<SessionId>>,
    /// The live rooms of each user.
    rooms_of: HashMap<UserId, HashSet<RoomId>>,
    /// How often a session was attached to a room.
    attached: u64,
    /// What other nodes may have to hear of, where there are others.
    touched: Option<Touched>,
}

/// Rooms and users whose sessions on this node are others than before.
#[derive(Debug, Default)]
pub struct Touched {
    /// Rooms.
    pub rooms: HashSet<RoomId>,
    /// Users.
    pub users: HashSet<UserId>,
}

/// A session's place in a room, another one each time it comes back after it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(u64);

/// A session, as far as rooms care.
#[derive(Debug)]
pub struct LiveSession {
    /// Whose it is.
    pub user: UserId,
    /// Where its outbox is.
    pub hub: HubId,
    /// What it receives without entering a room.
    pub feed: Feed,
    /// The rooms it is in or about to enter.
    pub rooms: Vec<RoomId>,
}

/// A room that somebody is in, or that something happens to.
#[derive(Debug)]
pub struct LiveRoom {
    state: RoomState,
    attached: Vec<Attached>,
    /// Who is there on other nodes, and when that was last told.
    elsewhere: Vec<Elsewhere>,
    /// Messages that came before their turn.
    order: Order<(StoredMessage, Bytes)>,
    /// Changes on their way to the writer, which keep the room in memory.
    pub writes_pending: usize,
}

#[derive(Debug)]
struct Elsewhere {
    node: NodeId,
    there: PresenceOf,
    told_at: u64,
}

#[derive(Debug)]
struct Attached {
    session: SessionId,
    place: Place,
    hub: HubId,
    role: Role,
    entered: bool,
    grant: Option<Timestamp>,
}

/// A member came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceChanged {
    /// Which room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// The other member.
    pub other: UserId,
    /// Whether they are there now.
    pub online: bool,
    /// Whether the other member may know.
    pub shared: bool,
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
        self.users.entry(user.clone()).or_default().push(session);
        self.sessions.insert(session, LiveSession { user, hub, feed, rooms: Vec::new() });
    }

    /// A session is over: it leaves every room. Returns who is gone from where.
    pub fn disconnect(&mut self, session: SessionId) -> Vec<PresenceChanged> {
        let Some(gone) = self.sessions.remove(&session) else { return Vec::new() };
        if let Some(sessions) = self.users.get_mut(&gone.user) {
            sessions.retain(|other| *other != session);
            if sessions.is_empty() {
                self.users.remove(&gone.user);
            }
        }
        self.touch_user(&gone.user);
        gone.rooms.iter().filter_map(|room| self.detach_from(session, &gone.user, room)).collect()
    }

    /// A session.
    #[must_use]
    pub fn session(&self, session: SessionId) -> Option<&LiveSession> {
        self.sessions.get(&session)
    }

    /// The presence of the other members of a user's live rooms, as far as they are there and
    /// may be seen.
    #[must_use]
    pub fn others_online(&self, user: &UserId) -> Vec<PresenceChanged> {
        let rooms = self.rooms_of.get(user).into_iter().flatten().filter_map(|room| self.live.get(room));
        let others = rooms.filter_map(|live| {
            let other = live.role_of(user)?.other();
            live.sees_other_online(other.other()).then(|| PresenceChanged {
                room: live.state.room.id.clone(),
                user: live.state.member_user(other).id.clone(),
                other: user.clone(),
                online: true,
                shared: true,
            })
        });
        others.collect()
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
        self.users.get(user).map_or(&[], Vec::as_slice)
    }

    /// A live room.
    #[must_use]
    pub fn room(&self, room: &RoomId) -> Option<&LiveRoom> {
        self.live.get(room)
    }

    /// A live room, to change it.
    pub fn room_mut(&mut self, room: &RoomId) -> Option<&mut LiveRoom> {
        self.live.get_mut(room)
    }

    /// A user was renamed or, with `deleted`, removed.
    pub fn user_changed(&mut self, user: &User, deleted: bool) {
        for room in self.rooms_of.get(&user.id).into_iter().flatten() {
            if let Some(live) = self.live.get_mut(room) {
                live.user_changed(user, deleted);
            }
        }
    }

    /// The rooms of a user that are in memory.
    #[must_use]
    pub fn rooms_of(&self, user: &UserId) -> Vec<RoomId> {
        self.rooms_of.get(user).into_iter().flatten().cloned().collect()
    }

    /// What another node says of a room, the `tick` of whose telling is kept. Returns who came or went by it.
    pub fn told_presence(&mut self, room: &RoomId, node: NodeId, there: PresenceOf, tick: u64) -> Vec<PresenceChanged> {
        let Some(live) = self.live.get_mut(room) else { return Vec::new() };
        live.elsewhere_changes(|elsewhere| {
            elsewhere.retain(|other| other.node != node);
            if there != PresenceOf::default() {
                elsewhere.push(Elsewhere { node, there, told_at: tick });
            }
        })
    }

    /// Forgets what was said by nodes that `keep` lets go. Returns who went by it.
    pub fn forget_elsewhere(&mut self, keep: impl Fn(NodeId, u64) -> bool) -> Vec<PresenceChanged> {
        let mut gone = Vec::new();
        for live in self.live.values_mut() {
            if live.elsewhere.iter().any(|other| !keep(other.node, other.told_at)) {
                gone.extend(
                    live.elsewhere_changes(|elsewhere| elsewhere.retain(|other| keep(other.node, other.told_at))),
                );
            }
        }
        gone
    }

    /// The rooms in memory that show a product.
    #[must_use]
    pub fn rooms_showing(&self, product: &ProductId) -> Vec<RoomId> {
        let showing = self.live.iter().filter(|(_, live)| live.state.room.product.id == *product);
        showing.map(|(room, _)| room.clone()).collect()
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
                self.rooms_of.entry(member.clone()).or_default().insert(room.clone());
            }
            place.insert(LiveRoom {
                state,
                attached: Vec::new(),
                elsewhere: Vec::new(),
                order: Order::default(),
                writes_pending: 0,
            });
        }
    }

    /// Forgets a room that nobody is in and nothing happens to.
    pub fn release(&mut self, room: &RoomId) {
        let Some(live) = self.live.get(room).filter(|live| live.attached.is_empty() && live.writes_pending == 0) else {
            return;
        };
        for member in [&live.state.room.buyer.id, &live.state.room.seller.id] {
            if let Entry::Occupied(mut rooms) = self.rooms_of.entry(member.clone()) {
                rooms.get_mut().remove(room);
                if rooms.get().is_empty() {
                    rooms.remove();
                }
            }
        }
        self.live.remove(room);
    }

    /// A session is about to enter a live room, or enters it again. It counts as present only once it [`Rooms::enter`]s.
    /// `None` when there is no such session or room.
    pub fn attach(&mut self, session: SessionId, room: &RoomId, role: Role, grant: Option<Timestamp>) -> Option<Place> {
        let live_session = self.sessions.get_mut(&session)?;
        let live = self.live.get_mut(room)?;
        if !live_session.rooms.contains(room) {
            live_session.rooms.push(room.clone());
        }
        match live.attached.iter_mut().find(|member| member.session == session) {
            Some(member) => {
                // Entering again without a token neither ends nor prolongs what an earlier one allows.
                member.grant = member.grant.max(grant);
                Some(member.place)
            }
            None => {
                self.attached += 1;
                let (hub, place) = (live_session.hub, Place(self.attached));
                live.attached.push(Attached { session, place, hub, role, entered: false, grant });
                self.touch_room(room);
                Some(place)
            }
        }
    }

    /// A session is in the room from now on. Returns whether that makes its user present.
    pub fn enter(&mut self, session: SessionId, room: &RoomId) -> Option<PresenceChanged> {
        let live = self.live.get_mut(room)?;
        let member = live.attached.iter().find(|member| member.session == session)?;
        if member.entered {
            return None;
        }
        let role = member.role;
        let first = !live.is_online(role);
        if let Some(member) = live.attached.iter_mut().find(|member| member.session == session) {
            member.entered = true;
        }
        let user = live.state.member_user(role).id.clone();
        let other = live.state.member_user(role.other()).id.clone();
        let shared = live.state.shared().presence;
        self.touch_room(room);
        first.then(|| PresenceChanged { room: room.clone(), user, other, online: true, shared })
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
        let last = gone.entered && !live.is_online(gone.role);
        let other = live.state.member_user(gone.role.other()).id.clone();
        let shared = live.state.shared().presence;
        self.release(room);
        self.touch_room(room);
        last.then(|| PresenceChanged { room: room.clone(), user: user.clone(), other, online: false, shared })
    }
}

impl LiveRoom {
    /// What is known of the room.
    #[must_use]
    pub fn state(&self) -> &RoomState {
        &self.state
    }

    /// Which of the two members somebody is; `None` for a stranger and for a member who was removed.
    #[must_use]
    pub fn role_of(&self, user: &UserId) -> Option<Role> {
        [Role::Buyer, Role::Seller]
            .into_iter()
            .find(|role| self.state.member_user(*role).id == *user && !self.state.member(*role).deleted)
    }

    /// Whether at least one session of a member is in the room, on any node.
    #[must_use]
    pub fn is_online(&self, role: Role) -> bool {
        self.is_online_here(role)
            || self.elsewhere.iter().any(|other| match role {
                Role::Buyer => other.there.buyer,
                Role::Seller => other.there.seller,
            })
    }

    /// The same, on this node.
    #[must_use]
    pub fn is_online_here(&self, role: Role) -> bool {
        self.attached.iter().any(|member| member.entered && member.role == role)
    }

    /// What other nodes are told of this one's sessions in the room; `None` where it has none.
    #[must_use]
    pub fn there(&self) -> Option<PresenceOf> {
        (!self.attached.is_empty())
            .then(|| PresenceOf { buyer: self.is_online_here(Role::Buyer), seller: self.is_online_here(Role::Seller) })
    }

    fn elsewhere_changes(&mut self, change: impl FnOnce(&mut Vec<Elsewhere>)) -> Vec<PresenceChanged> {
        let roles = [Role::Buyer, Role::Seller];
        let before = roles.map(|role| self.is_online(role));
        change(&mut self.elsewhere);
        let shared = self.state.shared().presence;
        let changed = roles.into_iter().zip(before).filter(|(role, before)| self.is_online(*role) != *before);
        let told = changed.map(|(role, before)| PresenceChanged {
            room: self.state.room.id.clone(),
            user: self.state.member_user(role).id.clone(),
            other: self.state.member_user(role.other()).id.clone(),
            online: !before,
            shared,
        });
        told.collect()
    }

    /// A message comes, from this node's writer, another node or the database: see [`Order::take_in`].
    pub fn take_in(&mut self, message: StoredMessage, data: Bytes) -> Turn<(StoredMessage, Bytes)> {
        let (last, seq) = (self.state.last_seq, message.seq);
        self.order.take_in(last, seq, (message, data))
    }

    /// The message that follows the last one, if it came before.
    pub fn next_early(&mut self) -> Option<(StoredMessage, Bytes)> {
        self.order.next(self.state.last_seq)
    }

    /// Whether messages wait for an earlier one.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.order.is_waiting()
    }

    /// Takes over how the room stands in the database, but for its messages, which come in their order.
    pub fn refresh(&mut self, state: &RoomState) {
        self.state.room = state.room.clone();
        for role in [Role::Buyer, Role::Seller] {
            let (fresh, known) = (*state.member(role), *self.state.member(role));
            let newer = fresh.read_seq > known.read_seq;
            *self.state.member_mut(role) = MemberState {
                read_seq: fresh.read_seq.max(known.read_seq),
                // What is not delivered here yet is counted when it is.
                unread: match state.last_seq == self.state.last_seq {
                    true => fresh.unread,
                    false if newer => (fresh.unread - (state.last_seq.0 - self.state.last_seq.0)).max(0),
                    false => known.unread,
                },
                ..fresh
            };
        }
        if state.last_seq == self.state.last_seq {
            self.state.last_message.clone_from(&state.last_message);
        }
    }

    /// Whether a session is in the room or about to enter it, and has not left since it got this place.
    #[must_use]
    pub fn has(&self, session: SessionId, place: Place) -> bool {
        self.attached.iter().any(|member| member.session == session && member.place == place)
    }

    /// Until when a session's room token lets it be here.
    #[must_use]
    pub fn grant_of(&self, session: SessionId) -> Option<Timestamp> {
        self.attached.iter().find(|member| member.session == session)?.grant
    }

    /// Sessions whose room token's time is over.
    #[must_use]
    pub fn grants_over(&self, now: Timestamp) -> Vec<SessionId> {
        let over = self.attached.iter().filter(|member| member.grant.is_some_and(|until| until <= now));
        over.map(|member| member.session).collect()
    }

    /// A member's sessions in the room.
    #[must_use]
    pub fn sessions_of(&self, user: &UserId) -> Vec<SessionId> {
        let theirs = self.attached.iter().filter(|member| self.state.member_user(member.role).id == *user);
        theirs.map(|member| member.session).collect()
    }

    /// The hubs that have a session in the room, each once.
    #[must_use]
    pub fn hubs(&self) -> Vec<HubId> {
        let mut hubs = Vec::new();
        for member in &self.attached {
            if !hubs.contains(&member.hub) {
                hubs.push(member.hub);
            }
        }
        hubs
    }

    /// Whether a member is told that the other one is in the room.
    #[must_use]
    pub fn sees_other_online(&self, viewer: Role) -> bool {
        self.state.shared().presence && self.is_online(viewer.other())
    }

    /// Both members and how they stand, the buyer first, as one of them gets to see it.
    #[must_use]
    pub fn members(&self, viewer: Role) -> Vec<Member> {
        let shared = self.state.shared();
        let member = |role| {
            let own = role == viewer;
            Member {
                user: self.state.member_user(role).clone(),
                online: (own || shared.presence) && self.is_online(role),
                read_seq: if own || shared.read_receipts { self.state.member(role).read_seq } else { Seq(0) },
            }
        };
        vec![member(Role::Buyer), member(Role::Seller)]
    }

    /// A member has blocked the other one, or not any more.
    pub fn block_changed(&mut self, blocker: &UserId, blocked: &UserId, has_blocked: bool) {
        for role in [Role::Buyer, Role::Seller] {
            if self.state.member_user(role).id == *blocker && self.state.member_user(role.other()).id == *blocked {
                self.state.member_mut(role).has_blocked = has_blocked;
            }
        }
    }

    /// A member has turned their switches.
    pub fn settings_changed(&mut self, user: &UserId, settings: Settings) {
        for role in [Role::Buyer, Role::Seller] {
            if self.state.member_user(role).id == *user {
                self.state.member_mut(role).settings = settings;
            }
        }
    }

    /// A member can't say anything until then.
    pub fn muted(&mut self, user: &UserId, until: Option<Timestamp>) {
        for role in [Role::Buyer, Role::Seller] {
            if self.state.member_user(role).id == *user {
                self.state.member_mut(role).muted_until = until;
            }
        }
    }

    /// The room as it stands in a member's list.
    #[must_use]
    pub fn summary(&self, role: Role) -> RoomSummary {
        RoomSummary {
            room: self.state.room.clone(),
            other: self.state.member_user(role.other()).clone(),
            last_message: self.state.last_message.clone(),
            last_seq: self.state.last_seq,
            read_seq: self.state.member(role).read_seq,
            unread: self.state.member(role).unread,
            closed: self.state.is_closed(),
        }
    }

    /// A message was committed.
    pub fn stored(&mut self, message: &StoredMessage) {
        self.state.last_seq = self.state.last_seq.max(message.seq);
        for role in [Role::Buyer, Role::Seller] {
            if self.state.member_user(role).id != message.sender_id {
                self.state.member_mut(role).unread += 1;
            }
        }
        self.state.last_message = Some(message.clone());
    }

    /// A message was edited or taken back. Returns whether the members' lists show it.
    pub fn changed(&mut self, message: &StoredMessage) -> bool {
        let mut shown = false;
        if message.deleted_at.is_some() {
            for role in [Role::Buyer, Role::Seller] {
                let foreign = self.state.member_user(role).id != message.sender_id;
                let member = self.state.member_mut(role);
                if foreign && message.seq > member.read_seq && member.unread > 0 {
                    member.unread -= 1;
                    shown = true;
                }
            }
        }
        if self.state.last_message.as_ref().is_some_and(|last| last.id == message.id) {
            self.state.last_message = Some(message.clone());
            shown = true;
        }
        shown
    }

    /// A member has read up to here, and so much is left.
    pub fn read(&mut self, user: &UserId, read_seq: Seq, unread: i64) {
        for role in [Role::Buyer, Role::Seller] {
            if self.state.member_user(role).id == *user {
                let member = self.state.member_mut(role);
                (member.read_seq, member.unread) = (read_seq, unread);
            }
        }
    }

    /// The product changed.
    pub fn product_changed(&mut self, product: &Product) {
        if self.state.room.product.id == product.id {
            self.state.room.product = product.clone();
        }
    }

    fn user_changed(&mut self, user: &User, deleted: bool) {
        for role in [Role::Buyer, Role::Seller] {
            if self.state.member_user(role).id == user.id {
                match role {
                    Role::Buyer => self.state.room.buyer = user.clone(),
                    Role::Seller => self.state.room.seller = user.clone(),
                }
                self.state.member_mut(role).deleted = deleted;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ProductStatus, Room};

    fn user(id: &str) -> User {
        User { id: UserId::new(id).unwrap(), name: id.to_owned(), avatar_url: None }
    }

    fn state(id: &str) -> RoomState {
        let product = Product {
            id: ProductId::new("bike").unwrap(),
            seller_id: UserId::new("sam").unwrap(),
            title: "bike".to_owned(),
            price: None,
            currency: None,
            image_url: None,
            status: ProductStatus::OnSale,
        };
        let room = Room {
            id: RoomId::new(id).unwrap(),
            product,
            buyer: user("alice"),
            seller: user("sam"),
            created_at: Timestamp(0),
        };
        let member = MemberState {
            read_seq: Seq(0),
            unread: 0,
            deleted: false,
            muted_until: None,
            has_blocked: false,
            settings: Settings::default(),
        };
        RoomState { room, last_seq: Seq(0), last_message: None, buyer: member, seller: member }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Attach(u64, bool),
        Enter(u64, bool),
        Leave(u64, bool),
        Disconnect(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0..6_u64, any::<bool>()).prop_map(|(session, room)| Step::Attach(session, room)),
            (0..6_u64, any::<bool>()).prop_map(|(session, room)| Step::Enter(session, room)),
            (0..6_u64, any::<bool>()).prop_map(|(session, room)| Step::Leave(session, room)),
            (0..6_u64).prop_map(Step::Disconnect),
        ];
        prop::collection::vec(step, 0..100)
    }

    fn room_id(second: bool) -> RoomId {
        RoomId::new(if second { "r2" } else { "r1" }).unwrap()
    }

    // Even sessions are alice's, odd ones are sam's.
    fn owner(session: u64) -> (&'static str, Role) {
        if session.is_multiple_of(2) { ("alice", Role::Buyer) } else { ("sam", Role::Seller) }
    }

    proptest! {
        #[test]
        fn presence_is_told_exactly_when_the_first_comes_and_the_last_goes(steps in steps()) {
            let mut rooms = Rooms::default();
            for session in 0..6 {
                rooms.connect(SessionId(session), UserId::new(owner(session).0).unwrap(), HubId(0), Feed::Chat);
            }
            // The model: who is in which room, and whom the others believe to be there.
            let mut entered: BTreeSet<(u64, bool)> = BTreeSet::new();
            let mut attached: HashMap<(u64, bool), Place> = HashMap::new();
            let mut believed: BTreeSet<(RoomId, UserId)> = BTreeSet::new();
            for step in steps {
                let told = match step {
                    Step::Attach(session, room) => {
                        if rooms.session(SessionId(session)).is_some() {
                            rooms.insert(state(room_id(room).as_str()));
                            let place = rooms.attach(SessionId(session), &room_id(room), owner(session).1, None);
                            attached.entry((session, room)).or_insert(place.unwrap());
                        }
                        Vec::new()
                    }
                    Step::Enter(session, room) => {
                        if let Some(place) = attached.get(&(session, room)) {
                            let live = rooms.room(&room_id(room)).unwrap();
                            prop_assert!(live.has(SessionId(session), *place), "attached and not left");
                            entered.insert((session, room));
                        }
                        rooms.enter(SessionId(session), &room_id(room)).into_iter().collect()
                    }
                    Step::Leave(session, room) => {
                        entered.remove(&(session, room));
                        let told = rooms.detach(SessionId(session), &room_id(room)).into_iter().collect();
                        let left = attached.remove(&(session, room));
                        let live = rooms.room(&room_id(room));
                        prop_assert!(!live.zip(left).is_some_and(|(live, place)| live.has(SessionId(session), place)));
                        told
                    }
                    Step::Disconnect(session) => {
                        entered.retain(|(other, _)| *other != session);
                        attached.retain(|(other, _), _| *other != session);
                        rooms.disconnect(SessionId(session))
                    }
                };
                for PresenceChanged { room, user, online, .. } in told {
                    let key = (room, user);
                    prop_assert!(if online { believed.insert(key) } else { believed.remove(&key) }, "told twice");
                }
                let there: BTreeSet<_> = entered
                    .iter()
                    .map(|(session, room)| (room_id(*room), UserId::new(owner(*session).0).unwrap()))
                    .collect();
                prop_assert_eq!(&believed, &there);
            }
            for session in 0..6 {
                rooms.disconnect(SessionId(session));
            }
            prop_assert_eq!(rooms.live_count(), 0, "a ghost keeps a room");
            prop_assert!(rooms.rooms_of.is_empty() && rooms.users.is_empty());
        }
    }

    #[test]
    fn an_answer_to_an_entry_that_was_left_is_not_taken_for_one_to_the_next() {
        let mut rooms = Rooms::default();
        let (session, room) = (SessionId(0), room_id(false));
        rooms.connect(session, UserId::new("alice").unwrap(), HubId(0), Feed::Chat);
        rooms.insert(state(room.as_str()));
        let first = rooms.attach(session, &room, Role::Buyer, None).unwrap();
        assert_eq!(rooms.attach(session, &room, Role::Buyer, None), Some(first), "entering twice is one place");
        rooms.detach(session, &room);
        rooms.insert(state(room.as_str()));
        let second = rooms.attach(session, &room, Role::Buyer, None).unwrap();
        let live = rooms.room(&room).unwrap();
        assert!(live.has(session, second) && !live.has(session, first));
    }
}
