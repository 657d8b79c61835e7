//! What a message contains about itself, so that each receiver can check it: room, sender, number, and when it was due.
//!
//! Written in sixteen consonants, with neither digits nor vowels: a server that looks for telephone numbers or
//! messengers' names in what people write finds nothing there.

const LETTERS: &[u8; 16] = b"BCDFGHJKLMNPQRST";
const MARK: &[u8; 2] = b"~~";
const ROOM: usize = 6;
const SENDER: usize = 4;
const NUMBER: usize = 7;
const DUE: usize = 10;
const WORDS: &[u8] =
    b" Hello there, is the bike still for sale and could I come by tomorrow in the evening to have a look at it, thank you so much. ";

/// Bytes of a stamp in a text.
pub const STAMP_BYTES: usize = MARK.len() + ROOM + SENDER + NUMBER + DUE;

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

/// A text of some length with room for a stamp at its start.
#[must_use]
pub fn text(bytes: usize) -> Vec<u8> {
    let mut text = vec![b'B'; STAMP_BYTES];
    text[..MARK.len()].copy_from_slice(MARK);
    text.extend(WORDS.iter().cycle().take(bytes.saturating_sub(STAMP_BYTES)));
    text
}

impl Stamp {
    /// Writes the stamp over the first bytes of a text.
    pub fn write(self, text: &mut [u8; STAMP_BYTES]) {
        text[..MARK.len()].copy_from_slice(MARK);
        let mut at = MARK.len();
        for (value, letters) in [
            (u64::from(self.room), ROOM),
            (u64::from(self.sender), SENDER),
            (u64::from(self.number), NUMBER),
            (self.due, DUE),
        ] {
            for place in 0..letters {
                text[at + place] = LETTERS[(value >> (4 * (letters - 1 - place))) as usize & 15];
            }
            at += letters;
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
        let mut text = text(120);
        assert_eq!(text.len(), 120);
        stamp.write(text.first_chunk_mut().unwrap());
        let frame = [&b"{\"event\":\"message\",\"data\":{\"text\":\""[..], &text, b"\"}}"].concat();
        let mut hint = 3;
        assert_eq!(Stamp::find(&frame, &mut hint), Some(stamp));
        assert_eq!(hint, 35);
        assert_eq!(Stamp::find(&frame, &mut hint), Some(stamp));
        assert_eq!(Stamp::find(b"{\"event\":\"presence\"}", &mut hint), None);
    }
}
