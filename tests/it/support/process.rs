//! The real binary as a process of its own: to be killed, starved and signalled.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use haggle::internals::{
    auth::Signer,
    clock::Clock,
    db::{self, Pool},
    domain::UserId,
};
use tempfile::TempDir;

use super::{
    database,
    seed::Seed,
    server::{SECRET, SERVICE_KEY},
    until,
    ws::WsClient,
};

/// How a process is started. The same one twice is a restart on the same file.
pub struct Launch {
    folder: TempDir,
    args: Vec<String>,
    env: Vec<(String, String)>,
    before: String,
    wrapper: Vec<String>,
}

impl Launch {
    /// `haggle serve` on a database of its own, without the limits that one machine's test would run into.
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let database = database::url_in(folder.path());
        let launch = Self { folder, args: Vec::new(), env: Vec::new(), before: String::new(), wrapper: Vec::new() };
        launch
            .env("RUST_LOG", "info")
            .env("HAGGLE_DATABASE_URL", &database)
            .env("HAGGLE_JWT_SECRET", SECRET)
            .env("HAGGLE_SERVICE_KEY", SERVICE_KEY)
            .env("HAGGLE_WORKERS", "2")
            .env("HAGGLE_MAX_SENDS_PER_SECOND", "0")
            .env("HAGGLE_MAX_CONNECTS_PER_SECOND", "0")
    }

    /// Adds arguments.
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Sets a variable; of two with one name the later counts.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A line of `sh` that runs in the same process before the binary takes its place, such as `ulimit -n 40`.
    pub fn before(mut self, line: &str) -> Self {
        self.before = line.to_owned();
        self
    }

    /// A command that runs the rest, such as `unshare -m`. It must put the rest in its own place, so that the process id stays.
    pub fn through(mut self, command: &[&str]) -> Self {
        self.wrapper = command.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// The database's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database's address.
    pub fn url(&self) -> String {
        database::url_in(self.folder.path())
    }

    /// The database's file, where it has one.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("haggle.db")
    }

    /// The database, opened next to the server and migrated.
    pub fn pool(&self) -> Pool {
        let pool = db::open(&self.url(), 2).unwrap();
        db::migrate(&pool).unwrap();
        pool
    }

    /// Users, products and rooms.
    pub fn seed(&self) -> Seed {
        Seed::new(self.pool())
    }

    fn spawn(&self) -> Process {
        let script = format!("{}\nexec \"$0\" \"$@\"", self.before);
        let mut words = self.wrapper.clone();
        words.extend(["sh".to_owned(), "-c".to_owned(), script, env!("CARGO_BIN_EXE_haggle").to_owned()]);
        words.extend(["serve".to_owned(), "--bind".to_owned(), "127.0.0.1:0".to_owned()]);
        words.extend(self.args.iter().cloned());
        let inherited = std::env::vars_os().map(|(name, _)| name);
        let ours = inherited.filter(|name| name.to_string_lossy().starts_with("HAGGLE_"));
        let mut command = Command::new(&words[0]);
        for name in ours {
            command.env_remove(name);
        }
        command.envs(self.env.iter().cloned()).args(&words[1..]);
        let mut child = command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = Arc::new(Mutex::new(String::new()));
        let collectors = vec![
            collect(child.stdout.take().unwrap(), Arc::clone(&output)),
            collect(child.stderr.take().unwrap(), Arc::clone(&output)),
        ];
        Process { child, output, collectors, addr: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }

    /// Starts it and waits until it listens.
    pub async fn start(&self) -> Process {
        let mut process = self.spawn();
        until("the server listens", || {
            assert!(process.child.try_wait().unwrap().is_none(), "it ended: {}", process.output());
            let output = process.output();
            let line = output.lines().find_map(|line| line.split_once("listening on ").map(|(_, url)| url.to_owned()));
            let addr = line.and_then(|url| url.rsplit('/').next().and_then(|addr| addr.parse().ok()));
            addr.map(|addr| process.addr = addr).is_some()
        })
        .await;
        process
    }

    /// Starts it and waits until it ends by itself.
    pub async fn fails(&self) -> (ExitStatus, String) {
        let mut process = self.spawn();
        let status = process.ended().await;
        (status, process.output())
    }
}

fn collect(pipe: impl Read + Send + 'static, output: Arc<Mutex<String>>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines() {
            let Ok(line) = line else { break };
            let mut output = output.lock().unwrap();
            output.push_str(&line);
            output.push('\n');
        }
    })
}

/// A running server. Dropping it kills it.
pub struct Process {
    child: Child,
    output: Arc<Mutex<String>>,
    collectors: Vec<thread::JoinHandle<()>>,
    pub addr: SocketAddr,
}

impl Process {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// Waits for a line of its log.
    pub async fn logged(&self, part: &str) {
        until(&format!("the log says: {part}"), || self.output().contains(part)).await;
    }

    /// Sends a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.id())).status().unwrap();
        assert!(sent.success(), "the process is gone");
    }

    /// Changes a limit of the running process, such as `--fsize=1000:`.
    pub fn prlimit(&self, limit: &str) {
        let set = Command::new("prlimit").arg(format!("--pid={}", self.id())).arg(limit).output().unwrap();
        assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
    }

    /// Kills it as a power cut would: SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends and all that it printed is there.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        until("the process ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        // Its pipes have ended with it.
        for collector in self.collectors.drain(..) {
            collector.join().unwrap();
        }
        status.unwrap()
    }

    /// Its resident memory in KiB; `None` where there is no /proc.
    pub fn resident_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    /// A token of a user, valid for one hour.
    pub fn token(&self, user: &str) -> String {
        let signer = Signer::hs256(SECRET.as_bytes()).unwrap();
        signer.sign(&UserId::new(user).unwrap(), None, Duration::from_secs(3600), &Clock::System)
    }

    /// A signed-in client on the plain wire.
    pub async fn ws(&self, user: &str) -> WsClient {
        WsClient::connect(self.addr, &self.token(user)).await.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, or was killed by the test.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the server's output:\n{}", self.output());
        }
    }
}
