//! Rooms in PostgreSQL's own words.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Text},
};

use super::RoomRow;
use crate::db::connection::postgres::Postgres;

/// Writes back what messages and readers moved.
pub(super) fn save(conn: &mut Postgres, rooms: &[&RoomRow]) -> QueryResult<()> {
    if rooms.is_empty() {
        return Ok(());
    }
    let numbers = |field: fn(&RoomRow) -> i64| rooms.iter().map(|room| field(room)).collect::<Vec<_>>();
    conn.execute(
        diesel::sql_query(
            "UPDATE rooms SET created_at = moved.created_at, active_at = moved.active_at, last_seq = moved.last_seq, \
             buyer_read_seq = moved.buyer_read_seq, seller_read_seq = moved.seller_read_seq \
             FROM unnest($1, $2, $3, $4, $5, $6) \
             AS moved (id, created_at, active_at, last_seq, buyer_read_seq, seller_read_seq) \
             WHERE rooms.id = moved.id",
        )
        .bind::<Array<Text>, _>(rooms.iter().map(|room| room.id.as_str()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(numbers(|room| room.created_at))
        .bind::<Array<BigInt>, _>(numbers(|room| room.active_at))
        .bind::<Array<BigInt>, _>(numbers(|room| room.last_seq))
        .bind::<Array<BigInt>, _>(numbers(|room| room.buyer_read_seq))
        .bind::<Array<BigInt>, _>(numbers(|room| room.seller_read_seq)),
    )?;
    Ok(())
}
