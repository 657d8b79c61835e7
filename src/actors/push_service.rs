//! One POST to the push service of a browser (RFC 8030 section 5): encrypted for the browser, signed with the server's key.

use std::{fmt, str::FromStr, time::Duration, time::SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use thiserror::Error;
use ureq::Agent;
use url::Url;

use crate::{
    auth::VapidKey,
    db::DueSubscription,
    domain::Timestamp,
    http_agent::{Trust, agent, agent_to_the_public},
    protocol::web_push::{EncryptError, encrypt},
};

/// Longest try, from the connection to the end of the answer.
const POST_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of an answer that are read, so that its connection can be used again. What it says is of no interest.
const ANSWER_BYTES_MAX: u64 = 1024;

/// For how long a push service keeps what it can't deliver at once, and haggle what a push service does not take.
pub const LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;

/// Longest wait that a push service may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);

/// Calls the push services of browsers.
pub struct PushService {
    key: VapidKey,
    subject: String,
    agent: Agent,
    takes_private: bool,
}

/// Why a push service has not taken a push. Without its address, which is a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotPushed {
    /// The subscription has ended.
    #[error("the subscription has ended")]
    Gone,
    /// It is not to be tried again.
    #[error("{0}")]
    Refused(String),
    /// It may be taken later, not before a while where the push service has named one.
    #[error("{0}")]
    Later(String, Option<Duration>),
}

impl From<EncryptError> for NotPushed {
    fn from(error: EncryptError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl fmt::Debug for PushService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushService").field("key", &self.key).finish_non_exhaustive()
    }
}

impl PushService {
    /// Signs with `key`, and names `subject` to whom push services complain. `takes_private` lets endpoints be at addresses of
    /// the operator's own network.
    #[must_use]
    pub fn new(key: VapidKey, subject: &str, takes_private: bool) -> Self {
        let agent = match takes_private {
            true => agent(POST_TIMEOUT, Trust::PublicRoots),
            false => agent_to_the_public(POST_TIMEOUT),
        };
        Self { key, subject: subject.to_owned(), agent, takes_private }
    }

    /// The public key, which a page subscribes with.
    #[must_use]
    pub fn public_key(&self) -> &str {
        self.key.public_key()
    }

    /// Whether endpoints may be at addresses of the operator's own network.
    #[must_use]
    pub fn takes_private(&self) -> bool {
        self.takes_private
    }

    /// Pushes to a subscription. What a browser was not sent yet of the same room is replaced.
    ///
    /// # Errors
    /// [`NotPushed`], with what to do.
    pub async fn push(&self, to: &DueSubscription, room: &str, plain: &[u8], now: Timestamp) -> Result<(), NotPushed> {
        let Some(keys) = to.keys() else { return Err(NotPushed::Refused("the subscription has no keys".to_owned())) };
        let body = encrypt(&keys, plain)?;
        let unusable = || NotPushed::Refused("the endpoint is no address".to_owned());
        let origin = Url::parse(to.endpoint()).map_err(|_| unusable())?.origin().ascii_serialization();
        let authorization = self.key.authorization(&origin, &self.subject, now).map_err(|_| unusable())?;
        let request = self
            .agent
            .post(to.endpoint())
            .header("authorization", authorization)
            .header("content-encoding", "aes128gcm")
            .header("content-type", "application/octet-stream")
            .header("ttl", (LIFETIME_MS / 1000).to_string())
            .header("urgency", "normal")
            .header("topic", topic(to.id(), room))
            .header("user-agent", concat!("haggle/", env!("CARGO_PKG_VERSION")));
        // On a thread for blocking work; the agent's own timeout ends it.
        let posted = actix_web::web::block(move || {
            let mut answer = request.send(&body[..])?;
            // An answer that does not end has its status all the same.
            let _ = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
            let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
            Ok::<_, ureq::Error>((answer.status().as_u16(), retry_after.map(str::to_owned)))
        });
        match posted.await {
            Ok(Ok((status, retry_after))) => judge(status, retry_after.as_deref(), now),
            Ok(Err(ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_))) => Err(unusable()),
            Ok(Err(error)) => Err(NotPushed::Later(error.to_string(), None)),
            Err(_) => Err(NotPushed::Later("a fault of haggle's own: the try panicked".to_owned(), None)),
        }
    }
}

/// What a push service means (RFC 8030 sections 5 and 7.3).
fn judge(status: u16, retry_after: Option<&str>, now: Timestamp) -> Result<(), NotPushed> {
    let said = format!("the push service has answered {status}");
    match status {
        200..300 => Ok(()),
        404 | 410 => Err(NotPushed::Gone),
        408 | 425 | 429 | 500.. => Err(NotPushed::Later(said, retry_after.and_then(|text| wait(text, now)))),
        _ => Err(NotPushed::Refused(said)),
    }
}

/// Reads `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3).
fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    let at = || {
        let date = SystemTime::from(actix_web::http::header::HttpDate::from_str(text).ok()?);
        let since_1970 = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(since_1970.saturating_sub(Duration::from_millis(u64::try_from(now.0).ok()?)))
    };
    let wait = text.trim().parse().ok().map(Duration::from_secs).or_else(at)?;
    Some(wait.min(RETRY_AFTER_MAX))
}

/// Names what replaces what, of one room at one subscription: a push service must not see who shares a room. 32 characters of
/// base64url (RFC 8030 section 5.4).
fn topic(subscription: &str, room: &str) -> String {
    let hash = digest(&SHA256, format!("{subscription} {room}").as_bytes());
    BASE64URL_NOPAD.encode(&hash.as_ref()[..24])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(784_111_777_000);

    #[test]
    fn a_push_service_says_what_to_do() {
        assert_eq!(judge(201, None, NOW), Ok(()));
        for gone in [404, 410] {
            assert_eq!(judge(gone, None, NOW), Err(NotPushed::Gone));
        }
        for (status, retry_after, seconds) in [
            (429, Some("120"), Some(120)),
            (503, Some("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10)),
            (503, Some("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0)),
            (500, Some("86400"), Some(3600)),
            (500, Some("soon"), None),
            (502, None, None),
        ] {
            let Err(NotPushed::Later(_, wait)) = judge(status, retry_after, NOW) else { panic!("{status}") };
            assert_eq!(wait, seconds.map(Duration::from_secs), "{status} {retry_after:?}");
        }
        for status in [302, 400, 401, 403, 413] {
            assert!(matches!(judge(status, None, NOW), Err(NotPushed::Refused(_))), "{status}");
        }
    }

    #[test]
    fn a_topic_tells_nobody_which_room_it_is() {
        let topics = [topic("a", "room"), topic("b", "room"), topic("a", "other")];
        assert_eq!(topics.iter().collect::<std::collections::HashSet<_>>().len(), 3);
        assert!(topics.iter().all(|topic| topic.len() == 32));
        assert_eq!(topic("a", "room"), topics[0]);
    }
}
