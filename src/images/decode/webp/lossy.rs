//! The lossy frames of WebP: decoded to planes of luma and chroma, and from there to RGB row by row.

use std::io::Cursor;

use image_webp::vp8;

use super::lossless;
use crate::images::header::ImageError;

/// A decoded frame, with half as much chroma as luma in each direction.
pub(super) struct Planes {
    frame: vp8::Frame,
    stride: usize,
}

/// Bytes of the planes, in whole blocks of 16 × 16.
pub(super) fn plane_bytes(width: u32, height: u32) -> u64 {
    blocks(width, height) * 384
}

/// Bytes that decoding takes in addition to the planes: what is kept for each block until the end, and a copy of what was sent.
pub(super) fn decoder_bytes(coded_bytes: usize, width: u32, height: u32) -> u64 {
    // A list of 30 bytes each, which grows to twice its length, from the old one to the new one.
    blocks(width, height) * 3 * 32 + coded_bytes as u64
}

fn blocks(width: u32, height: u32) -> u64 {
    u64::from(width.div_ceil(16)) * u64::from(height.div_ceil(16))
}

impl Planes {
    pub(super) fn decode(coded: &[u8], (width, height): (u32, u32)) -> Result<Self, ImageError> {
        let frame = vp8::Vp8Decoder::decode_frame(Cursor::new(coded)).map_err(|_| ImageError::Damaged)?;
        if (u32::from(frame.width), u32::from(frame.height)) != (width, height) {
            return Err(ImageError::Damaged);
        }
        Ok(Self { stride: usize::from(frame.width).next_multiple_of(16), frame })
    }

    /// Writes a row as RGB, or as RGBA with `alpha`, or none of it transparent.
    pub(super) fn write_row(&self, y: usize, channels: usize, pixels: &mut [u8], alpha: Option<&[u8]>) {
        let (width, height) = (usize::from(self.frame.width), usize::from(self.frame.height));
        let luma = &self.frame.ybuf[y * self.stride..][..width];
        // The chroma of a pixel is nine sixteenths its own, and the rest is that of the three around the pixel's corner.
        let near = y / 2;
        let far = if y.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(height.div_ceil(2) - 1) };
        let row = |plane: &'_ [u8], y: usize| -> Vec<u16> {
            plane[y * self.stride / 2..][..width.div_ceil(2)].iter().map(|value| u16::from(*value)).collect()
        };
        let mixed = |plane: &[u8]| -> Vec<u16> {
            row(plane, near).iter().zip(row(plane, far)).map(|(near, far)| 3 * near + far).collect()
        };
        let (blue, red) = (mixed(&self.frame.ubuf), mixed(&self.frame.vbuf));
        let last = blue.len() - 1;
        // Plain arithmetic, and no more: it runs for each pixel.
        for (x, pixel) in pixels.chunks_exact_mut(channels).take(width).enumerate() {
            let near = x / 2;
            let far = if x % 2 == 0 { near.saturating_sub(1) } else { last.min(near + 1) };
            let luma = (i32::from(luma[x]) * 19077) >> 8;
            let blue = i32::from((3 * blue[near] + blue[far] + 8) / 16);
            let red = i32::from((3 * red[near] + red[far] + 8) / 16);
            // As the format's reference decoder does it, in 14 bits.
            pixel[0] = clip(luma + ((red * 26149) >> 8) - 14234);
            pixel[1] = clip(luma - ((blue * 6419) >> 8) - ((red * 13320) >> 8) + 8708);
            pixel[2] = clip(luma + ((blue * 33050) >> 8) - 17685);
            if channels == 4 {
                pixel[3] = alpha.and_then(|alpha| alpha.get(x)).copied().unwrap_or(255);
            }
        }
    }
}

#[expect(clippy::cast_sign_loss, reason = "it is between 0 and 255")]
fn clip(value: i32) -> u8 {
    (value >> 6).clamp(0, 255) as u8
}

/// Decodes the alpha of a frame row by row.
pub(super) fn decode_alpha(
    sent: &[u8],
    (width, height): (u32, u32),
    mut row: impl FnMut(&[u8]) -> Result<(), ImageError>,
) -> Result<(), ImageError> {
    let (kind, coded) = sent.split_first().ok_or(ImageError::Damaged)?;
    let filter = kind >> 2 & 3;
    let mut above: Vec<u8> = Vec::new();
    let mut push = |mut line: Vec<u8>| {
        unfilter(&mut line, &above, filter);
        row(&line)?;
        above = line;
        Ok(())
    };
    match kind & 3 {
        0 => {
            let bytes = width as usize * height as usize;
            let coded = coded.get(..bytes).ok_or(ImageError::Damaged)?;
            coded.chunks_exact(width as usize).try_for_each(|line| push(line.to_vec()))
        }
        1 => lossless::decode(coded, (width, height), |line| {
            push(line.iter().map(|argb| argb.to_le_bytes()[1]).collect())
        }),
        _ => Err(ImageError::Damaged),
    }
}

/// Adds to each value of a line what was expected of it. `above`: the line before, or empty.
fn unfilter(line: &mut [u8], above: &[u8], filter: u8) {
    for x in 0..line.len() {
        let left = x.checked_sub(1).map(|before| line[before]);
        let top = above.get(x).copied();
        let expected = match (filter, left, top) {
            (0, ..) | (_, None, None) => 0,
            (_, Some(only), None) | (_, None, Some(only)) | (1, Some(only), _) | (2, _, Some(only)) => only,
            (_, Some(left), Some(top)) => {
                let expected = i16::from(left) + i16::from(top) - i16::from(above[x - 1]);
                u8::try_from(expected.clamp(0, 255)).unwrap_or_default()
            }
        };
        line[x] = line[x].wrapping_add(expected);
    }
}
