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

/// Whether a client has what is known by that tag: by one of a list, each perhaps made weak by a proxy that compresses
/// (RFC 9110 sections 8.8.3.2 and 13.1.2).
pub fn has_already(request: &HttpRequest, tag: &str) -> bool {
    let lists = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|known| known.strip_prefix("W/").unwrap_or(known) == tag)
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

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list_and_when_a_proxy_has_made_it_weak() {
        let has = |known: &str| {
            let request = TestRequest::default().insert_header((header::IF_NONE_MATCH, known)).to_http_request();
            has_already(&request, "\"a1\"")
        };
        assert!(has("\"a1\"") && has("W/\"a1\"") && has("\"b2\", W/\"a1\""));
        assert!(!has("") && !has("\"b2\"") && !has("a1") && !has("W/\"b2\", \"a12\""));
    }
}
