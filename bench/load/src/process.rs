//! What a process costs, from /proc (Linux; zeros elsewhere).

use std::{
    fs,
    time::{Duration, Instant},
};

use serde::Serialize;

/// Ticks of /proc's processor times per second: fixed by Linux's interface on every architecture that haggle runs on.
const TICKS_A_SECOND: f64 = 100.0;

/// A process at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    at: Instant,
    cpu: f64,
    rss_kib: u64,
    written: u64,
}

/// What a process cost between two moments.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Seconds between the two.
    pub seconds: f64,
    /// Processor seconds, in user and kernel mode, of all its threads.
    pub cpu_seconds: f64,
    /// Resident memory at the first moment, in KiB.
    pub rss_before_kib: u64,
    /// Resident memory at the second, in KiB.
    pub rss_after_kib: u64,
    /// Bytes that it caused to be written to the disk, in whole pages: the log, the file, and what it wrote twice.
    pub written_bytes: u64,
}

impl Reading {
    /// Reads a process; nothing for one that isn't there.
    #[must_use]
    pub fn take(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything; the fields after it are numbers.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let rss_kib = rss.trim().trim_end_matches(" kB").trim().parse().ok()?;
        // Another user's process shows no `io`.
        let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
        let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok()).unwrap_or(0);
        Some(Self { at: Instant::now(), cpu: ticks / TICKS_A_SECOND, rss_kib, written })
    }

    /// This moment's times with another's memory.
    #[must_use]
    pub fn with_memory_of(self, other: Self) -> Self {
        Self { rss_kib: other.rss_kib, ..self }
    }

    /// What it cost since an earlier reading.
    #[must_use]
    pub fn since(self, earlier: Self) -> Cost {
        Cost {
            seconds: (self.at - earlier.at).as_secs_f64(),
            cpu_seconds: self.cpu - earlier.cpu,
            rss_before_kib: earlier.rss_kib,
            rss_after_kib: self.rss_kib,
            written_bytes: self.written.saturating_sub(earlier.written),
        }
    }
}

/// Processor time that this thread has had.
#[must_use]
pub fn thread_cpu() -> Duration {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = schedstat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_own_process_can_be_read() {
        let before = Reading::take(std::process::id()).unwrap();
        let cost = Reading::take(std::process::id()).unwrap().since(before);
        assert!(cost.rss_after_kib > 100 && cost.cpu_seconds >= 0.0);
        assert!(thread_cpu() > Duration::ZERO);
        assert!(Reading::take(u32::MAX).is_none());
    }
}
