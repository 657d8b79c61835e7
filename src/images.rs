//! Images: encoded again from what was sent, and kept in an object store.

mod color_profile;
mod decode;
mod decode_threads;
mod encode;
mod format;
mod header;
mod orientation;
mod shrink;
mod store;

pub use decode_threads::{Lanes, NotEncoded};
pub use encode::{EncodedImage, encode};
pub use format::TYPES;
pub use header::{ImageError, ImageHeader, SENT_PIXELS_MAX, SENT_SIDE_MAX};
pub use store::{ImageStore, StoreError};

/// Longest side of what is kept.
const SIDE_MAX: u32 = 2048;
