//! The lines of `haggle import`: one JSON object each, parents before children.

mod fields;
mod room;

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    ClientId, Data, MessageKind, Product, ProductId, ProductStatus, Role, RoomId, Seq, StoredMessage, Times, Timestamp,
    User, UserId, currency,
    field::{InvalidField, check_text, optional_whole, read_object},
    message::SYSTEM_SENDER,
    user::NAME_CHARS_MAX,
};
pub use fields::{UnknownField, UnknownFields};
pub use room::RoomLine;

/// Longest line, in bytes.
pub const LINE_BYTES_MAX: usize = 256 * 1024;

/// Longest text of a message, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// How far the clock that wrote a line may be ahead of this one.
pub const CLOCK_LEEWAY_MS: i64 = 30_000;

/// One line that can be stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ImportLine {
    /// A user, as the marketplace has them.
    User {
        #[serde(flatten)]
        user: User,
        /// When they were made and last changed there, where the line says it.
        #[serde(flatten)]
        times: Times,
    },
    /// A product, as the marketplace has it.
    Product {
        #[serde(flatten)]
        product: Product,
        /// When it was made and last changed there, where the line says it.
        #[serde(flatten)]
        times: Times,
        /// The line has no status: the product stays where it stands.
        #[serde(skip)]
        keeps_status: bool,
    },
    /// A conversation of a buyer about a product, or of a user with the marketplace's staff.
    Room(RoomLine),
    /// A message that was sent there.
    Message(MessageLine),
}

/// How far the two members of a room have read: the `seq` of the last message that each has seen, 0 for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object with `buyer` and `seller`")]
pub struct ReadSeqs {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_whole")]
    pub buyer: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_whole")]
    pub seller: Option<i64>,
}

impl ReadSeqs {
    /// How far one of them has read, where it is given.
    #[must_use]
    pub const fn of(self, role: Role) -> Option<i64> {
        match role {
            Role::Buyer => self.buyer,
            Role::Seller => self.seller,
        }
    }

    /// The later ones of two.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { buyer: self.buyer.max(other.buyer), seller: self.seller.max(other.seller) }
    }
}

/// A message that was sent in a room. Its `seq` is its position among the room's lines.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageLine {
    pub room_id: RoomId,
    /// The sender: the buyer, the seller, `system`, or a member of the staff.
    pub sender_id: UserId,
    /// Its words; needed for the kinds `text` and `system`, unless it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The sender's idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// What it is; `text` when not given.
    #[serde(default)]
    pub kind: MessageKind,
    /// What a client needs in addition to the words; any JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
    /// What it replies to: the position of an earlier message among the room's lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Seq>,
    /// The name of the member of the staff who said it, where the sender is none of the room's members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff_name: Option<String>,
    /// When its words last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// When its sender took it back. It keeps its `seq`; its words and data are not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

// Sizes only: a text must not reach a log.
impl fmt::Debug for MessageLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageLine")
            .field("room_id", &self.room_id)
            .field("sender_id", &self.sender_id)
            .field("text_bytes", &self.text.as_ref().map(String::len))
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserLine {
    id: UserId,
    name: String,
    #[serde(default)]
    avatar_url: Option<String>,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    updated_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProductLine {
    id: ProductId,
    seller_id: UserId,
    title: String,
    #[serde(default)]
    price: Option<i64>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    image_url: Option<String>,
    #[serde(default)]
    status: Option<ProductStatus>,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    updated_at: Option<Timestamp>,
}

/// What the `data` of an offer's line has to say about its currency.
#[derive(Deserialize)]
struct OfferedIn {
    currency: Option<String>,
}

/// Why a line can't be stored: a sentence that names the field and repeats none of its value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidLine(pub String);

impl From<InvalidField> for InvalidLine {
    fn from(InvalidField(sentence): InvalidField) -> Self {
        Self(sentence)
    }
}

impl ImportLine {
    /// Reads a line, without its line break, and notes which of its fields haggle does not know: they are left out.
    ///
    /// # Errors
    /// [`InvalidLine`] when it is too long, is no JSON object of one of the four types, or has a value out of range.
    pub fn parse(line: &[u8], unknown: &mut UnknownFields) -> Result<Self, InvalidLine> {
        if line.len() > LINE_BYTES_MAX {
            return Err(invalid(format!("the line is longer than {LINE_BYTES_MAX} bytes")));
        }
        let line = std::str::from_utf8(line).map_err(|_| invalid("the line is not UTF-8"))?;
        let names: fields::Names = read_object(line)?;
        let read = match names.tag.as_str() {
            "user" => {
                let UserLine { id, name, avatar_url, created_at, updated_at } = read_object(line)?;
                check_id(&id, "id")?;
                let user = User::new(id, name, avatar_url);
                user.check()?;
                Self::User { user, times: Times { created_at, updated_at } }
            }
            "product" => {
                let line: ProductLine = read_object(line)?;
                let ProductLine { id, seller_id, title, price, currency, image_url, status, .. } = line;
                check_id(&seller_id, "sellerId")?;
                let times = Times { created_at: line.created_at, updated_at: line.updated_at };
                let keeps_status = status.is_none();
                let status = status.unwrap_or_default();
                let product = Product { id, seller_id, title, price, currency, image_url, status, unlisted: false };
                product.check()?;
                Self::Product { product, times, keeps_status }
            }
            "room" => {
                let room: RoomLine = read_object(line)?;
                check_id(&room.buyer_id, if room.product_id.is_some() { "buyerId" } else { "userId" })?;
                room.read_seq.unwrap_or_default().check()?;
                Self::Room(room)
            }
            "message" => {
                let message: MessageLine = read_object(line)?;
                message.check()?;
                Self::Message(message)
            }
            _ => return Err(invalid("`type` must be user, product, room or message")),
        };
        read.check_order_of_times()?;
        unknown.note(names);
        Ok(read)
    }

    /// Checks that nothing has happened later than a moment.
    ///
    /// # Errors
    /// [`InvalidLine`] with the field that is later.
    pub fn check_not_after(&self, latest: Timestamp) -> Result<(), InvalidLine> {
        let future = self.times().into_iter().find(|(_, at)| at.is_some_and(|at| at > latest));
        future.map_or(Ok(()), |(field, _)| Err(invalid(format!("`{field}` is in the future"))))
    }

    /// Every time that the line says, the earliest one first.
    fn times(&self) -> Vec<(&'static str, Option<Timestamp>)> {
        match self {
            Self::User { times, .. } | Self::Product { times, .. } => {
                vec![("createdAt", times.created_at), ("updatedAt", times.updated_at)]
            }
            Self::Room(room) => vec![("createdAt", room.created_at)],
            Self::Message(message) => vec![
                ("sentAt", Some(message.sent_at)),
                ("editedAt", message.edited_at),
                ("deletedAt", message.deleted_at),
            ],
        }
    }

    fn check_order_of_times(&self) -> Result<(), InvalidLine> {
        let mut times = self.times().into_iter().filter_map(|(field, at)| Some((field, at?)));
        let Some((first, begun)) = times.next() else { return Ok(()) };
        let early = times.find(|(_, at)| *at < begun);
        early.map_or(Ok(()), |(field, _)| Err(invalid(format!("`{field}` is before `{first}`"))))
    }
}

impl ReadSeqs {
    fn check(self) -> Result<(), InvalidLine> {
        for (field, seq) in [("buyer", self.buyer), ("seller", self.seller)] {
            if seq.is_some_and(|seq| seq < 0) {
                return Err(invalid(format!("`readSeq.{field}` must be 0 or more")));
            }
        }
        Ok(())
    }
}

impl From<StoredMessage> for MessageLine {
    fn from(message: StoredMessage) -> Self {
        Self {
            room_id: message.room_id,
            sender_id: message.sender_id,
            text: message.text,
            sent_at: message.sent_at,
            client_id: message.client_id,
            kind: message.kind,
            data: message.data,
            reply_to: message.reply_to,
            staff_name: message.staff_name,
            edited_at: message.edited_at,
            deleted_at: message.deleted_at,
        }
    }
}

impl MessageLine {
    fn check(&self) -> Result<(), InvalidLine> {
        let by_system = self.sender_id.as_str() == SYSTEM_SENDER;
        if by_system != (self.kind == MessageKind::System) {
            return Err(invalid("`kind` must be system for the `senderId` system, and for no other"));
        }
        if let Some(name) = &self.staff_name {
            check_text(name, "staffName", NAME_CHARS_MAX).map_err(|invalid| InvalidLine(invalid.to_string()))?;
            if !matches!(self.kind, MessageKind::Text | MessageKind::Image) {
                return Err(invalid("`staffName` is for the kinds text and image"));
            }
        }
        let has_words = self.text.as_ref().is_some_and(|text| !text.is_empty()) || self.deleted_at.is_some();
        if !has_words && matches!(self.kind, MessageKind::Text | MessageKind::System) {
            return Err(invalid("`text` must not be empty"));
        }
        if !has_words && self.data.is_none() {
            return Err(invalid("`data` or `text` must say something"));
        }
        if self.text.as_ref().is_some_and(|text| text.len() > TEXT_BYTES_MAX) {
            return Err(invalid(format!("`text` must be at most {TEXT_BYTES_MAX} bytes")));
        }
        if self.kind == MessageKind::Offer {
            let price = self.data.as_ref().and_then(|data| data.read::<OfferedIn>());
            price.and_then(|price| price.currency).map_or(Ok(()), |code| currency::check(&code, "data.currency"))?;
        }
        self.data.as_ref().map_or(Ok(()), Data::check_imported).map_err(|unfit| invalid(unfit.to_string()))
    }
}

fn invalid(reason: impl Into<String>) -> InvalidLine {
    InvalidLine(reason.into())
}

fn check_id(id: &UserId, field: &str) -> Result<(), InvalidLine> {
    if id.as_str() == SYSTEM_SENDER {
        return Err(invalid(format!("`{field}` must not be `{SYSTEM_SENDER}`: it stands for the marketplace itself")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn parse(line: &[u8]) -> Result<ImportLine, InvalidLine> {
        ImportLine::parse(line, &mut UnknownFields::default())
    }

    const GOOD: [&str; 15] = [
        r#"{"type":"user","id":"u","name":"U","avatarUrl":"/u.png"}"#,
        r#"{"type":"product","id":"p","sellerId":"u","title":"P","price":0,"currency":"KRW","imageUrl":"https://x/y","status":"sold"}"#,
        r#"{"type":"room","id":"r","productId":"p","buyerId":"b"}"#,
        r#"{"type":"room","productId":"p","buyerId":"b"}"#,
        r#"{"type":"room","kind":"support","userId":"u"}"#,
        r#"{"type":"room","id":"r","kind":"support","userId":"u","createdAt":"2026-01-01T00:00:00.000Z","readSeq":{"buyer":3}}"#,
        r#"{"type":"user","id":"u","name":"U","createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-02T00:00:00.000Z"}"#,
        r#"{"type":"product","id":"p","sellerId":"u","title":"P","status":"on_sale","createdAt":"2026-01-01T00:00:00.000Z"}"#,
        r#"{"type":"room","productId":"p","buyerId":"b","createdAt":"2026-01-01T00:00:00.000Z","readSeq":{"buyer":3,"seller":0}}"#,
        r#"{"type":"message","roomId":"r","senderId":"b","text":"hi","sentAt":"2026-11-23T09:00:00.000Z","kind":"text","editedAt":"2026-11-23T09:01:00.000Z"}"#,
        r#"{"type":"message","roomId":"r","senderId":"b","sentAt":"2026-11-23T09:00:00.000Z","kind":"text","deletedAt":"2026-11-23T09:02:00.000Z"}"#,
        r#"{"type":"message","roomId":"r","senderId":"b","text":"hi","sentAt":"2026-11-23T09:00:00.000Z","clientId":"k","kind":"text","data":{"a":[1]}}"#,
        r#"{"type":"message","roomId":"r","senderId":"b","text":"hi","sentAt":"2026-11-23T09:00:00.000Z","kind":"text","replyTo":3}"#,
        r#"{"type":"message","roomId":"r","senderId":"m","text":"hi","sentAt":"2026-11-23T09:00:00.000Z","kind":"text","staffName":"Mina"}"#,
        r#"{"type":"message","roomId":"r","senderId":"system","text":"hi","sentAt":"2026-11-23T09:00:00.000Z","kind":"system"}"#,
    ];

    #[test]
    fn a_line_is_read_and_written_back_the_same() {
        for line in GOOD {
            let read = parse(line.as_bytes()).unwrap();
            let written = serde_json::to_value(&read).unwrap();
            assert_eq!(written, serde_json::from_str::<Value>(line).unwrap());
            assert_eq!(parse(written.to_string().as_bytes()), Ok(read));
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table: one row per fault")]
    fn a_bad_line_is_refused_with_its_field() {
        let long = format!(r#"{{"type":"user","id":"u","name":"{}"}}"#, "x".repeat(LINE_BYTES_MAX));
        for (line, part) in [
            ("", "JSON object"),
            ("[]", "JSON object"),
            ("{", "EOF"),
            ("{} {}", "missing field `type`"),
            (r#"{"type":"offer"}"#, "`type` must be"),
            (r#"{"type":7}"#, "`type`: expected a string"),
            (r#"{"type":"user","id":"u","name":"U"} x"#, "more than one object"),
            (r#"{"type":"user","id":"u"}"#, "missing field `name`"),
            (r#"{"type":"user","id":"u","name":" "}"#, "`name`"),
            (r#"{"type":"user","id":"u","name":"\u200b\u3164"}"#, "`name`"),
            (r#"{"type":"product","id":"p","sellerId":"u","title":"\u2060 \u00ad"}"#, "`title`"),
            (r#"{"type":"user","id":"","name":"U"}"#, "`id`: a user id must be 1 to 128"),
            (r#"{"type":"user","id":"system","name":"U"}"#, "`id` must not be"),
            (r#"{"type":"user","id":"u","name":"U","avatarUrl":"javascript:alert(1)"}"#, "`avatarUrl`"),
            (r#"{"type":"product","id":"p","sellerId":"u","title":"P","price":-1}"#, "`price`"),
            (
                r#"{"type":"product","id":"p","sellerId":"u","title":"P","price":1.5}"#,
                "`price`: expected a whole number",
            ),
            (r#"{"type":"product","id":"p","sellerId":"u","title":"P","currency":"won"}"#, "`currency`"),
            (r#"{"type":"product","id":"p","sellerId":"u","title":"P","currency":"WON"}"#, "`currency`"),
            (
                r#"{"type":"message","roomId":"r","senderId":"b","kind":"offer","sentAt":"2026-11-23T09:00:00Z","data":{"amount":1,"currency":"BTC"}}"#,
                "`data.currency`",
            ),
            (r#"{"type":"product","id":"p","sellerId":"u","title":"P","status":"gone"}"#, "`status`"),
            (r#"{"type":"room","productId":"p"}"#, "missing field `buyerId`"),
            (r#"{"type":"room","buyerId":"b"}"#, "missing field `productId`"),
            (r#"{"type":"room","kind":"support"}"#, "missing field `userId`"),
            (
                r#"{"type":"room","productId":"p","buyerId":"b","userId":"u"}"#,
                "`userId` is for the kind support: leave it out",
            ),
            (
                r#"{"type":"room","kind":"support","userId":"u","productId":"p"}"#,
                "`productId` and `buyerId` are not for the kind support: leave them out",
            ),
            (
                r#"{"type":"room","kind":"support","userId":"system"}"#,
                "`userId` must not be `system`: it stands for the marketplace itself",
            ),
            (r#"{"type":"message","roomId":"r","senderId":"b","sentAt":"2026-11-23T09:00:00Z"}"#, "`text`"),
            (r#"{"type":"message","roomId":"r","senderId":"b","text":"t","sentAt":"today"}"#, "`sentAt`"),
            (
                r#"{"type":"message","roomId":"r","senderId":"b","text":"t","sentAt":"2026-11-23T09:00:00Z","kind":"system"}"#,
                "`kind`",
            ),
            (
                r#"{"type":"room","productId":"p","buyerId":"b","readSeq":3}"#,
                "`readSeq`: expected an object with `buyer` and `seller`",
            ),
            (
                r#"{"type":"room","productId":"p","buyerId":"b","readSeq":{"buyer":"3"}}"#,
                "`readSeq.buyer`: expected a whole number",
            ),
            (
                r#"{"type":"room","productId":"p","buyerId":"b","readSeq":{"seller":1.5}}"#,
                "`readSeq.seller`: expected a whole number",
            ),
            (
                r#"{"type":"room","productId":"p","buyerId":"b","readSeq":{"seller":-1}}"#,
                "`readSeq.seller` must be 0 or more",
            ),
            (r#"{"type":"room","productId":"p","buyerId":"b","readSeq":{"saler":1}}"#, "unknown field `saler`"),
            (r#"{"type":"room","productId":"p","buyerId":"b","createdAt":7}"#, "`createdAt`"),
            (
                r#"{"type":"user","id":"u","name":"U","createdAt":"2026-01-02T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z"}"#,
                "`updatedAt` is before `createdAt`",
            ),
            (
                r#"{"type":"message","roomId":"r","senderId":"b","text":"t","sentAt":"2026-11-23T09:00:00Z","editedAt":"2026-11-22T09:00:00Z"}"#,
                "`editedAt` is before `sentAt`",
            ),
            (
                r#"{"type":"message","roomId":"r","senderId":"b","sentAt":"2026-11-23T09:00:00Z","deletedAt":"2026-11-22T09:00:00Z"}"#,
                "`deletedAt` is before `sentAt`",
            ),
            (&long, "longer than"),
        ] {
            let error = parse(line.as_bytes()).unwrap_err();
            assert!(error.0.contains(part), "{line:.60}: {error}");
        }
        assert!(parse(b"{\"type\":\"user\xff\"}").unwrap_err().0.contains("UTF-8"));
    }

    #[test]
    fn a_line_that_is_ahead_of_the_clock_is_refused_with_its_field() {
        let latest = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let late = "2026-01-01T00:00:00.001Z";
        let message = r#""type":"message","roomId":"r","senderId":"b","text":"t""#;
        for (line, field) in [
            (format!(r#"{{"type":"user","id":"u","name":"U","createdAt":"{late}"}}"#), "createdAt"),
            (format!(r#"{{"type":"user","id":"u","name":"U","updatedAt":"{late}"}}"#), "updatedAt"),
            (format!(r#"{{"type":"product","id":"p","sellerId":"u","title":"P","createdAt":"{late}"}}"#), "createdAt"),
            (format!(r#"{{"type":"product","id":"p","sellerId":"u","title":"P","updatedAt":"{late}"}}"#), "updatedAt"),
            (format!(r#"{{"type":"room","productId":"p","buyerId":"b","createdAt":"{late}"}}"#), "createdAt"),
            (format!(r#"{{{message},"sentAt":"{late}"}}"#), "sentAt"),
            (format!(r#"{{{message},"sentAt":"2026-01-01T00:00:00Z","editedAt":"{late}"}}"#), "editedAt"),
            (format!(r#"{{{message},"sentAt":"2026-01-01T00:00:00Z","deletedAt":"{late}"}}"#), "deletedAt"),
        ] {
            let parsed = parse(line.as_bytes()).unwrap();
            assert_eq!(parsed.check_not_after(latest), Err(invalid(format!("`{field}` is in the future"))), "{line}");
            assert_eq!(parsed.check_not_after(latest.plus_ms(1)), Ok(()), "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end_in_a_line_or_a_reason(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
