//! One room in memory: how it stands, who is in it, and what came before its turn.

use bytes::Bytes;

use super::{EntryId, PresenceChanged, Seat};
use crate::{
    broker::{NodeId, PresenceOf},
    chat::{
        hub_op::HubId,
        order::{Order, Turn},
    },
    db::{MemberState, RoomState},
    domain::{
        Listing, Product, Role, RoomSummary, Seq, SessionId, Settings, StoredMessage, Timestamp, User, UserId,
        offer::StandingOffer,
    },
    protocol::event::Member,
};

/// A room that somebody is in, or that something happens to.
#[derive(Debug)]
pub struct LiveRoom {
    pub(super) state: RoomState,
    pub(super) attached: Vec<Attached>,
    /// Who is there on other nodes, and when that was last heard.
    pub(super) elsewhere: Vec<Elsewhere>,
    /// Messages that came before their turn.
    order: Order<(StoredMessage, Bytes)>,
    /// The number of the last entry that was answered.
    pub(super) answered_last: u64,
    /// Changes on their way to the writer, which keep the room in memory.
    pub writes_pending: usize,
}

/// A member's sessions on another node.
#[derive(Debug)]
pub(super) struct Elsewhere {
    pub(super) node: NodeId,
    pub(super) there: PresenceOf,
    pub(super) heard_at: u64,
}

/// A session of this node in the room, or about to enter it.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) session: SessionId,
    pub(super) place: EntryId,
    pub(super) hub: HubId,
    pub(super) seat: Seat,
    pub(super) entered: bool,
    pub(super) grant: Option<Timestamp>,
}

impl LiveRoom {
    /// A room that nobody is in yet.
    pub(super) fn new(state: RoomState) -> Self {
        Self {
            state,
            attached: Vec::new(),
            elsewhere: Vec::new(),
            order: Order::default(),
            answered_last: 0,
            writes_pending: 0,
        }
    }

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
        self.attached.iter().any(|member| member.entered && member.seat.role() == Some(role))
    }

    /// What other nodes are sent of this one's sessions in the room; `None` where it has none.
    #[must_use]
    pub fn there(&self) -> Option<PresenceOf> {
        (!self.attached.is_empty())
            .then(|| PresenceOf { buyer: self.is_online_here(Role::Buyer), seller: self.is_online_here(Role::Seller) })
    }

    /// Changes who is there on other nodes, and says what that changes for the members.
    pub(super) fn elsewhere_changes(&mut self, change: impl FnOnce(&mut Vec<Elsewhere>)) -> Vec<PresenceChanged> {
        let roles = [Role::Buyer, Role::Seller];
        let before = roles.map(|role| self.is_online(role));
        change(&mut self.elsewhere);
        let shared = self.state.shared().presence;
        let changed = roles.into_iter().zip(before).filter(|(role, before)| self.is_online(*role) != *before);
        let changes = changed.map(|(role, before)| PresenceChanged {
            room: self.state.room.id.clone(),
            user: self.state.member_user(role).id.clone(),
            other: self.state.member_user(role.other()).id.clone(),
            online: !before,
            shared,
            last_seen_at: self.last_seen_shown(role).filter(|_| before),
        });
        changes.collect()
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
    pub fn refresh(&mut self, state: &RoomState, is_current: bool) {
        self.state.room = state.room.clone();
        self.state.frozen = state.frozen;
        self.state.staff.clone_from(&state.staff);
        if is_current {
            self.state.offer.clone_from(&state.offer);
        }
        for role in [Role::Buyer, Role::Seller] {
            let (fresh, known) = (*state.member(role), *self.state.member(role));
            let newer = fresh.read_seq > known.read_seq;
            *self.state.member_mut(role) = MemberState {
                read_seq: fresh.read_seq.max(known.read_seq),
                // Raised by what notifies of it.
                delivered_seq: known.delivered_seq,
                last_seen_at: fresh.last_seen_at.max(known.last_seen_at),
                // What is not delivered here yet is counted when it is.
                unread: match is_current && state.last_seq == self.state.last_seq {
                    true => fresh.unread,
                    false if fresh.read_seq >= self.state.last_seq => 0,
                    false if newer => (fresh.unread - (state.last_seq.0 - self.state.last_seq.0)).max(0),
                    false => known.unread,
                },
                ..fresh
            };
        }
        if is_current && state.last_seq == self.state.last_seq {
            self.state.last_message.clone_from(&state.last_message);
        }
    }

    /// Whether a session is in the room or about to enter it, and has not left since it got this place.
    #[must_use]
    pub fn has(&self, session: SessionId, place: EntryId) -> bool {
        self.attached.iter().any(|member| member.session == session && member.place == place)
    }

    /// Whether an entry was answered after so many of all rooms.
    #[must_use]
    pub fn has_answered_since(&self, entries: u64) -> bool {
        self.answered_last > entries
    }

    /// Until when a session's room token lets it be here.
    #[must_use]
    pub fn grant_of(&self, session: SessionId) -> Option<Timestamp> {
        self.attached.iter().find(|member| member.session == session)?.grant
    }

    /// A session whose room token has expired.
    #[must_use]
    pub fn grant_over(&self, now: Timestamp) -> Option<SessionId> {
        let is_over = |member: &&Attached| member.grant.is_some_and(|until| until <= now);
        self.attached.iter().find(is_over).map(|member| member.session)
    }

    /// The sessions of a member, or of somebody of the staff, in the room.
    #[must_use]
    pub fn sessions_of(&self, user: &UserId) -> Vec<SessionId> {
        let theirs = self.attached.iter().filter(|member| match &member.seat {
            Seat::Member(role) => self.state.member_user(*role).id == *user,
            Seat::Staff(staff) => staff == user,
        });
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

    /// Whether a member is sent that the other one is in the room.
    #[must_use]
    pub fn sees_other_online(&self, viewer: Role) -> bool {
        self.state.shared().presence && self.is_online(viewer.other())
    }

    /// When a member was last active, where the other one may know.
    #[must_use]
    pub fn last_seen_shown(&self, role: Role) -> Option<Timestamp> {
        self.state.member(role).marks().shown(self.state.shared()).last_seen_at
    }

    /// Both members and how they stand, the buyer first, as one of them gets to see it, or the staff.
    #[must_use]
    pub fn members(&self, viewer: Option<Role>) -> Vec<Member> {
        let shared = self.state.shared();
        let member = |role| {
            let (own, marks) = (Some(role) == viewer, self.state.member(role).marks());
            let marks = if own { marks } else { marks.shown(shared) };
            let online = (own || shared.presence) && self.is_online(role);
            Member {
                user: self.state.member_user(role).clone(),
                online,
                read_seq: marks.read_seq,
                delivered_seq: marks.delivered_seq,
                last_seen_at: marks.last_seen_at.filter(|_| !own && !online),
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

    /// Staff has frozen the room, or unfrozen it.
    pub fn set_frozen(&mut self, frozen: bool) {
        self.state.frozen = frozen;
    }

    /// Who of the staff is in the room from now on.
    pub fn set_staff(&mut self, staff: Vec<User>) {
        self.state.staff = staff;
    }

    /// Somebody of the staff was deleted.
    pub fn staff_deleted(&mut self, user: &UserId) {
        self.state.staff.retain(|staff| staff.id != *user);
    }

    /// Somebody who may be of the staff here has another name or picture.
    pub(super) fn staff_changed(&mut self, user: &User) {
        if let Some(staff) = self.state.staff.iter_mut().find(|staff| staff.id == user.id) {
            staff.clone_from(user);
        }
    }

    /// Whether somebody of the staff is in the room, as far as is known here.
    #[must_use]
    pub fn has_staff(&self, user: &UserId) -> bool {
        self.state.staff.iter().any(|staff| staff.id == *user)
    }

    /// Those who have a session in the room as somebody of the staff, and are not known to have joined it.
    #[must_use]
    pub fn doubtful_staff(&self) -> Vec<UserId> {
        let mut doubtful: Vec<UserId> = Vec::new();
        for member in &self.attached {
            match &member.seat {
                Seat::Staff(user) if !self.has_staff(user) && !doubtful.contains(user) => doubtful.push(user.clone()),
                _ => {}
            }
        }
        doubtful
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
        let marks = self.state.member(role).marks();
        RoomSummary {
            room: self.state.room.clone(),
            other: self.state.member_user(role.other()).clone(),
            other_marks: self.state.member(role.other()).marks().shown(self.state.shared()),
            last_message: self.state.last_message.clone(),
            offer: self.state.offer.clone(),
            last_seq: self.state.last_seq,
            read_seq: marks.read_seq,
            delivered_seq: marks.delivered_seq,
            unread: self.state.member(role).unread,
            closed: self.state.is_closed(),
            frozen: self.state.frozen,
            listing: self.state.member(role).listing,
            staff: self.state.staff.clone(),
        }
    }

    /// A member has changed how the room stands in their list.
    pub fn listing_changed(&mut self, role: Role, listing: Listing) {
        self.state.member_mut(role).listing = listing;
    }

    /// A message was committed. Returns whether its sender has read messages of others by it: answering counts as reading.
    pub fn stored(&mut self, message: &StoredMessage) -> bool {
        self.state.last_seq = self.state.last_seq.max(message.seq);
        let mut has_read = false;
        for role in [Role::Buyer, Role::Seller] {
            let user = self.state.member_user(role);
            let (is_sender, is_news) = (user.id == message.sender_id, message.is_news_to(&user.id));
            let listing = self.state.member(role).listing.after_message(message, &user.id);
            let member = self.state.member_mut(role);
            member.listing = listing;
            if message.seq <= member.read_seq {
                continue;
            }
            if is_sender {
                has_read = member.read_seq.0 < message.seq.0 - 1;
                (member.read_seq, member.unread) = (message.seq, 0);
            } else if is_news && message.deleted_at.is_none() {
                member.unread += 1;
            }
        }
        self.state.last_message = Some(message.clone());
        self.offer_changed(message);
        has_read
    }

    /// A message that waits for its turn was edited or deleted.
    pub fn early_changed(&mut self, message: StoredMessage, data: Bytes) {
        self.order.replace(message.seq, (message, data));
    }

    /// A message was edited or deleted. Returns whether the members' lists show it. Another node's word may come twice, or after
    /// the room was read: without `is_own`, the count of unread messages waits for the next reading of the room.
    pub fn changed(&mut self, message: &StoredMessage, is_own: bool) -> bool {
        let mut shown = self.offer_changed(message);
        if message.deleted_at.is_some() && is_own {
            for role in [Role::Buyer, Role::Seller] {
                let is_news = message.is_news_to(&self.state.member_user(role).id);
                let member = self.state.member_mut(role);
                if is_news && message.seq > member.read_seq && member.unread > 0 {
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

    /// A message may have made the offer that stands, or say that it does not stand any more. Returns whether that is so.
    fn offer_changed(&mut self, message: &StoredMessage) -> bool {
        let known = &mut self.state.offer;
        let offer = StandingOffer::of(message);
        let is_known = known.as_ref().is_some_and(|known| known.message_id == message.id);
        if (offer.is_none() && !is_known) || *known == offer {
            return false;
        }
        *known = offer;
        true
    }

    /// A member has read up to here, and so much is left. Returns whether that is news: where several nodes commit, the later of
    /// two marks may come first, and none goes back.
    pub fn read(&mut self, user: &UserId, read_seq: Seq, unread: i64) -> bool {
        let is_theirs = |role: &Role| self.state.member_user(*role).id == *user;
        let Some(role) = [Role::Buyer, Role::Seller].into_iter().find(is_theirs) else { return false };
        let member = self.state.member_mut(role);
        let is_news = read_seq > member.read_seq || read_seq == member.read_seq && member.listing.unread;
        if is_news {
            (member.read_seq, member.unread) = (read_seq, unread);
            member.listing = member.listing.after_reading();
        }
        is_news
    }

    /// Messages have reached a member's device up to here. Returns whether that is news: none goes back.
    pub fn delivered(&mut self, user: &UserId, seq: Seq) -> bool {
        let is_theirs = |role: &Role| self.state.member_user(*role).id == *user;
        let Some(role) = Role::BOTH.into_iter().find(is_theirs) else { return false };
        let known = &mut self.state.member_mut(role).delivered_seq;
        let is_news = seq > *known;
        *known = seq.max(*known);
        is_news
    }

    /// A member was active at this time.
    pub fn seen(&mut self, user: &UserId, at: Timestamp) {
        for role in Role::BOTH {
            if self.state.member_user(role).id == *user {
                let known = &mut self.state.member_mut(role).last_seen_at;
                *known = Some(at).max(*known);
            }
        }
    }

    /// The product changed.
    pub fn product_changed(&mut self, product: &Product) {
        if self.state.room.is_about(&product.id) {
            self.state.room.product = Some(product.clone());
        }
    }

    pub(super) fn user_changed(&mut self, user: &User, deleted: bool) {
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
