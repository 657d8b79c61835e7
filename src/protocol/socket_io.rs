//! Socket.IO, revision 5 of its protocol: packets of namespaces, inside Engine.IO messages.
//!
//! Our own and no crate's: `socketioxide-parser-common` reads an event's data into values that would have to be written
//! again for [`ClientEvent::decode`](super::event::ClientEvent::decode), and bounds neither attachments nor ack ids. Here data
//! stays the slice of JSON that it came as.
//! <https://github.com/socketio/socket.io/blob/main/docs/socket.io-protocol/v5-current.md>

pub mod attachments;
pub mod packet;
pub mod write;

pub use attachments::Attachments;
pub use packet::{EventName, Kind, Packet, PacketError};

/// The namespace of a packet that names none.
pub const MAIN_NAMESPACE: &str = "/";
