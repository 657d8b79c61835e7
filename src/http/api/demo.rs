//! The demo's own routes, which exist only under `haggle demo`: a marketplace has its own sign-in and its own products.

use std::{collections::HashSet, time::Duration};

use actix_web::web;
use serde::{Deserialize, Serialize};

#[cfg(test)]
use crate::http::responses::{AsVisitor, BadBody, Unknown, WithBody};
use crate::{
    actors::db_executor::purpose::Reading,
    api_docs::{self, ToSchema},
    db,
    domain::{Product, Timestamp, User, UserId},
    error::ChatError,
    http::{
        extract::{Body, Visitor},
        problem::Problem,
        state::AppState,
    },
};

/// Most users and most products of the demo's lists. They have no pages.
const ITEMS_MAX: i64 = 1000;

/// How long the demo's tokens are valid.
const TOKEN_TTL: Duration = Duration::from_secs(60 * 60);

/// Which side of a conversation a user is on in the demo.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DemoRole {
    /// Sells nothing.
    Buyer,
    /// Sells at least one product.
    Seller,
    /// Works for the marketplace, at `/staff`.
    Staff,
}

/// A user to sign in as.
#[derive(Debug, Serialize, ToSchema)]
pub struct DemoUser {
    /// The user.
    #[serde(flatten)]
    user: User,
    /// By what they sell.
    role: DemoRole,
}

/// The demo's users.
#[derive(Debug, Serialize, ToSchema)]
pub struct DemoUsers {
    /// By id, the member of the staff last.
    items: Vec<DemoUser>,
}

/// The demo's products.
#[derive(Debug, Serialize, ToSchema)]
pub struct DemoProducts {
    /// By id.
    items: Vec<Product>,
}

/// The demo's member of the staff. They are in no conversation, so the database need not know them.
fn moderator() -> User {
    User::new(UserId::from_stored("moderator"), "Noor Haddad".to_owned(), None)
}

/// Lists whom one can sign in as.
///
/// # Errors
/// `unavailable`.
#[api_docs::path(
    get,
    path = "/api/v1/demo/users",
    operation_id = "listDemoUsers",
    tag = "demo",
    responses((status = 200, description = "Everyone whom one can sign in as", body = DemoUsers), AsVisitor)
)]
pub async fn list_demo_users(state: web::Data<AppState>, visitor: Visitor) -> Result<web::Json<DemoUsers>, Problem> {
    let list = |conn: &mut db::Connection| {
        Ok::<_, db::DbError>((db::list_users(conn, ITEMS_MAX)?, db::list_products(conn, ITEMS_MAX)?))
    };
    let (users, products) =
        state.database.read(Reading::list(visitor.0, "list_demo_users"), db::Scope::Nothing, list).await?;
    let sellers: HashSet<_> = products.into_iter().map(|product| product.seller_id).collect();
    let role = |user: &User| if sellers.contains(&user.id) { DemoRole::Seller } else { DemoRole::Buyer };
    let staff = moderator();
    let members = users.into_iter().filter(|user| user.id != staff.id);
    let mut items: Vec<_> = members.map(|user| DemoUser { role: role(&user), user }).collect();
    items.push(DemoUser { user: staff, role: DemoRole::Staff });
    Ok(web::Json(DemoUsers { items }))
}

/// Lists what is on the demo's marketplace.
///
/// # Errors
/// `unavailable`.
#[api_docs::path(
    get,
    path = "/api/v1/demo/products",
    operation_id = "listDemoProducts",
    tag = "demo",
    responses((status = 200, description = "Every product", body = DemoProducts), AsVisitor)
)]
pub async fn list_demo_products(
    state: web::Data<AppState>,
    visitor: Visitor,
) -> Result<web::Json<DemoProducts>, Problem> {
    let items = state
        .database
        .read(Reading::list(visitor.0, "list_demo_products"), db::Scope::Nothing, |conn| {
            db::list_products(conn, ITEMS_MAX)
        })
        .await?;
    Ok(web::Json(DemoProducts { items }))
}

/// Whom to sign in as.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DemoSignIn {
    /// One of the demo's users.
    user_id: UserId,
}

/// A user's token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DemoToken {
    /// The JWT.
    token: String,
    /// An hour from now.
    expires_at: Timestamp,
}

/// Signs in as one of the demo's users, without any secret of theirs.
///
/// # Errors
/// `not_found` for anyone who is not one of the demo's users, and when the demo runs on the keys of someone else; `invalid`,
/// `too_large`, `unavailable`.
#[api_docs::path(
    post,
    path = "/api/v1/demo/sign-in",
    operation_id = "signInToDemo",
    tag = "demo",
    request_body(content = DemoSignIn, example = json!({"userId": "mina"})),
    responses((status = 200, description = "A token for an hour", body = DemoToken), AsVisitor, BadBody, WithBody, Unknown)
)]
pub async fn sign_in_to_demo(
    state: web::Data<AppState>,
    visitor: Visitor,
    body: Body<DemoSignIn>,
) -> Result<web::Json<DemoToken>, Problem> {
    let Body(DemoSignIn { user_id }) = body;
    let Some(signer) = &state.demo_signer else {
        return Err(ChatError::not_found("this demo takes the tokens of another server, sign in there").into());
    };
    let staff = moderator();
    if user_id == staff.id {
        let token = signer.sign_staff(&staff.id, Some(&staff.name), TOKEN_TTL, &state.clock);
        return issued(&state, token);
    }
    let found = state
        .database
        .read(Reading::check(visitor.0, "find_demo_user"), db::Scope::Nothing, move |conn| {
            if db::is_deleted(conn, &user_id)? { Ok(None) } else { db::find_user(conn, &user_id) }
        })
        .await?;
    let user = found.ok_or_else(|| ChatError::not_found("`userId` must be the id of one of the demo's users"))?;
    let token = signer.sign(&user.id, Some(&user.name), TOKEN_TTL, &state.clock);
    issued(&state, token)
}

fn issued(state: &AppState, token: String) -> Result<web::Json<DemoToken>, Problem> {
    let identity = state.verifier.verify_now(&token).map_err(|error| ChatError::internal(&error))?;
    Ok(web::Json(DemoToken { token, expires_at: identity.expires_at }))
}
