//! The currencies that prices may be in.

use std::sync::LazyLock;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentEncoding},
};
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

#[cfg(test)]
use crate::http::responses::Anyone;
use crate::{
    api_docs::{self, ToSchema},
    domain::currency,
    http::compressed::{Hash, accepts_gzip, gzipped},
    protocol::json::to_json,
};

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
#[api_docs::path(
    get,
    path = "/api/v1/currencies",
    operation_id = "listCurrencies",
    tag = "products",
    responses((status = 200, description = "All currencies, by code", body = Currencies), Anyone)
)]
pub async fn list_currencies(request: HttpRequest) -> HttpResponse {
    static SENT: LazyLock<(Bytes, Hash)> = LazyLock::new(|| {
        let items = currency::all().map(|(code, exponent)| Currency { code, exponent }).collect();
        let body = to_json(&Currencies { items });
        let hash = Sha256::digest(&body).into();
        (body, hash)
    });
    let (body, hash) = &*SENT;
    let mut response = HttpResponse::Ok();
    response
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .insert_header((header::VARY, "accept-encoding"));
    if accepts_gzip(&request) {
        return response.insert_header(ContentEncoding::Gzip).body(gzipped(*hash, body));
    }
    response.body(body.clone())
}
