//! Sessions: what a signed-in client may do, and the transports that carry it.
//!
//! [`chat::ChatSession`] is the same for every wire: limits, the rooms entered, and what each event asks of the
//! `ChatServer`. An actor owns it together with one connection's protocol: [`ws::WsSession`] for the plain wire,
//! [`engine_io::EngineSession`] for Socket.IO, with one `ChatSession` for each of [`namespaces`] that its client has joined.
//! Its output is an [`Outbox`](super::outbox::Outbox) that a response body drains, so that the actor keeps running while its client does
//! not read.

pub mod chat;
pub mod engine_io;
mod messages_without_room;
pub mod namespaces;
pub mod services;
pub mod socket_io;
pub mod transport;
pub mod uplink;
pub mod ws;

pub use services::Services;
