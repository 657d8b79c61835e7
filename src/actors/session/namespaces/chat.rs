//! `/chat`: everything that the plain wire has, and connection state recovery.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    member::{MemberTerms, SignedInMember},
    middleware::{Doorkeeper, place_among_sessions, signed_in},
};
use crate::{
    actors::session::{
        services::Services,
        socket_io::{Middleware, Namespace, NamespaceMember, Newcomer, Seat},
    },
    chat::{
        request::{Resume, Welcome},
        rooms::Feed,
        user_limits::Accounts,
    },
    domain::field::MaybeText,
    protocol::push::Offset,
};

pub struct ChatNamespace {
    services: Arc<Services>,
    middleware: Vec<Middleware>,
}

impl ChatNamespace {
    /// The chat of one worker.
    #[must_use]
    pub fn new(services: &Arc<Services>, accounts: &Arc<Accounts>, doorkeeper: &Doorkeeper) -> Self {
        let middleware = vec![doorkeeper.middleware(), signed_in(services), place_among_sessions(accounts)];
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

    fn join(&self, newcomer: Newcomer, seat: &mut Seat<'_, '_>) -> Box<dyn NamespaceMember> {
        let welcome = if newcomer.handshake.recovers {
            Welcome::Recoverable(newcomer.auth.as_deref().and_then(read_resume))
        } else {
            Welcome::Plain
        };
        let role = MemberTerms { namespace: self.name(), feed: Feed::Chat, welcome, takes: |_| true };
        SignedInMember::join(role, &self.services, newcomer, seat)
    }
}

/// What a client reconnects with: next to its token in the CONNECT, as the official client writes it. Without it the client
/// connects for the first time.
fn read_resume(auth: &RawValue) -> Option<Resume> {
    #[derive(Deserialize)]
    struct Auth {
        #[serde(default)]
        pid: MaybeText,
        #[serde(default)]
        offset: MaybeText,
    }
    let auth: Auth = serde_json::from_str(auth.get()).ok()?;
    let offset = Offset::parse(auth.offset.as_str()?)?;
    Some(Resume { pid: auth.pid.as_str()?.to_owned(), offset })
}
