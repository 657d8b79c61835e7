//! What an operation is for: whose work it is, which lane it takes and what the log calls it.

use crate::domain::Account;

/// Lanes to the readers, in the order in which they are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadLane {
    /// What the `ChatServer` asks in lists, for everyone who enters a room or sends a message. It divides them by account
    /// itself.
    Entry,
    /// A few rows: whether someone is a member, one room, one session to be resumed.
    Check,
    /// A page of a list.
    List,
    /// What may take long: searches, exports, reports, events, scans of the file.
    Heavy,
}

/// Lanes to the writer, in the order in which they are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteLane {
    /// The `ChatServer`'s batches.
    Commit,
    /// What a reader waits for: the moving of messages out of the tail.
    Settle,
    /// A change that a request waits for.
    Change,
    /// haggle's own work that nobody waits for.
    Background,
}

/// What an operation is for.
#[derive(Debug, Clone)]
pub struct Purpose<L> {
    pub(super) account: Account,
    pub(super) lane: L,
    /// A name from a fixed list, for the log and never something that a client chose.
    pub(super) kind: &'static str,
}

pub type Reading = Purpose<ReadLane>;

/// What a change is for.
pub type Writing = Purpose<WriteLane>;

impl Reading {
    /// A list of the `ChatServer`'s questions.
    pub(super) const fn entry(kind: &'static str) -> Self {
        Self { account: Account::Server, lane: ReadLane::Entry, kind }
    }

    /// A few rows that somebody waits for.
    pub fn check(account: impl Into<Account>, kind: &'static str) -> Self {
        Self { account: account.into(), lane: ReadLane::Check, kind }
    }

    /// A page of a list.
    pub fn list(account: impl Into<Account>, kind: &'static str) -> Self {
        Self { account: account.into(), lane: ReadLane::List, kind }
    }

    /// What may take long.
    pub fn heavy(account: impl Into<Account>, kind: &'static str) -> Self {
        Self { account: account.into(), lane: ReadLane::Heavy, kind }
    }
}

impl Writing {
    /// A batch of the `ChatServer`'s.
    pub(super) const fn commit() -> Self {
        Self { account: Account::Server, lane: WriteLane::Commit, kind: "commit" }
    }

    /// The moving of messages out of the tail.
    pub(super) const fn settle() -> Self {
        Self { account: Account::Server, lane: WriteLane::Settle, kind: "settle" }
    }

    /// A change that a request waits for.
    pub fn change(account: impl Into<Account>, kind: &'static str) -> Self {
        Self { account: account.into(), lane: WriteLane::Change, kind }
    }

    /// haggle's own work, which waits for everyone else's. One piece of each kind at a time, a few milliseconds long.
    #[must_use]
    pub const fn background(kind: &'static str) -> Self {
        Self { account: Account::Server, lane: WriteLane::Background, kind }
    }
}
