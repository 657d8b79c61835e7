//! Mutes and bans that staff set.

use crate::{
    db::{
        Connection,
        prelude::*,
        schema::{reports, sanctions, users},
    },
    domain::{Moderator, SanctionKind, Timestamp, UserId},
};

/// Sets a mute or a ban in place of an earlier one of its kind.
pub(in crate::db) fn put(
    conn: &mut Connection,
    kind: SanctionKind,
    user: &UserId,
    until: Option<Timestamp>,
    reason: &str,
    by: &Moderator,
    at: Timestamp,
) -> QueryResult<()> {
    let columns = || {
        (
            sanctions::until.eq(until.map(|until| until.0)),
            sanctions::reason.eq(reason),
            sanctions::actor_id.eq(by.stored_id()),
            sanctions::created_at.eq(at.0),
        )
    };
    diesel::insert_into(sanctions::table)
        .values((sanctions::kind.eq(kind.as_str()), sanctions::user_id.eq(user.as_str()), columns()))
        .on_conflict((sanctions::kind, sanctions::user_id))
        .do_update()
        .set(columns())
        .execute(conn)?;
    Ok(())
}

/// Removes a mute or a ban.
pub(in crate::db) fn delete(conn: &mut Connection, kind: SanctionKind, user: &UserId) -> QueryResult<()> {
    diesel::delete(sanctions::table.find((kind.as_str(), user.as_str()))).execute(conn)?;
    Ok(())
}

/// Removes both from a user who is deleted.
pub(in crate::db) fn delete_all(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    for kind in [SanctionKind::Mute, SanctionKind::Ban] {
        delete(conn, kind, user)?;
    }
    Ok(())
}

/// Until when a user is muted: by staff, or by the reports that were decided since staff has last ended a mute of theirs.
pub(in crate::db) fn muted_until(conn: &mut Connection, user: &UserId) -> QueryResult<Option<Timestamp>> {
    let unmuted_at: Option<Option<i64>> =
        users::table.find(user.as_str()).select(users::unmuted_at).get_result(conn).optional()?;
    let by_reports: Option<i64> = reports::table
        .filter(reports::reported_id.eq(user.as_str()).and(reports::mute_until.is_not_null()))
        .filter(reports::decided_at.gt(unmuted_at.flatten().unwrap_or(i64::MIN)))
        .select(diesel::dsl::max(reports::mute_until))
        .get_result(conn)?;
    let by_staff: Option<Option<i64>> = sanctions::table
        .find((SanctionKind::Mute.as_str(), user.as_str()))
        .select(sanctions::until)
        .get_result(conn)
        .optional()?;
    Ok(by_reports.max(by_staff.flatten()).map(Timestamp))
}
