//! How long single steps take on the threads that many share: while one of them runs, everybody else waits.

use std::time::{Duration, Instant};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::histogram::{Histogram, exponential_buckets},
};

use super::Metrics;

/// A step that took longer is named in the log.
const LOGGED_FROM: Duration = Duration::from_millis(50);

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
pub struct Step<'a> {
    metrics: &'a Metrics,
    thread: SharedThread,
    kind: &'static str,
    began: Instant,
}

impl<'a> Step<'a> {
    /// Begins a step. `kind` is a name from a fixed list, never something that a client chose.
    #[must_use]
    pub fn begin(metrics: &'a Metrics, thread: SharedThread, kind: &'static str) -> Self {
        Self { metrics, thread, kind, began: Instant::now() }
    }

    /// How long it has taken so far.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let thread = self.thread.as_str();
        self.metrics.step_seconds.get_or_create(&StepLabels { thread }).observe(took.as_secs_f64());
        if took >= LOGGED_FROM {
            log::warn!("a step took {} ms: thread={thread} kind={}", took.as_millis(), self.kind);
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
        let text = metrics.encode();
        assert!(text.contains("haggle_step_seconds_count{thread=\"writer\"} 1"), "{text}");
    }
}
