use proptest::prelude::*;

use super::*;
use crate::error::CloseCode;

const LIMITS: FrameLimits = FrameLimits { message_bytes_max: 70_000, fragments_max: 8 };

/// Writes a client's frame: any bits in the first byte, any mask, the length in the fewest bytes.
fn client_frame(first: u8, mask: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        short @ 0..126 => out.push(MASKED | short as u8),
        medium @ 126..65_536 => {
            out.push(MASKED | LENGTH_IN_16_BITS);
            out.extend((medium as u16).to_be_bytes());
        }
        long => {
            out.push(MASKED | LENGTH_IN_64_BITS);
            out.extend((long as u64).to_be_bytes());
        }
    }
    out.extend(mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const TEXT: u8 = FIN | 0x1;
const BINARY: u8 = FIN | 0x2;
const CLOSE: u8 = FIN | 0x8;
const PING: u8 = FIN | 0x9;
const PONG: u8 = FIN | 0xA;
/// First byte of a fragmented text, of a fragment in the middle, and of the last.
const TEXT_BEGIN: u8 = 0x1;
const MIDDLE: u8 = 0x0;
const LAST: u8 = FIN;

/// Gives `bytes` to a new decoder in chunks of the given sizes, again and again, and collects what comes out.
fn feed(limits: FrameLimits, bytes: &[u8], chunks: &[usize]) -> (Vec<Incoming>, Option<FrameError>) {
    let mut decoder = Decoder::new(limits);
    let mut src = BytesMut::new();
    let mut out = Vec::new();
    let mut sizes = chunks.iter().cycle();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at((*sizes.next().unwrap()).clamp(1, rest.len()));
        rest = later;
        src.extend_from_slice(chunk);
        loop {
            match decoder.decode(&mut src) {
                Ok(Some(incoming)) => out.push(incoming),
                Ok(None) => break,
                Err(error) => {
                    assert!(src.is_empty(), "what follows an error is discarded");
                    assert_eq!(decoder.decode(&mut src), Err(error), "an error stays");
                    return (out, Some(error));
                }
            }
        }
        let kept = src.len() + decoder.message.as_ref().map_or(0, |message| message.payload.len());
        assert!(kept <= limits.message_bytes_max + CONTROL_BYTES_MAX + 14, "keeps {kept} bytes");
    }
    (out, None)
}

fn decode_all(frames: &[Vec<u8>]) -> (Vec<Incoming>, Option<FrameError>) {
    let bytes = frames.concat();
    let whole = feed(LIMITS, &bytes, &[usize::MAX]);
    assert_eq!(feed(LIMITS, &bytes, &[1]), whole, "the same a byte at a time");
    whole
}

fn text(text: &str) -> Incoming {
    Incoming::Text(text.into())
}

#[test]
fn the_examples_of_section_5_7_are_read() {
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58].to_vec();
    let pong = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58].to_vec();
    let hello_again = vec![client_frame(TEXT_BEGIN, MASK, b"Hel"), client_frame(LAST, MASK, b"lo")];
    let binary_256 = client_frame(BINARY, MASK, &[7; 256]);
    assert_eq!(binary_256[..4], [0x82, 0xfe, 0x01, 0x00]);
    let binary_64k = client_frame(BINARY, MASK, &[7; 65_536]);
    assert_eq!(binary_64k[..10], [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]);

    let (messages, error) = decode_all(&[vec![hello, pong], hello_again, vec![binary_256, binary_64k]].concat());

    assert_eq!(error, None);
    assert_eq!(
        messages,
        [
            text("Hello"),
            Incoming::Pong(Bytes::from_static(b"Hello")),
            text("Hello"),
            Incoming::Binary(vec![7; 256].into()),
            Incoming::Binary(vec![7; 65_536].into()),
        ]
    );
}

#[test]
fn the_examples_of_section_5_7_are_written() {
    let written = |opcode, payload: &[u8]| {
        let mut out = BytesMut::new();
        write_frame(&mut out, opcode, payload);
        out.to_vec()
    };
    assert_eq!(written(Opcode::Text, b"Hello"), [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    assert_eq!(written(Opcode::Ping, b"Hello"), [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    assert_eq!(written(Opcode::Pong, b""), [0x8a, 0x00]);
    for (length, header) in [
        (125, vec![0x82, 0x7d]),
        (126, vec![0x82, 0x7e, 0x00, 0x7e]),
        (256, vec![0x82, 0x7e, 0x01, 0x00]),
        (65_535, vec![0x82, 0x7e, 0xff, 0xff]),
        (65_536, vec![0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let frame = written(Opcode::Binary, &vec![9; length]);
        assert_eq!(frame[..header.len()], header);
        assert_eq!(frame.len(), header.len() + length);
    }
    assert_eq!(written(Opcode::Ping, &[1; 300]).len(), 2 + 125, "a control frame is never too long");
}

#[test]
fn a_close_is_written_with_a_reason_that_fits() {
    for (reason, kept) in [
        ("", 0),
        ("drain", 5),
        (&*"x".repeat(200), 123),
        (&*"é".repeat(100), 122),
        (&*"💬".repeat(50), 120),
        (&*format!("x{}", "é".repeat(100)), 123),
    ] {
        let mut out = BytesMut::new();
        write_close(&mut out, CloseCode::Restart.number(), reason);
        assert_eq!(out[..4], [0x88, 2 + kept as u8, 0x03, 0xf4]);
        assert_eq!(&out[4..], &reason.as_bytes()[..kept]);
    }
}

#[test]
fn a_control_frame_between_fragments_comes_out_at_once() {
    let (messages, error) = decode_all(&[
        client_frame(TEXT_BEGIN, MASK, b"a"),
        client_frame(PING, MASK, b"1"),
        client_frame(MIDDLE, MASK, b""),
        client_frame(PONG, MASK, b"2"),
        client_frame(LAST, MASK, b"b"),
    ]);
    assert_eq!(error, None);
    assert_eq!(
        messages,
        [Incoming::Ping(Bytes::from_static(b"1")), Incoming::Pong(Bytes::from_static(b"2")), text("ab")]
    );
}

#[test]
fn nothing_follows_a_close() {
    let (messages, error) = decode_all(&[
        client_frame(TEXT_BEGIN, MASK, b"a"),
        client_frame(CLOSE, MASK, b"\x03\xe8bye"),
        client_frame(PING, MASK, b"1"),
        vec![0xff; 100],
    ]);
    assert_eq!((messages, error), (vec![Incoming::Close(Some((1000, "bye".to_owned())))], None));
    assert_eq!(decode_all(&[client_frame(CLOSE, MASK, b"")]).0, [Incoming::Close(None)]);
}

#[test]
fn every_broken_header_is_refused_without_its_payload() {
    use FrameError::*;
    let too_big = TooBig { bytes_max: LIMITS.message_bytes_max };
    // What came before, the bytes of the header up to the one that breaks a rule, and the answer.
    let begun = client_frame(TEXT_BEGIN, MASK, b"a");
    let cases: &[(&[u8], &[u8], FrameError, CloseCode)] = &[
        (&[], &[TEXT | 0b0100_0000], ReservedBits, CloseCode::Protocol),
        (&[], &[TEXT | 0b0010_0000], ReservedBits, CloseCode::Protocol),
        (&[], &[TEXT | 0b0001_0000], ReservedBits, CloseCode::Protocol),
        (&[], &[FIN | 0x3], ReservedOpcode(0x3), CloseCode::Protocol),
        (&[], &[0x7], ReservedOpcode(0x7), CloseCode::Protocol),
        (&[], &[FIN | 0xB], ReservedOpcode(0xB), CloseCode::Protocol),
        (&[], &[FIN | 0xF], ReservedOpcode(0xF), CloseCode::Protocol),
        (&[], &[TEXT, 5], Unmasked, CloseCode::Protocol),
        (&[], &[PING, 0], Unmasked, CloseCode::Protocol),
        (&[], &[0x9], FragmentedControl, CloseCode::Protocol),
        (&[], &[0x8], FragmentedControl, CloseCode::Protocol),
        (&[], &[PING, MASKED | 126], LongControl, CloseCode::Protocol),
        (&[], &[CLOSE, MASKED | 127], LongControl, CloseCode::Protocol),
        (&[], &[LAST], NothingToContinue, CloseCode::Protocol),
        (&[], &[MIDDLE], NothingToContinue, CloseCode::Protocol),
        (&begun, &[TEXT], Interleaved, CloseCode::Protocol),
        (&begun, &[0x2], Interleaved, CloseCode::Protocol),
        (&[], &[TEXT, MASKED | 126, 0, 125], LengthEncoding, CloseCode::Protocol),
        (&[], &[TEXT, MASKED | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], LengthEncoding, CloseCode::Protocol),
        (&[], &[TEXT, MASKED | 127, 0x80, 0, 0, 0, 0, 0, 0, 0], LengthEncoding, CloseCode::Protocol),
        (&[], &[TEXT, MASKED | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], too_big, CloseCode::TooBig),
        (&[], &[BINARY, MASKED | 127, 0, 0, 0, 0, 0, 1, 0x11, 0x71], too_big, CloseCode::TooBig),
        (&begun, &[LAST, MASKED | 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70], too_big, CloseCode::TooBig),
    ];
    for &(before, header, error, close_code) in cases {
        let (last, earlier) = header.split_last().unwrap();
        let bytes = [before, earlier].concat();
        assert_eq!(feed(LIMITS, &bytes, &[usize::MAX]), (vec![], None), "{header:x?} is refused too early");
        let bytes = [before, earlier, &[*last]].concat();
        assert_eq!(feed(LIMITS, &bytes, &[usize::MAX]), (vec![], Some(error)), "{header:x?}");
        assert_eq!(feed(LIMITS, &bytes, &[1]), (vec![], Some(error)), "{header:x?}");
        assert_eq!(error.close_code(), close_code);
    }
}

#[test]
fn a_message_may_be_as_long_as_the_limit_and_no_longer() {
    let limits = FrameLimits { message_bytes_max: 10, fragments_max: 8 };
    let whole = client_frame(TEXT, MASK, b"0123456789");
    assert_eq!(feed(limits, &whole, &[3]), (vec![text("0123456789")], None));
    let halves = [client_frame(TEXT_BEGIN, MASK, b"01234"), client_frame(LAST, MASK, b"56789")].concat();
    assert_eq!(feed(limits, &halves, &[3]), (vec![text("0123456789")], None));

    let too_big = (vec![], Some(FrameError::TooBig { bytes_max: 10 }));
    assert_eq!(feed(limits, &[TEXT, MASKED | 11], &[2]), too_big);
    let halves = [&client_frame(TEXT_BEGIN, MASK, b"01234")[..], &[LAST, MASKED | 6]].concat();
    assert_eq!(feed(limits, &halves, &[3]), too_big);
}

#[test]
fn a_message_may_have_as_many_fragments_as_the_limit_and_no_more() {
    let limits = FrameLimits { message_bytes_max: 10, fragments_max: 3 };
    let empty = client_frame(MIDDLE, MASK, b"");
    let begin = client_frame(TEXT_BEGIN, MASK, b"");
    let fits = [&begin[..], &empty, &client_frame(LAST, MASK, b"x")].concat();
    // Twice, since the count starts from zero with each message.
    assert_eq!(feed(limits, &fits.repeat(2), &[4]), (vec![text("x"), text("x")], None));

    let error = FrameError::TooManyFragments { fragments_max: 3 };
    assert_eq!(feed(limits, &[&begin[..], &empty, &empty, &[LAST]].concat(), &[4]), (vec![], Some(error)));
    assert_eq!(error.close_code(), CloseCode::TooBig);
}

#[test]
fn a_text_that_is_not_utf8_is_refused_at_the_byte_that_breaks_it() {
    // Each breaks at its last byte: a lone continuation, an overlong form, a surrogate, beyond U+10FFFF, a cut character.
    for broken in [&b"ab\x80"[..], b"\xc0", b"\xe0\x80", b"\xed\xa0", b"\xf4\x90", b"\xf5", b"\xc3(", b"\xe2\x82\xe2"] {
        // More is announced and never comes.
        let mut frame = client_frame(TEXT, MASK, &[broken, b"......"].concat());
        frame.truncate(frame.len() - 6);
        for frames in [
            frame.clone(),
            [TEXT_BEGIN].into_iter().chain(frame[1..].iter().copied()).collect(),
            [
                client_frame(TEXT_BEGIN, MASK, &broken[..broken.len() - 1]),
                client_frame(MIDDLE, MASK, &broken[broken.len() - 1..]),
            ]
            .concat(),
        ] {
            let error = (vec![], Some(FrameError::InvalidUtf8));
            assert_eq!(feed(LIMITS, &frames, &[usize::MAX]), error, "{broken:x?}");
            assert_eq!(feed(LIMITS, &frames, &[1]), error, "{broken:x?}");
            let (_, earlier) = frames.split_last().unwrap();
            assert_eq!(feed(LIMITS, earlier, &[1]), (vec![], None), "{broken:x?} is refused too early");
        }
    }
    let cut_at_the_end = [client_frame(TEXT_BEGIN, MASK, b"a"), client_frame(LAST, MASK, b"\xe2\x82")];
    assert_eq!(decode_all(&cut_at_the_end), (vec![], Some(FrameError::InvalidUtf8)));
    assert_eq!(decode_all(&[client_frame(TEXT, MASK, b"\xc3")]), (vec![], Some(FrameError::InvalidUtf8)));
    assert_eq!(FrameError::InvalidUtf8.close_code(), CloseCode::InvalidPayload);
    // The same bytes are valid in a binary message.
    assert_eq!(decode_all(&[client_frame(BINARY, MASK, b"\xc3")]).1, None);
}

#[test]
fn a_character_may_be_cut_by_a_fragment() {
    let [a, b, c, d] = *"💬".as_bytes() else { panic!("four bytes") };
    let frames =
        [(TEXT_BEGIN, a), (MIDDLE, b), (MIDDLE, c), (LAST, d)].map(|(first, byte)| client_frame(first, MASK, &[byte]));
    assert_eq!(decode_all(&frames), (vec![text("💬")], None));
}

#[test]
fn the_payload_of_a_close_is_checked() {
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999_u16] {
        let close = client_frame(CLOSE, MASK, &code.to_be_bytes());
        assert_eq!(decode_all(&[close]).0, [Incoming::Close(Some((code, String::new())))]);
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535_u16] {
        let close = client_frame(CLOSE, MASK, &code.to_be_bytes());
        let error = FrameError::InvalidCloseCode(code);
        assert_eq!(decode_all(&[close]), (vec![], Some(error)));
        assert_eq!(error.close_code(), CloseCode::Protocol);
    }
    let half = FrameError::HalfCloseCode;
    assert_eq!(decode_all(&[client_frame(CLOSE, MASK, &[3])]), (vec![], Some(half)));
    assert_eq!(half.close_code(), CloseCode::Protocol);
    let not_utf8 = client_frame(CLOSE, MASK, b"\x03\xe8\xc3(");
    assert_eq!(decode_all(&[not_utf8]), (vec![], Some(FrameError::InvalidUtf8)));
    let longest = [&[0x03, 0xe8], &[b'x'; 123][..]].concat();
    assert_eq!(decode_all(&[client_frame(CLOSE, MASK, &longest)]).1, None);
}

#[test]
fn a_whole_message_is_handed_out_without_a_copy() {
    let mut src = BytesMut::from(&client_frame(BINARY, MASK, &[5; 1000])[..]);
    let payload = src[8..].as_ptr();
    let Ok(Some(Incoming::Binary(bytes))) = Decoder::new(LIMITS).decode(&mut src) else { panic!("no message") };
    assert_eq!(bytes.as_ptr(), payload);
}

#[test]
fn an_announced_length_allocates_nothing() {
    let limits = FrameLimits { message_bytes_max: usize::MAX, fragments_max: 8 };
    let mut decoder = Decoder::new(limits);
    let mut src = BytesMut::with_capacity(64);
    src.extend_from_slice(&[0x2, MASKED | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5]);
    assert_eq!(decoder.decode(&mut src), Ok(None));
    assert!(src.capacity() <= 64);
    assert!(decoder.message.unwrap().payload.capacity() <= 64);
}

#[test]
fn a_debug_print_shows_no_text() {
    let shown = format!("{:?} {:?}", text("secret"), Incoming::Close(Some((1000, "secret".to_owned()))));
    assert!(!shown.contains("secret"), "{shown}");
}

fn any_message() -> impl Strategy<Value = Incoming> {
    let control = || prop::collection::vec(any::<u8>(), 0..=CONTROL_BYTES_MAX).prop_map(Bytes::from);
    prop_oneof![
        4 => ".{0,300}".prop_map(|text| Incoming::Text(text.into())),
        2 => prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Incoming::Binary(bytes.into())),
        1 => Just(Incoming::Binary(vec![3; 66_000].into())),
        1 => control().prop_map(Incoming::Ping),
        1 => control().prop_map(Incoming::Pong),
    ]
}

/// Frames of a message cut at `cuts`, each followed by a ping, and the messages in the order in which they come out.
fn fragmented(incoming: &Incoming, cuts: &[prop::sample::Index], mask: [u8; 4]) -> (Vec<u8>, Vec<Incoming>) {
    let (opcode, payload): (u8, &[u8]) = match incoming {
        Incoming::Text(text) => (0x1, text.as_bytes()),
        Incoming::Binary(bytes) => (0x2, bytes),
        Incoming::Ping(bytes) => return (client_frame(PING, mask, bytes), vec![incoming.clone()]),
        Incoming::Pong(bytes) => return (client_frame(PONG, mask, bytes), vec![incoming.clone()]),
        Incoming::Close(_) => unreachable!("not generated"),
    };
    let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(payload.len());
    let mut frames = Vec::new();
    let mut start = 0;
    let last = ends.len() - 1;
    for (number, end) in ends.into_iter().enumerate() {
        let first = if number == 0 { opcode } else { 0 } | if number == last { FIN } else { 0 };
        frames.extend(client_frame(first, mask, &payload[start..end]));
        if number != last {
            frames.extend(client_frame(PING, mask, b"between"));
        }
        start = end;
    }
    let mut messages = vec![Incoming::Ping(Bytes::from_static(b"between")); last];
    messages.push(incoming.clone());
    (frames, messages)
}

proptest! {
    #[test]
    fn what_a_client_says_comes_through_however_it_is_cut(
        messages in prop::collection::vec(
            (any_message(), prop::collection::vec(any::<prop::sample::Index>(), 0..7), any::<[u8; 4]>()),
            0..6,
        ),
        chunks in prop::collection::vec(1..2000_usize, 1..8),
    ) {
        let (frames, expected): (Vec<_>, Vec<_>) =
            messages.iter().map(|(message, cuts, mask)| fragmented(message, cuts, *mask)).unzip();
        let (frames, expected) = (frames.concat(), expected.concat());
        for chunks in [&chunks[..], &[1], &[usize::MAX]] {
            let (read, error) = feed(LIMITS, &frames, chunks);
            prop_assert_eq!(error, None);
            prop_assert_eq!(&read, &expected);
        }
    }

    #[test]
    fn any_bytes_end_the_same_however_they_are_cut(
        // Mostly plausible first bytes, or hardly anything would get past the first.
        frames in prop::collection::vec(
            (prop_oneof![9 => (any::<bool>(), 0..11_u8).prop_map(|(fin, opcode)| u8::from(fin) << 7 | opcode), 1 => any::<u8>()],
             any::<[u8; 4]>(), prop::collection::vec(any::<u8>(), 0..200)),
            0..8,
        ),
        noise in prop::collection::vec(any::<u8>(), 0..40),
        chunks in prop::collection::vec(1..100_usize, 1..8),
    ) {
        let frames = frames.iter().flat_map(|(first, mask, payload)| client_frame(*first, *mask, payload));
        let bytes: Vec<u8> = frames.chain(noise).collect();
        let limits = FrameLimits { message_bytes_max: 300, fragments_max: 4 };
        let whole = feed(limits, &bytes, &[usize::MAX]);
        prop_assert_eq!(&feed(limits, &bytes, &chunks), &whole);
        prop_assert_eq!(&feed(limits, &bytes, &[1]), &whole);
    }

    #[test]
    fn unmasking_starts_anywhere(bytes in prop::collection::vec(any::<u8>(), 0..100), mask: [u8; 4], offset in 0..9_usize) {
        let mut unmasked = bytes.clone();
        unmask(&mut unmasked, mask, offset);
        let expected: Vec<_> = bytes.iter().enumerate().map(|(at, byte)| byte ^ mask[(at + offset) % 4]).collect();
        prop_assert_eq!(unmasked, expected);
    }
}
