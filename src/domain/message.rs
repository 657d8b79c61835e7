//! Messages: a [`Draft`] before the commit, a [`StoredMessage`] after it.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::{Deserialize, Serialize};

use super::{
    ClientId, ContactKind, Data, MessageId, Reaction, RoomId, Seq, Timestamp, UserId, data::UnfitData, fold::is_blank,
    masking::Screened,
};
use crate::api_docs::ToSchema;

/// For how long the sender may edit or delete a message.
pub const EDIT_WINDOW_MS: i64 = 15 * 60 * 1000;

/// What a message is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Words of a member.
    #[default]
    Text,
    /// A price, and what became of it, in `data`.
    Offer,
    /// A picture, described in `data`.
    Image,
    /// Words of the marketplace.
    System,
}

impl MessageKind {
    /// Name on every wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Offer => "offer",
            Self::Image => "image",
            Self::System => "system",
        }
    }

    /// Reads the name; `None` for any other word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Text, Self::Offer, Self::Image, Self::System].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// `senderId` of the marketplace's own messages in a room. Not a user id: a token for it is refused.
pub const SYSTEM_SENDER: &str = "system";

/// A message that is not stored yet.
#[derive(Clone, PartialEq)]
pub struct Draft {
    pub room: RoomId,
    /// Who says it.
    pub sender: UserId,
    /// The sender's idempotency key.
    pub client_id: Option<ClientId>,
    /// The kind of message.
    pub kind: MessageKind,
    /// Its words.
    pub text: Option<String>,
    /// What a client needs in addition to the words; any JSON.
    pub data: Option<Data>,
    /// The `seq` of the message that it replies to.
    pub reply_to: Option<Seq>,
    /// When haggle accepted it.
    pub sent_at: Timestamp,
    /// What the masking rule makes of its words. It counts for as long as no offer was accepted in the room.
    pub screened: Screened,
    /// Whether it came with a token of the staff: then its sender need not be a member of a room that they have joined.
    pub by_staff: bool,
}

/// About what a message holds in addition to its text and data.
const FIXED_BYTES: usize = 256;

impl Draft {
    /// Bytes that it holds while it waits for its commit.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        FIXED_BYTES
            + self.text.as_ref().map_or(0, String::len)
            + self.data.as_ref().map_or(0, Data::weight_bytes)
            + self.screened.weight_bytes()
    }
}

/// About how many bytes a message of these words and this many bytes of data takes as JSON.
#[must_use]
pub fn weight_bytes(text: Option<&str>, data_bytes: usize) -> usize {
    FIXED_BYTES + text.map_or(0, json_text_bytes) + data_bytes
}

/// Bytes that a text takes as a JSON string, without its quotes: a control character takes up to six.
#[must_use]
pub fn json_text_bytes(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
            0..0x20 => 6,
            _ => 1,
        })
        .sum()
}

// Ids and sizes only: a text must not reach a log.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("room", &self.room)
            .field("sender", &self.sender)
            .field("kind", &self.kind)
            .field("weight_bytes", &self.weight_bytes())
            .finish_non_exhaustive()
    }
}

/// A message that the database has committed. It has no JSON of its own: clients see it by a view of it, and what keeps or
/// carries it has a form of its own.
#[derive(Clone, PartialEq)]
pub struct StoredMessage {
    /// Unique everywhere.
    pub id: MessageId,
    /// Its room.
    pub room_id: RoomId,
    /// Its place in the room: 1, 2, 3 … without a hole.
    pub seq: Seq,
    /// Its place among all messages, in the order of their commits. On no wire but as the offset of Socket.IO.
    pub position: i64,
    /// The user who sent it; `system` for the marketplace.
    pub sender_id: UserId,
    /// The sender's idempotency key, if there was one.
    pub client_id: Option<ClientId>,
    /// The kind of message.
    pub kind: MessageKind,
    /// Its words; absent once deleted.
    pub text: Option<String>,
    /// What a client needs in addition to the words. An image is stored by its keys, see [`StoredImage`](super::stored_image::StoredImage).
    pub data: Option<Data>,
    /// When haggle accepted it.
    pub sent_at: Timestamp,
    /// When its words last changed.
    pub edited_at: Option<Timestamp>,
    /// When its sender took it back. It keeps its place and its `seq`.
    pub deleted_at: Option<Timestamp>,
    /// Contacts that its words hold or held, to reach someone outside the conversation: both members see a notice of the
    /// risk.
    pub warnings: Vec<ContactKind>,
    /// The `seq` of the earlier message of its room that it replies to.
    pub reply_to: Option<Seq>,
    /// What its room's members have reacted with, at most one of each.
    pub reactions: Vec<Reaction>,
    /// Whether the marketplace has removed it: it is deleted then, and not by its sender.
    pub is_removed: bool,
    /// The name of the member of the staff who said it, as it was then: their user id is no member's. Empty for one who was
    /// deleted since; `None` for a member and for the marketplace.
    pub staff_name: Option<String>,
}

/// What may change of a stored message, in short: whether it is known as it stands is seen without its words. Never leaves the
/// process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct MessageState(u64);

impl MessageState {
    /// From when it was edited and deleted and whether it was removed, from its reactions, and from the data of an offer.
    #[must_use]
    pub fn new(
        revised: (Option<Timestamp>, Option<Timestamp>, bool),
        reactions: &[Reaction],
        offer: Option<&str>,
    ) -> Self {
        let mut hasher = DefaultHasher::new();
        (revised, reactions, offer).hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// The part of a system message's `data` that names the member whom it is about.
#[derive(Deserialize)]
struct About {
    about: String,
}

/// Whether a system message with this `data` is about a user: then it is nothing new to them, and never unread.
#[must_use]
pub fn is_about(data: &Data, user: &UserId) -> bool {
    // Most have no such field, and need not be read.
    data.json().contains(ABOUT_KEY) && data.read::<About>().is_some_and(|About { about }| about == user.as_str())
}

/// How the name of the field `about` stands in JSON.
pub const ABOUT_KEY: &str = "\"about\"";

impl StoredMessage {
    /// Whether it is unread for a member until they have read up to it: it is not theirs, and not about them.
    #[must_use]
    pub fn is_news_to(&self, member: &UserId) -> bool {
        let is_about = || self.data.as_ref().is_some_and(|data| is_about(data, member));
        self.sender_id != *member && !(self.kind == MessageKind::System && is_about())
    }

    /// How it stands, see [`MessageState`].
    #[must_use]
    pub fn state(&self) -> MessageState {
        let offer = self.data.as_ref().filter(|_| self.kind == MessageKind::Offer).map(Data::json);
        MessageState::new((self.edited_at, self.deleted_at, self.is_removed), &self.reactions, offer)
    }

    /// Whether somebody says something by it: it is no notice about one of the members.
    #[must_use]
    pub fn is_said(&self) -> bool {
        let names_somebody = |data: &Data| data.json().contains(ABOUT_KEY) && data.read::<About>().is_some();
        self.kind != MessageKind::System || !self.data.as_ref().is_some_and(names_somebody)
    }

    /// Bytes that it takes as JSON, about; in memory it takes no more.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        weight_bytes(self.text.as_deref(), self.data.as_ref().map_or(0, Data::weight_bytes))
    }
}

impl fmt::Debug for StoredMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredMessage")
            .field("id", &self.id)
            .field("room", &self.room_id)
            .field("seq", &self.seq)
            .field("sender", &self.sender_id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Words and data that can't be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnfitText {
    /// Neither words that one sees nor data.
    #[error("`text` must not be empty or blank")]
    Empty,
    /// A character that PostgreSQL can't store, and that nobody means.
    #[error("`text` must not hold the character U+0000")]
    Nul,
    /// Data that haggle does not keep.
    #[error(transparent)]
    Data(#[from] UnfitData),
    /// Over the limit.
    #[error("`text` and `data` together must be at most {bytes_max} bytes, got {bytes}")]
    TooLong {
        /// What it may be.
        bytes_max: usize,
        bytes: usize,
    },
}

/// Checks a message's words and data against the limit.
///
/// # Errors
/// [`UnfitText`] when there is nothing to see and no data, a character that can't be stored, data that is nested too
/// deeply or holds a name of haggle's own, or more than `bytes_max` bytes of UTF-8 and JSON together.
pub fn check_size(text: Option<&str>, data: Option<&Data>, bytes_max: usize) -> Result<(), UnfitText> {
    if text.is_some_and(|text| text.contains('\0')) {
        return Err(UnfitText::Nul);
    }
    let bytes = text.map_or(0, str::len) + data.map_or(0, Data::weight_bytes);
    if bytes > bytes_max {
        return Err(UnfitText::TooLong { bytes_max, bytes });
    }
    data.map_or(Ok(()), Data::check)?;
    if text.is_none_or(is_blank) && data.is_none() {
        return Err(UnfitText::Empty);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_needs_something_that_one_sees_unless_there_is_data() {
        for blank in ["", " ", "\t\r\n", "\u{a0}\u{3000}", "\u{200b}\u{feff}", "\u{3164}\u{2800}", "\u{e0041}"] {
            assert_eq!(check_size(Some(blank), None, 100), Err(UnfitText::Empty), "{blank:?}");
            assert_eq!(check_size(Some(blank), Some(&Data::of(&true)), 100), Ok(()), "{blank:?}");
        }
        for seen in [".", " a ", "\u{200b}가", "👍\u{fe0f}", "🏴\u{e0067}\u{e007f}"] {
            assert_eq!(check_size(Some(seen), None, 100), Ok(()), "{seen:?}");
        }
        assert_eq!(check_size(Some("\0"), None, 100), Err(UnfitText::Nul));
        assert_eq!(check_size(Some("   "), None, 2), Err(UnfitText::TooLong { bytes_max: 2, bytes: 3 }));
    }

    #[test]
    fn a_system_message_is_news_to_all_but_the_member_whom_it_is_about() {
        let message = |sender: &str, kind, data: Option<&str>| StoredMessage {
            id: MessageId::from_stored("m"),
            room_id: RoomId::from_stored("r"),
            seq: Seq(1),
            position: 0,
            sender_id: UserId::from_stored(sender),
            client_id: None,
            kind,
            text: None,
            data: data.map(|json| Data::from_json(json.to_owned()).unwrap()),
            sent_at: Timestamp(0),
            edited_at: None,
            deleted_at: None,
            warnings: Vec::new(),
            reply_to: None,
            reactions: Vec::new(),
            is_removed: false,
            staff_name: None,
        };
        let news = |message: StoredMessage| ["sam", "alice"].map(|user| message.is_news_to(&UserId::from_stored(user)));
        let system = |data| news(message(SYSTEM_SENDER, MessageKind::System, data));
        assert_eq!(system(Some(r#"{"code":"x","about":"sam"}"#)), [false, true]);
        let is_said = |data| message(SYSTEM_SENDER, MessageKind::System, data).is_said();
        assert_eq!([is_said(Some(r#"{"about":"sam"}"#)), is_said(Some("{}")), is_said(None)], [false, true, true]);
        for other in [None, Some(r#"{"about":7}"#), Some(r#"["about","sam"]"#), Some(r#"{"x":{"about":"sam"}}"#)] {
            assert_eq!(system(other), [true, true], "{other:?}");
        }
        let about_sam = Some(r#"{"about":"sam"}"#);
        assert_eq!(news(message("alice", MessageKind::Text, about_sam)), [true, false], "members name nobody");
    }

    #[test]
    fn data_weighs_as_much_as_its_json_and_counts_with_the_text() {
        let data = Data::from_json("[1,  2]".to_owned()).unwrap();
        assert_eq!(check_size(Some("abc"), Some(&data), 10), Ok(()));
        assert_eq!(check_size(Some("abc"), Some(&data), 9), Err(UnfitText::TooLong { bytes_max: 9, bytes: 10 }));
        let deep = Data::from_json(format!("{}{}", "[".repeat(33), "]".repeat(33))).unwrap();
        assert_eq!(check_size(None, Some(&deep), 100), Err(UnfitText::Data(UnfitData::TooDeep(32))));
    }

    #[test]
    fn a_text_weighs_as_much_as_its_json() {
        for text in ["", "plain", "a \"b\" \\", "\n\r\t\u{8}\u{c}", "\u{0}\u{1}\u{1f}\u{7f}", "자전거 👍"] {
            assert_eq!(json_text_bytes(text) + 2, serde_json::to_string(text).unwrap().len(), "{text:?}");
        }
    }
}
