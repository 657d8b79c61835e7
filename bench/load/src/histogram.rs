//! Durations, counted: a fixed number of buckets, at most 1.6 % wide.

use std::time::Duration;

/// Buckets for each doubling, as a power of two.
const FINE_BITS: u32 = 6;
const FINE: usize = 1 << FINE_BITS;
const BUCKETS: usize = FINE * (64 - FINE_BITS as usize + 1);

/// How often each duration was seen, in nanoseconds.
#[derive(Clone)]
pub struct Histogram {
    counts: Box<[u64]>,
    count: u64,
    max: u64,
    sum: u128,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS].into(), count: 0, max: 0, sum: 0 }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)] += 1;
        self.count += 1;
        self.max = self.max.max(nanos);
        self.sum += u128::from(nanos);
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
        self.sum += other.sum;
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean, in microseconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a mean for people")]
    pub fn mean_us(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum as f64 / self.count as f64 / 1000.0 }
    }

    /// The longest, in microseconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn max_us(&self) -> f64 {
        self.max as f64 / 1000.0
    }

    /// The duration that a share of all stays within, 0 to 1, in microseconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
    pub fn quantile_us(&self, share: f64) -> f64 {
        let rank = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return (upper(index).min(self.max)) as f64 / 1000.0;
            }
        }
        0.0
    }
}

/// Values below `FINE` have a bucket each; above, each doubling is cut into `FINE` equal ones.
fn bucket(value: u64) -> usize {
    if value < FINE as u64 {
        return value as usize;
    }
    let shift = 63 - value.leading_zeros() - FINE_BITS;
    FINE * (shift as usize + 1) + ((value >> shift) as usize - FINE)
}

fn upper(index: usize) -> u64 {
    if index < FINE {
        return index as u64;
    }
    let shift = index / FINE - 1;
    let start = ((index % FINE + FINE) as u64) << shift;
    start + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_falls_into_it_and_is_narrow() {
        for value in (0..100_000).chain((17..60).map(|bits| (1 << bits) + 12_345)).chain([u64::MAX]) {
            let top = upper(bucket(value));
            assert!(top >= value && (top - value) as f64 <= value as f64 / 64.0, "{value}: {top}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_list() {
        let mut histogram = Histogram::default();
        for micros in 1..=1000 {
            histogram.record(Duration::from_micros(micros));
        }
        for (share, expected) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0), (1.0, 1000.0)] {
            let got = histogram.quantile_us(share);
            assert!((got - expected).abs() <= expected * 0.016, "{share}: {got}");
        }
        assert_eq!(histogram.count(), 1000);
    }
}
