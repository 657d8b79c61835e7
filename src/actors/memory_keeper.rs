//! Gives memory back to the system after a peak: the C library keeps what was freed otherwise.

use std::{fs, time::Duration};

use actix_web::rt::task::spawn_blocking;
use tokio::sync::oneshot;

/// How often memory is checked.
const INTERVAL: Duration = Duration::from_millis(500);

/// How far memory is above what it was when it was last given back, in KiB, before that is tried again.
const PEAK_KIB_MIN: u64 = 8 * 1024;

/// Still growing, where it grew by more than this between two checks, in KiB.
const GROWTH_KIB_MAX: u64 = 1024;

/// Looks after memory until `stopped` is answered or dropped.
pub async fn run(mut stopped: oneshot::Receiver<()>) {
    let mut peaks = Peaks::default();
    while tokio::time::timeout(INTERVAL, &mut stopped).await.is_err() {
        let Some(resident) = resident_kib() else { return };
        if peaks.is_past_one(resident) {
            let _ = spawn_blocking(haggle_heap::give_back).await;
            peaks.gave_back(resident_kib().unwrap_or(resident));
        }
    }
}

/// When there is something to give back.
#[derive(Debug, Default)]
struct Peaks {
    floor: Option<u64>,
    last: u64,
}

impl Peaks {
    /// Checks what is resident now. Returns whether it is above the floor and has stopped growing.
    fn is_past_one(&mut self, resident: u64) -> bool {
        let floor = self.floor.map_or(resident, |floor| floor.min(resident));
        self.floor = Some(floor);
        let is_growing = resident > self.last.saturating_add(GROWTH_KIB_MAX);
        self.last = resident;
        !is_growing && resident >= floor.saturating_add(PEAK_KIB_MIN)
    }

    /// What is left is in use.
    fn gave_back(&mut self, resident: u64) {
        self.floor = Some(resident);
        self.last = resident;
    }
}

/// What the process has in memory; `None` where the system does not report it like Linux.
fn resident_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_after_a_peak() {
        let mut peaks = Peaks::default();
        let mut gives = |resident: u64| {
            let gives = peaks.is_past_one(resident * 1024);
            if gives {
                // All but a little.
                peaks.gave_back(22 * 1024);
            }
            gives
        };
        assert!(!gives(20), "the first look is the floor");
        assert!(!gives(60), "it grows");
        assert!(gives(60), "it has stopped to grow");
        assert!(!gives(22) && !gives(25) && !gives(29), "what is left is in use");
        assert!(gives(30));
    }

    #[test]
    fn linux_says_what_is_resident() {
        assert!(!cfg!(target_os = "linux") || resident_kib().is_some_and(|resident| resident > 1000));
    }
}
