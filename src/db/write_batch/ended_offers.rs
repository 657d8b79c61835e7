//! Offers that end with something else: their product's status, or a member.

use crate::{
    db::{
        Connection, DbError,
        models::{message, offer},
    },
    domain::{ProductId, ProductStatus, StoredMessage, Timestamp, UserId, offer::OfferStatus},
};

/// Ends the offers of a product whose status changed. Returns them as they now stand.
pub(super) fn end_with_product(
    conn: &mut Connection,
    product: &ProductId,
    status: ProductStatus,
    at: Timestamp,
) -> Result<Vec<StoredMessage>, DbError> {
    match status {
        ProductStatus::Sold => {
            let pending = offer::list_pending(conn, product)?;
            offer::set_status(conn, &pending, OfferStatus::Declined, at)
        }
        // The deal fell through: another offer may be accepted.
        ProductStatus::OnSale => match offer::find_accepted(conn, product)? {
            Some(accepted) => offer::set_status(conn, &[accepted], OfferStatus::Superseded, at),
            None => Ok(Vec::new()),
        },
        ProductStatus::Reserved => Ok(Vec::new()),
    }
}

/// Ends the offers that wait in the rooms of a user who is deleted: theirs are withdrawn, those made to them declined.
pub(super) fn end_with_member(
    conn: &mut Connection,
    user: &UserId,
    rooms: &[String],
    at: Timestamp,
) -> Result<Vec<StoredMessage>, DbError> {
    let mut ended = Vec::new();
    for row in offer::list_pending_in(conn, rooms)? {
        let id = row.message_id();
        let own = message::sender_of(conn, &id)?.is_some_and(|sender| sender == user.as_str());
        let status = if own { OfferStatus::Withdrawn } else { OfferStatus::Declined };
        ended.extend(offer::set_status(conn, &[id], status, at)?);
    }
    Ok(ended)
}
