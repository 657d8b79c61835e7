//! A copy of a SQLite database in one file, made while a server writes, and how such a copy takes the database's place.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use diesel::sql_types::{BigInt, Text};

use super::{
    Claim, Connection, DbError,
    claim::{claim, try_claim},
    generation::{begin_generation, end_generation},
    migrations, open,
    pool::{Pool, give_to_owner_of, is_postgres, open_to_read, owners_file, sqlite_path},
    prelude::*,
    sqlite_file::log_path,
    wal_mark::{FoundFile, forget_marks, inspect_file, mark_copy},
};

/// What a copy holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Contents {
    /// Its rooms.
    #[diesel(sql_type = BigInt)]
    pub rooms: i64,
    #[diesel(sql_type = BigInt)]
    pub messages: i64,
}

fn failed(doing: &str, path: &Path) -> impl Fn(io::Error) -> DbError {
    let what = format!("can't {doing} {}", path.display());
    move |error| DbError::Unavailable(format!("{what}: {error}"))
}

/// Opens the database that is to be copied, also while a server has it. Returns how long it is, in bytes.
///
/// # Errors
/// [`DbError`] where there is none, or none that can be trusted.
pub fn open_to_copy(database_url: &str) -> Result<(Connection, u64), DbError> {
    let found = look_before_reading(database_url)?;
    let mut conn = open_copy(Path::new(sqlite_path(database_url)?))?;
    conn.batch_execute("PRAGMA busy_timeout = 5000")?;
    Ok((conn, found.bytes))
}

/// Opens a database to look at it: nothing in it is changed. On PostgreSQL it is a connection like any other.
///
/// # Errors
/// As [`open_to_copy`].
pub fn open_to_verify(database_url: &str) -> Result<Pool, DbError> {
    if is_postgres(database_url) {
        return open(database_url, 1);
    }
    look_before_reading(database_url)?;
    open_to_read(database_url)
}

/// Inspects a file that no server has; what a server has, it has inspected itself.
fn look_before_reading(database_url: &str) -> Result<FoundFile, DbError> {
    let path = Path::new(sqlite_path(database_url)?);
    let bytes = match fs::metadata(path) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(DbError::Refused(format!("{} does not exist: name a database", path.display())));
        }
        Err(error) => return Err(failed("read", path)(error)),
    };
    match try_claim(database_url)? {
        Some(claim) => super::inspect(&claim),
        None => Ok(FoundFile { bytes, ..FoundFile::default() }),
    }
}

/// Copies the database into a new file that is its owner's alone, as of one moment. The server goes on writing meanwhile.
///
/// # Errors
/// [`DbError`] when the database can't be read, or the file can't be written.
pub fn copy_into(conn: &mut Connection, file: &Path) -> Result<(), DbError> {
    // SQLite takes an empty file, and would give one of its own a wider mode.
    owners_file().write(true).create_new(true).open(file).map_err(failed("make", file))?;
    diesel::sql_query("VACUUM INTO $1").bind::<Text, _>(file.display().to_string()).execute(conn)?;
    Ok(())
}

/// Makes a copy one that no log of the original is taken for, and whose events are followed from the beginning.
///
/// # Errors
/// [`DbError`] when the copy can't be used.
pub fn finish_copy(file: &Path) -> Result<(), DbError> {
    let mut conn = open_copy(file)?;
    mark_copy(&mut conn)?;
    if has_table(&mut conn, "installation")? {
        end_generation(&mut conn)?;
    }
    drop(conn);
    File::open(file).and_then(|file| file.sync_all()).map_err(failed("sync", file))
}

/// Opens a copy that nobody else knows of. It keeps the journal of a single file.
///
/// # Errors
/// [`DbError`] when it can't be opened.
pub fn open_copy(file: &Path) -> Result<Connection, DbError> {
    Connection::establish_sqlite(&file.display().to_string()).map_err(|error| DbError::Unavailable(error.to_string()))
}

/// Whether the database has seen the migration that makes a table; an older haggle may have it still.
fn has_table(conn: &mut Connection, name: &str) -> Result<bool, DbError> {
    let sql = "SELECT name AS found FROM sqlite_schema WHERE name = $1";
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        #[diesel(column_name = "found")]
        _found: String,
    }
    Ok(!diesel::sql_query(sql).bind::<Text, _>(name).load::<Found>(conn)?.is_empty())
}

/// Counts what a database holds.
///
/// # Errors
/// [`DbError`] when it can't be read.
pub fn count_contents(conn: &mut Connection) -> Result<Contents, DbError> {
    let sql = "SELECT (SELECT count(*) FROM rooms) AS rooms, (SELECT count(*) FROM messages) AS messages";
    let settled: Contents = diesel::sql_query(sql).get_result(conn)?;
    if matches!(conn, Connection::Sqlite(_)) && !has_table(conn, "message_tail")? {
        return Ok(settled);
    }
    #[derive(QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = BigInt)]
        messages: i64,
    }
    let sql = "SELECT count(*) AS messages FROM message_tail WHERE NOT EXISTS \
               (SELECT 1 FROM messages WHERE messages.position = message_tail.position)";
    let waiting: Waiting = diesel::sql_query(sql).get_result(conn)?;
    Ok(Contents { messages: settled.messages + waiting.messages, ..settled })
}

/// Gives a finished file its name, for good. Nothing is replaced.
///
/// # Errors
/// [`DbError`] also when there is something of that name.
pub fn publish(file: &Path, name: &Path) -> Result<(), DbError> {
    // Unlike a rename this fails where the name is taken.
    match fs::hard_link(file, name) {
        Ok(()) => fs::remove_file(file).map_err(failed("remove", file))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(failed("write", name)(error)),
        // A file system without links.
        Err(_) => fs::rename(file, name).map_err(failed("name", name))?,
    }
    sync_folder_of(name)
}

fn sync_folder_of(path: &Path) -> Result<(), DbError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync", folder))
}

/// A path with something after its name.
#[must_use]
pub fn next_to(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// A restore under way: the database is claimed, and nothing has been changed.
#[derive(Debug)]
pub struct Restore {
    claim: Claim,
    database: PathBuf,
    /// The copy that is to take the database's place.
    pub copy: PathBuf,
}

/// Begins to put a backup in a database's place: looks at it, and sees to it that nobody has the database open.
///
/// # Errors
/// [`DbError`] with one sentence: a backup that is none, or a database that is in use.
pub fn begin_restore(database_url: &str, backup: &Path) -> Result<Restore, DbError> {
    if inspect_file(backup, &[])?.bytes == 0 {
        return Err(DbError::Refused(format!("{} is no backup: it is empty, or not there", backup.display())));
    }
    if fs::metadata(log_path(&backup.display().to_string())).is_ok_and(|log| log.len() > 0) {
        return Err(DbError::Refused(format!(
            "{0} has a log next to it, so it is no backup but a database in use: make one of it with \
             `haggle backup --database-url {0} FILE`",
            backup.display()
        )));
    }
    let database = PathBuf::from(sqlite_path(database_url)?);
    if let (Ok(from), Ok(to)) = (fs::canonicalize(backup), fs::canonicalize(&database))
        && from == to
    {
        return Err(DbError::Refused(format!("{} is the database itself", backup.display())));
    }
    let claim = claim(database_url)?;
    fold_old(&claim, &database)?;
    let copy = next_to(&database, ".restoring");
    // Of a restore that was killed: nobody else has the claim.
    let _ = fs::remove_file(&copy);
    Ok(Restore { claim, database, copy })
}

/// Folds the log of the database that is replaced into it, so that what is kept is one file. Whatever is wrong with it, it
/// is kept as it is.
fn fold_old(claim: &Claim, database: &Path) -> Result<(), DbError> {
    if !matches!(super::inspect(claim), Ok(FoundFile { bytes: 1.., .. })) {
        return Ok(());
    }
    let Ok(mut conn) = open_copy(database) else { return Ok(()) };
    // Every other process that has it open, whatever it does, has a lock that this one can't have, too.
    let alone = conn.batch_execute("PRAGMA busy_timeout = 1000").and_then(|()| {
        conn.batch_execute("PRAGMA locking_mode = EXCLUSIVE")?;
        conn.batch_execute("BEGIN IMMEDIATE; COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
    });
    match alone.map_err(DbError::from) {
        Err(DbError::Unavailable(reason)) if reason.contains("is locked") => {
            Err(DbError::Refused(format!("{} is in use by another program: end it first", database.display())))
        }
        _ => Ok(()),
    }
}

impl Restore {
    /// Copies the backup. `progress` gets the number of bytes that were copied.
    ///
    /// # Errors
    /// [`DbError`] when it can't be read, or the copy can't be written.
    pub fn copy(&self, backup: &Path, mut progress: impl FnMut(u64)) -> Result<(), DbError> {
        let mut from = File::open(backup).map_err(failed("read", backup))?;
        let mut to = owners_file().write(true).create_new(true).open(&self.copy).map_err(failed("make", &self.copy))?;
        let mut buffer = vec![0; 1 << 20];
        let mut copied = 0;
        loop {
            match io::Read::read(&mut from, &mut buffer).map_err(failed("read", backup))? {
                0 => return to.sync_all().map_err(failed("sync", &self.copy)),
                read => {
                    io::Write::write_all(&mut to, &buffer[..read]).map_err(failed("write", &self.copy))?;
                    copied += read as u64;
                    progress(copied);
                }
            }
        }
    }

    /// Brings the copy up to date, and into a life of its own.
    ///
    /// # Errors
    /// [`DbError`] for a backup of a newer haggle, and one that can't be used.
    pub fn bring_up_to_date(&self) -> Result<(), DbError> {
        let mut conn = open_copy(&self.copy)?;
        give_to_owner_of(&self.copy, &self.database);
        migrations::migrate_connection(&mut conn)?;
        mark_copy(&mut conn)?;
        begin_generation(&mut conn)?;
        drop(conn);
        File::open(&self.copy).and_then(|file| file.sync_all()).map_err(failed("sync", &self.copy))
    }

    /// Puts the copy in the database's place. Returns what the database is called that was there before.
    ///
    /// # Errors
    /// [`DbError`] when a file can't be renamed; then the database is what it was.
    pub fn put_in_place(self, kept_as: &str) -> Result<Option<PathBuf>, DbError> {
        let kept = next_to(&self.database, kept_as);
        let is_there = self.database.exists();
        if is_there {
            // A second name for it, so that there is a database at every moment.
            fs::hard_link(&self.database, &kept)
                .or_else(|_| fs::copy(&self.database, &kept).map(|_| ()))
                .map_err(failed("keep", &self.database))?;
        }
        let mut is_kept = is_there;
        for end in ["-wal", "-shm"] {
            let left = next_to(&self.database, end);
            if left.exists() {
                fs::rename(&left, next_to(&kept, end)).map_err(failed("move", &left))?;
                is_kept = true;
            }
        }
        forget_marks(&self.claim)?;
        fs::rename(&self.copy, &self.database).map_err(failed("name", &self.database))?;
        sync_folder_of(&self.database)?;
        Ok(is_kept.then_some(kept))
    }
}
