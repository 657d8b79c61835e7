//! Whom one has blocked.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{created_or_found, user_of};
use crate::{
    db::{self, RoomWrite},
    domain::{Block, UserId},
    error::ChatError,
    http::{
        extract::{InPath, InQuery, SignedIn, whole_number},
        openapi::problems::{AsUser, Unknown},
        problem::Problem,
        state::AppState,
    },
};

/// Most blocks of a page.
const BLOCKS_MAX: i64 = 200;

/// Blocks of a page when the caller does not say.
const BLOCKS_DEFAULT: i64 = 50;

/// Blocks somebody, in every room that one shares with them, now and later.
///
/// Neither of the two can say anything to the other from then on (`blocked`), and neither is told who closed the
/// conversation. Presence, typing and read receipts stop both ways; what was said stays readable. Blocking twice is
/// blocking once.
///
/// # Errors
/// `not_found` for a user whom haggle does not know, `invalid` for oneself.
#[utoipa::path(
    put,
    path = "/api/v1/blocks/{userId}",
    operation_id = "block",
    tag = "safety",
    security(("userToken" = [])),
    params(("userId" = UserId, Path, description = "Whom to block")),
    responses(
        (status = 201, description = "The block is new", body = Block),
        (status = 200, description = "The block was there before", body = Block),
        AsUser, Unknown,
    )
)]
pub async fn block(
    state: web::Data<AppState>,
    user: SignedIn,
    blocked: InPath<UserId>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), InPath(blocked)) = (user, blocked);
    let write = RoomWrite::Block { blocker: user_of(&identity), blocked, at: state.clock.now() };
    Ok(created_or_found(state.change(write).await?))
}

/// Takes a block away. Where there is none, nothing changes.
///
/// # Errors
/// None of its own.
#[utoipa::path(
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
    state.change(RoomWrite::Unblock { blocker: identity.user, blocked }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Which page of one's blocks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BlocksQuery {
    /// Most blocks of the page.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
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
#[utoipa::path(
    get,
    path = "/api/v1/blocks",
    operation_id = "listBlocks",
    tag = "safety",
    security(("userToken" = [])),
    params(BlocksQuery),
    responses((status = 200, description = "A page of one's blocks", body = BlockPage), AsUser)
)]
pub async fn list_blocks(
    state: web::Data<AppState>,
    user: SignedIn,
    query: InQuery<BlocksQuery>,
) -> Result<web::Json<BlockPage>, Problem> {
    let (SignedIn(identity), InQuery(query)) = (user, query);
    let limit = whole_number("limit", query.limit.as_deref(), 1..=BLOCKS_MAX)?.unwrap_or(BLOCKS_DEFAULT);
    let behind = query.cursor.map(UserId::new).transpose();
    let behind = behind.map_err(|_| ChatError::invalid("`cursor` must be the `nextCursor` of the page before"))?;
    let (items, more) =
        state.database.read(move |conn| db::list_blocks(conn, &identity.user, behind.as_ref(), limit)).await?;
    let next_cursor = items.last().filter(|_| more).map(|last| last.user.id.clone());
    Ok(web::Json(BlockPage { items, next_cursor }))
}
