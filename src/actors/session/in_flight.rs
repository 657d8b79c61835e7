//! Backpressure towards one client: how many of its events may be on their way at once.
//!
//! At the cap the session stops reading, so the client's own socket fills up and the client waits: nothing is refused,
//! and what is queued behind the actors stays bounded.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;

use crate::metrics::{GaugeGuard, Metrics};

/// Events of one session that may be unanswered. More adds no throughput: a batch commits in milliseconds.
pub const IN_FLIGHT_MAX: u32 = 32;

/// The count of one session's unanswered events. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    taken: AtomicU32,
    reader: AtomicWaker,
    drain: AtomicWaker,
}

/// One event on its way; the place is free again when this is dropped.
#[derive(Debug)]
pub struct Slot {
    count: Arc<Count>,
    weight: u32,
    _gauge: GaugeGuard,
}

impl InFlight {
    /// Takes a place. The reader checks [`InFlight::poll_free`] before it reads the next event.
    #[must_use]
    pub fn take(&self, metrics: &Metrics) -> Slot {
        self.take_places(1, metrics)
    }

    /// Takes every place, for an event whose answer is large: nothing behind it is read before it is answered.
    #[must_use]
    pub fn take_all(&self, metrics: &Metrics) -> Slot {
        self.take_places(IN_FLIGHT_MAX, metrics)
    }

    fn take_places(&self, weight: u32, metrics: &Metrics) -> Slot {
        self.0.taken.fetch_add(weight, Ordering::AcqRel);
        Slot { count: Arc::clone(&self.0), weight, _gauge: GaugeGuard::raise(&metrics.events_in_flight) }
    }

    /// Ready when another event may be read.
    pub fn poll_free(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.taken.load(Ordering::Acquire) < IN_FLIGHT_MAX {
            return Poll::Ready(());
        }
        self.0.reader.register(cx.waker());
        // A slot may have been given back between the look and the registration.
        if self.0.taken.load(Ordering::Acquire) < IN_FLIGHT_MAX { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Whether the cap is reached, so that the client is not read.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.taken.load(Ordering::Acquire) >= IN_FLIGHT_MAX
    }

    /// Waits until no event is on its way.
    pub async fn idle(&self) {
        std::future::poll_fn(|cx| {
            self.0.drain.register(cx.waker());
            if self.0.taken.load(Ordering::Acquire) == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let before = self.count.taken.fetch_sub(self.weight, Ordering::AcqRel);
        let after = before - self.weight;
        if before >= IN_FLIGHT_MAX && after < IN_FLIGHT_MAX {
            self.count.reader.wake();
        }
        if after == 0 {
            self.count.drain.wake();
        }
    }
}
