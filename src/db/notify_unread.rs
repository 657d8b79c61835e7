//! Notifications of unread messages: found in the order of commits, kept in an outbox until the webhook has taken them.
//!
//! Nobody writes anything when a message is sent. The messages are looked through once, each when it is old enough; a
//! member who has not read one by then gets a row in the outbox, one for each run of unread messages.
//!
//! Nobody is notified of a conversation that is closed by a block or an erasure, nor of one with somebody who is muted: what
//! waits is taken back, and what was passed over meanwhile is not sent later. Anyone who is muted themselves is notified, since
//! they may read.

use std::{collections::HashMap, ops::RangeInclusive};

use super::{
    Connection, DbError,
    models::{
        message,
        notification::{self, NotificationRow, SentRow},
        push_subscription,
        room::{self, RoomDetails},
    },
    push_subscriptions::queue_web_pushes,
};
use crate::domain::{
    Data, RoomId, Timestamp, UnreadNotification, UserId,
    message::{SYSTEM_SENDER, is_about},
};

/// Messages looked through at a time: what they ask to be written takes the writer some milliseconds.
const PAGE_MESSAGES: i64 = 128;

/// Messages that are old enough for a notification, should they be unread.
#[derive(Debug)]
pub struct UnreadPage {
    sent: Vec<SentRow>,
    /// The `data` of those of them, by their place, that may be about one of the members.
    about: HashMap<i64, Data>,
    up_to: i64,
    /// Whether there may be more of them.
    pub is_full: bool,
}

/// A notification whose time has come.
#[derive(Debug, Clone)]
pub struct DueNotification {
    row: NotificationRow,
    /// What to notify of; `None` when the member has read it meanwhile, or is not to be called back to this conversation.
    pub notification: Option<UnreadNotification>,
}

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationOutcome {
    /// It was taken.
    Delivered,
    /// It was not, and is to be tried again then.
    Retry(Timestamp),
    /// It was not, and won't be tried again.
    GivenUp,
    /// There is nothing left to notify of.
    Cancelled,
    /// Another node has it in hand.
    Elsewhere,
}

/// What notifies of unread messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotifyBy {
    pub webhook: bool,
    /// haggle itself, by the push services of browsers.
    pub web_push: bool,
}

/// How the outbox stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationsPending {
    /// How many wait.
    pub count: i64,
    /// Since when the oldest of them does.
    pub oldest: Option<Timestamp>,
}

impl UnreadPage {
    fn is_news_to(&self, message: &SentRow, member: &UserId) -> bool {
        let is_about = self.about.get(&message.position).is_some_and(|data| is_about(data, member));
        message.sender_id != member.as_str() && !is_about
    }
}

impl DueNotification {
    /// Its id, the same at each try.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.row.id
    }

    /// When it was written.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        Timestamp(self.row.created_at)
    }

    /// How often it was tried.
    #[must_use]
    pub fn attempts(&self) -> i64 {
        self.row.attempts
    }
}

/// Begins with what is sent from now on, unless it has begun earlier: nobody is notified of what was said before.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn begin_notifications(conn: &mut Connection) -> Result<(), DbError> {
    conn.immediate_transaction(|conn| {
        if notification::find_progress(conn)?.is_none() {
            let newest = notification::newest_position(conn)?;
            notification::save_progress(conn, newest)?;
        }
        Ok(())
    })
}

/// The next messages that nobody has looked through, of those sent in `range`; older ones are passed over. `None` when
/// there is none.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_unread(conn: &mut Connection, range: &RangeInclusive<Timestamp>) -> Result<Option<UnreadPage>, DbError> {
    conn.transaction(|conn| {
        let Some(progress) = notification::find_progress(conn)? else { return Ok(None) };
        let mut sent = notification::list_sent_after(conn, progress, PAGE_MESSAGES)?;
        let Some(last) = sent.last() else { return Ok(None) };
        let imported = notification::list_imported(conn, progress + 1, last.position)?;
        let is_imported = |position| imported.iter().any(|(first, last, _)| (*first..=*last).contains(&position));
        let old =
            sent.iter().take_while(|message| message.sent_at <= range.end().0 || is_imported(message.position)).count();
        let is_full = old as i64 == PAGE_MESSAGES;
        sent.truncate(old);
        let Some(up_to) = sent.last().map(|message| message.position) else { return Ok(None) };
        let oldest = range.start().0;
        sent.retain(|message| {
            message.sent_at >= oldest && message.deleted_at.is_none() && !is_imported(message.position)
        });
        let of_system: Vec<i64> =
            sent.iter().filter(|message| message.sender_id == SYSTEM_SENDER).map(|message| message.position).collect();
        let about = notification::list_about(conn, &of_system)?;
        let about = about.into_iter().filter_map(|(position, data)| Some((position, Data::from_json(data).ok()?)));
        Ok(Some(UnreadPage { sent, about: about.collect(), up_to, is_full }))
    })
}

/// Writes a notification for each member who has not read one of these messages, once for each run, for all that notify.
/// Returns how many.
///
/// # Errors
/// [`DbError`] when the database does not answer; then nothing was written.
pub fn queue_notifications(
    conn: &mut Connection,
    page: &UnreadPage,
    by: NotifyBy,
    now: Timestamp,
) -> Result<usize, DbError> {
    conn.immediate_transaction(|conn| {
        if notification::find_progress(conn)?.is_some_and(|progress| progress >= page.up_to) {
            // Another node has read the same page, and was here first.
            return Ok(0);
        }
        notification::save_progress(conn, page.up_to)?;
        let rows = find_notified(conn, page, now)?;
        let users = rows.iter().map(|row| row.user_id.as_str());
        let browsers = if by.web_push { push_subscription::list_web(conn, users)? } else { Vec::new() };
        let mut queued = 0;
        for mut row in rows {
            let own = browsers.iter().filter(|(user, _)| *user == row.user_id).map(|(_, id)| id.as_str());
            if !by.webhook && own.clone().next().is_none() {
                // Nobody is notified, so a browser that is registered later is of the next message.
                continue;
            }
            row.due_at = by.webhook.then_some(now.0);
            notification::put(conn, &row)?;
            queue_web_pushes(conn, &row, own)?;
            queued += 1;
        }
        Ok(queued)
    })
}

/// The members who are to be notified of these messages, and were not of the same run.
fn find_notified(conn: &mut Connection, page: &UnreadPage, now: Timestamp) -> Result<Vec<NotificationRow>, DbError> {
    let mut by_room: HashMap<&str, Vec<&SentRow>> = HashMap::new();
    for message in &page.sent {
        by_room.entry(&message.room_id).or_default().push(message);
    }
    let mut ids: Vec<&str> = by_room.keys().copied().collect();
    ids.sort_unstable();
    let mut rooms = room::lock(conn, &ids)?;
    let mut notified = Vec::new();
    for (room, sent) in by_room {
        let Some(room) = rooms.get_mut(room) else { continue };
        let is_closed = room.is_closed();
        for (role, user) in room.row.users().map(str::to_owned) {
            let read_seq = *room.row.read_seq_mut(role);
            let member = UserId::from_stored(user.as_str());
            let is_gone = room.active_role_of(&member).is_none();
            // Nobody is called back to somebody whom the marketplace has just muted, nor into a closed room, but by the staff.
            let is_silent = is_closed || room.muted_until(role.other(), now).is_some();
            let by_staff =
                |sender: &str| sender != SYSTEM_SENDER && !room.row.users().iter().any(|(_, id)| *id == sender);
            let counts =
                |message: &&&SentRow| page.is_news_to(message, &member) && (!is_silent || by_staff(&message.sender_id));
            // The newest one says it all.
            let newest = sent.iter().filter(counts).map(|message| message.seq);
            let asks_for_nothing = room.row.listing(role).muted;
            let is_read = newest.max().is_none_or(|seq| seq <= read_seq);
            if is_read || is_gone || asks_for_nothing {
                continue;
            }
            let earlier = notification::find(conn, &room.row.id, &user)?;
            if earlier.is_some_and(|earlier| earlier.read_seq == read_seq) {
                continue;
            }
            notified.push(NotificationRow {
                room_id: room.row.id.clone(),
                user_id: user,
                id: uuid::Uuid::now_v7().simple().to_string(),
                read_seq,
                created_at: now.0,
                attempts: 0,
                due_at: None,
            });
        }
    }
    Ok(notified)
}

/// The notifications to be tried now, with their content as it stands now.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_due_notifications(
    conn: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<DueNotification>, DbError> {
    conn.transaction(|conn| {
        let rows = notification::list_due(conn, now.0, limit)?;
        rows.into_iter()
            .map(|row| {
                let mut notification = to_notification(conn, &row, now)?;
                if let Some(notification) = &mut notification {
                    notification.devices = push_subscription::list_devices(conn, &notification.user_id)?;
                }
                Ok(DueNotification { notification, row })
            })
            .collect()
    })
}

pub(super) fn to_notification(
    conn: &mut Connection,
    row: &NotificationRow,
    now: Timestamp,
) -> Result<Option<UnreadNotification>, DbError> {
    let user = UserId::from_stored(row.user_id.as_str());
    let Some(details) = RoomDetails::find(conn, &RoomId::from_stored(row.room_id.as_str()))? else { return Ok(None) };
    let Some(role) = details.row.role_of(&user) else { return Ok(None) };
    let other = &details.members[role.other()];
    let is_silent = details.is_closed() || other.muted_until.is_some_and(|until| until > now);
    // What the staff has said is read there all the same.
    let is_left_out = is_silent && !message::has_staff_since(conn, &row.room_id, row.read_seq)?;
    if details.row.listing(role).muted || is_left_out {
        return Ok(None);
    }
    let summary = details.into_summary(conn, role)?;
    if summary.read_seq.0 != row.read_seq || summary.unread == 0 {
        return Ok(None);
    }
    Ok(Some(UnreadNotification {
        id: row.id.clone(),
        event: "unread",
        created_at: Timestamp(row.created_at),
        room_id: summary.room.id,
        user_id: user,
        unread: summary.unread,
        read_seq: summary.read_seq,
        product: summary.room.product,
        other: summary.other,
        last_message: summary.last_message,
        devices: Vec::new(),
    }))
}

/// Takes a notification in hand until then, where several nodes would try it. Returns whether it is this one's: after that
/// time it is due again, should the node be gone.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn claim_notification(conn: &mut Connection, due: &DueNotification, until: Timestamp) -> Result<bool, DbError> {
    conn.immediate_transaction(|conn| Ok(notification::put_off(conn, &due.row, until.0)?))
}

/// Writes down what became of a try.
///
/// # Errors
/// [`DbError`] when the database does not answer; then it is tried again.
pub fn finish_notification(
    conn: &mut Connection,
    due: DueNotification,
    outcome: NotificationOutcome,
) -> Result<(), DbError> {
    let row = NotificationRow { attempts: due.row.attempts + 1, ..due.row };
    match outcome {
        // The row stays: it is what keeps the same run from being sent again.
        NotificationOutcome::Delivered | NotificationOutcome::GivenUp => notification::set_due(conn, &row, None)?,
        NotificationOutcome::Retry(at) => notification::set_due(conn, &row, Some(at.0))?,
        NotificationOutcome::Cancelled => notification::cancel(conn, &row)?,
        NotificationOutcome::Elsewhere => {}
    }
    Ok(())
}

/// How the outbox stands.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn count_notifications(conn: &mut Connection) -> Result<NotificationsPending, DbError> {
    let (count, oldest) = notification::count_pending(conn)?;
    Ok(NotificationsPending { count, oldest: oldest.map(Timestamp) })
}

#[cfg(test)]
mod tests;
