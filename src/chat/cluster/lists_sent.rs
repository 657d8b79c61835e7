//! Which rooms members' lists were sent: a node may be gone, or its word lost, before the lists know what it has stored.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{RoomId, Seq, UserId};

/// For the last moments, in two halves: what is older than both is forgotten.
#[derive(Debug, Default)]
pub(in crate::chat) struct ListsSent {
    /// The newest message with which each room was sent to each member's list.
    sent: [HashMap<(RoomId, UserId), Seq>; 2],
    /// Whose lists other nodes have sent each room to. A node hears that of members who have sessions on it.
    heard: [HashMap<RoomId, BTreeSet<UserId>>; 2],
}

impl ListsSent {
    /// A room was sent to a member's list. Returns whether that is not older than what it was sent before.
    pub(in crate::chat) fn sent(&mut self, room: &RoomId, user: &UserId, seq: Seq) -> bool {
        let list = (room.clone(), user.clone());
        if self.newest(&list).is_some_and(|known| known > seq) {
            return false;
        }
        self.sent[0].insert(list, seq);
        true
    }

    /// The same, by another node.
    pub(in crate::chat) fn heard(&mut self, room: &RoomId, user: &UserId, seq: Seq) -> bool {
        self.heard[0].entry(room.clone()).or_default().insert(user.clone());
        self.sent(room, user, seq)
    }

    /// A room has a message. Returns whether a member's list was not sent it: it will be now.
    pub(super) fn misses(&mut self, room: &RoomId, user: &UserId, seq: Seq) -> bool {
        let list = (room.clone(), user.clone());
        let is_missed = self.newest(&list).is_none_or(|known| known < seq);
        if is_missed {
            self.sent[0].insert(list, seq);
        }
        is_missed
    }

    /// Whose lists other nodes have sent a room to.
    pub(super) fn heard_of(&self, room: &RoomId) -> BTreeSet<&UserId> {
        self.heard.iter().filter_map(|lists| lists.get(room)).flatten().collect()
    }

    pub(super) fn turn(&mut self) {
        self.sent.swap(0, 1);
        self.sent[0].clear();
        self.heard.swap(0, 1);
        self.heard[0].clear();
    }

    /// What other nodes have said lately may have been lost.
    pub(super) fn distrust(&mut self) {
        self.heard = Default::default();
    }

    fn newest(&self, list: &(RoomId, UserId)) -> Option<Seq> {
        self.sent.iter().filter_map(|lists| lists.get(list)).max().copied()
    }
}
