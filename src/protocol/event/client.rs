//! What a client asks for, and what is wrong where that can't be read.

use serde::{Deserialize, de::DeserializeOwned};

#[cfg(test)]
use crate::domain::currency;
use crate::{
    api_docs::ToSchema,
    domain::{
        ClientId, Data, Emoji, MessageId, MessageKind, RoomId, Seq,
        field::{optional_whole, what_does_not_fit, whole},
        offer::{OfferDecision, Price, check_amount},
        reaction::sent_emoji,
    },
    error::ChatError,
};

/// What a client asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientEvent {
    /// Enter a room and receive its events.
    EnterRoom(EnterRoom),
    /// Leave a room; without an id the last one entered.
    LeaveRoom(Option<RoomId>),
    /// Say something.
    Message(SendMessage),
    /// Edit one of the sender's own messages.
    EditMessage(EditMessage),
    /// Delete one of the sender's own messages.
    DeleteMessage(MessageId),
    /// React to a message, or take that back.
    React(React),
    /// Start or stop typing.
    Typing(SetTyping),
    /// Name a price.
    Offer(MakeOffer),
    /// Answer an offer, or take it back.
    AnswerOffer(AnswerOffer),
    /// Say how far one has read.
    Read(MarkRead),
    /// Say how far messages have arrived.
    Delivered(MarkDelivered),
    /// Renew the token of this connection.
    Authenticate(Authenticate),
    /// See whether the connection is alive.
    Heartbeat,
}

/// Data of `enterRoom`: a room id as a string, or this.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnterRoom {
    /// Id of the room.
    pub room_id: RoomId,
    /// Last `seq` that the client has; without it the newest page is sent.
    #[serde(default)]
    pub after: Option<Seq>,
    /// The room token, where the server runs with `--authorize room-token`.
    #[serde(default)]
    pub token: Option<String>,
}

/// Data of `message`: a text as a string, or this.
#[derive(Clone, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendMessage {
    /// Which room; the last one entered when not given.
    #[serde(default)]
    pub room_id: Option<RoomId>,
    /// The words. Without `data` they must be more than blanks.
    #[serde(default)]
    pub text: Option<String>,
    /// `text`, which is also the default. The other kinds have their own events.
    #[serde(default)]
    #[schema(schema_with = sendable_kinds)]
    pub kind: MessageKind,
    /// What a client needs in addition to the words; any JSON.
    #[serde(default)]
    #[schema(value_type = Option<serde_json::Value>)]
    pub data: Option<Data>,
    /// The `seq` of an earlier message of the room, which this one replies to.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub reply_to: Option<Seq>,
    /// The sender's idempotency key, at most 64 characters.
    #[serde(default)]
    pub client_id: Option<ClientId>,
    /// The room token, where the server runs with `--authorize room-token` and the room was not entered with one.
    #[serde(default)]
    pub token: Option<String>,
}

/// What can be sent by REST.
#[cfg(test)]
fn sendable_kinds() -> utoipa::openapi::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .description(Some("A user's is `text` and the service key's `system`, also when it is left out; the other kinds have routes of their own."))
        .enum_values(Some([MessageKind::Text, MessageKind::System].map(MessageKind::as_str)))
        .build()
}

// Sizes only: a text must not reach a log.
impl std::fmt::Debug for SendMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SendMessage")
            .field("room_id", &self.room_id)
            .field("text_bytes", &self.text.as_ref().map(String::len))
            .finish_non_exhaustive()
    }
}

/// Data of `editMessage`.
#[derive(Clone, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditMessage {
    /// Which message.
    pub message_id: MessageId,
    /// The new words, more than blanks.
    pub text: String,
}

impl std::fmt::Debug for EditMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EditMessage").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}

/// Data of `react`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct React {
    /// Which room; the last one entered when not given.
    #[serde(default)]
    pub room_id: Option<RoomId>,
    /// Which message.
    pub message_id: MessageId,
    /// A single emoji; `null` takes the reaction back.
    #[serde(deserialize_with = "sent_emoji")]
    pub emoji: Option<Emoji>,
}

/// Data of `offer`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MakeOffer {
    /// Which room; the last one entered when not given.
    #[serde(default)]
    pub room_id: Option<RoomId>,
    /// In the currency's minor unit.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub amount: i64,
    /// ISO 4217 code; the product's own, where it has one.
    #[schema(schema_with = currency::schema)]
    pub currency: String,
    /// The sender's idempotency key, at most 64 characters.
    #[serde(default)]
    pub client_id: Option<ClientId>,
}

impl MakeOffer {
    /// The price that it names.
    ///
    /// # Errors
    /// `invalid` for an amount or a currency out of range.
    pub fn price(&self) -> Result<Price, ChatError> {
        let price = Price { amount: self.amount, currency: self.currency.clone() };
        price.check()?;
        Ok(price)
    }
}

/// How an offer is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfferAnswer {
    /// By the other member: take it.
    Accept,
    /// By the other member: refuse it.
    Decline,
    /// By its maker: take it back.
    Withdraw,
    /// By the other member: name another price, in `amount`.
    Counter,
}

impl OfferAnswer {
    /// The answer with its amount.
    ///
    /// # Errors
    /// `invalid` when a counter has no amount, or there is one out of range.
    pub fn with_amount(self, amount: Option<i64>) -> Result<OfferDecision, ChatError> {
        amount.map_or(Ok(()), check_amount)?;
        Ok(match self {
            Self::Accept => OfferDecision::Accept,
            Self::Decline => OfferDecision::Decline,
            Self::Withdraw => OfferDecision::Withdraw,
            Self::Counter => {
                let amount = amount.ok_or_else(|| ChatError::invalid("`amount` is needed to counter an offer"))?;
                OfferDecision::Counter { amount }
            }
        })
    }
}

/// Data of `answerOffer`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnswerOffer {
    /// Which room; that of the message when not given.
    #[serde(default)]
    pub room_id: Option<RoomId>,
    /// The offer's message.
    pub message_id: MessageId,
    /// How.
    pub answer: OfferAnswer,
    /// For a counter, in the currency of the offer.
    #[serde(default, deserialize_with = "optional_whole")]
    pub amount: Option<i64>,
}

/// Data of `typing`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetTyping {
    /// Which room; the last one entered when not given.
    #[serde(default)]
    pub room_id: Option<RoomId>,
    /// Whether one types.
    pub typing: bool,
}

/// Data of `read`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkRead {
    /// Which room; the last one entered when not given.
    #[serde(default)]
    pub room_id: Option<RoomId>,
    /// `seq` of the last message seen.
    pub seq: Seq,
}

/// Data of `delivered`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkDelivered {
    /// Which room; the last one entered when not given.
    #[serde(default)]
    pub room_id: Option<RoomId>,
    /// `seq` of the last message that has arrived.
    pub seq: Seq,
}

/// Data of `authenticate`.
#[derive(Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub struct Authenticate {
    /// A fresh token of the same user.
    pub token: String,
}

impl std::fmt::Debug for Authenticate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authenticate")
    }
}

impl ClientEvent {
    /// The name of every event, in the order of the variants.
    pub const NAMES: [&'static str; 13] = [
        "enterRoom",
        "leaveRoom",
        "message",
        "editMessage",
        "deleteMessage",
        "react",
        "typing",
        "offer",
        "answerOffer",
        "read",
        "delivered",
        "authenticate",
        "heartbeat",
    ];

    /// Reads an event from its name and its data as JSON text (`None` where the frame has none).
    ///
    /// # Errors
    /// `invalid`, naming the field or the event.
    pub fn decode(name: &str, data: Option<&str>) -> Result<Self, ChatError> {
        match name {
            "enterRoom" => match bare_string(data)? {
                Some(id) => Ok(EnterRoom { room_id: RoomId::new(id)?, after: None, token: None }),
                None => object(name, data),
            }
            .map(Self::EnterRoom),
            "leaveRoom" => Self::decode_leave(name, data),
            "message" => match bare_string(data)? {
                Some(text) => Ok(SendMessage {
                    room_id: None,
                    text: Some(text),
                    kind: MessageKind::Text,
                    data: None,
                    reply_to: None,
                    client_id: None,
                    token: None,
                }),
                None => object(name, data),
            }
            .map(Self::Message),
            "editMessage" => object(name, data).map(Self::EditMessage),
            "deleteMessage" => {
                #[derive(Deserialize)]
                #[serde(rename_all = "camelCase")]
                struct DeleteMessage {
                    message_id: MessageId,
                }
                object(name, data).map(|event: DeleteMessage| Self::DeleteMessage(event.message_id))
            }
            "react" => object(name, data).map(Self::React),
            "typing" => object(name, data).map(Self::Typing),
            "offer" => object(name, data).map(Self::Offer),
            "answerOffer" => object(name, data).map(Self::AnswerOffer),
            "read" => object(name, data).map(Self::Read),
            "delivered" => object(name, data).map(Self::Delivered),
            "authenticate" => object(name, data).map(Self::Authenticate),
            // It has no data; what a later version may send along is ignored.
            "heartbeat" => Ok(Self::Heartbeat),
            _ => Err(ChatError::invalid("`event` names no event that this server knows")),
        }
    }

    fn decode_leave(name: &str, data: Option<&str>) -> Result<Self, ChatError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct LeaveRoom {
            #[serde(default)]
            room_id: Option<RoomId>,
        }
        if data.is_none_or(|data| data.trim() == "null") {
            return Ok(Self::LeaveRoom(None));
        }
        match bare_string(data)? {
            Some(id) => Ok(Self::LeaveRoom(Some(RoomId::new(id)?))),
            None => object(name, data).map(|event: LeaveRoom| Self::LeaveRoom(event.room_id)),
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::EnterRoom(_) => Self::NAMES[0],
            Self::LeaveRoom(_) => Self::NAMES[1],
            Self::Message(_) => Self::NAMES[2],
            Self::EditMessage(_) => Self::NAMES[3],
            Self::DeleteMessage(_) => Self::NAMES[4],
            Self::React(_) => Self::NAMES[5],
            Self::Typing(_) => Self::NAMES[6],
            Self::Offer(_) => Self::NAMES[7],
            Self::AnswerOffer(_) => Self::NAMES[8],
            Self::Read(_) => Self::NAMES[9],
            Self::Delivered(_) => Self::NAMES[10],
            Self::Authenticate(_) => Self::NAMES[11],
            Self::Heartbeat => Self::NAMES[12],
        }
    }
}

fn bare_string(data: Option<&str>) -> Result<Option<String>, ChatError> {
    match data {
        Some(json) if json.trim_start().starts_with('"') => {
            serde_json::from_str(json).map(Some).map_err(|_| ChatError::invalid("`data` is not a JSON string"))
        }
        _ => Ok(None),
    }
}

fn object<T: DeserializeOwned>(name: &str, data: Option<&str>) -> Result<T, ChatError> {
    let json = data.unwrap_or("null");
    if !json.trim_start().starts_with('{') {
        // Structs would also be read from arrays, which the contract does not know.
        let shape = match name {
            "enterRoom" => "a room id as a string, or an object",
            "leaveRoom" => "a room id as a string, an object, or nothing",
            "message" => "a text as a string, or an object",
            _ => "an object",
        };
        return Err(ChatError::invalid(format!("`data` of `{name}` must be {shape}")));
    }
    let mut reader = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| describe(json, &error, name))
}

/// A sentence about JSON that does not fit, which names the field and repeats none of its value.
fn describe(json: &str, error: &serde_path_to_error::Error<serde_json::Error>, name: &str) -> ChatError {
    match what_does_not_fit(json, error) {
        (None, reason) => ChatError::invalid(format!("`data` of `{name}`: {reason}")),
        (Some(field), reason) => ChatError::invalid(format!("`{field}` of `{name}`: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::ClientEvent;

    #[test]
    fn every_name_of_the_vocabulary_is_read_as_an_event() {
        let unknown = ClientEvent::decode("nothing", Some("{}")).unwrap_err();
        for name in ClientEvent::NAMES {
            match ClientEvent::decode(name, Some("{}")) {
                Ok(event) => assert_eq!(event.name(), name),
                Err(error) => assert_ne!(error.message, unknown.message, "{name}"),
            }
        }
    }
}
