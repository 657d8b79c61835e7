//! The audit log.

use diesel::{dsl::sql, expression::SqlLiteral, sql_types::Bool};

use crate::{
    db::{Backend, Connection, DbError, page_bytes::Space, prelude::*, schema::audit},
    domain::{AuditAction, AuditEntry, AuditSubject, Data, MessageId, Moderator, ProductId, RoomId, Timestamp, UserId},
};

/// What is written down of one action.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::db) struct NewEntry<'a> {
    pub(in crate::db) at: Timestamp,
    pub(in crate::db) by: &'a Moderator,
    pub(in crate::db) action: AuditAction,
    pub(in crate::db) about: &'a AuditSubject,
    pub(in crate::db) reason: Option<&'a str>,
    pub(in crate::db) details: Option<&'a Data>,
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = audit, check_for_backend(Backend))]
struct AuditRow {
    id: i64,
    at: i64,
    actor_id: Option<String>,
    action: String,
    user_id: Option<String>,
    room_id: Option<String>,
    product_id: Option<String>,
    message_id: Option<String>,
    report_id: Option<String>,
    reason: Option<String>,
    details: Option<String>,
}

impl AuditRow {
    fn weight_bytes(&self) -> usize {
        512 + [&self.reason, &self.details].into_iter().flatten().map(String::len).sum::<usize>()
    }

    /// `None` for an action of a newer haggle.
    fn into_entry(self) -> Option<AuditEntry> {
        let action = AuditAction::parse(&self.action)?;
        Some(AuditEntry {
            id: self.id.to_string(),
            at: Timestamp(self.at),
            by: Moderator::from_stored(self.actor_id),
            action,
            about: AuditSubject {
                user_id: self.user_id.map(UserId::from_stored),
                room_id: self.room_id.map(RoomId::from_stored),
                product_id: self.product_id.map(ProductId::from_stored),
                message_id: self.message_id.map(MessageId::from_stored),
                report_id: self.report_id,
            },
            reason: self.reason,
            details: self.details.and_then(|details| Data::from_json(details).ok()),
        })
    }
}

/// Adds an entry, inside the transaction of what it is about.
pub(in crate::db) fn insert(conn: &mut Connection, entry: &NewEntry<'_>) -> QueryResult<()> {
    let AuditSubject { user_id, room_id, product_id, message_id, report_id } = entry.about;
    diesel::insert_into(audit::table)
        .values((
            audit::at.eq(entry.at.0),
            audit::actor_id.eq(entry.by.stored_id()),
            audit::action.eq(entry.action.as_str()),
            audit::user_id.eq(user_id.as_ref().map(UserId::as_str)),
            audit::room_id.eq(room_id.as_ref().map(RoomId::as_str)),
            audit::product_id.eq(product_id.as_ref().map(ProductId::as_str)),
            audit::message_id.eq(message_id.as_ref().map(MessageId::as_str)),
            audit::report_id.eq(report_id.as_deref()),
            audit::reason.eq(entry.reason),
            audit::details.eq(entry.details.map(Data::json)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Which entries. One filter at a time: each goes along an index of its own.
#[derive(Debug, Clone, Default)]
pub enum AuditFilter {
    /// All.
    #[default]
    All,
    /// What this member of the staff did.
    Actor(UserId),
    /// What is about this user.
    User(UserId),
    /// What was done about this user, without what was only read.
    ActionsOn(UserId),
    /// What is about this room.
    Room(RoomId),
}

// Written out, as the index has it: neither planner uses it for another condition.
fn is_action() -> SqlLiteral<Bool> {
    sql("audit.action NOT IN ('read_user', 'search_users', 'list_user_rooms', 'read_product', 'list_product_rooms', \
         'list_rooms', 'read_room', 'read_messages', 'search_messages', 'list_reports', 'read_report', 'list_mutes', 'list_bans', 'list_notes', \
         'read_audit')")
}

/// A page of the audit log, newest first, before an entry, and where the next one goes on. It ends early at `bytes_max`.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_audit(
    conn: &mut Connection,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: i64,
    bytes_max: usize,
) -> Result<(Vec<AuditEntry>, Option<i64>), DbError> {
    let page = audit::table
        .filter(audit::id.lt(before.unwrap_or(i64::MAX)))
        .order(audit::id.desc())
        .limit(limit + 1)
        .select(AuditRow::as_select());
    let rows: Vec<AuditRow> = match filter {
        AuditFilter::All => page.load(conn)?,
        AuditFilter::Actor(id) => page.filter(audit::actor_id.eq(id.as_str())).load(conn)?,
        AuditFilter::User(id) => page.filter(audit::user_id.eq(id.as_str())).load(conn)?,
        AuditFilter::ActionsOn(id) => page.filter(audit::user_id.eq(id.as_str())).filter(is_action()).load(conn)?,
        AuditFilter::Room(id) => page.filter(audit::room_id.eq(id.as_str())).load(conn)?,
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (read, mut space, mut last) = (rows.len(), Space::of(bytes_max), None);
    let mut entries = Vec::new();
    let mut taken = 0;
    for row in rows {
        if taken == limit || !space.takes(row.weight_bytes()) {
            break;
        }
        taken += 1;
        last = Some(row.id);
        entries.extend(row.into_entry());
    }
    Ok((entries, last.filter(|_| taken < read)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::test_db::{NOW, TestDb, user_id};

    #[test]
    fn what_was_done_about_a_user_is_listed_without_what_was_read() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        for name in ["alice", "bob"] {
            let about = AuditSubject::user(&user_id(name));
            for action in AuditAction::ALL.iter().copied() {
                let by = &Moderator::Service;
                insert(conn, &NewEntry { at: NOW, by, action, about: &about, reason: None, details: None }).unwrap();
            }
        }
        // As the documentation names them.
        let is_read = |action: &AuditAction| {
            ["read_", "list_", "search_"].iter().any(|beginning| action.as_str().starts_with(beginning))
        };
        assert!(AuditAction::ALL.iter().all(|action| action.is_read() == is_read(action)), "a new kind of reading");
        let done: Vec<_> = AuditAction::ALL.iter().rev().copied().filter(|action| !is_read(action)).collect();
        let (mut found, mut before) = (Vec::new(), None);
        let filter = AuditFilter::ActionsOn(user_id("alice"));
        loop {
            let (page, next) = list_audit(conn, &filter, before, 4, usize::MAX).unwrap();
            assert!(page.iter().all(|entry| entry.about.user_id == Some(user_id("alice"))));
            found.extend(page.iter().map(|entry| entry.action));
            before = next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(found, done, "a new kind of reading needs a place in the index and in `is_action`");
    }
}
