//! What nodes send each other, and how it is encoded.
//!
//! One byte is the version, the rest is JSON with short names. A node ignores versions, kinds and fields that it doesn't
//! know, because nodes of two releases run side by side during a rolling update.

mod message;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::message::optional_ms;
use crate::domain::{RoomId, Seq, StoredMessage, Timestamp, UserId};

/// The version that this node writes, and the one that it reads.
const VERSION: u8 = b'1';

/// Most bytes of one event. NATS itself takes 1 MiB. Of a larger message only the position is published, and the other nodes
/// read it from the database.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;

/// One life of one node: drawn at random at each start, so that a restarted node is distinguished from the one before.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(u64);

impl NodeId {
    /// A new one, from 64 random bits.
    #[must_use]
    pub fn random() -> Self {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        Self(high ^ low.rotate_left(32))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for NodeId {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// Which of a room's members have a session in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceOf {
    #[serde(rename = "b")]
    pub buyer: bool,
    #[serde(rename = "s")]
    pub seller: bool,
}

/// Something that one node publishes to the others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum NodeEvent {
    /// A message was committed. Of one that is too large only the position is published.
    #[serde(rename = "m")]
    Message {
        /// Id of the room.
        #[serde(rename = "r")]
        room: RoomId,
        /// Its place there.
        #[serde(rename = "q")]
        seq: Seq,
        #[serde(rename = "m", default, skip_serializing_if = "Option::is_none", with = "message")]
        message: Option<StoredMessage>,
    },
    /// A message was edited or deleted, or an offer has another status.
    #[serde(rename = "u")]
    MessageChanged {
        /// The message as it now stands.
        #[serde(rename = "m", with = "message")]
        message: Option<StoredMessage>,
    },
    /// A member has read.
    #[serde(rename = "d")]
    Read {
        #[serde(rename = "r")]
        room: RoomId,
        #[serde(rename = "u")]
        reader: UserId,
        /// `seq` of the last message that the user has seen.
        #[serde(rename = "q")]
        seq: Seq,
        /// What is left.
        #[serde(rename = "n")]
        unread: i64,
    },
    /// Messages have reached a member's device.
    #[serde(rename = "a")]
    Delivered {
        #[serde(rename = "r")]
        room: RoomId,
        #[serde(rename = "u")]
        user: UserId,
        /// `seq` of the last message that has arrived.
        #[serde(rename = "q")]
        seq: Seq,
    },
    /// Users were active, and the database has it.
    #[serde(rename = "n")]
    Seen {
        /// Each user, and when, in milliseconds since 1970.
        #[serde(rename = "u")]
        users: Vec<(UserId, i64)>,
    },
    /// A member types, or stopped.
    #[serde(rename = "t")]
    Typing {
        #[serde(rename = "r")]
        room: RoomId,
        /// The member who types or has stopped.
        #[serde(rename = "u")]
        user: UserId,
        /// Whether they type.
        #[serde(rename = "t")]
        typing: bool,
    },
    /// Which members have a session in a room on the publishing node.
    #[serde(rename = "p")]
    Presence {
        #[serde(rename = "r")]
        room: RoomId,
        /// The members who are online.
        #[serde(rename = "p")]
        there: PresenceOf,
        /// The last message of the room that the node knows of: so a lost one is noticed.
        #[serde(rename = "q")]
        last_seq: Seq,
        /// The node is new in the room and wants to know the same of the others.
        #[serde(rename = "a", default)]
        asks: bool,
    },
    /// Something that a node keeps of a room has changed, and the database has it.
    #[serde(rename = "c")]
    RoomChanged {
        #[serde(rename = "r")]
        room: RoomId,
        /// The member whose own settings of the room alone are others now.
        #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
        settings_of: Option<UserId>,
    },
    /// `roomUpdated` for one user, as it goes out.
    #[serde(rename = "l")]
    RoomUpdated {
        #[serde(rename = "u")]
        user: UserId,
        #[serde(rename = "r")]
        room: RoomId,
        /// The last message that it shows.
        #[serde(rename = "q")]
        last_seq: Seq,
        /// The event's data.
        #[serde(rename = "d")]
        data: Box<RawValue>,
        /// What the room adds to the user's total of unread messages; negative for nothing. Nodes of an earlier release
        /// don't say it.
        #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
        unread: Option<i64>,
    },
    /// `presence` for the sessions of one user that look at their inbox.
    #[serde(rename = "i")]
    InboxPresence {
        /// The members who are notified.
        #[serde(rename = "u")]
        user: UserId,
        #[serde(rename = "r")]
        room: RoomId,
        /// Who came or went.
        #[serde(rename = "o")]
        of: UserId,
        /// Whether they are there now.
        #[serde(rename = "p")]
        online: bool,
        /// When somebody who went was last active, where the members share it.
        #[serde(rename = "t", default, skip_serializing_if = "Option::is_none", with = "optional_ms")]
        last_seen_at: Option<Timestamp>,
    },
    /// All sessions of a user end.
    #[serde(rename = "e")]
    EndSessions {
        /// The user whose sessions end.
        #[serde(rename = "u")]
        user: UserId,
        #[serde(rename = "s")]
        sentence: String,
        /// Until when the user is banned, where that is why.
        #[serde(rename = "t", default, skip_serializing_if = "Option::is_none", with = "optional_ms")]
        banned_until: Option<Timestamp>,
    },
    /// The database has noted that all sessions of a user were ended.
    #[serde(rename = "f")]
    SessionsEndNoted {
        /// The user whose sessions have ended.
        #[serde(rename = "u")]
        user: UserId,
    },
    /// A user has another name, other switches or a mute, and the database has it.
    #[serde(rename = "g")]
    UserChanged {
        #[serde(rename = "u")]
        user: UserId,
        /// Whether it is the name or the picture, which others' lists show.
        #[serde(rename = "p", default)]
        is_renamed: bool,
    },
    /// A session of the inbox has begun: each node that has the other member of one of this user's rooms online reports it.
    #[serde(rename = "w")]
    WhoIsThere {
        #[serde(rename = "u")]
        user: UserId,
    },
    /// A client of Socket.IO has reconnected to another node: the session that it had has ended.
    #[serde(rename = "o")]
    TakeOver {
        /// SHA-256 of the session's secret.
        #[serde(rename = "h")]
        pid_hash: String,
    },
    /// A node lives.
    #[serde(rename = "b")]
    Beat,
    /// A node shuts down, and has no sessions any more.
    #[serde(rename = "x")]
    Bye,
}

/// An event and the node that publishes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Envelope {
    #[serde(rename = "n")]
    pub node: NodeId,
    #[serde(rename = "e")]
    pub event: NodeEvent,
}

impl Envelope {
    /// Writes it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let bytes = self.write();
        match &self.event {
            NodeEvent::Message { room, seq, message: Some(_) } if bytes.len() > EVENT_BYTES_MAX => {
                let event = NodeEvent::Message { room: room.clone(), seq: *seq, message: None };
                Self { node: self.node, event }.write()
            }
            NodeEvent::MessageChanged { message: Some(message) } if bytes.len() > EVENT_BYTES_MAX => {
                let event = NodeEvent::RoomChanged { room: message.room_id.clone(), settings_of: None };
                Self { node: self.node, event }.write()
            }
            _ => bytes,
        }
    }

    fn write(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        // Strings, numbers and JSON that was parsed before: nothing in it can fail to be written.
        let _ = serde_json::to_writer(&mut bytes, self);
        bytes
    }

    /// Reads one; `None` for what this node does not understand: another version's, or no event at all.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, json) = bytes.split_first()?;
        if *version != VERSION || bytes.len() > EVENT_BYTES_MAX {
            return None;
        }
        serde_json::from_slice(json).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ClientId, Data, MessageId, MessageKind};

    fn message(text: &str) -> StoredMessage {
        StoredMessage {
            id: MessageId::next(),
            room_id: RoomId::new("a room.*>").unwrap(),
            seq: Seq(7),
            position: 9_007_199_254_740_993,
            sender_id: UserId::new("홍길동").unwrap(),
            client_id: ClientId::new("c").ok(),
            kind: MessageKind::Text,
            text: Some(text.to_owned()),
            data: Data::from_json(r#"{"key": "k","thumbnailKey":  123456789012345678901.0}"#.to_owned()).ok(),
            sent_at: Timestamp(1),
            edited_at: None,
            deleted_at: Some(Timestamp(2)),
            warnings: vec![],
            reply_to: None,
            reactions: Vec::new(),
            is_removed: false,
        }
    }

    fn carried(event: NodeEvent) -> NodeEvent {
        Envelope::decode(&Envelope { node: NodeId::random(), event }.encode()).unwrap().event
    }

    proptest! {
        #[test]
        fn a_message_arrives_as_it_was_stored(text in ".{0,200}") {
            let stored = message(&text);
            let event = NodeEvent::Message { room: stored.room_id.clone(), seq: stored.seq, message: Some(stored.clone()) };
            let NodeEvent::Message { message: got, .. } = carried(event) else { panic!() };
            prop_assert_eq!(got, Some(stored));
        }

        #[test]
        fn any_bytes_are_an_event_or_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Envelope::decode(&bytes);
            let _ = Envelope::decode(&[b"1".as_slice(), &bytes].concat());
        }
    }

    #[test]
    fn what_is_too_large_is_sent_as_its_place() {
        let stored = message(&"x".repeat(EVENT_BYTES_MAX));
        let event = NodeEvent::Message { room: stored.room_id.clone(), seq: stored.seq, message: Some(stored.clone()) };
        assert!(matches!(carried(event), NodeEvent::Message { seq: Seq(7), message: None, .. }));
        let event = NodeEvent::MessageChanged { message: Some(stored) };
        assert!(matches!(carried(event), NodeEvent::RoomChanged { .. }));
    }

    #[test]
    fn another_release_is_passed_over_and_its_new_fields_are_left_out() {
        let node = NodeId::random();
        assert!(Envelope::decode(b"").is_none());
        assert!(Envelope::decode(format!("2{{\"n\":\"{node}\",\"e\":\"b\"}}").as_bytes()).is_none());
        assert!(Envelope::decode(format!("1{{\"n\":\"{node}\",\"e\":\"zz\"}}").as_bytes()).is_none());
        let beat = Envelope::decode(format!("1{{\"n\":\"{node}\",\"e\":\"b\",\"new\":1}}").as_bytes()).unwrap();
        assert!(beat.node == node && matches!(beat.event, NodeEvent::Beat));
    }
}
