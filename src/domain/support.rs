//! Conversations of users with the marketplace itself: one for each user, about no product.
//!
//! Such a room is stored as any other: its buyer is the user, its seller is the [desk](is_desk), its product is [`SUPPORT_PRODUCT`]. So
//! the schema's one room for each buyer and product is one support room for each user. The desk is a placeholder: it has a row, and
//! nobody can be it. What the staff says there, it says under its own names.

use super::{Product, UserId, message::SYSTEM_SENDER};

/// The product of every support room. No marketplace can put it, nor name it: an id has no control characters.
pub const SUPPORT_PRODUCT: &str = "\u{1}support";

/// Whether an id is that of the desk: the marketplace itself, whose id no user ever had.
#[must_use]
pub fn is_desk(user: &str) -> bool {
    user == SYSTEM_SENDER
}

/// Whether a product is that of the support rooms.
#[must_use]
pub fn is_support(product: &str) -> bool {
    product == SUPPORT_PRODUCT
}

/// The id of the desk.
#[must_use]
pub fn desk() -> UserId {
    UserId::from_stored(SYSTEM_SENDER)
}

/// What a room is about to those who see it: `None` for a conversation with the marketplace itself.
#[must_use]
pub fn shown(product: Product) -> Option<Product> {
    (!is_support(product.id.as_str())).then_some(product)
}
