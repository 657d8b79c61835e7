//! What each kind of committed change does to the chat's state, whom it notifies, and what its answer is.

use crate::{
    broker::{NodeEvent, Topic},
    chat::{
        Chat,
        audience::{Audience, Reach},
        cluster::reconcile::Confirmed,
        done,
        request::{Answer, MessageChange, RoomRequest},
    },
    db::{ProductChange, ReadMark, Written},
    domain::{Account, Listing, Role, RoomId, Settings, StoredMessage, Timestamp, User, UserId, safety::Report},
    error::{ChatError, ErrorCode},
    protocol::{event::ReadUpTo, json::to_json, view::ReportView},
};

impl Chat {
    /// Takes over what the database has committed, and notifies those whom it concerns.
    pub(in crate::chat) fn apply(&mut self, written: Written) -> Result<Answer, ChatError> {
        Ok(match written {
            Written::Appended { message, first_time } => self.appended(message, first_time),
            Written::Changed(message) => self.changed(message),
            Written::Reacted { message, changed } => self.reacted(message, changed),
            Written::Read { room, reader, read_seq, unread, advanced } => {
                self.read_marked(ReadMark { room, reader, read_seq, unread }, advanced)
            }
            Written::Delivered { room, member, delivered_seq: seq, advanced } => {
                self.delivered(room, &member, seq, advanced)
            }
            Written::Seen { users } => self.seen(users),
            Written::RoomSettingsSet { room, member, role, listing, changed } => {
                if changed {
                    self.room_settings_set(room, &member, role, listing);
                }
                Answer { data: to_json(&listing.settings()), created: false }
            }
            Written::ProductPut { created, change } => self.product_put(created, change),
            Written::OfferMoved(moved) => return self.offer_moved(*moved),
            Written::OffersExpired { offers, next } => self.offers_expired(offers, next),
            Written::BlockSet { blocker, blocked, other, rooms, changed, added: _ } => {
                let data = blocked.as_ref().map_or_else(|| done().data, to_json);
                self.block_set(blocker, &other, blocked.is_some(), rooms);
                Answer { data, created: changed }
            }
            Written::SettingsSet { user, settings, changed, added: _ } => {
                if changed {
                    self.settings_set(&user, settings);
                }
                Answer { data: to_json(&settings), created: false }
            }
            Written::ReportDecided { report, changed: _, muted_until, mute_changed } => {
                if mute_changed {
                    self.muted(&report.reported_id, muted_until);
                }
                self.answer_report(&report)
            }
            Written::ReportAssigned(report) => self.answer_report(&report),
            Written::SessionsEnded { user } => self.sessions_ended(&user),
            Written::Remembered | Written::Recorded(_) | Written::RoomFrozen { changed: false, .. } => done(),
            Written::SanctionSet(set) => self.sanction_set(&set),
            Written::RoomFrozen { room, frozen, changed: true } => {
                self.room_frozen(room, frozen);
                done()
            }
            Written::StaffMoved(moved) => self.staff_moved(*moved),
            Written::NoteAdded(note) => Answer { data: to_json(&*note), created: true },
            Written::ForgotEnded { has_more } => self.ended_forgotten(has_more),
            Written::UserPut { user, created, changed } => self.user_stored(&user, created, changed),
            Written::WordsErased { messages, rooms, offers, progress } => {
                self.words_erased(messages, rooms, offers);
                Answer { data: to_json(&progress), created: false }
            }
            Written::WaveAdvanced(change) => self.wave_stepped(change),
            Written::UserDeleted { user, changed: _, left } => {
                self.user_deleted(&user);
                self.staff_deleted(&user.id, left);
                done()
            }
        })
    }

    fn seen(&mut self, users: Vec<(UserId, Timestamp)>) -> Answer {
        let users = users.into_iter().map(|(user, at)| (user, at.0));
        self.cluster.publish(&mut self.out, || Topic::Nodes, || NodeEvent::Seen { users: users.collect() });
        done()
    }

    fn wave_stepped(&mut self, change: ProductChange) -> Answer {
        self.wave_advanced(change);
        done()
    }

    fn sessions_ended(&mut self, user: &UserId) -> Answer {
        self.deliveries().sessions_end_noted(user);
        done()
    }

    fn read_marked(&mut self, mark: ReadMark, advanced: bool) -> Answer {
        let data = to_json(&ReadUpTo { read_seq: mark.read_seq });
        if advanced {
            self.member_has_read(mark);
        }
        Answer { data, created: advanced }
    }

    fn product_put(&mut self, created: bool, change: ProductChange) -> Answer {
        let data = to_json(&change.product);
        self.product_changed(change);
        Answer { data, created }
    }

    fn user_stored(&mut self, user: &User, created: bool, changed: bool) -> Answer {
        if changed {
            self.user_put(user, !created);
        }
        Answer { data: to_json(user), created }
    }

    fn answer_report(&self, report: &Report) -> Answer {
        let presenter = self.settings.presenter(self.now.wall);
        Answer { data: to_json(&ReportView::of(report, &presenter)), created: false }
    }

    fn appended(&mut self, message: StoredMessage, first_time: bool) -> Answer {
        #[cfg(test)]
        crate::chat::panics::if_asked(message.text.as_deref(), "commit");
        let data = self.settings.json_of(&message, self.now.wall);
        if first_time {
            self.message_appended(message, data.clone());
        }
        Answer { data, created: first_time }
    }

    fn changed(&mut self, message: StoredMessage) -> Answer {
        let data = self.settings.json_of(&message, self.now.wall);
        let is_held = self.rooms.room(&message.room_id).is_some();
        let change = Box::new(MessageChange::from(&message));
        self.message_changed(message, data.clone());
        if !is_held {
            // Nobody is in the room, and lists may show it all the same.
            self.with_room(RoomRequest::AnnounceChange(change, Reach::Everywhere));
        }
        Answer { data, created: false }
    }

    fn reacted(&mut self, message: StoredMessage, changed: bool) -> Answer {
        if changed {
            return self.changed(message);
        }
        Answer { data: self.settings.json_of(&message, self.now.wall), created: false }
    }

    fn offers_expired(&mut self, offers: Vec<StoredMessage>, next: Option<Timestamp>) -> Answer {
        for offer in offers {
            self.offer_changed(offer);
        }
        if let Some(next) = next {
            self.offer_expiry.await_next(next, &mut self.out);
        }
        done()
    }

    fn ended_forgotten(&mut self, has_more: bool) -> Answer {
        if has_more {
            self.forget_ended();
        }
        done()
    }

    fn block_set(&mut self, blocker: UserId, other: &UserId, is_blocked: bool, rooms: Vec<RoomId>) {
        self.room_budget.charge(&blocker, rooms.len(), self.now.wall);
        for room in &rooms {
            self.loading.mark_stale(room, &mut self.cluster);
            self.deliveries().sharing_changes(room, |live| live.block_changed(&blocker, other, is_blocked));
            self.cluster.publish_room_changed(&mut self.out, room);
        }
        self.announce(&blocker.into(), rooms);
    }

    /// A member's own settings: their sessions alone are notified.
    fn room_settings_set(&mut self, room: RoomId, member: &UserId, role: Role, listing: Listing) {
        self.loading.mark_stale(&room, &mut self.cluster);
        if let Some(live) = self.rooms.room_mut(&room) {
            live.listing_changed(role, listing);
        }
        self.cluster.publish_room_settings(&mut self.out, &room, member);
        self.with_room(RoomRequest::AnnounceTo(room, Audience::everywhere(role)));
    }

    fn settings_set(&mut self, user: &UserId, settings: Settings) {
        self.loading.mark_user_stale(user, &self.rooms, &mut self.cluster);
        let rooms = self.rooms.rooms_of(user);
        self.room_budget.charge(user, rooms.len(), self.now.wall);
        for room in rooms {
            self.deliveries().sharing_changes(&room, |live| live.settings_changed(user, settings));
        }
        self.cluster.publish_user_changed(&mut self.out, user);
    }

    pub(super) fn muted(&mut self, user: &UserId, until: Option<Timestamp>) {
        self.loading.mark_user_stale(user, &self.rooms, &mut self.cluster);
        for room in self.rooms.rooms_of(user) {
            if let Some(live) = self.rooms.room_mut(&room) {
                live.muted(user, until);
            }
        }
        self.cluster.publish_user_changed(&mut self.out, user);
    }

    fn user_put(&mut self, user: &User, is_renamed: bool) {
        self.rooms.user_changed(user, false);
        self.loading.mark_user_stale(&user.id, &self.rooms, &mut self.cluster);
        self.cluster.publish_user_put(&mut self.out, &user.id, is_renamed);
        if is_renamed {
            self.profiles.own_changed(&user.id, !self.cluster.has_others(), &self.rooms, &mut self.out);
        }
    }

    fn words_erased(&mut self, messages: Vec<StoredMessage>, rooms: Vec<RoomId>, offers: Vec<StoredMessage>) {
        for offer in offers {
            self.offer_changed(offer);
        }
        for message in messages {
            let data = self.settings.json_of(&message, self.now.wall);
            self.message_changed(message, data);
        }
        // The name is another one by now, also where nothing was said.
        for room in &rooms {
            self.loading.mark_stale(room, &mut self.cluster);
            self.cluster.publish_room_changed(&mut self.out, room);
        }
        self.announce(&Account::Server, rooms);
    }

    fn user_deleted(&mut self, user: &User) {
        let gone = ChatError::new(ErrorCode::Forbidden, "this user was removed");
        self.deliveries().end_sessions(&user.id, &gone);
        self.deliveries().sessions_end_noted(&user.id);
        self.rooms.user_changed(user, true);
        self.cluster.publish_user_changed(&mut self.out, &user.id);
        self.loading.mark_user_stale(&user.id, &self.rooms, &mut self.cluster);
    }

    /// A read mark has moved: the room and the reader's lists are notified.
    pub(in crate::chat) fn member_has_read(&mut self, mark: ReadMark) {
        let ReadMark { room, reader, read_seq, unread } = mark;
        self.loading.mark_stale(&room, &mut self.cluster);
        if self.rooms.room_mut(&room).is_some_and(|live| live.read(&reader, read_seq, unread)) {
            self.deliveries().send_read(&room, &reader, read_seq);
        }
        self.cluster.confirm(|| Confirmed::Read(room.clone(), reader.clone()));
        self.cluster.publish_to_room(&mut self.out, &room, |room| NodeEvent::Read {
            room,
            reader,
            seq: read_seq,
            unread,
        });
        self.room_updated(room);
    }
}
