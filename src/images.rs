//! Images: made anew from what was sent, and kept in an object store.

mod encode;
mod store;

pub use encode::{Encoded, ImageError, encode};
pub use store::{ImageStore, StoreError};
