//! What is fuzzed: a function for each decoder, which panics when a promise of that decoder is broken.
//!
//! The binaries in `fuzz_targets` hand them to cargo-fuzz; `tests/fuzz_corpus.rs` includes this file and runs them over
//! the corpus and its mutations on a stable toolchain. A new one takes a line in [`TARGETS`], a binary, and a folder of
//! seeds in `corpus`.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::BytesMut;
use bytestring::ByteString;
use haggle::internals::{
    auth::{RoomTokens, Verifier, token_source},
    clock::Clock,
    domain::{RoomId, Timestamp, UserId},
    error::ErrorCode,
    protocol::{
        engine_io::{Packet, PacketError, payload},
        event::ClientEvent,
        json,
        push::Encoding,
        socket_io::{self, Kind, attachments::check_placeholders},
        websocket::{Decoder, FrameError, FrameLimits, Incoming, Opcode, write_close, write_frame},
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A target: its name, which is also its folder in `corpus`, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 7] = [
    ("websocket", websocket),
    ("plain_frame", plain_frame),
    ("client_event", client_event),
    ("handshake", handshake),
    ("token", token),
    ("engine_io", engine_io),
    ("socket_io", socket_io),
];

const LIMITS: FrameLimits = FrameLimits { message_bytes_max: 4_096, fragments_max: 16 };

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

/// Headers and query of a handshake, on three lines, give a token, none or an error; and a log line that is one line.
pub fn handshake(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let (authorization, subprotocols) = (lines.next(), lines.next());
    let query = String::from_utf8_lossy(lines.next().unwrap_or_default());
    if let Ok(Some(found)) = token_source::find_token(authorization, subprotocols, &query) {
        assert!(!found.token.is_empty());
    }
    let logged = token_source::redact(&query);
    assert!(!logged.contains(char::is_control), "{logged:?}");
    assert!(logged.len() <= 2_048, "{} bytes", logged.len());
}

const SECRET: &[u8] = b"known to the fuzz targets and to nobody else";
const NOW: Timestamp = Timestamp(1_800_000_000_000);

static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::hs256(SECRET).expect("long enough").with_clock(Clock::manual(NOW)));
static ROOM_TOKENS: LazyLock<RoomTokens> = LazyLock::new(|| RoomTokens::derived_from(SECRET));

/// Nobody gets in with a token that was not signed, and a signed one says what it was signed for.
///
/// A header and a payload, on two lines, are signed and then read; all of it is also read as a token as it is.
pub fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    assert!(VERIFIER.verify_now(text).is_err(), "accepts what nobody signed");
    let (room, user) = (RoomId::new("r1").expect("an id"), UserId::new("alice").expect("an id"));
    assert!(ROOM_TOKENS.verify(text, &room, &user, NOW).is_err(), "accepts a room token that nobody signed");

    let Some((header, payload)) = text.split_once('\n') else { return };
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), signed.as_bytes());
    let signed = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    assert!(ROOM_TOKENS.verify(&signed, &room, &user, NOW).is_err(), "accepts a user's token for a room");
    let Ok(identity) = VERIFIER.verify_now(&signed) else { return };

    assert!(identity.ends_at() > NOW, "accepts an expired token");
    let header: serde_json::Value = serde_json::from_str(header).expect("an accepted header is JSON");
    assert_eq!(header["alg"], "HS256");
    let payload: serde_json::Value = serde_json::from_str(payload).expect("an accepted payload is JSON");
    assert_eq!(payload["sub"], identity.user.as_str());
}

/// A body of Engine.IO gives packets or an error, and packets that a server could send are read back as they were.
pub fn engine_io(data: &[u8]) {
    const PACKETS_MAX: usize = 16;
    let Ok(body) = ByteString::try_from(data) else { return };
    let packets: Vec<_> = match payload::decode(body, PACKETS_MAX) {
        Ok(packets) => packets.collect(),
        Err(error) => {
            assert!(error != PacketError::TooManyPackets { packets_max: PACKETS_MAX } || data.len() >= PACKETS_MAX);
            return;
        }
    };
    assert!(!packets.is_empty() && packets.len() <= PACKETS_MAX);
    let mut out = BytesMut::new();
    for packet in &packets {
        // Must not panic, whatever texts are in it.
        let _ = format!("{packet:?}");
        match packet {
            Packet::Message(text) => payload::write_text(&mut out, format!("4{text}").as_bytes()),
            Packet::Binary(bytes) => payload::write_binary(&mut out, bytes),
            _ => return,
        }
    }
    let written = ByteString::try_from(out).expect("a payload is text");
    let read: Vec<_> = payload::decode(written, PACKETS_MAX).expect("what was written can be read").collect();
    assert_eq!(read, packets);
}

/// A packet of Socket.IO gives an event that can be answered, or an error; its data is a part of what came.
pub fn socket_io(data: &[u8]) {
    const ATTACHMENTS_MAX: usize = 3;
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(packet) = socket_io::Packet::decode(text, ATTACHMENTS_MAX) else { return };
    assert!(packet.namespace.starts_with('/') && packet.attachments <= ATTACHMENTS_MAX);
    let args = match packet.kind {
        Kind::Connect(_) | Kind::Disconnect => return,
        Kind::Ack { args, .. } => args,
        Kind::Event { name, args, ack } => {
            if let (socket_io::EventName::Text(name), Some(data)) = (name, args.first()) {
                let _ = ClientEvent::decode(&name, Some(data.get()));
            }
            if let Some(id) = ack {
                let id = json::RequestId::from_number(id);
                let reply = Encoding::SocketIo { namespace: "/chat", offsets: true }.reply(&id, Ok(b"{}"));
                let reply = std::str::from_utf8(&reply).expect("a packet is text");
                let packet = socket_io::Packet::decode(&reply[1..], 0).expect("an acknowledgement can be read");
                assert!(matches!(packet.kind, Kind::Ack { .. }));
            }
            args
        }
    };
    for arg in &args {
        let range = text.as_bytes().as_ptr_range();
        assert!(range.contains(&arg.get().as_ptr()), "copied");
    }
    let _ = check_placeholders(&args, packet.attachments);
}
