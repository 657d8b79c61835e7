//! REST: pages of history and lists of rooms, asked for one after the other on connections that stay.

use std::{
    collections::HashMap,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{Failed, Progress, Room, Seen, Setting, deal, run_threads};
use crate::{
    http::HttpClient,
    outcome::Outcome,
    process::{Reading, thread_cpu},
};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Page {
    /// The newest 50 messages of a room.
    History,
    /// 50 messages from the middle of a room.
    OlderHistory,
    /// The first 20 of a member's rooms.
    Rooms,
}

/// Runs it with this many connections, one thread per connection.
///
/// # Errors
/// A request was refused.
pub fn run(
    setting: &Setting,
    rooms: &[Room],
    page: Page,
    connections: usize,
    progress: &Progress,
) -> Result<Outcome, Failed> {
    let from = Instant::now() + setting.warm_up;
    let until = from + setting.measure;
    let members = rooms.iter().flat_map(|room| [(room, 0), (room, 1)]);
    let parts = deal(members, connections).into_iter().enumerate().collect();
    let mut outcome = run_threads(parts, false, |(thread, hand): (usize, Vec<(&Room, usize)>)| {
        let pid = setting.server_pid.filter(|_| thread == 0);
        let mut http = HttpClient::connect(setting.target.addr, &setting.target.host)?;
        let mut seen = Seen { connections: 1, ..Seen::default() };
        let (mut cpu, mut before) = (None, None);
        let mut middles = HashMap::new();
        for (room, member) in hand.iter().cycle() {
            let now = Instant::now();
            if now >= from && cpu.is_none() {
                cpu = Some((thread_cpu(), now));
                before = pid.and_then(Reading::take);
            }
            if now >= until || progress.stop.load(Ordering::Relaxed) {
                break;
            }
            let path = path(page, &room.id, &mut http, &room.tokens[*member], &mut middles)?;
            let asked = Instant::now();
            let answer = http.ask("GET", &path, &room.tokens[*member], None)?;
            if answer.status != 200 {
                let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(300)]).into_owned();
                return Err(Failed(format!("GET {path}: {} {body}", answer.status)));
            }
            seen.bytes += answer.body.len() as u64;
            if cpu.is_some() {
                seen.count += 1;
                seen.latency.record(asked.elapsed());
                progress.counted.fetch_add(1, Ordering::Relaxed);
            }
        }
        if let Some((cpu, at)) = cpu {
            let took = at.elapsed().max(Duration::from_nanos(1));
            seen.busy = (thread_cpu() - cpu).as_secs_f64() / took.as_secs_f64();
            seen.seconds = took.as_secs_f64();
        }
        seen.server = before.zip(pid.and_then(Reading::take));
        Ok(seen)
    })?;
    // Threads share the load's cores: together they may be at its limit, each far from it.
    outcome.load_was_the_limit = false;
    Ok(outcome)
}

/// Where a page is. For the middle of a room the first call looks up where that is.
fn path(
    page: Page,
    room: &str,
    http: &mut HttpClient,
    token: &str,
    middles: &mut HashMap<String, u64>,
) -> Result<String, Failed> {
    Ok(match page {
        Page::Rooms => "/api/v1/rooms?limit=20".to_owned(),
        Page::History => format!("/api/v1/rooms/{room}/messages?limit=50"),
        Page::OlderHistory => {
            let middle = match middles.get(room) {
                Some(middle) => *middle,
                None => {
                    let newest = http.ask("GET", &format!("/api/v1/rooms/{room}/messages?limit=1"), token, None)?.body;
                    let newest: serde_json::Value = serde_json::from_slice(&newest)
                        .map_err(|error| Failed(format!("a page of history that can't be read: {error}")))?;
                    let middle = newest["items"][0]["seq"].as_u64().unwrap_or(0) / 2 + 26;
                    middles.insert(room.to_owned(), middle);
                    middle
                }
            };
            format!("/api/v1/rooms/{room}/messages?before={middle}&limit=50")
        }
    })
}
