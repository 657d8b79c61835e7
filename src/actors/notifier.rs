//! `Notifier`: finds messages that stay unread, and notifies the marketplace's backend of them by webhook.
//!
//! It lives on an arbiter of its own. Once per second it looks through the messages that have become old enough. It writes a
//! notification into the outbox for each member who has not read theirs. It delivers those that are due: at least once each,
//! a few at a time, with backoff after failures. The outbox is a table, so a restart loses nothing. What is to be pushed to
//! browsers is queued in the same transaction; `web_pusher` delivers it.

pub mod messages;

use std::{collections::HashSet, sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler, ResponseFuture, WrapFuture, fut::ActorFutureExt as _};
use tokio::sync::oneshot;

use crate::{
    actors::{
        db_executor::{
            Database,
            purpose::{Reading, Writing},
        },
        webhook::{Backoff, NotDelivered, Webhook},
    },
    clock::Clock,
    db::{self, DbError, DueNotification, NotificationOutcome, NotificationsPending, NotifyBy},
    domain::{Account, Timestamp},
    metrics::Metrics,
};
use messages::StopNotifier;

/// How often it looks for messages that have become old enough.
const LOOK_INTERVAL_MS: i64 = 1000;

/// Tries under way at once. A backend that answers in 50 ms is sent 160 notifications per second.
const TRIES_MAX: usize = 8;

/// Waits after failures.
const BACKOFF: Backoff = Backoff { ms_min: 5_000, ms_max: 10 * 60_000 };

/// When a notification expires, and a message that has not led to one is given up. A backend that was down for longer reads
/// the events instead.
const GIVE_UP_MS: i64 = 3 * 24 * 3_600_000;

/// Lease of a try: for this long it belongs to one node. Longer than a try may take.
const CLAIM_MS: i64 = 60_000;

/// Notifies of unread messages.
#[derive(Debug)]
pub struct Notifier {
    /// `None` where only browsers are notified.
    webhook: Option<Arc<Webhook>>,
    /// Browsers are notified, too.
    pushes: bool,
    /// Other nodes look through the same messages.
    among_nodes: bool,
    unread_after_ms: i64,
    database: Database,
    clock: Clock,
    metrics: Arc<Metrics>,
    /// Notifications that are being tried.
    trying: HashSet<String>,
    /// Notifications whose try ended while a look was under way, which may still find them due.
    tried_meanwhile: HashSet<String>,
    /// A look is under way.
    looking: bool,
    /// Another is to follow.
    look_again: bool,
    /// The requests that wait for its end. It starts nothing new then.
    stopping: Vec<oneshot::Sender<()>>,
}

impl Notifier {
    /// A notifier that has not begun.
    #[must_use]
    pub fn new(
        (webhook, pushes): (Option<Webhook>, bool),
        unread_after: Duration,
        database: Database,
        clock: Clock,
        metrics: Arc<Metrics>,
        among_nodes: bool,
    ) -> Self {
        Self {
            webhook: webhook.map(Arc::new),
            pushes,
            among_nodes,
            unread_after_ms: i64::try_from(unread_after.as_millis()).unwrap_or(i64::MAX),
            database,
            clock,
            metrics,
            trying: HashSet::new(),
            tried_meanwhile: HashSet::new(),
            looking: false,
            look_again: false,
            stopping: Vec::new(),
        }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if !self.stopping.is_empty() {
            return;
        }
        if self.looking {
            self.look_again = true;
            return;
        }
        self.looking = true;
        // Those that are being tried are due as well, and come first.
        let limit = TRIES_MAX + self.trying.len();
        let by = NotifyBy { webhook: self.webhook.is_some(), web_push: self.pushes };
        let look = look(self.database.clone(), self.clock.now(), self.unread_after_ms, by, limit);
        ctx.spawn(look.into_actor(self).map(|looked, notifier, ctx| notifier.looked(looked, ctx)));
    }

    fn looked(&mut self, looked: Result<Looked, DbError>, ctx: &mut Context<Self>) {
        self.looking = false;
        match looked {
            Ok(Looked { due, pending }) => {
                self.metrics.notification_looks.inc();
                let age_ms = pending.oldest.map_or(0, |oldest| self.clock.now().0 - oldest.0);
                self.metrics.notifications_pending.set(pending.count);
                self.metrics.notifications_oldest.set(age_ms.max(0) / 1000);
                for due in due {
                    let is_known = self.trying.contains(due.id()) || self.tried_meanwhile.contains(due.id());
                    if self.stopping.is_empty() && self.trying.len() < TRIES_MAX && !is_known {
                        self.start_try(due, ctx);
                    }
                }
            }
            // The next check comes after one second.
            Err(error) => log::warn!("unread messages could not be looked through: {error}"),
        }
        self.tried_meanwhile.clear();
        if std::mem::take(&mut self.look_again) {
            self.look(ctx);
        }
        self.tell_end();
    }

    fn start_try(&mut self, due: DueNotification, ctx: &mut Context<Self>) {
        // What waits for a webhook that was switched off waits on.
        let Some(webhook) = self.webhook.clone() else { return };
        let id = due.id().to_owned();
        self.trying.insert(id.clone());
        let (database, clock) = (self.database.clone(), self.clock.clone());
        let among_nodes = self.among_nodes;
        let tried = async move {
            if among_nodes && let Some(tried) = claim(&due, &database, &clock).await {
                return tried;
            }
            try_once(due, webhook, database, clock).await
        };
        ctx.spawn(tried.into_actor(self).map(move |tried, notifier, ctx| notifier.tried(&id, &tried, ctx)));
    }

    fn tried(&mut self, id: &str, tried: &Tried, ctx: &mut Context<Self>) {
        self.trying.remove(id);
        if self.looking {
            self.tried_meanwhile.insert(id.to_owned());
        }
        match tried.outcome {
            NotificationOutcome::Delivered => {
                self.metrics.notifications_delivered.inc();
            }
            NotificationOutcome::Retry(_) => {
                self.metrics.notification_failures.inc();
            }
            NotificationOutcome::GivenUp => {
                self.metrics.notification_failures.inc();
                self.metrics.notifications_given_up.inc();
                log::warn!("notification {id} was given up");
            }
            NotificationOutcome::Cancelled | NotificationOutcome::Elsewhere => {}
        }
        match &tried.stored {
            // The next one has a place.
            Ok(()) => self.look(ctx),
            // It stays due, and is tried again at the next look: at least once, not at most.
            Err(error) => log::warn!("what became of notification {id} could not be stored: {error}"),
        }
        self.tell_end();
    }

    fn tell_end(&mut self) {
        if !self.looking && self.trying.is_empty() {
            for waiting in self.stopping.drain(..) {
                // Anyone who waited may have lost patience.
                let _ = waiting.send(());
            }
        }
    }

    /// Checks now, and again after each second of the clock.
    fn look_on(&mut self, ctx: &mut Context<Self>) {
        self.look(ctx);
        let (clock, next) = (self.clock.clone(), self.clock.now().plus_ms(LOOK_INTERVAL_MS));
        let wait = async move { clock.sleep_until(next).await };
        ctx.spawn(wait.into_actor(self).map(|(), notifier, ctx| notifier.look_on(ctx)));
    }
}

impl Actor for Notifier {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.look_on(ctx);
    }
}

impl Handler<StopNotifier> for Notifier {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: StopNotifier, _: &mut Self::Context) -> Self::Result {
        let (done, is_done) = oneshot::channel();
        self.stopping.push(done);
        self.tell_end();
        Box::pin(async move {
            // Fails when the actor has ended, which is an end as well.
            let _ = is_done.await;
        })
    }
}

/// The result of a check.
struct Looked {
    due: Vec<DueNotification>,
    pending: NotificationsPending,
}

async fn look(
    database: Database,
    now: Timestamp,
    unread_after_ms: i64,
    by: NotifyBy,
    limit: usize,
) -> Result<Looked, DbError> {
    let range = now.plus_ms(-unread_after_ms.saturating_add(GIVE_UP_MS))..=now.plus_ms(-unread_after_ms);
    loop {
        let range = range.clone();
        let find = Reading::list(Account::Server, "find_unread");
        let Some(page) = database.read(find, db::Scope::Everything, move |conn| db::find_unread(conn, &range)).await?
        else {
            break;
        };
        let is_full = page.is_full;
        let queue = Writing::background("queue_notifications");
        database.write(queue, db::Scope::Everything, move |conn| db::queue_notifications(conn, &page, by, now)).await?;
        if !is_full {
            break;
        }
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    database
        .read(Reading::list(Account::Server, "list_due_notifications"), db::Scope::Everything, move |conn| {
            let pending = db::count_notifications(conn)?;
            let due = if pending.count == 0 { Vec::new() } else { db::list_due_notifications(conn, now, limit)? };
            Ok(Looked { due, pending })
        })
        .await
}

/// What became of a try, and of writing that down.
struct Tried {
    outcome: NotificationOutcome,
    stored: Result<(), DbError>,
}

/// Takes a notification in hand. Returns what became of it where that is another node's to do.
async fn claim(due: &DueNotification, database: &Database, clock: &Clock) -> Option<Tried> {
    let (claimed, until) = (due.clone(), clock.now().plus_ms(CLAIM_MS));
    let claim = Writing::background("claim_notification");
    match database.write(claim, db::Scope::Nothing, move |conn| db::claim_notification(conn, &claimed, until)).await {
        Ok(true) => None,
        Ok(false) => Some(Tried { outcome: NotificationOutcome::Elsewhere, stored: Ok(()) }),
        Err(error) => Some(Tried { outcome: NotificationOutcome::Elsewhere, stored: Err(error) }),
    }
}

async fn try_once(due: DueNotification, webhook: Arc<Webhook>, database: Database, clock: Clock) -> Tried {
    let outcome = match &due.notification {
        None => NotificationOutcome::Cancelled,
        Some(notification) => match webhook.notify(notification, clock.now()).await {
            Ok(()) => NotificationOutcome::Delivered,
            Err(error) => after_failure(&due, &error, clock.now()),
        },
    };
    let finish = Writing::background("finish_notification");
    let stored =
        database.write(finish, db::Scope::Nothing, move |conn| db::finish_notification(conn, due, outcome)).await;
    Tried { outcome, stored }
}

fn after_failure(due: &DueNotification, error: &NotDelivered, now: Timestamp) -> NotificationOutcome {
    // The first and every tenth: a backend that is down would fill the log.
    if due.attempts() % 10 == 0 {
        log::warn!("notification {} was not delivered at try {}: {error}", due.id(), due.attempts() + 1);
    }
    if now.0 - due.created_at().0 >= GIVE_UP_MS {
        return NotificationOutcome::GivenUp;
    }
    NotificationOutcome::Retry(BACKOFF.next_try(due.attempts(), now))
}
