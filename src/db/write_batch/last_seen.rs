//! When users were last active.

use super::{WriteResult, Written};
use crate::{
    db::{Connection, models::user},
    domain::{Timestamp, UserId},
};

/// Most of one write are of one minute, and so of one statement.
pub(super) fn mark_seen(conn: &mut Connection, users: &[(UserId, Timestamp)]) -> WriteResult {
    let mut by_minute: Vec<_> = users.iter().map(|(user, at)| (*at, user.as_str())).collect();
    by_minute.sort_unstable();
    for of_minute in by_minute.chunk_by(|a, b| a.0 == b.0) {
        let [(at, _), ..] = of_minute else { continue };
        let ids: Vec<&str> = of_minute.iter().map(|(_, user)| *user).collect();
        user::set_last_seen(conn, &ids, *at)?;
    }
    Ok(Written::Seen { users: users.to_vec() })
}
