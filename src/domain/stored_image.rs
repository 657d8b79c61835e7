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
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_url: Option<String>,
    width: u32,
    height: u32,
    bytes: usize,
    content_type: &'a str,
}

/// Data of a message of the kind `image`, as an export has it: readable for a while, and importable by its keys.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedImage<'a> {
    #[serde(flatten)]
    stored: &'a StoredImage,
    url: String,
    thumbnail_url: String,
}

/// Makes the address at which an image can be read for a while.
pub trait SignImageUrls: Send + Sync {
    /// The address of a key: with the server's own address where it knows that, and else a path of this server.
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
    if signer.is_none() {
        // Its keys are of no use to anybody, and open it to those who know more than they should.
        log::error!("an image goes out without its addresses: nothing signs them on this thread");
    }
    let sign = |key| signer.as_ref().map(|signer| signer.sign(key));
    SignedImage {
        url: sign(&image.key),
        thumbnail_url: sign(&image.thumbnail_key),
        width: image.width,
        height: image.height,
        bytes: image.bytes,
        content_type: &image.content_type,
    }
    .serialize(serializer)
}

/// An image's data for an export; `None` for anything else.
pub fn exported(data: &Data, signer: &dyn SignImageUrls) -> Option<Data> {
    let stored = StoredImage::parse(data)?;
    let (url, thumbnail_url) = (signer.sign(&stored.key), signer.sign(&stored.thumbnail_key));
    Some(Data::of(&ExportedImage { stored: &stored, url, thumbnail_url }))
}

/// An image's data as it is stored, from a line of an import; `None` for anything else.
pub fn imported(data: &Data) -> Option<Data> {
    StoredImage::parse(data).map(|image| Data::of(&image))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_never_goes_out_by_its_keys() {
        #[derive(Serialize)]
        struct Out(#[serde(serialize_with = "serialize_data")] Option<Data>);
        let image =
            r#"{"key":"k.jpg","thumbnailKey":"t.jpg","width":1,"height":2,"bytes":3,"contentType":"image/jpeg"}"#;
        let out = serde_json::to_string(&Out(Data::from_json(image.to_owned()).ok())).unwrap();
        assert_eq!(out, r#"{"width":1,"height":2,"bytes":3,"contentType":"image/jpeg"}"#);
    }

    #[test]
    fn an_exported_image_is_imported_as_it_was_stored() {
        struct Signer;
        impl SignImageUrls for Signer {
            fn sign(&self, key: &str) -> String {
                format!("/{key}")
            }
        }
        let image =
            r#"{"key":"k.jpg","thumbnailKey":"t.jpg","width":1,"height":2,"bytes":3,"contentType":"image/jpeg"}"#;
        let image = Data::from_json(image.to_owned()).unwrap();
        let out = exported(&image, &Signer).unwrap();
        assert!(out.json().contains(r#""url":"/k.jpg","thumbnailUrl":"/t.jpg""#), "{}", out.json());
        assert_eq!(imported(&out).as_ref(), Some(&image));
        assert_eq!(imported(&Data::of(&true)), None);
    }
}
