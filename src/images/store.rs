//! Where images are kept: a folder, or S3 with the feature `s3`.

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path,
    sync::Arc,
};

use actix_web::rt::task::spawn_blocking;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, future::ready, stream};
use object_store::{GetOptions, ObjectStore, ObjectStoreExt as _, PutPayload, local::LocalFileSystem, path::Path};
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
pub struct ImageStore {
    store: Arc<dyn ObjectStore>,
    /// How much of an image is read at once.
    part_bytes: u64,
    /// The same store, where it is a folder: S3 answers when it has an image for good.
    folder: Option<LocalFileSystem>,
}

/// Of a folder: what is read while a client takes the part before.
const FOLDER_PART_BYTES: u64 = 64 * 1024;

/// Of S3, where each part is a request of its own.
#[cfg(feature = "s3")]
const S3_PART_BYTES: u64 = 256 * 1024;

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

    /// Keeps an image. It is on the disk when this returns: a message that names it may be committed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let key = Path::from(key);
        self.store.put(&key, PutPayload::from(bytes)).await?;
        let Some(folder) = &self.folder else { return Ok(()) };
        let file = folder.path_to_filesystem(&key)?;
        let synced =
            spawn_blocking(move || sync_file(&file)).await.unwrap_or_else(|error| Err(io::Error::other(error)));
        synced.map_err(|error| StoreError::Unavailable(format!("an image is not on the disk: {error}")))
    }

    /// Reads an image part by part, each when it is asked for: a client that does not read holds one part. Returns how many
    /// bytes it has, and its parts.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and [`StoreError::Unavailable`], also for each later part.
    pub async fn read(
        &self,
        key: &str,
    ) -> Result<(u64, impl Stream<Item = Result<Bytes, StoreError>> + use<>), StoreError> {
        let path = Path::from(key);
        let options = GetOptions { range: Some((0..self.part_bytes).into()), ..GetOptions::default() };
        let first = self.store.get_opts(&path, options).await?;
        let size = first.meta.size;
        let first = first.bytes().await?;
        let (store, part_bytes, read) = (Arc::clone(&self.store), self.part_bytes, first.len() as u64);
        let rest = stream::try_unfold(read, move |from| {
            let (store, path) = (Arc::clone(&store), path.clone());
            async move {
                if from >= size {
                    return Ok(None);
                }
                let part = store.get_range(&path, from..size.min(from + part_bytes)).await?;
                // It was replaced by a shorter one, which never happens to an image.
                let read = u64::try_from(part.len()).ok().filter(|read| *read > 0).ok_or(StoreError::NotFound)?;
                Ok(Some((part, from + read)))
            }
        });
        Ok((size, stream::once(ready(Ok(first))).chain(rest)))
    }

    /// Whether an image is there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn has(&self, key: &str) -> Result<bool, StoreError> {
        match self.store.head(&Path::from(key)).await.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes an image; an image that does not exist counts as removed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match self.store.delete(&Path::from(key)).await.map_err(StoreError::from) {
            Err(StoreError::NotFound) => Ok(()),
            other => other,
        }
    }
}

fn open_folder(folder: &str) -> Result<ImageStore, StoreError> {
    let failed = |error: &dyn std::fmt::Display| StoreError::Unavailable(format!("--image-store {folder}: {error}"));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| failed(&error))?;
    let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| failed(&error))?;
    // Where it was just made.
    sync_folder_of(path::Path::new(folder)).map_err(|error| failed(&error))?;
    Ok(ImageStore { store: Arc::new(store.clone()), part_bytes: FOLDER_PART_BYTES, folder: Some(store) })
}

/// Returns when the disk has a file and its name.
fn sync_file(file: &path::Path) -> io::Result<()> {
    File::open(file)?.sync_all()?;
    sync_folder_of(file)
}

/// Returns when the disk has the names in the folder of a file.
fn sync_folder_of(file: &path::Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(path::Path::new("."));
    match File::open(folder)?.sync_all() {
        // A file system that keeps names in its own way.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        outcome => outcome,
    }
}

#[cfg(feature = "s3")]
fn open_s3(url: &str) -> Result<ImageStore, StoreError> {
    use std::time::Duration;

    use object_store::{
        ClientConfigKey, RetryConfig,
        aws::{AmazonS3Builder, AmazonS3ConfigKey},
        prefix::PrefixStore,
    };

    // By itself the crate goes on for three minutes, in which an upload keeps its user's others waiting.
    let retry = RetryConfig { max_retries: 3, retry_timeout: Duration::from_secs(8), ..RetryConfig::default() };
    let builder = AmazonS3Builder::from_env().with_url(url).with_retry(retry);
    let builder = builder.with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), "5s");
    let store = builder.build().map_err(|error| StoreError::BadUrl(format!("--image-store: {error}")))?;
    let prefix = url.splitn(4, '/').nth(3).unwrap_or_default();
    Ok(ImageStore { store: Arc::new(PrefixStore::new(store, prefix)), part_bytes: S3_PART_BYTES, folder: None })
}

#[cfg(not(feature = "s3"))]
fn open_s3(_: &str) -> Result<ImageStore, StoreError> {
    Err(StoreError::BadUrl("--image-store: this build has no S3, build it with --features s3".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_does_not_reach_the_disk_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = ImageStore::open(folder.path().join("images").to_str().unwrap()).unwrap();
        actix_web::rt::System::new().block_on(async {
            store.put("a.png", vec![1, 2, 3]).await.unwrap();
            let (bytes, _) = store.read("a.png").await.unwrap();
            assert_eq!(bytes, 3);
        });
        assert!(sync_file(&folder.path().join("images/a.png")).is_ok());
        assert!(sync_file(&folder.path().join("images/b.png")).is_err(), "there is nothing to be synced");
    }
}
