//! `/chat`: everything that the plain wire has.

use std::sync::Arc;

use super::{
    member::{Role, SignedInMember},
    middleware::{Doorkeeper, place_among_sessions, signed_in},
};
use crate::actors::{
    chat_server::messages::{Feed, Welcome},
    session::{
        chat::Services,
        places::SessionPlaces,
        socket_io::{Member, Middleware, Namespace, Newcomer, Seat},
    },
};

/// The chat.
pub struct ChatNamespace {
    services: Arc<Services>,
    middleware: Vec<Middleware>,
}

impl ChatNamespace {
    /// The chat of one worker.
    #[must_use]
    pub fn new(services: &Arc<Services>, places: &Arc<SessionPlaces>, doorkeeper: &Doorkeeper) -> Self {
        let middleware =
            vec![doorkeeper.middleware(), signed_in(services), place_among_sessions(services, places)];
        Self { services: Arc::clone(services), middleware }
    }
}

impl Namespace for ChatNamespace {
    fn name(&self) -> &'static str {
        "/chat"
    }

    fn middleware(&self) -> &[Middleware] {
        &self.middleware
    }

    fn join(&self, newcomer: Newcomer, seat: &mut Seat<'_, '_>) -> Box<dyn Member> {
        let role = Role { namespace: self.name(), feed: Feed::Chat, welcome: Welcome::Plain, takes: |_| true };
        SignedInMember::join(role, &self.services, newcomer, seat)
    }
}
