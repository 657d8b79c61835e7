//! What the acts of the marketplace's staff do to the chat's state, and whom they notify.

use crate::{
    chat::{Chat, request::Answer},
    db::{SanctionSet, StaffMoved},
    domain::{Account, RoomId, SanctionKind, Timestamp, UserId, staff::ends_at},
    error::{ChatError, ErrorCode},
    protocol::{event::RoomStaff, json::to_json},
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

    /// Somebody of the staff has joined a room, or has left it: then their sessions are in it no more.
    pub(super) fn staff_moved(&mut self, moved: StaffMoved) -> Answer {
        let StaffMoved { room, user, staff, notice, added: _ } = moved;
        let answer = Answer { data: to_json(&RoomStaff { room_id: &room, staff: &staff }), created: notice.is_some() };
        let Some(notice) = notice else { return answer };
        let has_left = staff.iter().all(|other| other.id != user);
        self.loading.mark_stale(&room, &mut self.cluster);
        if let Some(live) = self.rooms.room_mut(&room) {
            live.set_staff(staff);
        }
        let data = self.settings.json_of(&notice, self.now.wall);
        self.message_appended(notice, data);
        if has_left {
            for session in self.rooms.room(&room).map(|live| live.sessions_of(&user)).unwrap_or_default() {
                let left = ChatError::new(ErrorCode::Forbidden, "you have left this room: join it again to enter it");
                self.deliveries().take_out(session, &room, left);
            }
        }
        self.cluster.publish_room_changed(&mut self.out, &room);
        self.announce(&Account::Server, vec![room]);
        answer
    }

    /// A user was deleted who was in these rooms as somebody of the staff.
    pub(super) fn staff_deleted(&mut self, user: &UserId, rooms: Vec<RoomId>) {
        for room in &rooms {
            self.loading.mark_stale(room, &mut self.cluster);
            if let Some(live) = self.rooms.room_mut(room) {
                live.staff_deleted(user);
            }
            self.cluster.publish_room_changed(&mut self.out, room);
        }
        self.announce(&Account::Server, rooms);
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
