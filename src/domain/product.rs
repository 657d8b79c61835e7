//! Products: owned by the marketplace, which upserts them.

use serde::{Deserialize, Serialize};

use super::{
    ProductId, UserId, currency,
    field::{InvalidField, check_text, check_url},
};
use crate::api_docs::ToSchema;

/// Largest price: the largest whole number that JSON readers keep exactly (2^53 − 1).
pub const PRICE_MAX: i64 = (1 << 53) - 1;

/// Longest title, in characters.
pub const TITLE_CHARS_MAX: usize = 200;

/// Where a product stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProductStatus {
    /// Anyone may ask for it.
    #[default]
    OnSale,
    /// Promised to a buyer.
    Reserved,
    /// Gone.
    Sold,
}

impl ProductStatus {
    /// Name on every wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnSale => "on_sale",
            Self::Reserved => "reserved",
            Self::Sold => "sold",
        }
    }

    /// Reads the name; `None` for any other word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::OnSale, Self::Reserved, Self::Sold].into_iter().find(|status| status.as_str() == name)
    }
}

/// What a room is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// The marketplace's own product id.
    pub id: ProductId,
    /// Who sells it.
    pub seller_id: UserId,
    /// What it is called.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// In the currency's minor unit (ISO 4217: 12900 is 129.00 USD, 980000 is 980,000 KRW), 0 to 2^53 − 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub price: Option<i64>,
    /// ISO 4217 code. `GET /api/v1/currencies` has the digits of its minor unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "KRW", pattern = "^[A-Z]{3}$")]
    pub currency: Option<String>,
    /// Picture of the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// Where it stands; `on_sale` when not given.
    #[serde(default)]
    #[schema(required = true)]
    pub status: ProductStatus,
    /// The marketplace has taken it down: its rooms stay, and nobody opens a new one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub unlisted: bool,
}

impl Product {
    /// Bytes that it takes as JSON, about.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let ids = self.id.as_str().len() + self.seller_id.as_str().len();
        192 + ids + self.title.len() + self.image_url.as_ref().map_or(0, String::len)
    }

    /// Checks what the types alone don't.
    ///
    /// # Errors
    /// [`InvalidField`] for a title, price, currency or picture out of range.
    pub fn check(&self) -> Result<(), InvalidField> {
        check_text(&self.title, "title", TITLE_CHARS_MAX)?;
        if self.price.is_some_and(|price| !(0..=PRICE_MAX).contains(&price)) {
            return Err(InvalidField(format!("`price` must be 0 to {PRICE_MAX}, in the currency's minor unit")));
        }
        self.currency.as_deref().map_or(Ok(()), |code| currency::check(code, "currency"))?;
        check_url(self.image_url.as_deref(), "imageUrl")
    }
}
