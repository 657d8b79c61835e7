//! `unreadTotal` of `roomUpdated`: what each user with a session on this node has not read, over all of their rooms.
//!
//! The database counts a user's rooms once, before the first `roomUpdated` that their sessions here are sent. From then on each
//! `roomUpdated` says what its own room adds, so a message costs no reading. What is sent while the database counts waits for it.

use std::collections::HashMap;

use bytes::Bytes;

use super::{db_read::DbRead, effects::Effects, rooms::Rooms};
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
    users: HashMap<UserId, UnreadCount>,
    asked: u64,
}

/// How far the count of one user has come.
#[derive(Debug)]
enum UnreadCount {
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

    /// Sends a user's sessions on this node how a room looks in their list, with the total of what they have not read.
    pub(super) fn send(&mut self, user: &UserId, update: ListUpdate, rooms: &Rooms, out: &mut Effects) {
        if rooms.sessions_of(user).is_empty() {
            return;
        }
        match self.users.get_mut(user) {
            Some(UnreadCount::Known(shares)) => {
                let total = take_in(shares, &update);
                send_update(user, update, Some(total), rooms, out);
            }
            Some(UnreadCount::Asked(_, waiting)) => {
                waiting.retain(|earlier| earlier.room != update.room);
                if waiting.len() < WAITING_MAX {
                    waiting.push(update);
                } else {
                    send_update(user, update, None, rooms, out);
                }
            }
            None => {
                self.asked += 1;
                let asked = self.asked;
                self.users.insert(user.clone(), UnreadCount::Asked(asked, vec![update]));
                out.read(DbRead::Unread(user.clone(), asked));
            }
        }
    }

    /// The database has counted.
    pub(super) fn counted(
        &mut self,
        user: &UserId,
        asked: u64,
        found: Result<Vec<(RoomId, i64)>, DbError>,
        rooms: &Rooms,
        out: &mut Effects,
    ) {
        let Some(UnreadCount::Asked(last, waiting)) = self.users.get_mut(user) else { return };
        if *last != asked {
            return;
        }
        let waiting = std::mem::take(waiting);
        self.users.remove(user);
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
            send_update(user, update, total, rooms, out);
        }
        if let Some(shares) = shares {
            self.users.insert(user.clone(), UnreadCount::Known(shares));
        }
    }

    /// A session has ended: nobody is sent the total of a user who has no other one here.
    pub(super) fn forget(&mut self, user: &UserId, rooms: &Rooms) {
        if rooms.sessions_of(user).is_empty() {
            self.users.remove(user);
        }
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

fn send_update(user: &UserId, update: ListUpdate, total: Option<UnreadTotal>, rooms: &Rooms, out: &mut Effects) {
    let ListUpdate { room, data, share: _ } = update;
    let data = match total {
        Some(total) => with_unread_total(&data, total),
        None => data,
    };
    let sessions = rooms.sessions_of(user).to_vec();
    out.send_to_sessions(rooms, sessions, Some(&room), &Push::from_json("roomUpdated", data));
}
