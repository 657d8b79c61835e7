//! How a camera was held, and the image turned upright.

use exif::{In, Reader, Tag};

use super::shrink::Pixels;

/// How much of an Exif block is read: that of a JPEG has no more. Each 12 bytes may be an entry, and each entry takes memory.
const EXIF_BYTES_MAX: usize = 64 * 1024;

/// How a camera was held: the value of Exif's tag `Orientation`, 1 (upright) to 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orientation(u8);

impl Orientation {
    /// Reads it from an Exif block, which begins with a TIFF header. What else is wrong with the block does not matter.
    pub(super) fn from_exif(block: &[u8]) -> Option<Self> {
        let block = &block[..block.len().min(EXIF_BYTES_MAX)];
        let read = Reader::new().continue_on_error(true).read_raw(block.to_vec());
        let exif = read.or_else(|error| error.distill_partial_result(|_| ())).ok()?;
        Self::from_value(exif.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0)?)
    }

    /// As a camera writes it that was turned to the left by a quarter.
    #[cfg(test)]
    pub(super) const ON_ITS_SIDE: Self = Self(6);

    fn from_value(value: u32) -> Option<Self> {
        u8::try_from(value).ok().filter(|value| (1..=8).contains(value)).map(Self)
    }

    /// Turns an image upright.
    pub(super) fn turn_upright(self, pixels: Pixels) -> Pixels {
        let Self(value) = self;
        if value == 1 {
            return pixels;
        }
        let (width, height, channels) = (pixels.width as usize, pixels.height as usize, pixels.channels);
        let is_on_its_side = value >= 5;
        let (is_mirrored_in_x, is_mirrored_in_y) = (matches!(value, 2 | 3 | 7 | 8), matches!(value, 3 | 4 | 6 | 7));
        let (to_width, to_height) = if is_on_its_side { (height, width) } else { (width, height) };
        let mut data = Vec::with_capacity(pixels.data.len());
        for y in 0..to_height {
            for x in 0..to_width {
                let (x, y) = if is_on_its_side { (y, x) } else { (x, y) };
                let x = if is_mirrored_in_x { width - 1 - x } else { x };
                let y = if is_mirrored_in_y { height - 1 - y } else { y };
                let place = (y * width + x) * channels;
                data.extend_from_slice(&pixels.data[place..place + channels]);
            }
        }
        let (width, height) =
            if is_on_its_side { (pixels.height, pixels.width) } else { (pixels.width, pixels.height) };
        Pixels { width, height, data, ..pixels }
    }
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, GrayAlphaImage, RgbImage, metadata};

    use super::*;

    #[test]
    fn an_image_is_turned_upright_however_the_camera_was_held() {
        let (width, height) = (7, 5);
        for (channels, value) in [2_u8, 3].into_iter().flat_map(|channels| (1..=8).map(move |value| (channels, value)))
        {
            let data: Vec<u8> = (0..7 * 5 * channels).collect();
            let mut expected = match channels {
                2 => DynamicImage::from(GrayAlphaImage::from_raw(width, height, data.clone()).unwrap()),
                _ => DynamicImage::from(RgbImage::from_raw(width, height, data.clone()).unwrap()),
            };
            expected.apply_orientation(metadata::Orientation::from_exif(value).unwrap());
            let pixels = Pixels { width, height, channels: channels.into(), data, transparent: false };
            let made = Orientation(value).turn_upright(pixels);
            assert_eq!((made.width, made.height), (expected.width(), expected.height()), "{value}");
            assert_eq!(made.data, expected.as_bytes(), "{value}");
        }
    }

    /// An Exif block with an entry for the orientation and, after it, one that points outside.
    fn exif(value: u16, is_big_endian: bool) -> Vec<u8> {
        let two = |value: u16| if is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let four = |value: u32| if is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut block = if is_big_endian { b"MM" } else { b"II" }.to_vec();
        block.extend(two(42));
        block.extend(four(8));
        block.extend(two(2));
        for (tag, kind, count, value) in [(0x112, 3, 1, value), (0x13B, 2, 70_000, 9)] {
            block.extend(two(tag));
            block.extend(two(kind));
            block.extend(four(count));
            block.extend(two(value));
            block.extend([0, 0]);
        }
        block.extend(four(0));
        block
    }

    #[test]
    fn of_a_block_that_is_too_large_the_beginning_is_read() {
        let mut large = exif(6, true);
        large.resize(8 * 1024 * 1024, 0);
        assert_eq!(Orientation::from_exif(&large), Some(Orientation::ON_ITS_SIDE));
        // The first directory is where nobody looks.
        large[4..8].copy_from_slice(&(1024 * 1024_u32).to_be_bytes());
        let moved = exif(6, true)[8..].to_vec();
        large[1024 * 1024..1024 * 1024 + moved.len()].copy_from_slice(&moved);
        assert_eq!(Orientation::from_exif(&large), None);
    }

    #[test]
    fn the_orientation_is_read_in_both_orders_of_bytes_and_next_to_what_is_damaged() {
        for is_big_endian in [false, true] {
            for value in 1..=8 {
                assert_eq!(Orientation::from_exif(&exif(value, is_big_endian)), Orientation::from_value(value.into()));
            }
            for value in [0, 9, 260, u16::MAX] {
                assert_eq!(Orientation::from_exif(&exif(value, is_big_endian)), None);
            }
        }
        let whole = exif(6, false);
        for bytes in 0..whole.len() {
            let _ = Orientation::from_exif(&whole[..bytes]);
            let mut altered = whole.clone();
            altered[bytes] ^= 0xFF;
            let _ = Orientation::from_exif(&altered);
        }
        assert_eq!(Orientation::from_exif(b""), None);
    }
}
