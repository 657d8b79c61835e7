//! The signed-in user.

use actix_web::web;

use super::{removed_user, user_of};
use crate::{
    db,
    domain::User,
    http::{extract::SignedIn, openapi::problems::AsUser, problem::Problem, state::AppState},
};

/// The signed-in user.
///
/// As the marketplace has put them; somebody whom it has not put yet is told what their token says.
///
/// # Errors
/// `forbidden` for a user who was removed, and what every user's route can answer.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    operation_id = "getMe",
    tag = "me",
    security(("userToken" = [])),
    responses((status = 200, description = "The signed-in user", body = User), AsUser)
)]
pub async fn get_me(state: web::Data<AppState>, user: SignedIn) -> Result<web::Json<User>, Problem> {
    let SignedIn(identity) = user;
    let id = identity.user.clone();
    let stored = state
        .database
        .read(move |conn| if db::is_deleted(conn, &id)? { Ok(None) } else { db::find_user(conn, &id).map(Some) })
        .await?;
    let stored = stored.ok_or_else(removed_user)?;
    Ok(web::Json(stored.unwrap_or_else(|| user_of(&identity))))
}
