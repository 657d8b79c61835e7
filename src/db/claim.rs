//! Whose a SQLite file is: the claim of one server, and the marks by which it knows its file again.
//!
//! The claim is a lock on a file of its own next to the database, with `.lock` after its name: SQLite's locks on the
//! database itself belong to a process, and end when any handle of it is closed. The same file keeps the marks that the
//! database may have (see [`Mark`]): outside of the database and its log, so that it shows when one of them was exchanged.

use std::{
    fs::{File, TryLockError},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    DbError,
    pool::{give_to_owner_of, is_postgres, owners_file, sqlite_path},
    sqlite_file::Mark,
};

/// Most marks that a database may have at one time: before, now, and next.
pub(super) const MARKS_MAX: usize = 3;

/// Bytes of a record: less than a sector, so that a power cut leaves the old one or the new one.
const RECORD_BYTES: usize = 96;

/// Who only asks whether a file is served holds the lock for a moment.
const LOCK_TRIES: u32 = 5;
const LOCK_WAIT: Duration = Duration::from_millis(10);

/// A SQLite file that one server serves; others are kept out until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Claim {
    file: Option<ClaimedFile>,
}

#[derive(Debug)]
pub(super) struct ClaimedFile {
    lock: File,
    pub(super) path: PathBuf,
}

/// Claims a SQLite file for one server. Two would give `seq` to the same rooms and deliver to their own clients alone.
/// PostgreSQL serves any number of nodes.
///
/// # Errors
/// [`DbError::Unavailable`] when another server has it, or the lock's file can't be made.
pub fn claim(database_url: &str) -> Result<Claim, DbError> {
    try_claim(database_url)?
        .ok_or_else(|| DbError::Unavailable("another haggle serves this database file already".to_owned()))
}

/// The same for a command that also works next to a running server; `None` while there is one.
///
/// # Errors
/// [`DbError::Unavailable`] when the lock's file can't be made.
pub(super) fn try_claim(database_url: &str) -> Result<Option<Claim>, DbError> {
    if is_postgres(database_url) {
        return Ok(Some(Claim { file: None }));
    }
    let database = sqlite_path(database_url)?;
    let path = format!("{database}.lock");
    let refused = |error: &dyn std::fmt::Display| DbError::Unavailable(format!("can't lock {path}: {error}"));
    let mut options = owners_file();
    let lock =
        options.create(true).truncate(false).read(true).write(true).open(&path).map_err(|error| refused(&error))?;
    give_to_owner_of(Path::new(&path), Path::new(database));
    for _ in 0..LOCK_TRIES {
        match lock.try_lock() {
            Ok(()) => return Ok(Some(Claim { file: Some(ClaimedFile { lock, path: PathBuf::from(database) }) })),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_WAIT),
            Err(TryLockError::Error(error)) => return Err(refused(&error)),
        }
    }
    Ok(None)
}

impl Claim {
    /// The file that is claimed; `None` on PostgreSQL.
    pub(super) const fn file(&self) -> Option<&ClaimedFile> {
        self.file.as_ref()
    }
}

impl ClaimedFile {
    /// The marks that the database may have; none where no haggle has noted any.
    pub(super) fn marks(&self) -> io::Result<Vec<Mark>> {
        let mut bytes = [0; RECORD_BYTES];
        let mut filled = 0;
        while filled < RECORD_BYTES {
            match self.lock.read_at(&mut bytes[filled..], filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(parse(&String::from_utf8_lossy(&bytes[..filled])))
    }

    /// Notes the marks that the database may have from now on; returns when the disk has them.
    pub(super) fn note(&self, marks: &[Mark]) -> io::Result<()> {
        if self.marks()? == marks {
            return Ok(());
        }
        self.lock.write_all_at(write(marks).as_bytes(), 0)?;
        self.lock.sync_data()
    }
}

fn write(marks: &[Mark]) -> String {
    let words: Vec<String> =
        marks.iter().take(MARKS_MAX).map(|mark| format!("{:08x}:{:08x}", mark.version, mark.schema)).collect();
    format!("{:<width$}\n", format!("marks {}", words.join(" ")), width = RECORD_BYTES - 1)
}

fn parse(record: &str) -> Vec<Mark> {
    let number = |digits: &str| u32::from_str_radix(digits, 16).ok();
    let mark = |word: &str| {
        let (version, schema) = word.split_once(':')?;
        Some(Mark { version: number(version)?, schema: number(schema)? })
    };
    let Some(words) = record.strip_prefix("marks ").and_then(|rest| rest.split('\n').next()) else { return Vec::new() };
    words.split_whitespace().filter_map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_servers_and_keeps_its_marks() {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("a.db").display().to_string();
        let marks: Vec<Mark> = (1..=3).map(|n| Mark { version: u32::MAX - n, schema: n }).collect();
        let first = claim(&url).unwrap();
        assert!(claim(&url).is_err() && try_claim(&url).unwrap().is_none());
        assert_eq!(first.file().unwrap().marks().unwrap(), []);
        first.file().unwrap().note(&marks).unwrap();
        drop(first);
        let second = claim(&url).unwrap();
        let file = second.file().unwrap();
        assert_eq!(file.marks().unwrap(), marks);
        file.note(&marks[..1]).unwrap();
        assert_eq!(file.marks().unwrap(), marks[..1]);
        assert_eq!(write(&marks).len(), RECORD_BYTES);
        assert_eq!(parse("an older haggle leaves nothing here"), []);
    }
}
