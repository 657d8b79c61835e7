//! A member's reaction to a message.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::{
    api_docs::{self, ToSchema},
    chat::request::React,
    domain::{Emoji, MessageId, RoomId, UserId, reaction::one_emoji},
    http::{
        extract::{Body, InPath, SignedIn},
        problem::Problem,
        state::{AppState, json_body},
    },
};
#[cfg(test)]
use crate::{
    http::responses::{AsSpeaker, Changed, Unknown, WithBody},
    protocol::view::MessageView,
};

/// A reaction.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewReaction {
    /// A single emoji, at most 32 bytes of UTF-8.
    #[serde(deserialize_with = "one_emoji")]
    emoji: Emoji,
}

/// Reacts to a message of either member, as the event `react` does, in place of what the caller has reacted with before.
///
/// The other member is not notified of it as of a message: nothing becomes unread.
///
/// # Errors
/// `forbidden` for anyone but the room's two members, and for a message of the marketplace's; `invalid` for anything but one
/// emoji; `not_found` for a message that is not in this room; `conflict` for one that was deleted.
#[api_docs::path(
    put,
    path = "/api/v1/rooms/{id}/messages/{messageId}/reaction",
    operation_id = "react",
    tag = "messages",
    security(("userToken" = [])),
    params(
        ("id" = RoomId, Path, description = "The room's id"),
        ("messageId" = MessageId, Path, description = "The message's id"),
    ),
    request_body(content = NewReaction, example = json!({"emoji": "👍"})),
    responses(
        (status = 200, description = "The message as it now stands", body = MessageView),
        AsSpeaker, WithBody, Unknown, Changed,
    )
)]
pub async fn react(
    state: web::Data<AppState>,
    user: SignedIn,
    ids: InPath<(RoomId, MessageId)>,
    body: Body<NewReaction>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), Body(NewReaction { emoji })) = (user, body);
    set_reaction(&state, identity.user, ids, Some(emoji)).await
}

/// Takes the caller's reaction to a message back. Where there is none, nothing changes.
///
/// # Errors
/// As for reacting. A user who is muted or blocked may do it.
#[api_docs::path(
    delete,
    path = "/api/v1/rooms/{id}/messages/{messageId}/reaction",
    operation_id = "takeBackReaction",
    tag = "messages",
    security(("userToken" = [])),
    params(
        ("id" = RoomId, Path, description = "The room's id"),
        ("messageId" = MessageId, Path, description = "The message's id"),
    ),
    responses(
        (status = 200, description = "The message as it now stands", body = MessageView),
        AsSpeaker, Unknown, Changed,
    )
)]
pub async fn take_back_reaction(
    state: web::Data<AppState>,
    user: SignedIn,
    ids: InPath<(RoomId, MessageId)>,
) -> Result<HttpResponse, Problem> {
    let SignedIn(identity) = user;
    set_reaction(&state, identity.user, ids, None).await
}

async fn set_reaction(
    state: &AppState,
    user: UserId,
    InPath((room, message)): InPath<(RoomId, MessageId)>,
    emoji: Option<Emoji>,
) -> Result<HttpResponse, Problem> {
    state.accounts.admit_send(&user)?;
    let answer = state.ask(|reply| React { user, room, message, emoji, reply }).await?;
    Ok(json_body(answer.data))
}
