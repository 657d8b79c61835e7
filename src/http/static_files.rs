//! The demo page, the page of a server that is no demo, the desk of the staff, and the packages that they are made of, embedded
//! in the binary.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderMap},
    web,
};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

use super::{
    body::Pieces,
    compressed::{Hash, accepts_gzip, gzipped, has_already},
    problem::Problem,
    state::AppState,
};
use crate::{config::Config, error::ChatError};

/// `static/`, as it was when the binary was built.
#[derive(RustEmbed)]
#[folder = "static/"]
struct PageFiles;

/// The sources of the npm package `@haggle/client`, which the page imports from `client/`.
#[derive(RustEmbed)]
#[folder = "packages/client/src/"]
#[prefix = "client/"]
struct ClientFiles;

/// The sources of the npm package `@haggle/components`, which are served from `components/`.
#[derive(RustEmbed)]
#[folder = "packages/components/src/"]
#[prefix = "components/"]
struct ComponentFiles;

/// Everything that is served.
struct StaticFiles;

impl StaticFiles {
    /// `static/` comes first: a browser gets from there what a package imports by name (`static/components/`).
    fn get(path: &str) -> Option<EmbeddedFile> {
        PageFiles::get(path).or_else(|| ClientFiles::get(path)).or_else(|| ComponentFiles::get(path))
    }

    fn iter() -> impl Iterator<Item = Cow<'static, str>> {
        PageFiles::iter().chain(ClientFiles::iter()).chain(ComponentFiles::iter())
    }
}

/// What the page may load and run: its own files, images of the server's public address, and nothing inline. Where a browser
/// knows Trusted Types, text can't become markup at all.
///
/// No page may put it into a frame. The messenger is the exception: pages of the listed origins may frame it. It and the desk of
/// the staff show the marketplace's pictures, wherever those come from.
fn content_security_policy(public_url: Option<&str>, path: &str, frame_ancestors: &[String]) -> String {
    // Only its scheme, host and port: a path would have to be matched to its end.
    let origin: String = public_url.unwrap_or_default().split_inclusive('/').take(3).collect();
    let origin = origin.trim_end_matches('/');
    let space = if origin.is_empty() { "" } else { " " };
    let is_frame = path == EMBED_FRAME;
    // With which it names its service worker.
    let policies = if path == DEMO_INDEX { "haggle-push" } else { "'none'" };
    let pictures = if is_frame || path == STAFF_INDEX { " https:" } else { "" };
    let ancestors =
        if is_frame && !frame_ancestors.is_empty() { frame_ancestors.join(" ") } else { "'none'".to_owned() };
    format!(
        "default-src 'self'; connect-src 'self'; img-src 'self' data: blob:{space}{origin}{pictures}; style-src 'self'; \
         script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}; \
         trusted-types {policies}; require-trusted-types-for 'script'"
    )
}

/// Begins the first segment of an address whose content never changes.
const VERSION_MARK: char = '~';

/// The demo page, which lives on routes that exist under `haggle demo` alone.
const DEMO_INDEX: &str = "index.html";

/// What other sites' pages load: it names the modules of the components by version.
const EMBED_ENTRY: &str = "embed/haggle.js";

/// The messenger as a page of its own, for an iframe.
const EMBED_FRAME: &str = "embed/frame.html";

/// How long what is named by a version is kept: a year, without a question.
const KEPT: &str = "public, max-age=31536000, immutable";

/// What a drawing may do that is opened by itself: nothing.
const DRAWING_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// What is at `/` everywhere else: what this server is, and where to continue.
const SERVER_INDEX: &str = "server.html";

/// The desk of the marketplace's staff, on every server.
const STAFF_INDEX: &str = "staff.html";

/// Serves a file of the demo page; `/` is its index, or on a server that is no demo a page that says what runs here. `/staff` is
/// the desk of the staff.
///
/// The index names scripts and styles by addresses that begin with `/~<version>/`, and their imports are relative, so that a
/// browser keeps all of them for a year and asks for nothing but the index when it comes back. Without that segment, or with
/// the one of another build, the same file is asked for again each time, which costs a `304`.
///
/// # Errors
/// `not_found`.
pub async fn serve(state: web::Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (version, path) = versioned(request.match_info().query("path"));
    let path = match path {
        "" | DEMO_INDEX if state.config.demo => DEMO_INDEX,
        "" | DEMO_INDEX => SERVER_INDEX,
        "staff" | "staff/" => STAFF_INDEX,
        path => path,
    };
    answer(&state, &request, version, path)
}

/// The version that an address names, if it names one, and the rest of it.
pub(super) fn versioned(path: &str) -> (Option<&str>, &str) {
    match path.strip_prefix(VERSION_MARK).and_then(|rest| rest.split_once('/')) {
        Some((version, path)) => (Some(version), path),
        None => (None, path),
    }
}

/// A file, as the client may have it: kept already, compressed, or as it is.
///
/// # Errors
/// `not_found`.
pub(super) fn answer(
    state: &AppState,
    request: &HttpRequest,
    version: Option<&str>,
    path: &str,
) -> Result<HttpResponse, Problem> {
    let file = StaticFiles::get(path).ok_or_else(|| ChatError::not_found("there is nothing at this address"))?;
    let hash = file.metadata.sha256_hash();
    let tag = etag(&hash);
    let known = has_already(request, &tag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    let cache_control = cache_control(version, path);
    response
        .insert_header((header::CACHE_CONTROL, cache_control))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    // What is kept for a year is not asked for again.
    if cache_control != KEPT {
        response.insert_header((header::ETAG, tag));
    }
    let mimetype = file.metadata.mimetype().to_owned();
    // Only a document has a policy; on seventy scripts it would be a fifth of all bytes.
    if mimetype.contains("html") {
        let Config { public_url, frame_ancestors, .. } = &state.config;
        let policy = content_security_policy(public_url.as_deref(), path, frame_ancestors);
        response.insert_header((header::CONTENT_SECURITY_POLICY, policy));
        response.insert_header((header::REFERRER_POLICY, "no-referrer"));
    } else if mimetype.contains("svg") {
        response.insert_header((header::CONTENT_SECURITY_POLICY, DRAWING_POLICY));
    }
    if known {
        return Ok(response.finish());
    }
    let body = match path {
        DEMO_INDEX | SERVER_INDEX | STAFF_INDEX => named_by_version(path, hash, &file.data, "=\"/"),
        EMBED_ENTRY => named_by_version(path, hash, &file.data, "\"./"),
        _ => match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        },
    };
    response.content_type(mimetype.as_str()).insert_header((header::VARY, "accept-encoding"));
    // For HEAD, actix-web sends the length and leaves the body out.
    if accepts_gzip(request) && is_text(&mimetype) {
        let compressed = gzipped(hash, &body);
        return Ok(response.insert_header((header::CONTENT_ENCODING, "gzip")).body(Pieces::shared(compressed)));
    }
    Ok(response.body(Pieces::shared(body)))
}

/// Changes with any file of the page. Read once: who changes one under a debug build, which reads them from the disk, starts
/// it again.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for path in StaticFiles::iter() {
        hash.update(path.as_bytes());
        hash.update(StaticFiles::get(&path).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
    }
    HEXLOWER.encode(&hash.finalize()[..8])
});

/// A file with the versions in it, made once in the life of the process. A debug build reads it from the disk, so it is known
/// by its content, too.
fn named_by_version(path: &str, hash: Hash, text: &[u8], opening: &str) -> Bytes {
    type Made = (Hash, Bytes);
    static DONE: LazyLock<Mutex<HashMap<String, Made>>> = LazyLock::new(Mutex::default);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    match done.get(path) {
        Some((known, made)) if *known == hash => made.clone(),
        _ => {
            let made = Bytes::from(with_version(&String::from_utf8_lossy(text), opening, &VERSION));
            done.insert(path.to_owned(), (hash, made.clone()));
            made
        }
    }
}

/// Puts the version before each script and style sheet that a file names: an index as `="/main.js"`, a module as `"./main.js"`.
fn with_version(text: &str, opening: &str, version: &str) -> String {
    let mut pieces = text.split(opening);
    let mut versioned = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let path = piece.split('"').next().unwrap_or_default();
        versioned.push_str(opening);
        if path.ends_with(".js") || path.ends_with(".css") {
            versioned.push(VERSION_MARK);
            versioned.push_str(version);
            versioned.push('/');
        }
        versioned.push_str(piece);
    }
    versioned
}

fn cache_control(version: Option<&str>, path: &str) -> &'static str {
    if version == Some(VERSION.as_str()) {
        KEPT
    } else if path.starts_with("pictures/") {
        // The demo's data names them, so they have no version; an old drawing for a day harms nobody.
        "public, max-age=86400"
    } else {
        "no-cache"
    }
}

/// Whether an answer is cached. Then a request's id in it would belong to another request.
pub fn is_kept(headers: &HeaderMap) -> bool {
    headers.get(header::CACHE_CONTROL).is_some_and(|kept| kept == KEPT)
}

fn is_text(mimetype: &str) -> bool {
    mimetype.starts_with("text/")
        || mimetype.contains("javascript")
        || mimetype.contains("json")
        || mimetype.contains("svg")
}

/// The index changes with its version, too, which is why that is part of every tag.
fn etag(hash: &Hash) -> String {
    format!("\"{}-{}\"", HEXLOWER.encode(&hash[..8]), *VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_may_come_from_the_public_address() {
        let policy = content_security_policy(Some("https://chat.example:8443/talk"), DEMO_INDEX, &[]);
        assert!(policy.contains("img-src 'self' data: blob: https://chat.example:8443; style-src"), "{policy}");
        let policy = content_security_policy(None, DEMO_INDEX, &[]);
        assert!(policy.contains("img-src 'self' data: blob:; style-src"), "{policy}");
    }

    #[test]
    fn only_the_frame_may_stand_in_a_page_of_a_listed_origin() {
        let listed = ["https://shop.example".to_owned(), "http://localhost:3000".to_owned()];
        for (path, listed, expected) in [
            (EMBED_FRAME, &listed[..], "frame-ancestors https://shop.example http://localhost:3000;"),
            (EMBED_FRAME, &[], "frame-ancestors 'none';"),
            (DEMO_INDEX, &listed, "frame-ancestors 'none';"),
            (SERVER_INDEX, &listed, "frame-ancestors 'none';"),
            (STAFF_INDEX, &listed, "frame-ancestors 'none';"),
        ] {
            let policy = content_security_policy(None, path, listed);
            assert!(policy.contains(expected), "{path}: {policy}");
        }
    }

    #[test]
    fn the_marketplaces_pictures_are_shown_where_it_is_not_known_where_they_come_from() {
        for (path, expected) in [(EMBED_FRAME, true), (STAFF_INDEX, true), (DEMO_INDEX, false), (SERVER_INDEX, false)] {
            assert_eq!(
                content_security_policy(None, path, &[]).contains("img-src 'self' data: blob: https:;"),
                expected
            );
        }
    }

    #[test]
    fn scripts_and_styles_are_named_by_version_and_other_addresses_left_alone() {
        let index =
            r#"<a href="/"><link href="/styles/base.css"><script src="/main.js"></script><img src="/a.svg"><b id="x">"#;
        let expected = r#"<a href="/"><link href="/~v1/styles/base.css"><script src="/~v1/main.js"></script><img src="/a.svg"><b id="x">"#;
        assert_eq!(with_version(index, "=\"/", "v1"), expected);
        let module = r#"import "./client/room.js"; export * from "./components/index.js";"#;
        let expected = r#"import "./~v1/client/room.js"; export * from "./~v1/components/index.js";"#;
        assert_eq!(with_version(module, "\"./", "v1"), expected);
    }
}
