//! Rooms: one for each (buyer, product), and one for each user who talks with the marketplace's staff. Its two members are the only
//! ones who may enter, ever, but for staff who has joined.

use serde::{Deserialize, Serialize};

use super::{
    Listing, Pair, Product, ProductId, RoomId, Seq, Settings, StoredMessage, Timestamp, User, offer::StandingOffer,
};
use crate::api_docs::ToSchema;

/// What a room is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// A buyer and a seller talk about a product.
    #[default]
    Product,
    /// A user talks with the marketplace's staff.
    Support,
}

impl RoomKind {
    /// The kind of a room by its product.
    #[must_use]
    pub const fn of(product: Option<&Product>) -> Self {
        if product.is_some() { Self::Product } else { Self::Support }
    }

    /// Whether it is the one that most rooms have.
    #[must_use]
    pub const fn is_product(&self) -> bool {
        matches!(self, Self::Product)
    }
}

/// A room as a member sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// Can't be guessed; knowing it is not enough to enter.
    pub id: RoomId,
    /// `support` for a conversation with the marketplace's staff. Absent for one about a product.
    #[serde(skip_serializing_if = "RoomKind::is_product")]
    #[schema(required = false)]
    pub kind: RoomKind,
    /// What it is about. Absent from a support room, and from no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
    /// The one who asks. In a support room: the one member.
    pub buyer: User,
    /// The one who owns the product. In a support room: the marketplace itself, with the id `system`.
    pub seller: User,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Room {
    /// Its two members; of a support room the second one is nobody, and stands for the staff.
    #[must_use]
    pub const fn members(&self) -> Pair<&User> {
        Pair { buyer: &self.buyer, seller: &self.seller }
    }

    /// Whether it shows this product.
    #[must_use]
    pub fn is_about(&self, product: &ProductId) -> bool {
        self.product.as_ref().is_some_and(|own| own.id == *product)
    }

    /// Bytes that it takes as JSON, about.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let product = self.product.as_ref().map_or(0, Product::weight_bytes);
        128 + product + self.buyer.weight_bytes() + self.seller.weight_bytes()
    }
}

/// How far a member has come in a room, and when they were last active.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemberMarks {
    pub read_seq: Seq,
    /// How far messages have reached a device of theirs; never below `read_seq`.
    pub delivered_seq: Seq,
    /// To the minute; `None` while it is not known.
    pub last_seen_at: Option<Timestamp>,
}

impl MemberMarks {
    /// What the other member gets to see of them, by what the two share.
    #[must_use]
    pub fn shown(self, shared: Settings) -> Self {
        Self {
            read_seq: if shared.read_receipts { self.read_seq } else { Seq(0) },
            delivered_seq: if shared.delivery_receipts { self.delivered_seq } else { Seq(0) },
            // Else it would say as much as `online`.
            last_seen_at: self.last_seen_at.filter(|_| shared.last_seen && shared.presence),
        }
    }
}

/// A room in the user's own list of conversations.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomSummary {
    /// The room itself.
    pub room: Room,
    pub other: User,
    /// What one gets to see of how far the other one has come.
    pub other_marks: MemberMarks,
    /// The newest message, if there is one.
    pub last_message: Option<StoredMessage>,
    /// The offer that stands here, as it is stored: its time may have passed.
    pub offer: Option<StandingOffer>,
    /// `seq` of the newest message; 0 while there is none.
    pub last_seq: Seq,
    pub read_seq: Seq,
    /// How far messages have reached a device of one's own.
    pub delivered_seq: Seq,
    /// Messages of the other side after `read_seq`. Counted, never stored.
    pub unread: i64,
    /// Nobody can send anything here.
    pub closed: bool,
    /// The marketplace lets nobody send anything here.
    pub frozen: bool,
    /// How it stands in the list.
    pub listing: Listing,
    /// Who of the staff is in the room.
    pub staff: Vec<User>,
}

impl RoomSummary {
    /// What it adds to the user's [`UnreadTotal`](super::UnreadTotal): its unread messages, where it counts there.
    #[must_use]
    pub const fn unread_share(&self) -> Option<i64> {
        if self.listing.counts() && (self.unread > 0 || self.listing.unread) { Some(self.unread) } else { None }
    }
}
