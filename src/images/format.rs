//! What a file is, by its first bytes: a name and a type are only claims.

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    WebP,
    /// Something else, in words for its sender.
    Other(&'static str),
}

/// Media types of what is taken.
pub const TYPES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

/// First bytes of what people send in place of an image that is taken.
const OTHERS: [(&[u8], &str); 16] = [
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"II*\0", "a TIFF or raw image"),
    (b"MM\0*", "a TIFF or raw image"),
    (b"II+\0", "a TIFF or raw image"),
    (b"MM\0+", "a TIFF or raw image"),
    (b"\0\0\x01\0", "an icon"),
    (b"8BPS", "a Photoshop image"),
    (b"\xFF\x0A", "a JPEG XL image"),
    (b"\0\0\0\x0CJXL ", "a JPEG XL image"),
    (b"\0\0\0\x0CjP  ", "a JPEG 2000 image"),
    (b"\xFF\x4F\xFF\x51", "a JPEG 2000 image"),
    (b"%PDF-", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"\x1A\x45\xDF\xA3", "a video"),
    (b"PK\x03\x04", "an archive or a document"),
];

impl Format {
    pub(super) fn of(sent: &[u8]) -> Self {
        match sent {
            [] => Self::Other("an empty file"),
            [0xFF, 0xD8, 0xFF, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Self::Png,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::WebP,
            _ if sent.get(4..8) == Some(b"ftyp") => Self::Other(media_of(sent)),
            _ => {
                let known = OTHERS.iter().find(|(first, _)| sent.starts_with(first)).map(|(_, name)| *name);
                Self::Other(known.unwrap_or_else(|| if is_svg(sent) { "an SVG image" } else { "something else" }))
            }
        }
    }
}

/// What a file of ISO/IEC 14496-12 is, by its brands.
fn media_of(sent: &[u8]) -> &'static str {
    let size = sent.first_chunk().map_or(0, |size| u32::from_be_bytes(*size) as usize);
    let brands = sent.get(8..size.min(sent.len()).min(256)).unwrap_or_default();
    let has = |names: &[&[u8]]| brands.chunks_exact(4).any(|brand| names.contains(&brand));
    if has(&[b"avif", b"avis"]) {
        "an AVIF image"
    } else if has(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"]) {
        "a HEIC image"
    } else {
        "a video"
    }
}

fn is_svg(sent: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&sent[..sent.len().min(1024)]);
    let text = text.trim_start_matches(|c: char| c == '\u{FEFF}' || c.is_whitespace());
    text.starts_with('<') && text.contains("<svg")
}
