//! Keys that a marketplace publishes as a JWK Set (RFC 7517) at a URL, and changes as it likes.
//!
//! One task fetches; all others read a snapshot without waiting. It fetches
//!
//! - at the start;
//! - when the answer's `Cache-Control: max-age` has expired, kept between one minute and one hour (ten minutes without one);
//! - when a token names a key that is not in the snapshot, yet never twice in ten seconds, however many such tokens come;
//! - ten seconds after a failure.
//!
//! While the URL is unreachable, or answers with nothing usable, the last valid keys stay: users can still sign in. To
//! revoke a key at once, publish a set without it that still holds another.

use std::{pin::pin, sync::Arc, time::Duration};

use actix_web::http::header::{ACCEPT, CACHE_CONTROL};
use arc_swap::ArcSwap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::{Either, select};
use serde::Deserialize;
use thiserror::Error;
use tokio::sync::{mpsc, watch};

use super::{
    AuthError,
    key::{KeyError, VerifyingKey},
    token_parts::Parts,
};
use crate::{
    clock::Clock,
    config::parse_http_url,
    domain::Timestamp,
    http_agent::{Trust, agent},
};

/// Largest answer, in bytes: hundreds of keys.
const BODY_BYTES_MAX: u64 = 256 * 1024;

/// Most keys that are used, so that a token without `kid` costs a bounded number of signature checks.
const KEYS_MAX: usize = 32;

/// Longest fetch, from the connection to the last byte.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Shortest time between two fetches, from start to start.
const FETCH_INTERVAL_MS: i64 = 10_000;

const MAX_AGE_MS_MIN: i64 = 60_000;
const MAX_AGE_MS_MAX: i64 = 3_600_000;
const MAX_AGE_MS_DEFAULT: i64 = 600_000;

/// A URL with which fetching can't even begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JwksError {
    /// Not an absolute http or https URL.
    #[error("the JWKS URL must be an https:// (or http://) address without a user name or password")]
    Url,
}

/// How the keys stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JwksState {
    /// The last fetch brought keys.
    Fresh,
    /// The last fetch failed; keys of an earlier one are used.
    Stale,
    /// No fetch has ever succeeded: nobody can sign in.
    Missing,
}

/// The keys of one URL, kept up to date by a task until the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Jwks {
    shared: Arc<Shared>,
    /// Wakes the task. One place is enough: a request that finds it taken is answered by the same fetch.
    wanted: mpsc::Sender<()>,
}

#[derive(Debug)]
struct Shared {
    keys: ArcSwap<KeySet>,
    status: watch::Sender<Status>,
    clock: Clock,
}

#[derive(Debug, Clone, Copy)]
struct Status {
    /// Fetches that have ended, well or badly.
    fetches: u64,
    started_at: Timestamp,
    state: JwksState,
}

impl Status {
    /// Whether another fetch may begin. A clock that was set back doesn't count as waiting.
    fn is_fetch_due(&self, now: Timestamp) -> bool {
        !(0..FETCH_INTERVAL_MS).contains(&now.0.saturating_sub(self.started_at.0))
    }
}

impl Jwks {
    /// Starts to follow `url`, and waits for the first fetch, at most five seconds.
    ///
    /// A failed first fetch is no error: the server starts, refuses tokens with `unavailable`, reports it at `/readyz`, and
    /// tries again every ten seconds. Otherwise a restart of both together would depend on their order.
    ///
    /// # Errors
    /// [`JwksError`].
    ///
    /// # Panics
    /// Outside an actix system: the task lives on the arbiter of the caller.
    pub async fn start(url: &str, clock: Clock) -> Result<Self, JwksError> {
        parse_http_url(url).ok_or(JwksError::Url)?;
        let status = Status { fetches: 0, started_at: clock.now(), state: JwksState::Missing };
        let shared = Arc::new(Shared { keys: ArcSwap::default(), status: watch::Sender::new(status), clock });
        let (wanted, wishes) = mpsc::channel(1);
        let mut done = shared.status.subscribe();
        actix_web::rt::spawn(follow(url.to_owned(), Arc::clone(&shared), wishes));
        // The task lives as long as `wanted`, so the wait ends by its first fetch.
        let _ = done.wait_for(|status| status.fetches > 0).await;
        Ok(Self { shared, wanted })
    }

    /// How the keys stand.
    #[must_use]
    pub fn state(&self) -> JwksState {
        self.shared.status.borrow().state
    }

    /// How many fetches have ended, well or badly.
    #[must_use]
    pub fn fetches(&self) -> u64 {
        self.shared.status.borrow().fetches
    }

    /// Waits for a fetch that is under way or may begin; returns at once when the last one began less than ten seconds ago.
    pub(super) async fn refresh(&self) {
        let mut status = self.shared.status.subscribe();
        let seen = *status.borrow_and_update();
        if !seen.is_fetch_due(self.shared.clock.now()) {
            return;
        }
        // Full: another caller has asked already.
        let _ = self.wanted.try_send(());
        let done = status.wait_for(|status| status.fetches > seen.fetches);
        // The task bounds a fetch by itself. The additional second covers an arbiter that has been stopped.
        let _ = tokio::time::timeout(FETCH_TIMEOUT + Duration::from_secs(1), done).await;
    }

    /// Checks algorithm and signature with the keys at hand.
    pub(super) fn check_signature(&self, parts: &Parts<'_>) -> Result<(), AuthError> {
        self.shared.keys.load().check_signature(parts)
    }
}

/// The task: fetches, sleeps, is woken, until every [`Jwks`] is gone.
async fn follow(url: String, shared: Arc<Shared>, mut wishes: mpsc::Receiver<()>) {
    let agent = agent(FETCH_TIMEOUT, Trust::PublicRoots);
    loop {
        let started_at = shared.clock.now();
        let (agent, url) = (agent.clone(), url.clone());
        // On a thread for blocking work; the agent's own timeout ends it.
        let fetched = actix_web::web::block(move || fetch(&agent, &url)).await.unwrap_or(Err(FetchError::Panicked));
        let before = shared.status.borrow().state;
        let (state, next_ms) = match fetched {
            Ok((keys, max_age_ms)) => {
                if before != JwksState::Fresh {
                    log::info!("JWKS fetched, {} keys can be used", keys.0.len());
                }
                shared.keys.store(Arc::new(keys));
                (JwksState::Fresh, max_age_ms)
            }
            Err(error) => {
                let state = if before == JwksState::Missing { JwksState::Missing } else { JwksState::Stale };
                // Once an outage, not once a try.
                if before == JwksState::Fresh || shared.status.borrow().fetches == 0 {
                    log::warn!("JWKS can't be fetched: {error}; trying again every 10 s");
                }
                (state, FETCH_INTERVAL_MS)
            }
        };
        shared.status.send_modify(|status| {
            *status = Status { fetches: status.fetches + 1, started_at, state };
        });
        let next = started_at.plus_ms(next_ms);
        loop {
            match select(pin!(wishes.recv()), pin!(shared.clock.sleep_until(next))).await {
                Either::Left((None, _)) => return,
                Either::Left((Some(()), _)) if !shared.status.borrow().is_fetch_due(shared.clock.now()) => {}
                Either::Left(_) | Either::Right(_) => break,
            }
        }
    }
}

/// Why a fetch brought nothing. For the log only.
#[derive(Debug, Error)]
enum FetchError {
    #[error("no complete answer: {0}")]
    Http(#[from] Box<ureq::Error>),
    #[error("the answer's status is {0}, not 200")]
    Status(u16),
    #[error("the answer is no JWK Set")]
    NotASet,
    #[error("the set holds no key that can be used (RSA of 2048 bits or more, P-256 or Ed25519, for signatures)")]
    NoUsableKey,
    #[error("a fault of haggle's own")]
    Panicked,
}

/// One fetch: the keys, and for how many milliseconds they are good. Blocks for five seconds at most.
fn fetch(agent: &ureq::Agent, url: &str) -> Result<(KeySet, i64), FetchError> {
    let request = agent.get(url).header(ACCEPT.as_str(), "application/jwk-set+json, application/json");
    let mut response = request.call().map_err(Box::new)?;
    if response.status().as_u16() != 200 {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let cache_control = response.headers().get_all(CACHE_CONTROL.as_str());
    let max_age_ms = max_age_ms(cache_control.iter().filter_map(|value| value.to_str().ok()));
    let body = response.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_vec().map_err(Box::new)?;
    let keys = KeySet::read(&body).ok_or(FetchError::NotASet)?;
    if keys.0.is_empty() {
        return Err(FetchError::NoUsableKey);
    }
    Ok((keys, max_age_ms))
}

/// For how long an answer is good (RFC 9111 section 5.2.2), within our bounds.
fn max_age_ms<'a>(cache_control: impl IntoIterator<Item = &'a str>) -> i64 {
    let mut age_ms = MAX_AGE_MS_DEFAULT;
    for directive in cache_control.into_iter().flat_map(|value| value.split(',')).map(str::trim) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return MAX_AGE_MS_MIN;
        }
        if name.eq_ignore_ascii_case("max-age")
            && let Ok(seconds) = value.trim_matches('"').parse::<i64>()
        {
            age_ms = seconds.saturating_mul(1000);
        }
    }
    age_ms.clamp(MAX_AGE_MS_MIN, MAX_AGE_MS_MAX)
}

/// The keys of a set that haggle can use, with their `kid`.
#[derive(Debug, Default)]
struct KeySet(Vec<(Option<String>, VerifyingKey)>);

/// The document; keys are read one by one, so that one of an unknown kind does not spoil the rest.
#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

/// The members of a JWK that count (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    fn read(json: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(json).ok()?;
        let mut keys: Vec<(Option<String>, VerifyingKey)> = Vec::new();
        for jwk in document.keys {
            let Ok(jwk) = serde_json::from_value::<Jwk>(jwk) else { continue };
            let Ok(key) = jwk.key() else { continue };
            let is_double = keys.iter().any(|(kid, known)| *kid == jwk.kid && known.is_same_public_key(&key));
            if !is_double && keys.len() < KEYS_MAX {
                keys.push((jwk.kid, key));
            }
        }
        Some(Self(keys))
    }

    /// A token with `kid` is checked with the keys of that name, and with those that have none; a token without `kid` with all.
    fn check_signature(&self, parts: &Parts<'_>) -> Result<(), AuthError> {
        // Before `UnknownKey`, so that a token with a foolish algorithm causes no fetch.
        if !matches!(parts.alg(), "RS256" | "ES256" | "EdDSA" | "Ed25519") {
            return Err(AuthError::WrongAlgorithm);
        }
        let mut named = Err(AuthError::UnknownKey);
        for (kid, key) in &self.0 {
            let is_named = kid.is_some() && kid.as_deref() == parts.kid();
            if !is_named && kid.is_some() && parts.kid().is_some() {
                continue;
            }
            match parts.check_signature(key) {
                Ok(()) => return Ok(()),
                Err(error) if is_named => named = Err(error),
                Err(_) => {}
            }
        }
        named
    }
}

impl Jwk {
    fn key(&self) -> Result<VerifyingKey, KeyError> {
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !signs {
            return Err(KeyError::Unsupported);
        }
        let key = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => VerifyingKey::from_rsa_components(&bytes(&self.n)?, &bytes(&self.e)?),
            ("EC", Some("P-256")) => VerifyingKey::from_p256_point(&bytes(&self.x)?, &bytes(&self.y)?),
            ("OKP", Some("Ed25519")) => VerifyingKey::from_ed25519(&bytes(&self.x)?),
            _ => Err(KeyError::Unsupported),
        }?;
        if self.alg.as_deref().is_some_and(|alg| !key.takes(alg)) {
            return Err(KeyError::Unsupported);
        }
        Ok(key)
    }
}

fn bytes(member: &Option<String>) -> Result<Vec<u8>, KeyError> {
    let text = member.as_deref().ok_or(KeyError::Unsupported)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::Unsupported)
}

#[cfg(test)]
mod tests;
