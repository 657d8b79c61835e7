//! Decodes a lossless WebP stream (RFC 9649 section 3) row by row.
//!
//! The decoders at hand keep the whole image, and tables for each code that a file asks for: a few bytes of a file ask for
//! 70 KB. This one keeps what the format looks back to (4 MiB of pixels and one row), and counts everything else
//! that a file can make large against [`WORK_BYTES_MAX`].

use super::{
    bits::{Bits, Code},
    transforms::Transform,
};
use crate::images::header::ImageError;

/// Pixels that a stream can refer back to.
const WINDOW_PIXELS_MAX: usize = 1 << 20;

/// Bytes of prefix codes and block images. The reference encoder makes at most 2,600 groups of codes, some 3 KB each.
pub(super) const WORK_BYTES_MAX: usize = 24 * 1024 * 1024;

/// Order in which the lengths of the code of code lengths come.
const CODE_LENGTH_ORDER: [usize; 19] = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Symbols of green, red, blue, alpha and distance; green has those of lengths and of the colour cache, too.
const ALPHABETS: [usize; 5] = [256 + 24, 256, 256, 256, 40];

const GREEN: usize = 0;
const RED: usize = 1;
const BLUE: usize = 2;
const ALPHA: usize = 3;
const DISTANCE: usize = 4;

/// What short distance codes mean: columns and rows back.
#[rustfmt::skip]
const NEAR: [(i8, i8); 120] = [
    (0, 1), (1, 0), (1, 1), (-1, 1), (0, 2), (2, 0), (1, 2), (-1, 2), (2, 1), (-2, 1), (2, 2), (-2, 2), (0, 3), (3, 0), (1, 3),
    (-1, 3), (3, 1), (-3, 1), (2, 3), (-2, 3), (3, 2), (-3, 2), (0, 4), (4, 0), (1, 4), (-1, 4), (4, 1), (-4, 1), (3, 3), (-3, 3),
    (2, 4), (-2, 4), (4, 2), (-4, 2), (0, 5), (3, 4), (-3, 4), (4, 3), (-4, 3), (5, 0), (1, 5), (-1, 5), (5, 1), (-5, 1), (2, 5),
    (-2, 5), (5, 2), (-5, 2), (4, 4), (-4, 4), (3, 5), (-3, 5), (5, 3), (-5, 3), (0, 6), (6, 0), (1, 6), (-1, 6), (6, 1), (-6, 1),
    (2, 6), (-2, 6), (6, 2), (-6, 2), (4, 5), (-4, 5), (5, 4), (-5, 4), (3, 6), (-3, 6), (6, 3), (-6, 3), (0, 7), (7, 0), (1, 7),
    (-1, 7), (5, 5), (-5, 5), (7, 1), (-7, 1), (4, 6), (-4, 6), (6, 4), (-6, 4), (2, 7), (-2, 7), (7, 2), (-7, 2), (3, 7), (-3, 7),
    (7, 3), (-7, 3), (5, 6), (-5, 6), (6, 5), (-6, 5), (8, 0), (4, 7), (-4, 7), (7, 4), (-7, 4), (8, 1), (8, 2), (6, 6), (-6, 6),
    (8, 3), (5, 7), (-5, 7), (7, 5), (-7, 5), (8, 4), (6, 7), (-6, 7), (7, 6), (-7, 6), (8, 5), (7, 7), (-7, 7), (8, 6), (8, 7),
];

/// Width and height of a stream that says them, and whether its alpha counts.
pub(super) fn size_of_stream(stream: &[u8]) -> Result<(u32, u32, bool), ImageError> {
    let [0x2F, a, b, c, d, ..] = stream else { return Err(ImageError::Damaged) };
    let bits = u32::from_le_bytes([*a, *b, *c, *d]);
    match bits >> 29 {
        0 => Ok(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bits >> 28 & 1 == 1)),
        _ => Err(ImageError::Damaged),
    }
}

/// Bytes that decoding a stream takes at once.
pub(super) fn bytes_needed(stream_bytes: usize, pixels: u64) -> u64 {
    let window = pixels.next_power_of_two().min(WINDOW_PIXELS_MAX as u64) * 4;
    // A block image has at most a pixel for each 16, there are three of them, and 8 bytes may ask for a code of 5 KB.
    let work = (pixels / 2).saturating_add(640 * stream_bytes as u64 + 4096);
    window + work.min(WORK_BYTES_MAX as u64)
}

/// Decodes a stream without its five bytes of a header: hands over each row as ARGB.
///
/// # Errors
/// `Damaged`, `TooMuchToDecode`, and what `row` returns.
pub(super) fn decode(
    stream: &[u8],
    (width, height): (u32, u32),
    mut row: impl FnMut(&[u32]) -> Result<(), ImageError>,
) -> Result<(), ImageError> {
    let mut decoder = Decoder { bits: Bits::new(stream), work_bytes_left: WORK_BYTES_MAX };
    let (mut transforms, coded_width) = decoder.read_transforms(width as usize, height as usize)?;
    decoder.read_image((coded_width, height as usize), true, &mut |coded| {
        row(&transforms.iter_mut().rev().fold(coded.to_vec(), |pixels, transform| transform.undo(pixels)))
    })
}

struct Decoder<'a> {
    bits: Bits<'a>,
    work_bytes_left: usize,
}

/// The five codes that are used together.
type Group = [Code; 5];

/// Which codes are used where.
struct Groups {
    groups: Vec<Group>,
    /// The group of each block; empty where there is one group.
    blocks: Vec<u16>,
    blocks_across: usize,
    /// Size of a block, as a power of two.
    block_bits: u32,
}

impl Groups {
    fn at(&self, x: usize, y: usize) -> Option<&Group> {
        match self.blocks.is_empty() {
            true => self.groups.first(),
            false => {
                let block = (y >> self.block_bits) * self.blocks_across + (x >> self.block_bits);
                self.groups.get(usize::from(*self.blocks.get(block)?))
            }
        }
    }
}

impl Decoder<'_> {
    fn spend(&mut self, bytes: usize) -> Result<(), ImageError> {
        self.work_bytes_left = self.work_bytes_left.checked_sub(bytes).ok_or(ImageError::TooMuchToDecode)?;
        Ok(())
    }

    /// Reads what was done to the pixels before they were coded, and how many of them a coded row has.
    fn read_transforms(&mut self, mut width: usize, height: usize) -> Result<(Vec<Transform>, usize), ImageError> {
        let mut transforms = Vec::new();
        let mut seen = [false; 4];
        while self.bits.read_flag()? {
            let kind = self.bits.read(2)?;
            if std::mem::replace(&mut seen[kind as usize], true) {
                return Err(ImageError::Damaged);
            }
            transforms.push(match kind {
                0 => {
                    let (block_bits, across, modes) =
                        self.read_blocks(width, height, |argb| (argb >> 8 & 0xF) as u8)?;
                    Transform::predictor(modes, across, block_bits, width)
                }
                1 => {
                    let (block_bits, across, factors) = self.read_blocks(width, height, |argb| argb)?;
                    Transform::color(factors, across, block_bits)
                }
                2 => Transform::SubtractGreen,
                _ => {
                    let colors = self.bits.read(8)? as usize + 1;
                    let mut table = Vec::with_capacity(colors);
                    self.read_image((colors, 1), false, &mut |row| {
                        table.extend_from_slice(row);
                        Ok(())
                    })?;
                    let transform = Transform::indexing(table, width);
                    width = transform.coded_width(width);
                    transform
                }
            });
        }
        Ok((transforms, width))
    }

    /// Reads an image of one pixel for each block: the size of a block as a power of two, blocks in a row, and what `keep`
    /// makes of each pixel.
    fn read_blocks<T>(
        &mut self,
        width: usize,
        height: usize,
        keep: impl Fn(u32) -> T,
    ) -> Result<(u32, usize, Vec<T>), ImageError> {
        let block_bits = self.bits.read(3)? + 2;
        let blocks = |side: usize| side.div_ceil(1 << block_bits);
        let (across, down) = (blocks(width), blocks(height));
        self.spend(across * down * size_of::<T>())?;
        let mut kept = Vec::with_capacity(across * down);
        self.read_image((across, down), false, &mut |row| {
            kept.extend(row.iter().map(|argb| keep(*argb)));
            Ok(())
        })?;
        Ok((block_bits, across, kept))
    }

    /// Reads an image that is coded on its own. Only the main one may have more than one group of codes.
    fn read_image(
        &mut self,
        size: (usize, usize),
        main: bool,
        row: &mut dyn FnMut(&[u32]) -> Result<(), ImageError>,
    ) -> Result<(), ImageError> {
        let cache_bits = if self.bits.read_flag()? { self.bits.read(4)? } else { 0 };
        if cache_bits > 11 {
            return Err(ImageError::Damaged);
        }
        let before = self.work_bytes_left;
        let mut groups = Groups { groups: Vec::new(), blocks: Vec::new(), blocks_across: 0, block_bits: 0 };
        let mut count = 1;
        if main && self.bits.read_flag()? {
            #[expect(clippy::cast_possible_truncation, reason = "16 bits are left")]
            let (block_bits, across, blocks) = self.read_blocks(size.0, size.1, |argb| (argb >> 8) as u16)?;
            count = blocks.iter().max().map_or(0, |most| usize::from(*most)) + 1;
            groups = Groups { groups: Vec::new(), blocks, blocks_across: across, block_bits };
        }
        for _ in 0..count {
            let group = self.read_group(cache_bits)?;
            self.spend(group.iter().map(Code::bytes).sum())?;
            groups.groups.push(group);
        }
        self.read_pixels(size, cache_bits, &groups, row)?;
        self.work_bytes_left = before;
        Ok(())
    }

    fn read_group(&mut self, cache_bits: u32) -> Result<Group, ImageError> {
        let mut code = |name: usize| {
            let cached = if name == GREEN && cache_bits > 0 { 1 << cache_bits } else { 0 };
            self.read_code(ALPHABETS[name] + cached)
        };
        Ok([code(GREEN)?, code(RED)?, code(BLUE)?, code(ALPHA)?, code(DISTANCE)?])
    }

    fn read_code(&mut self, symbols: usize) -> Result<Code, ImageError> {
        let mut lengths = vec![0_u8; symbols];
        if self.bits.read_flag()? {
            let two = self.bits.read_flag()?;
            let first_bits = if self.bits.read_flag()? { 8 } else { 1 };
            let first = self.bits.read(first_bits)? as usize;
            *lengths.get_mut(first).ok_or(ImageError::Damaged)? = 1;
            if two {
                let second = self.bits.read(8)? as usize;
                *lengths.get_mut(second).ok_or(ImageError::Damaged)? = 1;
            }
            return Code::new(&lengths);
        }
        let mut of_lengths = [0_u8; 19];
        let count = self.bits.read(4)? as usize + 4;
        for place in CODE_LENGTH_ORDER.iter().take(count) {
            of_lengths[*place] = u8::try_from(self.bits.read(3)?).unwrap_or_default();
        }
        let of_lengths = Code::new(&of_lengths)?;
        let mut left = symbols;
        if self.bits.read_flag()? {
            let bits = 2 + 2 * u8::try_from(self.bits.read(3)?).unwrap_or_default();
            left = self.bits.read(bits)? as usize + 2;
            if left > symbols {
                return Err(ImageError::Damaged);
            }
        }
        let (mut place, mut previous) = (0, 8_u8);
        while place < symbols && left > 0 {
            left -= 1;
            let (length, times) = match of_lengths.read(&mut self.bits)? {
                16 => (previous, self.bits.read(2)? as usize + 3),
                17 => (0, self.bits.read(3)? as usize + 3),
                18 => (0, self.bits.read(7)? as usize + 11),
                length => {
                    let length = u8::try_from(length).unwrap_or_default();
                    previous = if length > 0 { length } else { previous };
                    (length, 1)
                }
            };
            lengths.get_mut(place..place + times).ok_or(ImageError::Damaged)?.fill(length);
            place += times;
        }
        Code::new(&lengths)
    }

    fn read_pixels(
        &mut self,
        (width, height): (usize, usize),
        cache_bits: u32,
        groups: &Groups,
        row: &mut dyn FnMut(&[u32]) -> Result<(), ImageError>,
    ) -> Result<(), ImageError> {
        let pixels = width * height;
        let mut read = Read::new(width, pixels, cache_bits);
        while read.count < pixels {
            let group = groups.at(read.line.len(), read.y).ok_or(ImageError::Damaged)?;
            let symbol = usize::from(group[GREEN].read(&mut self.bits)?);
            if symbol < 256 {
                let red = u32::from(group[RED].read(&mut self.bits)?);
                let blue = u32::from(group[BLUE].read(&mut self.bits)?);
                let alpha = u32::from(group[ALPHA].read(&mut self.bits)?);
                read.push(alpha << 24 | red << 16 | (symbol as u32 & 0xFF) << 8 | blue, row)?;
            } else if symbol < ALPHABETS[GREEN] {
                let length = self.read_long(symbol - 256)?;
                let code = usize::from(group[DISTANCE].read(&mut self.bits)?);
                let distance = distance_of(self.read_long(code)?, width);
                if distance > read.count.min(WINDOW_PIXELS_MAX) || length > pixels - read.count {
                    return Err(ImageError::Damaged);
                }
                for _ in 0..length {
                    read.push(read.window[(read.count - distance) & (read.window.len() - 1)], row)?;
                }
            } else {
                let argb = *read.cache.get(symbol - ALPHABETS[GREEN]).ok_or(ImageError::Damaged)?;
                read.push(argb, row)?;
            }
        }
        Ok(())
    }

    /// Reads a length or a distance, by its prefix.
    fn read_long(&mut self, prefix: usize) -> Result<usize, ImageError> {
        if prefix < 4 {
            return Ok(prefix + 1);
        }
        let extra = (prefix - 2) >> 1;
        let offset = (2 + (prefix & 1)) << extra;
        Ok(offset + self.bits.read(u8::try_from(extra).unwrap_or(u8::MAX).min(32))? as usize + 1)
    }
}

/// The pixels of an image that were read and may be referred to.
struct Read {
    /// The last ones, each at its number modulo the length.
    window: Vec<u32>,
    /// Pixels by a hash of their colour; empty where the image has no cache.
    cache: Vec<u32>,
    cache_bits: u32,
    /// The row that comes in.
    line: Vec<u32>,
    width: usize,
    y: usize,
    count: usize,
}

impl Read {
    fn new(width: usize, pixels: usize, cache_bits: u32) -> Self {
        Self {
            window: vec![0; pixels.next_power_of_two().min(WINDOW_PIXELS_MAX)],
            cache: vec![0; if cache_bits > 0 { 1 << cache_bits } else { 0 }],
            cache_bits,
            line: Vec::with_capacity(width),
            width,
            y: 0,
            count: 0,
        }
    }

    fn push(&mut self, argb: u32, row: &mut dyn FnMut(&[u32]) -> Result<(), ImageError>) -> Result<(), ImageError> {
        let place = self.count & (self.window.len() - 1);
        self.window[place] = argb;
        self.count += 1;
        if self.cache_bits > 0 {
            self.cache[cached_at(argb, self.cache_bits)] = argb;
        }
        self.line.push(argb);
        if self.line.len() == self.width {
            row(&self.line)?;
            self.line.clear();
            self.y += 1;
        }
        Ok(())
    }
}

fn cached_at(argb: u32, cache_bits: u32) -> usize {
    (argb.wrapping_mul(0x1E35_A7BD) >> (32 - cache_bits)) as usize
}

/// How many pixels back a distance code is.
fn distance_of(code: usize, width: usize) -> usize {
    match NEAR.get(code - 1) {
        None => code - NEAR.len(),
        Some((columns, rows)) => {
            let back = isize::from(*columns) + isize::from(*rows) * isize::try_from(width).unwrap_or(isize::MAX);
            usize::try_from(back).unwrap_or(1).max(1)
        }
    }
}
