//! The bits of a lossless WebP stream, and its prefix codes (RFC 9649 section 3.7.2).

use crate::images::header::ImageError;

/// Longest code.
const LENGTH_MAX: usize = 15;

/// Codes up to this length are looked up in a table; longer ones are read bit by bit.
const TABLE_BITS: u8 = 8;

/// Reads bits, the lowest of each byte first.
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    buffer: u64,
    count: u8,
}

impl<'a> Bits<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest, buffer: 0, count: 0 }
    }

    /// Reads at most 32 bits.
    pub(super) fn read(&mut self, count: u8) -> Result<u32, ImageError> {
        let bits = self.peek(count);
        self.consume(count)?;
        Ok(bits)
    }

    pub(super) fn read_flag(&mut self) -> Result<bool, ImageError> {
        Ok(self.read(1)? == 1)
    }

    /// The next bits, with zeros after the end.
    fn peek(&mut self, count: u8) -> u32 {
        if self.count < count {
            while self.count <= 56 {
                let Some((byte, rest)) = self.rest.split_first() else { break };
                self.buffer |= u64::from(*byte) << self.count;
                self.count += 8;
                self.rest = rest;
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits are left")]
        let bits = (self.buffer & ((1 << count) - 1)) as u32;
        bits
    }

    fn consume(&mut self, count: u8) -> Result<(), ImageError> {
        self.count = self.count.checked_sub(count).ok_or(ImageError::Damaged)?;
        self.buffer >>= count;
        Ok(())
    }
}

/// A prefix code.
pub(super) enum Code {
    /// It has one symbol, which takes no bits.
    Single(u16),
    Many(Box<Canonical>),
}

/// A canonical prefix code, kept in a few bytes for each symbol.
pub(super) struct Canonical {
    table_bits: u8,
    /// By the next bits: the symbol, and above its 12 bits the length; 0 for a longer code.
    table: Box<[u16]>,
    /// How many codes there are of each length.
    counts: [u16; LENGTH_MAX + 1],
    /// By their codes.
    symbols: Box<[u16]>,
}

impl Code {
    /// A code from the length of each symbol's; 0 for a symbol that does not occur.
    pub(super) fn new(lengths: &[u8]) -> Result<Self, ImageError> {
        let mut counts = [0_u16; LENGTH_MAX + 1];
        for length in lengths.iter().filter(|length| **length > 0) {
            *counts.get_mut(usize::from(*length)).ok_or(ImageError::Damaged)? += 1;
        }
        let used: u16 = counts.iter().sum();
        if used == 1 {
            return lengths
                .iter()
                .zip(0..)
                .find(|(length, _)| **length > 0)
                .map(|(_, s)| Self::Single(s))
                .ok_or(ImageError::Damaged);
        }
        // Each sequence of bits is a code's beginning, and of one code only.
        let taken: u32 = counts.iter().zip(0..).map(|(count, length)| u32::from(*count) << (LENGTH_MAX - length)).sum();
        if taken != 1 << LENGTH_MAX {
            return Err(ImageError::Damaged);
        }
        Ok(Self::Many(Box::new(Canonical::new(lengths, counts, used))))
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Single(_) => 0,
                Self::Many(code) => size_of::<Canonical>() + 2 * (code.table.len() + code.symbols.len()) + 48,
            }
    }

    pub(super) fn read(&self, bits: &mut Bits<'_>) -> Result<u16, ImageError> {
        match self {
            Self::Single(symbol) => Ok(*symbol),
            Self::Many(code) => code.read(bits),
        }
    }
}

impl Canonical {
    fn new(lengths: &[u8], counts: [u16; LENGTH_MAX + 1], used: u16) -> Self {
        let longest = counts.iter().rposition(|count| *count > 0).unwrap_or(1);
        let table_bits = TABLE_BITS.min(u8::try_from(longest).unwrap_or(TABLE_BITS));
        let mut next = [0_u16; LENGTH_MAX + 1];
        let mut next_code = [0_u16; LENGTH_MAX + 1];
        let mut code = 0;
        for length in 1..=LENGTH_MAX {
            next[length] = next[length - 1] + if length > 1 { counts[length - 1] } else { 0 };
            code = (code + if length > 1 { counts[length - 1] } else { 0 }) << 1;
            next_code[length] = code;
        }
        let mut symbols = vec![0; usize::from(used)].into_boxed_slice();
        let mut table = vec![0; 1 << table_bits].into_boxed_slice();
        for (symbol, &length) in (0_u16..).zip(lengths).filter(|(_, length)| **length > 0) {
            let place = usize::from(length);
            symbols[usize::from(next[place])] = symbol;
            next[place] += 1;
            let code = next_code[place];
            next_code[place] += 1;
            if length <= table_bits {
                let first = usize::from(code.reverse_bits() >> (16 - length));
                for entry in (first..table.len()).step_by(1 << length) {
                    table[entry] = u16::from(length) << 12 | symbol;
                }
            }
        }
        Self { table_bits, table, counts, symbols }
    }

    fn read(&self, bits: &mut Bits<'_>) -> Result<u16, ImageError> {
        let entry = self.table[bits.peek(self.table_bits) as usize];
        if entry != 0 {
            bits.consume((entry >> 12) as u8)?;
            return Ok(entry & 0xFFF);
        }
        let ahead = bits.peek(15);
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for length in 1..=LENGTH_MAX {
            code |= ahead >> (length - 1) & 1;
            let count = u32::from(self.counts[length]);
            if code < first + count {
                bits.consume(u8::try_from(length).unwrap_or(u8::MAX))?;
                return self.symbols.get((index + code - first) as usize).copied().ok_or(ImageError::Damaged);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(ImageError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_codes_give_the_symbols_that_they_stand_for() {
        // 0, 10, 110, …, and two codes of 12 bits.
        let lengths: Vec<u8> = (1..=11).chain([12, 12]).collect();
        let code = Code::new(&lengths).unwrap();
        for (symbol, ones) in (0_u16..).zip(0..=12_u32) {
            let bits: u16 = (1 << ones) - 1;
            assert_eq!(code.read(&mut Bits::new(&bits.to_le_bytes())).unwrap(), symbol);
        }
        assert!(matches!(code.read(&mut Bits::new(&[0xFF])), Err(ImageError::Damaged)), "it ends within a code");
    }

    #[test]
    fn a_code_of_one_symbol_takes_no_bits_and_an_incomplete_one_is_refused() {
        assert!(matches!(Code::new(&[0, 0, 5]), Ok(Code::Single(2))));
        for lengths in [&[][..], &[0, 0], &[1, 2], &[1, 1, 1], &[2, 2, 2]] {
            assert!(Code::new(lengths).is_err(), "{lengths:?}");
        }
    }
}
