//! A JSON body.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header, web};
use serde::de::DeserializeOwned;

use super::state;
use crate::{
    domain::field::read_object,
    error::{ChatError, ErrorCode},
    http::problem::Problem,
};

/// How many times as long as its connection's first headers a body may take: a client that never ends it holds a connection.
const HANDSHAKES: u32 = 3;

/// A JSON object in the request's body, as `application/json`.
///
/// Its limit is the one of a WebSocket message, so that a text that is too long gets the same answer on every wire.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = web::Payload::from_request(&request, payload);
        Box::pin(async move {
            let config = &state(&request)?.config;
            let bytes_max = config.limits.transport_bytes_max();
            let time_max = config.handshake_timeout * HANDSHAKES;
            if request.content_type() != "application/json" {
                return Err(ChatError::invalid("the header `content-type` must be `application/json`").into());
            }
            let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
            if length.and_then(|length| length.parse().ok()).is_some_and(|length: u64| length > bytes_max as u64) {
                return Err(too_large(bytes_max));
            }
            let payload = payload.await.map_err(|_| unreadable())?;
            let read = tokio::time::timeout(time_max, payload.to_bytes_limited(bytes_max)).await;
            let bytes = match read.map_err(|_| too_slow())? {
                Ok(read) => read.map_err(|_| unreadable())?,
                Err(_) => return Err(too_large(bytes_max)),
            };
            let json = std::str::from_utf8(&bytes).map_err(|_| ChatError::invalid("the body must be UTF-8"))?;
            Ok(Self(read_object(json).map_err(|error| ChatError::invalid(format!("the body: {error}")))?))
        })
    }
}

fn too_large(bytes_max: usize) -> Problem {
    ChatError::new(ErrorCode::TooLarge, format!("the body must be at most {bytes_max} bytes")).into()
}

fn too_slow() -> Problem {
    ChatError::invalid("the body took too long to arrive").into()
}

fn unreadable() -> Problem {
    ChatError::invalid("the body could not be read to its end").into()
}
