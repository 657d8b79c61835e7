//! The lines of `haggle import`: one JSON object each, parents before children.

use std::fmt;

use serde::{Deserialize, Serialize, de::IgnoredAny};
use thiserror::Error;

use super::{
    ClientId, Data, MessageKind, Product, ProductId, ProductStatus, RoomId, StoredMessage, Timestamp, User, UserId,
    currency,
    field::{InvalidField, read_object},
    message::SYSTEM_SENDER,
};

/// Longest line, in bytes.
pub const LINE_BYTES_MAX: usize = 256 * 1024;

/// Longest text of a message, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// One line that can be stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ImportLine {
    /// A user, as the marketplace has them.
    User(User),
    /// A product, as the marketplace has it.
    Product {
        /// The product.
        #[serde(flatten)]
        product: Product,
        /// The line has no status: the product stays where it stands.
        #[serde(skip)]
        keeps_status: bool,
    },
    /// A conversation of a buyer about a product.
    Room(RoomLine),
    /// Something that was said there.
    Message(MessageLine),
}

/// A conversation of a buyer about a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoomLine {
    #[serde(rename = "type", skip_serializing, default)]
    _type: Tag,
    /// The marketplace's own id, which is kept; haggle makes one when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RoomId>,
    /// What it is about.
    pub product_id: ProductId,
    /// Who asks.
    pub buyer_id: UserId,
}

/// Something that was said in a room. Its `seq` is its place among the room's lines.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MessageLine {
    #[serde(rename = "type", skip_serializing, default)]
    _type: Tag,
    /// Where.
    pub room_id: RoomId,
    /// Who said it: the buyer, the seller, or `system`.
    pub sender_id: UserId,
    /// Its words; needed for the kinds `text` and `system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When.
    pub sent_at: Timestamp,
    /// The sender's idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// What it is; `text` when not given.
    #[serde(default)]
    pub kind: MessageKind,
    /// What a client needs beside the words; any JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
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

/// The field `type`, which is read before the rest and then only has to be allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tag;

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserLine {
    #[serde(rename = "type")]
    _type: Tag,
    id: UserId,
    name: String,
    #[serde(default)]
    avatar_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProductLine {
    #[serde(rename = "type")]
    _type: Tag,
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
    /// Reads a line, without its line break.
    ///
    /// # Errors
    /// [`InvalidLine`] when it is too long, is no JSON object of one of the four types, has a field that its type does
    /// not know, or has a value out of range.
    pub fn parse(line: &[u8]) -> Result<Self, InvalidLine> {
        #[derive(Deserialize)]
        struct Tagged {
            #[serde(rename = "type")]
            tag: String,
        }
        if line.len() > LINE_BYTES_MAX {
            return Err(invalid(format!("the line is longer than {LINE_BYTES_MAX} bytes")));
        }
        let line = std::str::from_utf8(line).map_err(|_| invalid("the line is not UTF-8"))?;
        let Tagged { tag } = read_object(line)?;
        match tag.as_str() {
            "user" => {
                let UserLine { id, name, avatar_url, .. } = read_object(line)?;
                check_id(&id, "id")?;
                let user = User::new(id, name, avatar_url);
                user.check()?;
                Ok(Self::User(user))
            }
            "product" => {
                let ProductLine { id, seller_id, title, price, currency, image_url, status, .. } = read_object(line)?;
                check_id(&seller_id, "sellerId")?;
                let keeps_status = status.is_none();
                let status = status.unwrap_or_default();
                let product = Product { id, seller_id, title, price, currency, image_url, status };
                product.check()?;
                Ok(Self::Product { product, keeps_status })
            }
            "room" => {
                let room: RoomLine = read_object(line)?;
                check_id(&room.buyer_id, "buyerId")?;
                Ok(Self::Room(room))
            }
            "message" => {
                let message: MessageLine = read_object(line)?;
                message.check()?;
                Ok(Self::Message(message))
            }
            _ => Err(invalid("`type` must be user, product, room or message")),
        }
    }
}

impl RoomLine {
    /// The line of a room that is stored.
    #[must_use]
    pub fn new(id: RoomId, product_id: ProductId, buyer_id: UserId) -> Self {
        Self { _type: Tag, id: Some(id), product_id, buyer_id }
    }
}

impl From<StoredMessage> for MessageLine {
    fn from(message: StoredMessage) -> Self {
        Self {
            _type: Tag,
            room_id: message.room_id,
            sender_id: message.sender_id,
            text: message.text,
            sent_at: message.sent_at,
            client_id: message.client_id,
            kind: message.kind,
            data: message.data,
        }
    }
}

impl MessageLine {
    fn check(&self) -> Result<(), InvalidLine> {
        let by_system = self.sender_id.as_str() == SYSTEM_SENDER;
        if by_system != (self.kind == MessageKind::System) {
            return Err(invalid("`kind` must be system for the `senderId` system, and for no other"));
        }
        let has_words = self.text.as_ref().is_some_and(|text| !text.is_empty());
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

    const GOOD: [&str; 6] = [
        r#"{"type":"user","id":"u","name":"U","avatarUrl":"/u.png"}"#,
        r#"{"type":"product","id":"p","sellerId":"u","title":"P","price":0,"currency":"KRW","imageUrl":"https://x/y","status":"sold"}"#,
        r#"{"type":"room","id":"r","productId":"p","buyerId":"b"}"#,
        r#"{"type":"room","productId":"p","buyerId":"b"}"#,
        r#"{"type":"message","roomId":"r","senderId":"b","text":"hi","sentAt":"2026-11-23T09:00:00.000Z","clientId":"k","kind":"text","data":{"a":[1]}}"#,
        r#"{"type":"message","roomId":"r","senderId":"system","text":"hi","sentAt":"2026-11-23T09:00:00.000Z","kind":"system"}"#,
    ];

    #[test]
    fn a_line_is_read_and_written_back_the_same() {
        for line in GOOD {
            let read = ImportLine::parse(line.as_bytes()).unwrap();
            let written = serde_json::to_value(&read).unwrap();
            assert_eq!(written, serde_json::from_str::<Value>(line).unwrap());
            assert_eq!(ImportLine::parse(written.to_string().as_bytes()), Ok(read));
        }
    }

    #[test]
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
            (r#"{"type":"user","id":"u","name":"U","age":7}"#, "unknown field `age`"),
            (r#"{"type":"user","id":"u","name":"U","avatarUrl":"javascript:alert(1)"}"#, "`avatarUrl`"),
            (r#"{"type":"product","id":"p","sellerId":"u","title":"P","price":-1}"#, "`price`"),
            (r#"{"type":"product","id":"p","sellerId":"u","title":"P","price":1.5}"#, "`price`: expected i64"),
            (r#"{"type":"product","id":"p","sellerId":"u","title":"P","currency":"won"}"#, "`currency`"),
            (r#"{"type":"product","id":"p","sellerId":"u","title":"P","currency":"WON"}"#, "`currency`"),
            (
                r#"{"type":"message","roomId":"r","senderId":"b","kind":"offer","sentAt":"2026-11-23T09:00:00Z","data":{"amount":1,"currency":"BTC"}}"#,
                "`data.currency`",
            ),
            (r#"{"type":"product","id":"p","sellerId":"u","title":"P","status":"gone"}"#, "`status`"),
            (r#"{"type":"room","productId":"p"}"#, "missing field `buyerId`"),
            (r#"{"type":"message","roomId":"r","senderId":"b","sentAt":"2026-11-23T09:00:00Z"}"#, "`text`"),
            (r#"{"type":"message","roomId":"r","senderId":"b","text":"t","sentAt":"today"}"#, "`sentAt`"),
            (
                r#"{"type":"message","roomId":"r","senderId":"b","text":"t","sentAt":"2026-11-23T09:00:00Z","kind":"system"}"#,
                "`kind`",
            ),
            (&long, "longer than"),
        ] {
            let error = ImportLine::parse(line.as_bytes()).unwrap_err();
            assert!(error.0.contains(part), "{line:.60}: {error}");
        }
        assert!(ImportLine::parse(b"{\"type\":\"user\xff\"}").unwrap_err().0.contains("UTF-8"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end_in_a_line_or_a_reason(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = ImportLine::parse(&bytes);
        }
    }
}
