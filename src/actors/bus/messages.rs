//! What the [`Bus`](super::Bus) is sent, and what it sends to the `ChatServer`, which it knows as a recipient alone.

use crate::{broker::Envelope, chat::effects::BusOp};

/// `ChatServer` → [`Bus`](super::Bus), once a turn: what the other nodes are told, in order. No answer. Where its mailbox is
/// full, the `ChatServer` keeps what it wants to hear of for the next turn, and drops what it wanted to tell.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub struct Tell(pub Vec<BusOp>);

/// Tells the other nodes that this one ends. The server → [`Bus`](super::Bus), once, at the end of its drain. Answers when it is
/// on its way.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub struct LeaveNodes;

/// What other nodes have told, in the order in which each of them told it in each topic. [`Bus`](super::Bus) → `ChatServer`, one list at a
/// time. Answers when it is taken in.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub struct Arrived(pub Vec<Envelope>);

/// The connection to other nodes came or went, or has lost something. [`Bus`](super::Bus) → `ChatServer`. No answer.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub struct LinkChanged {
    /// Whether there is one now.
    pub up: bool,
}
