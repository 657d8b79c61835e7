//! What protects members from each other: blocks, switches, and the decisions about reports.

use super::{WriteError, Written};
use crate::{
    db::{
        Connection, DbError,
        models::{
            block,
            change::{self, Changed},
            report, user,
        },
    },
    domain::{Block, RoomId, SettingsPatch, Timestamp, User, UserId, message::SYSTEM_SENDER, safety::Decision},
};

/// Rooms of which each gets a note of its own that it has changed.
const ROOMS_RECORDED_MAX: usize = 32;

type Outcome = Result<Result<Written, WriteError>, DbError>;

/// Blocking twice is blocking once. Anyone who shares no room with somebody is told the same whether they exist or not.
pub(super) fn block(conn: &mut Connection, blocker: &User, blocked: &UserId, at: Timestamp) -> Outcome {
    if blocker.id == *blocked {
        return Ok(Err(WriteError::OwnBlock));
    }
    if user::is_deleted(conn, &blocker.id)? || blocker.id.as_str() == SYSTEM_SENDER {
        return Ok(Err(WriteError::RemovedUser));
    }
    let rooms = block::rooms_between(conn, &blocker.id, blocked)?;
    let Some(found) = user::find_user(conn, blocked)?.filter(|_| !rooms.is_empty()) else {
        return Ok(Err(WriteError::NotFound("user in a room of yours")));
    };
    user::add_missing(conn, blocker)?;
    let (created_at, changed) = block::put(conn, &blocker.id, blocked, at)?;
    let rooms = if changed { record_change(conn, &blocker.id, rooms)? } else { Vec::new() };
    Ok(Ok(Written::BlockSet {
        blocker: blocker.id.clone(),
        other: blocked.clone(),
        blocked: Some(Block { user: found, created_at }),
        rooms,
        changed,
    }))
}

/// Taking away a block that is not there changes nothing.
pub(super) fn unblock(conn: &mut Connection, blocker: &UserId, blocked: &UserId) -> Outcome {
    let changed = block::delete(conn, blocker, blocked)?;
    let rooms = if changed { block::rooms_between(conn, blocker, blocked)? } else { Vec::new() };
    let rooms = record_change(conn, blocker, rooms)?;
    Ok(Ok(Written::BlockSet { blocker: blocker.clone(), other: blocked.clone(), blocked: None, rooms, changed }))
}

/// Tells other nodes that have these rooms in memory; where there are very many, that the blocker's are others now.
fn record_change(conn: &mut Connection, blocker: &UserId, rooms: Vec<String>) -> Result<Vec<RoomId>, DbError> {
    if rooms.len() > ROOMS_RECORDED_MAX {
        change::record(conn, &[Changed::UserState(blocker.as_str())])?;
    } else {
        change::record(conn, &rooms.iter().map(|room| Changed::RoomState(room)).collect::<Vec<_>>())?;
    }
    Ok(rooms.into_iter().map(RoomId::from_stored).collect())
}

pub(super) fn set_settings(conn: &mut Connection, owner: &User, patch: SettingsPatch) -> Outcome {
    if user::is_deleted(conn, &owner.id)? {
        return Ok(Err(WriteError::RemovedUser));
    }
    user::add_missing(conn, owner)?;
    let settings = patch.apply(user::find_settings(conn, &owner.id)?);
    user::set_settings(conn, &owner.id, settings)?;
    change::record(conn, &[Changed::UserState(owner.id.as_str())])?;
    Ok(Ok(Written::SettingsSet { user: owner.id.clone(), settings }))
}

pub(super) fn decide_report(
    conn: &mut Connection,
    id: &str,
    decision: Decision,
    mute_until: Option<Timestamp>,
    at: Timestamp,
) -> Outcome {
    let Some(report) = report::decide(conn, id, decision, mute_until, at)? else {
        return Ok(Err(WriteError::NotFound("report")));
    };
    let muted_until = report::last_mute(conn, &report.reported_id)?;
    user::set_muted_until(conn, &report.reported_id, muted_until)?;
    change::record(conn, &[Changed::UserState(report.reported_id.as_str())])?;
    Ok(Ok(Written::ReportDecided { report: Box::new(report), muted_until }))
}
