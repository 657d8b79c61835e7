//! One POST to the marketplace's backend: signed, with an end in sight.

use std::{sync::Arc, time::Duration};

use thiserror::Error;

use crate::{
    auth::webhook_signature::{SIGNATURE_HEADER, WebhookSigner},
    domain::{Timestamp, UnreadNotification},
    http_agent::{Trust, agent},
    protocol::view::{Presenter, SignImageUrls, UnreadNotificationView},
};

/// Longest try, from the connection to the answer's head.
const POST_TIMEOUT: Duration = Duration::from_secs(10);

/// Where notifications go, and who signs them.
#[derive(Debug)]
pub struct Webhook {
    url: String,
    signer: WebhookSigner,
    agent: ureq::Agent,
    image_urls: Arc<dyn SignImageUrls>,
}

/// Why a notification did not arrive. For the log only.
#[derive(Debug, Error)]
pub enum NotDelivered {
    #[error("no answer: {0}")]
    Http(#[from] Box<ureq::Error>),
    #[error("the answer's status is {0}, not 2xx")]
    Status(u16),
    #[error("a fault of haggle's own: {0}")]
    Internal(String),
}

impl Webhook {
    /// A webhook at `url`, which the configuration has checked.
    #[must_use]
    pub fn new(url: &str, signer: WebhookSigner, image_urls: Arc<dyn SignImageUrls>) -> Self {
        let agent = agent(POST_TIMEOUT, Trust::PublicRoots);
        Self { url: url.to_owned(), signer, agent, image_urls }
    }

    /// Notifies the backend. Any status of 200 to 299 means that it has accepted the notification.
    pub async fn post(&self, notification: &UnreadNotification, now: Timestamp) -> Result<(), NotDelivered> {
        let shown = UnreadNotificationView::of(notification, &Presenter::new(now, &*self.image_urls));
        let body = serde_json::to_vec(&shown).map_err(|error| NotDelivered::Internal(error.to_string()))?;
        let signature = self.signer.sign(&body, now);
        let request = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("user-agent", concat!("haggle/", env!("CARGO_PKG_VERSION")))
            .header("idempotency-key", &notification.id)
            .header(SIGNATURE_HEADER, signature);
        // On a thread for blocking work; the agent's own timeout ends it. The answer's body is of no interest.
        let status = actix_web::web::block(move || request.send(&body[..]).map(|answer| answer.status().as_u16()))
            .await
            .map_err(|_| NotDelivered::Internal("the try panicked".to_owned()))?
            .map_err(Box::new)?;
        if (200..300).contains(&status) { Ok(()) } else { Err(NotDelivered::Status(status)) }
    }
}
