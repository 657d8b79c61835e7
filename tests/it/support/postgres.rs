//! A PostgreSQL server of the tests' own, started when the first of them asks for it and ended with the process.
//!
//! The unit tests of `db/` use this file as well. The module above it says how to run a statement and the migrations.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use super::{migrate_to, run_at};

/// How long the server may take to start on a busy machine.
const START_MAX: Duration = Duration::from_secs(60);

/// A database that all others are copies of.
const TEMPLATE: &str = "haggle_template";

/// Runs until its standard input ends, which it does when this process does, however that ends.
const SCRIPT: &str = r#"
set -e
"$BIN/initdb" -D "$DIR/data" -U haggle -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$DIR/log" 2>&1
"$BIN/postgres" -D "$DIR/data" -k "$DIR" -h "" -c fsync=off -c full_page_writes=off -c max_connections=400 \
    -c shared_buffers=64MB -c max_wal_size=256MB -c wal_level=minimal -c max_wal_senders=0 >>"$DIR/log" 2>&1 &
server=$!
read -r end || true
kill -INT "$server"
wait "$server" || true
rm -rf "$DIR/data" "$DIR/log"
rmdir "$DIR" 2>/dev/null || true
"#;

struct Cluster {
    folder: PathBuf,
    _script: Mutex<Child>,
    count: AtomicU32,
}

/// Whether the tests are to run on PostgreSQL.
pub fn is_wanted() -> bool {
    match std::env::var("HAGGLE_TEST_DATABASE").as_deref() {
        Ok("postgres") => true,
        Ok("sqlite") | Err(_) => false,
        Ok(other) => panic!("HAGGLE_TEST_DATABASE must be sqlite or postgres, got {other}"),
    }
}

/// The address of a new database that has run every migration.
pub fn create_database() -> String {
    let cluster = cluster();
    let name = format!("test_{}", cluster.count.fetch_add(1, Ordering::Relaxed));
    let sql = format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}");
    retry("a copy of the template", || run_at(&cluster.url("postgres"), &sql));
    cluster.url(&name)
}

/// The address of a new database without anything in it.
pub fn create_empty_database() -> String {
    let cluster = cluster();
    let name = format!("empty_{}", cluster.count.fetch_add(1, Ordering::Relaxed));
    run_at(&cluster.url("postgres"), &format!("CREATE DATABASE {name}")).unwrap();
    cluster.url(&name)
}

/// The same database behind a proxy on a port of this machine.
pub fn through_port(url: &str, port: u16) -> String {
    let name = url.split("/").nth(3).unwrap().split('?').next().unwrap();
    format!("postgres://haggle@127.0.0.1:{port}/{name}")
}

/// Removes a database, and disconnects its clients.
pub fn drop_database(url: &str) {
    let name = url.split('/').nth(3).unwrap().split('?').next().unwrap();
    // What is left goes with the server.
    let _ = run_at(&cluster().url("postgres"), &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
}

/// The server's socket.
pub fn socket() -> PathBuf {
    cluster().folder.join(".s.PGSQL.5432")
}

impl Cluster {
    fn url(&self, database: &str) -> String {
        format!("postgres://haggle@/{database}?host={}", self.folder.display())
    }
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("haggle-pg-").tempdir().unwrap().keep();
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        let mut command = if is_root {
            // PostgreSQL does not run as root.
            let owned = Command::new("chown").arg("nobody").arg(&folder).status().unwrap();
            assert!(owned.success(), "the folder could not be given away");
            let mut command = Command::new("setpriv");
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let script = command
            .args(["-c", SCRIPT])
            .env("DIR", &folder)
            .env("BIN", find_binaries())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let cluster = Cluster { folder, _script: Mutex::new(script), count: AtomicU32::new(0) };
        retry("PostgreSQL", || run_at(&cluster.url("postgres"), &format!("CREATE DATABASE {TEMPLATE}")));
        migrate_to(&cluster.url(TEMPLATE));
        cluster
    })
}

/// Where Debian keeps them, the newest, or where PATH does.
fn find_binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.max_by_key(|entry| entry.file_name().to_string_lossy().parse::<u32>().unwrap_or(0));
    if let Some(newest) = newest {
        return newest.path().join("bin");
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).find(|folder| Path::new(folder).join("initdb").exists());
    found.expect("PostgreSQL's initdb is not there: install Debian's package postgresql")
}

fn retry(what: &str, mut attempt: impl FnMut() -> Result<(), String>) {
    let deadline = Instant::now() + START_MAX;
    while let Err(error) = attempt() {
        assert!(Instant::now() < deadline, "{what} was not there within {START_MAX:?}: {error}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
