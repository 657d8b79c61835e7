//! Reads the header of an image, decodes it and makes it smaller, with no more memory than its [`ImageHeader`] says.

pub(super) mod png;
pub(super) mod webp;

use std::io::Cursor;

use zune_jpeg::zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};

use super::{
    SIDE_MAX,
    color_profile::Profile,
    format::Format,
    header::{ImageError, ImageHeader, MEMORY_BYTES_MAX, Way, read_jpeg},
    orientation::Orientation,
    shrink::{Pixels, Shrinker},
};

pub(super) struct Decoded {
    /// Not yet upright.
    pub(super) pixels: Pixels,
    /// How it was held.
    pub(super) orientation: Option<Orientation>,
    /// What its colours mean.
    pub(super) profile: Option<Profile>,
}

impl ImageHeader {
    /// Reads the header of what was sent, and refuses what would take too much.
    ///
    /// # Errors
    /// [`ImageError`], with a sentence for the sender.
    pub fn read(sent: &[u8]) -> Result<Self, ImageError> {
        match Format::of(sent) {
            Format::Png => png::read_header(sent),
            Format::Jpeg => read_jpeg(sent),
            Format::WebP => webp::read_header(sent),
            Format::Other(name) => Err(ImageError::UnknownFormat(name)),
        }
    }
}

/// Decodes what was sent.
pub(super) fn decode(sent: &[u8], header: &ImageHeader) -> Result<Decoded, ImageError> {
    match header.way {
        Way::Png => png::decode(sent),
        Way::Jpeg => decode_jpeg(sent),
        Way::JpegScaled(eighths) => decode_jpeg_scaled(sent, header, eighths),
        Way::WebP => webp::decode(sent),
    }
}

fn jpeg_reader(sent: &[u8]) -> Result<zune_jpeg::JpegDecoder<ZCursor<&[u8]>>, ImageError> {
    let options = DecoderOptions::default().set_strict_mode(false).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(sent), options);
    decoder.decode_headers().map_err(|_| ImageError::Damaged)?;
    Ok(decoder)
}

/// What a JPEG says in addition to its pixels, whose header was read.
fn orientation_and_profile(decoder: &zune_jpeg::JpegDecoder<ZCursor<&[u8]>>) -> (Option<Orientation>, Option<Profile>) {
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif(exif));
    (orientation, decoder.icc_profile().and_then(|profile| Profile::icc(&profile)))
}

fn decode_jpeg(sent: &[u8]) -> Result<Decoded, ImageError> {
    let mut decoder = jpeg_reader(sent)?;
    let (colors, channels) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (ColorSpace::Luma, 1),
        _ => (ColorSpace::RGB, 3),
    };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(colors));
    let bytes = decoder.output_buffer_size().ok_or(ImageError::Damaged)?;
    let (width, height) = decoder.dimensions().ok_or(ImageError::Damaged)?;
    if bytes != width * height * channels || bytes as u64 > MEMORY_BYTES_MAX {
        return Err(ImageError::Damaged);
    }
    let mut whole = vec![0; bytes];
    decoder.decode_into(&mut whole).map_err(|_| ImageError::Damaged)?;
    let (orientation, profile) = orientation_and_profile(&decoder);
    drop(decoder);
    Ok(Decoded { pixels: shrink_whole(&whole, (width, height), channels)?, orientation, profile })
}

/// Decodes a large JPEG at a part of its size, as its transform offers it: with a part of the memory and the time.
fn decode_jpeg_scaled(sent: &[u8], header: &ImageHeader, eighths: u16) -> Result<Decoded, ImageError> {
    let (orientation, profile) = orientation_and_profile(&jpeg_reader(sent)?);
    let mut decoder = jpeg_decoder::Decoder::new(Cursor::new(sent));
    decoder.set_max_decoding_buffer_size(usize::try_from(MEMORY_BYTES_MAX).unwrap_or(usize::MAX));
    decoder.read_info().map_err(|_| ImageError::Damaged)?;
    let side = |side: u32| u16::try_from(u64::from(side) * u64::from(eighths) / 8).unwrap_or(u16::MAX).max(1);
    decoder.scale(side(header.width), side(header.height)).map_err(|_| ImageError::Damaged)?;
    let whole = decoder.decode().map_err(|_| ImageError::Damaged)?;
    let info = decoder.info().ok_or(ImageError::Damaged)?;
    let channels = match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => 1,
        jpeg_decoder::PixelFormat::RGB24 => 3,
        _ => return Err(ImageError::TooMuchToDecode),
    };
    drop(decoder);
    let pixels = shrink_whole(&whole, (usize::from(info.width), usize::from(info.height)), channels)?;
    Ok(Decoded { pixels, orientation, profile })
}

fn shrink_whole(whole: &[u8], (width, height): (usize, usize), channels: usize) -> Result<Pixels, ImageError> {
    let side = |side: usize| u32::try_from(side).map_err(|_| ImageError::Damaged);
    let mut shrinker = Shrinker::new(side(width)?, side(height)?, channels, SIDE_MAX);
    shrinker.push_rows(whole);
    shrinker.finish().ok_or(ImageError::Damaged)
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat};

    use super::*;

    #[test]
    fn a_large_jpeg_is_decoded_at_a_part_of_its_size() {
        let mut sent = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(200, 120).write_to(&mut sent, ImageFormat::Jpeg).unwrap();
        let sent = sent.into_inner();
        let header = ImageHeader::read(&sent).unwrap();
        assert_eq!((header.way, header.width, header.height), (Way::Jpeg, 200, 120));
        for (eighths, width, height) in [(4, 100, 60), (2, 50, 30), (1, 25, 15)] {
            let Decoded { pixels, .. } = decode_jpeg_scaled(&sent, &header, eighths).unwrap();
            assert_eq!((pixels.width, pixels.height, pixels.channels), (width, height, 3));
        }
    }
}
