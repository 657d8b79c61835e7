//! What routes answer, for their documentation: the bytes of a file, and how a route can fail. Each type of failure stands for
//! what one part of a route brings along.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema, SchemaFormat,
        example::{Example, ExampleBuilder},
        schema::Type,
    },
};

use crate::error::ErrorCode;

/// The bytes of a file, in the document alone.
#[derive(Debug)]
pub struct FileBytes;

impl PartialSchema for FileBytes {
    fn schema() -> RefOr<Schema> {
        let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(binary)).into()
    }
}

impl ToSchema for FileBytes {}

macro_rules! problem_sets {
    ($($(#[$doc:meta])* $name:ident: $($code:ident),+;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                responses(&[$(ErrorCode::$code),+])
            }
        }
    )*};
}

problem_sets! {
    /// Of a route that anyone may call: too many connections from one address, or a fault of haggle's own.
    Anyone: RateLimited, Internal;
    /// Of a route that takes a user's token.
    AsUser: Unauthenticated, TokenExpired, Forbidden, Banned, Invalid, RateLimited, Internal, Unavailable;
    /// Of a route by which a user sends something.
    AsSpeaker: Unauthenticated, TokenExpired, Forbidden, Blocked, Muted, Banned, Frozen, Refused, Held, Invalid, RateLimited, Internal, Unavailable;
    /// Of a route by which a seller changes what a frozen conversation may be about.
    AsSeller: Unauthenticated, TokenExpired, Forbidden, Banned, Frozen, Invalid, RateLimited, Internal, Unavailable;
    /// Of a route that takes the service key.
    AsService: Unauthenticated, Forbidden, Invalid, RateLimited, Internal, Unavailable;
    /// Of a route of the marketplace's staff.
    AsStaff: Unauthenticated, TokenExpired, Forbidden, Banned, Invalid, RateLimited, Internal, Unavailable;
    /// Of the demo's routes.
    AsVisitor: RateLimited, Internal, Unavailable;
    /// Of a signed address.
    BadAddress: Forbidden, Invalid, Unavailable;
    /// Of a body that can't be read.
    BadBody: Invalid;
    /// Of a query that can't be read.
    BadQuery: Invalid;
    /// Of a body that is too large.
    WithBody: TooLarge;
    /// Of an id that names nothing.
    Unknown: NotFound;
    /// Of something that has changed in the meantime.
    Changed: Conflict;
    /// Of a cursor that a restore has outdated.
    CursorGone: CursorExpired;
    /// Of opening a room.
    OwnProduct: OwnProduct;
}

fn responses(codes: &[ErrorCode]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status()).or_default().push(*code);
    }
    by_status.into_iter().map(|(status, codes)| (status.to_string(), RefOr::T(response(&codes)))).collect()
}

fn response(codes: &[ErrorCode]) -> Response {
    let names: Vec<_> = codes.iter().map(|code| format!("`{}`", code.name())).collect();
    let examples = codes.iter().map(|code| (code.name(), RefOr::T(example(*code))));
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ProblemDocument")))
        .examples_from_iter(examples)
        .build();
    ResponseBuilder::new().description(names.join(" or ")).content("application/problem+json", content).build()
}

fn example(code: ErrorCode) -> Example {
    let (name, status, title) = code.spec();
    let detail = match code {
        ErrorCode::Unauthenticated => "a token is missing: send `Authorization: Bearer <token>`",
        ErrorCode::TokenExpired => "the token has expired: get a new one and send it",
        ErrorCode::Forbidden => "only the buyer and the seller of a room may do this",
        ErrorCode::NotFound => "there is no such message",
        ErrorCode::NotInRoom => "enter a room first",
        ErrorCode::OwnProduct => "this is your own product: buyers open rooms for it",
        ErrorCode::Conflict => "this message was deleted",
        ErrorCode::Invalid => "`limit` must be 1 to 200, got 500",
        ErrorCode::TooLarge => "`text` and `data` together must be at most 16384 bytes, got 20000",
        ErrorCode::RateLimited => "too many in too short a time, wait for `retryAfterMs`",
        ErrorCode::Blocked => "this conversation is closed",
        ErrorCode::Muted => "the marketplace has muted you until 2026-11-30T09:00:00.000Z",
        ErrorCode::Banned => "the marketplace has banned you until 2026-11-30T09:00:00.000Z",
        ErrorCode::Frozen => "the marketplace has frozen this conversation",
        ErrorCode::Refused => "the marketplace does not let this through",
        ErrorCode::Held => "the marketplace reviews this before it lets it through: it was not sent",
        ErrorCode::CursorExpired => "`after` is from before the database was restored: start again without it",
        ErrorCode::Unavailable => "haggle can't store or read right now, try again in a moment",
        ErrorCode::Internal => "something went wrong here; tell the operator this reference: 0d4c1f5e",
    };
    let mut document = json!({
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": name,
        "requestId": "5e0c3b7a9d4f4c0e8b1a2d3c4e5f6071",
    });
    match code {
        ErrorCode::RateLimited => document["retryAfterMs"] = json!(250),
        ErrorCode::Muted | ErrorCode::Banned => document["until"] = json!("2026-11-30T09:00:00.000Z"),
        _ => {}
    }
    ExampleBuilder::new().summary(title).value(Some(document)).build()
}
