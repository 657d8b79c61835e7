//! Engine.IO, revision 4 of its protocol: packets, and the payloads that carry several of them over HTTP.
//!
//! Our own and no crate's: `engineioxide-core` reads all seven packets in both directions and leaves splitting payloads to its
//! user; here a server's side of it is a few lines, and takes nothing that a client must not send.
//! <https://github.com/socketio/socket.io/blob/main/docs/engine.io-protocol/v4-current.md>

pub mod packet;
pub mod payload;

pub use packet::{Open, Packet, PacketError};
