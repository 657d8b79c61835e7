//! The writes of many senders, in one transaction: a commit costs the disk one wait, however many messages it holds.

mod append;
mod catalogue;
mod revise;

use thiserror::Error;

use super::{Connection, DbError};
use crate::{
    domain::{
        Draft, MaskingPolicy, MessageId, Product, ProductId, ProductStatus, RoomId, Seq, StoredMessage, Timestamp,
        User, UserId, masking::ContactRefused,
    },
    error::{ChatError, ErrorCode},
};

/// One thing to write.
#[derive(Debug, Clone, PartialEq)]
pub enum RoomWrite {
    /// Stores a message. Its sender must be a member of the room, or [`SYSTEM_SENDER`](crate::domain::message::SYSTEM_SENDER)
    /// with the kind `system`, which may write to any room.
    Append(Draft),
    /// Changes the words of one's own message.
    Edit {
        /// Which message.
        message: MessageId,
        /// Who asks.
        editor: UserId,
        /// The new words.
        text: String,
        /// What happens when the words hold a contact.
        masking: MaskingPolicy,
        /// When.
        at: Timestamp,
    },
    /// Takes one's own message back.
    Delete {
        /// Which message.
        message: MessageId,
        /// Who asks.
        editor: UserId,
        /// When.
        at: Timestamp,
    },
    /// Says how far a member has read.
    MarkRead {
        /// Which room.
        room: RoomId,
        /// Who has read.
        reader: UserId,
        /// `seq` of the last message seen; one behind the newest counts as the newest.
        seq: Seq,
    },
    /// Adds or changes a product, for the marketplace.
    PutProduct {
        /// The product as it shall be.
        product: Product,
        /// When.
        at: Timestamp,
    },
    /// Changes where a product stands, for its own seller.
    SetProductStatus {
        /// Which product.
        product: ProductId,
        /// Who asks.
        seller: UserId,
        /// Where it stands from now on.
        status: ProductStatus,
        /// When.
        at: Timestamp,
    },
    /// Adds or changes a user, for the marketplace.
    PutUser {
        /// The user as they shall be.
        user: User,
    },
    /// Deletes a user for good: name and picture go, rooms and messages stay for the other member.
    DeleteUser {
        /// Which user.
        user: UserId,
        /// When.
        at: Timestamp,
    },
}

/// What became of a [`RoomWrite`].
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// Of [`RoomWrite::Append`].
    Appended {
        /// The message as it is stored.
        message: StoredMessage,
        /// `false` when an earlier message has the same `clientId`: then that one is `message`, and nothing was stored.
        first_time: bool,
    },
    /// Of [`RoomWrite::Edit`] and [`RoomWrite::Delete`]: the message as it now stands.
    Changed(StoredMessage),
    /// Of [`RoomWrite::MarkRead`].
    Read {
        /// Which room.
        room: RoomId,
        /// Who has read.
        reader: UserId,
        /// How far; it never goes back.
        read_seq: Seq,
        /// Messages of others behind that, at this point of the batch.
        unread: i64,
        /// Whether `read_seq` moved.
        advanced: bool,
    },
    /// Of [`RoomWrite::PutProduct`] and [`RoomWrite::SetProductStatus`].
    ProductPut {
        /// The product as it now stands.
        product: Product,
        /// Whether it is new.
        created: bool,
        /// Every room that shows it; none when nothing changed.
        rooms: Vec<RoomId>,
        /// When its status changed: what was said about it, one `system` message a room, in the order of `rooms`.
        notices: Vec<StoredMessage>,
    },
    /// Of [`RoomWrite::PutUser`].
    UserPut {
        /// The user as they now stand.
        user: User,
        /// Whether they are new.
        created: bool,
    },
    /// Of [`RoomWrite::DeleteUser`].
    UserDeleted {
        /// What the other members see in their place from now on.
        user: User,
        /// Every room of theirs.
        rooms: Vec<RoomId>,
    },
}

/// Why a [`RoomWrite`] was refused, while the rest of its batch was written.
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
    /// Too late to edit or delete.
    #[error("a message can be changed for 15 minutes after it was sent")]
    EditWindowOver,
    /// The message was taken back before.
    #[error("this message was deleted")]
    AlreadyDeleted,
    /// A deleted user can't be brought back: whoever got the id next would read the conversations of the first.
    #[error("this user was deleted; use another id")]
    UserDeleted,
    /// The id that stands for the marketplace itself.
    #[error("`id` must not be `system`: it stands for the marketplace itself")]
    ReservedUserId,
    /// No such seller, or one who was deleted.
    #[error("`sellerId` must be the id of a user, put the user first")]
    UnknownSeller,
    /// Rooms have their two members for good.
    #[error("`sellerId` can't change any more: there are rooms for this product")]
    SellerHasRooms,
    /// The database failed at this write alone.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl WriteError {
    /// The code that a user sees.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Forbidden | Self::NotOwnMessage | Self::NotOwnProduct | Self::EditWindowOver => ErrorCode::Forbidden,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::AlreadyDeleted | Self::UserDeleted | Self::SellerHasRooms => ErrorCode::Conflict,
            Self::ReservedUserId | Self::UnknownSeller | Self::ContactRefused(_) => ErrorCode::Invalid,
            Self::Database(error) => error.code(),
        }
    }
}

impl From<WriteError> for ChatError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Database(error) => error.into(),
            _ => Self::new(error.code(), error.to_string()),
        }
    }
}

/// What became of each write of a batch, in its order.
pub type Outcomes = Vec<Result<Written, WriteError>>;

/// Writes everything in one transaction, in this order, and says what became of each.
///
/// A write that is refused leaves the others alone. When the database itself fails, nothing was written.
///
/// # Errors
/// [`DbError`], and then nothing is stored: the whole batch can be answered with it, or tried again.
pub fn write_batch(conn: &mut Connection, writes: &[RoomWrite]) -> Result<Outcomes, DbError> {
    match write_all(conn, writes) {
        // Not the database but one of the writes is at fault, and which one nobody knows: its neighbours must not
        // fail with it, now and on every retry.
        Err(DbError::Internal(_)) => write_one_by_one(conn, writes),
        other => other,
    }
}

fn write_one_by_one(conn: &mut Connection, writes: &[RoomWrite]) -> Result<Outcomes, DbError> {
    let mut outcomes = Outcomes::with_capacity(writes.len());
    for write in writes {
        match write_all(conn, std::slice::from_ref(write)) {
            Ok(outcome) => outcomes.extend(outcome),
            // Earlier ones may be stored by now, so the batch as a whole can't fail any more.
            Err(error) => outcomes.push(Err(error.into())),
        }
    }
    Ok(outcomes)
}

fn write_all(conn: &mut Connection, writes: &[RoomWrite]) -> Result<Outcomes, DbError> {
    if writes.is_empty() {
        return Ok(Outcomes::new());
    }
    // Immediate: a transaction that starts as a reader can lose its snapshot to another writer and fail at once.
    conn.immediate_transaction(|conn| {
        let mut outcomes = Outcomes::with_capacity(writes.len());
        for run in writes.chunk_by(|a, b| append::takes(a) && append::takes(b)) {
            match run {
                [first, ..] if append::takes(first) => append::write_run(conn, run, &mut outcomes)?,
                _ => {
                    for write in run {
                        outcomes.push(write_one(conn, write)?);
                    }
                }
            }
        }
        Ok(outcomes)
    })
}

fn write_one(conn: &mut Connection, write: &RoomWrite) -> Result<Result<Written, WriteError>, DbError> {
    match write {
        // Runs of these are written together.
        RoomWrite::Append(_) | RoomWrite::MarkRead { .. } => {
            let mut outcomes = Outcomes::new();
            append::write_run(conn, std::slice::from_ref(write), &mut outcomes)?;
            Ok(outcomes.pop().unwrap_or(Err(WriteError::Forbidden)))
        }
        RoomWrite::Edit { message, editor, text, masking, at } => {
            revise::edit(conn, message, editor, text, *masking, *at)
        }
        RoomWrite::Delete { message, editor, at } => revise::delete(conn, message, editor, *at),
        RoomWrite::PutProduct { product, at } => catalogue::put_product(conn, product, *at),
        RoomWrite::SetProductStatus { product, seller, status, at } => {
            catalogue::set_product_status(conn, product, seller, *status, *at)
        }
        RoomWrite::PutUser { user } => catalogue::put_user(conn, user),
        RoomWrite::DeleteUser { user, at } => catalogue::delete_user(conn, user, *at),
    }
}

#[cfg(test)]
mod tests;
