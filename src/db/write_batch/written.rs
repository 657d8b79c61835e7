//! What became of the writes of a batch.

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::Write;
use super::WriteError;
use crate::db::OperationError;
use crate::domain::{
    Block, Listing, Note, Product, Role, RoomId, Sanction, SanctionKind, Seq, Settings, StoredMessage, Timestamp, User,
    UserId, safety::Report,
};

/// What became of a [`Write`].
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// Of [`Write::Append`].
    Appended {
        message: StoredMessage,
        /// `false` when an earlier message has the same `clientId`: then that one is `message`, and nothing was stored.
        first_time: bool,
    },
    /// Of [`Write::Edit`] and [`Write::Delete`]: the message as it now stands.
    Changed(StoredMessage),
    /// Of [`Write::React`].
    Reacted {
        /// The message as it now stands.
        message: StoredMessage,
        /// Whether it stood otherwise before.
        changed: bool,
    },
    /// Of [`Write::MarkRead`].
    Read {
        room: RoomId,
        reader: UserId,
        /// How far; it never goes back.
        read_seq: Seq,
        /// Messages of others after that, at this point of the batch; not counted when nothing changed.
        unread: i64,
        /// Whether `read_seq` moved, or the room was marked as unread.
        advanced: bool,
    },
    /// Of [`Write::MarkDelivered`].
    Delivered {
        room: RoomId,
        member: UserId,
        /// How far; it never goes back, and is never below what the member has read.
        delivered_seq: Seq,
        /// Whether it moved.
        advanced: bool,
    },
    /// Of [`Write::MarkSeen`].
    Seen { users: Vec<(UserId, Timestamp)> },
    /// Of [`Write::SetRoomSettings`].
    RoomSettingsSet {
        room: RoomId,
        member: UserId,
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
        /// When the next one expires; `None` while none waits.
        next: Option<Timestamp>,
    },
    /// Of [`Write::Block`] and [`Write::Unblock`].
    BlockSet {
        blocker: UserId,
        /// Whom, since when.
        blocked: Option<Block>,
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
    /// Of a report that was given to a member of the staff, or to nobody: it, as it now stands.
    ReportAssigned(Box<Report>),
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
    SessionsEnded { user: UserId },
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
    /// Of what staff has read, and of ending a wait for an answer of support: then whose it was.
    Recorded(Option<UserId>),
    /// Of mutes and bans.
    SanctionSet(Box<SanctionSet>),
    /// Of freezing a room, and of unfreezing it.
    RoomFrozen {
        room: RoomId,
        /// Whether nobody can say anything there from now on.
        frozen: bool,
        /// Whether that is something else than before.
        changed: bool,
    },
    /// Of joining a room as a member of the staff, and of leaving it.
    StaffMoved(Box<StaffMoved>),
    /// Of a note of the staff's.
    NoteAdded(Box<Note>),
    /// Of [`Write::DeleteUser`].
    UserDeleted {
        /// What the other members see in their place from now on.
        user: User,
        /// Whether they were not deleted before.
        changed: bool,
        /// The rooms that they were in as a member of the staff.
        left: Vec<RoomId>,
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
    /// The offer as it now stands, or why it can't be: offers whose time had come have ended all the same.
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
    pub room: RoomId,
    /// Whose mark.
    pub reader: UserId,
    /// How far they have read.
    pub read_seq: Seq,
    /// Messages of others after that.
    pub unread: i64,
}

/// A mute or a ban that was set or ended.
#[derive(Debug, Clone, PartialEq)]
pub struct SanctionSet {
    pub kind: SanctionKind,
    /// As it now stands; without `created_at` where it was ended.
    pub sanction: Sanction,
    /// Until when it counts by now, with the mutes of reports; `None` where it does not.
    pub until: Option<Timestamp>,
    /// Whether that is something else than before.
    pub changed: bool,
}

/// A member of the staff who has joined a room, or has left it.
#[derive(Debug, Clone, PartialEq)]
pub struct StaffMoved {
    pub room: RoomId,
    pub user: UserId,
    /// Who of the staff is there now.
    pub staff: Vec<User>,
    /// What is said about it; `None` where nothing changed.
    pub notice: Option<StoredMessage>,
    /// Whether they are new here.
    pub added: bool,
}

/// How far an erasure is: the answer of [`Write::EraseWords`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureProgress {
    /// The user's words are left in some messages or reports.
    GoesOn,
    /// None are left.
    Done,
}

/// What one write of a batch comes to. A failure of the database is one of the whole batch.
pub(super) type WriteResult<T = Written> = Result<T, OperationError<WriteError>>;
