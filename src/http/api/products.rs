//! Products: the marketplace puts them, and their own seller says where they stand.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{check_same, created_or_found};
use crate::{
    db::RoomWrite,
    domain::{Product, ProductId, ProductStatus, UserId, currency, field::optional_whole},
    error::ChatError,
    http::{
        extract::{Body, InPath, Service, SignedIn},
        openapi::problems::{AsService, AsUser, Changed, Unknown, WithBody},
        problem::Problem,
        state::{AppState, json_body},
    },
};

/// A product as the marketplace puts it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PutProduct {
    /// The one in the path, or left out.
    #[serde(default)]
    id: Option<ProductId>,
    /// Who sells it. Can't change any more once there is a room.
    seller_id: UserId,
    /// What it is called; not of invisible characters alone.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    title: String,
    /// In the currency's minor unit (ISO 4217: 12900 is 129.00 USD, 980000 is 980,000 KRW).
    #[serde(default, deserialize_with = "optional_whole")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    price: Option<i64>,
    /// ISO 4217 code.
    #[serde(default)]
    #[schema(schema_with = currency::schema)]
    currency: Option<String>,
    /// Picture of the product: an http(s) URL, or a path of the page's own server.
    #[serde(default)]
    #[schema(
        max_length = 2048,
        pattern = r"^(https?://[^\s\x00-\x1f\x7f-\x9f]*|/([^/\s\x00-\x1f\x7f-\x9f][^\s\x00-\x1f\x7f-\x9f]*)?)$"
    )]
    image_url: Option<String>,
    /// Where it stands; `on_sale` when left out.
    #[serde(default)]
    status: ProductStatus,
}

/// Adds or changes a product. Every room of it is told once: a `system` message when the status changed, and `roomUpdated`.
///
/// # Errors
/// `invalid` for a field out of range or an unknown seller, `conflict` for another seller once there are rooms.
#[utoipa::path(
    put,
    path = "/api/v1/products/{id}",
    operation_id = "putProduct",
    tag = "products",
    security(("serviceKey" = [])),
    params(("id" = ProductId, Path, description = "The marketplace's own product id")),
    request_body(content = PutProduct, example = json!({
        "sellerId": "junho", "title": "X100 compact camera, silver", "price": 980_000, "currency": "KRW",
        "imageUrl": "https://shop.example/camera.jpg", "status": "on_sale"
    })),
    responses(
        (status = 201, description = "The product is new", body = Product),
        (status = 200, description = "The product as it now stands", body = Product),
        AsService, WithBody, Changed,
    )
)]
pub async fn put_product(
    state: web::Data<AppState>,
    _: Service,
    id: InPath<ProductId>,
    body: Body<PutProduct>,
) -> Result<HttpResponse, Problem> {
    let (InPath(id), Body(body)) = (id, body);
    check_same("id", body.id.as_ref(), &id)?;
    let PutProduct { seller_id, title, price, currency, image_url, status, .. } = body;
    let product = Product { id, seller_id, title, price, currency, image_url, status };
    product.check().map_err(ChatError::from)?;
    let write = RoomWrite::PutProduct { product, at: state.clock.now() };
    Ok(created_or_found(state.change(write).await?))
}

/// Where a product shall stand.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SetStatus {
    /// From now on.
    status: ProductStatus,
}

/// Says where one's own product stands. Every room of it is told, as when the marketplace does it.
///
/// # Errors
/// `forbidden` for anybody but the product's own seller, `not_found` for an unknown product, `invalid`.
#[utoipa::path(
    patch,
    path = "/api/v1/products/{id}",
    operation_id = "setProductStatus",
    tag = "products",
    security(("userToken" = [])),
    params(("id" = ProductId, Path, description = "The marketplace's own product id")),
    request_body(content = SetStatus, example = json!({"status": "reserved"})),
    responses((status = 200, description = "The product as it now stands", body = Product), AsUser, WithBody, Unknown)
)]
pub async fn set_product_status(
    state: web::Data<AppState>,
    user: SignedIn,
    id: InPath<ProductId>,
    body: Body<SetStatus>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), InPath(product), Body(SetStatus { status })) = (user, id, body);
    let at = state.clock.now();
    let write = RoomWrite::SetProductStatus { product, seller: identity.user, status, at };
    Ok(json_body(state.change(write).await?.data))
}
