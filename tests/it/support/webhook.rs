//! A marketplace's backend that takes webhooks, and fails on request.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::hmac;
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::{posted::Posted, until};

/// How the backend answers one request.
#[derive(Debug, Clone, Copy)]
pub enum Reaction {
    /// With this status, and a redirection where that is one.
    Status(u16),
    /// By closing the connection.
    Close,
    /// With 200, after a while.
    Slow(Duration),
    /// Never.
    Hang,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Hook {
    pub headers: HashMap<String, String>,
    pub raw: String,
    pub body: Value,
}

impl Hook {
    /// Checks that it is signed with a secret. Returns the time of the signature, in seconds.
    pub fn signed_at(&self, secret: &str) -> i64 {
        let (t, v1) = self.headers["haggle-signature"].split_once(",v1=").unwrap();
        let t = t.strip_prefix("t=").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signature = hmac::sign(&key, format!("{t}.{}", self.raw).as_bytes());
        assert_eq!(v1, data_encoding::HEXLOWER.encode(signature.as_ref()));
        t.parse().unwrap()
    }
}

/// The backend. It answers 200 when nothing else is scripted.
#[derive(Clone)]
pub struct Backend {
    pub addr: SocketAddr,
    hooks: Arc<Mutex<Vec<Hook>>>,
    script: Arc<Mutex<VecDeque<Reaction>>>,
    /// What it says with 200.
    words: Arc<Mutex<String>>,
}

impl Backend {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let backend =
            Self { addr, hooks: Arc::default(), script: Arc::default(), words: Arc::new(Mutex::new("ok".to_owned())) };
        let serving = backend.clone();
        actix_web::rt::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                actix_web::rt::spawn(serving.clone().serve(tcp));
            }
        });
        backend
    }

    /// Says how the next requests are answered.
    pub fn script(&self, reactions: impl IntoIterator<Item = Reaction>) {
        self.script.lock().unwrap().extend(reactions);
    }

    /// Says what it answers from now on with 200.
    pub fn says(&self, words: &str) {
        words.clone_into(&mut self.words.lock().unwrap());
    }

    /// Waits until it has received this many requests in all.
    pub async fn hooks(&self, count: usize) -> Vec<Hook> {
        until("webhooks", || self.hooks.lock().unwrap().len() >= count).await;
        let hooks = self.hooks.lock().unwrap().clone();
        assert_eq!(hooks.len(), count, "{hooks:#?}");
        hooks
    }

    /// The requests that came so far.
    pub fn all(&self) -> Vec<Hook> {
        self.hooks.lock().unwrap().clone()
    }

    /// How many requests came so far.
    pub fn count(&self) -> usize {
        self.hooks.lock().unwrap().len()
    }

    async fn serve(self, mut tcp: TcpStream) {
        while let Some(Posted { path, headers, body }) = Posted::read(&mut tcp).await {
            assert_eq!(path, "/hook");
            let raw = String::from_utf8(body).unwrap();
            let body = serde_json::from_str(&raw).unwrap();
            self.hooks.lock().unwrap().push(Hook { headers, raw, body });
            let reaction = self.script.lock().unwrap().pop_front().unwrap_or(Reaction::Status(200));
            let status = match reaction {
                Reaction::Status(status) => status,
                Reaction::Close => return,
                Reaction::Slow(delay) => {
                    tokio::time::sleep(delay).await;
                    200
                }
                Reaction::Hang => std::future::pending().await,
            };
            let location = if (300..400).contains(&status) { "location: /elsewhere\r\n" } else { "" };
            let words = self.words.lock().unwrap().clone();
            let answer = format!("HTTP/1.1 {status} X\r\n{location}content-length: {}\r\n\r\n{words}", words.len());
            if tcp.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}
