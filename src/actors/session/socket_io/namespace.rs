//! What a namespace is, and what it can do with its members.

use std::{any::Any, rc::Rc, time::Duration};

use actix::SpawnHandle;
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use serde_json::value::RawValue;

use super::{Handshake, SocketIo};
use crate::{
    actors::{hub::SessionNotice, session::engine_io::EngineConnection},
    auth::Identity,
    chat::user_limits::SessionPlace,
    error::{ChatError, CloseCode},
    protocol::socket_io::{EventName, write},
};

/// The namespaces that there are. One value per worker.
pub struct Table {
    /// Each by its own name.
    pub namespaces: Vec<Rc<dyn Namespace>>,
    /// How long a connection may be in none of them.
    pub connect_timeout: Duration,
    /// Most bytes of the attachments of one packet together.
    pub attachments_bytes_max: usize,
}

impl Table {
    /// A namespace by its name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Rc<dyn Namespace>> {
        self.namespaces.iter().find(|namespace| namespace.name() == name).cloned()
    }
}

/// A namespace: fixed by the server, joined by clients.
pub trait Namespace {
    /// Its name; begins with `/`.
    fn name(&self) -> &'static str;

    /// What a client passes before it is in, in this order.
    fn middleware(&self) -> &[Middleware];

    /// Makes a member of a client that has passed. The CONNECT is answered here or later, by [`Seat::accept`] or through the
    /// connection's outbox, and always after the member can receive.
    fn join(&self, newcomer: Newcomer, seat: &mut Seat<'_, '_>) -> Box<dyn NamespaceMember>;
}

/// One step before a client is in a namespace: passes the client on, or refuses it.
pub type Middleware = Box<dyn Fn(Newcomer) -> LocalBoxFuture<'static, Result<Newcomer, ChatError>>>;

/// A client on its way into a namespace.
#[derive(Debug)]
pub struct Newcomer {
    /// The `auth` of its CONNECT, a JSON object.
    pub auth: Option<Box<RawValue>>,
    /// What its connection's first request contained.
    pub handshake: Rc<Handshake>,
    /// Who it is, once a middleware knows.
    pub identity: Option<Identity>,
    /// Its place among its user's sessions, once a middleware has taken one.
    pub place: Option<SessionPlace>,
}

/// An event of a member.
#[derive(Debug)]
pub struct NamespaceEvent<'a> {
    pub name: EventName<'a>,
    /// Its arguments as JSON.
    pub args: Vec<&'a RawValue>,
    /// The client's mark when it wants an acknowledgement.
    pub ack: Option<u64>,
    /// What the placeholders in its arguments stand for.
    pub attachments: Vec<Bytes>,
}

/// One client in one namespace. Dropped when it leaves, or its connection ends.
pub trait NamespaceMember: Any {
    /// It sent an event.
    fn event(&mut self, event: NamespaceEvent<'_>, seat: &mut Seat<'_, '_>);

    /// It acknowledged an event of the server's.
    fn acknowledged(&mut self, _id: u64, _args: &[&RawValue], _seat: &mut Seat<'_, '_>) {}

    /// A hub notifies one of the connection's sessions; perhaps this one's.
    fn notice(&mut self, _notice: &SessionNotice, _seat: &mut Seat<'_, '_>) {}

    /// Something came on its connection that is only there to keep it alive.
    fn kept_alive(&mut self, _seat: &mut Seat<'_, '_>) {}

    /// Its connection broke the wire or a limit of it.
    fn refused(&mut self, _error: &ChatError) {}

    /// It has left by a DISCONNECT, and is dropped next.
    fn disconnected(&mut self) {}

    /// The server shuts down.
    fn draining(&mut self, _seat: &mut Seat<'_, '_>) {}

    /// Who it is, for the log.
    fn user(&self) -> Option<String> {
        None
    }
}

/// A member's hold on its connection, while it is called.
pub struct Seat<'a, 'b> {
    namespace: &'static str,
    membership: u64,
    connection: &'a mut EngineConnection<'b, SocketIo>,
    left: Option<Departure>,
}

/// How a member goes.
pub(super) struct Departure {
    /// How its connection ends when it was its last namespace.
    pub(super) code: CloseCode,
    pub(super) reason: String,
    /// Whether it was sent a DISCONNECT already.
    pub(super) is_notified: bool,
}

impl<'a, 'b> Seat<'a, 'b> {
    pub(super) fn new(
        namespace: &'static str,
        membership: u64,
        connection: &'a mut EngineConnection<'b, SocketIo>,
    ) -> Self {
        Self { namespace, membership, connection, left: None }
    }

    pub(super) fn left(self) -> Option<Departure> {
        self.left
    }

    /// The connection itself.
    pub fn connection(&mut self) -> &mut EngineConnection<'b, SocketIo> {
        self.connection
    }

    /// Answers the CONNECT, without recovery.
    pub fn accept(&mut self) {
        let sid = uuid::Uuid::new_v4().simple().to_string();
        self.connection.send(write::connected(self.namespace, &sid, None));
    }

    /// Sends the member an event: its name, which needs no escape in JSON, and its arguments as JSON.
    pub fn emit(&mut self, name: &str, args: &[&[u8]], attachments: Vec<Bytes>) {
        self.connection.send(write::event(self.namespace, name, args, attachments.len()));
        self.send_all(attachments);
    }

    /// Acknowledges an event.
    pub fn acknowledge(&mut self, id: u64, args: &[&[u8]], attachments: Vec<Bytes>) {
        self.connection.send(write::ack(self.namespace, &id.to_string(), args, attachments.len()));
        self.send_all(attachments);
    }

    fn send_all(&mut self, attachments: Vec<Bytes>) {
        for attachment in attachments {
            self.connection.send_binary(attachment);
        }
    }

    /// Takes the member out of its namespace after the call, with a DISCONNECT. If its connection is then in no namespace,
    /// it ends with this code.
    pub fn leave(&mut self, code: CloseCode, reason: &str) {
        self.left = Some(Departure { code, reason: reason.to_owned(), is_notified: false });
    }

    /// The same for a member that was already sent a DISCONNECT elsewhere.
    pub fn leave_silently(&mut self, code: CloseCode, reason: &str) {
        self.left = Some(Departure { code, reason: reason.to_owned(), is_notified: true });
    }

    /// Calls the member back, while it is one.
    pub fn after<M: NamespaceMember>(
        &mut self,
        delay: Duration,
        then: impl FnOnce(&mut M, &mut Seat<'_, '_>) + 'static,
    ) -> SpawnHandle {
        let (namespace, membership) = (self.namespace, self.membership);
        self.connection.after(delay, move |session, connection| {
            session.call_back(namespace, membership, connection, on_this(then));
        })
    }

    /// Runs a future next to the connection, then calls the member, if it still is one.
    pub fn spawn<M: NamespaceMember, T: 'static>(
        &mut self,
        future: impl Future<Output = T> + 'static,
        then: impl FnOnce(&mut M, T, &mut Seat<'_, '_>) + 'static,
    ) -> SpawnHandle {
        let (namespace, membership) = (self.namespace, self.membership);
        self.connection.spawn(future, move |session, outcome, connection| {
            let then = on_this(|member, seat: &mut Seat<'_, '_>| then(member, outcome, seat));
            session.call_back(namespace, membership, connection, then);
        })
    }

    /// Runs a future while the connection reads nothing, then calls the member.
    pub fn wait<M: NamespaceMember, T: 'static>(
        &mut self,
        future: impl Future<Output = T> + 'static,
        then: impl FnOnce(&mut M, T, &mut Seat<'_, '_>) + 'static,
    ) {
        let (namespace, membership) = (self.namespace, self.membership);
        self.connection.wait(future, move |session, outcome, connection| {
            let then = on_this(|member, seat: &mut Seat<'_, '_>| then(member, outcome, seat));
            session.call_back(namespace, membership, connection, then);
        });
    }

    /// Cancels what [`Seat::after`] or [`Seat::spawn`] began.
    pub fn cancel(&mut self, handle: SpawnHandle) {
        self.connection.cancel(handle);
    }
}

/// A call of a member by its own type.
fn on_this<M: NamespaceMember>(
    then: impl FnOnce(&mut M, &mut Seat<'_, '_>),
) -> impl FnOnce(&mut dyn NamespaceMember, &mut Seat<'_, '_>) {
    move |member, seat| {
        let member: &mut dyn Any = member;
        // Another type would be another membership.
        if let Some(member) = member.downcast_mut::<M>() {
            then(member, seat);
        }
    }
}
