//! A buyer asks for a product: their room for it, made when there is none.

use thiserror::Error;

use super::{
    Connection, DbError,
    models::{
        product,
        room::{self, RoomDetails, RoomRow},
        user,
    },
};
use crate::{
    domain::{ProductId, Room, RoomId, Timestamp, User, UserId, message::SYSTEM_SENDER},
    error::{ChatError, ErrorCode},
};

/// The buyer's room for the product.
#[derive(Debug, Clone, PartialEq)]
pub enum Opened {
    /// It was made by this call.
    New(Room),
    /// It was there before.
    Existing(Room),
}

impl Opened {
    /// The room, new or not.
    #[must_use]
    pub fn into_room(self) -> Room {
        match self {
            Self::New(room) | Self::Existing(room) => room,
        }
    }
}

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    /// No such product, or its seller was deleted.
    #[error("`productId` must be the id of a product on this marketplace")]
    NoSuchProduct,
    /// Sellers don't talk to themselves.
    #[error("this is your own product: buyers open rooms for it")]
    OwnProduct,
    /// A deleted user opens no rooms.
    #[error("this user was deleted")]
    DeletedUser,
    /// The marketplace named a buyer whom it has not put.
    #[error("`buyerId` must be the id of a user, put the user first")]
    NoSuchBuyer,
}

impl OpenError {
    /// The code that a user sees.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::NoSuchProduct => ErrorCode::NotFound,
            Self::OwnProduct => ErrorCode::OwnProduct,
            Self::DeletedUser => ErrorCode::Forbidden,
            Self::NoSuchBuyer => ErrorCode::Invalid,
        }
    }
}

impl From<OpenError> for ChatError {
    fn from(error: OpenError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// Opens the room of a signed-in buyer. A buyer whom the marketplace has not put is added as their token names them.
///
/// # Errors
/// [`DbError`] when the database does not answer; then there is no new room.
pub fn open_room(
    conn: &mut Connection,
    product: &ProductId,
    buyer: &User,
    at: Timestamp,
) -> Result<Result<Opened, OpenError>, DbError> {
    conn.immediate_transaction(|conn| open(conn, product, &buyer.id, Some(buyer), at))
}

/// Opens a buyer's room for the marketplace, which has to have put the buyer.
///
/// # Errors
/// [`DbError`] when the database does not answer; then there is no new room.
pub fn open_room_for(
    conn: &mut Connection,
    product: &ProductId,
    buyer: &UserId,
    at: Timestamp,
) -> Result<Result<Opened, OpenError>, DbError> {
    conn.immediate_transaction(|conn| open(conn, product, buyer, None, at))
}

fn open(
    conn: &mut Connection,
    product: &ProductId,
    buyer: &UserId,
    to_add: Option<&User>,
    at: Timestamp,
) -> Result<Result<Opened, OpenError>, DbError> {
    let known = user::find_row(conn, buyer.as_str())?;
    if known.as_ref().is_some_and(|row| row.deleted_at.is_some()) {
        return Ok(Err(OpenError::DeletedUser));
    }
    if buyer.as_str() == SYSTEM_SENDER || (known.is_none() && to_add.is_none()) {
        return Ok(Err(OpenError::NoSuchBuyer));
    }
    let Some(product) = product::find_product(conn, product)? else { return Ok(Err(OpenError::NoSuchProduct)) };
    if product.seller_id == *buyer {
        return Ok(Err(OpenError::OwnProduct));
    }
    if let Some(room) = room::find_by_product(conn, &product.id, buyer)? {
        return Ok(Ok(Opened::Existing(read_back(conn, &RoomId::from_stored(room.id))?)));
    }
    if user::is_deleted(conn, &product.seller_id)? {
        return Ok(Err(OpenError::NoSuchProduct));
    }
    if let (None, Some(buyer)) = (known, to_add) {
        user::put(conn, buyer)?;
    }
    let id = RoomId::random();
    room::insert(conn, &RoomRow::new(&id, &product.id, buyer, &product.seller_id, at))?;
    Ok(Ok(Opened::New(read_back(conn, &id)?)))
}

fn read_back(conn: &mut Connection, id: &RoomId) -> Result<Room, DbError> {
    // In the transaction that has just seen it: its absence would be a fault of the database's.
    let details =
        RoomDetails::find(conn, id)?.ok_or_else(|| DbError::Corrupt(format!("room {id} has lost a parent")))?;
    Ok(details.room)
}
