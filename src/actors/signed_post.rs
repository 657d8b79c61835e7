//! What haggle sends the marketplace's backend: JSON in a POST, signed with `--webhook-secret`.

use std::time::Duration;

use ureq::{RequestBuilder, typestate::WithBody};

use crate::{
    auth::webhook_signature::{SIGNATURE_HEADER, WebhookSigner},
    domain::Timestamp,
    http_agent::{Trust, agent},
};

/// Where it goes, and who signs it.
#[derive(Debug, Clone)]
pub struct SignedPost {
    url: String,
    signer: WebhookSigner,
    agent: ureq::Agent,
}

impl SignedPost {
    /// To `url`, which the configuration has checked. Each try ends after `timeout`, from the connection to the end of the answer.
    #[must_use]
    pub fn new(url: &str, signer: WebhookSigner, timeout: Duration) -> Self {
        Self { url: url.to_owned(), signer, agent: agent(timeout, Trust::PublicRoots) }
    }

    /// The request with which `body` is to be sent. Sending it blocks its thread.
    #[must_use]
    pub fn request(&self, body: &[u8], now: Timestamp) -> RequestBuilder<WithBody> {
        self.agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("user-agent", concat!("haggle/", env!("CARGO_PKG_VERSION")))
            .header(SIGNATURE_HEADER, self.signer.sign(body, now))
    }
}
