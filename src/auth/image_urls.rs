//! Signed addresses of images. Anyone who has an address may read the image until it expires. Only members receive
//! addresses.

use std::fmt;

use aws_lc_rs::{error::Unspecified, hmac, rand};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use crate::{clock::Clock, protocol::view::SignImageUrls};

/// What the derived key is for; no other key of haggle's has this label.
const KEY_LABEL: &[u8] = b"haggle image url key v1";

/// How long an address is valid, at least.
const LIFETIME_SECS: i64 = 24 * 3600;

/// Addresses of one hour are the same, so that a browser's cache knows the image again.
const STEP_SECS: i64 = 3600;

/// Signs and checks the addresses of images.
pub struct ImageUrls {
    key: hmac::Key,
    clock: Clock,
    /// The server's own address, or nothing where addresses are paths.
    public_url: String,
}

impl ImageUrls {
    /// Derives the key from a secret that outlives a restart.
    #[must_use]
    pub fn derived_from(secret: &[u8], clock: Clock) -> Self {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), KEY_LABEL);
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()), clock, public_url: String::new() }
    }

    /// Makes a key of its own, for a server that knows public keys only: its addresses are good until its restart, and
    /// reading the message again gives new ones.
    ///
    /// # Errors
    /// When the machine gives no random bytes.
    pub fn random(clock: Clock) -> Result<Self, Unspecified> {
        let mut key = [0; 32];
        rand::fill(&mut key)?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), clock, public_url: String::new() })
    }

    /// With the address under which browsers reach the server, without a slash at its end, addresses are whole ones.
    #[must_use]
    pub fn at(self, public_url: Option<String>) -> Self {
        Self { public_url: public_url.unwrap_or_default(), ..self }
    }

    /// Whether an address is one of ours, and how many seconds it is still valid. 0 means expired.
    #[must_use]
    pub fn verify(&self, key: &str, expires: i64, signature: &str) -> Option<i64> {
        let signature = HEXLOWER_PERMISSIVE.decode(signature.as_bytes()).ok()?;
        hmac::verify(&self.key, &signed_part(key, expires), &signature).ok()?;
        Some((expires - self.clock.now().as_secs()).max(0))
    }
}

impl SignImageUrls for ImageUrls {
    fn sign(&self, key: &str) -> String {
        let expires = (self.clock.now().as_secs() + LIFETIME_SECS) / STEP_SECS * STEP_SECS + STEP_SECS;
        let signature = hmac::sign(&self.key, &signed_part(key, expires));
        let hex = HEXLOWER.encode(signature.as_ref());
        format!("{}/api/v1/images/{key}?expires={expires}&signature={hex}", self.public_url)
    }
}

fn signed_part(key: &str, expires: i64) -> Vec<u8> {
    format!("{expires}\n{key}").into_bytes()
}

impl fmt::Debug for ImageUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImageUrls")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn an_address_is_good_for_its_image_and_its_time_alone() {
        let clock = Clock::manual(Timestamp(1_800_000_000_000));
        let urls = ImageUrls::derived_from(&[7; 32], clock.clone());
        let url = urls.sign("a.jpg");
        let (path, query) = url.split_once("?expires=").unwrap();
        let (expires, signature) = query.split_once("&signature=").unwrap();
        let expires: i64 = expires.parse().unwrap();
        assert_eq!(path, "/api/v1/images/a.jpg");
        assert!(urls.verify("a.jpg", expires, signature).unwrap() >= LIFETIME_SECS);
        assert_eq!(urls.verify("b.jpg", expires, signature), None);
        assert_eq!(urls.verify("a.jpg", expires + 1, signature), None);
        for bad in ["", "00", "zz", &signature[2..], "é"] {
            assert_eq!(urls.verify("a.jpg", expires, bad), None);
        }
        let other = ImageUrls::derived_from(&[8; 32], clock.clone());
        assert_eq!(other.verify("a.jpg", expires, signature), None);
        clock.advance(Duration::from_secs(26 * 3600));
        assert_eq!(urls.verify("a.jpg", expires, signature), Some(0));
    }
}
