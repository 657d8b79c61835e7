//! Users.

use std::collections::BTreeSet;

use crate::{
    db::{Backend, Connection, DbError, prelude::*, schema::users},
    domain::{
        NameCode, Settings, Times, Timestamp, User, UserId, message::SYSTEM_SENDER, name_search::comparable_name,
        support::is_desk,
    },
};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = users, check_for_backend(Backend), treat_none_as_default_value = false)]
pub(in crate::db) struct UserRow {
    pub(in crate::db) id: String,
    pub(in crate::db) name: String,
    pub(in crate::db) avatar_url: Option<String>,
    pub(in crate::db) deleted_at: Option<i64>,
}

impl UserRow {
    fn new(user: &User) -> Self {
        Self {
            id: user.id.as_str().to_owned(),
            name: user.name.clone(),
            avatar_url: user.avatar_url.clone(),
            deleted_at: None,
        }
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let id = UserId::from_stored(row.id);
        match row.deleted_at {
            _ if is_desk(id.as_str()) => Self::desk(),
            None => Self::new(id, row.name, row.avatar_url),
            Some(_) => Self::deleted(id),
        }
    }
}

/// A user, also a deleted one (as [`User::deleted`]).
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_user(conn: &mut Connection, user: &UserId) -> Result<Option<User>, DbError> {
    Ok(find_row(conn, user.as_str())?.map(User::from))
}

/// Several users by their ids, also deleted ones. Those whom the database does not know are left out.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_users(conn: &mut Connection, ids: &BTreeSet<UserId>) -> Result<Vec<User>, DbError> {
    let ids = ids.iter().map(UserId::as_str).filter(|id| !is_desk(id));
    let rows: Vec<UserRow> =
        users::table.filter(users::id.eq_any(ids)).order(users::id).select(UserRow::as_select()).load(conn)?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// Whether a user was deleted. Somebody whom the database does not know was not.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn is_deleted(conn: &mut Connection, user: &UserId) -> Result<bool, DbError> {
    Ok(find_row(conn, user.as_str())?.is_some_and(|row| row.deleted_at.is_some()))
}

/// The first `limit` users that were not deleted, by id.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_users(conn: &mut Connection, limit: i64) -> Result<Vec<User>, DbError> {
    let rows: Vec<UserRow> = users::table
        .filter(users::deleted_at.is_null().and(users::id.ne(SYSTEM_SENDER)))
        .order(users::id)
        .limit(limit)
        .select(UserRow::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// `None` for the desk, too: its row is for the rooms' sake, and to everybody there is no such user.
pub(in crate::db) fn find_row(conn: &mut Connection, user: &str) -> QueryResult<Option<UserRow>> {
    if is_desk(user) {
        return Ok(None);
    }
    users::table.find(user).select(UserRow::as_select()).get_result(conn).optional()
}

/// Adds a user, or changes the one with that id. The caller has seen that they were not deleted.
pub(in crate::db) fn put(conn: &mut Connection, user: &User, times: Times) -> QueryResult<()> {
    let (created_at, updated_at) = times.to_ms();
    let times = || (users::created_at.eq(created_at), users::updated_at.eq(updated_at));
    diesel::insert_into(users::table)
        .values((UserRow::new(user), users::name_folded.eq(comparable_name(&user.name)), times()))
        .on_conflict(users::id)
        .do_update()
        .set((
            users::name.eq(&user.name),
            users::name_folded.eq(comparable_name(&user.name)),
            users::avatar_url.eq(&user.avatar_url),
            times(),
        ))
        .execute(conn)?;
    if !matches!(conn, Connection::Sqlite(_)) {
        // A trigger takes a name that is compared as before, such as one in another case, for a name by a node of an earlier version.
        diesel::update(users::table.find(user.id.as_str()).filter(users::name_folded.is_null()))
            .set(users::name_folded.eq(comparable_name(&user.name)))
            .execute(conn)?;
    }
    Ok(())
}

/// When a user was made and last changed.
pub(in crate::db) fn find_times(conn: &mut Connection, user: &str) -> QueryResult<Times> {
    let found = users::table.find(user).select((users::created_at, users::updated_at)).get_result(conn).optional()?;
    Ok(found.map(Times::from_ms).unwrap_or_default())
}

/// Takes name, picture and times from a user for good. The row stays: their rooms and messages belong to others too.
pub(in crate::db) fn delete(conn: &mut Connection, user: &UserId, at: Timestamp) -> QueryResult<()> {
    diesel::update(users::table.find(user.as_str()))
        .set((
            users::name.eq(NameCode::DeletedUser.name()),
            users::name_folded.eq(""),
            users::avatar_url.eq(None::<String>),
            users::created_at.eq(None::<i64>),
            users::updated_at.eq(None::<i64>),
            users::last_seen_at.eq(None::<i64>),
            users::deleted_at.eq(Some(at.0)),
        ))
        .execute(conn)?;
    Ok(())
}

/// What a user shares; the defaults for somebody whom the database does not know.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_settings(conn: &mut Connection, user: &UserId) -> Result<Settings, DbError> {
    let found: Option<SwitchColumns> = users::table.find(user.as_str()).select(SWITCHES).get_result(conn).optional()?;
    Ok(found.map(settings_of).unwrap_or_default())
}

/// The columns of a user's switches, in the order of [`SWITCHES`].
pub(in crate::db) type SwitchColumns = (bool, bool, bool, bool, bool);

const SWITCHES: (users::read_receipts, users::typing, users::presence, users::delivery_receipts, users::last_seen) =
    (users::read_receipts, users::typing, users::presence, users::delivery_receipts, users::last_seen);

/// The switches that their columns say.
pub(in crate::db) const fn settings_of(
    (read_receipts, typing, presence, delivery_receipts, last_seen): SwitchColumns,
) -> Settings {
    Settings { read_receipts, typing, presence, delivery_receipts, last_seen }
}

/// Turns a user's switches. The user is there.
pub(in crate::db) fn set_settings(conn: &mut Connection, user: &UserId, settings: Settings) -> QueryResult<()> {
    diesel::update(users::table.find(user.as_str()))
        .set((
            users::read_receipts.eq(settings.read_receipts),
            users::typing.eq(settings.typing),
            users::presence.eq(settings.presence),
            users::delivery_receipts.eq(settings.delivery_receipts),
            users::last_seen.eq(settings.last_seen),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes when users were last active, unless a later time is known: of several nodes the last one wins. A deleted user has none.
pub(in crate::db) fn set_last_seen(conn: &mut Connection, users: &[&str], at: Timestamp) -> QueryResult<()> {
    diesel::update(users::table)
        .filter(users::id.eq_any(users).and(users::deleted_at.is_null()))
        .filter(users::last_seen_at.is_null().or(users::last_seen_at.lt(at.0)))
        .set(users::last_seen_at.eq(at.0))
        .execute(conn)?;
    Ok(())
}

/// When a user was last active, to the minute; `None` while it is not known.
pub(in crate::db) fn find_last_seen(conn: &mut Connection, user: &str) -> QueryResult<Option<Timestamp>> {
    let at: Option<Option<i64>> = users::table.find(user).select(users::last_seen_at).get_result(conn).optional()?;
    Ok(at.flatten().map(Timestamp))
}

/// Until when a user may not say anything, also where that has passed.
pub(in crate::db) fn find_muted_until(conn: &mut Connection, user: &UserId) -> QueryResult<Option<Timestamp>> {
    let until: Option<Option<i64>> =
        users::table.find(user.as_str()).select(users::muted_until).get_result(conn).optional()?;
    Ok(until.flatten().map(Timestamp))
}

/// Says until when a user may not say anything. Returns whether that is another time than before.
pub(in crate::db) fn set_muted_until(
    conn: &mut Connection,
    user: &UserId,
    until: Option<Timestamp>,
) -> QueryResult<bool> {
    if find_muted_until(conn, user)? == until {
        return Ok(false);
    }
    diesel::update(users::table.find(user.as_str()))
        .set(users::muted_until.eq(until.map(|until| until.0)))
        .execute(conn)?;
    Ok(true)
}

/// Says until when a user's tokens are refused. Returns whether that is another time than before.
pub(in crate::db) fn set_banned_until(
    conn: &mut Connection,
    user: &UserId,
    until: Option<Timestamp>,
) -> QueryResult<bool> {
    if find_banned_until(conn, user)? == until {
        return Ok(false);
    }
    diesel::update(users::table.find(user.as_str()))
        .set(users::banned_until.eq(until.map(|until| until.0)))
        .execute(conn)?;
    Ok(true)
}

/// Until when a user's tokens are refused, also where that has passed.
pub(in crate::db) fn find_banned_until(conn: &mut Connection, user: &UserId) -> QueryResult<Option<Timestamp>> {
    let until: Option<Option<i64>> =
        users::table.find(user.as_str()).select(users::banned_until).get_result(conn).optional()?;
    Ok(until.flatten().map(Timestamp))
}

/// Says that mutes of reports that were decided before this moment don't count.
pub(in crate::db) fn set_unmuted_at(conn: &mut Connection, user: &UserId, at: Timestamp) -> QueryResult<()> {
    diesel::update(users::table.find(user.as_str())).set(users::unmuted_at.eq(at.0)).execute(conn)?;
    Ok(())
}

/// Whether a user may use the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// They may; also somebody whom the database does not know.
    Allowed,
    /// They were deleted.
    Removed,
    /// The marketplace has banned them.
    BannedUntil(Timestamp),
}

/// Whether a user may use the server now. One look at one row.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_sign_in(conn: &mut Connection, user: &UserId, now: Timestamp) -> Result<SignIn, DbError> {
    let found: Option<(Option<i64>, Option<i64>)> = users::table
        .find(user.as_str())
        .select((users::deleted_at, users::banned_until))
        .get_result(conn)
        .optional()?;
    Ok(match found {
        Some((Some(_), _)) => SignIn::Removed,
        Some((None, Some(until))) if until > now.0 => SignIn::BannedUntil(Timestamp(until)),
        _ => SignIn::Allowed,
    })
}

/// A user as staff sees them.
#[derive(Debug, Clone, PartialEq)]
pub struct UserDetails {
    pub user: User,
    /// When they were made and last changed.
    pub times: Times,
    /// When they were deleted.
    pub deleted_at: Option<Timestamp>,
    /// Until when they can't say anything, also where that has passed.
    pub muted_until: Option<Timestamp>,
    /// Until when their tokens are refused, also where that has passed.
    pub banned_until: Option<Timestamp>,
}

/// Reads a user as staff sees them.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_user_details(conn: &mut Connection, user: &UserId) -> Result<Option<UserDetails>, DbError> {
    type Columns = (UserRow, Option<i64>, Option<i64>, (Option<i64>, Option<i64>));
    let found: Option<Columns> = users::table
        .find(user.as_str())
        .filter(users::id.ne(SYSTEM_SENDER))
        .select((UserRow::as_select(), users::muted_until, users::banned_until, (users::created_at, users::updated_at)))
        .get_result(conn)
        .optional()?;
    Ok(found.map(|(row, muted_until, banned_until, times)| UserDetails {
        deleted_at: row.deleted_at.map(Timestamp),
        user: User::from(row),
        times: Times::from_ms(times),
        muted_until: muted_until.map(Timestamp),
        banned_until: banned_until.map(Timestamp),
    }))
}

/// Adds a user as their token names them, unless they are there already. Returns whether they are new.
pub(in crate::db) fn add_missing(conn: &mut Connection, user: &User, at: Timestamp) -> QueryResult<bool> {
    let is_new = find_row(conn, user.id.as_str())?.is_none();
    if is_new {
        put(conn, user, Times::new(at))?;
    }
    Ok(is_new)
}
