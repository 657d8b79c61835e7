//! Products: the marketplace puts them, and their own seller says where they stand.

use std::str::FromStr;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{PAGE_BYTES_MAX, check_same, created_or_found, record, staff_views::StaffRoomView};
use crate::{
    actors::db_executor::purpose::Reading,
    api_docs::{self, ToSchema},
    db::{self, InvalidCursor, Write},
    domain::{AuditAction, AuditSubject, Product, ProductId, ProductStatus, UserId, field::optional_whole},
    error::ChatError,
    http::{
        extract::{Body, Caller, InPath, PageOf, Service, Staff},
        problem::Problem,
        state::{AppState, json_body},
    },
    protocol::json::to_json,
};
#[cfg(test)]
use crate::{
    domain::currency,
    http::{
        extract::Why,
        responses::{AsSeller, AsService, AsStaff, Changed, Unknown, WithBody},
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
    #[schema(schema_with = currency::optional_schema)]
    currency: Option<String>,
    /// Picture of the product: an http(s) URL, or a path of the page's own server.
    #[serde(default)]
    #[schema(
        max_length = 2048,
        pattern = r"^(https?://[^\s\x00-\x1f\x7f-\x9f]*|/([^/\s\x00-\x1f\x7f-\x9f][^\s\x00-\x1f\x7f-\x9f]*)?)$"
    )]
    image_url: Option<String>,
    /// Where it stands. Left out, it stays where it stands; a new one is `on_sale`. `on_sale` is a `conflict` where an offer on the
    /// product was accepted: only PATCH undoes that.
    #[serde(default)]
    status: Option<ProductStatus>,
}

/// Adds or changes a product. Its rooms are notified once: a `system` message if the status changed, and `roomUpdated`.
///
/// # Errors
/// `invalid` for a field out of range or an unknown seller, `conflict` for another seller once there are rooms, and for a status
/// that would undo the acceptance of an offer, which it names.
#[api_docs::path(
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
    let keeps_status = status.is_none();
    let status = status.unwrap_or_default();
    let product = Product { id, seller_id, title, price, currency, image_url, status, unlisted: false };
    product.check().map_err(ChatError::from)?;
    let write = Write::PutProduct { product, keeps_status, at: state.clock.now() };
    Ok(created_or_found(state.change(write).await?))
}

/// Where a product shall stand.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SetStatus {
    /// From now on.
    status: ProductStatus,
}

/// A product as it stands.
///
/// # Errors
/// `not_found` for an unknown product.
#[api_docs::path(
    get,
    path = "/api/v1/products/{id}",
    operation_id = "getProduct",
    tag = "products",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = ProductId, Path, description = "The marketplace's own product id"), Why),
    responses((status = 200, description = "The product", body = Product), AsStaff, Unknown)
)]
pub async fn get_product(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<ProductId>,
) -> Result<web::Json<Product>, Problem> {
    let InPath(id) = id;
    let about = AuditSubject::product(&id);
    let purpose = Reading::check(staff.by.account(), "find_product");
    let found = state.database.read(purpose, db::Scope::Nothing, move |conn| db::find_product(conn, &id)).await?;
    let product = found.ok_or_else(|| ChatError::not_found("there is no such product"))?;
    record(&state, staff, AuditAction::ReadProduct, about, None).await?;
    Ok(web::Json(product))
}

/// Which page of a product's rooms.
type WantedPage = PageOf<BuyerCursor, 50, 20>;

/// The buyer of the last room of the page before.
#[derive(Debug)]
pub struct BuyerCursor(UserId);

impl FromStr for BuyerCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        UserId::new(text).map(Self).map_err(|_| InvalidCursor)
    }
}

/// A page of rooms as staff sees them.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffRoomPage)]
#[serde(rename_all = "camelCase")]
pub struct StaffRoomPage<'a> {
    /// By the ids of their buyers.
    items: Vec<StaffRoomView<'a>>,
    /// Where the next page goes on; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<UserId>,
}

/// Lists a product's rooms. A page ends early at 256 KiB.
///
/// # Errors
/// `invalid` for a `limit` or `cursor` that does not fit. An unknown product has no rooms.
#[api_docs::path(
    get,
    path = "/api/v1/products/{id}/rooms",
    operation_id = "listProductRooms",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = ProductId, Path, description = "The marketplace's own product id"), WantedPage, Why),
    responses((status = 200, description = "A page of its rooms", body = StaffRoomPage), AsStaff)
)]
pub async fn list_product_rooms(
    state: web::Data<AppState>,
    staff: Staff,
    id: InPath<ProductId>,
    page: WantedPage,
) -> Result<HttpResponse, Problem> {
    let (InPath(id), WantedPage { limit, cursor }) = (id, page);
    let about = AuditSubject::product(&id);
    let scope = db::Scope::Product(id.clone());
    let list = move |conn: &mut db::Connection| {
        let after = cursor.as_ref().map(|BuyerCursor(buyer)| buyer);
        db::list_product_rooms(conn, &id, after, limit, PAGE_BYTES_MAX)
    };
    let (rooms, next_cursor) =
        state.database.read(Reading::list(staff.by.account(), "list_product_rooms"), scope, list).await?;
    record(&state, staff, AuditAction::ListProductRooms, about, None).await?;
    let presenter = state.presenter();
    let items = rooms.iter().map(|room| StaffRoomView::of(room, &presenter)).collect();
    Ok(json_body(to_json(&StaffRoomPage { items, next_cursor })))
}

/// Sets a product's status, by its own seller or the marketplace.
///
/// `on_sale` undoes the acceptance of an offer: its status is `superseded` then. Every room of the product is notified.
///
/// # Errors
/// `forbidden` for any user but the product's own seller, `frozen` for the seller while the room of the accepted offer is frozen,
/// `not_found` for an unknown product, `invalid`, `rate_limited` for a seller who does this again and again.
#[api_docs::path(
    patch,
    path = "/api/v1/products/{id}",
    operation_id = "setProductStatus",
    tag = "products",
    security(("userToken" = []), ("serviceKey" = [])),
    params(("id" = ProductId, Path, description = "The marketplace's own product id")),
    request_body(content = SetStatus, example = json!({"status": "reserved"})),
    responses((status = 200, description = "The product as it now stands", body = Product), AsSeller, WithBody, Unknown)
)]
pub async fn set_product_status(
    state: web::Data<AppState>,
    caller: Caller,
    id: InPath<ProductId>,
    body: Body<SetStatus>,
) -> Result<HttpResponse, Problem> {
    let (InPath(product), Body(SetStatus { status })) = (id, body);
    let seller = match caller {
        Caller::User(identity) => Some(identity.user),
        Caller::Service => None,
    };
    let at = state.clock.now();
    let write = Write::SetProductStatus { product, seller, status, at };
    Ok(json_body(state.change(write).await?.data))
}
