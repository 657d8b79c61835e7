//! Images: taken in, encoded again, and kept.

pub(super) mod uploads;

use std::time::Duration;

use self::uploads::{Received, Upload, Uploads};
use crate::{
    domain::{UserId, stored_image::StoredImage},
    error::{ChatError, ErrorCode},
    images::{EncodedImage, ImageError, ImageHeader, ImageStore, Lanes, NotEncoded, StoreError},
};

/// How long an upload waits for the user's earlier one to be read, and how long its image waits to be decoded.
pub(super) const TURN_MAX: Duration = Duration::from_secs(60);

/// Takes images in, and keeps them.
#[derive(Debug)]
pub struct Images {
    store: ImageStore,
    uploads: Uploads,
    lanes: Lanes,
}

impl Images {
    /// Keeps images in a store, each of at most this many bytes as sent.
    #[must_use]
    pub fn new(store: ImageStore, image_bytes_max: usize) -> Self {
        Self { store, uploads: Uploads::new(image_bytes_max), lanes: Lanes::default() }
    }

    /// Where they are kept.
    #[must_use]
    pub fn store(&self) -> ImageStore {
        self.store.clone()
    }

    /// Accepts an upload of a user.
    pub(super) fn accept_upload(&self, user: &UserId) -> Result<Upload, ChatError> {
        self.uploads.accept(user)
    }

    /// Makes an image and its thumbnail of what a user sent.
    pub(super) async fn encode(&self, user: &UserId, sent: Received) -> Result<EncodedImage, ChatError> {
        let header = ImageHeader::read(sent.as_ref()).map_err(refusal)?;
        let encoded = self.lanes.encode(user.clone().into(), header, sent);
        // An upload past its deadline has left the queue: what it sent is dropped when its turn comes.
        let encoded = tokio::time::timeout(TURN_MAX, encoded).await.map_err(|_| ChatError::unavailable())?;
        encoded.map_err(|refused| match refused {
            NotEncoded::Image(error) => refusal(error),
            NotEncoded::Failed => ChatError::internal(&refused),
        })
    }

    pub(super) async fn keep(&self, encoded: EncodedImage) -> Result<StoredImage, StoreError> {
        // 122 random bits: nobody can guess an address, with or without a signature.
        let name = uuid::Uuid::new_v4().simple().to_string();
        let image = StoredImage {
            key: format!("{name}.{}", encoded.extension),
            thumbnail_key: format!("{name}_thumbnail.{}", encoded.extension),
            width: encoded.width,
            height: encoded.height,
            bytes: encoded.image.len(),
            content_type: encoded.content_type().to_owned(),
        };
        self.store.put(&image.key, encoded.image).await?;
        self.store.put(&image.thumbnail_key, encoded.thumbnail).await?;
        Ok(image)
    }

    pub(super) async fn discard(&self, image: &StoredImage) {
        for key in [&image.key, &image.thumbnail_key] {
            if let Err(error) = self.store.delete(key).await {
                log::warn!("an image that no message has was left behind: {error}");
            }
        }
    }
}

fn refusal(error: ImageError) -> ChatError {
    match error {
        ImageError::TooManyPixels { .. } | ImageError::TooMuchToDecode => {
            ChatError::new(ErrorCode::TooLarge, error.to_string())
        }
        ImageError::UnknownFormat(_) | ImageError::Damaged => ChatError::invalid(error.to_string()),
    }
}
