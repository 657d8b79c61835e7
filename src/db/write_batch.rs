//! The writes of many senders, in one transaction: a commit costs the disk one wait, however many messages it holds.

mod append;
mod catalogue;
mod changes;
mod concerns;
mod cost;
mod ended_offers;
mod erase_user;
mod last_seen;
mod moderate;
mod offers;
mod react;
mod revise;
mod safety;
mod waves;
mod write_error;
mod written;

use super::{
    Connection, DbError, OperationError,
    models::{change, recovery},
    tail::{Tail, settle_tables},
};
use crate::domain::{
    ClientId, Draft, Emoji, MessageId, Product, ProductId, ProductStatus, Recovery, RoomId, RoomSettingsPatch, Seq,
    SettingsPatch, Timestamp, User, UserId,
    masking::Inspected,
    offer::{self, Price},
    safety::Decision,
};
pub use erase_user::{finish_erasures, list_erasures};
pub use moderate::{Moderate, Moderation};
pub use write_error::WriteError;
use written::WriteResult;
pub use written::{ErasureProgress, OfferMoved, ProductChange, ReadMark, SanctionSet, Written};

/// One thing to write.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Stores a message. Its sender must be a member of the room, or [`SYSTEM_SENDER`](crate::domain::message::SYSTEM_SENDER)
    /// with the kind `system`, which may write to any room.
    Append(Draft),
    /// Changes the words of one's own message.
    Edit {
        message: MessageId,
        editor: UserId,
        /// The new words.
        text: String,
        /// What the masking rule knows of the words by themselves.
        inspected: Inspected,
        at: Timestamp,
    },
    /// Takes one's own message back.
    Delete { message: MessageId, editor: UserId, at: Timestamp },
    /// Reacts to a message of either member.
    React {
        room: RoomId,
        message: MessageId,
        member: UserId,
        /// In place of what they have reacted with before; `None` takes that back.
        emoji: Option<Emoji>,
        at: Timestamp,
    },
    /// Says how far a member has read.
    MarkRead {
        room: RoomId,
        reader: UserId,
        /// `seq` of the last message seen; one after the newest counts as the newest.
        seq: Seq,
    },
    /// Says how far messages have reached a member's device.
    MarkDelivered {
        room: RoomId,
        member: UserId,
        /// `seq` of the last message that has arrived; one after the newest counts as the newest.
        seq: Seq,
    },
    /// Notes when users were last active, for haggle itself.
    MarkSeen {
        /// Each user once, and when.
        users: Vec<(UserId, Timestamp)>,
    },
    /// Changes a member's own settings of a room.
    SetRoomSettings { room: RoomId, member: UserId, patch: RoomSettingsPatch },
    /// Adds or changes a product, for the marketplace.
    PutProduct {
        /// The product as it shall be.
        product: Product,
        /// Whether it stays where it stands, whatever `product` says.
        keeps_status: bool,
        at: Timestamp,
    },
    /// Changes where a product stands, also where that undoes the acceptance of an offer.
    SetProductStatus {
        product: ProductId,
        /// Who asks: its own seller, or the marketplace.
        seller: Option<UserId>,
        /// Where it stands from now on.
        status: ProductStatus,
        at: Timestamp,
    },
    /// Takes the change of a product to its next rooms, for haggle itself.
    AdvanceWave { product: ProductId, at: Timestamp },
    /// Makes an offer in a room.
    MakeOffer {
        room: RoomId,
        maker: UserId,
        price: Price,
        /// The maker's idempotency key.
        client_id: Option<ClientId>,
        at: Timestamp,
    },
    /// Answers an offer, or takes it back.
    AnswerOffer {
        /// The room that the caller believes it is in, where they name one.
        room: Option<RoomId>,
        /// The offer's message.
        message: MessageId,
        actor: UserId,
        answer: offer::OfferDecision,
        at: Timestamp,
    },
    /// Takes offers out of their time, for haggle itself. Some of them, when there are very many.
    ExpireOffers {
        /// When it is.
        at: Timestamp,
    },
    /// Blocks somebody: neither of the two can say anything to the other from then on.
    Block {
        /// Who blocks, as their token names them.
        blocker: User,
        blocked: UserId,
        at: Timestamp,
    },
    /// Removes a block.
    Unblock { blocker: UserId, blocked: UserId },
    /// Turns a user's own switches.
    SetSettings {
        /// Whose, as their token names them.
        user: User,
        patch: SettingsPatch,
    },
    /// Decides a report, for the marketplace. A second decision replaces the first.
    DecideReport {
        report: String,
        /// What is decided.
        decision: Decision,
        /// Until when the reported user can't say anything.
        mute_until: Option<Timestamp>,
        at: Timestamp,
    },
    /// Adds or changes a user, for the marketplace.
    PutUser {
        /// The user as they shall be.
        user: User,
    },
    /// Remembers what a session of Socket.IO finds again when it comes back.
    Remember(Recovery),
    /// Forgets one of them.
    Forget {
        /// Whose session it was.
        user: UserId,
        /// SHA-256 of its secret.
        pid_hash: String,
    },
    /// Forgets some of those whose sessions ended long ago.
    ForgetEnded { before: Timestamp },
    /// Takes the words of the next few messages of a user who was deleted; again and again until nothing is left.
    EraseWords { user: UserId, at: Timestamp },
    /// Notes that the marketplace has ended a user's sessions, for its events and for other nodes.
    NoteSessionsEnded { user: UserId },
    /// What the marketplace's staff or its backend does or has read, with its entry in the audit log.
    Moderate(Box<Moderate>),
    /// Deletes a user for good: name and picture go, and the erasure of their words is written down. Rooms, and what the
    /// other members said, stay.
    DeleteUser { user: UserId, at: Timestamp },
}

/// What became of each write of a batch, in its order.
pub type Outcomes = Vec<Result<Written, WriteError>>;

/// Writes everything in one transaction, in this order, and says what became of each. `now` is when: the time of the events.
///
/// A write that is refused leaves the others alone. When the database itself fails, nothing was written.
///
/// # Errors
/// [`DbError`], and then nothing is stored: the whole batch can be answered with it, or tried again.
pub fn write_batch(conn: &mut Connection, writes: &[Write], now: Timestamp) -> Result<Outcomes, DbError> {
    // Immediate: a transaction that starts as a reader can lose its snapshot to another writer and fail at once.
    let all = conn.immediate_transaction(|conn| {
        settle_tables(conn)?;
        write_all(conn, None, writes, now)
    });
    or_one_by_one(conn, all, writes, now)
}

/// The same for the one writer of a file: messages and read marks wait in its tail to be settled.
///
/// # Errors
/// As [`write_batch`].
pub fn write_deferred(
    conn: &mut Connection,
    tail: &mut Tail,
    writes: &[Write],
    now: Timestamp,
) -> Result<Outcomes, DbError> {
    if !matches!(conn, Connection::Sqlite(_)) {
        return write_batch(conn, writes, now);
    }
    let all = tail.transaction(conn, |tail, conn| write_all(conn, Some(tail), writes, now));
    or_one_by_one(conn, all, writes, now)
}

fn or_one_by_one(
    conn: &mut Connection,
    all: Result<Outcomes, DbError>,
    writes: &[Write],
    now: Timestamp,
) -> Result<Outcomes, DbError> {
    match all {
        // Not the database but one of the writes is at fault, and which one nobody knows: its neighbours must not
        // fail with it, now and on every retry.
        Err(DbError::Internal(_)) => write_one_by_one(conn, writes, now),
        other => other,
    }
}

fn write_one_by_one(conn: &mut Connection, writes: &[Write], now: Timestamp) -> Result<Outcomes, DbError> {
    let mut outcomes = Outcomes::with_capacity(writes.len());
    for write in writes {
        let one = conn.immediate_transaction(|conn| {
            settle_tables(conn)?;
            write_all(conn, None, std::slice::from_ref(write), now)
        });
        match one {
            Ok(outcome) => outcomes.extend(outcome),
            // Earlier ones may be stored by now, so the batch as a whole can't fail any more.
            Err(error) => outcomes.push(Err(error.into())),
        }
    }
    Ok(outcomes)
}

fn write_all(
    conn: &mut Connection,
    mut tail: Option<&mut Tail>,
    writes: &[Write],
    now: Timestamp,
) -> Result<Outcomes, DbError> {
    let mut outcomes = Outcomes::with_capacity(writes.len());
    for run in writes.chunk_by(|a, b| append::takes(a) && append::takes(b)) {
        let start = outcomes.len();
        match run {
            [first, ..] if append::takes(first) => {
                append::write_run(conn, tail.as_deref_mut(), run, now, &mut outcomes)?;
            }
            _ => {
                for write in run {
                    if let Some(tail) = tail.as_deref_mut() {
                        let scope = concerns::scope_of(conn, write)?;
                        tail.settle_in(conn, &scope)?;
                        tail.forget_newest();
                    }
                    outcomes.push(match write_one(conn, write, now) {
                        Ok(written) => Ok(written),
                        // What it has written before, such as offers that expired, stays.
                        Err(OperationError::Refused(refused)) => Err(refused),
                        Err(OperationError::Db(error)) => return Err(error),
                    });
                }
            }
        }
        // After the run's messages: those of one commit are all there at once.
        let changes: Vec<_> = outcomes[start..].iter().flatten().flat_map(changes::of).collect();
        change::record(conn, &changes, now)?;
    }
    Ok(outcomes)
}

fn write_one(conn: &mut Connection, write: &Write, now: Timestamp) -> WriteResult {
    match write {
        // Runs of these are written together.
        Write::Append(_) | Write::MarkRead { .. } | Write::MarkDelivered { .. } | Write::SetRoomSettings { .. } => {
            let mut outcomes = Outcomes::new();
            append::write_run(conn, None, std::slice::from_ref(write), now, &mut outcomes)?;
            outcomes.pop().unwrap_or(Err(WriteError::Forbidden)).map_err(OperationError::Refused)
        }
        Write::Edit { message, editor, text, inspected, at } => {
            revise::edit(conn, message, editor, text, inspected, *at)
        }
        Write::Delete { message, editor, at } => revise::delete(conn, message, editor, *at),
        Write::React { room, message, member, emoji, at } => {
            react::react(conn, room, message, member, emoji.as_ref(), *at)
        }
        Write::PutProduct { product, keeps_status, at } => {
            catalogue::put_product(conn, product.clone(), *keeps_status, *at)
        }
        Write::SetProductStatus { product, seller, status, at } => {
            catalogue::set_product_status(conn, product, seller.as_ref(), *status, *at)
        }
        Write::AdvanceWave { product, at } => waves::go_on(conn, product, *at),
        Write::MakeOffer { room, maker, price, client_id, at } => {
            offers::make(conn, room, maker, price, client_id.as_ref(), *at)
        }
        Write::AnswerOffer { room, message, actor, answer, at } => {
            offers::answer(conn, room.as_ref(), message, actor, *answer, *at)
        }
        Write::ExpireOffers { at } => offers::expire(conn, *at),
        Write::Block { blocker, blocked, at } => safety::block(conn, blocker, blocked, *at),
        Write::Unblock { blocker, blocked } => safety::unblock(conn, blocker, blocked),
        Write::SetSettings { user, patch } => safety::set_settings(conn, user, *patch, now),
        Write::DecideReport { report, decision, mute_until, at } => {
            safety::decide_report(conn, report, *decision, *mute_until, *at)
        }
        Write::PutUser { user } => catalogue::put_user(conn, user, now),
        Write::MarkSeen { users } => last_seen::mark_seen(conn, users),
        Write::EraseWords { user, at } => erase_user::erase_words(conn, user, *at),
        Write::NoteSessionsEnded { user } => Ok(Written::SessionsEnded { user: user.clone() }),
        Write::Moderate(moderate) => moderate::perform(conn, moderate, now),
        Write::DeleteUser { user, at } => catalogue::delete_user(conn, user, *at),
        Write::Remember(recovery) => Ok(recovery::save(conn, recovery).map(|()| Written::Remembered)?),
        Write::Forget { pid_hash, .. } => Ok(recovery::remove(conn, pid_hash).map(|()| Written::Remembered)?),
        Write::ForgetEnded { before } => {
            Ok(recovery::remove_ended(conn, *before).map(|has_more| Written::ForgotEnded { has_more })?)
        }
    }
}

#[cfg(test)]
mod offer_tests;
#[cfg(test)]
mod race_tests;
#[cfg(test)]
mod react_tests;
#[cfg(test)]
mod receipt_tests;
#[cfg(test)]
mod revise_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wave_tests;
