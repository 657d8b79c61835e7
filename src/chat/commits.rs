//! The way to the writer and back: what the database has committed is taken over, answered and delivered.

use std::time::Duration;

use super::{
    Chat, Reach,
    batch::{Full, PendingWrite, Waiting},
    cluster::reconcile::Confirmed,
    done,
    request::FollowUp,
    request::{Answer, MessageChange, RoomRequest},
};
use crate::{
    broker::NodeEvent,
    db::{DbError, ReadMark, Write, WriteError, Written},
    domain::Account,
    error::{ChatError, ErrorCode},
    protocol::{event::ReadUpTo, json::to_json, view::ReportView},
};

impl Chat {
    /// The end of a turn: hands over the batch and asks what has gathered.
    pub(super) fn flush(&mut self) {
        self.hand_over_batch();
        self.flush_reads();
        self.flush_reconcile();
        self.flush_nodes();
        self.metrics.rooms.set(i64::try_from(self.rooms.live_count()).unwrap_or(i64::MAX));
    }

    /// Adds a change to the batch, or answers why it can't wait there.
    pub(super) fn append(&mut self, write: PendingWrite) {
        let room = write.room.clone();
        match self.batch.push(write) {
            Ok(()) => {
                if let Some(live) = room.and_then(|room| self.rooms.room_mut(&room)) {
                    live.writes_pending += 1;
                }
            }
            Err(refused) => {
                let (PendingWrite { room, reply, .. }, full) = *refused;
                let (limit, error) = match full {
                    Full::OwnShare => ("writes_per_user", ChatError::rate_limited(1000)),
                    Full::Everything => ("writes_pending", ChatError::unavailable()),
                };
                crate::metrics::count(&self.metrics.rate_limited, limit);
                self.answer(reply, Err(error));
                if let Some(room) = room {
                    self.rooms.release(&room);
                }
            }
        }
    }

    pub(super) fn hand_over_batch(&mut self) {
        let Some(writes) = self.batch.take() else { return };
        self.metrics.writes_pending.set(i64::try_from(self.batch.gathered()).unwrap_or(i64::MAX));
        self.out.commit = Some(writes);
    }

    pub(super) fn committed(&mut self, waiting: Waiting, outcome: Result<Written, WriteError>) {
        if let Some(live) = waiting.room.as_ref().and_then(|room| self.rooms.room_mut(room)) {
            live.writes_pending -= 1;
        }
        match outcome {
            Ok(written) => {
                let answer = self.apply(written);
                self.answer(waiting.reply, answer);
            }
            Err(error) => {
                if matches!(error, WriteError::TooManyStatusChanges { .. }) {
                    crate::metrics::count(&self.metrics.rate_limited, "status_changes");
                }
                self.answer(waiting.reply, Err(error.into()));
            }
        }
        if let Some(room) = waiting.room {
            self.rooms.release(&room);
        }
    }

    /// Whether a user may make one more change that shows in all rooms that they share with others.
    pub(super) fn check_room_budget(&self, write: &Write) -> Result<(), ChatError> {
        let user = match write {
            Write::Block { blocker, .. } => &blocker.id,
            Write::Unblock { blocker, .. } => blocker,
            Write::SetSettings { user, .. } => &user.id,
            _ => return Ok(()),
        };
        self.room_budget.check(user, self.now.wall).map_err(|retry_after_ms| {
            crate::metrics::count(&self.metrics.rate_limited, "rooms_changed");
            ChatError::rate_limited(retry_after_ms)
        })
    }

    /// Takes over what the database has committed, and notifies those whom it concerns.
    pub(super) fn apply(&mut self, written: Written) -> Result<Answer, ChatError> {
        Ok(match written {
            Written::Appended { message, first_time } => {
                #[cfg(test)]
                crate::chat::panics::if_asked(message.text.as_deref(), "commit");
                let data = self.settings.json_of(&message, self.now.wall);
                if first_time {
                    self.message_appended(message, data.clone());
                }
                Answer { data, created: first_time }
            }
            Written::Changed(message) => {
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
            Written::Read { room, reader, read_seq, unread, advanced } => {
                if advanced {
                    self.member_has_read(ReadMark { room, reader, read_seq, unread });
                }
                Answer { data: to_json(&ReadUpTo { read_seq }), created: advanced }
            }
            Written::ProductPut { created, change } => {
                let data = to_json(&change.product);
                self.product_changed(change);
                Answer { data, created }
            }
            Written::OfferMoved(moved) => return self.offer_moved(*moved),
            Written::OffersExpired { offers, next } => {
                for offer in offers {
                    self.offer_changed(offer);
                }
                if let Some(next) = next {
                    self.await_expiry(next);
                }
                done()
            }
            Written::BlockSet { blocker, blocked, other, rooms, changed, added: _ } => {
                self.room_budget.charge(&blocker, rooms.len(), self.now.wall);
                for room in &rooms {
                    self.mark_stale(room);
                    self.sharing_changes(room, |live| live.block_changed(&blocker, &other, blocked.is_some()));
                    self.publish_room_changed(room);
                }
                self.announce(&blocker.into(), rooms);
                let data = blocked.map_or_else(|| done().data, |block| to_json(&block));
                Answer { data, created: changed }
            }
            Written::SettingsSet { user, settings, changed, added: _ } => {
                if changed {
                    self.mark_user_stale(&user);
                    let rooms = self.rooms.rooms_of(&user);
                    self.room_budget.charge(&user, rooms.len(), self.now.wall);
                    for room in rooms {
                        self.sharing_changes(&room, |live| live.settings_changed(&user, settings));
                    }
                    self.publish_user_changed(&user);
                }
                Answer { data: to_json(&settings), created: false }
            }
            Written::ReportDecided { report, changed: _, muted_until, mute_changed } => {
                if mute_changed {
                    self.mark_user_stale(&report.reported_id);
                    for room in self.rooms.rooms_of(&report.reported_id) {
                        if let Some(live) = self.rooms.room_mut(&room) {
                            live.muted(&report.reported_id, muted_until);
                        }
                    }
                    self.publish_user_changed(&report.reported_id);
                }
                Answer {
                    data: to_json(&ReportView::of(&report, &self.settings.presenter(self.now.wall))),
                    created: false,
                }
            }
            Written::Remembered | Written::SessionsEnded { .. } => done(),
            Written::ForgotEnded { has_more } => {
                if has_more {
                    self.forget_ended();
                }
                done()
            }
            Written::UserPut { user, created, changed } => {
                if changed {
                    let is_renamed = !created;
                    self.rooms.user_changed(&user, false);
                    self.mark_user_stale(&user.id);
                    self.publish_user_put(&user.id, is_renamed);
                    if is_renamed {
                        self.own_profile_changed(&user.id);
                    }
                }
                Answer { data: to_json(&user), created }
            }
            Written::WordsErased { messages, rooms, offers, progress } => {
                for offer in offers {
                    self.offer_changed(offer);
                }
                for message in messages {
                    let data = self.settings.json_of(&message, self.now.wall);
                    self.message_changed(message, data);
                }
                // The name is another one by now, also where nothing was said.
                for room in &rooms {
                    self.mark_stale(room);
                    self.publish_room_changed(room);
                }
                self.announce(&Account::Server, rooms);
                Answer { data: to_json(&progress), created: false }
            }
            Written::WaveAdvanced(change) => {
                self.wave_advanced(change);
                done()
            }
            Written::UserDeleted { user, changed: _ } => {
                let gone = ChatError::new(ErrorCode::Forbidden, "this user was removed");
                self.end_sessions(&user.id, &gone);
                self.rooms.user_changed(&user, true);
                self.publish_user_changed(&user.id);
                self.mark_user_stale(&user.id);
                done()
            }
        })
    }

    /// A read mark has moved: the room and the reader's lists are notified.
    pub(super) fn member_has_read(&mut self, mark: ReadMark) {
        let ReadMark { room, reader, read_seq, unread } = mark;
        self.mark_stale(&room);
        if let Some(live) = self.rooms.room_mut(&room) {
            live.read(&reader, read_seq, unread);
        }
        self.send_read(&room, &reader, read_seq);
        self.confirm(|| Confirmed::Read(room.clone(), reader.clone()));
        self.publish_to_room(&room, |room| NodeEvent::Read { room, reader, seq: read_seq, unread });
        self.room_updated(room);
    }

    /// The writer is done with a batch.
    pub(super) fn batch_committed(
        &mut self,
        outcome: Result<Vec<Result<Written, WriteError>>, DbError>,
        took: Duration,
    ) {
        let waiting = self.batch.landed();
        match outcome {
            Ok(outcomes) => {
                self.metrics.commit_batch_size.observe(waiting.len() as f64);
                self.metrics.commit_seconds.observe(took.as_secs_f64());
                for (waiting, outcome) in waiting.into_iter().zip(outcomes) {
                    self.guarded("commit", |chat| chat.committed(waiting, outcome));
                }
                self.send_answered_reads();
            }
            Err(error) => {
                self.metrics.commit_failures.inc();
                log::error!("a batch of {} was not stored: {error}", waiting.len());
                let error = ChatError::from(error);
                for waiting in waiting {
                    self.not_committed(waiting, &error);
                }
            }
        }
        self.rooms_landed();
        self.hand_over_batch();
    }

    fn not_committed(&mut self, Waiting { room, reply }: Waiting, error: &ChatError) {
        if let Some(live) = room.as_ref().and_then(|room| self.rooms.room_mut(room)) {
            live.writes_pending -= 1;
        }
        self.answer(reply, Err(error.clone()));
        if let Some(room) = room {
            self.rooms.release(&room);
        }
    }

    /// A change of the chat's own is stored, or is not.
    pub(super) fn follow_up(&mut self, follow_up: FollowUp, is_stored: bool) {
        match follow_up {
            FollowUp::SessionBegun { session, pid } => self.session_begun(session, &pid, is_stored),
            FollowUp::EntryRemembered(read) => self.entry_remembered(*read, is_stored),
            FollowUp::SessionEnded { pid_hash } => self.end_saved(&pid_hash),
            FollowUp::WaveStepped => self.wave_stepped(is_stored),
        }
    }
}
