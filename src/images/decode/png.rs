//! PNG, handed on row by row.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Info, Reader, Transformations};

use crate::images::{
    SIDE_MAX,
    color_profile::Profile,
    decode::Decoded,
    header::{ImageError, ImageHeader, Needed, Way, check_size},
    orientation::Orientation,
    shrink::Shrinker,
};

/// Bytes that a PNG's texts, profiles and such may take.
const EXTRA_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Bytes of the rows of an interlaced PNG that are put together at once.
const BAND_BYTES_MAX: u64 = 24 * 1024 * 1024;

/// Bytes that an interlaced PNG may be unpacked to, all its bands together: each costs going through the whole file.
const UNPACKED_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// The passes of an interlaced PNG (Adam7): the first column and row, and from there to the next.
const PASSES: [[usize; 4]; 7] =
    [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

fn damaged(_: png::DecodingError) -> ImageError {
    ImageError::Damaged
}

pub(in crate::images) fn read_header(sent: &[u8]) -> Result<ImageHeader, ImageError> {
    let mut decoder = Decoder::new(Cursor::new(sent));
    let info = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = (info.width, info.height);
    check_size(width, height)?;
    // As decoded: a palette and few bits become whole bytes, with alpha where a colour is transparent.
    let channels = match info.color_type {
        ColorType::Grayscale | ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb | ColorType::Rgba | ColorType::Indexed => 4,
    };
    let deep = if info.bit_depth == BitDepth::Sixteen { 2 } else { 1 };
    let row = u64::from(width) * channels * deep;
    if !info.interlaced {
        return ImageHeader::new(
            Way::Png,
            (width, height),
            channels * deep,
            Needed::streaming(sent, 8 * row + EXTRA_BYTES_MAX),
        );
    }
    let band_rows = u64::from(band_rows(BAND_BYTES_MAX, width, height, channels));
    let bands = u64::from(height).div_ceil(band_rows);
    let needed = Needed::streaming(sent, band_rows * u64::from(width) * channels + 8 * row + EXTRA_BYTES_MAX);
    let header = ImageHeader::new(Way::Png, (width, height), channels * deep * bands, needed)?;
    match header.decoded_bytes > UNPACKED_BYTES_MAX {
        true => Err(ImageError::TooMuchToDecode),
        false => Ok(header),
    }
}

/// How many rows of an interlaced PNG are put together at once.
fn band_rows(band_bytes: u64, width: u32, height: u32, channels: u64) -> u32 {
    let rows = band_bytes / (u64::from(width) * channels);
    u32::try_from(rows).unwrap_or(height).clamp(1, height)
}

fn open(sent: &[u8]) -> Result<Reader<Cursor<&[u8]>>, ImageError> {
    let limits = png::Limits { bytes: usize::try_from(EXTRA_BYTES_MAX).unwrap_or(usize::MAX) };
    let mut decoder = Decoder::new_with_limits(Cursor::new(sent), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.read_info().map_err(damaged)
}

pub(in crate::images) fn decode(sent: &[u8]) -> Result<Decoded, ImageError> {
    decode_in_bands(sent, BAND_BYTES_MAX)
}

fn decode_in_bands(sent: &[u8], band_bytes: u64) -> Result<Decoded, ImageError> {
    let mut reader = open(sent)?;
    let (width, height) = reader.info().size();
    let channels = reader.output_color_type().0.samples();
    let mut shrinker = Shrinker::new(width, height, channels, SIDE_MAX);
    if !reader.info().interlaced {
        while let Some(row) = reader.next_row().map_err(damaged)? {
            shrinker.push_rows(row.data());
        }
        return decoded(shrinker, reader.info());
    }
    let band_rows = band_rows(band_bytes, width, height, channels as u64) as usize;
    let (width, height) = (width as usize, height as usize);
    let mut band = vec![0; band_rows * width * channels];
    for first in (0..height).step_by(band_rows) {
        if first > 0 {
            reader = open(sent)?;
        }
        let rows = first..height.min(first + band_rows);
        let band = &mut band[..rows.len() * width * channels];
        read_band(&mut reader, (width, height), channels, rows, band)?;
        shrinker.push_rows(band);
    }
    decoded(shrinker, reader.info())
}

fn decoded(shrinker: Shrinker, info: &Info<'_>) -> Result<Decoded, ImageError> {
    let orientation = info.exif_metadata.as_deref().and_then(Orientation::from_exif);
    let coded = info.coding_independent_code_points;
    let coded = coded.map(|code| Profile::Coded { primaries: code.color_primaries, transfer: code.transfer_function });
    let profile = coded.or_else(|| info.icc_profile.as_deref().and_then(Profile::icc));
    Ok(Decoded { pixels: shrinker.finish().ok_or(ImageError::Damaged)?, orientation, profile })
}

/// Reads the passes of an interlaced PNG, and keeps what is in some of its rows.
fn read_band(
    reader: &mut Reader<Cursor<&[u8]>>,
    (width, height): (usize, usize),
    channels: usize,
    rows: std::ops::Range<usize>,
    band: &mut [u8],
) -> Result<(), ImageError> {
    for [left, top, across, down] in PASSES.into_iter().filter(|[left, top, ..]| *left < width && *top < height) {
        for y in (top..height).step_by(down) {
            let row = reader.next_row().map_err(damaged)?.ok_or(ImageError::Damaged)?;
            if !rows.contains(&y) {
                continue;
            }
            let line = &mut band[(y - rows.start) * width * channels..][..width * channels];
            for (pixel, x) in row.data().chunks_exact(channels).zip((left..width).step_by(across)) {
                line[x * channels..][..channels].copy_from_slice(pixel);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, Crc, write::ZlibEncoder};

    use super::*;
    use crate::images::header::MEMORY_BYTES_MAX;

    fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
        let mut crc = Crc::new();
        crc.update(kind);
        crc.update(data);
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        png.extend(kind.iter().chain(data));
        png.extend(crc.sum().to_be_bytes());
    }

    /// An interlaced PNG with this many bytes per pixel, of a type and a depth.
    fn interlaced(
        (width, height): (usize, usize),
        [kind, depth, bytes]: [u8; 3],
        pixel: impl Fn(usize, usize) -> Vec<u8>,
    ) -> Vec<u8> {
        let mut rows = ZlibEncoder::new(Vec::new(), Compression::fast());
        for [left, top, across, down] in PASSES {
            for y in (top..height).step_by(down).filter(|_| left < width) {
                let row: Vec<u8> = (left..width).step_by(across).flat_map(|x| pixel(x, y)).collect();
                assert_eq!(row.len() % usize::from(bytes), 0);
                rows.write_all(&[0]).unwrap();
                rows.write_all(&row).unwrap();
            }
        }
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        let side = |side: usize| u32::try_from(side).unwrap().to_be_bytes();
        let header = [side(width), side(height), [depth, kind, 0, 0]].concat();
        chunk(&mut png, b"IHDR", &[&header[..], &[1]].concat());
        chunk(&mut png, b"IDAT", &rows.finish().unwrap());
        chunk(&mut png, b"IEND", b"");
        png
    }

    #[test]
    fn an_interlaced_image_is_put_together_in_bands() {
        let byte = |value: usize| u8::try_from(value % 251).unwrap();
        for (width, height) in [(1, 1), (3, 2), (5, 9), (37, 41), (64, 8)] {
            let pixel = |x: usize, y: usize| [byte(x * 7 + y), byte(y * 3), byte(x + y * 11)];
            let sent = interlaced((width, height), [2, 8, 3], |x, y| pixel(x, y).to_vec());
            let expected: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
            for band_bytes in [1, 3 * width as u64 * 4, u64::MAX] {
                let decoded = decode_in_bands(&sent, band_bytes).unwrap();
                assert!(decoded.pixels.data == expected, "{width} × {height} in bands of {band_bytes}");
            }
        }
        let deep = interlaced((20, 30), [6, 16, 8], |x, y| vec![byte(x), 1, byte(y), 2, 9, 3, 200, 4]);
        let decoded = decode_in_bands(&deep, 500).unwrap();
        assert!(decoded.pixels.transparent && decoded.pixels.data.chunks_exact(4).all(|pixel| pixel[2..] == [9, 200]));
    }

    #[test]
    fn an_interlaced_image_is_refused_by_the_work_that_its_bands_take() {
        let header = |side: usize, kind| {
            let sent = interlaced((1, 1), kind, |_, _| vec![0; usize::from(kind[2])]);
            let side = u32::try_from(side).unwrap().to_be_bytes();
            let mut png = sent[..8].to_vec();
            chunk(&mut png, b"IHDR", &[&side, &side, &sent[24..29]].concat());
            png.extend(&sent[33..]);
            read_header(&png)
        };
        for (side, kind) in [(2000, [2, 8, 3]), (4900, [6, 8, 4]), (4900, [2, 16, 6]), (7000, [2, 8, 3])] {
            assert!(header(side, kind).is_ok_and(|header| header.memory_bytes <= MEMORY_BYTES_MAX), "{side}");
        }
        assert_eq!(header(7000, [6, 16, 8]).err(), Some(ImageError::TooMuchToDecode), "3 GB to unpack");
    }
}
