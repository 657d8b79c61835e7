//! Every metric, its unit and its help text. `GET /metrics` writes them in the OpenMetrics text format.

#![warn(missing_docs)]

pub(crate) mod reasons;
mod step;

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

pub use step::{SharedThread, Step, StepLabels, StepTimes};

/// One label that says why.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Reason {
    /// A name from a fixed list, never something that a client chose.
    pub reason: &'static str,
}

/// A counter for each reason.
pub type Reasons = Family<Reason, Counter<u64, AtomicU64>>;

/// What the server counts. One per server, so that several in one process don't mix.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Open TCP connections.
    pub connections: Gauge<i64, AtomicI64>,
    /// Connections that became WebSockets, until their TCP has ended.
    pub websockets: Gauge<i64, AtomicI64>,
    /// Live sessions.
    pub sessions: Gauge<i64, AtomicI64>,
    /// Rooms in memory.
    pub rooms: Gauge<i64, AtomicI64>,
    /// Messages committed.
    pub messages: Counter<u64, AtomicU64>,
    /// Events written to a session's outbox.
    pub deliveries: Counter<u64, AtomicU64>,
    /// Changes waiting for the writer.
    pub writes_pending: Gauge<i64, AtomicI64>,
    /// Changes in one committed batch.
    pub commit_batch_size: Histogram,
    /// Seconds from handing a batch to the writer until its commit.
    pub commit_seconds: Histogram,
    /// Batches that failed as a whole.
    pub commit_failures: Counter<u64, AtomicU64>,
    /// Messages that are committed and wait to be settled.
    pub messages_unsettled: Gauge<i64, AtomicI64>,
    /// Permits of the database's queue in use.
    pub database_queue: Gauge<i64, AtomicI64>,
    /// Operations that the database's readers were asked for.
    pub database_reads: Counter<u64, AtomicU64>,
    /// Sessions and connections that the server ended.
    pub evictions: Reasons,
    /// Handshakes and requests refused for who they are.
    pub auth_failures: Reasons,
    /// Events and requests refused for their rate or number.
    pub rate_limited: Reasons,
    /// Times that messages were looked through for unread ones.
    pub notification_looks: Counter<u64, AtomicU64>,
    /// Notifications in the outbox.
    pub notifications_pending: Gauge<i64, AtomicI64>,
    /// Seconds since the oldest of them was written.
    pub notifications_oldest: Gauge<i64, AtomicI64>,
    /// Notifications that the webhook has taken.
    pub notifications_delivered: Counter<u64, AtomicU64>,
    /// Tries that the webhook did not take.
    pub notification_failures: Counter<u64, AtomicU64>,
    /// Notifications that are not tried any more.
    pub notifications_given_up: Counter<u64, AtomicU64>,
    /// Times that events were looked at for the webhook.
    pub webhook_event_looks: Counter<u64, AtomicU64>,
    /// Events that the webhook has not taken.
    pub webhook_events_pending: Gauge<i64, AtomicI64>,
    /// Seconds since the oldest of them was committed.
    pub webhook_events_oldest: Gauge<i64, AtomicI64>,
    /// Events that the webhook has taken.
    pub webhook_events_sent: Counter<u64, AtomicU64>,
    /// Requests with events that the webhook did not take.
    pub webhook_event_failures: Counter<u64, AtomicU64>,
    /// Times that subscriptions were looked for to which something is to be pushed.
    pub web_push_looks: Counter<u64, AtomicU64>,
    /// Pushes that wait.
    pub web_pushes_pending: Gauge<i64, AtomicI64>,
    /// Seconds since the oldest of them was queued.
    pub web_pushes_oldest: Gauge<i64, AtomicI64>,
    /// Tries to push, by what became of them.
    pub web_pushes: Reasons,
    /// What became of the questions about messages before they are stored.
    pub screen_verdicts: Reasons,
    /// Whether the marketplace does not answer these, and is not waited for.
    pub screen_open: Gauge<i64, AtomicI64>,
    /// Nodes that are reachable, including this one.
    pub nodes: Gauge<i64, AtomicI64>,
    /// Whether there is a connection to NATS.
    pub nats_up: Gauge<i64, AtomicI64>,
    /// Events published to other nodes.
    pub node_events_published: Counter<u64, AtomicU64>,
    /// Events that could not be published. Other nodes find them in the database.
    pub node_events_unsent: Counter<u64, AtomicU64>,
    /// Events of other nodes.
    pub node_events_received: Counter<u64, AtomicU64>,
    /// Messages read from the database since no other node's word of them had come.
    pub messages_made_good: Counter<u64, AtomicU64>,
    /// Seconds that one step took on a thread that many share, by thread.
    steps: Arc<step::Steps>,
    /// Events sent by clients and taken up, by none in flight left at zero.
    pub events_in_flight: Gauge<i64, AtomicI64>,
    /// Requests that bring an image, until they are answered.
    pub image_uploads: Gauge<i64, AtomicI64>,
    /// Images put into the store, each with its thumbnail.
    pub images_stored: Counter<u64, AtomicU64>,
    /// Times that the image store did not keep or hand out an image.
    pub image_store_failures: Counter<u64, AtomicU64>,
}

impl Default for Metrics {
    #[expect(clippy::too_many_lines, reason = "a table: one row per metric")]
    fn default() -> Self {
        let mut registry = Registry::with_prefix("haggle");
        macro_rules! register {
            ($name:literal, $help:literal) => {
                register!($name, $help, Default::default())
            };
            ($name:literal, $help:literal, $metric:expr) => {{
                let metric = $metric;
                registry.register($name, $help, Clone::clone(&metric));
                metric
            }};
            (seconds $name:literal, $help:literal, $metric:expr) => {{
                let metric = $metric;
                registry.register_with_unit($name, $help, Unit::Seconds, Clone::clone(&metric));
                metric
            }};
        }
        let step_seconds = Family::<StepLabels, Histogram>::new_with_constructor(step::histogram);
        let help = "Time that one step took on a thread that many share, by thread";
        registry.register_with_unit("step", help, Unit::Seconds, step_seconds.clone());
        let steps = Arc::new(step::Steps::new(&step_seconds));
        Self {
            connections: register!("connections", "Open TCP connections"),
            websockets: register!("websockets", "Open WebSockets, or those that are about to"),
            sessions: register!("sessions", "Live sessions"),
            rooms: register!("rooms", "Rooms in memory"),
            messages: register!("messages", "Messages committed"),
            deliveries: register!("deliveries", "Events written to sessions"),
            writes_pending: register!("writes_pending", "Changes waiting for the writer"),
            commit_batch_size: register!(
                "commit_batch_size",
                "Changes in one committed batch",
                Histogram::new(exponential_buckets(1.0, 2.0, 12))
            ),
            commit_seconds: register!(
                seconds "commit",
                "Time from handing a batch to the writer until its commit",
                Histogram::new(exponential_buckets(0.0005, 2.0, 14))
            ),
            steps,
            commit_failures: register!("commit_failures", "Batches that failed as a whole"),
            messages_unsettled: register!(
                "messages_unsettled",
                "Committed messages of a SQLite file that wait to be settled"
            ),
            database_queue: register!("database_queue", "Operations at the database or waiting for it"),
            database_reads: register!("database_reads", "Operations that only read the database"),
            evictions: register!(
                "evictions",
                "Sessions and connections that the server ended, by reason",
                family(&reasons::EVICTIONS)
            ),
            auth_failures: register!(
                "auth_failures",
                "Handshakes and requests whose token was refused, by reason",
                family(&reasons::AUTH_FAILURES)
            ),
            rate_limited: register!(
                "rate_limited",
                "Events, requests and connections over a limit, by limit",
                family(&reasons::RATE_LIMITED)
            ),
            notification_looks: register!("notification_looks", "Times that unread messages were looked for"),
            notifications_pending: register!("notifications_pending", "Notifications in the outbox"),
            notifications_oldest: register!(
                seconds "notifications_oldest",
                "Time since the oldest notification in the outbox was written",
                Gauge::default()
            ),
            notifications_delivered: register!("notifications_delivered", "Notifications that the webhook has taken"),
            notification_failures: register!("notification_failures", "Tries that the webhook did not take"),
            notifications_given_up: register!("notifications_given_up", "Notifications that are not tried any more"),
            webhook_event_looks: register!(
                "webhook_event_looks",
                "Times that committed events were looked at for the webhook"
            ),
            webhook_events_pending: register!(
                "webhook_events_pending",
                "Events that the webhook has not taken, counted up to 10,000"
            ),
            webhook_events_oldest: register!(
                seconds "webhook_events_oldest",
                "Time since the oldest event that the webhook has not taken was committed",
                Gauge::default()
            ),
            webhook_events_sent: register!("webhook_events_sent", "Events that the webhook has taken"),
            webhook_event_failures: register!(
                "webhook_event_failures",
                "Requests with events that the webhook did not take"
            ),
            web_push_looks: register!("web_push_looks", "Times that browsers were looked for that are to be pushed to"),
            web_pushes_pending: register!("web_pushes_pending", "Pushes to browsers that wait"),
            web_pushes_oldest: register!(
                seconds "web_pushes_oldest",
                "Time since the oldest push that waits was queued",
                Gauge::default()
            ),
            web_pushes: register!(
                "web_pushes",
                "Tries to push to a browser, by what became of them",
                family(&reasons::WEB_PUSHES)
            ),
            screen_verdicts: register!(
                "screen_verdicts",
                "Messages that the marketplace was asked about before they were stored, by what came of it",
                family(&reasons::SCREEN_VERDICTS)
            ),
            screen_open: register!("screen_open", "Whether --screen-url does not answer and is not waited for: 1 or 0"),
            nodes: register!("nodes", "Nodes of the cluster that are heard of, this one among them; 0 without NATS"),
            nats_up: register!("nats_up", "Whether there is a connection to NATS: 1 or 0"),
            node_events_published: register!("node_events_published", "Events published to other nodes"),
            node_events_unsent: register!("node_events_unsent", "Events that other nodes have to find in the database"),
            node_events_received: register!("node_events_received", "Events that other nodes published"),
            messages_made_good: register!(
                "messages_made_good",
                "Messages of other nodes that were read from the database, since their events had not arrived"
            ),
            events_in_flight: register!("events_in_flight", "Events taken up and not yet answered"),
            image_uploads: register!("image_uploads", "Uploads of images under way"),
            images_stored: register!("images_stored", "Images put into the image store"),
            image_store_failures: register!(
                "image_store_failures",
                "Times that the image store did not keep or hand out an image"
            ),
            registry,
        }
    }
}

impl Metrics {
    /// All of them in the OpenMetrics text format.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut out = String::new();
        // Writing to a String can't fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }

    /// How long steps took, by thread.
    #[must_use]
    pub fn step_times(&self) -> Vec<StepTimes> {
        StepTimes::read(&self.encode())
    }
}

fn family(reasons: &[&'static str]) -> Reasons {
    let family = Reasons::default();
    for &reason in reasons {
        drop(family.get_or_create(&Reason { reason }));
    }
    family
}

/// Counts one for a reason, which must be in the family's list.
pub fn count(reasons: &Reasons, reason: &'static str) {
    debug_assert!(reasons.get(&Reason { reason }).is_some(), "metrics/reasons.rs does not have {reason}");
    reasons.get_or_create(&Reason { reason }).inc();
}

/// A gauge that goes up now and down when this is dropped, so that it can't drift.
#[derive(Debug)]
pub struct GaugeGuard(Gauge<i64, AtomicI64>);

impl GaugeGuard {
    /// Raises the gauge by one until the guard is dropped.
    #[must_use]
    pub fn raise(gauge: &Gauge<i64, AtomicI64>) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}
