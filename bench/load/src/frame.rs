//! WebSocket frames as a client writes and reads them (RFC 6455 section 5).

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// UTF-8.
    Text,
    /// The connection ends.
    Close,
    /// Asks for a pong.
    Ping,
    /// Anything else.
    Other,
}

/// A server's frame, as it lies in the buffer.
#[derive(Debug)]
pub struct Frame<'a> {
    /// What it is.
    pub opcode: Opcode,
    /// Its payload.
    pub payload: &'a [u8],
    /// Bytes of the whole.
    pub bytes: usize,
}

/// Not an unmasked, unfragmented, uncompressed frame: the only kind that a server in the benchmark writes.
#[derive(Debug, PartialEq, Eq)]
pub struct BadFrame;

/// Reads the first frame of a buffer; `None` when it isn't whole.
///
/// # Errors
/// A frame of another kind.
pub fn read(buffer: &[u8]) -> Result<Option<Frame<'_>>, BadFrame> {
    let [first, second, rest @ ..] = buffer else { return Ok(None) };
    if first & 0xf0 != 0x80 || second & 0x80 != 0 {
        return Err(BadFrame);
    }
    let (head, len): (usize, u64) = match second {
        126 => {
            let Some(len) = rest.first_chunk::<2>() else { return Ok(None) };
            (4, u64::from(u16::from_be_bytes(*len)))
        }
        127 => {
            let Some(len) = rest.first_chunk::<8>() else { return Ok(None) };
            (10, u64::from_be_bytes(*len))
        }
        len => (2, u64::from(*len)),
    };
    let bytes = usize::try_from(len).ok().and_then(|len| head.checked_add(len)).ok_or(BadFrame)?;
    let Some(payload) = buffer.get(head..bytes) else { return Ok(None) };
    let opcode = match first & 15 {
        1 => Opcode::Text,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        _ => Opcode::Other,
    };
    Ok(Some(Frame { opcode, payload, bytes }))
}

/// The mask of every frame. RFC 6455 wants one that a web page can't guess, which is a browser's concern; a server's
/// work is the same.
const MASK: [u8; 4] = [0x5a, 0xc3, 0x7e, 0x19];

/// Appends a masked frame.
pub fn write(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        len @ 0..126 => out.push(0x80 | len as u8),
        len @ 126..65536 => {
            out.push(0x80 | 126);
            out.extend((len as u16).to_be_bytes());
        }
        len => {
            out.push(0x80 | 127);
            out.extend((len as u64).to_be_bytes());
        }
    }
    out.extend(MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// A frame of which only some bytes change from one sending to the next.
#[derive(Debug, Clone)]
pub struct Template {
    frame: Vec<u8>,
    changing_at: usize,
    mask_at: usize,
}

impl Template {
    /// A text frame whose bytes from `changing_at` on will change.
    #[must_use]
    pub fn new(payload: &[u8], changing_at: usize) -> Self {
        let mut frame = Vec::new();
        write(&mut frame, 1, payload);
        let head = frame.len() - payload.len();
        Self { frame, changing_at: head + changing_at, mask_at: changing_at }
    }

    /// Appends the frame with new bytes in it.
    pub fn write(&self, out: &mut Vec<u8>, changed: &[u8]) {
        let at = out.len() + self.changing_at;
        out.extend_from_slice(&self.frame);
        let mask = MASK.iter().cycle().skip(self.mask_at % MASK.len());
        for ((byte, plain), mask) in out[at..].iter_mut().zip(changed).zip(mask) {
            *byte = plain ^ mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unmasked(frame: &[u8]) -> Vec<u8> {
        let head = match frame[1] & 127 {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        let (mask, body) = frame[head..].split_first_chunk::<4>().unwrap();
        body.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
    }

    #[test]
    fn what_is_written_is_what_was_meant() {
        for len in [0, 5, 125, 126, 65535, 65536] {
            let payload = vec![b'x'; len];
            let mut frame = Vec::new();
            write(&mut frame, 1, &payload);
            assert_eq!(unmasked(&frame), payload);
        }
        for at in 0..5 {
            let mut frame = Vec::new();
            Template::new(b"0123456789", at).write(&mut frame, b"abc");
            let mut expected = b"0123456789".to_vec();
            expected[at..at + 3].copy_from_slice(b"abc");
            assert_eq!(unmasked(&frame), expected);
        }
    }

    #[test]
    fn a_frame_is_read_when_it_is_whole() {
        for len in [0_usize, 5, 125, 126, 70_000] {
            let mut buffer = vec![0x81];
            match len {
                0..126 => buffer.push(len as u8),
                126..65536 => buffer.extend([126, (len >> 8) as u8, len as u8]),
                _ => {
                    buffer.push(127);
                    buffer.extend((len as u64).to_be_bytes());
                }
            }
            buffer.extend(vec![b'y'; len]);
            let whole = buffer.len();
            for cut in [0, 1, 2, whole - 1] {
                assert!(cut == whole || read(&buffer[..cut.min(whole - 1)]).unwrap().is_none());
            }
            let frame = read(&buffer).unwrap().unwrap();
            assert_eq!((frame.opcode, frame.payload.len(), frame.bytes), (Opcode::Text, len, whole));
        }
        assert_eq!(read(&[0x01, 0]).unwrap_err(), BadFrame);
        assert_eq!(read(&[0x81, 0x80]).unwrap_err(), BadFrame);
    }
}
