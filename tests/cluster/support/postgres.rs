//! A PostgreSQL server of a test's own, to be stopped and started again.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use haggle::internals::db;
use tempfile::TempDir;

use super::{DEADLINE, free_port};

/// A server with one database, on a port that it keeps.
pub struct Postgres {
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
    child: Option<Child>,
}

/// Debian's newest, or what PATH has.
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

/// PostgreSQL does not run as root.
fn as_somebody(program: &Path) -> Command {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program).current_dir("/");
    command
}

impl Postgres {
    /// Starts one with an empty database that has run every migration.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("haggle-cluster-").tempdir().unwrap();
        // Anyone who runs the server must own its folder.
        let _ = Command::new("chown").arg("nobody").arg(folder.path()).status();
        let binaries = find_binaries();
        let made = as_somebody(&binaries.join("initdb"))
            .args(["-U", "haggle", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(folder.path().join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut postgres = Self { folder, binaries, port: free_port(), child: None };
        postgres.start_again();
        let pool = db::open(&postgres.url(postgres.port), 1).unwrap();
        db::migrate(&pool).unwrap();
        postgres
    }

    /// Its address, by way of a port that may be a proxy's.
    pub fn url(&self, port: u16) -> String {
        format!("postgres://haggle@127.0.0.1:{port}/postgres")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it after a stop, and waits until it answers.
    pub fn start_again(&mut self) {
        let child = as_somebody(&self.binaries.join("postgres"))
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .arg("-k")
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-c", "max_connections=100"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let deadline = Instant::now() + DEADLINE;
        while let Err(error) = db::open(&self.url(self.port), 1) {
            assert!(Instant::now() < deadline, "PostgreSQL does not answer: {error}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Makes transactions that do not say otherwise read-only, or lifts that.
    pub fn takes_writes(&self, yes: bool) {
        let pool = db::open(&self.url(self.port), 1).unwrap();
        let mut conn = pool.get().unwrap();
        let value = if yes { "off" } else { "on" };
        conn.batch_execute(&format!("ALTER SYSTEM SET default_transaction_read_only = {value}")).unwrap();
        conn.batch_execute("SELECT pg_reload_conf()").unwrap();
    }

    /// Ends it as when its machine shuts down: all connections are cut.
    pub fn stop(&mut self) {
        self.end("INT");
    }

    fn end(&mut self, signal: &str) {
        if let Some(mut child) = self.child.take() {
            let _ = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end("QUIT");
    }
}
