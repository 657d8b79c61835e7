//! The parameters after the `?`.

use std::{
    future::{Ready, ready},
    ops::RangeInclusive,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use serde::de::DeserializeOwned;

use crate::{error::ChatError, http::problem::Problem};

/// Parameters as they were written; [`whole_number`] reads those that are numbers, so that a bad one is named.
#[derive(Debug)]
pub struct InQuery<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for InQuery<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match web::Query::<T>::from_query(request.query_string()) {
            Ok(query) => Ok(Self(query.into_inner())),
            Err(actix_web::error::QueryPayloadError::Deserialize(error)) => {
                Err(ChatError::invalid(format!("the query: {error}")).into())
            }
            Err(_) => Err(ChatError::invalid("the query could not be read").into()),
        })
    }
}

/// Reads a parameter that is a whole number.
///
/// # Errors
/// `invalid`, with a sentence that names the parameter and its range.
pub fn whole_number(name: &str, given: Option<&str>, range: RangeInclusive<i64>) -> Result<Option<i64>, ChatError> {
    let Some(given) = given else { return Ok(None) };
    let (min, max) = (range.start(), range.end());
    match given.parse::<i64>() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        Ok(number) => Err(ChatError::invalid(format!("`{name}` must be {min} to {max}, got {number}"))),
        Err(_) => Err(ChatError::invalid(format!("`{name}` must be a whole number, {min} to {max}"))),
    }
}
