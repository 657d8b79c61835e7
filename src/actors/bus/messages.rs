//! What the [`Bus`](super::Bus) is sent, and what it sends to the `ChatServer`, which it knows as a recipient alone.

use crate::{broker::Envelope, chat::effects::BusOp};

/// `ChatServer` → [`Bus`](super::Bus), once per turn: the subscriptions and the events to publish, in order. No answer. When
/// the mailbox is full, the `ChatServer` keeps the subscriptions for the next turn and drops the events.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub struct PublishOps(pub Vec<BusOp>);

/// Notifies the other nodes that this one shuts down. The server → [`Bus`](super::Bus), once, at the end of its drain.
/// Answers when it is on its way.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub struct LeaveNodes;

/// What other nodes have published, in the order in which each of them published it in each topic. [`Bus`](super::Bus) →
/// `ChatServer`, one list at a time. Answers when it is taken in.
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
