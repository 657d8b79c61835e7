//! Who is sent what: a room's sessions, a member's lists, and those whose sessions end.

use std::{collections::HashMap, mem, time::Duration};

use bytes::Bytes;

use super::{
    Audience, Chat, Reach,
    authorization::grant_over,
    cluster::reconcile::Confirmed,
    hub_op::{Delivery, Op},
    order::Turn,
    request::{MessageChange, RoomRequest},
    rooms::{Feed, LiveRoom, PresenceChanged},
    timer::Timer,
    unread_totals::ListUpdate,
};
use crate::{
    broker::{NodeEvent, Topic},
    domain::{
        Account, AuthorizePolicy, Role, RoomId, RoomSummary, Seq, SessionId, StoredMessage, UserId, staff::NEVER,
    },
    error::{ChatError, CloseCode, ErrorCode},
    protocol::{
        event::{RoomUpdated, ServerEvent},
        json::to_json,
        push::Push,
    },
};

/// Rooms that are read at once for a change that shows in many.
const ANNOUNCEMENTS_AT_ONCE: usize = 100;

/// The pause between them.
const ANNOUNCEMENTS_PAUSE: Duration = Duration::from_millis(20);

/// The pause before rooms are read again that could not be read.
const ANNOUNCEMENTS_RETRY_PAUSE: Duration = Duration::from_secs(1);

impl Chat {
    /// Tells a room's sessions about an event that is not a message.
    pub(super) fn send_to_room(&mut self, room: &RoomId, kind: Delivery, push: &Push, except: Option<&UserId>) {
        self.end_grants(room);
        if let Some(live) = self.rooms.room(room) {
            self.out.send_to_room(live, room, kind, push, except);
        }
    }

    /// Tells a room's sessions about a message, in its place.
    pub(super) fn message_stored(&mut self, message: &StoredMessage, data: Bytes) {
        if self.nodes.is_some() {
            self.publish_message(message);
            self.place(message.clone(), data);
        } else {
            self.deliver(message, data);
        }
    }

    /// Where several nodes commit messages: delivers one when its turn has come, and what waited for it.
    pub(super) fn place(&mut self, message: StoredMessage, data: Bytes) {
        let room = message.room_id.clone();
        let Some(live) = self.rooms.room_mut(&room) else { return };
        match live.take_in(message, data) {
            Turn::Now((message, data)) => self.deliver(&message, data),
            Turn::Known => return,
            Turn::Early => return self.fill(room),
        }
        while let Some((message, data)) = self.rooms.room_mut(&room).and_then(LiveRoom::next_early) {
            self.deliver(&message, data);
        }
    }

    fn deliver(&mut self, message: &StoredMessage, data: Bytes) {
        self.end_grants(&message.room_id);
        self.position = self.position.max(message.position);
        let offset = self.offset_of(message.position);
        let Some(live) = self.rooms.room_mut(&message.room_id) else { return };
        let has_read = live.stored(message);
        let push = Push::message(data, offset);
        self.out.send_to_room(live, &message.room_id, Delivery::Message(message.seq), &push, None);
        if has_read {
            self.answered.push((message.room_id.clone(), message.sender_id.clone(), message.seq));
        }
    }

    /// The end of a commit, or of what another node has sent: who has read by answering, each as far as they have come. In a
    /// lively room that is one event for several answers. What is acknowledged later in the turn comes after it.
    pub(super) fn send_answered_reads(&mut self) {
        for (room, user, seq) in mem::take(&mut self.answered) {
            self.confirm(|| Confirmed::Read(room.clone(), user.clone()));
            let mark = self.rooms.room(&room).and_then(|live| Some(live.state().member(live.role_of(&user)?).read_seq));
            // A later mark is sent by what has moved it.
            if mark == Some(seq) {
                self.send_read(&room, &user, seq);
            }
        }
    }

    /// Under `room-token`: takes sessions whose token has expired out of a room, before anything is delivered to it.
    pub(super) fn end_grants(&mut self, room: &RoomId) {
        if self.settings.policy != AuthorizePolicy::RoomToken {
            return;
        }
        let now = self.now.wall;
        for session in self.rooms.room(room).map(|live| live.grants_over(now)).unwrap_or_default() {
            self.take_out(session, room, grant_over());
        }
    }

    /// Takes a session out of a room against its will. Should its client not read that, it must not come back as if it still were
    /// there: it starts over.
    pub(super) fn take_out(&mut self, session: SessionId, room: &RoomId, error: ChatError) {
        let Some(hub) = self.rooms.session(session).map(|session| session.hub) else { return };
        self.end_recoverable(session, true);
        self.out.send_to_hub(hub, Op::Detach { session, room: room.clone(), error: Some(error) });
        self.detach(session, room);
    }

    /// Takes a session out of a room, and notifies the other member when its user is gone with it.
    pub(super) fn detach(&mut self, session: SessionId, room: &RoomId) {
        if let Some(user) = self.rooms.session(session).map(|session| session.user.clone()) {
            self.typing_stopped(room, &user, Some(session));
        }
        self.forget_room(session, room);
        if let Some(gone) = self.rooms.detach(session, room) {
            self.presence_changed(gone);
        }
    }

    /// A session has ended: its user does not type in it any more.
    pub(super) fn typing_in_no_room(&mut self, session: SessionId) {
        let Some(live) = self.rooms.session(session) else { return };
        let (user, rooms) = (live.user.clone(), live.rooms.clone());
        for room in rooms {
            self.typing_stopped(&room, &user, Some(session));
        }
    }

    pub(super) fn presence_changed(&mut self, changed: PresenceChanged) {
        if changed.shared {
            let PresenceChanged { room, user, other, online, .. } = &changed;
            self.publish_inbox_presence(other, room, user, *online);
        }
        self.send_presence(changed);
    }

    /// Tells this node's sessions who came or went.
    pub(super) fn send_presence(&mut self, changed: PresenceChanged) {
        let PresenceChanged { room, user, other, online, shared } = changed;
        let push = Push::new(&ServerEvent::Presence { room_id: room.clone(), user_id: user.clone(), online });
        if shared {
            self.send_to_room(&room, Delivery::State, &push, Some(&user));
            self.send_to_inbox(&other, &push);
        }
    }

    pub(super) fn send_to_inbox(&mut self, user: &UserId, push: &Push) {
        for (hub, session) in self.rooms.fed_by(user, Feed::Inbox) {
            let op = Op::DeliverTo { sessions: vec![session], state_of: None, push: push.clone() };
            self.out.send_to_hub(hub, op);
        }
    }

    /// Changes what a room's members share, and sends each what they see of the other from now on.
    pub(super) fn sharing_changes(&mut self, room: &RoomId, change: impl FnOnce(&mut LiveRoom)) {
        for (viewer, user, online) in self.sharing_changes_here(room, change) {
            self.publish_inbox_presence(&viewer, room, &user, online);
        }
    }

    /// The same for this node's sessions. Returns who sees whom come or go by it.
    pub(super) fn sharing_changes_here(
        &mut self,
        room: &RoomId,
        change: impl FnOnce(&mut LiveRoom),
    ) -> Vec<(UserId, UserId, bool)> {
        let mut told = Vec::new();
        let seen = |live: &LiveRoom| [Role::Buyer, Role::Seller].map(|viewer| live.sees_other_online(viewer));
        let Some(live) = self.rooms.room_mut(room) else { return told };
        let before = seen(live);
        change(live);
        let after = seen(live);
        let (buyer, seller) = (live.state().room.buyer.id.clone(), live.state().room.seller.id.clone());
        let types = live.state().shared().typing;
        let views = [(buyer.clone(), seller.clone()), (seller, buyer)];
        for (((viewer, user), before), after) in views.into_iter().zip(before).zip(after) {
            if !types {
                self.typing_stopped(room, &user, None);
            }
            if before != after {
                let event = ServerEvent::Presence { room_id: room.clone(), user_id: user.clone(), online: after };
                let push = Push::new(&event);
                self.send_to_room(room, Delivery::State, &push, Some(&user));
                self.send_to_inbox(&viewer, &push);
                told.push((viewer, user, after));
            }
        }
        told
    }

    /// A message is new: its room and its members' lists are notified.
    pub(super) fn message_appended(&mut self, message: StoredMessage, data: Bytes) {
        self.metrics.messages.inc();
        self.mark_stale(&message.room_id);
        self.message_stored(&message, data);
        self.room_updated(message.room_id);
    }

    /// A message stands differently: its room and, where they show it, its members' lists are notified.
    pub(super) fn message_changed(&mut self, message: StoredMessage, data: Bytes) {
        self.mark_stale(&message.room_id);
        self.publish_change(&message);
        if self.is_early(&message) {
            return self.early_changed(message, data);
        }
        let is_shown = self.rooms.room_mut(&message.room_id).is_some_and(|live| live.changed(&message, true));
        if is_shown {
            // Before anything is sent to the room: that may take its last session out, and the room out of memory.
            self.room_updated(message.room_id.clone());
        }
        self.send_to_room(&message.room_id, Delivery::Change, &Push::from_json("messageUpdated", data), None);
        if message.deleted_at.is_some() {
            // Where several nodes change a room, the database counts.
            self.refresh(message.room_id, true);
        }
    }

    /// Whether an earlier message of its room was not delivered yet: several nodes commit them.
    pub(super) fn is_early(&self, message: &StoredMessage) -> bool {
        self.rooms.room(&message.room_id).is_some_and(|live| live.state().last_seq < message.seq)
    }

    /// A message has changed before its turn: it is delivered as it is now, when its turn comes. Those who have it already, from
    /// their history, and those who get what was read of it before, are sent the change once the room has come that far.
    pub(super) fn early_changed(&mut self, message: StoredMessage, data: Bytes) {
        let room = message.room_id.clone();
        self.read_change_again(message.id.clone());
        if let Some(live) = self.rooms.room_mut(&room) {
            live.early_changed(message, data);
        }
        self.fill(room.clone());
        self.room_updated(room);
    }

    /// A message of a room that was not in memory stands differently: its members' lists are notified where they show it.
    pub(super) fn change_shown(&mut self, change: &MessageChange, reach: Reach) {
        let Some(live) = self.rooms.room(&change.room) else { return };
        let state = live.state();
        let is_last = state.last_message.as_ref().is_some_and(|last| last.id == change.message);
        let counted = |role| state.member_user(role).id != change.sender && state.member(role).read_seq < change.seq;
        if is_last || change.is_offer || change.is_deleted && [Role::Buyer, Role::Seller].into_iter().any(counted) {
            self.debounce_room_updated(change.room.clone(), Audience::both(reach));
        }
    }

    /// Somebody has read: their own sessions are notified, and the other member's where the two share it.
    pub(super) fn send_read(&mut self, room: &RoomId, user: &UserId, seq: Seq) {
        let push = Push::new(&ServerEvent::Read { room_id: room.clone(), user_id: user.clone(), seq });
        let Some(live) = self.rooms.room(room) else { return };
        if live.state().shared().read_receipts {
            self.send_to_room(room, Delivery::State, &push, None);
        } else {
            let own = live.sessions_of(user);
            self.send_to_sessions(own, None, &push);
        }
    }

    pub(super) fn send_to_sessions(
        &mut self,
        sessions: impl IntoIterator<Item = SessionId>,
        state_of: Option<&RoomId>,
        push: &Push,
    ) {
        let mut by_hub: HashMap<_, Vec<SessionId>> = HashMap::new();
        for session in sessions {
            if let Some(live) = self.rooms.session(session) {
                by_hub.entry(live.hub).or_default().push(session);
            }
        }
        for (hub, sessions) in by_hub {
            self.out.send_to_hub(hub, Op::DeliverTo { sessions, state_of: state_of.cloned(), push: push.clone() });
        }
    }

    /// Remembers that both members' lists show something old.
    pub(super) fn room_updated(&mut self, room: RoomId) {
        self.debounce_room_updated(room, Audience::both(Reach::Everywhere));
    }

    /// The same for this node's sessions: the others are notified by another node.
    pub(super) fn room_updated_here(&mut self, room: RoomId) {
        self.debounce_room_updated(room, Audience::both(Reach::Here));
    }

    /// The same, where it is known who shall be notified.
    pub(super) fn debounce_room_updated(&mut self, room: RoomId, audience: Audience) {
        let Some(live) = self.rooms.room_mut(&room) else { return };
        let now = self.now.at;
        if self.room_updates.add(room, audience, now) {
            // Keeps the room in memory until its members are notified.
            live.writes_pending += 1;
            if self.room_updates.len() == 1 {
                self.await_room_updates();
            }
        }
    }

    fn await_room_updates(&mut self) {
        if let Some(wait) = self.room_updates.next_step(self.now.at) {
            self.out.after(wait, Timer::RoomUpdates);
        }
    }

    /// Tells both members of many rooms what these look like now, some at a time: the rooms are read for it, and others
    /// want to read, too. Those who have brought it about take turns.
    pub(super) fn announce(&mut self, by: &Account, rooms: Vec<RoomId>) {
        let idle = self.announcements.is_empty();
        for room in rooms {
            self.announcements.push(by.clone(), 1, room);
        }
        if idle {
            self.announce_some();
        }
    }

    /// A room could not be read to be announced: it is announced later, to everybody whom it may concern.
    pub(super) fn announce_later(&mut self, room: RoomId) {
        if self.announcements.is_empty() {
            self.out.after(ANNOUNCEMENTS_RETRY_PAUSE, Timer::Announcements);
        }
        self.announcements.push(Account::Server, 1, room);
    }

    pub(super) fn announce_some(&mut self) {
        for _ in 0..ANNOUNCEMENTS_AT_ONCE {
            let Some((_, room)) = self.announcements.pop() else { return };
            self.with_room(RoomRequest::Announce(room));
        }
        self.out.after(ANNOUNCEMENTS_PAUSE, Timer::Announcements);
    }

    pub(super) fn send_room_updates(&mut self) {
        let now = self.now.at;
        while let Some((room, audience)) = self.room_updates.pop_due(now) {
            self.list_shown(&room);
            let Some(live) = self.rooms.room_mut(&room) else { continue };
            live.writes_pending -= 1;
            let told = [Role::Buyer, Role::Seller]
                .into_iter()
                .filter(|role| audience.has(*role))
                .filter(|role| !live.state().member(*role).deleted && live.state().member(*role).listing.is_shown())
                .map(|role| (live.summary(role), live.state().member_user(role).id.clone()))
                .collect::<Vec<_>>();
            for (summary, user) in told {
                self.send_room_update(&user, &summary, audience.reach);
            }
            self.rooms.release(&room);
        }
        self.await_room_updates();
    }

    fn send_room_update(&mut self, user: &UserId, summary: &RoomSummary, reach: Reach) {
        let is_published = reach == Reach::Everywhere && self.nodes.is_some();
        if !is_published && self.rooms.sessions_of(user).is_empty() {
            return;
        }
        let data = to_json(&RoomUpdated::of(summary, &self.settings.presenter(self.now.wall)));
        if is_published {
            self.publish_list(user, summary, &data);
        }
        let (room, share) = (summary.room.id.clone(), Some(summary.unread_share()));
        self.send_list_update(user, ListUpdate { room, data, share });
    }

    /// Ends all sessions of a user, on every node. Returns how many there were on this one.
    pub(super) fn end_sessions(&mut self, user: &UserId, error: &ChatError) -> usize {
        self.publish(
            || Topic::User(user.clone()),
            || NodeEvent::EndSessions {
                user: user.clone(),
                sentence: error.message.clone().into_owned(),
                banned_until: (error.code == ErrorCode::Banned).then(|| error.until.unwrap_or(NEVER)),
            },
        );
        self.end_sessions_here(user, error)
    }

    /// The database has noted that a user's sessions were ended. Only now does the word that ended them stand for that note: one
    /// whose note was not stored must not stand for the next.
    pub(super) fn sessions_end_noted(&mut self, user: &UserId) {
        self.confirm(|| Confirmed::SessionsEnded(user.clone()));
        self.publish(|| Topic::User(user.clone()), || NodeEvent::SessionsEndNoted { user: user.clone() });
    }

    /// Ends all sessions of a user on this node.
    pub(super) fn end_sessions_here(&mut self, user: &UserId, error: &ChatError) -> usize {
        let sessions = self.rooms.sessions_of(user).to_vec();
        for session in &sessions {
            let Some(live) = self.rooms.session(*session) else { continue };
            let (hub, rooms) = (live.hub, live.rooms.clone());
            // Should this node die before the client has read its end, it must not come back as if it still were in its rooms.
            self.end_recoverable(*session, true);
            for room in rooms {
                // From its rooms at once; the session itself goes when it has been notified.
                self.out.send_to_hub(hub, Op::Detach { session: *session, room: room.clone(), error: None });
                self.detach(*session, &room);
            }
            let end = Op::End { session: *session, code: CloseCode::Forbidden, error: error.clone() };
            self.out.send_to_hub(hub, end);
        }
        sessions.len()
    }
}
