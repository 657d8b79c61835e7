//! Users who were banned a moment ago: a session that showed its token just before the ban must not outlive it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::domain::{Timestamp, UserId};

/// For how long a session that passed the look at the database may still be on its way here.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

/// Users who were banned within the last seconds.
#[derive(Debug, Default)]
pub(super) struct RecentBans(HashMap<UserId, (Timestamp, Instant)>);

impl RecentBans {
    /// A user was banned until then.
    pub(super) fn add(&mut self, user: UserId, until: Timestamp, now: Instant) {
        self.0.retain(|_, (_, at)| now.saturating_duration_since(*at) < ON_ITS_WAY);
        self.0.insert(user, (until, now));
    }

    /// A user's ban was ended.
    pub(super) fn lift(&mut self, user: &UserId) {
        self.0.remove(user);
    }

    /// Until when a user is banned, if that is new.
    pub(super) fn of(&self, user: &UserId, now: Instant) -> Option<Timestamp> {
        let (until, at) = self.0.get(user)?;
        (now.saturating_duration_since(*at) < ON_ITS_WAY).then_some(*until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ban_is_remembered_for_as_long_as_a_session_may_be_on_its_way() {
        let (user, now) = (UserId::new("sam").unwrap(), Instant::now());
        let mut bans = RecentBans::default();
        bans.add(user.clone(), Timestamp(7), now);
        assert_eq!(bans.of(&user, now + ON_ITS_WAY / 2), Some(Timestamp(7)));
        assert_eq!(bans.of(&user, now + ON_ITS_WAY), None);
        bans.add(UserId::new("eve").unwrap(), Timestamp(7), now + ON_ITS_WAY);
        assert_eq!(bans.0.len(), 1, "the old one is forgotten");
        bans.add(user.clone(), Timestamp(7), now);
        bans.lift(&user);
        assert_eq!(bans.of(&user, now), None);
    }
}
