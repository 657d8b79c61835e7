//! Another user, who does once per second what users do in addition to talking, and notes how long it took at worst.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    attack::ANSWER_MAX,
    http::{Http, Request},
    png,
    server::token,
    session::{Session, Wire},
    stream::{Target, VICTIM},
    world::{CAROL, PROBE},
};

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(1);

/// What took longest.
#[derive(Debug, Default, Clone, Copy)]
pub struct Worst {
    connect: Duration,
    enter: Duration,
    list: Duration,
    search: Duration,
    picture: Duration,
}

impl Worst {
    /// What took longest, with names.
    pub fn named(&self) -> [(&'static str, Duration); 5] {
        [
            ("connect", self.connect),
            ("enter", self.enter),
            ("list", self.list),
            ("search", self.search),
            ("picture", self.picture),
        ]
    }
}

/// The user.
pub struct Probes {
    target: Target,
    picture: Vec<u8>,
}

impl Probes {
    pub fn new(target: Target) -> Self {
        Self { target, picture: png::black(64) }
    }

    /// Makes its rounds until `over`; they count while `counts`.
    pub async fn run(self, counts: Arc<AtomicBool>, over: Arc<AtomicBool>) -> Worst {
        let mut worst = Worst::default();
        while !over.load(Ordering::Relaxed) {
            let counted = counts.load(Ordering::Relaxed);
            let round = self.round().await;
            if counted {
                worst.connect = worst.connect.max(round.connect);
                worst.enter = worst.enter.max(round.enter);
                worst.list = worst.list.max(round.list);
                worst.search = worst.search.max(round.search);
                worst.picture = worst.picture.max(round.picture);
            }
            tokio::time::sleep(EVERY).await;
        }
        worst
    }

    async fn round(&self) -> Worst {
        let token = token(CAROL);
        let mut session = None;
        let connect = timed(async {
            session = Session::open(&self.target, VICTIM, &token, Wire::Plain).await?.ok();
            session.is_some().then_some(()).ok_or(io::ErrorKind::ConnectionRefused.into())
        })
        .await;
        let enter = timed(async {
            let session = session.as_mut().ok_or(io::ErrorKind::NotConnected)?;
            let reply = session.ask("enterRoom", &json!({ "roomId": PROBE }).to_string()).await?;
            reply.error.is_none().then_some(()).ok_or(io::ErrorKind::ConnectionRefused.into())
        })
        .await;
        let get = |path: &str| Request::new("GET", path).token(&token);
        let picture = Request::new("POST", format!("/api/v1/rooms/{PROBE}/images")).token(&token).image(&self.picture);
        Worst {
            connect,
            enter,
            list: timed(self.ask(get("/api/v1/rooms"))).await,
            search: timed(self.ask(get("/api/v1/search?q=hello"))).await,
            picture: timed(self.ask(picture)).await,
        }
    }

    /// Asks on a connection of its own. Anything but success counts as never answered.
    async fn ask(&self, request: Request) -> io::Result<()> {
        let answer = Http::open(&self.target, VICTIM).await?.ask(&request).await?;
        (answer.status < 300).then_some(()).ok_or(io::ErrorKind::ConnectionRefused.into())
    }
}

/// How long something took; what fails took as long as the wait.
async fn timed(event: impl Future<Output = io::Result<()>>) -> Duration {
    let started = Instant::now();
    match tokio::time::timeout(ANSWER_MAX, event).await {
        Ok(Ok(())) => started.elapsed(),
        _ => ANSWER_MAX,
    }
}
