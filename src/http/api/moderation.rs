//! What staff does to rooms and products: freeze a room, warn a member, take a product down.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::{
    actors::chat_server::messages::AnnounceRoom,
    api_docs::{self, ToSchema},
    db::Moderation,
    domain::{
        Draft, MessageKind, ProductId, RoomId, Screened, UserId, message::SYSTEM_SENDER, notice::WarningTemplate,
    },
    http::{
        extract::{Body, InPath, Staff},
        problem::Problem,
        state::{AppState, json_body},
    },
};
#[cfg(test)]
use crate::{
    domain::Product,
    http::{
        extract::Why,
        responses::{AsStaff, Unknown, WithBody},
    },
    protocol::view::MessageView,
};

/// Why something is done.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Because {
    /// In the words of the one who acts. No user sees it.
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub(super) reason: String,
}

/// Freezes a room: its members read, and nobody sends, offers, edits or deletes anything there. The marketplace's own messages
/// still reach them.
///
/// # Errors
/// `not_found` for an unknown room.
#[api_docs::path(
    put,
    path = "/api/v1/rooms/{id}/freeze",
    operation_id = "freezeRoom",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = RoomId, Path, description = "The room's id")),
    request_body(content = Because, example = json!({"reason": "A dispute over an accepted offer"})),
    responses((status = 204, description = "The room is frozen"), AsStaff, WithBody, Unknown)
)]
pub async fn freeze_room(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<RoomId>,
    body: Body<Because>,
) -> Result<HttpResponse, Problem> {
    let (InPath(room), Body(Because { reason })) = (id, body);
    let what = Moderation::SetFrozen { room, frozen: true };
    state.change(staff.does_because(reason, state.clock.now(), what)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Unfreezes a room.
///
/// # Errors
/// `not_found` for an unknown room.
#[api_docs::path(
    delete,
    path = "/api/v1/rooms/{id}/freeze",
    operation_id = "unfreezeRoom",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = RoomId, Path, description = "The room's id"), Why),
    responses((status = 204, description = "The room is not frozen"), AsStaff, Unknown)
)]
pub async fn unfreeze_room(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<RoomId>,
) -> Result<HttpResponse, Problem> {
    let what = Moderation::SetFrozen { room: id.0, frozen: false };
    state.change(staff.does(state.clock.now(), what)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A warning.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewWarning {
    /// The member whom it is for. Both members see it.
    user_id: UserId,
    /// What is said.
    template: WarningTemplate,
    /// Why, for the audit log alone.
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    reason: String,
}

/// Warns a member of a room by a `system` message from a template.
///
/// # Errors
/// `not_found` for an unknown room, and for a user who is none of its two members.
#[api_docs::path(
    post,
    path = "/api/v1/rooms/{id}/warnings",
    operation_id = "warnUser",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = RoomId, Path, description = "The room's id")),
    request_body(content = NewWarning, example = json!({
        "userId": "mina", "template": "scam", "reason": "The other one asked for a code"
    })),
    responses((status = 201, description = "The message", body = MessageView), AsStaff, WithBody, Unknown)
)]
pub async fn warn_user(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<RoomId>,
    body: Body<NewWarning>,
) -> Result<HttpResponse, Problem> {
    let (InPath(room), Body(NewWarning { user_id, template, reason })) = (id, body);
    let now = state.clock.now();
    let draft = Draft {
        room: room.clone(),
        sender: UserId::from_stored(SYSTEM_SENDER),
        client_id: None,
        kind: MessageKind::System,
        text: Some(template.text().to_owned()),
        data: Some(template.data()),
        reply_to: None,
        sent_at: now,
        screened: Screened::Clean,
        by_staff: false,
    };
    let write = staff.does_because(reason, now, Moderation::Warn { user: user_id, template, draft })?;
    let answer = state.change(write).await?;
    // It went past the room, which need not be in memory. The message is stored even if no list is notified.
    let _ = state.chat.send(AnnounceRoom(room)).await;
    Ok(HttpResponse::Created().content_type("application/json").body(answer.data))
}

/// Takes a product down: its rooms stay, and nobody opens a new one.
///
/// # Errors
/// `not_found` for an unknown product.
#[api_docs::path(
    put,
    path = "/api/v1/products/{id}/unlisted",
    operation_id = "unlistProduct",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = ProductId, Path, description = "The marketplace's own product id")),
    request_body(content = Because, example = json!({"reason": "Must not be sold here"})),
    responses((status = 200, description = "The product as it now stands", body = Product), AsStaff, WithBody, Unknown)
)]
pub async fn unlist_product(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<ProductId>,
    body: Body<Because>,
) -> Result<HttpResponse, Problem> {
    let (InPath(product), Body(Because { reason })) = (id, body);
    let what = Moderation::SetUnlisted { product, unlisted: true };
    Ok(json_body(state.change(staff.does_because(reason, state.clock.now(), what)?).await?.data))
}

/// Puts a product back.
///
/// # Errors
/// `not_found` for an unknown product.
#[api_docs::path(
    delete,
    path = "/api/v1/products/{id}/unlisted",
    operation_id = "relistProduct",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = ProductId, Path, description = "The marketplace's own product id"), Why),
    responses((status = 200, description = "The product as it now stands", body = Product), AsStaff, Unknown)
)]
pub async fn relist_product(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<ProductId>,
) -> Result<HttpResponse, Problem> {
    let what = Moderation::SetUnlisted { product: id.0, unlisted: false };
    Ok(json_body(state.change(staff.does(state.clock.now(), what)).await?.data))
}
