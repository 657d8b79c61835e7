//! The line of a room.

use serde::{Deserialize, Serialize};

use super::{InvalidLine, ReadSeqs, invalid};
use crate::domain::{ProductId, RoomId, RoomKind, Timestamp, UserId, support::SUPPORT_PRODUCT};

/// A conversation of a buyer about a product, or of a user with the marketplace's staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRoom", into = "WrittenRoom")]
pub struct RoomLine {
    /// The marketplace's own id, which is kept; haggle makes one when there is none.
    pub id: Option<RoomId>,
    /// What it is about; `None` for a support room.
    pub product_id: Option<ProductId>,
    /// The buyer: the member who asks.
    pub buyer_id: UserId,
    /// When it was made; by its first message when not given.
    pub created_at: Option<Timestamp>,
    /// How far its members have read; everything that is imported when not given.
    pub read_seq: Option<ReadSeqs>,
}

/// The same as it is written: `productId` and `buyerId`, or `kind` and `userId`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenRoom {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<RoomId>,
    #[serde(default, skip_serializing_if = "RoomKind::is_product")]
    kind: RoomKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    product_id: Option<ProductId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    buyer_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read_seq: Option<ReadSeqs>,
}

impl TryFrom<WrittenRoom> for RoomLine {
    type Error = InvalidLine;

    fn try_from(written: WrittenRoom) -> Result<Self, InvalidLine> {
        let WrittenRoom { id, kind, product_id, buyer_id, user_id, created_at, read_seq } = written;
        let missing = |field: &str| invalid(format!("missing field `{field}`"));
        let (product_id, buyer_id) = match (kind, product_id, buyer_id, user_id) {
            (RoomKind::Product, Some(product), Some(buyer), None) => (Some(product), buyer),
            (RoomKind::Product, None, ..) => return Err(missing("productId")),
            (RoomKind::Product, _, None, _) => return Err(missing("buyerId")),
            (RoomKind::Product, ..) => return Err(invalid("`userId` is for the kind support: leave it out")),
            (RoomKind::Support, None, None, Some(user)) => (None, user),
            (RoomKind::Support, _, _, None) => return Err(missing("userId")),
            (RoomKind::Support, ..) => {
                return Err(invalid("`productId` and `buyerId` are not for the kind support: leave them out"));
            }
        };
        Ok(Self { id, product_id, buyer_id, created_at, read_seq })
    }
}

impl RoomLine {
    /// The product by which the room is stored.
    #[must_use]
    pub fn product(&self) -> ProductId {
        self.product_id.clone().unwrap_or_else(|| ProductId::from_stored(SUPPORT_PRODUCT))
    }
}

impl From<RoomLine> for WrittenRoom {
    fn from(RoomLine { id, product_id, buyer_id, created_at, read_seq }: RoomLine) -> Self {
        let (kind, buyer_id, user_id) = match product_id {
            Some(_) => (RoomKind::Product, Some(buyer_id), None),
            None => (RoomKind::Support, None, Some(buyer_id)),
        };
        Self { id, kind, product_id, buyer_id, user_id, created_at, read_seq }
    }
}
