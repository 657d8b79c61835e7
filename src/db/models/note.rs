//! Notes of the staff's, about users and reports.

use crate::{
    db::{
        Backend, Connection, DbError,
        prelude::*,
        schema::{notes, reports},
    },
    domain::{Moderator, Note, NoteSubject, Timestamp, UserId},
};

/// A row of `notes`.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = notes, check_for_backend(Backend))]
struct NoteRow {
    id: String,
    actor_id: Option<String>,
    text: String,
    created_at: i64,
}

impl From<NoteRow> for Note {
    fn from(row: NoteRow) -> Self {
        let NoteRow { id, actor_id, text, created_at } = row;
        Self { id, text, by: Moderator::from_stored(actor_id), created_at: Timestamp(created_at) }
    }
}

/// Whether there is such a report.
pub(in crate::db) fn has_report(conn: &mut Connection, report: &str) -> QueryResult<bool> {
    if report.contains('\0') {
        // PostgreSQL has no such text, not even to compare with.
        return Ok(false);
    }
    Ok(reports::table.find(report).select(reports::id).get_result::<String>(conn).optional()?.is_some())
}

/// Adds a note. What it is about is there.
pub(in crate::db) fn insert(conn: &mut Connection, note: &Note, about: &NoteSubject) -> QueryResult<()> {
    let (user, report) = match about {
        NoteSubject::User(id) => (Some(id.as_str()), None),
        NoteSubject::Report(id) => (None, Some(id.as_str())),
    };
    diesel::insert_into(notes::table)
        .values((
            notes::id.eq(&note.id),
            notes::user_id.eq(user),
            notes::report_id.eq(report),
            notes::actor_id.eq(note.by.stored_id()),
            notes::text.eq(&note.text),
            notes::created_at.eq(note.created_at.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes the notes about a user who is deleted.
pub(in crate::db) fn delete_about(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    diesel::delete(notes::table.filter(notes::user_id.eq(user.as_str()))).execute(conn)?;
    Ok(())
}

/// A page of the notes about a user or a report, oldest first, after one of them, and whether there are more.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_notes(
    conn: &mut Connection,
    about: &NoteSubject,
    after: Option<&str>,
    limit: i64,
) -> Result<(Vec<Note>, bool), DbError> {
    let after = after.unwrap_or_default();
    if after.contains('\0') {
        return Ok((Vec::new(), false));
    }
    let page = notes::table.filter(notes::id.gt(after)).order(notes::id).limit(limit + 1).select(NoteRow::as_select());
    let rows: Vec<NoteRow> = match about {
        NoteSubject::User(id) => page.filter(notes::user_id.eq(id.as_str())).load(conn)?,
        NoteSubject::Report(id) if id.contains('\0') => Vec::new(),
        NoteSubject::Report(id) => page.filter(notes::report_id.eq(id.as_str())).load(conn)?,
    };
    let mut found: Vec<Note> = rows.into_iter().map(Note::from).collect();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    Ok((found, more))
}
