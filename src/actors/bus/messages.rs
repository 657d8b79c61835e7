//! What the [`Bus`](super::Bus) is told.

use crate::chat::effects::BusOp;

/// `ChatServer` → [`Bus`](super::Bus), once a turn: what the other nodes are told, in order. No answer. Where its mailbox is
/// full, the `ChatServer` keeps what it wants to hear of for the next turn, and drops what it wanted to tell.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub struct Tell(pub Vec<BusOp>);

/// Tells the other nodes that this one ends. The server → [`Bus`](super::Bus), once, at the end of its drain. Answers when it is
/// on its way.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub struct Leave;
