//! Images that are small on the wire and large in memory.

use std::io::Write as _;

use flate2::{Compress, Compression, Crc, FlushCompress};

/// Zeros that are compressed at once.
const BLOCK_BYTES: usize = 1024 * 1024;

/// A black PNG with this many pixels per side, with 16 bits for each of red, green, blue and alpha: 7,000 a side are 392 MB
/// in 394 KB.
pub fn black(side: u32) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(side.to_be_bytes());
    header.extend(side.to_be_bytes());
    // 16 bits, red, green, blue and alpha, the only compression and filter, not interlaced.
    header.extend([16, 6, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, b"IHDR", &header);
    chunk(&mut png, b"IDAT", &zeros(side as usize * (side as usize * 8 + 1)));
    chunk(&mut png, b"IEND", b"");
    png
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(data);
    png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
    png.write_all(kind).unwrap();
    png.write_all(data).unwrap();
    png.extend(crc.sum().to_be_bytes());
}

/// This many zeros as a zlib stream (RFC 1950), made of one compressed block that is repeated.
fn zeros(count: usize) -> Vec<u8> {
    let block = deflated(BLOCK_BYTES);
    let mut out = vec![0x78, 0x9c];
    for _ in 0..count / BLOCK_BYTES {
        out.extend(&block);
    }
    out.extend(deflated(count % BLOCK_BYTES));
    // The last block, which is empty, and the checksum of zeros (Adler-32).
    out.extend([0x03, 0x00]);
    let length = u32::try_from(count % 65_521).unwrap();
    out.extend(((length << 16) | 1).to_be_bytes());
    out
}

/// This many zeros, compressed so that any block may follow.
fn deflated(count: usize) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut out = Vec::with_capacity(count / 500 + 1024);
    compress.compress_vec(&vec![0; count], &mut out, FlushCompress::Full).unwrap();
    out
}
