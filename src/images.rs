//! Images: encoded again from what was sent, and kept in an object store.

mod color_profile;
mod decode;
mod encode;
mod format;
mod header;
mod lanes;
mod shrink;
mod store;

pub use encode::{EncodedImage, encode};
pub use format::TYPES;
pub use header::{ImageError, ImageHeader, SENT_PIXELS_MAX, SENT_SIDE_MAX};
pub use lanes::{Lanes, NotEncoded};
pub use store::{ImageStore, StoreError};

/// Longest side of what is kept.
const SIDE_MAX: u32 = 2048;
