//! What protects members from each other: blocks, switches, and the decisions about reports.

use super::{WriteError, WriteResult, Written};
use crate::{
    db::{
        Connection,
        models::{block, report, sanction, user},
    },
    domain::{
        Block, RoomId, SettingsPatch, Timestamp, User, UserId, message::SYSTEM_SENDER, safety::Decision,
        support::is_desk,
    },
};

/// Blocking twice is blocking once. Anyone who shares no room with somebody gets the same answer whether they exist or not.
pub(super) fn block(conn: &mut Connection, blocker: &User, blocked: &UserId, at: Timestamp) -> WriteResult {
    if blocker.id == *blocked {
        return Err(WriteError::OwnBlock.into());
    }
    if user::is_deleted(conn, &blocker.id)? || blocker.id.as_str() == SYSTEM_SENDER {
        return Err(WriteError::RemovedUser.into());
    }
    let rooms = block::rooms_between(conn, &blocker.id, blocked)?;
    if is_desk(blocked.as_str()) && !rooms.is_empty() {
        return Err(WriteError::DeskBlock.into());
    }
    let Some(found) = user::find_user(conn, blocked)?.filter(|_| !rooms.is_empty()) else {
        return Err(WriteError::NotFound("user in a room of yours").into());
    };
    let added = user::add_missing(conn, blocker, at)?;
    let (created_at, changed) = block::put(conn, &blocker.id, blocked, at)?;
    Ok(Written::BlockSet {
        blocker: blocker.id.clone(),
        other: blocked.clone(),
        blocked: Some(Block { user: found, created_at }),
        rooms: if changed { to_ids(rooms) } else { Vec::new() },
        changed,
        added,
    })
}

/// Removing a block that is not there changes nothing.
pub(super) fn unblock(conn: &mut Connection, blocker: &UserId, blocked: &UserId) -> WriteResult {
    let changed = block::delete(conn, blocker, blocked)?;
    let rooms = if changed { block::rooms_between(conn, blocker, blocked)? } else { Vec::new() };
    let rooms = to_ids(rooms);
    let (blocker, other) = (blocker.clone(), blocked.clone());
    Ok(Written::BlockSet { blocker, other, blocked: None, rooms, changed, added: false })
}

fn to_ids(rooms: Vec<String>) -> Vec<RoomId> {
    rooms.into_iter().map(RoomId::from_stored).collect()
}

pub(super) fn set_settings(conn: &mut Connection, owner: &User, patch: SettingsPatch, at: Timestamp) -> WriteResult {
    if user::is_deleted(conn, &owner.id)? {
        return Err(WriteError::RemovedUser.into());
    }
    let added = user::add_missing(conn, owner, at)?;
    let before = user::find_settings(conn, &owner.id)?;
    let settings = patch.apply(before);
    let changed = settings != before;
    if changed {
        user::set_settings(conn, &owner.id, settings)?;
    }
    Ok(Written::SettingsSet { user: owner.id.clone(), settings, changed, added })
}

pub(super) fn decide_report(
    conn: &mut Connection,
    id: &str,
    decision: Decision,
    mute_until: Option<Timestamp>,
    at: Timestamp,
) -> WriteResult {
    let Some((report, changed)) = report::decide(conn, id, decision, mute_until, at)? else {
        return Err(WriteError::NotFound("report").into());
    };
    let muted_until = sanction::muted_until(conn, &report.reported_id)?;
    let mute_changed = user::set_muted_until(conn, &report.reported_id, muted_until)?;
    Ok(Written::ReportDecided { report: Box::new(report), changed, muted_until, mute_changed })
}

pub(super) fn assign_report(conn: &mut Connection, id: &str, assignee: Option<&UserId>) -> WriteResult {
    match report::assign(conn, id, assignee)? {
        Some(report) => Ok(Written::ReportAssigned(Box::new(report))),
        None => Err(WriteError::NotFound("report").into()),
    }
}
