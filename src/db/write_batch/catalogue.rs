//! What the marketplace owns: users and products, and what their changes do to rooms.

use serde::Serialize;

use super::{Outcomes, ProductChange, RoomWrite, WriteError, Written, append, offers};
use crate::{
    db::{
        Connection, DbError, erase_user,
        models::{
            change::{self, Changed},
            product, report, room, user,
        },
    },
    domain::{
        Data, Draft, MessageKind, Product, ProductId, ProductStatus, RoomId, Screened, StoredMessage, Timestamp, User,
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
    change::record(conn, &[Changed::User(user.id.as_str())])?;
    Ok(Ok(Written::UserPut { user: user.clone(), created: before.is_none() }))
}

/// Deleting twice is deleting once.
pub(super) fn delete_user(conn: &mut Connection, user: &UserId, at: Timestamp) -> Outcome {
    let Some(before) = user::find_row(conn, user.as_str())? else {
        return Ok(Err(WriteError::NotFound("user")));
    };
    if before.deleted_at.is_none() {
        user::delete(conn, user, at)?;
        report::erase_words(conn, user)?;
        erase_user::begin(conn, user)?;
        change::record(conn, &[Changed::UserDeleted(user.as_str())])?;
    }
    let rooms = room::list_ids_by_member(conn, user)?;
    let offers = offers::end_with_member(conn, user, &rooms, at)?;
    let user = User { id: user.clone(), name: user::DELETED_USER_NAME.to_owned(), avatar_url: None };
    Ok(Ok(Written::UserDeleted { user, rooms: rooms.into_iter().map(RoomId::from_stored).collect(), offers }))
}

pub(super) fn put_product(conn: &mut Connection, product: &Product, at: Timestamp) -> Outcome {
    let Some(before) = product::find_product(conn, &product.id)? else {
        if !is_active(conn, &product.seller_id)? {
            return Ok(Err(WriteError::UnknownSeller));
        }
        product::put(conn, product)?;
        change::record(conn, &[Changed::Product(product.id.as_str())])?;
        return Ok(Ok(Written::ProductPut { created: true, change: ProductChange::none(product) }));
    };
    if before.seller_id != product.seller_id {
        if !room::list_ids_by_product(conn, product.id.as_str())?.is_empty() {
            return Ok(Err(WriteError::SellerHasRooms));
        }
        if !is_active(conn, &product.seller_id)? {
            return Ok(Err(WriteError::UnknownSeller));
        }
    }
    Ok(Ok(Written::ProductPut { created: false, change: change_product(conn, &before, product, at)? }))
}

fn is_active(conn: &mut Connection, user: &UserId) -> Result<bool, DbError> {
    Ok(user::find_row(conn, user.as_str())?.is_some_and(|row| row.deleted_at.is_none()))
}

/// Changes a product that is there, and tells its rooms.
pub(super) fn change_product(
    conn: &mut Connection,
    before: &Product,
    product: &Product,
    at: Timestamp,
) -> Result<ProductChange, DbError> {
    if before == product {
        return Ok(ProductChange::none(product));
    }
    product::put(conn, product)?;
    let rooms = room::list_ids_by_product(conn, product.id.as_str())?;
    let (notices, offers) = if before.status == product.status {
        (Vec::new(), Vec::new())
    } else {
        let offers = offers::end_with_product(conn, &product.id, product.status, at)?;
        (say_status(conn, &rooms, product.status, at)?, offers)
    };
    change::record(conn, &[Changed::Product(product.id.as_str())])?;
    let rooms = rooms.into_iter().map(RoomId::from_stored).collect();
    Ok(ProductChange { product: product.clone(), rooms, notices, offers })
}

impl ProductChange {
    /// A product that no room shows, or that stands as it stood.
    fn none(product: &Product) -> Self {
        Self { product: product.clone(), rooms: Vec::new(), notices: Vec::new(), offers: Vec::new() }
    }
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

/// The `data` of what is said about a product's status.
#[derive(Serialize)]
struct StatusNotice {
    status: ProductStatus,
    #[serde(rename = "type")]
    kind: &'static str,
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
    let notice = Data::of(&StatusNotice { status, kind: "product_status" });
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
                    data: Some(notice.clone()),
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
