//! Bulk load of the lines that `haggle import` reads.
//!
//! The lines are stored in transactions of some thousand, in the order of the file, so a load that was killed has
//! stored a first part of it, and running it again goes on from there. Repeating a file stores nothing twice:
//!
//! - Users and products are put as the line says, as the marketplace's own `PUT` would, but rooms hear nothing of it. A server
//!   that runs next to it finds a user's new name within a second, and shows it.
//! - A room is one for each product and buyer. Its `createdAt` only moves to an earlier time, and read marks only forwards.
//! - A message with a `clientId` is known by its room, sender and `clientId`. One without is known by its id, which is
//!   made from the line itself: room, sender, moment, kind, words, data, and how many equal lines came before it in
//!   the file (somebody may say "ok" twice in one millisecond). So lines may be appended to a file, and bad ones
//!   mended, between two runs; a mended line gets the next `seq` of its room.
//! - A message that is known, and was edited or deleted since it was loaded, is changed in its place.
//!
//! A room is as old as its line says, or as its first message, and as active as its latest. What is loaded counts as read,
//! unless the room's line says how far its members have read: thousands of old messages don't come back as unread. A member
//! who has something unread keeps it, and what comes after it is unread, too.

mod chunk;
mod message_id;
mod read_marks;
mod waits;

use std::{
    collections::HashSet,
    io::{self, BufRead},
};

use thiserror::Error;

use self::{
    chunk::Line,
    message_id::{Content, MessageIds},
    read_marks::ReadMarks,
};
use super::{Connection, DbError};
use crate::domain::{
    ImportLine, MessageKind, Timestamp,
    import_line::{CLOCK_LEEWAY_MS, InvalidLine, LINE_BYTES_MAX, UnknownField, UnknownFields},
    stored_image::{self, StoredImage},
};

/// Lines a transaction: one wait for the disk each.
const CHUNK_LINES: usize = 4096;

/// Bytes of lines a transaction, where lines are long.
const CHUNK_BYTES: usize = 16 * 1024 * 1024;

/// What a load has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Lines read.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Users added or changed.
    pub users: u64,
    /// Products added or changed.
    pub products: u64,
    /// Rooms added or changed.
    pub rooms: u64,
    /// Messages added or changed.
    pub messages: u64,
    /// Lines whose content was there already.
    pub repeated: u64,
    /// Lines left out.
    pub bad: u64,
}

/// How to load.
#[derive(Debug, Clone, Copy)]
pub struct ImportOptions {
    /// When it is: no line is later than that and [`CLOCK_LEEWAY_MS`], and events have this time.
    pub now: Timestamp,
    /// Moves every time by so much, for conversations that shall look recent. What repeats is decided before it.
    pub shift_ms: i64,
}

/// Why a load ended early. What was stored before stays, and the same load goes on from there.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The lines could not be read.
    #[error("can't read the lines: {0}")]
    Read(#[from] io::Error),
    /// They could not be stored.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// What is notified of how a load goes.
pub trait ImportWatch {
    /// A transaction was committed.
    fn progress(&mut self, so_far: &Imported);
    /// A line was left out; lines count from 1.
    fn bad_line(&mut self, number: u64, reason: &str);
    /// Messages of a committed transaction have these images, whose files are no part of the lines.
    fn images(&mut self, _: Vec<StoredImage>) {}
    /// Lines had a field that haggle does not know, and were loaded without it. Once for each, at the end.
    fn unknown_field(&mut self, _: &UnknownField) {}
}

/// Keeps the reasons of all bad lines.
impl ImportWatch for Vec<(u64, String)> {
    fn progress(&mut self, _: &Imported) {}

    fn bad_line(&mut self, number: u64, reason: &str) {
        self.push((number, reason.to_owned()));
    }
}

/// Loads all lines of `reader`.
///
/// # Errors
/// [`ImportError`] when reading or storing fails; bad lines are no error.
pub fn import(
    conn: &mut Connection,
    mut reader: impl BufRead,
    options: ImportOptions,
    watch: &mut impl ImportWatch,
) -> Result<Imported, ImportError> {
    let mut so_far = Imported::default();
    let (mut ids, mut marks, mut unknown) = (MessageIds::default(), ReadMarks::default(), UnknownFields::default());
    let latest = options.now.plus_ms(CLOCK_LEEWAY_MS - options.shift_ms);
    let parse = |line: &[u8], unknown: &mut UnknownFields| {
        let line = ImportLine::parse(line, unknown)?;
        line.check_not_after(latest).map(|()| line)
    };
    let mut lines: Vec<Line> = Vec::with_capacity(CHUNK_LINES);
    let mut bytes = Vec::new();
    let mut bad: Vec<(u64, String)> = Vec::new();
    let mut chunk_starts = 0;
    skip_byte_order_mark(&mut reader)?;
    loop {
        let read = read_line(&mut reader, &mut bytes)?;
        so_far.bytes += read;
        if read > 0 {
            so_far.lines += 1;
            if !bytes.trim_ascii().is_empty() {
                match parse(&bytes, &mut unknown) {
                    Ok(line) => lines.push(Line { number: so_far.lines, content: ids.identify(as_stored(line)) }),
                    Err(InvalidLine(reason)) => bad.push((so_far.lines, reason)),
                }
            }
        }
        let chunk_bytes = so_far.bytes - chunk_starts;
        if read == 0 || lines.len() + bad.len() >= CHUNK_LINES || chunk_bytes >= CHUNK_BYTES as u64 {
            chunk_starts = so_far.bytes;
            let stored = chunk::store(conn, &lines, options, &mut marks)?;
            let images = images_of(&lines, &stored.bad);
            lines.clear();
            so_far.users += stored.users;
            so_far.products += stored.products;
            so_far.rooms += stored.rooms;
            so_far.messages += stored.messages;
            so_far.repeated += stored.repeated;
            bad.extend(stored.bad);
            if read == 0 {
                bad.extend(marks.list_too_high(conn)?);
            }
            bad.sort_unstable();
            so_far.bad += bad.len() as u64;
            for (number, reason) in bad.drain(..) {
                watch.bad_line(number, &reason);
            }
            if !images.is_empty() {
                watch.images(images);
            }
            watch.progress(&so_far);
        }
        if read == 0 {
            unknown.into_list().iter().for_each(|field| watch.unknown_field(field));
            return Ok(so_far);
        }
    }
}

/// An export has an image's addresses next to its keys; they are not stored.
fn as_stored(mut line: ImportLine) -> ImportLine {
    if let ImportLine::Message(message) = &mut line
        && message.kind == MessageKind::Image
        && let Some(image) = message.data.as_ref().and_then(stored_image::imported)
    {
        message.data = Some(image);
    }
    line
}

/// The images of those lines that are stored.
fn images_of(lines: &[Line], bad: &[(u64, String)]) -> Vec<StoredImage> {
    let bad: HashSet<u64> = bad.iter().map(|(number, _)| *number).collect();
    let stored = lines.iter().filter(|line| !bad.contains(&line.number));
    stored
        .filter_map(|line| match &line.content {
            Content::Message(_, message) if message.kind == MessageKind::Image => {
                message.data.as_ref().and_then(StoredImage::parse)
            }
            _ => None,
        })
        .collect()
}

/// Loads lines that are in memory, such as those of the demo, and says how many of them were bad and why.
///
/// # Errors
/// [`ImportError`] when storing fails; bad lines are no error.
pub fn import_str(
    conn: &mut Connection,
    lines: &str,
    options: ImportOptions,
) -> Result<(Imported, Vec<(u64, String)>), ImportError> {
    let mut bad = Vec::new();
    let imported = import(conn, lines.as_bytes(), options, &mut bad)?;
    Ok((imported, bad))
}

/// Some editors and exports begin a file with a mark that would make its first line no JSON.
fn skip_byte_order_mark(reader: &mut impl BufRead) -> io::Result<()> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if reader.fill_buf()?.starts_with(MARK) {
        reader.consume(MARK.len());
    }
    Ok(())
}

/// Reads a line without its break into `line`, and returns how many bytes it took; 0 at the end. Of a line over the
/// limit only enough is kept to see that it is: a file without line breaks must not fill the memory.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    line.clear();
    let mut taken: u64 = 0;
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok(taken);
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        let keep = part.len().min((LINE_BYTES_MAX + 1).saturating_sub(line.len()));
        line.extend_from_slice(&part[..keep]);
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        taken += used as u64;
        if end.is_some() {
            return Ok(taken);
        }
    }
}

#[cfg(test)]
mod tests;
