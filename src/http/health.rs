//! Operations: is it alive, may traffic come, and what does it count.

use actix_web::{HttpResponse, web};
use serde::Serialize;

#[cfg(test)]
use super::responses::Anyone;
use super::state::AppState;
use crate::{
    actors::db_executor::purpose::{Reading, Writing},
    api_docs::{self, ToSchema},
    auth::JwksState,
    db,
    domain::Account,
};

/// Whether the server may be sent traffic, and what stands in the way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// Whether all below is well.
    ready: bool,
    /// `ok`, `down`, `read-only` where PostgreSQL answers and takes no writes, or `failing` where the last commit failed: a full
    /// disk, or one whose `fsync` fails. Each look then tries to commit, so that it is `ok` when the next one would succeed.
    database: &'static str,
    /// `ok` or `down`; absent where the key is configured itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<&'static str>,
    /// The connection to the other nodes, where there are others: `ok` or `down`. Without it a node continues to serve and
    /// reads the others' commits from the database within one second, so it is still ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    nats: Option<&'static str>,
    /// Whether the server is about to end.
    draining: bool,
}

/// The process runs.
#[api_docs::path(get, path = "/healthz", tag = "operations", operation_id = "healthz", responses((status = 200, description = "The process runs", body = String, content_type = "text/plain"), Anyone))]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Traffic may come; else which dependency is down.
#[api_docs::path(get, path = "/readyz", tag = "operations", operation_id = "readyz", responses(
    (status = 200, description = "Traffic may come", body = Readiness),
    (status = 503, description = "Something is down", body = Readiness),
    Anyone,
))]
pub async fn readyz(state: web::Data<AppState>) -> HttpResponse {
    // A question of the server's own: one at a time, no matter who the requests are from.
    let ping = Reading::check(Account::Server, "ping");
    let ask =
        || state.database.read(ping, db::Scope::Nothing, |conn| db::ping(conn).and_then(|()| db::takes_writes(conn)));
    let database = state.database_looks.share(async || match ask().await {
        Ok(true) if !takes_commits(&state).await => "failing",
        Ok(true) => "ok",
        Ok(false) => "read-only",
        Err(_) => "down",
    });
    let database = database.await;
    let jwks = state.verifier.jwks_state().map(|jwks| jwks != JwksState::Missing);
    let draining = state.is_draining();
    let name = |well: bool| if well { "ok" } else { "down" };
    let ready = database == "ok" && jwks != Some(false) && !draining;
    let nats = state.config.nats_url.as_ref().map(|_| name(state.metrics.nats_up.get() == 1));
    let readiness = Readiness { ready, database, jwks: jwks.map(name), nats, draining };
    if ready { HttpResponse::Ok().json(readiness) } else { HttpResponse::ServiceUnavailable().json(readiness) }
}

/// Whether the last commit succeeded. If it did not, tries one now: without traffic there is no other.
async fn takes_commits(state: &AppState) -> bool {
    let purpose = Writing::change(Account::Server, "try_commit");
    !state.database.is_commit_failing()
        || state.database.write(purpose, db::Scope::Nothing, db::try_commit).await.is_ok()
}

/// What the server counts, in the OpenMetrics text format.
#[api_docs::path(get, path = "/metrics", tag = "operations", operation_id = "metrics", responses(
    (status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text"),
    Anyone,
))]
pub async fn metrics(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(state.metrics.encode())
}
