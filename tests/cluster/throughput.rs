//! What several nodes carry, and what it costs that a message crosses from one to another. No test: it prints figures, of runs of
//! `HAGGLE_CLUSTER_SECONDS` each. Every message is delivered twice, to both members; CPU is that of the nodes alone.
//!
//! `cargo test --release --features postgres --test cluster -- --ignored --nocapture figures`

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{Cluster, alone, load_time, wire::Wire};

const PAIRS: usize = 60;

/// What one run came to.
struct Figures {
    deliveries_per_second: f64,
    cpu_us_a_delivery: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Runs pairs of which the buyer is on one node and the seller `apart` nodes further, each with this many messages under
/// way, and a pause before the next.
#[expect(clippy::too_many_lines, reason = "one run, from its start to its figures")]
async fn measure(cluster: &Cluster, time: Duration, apart: usize, window: usize, pause: Duration) -> Figures {
    // Keys of an earlier run would be answered by its messages.
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let sent: Rc<RefCell<HashMap<String, Instant>>> = Rc::default();
    let waits: Rc<RefCell<Vec<Duration>>> = Rc::default();
    let cpu = |cluster: &Cluster| cluster.nodes.iter().map(|node| node.cpu_seconds()).sum::<f64>();
    let mut members = Vec::new();
    for place in 0..PAIRS {
        for (role, node) in [("buyer", place), ("seller", place + apart)] {
            let addr = cluster.nodes[node % cluster.nodes.len()].addr();
            let mut wire = Wire::connect(addr, &format!("{role}-{place}")).await.unwrap();
            wire.request("enterRoom", json!({ "roomId": format!("room-{place}") })).await.unwrap();
            members.push((format!("{role}-{place}"), wire));
        }
    }
    let (before, started) = (cpu(cluster), Instant::now());
    let until = started + time;
    let tasks = members.into_iter().map(|(name, mut wire)| {
        let (sent, waits) = (Rc::clone(&sent), Rc::clone(&waits));
        actix_web::rt::spawn(async move {
            let (mut count, mut received) = (0, 0_usize);
            let mut say = async |wire: &mut Wire| {
                count += 1;
                let key = format!("{name}-{run}-{count}");
                sent.borrow_mut().insert(key.clone(), Instant::now());
                wire.send("message", json!({ "text": "x".repeat(120), "clientId": key })).await
            };
            for _ in 0..window {
                say(&mut wire).await.unwrap();
            }
            // A client that pauses continues to read.
            let mut due: Option<Instant> = None;
            while Instant::now() < until {
                if due.take_if(|due| *due <= Instant::now()).is_some() {
                    say(&mut wire).await.unwrap();
                }
                let wake = due.map_or(until, |due| due.min(until));
                let frame = tokio::time::timeout(wake.saturating_duration_since(Instant::now()), wire.read()).await;
                let Ok(frame) = frame else { continue };
                let frame = frame.expect("the connection has ended");
                if frame["event"] == "message" {
                    received += 1;
                    let key = frame["data"]["clientId"].as_str().unwrap();
                    // The other one's: the sender's own copy comes from its own node.
                    if !key.starts_with(&format!("{name}-"))
                        && let Some(at) = sent.borrow().get(key)
                    {
                        waits.borrow_mut().push(at.elapsed());
                    }
                } else if frame.get("reply").is_some() {
                    if pause.is_zero() {
                        say(&mut wire).await.unwrap();
                    } else {
                        due = Some(Instant::now() + pause);
                    }
                }
            }
            received
        })
    });
    let mut deliveries = 0;
    for task in tasks.collect::<Vec<_>>() {
        deliveries += task.await.unwrap();
    }
    let (took, cpu) = (started.elapsed().as_secs_f64(), cpu(cluster) - before);
    let mut waits = waits.take();
    waits.sort_unstable();
    assert!(!waits.is_empty(), "nothing was delivered");
    let at = |share: f64| waits[(waits.len() as f64 * share) as usize].as_secs_f64() * 1000.0;
    Figures {
        deliveries_per_second: deliveries as f64 / took,
        cpu_us_a_delivery: cpu * 1e6 / deliveries as f64,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
    }
}

fn print(what: &str, figures: &Figures) {
    let Figures { deliveries_per_second, cpu_us_a_delivery, p50_ms, p99_ms } = figures;
    eprintln!(
        "{what:<46} {deliveries_per_second:>8.0}/s {cpu_us_a_delivery:>7.1} us {p50_ms:>7.2} ms {p99_ms:>7.2} ms"
    );
}

#[actix_web::test]
#[ignore = "prints figures, for a quiet machine and a release build"]
async fn figures() {
    let _alone = alone().await;
    eprintln!("{:<46} {:>10} {:>10} {:>10} {:>10}", "", "deliveries", "CPU each", "p50", "p99");
    let mut paced = Vec::new();
    for count in 1..=3 {
        let cluster = Cluster::start(count).await;
        cluster.seed(PAIRS);
        // Once to warm up.
        measure(&cluster, load_time() / 4, 1, 4, Duration::ZERO).await;
        let saturated = async |apart| measure(&cluster, load_time(), apart, 16, Duration::ZERO).await;
        let apart =
            if count == 1 { "1 node, saturated".to_owned() } else { format!("{count} nodes, pairs apart, saturated") };
        print(&apart, &saturated(1).await);
        if count == 2 {
            print("2 nodes, pairs together, saturated", &saturated(0).await);
            for (apart, what) in [(0, "together"), (1, "apart")] {
                let figures = measure(&cluster, load_time(), apart, 1, Duration::from_millis(200)).await;
                print(&format!("2 nodes, pairs {what}, 600 messages/s at most"), &figures);
                paced.push(figures);
            }
        }
    }
    let [together, apart] = &paced[..] else { unreachable!() };
    // Of a message's two deliveries one crosses.
    eprintln!(
        "a delivery that crosses costs the nodes {:+.1} us, and takes {:+.2} ms in the middle",
        2.0 * (apart.cpu_us_a_delivery - together.cpu_us_a_delivery),
        apart.p50_ms - together.p50_ms
    );
}
