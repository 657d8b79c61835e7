//! The tail: the newest messages and read marks of a SQLite file, committed and not settled.
//!
//! A message in `messages` changes a page in each index of that table, and its room's page: 20 KiB of log for 120 bytes of
//! text. A commit therefore only appends to `message_tail`, which has no index. Settling moves the messages of a room into
//! `messages` later, many at a time, and updates the room once for all of them.
//!
//! - **The tables are the truth.** What this object keeps in memory can be read from them. After a failed transaction, a
//!   restart or a commit of another process, everything is settled from the tables ([`settle_everything`]).
//! - **Everybody reads settled messages.** An operation names the messages that it concerns ([`Scope`]), and these are settled
//!   before it runs. [`Unsettled`] says whether there are any.
//! - **The order of commits has a limit.** Anyone who follows positions goes up to the first one in the tail's table
//!   (`models::message::tail::first_position`).
//!
//! PostgreSQL has no tail: several nodes write, and each must see at once what the others have committed.

mod scope;
mod unsettled;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

pub use self::{
    scope::Scope,
    unsettled::{TailProgress, Unsettled},
};
use super::{
    Connection, DbError, DbFailure,
    models::{
        message::{self, tail as rows},
        room::{self, LockedRoom},
    },
    prelude::*,
};
use crate::domain::{Pair, RoomId, StoredMessage, UserId};

/// Messages of one room that wait; with more the room is settled by the commit that adds them. Settling so many takes about a
/// millisecond.
const ROOM_MESSAGES_MAX: usize = 256;

/// Messages that wait in all rooms, or rooms that wait for a read mark alone; with more each commit settles twice as many as it adds.
const MESSAGES_MAX: usize = 16_384;

/// Rows that are removed from the tail's table at a time.
const ROWS_TRIMMED: i64 = 512;

/// What the one writer of a SQLite file keeps of the tail in memory.
#[derive(Debug, Default)]
pub struct Tail {
    /// The rooms whose messages or read marks wait.
    rooms: HashMap<String, TailRoom>,
    /// Messages that wait.
    messages: usize,
    /// Rooms that are still to be settled in this round: each room once per round, so that its messages gather meanwhile.
    round: Vec<String>,
    /// The first position in the tail's table; `i64::MAX` when it is empty.
    first_row: i64,
    /// The last position that was ever in it.
    last_row: i64,
    /// The position of the newest message of all; `None` when it has to be read.
    newest: Option<i64>,
    /// Rooms that this transaction has settled.
    settled: Vec<String>,
    /// This transaction has settled everything that the tables held.
    is_reset: bool,
    /// By which SQLite says whether another connection has changed the file. `None` when the memory can't be trusted.
    version: Option<i64>,
    unsettled: Arc<Unsettled>,
}

/// What settling some has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Every room of the round is settled. Those in which something was said meanwhile belong to the next one.
    pub is_round_over: bool,
    /// Nothing is left in the tail's tables.
    pub is_empty: bool,
}

#[derive(Debug, Default)]
struct TailRoom {
    /// As it is to be saved; `None` while a batch decides about it.
    locked: Option<LockedRoom>,
    /// Its messages that wait: positions and ids.
    messages: Vec<(i64, String)>,
    /// Their positions by sender and `clientId`.
    keys: HashMap<(String, String), i64>,
    has_marks: bool,
}

impl Tail {
    /// A tail of which nothing is known: the first transaction settles what the tables hold.
    #[must_use]
    pub fn new(unsettled: Arc<Unsettled>) -> Self {
        Self { first_row: i64::MAX, unsettled, ..Self::default() }
    }

    /// Nothing in memory can be trusted from now on: the connection is another one.
    pub fn distrust(&mut self) {
        self.version = None;
    }

    /// Settles what an operation concerns, in a transaction of its own.
    ///
    /// # Errors
    /// [`DbError`] when the database does not answer. Everything stays in the tail then.
    pub fn settle(&mut self, conn: &mut Connection, scope: &Scope) -> Result<(), DbError> {
        if matches!(conn, Connection::Sqlite(_)) && self.unsettled.concerns(scope) {
            without_sync(conn, |conn| self.transaction(conn, |tail, conn| tail.settle_in(conn, scope)))?;
        }
        Ok(())
    }

    /// Settles the next rooms of the round, with about so many messages, and removes rows that are settled.
    ///
    /// # Errors
    /// [`DbError`] when the database does not answer.
    pub fn settle_some(&mut self, conn: &mut Connection, messages_max: usize) -> Result<Settled, DbError> {
        if !matches!(conn, Connection::Sqlite(_)) {
            return Ok(Settled { is_round_over: true, is_empty: true });
        }
        without_sync(conn, |conn| {
            self.transaction(conn, |tail, conn| {
                tail.settle_next(conn, messages_max)?;
                Ok(Settled { is_round_over: tail.round.is_empty(), is_empty: !tail.has_rows() })
            })
        })
    }

    /// Runs a transaction of the writer's.
    pub(super) fn transaction<T>(
        &mut self,
        conn: &mut Connection,
        run: impl FnOnce(&mut Self, &mut Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        // Given back after the commit: after a failure, and after a panic, nothing in memory can be trusted.
        let known = self.version.take();
        let (outcome, version) = conn.immediate_transaction(|conn| {
            let version = data_version(conn)?;
            match known {
                Some(known) if known == version => {}
                // Anyone else who writes messages settles everything first. Where the tail is as it was, they have not.
                Some(_) if self.is_intact(conn)? => self.newest = None,
                _ => self.reset(conn)?,
            }
            Ok::<_, DbError>((run(self, conn)?, version))
        })?;
        self.version = Some(version);
        self.publish();
        Ok(outcome)
    }

    /// Whether the tables hold what this object knows of.
    fn is_intact(&self, conn: &mut Connection) -> Result<bool, DbError> {
        let has_marks = self.rooms.values().any(|room| room.has_marks);
        Ok(rows::first_position(conn)? == self.first_row && rows::has_marks(conn)? == has_marks)
    }

    fn reset(&mut self, conn: &mut Connection) -> Result<(), DbError> {
        settle_tables(conn)?;
        self.rooms.clear();
        self.round.clear();
        self.settled.clear();
        (self.messages, self.first_row, self.last_row, self.newest) = (0, i64::MAX, 0, None);
        self.is_reset = true;
        Ok(())
    }

    /// After a commit.
    fn publish(&mut self) {
        let progress = TailProgress {
            messages: self.messages.max(self.rooms.len()),
            has_rows: self.has_rows(),
            newest: self.last_row,
            settled_before: if self.first_row == i64::MAX { self.last_row + 1 } else { self.first_row },
        };
        if std::mem::take(&mut self.is_reset) {
            self.settled.clear();
            self.unsettled.replace(self.rooms.iter().filter_map(members), progress);
        } else {
            let settled = std::mem::take(&mut self.settled);
            let gone = settled.iter().filter(|room| !self.rooms.contains_key(*room)).map(String::as_str);
            self.unsettled.remove(gone, progress);
        }
    }

    fn has_rows(&self) -> bool {
        !self.rooms.is_empty() || self.first_row != i64::MAX
    }

    // ---- inside a transaction ---------------------------------------------------------------------------------------

    /// Settles what an operation concerns, inside the caller's transaction.
    pub(super) fn settle_in(&mut self, conn: &mut Connection, scope: &Scope) -> Result<(), DbError> {
        let rooms: Vec<String> = match scope {
            Scope::Nothing => return Ok(()),
            Scope::Room(room) => vec![room.as_str().to_owned()],
            Scope::Rooms(rooms) => rooms.iter().map(|room| room.as_str().to_owned()).collect(),
            Scope::Message(message) => {
                self.rooms_where(|room| room.messages.iter().any(|(_, id)| id == message.as_str()))
            }
            Scope::User(user) => {
                self.rooms_where(|room| room.locked.as_ref().is_some_and(|it| it.row.role_of(user).is_some()))
            }
            Scope::Product(product) => {
                self.rooms_where(|room| room.locked.as_ref().is_some_and(|it| it.row.product_id == product.as_str()))
            }
            Scope::Everything => self.rooms_where(|_| true),
        };
        self.settle_rooms(conn, rooms)
    }

    fn rooms_where(&self, fits: impl Fn(&TailRoom) -> bool) -> Vec<String> {
        self.rooms.iter().filter(|(_, room)| fits(room)).map(|(id, _)| id.clone()).collect()
    }

    fn settle_next(&mut self, conn: &mut Connection, messages_max: usize) -> Result<(), DbError> {
        if self.round.is_empty() {
            self.round = self.rooms.keys().cloned().collect();
            // Taken from the end: neighbours in the indices one after the other.
            self.round.sort_unstable_by(|a, b| b.cmp(a));
        }
        let mut next = Vec::new();
        let mut messages = 0;
        while messages < messages_max {
            let Some(id) = self.round.pop() else { break };
            messages += self.rooms.get(&id).map_or(0, |room| room.messages.len() + 1);
            next.push(id);
        }
        self.settle_rooms(conn, next)
    }

    fn settle_rooms(&mut self, conn: &mut Connection, mut ids: Vec<String>) -> Result<(), DbError> {
        ids.sort_unstable();
        ids.dedup();
        let in_rooms = |id: &String| self.rooms.get(id).into_iter().flat_map(|room| &room.messages);
        let positions: Vec<i64> = ids.iter().flat_map(in_rooms).map(|(position, _)| *position).collect();
        rows::settle(conn, &positions)?;
        for id in ids {
            let Some(waiting) = self.rooms.remove(&id) else { continue };
            self.messages -= waiting.messages.len();
            room::save(conn, waiting.locked.iter())?;
            if waiting.has_marks {
                rows::remove_marks(conn, &id)?;
            }
            self.settled.push(id);
        }
        self.trim(conn)
    }

    /// Removes settled rows that nothing unsettled comes before.
    fn trim(&mut self, conn: &mut Connection) -> Result<(), DbError> {
        if self.first_row == i64::MAX {
            return Ok(());
        }
        let first = self.rooms.values().filter_map(|room| room.messages.first()).map(|(position, _)| *position).min();
        if first.is_some_and(|first| first <= self.first_row) {
            return Ok(());
        }
        let step = self.first_row + ROWS_TRIMMED;
        match first {
            Some(first) => {
                self.first_row = first.min(step);
                rows::trim(conn, self.first_row)?;
            }
            None if self.last_row >= step => {
                self.first_row = step;
                rows::trim(conn, step)?;
            }
            None => {
                self.first_row = i64::MAX;
                rows::trim(conn, i64::MAX)?;
            }
        }
        Ok(())
    }

    /// The caller writes messages by itself, which get positions.
    pub(super) fn forget_newest(&mut self) {
        self.newest = None;
    }

    // ---- for a batch ------------------------------------------------------------------------------------------------

    /// The rooms with these ids, as [`room::lock`] returns them: those of the tail from memory. They come back by
    /// [`Tail::append`].
    pub(super) fn take_rooms(
        &mut self,
        conn: &mut Connection,
        ids: &[&str],
    ) -> Result<HashMap<String, LockedRoom>, DbError> {
        let mut found = HashMap::with_capacity(ids.len());
        let mut others = Vec::new();
        for id in ids {
            match self.rooms.get_mut(*id).and_then(|room| room.locked.take()) {
                Some(locked) => drop(found.insert((*id).to_owned(), locked)),
                None => others.push(*id),
            }
        }
        if !others.is_empty() {
            found.extend(room::lock(conn, &others)?);
        }
        Ok(found)
    }

    /// The message of the tail with a sender's key.
    pub(super) fn find_by_client_key(
        &self,
        conn: &mut Connection,
        (room, sender, client): message::ClientKey<'_>,
    ) -> Result<Option<StoredMessage>, DbError> {
        let position = self.rooms.get(room).filter(|room| !room.keys.is_empty());
        let position = position.and_then(|room| room.keys.get(&(sender.to_owned(), client.to_owned())).copied());
        position.map_or(Ok(None), |position| rows::find(conn, position))
    }

    /// Appends messages that have their `seq`, in this order, gives them their positions, and takes the rooms back that the
    /// batch has decided about.
    pub(super) fn append(
        &mut self,
        conn: &mut Connection,
        rooms: HashMap<String, LockedRoom>,
        mut messages: Vec<&mut StoredMessage>,
        marks: &[(&RoomId, &UserId, i64)],
    ) -> Result<(), DbError> {
        // A room that stands elsewhere in a list now: the tail's tables don't say so.
        let moved = rooms.iter().filter(|(_, room)| room.changes_lists()).map(|(id, _)| id.clone());
        let moved: Vec<String> = moved.collect();
        let changed: HashMap<String, LockedRoom> = rooms
            .into_iter()
            .filter_map(|(id, locked)| match self.rooms.get_mut(&id) {
                Some(room) => {
                    room.locked = Some(locked);
                    None
                }
                None => locked.changed.then_some((id, locked)),
            })
            .collect();
        self.unsettled.add(changed.iter().map(|(id, locked)| (id.as_str(), locked.row.users())));
        for (id, locked) in changed {
            self.rooms.insert(id, TailRoom { locked: Some(locked), ..TailRoom::default() });
        }
        let mut newest = match self.newest {
            Some(newest) => newest,
            None => message::newest_position(conn)?,
        };
        for message in &mut messages {
            newest += 1;
            message.position = newest;
        }
        self.newest = Some(newest);
        rows::append(conn, &messages)?;
        for (room, user, read_seq) in marks {
            rows::put_mark(conn, room.as_str(), user.as_str(), *read_seq)?;
        }
        if let (Some(first), Some(last)) = (messages.first(), messages.last()) {
            self.first_row = self.first_row.min(first.position);
            self.last_row = last.position;
        }
        for (room, _, _) in marks {
            if let Some(room) = self.rooms.get_mut(room.as_str()) {
                room.has_marks = true;
            }
        }
        self.messages += messages.len();
        let added = messages.len() + marks.len();
        let mut now: Vec<String> = messages.iter().filter_map(|message| self.note(message)).collect();
        now.extend(moved);
        if !now.is_empty() {
            self.settle_rooms(conn, now)?;
        }
        if self.messages.max(self.rooms.len()) > MESSAGES_MAX {
            self.settle_next(conn, 2 * added)?;
        }
        Ok(())
    }

    /// Notes where a message is. Returns its room when that has as many waiting as it may.
    fn note(&mut self, message: &StoredMessage) -> Option<String> {
        let id = message.room_id.as_str();
        let room = self.rooms.get_mut(id)?;
        room.messages.push((message.position, message.id.as_str().to_owned()));
        if let Some(client) = &message.client_id {
            let key = (message.sender_id.as_str().to_owned(), client.as_str().to_owned());
            if let Entry::Vacant(entry) = room.keys.entry(key) {
                entry.insert(message.position);
            }
        }
        (room.messages.len() == ROOM_MESSAGES_MAX).then(|| id.to_owned())
    }

    /// Settles one room, inside the caller's transaction.
    pub(super) fn settle_room(&mut self, conn: &mut Connection, room: &RoomId) -> Result<(), DbError> {
        self.settle_rooms(conn, vec![room.as_str().to_owned()])
    }
}

fn members<'a>((id, room): (&'a String, &'a TailRoom)) -> Option<(&'a str, Pair<&'a str>)> {
    Some((id.as_str(), room.locked.as_ref()?.row.users()))
}

/// Settles whatever the tables hold, in a transaction of its own: for everybody who does not keep a [`Tail`].
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn settle_everything(conn: &mut Connection) -> Result<(), DbError> {
    if !rows::is_empty(conn)? {
        conn.immediate_transaction(settle_tables)?;
    }
    Ok(())
}

/// The same inside the caller's transaction. It may have been done in part before.
pub(super) fn settle_tables(conn: &mut Connection) -> Result<(), DbError> {
    if matches!(conn, Connection::Sqlite(_)) && !rows::is_empty(conn)? {
        conn.batch_execute(include_str!("tail/settle_everything.sql"))?;
    }
    Ok(())
}

/// Reads while nothing can be settled, as on a full disk: for this connection and this operation the tail's messages are among
/// the others, by views of the same names. It costs far more than settling, and writes nothing.
///
/// # Errors
/// The operation's own, and [`DbError`] when the database does not answer.
pub fn read_unsettled<T, E: DbFailure>(
    conn: &mut Connection,
    operation: impl FnOnce(&mut Connection) -> Result<T, E>,
) -> Result<T, E> {
    if !matches!(conn, Connection::Sqlite(_)) {
        return operation(conn);
    }
    let failed = |error: diesel::result::Error| E::from(DbError::from(error));
    let outcome = match conn.batch_execute(include_str!("tail/show.sql")) {
        Ok(()) => operation(conn),
        Err(error) => Err(failed(error)),
    };
    conn.batch_execute(include_str!("tail/hide.sql")).map_err(failed)?;
    outcome
}

/// Commits without waiting for the disk: what a power cut takes is in the tail still.
fn without_sync<T>(
    conn: &mut Connection,
    run: impl FnOnce(&mut Connection) -> Result<T, DbError>,
) -> Result<T, DbError> {
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        synchronous: i32,
    }
    const NORMAL: i32 = 1;
    let before = diesel::sql_query("PRAGMA synchronous").get_result::<Setting>(conn)?.synchronous;
    if before <= NORMAL {
        return run(conn);
    }
    conn.batch_execute(&format!("PRAGMA synchronous = {NORMAL}"))?;
    let outcome = run(conn);
    conn.batch_execute(&format!("PRAGMA synchronous = {before}"))?;
    outcome
}

/// Another number after each commit of another connection.
fn data_version(conn: &mut Connection) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Version {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        data_version: i64,
    }
    Ok(diesel::sql_query("PRAGMA data_version").get_result::<Version>(conn)?.data_version)
}

#[cfg(test)]
mod tests;
