//! Searching one's own conversations, or all for staff, newest first.
//!
//! Messages that the index does not have yet, the tail, are read directly; for those before them the index is asked. So a search
//! never waits for the index, and the writer has no work by it. Both are gone through in windows of places, and a page ends when
//! its time or its bytes are spent: its cursor says where the next one goes on.

#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

use std::{
    collections::HashMap,
    fmt,
    time::{Duration, Instant},
};

use diesel::sql_types::{BigInt, Nullable, Text};

use super::{
    Connection, DbError, InvalidCursor, message_index,
    models::{message::MessageRow, room::RoomDetails},
    page_bytes::Space,
    prelude::*,
    schema::messages,
};
use crate::domain::{
    Room, RoomId, UserId,
    search::{FoundMessage, SearchTerms},
};

/// How far one page goes.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// It ends then, be it empty, once it has looked at as much text as below, or through two windows.
    time: Duration,
    /// Bytes of text that it looks at in any case: what is small is searched in one page, also by a server that has much to do.
    least_bytes: usize,
    /// Places in the first window of what the index has.
    indexed: i64,
    /// Places in the first window of the tail, each of which is looked at.
    tail: i64,
}

const PACE: Pace = Pace { time: Duration::from_millis(50), least_bytes: 64 * 1024, indexed: 1 << 16, tail: 1 << 11 };

/// Windows that are looked through in any case: the first of the tail and the first of what the index has.
const WINDOWS_MIN: usize = 2;

/// A window that took less than this part of a page's time is followed by one that is so many times as wide.
const QUICK_PART: u32 = 10;
const WIDER: i64 = 4;

/// Candidates that are read at once: at first, and at most; then as many as have about so many bytes of text.
const FIRST_STEP: usize = 32;
const STEP_MAX: usize = 500;
const STEP_BYTES: usize = 128 * 1024;

/// A place in the order of all messages: the page goes on after it. As text it is opaque.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchCursor(i64);

impl fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl std::str::FromStr for SearchCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        // Signs would pass from_str_radix.
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidCursor);
        }
        i64::from_str_radix(text, 16).map(Self).map_err(|_| InvalidCursor)
    }
}

/// What a page holds at most.
#[derive(Debug, Clone, Copy)]
pub struct SearchPage {
    /// Messages.
    pub limit: usize,
    /// Bytes of JSON, about; one message is on it whatever it weighs.
    pub bytes_max: usize,
}

/// A message that may hold the terms.
#[derive(QueryableByName)]
struct Candidate {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
}

/// Places between two others.
#[derive(Debug, Clone, Copy)]
struct Window {
    /// Not in the index yet.
    is_tail: bool,
    after: i64,
    before: i64,
}

/// A page of the messages in `user`'s rooms that hold every term, newest first, and where the next one goes on. A page may
/// be short, even empty, and still have a next one.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn search_messages(
    conn: &mut Connection,
    user: &UserId,
    terms: &SearchTerms,
    cursor: Option<SearchCursor>,
    page: SearchPage,
) -> Result<(Vec<FoundMessage>, Option<SearchCursor>), DbError> {
    search_at(PACE, conn, Some(user), terms, cursor, page)
}

/// The same in everybody's rooms, for staff.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn search_all_messages(
    conn: &mut Connection,
    terms: &SearchTerms,
    cursor: Option<SearchCursor>,
    page: SearchPage,
) -> Result<(Vec<FoundMessage>, Option<SearchCursor>), DbError> {
    search_at(PACE, conn, None, terms, cursor, page)
}

fn search_at(
    pace: Pace,
    conn: &mut Connection,
    user: Option<&UserId>,
    terms: &SearchTerms,
    cursor: Option<SearchCursor>,
    SearchPage { limit, bytes_max }: SearchPage,
) -> Result<(Vec<FoundMessage>, Option<SearchCursor>), DbError> {
    let began = Instant::now();
    // One snapshot: each message is in the tail or in the index, and not in both.
    conn.transaction(|conn| {
        let indexed_to = message_index::indexed_to(conn)?;
        let end = message_index::newest_position(conn)?.saturating_add(1);
        let mut page = Page {
            pace,
            began,
            user,
            terms,
            limit,
            step: FIRST_STEP,
            found: Vec::new(),
            space: Space::of(bytes_max),
            looked_bytes: 0,
            windows: 0,
            rooms: HashMap::new(),
        };
        let mut before = cursor.map_or(end, |cursor| cursor.0.min(end));
        let (mut tail, mut indexed) = (pace.tail, pace.indexed);
        while before > 1 {
            let is_tail = before > indexed_to.saturating_add(1);
            let (first, width) = if is_tail { (indexed_to, &mut tail) } else { (0, &mut indexed) };
            let window = Window { is_tail, after: first.max(before.saturating_sub(*width + 1)), before };
            let looked_from = Instant::now();
            if let Some(reached) = page.look_through(conn, window)? {
                return Ok((page.found, Some(SearchCursor(reached))));
            }
            before = window.after + 1;
            page.windows += 1;
            if page.is_over() && before > 1 {
                return Ok((page.found, Some(SearchCursor(before))));
            }
            if looked_from.elapsed() < pace.time / QUICK_PART {
                *width = width.saturating_mul(WIDER);
            }
        }
        Ok((page.found, None))
    })
}

/// A page that is being filled.
struct Page<'a> {
    pace: Pace,
    began: Instant,
    /// Whose rooms; everybody's for staff.
    user: Option<&'a UserId>,
    terms: &'a SearchTerms,
    limit: usize,
    step: usize,
    found: Vec<FoundMessage>,
    space: Space,
    looked_bytes: usize,
    windows: usize,
    rooms: HashMap<RoomId, Option<Room>>,
}

impl Page<'_> {
    fn is_over(&self) -> bool {
        let may_end = self.looked_bytes >= self.pace.least_bytes || self.windows >= WINDOWS_MIN;
        self.found.len() >= self.limit || self.space.is_full() || may_end && self.began.elapsed() >= self.pace.time
    }

    /// Looks through a window. Returns how far it has come when the page is full before the window ends.
    fn look_through(&mut self, conn: &mut Connection, mut window: Window) -> Result<Option<i64>, DbError> {
        loop {
            let (candidates, is_all) = candidates(conn, self.user, self.terms, window, self.step)?;
            let (count, mut bytes) = (candidates.len(), 0);
            for candidate in candidates {
                let (place, length) = (candidate.position, candidate.text.as_ref().map_or(0, String::len));
                bytes += length;
                self.looked_bytes += length;
                if !self.take(conn, &candidate)? {
                    return Ok(Some(place + 1));
                }
                window.before = place;
                if self.is_over() {
                    return Ok(Some(window.before));
                }
            }
            if is_all {
                return Ok(None);
            }
            let average = bytes / count.max(1) + 1;
            self.step = (STEP_BYTES / average).clamp(1, STEP_MAX);
        }
    }

    /// Adds a message to the page if it holds the terms. Returns whether there was space for it.
    fn take(&mut self, conn: &mut Connection, candidate: &Candidate) -> Result<bool, DbError> {
        let snippet = candidate.text.as_deref().and_then(|text| self.terms.snippet(text));
        let Some(snippet) = snippet else { return Ok(true) };
        let row: MessageRow =
            messages::table.find(candidate.position).select(MessageRow::as_select()).get_result(conn)?;
        let message = row.into_stored()?;
        if let Some(room) = room_of(conn, &mut self.rooms, &message.room_id)? {
            let found = FoundMessage { message, room, snippet };
            if !self.space.takes(found.weight_bytes()) {
                return Ok(false);
            }
            self.found.push(found);
        }
        Ok(true)
    }
}

/// The newest messages of a window that may hold the terms, of one's own or of all, and whether these are all.
fn candidates(
    conn: &mut Connection,
    user: Option<&UserId>,
    terms: &SearchTerms,
    window: Window,
    limit: usize,
) -> Result<(Vec<Candidate>, bool), DbError> {
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = match conn {
        Connection::Sqlite(conn) if window.is_tail => sqlite::tail(conn, user, window, rows)?,
        Connection::Sqlite(conn) => return Ok(sqlite::indexed(conn, user, terms, window, limit)?),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) if window.is_tail => postgres::tail(conn, user, window, rows)?,
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => postgres::indexed(conn, user, terms, window, rows)?,
    };
    let is_all = found.len() < limit;
    Ok((found, is_all))
}

fn room_of(
    conn: &mut Connection,
    known: &mut HashMap<RoomId, Option<Room>>,
    room: &RoomId,
) -> Result<Option<Room>, DbError> {
    if let Some(known) = known.get(room) {
        return Ok(known.clone());
    }
    let found = RoomDetails::find(conn, room)?.map(|details| details.room);
    known.insert(room.clone(), found.clone());
    Ok(found)
}

#[cfg(test)]
mod tests;
