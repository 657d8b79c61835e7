//! Offers that nobody answers end in time: when the next one does, and a sweep in case a look has failed.

use std::time::Duration;

use super::{batch::PendingWrite, effects::Effects, request::ReplyTo, timer::Timer};
use crate::{db::Write, domain::Timestamp};

/// How often the sweep looks by itself: after a failure of the database, which it would otherwise not come back from.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// When the next offer expires; `None` while that is being found out, and while none waits.
#[derive(Debug, Default)]
pub(super) struct OfferExpiry(Option<Timestamp>);

impl OfferExpiry {
    /// What ends the offers that expired since the server last ran; its outcome says when the next one expires.
    pub(super) fn start(now: Timestamp, out: &mut Effects) -> PendingWrite {
        out.after(SWEEP_INTERVAL, Timer::SweepOffers);
        sweep(now)
    }

    /// Looks again, where no end of an offer is awaited.
    #[must_use]
    pub(super) fn sweep_again(&self, now: Timestamp, out: &mut Effects) -> Option<PendingWrite> {
        out.after(SWEEP_INTERVAL, Timer::SweepOffers);
        self.0.is_none_or(|next| next <= now).then(|| sweep(now))
    }

    /// Remembers when the next offer expires.
    pub(super) fn await_next(&mut self, at: Timestamp, out: &mut Effects) {
        if self.0.is_some_and(|next| next <= at) {
            return;
        }
        self.0 = Some(at);
        out.at(at, Timer::OffersExpire(at));
    }

    /// The time of an offer has come.
    #[must_use]
    pub(super) fn expire(&mut self, at: Timestamp, now: Timestamp) -> Option<PendingWrite> {
        if self.0 != Some(at) {
            return None;
        }
        self.0 = None;
        Some(sweep(now))
    }
}

fn sweep(now: Timestamp) -> PendingWrite {
    PendingWrite { write: Write::ExpireOffers { at: now }, room: None, reply: ReplyTo::Nobody }
}
