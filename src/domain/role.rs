//! The two members of a room: buyer and seller.

use serde::Serialize;
use utoipa::ToSchema;

/// Which of a room's two members somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The one who asks.
    Buyer,
    /// The one who owns the product.
    Seller,
}

impl Role {
    /// Name on every wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Seller => "seller",
        }
    }

    /// Reads the name; `None` for any other word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Buyer, Self::Seller].into_iter().find(|role| role.as_str() == name)
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Buyer => Self::Seller,
            Self::Seller => Self::Buyer,
        }
    }
}
