//! What the [`ChatServer`](super::ChatServer) is sent. What its sessions want is in [`input`](crate::chat::input).

use actix::{Addr, Message};

use crate::{
    actors::{bus::Bus, hub::Hub, message_screen::Asked},
    broker::NodeId,
    chat::{
        hub_op::HubId,
        input::{Input, Unfinished},
        request::SessionEvent,
    },
    domain::{Account, RoomId, UserId},
};

/// Announces a worker's hub. The worker → `ChatServer`, once when it starts. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RegisterHub {
    /// Its place.
    pub id: HubId,
    pub addr: Addr<Hub>,
}

/// Makes this server a node among others. The server → `ChatServer`, at most once, before anything else. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RegisterBus {
    /// What the others call this one.
    pub node: NodeId,
    /// The way to them.
    pub bus: Addr<Bus>,
}

/// What the sessions of a worker want, in the order in which they said so. A worker's
/// [`Uplink`](crate::actors::session::uplink::Uplink) → `ChatServer`, one list per turn; a request of REST, one event. No answer:
/// each event has its own.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SessionEvents(pub Vec<SessionEvent>);

/// Notifies both members' sessions that a room is new. REST → `ChatServer`, after it stored one. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AnnounceRoom(pub RoomId);

/// Ends all sessions of a user now, before REST has it written down by a `NoteSessionsEnded`: they end whatever the database does.
/// REST → `ChatServer`. Answers how many there were.
#[derive(Debug, Message)]
#[rtype(result = "usize")]
pub struct EndSessions {
    pub user: UserId,
}

/// Asks what is still to be finished. The server → `ChatServer`, while it drains.
#[derive(Debug, Message)]
#[rtype(result = "Unfinished")]
pub struct WhatIsLeft;

/// A read or a commit is done, or a timer is due. A task of the `ChatServer` → itself. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Then(pub(super) Input);

/// Goes on with what was postponed. The `ChatServer` → itself, one at a time. No answer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct GoOn;

/// An event has been asked about. A task of the `ChatServer`'s own → `ChatServer`, once for each question.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Screened {
    /// Whose event it is.
    pub account: Account,
    /// What it comes to.
    pub asked: Asked,
}
