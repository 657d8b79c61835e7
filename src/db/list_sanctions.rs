//! Mutes and bans that stand, those that end first first.

use std::fmt;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use super::{
    Connection, DbError, InvalidCursor,
    models::user::UserRow,
    prelude::*,
    schema::{sanctions, users},
};
use crate::domain::{Moderator, Sanction, SanctionKind, Timestamp, User, UserId, staff::ends_at};

/// A place in the list: the page goes on after it. As text it is opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SanctionCursor {
    until: i64,
    user: UserId,
}

impl fmt::Display for SanctionCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{}", self.until, HEXLOWER.encode(self.user.as_str().as_bytes()))
    }
}

impl std::str::FromStr for SanctionCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| InvalidCursor)?;
        let (until, user) = bytes.split_first_chunk().ok_or(InvalidCursor)?;
        let user = String::from_utf8(user.to_vec()).map_err(|_| InvalidCursor)?;
        Ok(Self { until: i64::from_be_bytes(*until), user: UserId::new(user).map_err(|_| InvalidCursor)? })
    }
}

type Row = (UserRow, Option<i64>, Option<String>, Option<String>, Option<i64>);

/// A page of the mutes or the bans that stand now, those that end first first, and where the next one goes on.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_sanctions(
    conn: &mut Connection,
    kind: SanctionKind,
    now: Timestamp,
    after: Option<&SanctionCursor>,
    limit: i64,
) -> Result<(Vec<Sanction>, Option<SanctionCursor>), DbError> {
    // What ends at this very moment does not count any more.
    let first = now.0.saturating_add(1);
    let after = after.filter(|after| after.until >= first);
    let (until, user) = after.map_or((first, ""), |after| (after.until, after.user.as_str()));
    let joined = users::table
        .left_join(sanctions::table.on(sanctions::user_id.eq(users::id).and(sanctions::kind.eq(kind.as_str()))));
    macro_rules! page {
        ($until:expr) => {
            joined
                // The first condition is what the index can use, the second what makes it exact.
                .filter($until.ge(until).and($until.gt(until).or(users::id.gt(user.to_owned()))))
                .order(($until, users::id))
                .limit(limit + 1)
                .select((
                    UserRow::as_select(),
                    $until,
                    sanctions::reason.nullable(),
                    sanctions::actor_id.nullable(),
                    sanctions::created_at.nullable(),
                ))
                .load(conn)?
        };
    }
    let mut rows: Vec<Row> = match kind {
        SanctionKind::Mute => page!(users::muted_until),
        SanctionKind::Ban => page!(users::banned_until),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let place = |(user, until, ..): &Row| {
        let user = UserId::from_stored(user.id.as_str());
        SanctionCursor { until: until.unwrap_or_default(), user }
    };
    let next = rows.last().filter(|_| more).map(place);
    let sanction = |(user, until, reason, actor, created_at): Row| Sanction {
        user: User::from(user),
        until: until.map(Timestamp).and_then(ends_at),
        reason,
        by: created_at.map(|_| Moderator::from_stored(actor)),
        created_at: created_at.map(Timestamp),
    };
    Ok((rows.into_iter().map(sanction).collect(), next))
}
