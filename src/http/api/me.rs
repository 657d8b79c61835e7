//! The signed-in user, and what they share.

use actix_web::{HttpResponse, web};

use super::{read_own, user_of};
#[cfg(test)]
use crate::http::responses::{AsUser, WithBody};
use crate::{
    actors::db_executor::purpose::Reading,
    api_docs,
    db::{self, Write},
    domain::{Settings, SettingsPatch, UnreadTotal, User},
    http::{
        extract::{Body, SignedIn},
        problem::Problem,
        state::{AppState, json_body},
    },
};

/// The signed-in user.
///
/// As the marketplace has put them. A user who has not been put yet gets what their token says.
///
/// # Errors
/// `forbidden` for a user who was removed, and what every user's route can answer.
#[api_docs::path(
    get,
    path = "/api/v1/me",
    operation_id = "getMe",
    tag = "me",
    security(("userToken" = [])),
    responses((status = 200, description = "The signed-in user", body = User), AsUser)
)]
pub async fn get_me(state: web::Data<AppState>, user: SignedIn) -> Result<web::Json<User>, Problem> {
    let SignedIn(identity) = user;
    let stored =
        read_own(&state, Reading::check(identity.user.clone(), "find_user"), identity.user.clone(), db::find_user)
            .await?;
    Ok(web::Json(stored.unwrap_or_else(|| user_of(&identity))))
}

/// What the caller shares with the other members of their rooms, and sees of them.
///
/// # Errors
/// None of its own.
#[api_docs::path(
    get,
    path = "/api/v1/me/settings",
    operation_id = "getSettings",
    tag = "me",
    security(("userToken" = [])),
    responses((status = 200, description = "One's switches", body = Settings), AsUser)
)]
pub async fn get_settings(state: web::Data<AppState>, user: SignedIn) -> Result<web::Json<Settings>, Problem> {
    let SignedIn(identity) = user;
    let purpose = Reading::check(identity.user.clone(), "find_settings");
    Ok(web::Json(
        state.database.read(purpose, db::Scope::Nothing, move |conn| db::find_settings(conn, &identity.user)).await?,
    ))
}

/// Changes the caller's switches, for both directions: a user who does not share something does not see it of others.
///
/// Switches that are left out stay. The change takes effect at once in every session of both members.
///
/// # Errors
/// `forbidden` for a user who was removed, `invalid` for a switch that is neither true nor false.
#[api_docs::path(
    patch,
    path = "/api/v1/me/settings",
    operation_id = "setSettings",
    tag = "me",
    security(("userToken" = [])),
    request_body(content = SettingsPatch, example = json!({"readReceipts": false})),
    responses((status = 200, description = "The switches as they now stand", body = Settings), AsUser, WithBody)
)]
pub async fn set_settings(
    state: web::Data<AppState>,
    user: SignedIn,
    body: Body<SettingsPatch>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), Body(patch)) = (user, body);
    let write = Write::SetSettings { user: user_of(&identity), patch };
    Ok(json_body(state.change(write).await?.data))
}

/// What the caller has not read: how many rooms have unread messages or are marked as unread, and how many messages these are.
///
/// Archived and muted rooms are left out. Of a list of more than 1,000 rooms in one role the latest 1,000 count, and of one room
/// at most 1,000 messages. `roomUpdated` brings the same as `unreadTotal`.
///
/// # Errors
/// None of its own.
#[api_docs::path(
    get,
    path = "/api/v1/me/unread",
    operation_id = "getUnread",
    tag = "me",
    security(("userToken" = [])),
    responses((status = 200, description = "What one has not read", body = UnreadTotal), AsUser)
)]
pub async fn get_unread(state: web::Data<AppState>, user: SignedIn) -> Result<web::Json<UnreadTotal>, Problem> {
    let SignedIn(identity) = user;
    let purpose = Reading::list(identity.user.clone(), "list_unread");
    let scope = db::Scope::User(identity.user.clone());
    let unread = state.database.read(purpose, scope, move |conn| db::list_unread(conn, &identity.user)).await?;
    let rooms = i64::try_from(unread.len()).unwrap_or(i64::MAX);
    Ok(web::Json(UnreadTotal { rooms, messages: unread.iter().map(|(_, count)| count).sum() }))
}
