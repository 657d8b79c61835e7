//! Staff in a conversation: a member of the staff joins it, and leaves it. Both members see that.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{created_or_found, moderation::Because, user_of};
use crate::{
    api_docs::{self, IntoParams},
    db::Moderation,
    domain::{Moderator, RoomId, UserId},
    error::ChatError,
    http::{
        extract::{Body, InPath, InQuery, Staff, StaffMember},
        problem::Problem,
        state::AppState,
    },
};
#[cfg(test)]
use crate::{
    http::{
        extract::Why,
        responses::{AsStaff, Changed, Unknown, WithBody},
    },
    protocol::event::RoomStaff,
};

/// Joins a conversation as a member of the staff: from then on one may enter the room on both wires, receives what is sent there, and
/// sends messages under one's own name, until one leaves. A `system` message notifies both members.
///
/// Joining again changes nothing (200). At most 8 members of the staff are in a room, and one is in at most 256 rooms.
///
/// # Errors
/// `not_found` for an unknown room; `conflict` for a member of the room, and where too many are there.
#[api_docs::path(
    post,
    path = "/api/v1/rooms/{id}/join",
    operation_id = "joinRoom",
    tag = "staff",
    security(("staffToken" = [])),
    params(("id" = RoomId, Path, description = "The room's id")),
    request_body(content = Because, example = json!({"reason": "The buyer asked for help"})),
    responses(
        (status = 201, description = "One is in the room from now on", body = RoomStaff),
        (status = 200, description = "One was in the room before", body = RoomStaff),
        AsStaff, WithBody, Unknown, Changed,
    )
)]
pub async fn join_room(
    state: web::Data<AppState>,
    staff: StaffMember,
    room: InPath<RoomId>,
    body: Body<Because>,
) -> Result<HttpResponse, Problem> {
    let (InPath(room), Body(Because { reason })) = (room, body);
    let what = Moderation::JoinRoom { room, user: user_of(&staff.identity) };
    let write = Staff::from(staff).does_because(reason, state.clock.now(), what)?;
    Ok(created_or_found(state.change(write).await?))
}

/// Who leaves a conversation.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct LeaveQuery {
    /// Another member of the staff: somebody who is ill, or no longer of the staff. Without it, the one who asks.
    user_id: Option<UserId>,
}

/// Leaves a conversation that one has joined, or takes another member of the staff out: their sessions are in the room no more.
/// Leaving again changes nothing.
///
/// # Errors
/// `not_found` for an unknown room; `invalid` where the service key does not say who is to leave.
#[api_docs::path(
    post,
    path = "/api/v1/rooms/{id}/leave",
    operation_id = "leaveRoom",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = RoomId, Path, description = "The room's id"), LeaveQuery, Why),
    responses((status = 204, description = "They are not in the room"), AsStaff, Unknown)
)]
pub async fn leave_room(
    state: web::Data<AppState>,
    staff: Staff,
    room: InPath<RoomId>,
    query: InQuery<LeaveQuery>,
) -> Result<HttpResponse, Problem> {
    let own = match &staff.by {
        Moderator::Staff { id } => Some(id.clone()),
        Moderator::Service | Moderator::Screen => None,
    };
    let InQuery(LeaveQuery { user_id }) = query;
    let Some(user) = user_id.or(own) else {
        return Err(ChatError::invalid("`userId` is missing: say who of the staff is to leave").into());
    };
    let what = Moderation::LeaveRoom { room: room.0, user };
    state.change(staff.does(state.clock.now(), what)).await?;
    Ok(HttpResponse::NoContent().finish())
}
