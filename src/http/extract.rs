//! Checks the caller and the request: a bad one is refused here before a handler sees it.

mod body;
mod page;
mod path;
mod query;

use std::{
    future::{Future, Ready, ready},
    net::{IpAddr, Ipv6Addr},
    pin::Pin,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header, web};

pub use body::Body;
pub use page::PageOf;
pub use path::InPath;
pub use query::{InQuery, whole_number};

use super::{
    admission::{Client, note_known},
    problem::Problem,
    state::AppState,
};
use crate::{
    auth::{AuthError, Identity, bearer, find_token},
    domain::Account,
    error::{ChatError, ErrorCode},
    metrics,
};

/// A signed-in user who was not removed, by a valid token in `Authorization: Bearer` or the query's `access_token`.
#[derive(Debug)]
pub struct SignedIn(pub Identity);

/// The marketplace's own backend, by the service key in `Authorization: Bearer`.
#[derive(Debug)]
pub struct Service;

/// Anyone, by the address that the request comes from.
#[derive(Debug)]
pub struct Visitor(pub Account);

/// Either of the two, for routes that both may use.
#[derive(Debug)]
pub enum Caller {
    /// A user.
    User(Identity),
    /// The marketplace's own backend.
    Service,
}

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

fn state(request: &HttpRequest) -> Result<web::Data<AppState>, Problem> {
    let state = request.app_data::<web::Data<AppState>>().cloned();
    state.ok_or_else(|| Problem(ChatError::internal(&"the application has no state")))
}

async fn signed_in(request: &HttpRequest) -> Result<Identity, Problem> {
    let state = state(request)?;
    let headers = request.headers();
    let found = find_token(
        headers.get_all(header::AUTHORIZATION).map(header::HeaderValue::as_bytes),
        headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).map(header::HeaderValue::as_bytes),
        request.query_string(),
    );
    let verified = match found {
        Ok(Some(source)) => state.verifier.verify(&source.token).await,
        Ok(None) => Err(AuthError::Missing),
        Err(error) => Err(error),
    };
    match verified {
        Ok(identity) => {
            note_known(request, Account::User(identity.user.clone()));
            Ok(identity)
        }
        // It is known who calls, and that they are no user.
        Err(_) if is_service(request)? => {
            Err(Problem(ChatError::new(ErrorCode::Forbidden, "this route takes a user's token, not the service key")))
        }
        Err(error) => {
            metrics::count(&state.metrics.auth_failures, error.reason());
            Err(error.into())
        }
    }
}

fn is_service(request: &HttpRequest) -> Result<bool, Problem> {
    let state = state(request)?;
    let Some(key) = &state.service_key else { return Ok(false) };
    let mut given = request.headers().get_all(header::AUTHORIZATION);
    let first = given.next().map(|value| bearer(value.as_bytes())).transpose()?.flatten();
    let matches = first.is_some_and(|presented| key.matches(presented));
    if matches {
        note_known(request, Account::Service);
    }
    Ok(matches)
}

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let identity = signed_in(&request).await?;
            let state = state(&request)?;
            let place = state.accounts.open_request(&identity.user)?;
            state.database.check_not_removed(&identity.user).await?;
            // It lives as long as the request.
            request.extensions_mut().insert(place);
            Ok(Self(identity))
        })
    }
}

impl FromRequest for Service {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            if is_service(&request)? {
                return Ok(Self);
            }
            // A user's good token is known here, and not enough.
            match signed_in(&request).await {
                Ok(_) => Err(Problem(ChatError::new(ErrorCode::Forbidden, "this route takes the service key"))),
                Err(_) => Err(Problem(ChatError::new(
                    ErrorCode::Unauthenticated,
                    "this route takes the service key: send `Authorization: Bearer <service key>`",
                ))),
            }
        })
    }
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // A request always has one, but for those of tests without a socket.
        let address = Client::of(request).address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        ready(Ok(Self(Account::from(address))))
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let user = SignedIn::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            if is_service(&request)? {
                return Ok(Self::Service);
            }
            user.await.map(|SignedIn(identity)| Self::User(identity))
        })
    }
}
