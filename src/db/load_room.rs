//! Rooms, as they are read: one whole for the memory of the server, one or a list for a member.

use diesel::Connection as _;

use super::{
    Connection, DbError,
    models::{message::count_unread, room::RoomDetails},
};
use crate::domain::{Role, Room, RoomId, RoomSummary, Seq, StoredMessage, User, UserId};

/// A room with everything that the server keeps of it in memory, from one snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomState {
    /// The room.
    pub room: Room,
    /// `seq` of the newest message; 0 while there is none.
    pub last_seq: Seq,
    /// The newest message.
    pub last_message: Option<StoredMessage>,
    /// How the buyer stands.
    pub buyer: MemberState,
    /// How the seller stands.
    pub seller: MemberState,
}

/// How one member stands in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberState {
    /// How far they have read.
    pub read_seq: Seq,
    /// Messages of others behind that, at most [`super::UNREAD_MAX`].
    pub unread: i64,
    /// Deleted users enter no room.
    pub deleted: bool,
}

/// Reads a room; `None` when there is no such room.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn load_room(conn: &mut Connection, room: &RoomId) -> Result<Option<RoomState>, DbError> {
    conn.transaction(|conn| {
        let Some(details) = RoomDetails::find(conn, room)? else { return Ok(None) };
        let RoomDetails { row, room, last_message, buyer_deleted, seller_deleted } = details;
        let mut member = |user: &str, read_seq, deleted| -> Result<_, DbError> {
            let unread = count_unread(conn, &row.id, user, read_seq, row.last_seq)?;
            Ok(MemberState { read_seq: Seq(read_seq), unread, deleted })
        };
        Ok(Some(RoomState {
            last_seq: Seq(row.last_seq),
            buyer: member(&row.buyer_id, row.buyer_read_seq, buyer_deleted)?,
            seller: member(&row.seller_id, row.seller_read_seq, seller_deleted)?,
            last_message,
            room,
        }))
    })
}

/// A room as `user` sees it in their list; `None` for strangers, and when there is no such room.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_room(conn: &mut Connection, room: &RoomId, user: &UserId) -> Result<Option<RoomSummary>, DbError> {
    conn.transaction(|conn| {
        let Some(details) = RoomDetails::find(conn, room)? else { return Ok(None) };
        let role = match details.row.role_of(user) {
            Some(Role::Buyer) if !details.buyer_deleted => Role::Buyer,
            Some(Role::Seller) if !details.seller_deleted => Role::Seller,
            _ => return Ok(None),
        };
        details.into_summary(conn, role).map(Some)
    })
}

impl RoomState {
    /// One of the two members.
    #[must_use]
    pub fn member_user(&self, role: Role) -> &User {
        match role {
            Role::Buyer => &self.room.buyer,
            Role::Seller => &self.room.seller,
        }
    }

    /// How one of the two stands.
    #[must_use]
    pub fn member(&self, role: Role) -> &MemberState {
        match role {
            Role::Buyer => &self.buyer,
            Role::Seller => &self.seller,
        }
    }

    /// How one of the two stands, to change it.
    pub fn member_mut(&mut self, role: Role) -> &mut MemberState {
        match role {
            Role::Buyer => &mut self.buyer,
            Role::Seller => &mut self.seller,
        }
    }
}
