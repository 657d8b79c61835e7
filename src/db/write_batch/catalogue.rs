//! What the marketplace owns: users and products, and what their changes do to rooms.

use serde_json::json;

use super::{Outcomes, RoomWrite, WriteError, Written, append};
use crate::{
    db::{
        Connection, DbError,
        models::{product, room, user},
    },
    domain::{
        Draft, MessageKind, Product, ProductId, ProductStatus, RoomId, Screened, StoredMessage, Timestamp, User,
        UserId, message::SYSTEM_SENDER,
    },
};

type Outcome = Result<Result<Written, WriteError>, DbError>;

pub(super) fn put_user(conn: &mut Connection, user: &User) -> Outcome {
    if user.id.as_str() == SYSTEM_SENDER {
        return Ok(Err(WriteError::ReservedUserId));
    }
    let before = user::find_row(conn, user.id.as_str())?;
    if before.as_ref().is_some_and(|row| row.deleted_at.is_some()) {
        return Ok(Err(WriteError::UserDeleted));
    }
    user::put(conn, user)?;
    Ok(Ok(Written::UserPut { user: user.clone(), created: before.is_none() }))
}

/// Deleting twice is deleting once.
pub(super) fn delete_user(conn: &mut Connection, user: &UserId, at: Timestamp) -> Outcome {
    let Some(before) = user::find_row(conn, user.as_str())? else {
        return Ok(Err(WriteError::NotFound("user")));
    };
    if before.deleted_at.is_none() {
        user::delete(conn, user, at)?;
    }
    let rooms = room::list_ids_by_member(conn, user)?;
    let user = User { id: user.clone(), name: user::DELETED_USER_NAME.to_owned(), avatar_url: None };
    Ok(Ok(Written::UserDeleted { user, rooms: rooms.into_iter().map(RoomId::from_stored).collect() }))
}

pub(super) fn put_product(conn: &mut Connection, product: &Product, at: Timestamp) -> Outcome {
    let before = product::find_product(conn, &product.id)?;
    if before.as_ref() == Some(product) {
        return Ok(Ok(Written::ProductPut {
            product: product.clone(),
            created: false,
            rooms: Vec::new(),
            notices: Vec::new(),
        }));
    }
    let rooms = match &before {
        Some(_) => room::list_ids_by_product(conn, product.id.as_str())?,
        None => Vec::new(),
    };
    let same_seller = before.as_ref().is_some_and(|before| before.seller_id == product.seller_id);
    if !same_seller {
        if !rooms.is_empty() {
            return Ok(Err(WriteError::SellerHasRooms));
        }
        let seller = user::find_row(conn, product.seller_id.as_str())?;
        if seller.is_none_or(|row| row.deleted_at.is_some()) {
            return Ok(Err(WriteError::UnknownSeller));
        }
    }
    product::put(conn, product)?;
    let notices = match &before {
        Some(before) if before.status != product.status => say_status(conn, &rooms, product.status, at)?,
        _ => Vec::new(),
    };
    Ok(Ok(Written::ProductPut {
        product: product.clone(),
        created: before.is_none(),
        rooms: rooms.into_iter().map(RoomId::from_stored).collect(),
        notices,
    }))
}

pub(super) fn set_product_status(
    conn: &mut Connection,
    product: &ProductId,
    seller: &UserId,
    status: ProductStatus,
    at: Timestamp,
) -> Outcome {
    let Some(before) = product::find_product(conn, product)? else {
        return Ok(Err(WriteError::NotFound("product")));
    };
    if before.seller_id != *seller || user::is_deleted(conn, seller)? {
        return Ok(Err(WriteError::NotOwnProduct));
    }
    put_product(conn, &Product { status, ..before }, at)
}

/// Tells every room of a product where it stands now.
fn say_status(
    conn: &mut Connection,
    rooms: &[String],
    status: ProductStatus,
    at: Timestamp,
) -> Result<Vec<StoredMessage>, DbError> {
    let text = match status {
        ProductStatus::OnSale => "This product is on sale again",
        ProductStatus::Reserved => "This product is now reserved",
        ProductStatus::Sold => "This product is now sold",
    };
    let mut notices = Vec::with_capacity(rooms.len());
    // In slices: a statement has a largest number of parameters.
    for rooms in rooms.chunks(1024) {
        let writes: Vec<RoomWrite> = rooms
            .iter()
            .map(|room| {
                RoomWrite::Append(Draft {
                    room: RoomId::from_stored(room.as_str()),
                    sender: UserId::from_stored(SYSTEM_SENDER),
                    client_id: None,
                    kind: MessageKind::System,
                    text: Some(text.to_owned()),
                    data: Some(json!({"type": "product_status", "status": status.as_str()})),
                    sent_at: at,
                    screened: Screened::Clean,
                })
            })
            .collect();
        let mut outcomes = Outcomes::new();
        append::write_run(conn, &writes, &mut outcomes)?;
        notices.extend(outcomes.into_iter().filter_map(|outcome| match outcome {
            Ok(Written::Appended { message, .. }) => Some(message),
            _ => None,
        }));
    }
    Ok(notices)
}
