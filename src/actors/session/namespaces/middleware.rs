//! What a client passes before it is in one of haggle's namespaces.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde::Deserialize;

use crate::{
    actors::session::{
        services::Services,
        socket_io::{Middleware, Newcomer},
    },
    auth::{AuthError, only_one},
    chat::user_limits::Accounts,
    domain::field::MaybeText,
    error::{ChatError, ErrorCode},
    metrics,
};

/// Keeps the door of every namespace: closed while the server drains.
#[derive(Debug, Clone)]
pub struct Doorkeeper {
    draining: Arc<AtomicBool>,
}

impl Doorkeeper {
    /// Watches the server's own flag.
    #[must_use]
    pub fn new(draining: Arc<AtomicBool>) -> Self {
        Self { draining }
    }

    /// Why nobody may come in now.
    #[must_use]
    pub fn refusal(&self) -> Option<ChatError> {
        let draining = self.draining.load(Ordering::Acquire);
        draining.then(|| ChatError::new(ErrorCode::Unavailable, "this server restarts, come back in a moment"))
    }

    pub(super) fn middleware(&self) -> Middleware {
        let doorkeeper = self.clone();
        Box::new(move |newcomer| {
            let refusal = doorkeeper.refusal();
            Box::pin(async move { refusal.map_or(Ok(newcomer), Err) })
        })
    }
}

/// Finds out who the client is: by the token of its CONNECT, or that of its first request. Two different ones are refused, and
/// so is a user who was removed.
pub(super) fn signed_in(services: &Arc<Services>) -> Middleware {
    let services = Arc::clone(services);
    Box::new(move |mut newcomer| {
        let services = Arc::clone(&services);
        Box::pin(async move {
            let verified = match find_token(&newcomer) {
                Ok(Some(token)) => services.verifier.verify(&token).await,
                Ok(None) => Err(AuthError::Missing),
                Err(error) => Err(error),
            };
            let identity = verified.inspect_err(|error| {
                metrics::count(&services.metrics.auth_failures, error.reason());
            })?;
            services.database.check_sign_in(&identity.user, services.clock.now()).await?;
            newcomer.identity = Some(identity);
            Ok(newcomer)
        })
    })
}

fn find_token(newcomer: &Newcomer) -> Result<Option<String>, AuthError> {
    #[derive(Deserialize)]
    struct Auth {
        #[serde(default)]
        token: MaybeText,
    }
    let earlier = newcomer.handshake.token.clone()?;
    let auth: Option<Auth> = newcomer
        .auth
        .as_ref()
        .map(|auth| serde_json::from_str(auth.get()))
        .transpose()
        .map_err(|_| AuthError::Malformed)?;
    let own = match auth.map(|auth| auth.token) {
        Some(MaybeText::Text(token)) if !token.is_empty() => Some(token),
        // A page whose user has not signed in sends one of these.
        None | Some(MaybeText::Nothing | MaybeText::Text(_)) => None,
        Some(MaybeText::Other) => return Err(AuthError::Malformed),
    };
    only_one(earlier, own)
}

/// Takes a place among the user's sessions.
pub(super) fn place_among_sessions(accounts: &Arc<Accounts>) -> Middleware {
    let accounts = Arc::clone(accounts);
    Box::new(move |mut newcomer| {
        let place = newcomer.identity.as_ref().map(|identity| accounts.open_session(&identity.user));
        Box::pin(async move {
            newcomer.place = place.transpose()?;
            Ok(newcomer)
        })
    })
}
