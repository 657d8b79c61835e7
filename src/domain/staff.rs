//! The marketplace's staff at work: who acts, what they do, and what the audit log says about it.

use serde::Serialize;

use super::{
    Account, Data, MessageId, ProductId, RoomId, Timestamp, User, UserId, field::InvalidField, fold::is_blank,
};
use crate::api_docs::ToSchema;

/// Longest reason of an action, in characters.
pub const REASON_CHARS_MAX: usize = 1000;

/// Longest note about a user or a report, in characters.
pub const NOTE_CHARS_MAX: usize = 4000;

/// Members of the staff in one room at a time.
pub const ROOM_STAFF_MAX: usize = 8;

/// Rooms that one member of the staff is in at a time.
pub const STAFF_ROOMS_MAX: usize = 256;

/// When a ban without an end ends, where a moment is needed: the last one that haggle writes.
pub const NEVER: Timestamp = Timestamp(253_402_207_200_000);

/// When what is stored with this moment ends; `None` for never.
#[must_use]
pub fn ends_at(until: Timestamp) -> Option<Timestamp> {
    (until < NEVER).then_some(until)
}

/// What stands for [`Moderator::Screen`] where ids are stored: no user has an empty id.
const SCREEN_STORED: &str = "";

/// Who acts for the marketplace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Moderator {
    /// A member of its staff, by a token with `haggle_role`.
    Staff {
        /// Id of the user.
        id: UserId,
    },
    /// Its own backend, by the service key.
    Service,
    /// Its own backend, by what it answers to `--screen-url`.
    Screen,
}

impl Moderator {
    /// The id that is stored; `None` for the backend.
    #[must_use]
    pub fn stored_id(&self) -> Option<&str> {
        match self {
            Self::Staff { id } => Some(id.as_str()),
            Self::Service => None,
            Self::Screen => Some(SCREEN_STORED),
        }
    }

    /// Who it is by the id that was stored.
    #[must_use]
    pub fn from_stored(id: Option<String>) -> Self {
        match id {
            None => Self::Service,
            Some(id) if id == SCREEN_STORED => Self::Screen,
            Some(id) => Self::Staff { id: UserId::from_stored(id) },
        }
    }

    /// Whose share of the server their work takes.
    #[must_use]
    pub fn account(&self) -> Account {
        match self {
            Self::Staff { id } => id.clone().into(),
            Self::Service | Self::Screen => Account::Service,
        }
    }
}

macro_rules! audit_actions {
    ($($(#[$doc:meta])* $action:ident = $name:literal,)*) => {
        /// What was done or read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum AuditAction {
            $($(#[$doc])* $action,)*
        }

        impl AuditAction {
            /// Every action, for the tables of tests.
            pub const ALL: &[Self] = &[$(Self::$action),*];

            /// Name on the wire and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$action => $name,)*
                }
            }
        }
    };
}

audit_actions! {
    /// A user was looked up.
    ReadUser = "read_user",
    /// Users were searched for by their names.
    SearchUsers = "search_users",
    /// A user's rooms were listed.
    ListUserRooms = "list_user_rooms",
    /// A person's data was exported.
    ExportUser = "export_user",
    /// A user's sessions were ended.
    EndSessions = "end_sessions",
    /// A user was erased.
    DeleteUser = "delete_user",
    /// A product was looked up.
    ReadProduct = "read_product",
    /// A product's rooms were listed.
    ListProductRooms = "list_product_rooms",
    /// A product was taken down.
    UnlistProduct = "unlist_product",
    /// A product was put back.
    RelistProduct = "relist_product",
    /// Conversations that the staff looks after were listed.
    ListRooms = "list_rooms",
    /// A room was looked up.
    ReadRoom = "read_room",
    /// A conversation was read.
    ReadMessages = "read_messages",
    /// All conversations were searched.
    SearchMessages = "search_messages",
    /// A message was removed.
    RemoveMessage = "remove_message",
    /// A room was frozen.
    FreezeRoom = "freeze_room",
    /// A room was unfrozen.
    UnfreezeRoom = "unfreeze_room",
    /// A member of the staff has joined a room.
    JoinRoom = "join_room",
    /// A member of the staff has left a room.
    LeaveRoom = "leave_room",
    /// A user who waited for an answer of support waits no more.
    EndWait = "end_wait",
    /// A member was warned.
    WarnUser = "warn_user",
    /// Reports were listed.
    ListReports = "list_reports",
    /// A report was read.
    ReadReport = "read_report",
    /// A report was decided.
    DecideReport = "decide_report",
    /// A report was given to a member of the staff, or to nobody.
    AssignReport = "assign_report",
    /// A user was muted.
    MuteUser = "mute_user",
    /// A user's mute was ended.
    UnmuteUser = "unmute_user",
    /// Mutes were listed.
    ListMutes = "list_mutes",
    /// A user was banned.
    BanUser = "ban_user",
    /// A user's ban was ended.
    UnbanUser = "unban_user",
    /// Bans were listed.
    ListBans = "list_bans",
    /// A note was written.
    AddNote = "add_note",
    /// Notes were read.
    ListNotes = "list_notes",
    /// A message was decided about before it was stored, by what the backend answered to `--screen-url`.
    ScreenMessage = "screen_message",
    /// The audit log was read.
    ReadAudit = "read_audit",
}

impl AuditAction {
    /// Reads the name; `None` for any other word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == name)
    }

    /// Whether nothing was done: somebody has looked at something.
    #[must_use]
    pub const fn is_read(self) -> bool {
        matches!(
            self,
            Self::ReadUser
                | Self::SearchUsers
                | Self::ListUserRooms
                | Self::ReadProduct
                | Self::ListProductRooms
                | Self::ListRooms
                | Self::ReadRoom
                | Self::ReadMessages
                | Self::SearchMessages
                | Self::ListReports
                | Self::ReadReport
                | Self::ListMutes
                | Self::ListBans
                | Self::ListNotes
                | Self::ReadAudit
        )
    }
}

/// What an action is about: each id that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditSubject {
    /// The user whom it is about: of a removed message its sender, of a report the reported user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Id of the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// Id of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Id of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// Id of the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_id: Option<String>,
}

impl AuditSubject {
    #[must_use]
    pub fn user(id: &UserId) -> Self {
        Self { user_id: Some(id.clone()), ..Self::default() }
    }

    #[must_use]
    pub fn room(id: &RoomId) -> Self {
        Self { room_id: Some(id.clone()), ..Self::default() }
    }

    #[must_use]
    pub fn product(id: &ProductId) -> Self {
        Self { product_id: Some(id.clone()), ..Self::default() }
    }

    #[must_use]
    pub fn report(id: &str) -> Self {
        Self { report_id: Some(id.to_owned()), ..Self::default() }
    }
}

/// One entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Grows with time.
    #[schema(value_type = String)]
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Moderator,
    /// What.
    pub action: AuditAction,
    /// About whom or what.
    #[serde(flatten)]
    pub about: AuditSubject,
    /// Why, in the words of the one who acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// More about it: until when a ban stands, what was searched for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub details: Option<Data>,
}

/// Which of the two ways to silence a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SanctionKind {
    /// They can read, and can't send anything.
    Mute,
    /// They can't sign in.
    Ban,
}

impl SanctionKind {
    /// Name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mute => "mute",
            Self::Ban => "ban",
        }
    }
}

/// A mute or a ban that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sanction {
    /// The muted or banned user.
    pub user: User,
    /// When it ends by itself; absent for one that stays until it is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why; absent for a mute that is a report's decision alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who has set it; absent for a mute that is a report's decision alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Moderator>,
    /// When it was set; absent for a mute that is a report's decision alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

/// What a note is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteSubject {
    User(UserId),
    Report(String),
}

/// A note of the staff's. No user ever sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Unique everywhere; grows with time.
    pub id: String,
    /// The words.
    pub text: String,
    /// Who has written it.
    pub by: Moderator,
    /// When.
    pub created_at: Timestamp,
}

/// What a message said before the marketplace removed it.
#[derive(Debug, Clone, PartialEq)]
pub struct RemovedWords {
    /// Its words.
    pub text: Option<String>,
    /// Its data, as it was stored.
    pub data: Option<Data>,
}

/// What a message said before its sender edited it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FormerText {
    /// Its words; absent for an image that had none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When others took their place.
    pub replaced_at: Timestamp,
}

/// Checks the reason of an action.
///
/// # Errors
/// [`InvalidField`] when it is blank, longer than [`REASON_CHARS_MAX`] characters, or holds U+0000.
pub fn check_reason(reason: &str) -> Result<(), InvalidField> {
    check_words("reason", reason, REASON_CHARS_MAX)
}

/// Checks the words of a note.
///
/// # Errors
/// [`InvalidField`] when they are blank, longer than [`NOTE_CHARS_MAX`] characters, or hold U+0000.
pub fn check_note(text: &str) -> Result<(), InvalidField> {
    check_words("text", text, NOTE_CHARS_MAX)
}

fn check_words(name: &str, words: &str, chars_max: usize) -> Result<(), InvalidField> {
    if is_blank(words) || words.chars().count() > chars_max || words.contains('\0') {
        return Err(InvalidField(format!("`{name}` must be 1 to {chars_max} characters without U+0000")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_one_name_on_the_wire_and_in_the_database() {
        for action in AuditAction::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
            assert_eq!(AuditAction::parse(action.as_str()), Some(*action));
        }
    }

    #[test]
    fn a_moderator_is_stored_by_their_id_and_the_backend_by_none() {
        let staff = Moderator::Staff { id: UserId::new("mina").unwrap() };
        for (moderator, json) in [
            (staff, r#"{"role":"staff","id":"mina"}"#),
            (Moderator::Service, r#"{"role":"service"}"#),
            (Moderator::Screen, r#"{"role":"screen"}"#),
        ] {
            assert_eq!(serde_json::to_string(&moderator).unwrap(), json);
            assert_eq!(Moderator::from_stored(moderator.stored_id().map(str::to_owned)), moderator);
        }
    }
}
