//! What an image says of itself before anything of it is decoded, and what decoding it will take.

use image::ImageFormat;
use thiserror::Error;

use super::{SIDE_MAX, decode::webp, shrink::Shrinker};

/// Longest side of what is sent: more is no photograph.
const SENT_SIDE_MAX: u32 = 12_000;

/// Most pixels of what is sent.
const SENT_PIXELS_MAX: u64 = 50_000_000;

/// Most memory that decoding one image may take, without what is sent and without the smaller image that is made.
pub(super) const DECODED_BYTES_MAX: u64 = 40 * 1024 * 1024;

/// Pixels of a small image. Those have a thread of their own.
const SMALL_PIXELS_MAX: u64 = 4 * 1024 * 1024;

/// Times that the passes of a JPEG may go through its pixels, in all: each takes time, and hardly any bytes.
const PASSED_PIXELS_MAX: u64 = 500_000_000;

/// Passes of a JPEG. Usual ones have 1 or about 10.
const PASSES_MAX: u64 = 100;

/// Why an image is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ImageError {
    /// Of another format, or none.
    #[error("`image` must be a JPEG, PNG or WebP image")]
    UnknownFormat,
    /// More pixels than anybody needs.
    #[error("`image` must be at most {SENT_SIDE_MAX} pixels a side and 50 million in all, got {width} × {height}")]
    TooManyPixels {
        /// What it says that it is.
        width: u32,
        /// What it says that it is.
        height: u32,
    },
    /// Decoding it would take more memory or time than one image may take.
    #[error(
        "`image` takes too much to decode: send fewer pixels, or an ordinary JPEG: not progressive, interlaced or lossless"
    )]
    TooMuchToDecode,
    /// It begins like an image and is none.
    #[error("`image` is damaged")]
    Damaged,
}

/// How an image is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A PNG row by row, or whole where its rows are interlaced.
    Png,
    /// A JPEG whole.
    Jpeg,
    /// A JPEG at so many eighths of its size.
    JpegScaled(u16),
    /// A WebP whole.
    WebP,
}

/// What an image says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub(super) way: Way,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bytes of all its pixels, decoded: what its turn costs.
    pub(super) decoded_bytes: u64,
    /// Bytes that are in memory at once while it is decoded and made smaller.
    pub(super) memory_bytes: u64,
}

impl Header {
    /// Reads the header of what was sent, and refuses what would take too much.
    ///
    /// # Errors
    /// [`ImageError`], with a sentence for the sender.
    pub fn read(sent: &[u8]) -> Result<Self, ImageError> {
        // By its content; a name and a type are only claims.
        match image::guess_format(sent).map_err(|_| ImageError::UnknownFormat)? {
            ImageFormat::Png => read_png(sent),
            ImageFormat::Jpeg => read_jpeg(sent),
            ImageFormat::WebP => webp::read_header(sent),
            _ => Err(ImageError::UnknownFormat),
        }
    }

    /// Whether it takes so little that it need not wait for large ones.
    #[must_use]
    pub fn is_small(&self) -> bool {
        u64::from(self.width) * u64::from(self.height) <= SMALL_PIXELS_MAX
    }

    /// Bytes of all its pixels, decoded.
    #[must_use]
    pub fn decoded_bytes(&self) -> u64 {
        self.decoded_bytes
    }

    /// Bytes that are in memory at once while it is decoded and made smaller.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// `decoder_bytes`: what the decoder keeps at once.
    pub(super) fn new(
        way: Way,
        (width, height): (u32, u32),
        channels: u64,
        decoder_bytes: u64,
    ) -> Result<Self, ImageError> {
        if decoder_bytes > DECODED_BYTES_MAX {
            return Err(ImageError::TooMuchToDecode);
        }
        let decoded_bytes = u64::from(width) * u64::from(height) * channels;
        let memory_bytes = decoder_bytes + Shrinker::bytes(width, height, channels, SIDE_MAX);
        Ok(Self { way, width, height, decoded_bytes, memory_bytes })
    }
}

/// Refuses what no telephone takes.
pub(super) fn check_size(width: u32, height: u32) -> Result<(), ImageError> {
    let pixels = u64::from(width) * u64::from(height);
    if width == 0 || height == 0 {
        Err(ImageError::Damaged)
    } else if width > SENT_SIDE_MAX || height > SENT_SIDE_MAX || pixels > SENT_PIXELS_MAX {
        Err(ImageError::TooManyPixels { width, height })
    } else {
        Ok(())
    }
}

fn read_png(sent: &[u8]) -> Result<Header, ImageError> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(sent));
    let info = decoder.read_header_info().map_err(|_| ImageError::Damaged)?;
    let (width, height) = (info.width, info.height);
    check_size(width, height)?;
    // As decoded: a palette and few bits become whole bytes, with alpha where a colour is transparent.
    let channels = match info.color_type {
        png::ColorType::Grayscale => 2,
        png::ColorType::GrayscaleAlpha => 2,
        _ => 4,
    };
    let deep = if info.bit_depth == png::BitDepth::Sixteen { 2 } else { 1 };
    let row = u64::from(width) * channels * deep;
    let decoder_bytes =
        if info.interlaced { u64::from(height) * u64::from(width) * channels + 2 * row } else { 8 * row };
    Header::new(Way::Png, (width, height), channels * deep, decoder_bytes)
}

/// The frame of a JPEG (ITU-T T.81 section B.2.2), and how often its scans go through it.
struct Frame {
    width: u32,
    height: u32,
    /// Horizontal and vertical sampling of each component.
    sampling: Vec<(u64, u64)>,
    progressive: bool,
    scans: u64,
}

fn read_jpeg(sent: &[u8]) -> Result<Header, ImageError> {
    let frame = Frame::read(sent).ok_or(ImageError::Damaged)?;
    let (width, height) = (frame.width, frame.height);
    check_size(width, height)?;
    let pixels = u64::from(width) * u64::from(height);
    // One pass goes through each component once; where each has its own, they count as one.
    let passes = frame.scans.saturating_sub(frame.sampling.len() as u64).max(1);
    if passes > PASSES_MAX || passes.saturating_mul(pixels) > PASSED_PIXELS_MAX {
        return Err(ImageError::TooMuchToDecode);
    }
    let channels = if frame.sampling.len() == 1 { 1 } else { 3 };
    let samples = frame.samples();
    // Coefficients stay until the last pass, two bytes each.
    let coefficients = if frame.progressive || frame.scans > 1 { 2 * samples } else { 0 };
    let decoder_bytes = pixels * channels + coefficients;
    if decoder_bytes <= DECODED_BYTES_MAX || frame.sampling.len() > 3 {
        return Header::new(Way::Jpeg, (width, height), channels, decoder_bytes);
    }
    // Decoded at a part of its size, which is larger than what goes on, or nearly.
    let mut scaled = Err(ImageError::TooMuchToDecode);
    for eighths in [4, 2, 1] {
        let part = |bytes: u64| bytes * eighths * eighths / 64;
        let decoder_bytes = part(samples) + coefficients.max(part(pixels * channels));
        #[expect(clippy::cast_possible_truncation, reason = "4, 2 or 1")]
        let way = Way::JpegScaled(eighths as u16);
        scaled = Header::new(way, (width, height), channels, decoder_bytes);
        if scaled.is_ok() {
            break;
        }
    }
    scaled
}

impl Frame {
    fn read(sent: &[u8]) -> Option<Self> {
        let mut place = 2;
        let frame = loop {
            let [0xFF, marker, ..] = sent.get(place..)? else {
                place += 1;
                continue;
            };
            if matches!(marker, 0xFF | 0x00 | 0x01 | 0xD0..=0xD8) {
                place += 1;
                continue;
            }
            let length = usize::from(u16::from_be_bytes([*sent.get(place + 2)?, *sent.get(place + 3)?]));
            if matches!(marker, 0xC0..=0xC2) {
                break sent.get(place + 4..place + 2 + length)?;
            }
            place += 2 + length;
        };
        let progressive = sent[place + 1] == 0xC2;
        let [_, high, low, wide, narrow, components, rest @ ..] = frame else { return None };
        let sampling: Vec<(u64, u64)> = rest
            .chunks_exact(3)
            .take(usize::from(*components))
            .map(|component| (u64::from(component[1] >> 4).max(1), u64::from(component[1] & 15).max(1)))
            .collect();
        let scans = sent[place..].windows(2).filter(|two| *two == [0xFF, 0xDA]).count() as u64;
        let side = |high: u8, low: u8| u32::from(u16::from_be_bytes([high, low]));
        let (height, width) = (side(*high, *low), side(*wide, *narrow));
        (!sampling.is_empty()).then_some(Self { width, height, sampling, progressive, scans })
    }

    /// Samples of all components, in whole blocks of 8 × 8.
    fn samples(&self) -> u64 {
        let most = self.sampling.iter().fold((1, 1), |most, one| (most.0.max(one.0), most.1.max(one.1)));
        let blocks = |side: u32, most: u64| u64::from(side).div_ceil(8 * most);
        let (across, down) = (blocks(self.width, most.0), blocks(self.height, most.1));
        self.sampling.iter().map(|(h, v)| across * h * down * v * 64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of a JPEG of three components, as telephones write them, with so many scans.
    fn jpeg(width: u16, height: u16, progressive: bool, scans: usize) -> Vec<u8> {
        let mut sent = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 0xFF, 0xDA];
        sent.extend([0xFF, if progressive { 0xC2 } else { 0xC0 }, 0, 17, 8]);
        sent.extend([height.to_be_bytes(), width.to_be_bytes()].concat());
        sent.extend([3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
        sent.extend([0xFF, 0xDA, 0, 2].repeat(scans));
        sent
    }

    #[test]
    fn a_jpeg_is_decoded_whole_where_its_pixels_fit_and_else_at_a_part_of_its_size() {
        for (width, height, progressive, way) in [
            (4032, 3024, false, Way::Jpeg),
            (5712, 4284, false, Way::JpegScaled(4)),
            (8160, 6120, false, Way::JpegScaled(2)),
            (3000, 2000, true, Way::Jpeg),
            (4032, 3024, true, Way::JpegScaled(4)),
        ] {
            let header = Header::read(&jpeg(width, height, progressive, if progressive { 10 } else { 1 })).unwrap();
            assert_eq!(header.way, way, "{width} × {height}");
            assert!(header.memory_bytes() <= DECODED_BYTES_MAX + 16 * 1024 * 1024);
        }
        let whole = Header::read(&jpeg(7000, 7000, true, 10));
        assert_eq!(whole, Err(ImageError::TooMuchToDecode), "its coefficients alone are 147 MB");
        assert_eq!(
            Header::read(&jpeg(12_001, 1, false, 1)),
            Err(ImageError::TooManyPixels { width: 12_001, height: 1 })
        );
    }

    #[test]
    fn a_jpeg_with_more_passes_than_anybody_needs_is_refused() {
        assert!(Header::read(&jpeg(1000, 1000, true, 14)).is_ok());
        assert_eq!(Header::read(&jpeg(100, 100, true, 200)), Err(ImageError::TooMuchToDecode));
        assert_eq!(Header::read(&jpeg(4000, 3000, true, 90)), Err(ImageError::TooMuchToDecode));
    }
}
