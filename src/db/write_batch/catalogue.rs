//! What the marketplace owns: users and products, and what their changes do to rooms.

use super::{
    ProductChange, WriteError, WriteResult, Written, ended_offers, erase_user, room_staff,
    waves::{self, Cause, Reached},
};
use crate::{
    db::{
        Connection, DbError,
        models::{note, offer, product, push_subscription, room, sanction, support_wait, user, wave},
    },
    domain::{Product, ProductId, ProductStatus, Times, Timestamp, User, UserId, message::SYSTEM_SENDER},
};

pub(super) fn put_user(conn: &mut Connection, user: &User, at: Timestamp) -> WriteResult {
    if user.id.as_str() == SYSTEM_SENDER {
        return Err(WriteError::ReservedUserId.into());
    }
    let before = user::find_row(conn, user.id.as_str())?;
    if before.as_ref().is_some_and(|row| row.deleted_at.is_some()) {
        return Err(WriteError::UserDeleted.into());
    }
    let created = before.is_none();
    let changed = before.is_none_or(|before| User::from(before) != *user);
    if changed {
        let times = if created { Times::new(at) } else { user::find_times(conn, user.id.as_str())?.changed(at) };
        user::put(conn, user, times)?;
    }
    Ok(Written::UserPut { user: user.clone(), created, changed })
}

/// Deleting twice is deleting once. What it does to rooms, offers and reports is the erasure's, some at a time.
pub(super) fn delete_user(conn: &mut Connection, user: &UserId, at: Timestamp) -> WriteResult {
    let Some(before) = user::find_row(conn, user.as_str())? else {
        return Err(WriteError::NotFound("user").into());
    };
    let changed = before.deleted_at.is_none();
    let mut left = Vec::new();
    if changed {
        left = room_staff::leave_all(conn, user, at)?;
        user::delete(conn, user, at)?;
        sanction::delete_all(conn, user)?;
        note::delete_about(conn, user)?;
        push_subscription::delete_all(conn, user)?;
        support_wait::end_of_user(conn, user)?;
        erase_user::begin(conn, user)?;
    }
    Ok(Written::UserDeleted { user: User::deleted(user.clone()), changed, left })
}

pub(super) fn put_product(conn: &mut Connection, product: Product, keeps_status: bool, at: Timestamp) -> WriteResult {
    let before = product::find_product(conn, &product.id)?;
    let product = product::with_status(before.as_ref(), product, keeps_status);
    if let Some(accepted) = product::find_undone_offer(conn, before.as_ref(), &product)? {
        return Err(WriteError::OfferAccepted(accepted).into());
    }
    let Some(before) = before else {
        if !is_active(conn, &product.seller_id)? {
            return Err(WriteError::UnknownSeller.into());
        }
        product::put(conn, &product, Times::new(at))?;
        let change = ProductChange { changed: true, ..ProductChange::none(&product) };
        return Ok(Written::ProductPut { created: true, change });
    };
    if before.seller_id != product.seller_id {
        if room::has_rooms(conn, &product.id)? {
            return Err(WriteError::SellerHasRooms.into());
        }
        if !is_active(conn, &product.seller_id)? {
            return Err(WriteError::UnknownSeller.into());
        }
    }
    Ok(Written::ProductPut { created: false, change: change_product(conn, &before, &product, None, at)? })
}

fn is_active(conn: &mut Connection, user: &UserId) -> Result<bool, DbError> {
    Ok(user::find_row(conn, user.as_str())?.is_some_and(|row| row.deleted_at.is_none()))
}

/// Changes a product that is there, and notifies its rooms. `cause` is the room that has brought it about.
pub(super) fn change_product(
    conn: &mut Connection,
    before: &Product,
    product: &Product,
    cause: Option<Cause<'_>>,
    at: Timestamp,
) -> Result<ProductChange, DbError> {
    if before == product {
        return Ok(ProductChange::none(product));
    }
    let times = product::find_times(conn, &product.id)?.changed(at);
    product::put(conn, product, times)?;
    let offers = if before.status == product.status {
        Vec::new()
    } else {
        ended_offers::end_with_product(conn, &product.id, product.status, at)?
    };
    let reached = waves::begin(conn, product, cause, at)?;
    Ok(ProductChange { changed: true, offers, ..ProductChange::reached(product.clone(), reached) })
}

impl ProductChange {
    /// A product that no room shows, or that stands as it stood.
    fn none(product: &Product) -> Self {
        Self::reached(product.clone(), Reached::default())
    }

    /// A product whose wave has reached some rooms.
    pub(super) fn reached(product: Product, Reached { rooms, notices, next }: Reached) -> Self {
        Self { product, changed: false, rooms, notices, offers: Vec::new(), next }
    }
}

pub(super) fn set_product_status(
    conn: &mut Connection,
    product: &ProductId,
    seller: Option<&UserId>,
    status: ProductStatus,
    at: Timestamp,
) -> WriteResult {
    let Some(before) = product::find_product(conn, product)? else {
        return Err(WriteError::NotFound("product").into());
    };
    if let Some(seller) = seller
        && (before.seller_id != *seller || user::is_deleted(conn, seller)?)
    {
        return Err(WriteError::NotOwnProduct.into());
    }
    if before.status == status {
        return Ok(Written::ProductPut { created: false, change: ProductChange::none(&before) });
    }
    // What a dispute is about stays as it is, but for the marketplace.
    if seller.is_some() && offer::is_accepted_in_frozen(conn, product)? {
        return Err(WriteError::DealFrozen.into());
    }
    let used = seller.map(|_| waves::check_seller(conn, product, at)).transpose()?;
    let after = Product { status, ..before.clone() };
    let change = change_product(conn, &before, &after, None, at)?;
    if let Some(used) = used {
        wave::set_seller_limit(conn, product, used)?;
    }
    Ok(Written::ProductPut { created: false, change })
}
