//! Colours as a file means them become those of sRGB, which is what a file without a profile means.

use std::panic::{AssertUnwindSafe, catch_unwind};

use moxcms::{
    CicpColorPrimaries, CicpProfile, ColorProfile, DataColorSpace, Layout, MatrixCoefficients, ParsingOptions,
    TransferCharacteristics, TransformOptions,
};

use super::shrink::Pixels;

/// Largest profile that is looked at. That of a telephone has 0.5 KB, one with tables for each colour up to 600 KB.
pub(super) const PROFILE_BYTES_MAX: usize = 1024 * 1024;

/// Entries of a profile's table: 64 for each of red, green and blue, three values each.
const TABLE_ENTRIES_MAX: usize = 64 * 64 * 64 * 3;

/// What the values of an image mean.
pub(super) enum Profile {
    /// By a profile of the International Color Consortium.
    Icc(Vec<u8>),
    /// By the numbers of ITU-T H.273 for primaries and transfer.
    Coded { primaries: u8, transfer: u8 },
}

impl Profile {
    /// Keeps a profile; `None` where it is larger than any that is of use.
    pub(super) fn icc(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= PROFILE_BYTES_MAX).then(|| Self::Icc(bytes.to_vec()))
    }

    fn read(&self) -> Option<ColorProfile> {
        match self {
            Self::Icc(bytes) => {
                let options = ParsingOptions {
                    max_profile_size: PROFILE_BYTES_MAX + 1,
                    max_allowed_clut_size: TABLE_ENTRIES_MAX,
                    ..ParsingOptions::default()
                };
                ColorProfile::new_from_slice_with_options(bytes, options).ok()
            }
            Self::Coded { primaries, transfer } => {
                let transfer_characteristics = TransferCharacteristics::try_from(*transfer).ok()?;
                // Those of high dynamic range mean light far above white, which sRGB can't show.
                if matches!(transfer_characteristics, TransferCharacteristics::Smpte2084 | TransferCharacteristics::Hlg)
                {
                    return None;
                }
                Some(ColorProfile::new_from_cicp(CicpProfile {
                    color_primaries: CicpColorPrimaries::try_from(*primaries).ok()?,
                    transfer_characteristics,
                    matrix_coefficients: MatrixCoefficients::Identity,
                    full_range: true,
                }))
            }
        }
    }
}

/// Makes the colours of an image those of sRGB. A profile that can't be used changes nothing, as in browsers.
pub(super) fn to_srgb(mut pixels: Pixels, profile: &Profile) -> Pixels {
    // It reads what a stranger sent.
    if catch_unwind(AssertUnwindSafe(|| converted(&mut pixels, profile))).is_err() {
        log::warn!("a colour profile could not be used");
    }
    pixels
}

fn converted(pixels: &mut Pixels, profile: &Profile) -> Option<()> {
    let profile = profile.read()?;
    let grey = pixels.channels <= 2;
    let transparent = pixels.channels.is_multiple_of(2);
    let (from, to) = match (profile.color_space, grey) {
        (DataColorSpace::Gray, true) if transparent => (Layout::GrayAlpha, Layout::Rgba),
        (DataColorSpace::Gray, true) => (Layout::Gray, Layout::Rgb),
        (DataColorSpace::Rgb, _) if transparent => (Layout::Rgba, Layout::Rgba),
        (DataColorSpace::Rgb, _) => (Layout::Rgb, Layout::Rgb),
        _ => return None,
    };
    let transform =
        profile.create_transform_8bit(from, &ColorProfile::new_srgb(), to, TransformOptions::default()).ok()?;
    if grey && profile.color_space == DataColorSpace::Rgb {
        *pixels = in_colors(pixels);
    }
    let from_bytes = pixels.width as usize * pixels.channels;
    if !grey || profile.color_space == DataColorSpace::Rgb {
        let mut row = vec![0; from_bytes];
        for place in pixels.data.chunks_exact_mut(from_bytes) {
            row.copy_from_slice(place);
            transform.transform(&row, place).ok()?;
        }
        return Some(());
    }
    let channels = pixels.channels + 2;
    let mut data = vec![0; pixels.data.len() / pixels.channels * channels];
    let to_rows = data.chunks_exact_mut(pixels.width as usize * channels);
    for (row, place) in pixels.data.chunks_exact(from_bytes).zip(to_rows) {
        transform.transform(row, place).ok()?;
    }
    (pixels.data, pixels.channels) = (data, channels);
    Some(())
}

/// The same image with red, green and blue in place of grey.
fn in_colors(pixels: &Pixels) -> Pixels {
    let data = pixels.data.chunks_exact(pixels.channels).flat_map(|pixel| {
        let grey = pixel[0];
        [grey, grey, grey].into_iter().chain(pixel[1..].iter().copied())
    });
    Pixels { data: data.collect(), channels: pixels.channels + 2, ..*pixels }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_pixel(data: &[u8]) -> Pixels {
        Pixels { width: 1, height: 1, channels: data.len(), data: data.to_vec(), transparent: false }
    }

    fn icc(profile: &ColorProfile) -> Profile {
        Profile::icc(&profile.encode().unwrap()).unwrap()
    }

    #[track_caller]
    fn assert_near(made: &Pixels, expected: &[u8]) {
        assert_eq!(made.channels, expected.len());
        assert!(
            made.data.iter().zip(expected).all(|(made, expected)| made.abs_diff(*expected) <= 2),
            "{:?}",
            made.data
        );
    }

    #[test]
    fn colors_of_a_profile_become_those_of_srgb() {
        let p3 = icc(&ColorProfile::new_display_p3());
        // As CSS Color 4 says what color(display-p3 …) is in sRGB.
        assert_near(&to_srgb(one_pixel(&[200, 100, 100]), &p3), &[215, 93, 96]);
        assert_near(&to_srgb(one_pixel(&[255, 0, 0]), &p3), &[255, 0, 0]);
        assert_near(&to_srgb(one_pixel(&[200, 100, 100, 77]), &p3), &[215, 93, 96, 77]);
        assert_near(&to_srgb(one_pixel(&[128, 128, 128]), &p3), &[128, 128, 128]);
        let coded = Profile::Coded { primaries: 12, transfer: 13 };
        assert_near(&to_srgb(one_pixel(&[200, 100, 100]), &coded), &[215, 93, 96]);
        let srgb = icc(&ColorProfile::new_srgb());
        assert_near(&to_srgb(one_pixel(&[200, 100, 50]), &srgb), &[200, 100, 50]);
    }

    #[test]
    fn a_grey_image_may_have_a_profile_for_grey_or_for_colors() {
        let linear = icc(&ColorProfile::new_gray_with_gamma(1.0));
        assert_near(&to_srgb(one_pixel(&[55]), &linear), &[128, 128, 128]);
        assert_near(&to_srgb(one_pixel(&[55, 9]), &linear), &[128, 128, 128, 9]);
        let p3 = icc(&ColorProfile::new_display_p3());
        assert_near(&to_srgb(one_pixel(&[70]), &p3), &[70, 70, 70]);
        assert_near(&to_srgb(one_pixel(&[70, 9]), &p3), &[70, 70, 70, 9]);
    }

    #[test]
    fn a_profile_that_is_damaged_or_for_other_colors_changes_nothing() {
        let whole = ColorProfile::new_display_p3().encode().unwrap();
        let grey = icc(&ColorProfile::new_gray_with_gamma(1.0));
        assert_eq!(to_srgb(one_pixel(&[200, 100, 100]), &grey).data, [200, 100, 100]);
        for bytes in 0..whole.len() {
            let cut = to_srgb(one_pixel(&[200, 100, 100]), &Profile::Icc(whole[..bytes].to_vec()));
            assert_eq!((cut.channels, cut.data.len()), (3, 3));
            let mut altered = whole.clone();
            altered[bytes] ^= 0xFF;
            assert_eq!(to_srgb(one_pixel(&[200, 100, 100]), &Profile::Icc(altered)).data.len(), 3);
        }
        assert!(Profile::icc(&vec![0; PROFILE_BYTES_MAX + 1]).is_none());
    }
}
