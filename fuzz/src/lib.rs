//! What is fuzzed: a function for each decoder, which panics when a promise of that decoder is broken.
//!
//! The binaries in `fuzz_targets` hand them to cargo-fuzz; `tests/fuzz_corpus.rs` includes this file and runs them over
//! the corpus and its mutations on a stable toolchain. A new one takes a line in [`TARGETS`], a binary, and a folder of
//! seeds in `corpus`.

use bytes::BytesMut;
use haggle::{
    error::ErrorCode,
    protocol::{
        event::ClientEvent,
        json,
        websocket::{Decoder, FrameError, Incoming, Limits, Opcode, write_close, write_frame},
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A target: its name, which is also its folder in `corpus`, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 3] =
    [("websocket", websocket), ("plain_frame", plain_frame), ("client_event", client_event)];

const LIMITS: Limits = Limits { message_bytes_max: 4_096, fragments_max: 16 };

/// Any bytes, however the network cuts them, give the same messages and the same error.
///
/// The first byte is the size of the chunks; the others are what the client sends.
pub fn websocket(data: &[u8]) {
    let Some((&chunk, bytes)) = data.split_first() else { return };
    let whole = read_frames(bytes, bytes.len());
    assert_eq!(read_frames(bytes, usize::from(chunk)), whole, "in chunks of {chunk}");

    for incoming in &whole.0 {
        answer(incoming);
    }
}

fn read_frames(bytes: &[u8], chunk: usize) -> (Vec<Incoming>, Option<FrameError>) {
    let mut decoder = Decoder::new(LIMITS);
    let mut src = BytesMut::new();
    let mut messages = Vec::new();
    for chunk in bytes.chunks(chunk.max(1)) {
        src.extend_from_slice(chunk);
        loop {
            match decoder.decode(&mut src) {
                Ok(Some(incoming)) => messages.push(incoming),
                Ok(None) => break,
                Err(error) => {
                    assert!((1002..=1009).contains(&error.close_code().number()));
                    return (messages, Some(error));
                }
            }
        }
        assert!(src.len() <= LIMITS.message_bytes_max + 14, "keeps {} bytes", src.len());
    }
    (messages, None)
}

/// Writes what a server answers to a message; it must be a whole frame of its length.
fn answer(incoming: &Incoming) {
    let mut out = BytesMut::new();
    match incoming {
        Incoming::Text(text) => {
            assert!(text.len() <= LIMITS.message_bytes_max);
            write_frame(&mut out, Opcode::Text, text.as_bytes());
        }
        Incoming::Binary(bytes) => {
            assert!(bytes.len() <= LIMITS.message_bytes_max);
            write_frame(&mut out, Opcode::Binary, bytes);
        }
        Incoming::Ping(bytes) | Incoming::Pong(bytes) => {
            assert!(bytes.len() <= 125);
            write_frame(&mut out, Opcode::Pong, bytes);
        }
        Incoming::Close(Some((code, reason))) => write_close(&mut out, *code, reason),
        Incoming::Close(None) => write_frame(&mut out, Opcode::Close, b""),
    }
    let header = match out[1] {
        126 => 4,
        127 => 10,
        length => {
            assert_eq!(out.len(), 2 + usize::from(length));
            2
        }
    };
    assert!(out.len() >= header);
}

/// A text frame of the plain wire gives an event or an error that can be told to the client.
pub fn plain_frame(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let request = json::decode(text);
    if let Err(error) = &request.event {
        assert_eq!(error.code, ErrorCode::Invalid);
    }
    let Some(id) = &request.id else { return };
    assert!(id.as_json().len() <= json::REQUEST_ID_BYTES_MAX);
    // The id goes back as it came, so it must not break out of the answer that it is put into. The grammar is what
    // counts: `1e999` and half a surrogate pair are JSON, and the client's own affair.
    #[derive(Deserialize)]
    struct Reply<'a> {
        #[serde(borrow)]
        reply: &'a RawValue,
    }
    let reply = match &request.event {
        Ok(_) => json::encode_reply(id, b"{}"),
        Err(error) => json::encode_error(id, error),
    };
    let reply: Reply<'_> = serde_json::from_slice(&reply).expect("a reply is JSON");
    assert_eq!(reply.reply.get(), id.as_json());
}

/// An event's name and its data, on two lines, give an event of that name or `invalid`.
pub fn client_event(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (name, data) = match text.split_once('\n') {
        Some((name, data)) => (name, Some(data)),
        None => (text, None),
    };
    match ClientEvent::decode(name, data) {
        Ok(event) => {
            assert_eq!(event.name(), name);
            // Must not panic, whatever ids and texts are in it.
            let _ = format!("{event:?}");
        }
        Err(error) => assert_eq!(error.code, ErrorCode::Invalid),
    }
}
