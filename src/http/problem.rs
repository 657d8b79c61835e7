//! Errors over HTTP: `application/problem+json` (RFC 9457) with the contract's stable code.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{StatusCode, header},
};
use bytes::Bytes;
use serde::Serialize;
#[cfg(test)]
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::{
    api_docs::ToSchema,
    auth::AuthError,
    db::{DbError, OperationError},
    domain::Timestamp,
    error::{ChatError, ErrorCode, ErrorParams},
    protocol::json::to_json,
};

/// A failed request. Handlers return it, [`request_log`](super::request_log) gives it the request's id.
#[derive(Debug)]
pub struct Problem(pub ChatError);

/// The document of RFC 9457 section 3, with `code`, `retryAfterMs`, `until`, `params` and `requestId` in addition to its members.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemDocument {
    /// Always `about:blank`: the code says which problem it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The problem in two or three words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// One sentence that says what to do next.
    detail: String,
    /// The stable code, the same on every wire.
    #[schema(schema_with = code_schema)]
    code: ErrorCode,
    /// For `rate_limited`: when the next try can succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    /// For `muted`: when the mute expires; absent for one without an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// For `refused`: the marketplace's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ErrorParams>)]
    params: Option<Box<ErrorParams>>,
    /// The id of the request, as in the header `x-request-id` and in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

/// The contract's codes, so that generated clients know them.
#[cfg(test)]
fn code_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The stable code, the same on every wire."))
        .enum_values(Some(ErrorCode::ALL.map(ErrorCode::name)))
        .build()
}

impl ProblemDocument {
    /// The document of an error, with its request's id where it has one by now.
    #[must_use]
    pub fn of(error: &ChatError, status: StatusCode, request_id: Option<&str>) -> Self {
        let (_, _, title) = error.code.spec();
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail: error.message.clone().into_owned(),
            code: error.code,
            retry_after_ms: error.retry_after_ms,
            until: error.until,
            params: error.params.clone(),
            request_id: request_id.map(str::to_owned),
        }
    }

    #[must_use]
    pub fn to_json(&self) -> Bytes {
        to_json(self)
    }
}

impl Problem {
    /// The response for an error, with its request's id where it has one by now.
    #[must_use]
    pub fn render(error: &ChatError, status: StatusCode, request_id: Option<&str>) -> HttpResponse {
        let mut response = HttpResponse::build(status);
        if let Some(ms) = error.retry_after_ms {
            response.insert_header((header::RETRY_AFTER, ms.div_ceil(1000)));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let document = ProblemDocument::of(error, status, request_id);
        response.content_type("application/problem+json").body(document.to_json())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        Self::render(&self.0, self.status_code(), None)
    }
}

impl From<ChatError> for Problem {
    fn from(error: ChatError) -> Self {
        Self(error)
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        if error.code() == ErrorCode::Unavailable {
            log::warn!("a request failed at the database: {error}");
        }
        Self(error.into())
    }
}

impl<E> From<OperationError<E>> for Problem
where
    ChatError: From<E>,
{
    fn from(error: OperationError<E>) -> Self {
        match error {
            OperationError::Refused(refused) => Self(refused.into()),
            OperationError::Db(error) => error.into(),
        }
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        Self(error.into())
    }
}
