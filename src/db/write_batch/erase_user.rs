//! Erasure: of a deleted user no byte of the name or the words is left in the database's files.
//!
//! 1. [`Write::DeleteUser`](super::Write::DeleteUser) takes name and picture, and writes the job down.
//! 2. [`Write::EraseWords`](super::Write::EraseWords), again and again, takes the words of some hundred messages,
//!    each time in a batch with what everybody else writes, and their reactions to what the other member said. The same goes for
//!    what they said as a member of the staff, and for the notices that name them. Rows, `seq` and
//!    sender stay: the other member keeps their place in the conversation. Then the reports lose them, some at a time.
//! 3. The free parts of the pages are overwritten, and the log is emptied ([`find_residue`](crate::db::find_residue) and its
//!    neighbours): they hold copies of rows as they were.
//! 4. [`finish_erasures`] crosses the job out. Before that a restart goes on with it.

use std::ops::Range;

use super::{ErasureProgress, WriteResult, Written, ended_offers};
use crate::{
    db::{
        Connection, DbError, discarded_images, message_index,
        models::{message, offer, recovery, removed, report, room},
        page_bytes::Space,
        prelude::*,
        schema::erasures,
    },
    domain::{MessageKind, Role, RoomId, StoredMessage, Timestamp, UserId},
};

/// Messages that lose their words at a time.
const MESSAGES: i64 = 256;

/// Messages of a room, also of others, that are looked at for theirs at once, and in all rooms at a time.
const WINDOW: i64 = 512;
const LOOKED_AT: i64 = 4096;

/// And their bytes: taking words out of the search index takes time by their length, and the writer is everybody's.
const MESSAGE_BYTES: usize = 64 * 1024;

/// Rooms that are gone through at a time.
const ROOMS: i64 = 32;

/// What is kept of messages in other tables and files, while the messages still have their words, and in the transaction
/// that takes them. What lies in files is noted here, and removed before [`finish_erasures`].
fn erase_beside(conn: &mut Connection, messages: &[StoredMessage], ids: &[&str]) -> Result<(), DbError> {
    for message in messages.iter().filter(|message| message.deleted_at.is_none()) {
        discarded_images::discard(conn, message.data.as_ref().filter(|_| message.kind == MessageKind::Image))?;
    }
    message_index::remove(conn, messages)?;
    offer::remove(conn, ids)?;
    Ok(())
}

/// Writes down that a user's words are to be erased.
pub(super) fn begin(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    diesel::insert_into(erasures::table)
        .values(erasures::user_id.eq(user.as_str()))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}

/// Takes the words of the next messages of a user whose erasure is under way.
pub(super) fn erase_words(conn: &mut Connection, user: &UserId, at: Timestamp) -> WriteResult {
    let place: Option<(String, i64, String)> = erasures::table
        .find(user.as_str())
        .select((erasures::room_id, erasures::seq, erasures::report_id))
        .get_result(conn)
        .optional()?;
    let Some((mut place, mut seq, mut report)) = place else {
        return Ok(Written::WordsErased {
            messages: Vec::new(),
            rooms: Vec::new(),
            offers: Vec::new(),
            progress: ErasureProgress::Done,
        });
    };
    let Found { own: mut erased, reacted, touched, own_rooms, mut is_done } =
        next_messages(conn, user, &mut place, &mut seq)?;
    let offers = ended_offers::end_with_member(conn, user, &own_rooms, at)?;
    let ids: Vec<&str> = erased.iter().map(|message| message.id.as_str()).collect();
    if !ids.is_empty() {
        erase_beside(conn, &erased, &ids)?;
        message::erase(conn, &ids, at)?;
    }
    // What was deleted before looks the same as ever.
    erased.retain(|message| message.deleted_at.is_none());
    for message in &mut erased {
        (message.text, message.data, message.client_id, message.deleted_at) = (None, None, None, Some(at));
        (message.warnings, message.reactions) = (Vec::new(), Vec::new());
        message.staff_name = message.staff_name.take().map(|_| String::new());
    }
    for message in &reacted {
        message::set_reactions(conn, &message.id, &message.reactions)?;
    }
    // An offer among them may just have ended.
    let reacted: Vec<&str> = reacted.iter().map(|message| message.id.as_str()).collect();
    if !reacted.is_empty() {
        erased.extend(message::find_all(conn, &reacted)?);
    }
    if is_done {
        // Last, so that nothing is reported any more that still has its words.
        if let Some(last) = report::erase_words(conn, user, &report)? {
            (report, is_done) = (last, false);
        }
    }
    if is_done {
        is_done = !removed::erase_of_sender(conn, user)?;
    }
    if is_done {
        recovery::remove_of_user(conn, user)?;
    }
    diesel::update(erasures::table.find(user.as_str()))
        .set((erasures::room_id.eq(place), erasures::seq.eq(seq), erasures::report_id.eq(report)))
        .execute(conn)?;
    Ok(Written::WordsErased {
        messages: erased,
        rooms: touched.into_iter().map(RoomId::from_stored).collect(),
        offers,
        progress: if is_done { ErasureProgress::Done } else { ErasureProgress::GoesOn },
    })
}

/// A slice of what there is of a user.
#[derive(Debug, Default)]
struct Found {
    own: Vec<StoredMessage>,
    /// What the other member said, without the user's reactions.
    reacted: Vec<StoredMessage>,
    /// The rooms that were gone through.
    touched: Vec<String>,
    /// Those of them that the user is the buyer or the seller of.
    own_rooms: Vec<String>,
    /// Whether there is no more.
    is_done: bool,
}

/// The next messages of a user, and those that they have reacted to, in their rooms after a place, which moves on.
fn next_messages(conn: &mut Connection, user: &UserId, place: &mut String, seq: &mut i64) -> Result<Found, DbError> {
    let mut rooms = Vec::new();
    for role in Role::BOTH {
        rooms.extend(room::list_by_role(conn, user, role, place, ROOMS + 1)?);
    }
    rooms.extend(room::list_by_staff(conn, user, place, ROOMS + 1)?);
    rooms.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    rooms.dedup_by(|a, b| a.id == b.id);
    let has_more_rooms = rooms.len() as i64 > ROOMS;
    rooms.truncate(usize::try_from(ROOMS).unwrap_or(usize::MAX));

    let mut space = Space::of(MESSAGE_BYTES);
    let (mut found, mut looked_at) = (Found::default(), 0);
    for room in rooms {
        found.touched.push(room.id.clone());
        if room.role_of(user).is_some() {
            found.own_rooms.push(room.id.clone());
        }
        let mut is_room_done = false;
        while !is_room_done {
            let left = MESSAGES - (found.own.len() + found.reacted.len()) as i64;
            if left <= 0 || space.is_full() || looked_at >= LOOKED_AT {
                return Ok(found);
            }
            let window = *seq..room.last_seq.min(*seq + WINDOW);
            let of_user = (room.id.as_str(), user.as_str());
            let (mut messages, is_cut) =
                message::list_by_sender_among(conn, of_user, window.clone(), left, &mut space)?;
            let is_window_done = !is_cut && (messages.len() as i64) < left;
            let last = messages.last().map_or(*seq, |message| message.seq.0);
            let last = if is_window_done { window.end } else { last };
            let (reacted, last) = next_reacted(conn, (&room.id, user), *seq..last, left)?;
            messages.retain(|message| message.seq.0 <= last);
            if room.role_of(user).is_none() {
                messages.extend(message::list_notices_of_staff(conn, &room.id, user, *seq..last)?);
            }
            looked_at += last - *seq;
            found.own.extend(messages);
            found.reacted.extend(reacted);
            *seq = last;
            is_room_done = last >= room.last_seq;
        }
        (*place, *seq) = (room.id, 0);
    }
    Ok(Found { is_done: !has_more_rooms, ..found })
}

/// What the other member said in a window of a room and the user has reacted to, without that; and how far it was looked for: to
/// the end of the window, unless there is more than is changed at a time.
fn next_reacted(
    conn: &mut Connection,
    (room, user): (&str, &UserId),
    window: Range<i64>,
    limit: i64,
) -> Result<(Vec<StoredMessage>, i64), DbError> {
    let mut space = Space::of(MESSAGE_BYTES);
    let (mut reacted, is_cut) = message::list_reacted(conn, room, window.clone(), limit, &mut space)?;
    let is_all = !is_cut && (reacted.len() as i64) < limit;
    let last = reacted.last().map(|message| message.seq.0).filter(|_| !is_all).unwrap_or(window.end);
    reacted.retain_mut(|message| {
        let before = message.reactions.len();
        message.reactions.retain(|reaction| reaction.user_id != *user);
        message.sender_id != *user && message.reactions.len() < before
    });
    Ok((reacted, last))
}

/// The users whose erasure is not finished.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_erasures(conn: &mut Connection) -> Result<Vec<UserId>, DbError> {
    let ids: Vec<String> = erasures::table.order(erasures::user_id).select(erasures::user_id).load(conn)?;
    Ok(ids.into_iter().map(UserId::from_stored).collect())
}

/// Crosses finished erasures out.
///
/// # Errors
/// [`DbError`] when the database does not answer; then they are carried out again.
pub fn finish_erasures(conn: &mut Connection, users: &[UserId]) -> Result<(), DbError> {
    for user in users {
        diesel::delete(erasures::table.find(user.as_str())).execute(conn)?;
    }
    Ok(())
}
