//! What somebody wants to do in a room, while it waits for the answer whether they may.

use std::collections::{HashMap, hash_map::Entry};

use super::{
    Audience, Reach,
    input::{Join, MakeOffer, Message, Read, ReplyTo, Typing},
};
use crate::domain::{MessageId, MessageKind, RoomId, Seq, SessionId, StoredMessage, Timestamp, UserId};

/// One thing to do in a room.
#[derive(Debug)]
pub enum RoomRequest {
    /// A session enters.
    Join(Join),
    /// A member says something.
    Message(Message),
    /// A member makes an offer.
    MakeOffer(MakeOffer),
    /// A member has read.
    Read(Read),
    /// A member types or has stopped.
    Typing(Typing),
    /// A session that comes back is in a room again.
    Resume {
        /// The session.
        session: SessionId,
        /// Whose it is.
        user: UserId,
        /// The room.
        room: RoomId,
    },
    /// haggle itself tells both members that the room looks different in their lists.
    Announce(RoomId),
    /// The same to some of their sessions.
    AnnounceTo(RoomId, Audience),
    /// The same, if their lists show what became of a message.
    AnnounceChange(Box<MessageChange>, Reach),
}

/// An edited or deleted message of a room that was not in memory, as far as lists show it.
#[derive(Debug)]
pub struct MessageChange {
    pub(super) room: RoomId,
    pub(super) message: MessageId,
    pub(super) sender: UserId,
    pub(super) seq: Seq,
    pub(super) is_deleted: bool,
    /// The offer that stands in the room may be another one now.
    pub(super) is_offer: bool,
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
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Join(_) => "join",
            Self::Message(_) => "message",
            Self::MakeOffer(_) => "offer",
            Self::Read(_) => "read",
            Self::Typing(_) => "typing",
            Self::Resume { .. } => "resume",
            Self::Announce(_) | Self::AnnounceTo(..) | Self::AnnounceChange(..) => "announce",
        }
    }

    pub(super) fn room(&self) -> &RoomId {
        match self {
            Self::Join(join) => &join.room,
            Self::Message(message) => &message.draft.room,
            Self::MakeOffer(offer) => &offer.room,
            Self::Read(read) => &read.room,
            Self::Typing(typing) => &typing.room,
            Self::Resume { room, .. } | Self::Announce(room) | Self::AnnounceTo(room, _) => room,
            Self::AnnounceChange(change, _) => &change.room,
        }
    }

    /// Who wants it; `None` for haggle itself.
    pub(super) fn user(&self) -> Option<&UserId> {
        match self {
            Self::Join(join) => Some(&join.user),
            Self::Message(message) => Some(&message.draft.sender),
            Self::MakeOffer(offer) => Some(&offer.user),
            Self::Read(read) => Some(&read.user),
            Self::Typing(typing) => Some(&typing.user),
            Self::Resume { user, .. } => Some(user),
            Self::Announce(_) | Self::AnnounceTo(..) | Self::AnnounceChange(..) => None,
        }
    }

    /// The session that wants it; `None` for REST.
    pub(super) fn session(&self) -> Option<SessionId> {
        let of_reply = |reply: &ReplyTo| match reply {
            ReplyTo::Session(asker) => Some(asker.session),
            ReplyTo::Request(_) | ReplyTo::Chat(_) | ReplyTo::Nobody => None,
        };
        match self {
            Self::Join(join) => Some(join.asker.session),
            Self::Message(message) => of_reply(&message.reply),
            Self::MakeOffer(offer) => of_reply(&offer.reply),
            Self::Read(read) => of_reply(&read.reply),
            Self::Typing(typing) => Some(typing.asker.session),
            Self::Resume { session, .. } => Some(*session),
            Self::Announce(_) | Self::AnnounceTo(..) | Self::AnnounceChange(..) => None,
        }
    }

    /// Whether it puts a session into the room.
    fn enters(&self) -> bool {
        matches!(self, Self::Join(_) | Self::Resume { .. })
    }

    /// Until when the room token that came with it counts.
    pub(super) fn grant(&self) -> Option<Timestamp> {
        match self {
            Self::Join(join) => join.grant,
            Self::Message(message) => message.grant,
            Self::MakeOffer(_)
            | Self::Read(_)
            | Self::Typing(_)
            | Self::Resume { .. }
            | Self::Announce(_)
            | Self::AnnounceTo(..)
            | Self::AnnounceChange(..) => None,
        }
    }
}

/// Takes out the entries of a session, in their order.
pub(super) fn take_entries(waiting: &mut Vec<RoomRequest>, session: SessionId) -> Vec<RoomRequest> {
    waiting.extract_if(.., |work| work.enters() && work.session() == Some(session)).collect()
}

/// Reads to the database, where every event asks one. Events of one user in one room keep their order: those that
/// come while a question is out wait for the next one, which is asked after they came.
#[derive(Debug, Default)]
pub(super) struct Checks(HashMap<(RoomId, UserId), Check>);

#[derive(Debug)]
struct Check {
    asked: Vec<RoomRequest>,
    next: Vec<RoomRequest>,
}

impl Checks {
    /// Adds an event. Returns the question to ask now, if none is out.
    pub(super) fn ask(&mut self, work: RoomRequest) -> Option<(RoomId, UserId)> {
        let key = (work.room().clone(), work.user()?.clone());
        match self.0.entry(key.clone()) {
            Entry::Vacant(place) => {
                place.insert(Check { asked: vec![work], next: Vec::new() });
                Some(key)
            }
            Entry::Occupied(mut check) => {
                check.get_mut().next.push(work);
                None
            }
        }
    }

    /// Takes the events that an answer is for, and says whether to ask again for those that came later.
    pub(super) fn answered(&mut self, room: &RoomId, user: &UserId) -> (Vec<RoomRequest>, bool) {
        let key = (room.clone(), user.clone());
        let Some(mut check) = self.0.remove(&key) else { return (Vec::new(), false) };
        let again = !check.next.is_empty();
        if again {
            let next = std::mem::take(&mut check.next);
            self.0.insert(key, Check { asked: next, next: Vec::new() });
        }
        (check.asked, again)
    }

    /// Takes out the entries of a session that wait for the answer whether its user is a member.
    pub(super) fn take_entries(&mut self, session: SessionId, room: &RoomId, user: &UserId) -> Vec<RoomRequest> {
        let Some(check) = self.0.get_mut(&(room.clone(), user.clone())) else { return Vec::new() };
        let mut entries = take_entries(&mut check.asked, session);
        entries.extend(take_entries(&mut check.next, session));
        entries
    }

    /// How many members the database is asked about.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
