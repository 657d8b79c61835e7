//! Debounces and throttles `roomUpdated`: rooms that look different than their members' lists show. Each room has its own time,
//! so those of a busy server are spread. All that changes in a moment goes as one `roomUpdated`, and a room in which much is
//! written sends a few per second, not one per message.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    time::{Duration, Instant},
};

use super::{
    ChatSettings,
    audience::{Audience, Reach},
    cluster::Cluster,
    effects::Effects,
    input::Now,
    rooms::Rooms,
    timer::Timer,
    unread_totals::{ListUpdate, UnreadTotals},
};
use crate::{
    domain::{Role, RoomId},
    protocol::{event::RoomUpdated, json::to_json},
};

/// How long changes of a quiet room gather before its members' lists are sent them, so that a burst costs one `roomUpdated`.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// Least time between two `roomUpdated` of one room: as often as somebody can read a list.
const INTERVAL: Duration = Duration::from_millis(500);

/// What falls due within this time goes together: few wake-ups, and none long enough to be felt.
const STEP: Duration = Duration::from_millis(10);

/// Where a room stands.
#[derive(Debug)]
enum Phase {
    /// It was quiet, and has changed.
    Debounced(Audience),
    /// It was sent less than [`INTERVAL`] ago; what has changed since waits.
    Throttled(Option<Audience>),
}

/// The rooms, each once.
#[derive(Debug, Default)]
pub(super) struct RoomUpdates {
    rooms: HashMap<RoomId, Phase>,
    /// When each debounced room is due.
    debounced: VecDeque<(Instant, RoomId)>,
    /// When each throttled room may be sent again.
    throttled: VecDeque<(Instant, RoomId)>,
    /// When the timer fires, where one runs.
    timer: Option<Instant>,
}

impl RoomUpdates {
    /// A room in memory has changed: the lists of the audience are sent it in a moment.
    pub(super) fn room_changed(
        &mut self,
        room: RoomId,
        audience: Audience,
        now: Instant,
        rooms: &mut Rooms,
        out: &mut Effects,
    ) {
        let Some(live) = rooms.room_mut(&room) else { return };
        if self.add(room, audience, now) {
            // Keeps the room in memory until its members are notified.
            live.writes_pending += 1;
            self.await_next(now, out);
        }
    }

    fn await_next(&mut self, now: Instant, out: &mut Effects) {
        if let Some(wait) = self.set_timer(now) {
            out.after(wait, Timer::RoomUpdates);
        }
    }

    /// Sends what is due to the members' sessions here and, as far as it reaches, to the other nodes.
    pub(super) fn send_due(
        &mut self,
        now: Now,
        settings: &ChatSettings,
        rooms: &mut Rooms,
        cluster: &mut Cluster,
        totals: &mut UnreadTotals,
        out: &mut Effects,
    ) {
        while let Some((room, audience)) = self.pop_due(now.at) {
            let Some(live) = rooms.room_mut(&room) else { continue };
            live.writes_pending -= 1;
            let notified = [Role::Buyer, Role::Seller]
                .into_iter()
                .filter(|role| audience.has(*role))
                .filter(|role| !live.state().member(*role).deleted && live.state().member(*role).listing.is_shown())
                .map(|role| (live.summary(role), live.state().member_user(role).id.clone()))
                .collect::<Vec<_>>();
            for (summary, user) in notified {
                cluster.list_shown(&room, &user, summary.last_seq);
                let is_published = audience.reach == Reach::Everywhere && cluster.has_others();
                if !is_published && rooms.sessions_of(&user).is_empty() {
                    continue;
                }
                let data = to_json(&RoomUpdated::of(&summary, &settings.presenter(now.wall)));
                if is_published {
                    cluster.publish_list(out, &user, &summary, &data);
                }
                let (room, share) = (summary.room.id.clone(), Some(summary.unread_share()));
                totals.send(&user, ListUpdate { room, data, share }, rooms, out);
            }
            rooms.release(&room);
        }
        self.await_next(now.at, out);
    }

    /// A room has changed. Returns whether nothing of it was waiting already.
    fn add(&mut self, room: RoomId, audience: Audience, now: Instant) -> bool {
        match self.rooms.entry(room) {
            Entry::Occupied(mut known) => match known.get_mut() {
                Phase::Debounced(waiting) | Phase::Throttled(Some(waiting)) => {
                    *waiting = waiting.with(audience);
                    false
                }
                Phase::Throttled(nothing) => {
                    *nothing = Some(audience);
                    true
                }
            },
            Entry::Vacant(place) => {
                self.debounced.push_back((now + DEBOUNCE, place.key().clone()));
                place.insert(Phase::Debounced(audience));
                true
            }
        }
    }

    /// The next one whose lists are due now.
    fn pop_due(&mut self, now: Instant) -> Option<(RoomId, Audience)> {
        if self.timer.is_some_and(|at| at <= now) {
            self.timer = None;
        }
        let is_due = |(due, _): &mut (Instant, RoomId)| *due <= now;
        while let Some((_, room)) = self.debounced.pop_front_if(is_due).or_else(|| self.throttled.pop_front_if(is_due))
        {
            if let Some(Phase::Debounced(audience) | Phase::Throttled(Some(audience))) = self.rooms.remove(&room) {
                self.rooms.insert(room.clone(), Phase::Throttled(None));
                self.throttled.push_back((now + INTERVAL, room.clone()));
                return Some((room, audience));
            }
        }
        None
    }

    /// How long to wait for the next step, where a timer must be set for it: none runs, or only a later one.
    fn set_timer(&mut self, now: Instant) -> Option<Duration> {
        let next = [&self.debounced, &self.throttled]
            .into_iter()
            .filter_map(|queue| queue.front())
            .map(|(due, _)| *due)
            .min()?;
        let next = next.max(now + STEP);
        if self.timer.is_some_and(|at| at <= next) {
            return None;
        }
        self.timer = Some(next);
        Some(next - now)
    }

    pub(super) fn len(&self) -> usize {
        self.rooms.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(id: &str) -> RoomId {
        RoomId::new(id).unwrap()
    }

    #[test]
    fn each_room_is_sent_once_and_in_its_own_time() {
        let (mut lists, start) = (RoomUpdates::default(), Instant::now());
        let (here, everywhere) = (Audience::both(Reach::Here), Audience::both(Reach::Everywhere));
        let at = |ms: u64| start + Duration::from_millis(ms);
        let (bike, book) = (room("bike"), room("book"));
        assert_eq!(lists.set_timer(at(0)), None);
        assert!(lists.add(bike.clone(), here, at(0)));
        assert!(lists.add(book.clone(), here, at(60)));
        for audience in [everywhere, here] {
            assert!(!lists.add(bike.clone(), audience, at(99)));
        }
        assert_eq!(lists.set_timer(at(60)), Some(Duration::from_millis(40)));
        assert_eq!(lists.set_timer(at(60)), None, "it runs already");
        assert_eq!(lists.pop_due(at(99)), None);

        assert_eq!(lists.pop_due(at(100)), Some((bike.clone(), everywhere)), "as far as any change of it");
        assert_eq!(lists.pop_due(at(100)), None, "the other one has time left");
        assert_eq!(lists.set_timer(at(159)), Some(STEP));
        assert_eq!(lists.pop_due(at(300)), Some((book, here)));
        assert_eq!((lists.pop_due(at(800)), lists.len()), (None, 0));
        assert_eq!(lists.set_timer(at(800)), None, "nothing is left to wait for");
    }

    #[test]
    fn a_room_in_which_much_is_written_is_sent_twice_per_second() {
        let (mut lists, start) = (RoomUpdates::default(), Instant::now());
        let here = Audience::both(Reach::Here);
        let mut sent = Vec::new();
        for ms in (0..2_000).step_by(10) {
            let now = start + Duration::from_millis(ms);
            lists.add(room("busy"), here, now);
            sent.extend(lists.pop_due(now).map(|_| ms));
        }
        assert_eq!(sent, [100, 600, 1_100, 1_600]);
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert_eq!(lists.pop_due(at(2_100)), Some((room("busy"), here)), "the last change is sent, too");
        assert_eq!((lists.pop_due(at(2_600)), lists.len()), (None, 0));
    }

    #[test]
    fn a_quiet_room_does_not_wait_for_a_busy_one() {
        let (mut lists, start) = (RoomUpdates::default(), Instant::now());
        let here = Audience::both(Reach::Here);
        let at = |ms: u64| start + Duration::from_millis(ms);
        lists.add(room("busy"), here, at(0));
        assert!(lists.pop_due(at(100)).is_some());
        assert_eq!(lists.set_timer(at(100)), Some(INTERVAL));
        lists.add(room("quiet"), here, at(110));
        assert_eq!(lists.set_timer(at(110)), Some(DEBOUNCE), "before the one that runs");
        assert_eq!(lists.pop_due(at(210)), Some((room("quiet"), here)));
    }

    #[test]
    fn a_room_is_sent_to_everybody_whom_one_of_its_changes_concerns() {
        let [buyer, seller] = [Role::Buyer, Role::Seller].map(Audience::here);
        let both = Audience::both(Reach::Here);
        assert!(buyer.has(Role::Buyer) && !buyer.has(Role::Seller));
        assert_eq!((buyer.with(buyer), buyer.with(seller), seller.with(both)), (buyer, both, both));
        let everywhere = Audience::both(Reach::Everywhere);
        assert_eq!((buyer.with(everywhere), everywhere.with(seller)), (everywhere, everywhere));
    }
}
