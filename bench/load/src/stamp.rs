//! What a message contains about itself, so that each receiver can check it: room, sender, number, and when it was due.
//!
//! It is the message's `clientId`, as long as the UUID that other clients take for it. So the text is free, and arrives as
//! it was written whatever a server looks for in it.

const LETTERS: &[u8; 16] = b"0123456789abcdef";
const MARK: &[u8; 2] = b"~~";
const ROOM: usize = 6;
const SENDER: usize = 4;
const NUMBER: usize = 7;
const DUE: usize = 10;
const RUN: usize = 7;

/// Bytes of a stamp.
pub const STAMP_BYTES: usize = MARK.len() + ROOM + SENDER + NUMBER + DUE;
/// Bytes of a `clientId`: a stamp, and what differs from one run to the next.
pub const CLIENT_ID_BYTES: usize = STAMP_BYTES + RUN;

/// One message's mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The room's number in this run.
    pub room: u32,
    /// The sender's number in its room.
    pub sender: u16,
    /// 0, 1, 2 … for each sender.
    pub number: u32,
    /// When it was due, in tenths of a microsecond since the run's start.
    pub due: u64,
}

/// A `clientId` with room for a stamp at its start. `run` keeps those of two runs in one room apart.
#[must_use]
pub fn client_id(run: u64) -> [u8; CLIENT_ID_BYTES] {
    let mut id = [b'0'; CLIENT_ID_BYTES];
    id[..MARK.len()].copy_from_slice(MARK);
    write_number(run, &mut id[STAMP_BYTES..]);
    id
}

/// Writes the lowest digits of a number.
fn write_number(value: u64, into: &mut [u8]) {
    for (place, byte) in into.iter_mut().rev().enumerate() {
        *byte = LETTERS[(value >> (4 * place)) as usize & 15];
    }
}

impl Stamp {
    /// Writes the stamp over the first bytes of a `clientId`.
    pub fn write(self, into: &mut [u8; STAMP_BYTES]) {
        let (mark, mut rest) = into.split_at_mut(MARK.len());
        mark.copy_from_slice(MARK);
        for (value, letters) in [
            (u64::from(self.room), ROOM),
            (u64::from(self.sender), SENDER),
            (u64::from(self.number), NUMBER),
            (self.due, DUE),
        ] {
            let (part, tail) = rest.split_at_mut(letters);
            write_number(value, part);
            rest = tail;
        }
    }

    /// Reads a stamp at its mark.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let mut rest = text.get(..STAMP_BYTES)?.strip_prefix(MARK)?;
        let mut take = |letters: usize| {
            let (part, tail) = rest.split_at(letters);
            rest = tail;
            part.iter().try_fold(0, |value: u64, letter| Some(value << 4 | u64::from(VALUES[usize::from(*letter)]?)))
        };
        Some(Self {
            room: u32::try_from(take(ROOM)?).ok()?,
            sender: u16::try_from(take(SENDER)?).ok()?,
            number: u32::try_from(take(NUMBER)?).ok()?,
            due: take(DUE)?,
        })
    }

    /// Finds a stamp in a frame. `hint` is where the one before was found, and is kept.
    #[must_use]
    pub fn find(frame: &[u8], hint: &mut usize) -> Option<Self> {
        if let Some(stamp) = frame.get(*hint..).and_then(Self::read) {
            return Some(stamp);
        }
        let at = memchr::memmem::find(frame, MARK)?;
        *hint = at;
        Self::read(&frame[at..])
    }
}

const VALUES: [Option<u8>; 256] = {
    let mut values = [None; 256];
    let mut value = 0;
    while value < 16 {
        values[LETTERS[value as usize] as usize] = Some(value);
        value += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        let stamp = Stamp { room: 987_654, sender: 9_999, number: 123_456_789, due: 36_000_000_000 };
        let mut id = client_id(0x0abc_def1);
        assert!(id.ends_with(b"abcdef1"));
        stamp.write(id.first_chunk_mut().unwrap());
        let frame = [&b"{\"event\":\"message\",\"data\":{\"clientId\":\""[..], &id, b"\"}}"].concat();
        let mut hint = 3;
        assert_eq!(Stamp::find(&frame, &mut hint), Some(stamp));
        assert_eq!(hint, 39);
        assert_eq!(Stamp::find(&frame, &mut hint), Some(stamp));
        assert_eq!(Stamp::find(b"{\"event\":\"presence\"}", &mut hint), None);
    }
}
