//! Where an event goes: one subject for each room, each user, and all nodes.
//!
//! Ids come from the marketplace and may hold anything; in NATS a dot, a star, `>` and a blank mean something. So a subject
//! holds a hash of the id: 16 bytes of its SHA-256, in hex. If two rooms had the same hash, their nodes would only receive
//! more than they need, since each event names its room.

#![cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "only NATS asks for a subject's name"))]

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::domain::{RoomId, UserId};

/// What an event is about. It decides which nodes receive it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The nodes that have sessions in this room.
    Room(RoomId),
    /// The nodes that have sessions of this user.
    User(UserId),
    /// Every node.
    Nodes,
}

/// The subjects of one installation.
#[derive(Debug, Clone)]
pub struct Subjects {
    prefix: String,
}

impl Subjects {
    /// Those of the installation with this name. Two that share a NATS server must not have one name: a user `alice` of
    /// one is not the `alice` of the other.
    #[must_use]
    pub fn new(installation: &str) -> Self {
        Self { prefix: format!("haggle.{}", token(installation)) }
    }

    #[must_use]
    pub fn of(&self, topic: &Topic) -> String {
        match topic {
            Topic::Room(room) => format!("{}.room.{}", self.prefix, token(room.as_str())),
            Topic::User(user) => format!("{}.user.{}", self.prefix, token(user.as_str())),
            Topic::Nodes => format!("{}.nodes", self.prefix),
        }
    }
}

fn token(id: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(id.as_bytes())[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_can_not_reach_beyond_its_own_subject() {
        let subjects = Subjects::new("shop");
        for id in ["*", ">", "a.b", "a b", "한글", "\u{202e}"] {
            let subject = subjects.of(&Topic::Room(RoomId::new(id).unwrap()));
            let last = subject.rsplit('.').next().unwrap();
            assert_eq!(subject.split('.').count(), 4, "{subject}");
            assert!(last.len() == 32 && last.chars().all(|c| c.is_ascii_hexdigit()), "{subject}");
        }
        let room = subjects.of(&Topic::Room(RoomId::new("alice").unwrap()));
        assert_ne!(room, subjects.of(&Topic::User(UserId::new("alice").unwrap())));
        assert_ne!(room, Subjects::new("other").of(&Topic::Room(RoomId::new("alice").unwrap())));
    }
}
