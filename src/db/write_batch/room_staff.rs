//! Members of the staff who join a room and leave it, with what both members see of that.

use super::{Outcomes, StaffMoved, Write, WriteError, WriteResult, Written, append};
use crate::{
    db::{
        Connection, DbError,
        models::{room, room_staff, user},
    },
    domain::{
        Draft, MessageKind, RoomId, Screened, StoredMessage, Timestamp, User, UserId,
        message::SYSTEM_SENDER,
        staff::{ROOM_STAFF_MAX, STAFF_ROOMS_MAX},
        staff_notice::StaffNotice,
    },
};

/// Puts a member of the staff into a room. One who is there already changes nothing.
pub(super) fn join(conn: &mut Connection, id: &RoomId, staff: &User, at: Timestamp, now: Timestamp) -> WriteResult {
    let Some(room) = room::lock(conn, &[id.as_str()])?.remove(id.as_str()) else {
        return Err(WriteError::NotFound("room").into());
    };
    if room.row.role_of(&staff.id).is_some() {
        return Err(WriteError::OwnRoom.into());
    }
    let there = room_staff::list(conn, id.as_str())?;
    if there.iter().any(|other| other.id == staff.id) {
        return Ok(moved(id, &staff.id, there, None, false));
    }
    if there.len() >= ROOM_STAFF_MAX {
        return Err(WriteError::RoomStaffFull.into());
    }
    if room_staff::list_joined(conn, &staff.id)?.len() >= STAFF_ROOMS_MAX {
        return Err(WriteError::TooManyStaffRooms.into());
    }
    let added = user::add_missing(conn, staff, at)?;
    room_staff::join(conn, id, &staff.id, at)?;
    room::set_has_staff(conn, &room.row, true)?;
    let there = room_staff::list(conn, id.as_str())?;
    let Some(known) = there.iter().find(|other| other.id == staff.id) else {
        // Their row says that they were deleted.
        return Err(WriteError::RemovedUser.into());
    };
    let notice = say(conn, id, StaffNotice::Joined, known, (at, now))?;
    Ok(moved(id, &staff.id, there, Some(notice), added))
}

/// Takes a member of the staff out of a room. One who is not there changes nothing.
pub(super) fn leave(conn: &mut Connection, id: &RoomId, staff: &UserId, at: Timestamp, now: Timestamp) -> WriteResult {
    let Some(room) = room::lock(conn, &[id.as_str()])?.remove(id.as_str()) else {
        return Err(WriteError::NotFound("room").into());
    };
    let mut there = room_staff::list(conn, id.as_str())?;
    let Some(place) = there.iter().position(|other| other.id == *staff) else {
        return Ok(moved(id, staff, there, None, false));
    };
    let gone = there.remove(place);
    room_staff::leave(conn, id, staff, at)?;
    room::set_has_staff(conn, &room.row, !there.is_empty())?;
    let notice = say(conn, id, StaffNotice::Left, &gone, (at, now))?;
    Ok(moved(id, staff, there, Some(notice), false))
}

/// Takes a user who is deleted out of every room that they have joined as a member of the staff. Returns the rooms.
pub(super) fn leave_all(conn: &mut Connection, staff: &UserId, at: Timestamp) -> Result<Vec<RoomId>, DbError> {
    let ids: Vec<RoomId> = room_staff::list_joined(conn, staff)?.into_iter().map(RoomId::from_stored).collect();
    for id in &ids {
        room_staff::leave(conn, id, staff, at)?;
        let there = room_staff::list(conn, id.as_str())?;
        if let Some(room) = room::lock(conn, &[id.as_str()])?.remove(id.as_str()) {
            room::set_has_staff(conn, &room.row, !there.is_empty())?;
        }
    }
    Ok(ids)
}

fn moved(room: &RoomId, user: &UserId, staff: Vec<User>, notice: Option<StoredMessage>, added: bool) -> Written {
    Written::StaffMoved(Box::new(StaffMoved { room: room.clone(), user: user.clone(), staff, notice, added }))
}

fn say(
    conn: &mut Connection,
    room: &RoomId,
    notice: StaffNotice,
    staff: &User,
    (at, now): (Timestamp, Timestamp),
) -> WriteResult<StoredMessage> {
    let draft = Draft {
        room: room.clone(),
        sender: UserId::from_stored(SYSTEM_SENDER),
        client_id: None,
        kind: MessageKind::System,
        text: Some(notice.text(staff)),
        data: Some(notice.data(staff)),
        reply_to: None,
        sent_at: at,
        screened: Screened::Clean,
        by_staff: false,
    };
    let mut outcomes = Outcomes::new();
    append::write_run(conn, None, &[Write::Append(draft)], now, &mut outcomes)?;
    match outcomes.pop() {
        Some(Ok(Written::Appended { message, .. })) => Ok(message),
        Some(Err(refused)) => Err(refused.into()),
        _ => Err(DbError::Internal("a notice has no outcome".to_owned()).into()),
    }
}
