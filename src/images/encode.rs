//! What a client sends becomes an image of our own: decoded, turned upright, made smaller, and written anew, so that
//! nothing of the file goes on: no place where it was taken, no camera, no bytes behind its end.

use std::io::Cursor;

use image::{
    DynamicImage, GenericImageView as _, ImageDecoder as _, ImageFormat, ImageReader, Limits,
    codecs::jpeg::JpegEncoder, imageops::FilterType,
};
use thiserror::Error;

/// Longest side of what is kept.
const SIDE_MAX: u32 = 2048;

/// Longest side of a thumbnail.
const THUMBNAIL_SIDE_MAX: u32 = 320;

/// Longest side of what is sent: more is no photograph.
const SENT_SIDE_MAX: u32 = 12_000;

/// Most pixels of what is sent, looked at before anything is decoded. At 4 bytes each this is 200 MB.
const SENT_PIXELS_MAX: u64 = 50_000_000;

/// Most memory that a decoder may take.
const DECODER_BYTES_MAX: u64 = 256 * 1024 * 1024;

const JPEG_QUALITY: u8 = 85;

/// Why an image is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
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
    /// It begins like an image and is none.
    #[error("`image` is damaged")]
    Damaged,
}

/// An image and its thumbnail, written anew.
pub struct Encoded {
    /// The image.
    pub image: Vec<u8>,
    /// The thumbnail.
    pub thumbnail: Vec<u8>,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// `jpg`, or `png` where something is transparent.
    pub extension: &'static str,
}

impl Encoded {
    /// The type of both files.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        if self.extension == "png" { "image/png" } else { "image/jpeg" }
    }
}

/// Reads what was sent and writes it anew. Takes up to a second and some hundred MB: for a thread that may block.
///
/// # Errors
/// [`ImageError`], with a sentence for the sender.
pub fn encode(sent: &[u8]) -> Result<Encoded, ImageError> {
    // By its content; a name and a type are only claims.
    let format = image::guess_format(sent).map_err(|_| ImageError::UnknownFormat)?;
    if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP) {
        return Err(ImageError::UnknownFormat);
    }
    let mut reader = ImageReader::with_format(Cursor::new(sent), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| ImageError::Damaged)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if width > SENT_SIDE_MAX || height > SENT_SIDE_MAX || pixels > SENT_PIXELS_MAX {
        return Err(ImageError::TooManyPixels { width, height });
    }
    // A telephone writes how it was held beside the pixels; what is beside them goes.
    let orientation = decoder.orientation().ok();
    let mut image = DynamicImage::from_decoder(decoder).map_err(|_| ImageError::Damaged)?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    let transparent = image.color().has_alpha() && image.pixels().any(|(_, _, pixel)| pixel.0[3] < 255);
    let image = fitting(image, SIDE_MAX);
    let thumbnail = image.thumbnail(THUMBNAIL_SIDE_MAX.min(image.width()), THUMBNAIL_SIDE_MAX.min(image.height()));
    let write = |image: &DynamicImage| if transparent { to_png(image) } else { to_jpeg(image) };
    Ok(Encoded {
        image: write(&image)?,
        thumbnail: write(&thumbnail)?,
        width: image.width(),
        height: image.height(),
        extension: if transparent { "png" } else { "jpg" },
    })
}

fn fitting(image: DynamicImage, side: u32) -> DynamicImage {
    if image.width() <= side && image.height() <= side {
        return image;
    }
    image.resize(side, side, FilterType::CatmullRom)
}

fn to_jpeg(image: &DynamicImage) -> Result<Vec<u8>, ImageError> {
    let mut out = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY);
    image.to_rgb8().write_with_encoder(encoder).map_err(|_| ImageError::Damaged)?;
    Ok(out)
}

fn to_png(image: &DynamicImage) -> Result<Vec<u8>, ImageError> {
    let mut out = Cursor::new(Vec::new());
    image.to_rgba8().write_to(&mut out, ImageFormat::Png).map_err(|_| ImageError::Damaged)?;
    Ok(out.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        to_jpeg(&DynamicImage::new_rgb8(width, height)).unwrap()
    }

    #[test]
    fn an_image_is_made_smaller_and_nothing_beside_its_pixels_goes_on() {
        let mut sent = jpeg(3000, 1500);
        // An APP1 segment behind the start, as cameras write it, and bytes behind the end.
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

    #[test]
    fn what_is_transparent_stays_so() {
        let sent = to_png(&DynamicImage::new_rgba8(20, 10)).unwrap();
        let encoded = encode(&sent).unwrap();
        assert_eq!((encoded.extension, encoded.content_type(), encoded.width), ("png", "image/png", 20));
    }

    #[test]
    fn a_bomb_is_refused_by_what_it_says_of_itself() {
        // A PNG's header with 60,000 × 60,000 pixels, and hardly anything behind it.
        let mut sent = to_png(&DynamicImage::new_rgba8(1, 1)).unwrap();
        sent[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        sent[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        let crc = crc32(&sent[12..29]);
        sent[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(encode(&sent).err(), Some(ImageError::TooManyPixels { width: 60_000, height: 60_000 }));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let whole = jpeg(64, 64);
        for (sent, error) in [
            (&b""[..], ImageError::UnknownFormat),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", ImageError::UnknownFormat),
            (b"GIF89a\x01\0\x01\0\0\0\0", ImageError::UnknownFormat),
            (&whole[..20], ImageError::Damaged),
        ] {
            assert_eq!(encode(sent).err(), Some(error));
        }
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
        })
    }
}
