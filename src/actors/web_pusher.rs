//! Pushes what stays unread to browsers, by their push services. `notifier` has queued it.
//!
//! Once per second, and after each try, it looks for subscriptions to which something is to be pushed. A user's are tried one after
//! the other, a few users' at a time. A subscription whose push service does not take a push waits with backoff, with all that is for
//! it. Those that fail have half of the tries under way at most, so they can't delay the others. Of several nodes the one that has
//! the claim tries.

use std::{collections::HashMap, future::pending, pin::pin, sync::Arc};

use futures_util::{
    StreamExt as _,
    future::{Either, select},
    stream::FuturesUnordered,
};
use tokio::sync::oneshot;

use crate::{
    actors::{
        db_executor::{
            Database,
            purpose::{Reading, Writing},
        },
        push_service::{LIFETIME_MS, NotPushed, PushService},
        webhook::Backoff,
    },
    clock::Clock,
    db::{self, DbError, DueSubscription, DueWebPush, Scope, WebPushOutcome},
    domain::{Account, UserId},
    metrics::{self, Metrics},
    protocol::view::{Presenter, SignImageUrls, WebPushView},
};

/// How often it looks for what has become due.
const LOOK_INTERVAL_MS: i64 = 1000;

/// Tries under way at once. A push service that answers in 100 ms is sent 160 pushes per second.
const TRIES_MAX: usize = 16;

/// Of these to subscriptions whose last try has failed.
const FAILING_TRIES_MAX: usize = TRIES_MAX / 2;

/// Waits after failures.
const BACKOFF: Backoff = Backoff { ms_min: 15_000, ms_max: 60 * 60_000 };

/// Lease of a try: for this long a subscription belongs to one node. Longer than a try may take.
const CLAIM_MS: i64 = 60_000;

/// Pushes to browsers.
#[derive(Debug)]
pub struct WebPusher {
    pub service: Arc<PushService>,
    pub image_urls: Arc<dyn SignImageUrls>,
    pub database: Database,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    /// Other nodes look at the same subscriptions.
    pub among_nodes: bool,
}

/// A try that has ended.
struct Tried {
    user: UserId,
    /// What became of it is in the database. Otherwise it is still due, and is left alone until the next second.
    is_stored: bool,
}

impl WebPusher {
    /// Pushes until `stopped` is answered or dropped. Tries under way are finished first.
    pub async fn run(self, mut stopped: oneshot::Receiver<()>) {
        let mut tries = FuturesUnordered::new();
        // Whose subscriptions are being tried, and whether their last try failed.
        let mut busy: HashMap<UserId, bool> = HashMap::new();
        let mut next_look = self.clock.now();
        // A try has ended since the last look.
        let mut has_place = false;
        loop {
            let is_time = next_look <= self.clock.now();
            if is_time || has_place {
                if is_time {
                    next_look = self.clock.now().plus_ms(LOOK_INTERVAL_MS);
                }
                for due in self.look(&busy, is_time).await {
                    busy.insert(due.user(), due.failures() > 0);
                    tries.push(self.attempt(due));
                }
            }
            let ended = pin!(async {
                match tries.next().await {
                    Some(tried) => tried,
                    None => pending().await,
                }
            });
            let slept = pin!(self.clock.sleep_until(next_look));
            match select(&mut stopped, select(ended, slept)).await {
                Either::Left(_) => break,
                Either::Right((Either::Left((Tried { user, is_stored }, _)), _)) => {
                    busy.remove(&user);
                    has_place = is_stored;
                }
                Either::Right((Either::Right(_), _)) => has_place = false,
            }
        }
        while tries.next().await.is_some() {}
    }

    async fn look(&self, busy: &HashMap<UserId, bool>, counts: bool) -> Vec<DueSubscription> {
        let failing = busy.values().filter(|is_failing| **is_failing).count();
        let (max, failing_max) = (TRIES_MAX.saturating_sub(busy.len()), FAILING_TRIES_MAX.saturating_sub(failing));
        let (users, now) = (busy.keys().cloned().collect::<Vec<_>>(), self.clock.now());
        let find = Reading::list(Account::Server, "list_due_subscriptions");
        let found = self.database.read(find, Scope::Nothing, move |conn| {
            let due = db::list_due_subscriptions(conn, &users, now, max, failing_max)?;
            Ok::<_, DbError>((due, counts.then(|| db::count_web_pushes(conn)).transpose()?))
        });
        match found.await {
            Ok((due, counted)) => {
                if let Some((count, oldest)) = counted {
                    self.metrics.web_push_looks.inc();
                    self.metrics.web_pushes_pending.set(count);
                    self.metrics.web_pushes_oldest.set(oldest.map_or(0, |oldest| now.0 - oldest.0).max(0) / 1000);
                }
                due
            }
            Err(error) => {
                log::warn!("what is to be pushed could not be looked up: {error}");
                Vec::new()
            }
        }
    }

    async fn attempt(&self, due: DueSubscription) -> Tried {
        let user = due.user();
        let stored = self.try_once(due).await;
        if let Err(error) = &stored {
            log::warn!("what became of a push could not be stored: {error}");
        }
        Tried { user, is_stored: stored.is_ok() }
    }

    async fn try_once(&self, due: DueSubscription) -> Result<(), DbError> {
        if self.among_nodes {
            let (claimed, until) = (due.clone(), self.clock.now().plus_ms(CLAIM_MS));
            let claim = Writing::background("claim_subscription");
            let write = move |conn: &mut db::Connection| db::claim_subscription(conn, &claimed, until);
            if !self.database.write(claim, Scope::Nothing, write).await? {
                // Another node tries it.
                return Ok(());
            }
        }
        let (wanted, now) = (due.clone(), self.clock.now());
        // It counts all that the user has not read, at the user's own turn.
        let find = Reading::list(Account::from(due.user()), "find_web_push");
        let find_push = move |conn: &mut db::Connection| db::find_web_push(conn, &wanted, now);
        let push = self.database.read(find, Scope::User(due.user()), find_push).await?;
        let outcome = match &push {
            Some(push) => self.push(&due, push).await,
            None => WebPushOutcome::Cancelled,
        };
        let (finish, now) = (Writing::background("finish_web_push"), self.clock.now());
        let write = move |conn: &mut db::Connection| db::finish_web_push(conn, &due, push.as_ref(), outcome, now);
        self.database.write(finish, Scope::Nothing, write).await
    }

    async fn push(&self, due: &DueSubscription, push: &DueWebPush) -> WebPushOutcome {
        let Some(content) = &push.push else { return WebPushOutcome::Cancelled };
        let now = self.clock.now();
        if now.0 - push.created_at().0 >= LIFETIME_MS {
            metrics::count(&self.metrics.web_pushes, "given_up");
            return WebPushOutcome::GivenUp;
        }
        let view = WebPushView::of(content, &Presenter::new(now, &*self.image_urls));
        let Ok(plain) = serde_json::to_vec(&view) else { return WebPushOutcome::GivenUp };
        let result = self.service.push(due, push.room(), &plain, now).await;
        // The first and every tenth: a push service that is down would fill the log. That a subscription ends is usual.
        if let Err(error @ (NotPushed::Refused(_) | NotPushed::Later(..))) = &result
            && due.failures() % 10 == 0
        {
            log::warn!("nothing was pushed to subscription {} at try {}: {error}", due.id(), due.failures() + 1);
        }
        let (outcome, counted) = match result {
            Ok(()) => (WebPushOutcome::Delivered, "delivered"),
            Err(NotPushed::Gone) => (WebPushOutcome::Gone, "gone"),
            Err(NotPushed::Refused(_)) => (WebPushOutcome::GivenUp, "refused"),
            Err(NotPushed::Later(_, wait)) => {
                let asked = wait.map_or(now, |wait| now.plus_ms(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)));
                (WebPushOutcome::Retry(BACKOFF.next_try(due.failures(), now).max(asked)), "failed")
            }
        };
        metrics::count(&self.metrics.web_pushes, counted);
        outcome
    }
}
