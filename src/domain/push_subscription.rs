//! Where a user's devices are reached while nobody looks at the conversation, and what they are sent.

use serde::{Deserialize, Serialize};

use super::{
    Timestamp,
    field::{InvalidField, check_text},
};
use crate::api_docs::ToSchema;

/// Subscriptions of a user. One more takes the place of the one that was refreshed the longest ago: browsers forget theirs
/// without a word.
pub const SUBSCRIPTIONS_MAX: i64 = 10;

/// Longest endpoint or token, in bytes: Apple's and Mozilla's endpoints have some 250, tokens some 200.
pub const ADDRESS_BYTES_MAX: usize = 1024;

/// Longest language tag, in characters (RFC 5646 section 4.4.1).
const LANGUAGE_CHARS_MAX: usize = 35;

/// Who delivers to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PushPlatform {
    /// A browser's push service, which haggle calls itself.
    Web,
    /// Firebase Cloud Messaging, called by the marketplace's backend.
    Fcm,
    /// The Apple Push Notification service, called by the marketplace's backend.
    Apns,
}

impl PushPlatform {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Fcm => "fcm",
            Self::Apns => "apns",
        }
    }

    /// Reads it as it is stored.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Web, Self::Fcm, Self::Apns].into_iter().find(|platform| platform.as_str() == text)
    }
}

/// A subscription as its user sees it. The endpoint and the keys stay with haggle: who has them can push to the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PushSubscription {
    /// Unique everywhere.
    #[schema(example = "019ac1d27f5e7d2c8a54c6f1a0b3d9e2")]
    pub id: String,
    /// Who delivers.
    pub platform: PushPlatform,
    /// In which language the device shows what it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ko")]
    pub language: Option<String>,
    /// When the device was first registered.
    pub created_at: Timestamp,
    /// When it was last registered.
    pub refreshed_at: Timestamp,
}

/// The keys of a browser's subscription, as base64url (RFC 8291 section 3.1). `protocol::web_push` has checked them.
#[derive(Clone, PartialEq, Eq)]
pub struct WebKeys {
    pub p256dh: String,
    pub auth: String,
}

// Who knows them can read what is pushed.
impl std::fmt::Debug for WebKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebKeys")
    }
}

/// A device that wants to be reached.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPushSubscription {
    pub platform: PushPlatform,
    /// The endpoint of a browser, the token of a native app.
    pub address: String,
    /// Of a browser.
    pub keys: Option<WebKeys>,
    pub language: Option<String>,
}

// An address must not reach a log.
impl std::fmt::Debug for NewPushSubscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewPushSubscription").field("platform", &self.platform).finish_non_exhaustive()
    }
}

impl NewPushSubscription {
    /// A native app's.
    ///
    /// # Errors
    /// [`InvalidField`] for a token out of range.
    pub fn native(platform: PushPlatform, token: String, language: Option<String>) -> Result<Self, InvalidField> {
        let is_plain = token.bytes().all(|byte| byte.is_ascii_graphic());
        if token.is_empty() || token.len() > ADDRESS_BYTES_MAX || !is_plain {
            return Err(InvalidField(format!("`token` must be 1 to {ADDRESS_BYTES_MAX} visible ASCII characters")));
        }
        check_language(language.as_deref())?;
        Ok(Self { platform, address: token, keys: None, language })
    }
}

/// Checks the tag of a language.
///
/// # Errors
/// [`InvalidField`] when it is none.
pub fn check_language(language: Option<&str>) -> Result<(), InvalidField> {
    let Some(language) = language else { return Ok(()) };
    check_text(language, "language", LANGUAGE_CHARS_MAX)?;
    let is_tag = language.split('-').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if is_tag {
        Ok(())
    } else {
        Err(InvalidField::new("`language` must be the tag of a language, like `ko` or `en-GB`"))
    }
}

/// A native app that the marketplace's backend can reach.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    pub platform: PushPlatform,
    pub token: String,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("platform", &self.platform).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_tag() {
        for good in [None, Some("ko"), Some("en-GB"), Some("zh-Hant-TW")] {
            check_language(good).unwrap();
        }
        for bad in ["", "-", "en_GB", "en-", "한국어", &"a".repeat(36)] {
            assert!(check_language(Some(bad)).unwrap_err().0.contains("`language`"), "{bad}");
        }
    }

    #[test]
    fn what_is_logged_of_a_device_is_no_secret() {
        let new = NewPushSubscription::native(PushPlatform::Fcm, "a-token".to_owned(), None).unwrap();
        let device = Device { platform: PushPlatform::Fcm, token: "a-token".to_owned() };
        assert!(!format!("{new:?} {device:?}").contains("a-token"));
        for bad in [String::new(), "a b".to_owned(), "a".repeat(ADDRESS_BYTES_MAX + 1)] {
            assert!(NewPushSubscription::native(PushPlatform::Apns, bad, None).is_err());
        }
    }
}
