//! What the OpenAPI document is made of: the comments and types of the handlers. It is made by this test alone and kept in
//! `docs/openapi.json`, which the server sends as it is: as code, it would be a fifth of the binary.

use std::{env, fs, path::Path};

use serde_json::Value;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{DEMO_ROUTES, ROUTES, conventions::Conventions};
use crate::{
    domain::{MessageId, ProductId, RoomId, UserId},
    http::{
        api::{
            audit, blocks, currencies, demo, events, features, images, me, messages, moderation, notes, offers,
            operations, origin, products, push_subscriptions, reactions, reports, room_staff, rooms, sanctions, search,
            staff_rooms, users,
        },
        embed, health, openapi,
        problem::ProblemDocument,
    },
};

/// Every documented route but the demo's own.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "haggle",
        description = "The chat of a marketplace: a buyer and a seller talk about a product.\n\n\
            Errors are `application/problem+json` (RFC 9457) with a stable `code`; every response has an `x-request-id`. \
            Times are RFC 3339 in UTC with milliseconds. Fields that a request has and haggle does not know are ignored, and one \
            that is `null` counts as left out (but for the `assignee` of a report, who is nobody then); what an answer has nothing for is absent from it, never `null`. \
            A body must be a JSON object sent as `application/json`; any other content type is `invalid` (422). What answers \
            GET answers HEAD, too; another method gets 405 (`not_found`) with `allow`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(
        me::get_me,
        me::get_settings,
        me::set_settings,
        me::get_unread,
        push_subscriptions::list_push_subscriptions,
        push_subscriptions::subscribe,
        push_subscriptions::unsubscribe,
        rooms::open_room,
        rooms::list_rooms,
        rooms::get_room,
        rooms::mark_read,
        rooms::mark_delivered,
        rooms::set_room_settings,
        rooms::issue_room_token,
        messages::list_messages,
        messages::send_message,
        messages::edit_message,
        messages::delete_message,
        reactions::react,
        reactions::take_back_reaction,
        offers::make_offer,
        offers::answer_offer,
        blocks::block,
        blocks::unblock,
        blocks::list_blocks,
        reports::report,
        reports::list_reports,
        reports::get_report,
        reports::update_report,
        search::search_messages,
        search::search_all_messages,
        search::search_users,
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
        room_staff::join_room,
        room_staff::leave_room,
        staff_rooms::list_staff_rooms,
        staff_rooms::end_wait,
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
        operations::get_operations,
        origin::get_origin,
        openapi::get_document,
        openapi::redirect_to_page,
        openapi::get_page_file,
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
            request that has an `id`, and `{\"event\", \"data\"}` comes unasked. docs/protocol.md \
            describes each event."),
        (name = "embed", description = "The components, for a marketplace's own pages."),
        (name = "operations", description = "For operators of the server."),
    )
)]
pub(in crate::http) struct Api;

/// The demo's own routes.
#[derive(OpenApi)]
#[openapi(
    paths(demo::list_demo_users, demo::list_demo_products, demo::sign_in_to_demo),
    components(schemas(ProblemDocument)),
    modifiers(&Conventions),
    tags((name = "demo", description = "Only under `haggle demo`."))
)]
pub(super) struct DemoApi;

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

/// Writes JSON with a line for each operation and each schema, so that a change of one is a change of one line.
fn write_lines(value: &Value, levels: usize, text: &mut String) {
    let Value::Object(members) = value else { return text.push_str(&value.to_string()) };
    if levels == 0 || members.is_empty() {
        return text.push_str(&value.to_string());
    }
    for (index, (name, value)) in members.iter().enumerate() {
        text.push_str(if index == 0 { "{\n" } else { ",\n" });
        text.push_str(&format!("{}:", Value::from(name.as_str())));
        write_lines(value, levels - 1, text);
    }
    text.push_str("\n}");
}

/// Compares `kept`, the file at `path`, with what the code says now, or writes it again where `HAGGLE_RENEW` is set.
fn is_what_the_code_says(path: &str, kept: &str, document: &utoipa::openapi::OpenApi) {
    let document: Value = serde_json::to_value(document).unwrap();
    if env::var_os("HAGGLE_RENEW").is_some() {
        let mut text = String::new();
        write_lines(&document, 3, &mut text);
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(path), text + "\n").unwrap();
        return;
    }
    let kept: Value = serde_json::from_str(kept).unwrap();
    assert!(kept == document, "{path} is not what the code says: run `HAGGLE_RENEW=1 cargo test --lib openapi`");
}

#[test]
fn the_document_is_what_the_code_says() {
    is_what_the_code_says("docs/openapi.json", ROUTES, &Api::openapi());
    is_what_the_code_says("src/http/openapi/demo_routes.json", DEMO_ROUTES, &DemoApi::openapi());
}
