//! A binary packet and the binary messages that follow it.
//!
//! In the packet's JSON each attachment is an object `{"_placeholder": true, "num": 0}`.

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::{Value, value::RawValue};

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
    /// Waits for so many attachments, at least one, of a packet's text.
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

/// Checks that the placeholders in a packet's arguments are the numbers of its attachments, each once.
///
/// # Errors
/// [`PacketError::Placeholders`].
pub fn check_placeholders(args: &[&RawValue], attachments: usize) -> Result<(), PacketError> {
    let mut seen = vec![false; attachments];
    for arg in args {
        // A nest deeper than serde_json reads ends here, too.
        let value: Value = serde_json::from_str(arg.get()).map_err(|_| PacketError::Placeholders)?;
        mark(&value, &mut seen)?;
    }
    if seen.into_iter().all(|seen| seen) { Ok(()) } else { Err(PacketError::Placeholders) }
}

fn mark(value: &Value, seen: &mut [bool]) -> Result<(), PacketError> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| mark(item, seen)),
        Value::Object(fields) if fields.get("_placeholder") == Some(&Value::Bool(true)) => {
            let place = fields.get("num").and_then(Value::as_u64).and_then(|num| usize::try_from(num).ok());
            match place.and_then(|place| seen.get_mut(place)) {
                Some(seen) if !*seen => {
                    *seen = true;
                    Ok(())
                }
                _ => Err(PacketError::Placeholders),
            }
        }
        Value::Object(fields) => fields.values().try_for_each(|field| mark(field, seen)),
        _ => Ok(()),
    }
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
