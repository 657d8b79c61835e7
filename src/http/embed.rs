//! The components for the pages of a marketplace: `/embed/haggle.js`, and what it loads.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{
    openapi::problems::{Anyone, Unknown},
    problem::Problem,
    state::AppState,
    static_files::{EMBED_ENTRY, answer, versioned},
};
use crate::error::ChatError;

/// The packages that a page may load from here. The demo page's own files are none of them.
const PACKAGES: [&str; 2] = ["components/", "client/"];

/// The components as JavaScript modules: `haggle.js`, and what it imports.
///
/// `<script type="module" src="https://chat.example/embed/haggle.js">` defines the elements. The entry is asked for again each
/// time, and names all others by an address that changes with their content, so that a browser keeps them for a year. Pages of
/// the origins in `--allowed-origin` may load them.
///
/// # Errors
/// `not_found`.
#[utoipa::path(
    get,
    path = "/embed/{file}",
    operation_id = "getEmbedFile",
    tag = "embed",
    params(("file" = String, Path, description = "`haggle.js`, or what that names", example = "haggle.js")),
    responses(
        (status = 200, description = "The module", body = String, content_type = "text/javascript",
            headers(("etag" = String, description = "Its tag, for `if-none-match`"))),
        (status = 304, description = "It is the one that `if-none-match` names"),
        Anyone,
        Unknown,
    )
)]
pub async fn get_embed_file(state: web::Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (version, path) = versioned(request.match_info().query("file"));
    if path == "haggle.js" {
        return answer(&state, &request, None, EMBED_ENTRY);
    }
    if PACKAGES.iter().any(|package| path.starts_with(package)) {
        return answer(&state, &request, version, path);
    }
    Err(ChatError::not_found("there is nothing at this address").into())
}
