//! How a database is opened by those who bring it up to date: looked at first, so that a file which can't be trusted is
//! refused before anything in it changes.

use std::time::Duration;

use diesel::sql_types::{BigInt, Text};

use super::{
    Claim, Connection, DbError, FoundFile, Pool, claim,
    claim::try_claim,
    generation::{begin_generation, is_generation_over},
    inspect,
    migrations::{has_pending_migrations, migrate},
    open,
    pool::{open_read_only, sqlite_file},
    prelude::*,
    sqlite_file::log_path,
    tail::settle_everything,
    wal::fold_log,
    wal_mark::{expect_new_schema, renew_mark},
};

/// Largest file whose pages are all looked at before it is served, in bytes: a second's work. Larger ones are what
/// `haggle verify` is for.
const CHECKED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How long the log may be waited for at a start, where another process reads.
const FOLD_WAIT: Duration = Duration::from_secs(1);

/// Opens a database for one server, and brings it up to date. Returns the migrations that were run.
///
/// # Errors
/// [`DbError`] with one sentence for the operator: of a file that another server has, that is damaged, that is none of
/// haggle's, or that lies next to the log of another one.
pub fn open_to_serve(database_url: &str, size: u32) -> Result<(Pool, Claim, Vec<String>), DbError> {
    let claim = claim(database_url)?;
    let (pool, run) = open_claimed(database_url, size, &claim)?;
    Ok((pool, claim, run))
}

/// Opens a database for a command that may run next to a server, and brings it up to date. Returns the migrations that
/// were run.
///
/// # Errors
/// As [`open_to_serve`], but for a file that a server has.
pub fn open_to_work(database_url: &str) -> Result<(Pool, Vec<String>), DbError> {
    match try_claim(database_url)? {
        Some(claim) => open_claimed(database_url, 1, &claim),
        // The server has looked at it.
        None => {
            let pool = open(database_url, 1)?;
            let run = migrate(&pool)?;
            Ok((pool, run))
        }
    }
}

fn open_claimed(database_url: &str, size: u32, claim: &Claim) -> Result<(Pool, Vec<String>), DbError> {
    let found = inspect(claim)?;
    if let (Some(path), true) = (sqlite_file(database_url), found.bytes > 0) {
        check_whose(path, &found)?;
    }
    let pool = open(database_url, size)?;
    let Some(path) = sqlite_file(database_url) else {
        let run = migrate(&pool)?;
        return Ok((pool, run));
    };
    if found.commits_in_log > 0 {
        log::info!(
            "{} holds {} commits of a server that did not end cleanly",
            log_path(path).display(),
            found.commits_in_log
        );
    }
    if found.bytes > CHECKED_BYTES_MAX {
        log::info!(
            "{path} is too large to be checked at each start: `haggle verify` does it, also while a server runs"
        );
    } else if let Some(fault) = find_fault(&mut *pool.get()?)? {
        return Err(damaged(path, &fault));
    }
    let run = bring_up_to_date(&pool, claim, &found)?;
    Ok((pool, run))
}

fn bring_up_to_date(pool: &Pool, claim: &Claim, found: &FoundFile) -> Result<Vec<String>, DbError> {
    if has_pending_migrations(&mut *pool.get()?)? {
        expect_new_schema(claim)?;
    }
    let run = migrate(pool)?;
    let conn = &mut *pool.get()?;
    settle_everything(conn)?;
    if found.is_replaced {
        log::info!(
            "this is another database file than the one that was served last: cursors of its events begin again"
        );
    }
    if found.is_replaced || is_generation_over(conn)? {
        begin_generation(conn)?;
    }
    renew_mark(conn, claim, found.mark)?;
    fold_log(conn, claim, FOLD_WAIT)?;
    Ok(run)
}

/// Refuses the database of another program before SQLite brings it into haggle's own modes.
fn check_whose(path: &str, found: &FoundFile) -> Result<(), DbError> {
    #[derive(QueryableByName)]
    struct Tables {
        #[diesel(sql_type = BigInt)]
        all: i64,
        #[diesel(sql_type = BigInt)]
        own: i64,
    }
    let sql = "SELECT count(*) AS \"all\", \
        count(*) FILTER (WHERE name IN ('__diesel_schema_migrations', 'rooms', 'messages')) AS own \
        FROM sqlite_schema WHERE type = 'table'";
    let tables = open_read_only(path).and_then(|mut conn| Ok(diesel::sql_query(sql).get_result::<Tables>(&mut conn)?));
    match tables {
        // The diesel table alone: a first start that was killed.
        Ok(tables) if tables.all <= 1 || tables.own == 3 => Ok(()),
        Ok(_) => Err(DbError::Refused(format!("{path} is the database of another program: name another file"))),
        Err(DbError::Corrupt(fault)) => Err(damaged(path, &fault)),
        // A log wants to be replayed first, which needs more than reading.
        Err(_) if found.commits_in_log > 0 => Ok(()),
        Err(error) => Err(error),
    }
}

/// The first thing that is wrong with the pages of the tables and their indices.
fn find_fault(conn: &mut Connection) -> Result<Option<String>, DbError> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    #[derive(QueryableByName)]
    struct Fault {
        #[diesel(sql_type = Text)]
        quick_check: String,
    }
    let find = |conn: &mut Connection| -> Result<Option<String>, DbError> {
        // Table by table: the check of a whole database also reads the search index from end to end.
        let sql =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'message_index_%'";
        for Name { name } in diesel::sql_query(sql).load::<Name>(conn)? {
            let sql = format!("PRAGMA quick_check('{}')", name.replace('\'', "''"));
            let faults: Vec<Fault> = diesel::sql_query(sql).load(conn)?;
            if let Some(fault) = faults.into_iter().find(|fault| fault.quick_check != "ok") {
                return Ok(Some(fault.quick_check.split_whitespace().collect::<Vec<_>>().join(" ")));
            }
        }
        Ok(None)
    };
    match find(conn) {
        Err(DbError::Corrupt(fault)) => Ok(Some(fault)),
        other => other,
    }
}

fn damaged(path: &str, fault: &str) -> DbError {
    DbError::Refused(format!(
        "{path} is damaged ({fault}): put a backup in its place with `haggle restore`, which keeps this file"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::test_db::{TestDb, is_postgres, room, say};

    #[test]
    fn a_database_of_another_program_is_refused_and_left_as_it_is() {
        if is_postgres() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a ? # % b.db");
        let url = file.display().to_string();
        let mut other = Connection::establish_sqlite(&url).unwrap();
        other
            .batch_execute("CREATE TABLE photos (id); CREATE TABLE rooms (id); INSERT INTO photos VALUES (1)")
            .unwrap();
        drop(other);
        let before = std::fs::read(&file).unwrap();
        let refused = open_to_work(&url).unwrap_err();
        assert!(matches!(&refused, DbError::Refused(line) if line.contains("another program")), "{refused}");
        assert!(std::fs::read(&file).unwrap() == before);
    }

    #[test]
    fn a_damaged_page_is_found_before_anything_is_served() {
        if is_postgres() {
            return;
        }
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        for number in 0..200 {
            say(conn, &a, "alice", &format!("{number}: {}", "words ".repeat(50)));
        }
        assert_eq!(find_fault(conn).unwrap(), None);
        fold_log(conn, &claim(db.path()).unwrap(), Duration::ZERO).unwrap();
        let mut bytes = std::fs::read(db.path()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("a.db").display().to_string();
        std::fs::write(&url, &bytes).unwrap();
        assert!(open_to_serve(&url, 1).is_ok());
        let middle = bytes.len() / 2;
        bytes[middle..middle + 40_960].fill(0x55);
        std::fs::write(&url, &bytes).unwrap();
        let refused = open_to_serve(&url, 1).unwrap_err();
        assert!(matches!(&refused, DbError::Refused(line) if line.contains("is damaged")), "{refused}");
    }
}
