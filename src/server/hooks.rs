//! What calls the marketplace's backend by itself.

use std::sync::Arc;

use actix::{Actor, Addr, Arbiter};
use tokio::sync::oneshot;

use crate::{
    actors::{
        db_executor::Database,
        event_sender::EventSender,
        message_screen::{MessageScreen, Speakers, refusals::Refusals},
        notifier::Notifier,
        screener::Screener,
        webhook::Webhook,
    },
    auth::{ImageUrls, webhook_signature::WebhookSigner},
    clock::Clock,
    config::{Config, WebhookTarget},
    db::{self, DbError},
    domain::{Timestamp, WebhookEvent},
    http::state::AppState,
    metrics::Metrics,
};

/// What happened before the webhook is first used is not sent.
pub(super) fn begin(target: &WebhookTarget, conn: &mut db::Connection, now: Timestamp) -> Result<(), DbError> {
    if target.events.has(WebhookEvent::Unread) {
        db::begin_notifications(conn)?;
    }
    if target.events.has_streamed() {
        db::begin_event_delivery(conn, now)?;
    }
    Ok(())
}

fn webhook(target: &WebhookTarget, state: &AppState) -> Webhook {
    let signer = WebhookSigner::new(target.secret.expose());
    Webhook::new(&target.url, signer, Arc::clone(&state.image_urls) as _)
}

/// What sends events: how it is stopped, when it has ended, and its thread.
pub(super) type EventSending = (oneshot::Sender<()>, oneshot::Receiver<()>, Arbiter);

/// Starts what sends events. On a thread of its own, so that a request under way does not hold up the end of the process.
pub(super) fn start_event_sender(state: &AppState) -> Option<EventSending> {
    let target = state.config.webhook.as_ref().filter(|target| target.events.has_streamed())?;
    let sender = EventSender {
        webhook: webhook(target, state),
        events: target.events,
        database: state.database.clone(),
        clock: state.clock.clone(),
        metrics: Arc::clone(&state.metrics),
        among_nodes: state.config.nats_url.is_some(),
    };
    let (stop, stopped) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let thread = Arbiter::new();
    thread.spawn(async move {
        let _end: oneshot::Sender<()> = end;
        sender.run(stopped).await;
    });
    Some((stop, ended, thread))
}

/// Starts what notifies of unread messages.
pub(super) fn start_notifier(state: &AppState) -> Option<(Addr<Notifier>, Arbiter)> {
    let target = state.config.webhook.as_ref().filter(|target| target.events.has(WebhookEvent::Unread))?;
    let webhook = webhook(target, state);
    let (after, database) = (target.notify_unread_after, state.database.clone());
    let (clock, metrics) = (state.clock.clone(), Arc::clone(&state.metrics));
    let among_nodes = state.config.nats_url.is_some();
    let thread = Arbiter::new();
    let notifier = Notifier::start_in_arbiter(&thread.handle(), move |_| {
        Notifier::new(webhook, after, database, clock, metrics, among_nodes)
    });
    Some((notifier, thread))
}

/// What asks the marketplace about messages, where it wants to be asked.
pub(super) fn message_screen(
    config: &Config,
    clock: &Clock,
    database: &Database,
    image_urls: &Arc<ImageUrls>,
    metrics: &Arc<Metrics>,
) -> Option<MessageScreen> {
    let target = config.screen.as_ref()?;
    let (signer, bytes_max) = (WebhookSigner::new(target.secret.expose()), config.limits.message_bytes_max);
    Some(MessageScreen {
        screener: Screener::new(&target.url, signer, target.timeout, bytes_max, Arc::clone(metrics)),
        kinds: target.kinds,
        fallback: target.fallback,
        masking: config.masking,
        database: database.clone(),
        clock: clock.clone(),
        image_urls: Arc::clone(image_urls) as _,
        speakers: Speakers::default(),
        refusals: Refusals::default(),
        metrics: Arc::clone(metrics),
    })
}
