//! Images in messages: what is stored of them, and how their addresses come into what a client reads.
//!
//! A message stores an image's key alone. Its addresses are signed and expire, so they are made when the message is
//! written out, by the signer of the thread that writes: whichever way a message takes, it never leaves with an old one.

use std::{cell::RefCell, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use super::Data;

/// Data of a message of the kind `image`, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// Data of a message of the kind `image`, as a client reads it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignedImage<'a> {
    url: String,
    thumbnail_url: String,
    width: u32,
    height: u32,
    bytes: usize,
    content_type: &'a str,
}

/// Makes the address at which an image can be read for a while.
pub trait SignImageUrls: Send + Sync {
    /// The address of a key, as a path of this server.
    fn sign(&self, key: &str) -> String;
}

thread_local! {
    static SIGNER: RefCell<Option<Arc<dyn SignImageUrls>>> = const { RefCell::new(None) };
}

/// From now on messages that this thread writes out have their images' addresses. Each thread belongs to one server.
pub fn sign_on_this_thread(signer: Arc<dyn SignImageUrls>) {
    SIGNER.with_borrow_mut(|place| *place = Some(signer));
}

/// Writes a message's data: with the addresses of its image, where it is one.
pub(super) fn serialize_data<S: Serializer>(data: &Option<Data>, serializer: S) -> Result<S::Ok, S::Error> {
    // A key of ours, which no client may send at the top level of its data: the rest needs no second look.
    let image = data.as_ref().filter(|data| data.json().contains("\"thumbnailKey\"")).and_then(StoredImage::parse);
    let Some(image) = image else { return data.serialize(serializer) };
    let signer = SIGNER.with_borrow(Clone::clone);
    match signer {
        Some(signer) => SignedImage {
            url: signer.sign(&image.key),
            thumbnail_url: signer.sign(&image.thumbnail_key),
            width: image.width,
            height: image.height,
            bytes: image.bytes,
            content_type: &image.content_type,
        }
        .serialize(serializer),
        None => data.serialize(serializer),
    }
}
