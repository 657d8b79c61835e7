//! The way to the writer and back: what the database has committed is taken over, answered and delivered. A change may be any, so this
//! takes the whole chat.

mod apply;
mod moderation;
mod products;

use std::time::Duration;

use super::{
    Chat,
    batch::{PendingWrite, WaitingReply},
    request::{FollowUp, ReplyTo},
    waves::Waves,
};
use crate::{
    db::{DbError, Write, WriteError, Written},
    domain::RoomId,
    error::ChatError,
};

impl Chat {
    /// The end of a turn: hands over the batch and asks what has gathered.
    pub(super) fn flush(&mut self) {
        let seen = self.last_seen.turn_ended(&self.rooms);
        self.append_next(seen);
        self.hand_over_batch();
        self.reads.flush(&mut self.loading, &mut self.out);
        if let Some(nodes) = &mut self.cluster.nodes {
            nodes.reconcile.flush(&self.rooms, &mut self.out);
            nodes.flush(&mut self.rooms, &mut self.out);
        }
        self.metrics.rooms.set(i64::try_from(self.rooms.live_count()).unwrap_or(i64::MAX));
    }

    /// Adds a change to the batch, or answers why it can't wait there.
    pub(super) fn append(&mut self, write: PendingWrite) {
        self.batch.append(write, &mut self.rooms, &self.metrics, &mut self.out);
    }

    /// The same of what a chapter does next, if anything.
    pub(super) fn append_next(&mut self, write: Option<PendingWrite>) {
        if let Some(write) = write {
            self.append(write);
        }
    }

    pub(super) fn hand_over_batch(&mut self) {
        let Some(writes) = self.batch.take() else { return };
        self.metrics.writes_pending.set(i64::try_from(self.batch.gathered()).unwrap_or(i64::MAX));
        self.out.commit = Some(writes);
    }

    fn committed(&mut self, reply: ReplyTo, outcome: Result<Written, WriteError>) {
        match outcome {
            Ok(written) => {
                let answer = self.apply(written);
                self.out.answer(reply, answer);
            }
            Err(error) => {
                if matches!(error, WriteError::TooManyStatusChanges { .. }) {
                    crate::metrics::count(&self.metrics.rate_limited, "status_changes");
                }
                self.out.answer(reply, Err(error.into()));
            }
        }
    }

    /// A change has come back, and what it did to its room is applied: the room need not stay in memory for it.
    fn landed(&mut self, room: Option<RoomId>) {
        let Some(room) = room else { return };
        if let Some(live) = self.rooms.room_mut(&room) {
            live.writes_pending -= 1;
        }
        self.rooms.release(&room);
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

    /// The writer is done with a batch.
    pub(super) fn batch_committed(
        &mut self,
        outcome: Result<Vec<Result<Written, WriteError>>, DbError>,
        took: Duration,
    ) {
        let waiting = self.batch.landed();
        self.cluster.batch_lands(false);
        match outcome {
            Ok(outcomes) => {
                self.metrics.commit_batch_size.observe(waiting.len() as f64);
                self.metrics.commit_seconds.observe(took.as_secs_f64());
                for (WaitingReply { room, reply }, outcome) in waiting.into_iter().zip(outcomes) {
                    self.guarded("commit", |chat| chat.committed(reply, outcome));
                    self.landed(room);
                }
                self.deliveries().send_answered_reads();
            }
            Err(error) => {
                self.metrics.commit_failures.inc();
                log::error!("a batch of {} was not stored: {error}", waiting.len());
                let error = ChatError::from(error);
                for WaitingReply { room, reply } in waiting {
                    self.out.answer(reply, Err(error.clone()));
                    self.landed(room);
                }
            }
        }
        self.cluster.batch_lands(true);
        self.rooms_landed();
        self.hand_over_batch();
    }

    /// A change of the chat's own is stored, or is not.
    pub(super) fn follow_up(&mut self, follow_up: FollowUp, is_stored: bool) {
        match follow_up {
            FollowUp::SessionBegun { session, pid } => self.deliveries().session_begun(session, &pid, is_stored),
            FollowUp::EntryRemembered(read) => self.deliveries().entry_remembered(*read, is_stored),
            FollowUp::SessionEnded { pid_hash } => self.deliveries().end_saved(&pid_hash),
            FollowUp::WaveStepped => Waves::stepped(is_stored, &mut self.out),
            FollowUp::SeenWritten => {
                let next = self.last_seen.written();
                self.append_next(next);
            }
        }
    }
}
