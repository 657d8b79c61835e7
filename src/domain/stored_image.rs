//! Images in messages, as they are stored: by their keys. Their addresses are signed and expire, so they are made when a
//! message is shown.

use serde::{Deserialize, Serialize};

use super::Data;

/// Data of a message of the kind `image`, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredImage {
    /// The image's name in the store.
    pub key: String,
    /// The thumbnail's name in the store.
    pub thumbnail_key: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// The image's size in bytes.
    pub bytes: usize,
    /// `image/jpeg` or `image/png`.
    pub content_type: String,
}

impl StoredImage {
    /// Reads a message's data; `None` for anything else.
    #[must_use]
    pub fn parse(data: &Data) -> Option<Self> {
        data.read()
    }
}

/// An image's data as it is stored, from a line of an import; `None` for anything else.
pub fn imported(data: &Data) -> Option<Data> {
    StoredImage::parse(data).map(|image| Data::of(&image))
}
