//! A user's own push subscriptions, and what is queued for them.

use super::{
    Connection, DbError, OperationError,
    models::{
        notification::NotificationRow,
        push_subscription::{self, PushSubscriptionRow},
        user,
        web_push::{self, WebPushRow},
    },
    operation_error::RefusalReason,
};
use crate::{
    domain::{NewPushSubscription, PushSubscription, Timestamp, User, UserId, push_subscription::SUBSCRIPTIONS_MAX},
    error::{ChatError, ErrorCode},
};

/// What became of a device that registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subscribed {
    New(PushSubscription),
    /// The user had registered it before.
    Existing(PushSubscription),
}

/// A user who was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovedSubscriber;

impl RefusalReason for RemovedSubscriber {}

impl From<RemovedSubscriber> for ChatError {
    fn from(_: RemovedSubscriber) -> Self {
        Self::new(ErrorCode::Forbidden, "this user was removed")
    }
}

/// Registers a device. One that another user had registered is this one's from now on, and is not sent what waited for the
/// other.
///
/// # Errors
/// [`RemovedSubscriber`], or [`DbError`] when the database does not answer.
pub fn put_push_subscription(
    conn: &mut Connection,
    owner: &User,
    new: &NewPushSubscription,
    at: Timestamp,
) -> Result<Subscribed, OperationError<RemovedSubscriber>> {
    conn.immediate_transaction(|conn| {
        if user::is_deleted(conn, &owner.id)? {
            return Err(RemovedSubscriber.into());
        }
        user::add_missing(conn, owner, at)?;
        let row = PushSubscriptionRow::new(&owner.id, new, at);
        if let Some(known) = push_subscription::find_by_address(conn, new)? {
            if known.user_id == owner.id.as_str() {
                let row = PushSubscriptionRow { id: known.id, created_at: known.created_at, ..row };
                push_subscription::refresh(conn, &row)?;
                return Ok(Subscribed::Existing(row.into_shown()?));
            }
            push_subscription::delete(conn, &known.id)?;
        }
        push_subscription::insert(conn, &row)?;
        let others = push_subscription::list_of_user(conn, &owner.id)?.into_iter().filter(|known| known.id != row.id);
        for oldest in others.skip(usize::try_from(SUBSCRIPTIONS_MAX - 1).unwrap_or(usize::MAX)) {
            push_subscription::delete(conn, &oldest.id)?;
        }
        Ok(Subscribed::New(row.into_shown()?))
    })
}

/// A user's devices, the one that registered last comes first.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_push_subscriptions(conn: &mut Connection, user: &UserId) -> Result<Vec<PushSubscription>, DbError> {
    push_subscription::list_of_user(conn, user)?.into_iter().map(PushSubscriptionRow::into_shown).collect()
}

/// Removes a user's device. Returns whether there was one.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn remove_push_subscription(conn: &mut Connection, user: &UserId, id: &str) -> Result<bool, DbError> {
    conn.immediate_transaction(|conn| Ok(push_subscription::delete_own(conn, user, id)?))
}

/// Queues what a notification says for each browser of its user.
pub(super) fn queue_web_pushes<'a>(
    conn: &mut Connection,
    notification: &NotificationRow,
    subscriptions: impl Iterator<Item = &'a str>,
) -> Result<(), DbError> {
    let ids: Vec<&str> = subscriptions.collect();
    for subscription in &ids {
        let row = WebPushRow {
            subscription_id: (*subscription).to_owned(),
            room_id: notification.room_id.clone(),
            id: notification.id.clone(),
            read_seq: notification.read_seq,
            created_at: notification.created_at,
        };
        web_push::put(conn, &row)?;
    }
    push_subscription::make_due(conn, &ids, Timestamp(notification.created_at))?;
    Ok(())
}
