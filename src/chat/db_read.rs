//! What the chat asks the database, and what that answers.

use std::collections::HashMap;

use super::{hub_op::Asker, rooms::EntryId};
use crate::{
    db::{
        self, Behind, ChangedMessage, DbError, MessagePage, Messages, Missed, News, OtherMember, RoomState, Scope,
        Seen, Standing,
    },
    domain::{Account, MessageId, ProductId, Recovery, Role, RoomId, Seq, SessionId, User, UserId},
    protocol::push::Offset,
};

/// A question to the database.
#[derive(Debug)]
pub enum DbRead {
    /// Who these are in the rooms.
    Members(List<(RoomId, UserId)>),
    /// All that rooms in memory need.
    Rooms(List<RoomId>),
    /// Pages of history, for entries.
    Histories(List<Entry>),
    /// A session that can be taken up again.
    Recovery(FindRecovery),
    /// What a session missed that is taken up again.
    Missed(ListMissed),
    /// Users who were renamed after this position; without one, where the order of changes ends.
    Renamed(Option<i64>),
    /// A page of a user's rooms.
    OtherMembers(ProfileWalk),
    /// Unfinished waves.
    Waves,
    /// Where the order of commits ends.
    Newest,
    /// What was committed after this.
    News(db::CommitCursor),
    /// Messages of these rooms after these.
    Missing {
        asked: Vec<RoomId>,
        /// Those that are still in memory, and the last `seq` that is known of each.
        since: Vec<(RoomId, Seq)>,
    },
    /// Rooms that are in memory, again; and whether nobody else notifies their members' lists.
    RoomsAgain(Vec<(RoomId, bool)>),
    /// Messages that have changed.
    Changed(Vec<MessageId>),
    /// What a user has not read in each of their rooms; and the number of the question.
    Unread(UserId, u64),
}

impl DbRead {
    /// Which messages it concerns.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::Rooms(list) => Scope::Rooms(list.asked.clone()),
            Self::Histories(list) => Scope::Rooms(list.asked.iter().map(|entry| entry.room.clone()).collect()),
            Self::Missed(asked) => Scope::Rooms(asked.since.iter().map(|(room, _)| room.clone()).collect()),
            Self::Missing { asked, .. } => Scope::Rooms(asked.clone()),
            Self::RoomsAgain(asked) => Scope::Rooms(asked.iter().map(|(room, _)| room.clone()).collect()),
            Self::Unread(user, _) => Scope::User(user.clone()),
            Self::Newest | Self::News(_) | Self::Changed(_) => Scope::Everything,
            Self::Members(_) | Self::Recovery(_) | Self::Renamed(_) | Self::OtherMembers(_) | Self::Waves => {
                Scope::Nothing
            }
        }
    }
}

/// What the database has answered.
#[derive(Debug)]
pub enum DbAnswer {
    /// To [`DbRead::Members`].
    Members(List<(RoomId, UserId)>, Result<Vec<Standing>, DbError>),
    /// To [`DbRead::Rooms`].
    Rooms(List<RoomId>, Result<Vec<Result<Option<RoomState>, DbError>>, DbError>),
    /// To [`DbRead::Histories`].
    Histories(List<Entry>, Result<Vec<Result<Messages, DbError>>, DbError>),
    /// To [`DbRead::Recovery`].
    Recovery(FindRecovery, Result<Option<Recovery>, DbError>),
    /// To [`DbRead::Missed`].
    Missed(SessionId, Result<Option<Missed>, DbError>),
    /// To [`DbRead::Renamed`]: the users, and up to where that is.
    Renamed(Result<(Vec<User>, i64), DbError>),
    /// To [`DbRead::OtherMembers`].
    OtherMembers(ProfileWalk, Result<Vec<OtherMember>, DbError>),
    /// To [`DbRead::Waves`].
    Waves(Result<Vec<(ProductId, UserId)>, DbError>),
    /// To [`DbRead::Newest`].
    Newest(Result<db::CommitCursor, DbError>),
    /// To [`DbRead::News`].
    News(Result<News, DbError>),
    /// To [`DbRead::Missing`].
    Missing(Vec<RoomId>, Result<Vec<Behind>, DbError>),
    /// To [`DbRead::RoomsAgain`].
    RoomsAgain(Vec<(RoomId, bool)>, Result<RoomsFound, DbError>),
    /// To [`DbRead::Changed`]: the messages, and how many of those asked for were looked at.
    Changed(Vec<MessageId>, Result<(Vec<ChangedMessage>, usize), DbError>),
    /// To [`DbRead::Unread`].
    Unread(UserId, u64, Result<Vec<(RoomId, i64)>, DbError>),
}

/// Each room's own answer.
pub type RoomsFound = Vec<(RoomId, Result<Option<RoomState>, DbError>)>;

impl DbAnswer {
    /// Its name in the log.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Members(..) => "members_found",
            Self::Rooms(..) => "rooms_loaded",
            Self::Histories(..) => "histories_read",
            Self::Recovery(..) => "recovery_found",
            Self::Missed(..) => "missed_read",
            Self::Renamed(_) => "renamed_found",
            Self::OtherMembers(..) => "other_members_read",
            Self::Waves(_) => "waves_found",
            Self::Newest(_) => "newest_found",
            Self::News(_) => "news_read",
            Self::Missing(..) => "missing_read",
            Self::RoomsAgain(..) => "rooms_read",
            Self::Changed(..) => "changed_read",
            Self::Unread(..) => "unread_counted",
        }
    }
}

/// A list of reads, and whose they are.
#[derive(Debug)]
pub struct List<T> {
    pub asked: Vec<T>,
    pub(in crate::chat) accounts: HashMap<Account, usize>,
}

/// An entry whose history is to be read.
#[derive(Debug)]
pub struct Entry {
    pub(in crate::chat) asker: Asker,
    pub(in crate::chat) user: UserId,
    pub room: RoomId,
    /// Which member enters; `None` for somebody of the staff.
    pub(in crate::chat) role: Option<Role>,
    pub(in crate::chat) place: EntryId,
    /// Which part of its history.
    pub page: MessagePage,
}

/// The database has read the history for an entry.
#[derive(Debug)]
pub struct HistoryRead {
    pub(in crate::chat) asker: Asker,
    pub(in crate::chat) room: RoomId,
    /// Which member enters; `None` for somebody of the staff.
    pub(in crate::chat) role: Option<Role>,
    /// Where the session was put for it: once it has left, the history is too old for a later entry.
    pub(in crate::chat) place: EntryId,
    pub(in crate::chat) catches_up: bool,
    pub(in crate::chat) messages: Result<Messages, DbError>,
}

/// A user whose rooms are gone through, and how far that has come.
#[derive(Debug)]
pub struct ProfileWalk {
    pub user: UserId,
    pub(in crate::chat) memory: Memory,
    /// As what: first the rooms in which they buy, then those in which they sell.
    pub role: Role,
    /// The last room of the page before.
    pub after: Option<RoomId>,
}

/// Whether rooms in memory show the new name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Memory {
    /// They do: this node has made the change.
    Current,
    /// They have to be read again: another one has.
    Old,
}

/// Which earlier session a client comes back with.
#[derive(Debug)]
pub struct FindRecovery {
    /// The session that it has now.
    pub session: SessionId,
    pub user: UserId,
    /// The hash of the secret.
    pub pid_hash: String,
    pub(in crate::chat) pid: String,
    pub(in crate::chat) offset: Offset,
}

/// What a session has missed that is taken up again.
#[derive(Debug)]
pub struct ListMissed {
    pub session: SessionId,
    /// Who waits for it.
    pub account: Account,
    /// Its rooms, and where it entered each.
    pub since: Vec<(RoomId, Seq)>,
    pub seen: Seen,
}
