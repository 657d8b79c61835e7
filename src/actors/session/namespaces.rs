//! haggle's namespaces, one file each. A third one takes a file next to them and a line in [`table`].

pub mod chat;
pub mod inbox;
mod member;
mod middleware;

use std::{rc::Rc, sync::Arc, time::Duration};

use actix::{Context, Handler};

use super::{
    engine_io::EngineSession,
    services::Services,
    socket_io::{SocketIo, Table},
};
use crate::{actors::hub::SessionNotice, chat::user_limits::Accounts};
pub use middleware::Doorkeeper;

/// The namespaces of a worker.
#[must_use]
pub fn table(
    services: &Arc<Services>,
    accounts: &Arc<Accounts>,
    doorkeeper: &Doorkeeper,
    connect_timeout: Duration,
) -> Table {
    Table {
        namespaces: vec![
            Rc::new(chat::ChatNamespace::new(services, accounts, doorkeeper)),
            Rc::new(inbox::InboxNamespace::new(services, accounts, doorkeeper)),
        ],
        connect_timeout,
        attachments_bytes_max: services.limits.transport_bytes_max(),
    }
}

impl Handler<SessionNotice> for EngineSession<SocketIo> {
    type Result = ();

    fn handle(&mut self, notice: SessionNotice, ctx: &mut Context<Self>) {
        self.with(ctx, |socket_io, connection| socket_io.notify(&notice, connection));
    }
}
