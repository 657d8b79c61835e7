//! Whom one has blocked.

use std::str::FromStr;

use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::{PAGE_BYTES_MAX, created_or_found, user_of};
#[cfg(test)]
use crate::http::responses::{AsUser, Changed, Unknown};
use crate::{
    actors::db_executor::purpose::Reading,
    api_docs::{self, ToSchema},
    db::{self, InvalidCursor, Write},
    domain::{Block, UserId},
    http::{
        extract::{InPath, PageOf, SignedIn},
        problem::Problem,
        state::AppState,
    },
};

/// Which page of the caller's blocks.
type WantedPage = PageOf<BlockCursor, 200, 50>;

/// The last user of the page before.
#[derive(Debug)]
pub struct BlockCursor(UserId);

impl FromStr for BlockCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        UserId::new(text).map(Self).map_err(|_| InvalidCursor)
    }
}

/// Blocks the other member of a room, in every room that the two share, now and later.
///
/// From then on neither of the two can send the other anything (`blocked`), and neither learns who closed the conversation.
/// Presence, typing and read receipts stop in both directions. Earlier messages stay readable. Blocking someone again
/// changes nothing.
///
/// # Errors
/// `not_found` for a user with whom the caller shares no room, whether they exist or not; `invalid` for the caller's own id;
/// `conflict` for `system`, where the caller has a support room: nobody blocks the marketplace's support.
#[api_docs::path(
    put,
    path = "/api/v1/blocks/{userId}",
    operation_id = "block",
    tag = "safety",
    security(("userToken" = [])),
    params(("userId" = UserId, Path, description = "Whom to block")),
    responses(
        (status = 201, description = "The block is new", body = Block),
        (status = 200, description = "The block was there before", body = Block),
        AsUser, Unknown, Changed,
    )
)]
pub async fn block(
    state: web::Data<AppState>,
    user: SignedIn,
    blocked: InPath<UserId>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), InPath(blocked)) = (user, blocked);
    let write = Write::Block { blocker: user_of(&identity), blocked, at: state.clock.now() };
    Ok(created_or_found(state.change(write).await?))
}

/// Removes a block. If there is none, nothing changes.
///
/// # Errors
/// None of its own.
#[api_docs::path(
    delete,
    path = "/api/v1/blocks/{userId}",
    operation_id = "unblock",
    tag = "safety",
    security(("userToken" = [])),
    params(("userId" = UserId, Path, description = "Whom one has blocked")),
    responses((status = 204, description = "There is no block of one's own"), AsUser)
)]
pub async fn unblock(
    state: web::Data<AppState>,
    user: SignedIn,
    blocked: InPath<UserId>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), InPath(blocked)) = (user, blocked);
    state.change(Write::Unblock { blocker: identity.user, blocked }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A page of blocks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockPage {
    /// By user id.
    items: Vec<Block>,
    /// Where the next page goes on; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<UserId>,
}

/// Lists whom one has blocked.
///
/// # Errors
/// `invalid` for a `limit` or `cursor` that does not fit.
#[api_docs::path(
    get,
    path = "/api/v1/blocks",
    operation_id = "listBlocks",
    tag = "safety",
    security(("userToken" = [])),
    params(WantedPage),
    responses((status = 200, description = "A page of one's blocks", body = BlockPage), AsUser)
)]
pub async fn list_blocks(
    state: web::Data<AppState>,
    user: SignedIn,
    page: WantedPage,
) -> Result<web::Json<BlockPage>, Problem> {
    let (SignedIn(identity), WantedPage { limit, cursor }) = (user, page);
    let (items, more) = state
        .database
        .read(Reading::list(identity.user.clone(), "list_blocks"), db::Scope::Nothing, move |conn| {
            let behind = cursor.as_ref().map(|BlockCursor(user)| user);
            db::list_blocks(conn, &identity.user, behind, limit, PAGE_BYTES_MAX)
        })
        .await?;
    let next_cursor = items.last().filter(|_| more).map(|last| last.user.id.clone());
    Ok(web::Json(BlockPage { items, next_cursor }))
}
