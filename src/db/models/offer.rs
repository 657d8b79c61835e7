//! Offers.

use std::collections::HashMap;

use diesel::{dsl::sql, expression::SqlLiteral, sql_types::Bool};

use super::message;
use crate::{
    db::{
        Backend, Connection, DbError,
        prelude::*,
        schema::{messages, offers, rooms},
    },
    domain::{
        Data, MessageId, ProductId, Role, RoomId, StoredMessage, Timestamp,
        offer::{Offer, OfferStatus, Price},
    },
};

/// Offers that one sweep takes out of their time. A longer one would hold up the messages of its batch.
const EXPIRED_MAX: i64 = 64;

/// A row of `offers`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = offers, check_for_backend(Backend))]
pub(in crate::db) struct OfferRow {
    message_id: String,
    pub(in crate::db) room_id: String,
    pub(in crate::db) product_id: String,
    offered_by: String,
    amount: i64,
    currency: String,
    status: String,
    expires_at: i64,
}

impl OfferRow {
    /// The offer of a row that this haggle can read.
    pub(in crate::db) fn to_offer(&self) -> Result<Offer, DbError> {
        let unknown = |what| DbError::Corrupt(format!("offer {:?} has an unknown {what}", self.message_id));
        Ok(Offer {
            offered_by: Role::parse(&self.offered_by).ok_or_else(|| unknown("maker"))?,
            price: Price { amount: self.amount, currency: self.currency.clone() },
            status: OfferStatus::parse(&self.status).ok_or_else(|| unknown("status"))?,
            expires_at: Timestamp(self.expires_at),
        })
    }

    pub(in crate::db) fn message_id(&self) -> MessageId {
        MessageId::from_stored(self.message_id.as_str())
    }
}

// Written out: with a bound status SQLite could not use the indices that hold these rows alone.
fn is_pending() -> SqlLiteral<Bool> {
    sql("offers.status = 'pending'")
}

fn is_accepted() -> SqlLiteral<Bool> {
    sql("offers.status = 'accepted'")
}

pub(in crate::db) fn insert(
    conn: &mut Connection,
    message: &StoredMessage,
    product: &ProductId,
    offer: &Offer,
) -> QueryResult<()> {
    diesel::insert_into(offers::table).values(row_of(message, product, offer)).execute(conn)?;
    Ok(())
}

/// Adds an offer of an import, unless one that waits in its room, or is accepted for its product, stands in its way. Returns
/// whether it did.
pub(in crate::db) fn insert_imported(
    conn: &mut Connection,
    message: &StoredMessage,
    product: &ProductId,
    offer: &Offer,
) -> QueryResult<bool> {
    let added = diesel::insert_into(offers::table)
        .values(row_of(message, product, offer))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(added > 0)
}

fn row_of(message: &StoredMessage, product: &ProductId, offer: &Offer) -> OfferRow {
    OfferRow {
        message_id: message.id.as_str().to_owned(),
        room_id: message.room_id.as_str().to_owned(),
        product_id: product.as_str().to_owned(),
        offered_by: offer.offered_by.as_str().to_owned(),
        amount: offer.price.amount,
        currency: offer.price.currency.clone(),
        status: offer.status.as_str().to_owned(),
        expires_at: offer.expires_at.0,
    }
}

pub(in crate::db) fn find(conn: &mut Connection, message: &MessageId) -> QueryResult<Option<OfferRow>> {
    offers::table.find(message.as_str()).select(OfferRow::as_select()).get_result(conn).optional()
}

/// The offer that waits in a room.
pub(in crate::db) fn find_pending(conn: &mut Connection, room: &RoomId) -> QueryResult<Option<OfferRow>> {
    offers::table
        .filter(offers::room_id.eq(room.as_str()))
        .filter(is_pending())
        .select(OfferRow::as_select())
        .get_result(conn)
        .optional()
}

/// The accepted offer of a product.
pub(in crate::db) fn find_accepted(conn: &mut Connection, product: &ProductId) -> QueryResult<Option<MessageId>> {
    let found: Option<String> = offers::table
        .filter(offers::product_id.eq(product.as_str()))
        .filter(is_accepted())
        .select(offers::message_id)
        .get_result(conn)
        .optional()?;
    Ok(found.map(MessageId::from_stored))
}

/// Whether the room of a product's accepted offer is frozen.
pub(in crate::db) fn is_accepted_in_frozen(conn: &mut Connection, product: &ProductId) -> QueryResult<bool> {
    let frozen: Option<bool> = offers::table
        .inner_join(rooms::table.on(rooms::id.eq(offers::room_id)))
        .filter(offers::product_id.eq(product.as_str()))
        .filter(is_accepted())
        .select(rooms::frozen)
        .get_result(conn)
        .optional()?;
    Ok(frozen == Some(true))
}

/// The offers that wait in any room of a product.
pub(in crate::db) fn list_pending(conn: &mut Connection, product: &ProductId) -> QueryResult<Vec<MessageId>> {
    let ids: Vec<String> = offers::table
        .filter(offers::product_id.eq(product.as_str()))
        .filter(is_pending())
        .select(offers::message_id)
        .load(conn)?;
    Ok(ids.into_iter().map(MessageId::from_stored).collect())
}

/// The offers that wait in these rooms.
pub(in crate::db) fn list_pending_in(conn: &mut Connection, rooms: &[String]) -> QueryResult<Vec<OfferRow>> {
    let mut found = Vec::new();
    // In slices: a statement has a largest number of parameters.
    for rooms in rooms.chunks(1024) {
        found.extend(
            offers::table
                .filter(offers::room_id.eq_any(rooms))
                .filter(is_pending())
                .select(OfferRow::as_select())
                .load(conn)?,
        );
    }
    Ok(found)
}

/// Pending offers that have expired by `at`, in any room or in those of one product.
pub(in crate::db) fn list_over(
    conn: &mut Connection,
    product: Option<&ProductId>,
    at: Timestamp,
) -> QueryResult<Vec<MessageId>> {
    let over = offers::table.filter(offers::expires_at.le(at.0)).filter(is_pending()).select(offers::message_id);
    let ids: Vec<String> = match product {
        Some(product) => over.filter(offers::product_id.eq(product.as_str())).load(conn)?,
        None => over.order(offers::expires_at).limit(EXPIRED_MAX).load(conn)?,
    };
    Ok(ids.into_iter().map(MessageId::from_stored).collect())
}

/// When the next offer expires; `None` while none waits.
pub(in crate::db) fn next_expiry(conn: &mut Connection) -> QueryResult<Option<Timestamp>> {
    let next: Option<i64> = offers::table
        .filter(is_pending())
        .filter(offers::expires_at.gt(0))
        .select(offers::expires_at)
        .order(offers::expires_at)
        .limit(1)
        .get_result(conn)
        .optional()?;
    Ok(next.map(Timestamp))
}

/// Removes offers by their messages' ids. One that was accepted stays: as long as it does, nobody else gets the product.
pub(in crate::db) fn remove(conn: &mut Connection, ids: &[&str]) -> QueryResult<()> {
    diesel::delete(
        offers::table.filter(offers::message_id.eq_any(ids.iter().copied())).filter(offers::status.ne("accepted")),
    )
    .execute(conn)?;
    Ok(())
}

/// Moves offers to another status, in their own rows and in their messages' data. Returns the messages as they now stand: the
/// caller's outcome has them, so that they become events.
pub(in crate::db) fn set_status(
    conn: &mut Connection,
    ids: &[MessageId],
    status: OfferStatus,
    at: Timestamp,
) -> Result<Vec<StoredMessage>, DbError> {
    let names: Vec<&str> = ids.iter().map(MessageId::as_str).collect();
    let mut changed = Vec::with_capacity(ids.len());
    // In slices: a statement has a largest number of parameters.
    for names in names.chunks(512) {
        diesel::update(offers::table.filter(offers::message_id.eq_any(names.iter().copied())))
            .set(offers::status.eq(status.as_str()))
            .execute(conn)?;
        changed.extend(message::find_all(conn, names)?);
    }
    let order: HashMap<&str, usize> = names.iter().copied().zip(0..).collect();
    changed.sort_by_key(|message: &StoredMessage| order.get(message.id.as_str()).copied());
    for message in &mut changed {
        if let Some(data) = &mut message.data {
            *data = data.with_fields(&[("status", status.as_str()), ("statusAt", &at.to_string())]);
        }
        diesel::update(messages::table.filter(messages::id.eq(message.id.as_str())))
            .set(messages::data.eq(message.data.as_ref().map(Data::json)))
            .execute(conn)?;
    }
    Ok(changed)
}
