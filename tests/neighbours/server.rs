//! The binary under test, with its default limits, and how much memory it takes.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use haggle::internals::{auth::Signer, clock::Clock, domain::UserId};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs::default_provider};
use tempfile::TempDir;

use super::{stream::Target, world::World};

/// Signs the tokens.
const SECRET: &str = "a secret of the neighbours, 32 bytes or more";

/// The key of the marketplace's own backend.
pub const SERVICE_KEY: &str = "service-key-of-the-neighbours";

/// How long the server may take to listen.
const START_MAX: Duration = Duration::from_secs(60);

/// The binary: what `HAGGLE_BIN` names, or the one that was built with this.
pub fn binary() -> PathBuf {
    std::env::var_os("HAGGLE_BIN").map_or_else(|| env!("CARGO_BIN_EXE_haggle").into(), PathBuf::from)
}

/// A running server on a copy of the world. Dropping it kills it.
pub struct Server {
    child: Child,
    output: Arc<Mutex<String>>,
    pub target: Target,
    _folder: TempDir,
}

impl Server {
    /// Starts one and waits until it listens.
    pub fn start(world: &World, tls: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let database = world.copy_to(folder.path());
        let vapid = folder.path().join("vapid.pem");
        assert!(Command::new(binary()).arg("vapid").arg(&vapid).stdout(Stdio::null()).status().unwrap().success());
        let mut command = Command::new(binary());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HAGGLE_")) {
            command.env_remove(name);
        }
        command
            .args(["serve", "--bind", "127.0.0.1:0", "--workers", "2"])
            .env("RUST_LOG", "info,actix_server=warn")
            .env("HAGGLE_DATABASE_URL", &database)
            .env("HAGGLE_JWT_SECRET", SECRET)
            .env("HAGGLE_SERVICE_KEY", SERVICE_KEY)
            .env("HAGGLE_VAPID_KEY_FILE", &vapid)
            .env("HAGGLE_VAPID_SUBJECT", "mailto:chat@shop.example")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let tls = tls.then(|| {
            let (config, cert, key) = certificate(&folder);
            command.env("HAGGLE_TLS_CERT", cert).env("HAGGLE_TLS_KEY", key);
            config
        });
        let mut child = command.spawn().unwrap();
        let output = Arc::new(Mutex::new(String::new()));
        let (listening, listens) = std::sync::mpsc::channel();
        collect(child.stdout.take().unwrap(), Arc::clone(&output), listening.clone());
        collect(child.stderr.take().unwrap(), Arc::clone(&output), listening);
        let Ok(addr) = listens.recv_timeout(START_MAX) else {
            let _ = child.kill();
            panic!("the server does not listen: {}", output.lock().unwrap());
        };
        Self { child, output, target: Target { addr, tls }, _folder: folder }
    }

    /// What it has printed so far.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its resident memory in KiB. Linux alone reports it: elsewhere it is 0.
    pub fn resident_kib(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most that it has had since [`Self::forget_peak`], in KiB.
    pub fn peak_kib(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// Lets the peak begin again with what is resident now.
    pub fn forget_peak(&self) {
        // Where that is not possible the peak stays what it was, which can only fail a row.
        let _ = std::fs::write(format!("/proc/{}/clear_refs", self.id()), "5");
    }

    fn status(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let value = status.lines().find_map(|line| line.strip_prefix(field));
        value.and_then(|value| value.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the server's output:\n{}", self.output());
        }
    }
}

fn collect(
    pipe: impl Read + Send + 'static,
    output: Arc<Mutex<String>>,
    listening: std::sync::mpsc::Sender<SocketAddr>,
) {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines() {
            let Ok(line) = line else { break };
            let addr = line.split_once("listening on ").and_then(|(_, url)| url.rsplit('/').next()?.parse().ok());
            addr.map(|addr| listening.send(addr));
            let mut output = output.lock().unwrap();
            output.push_str(&line);
            output.push('\n');
        }
    });
}

fn certificate(folder: &TempDir) -> (Arc<ClientConfig>, PathBuf, PathBuf) {
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let pair = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&pair).unwrap();
    std::fs::write(&cert, certificate.pem()).unwrap();
    std::fs::write(&key, pair.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(config), cert, key)
}

/// A token of a user, valid for one hour; `name` makes it longer.
pub fn token_named(user: &str, name: Option<&str>) -> String {
    let signer = Signer::hs256(SECRET.as_bytes()).unwrap();
    signer.sign(&UserId::new(user).unwrap(), name, Duration::from_secs(3600), &Clock::System)
}

/// A token of a member of the staff, valid for one hour.
pub fn staff_token(user: &str) -> String {
    let signer = Signer::hs256(SECRET.as_bytes()).unwrap();
    signer.sign_staff(&UserId::new(user).unwrap(), None, Duration::from_secs(3600), &Clock::System)
}

/// A token of a user, valid for one hour.
pub fn token(user: &str) -> String {
    token_named(user, None)
}
