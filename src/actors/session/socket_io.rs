//! Socket.IO on an Engine.IO session: several namespaces over one connection.
//!
//! Which namespaces there are says a [`Table`]. A client's CONNECT passes its namespace's [`Middleware`] before it becomes a
//! [`NamespaceMember`] there; events then go to that member alone.

pub mod namespace;

use std::{
    net::IpAddr,
    num::NonZeroU32,
    rc::Rc,
    time::{Duration, Instant},
};

use actix::SpawnHandle;
use bytes::Bytes;
use bytestring::ByteString;
use serde_json::value::RawValue;

use super::engine_io::{Application, EngineConnection};
use namespace::Departure;

use crate::{
    auth::AuthError,
    chat::{
        short_list::reserve_one,
        token_bucket::{Quota, Rate, wait_ms},
    },
    error::{ChatError, CloseCode},
    protocol::socket_io::{Attachments, Kind, Packet, PacketError, attachments::check_placeholders, write},
};
pub use namespace::{Middleware, Namespace, NamespaceEvent, NamespaceMember, Newcomer, Seat, Table};

/// Binary messages of one packet. The official client's own decoder takes as many.
const ATTACHMENTS_MAX: usize = 10;

/// How long the attachments of a packet may take.
const ATTACHMENTS_WAIT: Duration = Duration::from_secs(10);

/// CONNECTs of one connection that may be refused.
const REFUSALS_MAX: u32 = 16;

/// CONNECTs of one connection: a token is verified for each, and a session begins.
const CONNECTS: Quota = Quota::per_second(NonZeroU32::new(5).unwrap());

/// Packets of a connection that is in no namespace. Those of one that is count among its user's events.
const PACKETS: Quota = Quota::per_second(NonZeroU32::new(20).unwrap());

/// What a connection's first request contained.
#[derive(Debug)]
pub struct Handshake {
    /// The token in its headers or its query, where there is one.
    pub token: Result<Option<String>, AuthError>,
    pub peer: Option<IpAddr>,
    /// Whether its library may know connection state recovery. Others would take an offset for an argument of the event.
    pub recovers: bool,
}

/// One client's Socket.IO connection.
pub struct SocketIo {
    table: Rc<Table>,
    handshake: Rc<Handshake>,
    /// A few at most, in the order in which it joined.
    joined: Vec<Joined>,
    attachments: Option<(Attachments, SpawnHandle)>,
    memberships: u64,
    refusals: u32,
    connects: Rate,
    packets: Rate,
    /// Ends a connection that is in no namespace.
    lonely: Option<SpawnHandle>,
}

struct Joined {
    namespace: &'static str,
    /// Distinguishes this membership from an earlier one in the same namespace.
    membership: u64,
    member: Box<dyn NamespaceMember>,
}

impl SocketIo {
    /// A connection that is in no namespace yet.
    #[must_use]
    pub fn new(table: Rc<Table>, handshake: Handshake) -> Self {
        Self {
            table,
            handshake: Rc::new(handshake),
            joined: Vec::new(),
            attachments: None,
            memberships: 0,
            refusals: 0,
            connects: Rate::default(),
            packets: Rate::default(),
            lonely: None,
        }
    }

    fn refuse(&mut self, error: PacketError, connection: &mut EngineConnection<'_, Self>) {
        self.broken(error.to_string(), connection);
    }

    /// The client broke the protocol: everything is closed.
    fn broken(&mut self, sentence: String, connection: &mut EngineConnection<'_, Self>) {
        let error = ChatError::invalid(sentence);
        self.refused(&error, connection);
        connection.end(CloseCode::Protocol, &error.message);
    }

    fn packet(&mut self, text: &ByteString, attachments: Vec<Bytes>, connection: &mut EngineConnection<'_, Self>) {
        let packet = match Packet::decode(text, ATTACHMENTS_MAX) {
            Ok(packet) => packet,
            Err(error) => return self.refuse(error, connection),
        };
        if packet.attachments > attachments.len() {
            let waiting = Attachments::await_for(text.clone(), packet.attachments);
            let timeout = connection.after(ATTACHMENTS_WAIT, |session, connection| {
                session.broken("the attachments did not come in time".to_owned(), connection);
            });
            self.attachments = Some((waiting, timeout));
            return;
        }
        match packet.kind {
            Kind::Connect(auth) => self.connect(packet.namespace, auth, connection),
            Kind::Disconnect => {
                self.count(connection);
                self.disconnect(packet.namespace, connection);
            }
            Kind::Event { name, args, ack } => {
                if packet.attachments > 0
                    && let Err(error) = check_placeholders(&args, packet.attachments)
                {
                    return self.refuse(error, connection);
                }
                let event = NamespaceEvent { name, args, ack, attachments };
                let known = self.call(packet.namespace, connection, |member, seat| member.event(event, seat));
                if !known {
                    self.broken("an event came before its namespace was connected to".to_owned(), connection);
                }
            }
            Kind::Ack { id, args } => {
                self.count(connection);
                if connection.is_ending() {
                    return;
                }
                let known =
                    self.call(packet.namespace, connection, |member, seat| member.acknowledged(id, &args, seat));
                if !known {
                    self.broken("an ack came before its namespace was connected to".to_owned(), connection);
                }
            }
        }
    }

    /// Counts a packet that is neither an event nor a CONNECT: among its user's events or, before it is known who that is, for
    /// the connection alone.
    fn count(&mut self, connection: &mut EngineConnection<'_, Self>) {
        if let Some(first) = self.joined.first().map(|joined| joined.namespace) {
            self.call(first, connection, NamespaceMember::kept_alive);
        } else if let Err(wait) = self.packets.admit(PACKETS, 1, Instant::now()) {
            let error = ChatError::rate_limited(wait_ms(wait));
            connection.end(CloseCode::Flooding, &error.message);
        }
    }

    fn connect(&mut self, name: &str, auth: Option<&RawValue>, connection: &mut EngineConnection<'_, Self>) {
        if let Err(wait) = self.connects.admit(CONNECTS, 1, Instant::now()) {
            let error = ChatError::rate_limited(wait_ms(wait));
            let refusal = write::connect_error(name, &error.message, Some(&error));
            return self.refuse_connect(refusal, connection);
        }
        let Some(namespace) = self.table.find(name) else {
            return self.refuse_connect(write::connect_error(name, "Invalid namespace", None), connection);
        };
        if self.find(namespace.name()).is_some() {
            return self.broken("a namespace was connected to twice".to_owned(), connection);
        }
        let newcomer = Newcomer {
            auth: auth.map(ToOwned::to_owned),
            handshake: Rc::clone(&self.handshake),
            identity: None,
            place: None,
        };
        let chain = Rc::clone(&namespace);
        let passed = async move {
            let mut newcomer = newcomer;
            for middleware in chain.middleware() {
                newcomer = middleware(newcomer).await?;
            }
            Ok(newcomer)
        };
        connection.wait(passed, move |session, passed: Result<Newcomer, ChatError>, connection| match passed {
            Ok(newcomer) => session.join(namespace.as_ref(), newcomer, connection),
            Err(error) => {
                let refusal = write::connect_error(namespace.name(), &error.message, Some(&error));
                session.refuse_connect(refusal, connection);
            }
        });
    }

    fn join(&mut self, namespace: &dyn Namespace, newcomer: Newcomer, connection: &mut EngineConnection<'_, Self>) {
        if connection.is_ending() {
            return;
        }
        self.memberships += 1;
        let membership = self.memberships;
        let mut seat = Seat::new(namespace.name(), membership, connection);
        let member = namespace.join(newcomer, &mut seat);
        let left = seat.left();
        reserve_one(&mut self.joined);
        self.joined.push(Joined { namespace: namespace.name(), membership, member });
        if let Some(lonely) = self.lonely.take() {
            connection.cancel(lonely);
        }
        if let Some(left) = left {
            self.leave(namespace.name(), &left, connection);
        }
    }

    fn refuse_connect(&mut self, refusal: Bytes, connection: &mut EngineConnection<'_, Self>) {
        connection.send(refusal);
        self.refusals += 1;
        if self.refusals >= REFUSALS_MAX {
            connection.end(CloseCode::Forbidden, "too many namespaces were refused");
        }
    }

    fn disconnect(&mut self, namespace: &str, connection: &mut EngineConnection<'_, Self>) {
        // One that is not joined, or no more, changes nothing: the server's DISCONNECT may have crossed the client's.
        if let Some(mut joined) = self.take(namespace) {
            joined.member.disconnected();
            self.await_connect(connection);
        }
    }

    fn find(&self, namespace: &str) -> Option<&Joined> {
        self.joined.iter().find(|joined| joined.namespace == namespace)
    }

    fn take(&mut self, namespace: &str) -> Option<Joined> {
        let place = self.joined.iter().position(|joined| joined.namespace == namespace)?;
        Some(self.joined.remove(place))
    }

    /// Calls a namespace's member. `false` when the client is not in it.
    fn call(
        &mut self,
        namespace: &str,
        connection: &mut EngineConnection<'_, Self>,
        call: impl FnOnce(&mut dyn NamespaceMember, &mut Seat<'_, '_>),
    ) -> bool {
        let Some(joined) = self.joined.iter_mut().find(|joined| joined.namespace == namespace) else { return false };
        let name = joined.namespace;
        let mut seat = Seat::new(name, joined.membership, connection);
        call(joined.member.as_mut(), &mut seat);
        if let Some(left) = seat.left() {
            self.leave(name, &left, connection);
        }
        true
    }

    /// Calls a member back, unless the client has left the namespace since then, or joined it again.
    fn call_back(
        &mut self,
        namespace: &'static str,
        membership: u64,
        connection: &mut EngineConnection<'_, Self>,
        call: impl FnOnce(&mut dyn NamespaceMember, &mut Seat<'_, '_>),
    ) {
        if self.find(namespace).is_some_and(|joined| joined.membership == membership) {
            self.call(namespace, connection, call);
        }
    }

    /// Takes the client out of a namespace, and ends a connection that is in none any more.
    fn leave(&mut self, namespace: &'static str, left: &Departure, connection: &mut EngineConnection<'_, Self>) {
        if self.take(namespace).is_none() {
            return;
        }
        if !left.is_notified {
            connection.send(write::disconnect(namespace));
        }
        if self.joined.is_empty() {
            connection.end(left.code, &left.reason);
        }
    }

    fn call_all(
        &mut self,
        connection: &mut EngineConnection<'_, Self>,
        mut call: impl FnMut(&mut dyn NamespaceMember, &mut Seat<'_, '_>),
    ) {
        let names: Vec<_> = self.joined.iter().map(|joined| joined.namespace).collect();
        for name in names {
            self.call(name, connection, &mut call);
        }
    }

    /// Gives the client its time to be in a namespace.
    fn await_connect(&mut self, connection: &mut EngineConnection<'_, Self>) {
        if self.joined.is_empty() && self.lonely.is_none() {
            self.lonely = Some(connection.after(self.table.connect_timeout, |session, connection| {
                session.lonely = None;
                if session.joined.is_empty() {
                    connection.end(CloseCode::Normal, "no namespace was connected to in time");
                }
            }));
        }
    }

    /// Hands what a hub sends to one of the connection's sessions to its member.
    pub(super) fn notify(
        &mut self,
        notice: &crate::actors::hub::SessionNotice,
        connection: &mut EngineConnection<'_, Self>,
    ) {
        self.call_all(connection, |member, seat| member.notice(notice, seat));
    }
}

impl Application for SocketIo {
    const NAME: &'static str = "socket.io";

    fn opened(&mut self, connection: &mut EngineConnection<'_, Self>) {
        self.await_connect(connection);
    }

    fn text(&mut self, text: ByteString, connection: &mut EngineConnection<'_, Self>) {
        if self.attachments.is_some() {
            return self.refuse(PacketError::AttachmentsDue, connection);
        }
        self.packet(&text, Vec::new(), connection);
    }

    fn binary(&mut self, bytes: Bytes, connection: &mut EngineConnection<'_, Self>) {
        let Some((waiting, timeout)) = self.attachments.take() else {
            return self.refuse(PacketError::UnexpectedBinary, connection);
        };
        self.count(connection);
        match waiting.add(bytes, self.table.attachments_bytes_max) {
            Ok(Ok((packet, attachments))) => {
                connection.cancel(timeout);
                self.packet(&packet, attachments, connection);
            }
            Ok(Err(waiting)) => self.attachments = Some((waiting, timeout)),
            Err(error) => self.refuse(error, connection),
        }
    }

    fn kept_alive(&mut self, connection: &mut EngineConnection<'_, Self>) {
        self.count(connection);
    }

    fn refused(&mut self, error: &ChatError, connection: &mut EngineConnection<'_, Self>) {
        self.call_all(connection, |member, _| member.refused(error));
    }

    fn draining(&mut self, connection: &mut EngineConnection<'_, Self>) {
        if self.joined.is_empty() {
            connection.end(CloseCode::Restart, "the server restarts, come back");
        }
        self.call_all(connection, NamespaceMember::draining);
    }

    fn user(&self) -> String {
        let mut users = self.joined.iter().filter_map(|joined| joined.member.user());
        users.next().unwrap_or_else(|| "-".to_owned())
    }
}
