//! Several nodes on one database: what they send each other, and what the database makes good.

mod hear;
mod lists_sent;
pub(super) mod nodes;
mod publish;
pub mod reconcile;

use super::{batch::Batch, rooms::Rooms};
use crate::{
    broker::NodeId,
    domain::{MessageId, RoomId, Seq, StoredMessage, UserId},
};
use nodes::Nodes;
use reconcile::Confirmed;

/// The other nodes, where there are others. On a server that is alone nothing here does anything.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) nodes: Option<Nodes>,
}

impl Cluster {
    /// Whether this server is one of several nodes.
    pub(super) fn has_others(&self) -> bool {
        self.nodes.is_some()
    }

    /// Remembers that something was heard or done.
    pub(super) fn confirm(&mut self, what: impl FnOnce() -> Confirmed) {
        if let Some(nodes) = &mut self.nodes {
            nodes.reconcile.confirm(what());
        }
    }

    /// A member's sessions on this node are sent how a room looks in their list.
    pub(super) fn list_shown(&mut self, room: &RoomId, user: &UserId, last_seq: Seq) {
        if let Some(nodes) = &mut self.nodes {
            nodes.reconcile.lists.sent(room, user, last_seq);
        }
    }

    /// Messages of a room are missing.
    pub(super) fn fill(&mut self, room: RoomId) {
        if let Some(nodes) = &mut self.nodes {
            nodes.reconcile.missing_in(room);
        }
    }

    /// Something of a room in memory is old. With `alone` nobody else notifies its members' lists.
    pub(super) fn refresh(&mut self, room: RoomId, alone: bool, rooms: &Rooms) {
        if rooms.room(&room).is_some()
            && let Some(nodes) = &mut self.nodes
        {
            nodes.reconcile.is_old(room, alone);
        }
    }

    /// A node says that a message stands differently: this one, without `by`.
    pub(super) fn change_said(&mut self, message: &StoredMessage, by: Option<NodeId>) {
        if let Some(nodes) = &mut self.nodes {
            let by = by.unwrap_or_else(|| nodes.id());
            nodes.reconcile.message_changed(message, by);
        }
    }

    /// It is to be read again how a message stands.
    pub(super) fn read_change_again(&mut self, message: MessageId) {
        if let Some(nodes) = &mut self.nodes {
            nodes.reconcile.read_again(message);
        }
    }

    /// A room was read. What the writer has of this node's may be stored already, so that its outcome comes last and is older.
    pub(super) fn note_read_early(&mut self, room: &RoomId, batch: &Batch) {
        if let Some(nodes) = self.nodes.as_mut().filter(|_| batch.is_out()) {
            nodes.reconcile.room_read_early(room);
        }
    }

    /// The outcome of this node's batch is about to be applied, or is applied.
    pub(super) fn batch_lands(&mut self, is_applied: bool) {
        if let Some(nodes) = &mut self.nodes {
            nodes.reconcile.batch_lands(is_applied);
        }
    }

    /// What is being read of a room may be older than this change of it.
    pub(super) fn room_changed(&mut self, room: &RoomId) {
        if let Some(nodes) = &mut self.nodes {
            nodes.reconcile.room_changed(room);
        }
    }
}
