//! The two parameters of a list that comes in pages: how much of it, and where to go on.

use std::{
    fmt,
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::Deserialize;
#[cfg(test)]
use utoipa::{
    IntoParams,
    openapi::{
        KnownFormat, ObjectBuilder, SchemaFormat,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::Type,
    },
};

use super::query::{InQuery, whole_number};
use crate::{error::ChatError, http::problem::Problem};

/// Which page a list's caller wants: at most `MAX` items, `DEFAULT` without a limit, after the cursor of the page before.
/// Documented by the same two numbers.
#[derive(Debug)]
pub struct PageOf<C, const MAX: i64, const DEFAULT: i64> {
    /// Most items, 1 to `MAX`.
    pub limit: i64,
    /// `nextCursor` of the page before; `None` for the first one.
    pub cursor: Option<C>,
}

/// As they were written.
#[derive(Deserialize)]
struct Written {
    limit: Option<String>,
    cursor: Option<String>,
}

impl<C, const MAX: i64, const DEFAULT: i64> FromRequest for PageOf<C, MAX, DEFAULT>
where
    C: FromStr<Err: fmt::Display> + 'static,
{
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = |InQuery(Written { limit, cursor }): InQuery<Written>| -> Result<Self, Problem> {
            let limit = whole_number("limit", limit.as_deref(), 1..=MAX)?.unwrap_or(DEFAULT);
            let cursor = cursor.map(|cursor| cursor.parse()).transpose();
            Ok(Self { limit, cursor: cursor.map_err(|error: C::Err| ChatError::invalid(error.to_string()))? })
        };
        ready(InQuery::from_request(request, payload).into_inner().and_then(read))
    }
}

#[cfg(test)]
impl<C, const MAX: i64, const DEFAULT: i64> IntoParams for PageOf<C, MAX, DEFAULT> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let limit = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(1))
            .maximum(Some(MAX))
            .default(Some(DEFAULT.into()));
        let cursor = ObjectBuilder::new().schema_type(Type::String);
        let parameter = |name: &str, description: &str, schema: ObjectBuilder| {
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query);
            parameter.description(Some(description)).schema(Some(schema)).build()
        };
        vec![
            parameter("limit", "Most items of the page.", limit),
            parameter("cursor", "`nextCursor` of the page before.", cursor),
        ]
    }
}
