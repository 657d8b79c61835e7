//! The demo page, embedded in the binary.

use actix_web::{HttpRequest, HttpResponse, http::header};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::problem::Problem;
use crate::error::ChatError;

/// `static/`, as it was when the binary was built.
#[derive(RustEmbed)]
#[folder = "static/"]
struct StaticFiles;

/// What the page may load and run: its own files, and nothing inline.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; \
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
    // For HEAD, actix-web sends the length and leaves the body out.
    Ok(response.content_type(file.metadata.mimetype()).body(file.data.into_owned()))
}

fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}
