//! WebP files that are small and ask for much memory.

/// Writes bits, the lowest first.
#[derive(Default)]
struct Writer(Vec<u8>, u32);

impl Writer {
    fn write(&mut self, value: u32, count: u32) {
        for bit in 0..count {
            if self.1.is_multiple_of(8) {
                self.0.push(0);
            }
            let last = self.0.last_mut().unwrap();
            *last |= u8::try_from(value >> bit & 1).unwrap() << (self.1 % 8);
            self.1 += 1;
        }
    }

    /// A code of one symbol.
    fn write_single(&mut self, symbol: u32) {
        self.write(0b1_0_1, 3);
        self.write(symbol, 8);
    }

    /// A code of 2,048 symbols, each 11 bits long, in 8 bytes.
    fn write_large(&mut self) {
        self.write(0, 1);
        self.write(11, 4);
        // Of the lengths only 11 occurs, the 15th in their order.
        for place in 0..15 {
            self.write(u32::from(place == 14), 3);
        }
        self.write(1, 1);
        self.write(5, 3);
        self.write(2048 - 2, 12);
    }
}

/// Some 860 KB that ask a decoder for 65,536 tables, which take gigabytes where each is kept as other decoders do.
pub(super) fn codes() -> Vec<u8> {
    let mut stream = Writer::default();
    stream.write(0x2F, 8);
    stream.write(3999, 14);
    stream.write(2999, 14);
    stream.write(0, 1 + 3);
    // No transform; a cache of 2,048 colours; codes for each block of 4 × 4 pixels, all of them of the last group.
    stream.write(0, 1);
    stream.write(1 | 11 << 1, 5);
    stream.write(1, 1);
    stream.write(0, 3);
    stream.write(0, 1);
    for symbol in [255, 255, 0, 0, 0] {
        stream.write_single(symbol);
    }
    for _ in 0..65_536 {
        stream.write_large();
        for _ in 0..4 {
            stream.write_single(0);
        }
    }
    let stream = stream.0;
    let length = |bytes: usize| u32::try_from(bytes).unwrap().to_le_bytes();
    let chunk = [&b"WEBPVP8L"[..], &length(stream.len()), &stream, &[0][..stream.len() % 2]].concat();
    [&b"RIFF"[..], &length(chunk.len()), &chunk].concat()
}
