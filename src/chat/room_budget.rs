//! What users change in other people's rooms by one request each: how much of it is bounded, by the rooms in which it shows.

use std::collections::HashMap;

use crate::domain::{Timestamp, UserId};

/// Rooms in which the changes of one user may show at once.
const ROOMS_AT_ONCE: i64 = 2000;

/// Rooms per second in which they may show after that.
const ROOMS_PER_SECOND: i64 = 20;

const MS_PER_ROOM: i64 = 1000 / ROOMS_PER_SECOND;

/// Up to when each user's budget is used: a generic cell rate algorithm whose cells are rooms. Who has used nothing lately
/// is not in here.
#[derive(Debug, Default)]
pub(super) struct RoomBudget(HashMap<UserId, Timestamp>);

impl RoomBudget {
    /// Whether a user may make one more change, whatever number of rooms it will show in.
    ///
    /// # Errors
    /// For how many milliseconds they may not.
    pub(super) fn check(&self, user: &UserId, now: Timestamp) -> Result<(), u64> {
        let used_to = self.0.get(user).map_or(i64::MIN, |used_to| used_to.0);
        let wait = used_to.saturating_sub(now.0 + (ROOMS_AT_ONCE - 1) * MS_PER_ROOM);
        u64::try_from(wait).map_or(Ok(()), |wait| if wait > 0 { Err(wait) } else { Ok(()) })
    }

    /// A user's change shows in so many rooms.
    pub(super) fn charge(&mut self, user: &UserId, rooms: usize, now: Timestamp) {
        let rooms = i64::try_from(rooms).unwrap_or(i64::MAX).max(1);
        let used_to = self.0.entry(user.clone()).or_insert(now);
        *used_to = Timestamp(used_to.0.max(now.0).saturating_add(rooms.saturating_mul(MS_PER_ROOM)));
    }

    /// Forgets who has their whole budget again.
    pub(super) fn forget_idle(&mut self, now: Timestamp) {
        self.0.retain(|_, used_to| *used_to > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_shows_in_many_rooms_uses_more_of_the_budget() {
        let (alice, bob) = (UserId::new("alice").unwrap(), UserId::new("bob").unwrap());
        let (mut budget, now) = (RoomBudget::default(), Timestamp(1_000_000));
        for _ in 0..2 {
            assert_eq!(budget.check(&alice, now), Ok(()));
            budget.charge(&alice, 1000, now);
        }
        let wait = budget.check(&alice, now).unwrap_err();
        assert_eq!(budget.check(&bob, now), Ok(()));
        assert_eq!(budget.check(&alice, now.plus_ms(i64::try_from(wait).unwrap())), Ok(()));

        for _ in 0..500 {
            assert_eq!(budget.check(&bob, now), Ok(()), "who is in few rooms may do it often");
            budget.charge(&bob, 3, now);
        }
        budget.forget_idle(now.plus_ms(120_000));
        assert!(budget.0.is_empty());
    }
}
