//! The currencies that prices may be in.

use actix_web::{HttpResponse, http::header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{domain::currency, http::responses::Anyone, protocol::json::to_json};

/// A currency of ISO 4217.
#[derive(Debug, Serialize, ToSchema)]
pub struct Currency {
    /// Its code, as in a product's or an offer's `currency`.
    #[schema(example = "USD", pattern = "^[A-Z]{3}$")]
    code: &'static str,
    /// How many digits its minor unit has: prices and amounts are whole numbers of it, so 12900 USD (2) is 129.00, and 980000 KRW
    /// (0) is 980,000.
    #[schema(example = 2, minimum = 0, maximum = 4)]
    exponent: u8,
}

/// The currencies.
#[derive(Debug, Serialize, ToSchema)]
pub struct Currencies {
    /// By code.
    items: Vec<Currency>,
}

/// Lists the currencies that a price may be in, and the digits of each one's minor unit.
///
/// Take the digits from here: those of a browser or of a library for formatting are often those that people usually write.
#[utoipa::path(
    get,
    path = "/api/v1/currencies",
    operation_id = "listCurrencies",
    tag = "products",
    responses((status = 200, description = "All currencies, by code", body = Currencies), Anyone)
)]
pub async fn list_currencies() -> HttpResponse {
    let items = currency::all().map(|(code, exponent)| Currency { code, exponent }).collect();
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(to_json(&Currencies { items }))
}
