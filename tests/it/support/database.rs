//! A database of a test's own: a SQLite file, or with HAGGLE_TEST_DATABASE=postgres one of a PostgreSQL server's.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
};

use haggle::internals::db;

use super::postgres;

/// Of each folder the database that stands for a file in it.
fn databases() -> &'static Mutex<HashMap<PathBuf, String>> {
    static DATABASES: OnceLock<Mutex<HashMap<PathBuf, String>>> = OnceLock::new();
    DATABASES.get_or_init(Mutex::default)
}

/// The address of the database that belongs to a folder: the same one each time.
pub fn url_in(folder: &Path) -> String {
    if !postgres::is_wanted() {
        return folder.join("haggle.db").display().to_string();
    }
    let known = databases().lock().unwrap().get(folder).cloned();
    known.unwrap_or_else(|| {
        let url = postgres::create_database();
        databases().lock().unwrap().insert(folder.to_owned(), url.clone());
        url
    })
}

/// Forgets the database of a folder that goes.
pub fn drop_in(folder: &Path) {
    let url = databases().lock().unwrap().remove(folder);
    if let Some(url) = url {
        postgres::drop_database(&url);
    }
}

/// Prints a note and returns true on PostgreSQL, for a test about what SQLite does with its files.
pub fn is_about_sqlite_files() -> bool {
    if postgres::is_wanted() {
        eprintln!("this test is about SQLite's files");
    }
    postgres::is_wanted()
}

/// The lock that every writer has: "haggle" in ASCII.
const WRITER: i64 = 0x6861_6767_6C65;

/// Blocks all writers until it is released or dropped.
pub struct HeldUp(db::PooledConnection);

/// Begins a write in a database that does not end.
pub fn hold_up(url: &str) -> HeldUp {
    let mut conn = db::open(url, 1).unwrap().get().unwrap();
    if postgres::is_wanted() {
        conn.batch_execute(&format!(
            "SET idle_in_transaction_session_timeout = 0; BEGIN; SELECT pg_advisory_xact_lock({WRITER})"
        ))
        .unwrap();
    } else {
        conn.batch_execute("BEGIN IMMEDIATE").unwrap();
    }
    HeldUp(conn)
}

impl HeldUp {
    pub fn release(mut self) {
        self.0.batch_execute("ROLLBACK").unwrap();
    }
}
