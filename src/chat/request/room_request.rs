//! What is to be done in a room, which only its members may do.

use super::{Join, MakeOffer, Message, React, Read, Received, Typing};
use crate::{
    chat::audience::{Audience, Reach},
    domain::{MessageId, MessageKind, RoomId, Seq, SessionId, StoredMessage, Timestamp, UserId},
};

/// One thing to do in a room.
#[derive(Debug)]
pub enum RoomRequest {
    /// A session enters.
    Join(Join),
    /// A member says something.
    Message(Message),
    /// A member makes an offer.
    MakeOffer(MakeOffer),
    /// A member reacts to a message.
    React(React),
    /// A member has read.
    Read(Read),
    /// Messages have reached a member's device.
    Received(Received),
    /// A member types or has stopped.
    Typing(Typing),
    /// A session that comes back is in a room again.
    Resume { session: SessionId, user: UserId, room: RoomId },
    /// haggle itself notifies both members that the room looks different in their lists.
    Announce(RoomId),
    /// The same to some of their sessions.
    AnnounceTo(RoomId, Audience),
    /// The same, if their lists show what became of a message.
    AnnounceChange(Box<MessageChange>, Reach),
}

/// A message that was edited, deleted or reacted to, of a room that was not in memory, as far as lists show it.
#[derive(Debug)]
pub struct MessageChange {
    pub(in crate::chat) room: RoomId,
    pub(in crate::chat) message: MessageId,
    pub(in crate::chat) sender: UserId,
    pub(in crate::chat) seq: Seq,
    pub(in crate::chat) is_deleted: bool,
    /// The offer that stands in the room may be another one now.
    pub(in crate::chat) is_offer: bool,
}

impl From<&StoredMessage> for MessageChange {
    fn from(message: &StoredMessage) -> Self {
        Self {
            room: message.room_id.clone(),
            message: message.id.clone(),
            sender: message.sender_id.clone(),
            seq: message.seq,
            is_deleted: message.deleted_at.is_some(),
            is_offer: message.kind == MessageKind::Offer,
        }
    }
}

impl RoomRequest {
    /// Its name in the log.
    pub(in crate::chat) fn kind(&self) -> &'static str {
        match self {
            Self::Join(_) => "join",
            Self::Message(_) => "message",
            Self::MakeOffer(_) => "offer",
            Self::React(_) => "react",
            Self::Read(_) => "read",
            Self::Received(_) => "delivered",
            Self::Typing(_) => "typing",
            Self::Resume { .. } => "resume",
            Self::Announce(_) | Self::AnnounceTo(..) | Self::AnnounceChange(..) => "announce",
        }
    }

    pub(in crate::chat) fn room(&self) -> &RoomId {
        match self {
            Self::Join(join) => &join.room,
            Self::Message(message) => &message.draft.room,
            Self::MakeOffer(offer) => &offer.room,
            Self::React(react) => &react.room,
            Self::Read(read) => &read.room,
            Self::Received(received) => &received.room,
            Self::Typing(typing) => &typing.room,
            Self::Resume { room, .. } | Self::Announce(room) | Self::AnnounceTo(room, _) => room,
            Self::AnnounceChange(change, _) => &change.room,
        }
    }

    /// Who wants it; `None` for haggle itself.
    pub(in crate::chat) fn user(&self) -> Option<&UserId> {
        match self {
            Self::Join(join) => Some(&join.user),
            Self::Message(message) => Some(&message.draft.sender),
            Self::MakeOffer(offer) => Some(&offer.user),
            Self::React(react) => Some(&react.user),
            Self::Read(read) => Some(&read.user),
            Self::Received(received) => Some(&received.user),
            Self::Typing(typing) => Some(&typing.user),
            Self::Resume { user, .. } => Some(user),
            Self::Announce(_) | Self::AnnounceTo(..) | Self::AnnounceChange(..) => None,
        }
    }

    /// The session that wants it; `None` for REST.
    pub(in crate::chat) fn session(&self) -> Option<SessionId> {
        match self {
            Self::Join(join) => Some(join.asker.session),
            Self::Message(message) => message.reply.session(),
            Self::MakeOffer(offer) => offer.reply.session(),
            Self::React(react) => react.reply.session(),
            Self::Read(read) => read.reply.session(),
            Self::Received(received) => received.reply.session(),
            Self::Typing(typing) => Some(typing.asker.session),
            Self::Resume { session, .. } => Some(*session),
            Self::Announce(_) | Self::AnnounceTo(..) | Self::AnnounceChange(..) => None,
        }
    }

    /// Whether it puts a session into the room.
    pub(in crate::chat) fn enters(&self) -> bool {
        matches!(self, Self::Join(_) | Self::Resume { .. })
    }

    /// Until when the room token that came with it counts.
    pub(in crate::chat) fn grant(&self) -> Option<Timestamp> {
        match self {
            Self::Join(join) => join.grant,
            Self::Message(message) => message.grant,
            Self::MakeOffer(_)
            | Self::React(_)
            | Self::Read(_)
            | Self::Received(_)
            | Self::Typing(_)
            | Self::Resume { .. }
            | Self::Announce(_)
            | Self::AnnounceTo(..)
            | Self::AnnounceChange(..) => None,
        }
    }
}
