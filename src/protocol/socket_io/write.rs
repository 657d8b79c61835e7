//! What the server sends: Socket.IO packets, each written as the Engine.IO message that carries it.

use bytes::Bytes;
use serde::Serialize;

use super::MAIN_NAMESPACE;
use crate::{
    domain::Timestamp,
    error::{ChatError, ErrorCode},
    protocol::{engine_io::packet::MESSAGE, json::to_json},
};

const CONNECT: u8 = b'0';
const DISCONNECT: u8 = b'1';
const EVENT: u8 = b'2';
const ACK: u8 = b'3';
const CONNECT_ERROR: u8 = b'4';
const BINARY_EVENT: u8 = b'5';
const BINARY_ACK: u8 = b'6';

/// The answer to a CONNECT: exactly `{"sid"}` if recovery is off, with `pid` in addition if it is on.
#[must_use]
pub fn connected(namespace: &str, sid: &str, pid: Option<&str>) -> Bytes {
    #[derive(Serialize)]
    struct Connected<'a> {
        sid: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        pid: Option<&'a str>,
    }
    let mut out = head(CONNECT, None, namespace, None);
    out.extend_from_slice(&to_json(&Connected { sid, pid }));
    out.into()
}

/// The refusal of a CONNECT: the sentence, and the code as `data` where there is one.
#[must_use]
pub fn connect_error(namespace: &str, message: &str, code: Option<&ChatError>) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        code: ErrorCode,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    }
    #[derive(Serialize)]
    struct Refused<'a> {
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<Data>,
    }
    let data = code.map(|error| Data { code: error.code, retry_after_ms: error.retry_after_ms, until: error.until });
    let mut out = head(CONNECT_ERROR, None, namespace, None);
    out.extend_from_slice(&to_json(&Refused { message, data }));
    out.into()
}

/// Takes the client out of a namespace.
#[must_use]
pub fn disconnect(namespace: &str) -> Bytes {
    head(DISCONNECT, None, namespace, None).into()
}

/// An event: its name, which needs no escape in JSON, and its arguments as JSON. This many binary messages follow it.
#[must_use]
pub fn event(namespace: &str, name: &str, args: &[&[u8]], attachments: usize) -> Bytes {
    let (kind, attachments) = if attachments > 0 { (BINARY_EVENT, Some(attachments)) } else { (EVENT, None) };
    let mut out = head(kind, attachments, namespace, None);
    out.reserve(4 + name.len() + args.iter().map(|arg| arg.len() + 1).sum::<usize>());
    out.extend_from_slice(b"[\"");
    out.extend_from_slice(name.as_bytes());
    out.push(b'"');
    for arg in args {
        out.push(b',');
        out.extend_from_slice(arg);
    }
    out.push(b']');
    out.into()
}

/// The acknowledgement of a client's event: its arguments as JSON. This many binary messages follow it.
#[must_use]
pub fn ack(namespace: &str, id: &str, args: &[&[u8]], attachments: usize) -> Bytes {
    let (kind, attachments) = if attachments > 0 { (BINARY_ACK, Some(attachments)) } else { (ACK, None) };
    let mut out = head(kind, attachments, namespace, Some(id));
    out.push(b'[');
    for (place, arg) in args.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(arg);
    }
    out.push(b']');
    out.into()
}

fn head(kind: u8, attachments: Option<usize>, namespace: &str, id: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(48 + namespace.len());
    out.extend_from_slice(&[MESSAGE, kind]);
    if let Some(attachments) = attachments {
        out.extend_from_slice(attachments.to_string().as_bytes());
        out.push(b'-');
    }
    if namespace != MAIN_NAMESPACE {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
    out.extend_from_slice(id.unwrap_or_default().as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_written_as_the_protocol_has_them() {
        assert_eq!(connected("/", "s", None), r#"40{"sid":"s"}"#);
        assert_eq!(connected("/chat", "s", Some("p")), r#"40/chat,{"sid":"s","pid":"p"}"#);
        assert_eq!(connect_error("/x", "Invalid namespace", None), r#"44/x,{"message":"Invalid namespace"}"#);
        let error = ChatError::new(ErrorCode::TokenExpired, "over");
        let expected = r#"44/chat,{"message":"over","data":{"code":"token_expired"}}"#;
        assert_eq!(connect_error("/chat", &error.message, Some(&error)), expected);
        let banned = ChatError::banned(Some(Timestamp(0)));
        let refused = connect_error("/chat", "", Some(&banned));
        let expected = r#"44/chat,{"message":"","data":{"code":"banned","until":"1970-01-01T00:00:00.000Z"}}"#;
        assert_eq!(refused, expected);
        assert_eq!(disconnect("/"), "41");
        assert_eq!(disconnect("/chat"), "41/chat,");
        assert_eq!(event("/", "a", &[b"1", b"\"x\""], 0), r#"42["a",1,"x"]"#);
        assert_eq!(event("/chat", "a", &[], 2), r#"452-/chat,["a"]"#);
        assert_eq!(ack("/chat", "7", &[b"{}"], 0), "43/chat,7[{}]");
        assert_eq!(ack("/", "0", &[b"1", b"2"], 1), "461-0[1,2]");
    }
}
