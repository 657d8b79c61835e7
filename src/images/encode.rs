//! Turns what a client sends into an image of our own: decoded, turned upright, made smaller, and encoded again. So nothing
//! else of the file survives: no place where it was taken, no camera, no bytes after its end.

use jpeg_encoder::{ColorType, SamplingFactor};

use super::{
    color_profile::to_srgb,
    decode::{Decoded, decode},
    header::{ImageError, ImageHeader},
    shrink::{Pixels, Shrinker},
};

/// Longest side of a thumbnail.
const THUMBNAIL_SIDE_MAX: u32 = 320;

const JPEG_QUALITY: u8 = 85;

/// An image and its thumbnail, encoded again.
pub struct EncodedImage {
    pub image: Vec<u8>,
    pub thumbnail: Vec<u8>,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// `jpg`, or `png` where something is transparent.
    pub extension: &'static str,
}

impl EncodedImage {
    /// The type of both files.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        if self.extension == "png" { "image/png" } else { "image/jpeg" }
    }
}

/// Decodes what was sent and encodes it again. Takes up to a second or two and the memory that its header says: for a thread of its own.
///
/// # Errors
/// [`ImageError`], with a sentence for the sender.
pub fn encode(sent: impl AsRef<[u8]>, header: &ImageHeader) -> Result<EncodedImage, ImageError> {
    let Decoded { mut pixels, orientation, profile } = decode(sent.as_ref(), header)?;
    // What was sent is freed before the image is written.
    drop(sent);
    let transparent = pixels.transparent;
    if let Some(profile) = profile {
        pixels = to_srgb(pixels, &profile);
    }
    // A telephone writes its orientation next to the pixels. Everything next to them is dropped.
    if let Some(orientation) = orientation {
        pixels = orientation.turn_upright(pixels);
    }
    let thumbnail = thumbnail_of(&pixels).ok_or(ImageError::Damaged)?;
    let write = if transparent { to_png } else { to_jpeg };
    Ok(EncodedImage {
        thumbnail: write(&thumbnail)?,
        image: write(&pixels)?,
        width: pixels.width,
        height: pixels.height,
        extension: if transparent { "png" } else { "jpg" },
    })
}

fn thumbnail_of(image: &Pixels) -> Option<Pixels> {
    let mut shrinker = Shrinker::new(image.width, image.height, image.channels, THUMBNAIL_SIDE_MAX);
    shrinker.push_rows(&image.data);
    shrinker.finish()
}

/// Leaves alpha out.
fn to_jpeg(pixels: &Pixels) -> Result<Vec<u8>, ImageError> {
    let Pixels { width, height, channels, data, .. } = pixels;
    let (Ok(width), Ok(height)) = (u16::try_from(*width), u16::try_from(*height)) else {
        return Err(ImageError::Damaged);
    };
    let grey: Vec<u8>;
    let (data, color) = match channels {
        1 => (data, ColorType::Luma),
        2 => {
            grey = data.iter().copied().step_by(2).collect();
            (&grey, ColorType::Luma)
        }
        3 => (data, ColorType::Rgb),
        _ => (data, ColorType::Rgba),
    };
    let mut out = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut out, JPEG_QUALITY);
    // Half the colours would blur what is written in a screenshot.
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    encoder.encode(data, width, height, color).map_err(|_| ImageError::Damaged)?;
    Ok(out)
}

fn to_png(pixels: &Pixels) -> Result<Vec<u8>, ImageError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, pixels.width, pixels.height);
    encoder.set_color(match pixels.channels {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    });
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Adaptive);
    let mut writer = encoder.write_header().map_err(|_| ImageError::Damaged)?;
    writer.write_image_data(&pixels.data).map_err(|_| ImageError::Damaged)?;
    writer.finish().map_err(|_| ImageError::Damaged)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{
        DynamicImage, ImageEncoder as _, ImageFormat, RgbImage,
        codecs::{jpeg::JpegEncoder, png::PngEncoder},
    };

    use super::*;
    use crate::images::header::MEMORY_BYTES_MAX;

    fn encode(sent: &[u8]) -> Result<EncodedImage, ImageError> {
        super::encode(sent, &ImageHeader::read(sent)?)
    }

    fn black(width: u32, height: u32, channels: usize) -> Pixels {
        let data = vec![0; width as usize * height as usize * channels];
        Pixels { width, height, channels, data, transparent: channels.is_multiple_of(2) }
    }

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        to_jpeg(&black(width, height, 3)).unwrap()
    }

    #[test]
    fn an_image_is_made_smaller_and_nothing_beside_its_pixels_goes_on() {
        let mut sent = jpeg(3000, 1500);
        // An APP1 segment after the start, as cameras write it, and bytes after the end.
        let exif = b"\xff\xe1\x00\x1fExif\0\0GPS 37.5665 126.9780....";
        sent.splice(2..2, exif.iter().copied());
        sent.extend_from_slice(b"<script>alert(1)</script>");
        let encoded = encode(&sent).unwrap();
        assert_eq!((encoded.width, encoded.height, encoded.extension), (2048, 1024, "jpg"));
        for file in [&encoded.image, &encoded.thumbnail] {
            assert!(!file.windows(4).any(|four| four == b"Exif" || four == b"GPS " || four == b"<scr"));
        }
        let thumbnail = image::load_from_memory(&encoded.thumbnail).unwrap();
        assert_eq!((thumbnail.width(), thumbnail.height()), (320, 160));
    }

    /// An image of one colour in Display P3 that was held on its side, in each format.
    fn in_display_p3() -> [Vec<u8>; 3] {
        let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
        // One entry, orientation: 6.
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        let picture = RgbImage::from_pixel(60, 40, image::Rgb([200, 100, 100]));
        let mut made = [Vec::new(), Vec::new(), Vec::new()];
        let [jpeg, png, webp] = &mut made;
        let mut encoder = JpegEncoder::new_with_quality(jpeg, 95);
        encoder.set_icc_profile(icc.clone()).unwrap();
        encoder.set_exif_metadata(exif.clone()).unwrap();
        picture.write_with_encoder(encoder).unwrap();
        let mut encoder = PngEncoder::new(png);
        encoder.set_icc_profile(icc.clone()).unwrap();
        encoder.set_exif_metadata(exif.clone()).unwrap();
        picture.write_with_encoder(encoder).unwrap();
        let mut encoder = image_webp::WebPEncoder::new(webp);
        encoder.set_icc_profile(icc);
        encoder.set_exif_metadata(exif);
        encoder.encode(&picture, 60, 40, image_webp::ColorType::Rgb8).unwrap();
        made
    }

    #[test]
    fn colors_and_orientation_are_kept_in_every_format() {
        for (format, sent) in ["JPEG", "PNG", "WebP"].into_iter().zip(in_display_p3()) {
            let encoded = encode(&sent).unwrap();
            assert_eq!((encoded.width, encoded.height), (40, 60), "{format}");
            for file in [&encoded.image, &encoded.thumbnail] {
                assert!(
                    !file.windows(4).any(|four| four == b"acsp"),
                    "the profile goes, its colours are those of sRGB"
                );
                let pixel = *image::load_from_memory(file).unwrap().into_rgb8().get_pixel(20, 30);
                let near = pixel.0.iter().zip([215_u8, 93, 97]).all(|(made, expected)| made.abs_diff(expected) <= 4);
                assert!(near, "{format}: {pixel:?}");
            }
        }
    }

    #[test]
    fn ordinary_pictures_are_taken_whatever_their_format() {
        let lossy = include_bytes!("../../tests/images/photo_4000x3000.webp");
        let encoded = encode(lossy).unwrap();
        assert_eq!((encoded.width, encoded.height, encoded.extension), (2048, 1536, "jpg"));
        let interlaced = include_bytes!("../../tests/images/interlaced_2000x2000.png");
        let encoded = encode(interlaced).unwrap();
        assert_eq!((encoded.width, encoded.height, encoded.extension), (2000, 2000, "jpg"));
        let pixel = *image::load_from_memory(&encoded.image).unwrap().into_rgb8().get_pixel(1234, 777);
        assert!(pixel.0.iter().zip([144_u8, 90, 128]).all(|(made, sent)| made.abs_diff(sent) <= 3), "{pixel:?}");
    }

    #[test]
    fn what_is_transparent_stays_so() {
        let sent = to_png(&black(20, 10, 4)).unwrap();
        let encoded = encode(&sent).unwrap();
        assert_eq!((encoded.extension, encoded.content_type(), encoded.width), ("png", "image/png", 20));
    }

    #[test]
    fn a_bomb_is_refused_by_what_it_says_of_itself() {
        // A PNG's header with 60,000 × 60,000 pixels, and hardly anything after it.
        let mut sent = to_png(&black(1, 1, 4)).unwrap();
        sent[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        sent[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        let crc = crc32(&sent[12..29]);
        sent[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(encode(&sent).err(), Some(ImageError::TooManyPixels { width: 60_000, height: 60_000 }));
    }

    /// A PNG's header alone, which claims this many pixels.
    fn png_header(width: u32, height: u32, depth: png::BitDepth) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, width, height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(depth);
        drop(encoder.write_header().unwrap());
        out
    }

    #[test]
    fn a_png_of_49_million_deep_pixels_is_decoded_row_by_row() {
        let header = ImageHeader::read(&png_header(7000, 7000, png::BitDepth::Sixteen)).unwrap();
        assert_eq!(header.decoded_bytes(), 7000 * 7000 * 8);
        assert!(header.memory_bytes < 64 * 1024 * 1024 && !header.is_small(), "{header:?}");
        let deep = DynamicImage::from(image::ImageBuffer::<image::Rgba<u16>, _>::from_fn(2100, 30, |x, y| {
            image::Rgba([u16::try_from(x).unwrap() * 31, 500, u16::try_from(y).unwrap() * 2000, u16::MAX])
        }));
        let mut sent = Cursor::new(Vec::new());
        deep.write_to(&mut sent, ImageFormat::Png).unwrap();
        let encoded = encode(sent.get_ref()).unwrap();
        assert_eq!((encoded.width, encoded.height, encoded.extension), (2048, 29, "jpg"));
    }

    #[test]
    fn no_image_that_is_taken_needs_more_memory_than_one_may_take() {
        let sides = (100..12_000).step_by(700);
        for (width, height) in sides.clone().flat_map(|width| sides.clone().map(move |height| (width, height))) {
            for depth in [png::BitDepth::Eight, png::BitDepth::Sixteen] {
                if let Ok(header) = ImageHeader::read(&png_header(width, height, depth)) {
                    assert!(header.memory_bytes <= MEMORY_BYTES_MAX, "{header:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let whole = jpeg(64, 64);
        for (sent, got) in [
            (&b""[..], "an empty file"),
            (b"hello", "something else"),
            (b"\xEF\xBB\xBF\n<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG image"),
            (b"<?xml version='1.0'?><!-- made by hand --><svg/>", "an SVG image"),
            (b"GIF89a\x01\0\x01\0\0\0\0", "a GIF image"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC image"),
            (b"\0\0\0\x1Cftypmif1\0\0\0\0mif1heicmiaf", "a HEIC image"),
            (b"\0\0\0\x1Cftypavif\0\0\0\0avifmif1miaf", "an AVIF image"),
            (b"\0\0\0\x1Cftypmif1\0\0\0\0mif1avifmiaf", "an AVIF image"),
            (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "a video"),
            (b"BM\x3a\0\0\0", "a BMP image"),
            (b"II*\0\x08\0\0\0", "a TIFF or raw image"),
            (b"%PDF-1.7", "a PDF document"),
            (b"RIFF\x10\0\0\0WAVEfmt ", "something else"),
        ] {
            assert_eq!(encode(sent).err(), Some(ImageError::UnknownFormat(got)));
            let sentence = ImageError::UnknownFormat(got).to_string();
            assert_eq!(sentence, format!("`image` must be a JPEG, PNG or WebP image, got {got}"));
        }
        assert_eq!(encode(&whole[..20]).err(), Some(ImageError::Damaged));
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
        })
    }
}
