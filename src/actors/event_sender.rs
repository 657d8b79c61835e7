//! Sends the marketplace's backend the events that it wants by webhook, in the order of commits.
//!
//! Once per second it looks at what was committed after the place that the webhook has reached, and posts it, a batch after the
//! other, until nothing is left. It reads like any other reader and writes one row per batch, so no message waits for it. A batch
//! that is not taken is tried again with backoff, and everything after it waits: the order is kept. Of several nodes the one that
//! has the claim sends.

use std::{pin::pin, sync::Arc};

use futures_util::future::{Either, select};
use tokio::sync::oneshot::{self, error::TryRecvError};

use crate::{
    actors::{
        db_executor::{
            Database,
            purpose::{Reading, Writing},
        },
        webhook::{Backoff, Webhook},
    },
    clock::Clock,
    db::{self, DbError, Deliverable, DeliveryOutcome, EventDelivery, Scope},
    domain::{Account, EventCursor, Timestamp, WebhookEvents},
    metrics::Metrics,
};

/// How often it looks for what was committed.
const LOOK_INTERVAL_MS: i64 = 1000;

/// Events of a request.
const BATCH_EVENTS_MAX: i64 = 250;

/// What the events of a request weigh, unless it is one: many servers take bodies of 100 KiB when nobody has set a limit.
const BATCH_BYTES_MAX: usize = 64 * 1024;

/// Nothing but the order is lost by a short wait: a backend that is up again has a day of events to take.
const BACKOFF: Backoff = Backoff { ms_min: 1000, ms_max: 60_000 };

/// Lease of a try: for this long the events are one node's to send. Longer than a try may take.
const CLAIM_MS: i64 = 60_000;

/// How often a place is stored that was reached without sending anything.
const SAVE_INTERVAL_MS: i64 = 60_000;

/// Sends events.
#[derive(Debug)]
pub struct EventSender {
    pub webhook: Webhook,
    pub events: WebhookEvents,
    pub database: Database,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    /// Other nodes look at the same events.
    pub among_nodes: bool,
}

/// When to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    AtOnce,
    Later,
}

/// What is in memory alone: a restart looks at some events again, and sends some again.
#[derive(Debug)]
struct Progress {
    /// Everything up to there was sent, or is not to be.
    passed: EventCursor,
    /// When the place is next stored without anything being sent.
    save_at: Timestamp,
    /// No try before that, also where the wait could not be stored.
    wait_until: Timestamp,
}

impl EventSender {
    /// Sends until `stopped` is answered or dropped. A try under way is finished first.
    pub async fn run(self, mut stopped: oneshot::Receiver<()>) {
        let now = self.clock.now();
        let save_at = now.plus_ms(SAVE_INTERVAL_MS);
        let mut progress = Progress { passed: EventCursor::default(), save_at, wait_until: now };
        loop {
            let next = self.clock.now().plus_ms(LOOK_INTERVAL_MS);
            // What was committed by now is settled once. After that the tail settles in its own time.
            let mut scope = Scope::Everything;
            while self.look(&mut progress, scope).await == Next::AtOnce {
                if !matches!(stopped.try_recv(), Err(TryRecvError::Empty)) {
                    return;
                }
                scope = Scope::Nothing;
            }
            if let Either::Left(_) = select(&mut stopped, pin!(self.clock.sleep_until(next))).await {
                return;
            }
        }
    }

    async fn look(&self, progress: &mut Progress, scope: Scope) -> Next {
        let (events, passed, now) = (self.events, progress.passed, self.clock.now());
        let find = Reading::heavy(Account::Server, "find_deliverable");
        let found = self.database.read(find, scope, move |conn| {
            db::find_deliverable(conn, events, passed, now, BATCH_EVENTS_MAX, BATCH_BYTES_MAX)
        });
        match found.await {
            Ok(Some(found)) => {
                self.metrics.webhook_event_looks.inc();
                let oldest_ms = found.page.items.first().map_or(0, |event| now.0 - event.at.0);
                self.metrics.webhook_events_pending.set(found.pending);
                self.metrics.webhook_events_oldest.set(oldest_ms.max(0) / 1000);
                self.deliver(progress, found).await
            }
            Ok(None) => Next::Later,
            Err(error) => {
                log::warn!("events could not be looked at for the webhook: {error}");
                Next::Later
            }
        }
    }

    async fn deliver(&self, progress: &mut Progress, found: Deliverable) -> Next {
        let Deliverable { delivery, page, .. } = found;
        let now = self.clock.now();
        if page.items.is_empty() {
            progress.passed = page.next;
            if progress.save_at <= now && delivery.is_before(page.next) {
                progress.save_at = now.plus_ms(SAVE_INTERVAL_MS);
                self.finish(delivery, DeliveryOutcome::Taken(page.next), false).await;
            }
            return if page.has_more { Next::AtOnce } else { Next::Later };
        }
        if !delivery.is_due(now) || now < progress.wait_until {
            return Next::Later;
        }
        let Some(delivery) = self.claim(delivery).await else { return Next::Later };
        match self.webhook.send_events(&page, BATCH_BYTES_MAX, now).await {
            Ok(taken) => {
                progress.passed = taken.up_to;
                self.finish(delivery, DeliveryOutcome::Taken(taken.up_to), true).await;
                self.metrics.webhook_events_sent.inc_by(taken.count as u64);
                if page.has_more || taken.up_to != page.next {
                    return Next::AtOnce;
                }
                self.metrics.webhook_events_pending.set(0);
                self.metrics.webhook_events_oldest.set(0);
            }
            Err(error) => {
                // The first and every tenth: a backend that is down would fill the log.
                if delivery.attempts() % 10 == 0 {
                    log::warn!("events were not taken by the webhook at try {}: {error}", delivery.attempts() + 1);
                }
                progress.wait_until = BACKOFF.next_try(delivery.attempts(), self.clock.now());
                self.finish(delivery, DeliveryOutcome::Retry(progress.wait_until), true).await;
                self.metrics.webhook_event_failures.inc();
            }
        }
        Next::Later
    }

    /// Takes a try in hand. `None` where it is another node's.
    async fn claim(&self, delivery: EventDelivery) -> Option<EventDelivery> {
        if !self.among_nodes {
            return Some(delivery);
        }
        let until = self.clock.now().plus_ms(CLAIM_MS);
        let claim = Writing::background("claim_events");
        let claimed = self.database.write(claim, Scope::Nothing, move |conn| db::claim_events(conn, delivery, until));
        claimed.await.unwrap_or_else(|error: DbError| {
            log::warn!("events for the webhook could not be taken in hand: {error}");
            None
        })
    }

    /// Stores what a try came to, or (where nothing was sent) how far there is nothing to send.
    async fn finish(&self, delivery: EventDelivery, outcome: DeliveryOutcome, is_sent: bool) {
        let now = self.clock.now();
        let finish = Writing::background("finish_events");
        let write = move |conn: &mut db::Connection| db::finish_events(conn, delivery, outcome, now);
        match self.database.write(finish, Scope::Nothing, write).await {
            Ok(true) => {}
            Ok(false) => match outcome {
                DeliveryOutcome::Taken(_) if is_sent => {
                    log::warn!("another node has gone on with the webhook's events: some may be sent twice");
                }
                DeliveryOutcome::Retry(_) => {
                    log::info!(
                        "another node has gone on with the webhook's events, which were not taken from this one"
                    );
                }
                // The place of the other node is as good.
                DeliveryOutcome::Taken(_) => {}
            },
            Err(error) => log::warn!("how far the webhook has come could not be stored: {error}"),
        }
    }
}
