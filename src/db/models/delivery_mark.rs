//! How far messages have reached the members' devices: a row per room, once something has that was not read.

use crate::{
    db::{Connection, prelude::*, schema::delivery_marks},
    domain::Role,
};

/// Notes how far messages have reached a member's device, unless more is known. Returns how far that is now, and whether it is
/// news.
pub(in crate::db) fn raise(conn: &mut Connection, room: &str, role: Role, seq: i64) -> QueryResult<(i64, bool)> {
    let Some(known) = find_seqs(conn, room)? else {
        let (buyer, seller) = with(role, seq, (0, 0));
        diesel::insert_into(delivery_marks::table)
            .values((
                delivery_marks::room_id.eq(room),
                delivery_marks::buyer_seq.eq(buyer),
                delivery_marks::seller_seq.eq(seller),
            ))
            .execute(conn)?;
        return Ok((seq, seq > 0));
    };
    let known_seq = of(role, known);
    if seq <= known_seq {
        return Ok((known_seq, false));
    }
    let (buyer, seller) = with(role, seq, known);
    diesel::update(delivery_marks::table.find(room))
        .set((delivery_marks::buyer_seq.eq(buyer), delivery_marks::seller_seq.eq(seller)))
        .execute(conn)?;
    Ok((seq, true))
}

/// How far that is noted for a member; 0 where nothing is.
pub(in crate::db) fn find(conn: &mut Connection, room: &str, role: Role) -> QueryResult<i64> {
    Ok(find_seqs(conn, room)?.map_or(0, |seqs| of(role, seqs)))
}

fn find_seqs(conn: &mut Connection, room: &str) -> QueryResult<Option<(i64, i64)>> {
    let columns = (delivery_marks::buyer_seq, delivery_marks::seller_seq);
    delivery_marks::table.find(room).select(columns).get_result(conn).optional()
}

const fn of(role: Role, (buyer, seller): (i64, i64)) -> i64 {
    match role {
        Role::Buyer => buyer,
        Role::Seller => seller,
    }
}

const fn with(role: Role, seq: i64, (buyer, seller): (i64, i64)) -> (i64, i64) {
    match role {
        Role::Buyer => (seq, seller),
        Role::Seller => (buyer, seq),
    }
}
