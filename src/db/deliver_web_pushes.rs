//! What is pushed to browsers: queued together with the webhook's notifications, delivered on its own.
//!
//! A subscription is an entry of the queue, and not each of its pushes: it has one try at a time, and one whose push service does
//! not answer waits with all that is for it. `notify_unread` decides who is notified of what, for both.

use std::collections::HashSet;

use super::{
    Connection, DbError,
    list_unread::user_total,
    models::{
        notification::{self, NotificationRow},
        push_subscription::{self, PushSubscriptionRow},
        user,
        web_push::{self, WebPushRow},
    },
    notify_unread::to_notification,
};
use crate::domain::{Timestamp, UserId, WebKeys, WebPush, push_subscription::SUBSCRIPTIONS_MAX};

/// Tries in a row after which a subscription is removed whose push service takes nothing: more than a day of them.
const FAILURES_MAX: i64 = 35;

/// Waiting pushes are not counted further.
const COUNTED_MAX: i64 = 10_000;

/// A subscription to which something is to be pushed.
#[derive(Debug, Clone)]
pub struct DueSubscription(PushSubscriptionRow);

/// Something to be pushed, as it stands now.
#[derive(Debug)]
pub struct DueWebPush {
    row: WebPushRow,
    /// `None` when the member has read it meanwhile, or is not to be called back to this conversation.
    pub push: Option<WebPush>,
}

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebPushOutcome {
    /// The push service has taken it.
    Delivered,
    /// There is nothing left to push.
    Cancelled,
    /// It was not taken, and won't be tried again.
    GivenUp,
    /// It was not taken, and is to be tried again then.
    Retry(Timestamp),
    /// The subscription has ended.
    Gone,
}

impl DueSubscription {
    /// Whose it is.
    #[must_use]
    pub fn user(&self) -> UserId {
        UserId::from_stored(self.0.user_id.as_str())
    }

    /// Its id, for the log.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Where its push service takes what is for it. A secret.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.0.address
    }

    /// What is encrypted for it.
    #[must_use]
    pub fn keys(&self) -> Option<WebKeys> {
        self.0.keys()
    }

    /// Tries in a row that were not taken.
    #[must_use]
    pub fn failures(&self) -> i64 {
        self.0.failures
    }
}

impl DueWebPush {
    /// When it was queued.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        Timestamp(self.row.created_at)
    }

    /// The room, for what replaces what.
    #[must_use]
    pub fn room(&self) -> &str {
        &self.row.room_id
    }
}

/// The subscriptions to be tried now, at most one per user and none of `busy` users. Of those whose last try failed at most
/// `failing_max`.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_due_subscriptions(
    conn: &mut Connection,
    busy: &[UserId],
    now: Timestamp,
    max: usize,
    failing_max: usize,
) -> Result<Vec<DueSubscription>, DbError> {
    conn.transaction(|conn| {
        let (mut due, mut users) = (Vec::new(), HashSet::new());
        for (is_failing, max) in [(false, max), (true, failing_max)] {
            // As many rows as these users can have.
            let limit = SUBSCRIPTIONS_MAX.saturating_mul(i64::try_from(max).unwrap_or(i64::MAX));
            let rows = push_subscription::list_due(conn, busy, is_failing, now, limit)?;
            let of_others = rows.into_iter().filter(|row| users.insert(row.user_id.clone()));
            due.extend(of_others.take(max).map(DueSubscription));
        }
        due.truncate(max);
        Ok(due)
    })
}

/// Takes a subscription in hand until then. Returns whether it is this node's: after that time it is due again, should the
/// node be gone.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn claim_subscription(conn: &mut Connection, due: &DueSubscription, until: Timestamp) -> Result<bool, DbError> {
    conn.immediate_transaction(|conn| Ok(push_subscription::put_off(conn, &due.0, until)?))
}

/// What waits the longest for a subscription, as it stands now; `None` when nothing waits.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_web_push(
    conn: &mut Connection,
    due: &DueSubscription,
    now: Timestamp,
) -> Result<Option<DueWebPush>, DbError> {
    conn.transaction(|conn| {
        let Some(row) = web_push::find_oldest(conn, &due.0.id)? else { return Ok(None) };
        let notification = NotificationRow {
            room_id: row.room_id.clone(),
            user_id: due.0.user_id.clone(),
            id: row.id.clone(),
            read_seq: row.read_seq,
            created_at: row.created_at,
            attempts: 0,
            due_at: None,
        };
        let Some(notification) = to_notification(conn, &notification, now)? else {
            return Ok(Some(DueWebPush { row, push: None }));
        };
        // Someone who is banned can't read it, and nobody is called back to someone who is.
        for user in [&notification.user_id, &notification.other.id] {
            if user::find_banned_until(conn, user)?.is_some_and(|until| until > now) {
                return Ok(Some(DueWebPush { row, push: None }));
            }
        }
        let total = user_total(conn, &notification.user_id)?;
        let push = Some(WebPush { notification, total, language: due.0.language.clone() });
        Ok(Some(DueWebPush { row, push }))
    })
}

/// Writes down what became of a try. `push` is `None` where nothing waited.
///
/// # Errors
/// [`DbError`] when the database does not answer; then it is tried again.
pub fn finish_web_push(
    conn: &mut Connection,
    due: &DueSubscription,
    push: Option<&DueWebPush>,
    outcome: WebPushOutcome,
    now: Timestamp,
) -> Result<(), DbError> {
    let id = &due.0.id;
    conn.immediate_transaction(|conn| {
        let failures = match outcome {
            WebPushOutcome::Gone => return Ok(push_subscription::delete(conn, id)?),
            // Where nothing has answered for more than a day, nobody is there.
            WebPushOutcome::Retry(_) if due.0.failures >= FAILURES_MAX => {
                return Ok(push_subscription::delete(conn, id)?);
            }
            WebPushOutcome::Retry(at) => {
                return Ok(push_subscription::set_due(conn, id, due.0.failures + 1, Some(at.0))?);
            }
            WebPushOutcome::Delivered => 0,
            WebPushOutcome::Cancelled | WebPushOutcome::GivenUp => due.0.failures,
        };
        if let Some(DueWebPush { row, .. }) = push {
            web_push::delete(conn, row)?;
            if outcome == WebPushOutcome::Cancelled {
                // The next message begins another run, as for the webhook, unless that was sent this one.
                notification::cancel_unsent(conn, (&row.room_id, &due.0.user_id), &row.id)?;
            }
        }
        // At the end of the queue, where there is more.
        let due_at = web_push::find_oldest(conn, id)?.map(|_| now.0);
        Ok(push_subscription::set_due(conn, id, failures, due_at)?)
    })
}

/// How many pushes wait, not counted further than 10,000, and since when the oldest of them does.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn count_web_pushes(conn: &mut Connection) -> Result<(i64, Option<Timestamp>), DbError> {
    let (count, oldest) = web_push::count(conn, COUNTED_MAX)?;
    Ok((count, oldest.map(Timestamp)))
}

#[cfg(test)]
mod tests;
