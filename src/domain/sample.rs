//! A buyer, a seller and a product, for the tests of every level.

use super::{
    MessageId, MessageKind, Product, ProductId, ProductStatus, RoomId, Seq, StoredMessage, Timestamp, User, UserId,
};

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
        unlisted: false,
    }
}

pub(crate) fn message(room: &RoomId, seq: i64, sender: &str) -> StoredMessage {
    StoredMessage {
        id: MessageId::new(format!("m{seq}")).unwrap(),
        room_id: room.clone(),
        seq: Seq(seq),
        position: seq,
        sender_id: UserId::new(sender).unwrap(),
        client_id: None,
        kind: MessageKind::Text,
        text: Some("x".to_owned()),
        data: None,
        sent_at: Timestamp(0),
        edited_at: None,
        deleted_at: None,
        warnings: Vec::new(),
        reply_to: None,
        reactions: Vec::new(),
        is_removed: false,
        staff_name: None,
    }
}
