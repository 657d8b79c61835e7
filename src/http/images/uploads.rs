//! The uploads under way, and how much of each has arrived.
//!
//! What an upload costs others is memory, so what is shared is counted in bytes that have come in, and each user has a share
//! of them. A slow upload costs as little as it has sent, and only its own sender waits for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    domain::UserId,
    error::{ChatError, ErrorCode},
};

/// Uploads of one user that are accepted at once. One of them is read at a time.
pub(in crate::http) const UPLOADS_PER_USER_MAX: usize = 2;

/// Bytes of all users' uploads that are kept at once; at least four of the largest.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long an upload may take whatever it sends.
const GRACE: Duration = Duration::from_secs(20);

/// After that it must have sent this many bytes…
const PACE_BYTES: usize = 256 * 1024;

/// … for each of these.
const PACE_TIME: Duration = Duration::from_secs(10);

/// All uploads under way.
#[derive(Debug, Clone)]
pub(in crate::http) struct Uploads {
    state: Arc<Mutex<UploadsState>>,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct UploadsState {
    users: HashMap<UserId, UserUploads>,
    bytes: usize,
}

#[derive(Debug)]
struct UserUploads {
    uploads: usize,
    bytes: usize,
    /// Whose turn it is among the user's uploads.
    turn: Arc<Semaphore>,
}

impl Uploads {
    pub(in crate::http) fn new(image_bytes_max: usize) -> Self {
        Self { state: Arc::default(), bytes_max: BYTES_MAX.max(4 * image_bytes_max) }
    }

    /// Accepts an upload of a user.
    ///
    /// # Errors
    /// `rate_limited` when they have as many under way as they may have.
    pub(in crate::http) fn accept(&self, user: &UserId) -> Result<Upload, ChatError> {
        let mut state = lock(&self.state);
        let new = || UserUploads { uploads: 0, bytes: 0, turn: Arc::new(Semaphore::new(1)) };
        let share = state.users.entry(user.clone()).or_insert_with(new);
        if share.uploads >= UPLOADS_PER_USER_MAX {
            return Err(ChatError::rate_limited(1000));
        }
        share.uploads += 1;
        let turn = Arc::clone(&share.turn);
        drop(state);
        Ok(Upload { uploads: self.clone(), user: user.clone(), turn })
    }
}

/// An upload under way; it ends when it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Upload {
    uploads: Uploads,
    user: UserId,
    turn: Arc<Semaphore>,
}

impl Upload {
    /// Waits until the user's earlier uploads have been read and decoded: one body of each user is in memory at a time.
    pub(in crate::http) async fn turn(&self) -> Received {
        let turn = Arc::clone(&self.turn).acquire_owned().await.ok();
        Received { uploads: self.uploads.clone(), user: self.user.clone(), bytes: 0, image: Vec::new(), _turn: turn }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut state = lock(&self.uploads.state);
        if let Some(share) = state.users.get_mut(&self.user) {
            share.uploads -= 1;
        }
        state.forget(&self.user);
    }
}

impl UploadsState {
    fn forget(&mut self, user: &UserId) {
        if self.users.get(user).is_some_and(|share| share.uploads == 0 && share.bytes == 0) {
            self.users.remove(user);
        }
    }
}

/// What has arrived of an upload. Its bytes count for as long as it lives, also while its image waits to be decoded after
/// its client has disconnected.
#[derive(Debug)]
pub(in crate::http) struct Received {
    uploads: Uploads,
    user: UserId,
    bytes: usize,
    image: Vec<u8>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Received {
    /// Counts bytes before they are kept.
    ///
    /// # Errors
    /// `rate_limited` when all users together keep as many as they may, and this one more than an equal share.
    pub(in crate::http) fn count(&mut self, bytes: usize) -> Result<(), ChatError> {
        let mut state = lock(&self.uploads.state);
        let users = state.users.values().filter(|share| share.bytes > 0).count().max(1);
        let UploadsState { users: shares, bytes: all } = &mut *state;
        let Some(share) = shares.get_mut(&self.user) else { return Err(ChatError::unavailable()) };
        let equal = self.uploads.bytes_max / users;
        if *all + bytes > self.uploads.bytes_max && share.bytes + bytes > equal {
            return Err(ChatError::rate_limited(5000));
        }
        share.bytes += bytes;
        *all += bytes;
        self.bytes += bytes;
        Ok(())
    }

    /// Keeps a part of the image.
    ///
    /// # Errors
    /// As [`Self::count`].
    pub(in crate::http) fn keep(&mut self, part: &[u8]) -> Result<(), ChatError> {
        self.count(part.len())?;
        self.image.extend_from_slice(part);
        Ok(())
    }

    /// Forgets an image that another one follows. Its bytes count on.
    pub(in crate::http) fn restart(&mut self) {
        self.image.clear();
    }

    /// How much of the image has come in.
    pub(in crate::http) fn image_bytes(&self) -> usize {
        self.image.len()
    }
}

impl AsRef<[u8]> for Received {
    fn as_ref(&self) -> &[u8] {
        &self.image
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        let mut state = lock(&self.uploads.state);
        state.bytes -= self.bytes;
        if let Some(share) = state.users.get_mut(&self.user) {
            share.bytes -= self.bytes;
        }
        state.forget(&self.user);
    }
}

fn lock(state: &Mutex<UploadsState>) -> MutexGuard<'_, UploadsState> {
    // Nothing that holds it panics half-way.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How fast an upload must come in.
#[derive(Debug)]
pub(in crate::http) struct Pace {
    began: Instant,
    bytes: usize,
}

impl Pace {
    pub(in crate::http) fn begin() -> Self {
        Self { began: Instant::now(), bytes: 0 }
    }

    pub(in crate::http) fn received(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// When the next bytes must have come.
    pub(in crate::http) fn deadline(&self) -> Instant {
        let steps = u32::try_from(self.bytes / PACE_BYTES).unwrap_or(u32::MAX);
        self.began + GRACE + PACE_TIME.saturating_mul(steps)
    }

    /// The answer to an upload that was too slow.
    pub(in crate::http) fn too_slow() -> ChatError {
        ChatError::new(ErrorCode::Invalid, "the upload was too slow: at least 256 KiB must arrive per 10 s")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const MEGABYTE: usize = 1024 * 1024;

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    fn turn(upload: &Upload) -> Option<Received> {
        upload.turn().now_or_never()
    }

    #[test]
    fn one_body_of_a_user_is_read_at_a_time_and_a_third_upload_is_refused() {
        let uploads = Uploads::new(10 * MEGABYTE);
        let first = uploads.accept(&user("mallory")).unwrap();
        let second = uploads.accept(&user("mallory")).unwrap();
        assert_eq!(uploads.accept(&user("mallory")).unwrap_err().code, ErrorCode::RateLimited);
        let received = turn(&first).unwrap();
        assert!(turn(&second).is_none(), "the second waits for the first");
        assert!(turn(&uploads.accept(&user("bob")).unwrap()).is_some(), "bob does not wait for mallory");
        drop(received);
        assert!(turn(&second).is_some());
        drop((first, second));
        assert!(lock(&uploads.state).users.is_empty());
    }

    #[test]
    fn a_body_counts_until_it_is_dropped_also_when_its_request_has_gone() {
        let uploads = Uploads::new(10 * MEGABYTE);
        let upload = uploads.accept(&user("mallory")).unwrap();
        let mut received = turn(&upload).unwrap();
        received.keep(&[1; 100]).unwrap();
        drop(upload);
        let next = uploads.accept(&user("mallory")).unwrap();
        assert!(turn(&next).is_none());
        assert_eq!(lock(&uploads.state).bytes, 100);
        drop((received, next));
        let state = lock(&uploads.state);
        assert_eq!((state.bytes, state.users.len()), (0, 0));
    }

    #[test]
    fn who_keeps_more_than_an_equal_share_gives_way_when_all_is_taken() {
        let uploads = Uploads::new(10 * MEGABYTE);
        let names: Vec<_> = (0..7).map(|number| user(&format!("m{number}"))).collect();
        let accepted: Vec<_> = names.iter().map(|name| uploads.accept(name).unwrap()).collect();
        let mut bodies: Vec<_> = accepted.iter().map(|upload| turn(upload).unwrap()).collect();
        for body in &mut bodies {
            let _ = body.count(9 * MEGABYTE);
        }
        let bob = uploads.accept(&user("bob")).unwrap();
        let mut body = turn(&bob).unwrap();
        assert!(body.count(5 * MEGABYTE).is_ok(), "bob has less than an equal share");
        assert_eq!(bodies[0].count(MEGABYTE).unwrap_err().code, ErrorCode::RateLimited);
        assert!(lock(&uploads.state).bytes <= 2 * BYTES_MAX);
    }

    #[test]
    fn an_upload_must_keep_its_pace_after_a_while() {
        let mut pace = Pace::begin();
        assert_eq!(pace.deadline() - pace.began, GRACE);
        pace.received(PACE_BYTES - 1);
        assert_eq!(pace.deadline() - pace.began, GRACE);
        pace.received(10 * PACE_BYTES);
        assert_eq!(pace.deadline() - pace.began, GRACE + 10 * PACE_TIME);
    }
}
