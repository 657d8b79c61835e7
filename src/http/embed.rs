//! The components for the pages of a marketplace: `/embed/haggle.js` and what it loads, and `/embed/frame.html`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{
    problem::Problem,
    state::AppState,
    static_files::{answer, versioned},
};
#[cfg(test)]
use crate::http::responses::{Anyone, Unknown};
use crate::{api_docs, error::ChatError};

/// The packages that a page may load from here. The demo page's own files are none of them.
const PACKAGES: [&str; 2] = ["components/", "client/"];

/// The service worker, for `importScripts` in one of the page's own: its address stays the same, and it is asked for again each time.
const WORKER: (&str, &str) = ("haggle-push.js", "components/notifications/service_worker.js");

/// Files in `static/embed/`: the entry, and the page for an iframe with its script and style.
const OWN: [&str; 4] = ["haggle.js", "frame.html", "frame.js", "frame.css"];

/// The components as JavaScript modules: `haggle.js`, and what it imports. `frame.html` is the messenger for an iframe.
/// `haggle-push.js` is what a page's service worker imports.
///
/// `<script type="module" src="https://chat.example/embed/haggle.js">` defines the elements. The entry is asked for again each
/// time, and names all others by an address that changes with their content, so that a browser keeps them for a year. Pages of
/// the origins in `--allowed-origin` may load them; those in `--frame-ancestors` may show `frame.html`.
///
/// # Errors
/// `not_found`.
#[api_docs::path(
    get,
    path = "/embed/{file}",
    operation_id = "getEmbedFile",
    tag = "embed",
    params(("file" = String, Path, description = "`haggle.js`, or what that names", example = "haggle.js")),
    responses(
        (status = 200, description = "The file", content((String = "text/javascript"), (String = "text/html"), (String = "text/css")),
            headers(("etag" = String, description = "Its tag, for `if-none-match`"))),
        (status = 304, description = "It is the one that `if-none-match` names"),
        Anyone,
        Unknown,
    )
)]
pub async fn get_embed_file(state: web::Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (version, path) = versioned(request.match_info().query("file"));
    if OWN.contains(&path) {
        return answer(&state, &request, None, &format!("embed/{path}"));
    }
    if path == WORKER.0 {
        return answer(&state, &request, None, WORKER.1);
    }
    if PACKAGES.iter().any(|package| path.starts_with(package)) {
        return answer(&state, &request, version, path);
    }
    Err(ChatError::not_found("there is nothing at this address").into())
}
