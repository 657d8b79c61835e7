//! How many sessions a user may have at once, over all wires.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{domain::UserId, error::ChatError};

/// How many sessions each user has.
#[derive(Debug, Default)]
pub struct SessionPlaces(Mutex<HashMap<UserId, u32>>);

/// One session's place among its user's; free again when this is dropped.
#[derive(Debug)]
pub struct SessionPlace {
    places: Arc<SessionPlaces>,
    user: UserId,
}

impl SessionPlaces {
    /// Takes a place.
    ///
    /// # Errors
    /// `rate_limited` when the user has as many sessions as they may.
    pub fn take(self: &Arc<Self>, user: &UserId, max: Option<NonZeroU32>) -> Result<SessionPlace, ChatError> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = places.entry(user.clone()).or_default();
        if max.is_some_and(|max| *taken >= max.get()) {
            let mut error = ChatError::rate_limited(5000);
            error.message = "this user has as many connections as they may: close one first".into();
            return Err(error);
        }
        *taken += 1;
        Ok(SessionPlace { places: Arc::clone(self), user: user.clone() })
    }
}

impl Drop for SessionPlace {
    fn drop(&mut self) {
        let mut places = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = places.get_mut(&self.user) {
            *taken -= 1;
            if *taken == 0 {
                places.remove(&self.user);
            }
        }
    }
}
