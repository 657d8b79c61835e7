//! Images whose message was taken back: noted in the transaction that takes it back, removed from the store after it.

use super::{Connection, DbError, prelude::*, schema::discarded_images};
use crate::domain::{Data, stored_image::StoredImage};

/// Notes the files of a message's data, if it is an image's: also for an erasure, before it clears the row.
pub(super) fn discard(conn: &mut Connection, data: Option<&Data>) -> Result<(), DbError> {
    let Some(image) = data.and_then(StoredImage::parse) else { return Ok(()) };
    for key in [image.key, image.thumbnail_key] {
        diesel::insert_into(discarded_images::table)
            .values(discarded_images::key.eq(key))
            .on_conflict_do_nothing()
            .execute(conn)?;
    }
    Ok(())
}

/// Some of the files that are to be removed.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_discarded_images(conn: &mut Connection) -> Result<Vec<String>, DbError> {
    Ok(discarded_images::table.select(discarded_images::key).limit(100).load(conn)?)
}

/// Forgets files that were removed.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn forget_discarded_images(conn: &mut Connection, keys: &[String]) -> Result<(), DbError> {
    diesel::delete(discarded_images::table.filter(discarded_images::key.eq_any(keys))).execute(conn)?;
    Ok(())
}
