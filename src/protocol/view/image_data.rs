//! Images in messages: their addresses are signed and expire, so they are made when a message is shown.

use std::fmt;

use serde::Serialize;

use crate::domain::{Data, stored_image::StoredImage};

/// Makes the address at which an image can be read for a while.
pub trait SignImageUrls: fmt::Debug + Send + Sync {
    /// The address of a key: with the server's own address where it knows that, and else a path of this server.
    fn sign(&self, key: &str) -> String;
}

/// Data of a message of the kind `image`, as a client reads it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageView {
    url: String,
    thumbnail_url: String,
    width: u32,
    height: u32,
    bytes: usize,
    content_type: String,
}

impl ImageView {
    /// The view of an image's data; `None` for anything else.
    pub(super) fn of(data: &Data, signer: &dyn SignImageUrls) -> Option<Self> {
        // A key of ours, which no client may send at the top level of its data: the rest needs no second look.
        let image = data.json().contains("\"thumbnailKey\"").then(|| StoredImage::parse(data)).flatten()?;
        let StoredImage { key, thumbnail_key, width, height, bytes, content_type } = image;
        let (url, thumbnail_url) = (signer.sign(&key), signer.sign(&thumbnail_key));
        Some(Self { url, thumbnail_url, width, height, bytes, content_type })
    }
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

/// An image's data for an export; `None` for anything else.
pub fn exported(data: &Data, signer: &dyn SignImageUrls) -> Option<Data> {
    let stored = StoredImage::parse(data)?;
    let (url, thumbnail_url) = (signer.sign(&stored.key), signer.sign(&stored.thumbnail_key));
    Some(Data::of(&ExportedImage { stored: &stored, url, thumbnail_url }))
}

/// Addresses without a signature, for tests.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct PlainPaths;

#[cfg(test)]
impl SignImageUrls for PlainPaths {
    fn sign(&self, key: &str) -> String {
        format!("/{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::stored_image::imported;

    #[test]
    fn an_exported_image_is_imported_as_it_was_stored() {
        let image =
            r#"{"key":"k.jpg","thumbnailKey":"t.jpg","width":1,"height":2,"bytes":3,"contentType":"image/jpeg"}"#;
        let image = Data::from_json(image.to_owned()).unwrap();
        let out = exported(&image, &PlainPaths).unwrap();
        assert!(out.json().contains(r#""url":"/k.jpg","thumbnailUrl":"/t.jpg""#), "{}", out.json());
        assert_eq!(imported(&out).as_ref(), Some(&image));
        assert_eq!(imported(&Data::of(&true)), None);
    }
}
