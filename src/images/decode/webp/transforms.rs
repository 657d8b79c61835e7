//! What an encoder did to the pixels of a lossless WebP stream (RFC 9649 section 3.5), undone row by row.

/// A transform, and what undoing it needs of the rows before.
pub(super) enum Transform {
    Predictor {
        /// How each block's pixels are predicted.
        modes: Vec<u8>,
        across: usize,
        block_bits: u32,
        /// The row before; empty before the first.
        above: Vec<u32>,
        row: usize,
    },
    Color {
        /// Three factors for each block, as ARGB.
        factors: Vec<u32>,
        across: usize,
        block_bits: u32,
        row: usize,
    },
    SubtractGreen,
    Indexing {
        table: Vec<u32>,
        /// Pixels in one that is coded, as a power of two.
        packed_bits: u32,
        width: usize,
    },
}

impl Transform {
    pub(super) fn predictor(modes: Vec<u8>, across: usize, block_bits: u32, width: usize) -> Self {
        Self::Predictor { modes, across, block_bits, above: Vec::with_capacity(width), row: 0 }
    }

    pub(super) fn color(factors: Vec<u32>, across: usize, block_bits: u32) -> Self {
        Self::Color { factors, across, block_bits, row: 0 }
    }

    /// `table`: each colour as the difference from the one before.
    pub(super) fn indexing(mut table: Vec<u32>, width: usize) -> Self {
        let mut before = 0;
        for color in &mut table {
            before = add(before, *color);
            *color = before;
        }
        let packed_bits = match table.len() {
            0..=2 => 3,
            3..=4 => 2,
            5..=16 => 1,
            _ => 0,
        };
        Self::Indexing { table, packed_bits, width }
    }

    /// Pixels that are coded for a row of this many.
    pub(super) fn coded_width(&self, width: usize) -> usize {
        match self {
            Self::Indexing { packed_bits, .. } => width.div_ceil(1 << packed_bits),
            _ => width,
        }
    }

    /// Makes the next row what it was before.
    pub(super) fn undo(&mut self, mut pixels: Vec<u32>) -> Vec<u32> {
        match self {
            Self::Predictor { modes, across, block_bits, above, row } => {
                let modes = modes.get((*row >> *block_bits) * *across..).unwrap_or_default();
                undo_predictor(&mut pixels, above, |x| modes.get(x >> *block_bits).copied().unwrap_or_default());
                above.clear();
                above.extend_from_slice(&pixels);
                *row += 1;
            }
            Self::Color { factors, across, block_bits, row } => {
                let factors = factors.get((*row >> *block_bits) * *across..).unwrap_or_default();
                for (x, argb) in pixels.iter_mut().enumerate() {
                    *argb = undo_color(*argb, factors.get(x >> *block_bits).copied().unwrap_or_default());
                }
                *row += 1;
            }
            Self::SubtractGreen => {
                for argb in &mut pixels {
                    let green = *argb >> 8 & 0xFF;
                    *argb = add(*argb, green << 16 | green);
                }
            }
            Self::Indexing { table, packed_bits, width } => {
                let color = |x| table.get(unpack(&pixels, *packed_bits, x) as usize).copied().unwrap_or_default();
                pixels = (0..*width).map(color).collect();
            }
        }
        pixels
    }
}

/// The index of a pixel, of which several may share a green.
fn unpack(pixels: &[u32], packed_bits: u32, x: usize) -> u32 {
    let index_bits = 8_usize >> packed_bits;
    let green = pixels.get(x >> packed_bits).copied().unwrap_or_default() >> 8 & 0xFF;
    let shift = (x & ((1 << packed_bits) - 1)) * index_bits;
    green >> shift & ((1 << index_bits) - 1)
}

fn undo_predictor(pixels: &mut [u32], above: &[u32], mode: impl Fn(usize) -> u8) {
    let Some(first) = pixels.first_mut() else { return };
    *first = add(*first, above.first().copied().unwrap_or(0xFF00_0000));
    for x in 1..pixels.len() {
        let left = pixels[x - 1];
        let Some(&top) = above.get(x) else {
            pixels[x] = add(pixels[x], left);
            continue;
        };
        // Right of the last pixel is the first of this row.
        let top_right = above.get(x + 1).copied().unwrap_or(pixels[0]);
        pixels[x] = add(pixels[x], predict(mode(x), left, top, top_right, above[x - 1]));
    }
}

fn predict(mode: u8, left: u32, top: u32, top_right: u32, top_left: u32) -> u32 {
    match mode {
        1 => left,
        2 => top,
        3 => top_right,
        4 => top_left,
        5 => average(average(left, top_right), top),
        6 => average(left, top_left),
        7 => average(left, top),
        8 => average(top_left, top),
        9 => average(top, top_right),
        10 => average(average(left, top_left), average(top, top_right)),
        11 => select(left, top, top_left),
        12 => each(|shift| part(left, shift) + part(top, shift) - part(top_left, shift)),
        13 => {
            let mean = average(left, top);
            each(|shift| part(mean, shift) + (part(mean, shift) - part(top_left, shift)) / 2)
        }
        _ => 0xFF00_0000,
    }
}

/// Adds each of four bytes separately.
fn add(a: u32, b: u32) -> u32 {
    let (alpha_green, red_blue) =
        ((a & 0xFF00_FF00).wrapping_add(b & 0xFF00_FF00), (a & 0x00FF_00FF) + (b & 0x00FF_00FF));
    alpha_green & 0xFF00_FF00 | red_blue & 0x00FF_00FF
}

fn average(a: u32, b: u32) -> u32 {
    (((a ^ b) & 0xFEFE_FEFE) >> 1) + (a & b)
}

fn part(argb: u32, shift: u32) -> i32 {
    i32::from(argb.to_le_bytes()[shift as usize])
}

/// What is made for each of four bytes, none of them below 0 or above 255.
fn each(make: impl Fn(u32) -> i32) -> u32 {
    u32::from_le_bytes([0, 1, 2, 3].map(|shift| u8::try_from(make(shift).clamp(0, 255)).unwrap_or_default()))
}

fn select(left: u32, top: u32, top_left: u32) -> u32 {
    let distance = |a: u32| (0..4).map(|shift| (part(a, shift) - part(top_left, shift)).abs()).sum::<i32>();
    // How far the prediction left + top - top_left is from each of the two.
    if distance(top) < distance(left) { left } else { top }
}

fn undo_color(argb: u32, factors: u32) -> u32 {
    let [green_to_red, green_to_blue, red_to_blue, _] = factors.to_le_bytes().map(u8::cast_signed);
    let [blue, green, red, alpha] = argb.to_le_bytes();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it counts in bytes")]
    let delta = |factor: i8, color: u8| ((i32::from(factor) * i32::from(color.cast_signed())) >> 5) as u8;
    let red = red.wrapping_add(delta(green_to_red, green));
    let blue = blue.wrapping_add(delta(green_to_blue, green)).wrapping_add(delta(red_to_blue, red));
    u32::from_le_bytes([blue, green, red, alpha])
}
