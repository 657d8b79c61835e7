//! The ids in a request's path.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::{error::ChatError, http::problem::Problem};

/// One id, or a tuple of them in the order of the path. Percent-encoded where needed: `/users/a%2Fb` is the user `a/b`.
#[derive(Debug)]
pub struct InPath<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for InPath<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // actix-web would replace broken bytes, and two addresses would name one id.
        if percent_decode_str(request.uri().path()).decode_utf8().is_err() {
            return ready(Err(ChatError::invalid("the path must be UTF-8, percent-encoded").into()));
        }
        let ids = web::Path::<T>::extract(request).into_inner();
        ready(match ids {
            Ok(ids) => Ok(Self(ids.into_inner())),
            Err(error) => Err(ChatError::invalid(format!("the path: {error}")).into()),
        })
    }
}
