//! `GET /ws/chat`: decides which clients may open a WebSocket.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::{admission::Client, extract::SignedIn, problem::Problem, state::AppState};
use crate::{
    actors::session::{
        Services,
        ws::{WsConnection, WsSession},
    },
    error::{ChatError, ErrorCode},
};

/// Opens the plain wire. The token is checked before the connection stands.
///
/// # Errors
/// `unauthenticated`, `token_expired`, `forbidden` (a foreign origin), `rate_limited` (too many connections), `unavailable`
/// (the server is draining) and `invalid` (no WebSocket handshake).
pub async fn open(
    request: HttpRequest,
    state: web::Data<AppState>,
    services: web::Data<Services>,
    user: SignedIn,
) -> Result<HttpResponse, Problem> {
    let SignedIn(identity) = user;
    state.origins.check(&request)?;
    if state.is_draining() {
        return Err(ChatError::new(ErrorCode::Unavailable, "this server restarts, come back in a moment").into());
    }
    let client = Client::of(&request);
    client.count_connect()?;
    let address_place = client.take_place()?;
    let place = state.accounts.open_session(&identity.user)?;
    let held = address_place.map(|place| Box::new(place) as Box<dyn std::any::Any>);
    let connection = WsConnection { identity, peer: client.address, socket: client.socket, place, held };
    WsSession::start(&request, connection, Arc::clone(&services))
        .map_err(|error| ChatError::invalid(format!("not a WebSocket handshake: {error}")).into())
}
