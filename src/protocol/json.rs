//! The plain wire: one JSON object a text frame.
//!
//! In: `{"event": name, "data"?: any, "id"?: number or string}`.
//! Out: `{"event": name, "data": any}`, `{"reply": id, "data": any}` or `{"reply": id, "error": {"code", "message"}}`.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::event::ClientEvent;
use crate::error::ChatError;

/// Longest `id` of a request, in bytes of its JSON: it is kept until the answer.
pub const REQUEST_ID_BYTES_MAX: usize = 128;

/// The client's own mark of a request, given back in the reply as it came: a JSON number or string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// The mark of a Socket.IO acknowledgement.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self(number.to_string().into())
    }

    /// The mark as JSON.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// One frame of a client.
#[derive(Debug)]
pub struct Request<'a> {
    /// Present when the client wants an answer.
    pub id: Option<RequestId>,
    /// The event's name, when the frame has one.
    pub name: Cow<'a, str>,
    /// What the client asks for, or why it can't be read.
    pub event: Result<ClientEvent, ChatError>,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

/// Reads one text frame. Never fails as a whole: errors in it are sent to its client.
#[must_use]
pub fn decode(text: &str) -> Request<'_> {
    let frame: Frame<'_> = match serde_json::from_str(text) {
        Ok(frame) => frame,
        Err(_) => {
            let error = ChatError::invalid("a frame must be a JSON object {\"event\", \"data\"?, \"id\"?}");
            return Request { id: None, name: Cow::Borrowed(""), event: Err(error) };
        }
    };
    let (id, id_error) = match frame.id.map(RawValue::get) {
        None | Some("null") => (None, None),
        Some(json) if is_request_id(json) => (Some(RequestId(json.into())), None),
        Some(_) => (None, Some(ChatError::invalid("`id` must be a number or a string of at most 128 bytes"))),
    };
    let event = match id_error {
        Some(error) => Err(error),
        None => ClientEvent::decode(&frame.event, frame.data.map(RawValue::get)),
    };
    Request { id, name: frame.event, event }
}

fn is_request_id(json: &str) -> bool {
    let scalar = json.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit());
    scalar && json.len() <= REQUEST_ID_BYTES_MAX
}

/// Writes a push from its name and its data as JSON.
#[must_use]
pub fn encode_push(name: &str, data: &[u8]) -> Bytes {
    splice(&[b"{\"event\":\"", name.as_bytes(), b"\",\"data\":", data, b"}"])
}

/// Writes the answer to a request from its data as JSON.
#[must_use]
pub fn encode_reply(id: &RequestId, data: &[u8]) -> Bytes {
    splice(&[b"{\"reply\":", id.as_json().as_bytes(), b",\"data\":", data, b"}"])
}

/// Writes the answer to a request that failed.
#[must_use]
pub fn encode_error(id: &RequestId, error: &ChatError) -> Bytes {
    splice(&[b"{\"reply\":", id.as_json().as_bytes(), b",\"error\":", &to_json(error), b"}"])
}

/// JSON of one of haggle's own types.
#[must_use]
pub fn to_json<T: Serialize>(value: &T) -> Bytes {
    // haggle's types have string keys alone and write to memory: the only two ways in which this could fail.
    serde_json::to_vec(value).map_or_else(|_| Bytes::from_static(b"null"), Bytes::from)
}

fn splice(parts: &[&[u8]]) -> Bytes {
    let mut out = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.extend_from_slice(part);
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn a_request_id_is_given_back_as_it_came() {
        for id in ["7", "-1.5e3", "\"a\\\"b\""] {
            let request = decode_owned(&format!("{{\"event\":\"leaveRoom\",\"id\":{id}}}"));
            assert_eq!(request.0.unwrap().as_json(), id);
        }
        for id in ["{}", "[1]", "true", &format!("\"{}\"", "x".repeat(200))] {
            let request = decode_owned(&format!("{{\"event\":\"leaveRoom\",\"id\":{id}}}"));
            assert_eq!(request.1.unwrap_err().code, ErrorCode::Invalid);
        }
    }

    fn decode_owned(text: &str) -> (Option<RequestId>, Result<ClientEvent, ChatError>) {
        let request = decode(text);
        (request.id, request.event)
    }

    #[test]
    fn a_frame_without_event_is_invalid() {
        for text in ["", "[]", "7", "{}", "{\"event\":7}", "{\"event\":\"nothing\"}", &"[".repeat(100_000)] {
            assert_eq!(decode_owned(text).1.unwrap_err().code, ErrorCode::Invalid, "{text:.20}");
        }
    }

    proptest! {
        #[test]
        fn any_text_ends_in_a_value_or_an_error(text in ".{0,200}") {
            let _ = decode_owned(&text);
        }

        #[test]
        fn a_text_comes_through_as_it_was(text in ".{0,200}") {
            let frame = serde_json::json!({ "event": "message", "data": { "text": text } }).to_string();
            let Ok(ClientEvent::Message(message)) = decode_owned(&frame).1 else { panic!("not a message") };
            prop_assert_eq!(message.text.unwrap(), text);
        }
    }
}
