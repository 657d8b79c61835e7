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
use serde::Deserialize;

pub use body::Body;
pub use page::PageOf;
pub use path::InPath;
pub use query::{InQuery, whole_number};

use super::{
    admission::{Client, note_known},
    policy::{self, Needs},
    problem::Problem,
    state::AppState,
};
use crate::{
    api_docs::IntoParams,
    auth::{AuthError, Identity, bearer, find_token},
    db::{Moderate, Moderation, Write},
    domain::{Account, Moderator, Timestamp, staff::check_reason},
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
    User(Identity),
    /// The marketplace's own backend.
    Service,
}

/// Who acts for the marketplace, and why: a member of its staff, or its own backend.
#[derive(Debug)]
pub struct Staff {
    pub by: Moderator,
    /// The query's `reason`.
    pub reason: Option<String>,
}

/// A member of the marketplace's staff, by their own token.
#[derive(Debug)]
pub struct StaffMember {
    /// They, as their token names them.
    pub identity: Identity,
    /// The query's `reason`.
    pub reason: Option<String>,
}

/// A user for what is their own, or the marketplace for what is anybody's.
#[derive(Debug)]
pub enum MemberOrStaff {
    /// A user.
    Member(Identity),
    /// A member of the staff, or the marketplace's own backend.
    Staff(Staff),
}

/// Why staff asks or acts, in the query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Why {
    /// Why, for the audit log: 1 to 1000 characters.
    #[param(value_type = Option<String>, min_length = 1, max_length = 1000, pattern = r"\S")]
    reason: Option<String>,
}

/// The same where staff must say why.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `Staff` and `Staff::require_reason` read")]
pub struct NeededWhy {
    /// Why, for the audit log: 1 to 1000 characters.
    #[param(min_length = 1, max_length = 1000, pattern = r"\S")]
    reason: String,
}

/// Who was let in, by what they have shown and what the route needs.
enum Admitted {
    User(Identity),
    Staff(Identity),
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

/// Lets a caller in, or says why not: the one place where [`policy`] decides.
async fn admit(request: &HttpRequest) -> Result<Admitted, Problem> {
    let needs = request.match_pattern().and_then(|pattern| policy::needs_of(request.method(), &pattern));
    let needs = needs.ok_or_else(|| ChatError::internal(&"a route has no policy"))?;
    if needs.takes_service() && is_service(request)? {
        return Ok(Admitted::Service);
    }
    if needs == Needs::Service {
        // A user's good token is known here, and not enough.
        return Err(match signed_in(request).await {
            Ok(_) => Problem(ChatError::new(ErrorCode::Forbidden, "this route takes the service key")),
            Err(_) if request.headers().contains_key(header::AUTHORIZATION) => Problem(ChatError::new(
                ErrorCode::Unauthenticated,
                "this is not the service key: send the one that the server was started with",
            )),
            Err(_) => Problem(ChatError::new(
                ErrorCode::Unauthenticated,
                "this route takes the service key: send `Authorization: Bearer <service key>`",
            )),
        });
    }
    let identity = signed_in(request).await?;
    let state = state(request)?;
    let place = state.accounts.open_request(&identity.user)?;
    state.database.check_sign_in(&identity.user, state.clock.now()).await?;
    // It lives as long as the request.
    request.extensions_mut().insert(place);
    match (needs, identity.is_staff) {
        (Needs::Staff | Needs::StaffToken | Needs::Operator | Needs::UserOrStaff, true) => {
            Ok(Admitted::Staff(identity))
        }
        (Needs::Staff | Needs::StaffToken | Needs::Operator, false) => {
            Err(ChatError::new(ErrorCode::Forbidden, "this route is for the marketplace's staff").into())
        }
        _ => Ok(Admitted::User(identity)),
    }
}

/// A handler takes a caller whom its route's policy does not let in.
fn misplaced() -> Problem {
    Problem(ChatError::internal(&"a route's handler and its policy differ"))
}

fn staff(request: &HttpRequest, by: Moderator) -> Result<Staff, Problem> {
    Ok(Staff { by, reason: read_reason(request)? })
}

fn read_reason(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Why { reason } = web::Query::<Why>::from_query(request.query_string())
        .map_err(|_| ChatError::invalid("the query could not be read"))?
        .into_inner();
    reason.as_deref().map_or(Ok(()), check_reason).map_err(ChatError::from)?;
    Ok(reason)
}

macro_rules! extracted {
    ($caller:ty, $request:ident: $($admitted:pat => $made:expr,)*) => {
        impl FromRequest for $caller {
            type Error = Problem;
            type Future = Extracting<Self>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let $request = request.clone();
                Box::pin(async move {
                    match admit(&$request).await? {
                        $($admitted => $made,)*
                    }
                })
            }
        }
    };
}

extracted! { SignedIn, request:
    Admitted::User(identity) | Admitted::Staff(identity) => Ok(Self(identity)),
    Admitted::Service => Err(misplaced()),
}

extracted! { Service, request:
    Admitted::Service => Ok(Self),
    Admitted::User(_) | Admitted::Staff(_) => Err(misplaced()),
}

extracted! { Caller, request:
    Admitted::User(identity) | Admitted::Staff(identity) => Ok(Self::User(identity)),
    Admitted::Service => Ok(Self::Service),
}

extracted! { Staff, request:
    Admitted::Staff(identity) => staff(&request, Moderator::Staff { id: identity.user }),
    Admitted::Service => staff(&request, Moderator::Service),
    Admitted::User(_) => Err(misplaced()),
}

extracted! { StaffMember, request:
    Admitted::Staff(identity) => Ok(Self { identity, reason: read_reason(&request)? }),
    Admitted::User(_) | Admitted::Service => Err(misplaced()),
}

extracted! { MemberOrStaff, request:
    // A bad one is refused from everybody.
    Admitted::User(identity) => read_reason(&request).map(|_| Self::Member(identity)),
    Admitted::Staff(identity) => staff(&request, Moderator::Staff { id: identity.user }).map(Self::Staff),
    Admitted::Service => staff(&request, Moderator::Service).map(Self::Staff),
}

impl From<StaffMember> for Staff {
    fn from(StaffMember { identity, reason }: StaffMember) -> Self {
        Self { by: Moderator::Staff { id: identity.user }, reason }
    }
}

impl Staff {
    /// The reason of an action that needs one.
    ///
    /// # Errors
    /// `invalid` where none was given.
    pub fn require_reason(&self) -> Result<(), ChatError> {
        match self.reason {
            Some(_) => Ok(()),
            None => Err(ChatError::invalid("`reason` is missing: say why")),
        }
    }

    /// What this caller does now.
    #[must_use]
    pub fn does(self, at: Timestamp, what: Moderation) -> Write {
        Write::Moderate(Box::new(Moderate { by: self.by, reason: self.reason, at, what }))
    }

    /// The same for a reason that came in the body.
    ///
    /// # Errors
    /// `invalid` for one out of range.
    pub fn does_because(self, reason: String, at: Timestamp, what: Moderation) -> Result<Write, ChatError> {
        check_reason(&reason)?;
        Ok(Self { reason: Some(reason), ..self }.does(at, what))
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
