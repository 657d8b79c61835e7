//! Debounces `roomUpdated`: rooms that look different than their members' lists show. Each is sent a moment after its first change, by
//! itself: all that changed in that moment goes as one `roomUpdated`, and the rooms of a busy server are spread over time.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    time::{Duration, Instant},
};

use super::Audience;
use crate::domain::RoomId;

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
    /// A room has changed. Returns whether it was not there already.
    pub(super) fn add(&mut self, room: RoomId, audience: Audience, now: Instant) -> bool {
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
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(RoomId, Audience)> {
        let (_, room) = self.due.pop_front_if(|(due, _)| *due <= now)?;
        self.audiences.remove_entry(&room)
    }

    /// How long until the next step; `None` without any.
    pub(super) fn next_step(&self, now: Instant) -> Option<Duration> {
        self.due.front().map(|(due, _)| due.saturating_duration_since(now).max(STEP))
    }

    pub(super) fn len(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chat::Reach, domain::Role};

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
