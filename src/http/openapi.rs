//! The OpenAPI document, generated from the code, and the page that shows it.

mod conventions;

use std::sync::{Arc, LazyLock};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentEncoding},
    web,
};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use self::conventions::Conventions;
use super::{
    api::{
        audit, blocks, currencies, demo, events, features, images, me, messages, moderation, notes, offers, origin,
        products, reports, rooms, sanctions, search, users,
    },
    body::Pieces,
    compressed::{accepts_gzip, gzipped, has_already},
    embed, health,
    problem::{Problem, ProblemDocument},
    responses::{self, FileBytes},
    state::AppState,
};
use crate::{
    domain::{MessageId, ProductId, RoomId, UserId},
    error::ChatError,
    protocol::json::to_json,
};

/// What the documentation's page may load and run. Swagger UI writes styles into its elements.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Every documented route but the demo's own.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "haggle",
        description = "The chat of a marketplace: a buyer and a seller talk about a product.\n\n\
            Errors are `application/problem+json` (RFC 9457) with a stable `code`; every response has an `x-request-id`. \
            Times are RFC 3339 in UTC with milliseconds. Fields that a request has and haggle does not know are ignored, and one \
            that is `null` counts as left out; what an answer has nothing for is absent from it, never `null`. \
            A body must be a JSON object sent as `application/json`; any other content type is `invalid` (422). What answers \
            GET answers HEAD, too; another method gets 405 (`not_found`) with `allow`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(
        me::get_me,
        me::get_settings,
        me::set_settings,
        me::get_unread,
        rooms::open_room,
        rooms::list_rooms,
        rooms::get_room,
        rooms::mark_read,
        rooms::set_room_settings,
        rooms::issue_room_token,
        messages::list_messages,
        messages::send_message,
        messages::edit_message,
        messages::delete_message,
        offers::make_offer,
        offers::answer_offer,
        blocks::block,
        blocks::unblock,
        blocks::list_blocks,
        reports::report,
        reports::list_reports,
        reports::get_report,
        reports::decide_report,
        search::search_messages,
        search::search_all_messages,
        images::send_image,
        images::get_image,
        products::put_product,
        products::get_product,
        products::set_product_status,
        currencies::list_currencies,
        features::get_features,
        products::list_product_rooms,
        users::get_user,
        users::list_user_rooms,
        users::put_user,
        users::delete_user,
        users::disconnect_user,
        users::export_user,
        moderation::freeze_room,
        moderation::unfreeze_room,
        moderation::warn_user,
        moderation::unlist_product,
        moderation::relist_product,
        sanctions::mute_user,
        sanctions::unmute_user,
        sanctions::list_mutes,
        sanctions::ban_user,
        sanctions::unban_user,
        sanctions::list_bans,
        notes::add_user_note,
        notes::list_user_notes,
        notes::add_report_note,
        notes::list_report_notes,
        audit::list_audit,
        events::list_events,
        health::healthz,
        health::readyz,
        health::metrics,
        origin::get_origin,
        get_document,
        redirect_to_page,
        get_page_file,
        embed::get_embed_file,
    ),
    components(schemas(ProblemDocument, RoomId, MessageId, ProductId, UserId)),
    modifiers(&SecuritySchemes, &Conventions),
    tags(
        (name = "me", description = "The signed-in user."),
        (name = "rooms", description = "One room for each buyer and product. Its two members are the only ones who may enter."),
        (name = "messages", description = "What was said in a room, numbered by `seq`: 1, 2, 3 … without a hole."),
        (name = "offers", description = "Prices that one member names and the other answers. The first acceptance wins for the \
            whole product. What became of an offer stands in its message's `data`: `amount`, `currency`, `status` \
            (`pending`, `accepted`, `declined`, `withdrawn`, `countered`, `expired` or `superseded`), `expiresAt`, and \
            `statusAt` once it is not pending any more."),
        (name = "safety", description = "Blocks, reports and mutes."),
        (name = "products", description = "Owned by the marketplace."),
        (name = "users", description = "Owned by the marketplace."),
        (name = "staff", description = "For the marketplace's staff, by a token with the claim `haggle_role: \"staff\"`, and for its \
            backend. Each call is an entry of the audit log."),
        (name = "events", description = "For the marketplace's own backend: everything that happened, in order."),
        (name = "websocket", description = "Live events go over a plain WebSocket, `GET /ws/chat`, with the subprotocols \
            `haggle.v1` and `bearer.<jwt>`, or with `Authorization: Bearer`. Each text frame is one JSON object: \
            `{\"event\", \"data\"?, \"id\"?}` goes in, `{\"reply\": id, \"data\"}` or `{\"reply\": id, \"error\"}` answers a \
            request that has an `id`, and `{\"event\", \"data\"}` comes unasked. A client sends `enterRoom`, `leaveRoom`, \
            `message`, `editMessage`, `deleteMessage`, `typing`, `read`, `offer`, `answerOffer`, `authenticate` and `heartbeat`; docs/protocol.md describes each."),
        (name = "embed", description = "The components, for a marketplace's own pages."),
        (name = "operations", description = "For operators of the server."),
    )
)]
struct Api;

/// The demo's own routes.
#[derive(OpenApi)]
#[openapi(
    paths(demo::list_demo_users, demo::list_demo_products, demo::sign_in_to_demo),
    components(schemas(ProblemDocument)),
    modifiers(&Conventions),
    tags((name = "demo", description = "Only under `haggle demo`."))
)]
struct DemoApi;

/// The document, with the demo's routes where they exist.
#[must_use]
pub fn document(demo: bool) -> utoipa::openapi::OpenApi {
    let mut document = Api::openapi();
    if demo {
        document.merge(DemoApi::openapi());
    }
    document
}

struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = |description: &str, format: Option<&str>| {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description));
            SecurityScheme::Http(match format {
                Some(format) => scheme.bearer_format(format).build(),
                None => scheme.build(),
            })
        };
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme(
            "userToken",
            bearer(
                "A JWT with `sub` and `exp`, signed by the marketplace. Where no header can be sent, the parameter \
                `access_token` takes it, too.",
                Some("JWT"),
            ),
        );
        components.add_security_scheme(
            "staffToken",
            bearer("A user's token with the claim `haggle_role: \"staff\"`.", Some("JWT")),
        );
        components.add_security_scheme("serviceKey", bearer("The key of the marketplace's own backend.", None));
    }
}

/// The document as it is sent.
struct Sent {
    body: Bytes,
    hash: [u8; 32],
    tag: String,
}

/// Without and with the demo's routes.
static DOCUMENTS: LazyLock<[Sent; 2]> = LazyLock::new(|| {
    [false, true].map(|demo| {
        let body = to_json(&document(demo));
        let hash: [u8; 32] = Sha256::digest(&body).into();
        Sent { body, hash, tag: format!("\"{}\"", HEXLOWER.encode(&hash[..12])) }
    })
});

/// Makes the document. This takes a moment, so it is done at the start and not on the first request.
pub fn prepare() {
    LazyLock::force(&DOCUMENTS);
}

/// This document.
///
/// It weighs 200 KB, and 20 compressed: what a client needs is in `GET /features`.
#[utoipa::path(
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
#[utoipa::path(
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
#[utoipa::path(
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
