//! The free parts of SQLite's pages, which hold what was there before.
//!
//! `secure_delete` overwrites a row where it is deleted. It does not reach the copies that remain when a page is split
//! or merged: those lie between a page's cell pointers and its cells, or in its free blocks, and nothing refers to them
//! (<https://www.sqlite.org/fileformat2.html>, section 1.6). They are overwritten here, through SQLite itself: a page is
//! written by a transaction like any other.

use diesel::sql_types::{BigInt, Binary};

use super::{Connection, DbError, pool::wait_for_locks, prelude::*, wal::Checkpoint};

/// Pages that are looked at in one reading.
pub const PAGES_A_READING: i64 = 1024;

/// Pages that are overwritten in one transaction: some milliseconds.
pub const PAGES_A_TRANSACTION: usize = 64;

/// From so many pages on, the first byte of an overflow page, which is one of a page number, could be taken for the type
/// of a page of a table.
const PAGES_MAX: i64 = 1 << 25;

/// How many pages there are to be looked at; `None` where this build or this database does not allow it.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn count_pages(conn: &mut Connection) -> Result<Option<i64>, DbError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        page_count: i64,
    }
    if !matches!(conn, Connection::Sqlite(_)) {
        return Ok(None);
    }
    let is_built_in = diesel::sql_query("SELECT 1 FROM sqlite_dbpage WHERE pgno = 1").execute(conn).is_ok();
    let count: Count = diesel::sql_query("PRAGMA page_count").get_result(conn)?;
    Ok((is_built_in && count.page_count < PAGES_MAX).then_some(count.page_count))
}

/// Which of the pages from `first` on hold something in their free parts.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_residue(conn: &mut Connection, first: i64) -> Result<Vec<i64>, DbError> {
    let mut found = Vec::new();
    for number in first..first + PAGES_A_READING {
        if let Some(mut page) = read_page(conn, number)?
            && blank_free_space(&mut page, number == 1)
        {
            found.push(number);
        }
    }
    Ok(found)
}

/// Overwrites the free parts of pages, as they are by now.
///
/// # Errors
/// [`DbError`] when the database does not answer; then no page was written.
pub fn overwrite_residue(conn: &mut Connection, pages: &[i64]) -> Result<(), DbError> {
    conn.immediate_transaction(|conn| {
        for number in pages {
            if let Some(mut page) = read_page(conn, *number)?
                && blank_free_space(&mut page, *number == 1)
            {
                diesel::sql_query("UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?")
                    .bind::<Binary, _>(page)
                    .bind::<BigInt, _>(*number)
                    .execute(conn)?;
            }
        }
        Ok(())
    })
}

/// Writes the whole database again, without anything that is not in it. Other writes wait meanwhile.
///
/// PostgreSQL takes the rows as they were out of its tables and indices, in addition to everything else: their bytes may stay in
/// the free parts of pages until those are used again, and in its log until that is recycled.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn rewrite_database(conn: &mut Connection) -> Result<(), DbError> {
    if !matches!(conn, Connection::Sqlite(_)) {
        return Ok(conn.batch_execute("VACUUM users, messages, message_index, offers, reports, recoveries, changes")?);
    }
    // In a file without a name, which holds nothing but what is in the database: memory might not be enough.
    conn.batch_execute("PRAGMA temp_store = FILE")?;
    let outcome = conn.batch_execute("VACUUM");
    conn.batch_execute("PRAGMA temp_store = MEMORY")?;
    Ok(outcome?)
}

/// Copies as much of the log back into the database as its readers allow, while the writer goes on.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn copy_log(conn: &mut Connection) -> Result<(), DbError> {
    if matches!(conn, Connection::Sqlite(_)) {
        diesel::sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result::<Checkpoint>(conn)?;
    }
    Ok(())
}

/// Copies the rest of the log back and cuts it to nothing: it holds pages as they were. `false` while a reader holds on to
/// it, on any process: try again later. It never waits, since everybody else's writes would wait with it.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn empty_log(conn: &mut Connection) -> Result<bool, DbError> {
    if !matches!(conn, Connection::Sqlite(_)) {
        return Ok(true);
    }
    conn.batch_execute("PRAGMA busy_timeout = 0")?;
    let done = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Checkpoint>(conn);
    wait_for_locks(conn)?;
    match done.map_err(DbError::from) {
        Ok(done) => Ok(done.busy == 0 && done.log <= 0),
        Err(DbError::Unavailable(reason)) if reason.contains("locked") => Ok(false),
        Err(error) => Err(error),
    }
}

fn read_page(conn: &mut Connection, number: i64) -> Result<Option<Vec<u8>>, DbError> {
    #[derive(QueryableByName)]
    struct Page {
        #[diesel(sql_type = Binary)]
        data: Vec<u8>,
    }
    let pages: Vec<Page> =
        diesel::sql_query("SELECT data FROM sqlite_dbpage WHERE pgno = ?").bind::<BigInt, _>(number).load(conn)?;
    Ok(pages.into_iter().next().map(|page| page.data))
}

/// Overwrites what no cell of a b-tree page refers to. Returns whether there was anything; a page of another kind, or one
/// that does not fit its own description, is left as it is.
fn blank_free_space(page: &mut [u8], is_first: bool) -> bool {
    free_ranges(page, is_first).is_some_and(|ranges| {
        let mut was_used = false;
        for range in ranges {
            let free = &mut page[range];
            was_used |= free.iter().any(|byte| *byte != 0);
            free.fill(0);
        }
        was_used
    })
}

/// The free parts of a b-tree page (section 1.6 of the file format): after the cell pointers, and in the free blocks.
fn free_ranges(page: &[u8], is_first: bool) -> Option<Vec<std::ops::Range<usize>>> {
    let number = |at: usize| Some(usize::from(u16::from_be_bytes([*page.get(at)?, *page.get(at + 1)?])));
    // The first page begins with the file's own header.
    let header = if is_first { 100 } else { 0 };
    let pointers = match page.get(header)? {
        2 | 5 => header + 12,
        10 | 13 => header + 8,
        _ => return None,
    };
    let pointers_end = pointers + 2 * number(header + 3)?;
    // 0 stands for 65,536.
    let cells = match number(header + 5)? {
        0 => 65_536,
        cells => cells,
    };
    if pointers_end > cells || cells > page.len() {
        return None;
    }
    let mut ranges = Vec::new();
    ranges.push(pointers_end..cells);
    let mut block = number(header + 1)?;
    while block != 0 {
        let (next, size) = (number(block)?, number(block + 2)?);
        let end = block + size;
        // They are in order, and the first four bytes are what was just read.
        if block < cells || size < 4 || end > page.len() || (next != 0 && next < end) {
            return None;
        }
        ranges.push(block + 4..end);
        block = next;
    }
    Some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::test_db::{TestDb, is_postgres, room, say};

    #[test]
    fn a_page_loses_what_is_free_and_keeps_its_cells() {
        let mut page = vec![b'x'; 512];
        // A leaf of a table with one cell at 400, a free block at 450, and cells from 400 on.
        page[..8].copy_from_slice(&[13, 1, 194, 0, 1, 1, 144, 0]);
        page[8..10].copy_from_slice(&[1, 144]);
        page[450..454].copy_from_slice(&[0, 0, 0, 20]);
        assert!(blank_free_space(&mut page, false));
        assert!(page[10..400].iter().chain(&page[454..470]).all(|byte| *byte == 0));
        assert!(page[400..450].iter().chain(&page[470..]).all(|byte| *byte == b'x'));
        assert!(!blank_free_space(&mut page, false), "there is nothing left");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_blanked_or_left(
            mut page in proptest::collection::vec(proptest::num::u8::ANY, 0..600),
            kind in 0_usize..16,
            is_first in proptest::bool::ANY,
        ) {
            if let Some(byte) = page.get_mut(if is_first { 100 } else { 0 }) {
                *byte = [2, 5, 10, 13][kind % 4];
            }
            blank_free_space(&mut page, is_first);
            proptest::prop_assert!(!blank_free_space(&mut page, is_first));
        }
    }

    #[test]
    fn a_database_is_whole_after_its_free_space_was_overwritten() {
        if is_postgres() {
            return;
        }
        #[derive(QueryableByName)]
        struct Check {
            #[diesel(sql_type = diesel::sql_types::Text)]
            integrity_check: String,
        }
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        for i in 0..500 {
            say(conn, &a, "alice", &"words ".repeat(i % 90));
        }
        conn.batch_execute(
            "UPDATE messages SET text = text || text WHERE seq % 7 = 0; DELETE FROM messages WHERE seq % 5 = 0",
        )
        .unwrap();
        let pages = count_pages(conn).unwrap().unwrap();
        let residue = find_residue(conn, 1).unwrap();
        assert!(pages > 20 && pages < PAGES_A_READING && !residue.is_empty());
        // As another connection had them in memory.
        let other = &mut db.conn();
        say(other, &a, "alice", "before");
        overwrite_residue(conn, &residue).unwrap();
        say(other, &a, "alice", "after");
        assert_eq!(find_residue(conn, 1).unwrap(), Vec::<i64>::new());
        assert!(empty_log(conn).unwrap());
        rewrite_database(conn).unwrap();
        let check: Check = diesel::sql_query("PRAGMA integrity_check").get_result(other).unwrap();
        assert_eq!(check.integrity_check, "ok");
    }

    #[test]
    fn a_snapshot_that_is_kept_open_does_not_hold_up_the_writer() {
        if is_postgres() {
            return;
        }
        let db = TestDb::new();
        let (writer, operator) = (&mut db.conn(), &mut db.conn());
        let a = room(writer, "alice", "bike");
        say(writer, &a, "alice", "before");
        operator.batch_execute("BEGIN; SELECT count(*) FROM messages").unwrap();
        say(writer, &a, "alice", "after");
        let began = std::time::Instant::now();
        for _ in 0..3 {
            copy_log(writer).unwrap();
            assert!(!empty_log(writer).unwrap());
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(2), "it waited for the snapshot");
        operator.batch_execute("COMMIT").unwrap();
        assert!(empty_log(writer).unwrap());

        #[derive(QueryableByName)]
        struct Timeout {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            timeout: i32,
        }
        let timeout: Timeout = diesel::sql_query("PRAGMA busy_timeout").get_result(writer).unwrap();
        assert_eq!(timeout.timeout, 5000, "what it waits for otherwise");
    }
}
