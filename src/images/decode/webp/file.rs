//! The chunks of a WebP file (RFC 9649 section 2).

use super::lossless;
use crate::images::header::ImageError;

/// What is used of a file: its only frame, or the first one of an animation.
pub(super) struct File<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) frame: WebPFrame<'a>,
    pub(super) exif: Option<&'a [u8]>,
    pub(super) profile: Option<&'a [u8]>,
    animated: bool,
}

/// A frame, and where it is on the image.
pub(super) struct WebPFrame<'a> {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) coded: Coded<'a>,
    /// Of a lossy frame: its alpha is coded by itself.
    pub(super) alpha: Option<&'a [u8]>,
    /// Whether a lossless frame's alpha counts.
    has_alpha: bool,
}

/// A frame's pixels.
#[derive(Clone, Copy)]
pub(super) enum Coded<'a> {
    Lossy(&'a [u8]),
    Lossless(&'a [u8]),
}

impl<'a> File<'a> {
    pub(super) fn read(sent: &'a [u8]) -> Result<Self, ImageError> {
        let chunks = || Chunks(sent.get(12..).unwrap_or_default());
        let find = |name: &[u8; 4]| chunks().find(|(kind, _)| *kind == name).map(|(_, body)| body);
        let Some([flags, _, _, _, w0, w1, w2, h0, h1, h2, ..]) = find(b"VP8X") else {
            let frame = WebPFrame::read(chunks())?;
            let (width, height) = (frame.width, frame.height);
            return Ok(Self { width, height, frame, exif: None, profile: None, animated: false });
        };
        let side = |a: u8, b: u8, c: u8| u32::from_le_bytes([a, b, c, 0]) + 1;
        let (width, height) = (side(*w0, *w1, *w2), side(*h0, *h1, *h2));
        let animated = flags & 2 != 0;
        let frame = match animated {
            true => WebPFrame::read_animated(find(b"ANMF").ok_or(ImageError::Damaged)?)?,
            false => WebPFrame::read(chunks())?,
        };
        let fits = |from: u32, side: u32, whole: u32| from.checked_add(side).is_some_and(|end| end <= whole);
        if !fits(frame.x, frame.width, width)
            || !fits(frame.y, frame.height, height)
            || (!animated && (frame.width, frame.height) != (width, height))
        {
            return Err(ImageError::Damaged);
        }
        Ok(Self { width, height, frame, exif: find(b"EXIF"), profile: find(b"ICCP"), animated })
    }

    /// Channels of its pixels: 3 or 4.
    pub(super) fn channels(&self) -> usize {
        if self.animated || self.frame.alpha.is_some() || self.frame.has_alpha { 4 } else { 3 }
    }
}

impl<'a> WebPFrame<'a> {
    fn read(chunks: Chunks<'a>) -> Result<Self, ImageError> {
        let mut alpha = None;
        for (kind, body) in chunks {
            match kind {
                b"ALPH" => alpha = Some(body),
                b"VP8 " => {
                    let [_, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1, ..] = body else { return Err(ImageError::Damaged) };
                    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
                    let (width, height) = (side(*w0, *w1), side(*h0, *h1));
                    return Ok(Self { x: 0, y: 0, width, height, coded: Coded::Lossy(body), alpha, has_alpha: false });
                }
                b"VP8L" => {
                    let (width, height, has_alpha) = lossless::size_of_stream(body)?;
                    return Ok(Self {
                        x: 0,
                        y: 0,
                        width,
                        height,
                        coded: Coded::Lossless(body),
                        alpha: None,
                        has_alpha,
                    });
                }
                _ => {}
            }
        }
        Err(ImageError::Damaged)
    }

    /// Reads a frame of an animation.
    fn read_animated(body: &'a [u8]) -> Result<Self, ImageError> {
        let [x0, x1, x2, y0, y1, y2, ..] = body else { return Err(ImageError::Damaged) };
        let place = |a: u8, b: u8, c: u8| 2 * u32::from_le_bytes([a, b, c, 0]);
        let frame = Self::read(Chunks(body.get(16..).unwrap_or_default()))?;
        Ok(Self { x: place(*x0, *x1, *x2), y: place(*y0, *y1, *y2), ..frame })
    }
}

/// Chunks one after the other: each one's name and content.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.0.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        self.0 = rest.get(length + length % 2..).unwrap_or_default();
        Some((name, &rest[..length.min(rest.len())]))
    }
}
