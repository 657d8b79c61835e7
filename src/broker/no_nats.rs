//! In the place of [`nats`](super::nats) in a build without PostgreSQL, which several nodes share: there is nothing to connect.

#![allow(clippy::unused_async, dead_code, reason = "it has the same functions as the module in whose place it is")]

use bytes::Bytes;

use super::{
    BadNatsUrl,
    subject::{Subjects, Topic},
};

/// A way to NATS, of which this build has none.
#[derive(Debug)]
pub enum Nats {}

/// What comes from NATS, which is nothing in this build.
#[derive(Debug)]
pub enum Arrivals {}

/// Something that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NatsEvent {
    /// Payloads.
    Events(Vec<Bytes>),
    /// How the connection stands.
    Link {
        /// Whether there is a connection.
        up: bool,
    },
}

/// Refuses every address.
///
/// # Errors
/// [`BadNatsUrl::NotBuilt`].
pub const fn check_addresses(_urls: &str) -> Result<(), BadNatsUrl> {
    Err(BadNatsUrl::NotBuilt)
}

/// Refuses every address.
///
/// # Errors
/// [`BadNatsUrl::NotBuilt`].
pub async fn connect(_urls: &str, _subjects: Subjects) -> Result<(Nats, Arrivals), BadNatsUrl> {
    Err(BadNatsUrl::NotBuilt)
}

impl Nats {
    /// Never called.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        match *self {}
    }

    /// Never called.
    pub async fn watch(&mut self, _topic: Topic) {
        match *self {}
    }

    /// Never called.
    pub const fn unwatch(&mut self, _topic: &Topic) {
        match *self {}
    }

    /// Never called.
    pub async fn publish(&self, _topic: &Topic, _payload: Vec<u8>) -> bool {
        match *self {}
    }

    /// Never called.
    pub async fn flush(&self) {
        match *self {}
    }
}

impl Arrivals {
    /// Never called.
    pub async fn next(&mut self, _events_max: usize) -> Option<NatsEvent> {
        match *self {}
    }
}
