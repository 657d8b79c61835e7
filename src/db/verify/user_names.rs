//! Whether users are found by the names that they have.

use super::{EXAMPLES, Fault};
use crate::db::{Connection, DbError, models::user::UserRow, prelude::*, schema::users};

/// Users that are read at once.
const PAGE: i64 = 1000;

/// Looks at each name that is filled in.
pub(super) fn check(conn: &mut Connection) -> Result<Option<Fault>, DbError> {
    let (mut after, mut examples, mut count) = (String::new(), Vec::new(), 0);
    loop {
        let rows: Vec<(UserRow, Option<String>)> = users::table
            .filter(users::id.gt(&after))
            .order(users::id)
            .limit(PAGE)
            .select((UserRow::as_select(), users::name_folded))
            .load(conn)?;
        let Some((last, _)) = rows.last() else { break };
        after.clone_from(&last.id);
        for (row, kept) in rows {
            if kept.is_some_and(|kept| kept != row.comparable_name()) {
                count += 1;
                examples.push(row.id);
                examples.truncate(EXAMPLES);
            }
        }
    }
    let what = "users who are found by another name than they have";
    Ok((count > 0).then_some(Fault { what, count, examples }))
}
