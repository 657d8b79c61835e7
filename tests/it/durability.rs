//! Nothing acknowledged is ever lost: the real process is killed while fifty sessions send.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Launch, Process, WsClient, random::Random};

const ROOMS: usize = 25;

/// Unanswered messages of one session.
const WINDOW: usize = 8;

/// One of the fifty, across restarts of the server.
struct Sender {
    user: String,
    room: String,
    /// Messages begun so far, which makes their `clientId`.
    begun: usize,
    /// `clientId` and `seq` of what was acknowledged.
    acknowledged: Vec<(String, i64)>,
    /// `clientId` of what was sent and not answered.
    open: Vec<String>,
    /// Messages of either side that were pushed to it, as `(seq, id)`.
    pushed: Vec<(i64, String)>,
}

impl Sender {
    fn draft(&self, client_id: &str) -> Value {
        json!({"roomId": self.room, "text": format!("{} says {client_id}", self.user), "clientId": client_id})
    }

    /// Enters its room and sends until the connection is lost or the time has passed.
    async fn send_until(&mut self, server: &Process, end: Instant) {
        let mut client = server.ws(&self.user).await;
        let mut waiting: HashMap<u64, String> = HashMap::new();
        client.start("enterRoom", self.room.clone()).await;
        loop {
            while waiting.len() < WINDOW && Instant::now() < end {
                self.begun += 1;
                let client_id = format!("c{}", self.begun);
                let request = client.start("message", self.draft(&client_id)).await;
                waiting.insert(request, client_id);
            }
            let frame = if waiting.is_empty() { None } else { client.read().await };
            let Some(frame) = frame else { break };
            if frame["event"] == "message" {
                let message = &frame["data"];
                self.pushed.push((message["seq"].as_i64().unwrap(), message["id"].as_str().unwrap().to_owned()));
            } else if let Some(client_id) = frame["reply"].as_u64().and_then(|request| waiting.remove(&request)) {
                let seq = frame["data"]["seq"].as_i64().unwrap_or_else(|| panic!("not acknowledged: {frame}"));
                self.acknowledged.push((client_id, seq));
            }
        }
        let mut open: Vec<String> = waiting.into_values().collect();
        open.sort_by_key(|client_id| client_id[1..].parse::<usize>().unwrap());
        self.open = open;
    }

    /// Sends again what was not answered, twice, as a client does that has reconnected.
    async fn resend(&mut self, server: &Process) {
        let mut client = server.ws(&self.user).await;
        for client_id in std::mem::take(&mut self.open) {
            let draft = self.draft(&client_id);
            let (first, second) =
                (client.start("message", draft.clone()).await, client.start("message", draft.clone()).await);
            let stored = client.answer(first).await.unwrap();
            assert_eq!(client.answer(second).await.unwrap()["id"], stored["id"]);
            self.acknowledged.push((client_id, stored["seq"].as_i64().unwrap()));
        }
    }
}

async fn whole_history(client: &mut WsClient, room: &str) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let page = client.request("enterRoom", json!({"roomId": room, "after": all.len()})).await.unwrap();
        all.extend(page["messages"].as_array().unwrap().iter().cloned());
        if page["hasMore"] == false {
            return all;
        }
    }
}

/// Compares what is stored with what was acknowledged and seen.
async fn compare(server: &Process, senders: &[Sender]) -> usize {
    let mut total = 0;
    for pair in senders.chunks(2) {
        let history = whole_history(&mut server.ws(&pair[0].user).await, &pair[0].room).await;
        let seqs: Vec<i64> = history.iter().map(|message| message["seq"].as_i64().unwrap()).collect();
        assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>(), "a hole or a double");
        total += history.len();
        for sender in pair {
            let own = history.iter().filter(|message| message["senderId"] == sender.user.as_str());
            let stored: Vec<&Value> = own.collect();
            let ids: HashSet<&str> = stored.iter().map(|message| message["clientId"].as_str().unwrap()).collect();
            assert_eq!(ids.len(), stored.len(), "stored twice");
            for (client_id, seq) in &sender.acknowledged {
                let message = history.get(*seq as usize - 1).unwrap_or_else(|| panic!("lost: {client_id} at {seq}"));
                let text = format!("{} says {client_id}", sender.user);
                assert_eq!((&message["clientId"], &message["text"]), (&json!(client_id), &json!(text)));
            }
            for (seq, id) in &sender.pushed {
                assert_eq!(history[*seq as usize - 1]["id"], id.as_str(), "seen by a member, then lost");
            }
        }
    }
    total
}

/// The order in which a sender's messages were sent is the order in which they stand.
fn in_order(senders: &[Sender]) {
    for sender in senders {
        let mut acknowledged: Vec<(usize, i64)> =
            sender.acknowledged.iter().map(|(client_id, seq)| (client_id[1..].parse().unwrap(), *seq)).collect();
        acknowledged.sort_unstable();
        assert!(acknowledged.is_sorted_by_key(|(_, seq)| *seq), "{} was reordered", sender.user);
    }
}

/// Returns how many were acknowledged before a kill: on a busy machine an early one may find none.
async fn killed_while_sending(seed: u64, rounds: usize, moment_ms: (u64, u64)) -> usize {
    let mut random = Random::seeded(seed);
    let launch = Launch::new();
    let setup = launch.seed();
    let mut senders = Vec::new();
    for place in 0..ROOMS {
        let buyer = format!("buyer-{place}");
        let room = setup.room(&buyer, &format!("product-{place}")).id.to_string();
        for user in [buyer, "sam".to_owned()] {
            let (acknowledged, open, pushed) = (Vec::new(), Vec::new(), Vec::new());
            senders.push(Sender { user, room: room.clone(), begun: 0, acknowledged, open, pushed });
        }
    }
    drop(setup);
    let launch = launch.args(&["--max-sessions-per-user", "0"]);
    let mut in_time = 0;
    for _ in 0..rounds {
        let count = |senders: &[Sender]| senders.iter().map(|sender| sender.acknowledged.len()).sum::<usize>();
        let before = count(&senders);
        let server = launch.start().await;
        let moment = Duration::from_millis(random.between(moment_ms.0, moment_ms.1));
        let end = Instant::now() + Duration::from_secs(60);
        {
            let sending = senders.iter_mut().map(|sender| sender.send_until(&server, end));
            let sending = futures_util::future::join_all(sending);
            let id = server.id();
            let killer = async {
                tokio::time::sleep(moment).await;
                // By its id and from outside: the handle is in use by the senders.
                let killed = std::process::Command::new("sh").arg("-c").arg(format!("kill -KILL {id}")).status();
                assert!(killed.unwrap().success());
            };
            futures_util::future::join(sending, killer).await;
        }
        drop(server);
        let server = launch.start().await;
        let acknowledged = count(&senders);
        in_time += acknowledged - before;
        let open: usize = senders.iter().map(|sender| sender.open.len()).sum();
        let stored = compare(&server, &senders).await;
        eprintln!("killed after {moment:?}: {acknowledged} acknowledged, {open} open, {stored} stored");
        assert!(acknowledged <= stored && stored <= acknowledged + open);
        in_order(&senders);
        futures_util::future::join_all(senders.iter_mut().map(|sender| sender.resend(&server))).await;
        assert_eq!(compare(&server, &senders).await, acknowledged + open, "resending stores each once");
        server.kill();
    }
    in_time
}

#[actix_web::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed_within_ten_seconds() {
    assert!(killed_while_sending(1, 1, (3_000, 10_000)).await > 0);
}

#[actix_web::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed_again_and_again() {
    let mut acknowledged = 0;
    for seed in 2..=4 {
        acknowledged += killed_while_sending(seed, 2, (200, 1_200)).await;
    }
    assert!(acknowledged > 0);
}
