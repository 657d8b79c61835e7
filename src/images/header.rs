//! What an image says of itself before anything of it is decoded, and what decoding it will take.

use thiserror::Error;

use super::{SIDE_MAX, shrink::Shrinker};

/// Longest side of what is sent: more is no photograph.
pub const SENT_SIDE_MAX: u32 = 12_000;

/// Most pixels of what is sent.
pub const SENT_PIXELS_MAX: u64 = 50_000_000;

/// Most memory that one image may take at once, what was sent included: an account has one at a time, and may take 64 MiB.
pub(super) const MEMORY_BYTES_MAX: u64 = 62 * 1024 * 1024;

/// What was sent counts up to this many bytes. If more may be sent, the operator has configured it.
const SENT_BYTES_MAX: u64 = 10 * 1024 * 1024;

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
    #[error("`image` must be a JPEG, PNG or WebP image, got {0}")]
    UnknownFormat(&'static str),
    #[error("`image` must be at most {SENT_SIDE_MAX} pixels a side and 50 million in all, got {width} × {height}")]
    TooManyPixels {
        /// What it says that it is.
        width: u32,
        /// What it says that it is.
        height: u32,
    },
    /// Decoding it would take more memory or time than one image may take.
    #[error("`image` takes too much to decode: send fewer pixels, or an ordinary JPEG that is not progressive")]
    TooMuchToDecode,
    /// It begins like an image and is none.
    #[error("`image` is damaged")]
    Damaged,
}

/// How an image is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A PNG row by row.
    Png,
    /// A JPEG whole.
    Jpeg,
    /// A JPEG at this many eighths of its size.
    JpegScaled(u16),
    /// A WebP row by row.
    WebP,
}

/// What an image says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageHeader {
    pub(super) way: Way,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bytes of all its pixels, decoded: what its turn costs.
    pub(super) decoded_bytes: u64,
    /// Bytes that are in memory at once while it is decoded and made smaller.
    pub(super) memory_bytes: u64,
}

/// Bytes that an image takes, in addition to the smaller one that is made of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needed {
    pub(super) sent_bytes: u64,
    /// While it is decoded.
    pub(super) decoding_bytes: u64,
    /// While it is made smaller.
    pub(super) decoded_bytes: u64,
}

impl Needed {
    /// For an image that is made smaller while it is decoded.
    pub(super) fn streaming(sent: &[u8], bytes: u64) -> Self {
        Self { sent_bytes: sent.len() as u64, decoding_bytes: bytes, decoded_bytes: bytes }
    }
}

impl ImageHeader {
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

    /// The header of an image and the memory that it takes; refuses an image that takes too much.
    pub(super) fn new(
        way: Way,
        (width, height): (u32, u32),
        channels: u64,
        needed: Needed,
    ) -> Result<Self, ImageError> {
        let decoded_bytes = u64::from(width) * u64::from(height) * channels;
        let smaller = Shrinker::bytes(width, height, channels.min(4), SIDE_MAX);
        let at_once = needed.decoding_bytes.max(needed.decoded_bytes + smaller);
        let memory_bytes = needed.sent_bytes.min(SENT_BYTES_MAX) + at_once;
        if memory_bytes > MEMORY_BYTES_MAX {
            return Err(ImageError::TooMuchToDecode);
        }
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

/// The frame of a JPEG (ITU-T T.81 section B.2.2), and how often its scans go through it.
struct JpegFrame {
    width: u32,
    height: u32,
    /// Horizontal and vertical sampling of each component.
    sampling: Vec<(u64, u64)>,
    progressive: bool,
    scans: u64,
    /// Bytes before it: profiles, what a camera writes, and such, which are read as a copy.
    beside_bytes: u64,
}

pub(super) fn read_jpeg(sent: &[u8]) -> Result<ImageHeader, ImageError> {
    let frame = JpegFrame::read(sent).ok_or(ImageError::Damaged)?;
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
    let sent_bytes = sent.len() as u64;
    let whole = pixels * channels;
    let decoding_bytes = whole + coefficients + frame.beside_bytes;
    let needed = Needed { sent_bytes, decoding_bytes, decoded_bytes: whole + frame.beside_bytes };
    let mut header = ImageHeader::new(Way::Jpeg, (width, height), channels, needed);
    if header.is_ok() || frame.sampling.len() > 3 {
        return header;
    }
    // Decoded at a part of its size, which is larger than what goes on, or nearly.
    for eighths in [4, 2, 1] {
        let part = |bytes: u64| bytes * eighths * eighths / 64;
        let decoding_bytes = part(samples) + coefficients.max(part(whole)) + frame.beside_bytes;
        let needed = Needed { sent_bytes, decoding_bytes, decoded_bytes: part(whole) + frame.beside_bytes };
        #[expect(clippy::cast_possible_truncation, reason = "4, 2 or 1")]
        let way = Way::JpegScaled(eighths as u16);
        header = ImageHeader::new(way, (width, height), channels, needed);
        if header.is_ok() {
            break;
        }
    }
    header
}

impl JpegFrame {
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
        (!sampling.is_empty()).then_some(Self {
            width,
            height,
            sampling,
            progressive,
            scans,
            beside_bytes: place as u64,
        })
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

    /// The beginning of a JPEG of three components, as telephones write them, with this many scans.
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
            (8160, 6120, false, Way::JpegScaled(4)),
            (4608, 3456, true, Way::JpegScaled(4)),
            (3000, 2000, true, Way::Jpeg),
            (4032, 3024, true, Way::JpegScaled(4)),
        ] {
            let header =
                ImageHeader::read(&jpeg(width, height, progressive, if progressive { 10 } else { 1 })).unwrap();
            assert_eq!(header.way, way, "{width} × {height}");
            assert!(header.memory_bytes <= MEMORY_BYTES_MAX);
        }
        let whole = ImageHeader::read(&jpeg(7000, 7000, true, 10));
        assert_eq!(whole, Err(ImageError::TooMuchToDecode), "its coefficients alone are 147 MB");
        assert_eq!(
            ImageHeader::read(&jpeg(12_001, 1, false, 1)),
            Err(ImageError::TooManyPixels { width: 12_001, height: 1 })
        );
    }

    #[test]
    fn a_jpeg_with_more_passes_than_anybody_needs_is_refused() {
        assert!(ImageHeader::read(&jpeg(1000, 1000, true, 14)).is_ok());
        assert_eq!(ImageHeader::read(&jpeg(100, 100, true, 200)), Err(ImageError::TooMuchToDecode));
        assert_eq!(ImageHeader::read(&jpeg(4000, 3000, true, 90)), Err(ImageError::TooMuchToDecode));
    }
}
