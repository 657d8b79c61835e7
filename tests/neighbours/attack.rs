//! One attacker: what they may still do, what came of it, and the floods that most rows are made of.

use std::{
    cell::Cell,
    future::Future,
    io,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::{sync::watch, task::JoinSet};

use super::{
    http::{Answer, Http, Request},
    server::token,
    session::{Session, Wire},
    stream::{ATTACKER, Target},
    world::Size,
};

/// How long the server may take to answer anything before that is a fault.
pub const ANSWER_MAX: Duration = Duration::from_secs(120);

/// How long an attacker whose connection was refused or cut waits before the next one.
const RETURN_AFTER: Duration = Duration::from_millis(20);

/// Answers that the documentation knows. 500 is not among them.
const DOCUMENTED: [u16; 20] =
    [101, 200, 201, 202, 204, 206, 304, 308, 400, 401, 403, 404, 405, 408, 409, 413, 422, 429, 431, 503];

/// What came of an attack so far. Read by others while it goes on.
#[derive(Debug, Default)]
pub struct Tally {
    /// Operations that were begun.
    pub begun: AtomicU64,
    /// Operations that were answered, refusals among them.
    pub answered: AtomicU64,
    /// Refusals for coming too often.
    pub rate_limited: AtomicU64,
    /// Whether all is prepared and the attack waits for its beginning.
    pub ready: AtomicBool,
    /// What must not happen.
    faults: Mutex<Vec<String>>,
}

impl Tally {
    /// Notes what must not happen; the first few of it.
    pub fn fault(&self, what: String) {
        let mut faults = self.faults.lock().unwrap();
        if faults.len() < 5 && !faults.contains(&what) {
            faults.push(what);
        }
    }

    /// What should not have happened.
    pub fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap().clone()
    }

    /// Notes an answer by its status.
    pub fn status(&self, what: &str, status: u16) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        if status == 429 {
            self.rate_limited.fetch_add(1, Ordering::Relaxed);
        }
        if !DOCUMENTED.contains(&status) {
            self.fault(format!("{what} was answered with {status}"));
        }
    }

    /// Notes the answer to an event by its code.
    pub fn code(&self, what: &str, code: Option<&str>) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        match code {
            Some("rate_limited") => _ = self.rate_limited.fetch_add(1, Ordering::Relaxed),
            Some("internal") => self.fault(format!("{what} was answered with `internal`")),
            _ => {}
        }
    }
}

/// An attacker. Lives on one thread.
pub struct Attacker {
    pub target: Target,
    pub size: Size,
    /// Operations that are left; `None` goes on until it is dropped.
    left: Cell<Option<u64>>,
    next: Cell<u64>,
    stage: watch::Receiver<Stage>,
    pub tally: Arc<Tally>,
}

/// How far an attack is, as its observer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It is being prepared.
    Before,
    /// It goes on.
    During,
    /// What is held open may be closed.
    Over,
}

/// An attack under way.
pub type Running = Pin<Box<dyn Future<Output = ()>>>;

impl Attacker {
    /// An attacker with this many operations, who waits for the stages; `None` means without an end.
    pub fn new(
        target: Target,
        size: Size,
        operations: Option<u64>,
        stage: watch::Receiver<Stage>,
        tally: Arc<Tally>,
    ) -> Rc<Self> {
        Rc::new(Self { target, size, left: Cell::new(operations), next: Cell::new(0), stage, tally })
    }

    /// Says that all is prepared, and waits until the attack may begin.
    pub async fn ready(&self) {
        self.tally.ready.store(true, Ordering::Release);
        self.reached(Stage::During).await;
    }

    /// Waits for a stage.
    pub async fn reached(&self, stage: Stage) {
        // A caller that drops the other end wants no attack any more.
        let _ = self.stage.clone().wait_for(|now| *now >= stage).await;
    }

    /// Takes one operation and gives its number; `None` when there are none left.
    pub fn take(&self) -> Option<u64> {
        if let Some(left) = self.left.get() {
            self.left.set(Some(left.checked_sub(1)?));
        }
        self.tally.begun.fetch_add(1, Ordering::Relaxed);
        Some(self.next.replace(self.next.get() + 1))
    }

    /// Whether this attack goes on until it is dropped.
    pub fn is_timed(&self) -> bool {
        self.left.get().is_none()
    }

    /// As many as are wanted over time, or as few as the suite has patience for.
    pub fn many(&self, timed: usize, bounded: usize) -> usize {
        if self.is_timed() { timed } else { bounded }
    }

    /// Waits as a refusal asks. An attacker with a bounded number of operations spends them without waiting.
    pub async fn wait_ms(&self, retry_after_ms: u64) {
        if self.is_timed() {
            tokio::time::sleep(Duration::from_millis(retry_after_ms.clamp(1, 10_000))).await;
        }
    }

    /// Waits a little after a connection that was refused or cut; `false` when it is not worth another one. If operations
    /// are bounded, a reconnect is one.
    pub async fn returns(&self) -> bool {
        if self.is_timed() {
            tokio::time::sleep(RETURN_AFTER).await;
            return true;
        }
        self.take().is_some()
    }

    /// Waits for the server. That it does not answer is a fault.
    pub async fn within<T>(&self, what: &str, event: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        tokio::time::timeout(ANSWER_MAX, event).await.unwrap_or_else(|_| {
            self.tally.fault(format!("{what} got no answer within {ANSWER_MAX:?}"));
            Err(io::ErrorKind::TimedOut.into())
        })
    }

    /// A signed-in session of a user; `None` when it was refused.
    pub async fn session(&self, user: &str, wire: Wire) -> Option<Session> {
        let token = token(user);
        let opened = self.within("a handshake", Session::open(&self.target, ATTACKER, &token, wire)).await.ok()?;
        if let Err(status) = opened
            && status != 0
        {
            self.tally.status("a handshake", status);
        }
        opened.ok()
    }

    /// Sends one request on a connection of its own, in preparation of an attack.
    pub async fn prepare(&self, request: &Request) -> io::Result<Answer> {
        let mut http = Http::open(&self.target, ATTACKER).await?;
        loop {
            let answer = self.within(&request.path, http.ask(request)).await?;
            match answer.retry_after_ms() {
                Some(wait) if answer.status == 429 => tokio::time::sleep(Duration::from_millis(wait)).await,
                _ => return Ok(answer),
            }
        }
    }

    /// The ids of the newest messages of some rooms, each with its room.
    pub async fn message_ids(&self, user: &str, rooms: &[String]) -> Vec<(String, String)> {
        let mut ids = Vec::new();
        for room in rooms {
            let request = Request::new("GET", format!("/api/v1/rooms/{room}/messages?limit=200")).token(&token(user));
            let Ok(answer) = self.prepare(&request).await else { continue };
            let page = answer.json();
            let items = page["items"].as_array().into_iter().flatten();
            let id = |item: &Value| item["id"].as_str().unwrap_or_default().to_owned();
            ids.extend(items.map(|item| (room.clone(), id(item))));
        }
        ids
    }

    /// One request after the other on this many connections, as fast as they are answered. Refused ones wait as the answer
    /// asks.
    pub async fn requests(self: &Rc<Self>, connections: usize, make: impl Fn(u64) -> Request + 'static) {
        self.ready().await;
        let make = Rc::new(make);
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            let (attacker, make) = (Rc::clone(self), Rc::clone(&make));
            tasks.spawn_local(async move {
                while attacker.requests_on_one_connection(&*make).await && attacker.returns().await {}
            });
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Returns whether it is worth another connection.
    async fn requests_on_one_connection(&self, make: &dyn Fn(u64) -> Request) -> bool {
        let Ok(mut http) = self.within("a connection", Http::open(&self.target, ATTACKER)).await else { return true };
        while let Some(number) = self.take() {
            let request = make(number);
            let Ok(answer) = self.within(&request.path, http.ask(&request)).await else { return true };
            self.tally.status(&format!("{} {}", request.method, request.path), answer.status);
            if matches!(answer.status, 429 | 503) {
                self.wait_ms(answer.retry_after_ms().unwrap_or(100)).await;
            }
        }
        false
    }

    /// Events on this many sessions of one user, each with up to `window` that are unanswered. Refused ones wait as the
    /// answer asks.
    pub async fn events(self: &Rc<Self>, flood: Flood) {
        self.ready().await;
        let flood = Rc::new(flood);
        let mut tasks = JoinSet::new();
        for _ in 0..flood.sessions {
            let (attacker, flood) = (Rc::clone(self), Rc::clone(&flood));
            tasks.spawn_local(async move {
                while attacker.events_on_one_session(&flood).await && attacker.returns().await {}
            });
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Returns whether it is worth another session.
    async fn events_on_one_session(&self, flood: &Flood) -> bool {
        let Some(mut session) = self.session(flood.user, flood.wire).await else { return true };
        for room in &flood.enter {
            let data = format!(r#"{{"roomId":"{room}"}}"#);
            let Ok(reply) = self.within("enterRoom", session.ask("enterRoom", &data)).await else { return true };
            let code = reply.error.as_ref().map(|(code, _)| code.as_str());
            self.tally.code("enterRoom", code);
        }
        let mut unanswered = 0;
        loop {
            while unanswered < flood.window {
                let Some(number) = self.take() else { break };
                let (event, data) = (flood.make)(number);
                if self.within("a write", session.send(event, &data)).await.is_err() {
                    return true;
                }
                unanswered += 1;
            }
            if unanswered == 0 {
                return false;
            }
            let Ok(reply) = self.within("an event", session.reply()).await else { return true };
            unanswered -= 1;
            let (code, wait) = reply.error.unzip();
            self.tally.code("an event", code.as_deref());
            if let Some(wait) = wait.filter(|wait| *wait > 0 && flood.waits) {
                self.wait_ms(wait).await;
            }
        }
    }
}

/// A flood of events.
pub struct Flood {
    pub user: &'static str,
    pub wire: Wire,
    pub sessions: usize,
    /// Events of a session that may be unanswered.
    pub window: usize,
    /// Rooms that each session enters first.
    pub enter: Vec<String>,
    /// Whether a refused session waits as the answer asks.
    pub waits: bool,
    /// The event of each number, with its data as JSON.
    pub make: Box<dyn Fn(u64) -> (&'static str, String)>,
}
