//! What this server offers: for clients, which may be older or newer than the server.

use actix_web::{HttpResponse, http::header, web};
use serde::Serialize;

#[cfg(test)]
use crate::http::responses::Anyone;
use crate::{
    api_docs::{self, ToSchema},
    auth::token_source::SUBPROTOCOL,
    domain::{AuthorizePolicy, CLIENT_ID_CHARS_MAX, message::EDIT_WINDOW_MS, offer::OFFER_LIFETIME_MS, search},
    http::{socket_io, state::AppState},
    images,
    protocol::json::to_json,
};

/// What a client may use on every server. A client ignores names that it does not know. A name that is missing is not offered.
const FEATURES: [&str; 13] = [
    "offers",
    "images",
    "search",
    "blocks",
    "reports",
    "settings",
    "room-settings",
    "room-tokens",
    "embed",
    "replies",
    "reactions",
    "staff-messages",
    "receipts",
];

/// What this server offers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Features {
    /// Versions of the protocol that it speaks.
    #[schema(example = json!(["haggle.v1"]))]
    protocols: [&'static str; 1],
    /// What it offers: `offers`, `images`, `search`, `blocks`, `reports`, `settings`, `room-settings`, `room-tokens`,
    /// `embed`, `replies`, `reactions`, `staff-messages`, `receipts`; `web-push` where browsers are notified, `device-tokens` where the backend is notified, with the tokens of native apps.
    /// Newer servers offer more.
    #[schema(example = json!(["offers", "images", "search"]))]
    features: Vec<&'static str>,
    /// Over which wires events travel, each with its address on this server.
    wires: Wires,
    /// Whether this is `haggle demo`, where anyone signs in as anyone; absent elsewhere.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    demo: bool,
    /// Where the marketplace signs its staff in for `/staff`; absent unless its operator has named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://example.com/staff/chat")]
    staff_sign_in_url: Option<String>,
    /// Whether entering a room takes a room token (`POST /rooms/{id}/token`).
    room_token_required: bool,
    /// The public key with which a page subscribes to Web Push, as base64url; absent where browsers are not notified.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4")]
    application_server_key: Option<String>,
    /// Where the currencies are listed that prices may be in.
    #[schema(example = "/api/v1/currencies")]
    currencies: &'static str,
    /// Which images may be sent.
    images: ImageFeatures,
    /// What a client has to keep to.
    limits: ClientLimits,
}

/// Addresses of the wires.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Wires {
    /// Plain WebSocket with JSON.
    #[schema(example = "/ws/chat")]
    websocket: &'static str,
    /// Socket.IO.
    #[schema(example = "/socket.io/")]
    socket_io: &'static str,
}

/// Which images may be sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ImageFeatures {
    /// Media types.
    #[schema(example = json!(["image/jpeg", "image/png", "image/webp"]))]
    types: [&'static str; 3],
    /// Largest file, in bytes.
    #[schema(example = 10_485_760)]
    bytes_max: usize,
    /// Longest side, in pixels.
    #[schema(example = 12_000)]
    side_max: u32,
    /// Most pixels.
    #[schema(example = 50_000_000)]
    pixels_max: u64,
}

/// What a client has to keep to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ClientLimits {
    /// Longest message, its text and data together, in bytes of UTF-8.
    #[schema(example = 16_384)]
    message_bytes_max: usize,
    /// Longest `clientId`, in characters.
    #[schema(example = 64)]
    client_id_chars_max: usize,
    /// Longest query of a search, in characters.
    #[schema(example = 100)]
    query_chars_max: usize,
    /// How long a message may be edited or deleted by its sender, in milliseconds.
    #[schema(example = 900_000)]
    edit_window_ms: i64,
    /// How long an offer waits for an answer, in milliseconds.
    #[schema(example = 172_800_000)]
    offer_lifetime_ms: i64,
}

/// What this server offers, and what a client has to keep to.
///
/// For a page that hides what an older server lacks, and refuses a picture before it is sent. Ignore unknown names in
/// `features`.
#[api_docs::path(
    get,
    path = "/api/v1/features",
    operation_id = "getFeatures",
    tag = "operations",
    responses((status = 200, description = "What this server offers", body = Features), Anyone)
)]
pub async fn get_features(state: web::Data<AppState>) -> HttpResponse {
    let config = &state.config;
    let application_server_key = state.push_service.as_ref().map(|service| service.public_key().to_owned());
    let mut features = FEATURES.to_vec();
    features.extend(application_server_key.as_ref().map(|_| "web-push"));
    features.extend(state.notifies_devices().then_some("device-tokens"));
    let features = Features {
        protocols: [SUBPROTOCOL],
        features,
        wires: Wires { websocket: "/ws/chat", socket_io: socket_io::PATH },
        demo: config.demo,
        staff_sign_in_url: config.staff_sign_in_url.clone(),
        room_token_required: config.authorize == AuthorizePolicy::RoomToken,
        application_server_key,
        currencies: "/api/v1/currencies",
        images: ImageFeatures {
            types: images::TYPES,
            bytes_max: config.limits.image_bytes_max,
            side_max: images::SENT_SIDE_MAX,
            pixels_max: images::SENT_PIXELS_MAX,
        },
        limits: ClientLimits {
            message_bytes_max: config.limits.message_bytes_max,
            client_id_chars_max: CLIENT_ID_CHARS_MAX,
            query_chars_max: search::QUERY_CHARS_MAX,
            edit_window_ms: EDIT_WINDOW_MS,
            offer_lifetime_ms: OFFER_LIFETIME_MS,
        },
    };
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "public, max-age=60"))
        .body(to_json(&features))
}
