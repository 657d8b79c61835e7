//! One haggle process.

use std::{
    fs::File,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use haggle::internals::{auth::Signer, clock::Clock, domain::UserId};
use tempfile::TempDir;

use super::{free_port, until};

pub const SECRET: &str = "a secret of the cluster's tests, 32 bytes and more";
pub const SERVICE_KEY: &str = "the-service-key-of-the-tests";

/// A node that keeps its port over its lives.
pub struct Node {
    folder: TempDir,
    port: u16,
    database_url: String,
    nats_url: String,
    /// Options of its own, by their variables.
    options: Vec<(&'static str, String)>,
    child: Option<Child>,
    lives: usize,
}

impl Node {
    pub fn new(database_url: String, nats_url: String, options: Vec<(&'static str, String)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, port: free_port(), database_url, nats_url, options, child: None, lives: 0 }
    }

    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join(format!("log-{}", self.lives))
    }

    /// Starts it, and waits until it is ready.
    pub async fn start(&mut self) {
        self.lives += 1;
        let log = File::create(self.log()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_haggle"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HAGGLE_")) {
            command.env_remove(name);
        }
        let child = command
            .args(["serve", "--bind", &self.addr().to_string()])
            .env("RUST_LOG", "info,actix_server=warn,async_nats=off")
            .env("HAGGLE_DATABASE_URL", &self.database_url)
            .env("HAGGLE_NATS_URL", &self.nats_url)
            .env("HAGGLE_IMAGE_STORE", self.folder.path().join("images"))
            .env("HAGGLE_JWT_SECRET", SECRET)
            .env("HAGGLE_SERVICE_KEY", SERVICE_KEY)
            .env("HAGGLE_WORKERS", "1")
            .env("HAGGLE_MAX_SENDS_PER_SECOND", "0")
            .env("HAGGLE_MAX_CONNECTS_PER_SECOND", "0")
            .env("HAGGLE_MAX_CONNECTIONS_PER_ADDRESS", "0")
            .envs(self.options.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        until("a node is ready", async || {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(ended.is_none(), "it ended: {}", self.output());
            self.readiness().await.is_some_and(|ready| ready["ready"] == true)
        })
        .await;
    }

    /// Its own report; `None` while it does not answer.
    pub async fn readiness(&self) -> Option<serde_json::Value> {
        let body = super::wire::get(self.addr(), "/readyz").await?;
        serde_json::from_str(&body).ok()
    }

    /// One of its metrics.
    pub async fn metric(&self, name: &str) -> f64 {
        let body = super::wire::get(self.addr(), "/metrics").await.unwrap_or_default();
        let line = body.lines().find_map(|line| line.strip_prefix(&format!("haggle_{name} ")));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or(0.0)
    }

    /// Seconds of CPU that it has used.
    pub fn cpu_seconds(&self) -> f64 {
        let id = self.child.as_ref().unwrap().id();
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        // After the name, which may hold anything, in ticks of a hundredth of a second.
        let ticks = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
        ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
    }

    pub fn output(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks it to end, and waits until it has.
    pub async fn drain(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(told.success(), "the node is gone");
        let mut status = None;
        until("a drain has ended", async || {
            status = child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let output = self.output();
            let lines: Vec<&str> = output.lines().collect();
            eprintln!("the last words of a node:\n{}", lines[lines.len().saturating_sub(30)..].join("\n"));
        }
    }
}

/// A token of a user, valid for one hour.
pub fn staff_token(user: &str) -> String {
    let signer = Signer::hs256(SECRET.as_bytes()).unwrap();
    signer.sign_staff(&UserId::new(user).unwrap(), Some("Mina"), Duration::from_secs(3600), &Clock::System)
}

/// A token of a user, valid for one hour.
pub fn token(user: &str) -> String {
    let signer = Signer::hs256(SECRET.as_bytes()).unwrap();
    signer.sign(&UserId::new(user).unwrap(), None, Duration::from_secs(3600), &Clock::System)
}
