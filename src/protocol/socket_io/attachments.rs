//! A binary packet and the binary messages that follow it.
//!
//! In the packet's JSON each attachment is an object `{"_placeholder": true, "num": 0}`.

use std::{cell::RefCell, fmt};

use bytes::Bytes;
use bytestring::ByteString;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::PacketError;

/// A packet whose attachments are still arriving.
#[derive(Debug)]
pub struct Attachments {
    packet: ByteString,
    due: usize,
    arrived: Vec<Bytes>,
    bytes: usize,
}

impl Attachments {
    /// Waits for this many attachments, at least one, of a packet's text.
    #[must_use]
    pub fn await_for(packet: ByteString, due: usize) -> Self {
        Self { packet, due, arrived: Vec::new(), bytes: 0 }
    }

    /// Takes the next one. Gives the packet's text and all of them when it was the last, else itself.
    ///
    /// # Errors
    /// [`PacketError::AttachmentsTooLarge`] when they have more than `bytes_max` bytes together.
    pub fn add(
        mut self,
        bytes: Bytes,
        bytes_max: usize,
    ) -> Result<Result<(ByteString, Vec<Bytes>), Self>, PacketError> {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > bytes_max {
            return Err(PacketError::AttachmentsTooLarge { bytes_max });
        }
        self.arrived.push(bytes);
        Ok(if self.arrived.len() >= self.due { Ok((self.packet, self.arrived)) } else { Err(self) })
    }
}

/// Checks that the placeholders in a packet's arguments are the numbers of its attachments, each once. One pass, which
/// keeps nothing.
///
/// # Errors
/// [`PacketError::Placeholders`].
pub fn check_placeholders(args: &[&RawValue], attachments: usize) -> Result<(), PacketError> {
    let seen = RefCell::new(vec![false; attachments]);
    for arg in args {
        // A nest deeper than serde_json reads ends here, too.
        let mut reader = serde_json::Deserializer::from_str(arg.get());
        Mark(&seen).deserialize(&mut reader).map_err(|_| PacketError::Placeholders)?;
    }
    if seen.into_inner().into_iter().all(|seen| seen) { Ok(()) } else { Err(PacketError::Placeholders) }
}

/// Passes over one value and marks the attachments that it stands for.
#[derive(Clone, Copy)]
struct Mark<'a>(&'a RefCell<Vec<bool>>);

/// What a value is, as far as a placeholder depends on it.
enum Passed {
    True,
    Number(u64),
    Other,
}

impl<'de> DeserializeSeed<'de> for Mark<'_> {
    type Value = Passed;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Passed, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Mark<'_> {
    type Value = Passed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Passed, E> {
        Ok(Passed::Other)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Passed, E> {
        Ok(if value { Passed::True } else { Passed::Other })
    }

    fn visit_i64<E>(self, _: i64) -> Result<Passed, E> {
        Ok(Passed::Other)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Passed, E> {
        Ok(Passed::Number(value))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Passed, E> {
        Ok(Passed::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Passed, E> {
        Ok(Passed::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Passed, A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(Passed::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Passed, A::Error> {
        let (mut is_placeholder, mut num) = (false, None);
        while let Some(field) = fields.next_key()? {
            let value = fields.next_value_seed(self)?;
            match field {
                Field::Placeholder => is_placeholder = matches!(value, Passed::True),
                Field::Num => num = if let Passed::Number(num) = value { usize::try_from(num).ok() } else { None },
                Field::Other => {}
            }
        }
        if is_placeholder {
            match num.and_then(|num| self.0.borrow_mut().get_mut(num).map(|seen| std::mem::replace(seen, true))) {
                Some(false) => {}
                _ => return Err(A::Error::custom(PacketError::Placeholders)),
            }
        }
        Ok(Passed::Other)
    }
}

/// A field's name.
#[derive(Deserialize)]
#[serde(field_identifier)]
enum Field {
    #[serde(rename = "_placeholder")]
    Placeholder,
    #[serde(rename = "num")]
    Num,
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, attachments: usize) -> Result<(), PacketError> {
        check_placeholders(&serde_json::from_str::<Vec<&RawValue>>(json).unwrap(), attachments)
    }

    #[test]
    fn placeholders_are_the_numbers_of_the_attachments() {
        let good = r#"[{"_placeholder":true,"num":1},{"a":[{"_placeholder":true,"num":0}]},{"_placeholder":false}]"#;
        assert_eq!(check(good, 2), Ok(()));
        assert_eq!(check("[1,\"x\"]", 0), Ok(()));
        for (json, attachments) in [
            (good, 1),
            (good, 3),
            (r#"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#, 2),
            (r#"[{"_placeholder":true,"num":"0"}]"#, 1),
            (r#"[{"_placeholder":true,"num":-1}]"#, 1),
            (r#"[{"_placeholder":true,"num":0.5}]"#, 1),
            (r#"[{"_placeholder":true}]"#, 1),
            ("[1]", 1),
        ] {
            assert_eq!(check(json, attachments), Err(PacketError::Placeholders), "{json}");
        }
        let deep = format!("[{}{}]", "[".repeat(1000), "]".repeat(1000));
        assert_eq!(check(&deep, 0), Err(PacketError::Placeholders));
    }

    #[test]
    fn attachments_arrive_one_by_one_and_within_the_limit() {
        let waiting = Attachments::await_for("packet".into(), 2);
        let waiting = waiting.add(Bytes::from_static(b"ab"), 3).unwrap().unwrap_err();
        let (packet, arrived) = waiting.add(Bytes::from_static(b"c"), 3).unwrap().unwrap();
        assert_eq!((&*packet, arrived.len()), ("packet", 2));
        let waiting = Attachments::await_for("packet".into(), 2);
        let error = waiting.add(Bytes::from_static(b"abcd"), 3).unwrap_err();
        assert_eq!(error, PacketError::AttachmentsTooLarge { bytes_max: 3 });
    }
}
