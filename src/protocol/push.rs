//! What goes out: encoded once for each wire, then shared by all who receive it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{
    event::ServerEvent,
    json::{self, RequestId},
};
use crate::error::ChatError;

/// How one session writes its events: the wire that its client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// The plain wire, [`json`].
    Json,
}

/// An event on its way to any number of sessions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Push(Arc<Encoded>);

#[derive(Debug)]
struct Encoded {
    name: &'static str,
    data: Bytes,
    json: OnceLock<Bytes>,
}

impl Push {
    /// Prepares an event.
    #[must_use]
    pub fn new(event: &ServerEvent) -> Self {
        Self::from_json(event.name(), json::to_json(event))
    }

    /// Prepares an event whose data is JSON already.
    #[must_use]
    pub fn from_json(name: &'static str, data: Bytes) -> Self {
        Self(Arc::new(Encoded { name, data, json: OnceLock::new() }))
    }

    /// The frame for one wire; the first call for a wire writes it.
    #[must_use]
    pub fn encode(&self, encoding: Encoding) -> Bytes {
        match encoding {
            Encoding::Json => self.0.json.get_or_init(|| json::encode_push(self.0.name, &self.0.data)).clone(),
        }
    }
}

impl Encoding {
    /// The answer to a request: its data as JSON, or the error.
    #[must_use]
    pub fn reply(self, id: &RequestId, answer: Result<&[u8], &ChatError>) -> Bytes {
        match (self, answer) {
            (Self::Json, Ok(data)) => json::encode_reply(id, data),
            (Self::Json, Err(error)) => json::encode_error(id, error),
        }
    }
}
