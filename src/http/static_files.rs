//! The demo page, embedded in the binary.

use std::{
    collections::HashMap,
    io::Write,
    sync::{LazyLock, Mutex, PoisonError},
};

use actix_web::{HttpRequest, HttpResponse, http::header};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::problem::Problem;
use crate::error::ChatError;

/// `static/`, as it was when the binary was built.
#[derive(RustEmbed)]
#[folder = "static/"]
struct StaticFiles;

/// What the page may load and run: its own files, and nothing inline.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; connect-src 'self'; \
     img-src 'self' data: blob:; style-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; \
     frame-ancestors 'none'";

/// Serves a file of the demo page; `/` is its index.
///
/// # Errors
/// `not_found`.
pub async fn serve(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let path = match request.match_info().query("path") {
        "" => "index.html",
        path => path,
    };
    let file = StaticFiles::get(path).ok_or_else(|| ChatError::not_found("there is nothing at this address"))?;
    let tag = etag(&file);
    let fresh = request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"));
    if fresh {
        return Ok(response.finish());
    }
    response.content_type(file.metadata.mimetype()).insert_header((header::VARY, "accept-encoding"));
    // For HEAD, actix-web sends the length and leaves the body out.
    if accepts_gzip(&request) && is_text(file.metadata.mimetype()) {
        return Ok(response.insert_header((header::CONTENT_ENCODING, "gzip")).body(gzipped(&file)));
    }
    Ok(response.body(file.data.into_owned()))
}

fn accepts_gzip(request: &HttpRequest) -> bool {
    let accepted =
        request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

fn is_text(mimetype: &str) -> bool {
    mimetype.starts_with("text/")
        || mimetype.contains("javascript")
        || mimetype.contains("json")
        || mimetype.contains("svg")
}

/// A file, compressed once in the life of the process.
fn gzipped(file: &EmbeddedFile) -> Bytes {
    static DONE: LazyLock<Mutex<HashMap<[u8; 32], Bytes>>> = LazyLock::new(Mutex::default);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    let compress = || {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory can't fail.
        let _ = encoder.write_all(&file.data);
        encoder.finish().unwrap_or_default().into()
    };
    done.entry(file.metadata.sha256_hash()).or_insert_with(compress).clone()
}

fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}
