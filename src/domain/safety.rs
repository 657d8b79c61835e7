//! What protects members from each other: blocks, reports and what the marketplace decides about them.

use serde::{Deserialize, Serialize};

use super::{MessageId, RoomId, StoredMessage, Timestamp, User, UserId, field::InvalidField, fold::is_blank};
use crate::api_docs::ToSchema;

/// Longest text of a report, in characters.
pub const REPORT_CHARS_MAX: usize = 2000;

/// A user whom the caller has blocked.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// The blocked user.
    pub user: User,
    /// Since when.
    pub created_at: Timestamp,
}

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportCategory {
    /// Advertisement, or the same to many.
    Spam,
    /// Wants money or data for nothing.
    Scam,
    /// Threats, insults, hate.
    Harassment,
    /// Something that must not be sold.
    ProhibitedItem,
    /// Something else, described in the text.
    Other,
}

impl ReportCategory {
    const ALL: [Self; 5] = [Self::Spam, Self::Scam, Self::Harassment, Self::ProhibitedItem, Self::Other];

    /// Name on every wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Scam => "scam",
            Self::Harassment => "harassment",
            Self::ProhibitedItem => "prohibited_item",
            Self::Other => "other",
        }
    }

    /// Reads the name; `None` for any other word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == name)
    }
}

/// What the marketplace's staff makes of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing is wrong.
    Dismissed,
    /// The report is right. With `muteUntil` the reported user can't say anything until then.
    Upheld,
}

impl Decision {
    /// Name on every wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dismissed => "dismissed",
            Self::Upheld => "upheld",
        }
    }

    /// Reads the name; `None` for any other word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Dismissed, Self::Upheld].into_iter().find(|decision| decision.as_str() == name)
    }
}

/// Whether a report waits for its decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportState {
    /// It waits.
    Open,
    /// It was decided.
    Decided,
}

/// A member's report of the other one.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Unique everywhere; grows with time.
    pub id: String,
    pub reporter_id: UserId,
    pub reported_id: UserId,
    pub room_id: RoomId,
    pub message_id: Option<MessageId>,
    /// What it is about.
    pub category: ReportCategory,
    /// What the reporter says about it.
    pub text: Option<String>,
    /// The reported message and those around it, oldest first, as they stood then.
    pub messages: Vec<StoredMessage>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it waits for its decision.
    pub state: ReportState,
    /// What was decided.
    pub decision: Option<Decision>,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Until when the reported user can't say anything.
    pub mute_until: Option<Timestamp>,
    /// The member of the staff who looks after it.
    pub assignee_id: Option<UserId>,
}

/// Checks what a reporter says.
///
/// # Errors
/// [`InvalidField`] when it is blank, longer than [`REPORT_CHARS_MAX`] characters, or holds U+0000.
pub fn check_report_text(text: &str) -> Result<(), InvalidField> {
    if is_blank(text) || text.chars().count() > REPORT_CHARS_MAX || text.contains('\0') {
        return Err(InvalidField(format!("`text` must be 1 to {REPORT_CHARS_MAX} characters without U+0000")));
    }
    Ok(())
}
