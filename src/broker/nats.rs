//! NATS: one connection, and one subscription per topic that this node receives.
//!
//! Delivery is at most once, which is all that is needed (see [`crate::broker`]). It reports each possible loss: a
//! connection that broke, or a subscription that overflowed.

use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use async_nats::{Client, ConnectOptions, Event, ServerAddr, Subscriber, connection::State};
use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{AbortHandle, Abortable, FusedStream, SelectAll, Stream, abortable},
};
use tokio::sync::{Notify, mpsc};

use super::{
    BadNatsUrl,
    subject::{Subjects, Topic},
};

/// Events of one topic that wait for this node. Further ones are lost, and reported as a loss.
const TOPIC_EVENTS_MAX: usize = 1024;

/// A server that does not answer for three of these counts as down: a network that drops all packets closes no connection.
const PING_INTERVAL: Duration = Duration::from_secs(1);

/// How long one try to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Longest pause between two tries to connect.
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(1);

/// The way to NATS: publishes, subscribes and unsubscribes.
pub struct Nats {
    client: Client,
    subjects: Subjects,
    topics: HashMap<Topic, AbortHandle>,
    added: mpsc::UnboundedSender<Abortable<Subscriber>>,
}

/// What comes from NATS.
pub struct Arrivals {
    client: Client,
    subscriptions: SelectAll<Abortable<Subscriber>>,
    added: mpsc::UnboundedReceiver<Abortable<Subscriber>>,
    signs: Arc<Signs>,
    reported: Option<(bool, u64)>,
}

/// Something that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NatsEvent {
    /// Payloads, in each topic in the order in which one node published them.
    Events(Vec<Bytes>),
    /// How the connection stands now. Since the last one events may have been lost.
    Link {
        /// Whether there is a connection.
        up: bool,
    },
}

/// What the connection reports from its own tasks.
#[derive(Debug, Default)]
struct Signs {
    changes: AtomicU64,
    changed: Notify,
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nats").field("topics", &self.topics.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrivals").field("topics", &self.subscriptions.len()).finish_non_exhaustive()
    }
}

/// Checks addresses.
///
/// # Errors
/// [`BadNatsUrl::NoAddress`].
pub fn check_addresses(urls: &str) -> Result<(), BadNatsUrl> {
    addresses(urls).map(|_| ())
}

fn addresses(urls: &str) -> Result<Vec<ServerAddr>, BadNatsUrl> {
    urls.split(',').map(|url| url.trim().parse().map_err(|_| BadNatsUrl::NoAddress)).collect()
}

/// Begins to connect, and retries without an end: a node also starts without NATS. The connection lives on the runtime that
/// calls this, and ends with it.
///
/// # Errors
/// [`BadNatsUrl::NoAddress`].
pub async fn connect(urls: &str, subjects: Subjects) -> Result<(Nats, Arrivals), BadNatsUrl> {
    let signs = Arc::new(Signs::default());
    let of_events = Arc::clone(&signs);
    let options = ConnectOptions::new()
        .name("haggle")
        .retry_on_initial_connect()
        // What this node publishes it knows already.
        .no_echo()
        .subscription_capacity(TOPIC_EVENTS_MAX)
        .ping_interval(PING_INTERVAL)
        .connection_timeout(CONNECT_TIMEOUT)
        .reconnect_delay_callback(|tries| {
            let tries = u32::try_from(tries).unwrap_or(u32::MAX).min(10);
            (Duration::from_millis(10) * 2_u32.pow(tries)).min(RECONNECT_DELAY_MAX)
        })
        .event_callback(move |event| {
            match &event {
                Event::Connected => log::info!("connected to NATS"),
                Event::Disconnected => log::warn!("lost the connection to NATS"),
                Event::SlowConsumer(_) => {}
                // Errors of a server name subjects and addresses at most; its own words stay out of the log.
                Event::ServerError(_) => log::warn!("NATS reports an error"),
                _ => {}
            }
            if matches!(event, Event::Connected | Event::Disconnected | Event::SlowConsumer(_)) {
                of_events.changes.fetch_add(1, Ordering::AcqRel);
                of_events.changed.notify_one();
            }
            std::future::ready(())
        });
    let client = options.connect(addresses(urls)?).await.map_err(|_| BadNatsUrl::NoAddress)?;
    let (added, subscriptions) = mpsc::unbounded_channel();
    let nats = Nats { client: client.clone(), subjects, topics: HashMap::new(), added };
    let arrivals = Arrivals { client, subscriptions: SelectAll::new(), added: subscriptions, signs, reported: None };
    Ok((nats, arrivals))
}

impl Nats {
    /// Whether there is a connection now.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Subscribes to a topic. Without a connection the subscription is made with the next one.
    pub async fn watch(&mut self, topic: Topic) {
        if self.topics.contains_key(&topic) {
            return;
        }
        match self.client.subscribe(self.subjects.of(&topic)).await {
            Ok(subscription) => {
                let (subscription, end) = abortable(subscription);
                // Its reader has ended only while the server shuts down.
                let _ = self.added.send(subscription);
                self.topics.insert(topic, end);
            }
            Err(error) => log::warn!("NATS did not take a subscription: {error}"),
        }
    }

    /// Hears of a topic no more.
    pub fn unwatch(&mut self, topic: &Topic) {
        if let Some(end) = self.topics.remove(topic) {
            end.abort();
        }
    }

    /// Publishes. Returns `false` without a connection: other nodes read late events from the database instead.
    pub async fn publish(&self, topic: &Topic, payload: Vec<u8>) -> bool {
        self.is_up() && self.client.publish(self.subjects.of(topic), payload.into()).await.is_ok()
    }

    /// Waits until what was published is on its way.
    pub async fn flush(&self) {
        if self.is_up() {
            let _ = self.client.flush().await;
        }
    }
}

impl Arrivals {
    /// Waits for what comes next: up to `events_max` events that are there already, or another state of the connection.
    /// `None` when nothing can come any more.
    pub async fn next(&mut self, events_max: usize) -> Option<NatsEvent> {
        loop {
            let changes = self.signs.changes.load(Ordering::Acquire);
            let now = (self.client.connection_state() == State::Connected, changes);
            if self.reported != Some(now) {
                self.reported = Some(now);
                return Some(NatsEvent::Link { up: now.0 });
            }
            tokio::select! {
                biased;
                () = self.signs.changed.notified() => {}
                added = self.added.recv() => self.subscriptions.push(added?),
                Some(first) = NextEvent(&mut self.subscriptions) => {
                    let mut events = vec![first.payload];
                    while events.len() < events_max {
                        match futures_util::FutureExt::now_or_never(self.subscriptions.next()) {
                            Some(Some(event)) => events.push(event.payload),
                            _ => break,
                        }
                    }
                    return Some(NatsEvent::Events(events));
                }
            }
        }
    }
}

/// The next event of any subscription. Without a subscription it waits, where the stream itself would end.
struct NextEvent<'a>(&'a mut SelectAll<Abortable<Subscriber>>);

impl Future for NextEvent<'_> {
    type Output = Option<async_nats::Message>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0.is_terminated() {
            return Poll::Pending;
        }
        match Pin::new(&mut *self.0).poll_next(cx) {
            Poll::Ready(None) => Poll::Pending,
            other => other,
        }
    }
}
