//! Socket.IO packets of a client.
//!
//! ```text
//! type [attachments "-"] [namespace ","] [ack id] [JSON]
//! 0 CONNECT | 1 DISCONNECT | 2 EVENT | 3 ACK | 4 CONNECT_ERROR | 5 BINARY_EVENT | 6 BINARY_ACK
//! ```
//!
//! A namespace begins with `/` and may end with the packet instead of a comma. The JSON of a CONNECT is an object, that of an
//! event an array which begins with its name.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use thiserror::Error;

use super::MAIN_NAMESPACE;

/// Names that a client's library keeps for its own events.
const RESERVED_NAMES: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Longest name of a namespace, in bytes: an unknown one goes back in the answer.
const NAMESPACE_BYTES_MAX: usize = 256;

/// Most arguments of an event after its name, and of an ack: each is kept as a slice, which is larger than a short argument.
const ARGUMENTS_MAX: usize = 64;

/// A packet of a client, as slices of its text.
#[derive(Debug)]
pub struct Packet<'a> {
    /// Where to; begins with `/`.
    pub namespace: &'a str,
    /// Binary messages that follow it and belong to it.
    pub attachments: usize,
    /// The kind of packet.
    pub kind: Kind<'a>,
}

/// What a packet is.
#[derive(Debug)]
pub enum Kind<'a> {
    /// Joins the namespace, with the client's `auth`, a JSON object.
    Connect(Option<&'a RawValue>),
    /// Leaves the namespace.
    Disconnect,
    /// Something for the namespace.
    Event {
        name: EventName<'a>,
        /// Its arguments.
        args: Vec<&'a RawValue>,
        /// The client's mark when it wants an acknowledgement.
        ack: Option<u64>,
    },
    /// The acknowledgement of an event of the server's.
    Ack {
        /// The server's mark.
        id: u64,
        /// Its arguments.
        args: Vec<&'a RawValue>,
    },
}

/// The name of an event. The protocol tolerates a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventName<'a> {
    /// A name.
    Text(Cow<'a, str>),
    /// A number, as it came.
    Number(&'a str),
}

/// How a client broke the protocol. The connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PacketError {
    /// No type, or one that no client may send.
    #[error("a packet must begin with its type, 0 to 3, 5 or 6")]
    UnknownType,
    /// A binary packet without its number of attachments, or with too many.
    #[error("a binary packet must say how many attachments follow, at most {attachments_max}")]
    Attachments { attachments_max: usize },
    /// A namespace's name over the limit.
    #[error("the name of a namespace must not be longer than {NAMESPACE_BYTES_MAX} bytes")]
    LongNamespace,
    /// An ack id where none belongs, none where one does, or one over 2^53.
    #[error("an ack id must be a number where the packet's type has one")]
    AckId,
    /// JSON that is none, or none of the packet's type.
    #[error(
        "the JSON of a packet must be an object for CONNECT, an array for events and acks, and nothing for DISCONNECT"
    )]
    Payload,
    /// An event or an ack with more arguments than anybody needs.
    #[error("an event or an ack must have at most {ARGUMENTS_MAX} arguments")]
    Arguments,
    /// An event without a name, or with a reserved one.
    #[error("an event must begin with its name, which must not be a reserved one")]
    EventName,
    /// A placeholder that stands for no attachment, or for one that another stands for.
    #[error("the placeholders must be the numbers of the attachments, each once")]
    Placeholders,
    /// A text while attachments were due.
    #[error("attachments are due")]
    AttachmentsDue,
    /// A binary message that nothing announced.
    #[error("a binary message came that no packet announced")]
    UnexpectedBinary,
    /// Attachments over the limit together.
    #[error("the attachments of a packet must not be more than {bytes_max} bytes together")]
    AttachmentsTooLarge { bytes_max: usize },
}

impl<'a> Packet<'a> {
    /// Reads the text of an Engine.IO message.
    ///
    /// # Errors
    /// [`PacketError`] when no client may send it.
    pub fn decode(text: &'a str, attachments_max: usize) -> Result<Self, PacketError> {
        let (kind, rest) = text.split_at_checked(1).ok_or(PacketError::UnknownType)?;
        let binary = matches!(kind, "5" | "6");
        let (attachments, rest) = if binary { read_attachments(rest, attachments_max)? } else { (0, rest) };
        let (namespace, rest) = read_namespace(rest)?;
        let (ack, json) = read_ack_id(rest)?;
        let kind = match (kind, ack) {
            ("0", None) => Kind::Connect(read_auth(json)?),
            ("1", None) if json.is_empty() => Kind::Disconnect,
            ("1", None) => return Err(PacketError::Payload),
            ("2" | "5", ack) => {
                let mut args = read_array(json)?;
                if args.is_empty() {
                    return Err(PacketError::EventName);
                }
                let name = EventName::read(args.remove(0))?;
                Kind::Event { name, args, ack }
            }
            ("3" | "6", Some(id)) => Kind::Ack { id, args: read_array(json)? },
            ("0" | "1" | "3" | "6", _) => return Err(PacketError::AckId),
            _ => return Err(PacketError::UnknownType),
        };
        Ok(Self { namespace, attachments, kind })
    }
}

impl<'a> EventName<'a> {
    fn read(json: &'a RawValue) -> Result<Self, PacketError> {
        let json = json.get();
        match json.as_bytes().first() {
            Some(b'"') => {
                // Without an escape it is used where it lies.
                let plain = json.get(1..json.len() - 1).filter(|name| !name.contains('\\'));
                let name = match plain {
                    Some(name) => Cow::Borrowed(name),
                    None => Cow::Owned(serde_json::from_str(json).map_err(|_| PacketError::EventName)?),
                };
                if RESERVED_NAMES.contains(&&*name) { Err(PacketError::EventName) } else { Ok(Self::Text(name)) }
            }
            Some(b'-' | b'0'..=b'9') => Ok(Self::Number(json)),
            _ => Err(PacketError::EventName),
        }
    }
}

fn read_attachments(text: &str, attachments_max: usize) -> Result<(usize, &str), PacketError> {
    let wrong = PacketError::Attachments { attachments_max };
    let (number, rest) = text.split_once('-').ok_or(wrong)?;
    if !is_number(number) {
        return Err(wrong);
    }
    match number.parse() {
        Ok(number) if number <= attachments_max => Ok((number, rest)),
        _ => Err(wrong),
    }
}

fn read_namespace(text: &str) -> Result<(&str, &str), PacketError> {
    if !text.starts_with('/') {
        return Ok((MAIN_NAMESPACE, text));
    }
    let (namespace, rest) = text.split_once(',').unwrap_or((text, ""));
    if namespace.len() > NAMESPACE_BYTES_MAX {
        return Err(PacketError::LongNamespace);
    }
    Ok((namespace, rest))
}

fn read_ack_id(text: &str) -> Result<(Option<u64>, &str), PacketError> {
    /// Beyond it a client in JavaScript would not know its own number again.
    const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Ok((None, text));
    }
    let (number, rest) = text.split_at(digits);
    match number.parse() {
        Ok(id) if id <= SAFE_INTEGER_MAX => Ok((Some(id), rest)),
        _ => Err(PacketError::AckId),
    }
}

fn read_auth(json: &str) -> Result<Option<&RawValue>, PacketError> {
    match json.as_bytes().first() {
        None => Ok(None),
        Some(b'{') => serde_json::from_str(json).map(Some).map_err(|_| PacketError::Payload),
        Some(_) => Err(PacketError::Payload),
    }
}

fn read_array(json: &str) -> Result<Vec<&RawValue>, PacketError> {
    if !json.starts_with('[') {
        return Err(PacketError::Payload);
    }
    let Arguments(arguments) = serde_json::from_str(json).map_err(|_| PacketError::Payload)?;
    // The name of an event is the first.
    if arguments.len() > ARGUMENTS_MAX + 1 { Err(PacketError::Arguments) } else { Ok(arguments) }
}

/// Slices of a packet's array. Of more than are allowed, only enough are kept to know that.
struct Arguments<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Arguments<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut arguments = Vec::new();
                while let Some(argument) = items.next_element()? {
                    if arguments.len() < ARGUMENTS_MAX + 2 {
                        arguments.push(argument);
                    }
                }
                Ok(arguments)
            }
        }

        deserializer.deserialize_seq(Reader).map(Self)
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(text: &str) -> Result<Packet<'_>, PacketError> {
        Packet::decode(text, 3)
    }

    fn event(text: &str) -> (String, String, Vec<String>, Option<u64>, usize) {
        let packet = decode(text).unwrap();
        let Kind::Event { name: EventName::Text(name), args, ack } = packet.kind else { panic!("no event: {text}") };
        let args = args.iter().map(|arg| arg.get().to_owned()).collect();
        (packet.namespace.to_owned(), name.into_owned(), args, ack, packet.attachments)
    }

    #[test]
    fn a_packet_has_a_namespace_an_ack_id_and_json() {
        let expect = |namespace: &str, args: &[&str], ack, attachments| {
            let args = args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
            (namespace.to_owned(), "message".to_owned(), args, ack, attachments)
        };
        assert_eq!(event(r#"2["message"]"#), expect("/", &[], None, 0));
        assert_eq!(event(r#"2["message",1,{"a":[]}]"#), expect("/", &["1", "{\"a\":[]}"], None, 0));
        assert_eq!(event(r#"2/chat,12["message","x"]"#), expect("/chat", &["\"x\""], Some(12), 0));
        assert_eq!(event(r#"20["mess\u0061ge"]"#), expect("/", &[], Some(0), 0));
        assert_eq!(event(r#"51-/chat,7["message",{}]"#), expect("/chat", &["{}"], Some(7), 1));
        assert!(matches!(decode("0").unwrap().kind, Kind::Connect(None)));
        let connect = decode(r#"0/chat,{"token":"t"}"#).unwrap();
        assert_eq!(connect.namespace, "/chat");
        assert!(matches!(connect.kind, Kind::Connect(Some(auth)) if auth.get() == r#"{"token":"t"}"#));
        assert!(matches!(decode("0/chat").unwrap(), Packet { namespace: "/chat", kind: Kind::Connect(None), .. }));
        assert!(matches!(decode("1/chat,").unwrap(), Packet { namespace: "/chat", kind: Kind::Disconnect, .. }));
        assert!(matches!(decode("1").unwrap().kind, Kind::Disconnect));
        assert!(matches!(decode("3/chat,5[1,2]").unwrap().kind, Kind::Ack { id: 5, args } if args.len() == 2));
        assert!(matches!(decode("2[5]").unwrap().kind, Kind::Event { name: EventName::Number("5"), .. }));
    }

    #[test]
    fn what_no_client_may_send_is_named() {
        let attachments = PacketError::Attachments { attachments_max: 3 };
        for (text, error) in [
            ("", PacketError::UnknownType),
            ("abc", PacketError::UnknownType),
            ("é", PacketError::UnknownType),
            ("7", PacketError::UnknownType),
            ("4{}", PacketError::UnknownType),
            ("0[]", PacketError::Payload),
            ("0\"x\"", PacketError::Payload),
            ("0{", PacketError::Payload),
            ("01{}", PacketError::AckId),
            ("1{}", PacketError::Payload),
            ("2", PacketError::Payload),
            ("2{}", PacketError::Payload),
            ("2[]", PacketError::EventName),
            (&format!("2[\"a\"{}]", ",0".repeat(ARGUMENTS_MAX + 1)), PacketError::Arguments),
            ("2[\"a\"", PacketError::Payload),
            ("2[\"a\"]x", PacketError::Payload),
            ("2[null]", PacketError::EventName),
            ("2[{}]", PacketError::EventName),
            ("2[\"connect\"]", PacketError::EventName),
            ("2[\"disconnec\\u0074\"]", PacketError::EventName),
            ("2abc[\"message\"]", PacketError::Payload),
            ("299999999999999999[\"message\"]", PacketError::AckId),
            ("3[]", PacketError::AckId),
            ("5[\"a\"]", attachments),
            ("5-[\"a\"]", attachments),
            ("54-[\"a\"]", attachments),
            ("5+1-[\"a\"]", attachments),
            ("599999999999999999999999-[\"a\"]", attachments),
        ] {
            assert_eq!(decode(text).err(), Some(error), "{text}");
        }
        assert_eq!(decode(&format!("0/{}", "x".repeat(300))).err(), Some(PacketError::LongNamespace));
        assert!(decode(&format!("2[\"a\",{}", "[".repeat(100_000))).is_err());
    }

    proptest! {
        #[test]
        fn any_text_ends_in_a_packet_or_an_error(text in "[0-7]?[0-9]{0,2}-?(/[a-z]{0,3},?)?[0-9]{0,3}.{0,40}") {
            let _ = decode(&text);
        }
    }
}
