//! Rooms that look different in their members' lists than these were told. Each is told a moment after its first change, by
//! itself: all that changed in that moment goes as one `roomUpdated`, and the rooms of a busy server are spread over time.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    time::{Duration, Instant},
};

use super::Reach;
use crate::domain::RoomId;

/// How long changes of a room gather before its members' lists are told, so that a burst costs one `roomUpdated`.
const GATHER: Duration = Duration::from_millis(100);

/// What falls due within this time goes together: few wake-ups, and none long enough to be felt.
const STEP: Duration = Duration::from_millis(10);

/// The rooms, each once.
#[derive(Debug, Default)]
pub(super) struct OldLists {
    reach: HashMap<RoomId, Reach>,
    due: VecDeque<(Instant, RoomId)>,
}

impl OldLists {
    /// A room has changed. Returns whether it was not there already.
    pub(super) fn add(&mut self, room: RoomId, reach: Reach, now: Instant) -> bool {
        match self.reach.entry(room.clone()) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                *known = reach.max(*known);
                false
            }
            Entry::Vacant(place) => {
                place.insert(reach);
                self.due.push_back((now + GATHER, room));
                true
            }
        }
    }

    /// The next one whose lists are to be told now.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(RoomId, Reach)> {
        let (_, room) = self.due.pop_front_if(|(due, _)| *due <= now)?;
        self.reach.remove_entry(&room)
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

    #[test]
    fn each_room_is_told_once_and_in_its_own_time() {
        let (mut lists, start) = (OldLists::default(), Instant::now());
        let at = |ms: u64| start + Duration::from_millis(ms);
        let [bike, book] = ["bike", "book"].map(|id| RoomId::new(id).unwrap());
        assert_eq!(lists.next_step(at(0)), None);
        assert!(lists.add(bike.clone(), Reach::Here, at(0)));
        assert!(lists.add(book.clone(), Reach::Here, at(60)));
        for reach in [Reach::Everywhere, Reach::Here] {
            assert!(!lists.add(bike.clone(), reach, at(99)));
        }
        assert_eq!(lists.next_step(at(60)), Some(Duration::from_millis(40)));
        assert_eq!(lists.pop_due(at(99)), None);

        assert_eq!(lists.pop_due(at(100)), Some((bike.clone(), Reach::Everywhere)), "as far as any change of it");
        assert_eq!(lists.pop_due(at(100)), None, "the other one has time left");
        assert!(lists.add(bike.clone(), Reach::Here, at(101)), "what comes later is told again");
        assert_eq!(lists.next_step(at(159)), Some(STEP));
        assert_eq!(lists.pop_due(at(300)), Some((book, Reach::Here)));
        assert_eq!(lists.pop_due(at(300)), Some((bike, Reach::Here)));
        assert_eq!((lists.pop_due(at(300)), lists.len()), (None, 0));
    }
}
