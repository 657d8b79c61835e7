//! A product's rooms, by their buyers.

use super::{
    Connection, DbError,
    load_room::{RoomState, load_room_in},
    models::room,
    page_bytes::Space,
};
use crate::domain::{ProductId, RoomId, StoredMessage, UserId};

/// A page of a product's rooms, by their buyers' ids, after one of them, and where the next one goes on. It ends early where
/// its rooms weigh more than `bytes_max`.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_product_rooms(
    conn: &mut Connection,
    product: &ProductId,
    after: Option<&UserId>,
    limit: i64,
    bytes_max: usize,
) -> Result<(Vec<RoomState>, Option<UserId>), DbError> {
    conn.transaction(|conn| {
        let ids = room::list_by_product(conn, product, after.map_or("", UserId::as_str), limit + 1)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut found, mut last, mut space) = (Vec::new(), None, Space::of(bytes_max));
        // One by one: what the next one weighs is known when it is read.
        for (buyer, id) in ids {
            if found.len() == limit {
                return Ok((found, last));
            }
            for (_, state) in load_room_in(conn, &[RoomId::from_stored(id)])? {
                let Some(state) = state? else { continue };
                let words = state.last_message.as_ref().map_or(0, StoredMessage::weight_bytes);
                if !space.takes(state.room.weight_bytes() + words) {
                    return Ok((found, last));
                }
                found.push(state);
            }
            last = Some(UserId::from_stored(buyer));
        }
        Ok((found, None))
    })
}
