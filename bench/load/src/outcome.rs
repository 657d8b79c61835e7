//! The result of a run.

use serde::Serialize;

use crate::{histogram::Histogram, ledger::Faults, process::Cost};

/// A distribution's figures, in microseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    /// How many were measured.
    pub count: u64,
    /// The mean.
    pub mean: f64,
    /// Half of all were at most this.
    pub p50: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1,000.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

impl From<&Histogram> for Spread {
    fn from(histogram: &Histogram) -> Self {
        Self {
            count: histogram.count(),
            mean: histogram.mean_us(),
            p50: histogram.quantile_us(0.5),
            p99: histogram.quantile_us(0.99),
            p999: histogram.quantile_us(0.999),
            max: histogram.max_us(),
        }
    }
}

/// The result of a run. Times are in microseconds.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// How long was measured, in seconds.
    pub seconds: f64,
    /// What was counted: deliveries, entries, requests.
    pub count: u64,
    /// Of these per second.
    pub per_second: f64,
    /// From the moment a thing was due to the moment it came, at those who did not send it.
    pub latency_us: Spread,
    /// The same at the sender: its own copy.
    pub confirmed_us: Spread,
    /// How late the load generator itself was, at a fixed rate.
    pub send_lag_us: Spread,
    /// What was wrong.
    pub faults: Faults,
    /// The first thing that was refused, in the server's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_refusal: Option<String>,
    /// Connections.
    pub connections: usize,
    /// Frames in addition to the messages: presence, summaries of rooms, offsets.
    pub other_frames: u64,
    /// Bytes that came over all connections, from the start.
    pub bytes_in: u64,
    /// The busiest thread of the load generator: 1 is a whole core.
    pub load_busy: f64,
    /// The load generator was at its own limit: the server could do more than this says.
    pub load_was_the_limit: bool,
    /// The share of the time, at least, for which the load generator stood still at a fixed rate though it wanted to run:
    /// the latencies of that time are the machine's, not the server's.
    pub stood_still: f64,
    /// What the server's process cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Cost>,
}

/// Above this share of a core a closed loop may be waiting for the load generator.
pub const BUSY_MAX: f64 = 0.95;
/// A fixed rate that is sent later than this is no longer that rate.
pub const LAG_P99_US_MAX: f64 = 1000.0;
