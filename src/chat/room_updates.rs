//! Debounces `roomUpdated`: rooms that look different than their members' lists show. Each is sent a moment after its first change, by
//! itself: all that changed in that moment goes as one `roomUpdated`, and the rooms of a busy server are spread over time.

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

/// How long changes of a room gather before its members' lists are sent them, so that a burst costs one `roomUpdated`.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// What falls due within this time goes together: few wake-ups, and none long enough to be felt.
const STEP: Duration = Duration::from_millis(10);

/// The rooms, each once.
#[derive(Debug, Default)]
pub(super) struct RoomUpdates {
    audiences: HashMap<RoomId, Audience>,
    due: VecDeque<(Instant, RoomId)>,
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
            if self.len() == 1 {
                self.await_next(now, out);
            }
        }
    }

    fn await_next(&self, now: Instant, out: &mut Effects) {
        if let Some(wait) = self.next_step(now) {
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
            cluster.list_shown(&room, rooms);
            let Some(live) = rooms.room_mut(&room) else { continue };
            live.writes_pending -= 1;
            let notified = [Role::Buyer, Role::Seller]
                .into_iter()
                .filter(|role| audience.has(*role))
                .filter(|role| !live.state().member(*role).deleted && live.state().member(*role).listing.is_shown())
                .map(|role| (live.summary(role), live.state().member_user(role).id.clone()))
                .collect::<Vec<_>>();
            for (summary, user) in notified {
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

    /// A room has changed. Returns whether it was not there already.
    fn add(&mut self, room: RoomId, audience: Audience, now: Instant) -> bool {
        match self.audiences.entry(room.clone()) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                *known = known.with(audience);
                false
            }
            Entry::Vacant(place) => {
                place.insert(audience);
                self.due.push_back((now + DEBOUNCE, room));
                true
            }
        }
    }

    /// The next one whose lists are due now.
    fn pop_due(&mut self, now: Instant) -> Option<(RoomId, Audience)> {
        let (_, room) = self.due.pop_front_if(|(due, _)| *due <= now)?;
        self.audiences.remove_entry(&room)
    }

    /// How long until the next step; `None` without any.
    fn next_step(&self, now: Instant) -> Option<Duration> {
        self.due.front().map(|(due, _)| due.saturating_duration_since(now).max(STEP))
    }

    pub(super) fn len(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_room_is_sent_once_and_in_its_own_time() {
        let (mut lists, start) = (RoomUpdates::default(), Instant::now());
        let (here, everywhere) = (Audience::both(Reach::Here), Audience::both(Reach::Everywhere));
        let at = |ms: u64| start + Duration::from_millis(ms);
        let [bike, book] = ["bike", "book"].map(|id| RoomId::new(id).unwrap());
        assert_eq!(lists.next_step(at(0)), None);
        assert!(lists.add(bike.clone(), here, at(0)));
        assert!(lists.add(book.clone(), here, at(60)));
        for audience in [everywhere, here] {
            assert!(!lists.add(bike.clone(), audience, at(99)));
        }
        assert_eq!(lists.next_step(at(60)), Some(Duration::from_millis(40)));
        assert_eq!(lists.pop_due(at(99)), None);

        assert_eq!(lists.pop_due(at(100)), Some((bike.clone(), everywhere)), "as far as any change of it");
        assert_eq!(lists.pop_due(at(100)), None, "the other one has time left");
        assert!(lists.add(bike.clone(), here, at(101)), "what comes later is sent again");
        assert_eq!(lists.next_step(at(159)), Some(STEP));
        assert_eq!(lists.pop_due(at(300)), Some((book, here)));
        assert_eq!(lists.pop_due(at(300)), Some((bike, here)));
        assert_eq!((lists.pop_due(at(300)), lists.len()), (None, 0));
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
