//! Several nodes on one database: what they send each other, and what the database makes good.

mod hear;
pub(super) mod nodes;
mod publish;
pub mod reconcile;

use super::rooms::Rooms;
use crate::domain::RoomId;
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

    /// This node's sessions are sent how a room looks in their lists.
    pub(super) fn list_shown(&mut self, room: &RoomId, rooms: &Rooms) {
        let Some(nodes) = &mut self.nodes else { return };
        let Some(last_seq) = rooms.room(room).map(|live| live.state().last_seq) else { return };
        nodes.reconcile.list_sent(room, last_seq);
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

    /// What is being read of a room may be older than this change of it.
    pub(super) fn room_changed(&mut self, room: &RoomId) {
        if let Some(nodes) = &mut self.nodes {
            nodes.reconcile.room_changed(room);
        }
    }
}
