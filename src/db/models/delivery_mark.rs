//! How far messages have reached the members' devices: a row per room, once something has that was not read.

use std::collections::HashMap;

use crate::{
    db::{Connection, prelude::*, prepared::one_of, schema::delivery_marks},
    domain::Pair,
};

/// The marks of rooms that have any.
pub(in crate::db) fn find_all<'a>(
    conn: &mut Connection,
    rooms: impl IntoIterator<Item = &'a str>,
) -> QueryResult<HashMap<String, Pair<i64>>> {
    let columns = (delivery_marks::room_id, delivery_marks::buyer_seq, delivery_marks::seller_seq);
    let rows: Vec<(String, i64, i64)> =
        delivery_marks::table.filter(one_of(delivery_marks::room_id, rooms)).select(columns).load(conn)?;
    Ok(rows.into_iter().map(|(room, buyer, seller)| (room, Pair { buyer, seller })).collect())
}

/// Stores the marks of rooms, each of which comes once.
pub(in crate::db) fn save(conn: &mut Connection, marks: &[(&str, Pair<i64>)]) -> QueryResult<()> {
    #[cfg(feature = "postgres")]
    if let Connection::Postgres(conn) = conn {
        return postgres::save(conn, marks);
    }
    // In one process a statement for each costs no more.
    for (room, Pair { buyer, seller }) in marks {
        let seqs = (delivery_marks::buyer_seq.eq(buyer), delivery_marks::seller_seq.eq(seller));
        diesel::insert_into(delivery_marks::table)
            .values((delivery_marks::room_id.eq(room), seqs))
            .on_conflict(delivery_marks::room_id)
            .do_update()
            .set(seqs)
            .execute(conn)?;
    }
    Ok(())
}

/// One statement for all of them, since each is a way to the server.
#[cfg(feature = "postgres")]
mod postgres {
    use diesel::{
        prelude::*,
        sql_types::{Array, BigInt, Text},
    };

    use crate::{db::connection::postgres::Postgres, domain::Pair};

    pub(super) fn save(conn: &mut Postgres, marks: &[(&str, Pair<i64>)]) -> QueryResult<()> {
        conn.execute(
            diesel::sql_query(
                "INSERT INTO delivery_marks (room_id, buyer_seq, seller_seq) SELECT * FROM unnest($1, $2, $3) \
                 ON CONFLICT (room_id) DO UPDATE SET buyer_seq = excluded.buyer_seq, seller_seq = excluded.seller_seq",
            )
            .bind::<Array<Text>, _>(marks.iter().map(|(room, _)| *room).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(marks.iter().map(|(_, seqs)| seqs.buyer).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(marks.iter().map(|(_, seqs)| seqs.seller).collect::<Vec<_>>()),
        )?;
        Ok(())
    }
}
