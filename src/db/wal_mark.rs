//! Whether a log belongs to the database file that it lies next to.
//!
//! `cp backup.db haggle.db` leaves the log of the database that was there before. SQLite would replay it, and the outcome is
//! the newest state once and a damaged database another time. So a database carries a [`Mark`], and the marks that it may
//! have are noted in the file of its [`Claim`], where no copy of the database reaches them. A database has the same mark for
//! the length of one log: it gets the next one before SQLite begins the log from the start again, at each start of a server,
//! and after each reading of the log into the file. The log itself has it, too: before a new mark it holds the old one.
//!
//! The file itself is read before SQLite opens it, and never while it is open: SQLite's locks on a file are its process's, and
//! end when any handle of that file is closed. Other processes would then take the log for nobody's, and remove it.
//!
//! A log that is left by a killed process therefore agrees with its file, and one that is left over does not.

use std::{io, path::Path};

use super::{
    Connection, DbError,
    claim::{Claim, ClaimedFile},
    prelude::*,
    sqlite_file::{APPLICATION_ID, FileKind, Log, Mark, log_path, look_at, read_log},
};

/// A mark's schema that stands for any: while the schema is about to change.
const ANY_SCHEMA: u32 = 0;

/// What was found before a database was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FoundFile {
    /// Commits that are in the log alone: of a server that did not end cleanly.
    pub commits_in_log: u64,
    /// Another file than the one that was served last: somebody has put it there.
    pub is_replaced: bool,
    /// The file's length in bytes.
    pub bytes: u64,
    /// The mark that the file has by itself.
    pub(super) mark: Option<Mark>,
}

/// Looks at a database file and its log before SQLite opens them.
///
/// # Errors
/// [`DbError::Refused`] for a file that can't be served as it lies there, with one sentence that says what to do.
pub fn inspect(claim: &Claim) -> Result<FoundFile, DbError> {
    claim.file().map_or(Ok(FoundFile::default()), |file| inspect_file(&file.path, &noted(file)?))
}

/// The same for a command that reads a file which no server claims.
pub(super) fn inspect_file(path: &Path, noted: &[Mark]) -> Result<FoundFile, DbError> {
    let (name, log_name) = (path.display(), log_path(&path.display().to_string()));
    let unreadable = |error: io::Error| DbError::Unavailable(format!("can't read {name}: {error}"));
    let log = read_log(&log_name).map_err(unreadable)?;
    let log_name = log_name.display();
    let (header, bytes) = match look_at(path).map_err(unreadable)? {
        FileKind::Nothing | FileKind::Empty if log.commits > 0 => {
            return Err(DbError::Refused(format!(
                "{log_name} is the log of a database that is not there: put {name} back next to it, or move the log away"
            )));
        }
        FileKind::Nothing | FileKind::Empty => return Ok(FoundFile::default()),
        FileKind::Other => {
            return Err(DbError::Refused(format!(
                "{name} is damaged, or no database: name another file, or put a backup in its place with `haggle restore`"
            )));
        }
        FileKind::Database(header, bytes) => (header, bytes),
    };
    if ![0, APPLICATION_ID].contains(&header.application_id) {
        return Err(DbError::Refused(format!("{name} is the database of another program: name another file")));
    }
    if log.commits == 0 && bytes < header.pages * header.page_bytes {
        return Err(DbError::Refused(format!(
            "{name} is damaged: it has {bytes} of its {} bytes. Put a backup in its place with `haggle restore`",
            header.pages * header.page_bytes
        )));
    }
    if !belongs(header.mark, &log, noted) {
        return Err(DbError::Refused(format!(
            "{log_name} is the log of another database file than {name}: to serve {name} as it is, move the log and \
             {name}-shm away (`haggle restore` does that for a backup)"
        )));
    }
    let is_known = noted.is_empty() || noted.iter().any(|mark| mark.version == header.mark.version);
    Ok(FoundFile { commits_in_log: log.commits, is_replaced: !is_known, bytes, mark: Some(header.mark) })
}

fn belongs(header: Mark, log: &Log, noted: &[Mark]) -> bool {
    if log.commits == 0 || log.marks.contains(&header) {
        return true;
    }
    if noted.is_empty() {
        // The two were copied together, or an older haggle has served them.
        return log.marks.is_empty() || log.marks.iter().any(|mark| mark.version == header.version);
    }
    noted.iter().any(|mark| mark.version == header.version && [ANY_SCHEMA, header.schema].contains(&mark.schema))
}

/// Gives a database its next mark, in two small commits. Until these are copied into the file it has the one before, or that
/// which it was `found` with.
///
/// # Errors
/// [`DbError`] when the database does not answer, or the marks can't be noted.
pub(super) fn renew_mark(conn: &mut Connection, claim: &Claim, found: Option<Mark>) -> Result<(), DbError> {
    let Some(file) = claim.file() else { return Ok(()) };
    let current = current_mark(conn)?;
    let next = Mark { version: draw(current.version), schema: current.schema };
    let mut marks: Vec<Mark> = Vec::new();
    for mark in found.into_iter().chain([current, next]) {
        if !marks.contains(&mark) {
            marks.push(mark);
        }
    }
    note(file, &marks)?;
    for mark in [current, next] {
        set_version(conn, mark.version)?;
    }
    Ok(())
}

/// Notes that the schema is about to change: until the next [`renew_mark`] it may be any.
///
/// # Errors
/// [`DbError`] when it can't be noted.
pub(super) fn expect_new_schema(claim: &Claim) -> Result<(), DbError> {
    let Some(file) = claim.file() else { return Ok(()) };
    let marks = noted(file)?;
    note(file, &marks.iter().map(|mark| Mark { schema: ANY_SCHEMA, ..*mark }).collect::<Vec<_>>())
}

/// Forgets the marks that the file no longer has: for when the log is folded in.
///
/// # Errors
/// [`DbError`] when the database does not answer, or the marks can't be noted.
pub(super) fn settle_mark(conn: &mut Connection, claim: &Claim) -> Result<(), DbError> {
    let Some(file) = claim.file() else { return Ok(()) };
    let current = current_mark(conn)?;
    note(file, &[current])
}

/// Forgets all marks: another file is about to take the database's place.
pub(super) fn forget_marks(claim: &Claim) -> Result<(), DbError> {
    claim.file().map_or(Ok(()), |file| note(file, &[]))
}

/// Gives a database file that nobody else has open a mark of its own.
pub(super) fn mark_copy(conn: &mut Connection) -> Result<(), DbError> {
    let current = current_mark(conn)?;
    set_version(conn, draw(current.version))
}

/// Writes the mark that the database has; in a transaction, so that it is the last one.
pub(super) fn write_again(conn: &mut Connection) -> Result<(), DbError> {
    let current = current_mark(conn)?;
    set_version(conn, current.version)
}

fn noted(file: &ClaimedFile) -> Result<Vec<Mark>, DbError> {
    file.marks().map_err(|error| unnoted(file, &error))
}

fn note(file: &ClaimedFile, marks: &[Mark]) -> Result<(), DbError> {
    file.note(marks).map_err(|error| unnoted(file, &error))
}

fn unnoted(file: &ClaimedFile, error: &io::Error) -> DbError {
    DbError::Unavailable(format!("can't use {}.lock: {error}", file.path.display()))
}

/// The mark as of the last commit.
fn current_mark(conn: &mut Connection) -> Result<Mark, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        user_version: i32,
        #[diesel(sql_type = diesel::sql_types::Integer)]
        schema_version: i32,
    }
    let row: Row =
        diesel::sql_query("SELECT user_version, schema_version FROM pragma_user_version, pragma_schema_version")
            .get_result(conn)?;
    Ok(Mark { version: row.user_version.cast_unsigned(), schema: row.schema_version.cast_unsigned() })
}

fn set_version(conn: &mut Connection, version: u32) -> Result<(), DbError> {
    // SQLite takes it as a signed number, and writes the same 32 bits.
    Ok(conn.batch_execute(&format!("PRAGMA user_version = {}", version.cast_signed()))?)
}

/// A number that is neither 0, which stands for no mark, nor the one before.
fn draw(before: u32) -> u32 {
    loop {
        let [a, b, c, d, ..] = *uuid::Uuid::new_v4().as_bytes();
        let drawn = u32::from_be_bytes([a, b, c, d]);
        if drawn != 0 && drawn != before {
            return drawn;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf, time::Duration};

    use super::*;
    use crate::db::{
        claim, fold_log, open,
        test_db::{TestDb, history, is_postgres, room, say},
    };

    /// A database whose server was killed: messages `one` to `three`, of which the last is in the log alone.
    struct Killed {
        folder: tempfile::TempDir,
    }

    impl Killed {
        /// `one` and `two` are in the file, and `copy` is called between them.
        fn new(mut copy: impl FnMut(&mut Connection, &Path)) -> Self {
            let (db, folder) = (TestDb::new(), tempfile::tempdir().unwrap());
            let claim = claim(db.path()).unwrap();
            let conn = &mut db.conn();
            let a = room(conn, "alice", "bike");
            let renew = |conn: &mut Connection| {
                renew_mark(conn, &claim, None).unwrap();
                assert!(fold_log(conn, &claim, Duration::ZERO).unwrap());
            };
            renew(conn);
            say(conn, &a, "alice", "one");
            fold_log(conn, &claim, Duration::ZERO).unwrap();
            copy(conn, &folder.path().join("copy.db"));
            say(conn, &a, "alice", "two");
            renew(conn);
            say(conn, &a, "alice", "three");
            for end in ["", "-wal", ".lock"] {
                fs::copy(format!("{}{end}", db.path()), folder.path().join(format!("haggle.db{end}"))).unwrap();
            }
            Self { folder }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("haggle.db")
        }

        fn url(&self) -> String {
            self.path().display().to_string()
        }

        fn inspect(&self) -> Result<FoundFile, DbError> {
            inspect(&claim(&self.url()).unwrap())
        }

        /// What a server would say that opens it.
        fn texts(&self) -> Vec<String> {
            let conn = &mut open(&self.url(), 1).unwrap().get().unwrap();
            let a = room(conn, "alice", "bike");
            history(conn, &a).into_iter().filter_map(|message| message.text).collect()
        }
    }

    #[test]
    fn the_log_of_a_killed_server_is_replayed() {
        if is_postgres() {
            return;
        }
        let killed = Killed::new(|_, _| {});
        let inspected = killed.inspect().unwrap();
        assert_eq!((inspected.commits_in_log, inspected.is_replaced), (1, false));
        // Also where the two were copied to another place, and the lock's file was not.
        fs::remove_file(killed.folder.path().join("haggle.db.lock")).unwrap();
        assert!(killed.inspect().is_ok());
        assert_eq!(killed.texts(), ["one", "two", "three"]);
    }

    #[test]
    fn the_log_of_another_database_file_is_refused_whatever_made_the_copy() {
        if is_postgres() {
            return;
        }
        let by_hand = |conn: &mut Connection, copy: &Path| {
            fs::copy(conn_path(conn), copy).unwrap();
        };
        let by_vacuum = |conn: &mut Connection, copy: &Path| {
            conn.batch_execute(&format!("VACUUM INTO '{}'", copy.display())).unwrap();
        };
        let ways: [fn(&mut Connection, &Path); 2] = [by_hand, by_vacuum];
        for (way, copy) in ways.into_iter().enumerate() {
            let killed = Killed::new(copy);
            fs::copy(killed.folder.path().join("copy.db"), killed.path()).unwrap();
            let refused = killed.inspect().unwrap_err().to_string();
            assert!(refused.contains("haggle.db-wal is the log of another database file"), "{way}: {refused}");
            // What the sentence says helps, and the file is known for another one.
            fs::rename(log_path(&killed.url()), killed.folder.path().join("away")).unwrap();
            assert!(killed.inspect().unwrap().is_replaced, "{way}");
            assert_eq!(killed.texts(), ["one"], "{way}");
        }
    }

    /// The file of a connection.
    fn conn_path(conn: &mut Connection) -> String {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            file: String,
        }
        diesel::sql_query("SELECT file FROM pragma_database_list").get_result::<Row>(conn).unwrap().file
    }

    #[test]
    fn a_copy_that_is_made_while_the_same_log_goes_on_is_recognized_by_its_schema() {
        let mark = |version, schema| Mark { version, schema };
        let log = Log { commits: 3, marks: vec![mark(1, 40), mark(2, 40)] };
        // The file as it was when the log began, as the log leaves it, and after the schema was changed.
        for header in [mark(1, 40), mark(2, 40)] {
            assert!(belongs(header, &log, &[mark(1, 40), mark(2, 40)]) && belongs(header, &log, &[]));
        }
        assert!(belongs(mark(1, 43), &log, &[mark(1, ANY_SCHEMA)]));
        // By SQLite's backup interface, by VACUUM, of another time, and never marked.
        for header in [mark(1, 1), mark(1, 41), mark(3, 40), mark(0, 40)] {
            assert!(!belongs(header, &log, &[mark(1, 40), mark(2, 40)]), "{header:?}");
        }
        // Nothing is known of them.
        assert!(belongs(mark(0, 40), &Log { commits: 1, marks: vec![] }, &[]));
        assert!(!belongs(mark(3, 40), &log, &[]));
        // There is nothing to replay.
        assert!(belongs(mark(3, 40), &Log::default(), &[mark(1, 40)]));
    }

    #[test]
    fn what_can_not_be_served_is_refused_with_what_to_do() {
        if is_postgres() {
            return;
        }
        let killed = Killed::new(|_, _| {});
        let whole = fs::read(killed.path()).unwrap();
        let refused = |part: &str| {
            let refused = killed.inspect().unwrap_err();
            assert!(matches!(&refused, DbError::Refused(line) if line.contains(part)), "{refused}");
        };
        fs::write(killed.path(), b"").unwrap();
        refused("put");
        fs::remove_file(killed.path()).unwrap();
        refused("is the log of a database that is not there");
        fs::remove_file(log_path(&killed.url())).unwrap();
        assert_eq!(killed.inspect(), Ok(FoundFile::default()));
        fs::write(killed.path(), &whole[..whole.len() / 2]).unwrap();
        refused("is damaged: it has");
        fs::write(killed.path(), "a shopping list").unwrap();
        refused("or no database");
        let mut of_another = whole;
        of_another[68..72].copy_from_slice(b"geos");
        fs::write(killed.path(), of_another).unwrap();
        refused("another program");
    }
}
