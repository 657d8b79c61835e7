//! The attributes by which routes and types describe themselves for the OpenAPI document: `ToSchema`, `IntoParams` and `path`.
//!
//! The document is a file that the unit tests make and compare (`http/openapi/definition.rs`). So only they need what utoipa
//! makes of the attributes; in every other build they expand to nothing.

#[cfg(not(test))]
pub use haggle_api_docs::{IntoParams, ToSchema, path};
#[cfg(test)]
pub use utoipa::{IntoParams, ToSchema, path};
