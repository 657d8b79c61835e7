//! The OpenAPI document, and the page that shows it.

#[cfg(test)]
mod conventions;
#[cfg(test)]
pub(super) mod definition;

use std::{
    mem,
    sync::{Arc, LazyLock},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentEncoding},
    web,
};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};

#[cfg(test)]
use super::responses::{self, FileBytes};
use super::{
    body::Pieces,
    compressed::{accepts_gzip, gzipped, has_already},
    problem::Problem,
    state::AppState,
};
use crate::{api_docs, error::ChatError, protocol::json::to_json};

/// The document, without the demo's routes. `definition` holds it to what the code says.
const ROUTES: &str = include_str!("../../docs/openapi.json");
/// What it has under `haggle demo` in addition.
const DEMO_ROUTES: &str = include_str!("openapi/demo_routes.json");

/// What the documentation's page may load and run. Swagger UI writes styles into its elements.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The document as it is sent.
struct Sent {
    body: Bytes,
    hash: [u8; 32],
    tag: String,
}

/// Without and with the demo's routes.
static DOCUMENTS: LazyLock<[Sent; 2]> = LazyLock::new(|| {
    let without = parsed(ROUTES);
    let with = with_demo_routes(without.clone(), parsed(DEMO_ROUTES));
    [without, with].map(|document| {
        let body = to_json(&document);
        let hash: [u8; 32] = Sha256::digest(&body).into();
        Sent { body, hash, tag: format!("\"{}\"", HEXLOWER.encode(&hash[..12])) }
    })
});

/// A document of this binary, which its tests have read.
fn parsed(document: &str) -> Value {
    serde_json::from_str(document).unwrap_or_default()
}

fn with_demo_routes(mut document: Value, mut demo: Value) -> Value {
    for part in ["/paths", "/components/schemas"] {
        if let (Some(Value::Object(members)), Some(Value::Object(more))) =
            (document.pointer_mut(part), demo.pointer_mut(part))
        {
            for (name, value) in mem::take(more) {
                members.entry(name).or_insert(value);
            }
        }
    }
    if let (Some(Value::Array(tags)), Some(Value::Array(more))) = (document.get_mut("tags"), demo.get_mut("tags")) {
        tags.append(more);
    }
    document
}

/// Makes the document. This takes a moment, so it is done at the start and not on the first request.
pub fn prepare() {
    LazyLock::force(&DOCUMENTS);
}

/// This document.
///
/// It weighs 200 KB, and 20 compressed: what a client needs is in `GET /features`.
#[api_docs::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "getOpenApi",
    tag = "operations",
    responses(
        (status = 200, description = "The OpenAPI document", body = serde_json::Value,
            headers(("etag" = String, description = "Its tag, for `if-none-match`"))),
        (status = 304, description = "It is the one that `if-none-match` names"),
        responses::Anyone,
    )
)]
pub async fn get_document(state: web::Data<AppState>, request: HttpRequest) -> HttpResponse {
    let [plain, with_demo] = &*DOCUMENTS;
    let Sent { body, hash, tag } = if state.config.demo { with_demo } else { plain };
    let known = has_already(&request, tag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, tag.as_str()))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::VARY, "accept-encoding"));
    if known {
        return response.finish();
    }
    response.content_type("application/json");
    if accepts_gzip(&request) {
        return response.insert_header(ContentEncoding::Gzip).body(Pieces::shared(gzipped(*hash, body)));
    }
    response.body(Pieces::shared(body.clone()))
}

/// The way to the documentation's page.
#[api_docs::path(
    get,
    path = "/api/docs",
    operation_id = "redirectToDocs",
    tag = "operations",
    responses(
        (status = 308, description = "The page is at `/api/docs/`", headers(("location" = String, description = "`docs/`"))),
        responses::Anyone,
    )
)]
pub async fn redirect_to_page() -> HttpResponse {
    // Relative, so that it also leads there behind a proxy that adds a prefix.
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "docs/")).finish()
}

/// The page's settings: one document, by a relative address, and no outside service that would judge it.
static PAGE: LazyLock<Arc<utoipa_swagger_ui::Config<'static>>> = LazyLock::new(|| {
    Arc::new(utoipa_swagger_ui::Config::new(["../v1/openapi.json"]).validator_url("none").use_base_layout())
});

/// The documentation's page and its files, which are part of the binary.
///
/// # Errors
/// `not_found`.
#[api_docs::path(
    get,
    path = "/api/docs/{file}",
    operation_id = "getDocsFile",
    tag = "operations",
    params(("file" = String, Path, description = "A file of the page; nothing for the page itself")),
    responses(
        (status = 200, description = "The file", content(
            (String = "text/html"), (String = "text/css"), (String = "text/javascript"), (FileBytes = "image/png"),
        )),
        responses::Anyone, responses::Unknown,
    )
)]
pub async fn get_page_file(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let path = request.match_info().query("file");
    let file = utoipa_swagger_ui::serve(path, Arc::clone(&PAGE)).map_err(|error| ChatError::internal(&error))?;
    let file = file.ok_or_else(|| ChatError::not_found("there is nothing at this address"))?;
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header(ContentEncoding::Gzip);
    }
    Ok(response
        .content_type(file.content_type)
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .body(Pieces::embedded(file.bytes)))
}
