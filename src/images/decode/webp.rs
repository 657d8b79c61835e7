//! WebP (RFC 9649), decoded whole.

use std::io::Cursor;

use image::{ColorType, ImageDecoder as _, codecs::webp::WebPDecoder, metadata::Orientation};

use crate::images::{
    SIDE_MAX,
    header::{DECODED_BYTES_MAX, Header, ImageError, Way, check_size},
    shrink::{Pixels, Shrinker},
};

/// Bytes that the losslessly coded parts may have. A few bytes of them ask for a table of 4 KiB, up to 327,680 times, and the
/// decoder makes each: so many bytes keep that within [`DECODED_BYTES_MAX`].
const LOSSLESS_BYTES_MAX: usize = 96 * 1024;

/// The parts that a file has.
#[derive(Debug, Default)]
struct Parts {
    lossy: bool,
    lossless: bool,
    alpha: bool,
    animated: bool,
    lossless_bytes: usize,
}

impl Parts {
    /// Reads the chunks of a file, and of the frames of an animation.
    fn read(mut chunks: &[u8]) -> Self {
        let mut parts = Self::default();
        while let [a, b, c, d, s0, s1, s2, s3, rest @ ..] = chunks {
            let length = u32::from_le_bytes([*s0, *s1, *s2, *s3]) as usize;
            let body = &rest[..length.min(rest.len())];
            match &[*a, *b, *c, *d] {
                b"VP8 " => parts.lossy = true,
                b"VP8L" => {
                    parts.lossless = true;
                    parts.lossless_bytes = parts.lossless_bytes.max(length);
                }
                b"ALPH" => {
                    parts.alpha = true;
                    // The low bits say how it is coded; 0 is not at all.
                    if body.first().is_some_and(|kind| kind & 3 != 0) {
                        parts.lossless_bytes = parts.lossless_bytes.max(length);
                    }
                }
                b"ANMF" => {
                    parts.animated = true;
                    let frame = Self::read(body.get(16..).unwrap_or_default());
                    parts.lossy |= frame.lossy;
                    parts.lossless |= frame.lossless;
                    parts.alpha |= frame.alpha;
                    parts.lossless_bytes = parts.lossless_bytes.max(frame.lossless_bytes);
                }
                _ => {}
            }
            chunks = rest.get(length + length % 2..).unwrap_or_default();
        }
        parts
    }
}

pub(in crate::images) fn read_header(sent: &[u8]) -> Result<Header, ImageError> {
    let decoder = WebPDecoder::new(Cursor::new(sent)).map_err(|_| ImageError::Damaged)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    let parts = Parts::read(sent.get(12..).unwrap_or_default());
    if parts.lossless_bytes > LOSSLESS_BYTES_MAX {
        return Err(ImageError::TooMuchToDecode);
    }
    let pixels = u64::from(width) * u64::from(height);
    let channels = if decoder.color_type() == ColorType::Rgba8 { 4 } else { 3 };
    // In tenths of a byte for each pixel: what is decoded into, the planes of the lossy codec, and what the lossless one
    // decodes into where that is something else.
    let mut tenths = 10 * channels;
    if parts.lossy {
        tenths += 16;
    }
    if parts.lossless {
        tenths += if channels == 4 { 8 } else { 48 };
    }
    if parts.alpha {
        tenths += 58;
    }
    if parts.animated {
        tenths += 80;
    }
    Header::new(Way::WebP, (width, height), channels, pixels * tenths / 10)
}

pub(in crate::images) fn decode(sent: &[u8]) -> Result<(Pixels, Option<Orientation>), ImageError> {
    let mut decoder = WebPDecoder::new(Cursor::new(sent)).map_err(|_| ImageError::Damaged)?;
    let orientation = decoder.orientation().ok();
    let (width, height) = decoder.dimensions();
    let channels = if decoder.color_type() == ColorType::Rgba8 { 4 } else { 3 };
    let bytes = usize::try_from(decoder.total_bytes()).map_err(|_| ImageError::TooMuchToDecode)?;
    if bytes as u64 > DECODED_BYTES_MAX {
        return Err(ImageError::TooMuchToDecode);
    }
    let mut whole = vec![0; bytes];
    decoder.read_image(&mut whole).map_err(|_| ImageError::Damaged)?;
    let mut shrinker = Shrinker::new(width, height, channels, SIDE_MAX);
    shrinker.push_rows(&whole);
    Ok((shrinker.finish().ok_or(ImageError::Damaged)?, orientation))
}
