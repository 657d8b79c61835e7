//! What the [`Bus`](super::Bus) is told.

use crate::broker::{NodeEvent, Topic};

/// One thing for the [`Bus`](super::Bus) to do.
#[derive(Debug)]
pub enum BusOp {
    /// Hear of a topic from now on.
    Watch(Topic),
    /// Hear of it no more.
    Unwatch(Topic),
    /// Tell the nodes that hear of a topic.
    Publish(Topic, Box<NodeEvent>),
}

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
