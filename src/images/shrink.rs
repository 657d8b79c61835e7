//! Makes an image smaller while its rows come in, so that the whole of it need never be in memory.
//!
//! The result is that of `image::imageops::resize` with the filter of Catmull and Rom, which first adds up rows and then
//! columns: each row that goes out needs a few of those that come in, and only these are kept.

use std::collections::VecDeque;

/// The rows and columns that the filter looks at, to each side, where nothing is made smaller.
const SUPPORT: f32 = 2.0;

/// The pixels of an image, 8 bits a channel.
pub(super) struct Pixels {
    pub(super) width: u32,
    pub(super) height: u32,
    /// 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGBA).
    pub(super) channels: usize,
    pub(super) data: Vec<u8>,
    /// Whether a pixel was transparent, however little.
    pub(super) transparent: bool,
}

/// What one row or column that goes out is made of: the first that comes in, and the share of each from there on.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// Takes rows in and keeps the smaller image.
pub(super) struct Shrinker {
    pixels: Pixels,
    /// Bytes of a row that comes in.
    row_bytes: usize,
    /// `None` where the image is small enough as it is.
    scale: Option<Scale>,
}

struct Scale {
    rows: Vec<Taps>,
    columns: Vec<Taps>,
    /// Rows that came in and are still needed, and the number of the first of them.
    kept: VecDeque<Vec<u8>>,
    first_kept: usize,
    /// Rows that are not needed any more, to be used again.
    spare: Vec<Vec<u8>>,
    /// How many rows went out.
    done: usize,
    sums: Vec<f32>,
}

impl Shrinker {
    /// For an image of a size, to be at most `side_max` a side.
    pub(super) fn new(width: u32, height: u32, channels: usize, side_max: u32) -> Self {
        let (to_width, to_height) = fitting(width, height, side_max);
        let scale = ((to_width, to_height) != (width, height)).then(|| Scale {
            rows: taps(height, to_height),
            columns: taps(width, to_width),
            kept: VecDeque::new(),
            first_kept: 0,
            spare: Vec::new(),
            done: 0,
            sums: vec![0.0; width as usize * channels],
        });
        let bytes = to_width as usize * to_height as usize * channels;
        let pixels = Pixels {
            width: to_width,
            height: to_height,
            channels,
            data: Vec::with_capacity(bytes),
            transparent: false,
        };
        Self { pixels, row_bytes: width as usize * channels, scale }
    }

    /// Bytes that the smaller image of such an image takes.
    pub(super) fn bytes(width: u32, height: u32, channels: u64, side_max: u32) -> u64 {
        let (width, height) = fitting(width, height, side_max);
        u64::from(width) * u64::from(height) * channels
    }

    /// Takes in the next rows, whole ones.
    pub(super) fn push_rows(&mut self, rows: &[u8]) {
        let channels = self.pixels.channels;
        if channels.is_multiple_of(2) && !self.pixels.transparent {
            self.pixels.transparent = rows.chunks_exact(channels).any(|pixel| pixel[channels - 1] < 255);
        }
        let Some(scale) = &mut self.scale else {
            self.pixels.data.extend_from_slice(rows);
            return;
        };
        for row in rows.chunks_exact(self.row_bytes) {
            scale.take(row, &mut self.pixels);
        }
    }

    /// The smaller image; `None` when rows are missing.
    pub(super) fn finish(self) -> Option<Pixels> {
        let pixels = self.pixels;
        let whole = pixels.width as usize * pixels.height as usize * pixels.channels;
        (pixels.data.len() == whole).then_some(pixels)
    }
}

impl Scale {
    fn take(&mut self, row: &[u8], pixels: &mut Pixels) {
        let mut own = self.spare.pop().unwrap_or_default();
        own.clear();
        own.extend_from_slice(row);
        self.kept.push_back(own);
        let came = self.first_kept + self.kept.len();
        while let Some(taps) = self.rows.get(self.done).filter(|taps| taps.first + taps.weights.len() <= came) {
            self.sums.fill(0.0);
            for (row, weight) in self.kept.range(taps.first - self.first_kept..).zip(&taps.weights) {
                add_row(&mut self.sums, row, *weight, pixels.channels);
            }
            write_row(&self.sums, &self.columns, pixels);
            self.done += 1;
            let needed = self.rows.get(self.done).map_or(came, |taps| taps.first);
            while self.first_kept < needed {
                self.spare.extend(self.kept.pop_front());
                self.first_kept += 1;
            }
        }
    }
}

/// Adds a row's share to the sums. If there is alpha, each colour is weighted by it: invisible pixels add no colour.
fn add_row(sums: &mut [f32], row: &[u8], weight: f32, channels: usize) {
    if !channels.is_multiple_of(2) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f32::from(*value) * weight;
        }
        return;
    }
    for (sums, pixel) in sums.chunks_exact_mut(channels).zip(row.chunks_exact(channels)) {
        let alpha = f32::from(pixel[channels - 1]) * weight;
        for (sum, value) in sums.iter_mut().zip(&pixel[..channels - 1]) {
            *sum += f32::from(*value) * alpha;
        }
        sums[channels - 1] += alpha;
    }
}

fn write_row(sums: &[f32], columns: &[Taps], pixels: &mut Pixels) {
    let channels = pixels.channels;
    for taps in columns {
        let from = &sums[taps.first * channels..];
        let mut pixel = [0.0_f32; 4];
        for (values, weight) in from.chunks_exact(channels).zip(&taps.weights) {
            for (sum, value) in pixel.iter_mut().zip(values) {
                *sum += value * weight;
            }
        }
        if channels.is_multiple_of(2) {
            let alpha = pixel[channels - 1];
            for value in &mut pixel[..channels - 1] {
                *value = if alpha > 0.0 { *value / alpha } else { 0.0 };
            }
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 255")]
        pixels.data.extend(pixel[..channels].iter().map(|value| value.clamp(0.0, 255.0).round() as u8));
    }
}

/// The size of an image that is at most `side_max` a side, in the same proportion.
fn fitting(width: u32, height: u32, side_max: u32) -> (u32, u32) {
    if width <= side_max && height <= side_max {
        return (width, height);
    }
    let ratio = f64::from(side_max) / f64::from(width.max(height));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and `side_max`")]
    let side = |from: u32| ((f64::from(from) * ratio).round() as u32).max(1);
    (side(width), side(height))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides of images are small numbers, and none is negative after `max`"
)]
fn taps(from: u32, to: u32) -> Vec<Taps> {
    let ratio = from as f32 / to as f32;
    let scale = ratio.max(1.0);
    let support = SUPPORT * scale;
    let taps = |place: u32| {
        let middle = (place as f32 + 0.5) * ratio;
        let first = ((middle - support).floor().max(0.0) as usize).min(from as usize - 1);
        let end = ((middle + support).ceil().max(0.0) as usize).clamp(first + 1, from as usize);
        let mut weights: Vec<f32> =
            (first..end).map(|other| catmull_rom((other as f32 - (middle - 0.5)) / scale)).collect();
        let sum: f32 = weights.iter().sum();
        for weight in &mut weights {
            *weight /= sum;
        }
        Taps { first, weights }
    };
    (0..to).map(taps).collect()
}

fn catmull_rom(x: f32) -> f32 {
    let a = x.abs();
    let k = if a < 1.0 {
        9.0 * a.powi(3) - 15.0 * a.powi(2) + 6.0
    } else if a < 2.0 {
        -3.0 * a.powi(3) + 15.0 * a.powi(2) - 24.0 * a + 12.0
    } else {
        0.0
    };
    k / 6.0
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, GrayImage, RgbImage, RgbaImage, imageops::FilterType};

    use super::*;

    fn noise(bytes: usize) -> Vec<u8> {
        let mut state = 0x2545_F491_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[0]
        };
        (0..bytes).map(|_| next()).collect()
    }

    #[test]
    fn rows_that_come_in_one_by_one_make_the_image_that_resizing_the_whole_makes() {
        for (width, height, channels) in [(300, 200, 3), (64, 301, 4), (257, 129, 1), (100, 40, 3), (900, 3, 4)] {
            let mut data = noise(width as usize * height as usize * channels);
            if channels == 4 {
                data.chunks_exact_mut(4).for_each(|pixel| pixel[3] = 255);
            }
            let whole = match channels {
                1 => DynamicImage::from(GrayImage::from_raw(width, height, data.clone()).unwrap()),
                3 => DynamicImage::from(RgbImage::from_raw(width, height, data.clone()).unwrap()),
                _ => DynamicImage::from(RgbaImage::from_raw(width, height, data.clone()).unwrap()),
            };
            let expected = match width.max(height) > 100 {
                true => whole.resize(100, 100, FilterType::CatmullRom),
                false => whole,
            };
            let mut shrinker = Shrinker::new(width, height, channels, 100);
            for row in data.chunks(width as usize * channels) {
                shrinker.push_rows(row);
            }
            let made = shrinker.finish().unwrap();
            assert_eq!((made.width, made.height), (expected.width(), expected.height()));
            // An opaque image may round a value the other way: its colours were multiplied by alpha and divided again.
            let off = u8::from(channels == 4);
            let same =
                made.data.iter().zip(expected.as_bytes()).all(|(made, expected)| made.abs_diff(*expected) <= off);
            assert!(same && made.data.len() == expected.as_bytes().len(), "{width} × {height}");
        }
    }

    #[test]
    fn what_is_transparent_lends_its_colour_to_nothing() {
        // Red and opaque, with black, white or green that can't be seen between.
        let unseen = [[0, 0, 0, 0], [255, 255, 255, 0], [0, 255, 0, 0]];
        let mut shrinker = Shrinker::new(400, 300, 4, 100);
        for y in 0..300 {
            let pixel = |x: usize| if (x / 7 + y / 5).is_multiple_of(2) { [200, 10, 30, 255] } else { unseen[x % 3] };
            shrinker.push_rows(&(0..400).flat_map(pixel).collect::<Vec<u8>>());
        }
        let made = shrinker.finish().unwrap();
        let seen: Vec<_> = made.data.chunks_exact(4).filter(|pixel| pixel[3] > 0).collect();
        assert!(made.transparent && seen.len() > 1000);
        assert!(seen.iter().all(|pixel| pixel[..3] == [200, 10, 30]), "a fringe");
        let mut grey = Shrinker::new(200, 200, 2, 50);
        for y in 0..200 {
            grey.push_rows(
                &(0..200)
                    .flat_map(|x: u32| if (x + y).is_multiple_of(3) { [90, 128] } else { [255, 0] })
                    .collect::<Vec<u8>>(),
            );
        }
        assert!(grey.finish().unwrap().data.chunks_exact(2).all(|pixel| pixel[0] == 90));
    }

    #[test]
    fn an_image_with_rows_missing_is_none() {
        let mut shrinker = Shrinker::new(200, 200, 3, 100);
        shrinker.push_rows(&[0; 600]);
        assert!(shrinker.finish().is_none());
    }
}
