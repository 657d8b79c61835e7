//! Rooms: one for each (buyer, product). Its two members are the only ones who may enter, ever.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Pair, Product, RoomId, Seq, StoredMessage, Timestamp, User,
    offer::{StandingOffer, show_expired},
};

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
    /// Its two members.
    #[must_use]
    pub const fn members(&self) -> Pair<&User> {
        Pair { buyer: &self.buyer, seller: &self.seller }
    }

    /// Bytes that it takes as JSON, about.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        128 + self.product.weight_bytes() + self.buyer.weight_bytes() + self.seller.weight_bytes()
    }
}

/// A room in one's own list of conversations.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomSummary {
    /// The room itself.
    #[serde(flatten)]
    pub room: Room,
    /// The other member.
    pub other: User,
    /// The newest message, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_message: Option<StoredMessage>,
    /// The offer that stands here: it waits for its answer, or was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<StandingOffer>,
    /// `seq` of the newest message; 0 while there is none.
    pub last_seq: Seq,
    /// How far one has read.
    pub read_seq: Seq,
    /// Messages of the other side behind `readSeq`. Counted, never stored.
    pub unread: i64,
    /// Nobody can say anything here: one of the two has blocked the other, and nobody is told who; or the other was
    /// deleted.
    pub closed: bool,
}

impl RoomSummary {
    /// Shows an offer as expired from the moment at which it expires, even before the sweep has written it down.
    pub fn show_expired(&mut self, now: Timestamp) {
        if let Some(message) = &mut self.last_message {
            show_expired(message, now);
        }
        self.offer.take_if(|offer| offer.is_over(now));
    }
}
