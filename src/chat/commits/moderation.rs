//! What the acts of the marketplace's staff do to the chat's state, and whom they notify.

use crate::{
    chat::{Chat, request::Answer},
    db::SanctionSet,
    domain::{Account, RoomId, SanctionKind, Timestamp, UserId, staff::ends_at},
    error::ChatError,
    protocol::json::to_json,
};

impl Chat {
    /// A mute or a ban was set or ended.
    pub(super) fn sanction_set(&mut self, set: &SanctionSet) -> Answer {
        let user = &set.sanction.user.id;
        match (set.kind, set.until) {
            (SanctionKind::Mute, until) if set.changed => self.muted(user, until),
            (SanctionKind::Mute, _) => {}
            (SanctionKind::Ban, Some(until)) => self.banned(user, until),
            (SanctionKind::Ban, None) => {
                self.bans.lift(user);
                self.cluster.publish_user_changed(&mut self.out, user);
            }
        }
        Answer { data: to_json(&set.sanction), created: set.changed }
    }

    fn banned(&mut self, user: &UserId, until: Timestamp) {
        self.bans.add(user.clone(), until, self.now.at);
        self.deliveries().end_sessions(user, &ChatError::banned(ends_at(until)));
        self.deliveries().sessions_end_noted(user);
    }

    /// A room was frozen or unfrozen: its members' lists and open rooms show it.
    pub(super) fn room_frozen(&mut self, room: RoomId, frozen: bool) {
        self.loading.mark_stale(&room, &mut self.cluster);
        if let Some(live) = self.rooms.room_mut(&room) {
            live.set_frozen(frozen);
        }
        self.cluster.publish_room_changed(&mut self.out, &room);
        self.announce(&Account::Server, vec![room]);
    }
}
