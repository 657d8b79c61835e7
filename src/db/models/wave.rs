//! Waves: how far a change of a product has come through its rooms.

use crate::{
    db::{
        Backend, Connection, DbError,
        prelude::*,
        schema::{product_waves, products, rooms},
    },
    domain::{ProductId, ProductStatus, RoomId, Timestamp, UserId},
};

/// Unfinished waves that are looked for at once.
const UNFINISHED_MAX: i64 = 256;

/// A row of `product_waves`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = product_waves, check_for_backend(Backend))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub(in crate::db) struct WaveRow {
    pub(in crate::db) product_id: String,
    pub(in crate::db) reached: Option<String>,
    pub(in crate::db) is_behind: bool,
    pub(in crate::db) next_wave_at: i64,
    pub(in crate::db) seller_limit_at: i64,
}

impl WaveRow {
    /// Of a product that has never changed.
    pub(in crate::db) fn new(product: &ProductId) -> Self {
        let product_id = product.as_str().to_owned();
        Self { product_id, reached: None, is_behind: false, next_wave_at: 0, seller_limit_at: 0 }
    }
}

/// A room on a wave's way.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = rooms, check_for_backend(Backend))]
pub(in crate::db) struct WaveRoom {
    pub(in crate::db) id: String,
    pub(in crate::db) buyer_id: String,
    /// The status of the product that was last said there.
    pub(in crate::db) notified_status: String,
}

pub(in crate::db) fn find(conn: &mut Connection, product: &ProductId) -> QueryResult<Option<WaveRow>> {
    product_waves::table.find(product.as_str()).select(WaveRow::as_select()).get_result(conn).optional()
}

pub(in crate::db) fn save(conn: &mut Connection, row: &WaveRow) -> QueryResult<()> {
    diesel::insert_into(product_waves::table)
        .values(row)
        .on_conflict(product_waves::product_id)
        .do_update()
        .set(row)
        .execute(conn)?;
    Ok(())
}

/// Writes down what a seller's own changes have used of their limit; of a product without rooms nothing is kept.
pub(in crate::db) fn set_seller_limit(conn: &mut Connection, product: &ProductId, at: Timestamp) -> QueryResult<()> {
    diesel::update(product_waves::table.find(product.as_str()))
        .set(product_waves::seller_limit_at.eq(at.0))
        .execute(conn)?;
    Ok(())
}

/// The rooms of a product after that of a buyer.
pub(in crate::db) fn list_rooms(
    conn: &mut Connection,
    product: &ProductId,
    after: &str,
    limit: i64,
) -> QueryResult<Vec<WaveRoom>> {
    rooms::table
        .filter(rooms::product_id.eq(product.as_str()).and(rooms::buyer_id.gt(after)))
        .order(rooms::buyer_id)
        .limit(limit)
        .select(WaveRoom::as_select())
        .load(conn)
}

pub(in crate::db) fn find_room(conn: &mut Connection, room: &RoomId) -> QueryResult<Option<WaveRoom>> {
    rooms::table.find(room.as_str()).select(WaveRoom::as_select()).get_result(conn).optional()
}

/// Writes down what was said in rooms.
pub(in crate::db) fn set_notified(conn: &mut Connection, rooms: &[String], status: ProductStatus) -> QueryResult<()> {
    diesel::update(rooms::table.filter(rooms::id.eq_any(rooms)))
        .set(rooms::notified_status.eq(status.as_str()))
        .execute(conn)?;
    Ok(())
}

/// Takes a status as said in every room of a product: nobody is notified of what an import brings.
pub(in crate::db) fn set_notified_everywhere(
    conn: &mut Connection,
    product: &ProductId,
    status: ProductStatus,
) -> QueryResult<()> {
    diesel::update(rooms::table.filter(rooms::product_id.eq(product.as_str())))
        .set(rooms::notified_status.eq(status.as_str()))
        .execute(conn)?;
    Ok(())
}

/// Some of the products whose waves are unfinished, with their sellers.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_waves(conn: &mut Connection) -> Result<Vec<(ProductId, UserId)>, DbError> {
    let rows: Vec<(String, String)> = product_waves::table
        .inner_join(products::table)
        .filter(product_waves::reached.is_not_null())
        .order(product_waves::product_id)
        .limit(UNFINISHED_MAX)
        .select((products::id, products::seller_id))
        .load(conn)?;
    Ok(rows.into_iter().map(|(id, seller)| (ProductId::from_stored(id), UserId::from_stored(seller))).collect())
}
