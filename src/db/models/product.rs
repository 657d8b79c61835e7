//! Products.

use crate::{
    db::{Backend, Connection, DbError, models::offer, prelude::*, schema::products},
    domain::{MessageId, Product, ProductId, ProductStatus, Times, UserId, support::SUPPORT_PRODUCT},
};

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = products, check_for_backend(Backend))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub(in crate::db) struct ProductRow {
    pub(in crate::db) id: String,
    pub(in crate::db) seller_id: String,
    title: String,
    price: Option<i64>,
    currency: Option<String>,
    image_url: Option<String>,
    status: String,
    unlisted: bool,
}

impl ProductRow {
    fn new(product: &Product) -> Self {
        Self {
            id: product.id.as_str().to_owned(),
            seller_id: product.seller_id.as_str().to_owned(),
            title: product.title.clone(),
            price: product.price,
            currency: product.currency.clone(),
            image_url: product.image_url.clone(),
            status: product.status.as_str().to_owned(),
            unlisted: product.unlisted,
        }
    }

    /// The product of a row that this haggle can read.
    pub(in crate::db) fn into_product(self) -> Result<Product, DbError> {
        let status = ProductStatus::parse(&self.status)
            .ok_or_else(|| DbError::Corrupt(format!("product {:?} has an unknown status", self.id)))?;
        Ok(Product {
            id: ProductId::from_stored(self.id),
            seller_id: UserId::from_stored(self.seller_id),
            title: self.title,
            price: self.price,
            currency: self.currency,
            image_url: self.image_url,
            status,
            unlisted: self.unlisted,
        })
    }
}

/// A product.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_product(conn: &mut Connection, product: &ProductId) -> Result<Option<Product>, DbError> {
    let row = products::table.find(product.as_str()).select(ProductRow::as_select()).get_result(conn).optional()?;
    row.map(ProductRow::into_product).transpose()
}

/// The first `limit` products, by id.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_products(conn: &mut Connection, limit: i64) -> Result<Vec<Product>, DbError> {
    let rows = products::table
        .filter(products::id.ne(SUPPORT_PRODUCT))
        .order(products::id)
        .limit(limit)
        .select(ProductRow::as_select())
        .load(conn)?;
    rows.into_iter().map(ProductRow::into_product).collect()
}

/// A product as it shall be: with the status that it was given, or where it stands.
pub(in crate::db) fn with_status(before: Option<&Product>, given: Product, keeps_status: bool) -> Product {
    let status = if keeps_status { status_of(before) } else { given.status };
    // Only staff takes a product down, and puts it back.
    Product { status, unlisted: before.is_some_and(|before| before.unlisted), ..given }
}

/// The accepted offer that the new status of a product would undo.
pub(in crate::db) fn find_undone_offer(
    conn: &mut Connection,
    before: Option<&Product>,
    product: &Product,
) -> QueryResult<Option<MessageId>> {
    let is_undone = product.status == ProductStatus::OnSale && status_of(before) != ProductStatus::OnSale;
    if is_undone { offer::find_accepted(conn, &product.id) } else { Ok(None) }
}

fn status_of(product: Option<&Product>) -> ProductStatus {
    product.map_or(ProductStatus::OnSale, |product| product.status)
}

/// Adds a product, or changes the one with that id. The caller has checked its seller.
pub(in crate::db) fn put(conn: &mut Connection, product: &Product, times: Times) -> QueryResult<()> {
    let row = ProductRow::new(product);
    let (created_at, updated_at) = times.to_ms();
    let times = || (products::created_at.eq(created_at), products::updated_at.eq(updated_at));
    diesel::insert_into(products::table)
        .values((&row, times()))
        .on_conflict(products::id)
        .do_update()
        .set((&row, times()))
        .execute(conn)?;
    Ok(())
}

/// When a product was made and last changed.
pub(in crate::db) fn find_times(conn: &mut Connection, product: &ProductId) -> QueryResult<Times> {
    let columns = (products::created_at, products::updated_at);
    let found = products::table.find(product.as_str()).select(columns).get_result(conn).optional()?;
    Ok(found.map(Times::from_ms).unwrap_or_default())
}
