//! Payloads: the packets of one HTTP body.
//!
//! ```text
//! packet *( %x1E packet )          a binary packet is "b" and base64
//! ```

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::{BufMut, BytesMut};
use bytestring::ByteString;

use super::{Packet, PacketError};

/// Between two packets: the record separator, which no JSON and no base64 contains as it is.
const SEPARATOR: u8 = 0x1E;

/// Before the base64 of a binary packet.
const BINARY: u8 = b'b';

/// Clients write base64 with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The packets of a body. They are read from it one by one, so that those that wait take the bytes of the body alone.
#[derive(Debug)]
pub struct Packets {
    rest: Option<ByteString>,
}

/// Reads a body, at most `packets_max` packets.
///
/// # Errors
/// [`PacketError`] for the first packet that no client may send; then none of them counts.
pub fn decode(body: ByteString, packets_max: usize) -> Result<Packets, PacketError> {
    for (place, part) in body.split(char::from(SEPARATOR)).enumerate() {
        if place == packets_max {
            return Err(PacketError::TooManyPackets { packets_max });
        }
        decode_part(&body, part)?;
    }
    Ok(Packets { rest: Some(body) })
}

fn decode_part(body: &ByteString, part: &str) -> Result<Packet, PacketError> {
    Ok(match part.as_bytes().split_first() {
        Some((&BINARY, base64)) => Packet::Binary(BASE64.decode(base64).map_err(|_| PacketError::Base64)?.into()),
        _ => Packet::decode(&body.slice_ref(part))?,
    })
}

impl Iterator for Packets {
    type Item = Packet;

    fn next(&mut self) -> Option<Packet> {
        let body = self.rest.take()?;
        let part = match body.split_once(char::from(SEPARATOR)) {
            Some((part, rest)) => {
                self.rest = Some(body.slice_ref(rest));
                part
            }
            None => &body,
        };
        // All of them have been looked at before.
        decode_part(&body, part).ok()
    }
}

/// Bytes that a binary message takes in a payload.
#[must_use]
pub const fn binary_len(bytes: usize) -> usize {
    1 + bytes.div_ceil(3).saturating_mul(4)
}

/// Appends a packet that is written already.
pub fn write_text(out: &mut BytesMut, packet: &[u8]) {
    separate(out);
    out.extend_from_slice(packet);
}

/// Appends a message of bytes.
pub fn write_binary(out: &mut BytesMut, bytes: &[u8]) {
    separate(out);
    out.put_u8(BINARY);
    let start = out.len();
    out.resize(start + binary_len(bytes.len()) - 1, 0);
    // It fits: the room for it was just made.
    let written = BASE64.encode_slice(bytes, &mut out[start..]).unwrap_or_default();
    out.truncate(start + written);
}

fn separate(out: &mut BytesMut) {
    if !out.is_empty() {
        out.put_u8(SEPARATOR);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn read(body: &'static str) -> Result<Vec<Packet>, PacketError> {
        decode(ByteString::from_static(body), 4).map(Iterator::collect)
    }

    #[test]
    fn a_body_has_several_packets() {
        let message = |text: &'static str| Packet::Message(text.into());
        assert_eq!(read("4a\u{1e}4b"), Ok(vec![message("a"), message("b")]));
        assert_eq!(read("4a\u{1e}bAQID"), Ok(vec![message("a"), Packet::Binary(Bytes::from_static(&[1, 2, 3]))]));
        assert_eq!(read("bAQ=="), read("bAQ"));
        assert_eq!(read("b"), Ok(vec![Packet::Binary(Bytes::new())]));
        assert_eq!(read(""), Err(PacketError::Empty));
        assert_eq!(read("4a\u{1e}"), Err(PacketError::Empty));
        assert_eq!(read("4a\u{1e}abc"), Err(PacketError::UnknownType));
        assert_eq!(read("b%%"), Err(PacketError::Base64));
        assert_eq!(read("3\u{1e}3\u{1e}3\u{1e}3\u{1e}3"), Err(PacketError::TooManyPackets { packets_max: 4 }));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            packets in prop::collection::vec(prop_oneof![
                "[^\u{1e}]{0,20}".prop_map(|text| Packet::Message(text.into())),
                prop::collection::vec(any::<u8>(), 0..50).prop_map(|bytes| Packet::Binary(bytes.into())),
            ], 1..6),
        ) {
            let mut out = BytesMut::new();
            for packet in &packets {
                match packet {
                    Packet::Message(text) => write_text(&mut out, format!("4{text}").as_bytes()),
                    Packet::Binary(bytes) => write_binary(&mut out, bytes),
                    _ => unreachable!(),
                }
            }
            let read: Vec<_> = decode(ByteString::try_from(out).unwrap(), 6).unwrap().collect();
            prop_assert_eq!(read, packets);
        }

        #[test]
        fn any_text_ends_in_packets_or_an_error(text in any::<String>()) {
            let parts = text.split('\u{1e}').count();
            if let Ok(packets) = decode(text.into(), 10) {
                prop_assert_eq!(packets.count(), parts);
            }
        }
    }
}
