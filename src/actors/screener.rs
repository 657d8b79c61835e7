//! Asks the marketplace about a message before it is stored: one POST, signed, with a deadline that nobody else waits for.
//!
//! How many questions are on their way is bounded, in number and bytes, and each account has one at a time. After some without an
//! answer in a row nobody waits for the next ones: a message is then decided at once as `--screen-fallback` says, and one question per
//! while is asked on the side, to find out whether the marketplace answers again.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    actors::signed_post::SignedPost,
    auth::webhook_signature::WebhookSigner,
    domain::{
        Timestamp,
        screen::{InvalidVerdict, Verdict},
    },
    metrics::{self, Metrics},
};

/// What all questions on their way may weigh.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// A question counts as this much at least: 64 of them are on their way at most.
const QUESTION_BYTES_MIN: usize = 64 * 1024;

/// Bytes of a permit.
const PERMIT_BYTES: usize = 1024;

/// Questions without an answer in a row, after which nobody waits any more.
const FAILURES_MAX: u32 = 5;

/// How often a question is asked on the side then.
const PROBE_INTERVAL_MS: i64 = 5000;

/// Bytes of an answer in addition to the longest text.
const ANSWER_BYTES: u64 = 16 * 1024;

/// Asks the marketplace. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Screener(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    posts: SignedPost,
    timeout: Duration,
    text_bytes_max: usize,
    space: Arc<Semaphore>,
    breaker: Mutex<Breaker>,
    metrics: Arc<Metrics>,
}

/// Why there is no answer. For the log only.
#[derive(Debug, Error)]
enum NoAnswer {
    #[error("no answer: {0}")]
    Http(#[from] Box<ureq::Error>),
    #[error("the answer's status is {0}, not 200")]
    Status(u16),
    #[error("the answer is none: {0}")]
    Invalid(#[from] InvalidVerdict),
    #[error("the answer has more than {0} bytes")]
    TooLarge(u64),
    #[error("a fault of haggle's own: the question panicked")]
    Panicked,
}

impl NoAnswer {
    /// Whether there was no answer at all. One that is of no use says that the marketplace can be reached, and may be due to a
    /// message alone: then nobody else goes without.
    fn is_silence(&self) -> bool {
        match self {
            Self::Http(_) | Self::Panicked => true,
            Self::Status(_) | Self::Invalid(_) | Self::TooLarge(_) => false,
        }
    }
}

/// Whether anybody waits for an answer.
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    /// While it is open: when the next question is asked on the side.
    probe_at: Option<Timestamp>,
}

#[derive(Debug, PartialEq, Eq)]
enum Pass {
    /// Ask, and wait for the answer.
    Ask,
    /// Ask, and don't wait.
    Probe,
    /// Don't ask.
    Skip,
}

impl Breaker {
    fn pass(&mut self, now: Timestamp) -> Pass {
        if self.probe_at.is_none() {
            Pass::Ask
        } else if self.skips(now) {
            Pass::Skip
        } else {
            self.probe_at = Some(now.plus_ms(PROBE_INTERVAL_MS));
            Pass::Probe
        }
    }

    /// Whether nobody is asked now, not even on the side.
    fn skips(&self, now: Timestamp) -> bool {
        // Or the clock was set back.
        self.probe_at.is_some_and(|at| at > now && at <= now.plus_ms(PROBE_INTERVAL_MS))
    }

    /// Returns whether it was open until now.
    fn answered(&mut self) -> bool {
        self.failures = 0;
        self.probe_at.take().is_some()
    }

    /// Returns whether it is open from now on.
    fn failed(&mut self, now: Timestamp) -> bool {
        self.failures = self.failures.saturating_add(1);
        let opens = self.failures >= FAILURES_MAX && self.probe_at.is_none();
        if opens {
            self.probe_at = Some(now.plus_ms(PROBE_INTERVAL_MS));
        }
        opens
    }
}

impl Screener {
    /// One that asks at `url`, which the configuration has checked.
    #[must_use]
    pub fn new(
        url: &str,
        signer: WebhookSigner,
        timeout: Duration,
        text_bytes_max: usize,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self(Arc::new(Inner {
            posts: SignedPost::new(url, signer, timeout),
            timeout,
            text_bytes_max,
            space: Arc::new(Semaphore::new(BYTES_MAX / PERMIT_BYTES)),
            breaker: Mutex::default(),
            metrics,
        }))
    }

    /// Whether a question would not be asked now, since the marketplace does not answer.
    #[must_use]
    pub fn skips(&self, now: Timestamp) -> bool {
        self.0.breaker().skips(now)
    }

    /// Counts a message that goes on without being asked about, for this reason.
    pub fn count_skipped(&self) {
        metrics::count(&self.0.metrics.screen_verdicts, "unreachable");
    }

    /// Asks, and returns the answer; `None` when there was none in time.
    pub async fn ask(&self, body: Vec<u8>, now: Timestamp) -> Option<Verdict> {
        let pass = self.0.breaker().pass(now);
        let (inner, deadline) = (Arc::clone(&self.0), tokio::time::Instant::now() + self.0.timeout);
        match pass {
            Pass::Skip => {}
            Pass::Probe => {
                actix_web::rt::spawn(async move { inner.post(body, now, deadline).await });
            }
            Pass::Ask => return self.0.post(body, now, deadline).await,
        }
        self.count_skipped();
        None
    }
}

impl Inner {
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // Nothing that holds it panics half-way.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks until the deadline, from the wait for space to the answer.
    async fn post(&self, body: Vec<u8>, now: Timestamp, deadline: tokio::time::Instant) -> Option<Verdict> {
        let Ok(Some(space)) = tokio::time::timeout_at(deadline, self.space(body.len())).await else {
            // That says nothing of the marketplace: others have taken the space.
            metrics::count(&self.metrics.screen_verdicts, "busy");
            return None;
        };
        let answer = tokio::time::timeout_at(deadline, self.send(body, now, space)).await;
        match answer {
            Ok(Ok(verdict)) => {
                metrics::count(&self.metrics.screen_verdicts, verdict.name());
                self.answered();
                Some(verdict)
            }
            Ok(Err(error)) if !error.is_silence() => {
                metrics::count(&self.metrics.screen_verdicts, "no_answer");
                log::debug!("--screen-url has answered with what is no verdict: {error}");
                self.answered();
                None
            }
            Ok(Err(error)) => self.failed(&error.to_string(), now),
            Err(_) => self.failed("the time is up", now),
        }
    }

    fn answered(&self) {
        if self.breaker().answered() {
            self.metrics.screen_open.set(0);
            log::info!("--screen-url answers again");
        }
    }

    fn failed(&self, why: &str, now: Timestamp) -> Option<Verdict> {
        metrics::count(&self.metrics.screen_verdicts, "no_answer");
        if self.breaker().failed(now) {
            self.metrics.screen_open.set(1);
            log::warn!("--screen-url has not answered {FAILURES_MAX} times in a row, and is not waited for: {why}");
        }
        None
    }

    async fn space(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = bytes.clamp(QUESTION_BYTES_MIN, BYTES_MAX);
        let permits = u32::try_from(bytes / PERMIT_BYTES).unwrap_or(u32::MAX);
        Arc::clone(&self.space).acquire_many_owned(permits).await.ok()
    }

    /// On a thread for blocking work, which keeps the space until the agent's own timeout: also when nobody waits any more.
    async fn send(&self, body: Vec<u8>, now: Timestamp, space: OwnedSemaphorePermit) -> Result<Verdict, NoAnswer> {
        let request = self.posts.request(&body, now);
        // JSON may write a byte as six.
        let answer_bytes_max = ANSWER_BYTES + 6 * self.text_bytes_max as u64;
        let asked = actix_web::web::block(move || {
            let _space = space;
            let mut answer = request.send(&body[..])?;
            let said = answer.body_mut().with_config().limit(answer_bytes_max).read_to_vec()?;
            Ok::<_, ureq::Error>((answer.status().as_u16(), said))
        });
        let (status, said) = asked.await.map_err(|_| NoAnswer::Panicked)?.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(bytes) => NoAnswer::TooLarge(bytes),
            other => Box::new(other).into(),
        })?;
        if status != 200 {
            return Err(NoAnswer::Status(status));
        }
        Ok(Verdict::parse(&said, self.text_bytes_max)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_some_failures_in_a_row_nobody_waits_until_there_is_an_answer() {
        let (mut breaker, now) = (Breaker::default(), Timestamp(1_000_000));
        for _ in 1..FAILURES_MAX {
            assert!(!breaker.failed(now));
        }
        assert!(!breaker.answered(), "it was never open");
        for failures in 1..=FAILURES_MAX {
            assert_eq!(breaker.pass(now), Pass::Ask);
            assert_eq!(breaker.failed(now), failures == FAILURES_MAX);
        }
        let later = now.plus_ms(PROBE_INTERVAL_MS);
        assert_eq!(breaker.pass(later.plus_ms(-1)), Pass::Skip);
        assert_eq!((breaker.pass(later), breaker.pass(later)), (Pass::Probe, Pass::Skip));
        assert!(!breaker.failed(later), "it is open already");
        assert_eq!(breaker.pass(later.plus_ms(PROBE_INTERVAL_MS)), Pass::Probe);
        assert_eq!(breaker.pass(Timestamp(0)), Pass::Probe, "the clock was set back");
        assert!(breaker.answered());
        assert_eq!(breaker.pass(later), Pass::Ask);
    }
}
