//! Where one request ends and the next begins (RFC 9112, sections 2.2, 6 and 7.1).
//!
//! While a request is served, actix-http decodes up to 16 further ones, and each takes 14 KiB of memory, however short it
//! is. So it is handed the bytes of one request at a time. The rest stays in the kernel's buffer, a little of it here.

use crate::http::deadlines::BodyLength;

/// Bytes that are read at once where the end of a request may be among them.
const READ_BYTES: usize = 4 * 1024;

/// How far a request has been read.
#[derive(Debug)]
pub struct Framing(Part);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Head(Lines),
    HeadIsRead,
    /// How many bytes of the body are left.
    Body(u64),
    /// The length of a chunk, in hexadecimal digits.
    ChunkSize(u64),
    /// What may follow the length in its line.
    ChunkExtension(u64),
    /// How many bytes of a chunk are left, with its line break.
    Chunk(u64),
    Trailers(Lines),
    IsRead,
    /// This is no HTTP. actix-http finds out itself, and ends the connection.
    Broken,
}

/// Lines until an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lines {
    /// An empty line ends them. Before a request's first line it does not.
    has_begun: bool,
    /// Nothing of the current line has come, a carriage return aside.
    is_empty: bool,
}

impl Lines {
    /// How many bytes there are to the end of the lines, if it is among them.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut read = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            read += line.len();
            let words = line.strip_suffix(b"\n").unwrap_or(line);
            if words.iter().any(|byte| *byte != b'\r') {
                (self.has_begun, self.is_empty) = (true, false);
            }
            if words.len() < line.len() {
                if self.is_empty && self.has_begun {
                    return Some(read);
                }
                self.is_empty = true;
            }
        }
        None
    }
}

impl Framing {
    /// Before a request.
    #[must_use]
    pub const fn at_start() -> Self {
        Self(Part::Head(Lines { has_begun: false, is_empty: true }))
    }

    /// Whether the end of a head or of a whole request has been read. Nothing is taken then until the caller decides how to
    /// continue.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        matches!(self.0, Part::HeadIsRead | Part::IsRead)
    }

    /// Whether a head is being read.
    #[must_use]
    pub fn is_in_head(&self) -> bool {
        matches!(self.0, Part::Head(_))
    }

    /// Whether a head has just been read.
    #[must_use]
    pub fn is_after_head(&self) -> bool {
        self.0 == Part::HeadIsRead
    }

    /// Goes on with the body that follows the head.
    pub fn begin_body(&mut self, body: BodyLength) {
        self.0 = match body {
            BodyLength::Known(0) => Part::IsRead,
            BodyLength::Known(length) => Part::Body(length),
            BodyLength::Chunked => Part::ChunkSize(0),
        };
    }

    /// How many bytes to read at once, at most.
    #[must_use]
    pub fn wanted(&self) -> usize {
        match self.0 {
            Part::Body(left) | Part::Chunk(left) => usize::try_from(left).unwrap_or(usize::MAX).max(1),
            _ => READ_BYTES,
        }
    }

    /// How many of these bytes belong to the head or body that is being read.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && !self.is_at_end() {
            taken += self.step(&bytes[taken..]);
        }
        taken
    }

    /// Takes bytes of one part; at least one.
    fn step(&mut self, bytes: &[u8]) -> usize {
        let all = bytes.len();
        let (part, taken) = match self.0 {
            Part::Head(mut lines) => match lines.end(bytes) {
                Some(end) => (Part::HeadIsRead, end),
                None => (Part::Head(lines), all),
            },
            Part::Trailers(mut lines) => match lines.end(bytes) {
                Some(end) => (Part::IsRead, end),
                None => (Part::Trailers(lines), all),
            },
            Part::Body(left) => match part_of(left, all) {
                (0, taken) => (Part::IsRead, taken),
                (left, taken) => (Part::Body(left), taken),
            },
            Part::Chunk(left) => match part_of(left, all) {
                (0, taken) => (Part::ChunkSize(0), taken),
                (left, taken) => (Part::Chunk(left), taken),
            },
            Part::ChunkSize(size) => (chunk_size(size, bytes[0]), 1),
            Part::ChunkExtension(size) => (chunk_extension(size, bytes[0]), 1),
            Part::HeadIsRead | Part::IsRead => (self.0, 0),
            Part::Broken => (Part::Broken, all),
        };
        self.0 = part;
        taken
    }
}

/// How many bytes are left, and how many of them have arrived.
fn part_of(left: u64, here: usize) -> (u64, usize) {
    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(here);
    (left - taken as u64, taken)
}

fn chunk_size(size: u64, byte: u8) -> Part {
    match char::from(byte).to_digit(16) {
        Some(digit) => {
            size.checked_mul(16).and_then(|size| size.checked_add(digit.into())).map_or(Part::Broken, Part::ChunkSize)
        }
        None => chunk_extension(size, byte),
    }
}

fn chunk_extension(size: u64, byte: u8) -> Part {
    match (byte, size) {
        (b'\n', 0) => Part::Trailers(Lines { has_begun: true, is_empty: true }),
        (b'\n', size) => size.checked_add(2).map_or(Part::Broken, Part::Chunk),
        _ => Part::ChunkExtension(size),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The requests in some bytes, each with its body, when they arrive in pieces of this size.
    fn requests(bytes: &[u8], piece: usize, bodies: &[BodyLength]) -> Vec<String> {
        let (mut framing, mut found, mut rest) = (Framing::at_start(), vec![String::new()], bytes);
        let mut bodies = bodies.iter();
        while !rest.is_empty() {
            if framing.is_at_end() {
                if framing.is_after_head() {
                    framing.begin_body(*bodies.next().unwrap());
                } else {
                    found.push(String::new());
                    framing = Framing::at_start();
                }
                continue;
            }
            let taken = framing.take(&rest[..piece.min(rest.len())]);
            found.last_mut().unwrap().push_str(std::str::from_utf8(&rest[..taken]).unwrap());
            rest = &rest[taken..];
        }
        found
    }

    #[test]
    fn requests_are_separated_however_their_bytes_arrive() {
        use BodyLength::{Chunked, Known};
        let all = [
            "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
            "\r\n\r\nGET /blank-lines-first HTTP/1.1\r\n\r\n",
            "GET /bare-line-feeds HTTP/1.1\nhost: x\n\n",
            "POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n\r\n\r\nfive\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n4;a=1\r\n\r\n\r\n\r\nA\r\n0123456789\r\n0\r\na: b\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET /last HTTP/1.1\r\n\r\n",
        ];
        let bodies = [Known(0), Known(0), Known(0), Known(9), Chunked, Chunked, Known(0)];
        for piece in 1..all.concat().len() {
            assert_eq!(requests(all.concat().as_bytes(), piece, &bodies), all, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_chunk_that_is_too_long_for_a_number_is_left_to_actix_http() {
        let mut framing = Framing::at_start();
        let head = b"POST / HTTP/1.1\r\n\r\n";
        assert_eq!(framing.take(head), head.len());
        framing.begin_body(BodyLength::Chunked);
        for chunk in [&b"fffffffffffffffff\r\n"[..], b"more\r\n\r\n"] {
            assert_eq!(framing.take(chunk), chunk.len());
            assert!(!framing.is_at_end());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_to_the_end_of_a_head_or_all_of_them(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut framing = Framing::at_start();
            let taken = framing.take(&bytes);
            prop_assert!(taken == bytes.len() || framing.is_at_end());
        }
    }
}
