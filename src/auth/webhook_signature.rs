//! Signs haggle's webhooks, so that the marketplace's backend accepts nobody else's.
//!
//! The header is `haggle-signature: t=<unix seconds>,v1=<hex>`, where `<hex>` is the HMAC-SHA256 of `<t>.<body>` with the
//! shared secret. A receiver computes it from the bytes that came, compares in constant time, and refuses a `t` that is
//! more than some minutes off, so that nothing can be replayed later.

use std::fmt;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;

use crate::domain::Timestamp;

/// Name of the header.
pub const SIGNATURE_HEADER: &str = "haggle-signature";

/// Signs webhooks with a shared secret.
#[derive(Clone)]
pub struct WebhookSigner(hmac::Key);

impl WebhookSigner {
    /// Signs with `secret`, whose length the configuration has checked.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// The header's value for a body that is sent at `at`.
    #[must_use]
    pub fn sign(&self, body: &[u8], at: Timestamp) -> String {
        let seconds = at.as_secs();
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{seconds}.").as_bytes());
        context.update(body);
        format!("t={seconds},v1={}", HEXLOWER.encode(context.sign().as_ref()))
    }
}

impl fmt::Debug for WebhookSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSigner")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_any_other_hmac_makes_of_it() {
        // printf '1800000000.{"a":1}' | openssl dgst -sha256 -hmac 'a shared secret'
        let header = WebhookSigner::new("a shared secret").sign(br#"{"a":1}"#, Timestamp(1_800_000_000_999));
        assert_eq!(header, "t=1800000000,v1=754afaabed15b077ac0ca55d6c6888778b0680ad5aa28b964b59f81dca18548b");
        assert_eq!(format!("{:?}", WebhookSigner::new("a shared secret")), "WebhookSigner");
    }
}
