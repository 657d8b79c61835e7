//! `/inbox`: what a signed-in user wants without entering any room. `roomUpdated` with the unread counts, and `presence` of
//! the other members, first of those who are already online.

use std::sync::Arc;

use super::{
    member::{MemberTerms, SignedInMember},
    middleware::{Doorkeeper, place_among_sessions, signed_in},
};
use crate::{
    actors::session::{
        services::Services,
        socket_io::{Middleware, Namespace, NamespaceMember, Newcomer, Seat},
    },
    chat::{request::Welcome, rooms::Feed, user_limits::Accounts},
    protocol::event::ClientEvent,
};

pub struct InboxNamespace {
    services: Arc<Services>,
    middleware: Vec<Middleware>,
}

impl InboxNamespace {
    /// The inbox of one worker.
    #[must_use]
    pub fn new(services: &Arc<Services>, accounts: &Arc<Accounts>, doorkeeper: &Doorkeeper) -> Self {
        let middleware = vec![doorkeeper.middleware(), signed_in(services), place_among_sessions(accounts)];
        Self { services: Arc::clone(services), middleware }
    }
}

impl Namespace for InboxNamespace {
    fn name(&self) -> &'static str {
        "/inbox"
    }

    fn middleware(&self) -> &[Middleware] {
        &self.middleware
    }

    fn join(&self, newcomer: Newcomer, seat: &mut Seat<'_, '_>) -> Box<dyn NamespaceMember> {
        let takes = |event: &ClientEvent| matches!(event, ClientEvent::Authenticate(_) | ClientEvent::Heartbeat);
        let role = MemberTerms { namespace: self.name(), feed: Feed::Inbox, welcome: Welcome::Plain, takes };
        SignedInMember::join(role, &self.services, newcomer, seat)
    }
}
