//! Members' lists show something old: they are sent how a room looks now, after a moment where the room is in memory, and after it was
//! read where it is not. A request in the room does that, so this takes the whole chat.

use std::time::Duration;

use super::{Audience, Chat, Reach, request::RoomRequest, timer::Timer};
use crate::domain::{Account, RoomId};

/// Rooms that are read at once for a change that shows in many.
const ANNOUNCEMENTS_AT_ONCE: usize = 100;

/// The pause between them.
const ANNOUNCEMENTS_PAUSE: Duration = Duration::from_millis(20);

/// The pause before rooms are read again that could not be read.
const ANNOUNCEMENTS_RETRY_PAUSE: Duration = Duration::from_secs(1);

impl Chat {
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
        self.room_updates.room_changed(room, audience, self.now.at, &mut self.rooms, &mut self.out);
    }

    pub(super) fn send_room_updates(&mut self) {
        let Self { now, settings, rooms, cluster, unread_totals, out, .. } = self;
        self.room_updates.send_due(*now, settings, rooms, cluster, unread_totals, out);
    }

    /// Sends both members of many rooms what these look like now, some at a time: the rooms are read for it, and others
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
}
