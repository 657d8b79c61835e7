//! `unreadTotal` of `roomUpdated`: what each user with a session on this node has not read, over all of their rooms.
//!
//! The database counts a user's rooms once, before the first `roomUpdated` that their sessions here are sent. From then on each
//! `roomUpdated` says what its own room adds, so a message costs no reading. What is sent while the database counts waits for it.

use std::collections::HashMap;

use bytes::Bytes;

use super::{Chat, db_read::DbRead};
use crate::{
    db::DbError,
    domain::{RoomId, UnreadTotal, UserId},
    protocol::push::{Push, with_unread_total},
};

/// Rooms of one user whose updates wait for the count. Those of further ones go out without a total.
const WAITING_MAX: usize = 64;

/// A `roomUpdated` that is to be sent to a user's sessions on this node.
#[derive(Debug)]
pub(super) struct ListUpdate {
    pub(super) room: RoomId,
    /// The event's data, without a total.
    pub(super) data: Bytes,
    /// What the room adds to the total; `None` where the node that has sent it does not say.
    pub(super) share: Option<UnreadShare>,
}

/// What a room adds to its member's total: its unread messages; `None` for nothing.
pub(super) type UnreadShare = Option<i64>;

/// The users with a session here who have been sent a `roomUpdated`.
#[derive(Debug, Default)]
pub(super) struct UnreadTotals {
    users: HashMap<UserId, Count>,
    asked: u64,
}

/// How far the count of one user has come.
#[derive(Debug)]
enum Count {
    /// The database counts: the number of the question, and what waits for it.
    Asked(u64, Vec<ListUpdate>),
    /// What each room adds that adds something.
    Known(HashMap<RoomId, i64>),
}

impl UnreadTotals {
    /// How many users are kept.
    pub(super) fn len(&self) -> usize {
        self.users.len()
    }
}

fn take_in(shares: &mut HashMap<RoomId, i64>, update: &ListUpdate) -> UnreadTotal {
    match update.share {
        Some(Some(unread)) => drop(shares.insert(update.room.clone(), unread)),
        Some(None) => drop(shares.remove(&update.room)),
        None => {}
    }
    UnreadTotal { rooms: i64::try_from(shares.len()).unwrap_or(i64::MAX), messages: shares.values().sum() }
}

impl Chat {
    /// Sends a user's sessions on this node how a room looks in their list, with the total of what they have not read.
    pub(super) fn send_list_update(&mut self, user: &UserId, update: ListUpdate) {
        if self.rooms.sessions_of(user).is_empty() {
            return;
        }
        match self.unread_totals.users.get_mut(user) {
            Some(Count::Known(shares)) => {
                let total = take_in(shares, &update);
                self.push_list_update(user, update, Some(total));
            }
            Some(Count::Asked(_, waiting)) => {
                waiting.retain(|earlier| earlier.room != update.room);
                if waiting.len() < WAITING_MAX {
                    waiting.push(update);
                } else {
                    self.push_list_update(user, update, None);
                }
            }
            None => {
                self.unread_totals.asked += 1;
                let asked = self.unread_totals.asked;
                self.unread_totals.users.insert(user.clone(), Count::Asked(asked, vec![update]));
                self.out.read(DbRead::Unread(user.clone(), asked));
            }
        }
    }

    /// The database has counted.
    pub(super) fn unread_counted(&mut self, user: &UserId, asked: u64, found: Result<Vec<(RoomId, i64)>, DbError>) {
        let Some(Count::Asked(last, waiting)) = self.unread_totals.users.get_mut(user) else { return };
        if *last != asked {
            return;
        }
        let waiting = std::mem::take(waiting);
        self.unread_totals.users.remove(user);
        let mut shares = match found {
            Ok(found) => Some(found.into_iter().collect::<HashMap<_, _>>()),
            Err(error) => {
                // The next update asks again.
                log::warn!("unread messages could not be counted: {error}");
                None
            }
        };
        for update in waiting {
            // What is sent now is newer than what was counted.
            let total = shares.as_mut().map(|shares| take_in(shares, &update));
            self.push_list_update(user, update, total);
        }
        if let Some(shares) = shares {
            self.unread_totals.users.insert(user.clone(), Count::Known(shares));
        }
    }

    fn push_list_update(&mut self, user: &UserId, update: ListUpdate, total: Option<UnreadTotal>) {
        let ListUpdate { room, data, share: _ } = update;
        let data = match total {
            Some(total) => with_unread_total(&data, total),
            None => data,
        };
        let sessions = self.rooms.sessions_of(user).to_vec();
        self.out.send_to_sessions(&self.rooms, sessions, Some(&room), &Push::from_json("roomUpdated", data));
    }

    /// A session has ended: nobody is sent the total of a user who has no other one here.
    pub(super) fn forget_total(&mut self, user: &UserId) {
        if self.rooms.sessions_of(user).is_empty() {
            self.unread_totals.users.remove(user);
        }
    }
}
