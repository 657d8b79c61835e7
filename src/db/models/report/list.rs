//! The queue of reports, and those of one user or about one thing.

use super::ReportRow;
use crate::{
    db::{Connection, DbError, prelude::*, schema::reports},
    domain::{
        UserId,
        safety::{Report, ReportCategory, ReportState},
    },
};

/// Bytes of a page of reports; a single one passes whatever its size.
pub(super) const PAGE_BYTES_MAX: usize = 256 * 1024;

#[derive(Debug, Clone)]
pub struct ReportFilter {
    /// Whether they wait for their decision.
    pub state: ReportState,
    /// Whom they have to do with.
    pub user: ReportUser,
    /// What they are about.
    pub category: Option<ReportCategory>,
    /// Who looks after them.
    pub assignee: ReportAssignee,
}

#[cfg(test)]
impl ReportFilter {
    #[must_use]
    pub const fn all(state: ReportState) -> Self {
        Self { state, user: ReportUser::Any, category: None, assignee: ReportAssignee::Any }
    }
}

/// Who looks after reports.
#[derive(Debug, Clone)]
pub enum ReportAssignee {
    /// Anyone, or nobody.
    Any,
    /// Nobody.
    Nobody,
    /// This member of the staff.
    Staff(UserId),
}

/// Whom reports have to do with.
#[derive(Debug, Clone)]
pub enum ReportUser {
    /// Anyone.
    Any,
    /// They are about this user.
    Reported(UserId),
    /// This user has made them.
    Reporter(UserId),
}

/// A page of reports, oldest first, after one of them, and whether there are more. It ends early where another report would
/// make it too large.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_reports(
    conn: &mut Connection,
    filter: &ReportFilter,
    after: Option<&str>,
    limit: i64,
) -> Result<(Vec<Report>, bool), DbError> {
    if after.is_some_and(|after| after.contains('\0')) {
        // Nothing has such an id, and PostgreSQL has no such text, not even to compare with.
        return Ok((Vec::new(), false));
    }
    let mut place = after.unwrap_or_default().to_owned();
    let (mut found, mut bytes) = (Vec::new(), 0);
    // One by one: what the next one weighs is known when it is read.
    while let Some(row) = next_report(conn, filter, &place)? {
        bytes += row.messages.len() + row.text.as_ref().map_or(0, String::len);
        if found.len() as i64 >= limit || (bytes > PAGE_BYTES_MAX && !found.is_empty()) {
            return Ok((found, true));
        }
        place.clone_from(&row.id);
        found.push(row.into_report()?);
    }
    Ok((found, false))
}

/// The first one of these that is given goes along its index: the user, the assignee, the category. Each has fewer reports than the
/// next one. What follows it is an expression, so that its index is not taken.
fn next_report(conn: &mut Connection, filter: &ReportFilter, after: &str) -> QueryResult<Option<ReportRow>> {
    macro_rules! first {
        ($reports:expr) => {
            match filter.state {
                ReportState::Open => $reports.filter(reports::decision.is_null()).get_result(conn).optional(),
                ReportState::Decided => $reports.filter(reports::decision.is_not_null()).get_result(conn).optional(),
            }
        };
    }
    macro_rules! about {
        ($reports:expr) => {
            match filter.category {
                None => first!($reports),
                Some(category) => first!($reports.filter(reports::category.concat("").eq(category.as_str()))),
            }
        };
    }
    macro_rules! assigned {
        ($reports:expr) => {
            match &filter.assignee {
                ReportAssignee::Any => about!($reports),
                ReportAssignee::Nobody => about!($reports.filter(reports::assignee_id.concat("").is_null())),
                ReportAssignee::Staff(id) => {
                    about!($reports.filter(reports::assignee_id.concat("").eq(id.as_str())))
                }
            }
        };
    }
    let next = reports::table.filter(reports::id.gt(after)).order(reports::id).limit(1).select(ReportRow::as_select());
    match (&filter.user, &filter.assignee, filter.category) {
        (ReportUser::Reported(id), ..) => assigned!(next.filter(reports::reported_id.eq(id.as_str()))),
        (ReportUser::Reporter(id), ..) => assigned!(next.filter(reports::reporter_id.eq(id.as_str()))),
        (ReportUser::Any, ReportAssignee::Nobody, _) => about!(next.filter(reports::assignee_id.is_null())),
        (ReportUser::Any, ReportAssignee::Staff(id), _) => about!(next.filter(reports::assignee_id.eq(id.as_str()))),
        (ReportUser::Any, ReportAssignee::Any, Some(category)) => {
            first!(next.filter(reports::category.eq(category.as_str())))
        }
        (ReportUser::Any, ReportAssignee::Any, None) => first!(next),
    }
}
