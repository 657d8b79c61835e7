//! Whose a change is, and what it costs the writer: what its share of a batch is counted by.

use super::{Moderate, Moderation, Write};
use crate::domain::{Account, Data, message::SYSTEM_SENDER};

/// What a change costs in addition to its own bytes: its rows, their indices, and its place in the changes.
const FIXED: usize = 512;

/// Reads or writes a handful of other rows.
const SOME_ROWS: usize = 4 * 1024;

/// Reads or writes the rows of some dozen rooms.
const MANY_ROOMS: usize = 32 * 1024;

/// A slice of a job, which is as long as a step may be.
const SLICE: usize = 256 * 1024;

impl Moderate {
    /// See [`Write::cost_bytes`].
    fn cost_bytes(&self) -> usize {
        let words = self.reason.as_ref().map_or(0, String::len);
        words
            + match &self.what {
                Moderation::Read { details, .. } => FIXED + details.as_ref().map_or(0, Data::weight_bytes),
                Moderation::EndSessions { .. } => FIXED,
                Moderation::AddNote { text, .. } => FIXED + text.len(),
                Moderation::SetSanction { .. }
                | Moderation::EndSanction { .. }
                | Moderation::SetFrozen { .. }
                | Moderation::RemoveMessage { .. }
                | Moderation::JoinRoom { .. }
                | Moderation::LeaveRoom { .. }
                | Moderation::EndWait { .. }
                | Moderation::AssignReport { .. }
                | Moderation::DecideReport { .. } => SOME_ROWS,
                Moderation::Warn { draft, .. } => SOME_ROWS + draft.weight_bytes(),
                Moderation::SetUnlisted { .. } | Moderation::DeleteUser { .. } => MANY_ROOMS,
            }
    }
}

impl Write {
    /// Whose change it is.
    #[must_use]
    pub fn account(&self) -> Account {
        match self {
            Self::Append(draft) if draft.sender.as_str() == SYSTEM_SENDER => Account::Service,
            Self::Append(draft) => draft.sender.clone().into(),
            Self::Edit { editor, .. } | Self::Delete { editor, .. } => editor.clone().into(),
            Self::React { member, .. } => member.clone().into(),
            Self::MarkRead { reader, .. } => reader.clone().into(),
            Self::MarkDelivered { member, .. } | Self::SetRoomSettings { member, .. } => member.clone().into(),
            Self::SetProductStatus { seller: Some(seller), .. } => seller.clone().into(),
            Self::MakeOffer { maker, .. } => maker.clone().into(),
            Self::AnswerOffer { actor, .. } => actor.clone().into(),
            Self::Block { blocker, .. } => blocker.id.clone().into(),
            Self::Unblock { blocker, .. } => blocker.clone().into(),
            Self::SetSettings { user, .. } => user.id.clone().into(),
            Self::Remember(recovery) => recovery.user.clone().into(),
            Self::Forget { user, .. } => user.clone().into(),
            Self::Moderate(moderate) => moderate.by.account(),
            Self::PutProduct { .. }
            | Self::SetProductStatus { seller: None, .. }
            | Self::PutUser { .. }
            | Self::DecideReport { .. }
            | Self::NoteSessionsEnded { .. }
            | Self::DeleteUser { .. } => Account::Service,
            Self::AdvanceWave { .. }
            | Self::ExpireOffers { .. }
            | Self::ForgetEnded { .. }
            | Self::MarkSeen { .. }
            | Self::EraseWords { .. } => Account::Server,
        }
    }

    /// What it costs the writer, in bytes: its own, or as many as take the writer the same time. Never less than it takes in
    /// memory.
    #[must_use]
    pub fn cost_bytes(&self) -> usize {
        match self {
            Self::Append(draft) => FIXED + draft.weight_bytes(),
            // The words, and those before them, go through the search index.
            Self::Edit { text, inspected, .. } => SOME_ROWS + 2 * text.len() + inspected.screened.weight_bytes(),
            Self::Remember(recovery) => FIXED + recovery.rooms.len() * 64,
            Self::MarkSeen { users } => FIXED * (1 + users.len()),
            Self::MarkRead { .. }
            | Self::MarkDelivered { .. }
            | Self::SetRoomSettings { .. }
            | Self::Forget { .. }
            | Self::PutUser { .. }
            | Self::SetSettings { .. }
            | Self::NoteSessionsEnded { .. } => FIXED,
            Self::Moderate(moderate) => moderate.cost_bytes(),
            Self::Delete { .. } | Self::React { .. } | Self::MakeOffer { .. } | Self::DecideReport { .. } => SOME_ROWS,
            Self::PutProduct { .. }
            | Self::SetProductStatus { .. }
            | Self::AdvanceWave { .. }
            | Self::AnswerOffer { .. }
            | Self::Block { .. }
            | Self::Unblock { .. }
            | Self::DeleteUser { .. } => MANY_ROOMS,
            Self::ExpireOffers { .. } | Self::ForgetEnded { .. } | Self::EraseWords { .. } => SLICE,
        }
    }

    /// Whether it only keeps the books of what has happened already: it is never refused for what its account waits for.
    #[must_use]
    pub fn is_bookkeeping(&self) -> bool {
        matches!(self, Self::Remember(_) | Self::Forget { .. })
    }
}
