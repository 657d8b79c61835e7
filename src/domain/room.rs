//! Rooms: one for each (buyer, product). Its two members are the only ones who may enter, ever.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Product, RoomId, Seq, StoredMessage, Timestamp, User, UserId, offer::StandingOffer};

/// Which of a room's two members somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The one who asks.
    Buyer,
    /// The one who owns the product.
    Seller,
}

impl Role {
    /// Name on every wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Seller => "seller",
        }
    }

    /// Reads the name; `None` for any other word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Buyer, Self::Seller].into_iter().find(|role| role.as_str() == name)
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Buyer => Self::Seller,
            Self::Seller => Self::Buyer,
        }
    }
}

/// The two user ids of a room: what authorization compares with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participants {
    /// The one who asks.
    pub buyer: UserId,
    /// The one who owns the product.
    pub seller: UserId,
}

impl Participants {
    /// Which of the two somebody is, or `None` for a stranger.
    #[must_use]
    pub fn role_of(&self, user: &UserId) -> Option<Role> {
        if *user == self.buyer {
            Some(Role::Buyer)
        } else if *user == self.seller {
            Some(Role::Seller)
        } else {
            None
        }
    }

    /// The user id of one of the two.
    #[must_use]
    pub fn user(&self, role: Role) -> &UserId {
        match role {
            Role::Buyer => &self.buyer,
            Role::Seller => &self.seller,
        }
    }
}

/// A room as a member sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// Can't be guessed; knowing it is not enough to enter.
    pub id: RoomId,
    /// What it is about.
    pub product: Product,
    /// The one who asks.
    pub buyer: User,
    /// The one who owns the product.
    pub seller: User,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Room {
    /// Bytes that it takes as JSON, about.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        128 + self.product.weight_bytes() + self.buyer.weight_bytes() + self.seller.weight_bytes()
    }
}

/// A room in one's own list of conversations.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomSummary {
    /// The room itself.
    pub room: Room,
    /// The other member.
    pub other: User,
    /// The newest message, if there is one.
    pub last_message: Option<StoredMessage>,
    /// The offer that stands here, as it is stored: its time may have passed.
    pub offer: Option<StandingOffer>,
    /// `seq` of the newest message; 0 while there is none.
    pub last_seq: Seq,
    /// How far one has read.
    pub read_seq: Seq,
    /// Messages of the other side after `read_seq`. Counted, never stored.
    pub unread: i64,
    /// Nobody can say anything here.
    pub closed: bool,
}
