//! A SQLite file and its log as bytes, before SQLite opens them (<https://www.sqlite.org/fileformat2.html>).
//!
//! SQLite replays a log into whatever file lies next to it: neither of the two says to which other one it belongs. So each
//! database carries a [`Mark`], which changes whenever haggle begins a new log, and which is read here from both.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

/// What haggle writes into the header of its databases (`PRAGMA application_id`): "hagg" in ASCII.
pub(super) const APPLICATION_ID: u32 = 0x6861_6767;

/// Bytes of the header at the beginning of the first page.
const HEADER_BYTES: usize = 100;

/// Bytes of the log's own header.
const LOG_HEADER_BYTES: usize = 32;

/// Bytes before each page in the log.
const FRAME_HEADER_BYTES: usize = 24;

/// What distinguishes a database file from its earlier and later copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// `PRAGMA user_version`, which haggle draws for each log. 0 in a file that no server has marked.
    pub(super) version: u32,
    /// `PRAGMA schema_version`. SQLite changes it with the schema, and in a copy that its backup interface or VACUUM makes.
    pub(super) schema: u32,
}

/// The header of a database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub(super) mark: Mark,
    pub(super) application_id: u32,
    pub(super) page_bytes: u64,
    /// How many pages the file should have; 0 where an old SQLite did not say.
    pub(super) pages: u64,
}

/// The path of the log of a SQLite file.
#[must_use]
pub fn log_path(database: &str) -> PathBuf {
    PathBuf::from(format!("{database}-wal"))
}

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    Nothing,
    /// A file without a byte: a database to be.
    Empty,
    /// A file that SQLite did not write.
    Other,
    /// A database of SQLite's, and how long the file is.
    Database(FileHeader, u64),
}

/// Looks at a path.
pub(super) fn look_at(path: &Path) -> io::Result<FileKind> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FileKind::Nothing),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(FileKind::Empty);
    }
    let mut page = Vec::with_capacity(HEADER_BYTES);
    file.take(HEADER_BYTES as u64).read_to_end(&mut page)?;
    Ok(parse_header(&page).map_or(FileKind::Other, |header| FileKind::Database(header, length)))
}

fn parse_header(page: &[u8]) -> Option<FileHeader> {
    if !page.starts_with(b"SQLite format 3\0") {
        return None;
    }
    // 1 stands for 65,536, which does not fit.
    let page_bytes = match u64::from(u16::from_be_bytes([*page.get(16)?, *page.get(17)?])) {
        1 => 65_536,
        bytes => bytes,
    };
    let is_size = page_bytes.is_power_of_two() && page_bytes >= 512;
    // The count of pages is valid only where the file was last changed by a SQLite that writes it.
    let is_counted = number(page, 24)? == number(page, 92)?;
    is_size.then_some(FileHeader {
        mark: mark_of(page)?,
        application_id: number(page, 68)?,
        page_bytes,
        pages: if is_counted { u64::from(number(page, 28)?) } else { 0 },
    })
}

fn mark_of(page: &[u8]) -> Option<Mark> {
    Some(Mark { version: number(page, 60)?, schema: number(page, 40)? })
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}

/// What a log would bring into the file next to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) commits: u64,
    /// The marks that first pages in it have, without repetitions, oldest first.
    pub(super) marks: Vec<Mark>,
}

/// Reads the log at a path as SQLite would replay it: up to the last commit that is whole. Nothing there is an empty log.
pub(super) fn read_log(path: &Path) -> io::Result<Log> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Log::default()),
        Err(error) => return Err(error),
    };
    parse_log(BufReader::with_capacity(1 << 20, file))
}

/// The two numbers that SQLite draws each time it begins a log from the start; `None` while there is none.
pub(super) fn read_salts(path: &Path) -> io::Result<Option<[u8; 8]>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut header = [0; LOG_HEADER_BYTES];
    let is_there = fill(&mut file, &mut header)?;
    Ok(header[16..24].try_into().ok().filter(|_| is_there))
}

fn parse_log(mut file: impl Read) -> io::Result<Log> {
    let mut log = Log::default();
    let mut header = [0; LOG_HEADER_BYTES];
    if !fill(&mut file, &mut header)? {
        return Ok(log);
    }
    let (magic, page_bytes) = (number(&header, 0).unwrap_or(0), number(&header, 8).unwrap_or(0) as usize);
    let is_page_size = page_bytes.is_power_of_two() && (512..=65_536).contains(&page_bytes);
    let mut sum = Sum { is_big_endian: magic == 0x377f_0683, state: (0, 0) };
    sum.add(&header[..24]);
    if magic & !1 != 0x377f_0682 || !is_page_size || !sum.is(&header[24..]) {
        return Ok(log);
    }
    // Marks count once their transaction's last frame is there.
    let mut uncommitted = Vec::new();
    let mut frame = vec![0; FRAME_HEADER_BYTES + page_bytes];
    while fill(&mut file, &mut frame)? {
        let (about, page) = frame.split_at(FRAME_HEADER_BYTES);
        sum.add(&about[..8]);
        sum.add(page);
        if about[8..16] != header[16..24] || !sum.is(&about[16..]) {
            break;
        }
        if number(about, 0) == Some(1) {
            uncommitted.extend(mark_of(page));
        }
        if number(about, 4) != Some(0) {
            log.commits += 1;
            for mark in uncommitted.drain(..) {
                if !log.marks.contains(&mark) {
                    log.marks.push(mark);
                }
            }
        }
    }
    Ok(log)
}

/// Reads as many bytes as there is room for; false where there are fewer.
fn fill(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The checksum that goes through a whole log (section 4.2 of the file format).
struct Sum {
    is_big_endian: bool,
    state: (u32, u32),
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        let word = |four: &[u8]| {
            let four = [four[0], four[1], four[2], four[3]];
            if self.is_big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
        };
        let (mut one, mut two) = self.state;
        for eight in bytes.chunks_exact(8) {
            one = one.wrapping_add(word(&eight[..4])).wrapping_add(two);
            two = two.wrapping_add(word(&eight[4..])).wrapping_add(one);
        }
        self.state = (one, two);
    }

    fn is(&self, written: &[u8]) -> bool {
        (number(written, 0), number(written, 4)) == (Some(self.state.0), Some(self.state.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{
        Connection,
        test_db::{TestDb, is_postgres},
    };

    fn write(conn: &mut Connection, sql: &str) {
        conn.batch_execute(sql).unwrap();
    }

    #[test]
    fn a_log_says_how_much_it_holds_and_which_marks() {
        if is_postgres() {
            return;
        }
        let db = TestDb::empty();
        let conn = &mut db.conn();
        write(conn, "PRAGMA user_version = 7; CREATE TABLE a (b); PRAGMA wal_checkpoint(TRUNCATE)");
        let log = || read_log(&log_path(db.path())).unwrap();
        assert_eq!(log(), Log::default());
        let FileKind::Database(header, length) = look_at(Path::new(db.path())).unwrap() else { panic!("no database") };
        assert_eq!((header.mark.version, header.page_bytes * header.pages), (7, length));

        write(conn, "INSERT INTO a VALUES (1)");
        assert_eq!(log(), Log { commits: 1, marks: vec![] }, "the first page was not touched");
        write(conn, "PRAGMA user_version = 7; PRAGMA user_version = 8; CREATE TABLE c (d)");
        let mark = |version, more| Mark { version, schema: header.mark.schema + more };
        assert_eq!(log(), Log { commits: 4, marks: vec![mark(7, 0), mark(8, 0), mark(8, 1)] });

        // A frame that did not come whole, and one that was changed, end it.
        let bytes = std::fs::read(log_path(db.path())).unwrap();
        assert_eq!(parse_log(&bytes[..bytes.len() - 1]).unwrap().marks, vec![mark(7, 0), mark(8, 0)]);
        let mut changed = bytes;
        changed[LOG_HEADER_BYTES + FRAME_HEADER_BYTES + 50] ^= 1;
        assert_eq!(parse_log(&changed[..]).unwrap(), Log::default());
    }

    #[test]
    fn what_is_no_database_is_distinguished_from_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        assert_eq!(look_at(&file).unwrap(), FileKind::Nothing);
        for (bytes, found) in
            [(&b""[..], FileKind::Empty), (b"shopping", FileKind::Other), (&[0; 4096], FileKind::Other)]
        {
            std::fs::write(&file, bytes).unwrap();
            assert_eq!(look_at(&file).unwrap(), found);
        }
        std::fs::write(&file, b"SQLite format 3\0").unwrap();
        assert_eq!(look_at(&file).unwrap(), FileKind::Other, "cut off within the header");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_no_log_or_a_short_one(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2000)) {
            proptest::prop_assert_eq!(parse_log(&bytes[..]).unwrap(), Log::default());
        }
    }
}
