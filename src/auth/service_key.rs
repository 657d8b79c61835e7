//! The marketplace's own backend shows one key: `Authorization: Bearer <service key>`.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// Shortest service key, in characters.
pub const SERVICE_KEY_CHARS_MIN: usize = 16;

/// A service key that can be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the service key must have at least {SERVICE_KEY_CHARS_MIN} characters")]
pub struct ServiceKeyTooShort;

/// The configured service key. Holds its hash alone, and `Debug` prints nothing of it.
#[derive(Clone)]
pub struct ServiceKey([u8; 32]);

impl ServiceKey {
    /// Takes a key of at least 16 characters.
    ///
    /// # Errors
    /// [`ServiceKeyTooShort`].
    pub fn new(key: &str) -> Result<Self, ServiceKeyTooShort> {
        if key.chars().count() < SERVICE_KEY_CHARS_MIN {
            return Err(ServiceKeyTooShort);
        }
        Ok(Self(hash(key)))
    }

    /// Whether `presented` is the key. Takes the same time wherever they differ: both sides are hashed first, so that not even
    /// the length shows, and the hashes are compared whole.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        self.0.ct_eq(&hash(presented)).into()
    }
}

fn hash(key: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    // SHA-256 gives 32 bytes.
    hash.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    hash
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_key_opens() {
        let key = ServiceKey::new("correct horse battery").unwrap();
        assert!(key.matches("correct horse battery"));
        for wrong in
            ["", "correct horse batter", "correct horse battery ", "Correct horse battery", "correct horse battery\0"]
        {
            assert!(!key.matches(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_short_key_is_refused() {
        assert_eq!(ServiceKey::new(&"k".repeat(15)).unwrap_err(), ServiceKeyTooShort);
        assert!(ServiceKey::new(&"k".repeat(16)).is_ok());
    }

    #[test]
    fn debug_prints_nothing_of_the_key() {
        assert_eq!(format!("{:?}", ServiceKey::new("correct horse battery").unwrap()), "ServiceKey");
    }
}
