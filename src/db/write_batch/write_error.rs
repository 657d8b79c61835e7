//! Why a write of a batch was refused, and what the one who asked is answered.

use thiserror::Error;

#[cfg(doc)]
use super::Write;
use crate::{
    db::{DbError, models::room::Silenced, operation_error::RefusalReason},
    domain::{
        MessageId, Timestamp,
        masking::ContactRefused,
        offer,
        staff::{self, ROOM_STAFF_MAX, STAFF_ROOMS_MAX},
    },
    error::{ChatError, ErrorCode},
};

/// Why a [`Write`] was refused, while the rest of its batch was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WriteError {
    /// Not a member, or no such room: one answer, so that nobody can probe for ids.
    #[error("only the buyer and the seller of a room may do this")]
    Forbidden,
    /// Another member's message, or one of a kind that nobody edits.
    #[error("only one's own text and image messages can be changed")]
    NotOwnMessage,
    /// The words hold a contact, which `--masking block` refuses until an offer is accepted.
    #[error(transparent)]
    ContactRefused(#[from] ContactRefused),
    /// Somebody else's product.
    #[error("only the product's own seller may do this")]
    NotOwnProduct,
    /// Nothing has this id, or nothing that the caller may know of.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A reply to what is not there.
    #[error("`replyTo` must be the `seq` of an earlier message of this room")]
    NoSuchReply,
    /// Nobody reacts to what the marketplace says about somebody.
    #[error("only what a member says takes a reaction")]
    NoReactions,
    /// Too late to edit or delete.
    #[error("a message can be changed for 15 minutes after it was sent")]
    EditWindowOver,
    /// The message was taken back before.
    #[error("this message was deleted")]
    AlreadyDeleted,
    /// A deleted user can't be brought back: anyone who got the id next would read the conversations of the first.
    #[error("this user was deleted; use another id")]
    UserDeleted,
    /// The id that stands for the marketplace itself.
    #[error("`id` must not be `system`: it stands for the marketplace itself")]
    ReservedUserId,
    /// A deleted user's token may still be good.
    #[error("this user was removed")]
    RemovedUser,
    /// No such seller, or one who was deleted.
    #[error("`sellerId` must be the id of a user, put the user first")]
    UnknownSeller,
    /// Rooms have their two members for good.
    #[error("`sellerId` can't change any more: there are rooms for this product")]
    SellerHasRooms,
    /// One of the two members has blocked the other, and neither learns who; or the other was deleted.
    #[error("this conversation is closed")]
    Blocked,
    /// The marketplace has muted the sender.
    #[error("the marketplace has muted you until {0}")]
    Muted(Timestamp),
    /// The marketplace has banned the sender.
    #[error("the marketplace has banned you")]
    Banned(Timestamp),
    /// The marketplace has frozen the room.
    #[error("the marketplace has frozen this conversation")]
    Frozen,
    /// The marketplace has frozen the room in which an offer on the seller's product was accepted.
    #[error("the marketplace has frozen the conversation in which an offer on this product was accepted")]
    DealFrozen,
    /// A member of the room has joined it already: as themselves.
    #[error("a member of this room can't join it as staff")]
    OwnRoom,
    /// As many of the staff are there as may be.
    #[error("{ROOM_STAFF_MAX} members of the staff are in this room, as many as may be")]
    RoomStaffFull,
    /// A member of the staff is in as many rooms as they may be.
    #[error("you are in {STAFF_ROOMS_MAX} rooms, as many as may be: leave one first")]
    TooManyStaffRooms,
    /// Staff removes words and pictures: an offer is a fact between two people.
    #[error("an offer can't be removed: freeze the room instead")]
    OfferStays,
    /// An offer that can't be made or answered as things stand.
    #[error(transparent)]
    Offer(#[from] offer::OfferRefusal),
    /// An offer needs a product.
    #[error("a conversation with support is about no product: nothing can be offered here")]
    NothingForSale,
    /// A product that is put on sale, where an offer on it was accepted: as likely as not by a marketplace that does not know.
    #[error("the offer {0} on this product was accepted: leave `status` out, or undo that with PATCH")]
    OfferAccepted(MessageId),
    /// Prices are compared with the product's.
    #[error("`currency` must be the product's: {0}")]
    WrongCurrency(String),
    /// A seller has changed a product's status again and again.
    #[error("this product's status was changed too often, wait for `retryAfterMs`")]
    TooManyStatusChanges {
        /// When the next change can succeed, in milliseconds.
        retry_after_ms: u64,
    },
    /// Nobody blocks themselves.
    #[error("one can't block oneself")]
    OwnBlock,
    /// Nobody blocks the marketplace itself.
    #[error("the marketplace's support can't be blocked: archive or mute the conversation instead")]
    DeskBlock,
    /// The database failed at this write alone.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl RefusalReason for WriteError {}

impl WriteError {
    /// The code that a user sees.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Forbidden
            | Self::NotOwnMessage
            | Self::NoReactions
            | Self::NotOwnProduct
            | Self::EditWindowOver
            | Self::RemovedUser
            | Self::Offer(offer::OfferRefusal::OwnOffer | offer::OfferRefusal::NotOwnOffer) => ErrorCode::Forbidden,
            Self::Blocked => ErrorCode::Blocked,
            Self::Muted(_) => ErrorCode::Muted,
            Self::Banned(_) => ErrorCode::Banned,
            Self::Frozen | Self::DealFrozen => ErrorCode::Frozen,
            Self::TooManyStatusChanges { .. } => ErrorCode::RateLimited,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::AlreadyDeleted
            | Self::UserDeleted
            | Self::SellerHasRooms
            | Self::OfferAccepted(_)
            | Self::OfferStays
            | Self::NothingForSale
            | Self::DeskBlock
            | Self::OwnRoom
            | Self::RoomStaffFull
            | Self::TooManyStaffRooms
            | Self::Offer(_) => ErrorCode::Conflict,
            Self::NoSuchReply
            | Self::ReservedUserId
            | Self::UnknownSeller
            | Self::WrongCurrency(_)
            | Self::OwnBlock
            | Self::ContactRefused(_) => ErrorCode::Invalid,
            Self::Database(error) => error.code(),
        }
    }
}

impl From<Silenced> for WriteError {
    fn from(silenced: Silenced) -> Self {
        match silenced {
            Silenced::Stranger => Self::Forbidden,
            Silenced::Blocked => Self::Blocked,
            Silenced::Frozen => Self::Frozen,
            Silenced::MutedUntil(until) => Self::Muted(until),
            Silenced::BannedUntil(until) => Self::Banned(until),
        }
    }
}

impl From<WriteError> for ChatError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Database(error) => error.into(),
            WriteError::Muted(until) => Self::muted(Some(until)),
            WriteError::Banned(until) => Self::banned(staff::ends_at(until)),
            WriteError::TooManyStatusChanges { retry_after_ms } => {
                let retry_after_ms = Some(retry_after_ms);
                Self { retry_after_ms, ..Self::new(error.code(), error.to_string()) }
            }
            _ => Self::new(error.code(), error.to_string()),
        }
    }
}
