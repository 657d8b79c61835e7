//! Where images are kept: a folder, or S3 with the feature `s3`.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt as _, sync::Arc};

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload, local::LocalFileSystem, path::Path};
use thiserror::Error;

/// Why images can't be kept or read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The setting names nothing that this build can use.
    #[error("{0}")]
    BadUrl(String),
    /// There is no such image.
    #[error("there is no such image")]
    NotFound,
    /// The store does not answer.
    #[error("the image store does not answer: {0}")]
    Unavailable(String),
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// Keeps images by their keys. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ImageStore(Arc<dyn ObjectStore>);

impl ImageStore {
    /// Opens a folder, which is made for its owner alone when it does not exist, or `s3://bucket/prefix`.
    ///
    /// # Errors
    /// [`StoreError`], with a sentence for the operator.
    pub fn open(place: &str) -> Result<Self, StoreError> {
        match place.split_once("://") {
            Some(("s3", _)) => open_s3(place),
            Some(("file", folder)) => open_folder(folder),
            Some((scheme, _)) => {
                Err(StoreError::BadUrl(format!("--image-store: {scheme}:// is not supported, give a folder or s3://")))
            }
            None => open_folder(place),
        }
    }

    /// Keeps an image.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.0.put(&Path::from(key), PutPayload::from(bytes)).await?;
        Ok(())
    }

    /// Reads an image.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and [`StoreError::Unavailable`].
    pub async fn get(&self, key: &str) -> Result<Bytes, StoreError> {
        Ok(self.0.get(&Path::from(key)).await?.bytes().await?)
    }

    /// Whether an image is there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn has(&self, key: &str) -> Result<bool, StoreError> {
        match self.0.head(&Path::from(key)).await.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes an image; one that is gone already is removed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match self.0.delete(&Path::from(key)).await.map_err(StoreError::from) {
            Err(StoreError::NotFound) => Ok(()),
            other => other,
        }
    }
}

fn open_folder(folder: &str) -> Result<ImageStore, StoreError> {
    let failed = |error: &dyn std::fmt::Display| StoreError::Unavailable(format!("--image-store {folder}: {error}"));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| failed(&error))?;
    let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| failed(&error))?;
    Ok(ImageStore(Arc::new(store)))
}

#[cfg(feature = "s3")]
fn open_s3(url: &str) -> Result<ImageStore, StoreError> {
    use std::time::Duration;

    use object_store::{
        ClientConfigKey, RetryConfig,
        aws::{AmazonS3Builder, AmazonS3ConfigKey},
        prefix::PrefixStore,
    };

    // By itself the crate goes on for three minutes, in which sixteen uploads would keep everybody else's out.
    let retry = RetryConfig { max_retries: 3, retry_timeout: Duration::from_secs(8), ..RetryConfig::default() };
    let builder = AmazonS3Builder::from_env().with_url(url).with_retry(retry);
    let builder = builder.with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), "5s");
    let store = builder.build().map_err(|error| StoreError::BadUrl(format!("--image-store: {error}")))?;
    let prefix = url.splitn(4, '/').nth(3).unwrap_or_default();
    Ok(ImageStore(Arc::new(PrefixStore::new(store, prefix))))
}

#[cfg(not(feature = "s3"))]
fn open_s3(_: &str) -> Result<ImageStore, StoreError> {
    Err(StoreError::BadUrl("--image-store: this build has no S3, build it with --features s3".to_owned()))
}
