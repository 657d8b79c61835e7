//! Rooms, as they are read: one whole for the memory of the server, one or a list for a member.

use super::{
    Connection, DbError,
    models::{
        message::count_unread,
        room::{MemberDetails, RoomDetails, find_staff},
    },
};
use crate::domain::{
    Listing, MemberMarks, Pair, Role, Room, RoomId, RoomSummary, Seq, Settings, StoredMessage, Timestamp, User, UserId,
    offer::StandingOffer, support::is_desk,
};

/// A room with everything that the server keeps of it in memory, from one snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomState {
    pub room: Room,
    /// `seq` of the newest message; 0 while there is none.
    pub last_seq: Seq,
    /// The newest message.
    pub last_message: Option<StoredMessage>,
    /// The offer that stands.
    pub offer: Option<StandingOffer>,
    /// How its members stand.
    pub members: Pair<MemberState>,
    /// Staff lets nobody say anything here.
    pub frozen: bool,
    /// Who of the staff is in the room.
    pub staff: Vec<User>,
}

/// How one member stands in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberState {
    /// How far they have read.
    pub read_seq: Seq,
    /// How far messages have reached a device of theirs, as far as that is noted apart from reading: see [`Self::marks`].
    pub delivered_seq: Seq,
    /// When they were last active, to the minute.
    pub last_seen_at: Option<Timestamp>,
    /// Messages of others after `read_seq`, at most [`UNREAD_MAX`](super::models::message::UNREAD_MAX).
    pub unread: i64,
    /// Deleted users enter no room.
    pub deleted: bool,
    /// Until when they may not say anything.
    pub muted_until: Option<Timestamp>,
    /// Whether they have blocked the other one.
    pub has_blocked: bool,
    /// What they share.
    pub settings: Settings,
    /// How the room stands in their list.
    pub listing: Listing,
}

impl MemberState {
    /// How far they have come. What was read has been delivered.
    #[must_use]
    pub fn marks(&self) -> MemberMarks {
        MemberMarks {
            read_seq: self.read_seq,
            delivered_seq: self.delivered_seq.max(self.read_seq),
            last_seen_at: self.last_seen_at,
        }
    }
}

/// Reads a room; `None` when there is no such room.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn load_room(conn: &mut Connection, room: &RoomId) -> Result<Option<RoomState>, DbError> {
    conn.transaction(|conn| match RoomDetails::find(conn, room)? {
        Some(details) => state_of(conn, details).map(Some),
        None => Ok(None),
    })
}

/// Reads several rooms, inside the caller's transaction: one statement for all, and one for each count of unread messages
/// that has something to count.
#[expect(clippy::type_complexity, reason = "an answer for each room")]
pub(super) fn load_room_in(
    conn: &mut Connection,
    wanted: &[RoomId],
) -> Result<Vec<(RoomId, Result<Option<RoomState>, DbError>)>, DbError> {
    let mut found = RoomDetails::find_all(conn, wanted)?;
    let mut states = Vec::with_capacity(wanted.len());
    for room in wanted {
        let state = match found.remove(room.as_str()) {
            Some(Ok(details)) => state_of(conn, details).map(Some),
            Some(Err(error)) => Err(error),
            None => Ok(None),
        };
        // A server that is gone is gone for all of them.
        if let Err(error @ DbError::Unavailable(_)) = state {
            return Err(error);
        }
        states.push((room.clone(), state));
    }
    Ok(states)
}

fn state_of(conn: &mut Connection, details: RoomDetails) -> Result<RoomState, DbError> {
    let RoomDetails { row, room, last_message, offer, members, frozen } = details;
    let member = |conn: &mut Connection, role, details: MemberDetails| -> Result<_, DbError> {
        let MemberDetails { deleted, muted_until, has_blocked, settings, marks } = details;
        let MemberMarks { read_seq, delivered_seq, last_seen_at } = marks;
        let user = row.user_of(role);
        // The desk never reads: each time everything would be counted.
        let unread = if is_desk(user) { 0 } else { count_unread(conn, &row.id, user, read_seq.0, row.last_seq)? };
        Ok(MemberState {
            read_seq,
            delivered_seq,
            last_seen_at,
            unread,
            deleted,
            muted_until,
            has_blocked,
            settings,
            listing: row.listing(role),
        })
    };
    let staff = find_staff(conn, &row)?;
    let (buyer, seller) = (member(conn, Role::Buyer, members.buyer)?, member(conn, Role::Seller, members.seller)?);
    Ok(RoomState {
        last_seq: Seq(row.last_seq),
        members: Pair { buyer, seller },
        last_message,
        offer,
        frozen,
        staff,
        room,
    })
}

/// A room as `user` sees it in their list; `None` for strangers, and when there is no such room.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_room(conn: &mut Connection, room: &RoomId, user: &UserId) -> Result<Option<RoomSummary>, DbError> {
    conn.transaction(|conn| {
        let Some(details) = RoomDetails::find(conn, room)? else { return Ok(None) };
        match details.row.role_of(user) {
            Some(role) if !details.members[role].deleted => details.into_summary(conn, role).map(Some),
            _ => Ok(None),
        }
    })
}

impl RoomState {
    /// One of the two members.
    #[must_use]
    pub fn member_user(&self, role: Role) -> &User {
        self.room.members()[role]
    }

    /// How one of the two stands.
    #[must_use]
    pub fn member(&self, role: Role) -> &MemberState {
        &self.members[role]
    }

    /// Whether nobody can say anything: one of the two has blocked the other, or was deleted.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        let Pair { buyer, seller } = &self.members;
        buyer.has_blocked || seller.has_blocked || buyer.deleted || seller.deleted
    }

    /// What the two members share with each other.
    #[must_use]
    pub const fn shared(&self) -> Settings {
        if self.is_closed() {
            Settings::nothing()
        } else {
            self.members.buyer.settings.both(self.members.seller.settings)
        }
    }

    /// How one of the two stands, to change it.
    pub fn member_mut(&mut self, role: Role) -> &mut MemberState {
        &mut self.members[role]
    }
}
