//! Which messages an operation concerns.

use crate::domain::{MessageId, ProductId, RoomId, UserId};

/// Which messages and read marks an operation reads or changes. They are settled before it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// None.
    Nothing,
    /// Those of one room.
    Room(RoomId),
    /// Those of several rooms.
    Rooms(Vec<RoomId>),
    Message(MessageId),
    /// Those of all rooms of a user.
    User(UserId),
    /// Those of all rooms of a product.
    Product(ProductId),
    Everything,
}
