//! How long single steps take on the threads that many share: while one of them runs, all others wait.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
};

use super::Metrics;

/// A step that took longer is named in the log.
const LOGGED_FROM: Duration = Duration::from_millis(50);

/// How often long steps of one kind are logged.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// A thread that many share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedThread {
    /// The `ChatServer`'s.
    ChatServer,
    /// The one that writes to the database.
    Writer,
    /// One of those that read from it.
    Reader,
    /// One that serves connections.
    Worker,
}

impl SharedThread {
    const ALL: [Self; 4] = [Self::ChatServer, Self::Writer, Self::Reader, Self::Worker];

    const fn as_str(self) -> &'static str {
        match self {
            Self::ChatServer => "chat_server",
            Self::Writer => "writer",
            Self::Reader => "reader",
            Self::Worker => "worker",
        }
    }
}

/// The thread that a step ran on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StepLabels {
    thread: &'static str,
}

pub(super) fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 2.0, 16))
}

/// A step under way. Its end is its drop, also by a panic.
#[derive(Debug)]
pub struct Step {
    steps: Arc<Steps>,
    thread: SharedThread,
    kind: &'static str,
    began: Instant,
    is_ended: bool,
}

impl Step {
    /// Begins a step. `kind` is a name from a fixed list, never something that a client chose.
    #[must_use]
    pub fn begin(metrics: &Metrics, thread: SharedThread, kind: &'static str) -> Self {
        Self { steps: Arc::clone(&metrics.steps), thread, kind, began: Instant::now(), is_ended: false }
    }

    /// What it does.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Ends it. Returns how long it took.
    pub fn end(mut self) -> Duration {
        self.finish()
    }

    fn finish(&mut self) -> Duration {
        self.is_ended = true;
        let took = self.began.elapsed();
        self.steps.of(self.thread).observe(took.as_secs_f64());
        if took >= LOGGED_FROM
            && let Some(suppressed) = self.steps.log.admit(self.kind, self.began + took)
        {
            let thread = self.thread.as_str();
            log::warn!(
                "a step took {} ms: thread={thread} kind={} suppressed={suppressed}",
                took.as_millis(),
                self.kind
            );
        }
        took
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.is_ended {
            self.finish();
        }
    }
}

/// What is kept of the steps of one server.
#[derive(Debug)]
pub(super) struct Steps {
    /// By thread, as the family has them: a look into the family takes a lock and a hash.
    threads: [Histogram; 4],
    log: StepLog,
}

impl Steps {
    pub(super) fn new(family: &Family<StepLabels, Histogram>) -> Self {
        let of = |thread: SharedThread| family.get_or_create_owned(&StepLabels { thread: thread.as_str() });
        Self { threads: SharedThread::ALL.map(of), log: StepLog::default() }
    }

    fn of(&self, thread: SharedThread) -> &Histogram {
        &self.threads[thread as usize]
    }
}

/// How long steps took on the threads of one kind, since the start.
#[derive(Debug, Clone, PartialEq)]
pub struct StepTimes {
    /// The kind's name.
    pub thread: &'static str,
    /// Seconds that all of them took together.
    pub seconds: f64,
    /// How many took at most so many seconds, by the seconds. The last one has no bound.
    pub buckets: Vec<(f64, u64)>,
}

impl StepTimes {
    /// Reads them from the text of all metrics: a histogram shows what it holds in no other way.
    pub(super) fn read(text: &str) -> Vec<Self> {
        let mut all = SharedThread::ALL.map(|kind| Self { thread: kind.as_str(), seconds: 0.0, buckets: Vec::new() });
        for line in text.lines().filter_map(|line| line.strip_prefix("haggle_step_seconds_")) {
            let Some((name, value)) = line.rsplit_once(' ') else { continue };
            let Some(times) = all.iter_mut().find(|times| name.contains(&format!("thread=\"{}\"", times.thread)))
            else {
                continue;
            };
            if name.starts_with("sum") {
                times.seconds = value.parse().unwrap_or_default();
            } else if let Some((le, _)) = name.strip_prefix("bucket{le=\"").and_then(|rest| rest.split_once('"')) {
                let le = le.parse().unwrap_or(f64::INFINITY);
                times.buckets.push((le, value.parse().unwrap_or_default()));
            }
        }
        all.into()
    }
}

/// Which long steps were logged: each kind at most once per second, so that they don't fill the log.
#[derive(Debug, Default)]
struct StepLog(Mutex<HashMap<&'static str, Logged>>);

#[derive(Debug)]
struct Logged {
    at: Instant,
    suppressed: u32,
}

impl StepLog {
    /// Whether a long step may be logged now: how many of its kind were not, since the last that was.
    fn admit(&self, kind: &'static str, now: Instant) -> Option<u32> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kinds.entry(kind) {
            Entry::Occupied(mut logged) if now.duration_since(logged.get().at) < LOG_INTERVAL => {
                logged.get_mut().suppressed += 1;
                None
            }
            Entry::Occupied(mut logged) => Some(logged.insert(Logged { at: now, suppressed: 0 }).suppressed),
            Entry::Vacant(first) => {
                first.insert(Logged { at: now, suppressed: 0 });
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_counted_by_its_thread() {
        let metrics = Metrics::default();
        drop(Step::begin(&metrics, SharedThread::Writer, "commit"));
        assert!(Step::begin(&metrics, SharedThread::Reader, "search").end() < Duration::from_secs(60));
        let text = metrics.encode();
        for (thread, count) in [("writer", 1), ("reader", 1), ("worker", 0)] {
            assert!(text.contains(&format!("haggle_step_seconds_count{{thread=\"{thread}\"}} {count}")), "{text}");
        }
    }

    #[test]
    fn what_the_text_says_of_steps_is_read_by_thread() {
        let metrics = Metrics::default();
        drop(Step::begin(&metrics, SharedThread::Writer, "commit"));
        let all = metrics.step_times();
        let of = |name: &str| all.iter().find(|times| times.thread == name).unwrap();
        let (writer, reader) = (of("writer"), of("reader"));
        assert_eq!((writer.buckets.len(), reader.buckets.len(), all.len()), (17, 17, 4));
        assert_eq!(writer.buckets.last(), Some(&(f64::INFINITY, 1)));
        assert_eq!((reader.buckets.last(), reader.seconds), (Some(&(f64::INFINITY, 0)), 0.0));
        assert!(writer.buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1));
        assert!(writer.seconds > 0.0);
    }

    #[test]
    fn long_steps_of_one_kind_are_logged_once_per_second() {
        let (log, now) = (StepLog::default(), Instant::now());
        assert_eq!(log.admit("search", now), Some(0));
        assert_eq!(log.admit("search", now + Duration::from_millis(999)), None);
        assert_eq!(log.admit("commit", now + Duration::from_millis(999)), Some(0));
        assert_eq!(log.admit("search", now + Duration::from_secs(1)), Some(1));
        assert_eq!(log.admit("search", now + Duration::from_secs(3)), Some(0));
    }
}
