//! Where devices are reached.

use crate::{
    db::{Backend, Connection, DbError, prelude::*, schema::push_subscriptions},
    domain::{Device, NewPushSubscription, PushPlatform, PushSubscription, Timestamp, UserId, WebKeys},
};

#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = push_subscriptions, check_for_backend(Backend), treat_none_as_default_value = false)]
pub(in crate::db) struct PushSubscriptionRow {
    pub(in crate::db) id: String,
    pub(in crate::db) user_id: String,
    pub(in crate::db) platform: String,
    pub(in crate::db) address: String,
    pub(in crate::db) p256dh: Option<String>,
    pub(in crate::db) auth: Option<String>,
    pub(in crate::db) language: Option<String>,
    pub(in crate::db) created_at: i64,
    pub(in crate::db) refreshed_at: i64,
    pub(in crate::db) failures: i64,
    pub(in crate::db) due_at: Option<i64>,
}

// Addresses and keys must not reach a log.
impl std::fmt::Debug for PushSubscriptionRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushSubscriptionRow").field("id", &self.id).finish_non_exhaustive()
    }
}

impl PushSubscriptionRow {
    /// A new one of a user.
    pub(in crate::db) fn new(user: &UserId, new: &NewPushSubscription, at: Timestamp) -> Self {
        Self {
            id: uuid::Uuid::now_v7().simple().to_string(),
            user_id: user.as_str().to_owned(),
            platform: new.platform.as_str().to_owned(),
            address: new.address.clone(),
            p256dh: new.keys.as_ref().map(|keys| keys.p256dh.clone()),
            auth: new.keys.as_ref().map(|keys| keys.auth.clone()),
            language: new.language.clone(),
            created_at: at.0,
            refreshed_at: at.0,
            failures: 0,
            due_at: None,
        }
    }

    /// The keys of a browser.
    pub(in crate::db) fn keys(&self) -> Option<WebKeys> {
        Some(WebKeys { p256dh: self.p256dh.clone()?, auth: self.auth.clone()? })
    }

    /// As its user sees it.
    pub(in crate::db) fn into_shown(self) -> Result<PushSubscription, DbError> {
        Ok(PushSubscription {
            id: self.id,
            platform: to_platform(&self.platform)?,
            language: self.language,
            created_at: Timestamp(self.created_at),
            refreshed_at: Timestamp(self.refreshed_at),
        })
    }
}

fn to_platform(stored: &str) -> Result<PushPlatform, DbError> {
    let unknown = || DbError::Corrupt(format!("a push subscription has the platform {stored}"));
    PushPlatform::from_stored(stored).ok_or_else(unknown)
}

pub(in crate::db) fn find_by_address(
    conn: &mut Connection,
    new: &NewPushSubscription,
) -> QueryResult<Option<PushSubscriptionRow>> {
    push_subscriptions::table
        .filter(push_subscriptions::platform.eq(new.platform.as_str()))
        .filter(push_subscriptions::address.eq(&new.address))
        .select(PushSubscriptionRow::as_select())
        .get_result(conn)
        .optional()
}

pub(in crate::db) fn insert(conn: &mut Connection, row: &PushSubscriptionRow) -> QueryResult<()> {
    diesel::insert_into(push_subscriptions::table).values(row).execute(conn)?;
    Ok(())
}

/// A device has registered again, perhaps with other keys: what waits for it is tried at once.
pub(in crate::db) fn refresh(conn: &mut Connection, row: &PushSubscriptionRow) -> QueryResult<()> {
    diesel::update(push_subscriptions::table.find(&row.id))
        .set((
            push_subscriptions::p256dh.eq(&row.p256dh),
            push_subscriptions::auth.eq(&row.auth),
            push_subscriptions::language.eq(&row.language),
            push_subscriptions::refreshed_at.eq(row.refreshed_at),
            push_subscriptions::failures.eq(0),
        ))
        .execute(conn)?;
    diesel::update(push_subscriptions::table.find(&row.id).filter(push_subscriptions::due_at.is_not_null()))
        .set(push_subscriptions::due_at.eq(row.refreshed_at))
        .execute(conn)?;
    Ok(())
}

/// A user's, the one that was refreshed last comes first.
pub(in crate::db) fn list_of_user(conn: &mut Connection, user: &UserId) -> QueryResult<Vec<PushSubscriptionRow>> {
    push_subscriptions::table
        .filter(push_subscriptions::user_id.eq(user.as_str()))
        .order((push_subscriptions::refreshed_at.desc(), push_subscriptions::id.desc()))
        .select(PushSubscriptionRow::as_select())
        .load(conn)
}

/// The native apps of a user, the one that was refreshed last comes first.
pub(in crate::db) fn list_devices(conn: &mut Connection, user: &UserId) -> Result<Vec<Device>, DbError> {
    let rows = list_of_user(conn, user)?;
    let native = rows.into_iter().filter(|row| row.platform != PushPlatform::Web.as_str());
    native.map(|row| Ok(Device { platform: to_platform(&row.platform)?, token: row.address })).collect()
}

/// The browsers of these users, each with its user.
pub(in crate::db) fn list_web<'a>(
    conn: &mut Connection,
    users: impl Iterator<Item = &'a str>,
) -> QueryResult<Vec<(String, String)>> {
    push_subscriptions::table
        .filter(push_subscriptions::user_id.eq_any(users))
        .filter(push_subscriptions::platform.eq(PushPlatform::Web.as_str()))
        .select((push_subscriptions::user_id, push_subscriptions::id))
        .load(conn)
}

/// Says that something is to be pushed to these. Those that wait for another try go on waiting.
pub(in crate::db) fn make_due(conn: &mut Connection, ids: &[&str], at: Timestamp) -> QueryResult<()> {
    diesel::update(
        push_subscriptions::table
            .filter(push_subscriptions::id.eq_any(ids.iter().copied()))
            .filter(push_subscriptions::due_at.is_null()),
    )
    .set(push_subscriptions::due_at.eq(at.0))
    .execute(conn)?;
    Ok(())
}

/// Those to which something is to be pushed now, the longest due first, but for those of `busy` users. `is_failing` asks for
/// those whose push service has not taken the last try.
pub(in crate::db) fn list_due(
    conn: &mut Connection,
    busy: &[UserId],
    is_failing: bool,
    now: Timestamp,
    limit: i64,
) -> QueryResult<Vec<PushSubscriptionRow>> {
    push_subscriptions::table
        .filter(push_subscriptions::due_at.is_not_null().and(push_subscriptions::due_at.le(now.0)))
        .filter(push_subscriptions::user_id.ne_all(busy.iter().map(UserId::as_str)))
        .filter(push_subscriptions::failures.gt(0).eq(is_failing))
        .order(push_subscriptions::due_at)
        .limit(limit)
        .select(PushSubscriptionRow::as_select())
        .load(conn)
}

/// Puts one off that is due as `row` has it. Returns whether it was.
pub(in crate::db) fn put_off(conn: &mut Connection, row: &PushSubscriptionRow, until: Timestamp) -> QueryResult<bool> {
    let as_known = push_subscriptions::table.find(&row.id).filter(push_subscriptions::due_at.eq(row.due_at));
    let changed = diesel::update(as_known).set(push_subscriptions::due_at.eq(until.0)).execute(conn)?;
    Ok(changed > 0)
}

/// Says how a try went, and when the next one is due.
pub(in crate::db) fn set_due(conn: &mut Connection, id: &str, failures: i64, due_at: Option<i64>) -> QueryResult<()> {
    diesel::update(push_subscriptions::table.find(id))
        .set((push_subscriptions::failures.eq(failures), push_subscriptions::due_at.eq(due_at)))
        .execute(conn)?;
    Ok(())
}

/// Removes one, and what waits for it.
pub(in crate::db) fn delete(conn: &mut Connection, id: &str) -> QueryResult<()> {
    diesel::delete(push_subscriptions::table.find(id)).execute(conn)?;
    Ok(())
}

/// Removes one of a user's. Returns whether there was one.
pub(in crate::db) fn delete_own(conn: &mut Connection, user: &UserId, id: &str) -> QueryResult<bool> {
    let own = push_subscriptions::table.find(id).filter(push_subscriptions::user_id.eq(user.as_str()));
    Ok(diesel::delete(own).execute(conn)? > 0)
}

/// Removes all of a user's.
pub(in crate::db) fn delete_all(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    diesel::delete(push_subscriptions::table.filter(push_subscriptions::user_id.eq(user.as_str()))).execute(conn)?;
    Ok(())
}
