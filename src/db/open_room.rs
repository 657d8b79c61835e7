//! A buyer asks for a product, or the marketplace for a user who needs help: their room, made when there is none.

use thiserror::Error;

use super::{
    Connection, DbError, OperationError,
    models::{
        change::{self, Changed},
        product,
        room::{self, RoomDetails, RoomRow},
        user::{self, SignIn},
    },
    operation_error::RefusalReason,
};
use crate::{
    domain::{
        ProductId, ProductStatus, Room, RoomId, Times, Timestamp, User, UserId,
        message::SYSTEM_SENDER,
        support::{self, SUPPORT_PRODUCT},
    },
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
    /// No such product, or the marketplace has taken it down, or its seller was deleted or is banned.
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
    /// The marketplace named a user whom it has not put.
    #[error("`userId` must be the id of a user, put the user first")]
    NoSuchUser,
}

impl RefusalReason for OpenError {}

impl OpenError {
    /// The code that a user sees.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::NoSuchProduct => ErrorCode::NotFound,
            Self::OwnProduct => ErrorCode::OwnProduct,
            Self::DeletedUser => ErrorCode::Forbidden,
            Self::NoSuchBuyer | Self::NoSuchUser => ErrorCode::Invalid,
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
/// [`OpenError`] when there is no room, [`DbError`] when the database does not answer; then there is no new one.
pub fn open_room(
    conn: &mut Connection,
    product: &ProductId,
    buyer: &User,
    at: Timestamp,
) -> Result<Opened, OperationError<OpenError>> {
    conn.immediate_transaction(|conn| open(conn, product, &buyer.id, Some(buyer), at))
}

/// Opens a buyer's room for the marketplace, which has to have put the buyer.
///
/// # Errors
/// [`OpenError`] when there is no room, [`DbError`] when the database does not answer; then there is no new one.
pub fn open_room_for(
    conn: &mut Connection,
    product: &ProductId,
    buyer: &UserId,
    at: Timestamp,
) -> Result<Opened, OperationError<OpenError>> {
    conn.immediate_transaction(|conn| open(conn, product, buyer, None, at))
}

/// Opens a user's room with the marketplace's staff, for the marketplace, which has to have put the user.
///
/// # Errors
/// [`OpenError`] when there is no room, [`DbError`] when the database does not answer; then there is no new one.
pub fn open_support_room(
    conn: &mut Connection,
    user: &UserId,
    at: Timestamp,
) -> Result<Opened, OperationError<OpenError>> {
    conn.immediate_transaction(|conn| match user::find_row(conn, user.as_str())? {
        None => Err(OpenError::NoSuchUser.into()),
        Some(row) if row.deleted_at.is_some() => Err(OpenError::DeletedUser.into()),
        Some(_) => {
            let product = ProductId::from_stored(SUPPORT_PRODUCT);
            match find_existing(conn, &product, user)? {
                Some(room) => Ok(room),
                None => insert(conn, (&product, ProductStatus::OnSale), user, &support::desk(), at),
            }
        }
    })
}

fn open(
    conn: &mut Connection,
    product: &ProductId,
    buyer: &UserId,
    to_add: Option<&User>,
    at: Timestamp,
) -> Result<Opened, OperationError<OpenError>> {
    let known = user::find_row(conn, buyer.as_str())?;
    if known.as_ref().is_some_and(|row| row.deleted_at.is_some()) {
        return Err(OpenError::DeletedUser.into());
    }
    if buyer.as_str() == SYSTEM_SENDER || (known.is_none() && to_add.is_none()) {
        return Err(OpenError::NoSuchBuyer.into());
    }
    let Some(product) = product::find_product(conn, product)? else { return Err(OpenError::NoSuchProduct.into()) };
    if product.seller_id == *buyer {
        return Err(OpenError::OwnProduct.into());
    }
    if let Some(room) = find_existing(conn, &product.id, buyer)? {
        return Ok(room);
    }
    // A banned seller looks like a product that is not there, so that nobody learns of the ban.
    if product.unlisted || user::find_sign_in(conn, &product.seller_id, at)? != SignIn::Allowed {
        return Err(OpenError::NoSuchProduct.into());
    }
    if let (None, Some(buyer)) = (known, to_add) {
        user::put(conn, buyer, Times::new(at))?;
        change::record(conn, &[Changed::User(buyer.id.as_str())], at)?;
    }
    insert(conn, (&product.id, product.status), buyer, &product.seller_id, at)
}

fn find_existing(conn: &mut Connection, product: &ProductId, buyer: &UserId) -> Result<Option<Opened>, DbError> {
    match room::find_by_product(conn, product, buyer)? {
        Some(room) => Ok(Some(Opened::Existing(read_back(conn, &RoomId::from_stored(room.id))?))),
        None => Ok(None),
    }
}

fn insert(
    conn: &mut Connection,
    (product, status): (&ProductId, ProductStatus),
    buyer: &UserId,
    seller: &UserId,
    at: Timestamp,
) -> Result<Opened, OperationError<OpenError>> {
    let id = RoomId::random();
    room::insert(conn, &RoomRow::new(&id, product, buyer, seller, at), status)?;
    change::record(conn, &[Changed::RoomOpened(id.as_str())], at)?;
    Ok(Opened::New(read_back(conn, &id)?))
}

fn read_back(conn: &mut Connection, id: &RoomId) -> Result<Room, DbError> {
    // In the transaction that has just seen it: its absence would be a fault of the database's.
    let details =
        RoomDetails::find(conn, id)?.ok_or_else(|| DbError::Corrupt(format!("room {id} has lost a parent")))?;
    Ok(details.room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{
        Write, find_user,
        test_db::{NOW, TestDb, product, user, user_id, write},
    };

    #[test]
    fn a_buyer_has_one_room_for_a_product() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let bike = product("bike");
        let Ok(Opened::New(room)) = open_room(conn, &bike.id, &user("alice"), NOW) else { panic!() };
        assert_eq!((&room.product, &room.buyer, &room.seller), (&Some(bike.clone()), &user("alice"), &user("carol")));
        assert_eq!(room.created_at, NOW);
        let again = open_room(conn, &bike.id, &user("alice"), NOW.plus_ms(5));
        assert_eq!(again, Ok(Opened::Existing(room.clone())));
        assert_eq!(open_room_for(conn, &bike.id, &user_id("alice"), NOW), Ok(Opened::Existing(room)));
    }

    #[test]
    fn a_buyer_from_a_token_is_added_and_a_known_one_is_not_renamed() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let bike = product("bike").id;
        assert_eq!(open_room_for(conn, &bike, &user_id("dave"), NOW), Err(OpenError::NoSuchBuyer.into()));
        assert!(matches!(open_room(conn, &bike, &user("dave"), NOW), Ok(Opened::New(_))));
        assert_eq!(find_user(conn, &user_id("dave")).unwrap(), Some(user("dave")));
        let renamed = User { name: "Somebody".to_owned(), ..user("alice") };
        open_room(conn, &bike, &renamed, NOW).unwrap();
        assert_eq!(find_user(conn, &user_id("alice")).unwrap(), Some(user("alice")));
    }

    #[test]
    fn there_is_no_room_without_a_product_nor_with_oneself_nor_for_the_deleted() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let (bike, boat) = (product("bike").id, ProductId::new("boat").unwrap());
        assert_eq!(open_room(conn, &boat, &user("alice"), NOW), Err(OpenError::NoSuchProduct.into()));
        assert_eq!(open_room(conn, &bike, &user("carol"), NOW), Err(OpenError::OwnProduct.into()));
        write(conn, Write::DeleteUser { user: user_id("alice"), at: NOW }).unwrap();
        assert_eq!(open_room(conn, &bike, &user("alice"), NOW), Err(OpenError::DeletedUser.into()));
        write(conn, Write::DeleteUser { user: user_id("carol"), at: NOW }).unwrap();
        assert_eq!(open_room(conn, &bike, &user("bob"), NOW), Err(OpenError::NoSuchProduct.into()));
        // Nobody was added on the way to a refusal.
        assert_eq!(open_room(conn, &boat, &user("erin"), NOW), Err(OpenError::NoSuchProduct.into()));
        assert_eq!(find_user(conn, &user_id("erin")).unwrap(), None);
    }
}
