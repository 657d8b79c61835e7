//! WebP (RFC 9649), handed on row by row.

mod bits;
mod file;
mod lossless;
mod lossy;
mod transforms;

use self::file::{Coded, File, WebPFrame};
use crate::images::{
    SIDE_MAX,
    color_profile::Profile,
    decode::Decoded,
    header::{ImageError, ImageHeader, Needed, Way, check_size},
    orientation::Orientation,
    shrink::Shrinker,
};

pub(in crate::images) fn read_header(sent: &[u8]) -> Result<ImageHeader, ImageError> {
    let file = File::read(sent)?;
    check_size(file.width, file.height)?;
    let frame = &file.frame;
    let pixels = u64::from(frame.width) * u64::from(frame.height);
    let needed = match frame.coded {
        Coded::Lossless(coded) => Needed::streaming(sent, lossless::bytes_needed(coded.len(), pixels)),
        Coded::Lossy(coded) => {
            let alpha = frame.alpha.map_or(0, |alpha| lossless::bytes_needed(alpha.len(), pixels));
            let planes = lossy::plane_bytes(frame.width, frame.height);
            Needed {
                sent_bytes: sent.len() as u64,
                decoding_bytes: planes + lossy::decoder_bytes(coded.len(), frame.width, frame.height),
                decoded_bytes: planes + alpha,
            }
        }
    };
    ImageHeader::new(Way::WebP, (file.width, file.height), file.channels() as u64, needed)
}

pub(in crate::images) fn decode(sent: &[u8]) -> Result<Decoded, ImageError> {
    let file = File::read(sent)?;
    let channels = file.channels();
    let mut canvas = Canvas {
        shrinker: Shrinker::new(file.width, file.height, channels, SIDE_MAX),
        line: vec![0; file.width as usize * channels],
        left: file.frame.x as usize * channels,
    };
    canvas.push_empty(file.frame.y);
    decode_frame(&file.frame, channels, &mut canvas)?;
    canvas.push_empty(file.height - file.frame.y - file.frame.height);
    let orientation = file.exif.and_then(Orientation::from_exif);
    let pixels = canvas.shrinker.finish().ok_or(ImageError::Damaged)?;
    Ok(Decoded { pixels, orientation, profile: file.profile.and_then(Profile::icc) })
}

fn decode_frame(frame: &WebPFrame<'_>, channels: usize, canvas: &mut Canvas) -> Result<(), ImageError> {
    let size = (frame.width, frame.height);
    match frame.coded {
        Coded::Lossless(coded) => {
            let header_bytes = 5;
            lossless::decode(coded.get(header_bytes..).unwrap_or_default(), size, |row| {
                canvas.push(|pixels| {
                    for (pixel, argb) in pixels.chunks_exact_mut(channels).zip(row) {
                        let [blue, green, red, alpha] = argb.to_le_bytes();
                        pixel.copy_from_slice(&[red, green, blue, alpha][..channels]);
                    }
                });
                Ok(())
            })
        }
        Coded::Lossy(coded) => {
            let planes = lossy::Planes::decode(coded, size)?;
            let mut y = 0;
            let mut push = |alpha: Option<&[u8]>| {
                canvas.push(|pixels| planes.write_row(y, channels, pixels, alpha));
                y += 1;
                Ok(())
            };
            match frame.alpha {
                Some(alpha) => lossy::decode_alpha(alpha, size, |row| push(Some(row))),
                None => (0..frame.height).try_for_each(|_| push(None)),
            }
        }
    }
}

/// Takes in a frame's rows, and puts them where the frame is.
struct Canvas {
    shrinker: Shrinker,
    line: Vec<u8>,
    left: usize,
}

impl Canvas {
    /// `write` gets the part of a row from the frame's left side on.
    fn push(&mut self, write: impl FnOnce(&mut [u8])) {
        write(&mut self.line[self.left..]);
        self.shrinker.push_rows(&self.line);
    }

    fn push_empty(&mut self, rows: u32) {
        let empty = if rows > 0 { vec![0; self.line.len()] } else { Vec::new() };
        for _ in 0..rows {
            self.shrinker.push_rows(&empty);
        }
    }
}

#[cfg(test)]
#[path = "../../../tests/images/hostile_webp.rs"]
mod hostile_webp;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image_webp::WebPDecoder;

    use super::*;
    use crate::images::header::MEMORY_BYTES_MAX;

    /// Pictures that were written by the reference encoder, with all that it knows.
    const PICTURES: [(&str, &[u8]); 13] = [
        ("screenshot", include_bytes!("../../../tests/images/screenshot.webp")),
        ("transparent", include_bytes!("../../../tests/images/transparent.webp")),
        ("palette_2", include_bytes!("../../../tests/images/palette_2.webp")),
        ("palette_4", include_bytes!("../../../tests/images/palette_4.webp")),
        ("palette_16", include_bytes!("../../../tests/images/palette_16.webp")),
        ("palette_200", include_bytes!("../../../tests/images/palette_200.webp")),
        ("photo_m0", include_bytes!("../../../tests/images/photo_m0.webp")),
        ("photo_m3", include_bytes!("../../../tests/images/photo_m3.webp")),
        ("lossy", include_bytes!("../../../tests/images/lossy.webp")),
        ("lossy_alpha", include_bytes!("../../../tests/images/lossy_alpha.webp")),
        ("lossy_gradient_alpha", include_bytes!("../../../tests/images/lossy_gradient_alpha.webp")),
        ("animated", include_bytes!("../../../tests/images/animated.webp")),
        ("turned", include_bytes!("../../../tests/images/turned.webp")),
    ];

    #[test]
    fn a_picture_is_what_another_decoder_makes_of_it() {
        for (name, sent) in PICTURES {
            let mut other = WebPDecoder::new(Cursor::new(sent)).unwrap();
            let (width, height) = other.dimensions();
            let mut expected = vec![0; other.output_buffer_size().unwrap()];
            other.read_image(&mut expected).unwrap();
            let header = read_header(sent).unwrap();
            assert_eq!((header.width, header.height), (width, height), "{name}");
            let Decoded { pixels, orientation, .. } = decode(sent).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(pixels.channels, if other.has_alpha() { 4 } else { 3 }, "{name}");
            let differ = pixels.data.iter().zip(&expected).position(|(a, b)| a != b);
            assert_eq!((differ, pixels.data.len()), (None, expected.len()), "{name}");
            assert_eq!(orientation, (name == "turned").then_some(Orientation::ON_ITS_SIDE));
        }
    }

    #[test]
    fn a_picture_that_is_cut_or_altered_ends_in_an_error_or_in_an_image() {
        for (name, sent) in PICTURES {
            for bytes in (0..sent.len()).step_by(sent.len() / 40) {
                // Of an animation the first frame counts, and what comes after the pixels may be missing.
                let cut = read_header(&sent[..bytes]).and_then(|_| decode(&sent[..bytes]));
                assert!(cut.is_err() || ["animated", "turned"].contains(&name), "{name} at {bytes}");
                let mut altered = sent.to_vec();
                altered[bytes] ^= 0x55;
                if read_header(&altered).is_ok_and(|header| header.width < 400 && header.height < 400) {
                    let _ = decode(&altered);
                }
            }
        }
    }

    #[test]
    fn codes_that_take_more_memory_than_an_image_may_are_refused() {
        let sent = hostile_webp::codes();
        let header = read_header(&sent).unwrap();
        assert!(header.memory_bytes <= MEMORY_BYTES_MAX && !header.is_small(), "{header:?}");
        assert_eq!(decode(&sent).err(), Some(ImageError::TooMuchToDecode));
    }

    #[test]
    fn the_largest_pictures_of_telephones_and_screens_are_taken() {
        let file = |kind: &[u8; 4], stream: &[u8], bytes: u32| {
            let chunk = [&b"WEBP"[..], kind, &bytes.to_le_bytes(), stream].concat();
            let mut sent = [&b"RIFF"[..], &(bytes + 12).to_le_bytes(), &chunk].concat();
            sent.resize(bytes as usize + 20, 0);
            sent
        };
        for (width, height) in [(4000_u16, 3000_u16), (5712, 4284), (2560, 1440), (5120, 2880), (8160, 6120)] {
            let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
            let lossy = read_header(&file(b"VP8 ", &[&[0, 0, 0, 0x9D, 0x01, 0x2A][..], &size].concat(), 4_000_000));
            // 50 million pixels are 75 MB before they are made smaller.
            assert_eq!(lossy.is_ok(), width < 8000, "{width} × {height}: {lossy:?}");
            let size = (u32::from(width) - 1) | (u32::from(height) - 1) << 14 | 1 << 28;
            let lossless = read_header(&file(b"VP8L", &[&[0x2F][..], &size.to_le_bytes()].concat(), 10_000_000));
            assert!(lossless.is_ok_and(|header| header.memory_bytes <= MEMORY_BYTES_MAX), "{width} × {height}");
        }
    }
}
