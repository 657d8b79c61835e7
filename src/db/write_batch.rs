//! The writes of many senders, in one transaction: a commit costs the disk one wait, however many messages it holds.

mod append;
mod catalogue;
mod changes;
mod cost;
mod ended_offers;
mod erase_user;
mod offers;
mod revise;
mod safety;
mod waves;
mod write_error;

use super::{
    Connection, DbError, OperationError,
    models::{change, recovery},
};
use crate::domain::{
    Block, ClientId, Draft, Listing, MessageId, Product, ProductId, ProductStatus, Recovery, Role, RoomId,
    RoomSettingsPatch, Seq, Settings, SettingsPatch, StoredMessage, Timestamp, User, UserId,
    masking::Inspected,
    offer::{self, Price},
    safety::{Decision, Report},
};
pub use erase_user::{ErasureProgress, finish_erasures, list_erasures};
pub use write_error::WriteError;
use write_error::WriteResult;

/// One thing to write.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
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
        /// What the masking rule knows of the words by themselves.
        inspected: Inspected,
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
    /// Changes a member's own settings of a room.
    SetRoomSettings {
        /// Which room.
        room: RoomId,
        /// Whose.
        member: UserId,
        /// Which.
        patch: RoomSettingsPatch,
    },
    /// Adds or changes a product, for the marketplace.
    PutProduct {
        /// The product as it shall be.
        product: Product,
        /// Whether it stays where it stands, whatever `product` says.
        keeps_status: bool,
        /// When.
        at: Timestamp,
    },
    /// Changes where a product stands, also where that undoes the acceptance of an offer.
    SetProductStatus {
        /// Which product.
        product: ProductId,
        /// Who asks: its own seller, or the marketplace.
        seller: Option<UserId>,
        /// Where it stands from now on.
        status: ProductStatus,
        /// When.
        at: Timestamp,
    },
    /// Takes the change of a product to its next rooms, for haggle itself.
    AdvanceWave {
        /// Which product.
        product: ProductId,
        /// When.
        at: Timestamp,
    },
    /// Makes an offer in a room.
    MakeOffer {
        /// Which room.
        room: RoomId,
        /// Who offers.
        maker: UserId,
        /// What they name.
        price: Price,
        /// The maker's idempotency key.
        client_id: Option<ClientId>,
        /// When.
        at: Timestamp,
    },
    /// Answers an offer, or takes it back.
    AnswerOffer {
        /// The room that the caller believes it is in, where they name one.
        room: Option<RoomId>,
        /// The offer's message.
        message: MessageId,
        /// Who answers.
        actor: UserId,
        /// How.
        answer: offer::OfferDecision,
        /// When.
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
        /// Whom.
        blocked: UserId,
        /// When.
        at: Timestamp,
    },
    /// Takes a block away.
    Unblock {
        /// Who has blocked.
        blocker: UserId,
        /// Whom.
        blocked: UserId,
    },
    /// Turns a user's own switches.
    SetSettings {
        /// Whose, as their token names them.
        user: User,
        /// Which.
        patch: SettingsPatch,
    },
    /// Decides a report, for the marketplace. A second decision replaces the first.
    DecideReport {
        /// Which report.
        report: String,
        /// What is decided.
        decision: Decision,
        /// Until when the reported user can't say anything.
        mute_until: Option<Timestamp>,
        /// When.
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
    ForgetEnded {
        /// Before when.
        before: Timestamp,
    },
    /// Takes the words of the next few messages of a user who was deleted; again and again until nothing is left.
    EraseWords {
        /// Which user.
        user: UserId,
        /// When.
        at: Timestamp,
    },
    /// Notes that the marketplace has ended a user's sessions, for its events and for other nodes.
    NoteSessionsEnded {
        /// Whose.
        user: UserId,
    },
    /// Deletes a user for good: name and picture go, and the erasure of their words is written down. Rooms, and what the
    /// other members said, stay.
    DeleteUser {
        /// Which user.
        user: UserId,
        /// When.
        at: Timestamp,
    },
}

/// What became of a [`Write`].
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// Of [`Write::Append`].
    Appended {
        /// The message as it is stored.
        message: StoredMessage,
        /// `false` when an earlier message has the same `clientId`: then that one is `message`, and nothing was stored.
        first_time: bool,
    },
    /// Of [`Write::Edit`] and [`Write::Delete`]: the message as it now stands.
    Changed(StoredMessage),
    /// Of [`Write::MarkRead`].
    Read {
        /// Which room.
        room: RoomId,
        /// Who has read.
        reader: UserId,
        /// How far; it never goes back.
        read_seq: Seq,
        /// Messages of others after that, at this point of the batch; not counted when nothing changed.
        unread: i64,
        /// Whether `read_seq` moved, or the room was marked as unread.
        advanced: bool,
    },
    /// Of [`Write::SetRoomSettings`].
    RoomSettingsSet {
        /// Which room.
        room: RoomId,
        /// Whose.
        member: UserId,
        /// Which of the two they are.
        role: Role,
        /// How the room now stands in their list.
        listing: Listing,
        /// Whether it stood otherwise before.
        changed: bool,
    },
    /// Of [`Write::PutProduct`] and [`Write::SetProductStatus`].
    ProductPut {
        /// Whether it is new.
        created: bool,
        /// What that changed.
        change: ProductChange,
    },
    /// Of [`Write::AdvanceWave`].
    WaveAdvanced(ProductChange),
    /// Of [`Write::MakeOffer`] and [`Write::AnswerOffer`].
    OfferMoved(Box<OfferMoved>),
    /// Of [`Write::ExpireOffers`].
    OffersExpired {
        /// The offers as they now stand.
        offers: Vec<StoredMessage>,
        /// When the next one's time is over; `None` while none waits.
        next: Option<Timestamp>,
    },
    /// Of [`Write::Block`] and [`Write::Unblock`].
    BlockSet {
        /// Who blocks or has blocked.
        blocker: UserId,
        /// Whom, since when.
        blocked: Option<Block>,
        /// The other one.
        other: UserId,
        /// The rooms in which the two meet; none when nothing changed.
        rooms: Vec<RoomId>,
        /// Whether it changed something.
        changed: bool,
        /// Whether the blocker is new here.
        added: bool,
    },
    /// Of [`Write::SetSettings`].
    SettingsSet {
        /// Whose.
        user: UserId,
        /// The switches as they now stand.
        settings: Settings,
        /// Whether they stood otherwise before.
        changed: bool,
        /// Whether the user is new here.
        added: bool,
    },
    /// Of [`Write::DecideReport`].
    ReportDecided {
        /// The report as it now stands.
        report: Box<Report>,
        /// Whether it was undecided before, or decided otherwise.
        changed: bool,
        /// Until when the reported user can't say anything, by all reports together.
        muted_until: Option<Timestamp>,
        /// Whether that was otherwise before.
        mute_changed: bool,
    },
    /// Of [`Write::PutUser`].
    UserPut {
        /// The user as they now stand.
        user: User,
        /// Whether they are new.
        created: bool,
        /// Whether they are new, or stood otherwise before.
        changed: bool,
    },
    /// Of [`Write::NoteSessionsEnded`].
    SessionsEnded {
        /// Whose.
        user: UserId,
    },
    /// Of [`Write::Remember`] and [`Write::Forget`].
    Remembered,
    /// Of [`Write::ForgetEnded`].
    ForgotEnded {
        /// Whether there are more.
        has_more: bool,
    },
    /// Of [`Write::EraseWords`].
    WordsErased {
        /// Messages that have lost their words by this write.
        messages: Vec<StoredMessage>,
        /// Rooms that were gone through.
        rooms: Vec<RoomId>,
        /// Offers in these rooms that ended, as they now stand.
        offers: Vec<StoredMessage>,
        /// Whether words of the user are left.
        progress: ErasureProgress,
    },
    /// Of [`Write::DeleteUser`].
    UserDeleted {
        /// What the other members see in their place from now on.
        user: User,
        /// Whether they were not deleted before.
        changed: bool,
    },
}

/// A product that was put, and what that did to its rooms.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductChange {
    /// The product as it now stands.
    pub product: Product,
    /// Whether it is new, or stood otherwise before.
    pub changed: bool,
    /// The rooms that have heard of it so far; none when nothing changed.
    pub rooms: Vec<RoomId>,
    /// Where they have heard of another status before: what was said about it, one `system` message per room.
    pub notices: Vec<StoredMessage>,
    /// Offers that ended with the change, as they now stand.
    pub offers: Vec<StoredMessage>,
    /// When its wave goes on to the next rooms; `None` when it has reached all of them.
    pub next: Option<Timestamp>,
}

/// What an offer or an answer to one came to, in every room of the product.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferMoved {
    /// The offer as it now stands, or why it can't be: offers whose time was over have ended all the same.
    pub answer: Result<StoredMessage, WriteError>,
    /// The new offer, of [`Write::MakeOffer`] and of a counter.
    pub made: Option<(StoredMessage, Timestamp)>,
    /// Offers that changed, as they now stand.
    pub changed: Vec<StoredMessage>,
    /// The product that an acceptance has reserved.
    pub product: Option<ProductChange>,
    /// How far an answer without a message of its own has moved the read mark of the one who answered.
    pub read: Option<ReadMark>,
}

/// A read mark that has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadMark {
    /// Which room.
    pub room: RoomId,
    /// Whose mark.
    pub reader: UserId,
    /// How far they have read.
    pub read_seq: Seq,
    /// Messages of others after that.
    pub unread: i64,
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
    match write_all(conn, writes, now) {
        // Not the database but one of the writes is at fault, and which one nobody knows: its neighbours must not
        // fail with it, now and on every retry.
        Err(DbError::Internal(_)) => write_one_by_one(conn, writes, now),
        other => other,
    }
}

fn write_one_by_one(conn: &mut Connection, writes: &[Write], now: Timestamp) -> Result<Outcomes, DbError> {
    let mut outcomes = Outcomes::with_capacity(writes.len());
    for write in writes {
        match write_all(conn, std::slice::from_ref(write), now) {
            Ok(outcome) => outcomes.extend(outcome),
            // Earlier ones may be stored by now, so the batch as a whole can't fail any more.
            Err(error) => outcomes.push(Err(error.into())),
        }
    }
    Ok(outcomes)
}

fn write_all(conn: &mut Connection, writes: &[Write], now: Timestamp) -> Result<Outcomes, DbError> {
    if writes.is_empty() {
        return Ok(Outcomes::new());
    }
    // Immediate: a transaction that starts as a reader can lose its snapshot to another writer and fail at once.
    conn.immediate_transaction(|conn| {
        let mut outcomes = Outcomes::with_capacity(writes.len());
        for run in writes.chunk_by(|a, b| append::takes(a) && append::takes(b)) {
            let start = outcomes.len();
            match run {
                [first, ..] if append::takes(first) => append::write_run(conn, run, now, &mut outcomes)?,
                _ => {
                    for write in run {
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
    })
}

fn write_one(conn: &mut Connection, write: &Write, now: Timestamp) -> WriteResult {
    match write {
        // Runs of these are written together.
        Write::Append(_) | Write::MarkRead { .. } | Write::SetRoomSettings { .. } => {
            let mut outcomes = Outcomes::new();
            append::write_run(conn, std::slice::from_ref(write), now, &mut outcomes)?;
            outcomes.pop().unwrap_or(Err(WriteError::Forbidden)).map_err(OperationError::Refused)
        }
        Write::Edit { message, editor, text, inspected, at } => {
            revise::edit(conn, message, editor, text, inspected, *at)
        }
        Write::Delete { message, editor, at } => revise::delete(conn, message, editor, *at),
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
        Write::EraseWords { user, at } => erase_user::erase_words(conn, user, *at),
        Write::NoteSessionsEnded { user } => Ok(Written::SessionsEnded { user: user.clone() }),
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
mod revise_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wave_tests;
