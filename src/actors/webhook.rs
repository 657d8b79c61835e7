//! One POST to the marketplace's backend, signed and with a deadline, and how long to wait after one that failed. `event_sender` and
//! `notifier` try again.

use std::{sync::Arc, time::Duration};

use thiserror::Error;

use crate::{
    actors::signed_post::SignedPost,
    auth::webhook_signature::WebhookSigner,
    db::EventPage,
    domain::{EventCursor, Timestamp, UnreadNotification},
    protocol::view::{EventBatch, Presenter, SignImageUrls, UnreadNotificationView},
};

/// Longest try, from the connection to the end of the answer.
const POST_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of an answer that are read, so that its connection can be used again. What it says is of no interest.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Where the webhook goes, and how what it carries is shown.
#[derive(Debug, Clone)]
pub struct Webhook {
    posts: SignedPost,
    image_urls: Arc<dyn SignImageUrls>,
}

/// Why the backend has taken nothing. For the log only.
#[derive(Debug, Error)]
pub enum NotDelivered {
    #[error("no answer: {0}")]
    Http(#[from] Box<ureq::Error>),
    #[error("the answer's status is {0}, not 2xx")]
    Status(u16),
    #[error("a fault of haggle's own: {0}")]
    Internal(String),
}

/// Events that the backend has taken.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// Everything up to there.
    pub up_to: EventCursor,
    pub count: usize,
}

/// How long to wait after a failure. The wait doubles with each in a row.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    pub ms_min: i64,
    pub ms_max: i64,
}

impl Backoff {
    /// The wait after this many failures: half of it fixed, half random jitter.
    #[must_use]
    pub fn wait_ms(self, failures: i64, random: u64) -> i64 {
        let doublings = u32::try_from(failures.clamp(0, 16)).unwrap_or(16);
        let wait = (self.ms_min << doublings).min(self.ms_max);
        let half = wait / 2;
        // The remainder is at most half a wait.
        half + i64::try_from(random % (half.unsigned_abs() + 1)).unwrap_or(half)
    }

    /// When to try again after this many failures.
    #[must_use]
    pub fn next_try(self, failures: i64, now: Timestamp) -> Timestamp {
        // Random bits, so that what failed together is not tried together.
        now.plus_ms(self.wait_ms(failures, uuid::Uuid::new_v4().as_u64_pair().0))
    }
}

impl Webhook {
    /// A webhook at `url`, which the configuration has checked.
    #[must_use]
    pub fn new(url: &str, signer: WebhookSigner, image_urls: Arc<dyn SignImageUrls>) -> Self {
        Self { posts: SignedPost::new(url, signer, POST_TIMEOUT), image_urls }
    }

    /// Notifies the backend of unread messages.
    pub async fn notify(&self, notification: &UnreadNotification, now: Timestamp) -> Result<(), NotDelivered> {
        let shown = UnreadNotificationView::of(notification, &Presenter::new(now, &*self.image_urls));
        let body = serde_json::to_vec(&shown).map_err(|error| NotDelivered::Internal(error.to_string()))?;
        self.post(&notification.id, body, now).await
    }

    /// Sends the first events of a page, as many as fit into `bytes_max`, one at least.
    pub async fn send_events(&self, page: &EventPage, bytes_max: usize, now: Timestamp) -> Result<Taken, NotDelivered> {
        let presenter = Presenter::new(now, &*self.image_urls);
        let batch = EventBatch::encode(&page.items, &presenter, bytes_max)
            .map_err(|error| NotDelivered::Internal(error.to_string()))?;
        let taken = Taken {
            // What follows the last event of the page is not to be sent.
            up_to: if batch.count == page.items.len() { page.next } else { batch.next },
            count: batch.count,
        };
        self.post(&batch.next.to_string(), batch.body, now).await?;
        Ok(taken)
    }

    /// Any status of 200 to 299 means that the backend has accepted it.
    async fn post(&self, key: &str, body: Vec<u8>, now: Timestamp) -> Result<(), NotDelivered> {
        let request = self.posts.request(&body, now).header("idempotency-key", key);
        // On a thread for blocking work; the agent's own timeout ends it.
        let posted = actix_web::web::block(move || {
            let mut answer = request.send(&body[..])?;
            // An answer that does not end has its status all the same.
            let _ = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
            Ok::<_, ureq::Error>(answer.status().as_u16())
        });
        let status =
            posted.await.map_err(|_| NotDelivered::Internal("the try panicked".to_owned()))?.map_err(Box::new)?;
        if (200..300).contains(&status) { Ok(()) } else { Err(NotDelivered::Status(status)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_half_of_each_is_chance() {
        let backoff = Backoff { ms_min: 5_000, ms_max: 600_000 };
        for (failures, wait) in [(0, 5_000), (1, 10_000), (5, 160_000), (7, 600_000), (i64::MAX, 600_000)] {
            assert_eq!(backoff.wait_ms(failures, 0), wait / 2);
            assert_eq!(backoff.wait_ms(failures, wait.unsigned_abs() / 2), wait);
            assert!((0..1000).all(|random| backoff.wait_ms(failures, random * 7919) <= wait));
        }
    }
}
