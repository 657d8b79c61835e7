//! Answers whose bytes are the same for everyone: identified by their hash, and compressed once in the life of the process.

use std::{
    collections::HashMap,
    io::Write,
    sync::{LazyLock, Mutex, PoisonError},
};

use actix_web::{HttpRequest, http::header};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

/// SHA-256 of some bytes.
pub type Hash = [u8; 32];

/// Whether a client takes gzip (RFC 9110 section 12.5.3).
pub fn accepts_gzip(request: &HttpRequest) -> bool {
    let accepted =
        request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

/// Whether a client has what is known by that tag (RFC 9110 section 13.1.2).
pub fn has_already(request: &HttpRequest, tag: &str) -> bool {
    request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes())
}

/// A text with that hash, compressed.
pub fn gzipped(hash: Hash, body: &[u8]) -> Bytes {
    static DONE: LazyLock<Mutex<HashMap<Hash, Bytes>>> = LazyLock::new(Mutex::default);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    let compress = || {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory can't fail.
        let _ = encoder.write_all(body);
        encoder.finish().unwrap_or_default().into()
    };
    done.entry(hash).or_insert_with(compress).clone()
}
