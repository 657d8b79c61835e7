//! What the [`ChatServer`] is told and asked.
//!
//! Answers to sessions don't come back as the messages' results: they travel with the deliveries, through the asker's hub,
//! so that what a client sees is in order and a batch wakes a worker once.

use actix::{Addr, Context, Handler, Message as ActixMessage, MessageResponse};
use bytes::Bytes;
use tokio::sync::oneshot;

pub use super::recovery::Resume;

use super::ChatServer;

use crate::{
    actors::{
        accounts::SessionPlace,
        bus::Bus,
        hub::{Asker, Hub, HubId},
    },
    broker::NodeId,
    db::RoomWrite,
    domain::{
        Account, ClientId, Draft, RoomId, Seq, SessionId, Timestamp, UserId, masking::InspectedEnds, offer::Price,
    },
    error::ChatError,
};

/// What a change came to, as JSON of the contract.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The acknowledgement's data.
    pub data: Bytes,
    /// Whether it was new; `false` when an idempotency key or an upsert found it there already.
    pub created: bool,
}

/// Where an answer goes.
#[derive(Debug)]
pub enum ReplyTo {
    /// To a session, through its hub.
    Session(Asker),
    /// To a REST request that waits for it.
    Request(oneshot::Sender<Result<Answer, ChatError>>),
    /// To nobody: haggle itself made the change.
    Nobody,
}

/// Announces a worker's hub. The worker → `ChatServer`, once when it starts. No answer.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct RegisterHub {
    /// Its place.
    pub id: HubId,
    /// Its address.
    pub addr: Addr<Hub>,
}

/// Makes this server a node among others. The server → `ChatServer`, at most once, before anything else. No answer.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct RegisterBus {
    /// What the others call this one.
    pub node: NodeId,
    /// The way to them.
    pub bus: Addr<Bus>,
}

/// What the sessions of a worker want, in the order in which they said so. A worker's
/// [`Uplink`](crate::actors::session::uplink::Uplink) → `ChatServer`, one list a turn; a request of REST, one event. No answer: each event has its own.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct SessionEvents(pub Vec<SessionEvent>);

macro_rules! session_events {
    ($($event:ident $kind:literal),* $(,)?) => {
        /// What one session wants: each of these is a message by itself.
        #[derive(Debug)]
        #[allow(missing_docs, reason = "each is documented where it is")]
        pub enum SessionEvent {
            $($event($event),)*
        }

        $(impl From<$event> for SessionEvent {
            fn from(event: $event) -> Self {
                Self::$event(event)
            }
        })*

        impl SessionEvent {
            /// Its name in the log.
            pub(super) fn kind(&self) -> &'static str {
                match self {
                    $(Self::$event(_) => $kind,)*
                }
            }

            /// Who waits for it.
            pub(super) fn account(&self) -> Account {
                match self {
                    $(Self::$event(event) => event.account(),)*
                }
            }

            /// Handles it as the message that it is.
            pub(super) fn handle(self, server: &mut ChatServer, ctx: &mut Context<ChatServer>) {
                match self {
                    $(Self::$event(event) => Handler::handle(server, event, ctx),)*
                }
            }
        }
    };
}

session_events!(
    Connect "connect",
    Disconnect "disconnect",
    Join "join",
    Leave "leave",
    Message "message",
    MakeOffer "offer",
    Typing "typing",
    Read "read",
    Change "change",
);

/// Announces a session. Session → `ChatServer`, once before anything else. No answer.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct Connect {
    /// Which one.
    pub session: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// Where its outbox is.
    pub hub: HubId,
    /// What it receives without entering a room.
    pub feed: Feed,
    /// How it is answered, through its hub, where its wire has an answer.
    pub welcome: Option<Welcome>,
}

/// Whose an event is: all of a user's are in one queue, so that they stay in their order.
macro_rules! accounts_of_users {
    ($($event:ident: $($user:ident).+),* $(,)?) => {
        $(impl $event {
            fn account(&self) -> Account {
                Account::User(self.$($user).+.clone())
            }
        })*
    };
}

accounts_of_users!(
    Connect: user,
    Disconnect: user,
    Join: user,
    Leave: user,
    Message: draft.sender,
    MakeOffer: user,
    Typing: user,
    Read: user,
);

impl Change {
    fn account(&self) -> Account {
        self.write.account()
    }
}

/// What a session receives without entering a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// `roomUpdated` of its user's rooms, and all of the rooms that it enters.
    Chat,
    /// `roomUpdated` of its user's rooms, and `presence` of the other members there.
    Inbox,
}

/// The answer to the CONNECT of a namespace.
#[derive(Debug)]
pub enum Welcome {
    /// With an id of its own.
    Plain,
    /// With one that can be taken up again after a lost transport; and perhaps an earlier one is, now.
    Recoverable(Option<Resume>),
}

/// Takes a session out of everything. Session → `ChatServer`, once, also when its task died. No answer.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct Disconnect {
    /// Which one.
    pub session: SessionId,
    /// Whose it was.
    pub user: UserId,
    /// It was ended by its client or by the server, and can't be taken up again.
    pub for_good: bool,
    /// Its place among its user's sessions, free again when this has been taken in: so a user can't have more of these
    /// waiting than they may have sessions.
    pub place: Option<SessionPlace>,
}

/// Enters a room and starts to receive its events.
///
/// Session → `ChatServer`, once for each `enterRoom`. Answers with [`Entered`](crate::protocol::event::Entered); the
/// session is in the room from that answer on, not before. Fails with `forbidden` (not one of its two members, or no such
/// room), `token_expired` (the room token's time is over), `rate_limited` (in too many rooms) and `unavailable`.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct Join {
    /// Who asks, and where the answer goes.
    pub asker: Asker,
    /// Whose session it is.
    pub user: UserId,
    /// Which room.
    pub room: RoomId,
    /// Last `seq` that the client has; `None` asks for the newest page.
    pub after: Option<Seq>,
    /// Until when a room token lets it in, where room tokens decide.
    pub grant: Option<Timestamp>,
}

/// Leaves a room. Session → `ChatServer`, for each `leaveRoom`. Answers `{}`, also when it was not in the room.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct Leave {
    /// Who asks, and where the answer goes.
    pub asker: Asker,
    /// Whose session it is.
    pub user: UserId,
    /// Which room.
    pub room: RoomId,
}

/// Says something in a room.
///
/// Session or REST → `ChatServer`, for each `message`, entered or not: it is authorized by itself. Answers with the
/// [`StoredMessage`](crate::domain::StoredMessage) after the commit. Fails with `forbidden` and `unavailable`.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct Message {
    /// The words, inspected by themselves.
    pub draft: Draft,
    /// The digits at their ends, which the sender's next or last messages may go on with.
    pub ends: Option<Box<InspectedEnds>>,
    /// Until when a room token lets it in, where room tokens decide.
    pub grant: Option<Timestamp>,
    /// Where the answer goes.
    pub reply: ReplyTo,
}

/// Makes an offer in a room.
///
/// Session or REST → `ChatServer`, for each `offer`. Answers with the [`StoredMessage`](crate::domain::StoredMessage) after
/// the commit. Fails with `forbidden`, `blocked`, `conflict` (sold, taken, or the other member's offer waits), `invalid`
/// (another currency than the product's) and `unavailable`.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct MakeOffer {
    /// Who offers.
    pub user: UserId,
    /// Where.
    pub room: RoomId,
    /// What they name.
    pub price: Price,
    /// The maker's idempotency key.
    pub client_id: Option<ClientId>,
    /// Where the answer goes.
    pub reply: ReplyTo,
}

/// Says that a member types or stopped. Session → `ChatServer`, for each `typing`. Stored nowhere; answers `{}`.
/// Fails with `forbidden` and `unavailable`.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct Typing {
    /// Who asks, and where the answer goes.
    pub asker: Asker,
    /// Who types.
    pub user: UserId,
    /// Which room.
    pub room: RoomId,
    /// Whether they type.
    pub typing: bool,
}

/// Says how far a member has read. Session or REST → `ChatServer`, for each `read`. Answers with
/// [`ReadUpTo`](crate::protocol::event::ReadUpTo) after the commit. Fails with `forbidden` and `unavailable`.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct Read {
    /// Who has read.
    pub user: UserId,
    /// Which room.
    pub room: RoomId,
    /// How far.
    pub seq: Seq,
    /// Where the answer goes.
    pub reply: ReplyTo,
}

/// Makes a change whose right the transaction itself checks: edit, delete, and the marketplace's own side.
///
/// Session or REST → `ChatServer`. Answers after the commit with what the change came to. Fails as the change does, and
/// with `unavailable`.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct Change {
    /// The change.
    pub write: RoomWrite,
    /// Where the answer goes.
    pub reply: ReplyTo,
}

/// Tells both members' sessions that a room is new. REST → `ChatServer`, after it stored one. No answer.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct AnnounceRoom(pub RoomId);

/// Ends all sessions of a user now, before REST has it written down by a `NoteSessionsEnded`: they end whatever the database does.
/// REST → `ChatServer`. Answers how many there were.
#[derive(Debug, ActixMessage)]
#[rtype(result = "usize")]
pub struct EndSessions {
    /// Whose.
    pub user: UserId,
}

/// Asks what is still to be finished. The server → `ChatServer`, while it drains.
#[derive(Debug, ActixMessage)]
#[rtype(result = "Unfinished")]
pub struct WhatIsLeft;

/// How much of what was accepted is not finished.
#[derive(Debug, Clone, PartialEq, Eq, Default, MessageResponse)]
pub struct Unfinished {
    /// Sessions: what one sent last comes with its end at the latest.
    pub sessions: usize,
    /// Changes that wait for the writer, or that it has.
    pub changes: usize,
    /// Events of sessions that wait for their turn.
    pub events: usize,
    /// Rooms that are being read.
    pub rooms: usize,
    /// Members who are being authorized.
    pub members: usize,
}

impl Unfinished {
    /// Whether nothing is left.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
