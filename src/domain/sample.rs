//! A buyer, a seller and a product, for the tests of every level.

use super::{Product, ProductId, ProductStatus, User, UserId};

/// A user who is called by their id.
pub(crate) fn user(id: &str) -> User {
    User::new(UserId::new(id).unwrap(), id.to_owned(), None)
}

/// Sam's bike.
pub(crate) fn bike() -> Product {
    Product {
        id: ProductId::new("bike").unwrap(),
        seller_id: UserId::new("sam").unwrap(),
        title: "bike".to_owned(),
        price: None,
        currency: None,
        image_url: None,
        status: ProductStatus::OnSale,
    }
}
