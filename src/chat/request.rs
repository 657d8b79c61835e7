//! What sessions and requests of REST want.
//!
//! Answers to sessions travel with the deliveries, through the asker's hub: what a client sees is in order, and a batch wakes a
//! worker once.

mod room_request;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    db_read::HistoryRead,
    hub_op::{Asker, HubId},
    rooms::Feed,
    user_limits::SessionPlace,
};
use crate::{
    db::Write,
    domain::{
        Account, ClientId, Draft, Emoji, MessageId, RoomId, Seq, SessionId, Timestamp, UserId, masking::InspectedEnds,
        offer::Price,
    },
    error::ChatError,
    protocol::push::Offset,
};
pub use room_request::{MessageChange, RoomRequest};

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
    /// To another place, and its outcome to what waits for it: whether something is new, or `None` for a failure.
    Observed(Box<Self>, oneshot::Sender<Option<bool>>),
    /// To a REST request that waits for it.
    Request(oneshot::Sender<Result<Answer, ChatError>>),
    /// To what the chat itself does next.
    Chat(FollowUp),
    /// To nobody: haggle itself made the change.
    Nobody,
}

impl ReplyTo {
    /// The session that asked, if it was one.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Self::Session(asker) => Some(asker.session),
            Self::Observed(reply, _) => reply.session(),
            Self::Request(_) | Self::Chat(_) | Self::Nobody => None,
        }
    }
}

/// What one session wants.
#[derive(Debug)]
pub enum SessionEvent {
    /// It exists.
    Connect(Connect),
    /// It is gone.
    Disconnect(Disconnect),
    /// It leaves a room.
    Leave(Leave),
    /// A change whose right the transaction itself checks.
    Change(Change),
    /// Something in a room, which only its members may do.
    InRoom(RoomRequest),
}

impl SessionEvent {
    /// Its name in the log.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Disconnect(_) => "disconnect",
            Self::Leave(_) => "leave",
            Self::Change(_) => "change",
            Self::InRoom(request) => request.kind(),
        }
    }

    /// Whose it is: all of a user's are in one queue, so that they stay in their order.
    #[must_use]
    pub fn account(&self) -> Account {
        match self {
            Self::Connect(event) => event.user.clone().into(),
            Self::Disconnect(event) => event.user.clone().into(),
            Self::Leave(event) => event.user.clone().into(),
            Self::Change(event) => event.write.account(),
            Self::InRoom(request) => request.user().map_or(Account::Server, |user| user.clone().into()),
        }
    }

    /// Whether it may take long: one who comes or goes may be in a hundred rooms.
    #[must_use]
    pub fn comes_or_goes(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Disconnect(_))
    }
}

macro_rules! session_events {
    ($($event:ident => $wrap:expr;)*) => {
        $(impl From<$event> for SessionEvent {
            fn from(event: $event) -> Self {
                $wrap(event)
            }
        })*
    };
}

session_events! {
    Connect => Self::Connect;
    Disconnect => Self::Disconnect;
    Leave => Self::Leave;
    Change => Self::Change;
    Join => |event| Self::InRoom(RoomRequest::Join(event));
    Message => |event| Self::InRoom(RoomRequest::Message(event));
    MakeOffer => |event| Self::InRoom(RoomRequest::MakeOffer(event));
    React => |event| Self::InRoom(RoomRequest::React(event));
    Typing => |event| Self::InRoom(RoomRequest::Typing(event));
    Read => |event| Self::InRoom(RoomRequest::Read(event));
    Received => |event| Self::InRoom(RoomRequest::Received(event));
}

/// Announces a session. Session → `ChatServer`, once before anything else. No answer.
#[derive(Debug)]
pub struct Connect {
    pub session: SessionId,
    pub user: UserId,
    /// Where its outbox is.
    pub hub: HubId,
    /// What it receives without entering a room.
    pub feed: Feed,
    /// How it is answered, through its hub, where its wire has an answer.
    pub welcome: Option<Welcome>,
}

/// What a client comes back with.
#[derive(Debug)]
pub struct Resume {
    /// The secret of its earlier session.
    pub pid: String,
    /// The offset of the last message that it was sent.
    pub offset: Offset,
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
#[derive(Debug)]
pub struct Disconnect {
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
/// room), `token_expired` (the room token has expired), `rate_limited` (in too many rooms) and `unavailable`.
#[derive(Debug)]
pub struct Join {
    /// Who asks, and where the answer goes.
    pub asker: Asker,
    pub user: UserId,
    pub room: RoomId,
    /// Last `seq` that the client has; `None` asks for the newest page.
    pub after: Option<Seq>,
    /// Until when a room token lets it in, where room tokens decide.
    pub grant: Option<Timestamp>,
}

/// Leaves a room. Session → `ChatServer`, for each `leaveRoom`. Answers `{}`, also when it was not in the room.
#[derive(Debug)]
pub struct Leave {
    /// Who asks, and where the answer goes.
    pub asker: Asker,
    pub user: UserId,
    pub room: RoomId,
}

/// Says something in a room.
///
/// Session or REST → `ChatServer`, for each `message`, entered or not: it is authorized by itself. Answers with the
/// [`StoredMessage`](crate::domain::StoredMessage) after the commit. Fails with `forbidden` and `unavailable`.
#[derive(Debug)]
pub struct Message {
    /// The words, inspected by themselves.
    pub draft: Draft,
    /// The digits at their ends, which the sender's next or last messages may go on with.
    pub ends: Option<Box<InspectedEnds>>,
    /// Until when a room token lets it in, where room tokens decide.
    pub grant: Option<Timestamp>,
    /// Whether the marketplace is asked about it first, by what it holds: found out where it came in.
    pub is_asked: bool,
    /// Where the answer goes.
    pub reply: ReplyTo,
}

/// Makes an offer in a room.
///
/// Session or REST → `ChatServer`, for each `offer`. Answers with the [`StoredMessage`](crate::domain::StoredMessage) after
/// the commit. Fails with `forbidden`, `blocked`, `conflict` (sold, taken, or the other member's offer waits), `invalid`
/// (another currency than the product's) and `unavailable`.
#[derive(Debug)]
pub struct MakeOffer {
    pub user: UserId,
    pub room: RoomId,
    pub price: Price,
    /// The maker's idempotency key.
    pub client_id: Option<ClientId>,
    /// Where the answer goes.
    pub reply: ReplyTo,
}

/// Reacts to a message in a room, or takes that back.
///
/// Session or REST → `ChatServer`, for each `react`. Answers with the [`StoredMessage`](crate::domain::StoredMessage) as it
/// stands after the commit. Fails with `forbidden`, `not_found` (no such message in this room), `conflict` (a deleted one), as a
/// message does where its sender can't say anything, and with `unavailable`.
#[derive(Debug)]
pub struct React {
    pub user: UserId,
    pub room: RoomId,
    pub message: MessageId,
    /// `None` takes the reaction back.
    pub emoji: Option<Emoji>,
    /// Where the answer goes.
    pub reply: ReplyTo,
}

/// Says that a member types or stopped. Session → `ChatServer`, for each `typing`. Stored nowhere; answers `{}`.
/// Fails with `forbidden` and `unavailable`.
#[derive(Debug)]
pub struct Typing {
    /// Who asks, and where the answer goes.
    pub asker: Asker,
    pub user: UserId,
    pub room: RoomId,
    /// Whether they type.
    pub typing: bool,
}

/// Says how far a member has read. Session or REST → `ChatServer`, for each `read`. Answers with
/// [`ReadUpTo`](crate::protocol::event::ReadUpTo) after the commit. Fails with `forbidden` and `unavailable`.
#[derive(Debug)]
pub struct Read {
    pub user: UserId,
    pub room: RoomId,
    pub seq: Seq,
    /// Where the answer goes.
    pub reply: ReplyTo,
}

/// Says how far messages have reached a device of a member's. Session or REST → `ChatServer`, for each `delivered`. Answers with
/// [`DeliveredUpTo`](crate::protocol::event::DeliveredUpTo), after the commit where it has moved. Fails with `forbidden` and
/// `unavailable`.
#[derive(Debug)]
pub struct Received {
    pub user: UserId,
    pub room: RoomId,
    pub seq: Seq,
    /// Where the answer goes.
    pub reply: ReplyTo,
}

/// Makes a change whose right the transaction itself checks: edit, delete, and the marketplace's own side.
///
/// Session or REST → `ChatServer`. Answers after the commit with what the change came to. Fails as the change does, and
/// with `unavailable`.
#[derive(Debug)]
pub struct Change {
    pub write: Write,
    /// Whether the marketplace is asked about it first, by what it holds: found out where it came in.
    pub is_asked: bool,
    /// Where the answer goes.
    pub reply: ReplyTo,
}

/// What the chat does next when a change of its own is stored, or is not.
#[derive(Debug)]
pub enum FollowUp {
    /// Welcome a session that can be taken up later.
    SessionBegun {
        session: SessionId,
        /// Its secret.
        pid: String,
    },
    /// Answer an entry.
    EntryRemembered(Box<HistoryRead>),
    /// Look for this one in the database from now on.
    SessionEnded { pid_hash: String },
    /// Take the next wave a step further.
    WaveStepped,
    /// Write down the next users who were active.
    SeenWritten,
}
