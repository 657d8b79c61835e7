//! When users were last active: each is noted once per minute at most, so a user costs one write per minute whatever they do.
//!
//! Memory has it at once. The database is sent what has gathered within a second, one write at a time, and the other nodes once
//! it is stored. What is lost with a database that does not answer comes again with the user's next minute.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use super::{
    batch::PendingWrite,
    effects::Effects,
    request::{FollowUp, ReplyTo, RoomRequest},
    rooms::Rooms,
    timer::Timer,
};
use crate::{
    db::Write,
    domain::{Role, RoomId, Timestamp, UserId},
};

/// How exact it is, in milliseconds.
const GRANULARITY_MS: i64 = 60_000;

/// How long users gather for one write. It goes out at once when no session is left: the server may be about to end.
const DEBOUNCE: Duration = Duration::from_secs(1);

/// Users of one write: less than a millisecond.
pub(super) const USERS_AT_ONCE: usize = 256;

/// The minute of a moment.
pub(super) const fn minute_of(at: Timestamp) -> Timestamp {
    Timestamp(at.0 - at.0.rem_euclid(GRANULARITY_MS))
}

/// Whether a user does it themselves, and not their device by itself.
pub(super) const fn is_activity(request: &RoomRequest) -> bool {
    !matches!(request, RoomRequest::Received(_) | RoomRequest::Resume { .. })
}

/// The users who were active lately.
#[derive(Debug, Default)]
pub(super) struct LastSeen {
    /// The last minute of each, for as long as it may be the current one.
    minutes: HashMap<UserId, Timestamp>,
    /// Those that the database has not been sent. In order, so that one history has one outcome.
    waiting: BTreeSet<UserId>,
    is_debounced: bool,
    is_writing: bool,
}

impl LastSeen {
    /// A user is active.
    pub(super) fn active(&mut self, user: &UserId, now: Timestamp, rooms: &mut Rooms, out: &mut Effects) {
        let minute = minute_of(now);
        if self.minutes.get(user).is_some_and(|known| *known >= minute) {
            return;
        }
        self.minutes.insert(user.clone(), minute);
        rooms.seen(user, minute);
        self.waiting.insert(user.clone());
        if !self.is_debounced {
            self.is_debounced = true;
            out.after(DEBOUNCE, Timer::SeenDue);
        }
    }

    /// A room has come into memory: what the database has of its members may be older than what is known here.
    pub(super) fn room_loaded(&self, room: &RoomId, rooms: &mut Rooms) {
        let Some(live) = rooms.room_mut(room) else { return };
        for role in Role::BOTH {
            let user = live.state().member_user(role).id.clone();
            if let Some(minute) = self.minutes.get(&user) {
                live.seen(&user, *minute);
            }
        }
    }

    /// Those who have gathered are due. Returns what is to be written, as below.
    #[must_use]
    pub(super) fn due(&mut self) -> Option<PendingWrite> {
        self.is_debounced = false;
        self.next()
    }

    /// A write is stored, or is not. Returns the next one, as below.
    #[must_use]
    pub(super) fn written(&mut self) -> Option<PendingWrite> {
        self.is_writing = false;
        if self.is_debounced { None } else { self.next() }
    }

    /// The end of a turn. Returns what is to be written, where nobody is left who could make more of it.
    #[must_use]
    pub(super) fn turn_ended(&mut self, rooms: &Rooms) -> Option<PendingWrite> {
        if self.waiting.is_empty() || rooms.has_sessions() { None } else { self.next() }
    }

    /// The next write, if anybody waits for one and none is on its way.
    fn next(&mut self) -> Option<PendingWrite> {
        if self.is_writing || self.waiting.is_empty() {
            return None;
        }
        let mut users = Vec::new();
        while users.len() < USERS_AT_ONCE
            && let Some(user) = self.waiting.pop_first()
        {
            let minute = self.minutes.get(&user).copied();
            users.extend(minute.map(|minute| (user, minute)));
        }
        self.is_writing = true;
        Some(PendingWrite { write: Write::MarkSeen { users }, room: None, reply: ReplyTo::Chat(FollowUp::SeenWritten) })
    }

    /// Forgets those whose minute has passed.
    pub(super) fn forget_idle(&mut self, now: Timestamp) {
        let Self { minutes, waiting, .. } = self;
        minutes.retain(|user, minute| *minute >= minute_of(now) || waiting.contains(user));
    }

    /// How many users wait for their write.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{hub_op::HubId, rooms::Feed};
    use crate::domain::SessionId;

    fn user(id: &str) -> UserId {
        UserId::new(id).unwrap()
    }

    fn users_of(write: Option<PendingWrite>) -> Vec<(UserId, Timestamp)> {
        match write.map(|write| write.write) {
            Some(Write::MarkSeen { users }) => users,
            None => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_user_is_written_once_per_minute_whatever_they_do() {
        let (mut seen, mut rooms, mut out) = (LastSeen::default(), Rooms::default(), Effects::default());
        let alice = user("alice");
        let mut writes = Vec::new();
        for second in 0..180_i64 {
            seen.active(&alice, Timestamp(second * 1000), &mut rooms, &mut out);
            writes.extend(users_of(seen.due()));
            assert!(users_of(seen.due()).is_empty(), "one is on its way, and nobody waits");
            writes.extend(users_of(seen.written()));
        }
        let minutes = [0, 60_000, 120_000].map(|ms| (alice.clone(), Timestamp(ms)));
        assert_eq!(writes, minutes);
        assert_eq!(out.timers.len(), 3, "one timer for all that gathers");
    }

    #[test]
    fn many_users_are_some_at_a_time_and_one_write_at_a_time() {
        let (mut seen, mut rooms, mut out) = (LastSeen::default(), Rooms::default(), Effects::default());
        for number in 0..=USERS_AT_ONCE {
            seen.active(&user(&format!("{number:04}")), Timestamp(61_000), &mut rooms, &mut out);
        }
        assert_eq!((out.timers.len(), seen.len()), (1, USERS_AT_ONCE + 1));
        let first = users_of(seen.due());
        assert_eq!((first.len(), first[0].1), (USERS_AT_ONCE, Timestamp(60_000)));
        assert!(seen.due().is_none() && seen.turn_ended(&rooms).is_none(), "one is on its way");
        assert_eq!(users_of(seen.written()), [(user(&format!("{USERS_AT_ONCE:04}")), Timestamp(60_000))]);
        assert!(seen.written().is_none());
    }

    #[test]
    fn the_last_session_that_ends_does_not_leave_its_user_waiting() {
        let (mut seen, mut rooms, mut out) = (LastSeen::default(), Rooms::default(), Effects::default());
        rooms.connect(SessionId(1), user("alice"), HubId(0), Feed::Chat);
        seen.active(&user("alice"), Timestamp(0), &mut rooms, &mut out);
        assert!(seen.turn_ended(&rooms).is_none(), "more may come within the second");
        rooms.disconnect(SessionId(1));
        assert_eq!(users_of(seen.turn_ended(&rooms)).len(), 1);
    }

    #[test]
    fn rooms_in_memory_know_at_once_and_go_back_never() {
        let (mut seen, mut rooms, mut out) = (LastSeen::default(), Rooms::default(), Effects::default());
        rooms.insert(crate::chat::rooms::tests::state("bike"));
        let known = |rooms: &Rooms| {
            let state = rooms.room(&RoomId::new("bike").unwrap()).unwrap().state();
            (state.member(Role::Buyer).last_seen_at, state.member(Role::Seller).last_seen_at)
        };
        seen.active(&user("alice"), Timestamp(125_000), &mut rooms, &mut out);
        assert_eq!(known(&rooms), (Some(Timestamp(120_000)), None));
        // It is read again before the database knows.
        rooms.release(&RoomId::new("bike").unwrap());
        rooms.insert(crate::chat::rooms::tests::state("bike"));
        seen.room_loaded(&RoomId::new("bike").unwrap(), &mut rooms);
        assert_eq!(known(&rooms), (Some(Timestamp(120_000)), None));
        // The word of a node whose clock runs late.
        rooms.seen(&user("alice"), Timestamp(60_000));
        assert_eq!(known(&rooms), (Some(Timestamp(120_000)), None));
    }

    #[test]
    fn users_of_earlier_minutes_are_forgotten_and_those_who_wait_are_not() {
        let (mut seen, mut rooms, mut out) = (LastSeen::default(), Rooms::default(), Effects::default());
        seen.active(&user("alice"), Timestamp(0), &mut rooms, &mut out);
        let alice = users_of(seen.due());
        seen.active(&user("bob"), Timestamp(1000), &mut rooms, &mut out);
        seen.forget_idle(Timestamp(60_000));
        assert_eq!((alice.len(), seen.minutes.len(), seen.len()), (1, 1, 1));
        let bob = users_of(seen.written().or_else(|| seen.due()));
        assert_eq!(bob, [(user("bob"), Timestamp(0))]);
    }
}
