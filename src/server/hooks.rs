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
        push_service::PushService,
        screener::Screener,
        web_pusher::WebPusher,
        webhook::Webhook,
    },
    auth::{ImageUrls, VapidKey, vapid::BadVapidKey, webhook_signature::WebhookSigner},
    clock::Clock,
    config::{Config, PushTarget, WebhookTarget},
    db::{self, DbError},
    domain::{Timestamp, WebhookEvent, WebhookEvents},
    http::state::AppState,
    metrics::Metrics,
};

/// What happened before the webhook or push is first used is not sent.
pub(super) fn begin(config: &Config, conn: &mut db::Connection, now: Timestamp) -> Result<(), DbError> {
    let events = config.webhook.as_ref().map(|target| target.events);
    if config.push.is_some() || events.is_some_and(|events| events.has(WebhookEvent::Unread)) {
        db::begin_notifications(conn)?;
    }
    if events.is_some_and(WebhookEvents::has_streamed) {
        db::begin_event_delivery(conn, now)?;
    }
    Ok(())
}

fn webhook(target: &WebhookTarget, state: &AppState) -> Webhook {
    let signer = WebhookSigner::new(target.secret.expose());
    Webhook::new(&target.url, signer, Arc::clone(&state.image_urls) as _)
}

/// What sends by itself: how it is stopped, when it has ended, and its thread.
pub(super) type Sending = (oneshot::Sender<()>, oneshot::Receiver<()>, Arbiter);

/// Starts what sends. On a thread of its own, so that a request under way does not hold up the end of the process.
fn start_sending<F: Future<Output = ()> + 'static>(
    run: impl FnOnce(oneshot::Receiver<()>) -> F + Send + 'static,
) -> Sending {
    let (stop, stopped) = oneshot::channel();
    let (end, ended) = oneshot::channel::<()>();
    let thread = Arbiter::new();
    thread.spawn_fn(move || {
        actix_web::rt::spawn(async move {
            let _end = end;
            run(stopped).await;
        });
    });
    (stop, ended, thread)
}

/// Starts what sends events.
pub(super) fn start_event_sender(state: &AppState) -> Option<Sending> {
    let target = state.config.webhook.as_ref().filter(|target| target.events.has_streamed())?;
    let sender = EventSender {
        webhook: webhook(target, state),
        events: target.events,
        database: state.database.clone(),
        clock: state.clock.clone(),
        metrics: Arc::clone(&state.metrics),
        among_nodes: state.config.nats_url.is_some(),
    };
    Some(start_sending(|stopped| sender.run(stopped)))
}

/// What calls push services, where the operator has given a key.
pub(super) fn push_service(target: Option<&PushTarget>) -> Result<Option<Arc<PushService>>, BadVapidKey> {
    let Some(PushTarget { key, subject, allow_private, .. }) = target else { return Ok(None) };
    let key = VapidKey::from_pem(key.expose())?;
    Ok(Some(Arc::new(PushService::new(key, subject, *allow_private))))
}

/// Starts what pushes to browsers.
pub(super) fn start_web_pusher(state: &AppState) -> Option<Sending> {
    let web_pusher = WebPusher {
        service: state.push_service.clone()?,
        image_urls: Arc::clone(&state.image_urls) as _,
        database: state.database.clone(),
        clock: state.clock.clone(),
        metrics: Arc::clone(&state.metrics),
        among_nodes: state.config.nats_url.is_some(),
    };
    Some(start_sending(|stopped| web_pusher.run(stopped)))
}

/// Starts what finds unread messages, for the webhook and for push.
pub(super) fn start_notifier(state: &AppState) -> Option<(Addr<Notifier>, Arbiter)> {
    let target = state.config.webhook.as_ref().filter(|target| target.events.has(WebhookEvent::Unread));
    let push = state.config.push.as_ref();
    // Both have the same option.
    let after = target.map(|target| target.notify_unread_after).or(push.map(|push| push.notify_unread_after))?;
    let (webhook, pushes) = (target.map(|target| webhook(target, state)), push.is_some());
    let database = state.database.clone();
    let (clock, metrics) = (state.clock.clone(), Arc::clone(&state.metrics));
    let among_nodes = state.config.nats_url.is_some();
    let thread = Arbiter::new();
    let notifier = Notifier::start_in_arbiter(&thread.handle(), move |_| {
        Notifier::new((webhook, pushes), after, database, clock, metrics, among_nodes)
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
