//! Decodes an image and makes it smaller, with no more memory than its [`Header`] says.

pub(super) mod webp;

use std::io::Cursor;

use image::metadata::Orientation;
use zune_jpeg::zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};

use super::{
    SIDE_MAX,
    header::{DECODED_BYTES_MAX, Header, ImageError, Way},
    shrink::{Pixels, Shrinker},
};

/// Bytes that a PNG's texts, profiles and such may take.
const PNG_EXTRA_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Decodes what was sent: its pixels, not yet upright, and how it was held.
pub(super) fn decode(sent: &[u8], header: &Header) -> Result<(Pixels, Option<Orientation>), ImageError> {
    match header.way {
        Way::Png => decode_png(sent),
        Way::Jpeg => decode_jpeg(sent),
        Way::JpegScaled(eighths) => decode_jpeg_scaled(sent, header, eighths),
        Way::WebP => webp::decode(sent),
    }
}

fn decode_png(sent: &[u8]) -> Result<(Pixels, Option<Orientation>), ImageError> {
    let damaged = |_| ImageError::Damaged;
    let limits = png::Limits { bytes: PNG_EXTRA_BYTES_MAX };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(sent), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (width, height) = reader.info().size();
    let channels = reader.output_color_type().0.samples();
    let mut shrinker = Shrinker::new(width, height, channels, SIDE_MAX);
    if reader.info().interlaced {
        let bytes = reader.output_buffer_size().ok_or(ImageError::TooMuchToDecode)?;
        let mut whole = vec![0; bytes];
        reader.next_frame(&mut whole).map_err(damaged)?;
        shrinker.push_rows(&whole);
    } else {
        while let Some(row) = reader.next_row().map_err(damaged)? {
            shrinker.push_rows(row.data());
        }
    }
    let orientation = reader.info().exif_metadata.as_deref().and_then(Orientation::from_exif_chunk);
    Ok((shrinker.finish().ok_or(ImageError::Damaged)?, orientation))
}

fn jpeg_reader(sent: &[u8]) -> Result<zune_jpeg::JpegDecoder<ZCursor<&[u8]>>, ImageError> {
    let options = DecoderOptions::default().set_strict_mode(false).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(sent), options);
    decoder.decode_headers().map_err(|_| ImageError::Damaged)?;
    Ok(decoder)
}

fn orientation_of(decoder: &zune_jpeg::JpegDecoder<ZCursor<&[u8]>>) -> Option<Orientation> {
    decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif))
}

fn decode_jpeg(sent: &[u8]) -> Result<(Pixels, Option<Orientation>), ImageError> {
    let mut decoder = jpeg_reader(sent)?;
    let (colors, channels) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (ColorSpace::Luma, 1),
        _ => (ColorSpace::RGB, 3),
    };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(colors));
    let bytes = decoder.output_buffer_size().ok_or(ImageError::Damaged)?;
    let (width, height) = decoder.dimensions().ok_or(ImageError::Damaged)?;
    if bytes != width * height * channels || bytes as u64 > DECODED_BYTES_MAX {
        return Err(ImageError::Damaged);
    }
    let mut whole = vec![0; bytes];
    decoder.decode_into(&mut whole).map_err(|_| ImageError::Damaged)?;
    let orientation = orientation_of(&decoder);
    drop(decoder);
    Ok((shrink_whole(&whole, (width, height), channels)?, orientation))
}

/// Decodes a large JPEG at a part of its size, as its transform offers it: with a part of the memory and the time.
fn decode_jpeg_scaled(sent: &[u8], header: &Header, eighths: u16) -> Result<(Pixels, Option<Orientation>), ImageError> {
    let orientation = orientation_of(&jpeg_reader(sent)?);
    let mut decoder = jpeg_decoder::Decoder::new(Cursor::new(sent));
    decoder.set_max_decoding_buffer_size(usize::try_from(DECODED_BYTES_MAX).unwrap_or(usize::MAX));
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
    Ok((shrink_whole(&whole, (usize::from(info.width), usize::from(info.height)), channels)?, orientation))
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
        let header = Header::read(&sent).unwrap();
        assert_eq!((header.way, header.width, header.height), (Way::Jpeg, 200, 120));
        for (eighths, width, height) in [(4, 100, 60), (2, 50, 30), (1, 25, 15)] {
            let (pixels, _) = decode_jpeg_scaled(&sent, &header, eighths).unwrap();
            assert_eq!((pixels.width, pixels.height, pixels.channels), (width, height, 3));
        }
    }
}
