//! Every route on one page.

use actix_web::{HttpResponse, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{api, health, openapi, problem::Problem, static_files, ws};
use crate::error::ChatError;

/// Most bytes of a request's body, but for uploads.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The routes that OpenAPI describes.
pub fn documented(config: &mut ServiceConfig<'_>) {
    config.route("/healthz", web::get().to(health::healthz)).route("/readyz", web::get().to(health::readyz));
}

/// The routes beside them: the wires, the documentation and the demo page.
pub fn undocumented(config: &mut web::ServiceConfig) {
    config.route("/ws/chat", web::get().to(ws::open)).route("/{path:.*}", web::get().to(static_files::serve));
}

/// Reads bodies, paths and queries with limits, and tells what is wrong in the contract's words.
pub fn extractors(config: &mut web::ServiceConfig) {
    let invalid = |what: &str, reason: String| Problem(ChatError::invalid(format!("{what}: {reason}")));
    config
        .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
        .app_data(web::JsonConfig::default().limit(BODY_BYTES_MAX).error_handler(move |error, _| {
            use actix_web::error::JsonPayloadError as E;
            match error {
                E::Overflow { .. } | E::OverflowKnownLength { .. } => {
                    Problem(ChatError::new(crate::error::ErrorCode::TooLarge, "the body is too large")).into()
                }
                other => invalid("the body", other.to_string()).into(),
            }
        }))
        .app_data(
            web::PathConfig::default().error_handler(move |error, _| invalid("the path", error.to_string()).into()),
        )
        .app_data(
            web::QueryConfig::default().error_handler(move |error, _| invalid("the query", error.to_string()).into()),
        );
}

/// What is at no address.
pub async fn nothing() -> Result<HttpResponse, Problem> {
    Err(ChatError::not_found("there is nothing at this address").into())
}
